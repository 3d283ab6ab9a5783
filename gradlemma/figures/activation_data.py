"""What the figure of an activation shows, as data: sigma, sigma', sigma'' by pieces, bounds and maxima."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import torch

from gradlemma.activation_rows import Constant, Row
from gradlemma.attained import FAR, Place, has_value
from numerics.activations import apply
from proofs.kernel.intervals import ball, evaluate
from proofs.kernel.univariate import Expression, Piece, Univariate, piecewise

__all__ = ["activation_data"]

REACH = Fraction(6)
MARGIN = Fraction(2)
PERIODS = Fraction(7, 5)
POINTS = 161
DIGITS = 9
SHOWN = {0: "sup", 1: "slope", 2: "bend"}


def activation_data(row: Row) -> dict[str, Any]:
    """Three panels, for the orders 0, 1, 2; numbers in floats of nine digits.

    Each panel has `curves` (lists of t and y, one per piece), `dots` at kinks where sigma^(k) jumps or has
    no value (filled: the value there), `bound` (None where infinite), and `maxima`, points at which
    |sigma^(k)| is the bound (exact) or comes within a relative 1e-10 of it, as a value or as a limit.
    """
    reach = _reach(row.function)
    unit = math.pi if row.function.in_pi else 1.0
    return {
        "name": row.function.label(),
        "range": [_round(-reach * unit), _round(reach * unit)],
        "kinks": [_round(kink * unit) for kink, _ in _kinks(row.function, reach)],
        "panels": [_panel(row.function, order, row.everywhere.get(SHOWN[order]), reach) for order in SHOWN],
    }


def _reach(function: Univariate) -> Fraction:
    """The half width of the window, in the unit of the kinks."""
    if function.period is not None:
        return function.period.length * PERIODS
    return max([REACH, *(abs(kink) + MARGIN for kink in function.kinks)])


def _panel(function: Univariate, order: int, constant: Constant | None, reach: Fraction) -> dict[str, Any]:
    met = _met(function, order, reach)
    dots = _dots(function, order, reach)
    return {
        "order": order,
        "curves": [_curve(function, piece, turn, order, reach) for piece, turn in met],
        "dots": [{"t": _round(t), "y": _round(y), "filled": filled} for t, y, filled in dots],
        "bound": None if constant is None else _round(constant.above),
        "maxima": [] if constant is None else list(_maxima(function, order, constant, reach)),
    }


def _round(value: Fraction | float) -> float:
    return float(f"{float(value):.{DIGITS}g}") + 0.0


def _turns(function: Univariate, reach: Fraction) -> range:
    """The numbers of the periods that meet the window; 0 alone without a period."""
    period, first = function.period, function.pieces[0].lower
    if period is None or first is None:
        return range(1)
    return range((-reach - first) // period.length, (reach - first) // period.length + 1)


def _shift(function: Univariate, turn: int) -> Fraction:
    return Fraction(0) if function.period is None else turn * function.period.length


def _rise(function: Univariate, turn: int, order: int) -> Fraction:
    return Fraction(0) if function.period is None or order else turn * function.period.drift


def _kinks(function: Univariate, reach: Fraction) -> Iterator[tuple[Fraction, int]]:
    """The kinks in the window, each with the number of its period."""
    for turn in _turns(function, reach):
        for kink in function.kinks:
            if abs(kink + _shift(function, turn)) <= reach:
                yield kink + _shift(function, turn), turn


def _met(function: Univariate, order: int, reach: Fraction) -> Iterator[tuple[Piece, int]]:
    for turn in _turns(function, reach):
        for piece in function.derivative_pieces(order):
            lower, upper = _ends(function, piece, turn, reach)
            if lower < upper:
                yield piece, turn


def _ends(function: Univariate, piece: Piece, turn: int, reach: Fraction) -> tuple[Fraction, Fraction]:
    shift = _shift(function, turn)
    lower = -reach if piece.lower is None else max(-reach, piece.lower + shift)
    return lower, reach if piece.upper is None else min(reach, piece.upper + shift)


def _curve(
    function: Univariate, piece: Piece, turn: int, order: int, reach: Fraction
) -> dict[str, list[float]]:
    lower, upper = _ends(function, piece, turn, reach)
    straight = piece.expression.derivative().is_constant
    count = 2 if straight else max(round(POINTS * (upper - lower) / (2 * reach)), 17)
    steps = [lower + (upper - lower) * Fraction(i, count - 1) for i in range(count)]
    unit = math.pi if function.in_pi else 1.0
    inside = torch.tensor([float(s - _shift(function, turn)) * unit for s in steps], dtype=torch.float64)
    values = apply(_whole(piece.expression), 0, inside) + float(_rise(function, turn, order))
    return {"t": [_round(float(s) * unit) for s in steps], "y": [_round(y) for y in values.tolist()]}


def _whole(expression: Expression) -> Univariate:
    return piecewise("piece", {}, [], [expression])


def _dots(function: Univariate, order: int, reach: Fraction) -> Iterator[tuple[float, float, bool]]:
    """Open dots at one-sided limits that are no values, filled ones at the values of jumps."""
    unit = math.pi if function.in_pi else 1.0
    pieces = function.derivative_pieces(order)
    values = dict(function.values)
    for place, turn in _kinks(function, reach):
        kink = place - _shift(function, turn)
        if has_value(function, order, kink):
            continue
        rise = float(_rise(function, turn, order))
        right = next(piece for piece in pieces if piece.lower == kink)
        limits = [_value(right.expression, kink, function) + rise]
        left_end = kink
        if function.period is not None and kink == pieces[0].lower:
            left_end = kink + function.period.length
            rise -= 0.0 if order else float(function.period.drift)
        left = next(piece for piece in pieces if piece.upper == left_end)
        limits.append(_value(left.expression, left_end, function) + rise)
        value = None
        if order == 0:
            value = float(values[kink] + _rise(function, turn, 0)) if kink in values else limits[0]
            yield float(place) * unit, value, True
        for limit in dict.fromkeys(limits):
            if limit != value:
                yield float(place) * unit, limit, False


def _value(expression: Expression, point: Fraction, function: Univariate) -> float:
    t = ball(point) if not function.in_pi else ball(point) * ball(Fraction(1)).pi()
    return _round(float(evaluate(expression, t).mid()))


def _maxima(
    function: Univariate, order: int, constant: Constant, reach: Fraction
) -> Iterator[dict[str, float | bool]]:
    """Points in the window, one-sided limits included; whole pieces are seen without marks."""
    unit = math.pi if function.in_pi else 1.0
    pieces = function.derivative_pieces(order)
    for place in constant.reached.places:
        for turn in _turns(function, reach) if _is_listed(function, place) else ():
            t = place.t + float(_shift(function, turn))
            if place.until is not None or abs(place.s) >= FAR[0] or abs(t) > reach:
                continue
            piece = next(p for p in pieces if _holds(p, place))
            at = torch.tensor([place.t * unit], dtype=torch.float64)
            value = float(apply(_whole(piece.expression), 0, at))
            y = value + float(_rise(function, turn, order))
            yield {"t": _round(t * unit), "y": _round(y), "exact": place.exact, "is_limit": place.side != 0}


def _is_listed(function: Univariate, place: Place) -> bool:
    """Whether the place is in the listed period; its copies are made here."""
    first, last = function.pieces[0].lower, function.pieces[-1].upper
    return first is None or last is None or first <= place.s <= last


def _holds(piece: Piece, place: Place) -> bool:
    t = Fraction(place.t) if place.radicand != 1 else place.s
    above = piece.lower is None or (piece.lower < t or (piece.lower == t and place.side >= 0))
    return above and (piece.upper is None or (t < piece.upper or (t == piece.upper and place.side <= 0)))
