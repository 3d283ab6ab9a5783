"""What an activation's constant is: the root of a rational, or the value of an expression at a point.

A ceiling that is attained needs exact knowledge at the points where it is: f(t0) = +-c and
f'(t0) = 0 as forms over Q, and a second derivative of the other sign around t0 in balls.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import assert_never

from flint import arb, fmpq

from proofs.errors import KernelError

from .bisection import Interval
from .exact_values import SurdPoint, exact_form
from .intervals import ball, evaluate, hull
from .univariate import Expression

__all__ = ["Attained", "Ceiling", "RootOf", "ceiling_ball", "peak_around", "surd_ball"]


@dataclass(frozen=True, slots=True)
class RootOf:
    """sqrt(square), square >= 0 rational."""

    square: fmpq


@dataclass(frozen=True, slots=True)
class Attained:
    """|expression(point)|."""

    expression: Expression
    point: SurdPoint


Ceiling = RootOf | Attained


def surd_ball(point: SurdPoint) -> arb:
    return ball(point.factor) * ball(point.radicand).sqrt()


def ceiling_ball(ceiling: Ceiling) -> arb:
    """A ball around the ceiling's value.

    Raises:
        KernelError: if the value could not be enclosed.
    """
    match ceiling:
        case RootOf(square=square):
            return arb(square).sqrt()
        case Attained(expression=expression, point=point):
            value = abs(evaluate(expression, surd_ball(point)))
            if not value.is_finite():
                raise KernelError("expected a point at which the expression has a value")
            return value
        case _:
            assert_never(ceiling)


def is_attained(ceiling: Ceiling, expression: Expression, point: SurdPoint) -> bool:
    """Whether |expression(point)| is exactly the ceiling's value, by equal forms over Q."""
    here = exact_form(expression, point)
    match ceiling:
        case RootOf(square=square):
            constants = {(False, ()), (True, ())}
            if not set(here) <= constants or len(here) > 1:
                return False
            ((key, value),) = here.items() if here else (((False, ()), Fraction(0)),)
            found = value * value * (point.radicand if key[0] else 1)
            return fmpq(found.numerator, found.denominator) == square
        case Attained():
            if point.radicand != ceiling.point.radicand:
                return False
            there = exact_form(ceiling.expression, ceiling.point)
            return here == there or here == {key: -value for key, value in there.items()}
        case _:
            assert_never(ceiling)


NEIGHBOURHOODS = tuple(Fraction(1, 2**k) for k in (1, 2, 3, 4, 6, 8, 12, 16))


def peak_around(
    expression: Expression, ceiling: Ceiling, point: SurdPoint, bound: arb
) -> Interval | None:
    """An interval around the point on which |expression| <= the ceiling, which is attained there.

    With f(t0) = +-c, f'(t0) = 0 and f'' of the other sign on the interval, f stays between its value
    at t0 and, as the enclosure shows, the negative of that.
    """
    first = expression.derivative()
    if not is_attained(ceiling, expression, point) or exact_form(first, point):
        return None
    second = first.derivative()
    centre = surd_ball(point)
    sign = 1 if evaluate(expression, centre) > 0 else -1
    for size in NEIGHBOURHOODS:
        lower, upper = (centre - ball(size)).lower(), (centre + ball(size)).upper()
        whole = hull(lower, upper)
        if sign * evaluate(second, whole) < 0 and sign * evaluate(expression, whole) > -bound:
            return Interval(lower, upper)
    return None
