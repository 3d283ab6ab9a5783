"""The expression language: what it means, and that everything else is refused with a column."""

from __future__ import annotations

import time
from fractions import Fraction

import mpmath
import pytest
from expression_trees import MEANINGS, Formula, formulas
from flint import arb, ctx
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gradlemma.errors import ProblemError
from gradlemma.problem.expression import FUNCTIONS, parse_expression
from proofs.kernel.intervals import evaluate
from proofs.kernel.univariate import argument, call, constant, number_pi

M = mpmath.mp
T = argument()

EXACT = {
    "t": T,
    " 2 * t ": T.scaled(Fraction(2)),
    "t/10": T.scaled(Fraction(1, 10)),
    "0.1*t": T.scaled(Fraction(1, 10)),
    "1e-3": constant(Fraction(1, 1000)),
    "2/3": constant(Fraction(2, 3)),
    "-t^2": (T * T).scaled(Fraction(-1)),
    "(-t)^2": T * T,
    "t - 1 - 2": T + constant(-3),
    "8/2/2": constant(2),
    "2*-t": T.scaled(Fraction(-2)),
    "--t": T,
    "t^0": constant(1),
    "t^3": T.power(3),
    "2 + log(t - 1)": constant(2) + call("log", T + constant(-1)),
    "1/(1 + t^2)": call("inverse", constant(1) + T * T),
    "tanh(2*t)": call("tanh", 2),
    "Phi(t)": call("normal_cdf"),
    "pi": number_pi(),
    "exp(0) + cos(0) + sigmoid(0) + log(1) + sqrt(9/4)": constant(4),
    "t - t": constant(0),
    "1/4/(1/2)": constant(Fraction(1, 2)),
}


@pytest.mark.parametrize("text", EXACT)
def test_expressions_are_read_exactly(text: str) -> None:
    assert parse_expression(text) == EXACT[text]


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_means_what_its_name_says(name: str) -> None:
    expression = parse_expression(f"{name}(t)")
    with ctx.workprec(120), M.workdps(40):
        for point in ("0.25", "1.5"):
            ball = evaluate(expression, arb(point))
            assert ball.overlaps(arb(mpmath.nstr(MEANINGS[name][0](M.mpf(point)), 38)))
            assert ball.rad() < arb("1e-30")


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"tan", "log"}))
def test_functions_of_nothing_are_their_values_at_zero(name: str) -> None:
    with ctx.workprec(120), M.workdps(40):
        ball = evaluate(parse_expression(f"{name}(0)"), arb(0))
        assert ball.overlaps(arb(mpmath.nstr(MEANINGS[name][0](M.mpf(0)), 38)))


@settings(max_examples=300)
@given(formulas, st.sampled_from([Fraction(-7, 4), Fraction(-1, 3), Fraction(1, 2), Fraction(9, 5)]))
def test_a_formula_has_the_value_that_python_gives_it(formula: Formula, point: Fraction) -> None:
    try:
        expression = parse_expression(formula.text)
    except ProblemError as error:
        assert error.kind == "limit", (formula.text, str(error))
        return
    with ctx.workprec(300), M.workdps(80):
        ball = evaluate(expression, arb(point.numerator) / point.denominator)
        value = formula.value(M.mpf(point.numerator) / point.denominator)
        assume(abs(value) < 1e30 and ball.is_finite() and ball.rad() < arb("1e-20"))
        assert ball.overlaps(arb(mpmath.nstr(value, 70)) + arb(0, 1e-25)), formula.text


# text -> (column, words of the message, words of the remedy)
REFUSED = {
    "": (1, "nothing", "write t"),
    "t +": (4, "the end", ""),
    "(t": (3, "the ) of column 1", ""),
    "t)": (2, "')'", ""),
    "2t": (2, "'t'", "2*t"),
    "(t)(t)": (4, "'('", "2*t"),
    "tanh": (5, "( after tanh", "tanh(t)"),
    "tanh t": (6, "'t'", "tanh(t)"),
    "tanh()": (6, "')'", ""),
    "t**2": (2, "'**'", "write ^"),
    "t^t": (3, "whole number", "exp"),
    "t^-1": (3, "whole number", "1/"),
    "t^0.5": (3, "whole number", "sqrt"),
    "t^17": (3, "at most 16", ""),
    "t^999999999": (3, "at most 16", ""),
    "9^9^9": (4, "second", "parentheses"),
    "t^\N{ARABIC-INDIC DIGIT TWO}": (3, "arabic", ""),
    "x": (1, "'x'", "did you mean t?"),
    "tan h(t)": (5, "( after tan", ""),
    "tanch(t)": (1, "'tanch'", "did you mean tanh?"),
    "abs(t)": (1, "'abs'", "piece"),
    "max(t, 0)": (6, "','", ""),
    "pi(3)": (3, "'('", "2*t"),
    "\N{CYRILLIC SMALL LETTER TE}": (1, "cyrillic", ""),
    "t \N{MULTIPLICATION SIGN} 2": (3, "multiplication sign", "write *"),
    "\N{GREEK SMALL LETTER PI}*t": (1, "pi", "write pi"),
    "1/0": (2, "divisor is 0", ""),
    "t/(t - t)": (2, "divisor is 0", ""),
    "sqrt(-1)": (1, "square root of -1", ""),
    "log(0)": (1, "logarithm of 0", ""),
    "017": (1, "leading zeros", ""),
    "1e999": (1, "exponent", ""),
    "1e200*t": (1, "1e100", "rescale"),
    "__import__('os')": (12, '"\'"', ""),
    "t; t": (2, "';'", ""),
    "t.real": (2, "'.'", ""),
    "\\input{x}": (1, "\\\\", ""),
    "a" * 33: (1, "at most 32", ""),
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_expression_is_refused_with_its_column(text: str) -> None:
    column, words, remedy = REFUSED[text]
    with pytest.raises(ProblemError) as caught:
        parse_expression(text)
    assert caught.value.message.startswith(f"column {column}: "), str(caught.value)
    assert words in caught.value.message
    assert caught.value.remedy and remedy in caught.value.remedy


LARGE = {
    "length": "t" * 1001,
    "tokens": "+".join("t" * 300),
    "parentheses": "(" * 13 + "t" + ")" * 13,
    "functions": "exp(" * 13 + "t" + ")" * 13,
    "expansion": "((1 + t + exp(t) + sin(t))^16)^16",
    "degree": "t^16*t^16*t^16*t^16*t",
    "bits": "((99999999^16)^16)^16",
    "nested_expansion": "(t+exp((t+exp((t+exp((t+exp((t+exp(t))^8))^8))^8))^8))^8",
    "doubling": "tan(" * 10 + "t" + ")" * 10,
    "products": "*".join(["(t+exp(t)+sin(t)+cos(t)+tanh(t)+1)"] * 20),
    "digits": "9" * 101,
}


@pytest.mark.parametrize("name", LARGE)
def test_expressions_that_grow_are_refused_before_they_do(name: str) -> None:
    start = time.process_time()
    with pytest.raises(ProblemError) as caught:
        parse_expression(LARGE[name])
    assert caught.value.kind == "limit"
    assert time.process_time() - start < 1


def test_other_things_than_text_are_refused() -> None:
    for given_ in (None, 1, 0.5, b"t", ["t"]):
        with pytest.raises(ProblemError, match="as text"):
            parse_expression(given_)  # type: ignore[arg-type]
