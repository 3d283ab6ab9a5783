"""Expressions that are a rational function of one generator: exact bounds by counting roots over Q.

A generator is t itself (None) or a call such as tanh(2 t); its values fill a known interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from flint import fmpq, fmpq_poly

from proofs.errors import KernelError

from .exact_sup import is_nonnegative_on, is_positive_on
from .exact_values import AT_ZERO
from .intervals import ball, call_value, to_fmpq
from .univariate import Call, Expression

__all__ = ["Range", "Ratio", "generator_range", "ratio_is_bounded", "ratio_is_positive", "ratio_of"]

MAX_RATIO_DEGREE = 400
ONE = fmpq_poly([1])


@dataclass(frozen=True, slots=True)
class Ratio:
    """top / bottom as polynomials in the generator."""

    generator: Call | None
    top: fmpq_poly
    bottom: fmpq_poly


@dataclass(frozen=True, slots=True)
class Range:
    """An interval that contains the generator's values; None is infinite, open ends are not reached."""

    lower: fmpq | None
    upper: fmpq | None
    open_lower: bool
    open_upper: bool


def ratio_of(expression: Expression) -> Ratio | None:
    """The expression as a ratio of polynomials in one generator, or None if it is none."""
    generators = _generators(expression)
    if len(generators) > 1:
        return None
    generator = next(iter(generators), None)
    top, bottom = _ratio(expression, generator)
    return Ratio(generator, top, bottom)


def _generators(expression: Expression) -> set[Call | None]:
    """T and the calls that occur, those inside of `inverse` too."""
    found: set[Call | None] = set()
    for (degree, calls), _ in expression.terms:
        if degree:
            found.add(None)
        for inner, _ in calls:
            found |= _generators(inner.argument) if inner.name == "inverse" else {inner}
    return found


def _ratio(expression: Expression, generator: Call | None) -> tuple[fmpq_poly, fmpq_poly]:
    top, bottom = fmpq_poly([0]), ONE
    for (degree, calls), coefficient in expression.terms:
        part, under = fmpq_poly([0] * degree + [to_fmpq(coefficient)]), ONE
        for inner, exponent in calls:
            if inner.name == "inverse":
                above, below = _ratio(inner.argument, generator)
                part, under = part * below**exponent, under * above**exponent
            else:
                part = part * fmpq_poly([0] * exponent + [1])
        top, bottom = top * under + part * bottom, bottom * under
        common = top.gcd(bottom)
        if common.degree() > 0:
            top, bottom = top // common, bottom // common
        if max(top.degree(), bottom.degree()) > MAX_RATIO_DEGREE:
            raise KernelError(f"expected a ratio of degree at most {MAX_RATIO_DEGREE}")
    return top, bottom


def ratio_is_bounded(ratio: Ratio, values: Range, square: fmpq) -> bool:
    """Whether |top/bottom| <= sqrt(square) on the range; the caller has checked bottom != 0."""
    gap = ratio.bottom * ratio.bottom * square - ratio.top * ratio.top
    return is_nonnegative_on(gap, values.lower, values.upper)


def ratio_is_positive(ratio: Ratio, values: Range) -> bool:
    """Whether top/bottom > 0 on the range; the caller has checked bottom != 0."""
    return is_positive_on(
        ratio.top * ratio.bottom,
        values.lower,
        values.upper,
        open_lower=values.open_lower,
        open_upper=values.open_upper,
    )


# The range of a generator on R: (limit at -oo, value at 0, limit at +oo); increasing in its argument.
RANGES = {"tanh": (-1, 0, 1), "sigmoid": (0, Fraction(1, 2), 1), "normal_cdf": (0, Fraction(1, 2), 1)}
INCREASING = (*RANGES, "exp", "softplus")


def generator_range(
    generator: Call | None, lower: Fraction | None, upper: Fraction | None, *, balls: bool = True
) -> Range | None:
    """An interval that contains the generator's values on [lower, upper], None if none is known.

    Without `balls`, ends are limits or values at 0; otherwise ends of balls where these are sharper.
    """
    if generator is None:
        ends = [None if end is None else to_fmpq(end) for end in (lower, upper)]
        return Range(ends[0], ends[1], lower is None, upper is None)
    if generator.name in ("sin", "cos"):
        if lower == upper == 0 and generator.rate is not None:
            value = to_fmpq(AT_ZERO[generator.name])
            return Range(value, value, False, False)
        return Range(fmpq(-1), fmpq(1), False, False)
    if generator.name not in INCREASING:
        return None
    affine = _affine(generator.argument)
    if affine is None:
        return Range(_end(generator.name, None, 0), _end(generator.name, None, 1), True, True)
    shift, rate = affine
    start, end = (lower, upper) if rate > 0 else (upper, lower)
    inside = [None if point is None else shift + rate * point for point in (start, end)]
    if not balls:
        if generator.name == "softplus":
            return None
        inside = [_moved_to_zero(inside[0], 1), _moved_to_zero(inside[1], -1)]
    first, last = _end(generator.name, inside[0], 0), _end(generator.name, inside[1], 1)
    # The limits are never attained, and an infinite end is no value.
    return Range(first, last, inside[0] is None, inside[1] is None)


def _moved_to_zero(end: Fraction | None, side: int) -> Fraction | None:
    """0 if the end lies at 0 or on that side of it, else None: an end further out."""
    return Fraction(0) if end is not None and side * end >= 0 else None


def _affine(argument: Expression) -> tuple[Fraction, Fraction] | None:
    """A and c != 0 with argument = a + c t."""
    coefficients = dict(argument.terms)
    rate = coefficients.pop((1, ()), Fraction(0))
    shift = coefficients.pop((0, ()), Fraction(0))
    return None if coefficients or rate == 0 else (shift, rate)


def _end(name: str, point: Fraction | None, side: int) -> fmpq | None:
    """A rational beyond the increasing function's value at the end of its argument's interval."""
    if point is None:
        if name in RANGES:
            return to_fmpq(Fraction(RANGES[name][2 if side else 0]))
        return None if side else fmpq(0)
    if point == 0 and name in RANGES:
        return to_fmpq(Fraction(RANGES[name][1]))
    if point == 0 and name == "exp":
        return fmpq(1)
    unit = Expression((((1, ()), Fraction(1)),))
    value = call_value(Call(name, unit), ball(point))
    exact = value.upper() if side else value.lower()
    if not exact.is_exact() or not exact.is_finite():
        raise KernelError("expected a finite exact ball")
    mantissa, exponent = exact.man_exp()
    return fmpq(mantissa) * fmpq(2) ** int(exponent)
