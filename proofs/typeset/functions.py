"""Functions of one variable as LaTeX: expressions, pieces, periods."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from proofs.kernel.domains import jumps
from proofs.kernel.univariate import Call, Expression, Function, Univariate, Unspecified, call
from proofs.kernel.univariate import Piece as FunctionPiece

from .layout import Inline, math
from .names import function_latex
from .numerals import decimal_down, exact_latex, is_short

__all__ = ["expression_latex", "function_definition"]

_CALLS = {
    "exp": r"e^{@}", "tanh": r"\tanh(@)", "sigmoid": r"\operatorname{sigmoid}(@)",
    "softplus": r"\log(1+e^{@})",
    "normal_cdf": r"\Phi(@)", "normal_pdf": r"\Phi'(@)", "sin": r"\sin(@)", "cos": r"\cos(@)",
    "sqrt": r"\sqrt{@}", "log": r"\log(@)", "pi": r"\pi",
}  # fmt: skip
_SAME = frozenset({"tanh", "sin"})


def function_definition(function: Function) -> tuple[Inline, ...]:
    """`sigma(t) = ...` by its pieces; nothing for a function that everybody knows by that name.

    For an unspecified function the properties that rules use: they are part of the hypotheses.
    """
    if isinstance(function, Unspecified):
        kind = "analytic" if function.is_analytic else "continuous and piecewise analytic"
        return (math(rf"{function_latex(function)}:\mathbb{{R}}\to\mathbb{{R}}"), f" is any {kind} function.")
    name = f"{function_latex(function)}(t)"
    is_own = function.is_analytic and function.pieces[0].expression == _call_of(function.name)
    if is_own and function.name in _SAME:
        return ()
    if is_own and function.name == "sigmoid":
        return (math(rf"{name}=1/(1+e^{{-t}})"), ".")
    if function.is_analytic:
        return _analytic(name, expression_latex(function.pieces[0].expression))
    return (math(rf"{name}=\begin{{cases}} {_rows(function)} \end{{cases}}"), *_continued(name, function))


def _call_of(name: str) -> Expression | None:
    return call(name) if name in (*_SAME, "sigmoid") else None


def _analytic(name: str, text: str) -> tuple[Inline, ...]:
    tail = (", ", math(r"\Phi"), " the standard normal distribution function.") if r"\Phi" in text else (".",)
    extra = (", ", math(r"\operatorname{sigmoid}(t)=1/(1+e^{-t})")) if r"{sigmoid}(" in text else ()
    return (math(f"{name}={text}"), *extra, *tail)


def _rows(function: Univariate) -> str:
    unit = r"\pi" if function.in_pi else ""
    split = _Split.of(function)
    rows = [f"{expression_latex(p.expression)} & {_piece_range(p, unit, split)}" for p in function.pieces]
    rows += [rf"{_signed(value)} & t={_with_unit(kink, unit)}" for kink, value in function.values]
    return r" \\ ".join(rows)


def _continued(name: str, function: Univariate) -> tuple[Inline, ...]:
    period = function.period
    if period is None:
        return ()
    length = _with_unit(period.length, r"\pi" if period.in_pi else "")
    drift = "" if period.drift == 0 else f"{'+' if period.drift > 0 else ''}{_signed(period.drift)}"
    moved = name.replace("(t)", rf"(t+{length})")
    return (", ", math(rf"{moved}={name}{drift}"), ".")


@dataclass(frozen=True, slots=True)
class _Split:
    """The ends that do not belong to the piece on their left, and those that belong to neither."""

    left: frozenset[Fraction]
    both: frozenset[Fraction]

    @classmethod
    def of(cls, function: Univariate) -> _Split:
        both = {kink for kink, _ in function.values}
        left = both | set(jumps(function))
        if function.period is not None:
            both |= {kink + function.period.length for kink in both}
            left |= {kink + function.period.length for kink in left}
        return cls(frozenset(left), frozenset(both))


def _piece_range(piece: FunctionPiece, unit: str, split: _Split) -> str:
    after = "<" if piece.lower in split.both else r"\le "
    before = "<" if piece.upper in split.left else r"\le "
    if piece.upper is None:
        sign = ">" if piece.lower in split.both else r"\ge "
        return f"t{sign}{_with_unit(piece.lower or Fraction(0), unit)}"
    lower = "" if piece.lower is None else f"{_with_unit(piece.lower, unit)}{after}"
    return f"{lower}t{before}{_with_unit(piece.upper, unit)}"


def _with_unit(value: Fraction, unit: str) -> str:
    if not unit or value == 0:
        return _signed(value)
    return unit if value == 1 else f"-{unit}" if value == -1 else rf"{_signed(value)}\,{unit}"


def _signed(value: Fraction) -> str:
    sign = "-" if value < 0 else ""
    size = abs(value)
    return sign + (exact_latex(size) if is_short(size) else decimal_down(size))


def expression_latex(expression: Expression, variable: str = "t") -> str:
    """An expression in the variable."""
    texts: list[str] = []
    for (degree, calls), coefficient in sorted(expression.terms, key=lambda term: -term[0][0]):
        above = [] if degree == 0 else [variable if degree == 1 else f"{variable}^{{{degree}}}"]
        above += [_call_latex(inner, k, variable) for inner, k in calls if inner.name != "inverse"]
        below = [_power(_argument(inner, variable), k) for inner, k in calls if inner.name == "inverse"]
        size = abs(coefficient)
        if size != 1 or not above:
            above.insert(0, _signed(size))
        text = r"\, ".join(above)
        if below:
            text = rf"\frac{{{text}}}{{{' '.join(below)}}}"
        texts.append(("-" if coefficient < 0 else "+" if texts else "") + text)
    return "".join(texts) or "0"


def _argument(inner: Call, variable: str) -> str:
    return expression_latex(inner.argument, variable)


def _power(text: str, exponent: int) -> str:
    return text if exponent == 1 else f"({text})^{{{exponent}}}"


def _call_latex(inner: Call, exponent: int, variable: str) -> str:
    text = _CALLS[inner.name].replace("@", _argument(inner, variable))
    return text if exponent == 1 else f"({text})^{{{exponent}}}"
