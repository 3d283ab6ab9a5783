"""Exact values of expressions: rationals at rational points, forms over Q at square roots."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

from .univariate import Call, Expression, argument

__all__ = ["AT_ZERO", "SurdPoint", "exact_form", "exact_value", "rational_root"]

AT_ZERO = {"exp": Fraction(1), "tanh": Fraction(0), "sigmoid": Fraction(1, 2), "normal_cdf": Fraction(1, 2),
           "sin": Fraction(0), "cos": Fraction(1)}  # fmt: skip
# sin and cos at 0, pi/2, pi, 3 pi/2.
QUARTERS = {"sin": (0, 1, 0, -1), "cos": (1, 0, -1, 0)}

def exact_value(expression: Expression, point: Fraction, *, in_pi: bool = False) -> Fraction | None:
    """The value at a rational point (or, with `in_pi`, at that multiple of pi) if visibly rational.

    The caller has checked that the expression is analytic there, so that 0 times a call is 0.
    """
    total = Fraction(0)
    for (degree, calls), coefficient in expression.terms:
        if in_pi and point != 0 and degree:
            return None
        term = coefficient * point**degree
        for inner, exponent in calls:
            if term == 0:
                break
            value = _call_value(inner, point, in_pi)
            if value is None:
                return None
            term = term * value**exponent
        total += term
    return total


def _call_value(inner: Call, point: Fraction, in_pi: bool) -> Fraction | None:
    if in_pi and point != 0 and inner.name in QUARTERS and inner.rate is not None:
        quarters = 2 * inner.rate * point
        return Fraction(QUARTERS[inner.name][int(quarters) % 4]) if quarters.denominator == 1 else None
    inside = exact_value(inner.argument, point, in_pi=in_pi)
    if inside is None:
        return None
    match inner.name:
        case "inverse":
            return None if inside == 0 else 1 / inside
        case "sqrt":
            return rational_root(inside)
        case "log":
            return Fraction(0) if inside == 1 else None
        case _:
            return AT_ZERO.get(inner.name) if inside == 0 else None


def rational_root(value: Fraction) -> Fraction | None:
    """The square root of a rational square >= 0, else None."""
    if value < 0:
        return None
    top, bottom = isqrt(value.numerator), isqrt(value.denominator)
    exact = top * top == value.numerator and bottom * bottom == value.denominator
    return Fraction(top, bottom) if exact else None


@dataclass(frozen=True, slots=True)
class SurdPoint:
    """The point factor * sqrt(radicand), radicand > 0 rational."""

    factor: Fraction
    radicand: Fraction


# name(argument at factor * sqrt(radicand))^exponent.
Factor = tuple[str, Expression, Fraction, int]
# Products of values of calls, and whether a factor sqrt(radicand) is left.
Form = dict[tuple[bool, tuple[Factor, ...]], Fraction]
ODD, EVEN = ("tanh", "sin"), ("cos", "normal_pdf")


def exact_form(expression: Expression, point: SurdPoint) -> Form:
    """The value at c sqrt(q) as a linear form over Q in values of calls, in a canonical writing.

    Equal forms have equal values, and the empty form is 0; the converse is not claimed.
    Calls of t are written at the positive point: tanh and sin are odd, cos and normal_pdf even.
    """
    total: Form = {}
    for (degree, calls), coefficient in expression.terms:
        value = coefficient * point.factor**degree * point.radicand ** (degree // 2)
        factors: list[Factor] = []
        for inner, exponent in calls:
            if point.factor == 0 and inner.name in AT_ZERO and exact_value(inner.argument, Fraction(0)) == 0:
                value = value * AT_ZERO[inner.name] ** exponent
                continue
            argument, factor, sign = _at_positive(inner, point.factor)
            value = value * sign**exponent
            factors.append((inner.name, argument, factor, exponent))
        key = (degree % 2 == 1, tuple(sorted(factors)))
        total[key] = total.get(key, Fraction(0)) + value
    return {key: value for key, value in total.items() if value != 0}


def _at_positive(inner: Call, factor: Fraction) -> tuple[Expression, Fraction, int]:
    """e, f and s with name(argument at factor) = s * name(e at f), f >= 0 for odd and even names."""
    rate = inner.rate
    if rate is None:
        return inner.argument, factor, 1
    size = rate * factor
    if size < 0 and inner.name in (*ODD, *EVEN):
        return argument(), -size, -1 if inner.name in ODD else 1
    return argument(), size, 1
