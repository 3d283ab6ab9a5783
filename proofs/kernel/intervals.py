"""The ball reading of univariate expressions: enclosures of their values."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from flint import arb, ctx, fmpq

from proofs.errors import KernelError

from .univariate import Call, Expression

__all__ = ["ball", "call_value", "evaluate", "evaluate_all", "hull", "plain_call", "to_fmpq"]


def to_fmpq(value: Fraction) -> fmpq:
    return fmpq(value.numerator, value.denominator)


def ball(value: fmpq | Fraction) -> arb:
    return arb(to_fmpq(value) if isinstance(value, Fraction) else value)


def hull(lower: arb, upper: arb) -> arb:
    return lower.union(upper)


def call_value(inner: Call, t: arb) -> arb:
    """The call's values on a ball; where that fails on a wide ball, its whole range."""
    rate = inner.rate
    x = evaluate(inner.argument, t) if rate is None else t if rate == 1 else t * ball(rate)
    value = plain_call(inner.name, x)
    if value.is_finite() or inner.name not in BOUNDED or x.is_nan():
        return value
    return BOUNDED[inner.name]


# Balls around all values of the bounded functions.
UNIT = arb(0).union(arb(1))
BOUNDED = {"tanh": arb(0, 1), "sigmoid": UNIT, "normal_cdf": UNIT, "normal_pdf": UNIT,
           "sin": arb(0, 1), "cos": arb(0, 1)}  # fmt: skip


def plain_call(name: str, x: arb) -> arb:
    """The named function's values on a ball x; not finite where the ball leaves its domain."""
    match name:
        case "exp":
            return x.exp()
        case "tanh":
            return x.tanh()
        case "sigmoid":
            return _sigmoid(x)
        case "softplus":
            return _softplus(x)
        case "normal_cdf":
            return (arb(1) + (x / arb(2).sqrt()).erf()) / 2
        case "normal_pdf":
            return (-(x * x) / 2).exp() / (2 * arb.pi()).sqrt()
        case "sin":
            return x.sin()
        case "cos":
            return x.cos()
        case "inverse":
            return 1 / x
        case "sqrt":
            return x.sqrt()
        case "log":
            return x.log()
        case "pi":
            return arb.pi()
        case _:
            raise KernelError(f"no ball reading is known for {name!r}")


def _sigmoid(x: arb) -> arb:
    return (arb(1) + (x / 2).tanh()) / 2


def _softplus(x: arb) -> arb:
    """log(1 + e^x), increasing: the hull of its values at the two exact ends."""
    ends = [(-abs(end)).exp().log1p() + (end if end >= 0 else arb(0)) for end in (x.lower(), x.upper())]
    return hull(*ends)


@dataclass(frozen=True, slots=True)
class _Compiled:
    """An expression ready for evaluation: its calls, and its terms with ball coefficients."""

    calls: tuple[Call, ...]
    terms: tuple[tuple[arb, int, tuple[tuple[int, int], ...]], ...]


@lru_cache(maxsize=512)
def _compiled(expression: Expression, precision: int) -> _Compiled:
    with ctx.workprec(precision):
        occurring = [inner for inner in expression.indeterminates() if inner is not None]
        # Calls without t are evaluated once.
        fixed = {inner: call_value(inner, arb(0)) for inner in occurring if inner.argument.is_constant}
        calls = tuple(sorted(inner for inner in occurring if inner not in fixed))
        place = {inner: number for number, inner in enumerate(calls)}
        terms: list[tuple[arb, int, tuple[tuple[int, int], ...]]] = []
        for (degree, powers), coefficient in expression.terms:
            factor = ball(coefficient)
            for inner, exponent in powers:
                if inner in fixed:
                    factor = factor * _power(fixed[inner], exponent)
            moving = tuple((place[inner], exponent) for inner, exponent in powers if inner in place)
            terms.append((factor, degree, moving))
    return _Compiled(calls, tuple(terms))


def _power(x: arb, exponent: int) -> arb:
    """x^n for n >= 1 by products; for even n and a ball around 0 the hull of 0 and the largest value."""
    if exponent == 1:
        return x
    base, result, rest = (x.abs_upper() if exponent % 2 == 0 and x.contains(0) else x), arb(1), exponent
    while rest:
        if rest & 1:
            result = result * base
        base, rest = base * base, rest >> 1
    return hull(arb(0), result) if exponent % 2 == 0 and x.contains(0) else result


def evaluate(expression: Expression, t: arb) -> arb:
    """A ball that contains the expression's values on the ball t."""
    return evaluate_all(expression, [t])[0]


def evaluate_all(expression: Expression, points: list[arb]) -> list[arb]:
    """`evaluate` at every one of several balls."""
    compiled = _compiled(expression, ctx.prec)
    found: list[arb] = []
    for t in points:
        values = [call_value(inner, t) for inner in compiled.calls]
        total = arb(0)
        for coefficient, degree, powers in compiled.terms:
            term = coefficient if degree == 0 else coefficient * _power(t, degree)
            for number, exponent in powers:
                term = term * _power(values[number], exponent)
            total = total + term
        found.append(total)
    return found
