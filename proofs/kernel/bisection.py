"""Bounds and signs of expressions on bounded intervals, by bisection with ball arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from flint import arb

from .intervals import ball, evaluate, hull
from .taylor import taylor_coefficients
from .univariate import Expression

__all__ = ["Interval", "interval_of", "is_bounded_between", "is_positive_between"]

MAX_PIECES = 20_000
TAYLOR_ORDER = 8


@dataclass(frozen=True, slots=True)
class Interval:
    """A bounded closed interval that lies between two balls."""

    lower: arb
    upper: arb


def interval_of(
    lower: Fraction | None, upper: Fraction | None, far: Fraction, in_pi: bool = False
) -> Interval | None:
    """The part of [lower, upper] in [-far, far] on sides that are infinite; None if it is empty."""
    unit = arb.pi() if in_pi else arb(1)
    low = ball(-far) if lower is None else ball(lower) * unit
    high = ball(far) if upper is None else ball(upper) * unit
    return None if low > high else Interval(low.lower(), high.upper())


def is_positive_between(expression: Expression, interval: Interval) -> bool:
    """Whether the expression is shown to be > 0 on the interval."""
    pending = [interval]
    for _ in range(MAX_PIECES):
        if not pending:
            return True
        piece = pending.pop()
        if evaluate(expression, hull(piece.lower, piece.upper)) > 0:
            continue
        halves = _halves(piece)
        if halves is None:
            return False
        pending.extend(halves)
    return False


def is_bounded_between(expression: Expression, interval: Interval, bound: arb) -> bool:
    """Whether |expression| <= bound is shown on the interval.

    By the plain enclosure, the ends where monotone, or a Taylor polynomial; else by halves.
    """
    pending = [interval]
    for _ in range(MAX_PIECES):
        if not pending:
            return True
        piece = pending.pop()
        if _holds_on(expression, piece, bound):
            continue
        halves = _halves(piece)
        if halves is None:
            return False
        pending.extend(halves)
    return False


def _holds_on(expression: Expression, piece: Interval, bound: arb) -> bool:
    whole = hull(piece.lower, piece.upper)
    if abs(evaluate(expression, whole)) <= bound:
        return True
    middle = _middle(piece)
    half = abs(whole - middle).upper()
    if half > 1:
        return False
    around = taylor_coefficients(expression, whole, TAYLOR_ORDER + 1)
    monotone = around[1].is_finite() and not around[1].contains(0)
    if monotone and all(abs(evaluate(expression, end)) <= bound for end in (piece.lower, piece.upper)):
        return True
    # f(m + h) is the Taylor polynomial at m plus f^(n)(t)/n! h^n with t in the interval.
    near = [*taylor_coefficients(expression, middle, TAYLOR_ORDER), around[TAYLOR_ORDER]]
    total = arb(0)
    for coefficient in reversed(near):
        total = total * half + abs(coefficient)
    return bool(total <= bound)


def _middle(piece: Interval) -> arb:
    return arb((piece.lower + piece.upper).mid()) / 2


def _halves(piece: Interval) -> tuple[Interval, Interval] | None:
    middle = _middle(piece)
    if abs(hull(piece.lower, piece.upper) - middle).upper() < arb(2) ** -60:
        return None
    return Interval(piece.lower, middle), Interval(middle, piece.upper)
