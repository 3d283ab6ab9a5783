"""How nearly a constant of an activation is attained, and where: the other side of |sigma^(k)| <= c.

A search in floats proposes points; at each of them |sigma^(k)| is enclosed in balls, one-sided limits
at kinks included, so that `value` is a rational number that the supremum is shown to be at least.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import torch
from flint import arb, ctx, fmpq

from numerics.activations import apply
from proofs.kernel.ceilings import Ceiling, RootOf, ceiling_ball, is_attained
from proofs.kernel.domains import PRECISION, jumps, value_at
from proofs.kernel.exact_values import SurdPoint, exact_value
from proofs.kernel.intervals import ball, evaluate
from proofs.kernel.univariate import Expression, Piece, Univariate, argument, constant, piecewise

__all__ = ["FAR", "NEAR_ZERO", "Place", "Reached", "fraction_below", "has_value", "reached"]

SECANT = -1
REACH = Fraction(20)
TURNS = 4
NEAR_ZERO = Fraction(1, 10**15)
FAR = tuple(Fraction(10) ** power for power in range(2, 16))
GRID = 4001
# Local maxima of the grid are refined if they come this near to the best one, the largest first.
KEPT = 1e-3
MOST_PEAKS = 32
# Sizes below are taken for 0: e^(-10^15) as a fraction would fill the memory.
TINY = 2.0**-200
# A place counts if it comes this near to the bound, and is another one if it is this far away.
CLOSE = Fraction(1, 10**10)
APART = 1e-4


@dataclass(frozen=True, slots=True)
class Place:
    """The point t = s root(radicand), with `in_pi` times pi, near which a constant is attained.

    exact: shown by exact forms, else by a search in floats and balls.
    side: -1 or 1 for the limit from the left or the right, where that is not a value.
    until: the right end of the piece on which |sigma^(k)| is the constant everywhere; s is its left end.
    Beyond `FAR[0]` a point or an end stands for infinity.
    """

    s: Fraction
    radicand: Fraction = Fraction(1)
    exact: bool = False
    side: int = 0
    until: Fraction | None = None

    @property
    def t(self) -> float:
        return float(self.s) * math.sqrt(self.radicand)


@dataclass(frozen=True, slots=True)
class Reached:
    """`value` <= the supremum; `places` where a relative 1e-10 is missing at most, exact ones first."""

    value: Fraction
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    expression: Expression
    place: Place


def reached(
    function: Univariate,
    order: int,
    radius: Fraction | None,
    ceiling: Ceiling,
    peaks: tuple[SurdPoint, ...] = (),
) -> Reached:
    """The largest |sigma^(order)| found on |t| <= radius (None: all t), and where.

    Order -1 is the secant slope |sigma(t) - sigma(0)| / |t|.  `peaks` are points that may be maxima.
    """
    found: list[tuple[Fraction, Place]] = []
    with ctx.workprec(PRECISION):
        start = _start(function)
        for candidate in _candidates(function, order, radius, peaks):
            value = _size(candidate, order, start, function.in_pi)
            if value.is_finite():
                place = candidate.place
                if order != SECANT and _is_exact(candidate, ceiling, function.in_pi):
                    place = replace(place, exact=True)
                found.append((fraction_below(value), place))
        bound = fraction_below(ceiling_ball(ceiling))
    close = [place for value, place in found if value > 0 and value >= bound * (1 - CLOSE)]
    return Reached(max((value for value, _ in found), default=Fraction(0)), _distinct(close))


def fraction_below(value: arb) -> Fraction:
    """The lower end of a finite ball of size >= 0; 0 where that is tiny."""
    lower = value.lower()
    if lower < TINY:
        return Fraction(0)
    mantissa, exponent = lower.man_exp()
    found = fmpq(mantissa) * fmpq(2) ** int(exponent)
    return Fraction(int(found.p), int(found.q))


def has_value(function: Univariate, order: int, kink: Fraction) -> bool:
    """Whether sigma^(order) is shown to have a value at the kink that both one-sided limits agree with."""
    return all(kink not in jumps(function.derived(lower)) for lower in range(order + 1))


def _distinct(places: list[Place]) -> tuple[Place, ...]:
    """Whole pieces and exact points first, then others, from 0 outward; without repetitions.

    Where a limit at infinity comes near to the bound, the points on the way are left out.
    """
    limits = {math.copysign(1, place.s) for place in places if place.until is None and abs(place.s) >= FAR[0]}
    kept: list[Place] = []
    for place in sorted(places, key=lambda p: (p.until is None, not p.exact, abs(p.t), -p.t)):
        is_found = not place.exact and NEAR_ZERO < abs(place.s) < FAR[0]
        if is_found and math.copysign(1, place.s) in limits:
            continue
        is_far = abs(place.s) >= FAR[0]
        known = any(is_far and abs(p.s) >= FAR[0] and p.s * place.s > 0 for p in kept if p.until is None)
        inside = any(p.until is not None and p.s <= place.s <= p.until for p in kept if place.until is None)
        alike = [p for p in kept if (p.until, p.side) == (place.until, place.side)]
        near = any(abs(place.t - p.t) <= APART * max(1, abs(p.t)) for p in alike)
        if not known and not inside and not near:
            kept.append(place)
    return tuple(kept)


def _start(function: Univariate) -> arb:
    """sigma(0)."""
    exact = value_at(function, Fraction(0))
    if exact is not None:
        return ball(exact)
    inside = (p for p in reversed(function.pieces) if p.lower is None or p.lower <= 0)
    return evaluate(next(inside).expression, arb(0))


def _size(candidate: _Candidate, order: int, start: arb, in_pi: bool) -> arb:
    """|sigma^(order)| at the candidate in a ball, or the secant slope."""
    place = candidate.place
    t = ball(place.s) * ball(place.radicand).sqrt() * (arb.pi() if in_pi else arb(1))
    value = evaluate(candidate.expression, t)
    return abs(value) if order != SECANT else abs(value - start) / abs(t)


def _is_exact(candidate: _Candidate, ceiling: Ceiling, in_pi: bool) -> bool:
    """Whether |value| is the bound itself, by exact forms."""
    place = candidate.place
    if place.radicand == 1 and isinstance(ceiling, RootOf):
        value = exact_value(candidate.expression, place.s, in_pi=in_pi)
        if value is not None:
            return fmpq(value.numerator, value.denominator) ** 2 == ceiling.square
    point = SurdPoint(place.s, place.radicand)
    return not in_pi and is_attained(ceiling, candidate.expression, point)


def _candidates(
    function: Univariate, order: int, radius: Fraction | None, peaks: tuple[SurdPoint, ...]
) -> Iterator[_Candidate]:
    unit = math.pi if function.in_pi else 1.0
    for piece in _copies(function, max(order, 0)):
        lower, upper = _clipped(piece.lower, piece.upper, radius)
        if lower is None or upper is None or lower < upper:
            for candidate in _on_piece(piece, order, lower, upper, unit, peaks):
                place = candidate.place
                if place.side and has_value(function, max(order, 0), _listed(function, place.s)):
                    place = replace(place, side=0)
                yield _Candidate(candidate.expression, place)
    for kink, value in _values(function) if order <= 0 else ():
        if (radius is None or abs(kink) <= radius) and not (order == SECANT and kink == 0):
            yield _Candidate(constant(value), Place(kink))


def _listed(function: Univariate, kink: Fraction) -> Fraction:
    """The kink of the listed period that this one is a copy of."""
    period = function.period
    if period is None or kink in function.kinks:
        return kink
    return next(k for k in function.kinks if ((kink - k) / period.length).denominator == 1)


def _on_piece(
    piece: Piece,
    order: int,
    lower: Fraction | None,
    upper: Fraction | None,
    unit: float,
    peaks: tuple[SurdPoint, ...],
) -> Iterator[_Candidate]:
    expression = piece.expression
    if order != SECANT and expression.is_constant:
        until = FAR[-1] if upper is None else upper
        yield _Candidate(expression, Place(-FAR[-1] if lower is None else lower, until=until))
        return
    ends = ((lower, piece.lower, 1), (upper, piece.upper, -1))
    found = [Place(end, side=side if end == own else 0) for end, own, side in ends if end is not None]
    points = [*_grid_maxima(expression, order, lower, upper, unit), *_far(lower, upper), Fraction(0)]
    if order == SECANT:
        points += [NEAR_ZERO, -NEAR_ZERO]
    found += [Place(t) for t in points if _is_inside(t, lower, upper)]
    surds = (Place(peak.factor, peak.radicand) for peak in peaks)
    found += [p for p in surds if _is_inside(Fraction(p.t), lower, upper)]
    for place in found:
        if not (order == SECANT and place.s == 0):
            yield _Candidate(expression, place)


def _is_inside(t: Fraction, lower: Fraction | None, upper: Fraction | None) -> bool:
    return (lower is None or lower < t) and (upper is None or t < upper)


def _far(lower: Fraction | None, upper: Fraction | None) -> list[Fraction]:
    return [*(FAR if upper is None else ()), *(-t for t in (FAR if lower is None else ()))]


def _clipped(
    lower: Fraction | None, upper: Fraction | None, radius: Fraction | None
) -> tuple[Fraction | None, Fraction | None]:
    if radius is None:
        return lower, upper
    return (
        -radius if lower is None else max(lower, -radius),
        radius if upper is None else min(upper, radius),
    )


def _copies(function: Univariate, order: int) -> Iterator[Piece]:
    """The pieces of sigma^(order); with a rational period those of a few periods."""
    period = function.period
    turns = (0,) if period is None or period.in_pi else range(-TURNS, TURNS + 1)
    for turn in turns:
        for piece in function.derivative_pieces(order):
            if turn == 0 or period is None or piece.lower is None or piece.upper is None:
                yield piece
                continue
            shift, rise = turn * period.length, turn * period.drift if order == 0 else Fraction(0)
            moved = piece.expression.at(argument() + constant(-shift)) + constant(rise)
            yield Piece(piece.lower + shift, piece.upper + shift, moved)


def _values(function: Univariate) -> Iterator[tuple[Fraction, Fraction]]:
    period = function.period
    for turn in (0,) if period is None or period.in_pi else range(-TURNS, TURNS + 1):
        for kink, value in function.values:
            if period is None:
                yield kink, value
            else:
                yield kink + turn * period.length, value + turn * period.drift


def _grid_maxima(
    expression: Expression, order: int, lower: Fraction | None, upper: Fraction | None, unit: float
) -> list[Fraction]:
    """Points near the large local maxima on a grid, each refined on finer ones; all in the unit."""
    low, high = float(-REACH if lower is None else lower), float(REACH if upper is None else upper)
    if not low < high:
        return []
    whole = piecewise("piece", {}, [], [expression])
    grid = np.linspace(low, high, GRID)
    values = _float_sizes(whole, order, grid * unit)
    top = float(values.max(initial=0.0))
    middle = values[1:-1]
    peaks = np.flatnonzero((middle >= values[:-2]) & (middle >= values[2:]) & (middle > top * (1 - KEPT)))
    best = peaks[np.argsort(-middle[peaks], kind="stable")][:MOST_PEAKS]
    return [_refined(whole, order, float(grid[i]), float(grid[i + 2]), unit) for i in best]


def _refined(whole: Univariate, order: int, low: float, high: float, unit: float) -> Fraction:
    for _ in range(8):
        grid = np.linspace(low, high, 41)
        index = int(np.argmax(_float_sizes(whole, order, grid * unit)))
        low, high = float(grid[max(index - 1, 0)]), float(grid[min(index + 1, 40)])
    return Fraction((low + high) / 2)


def _float_sizes(whole: Univariate, order: int, grid: np.ndarray) -> np.ndarray:
    values = apply(whole, 0, torch.from_numpy(grid)).numpy()
    if order == SECANT:
        # Near 0 rounding errors exceed everything else; NEAR_ZERO stands for that place.
        start = float(apply(whole, 0, torch.zeros(1, dtype=torch.float64)))
        values = np.where(np.abs(grid) > KEPT, (values - start) / np.where(grid == 0, 1, grid), 0.0)
    return np.nan_to_num(np.abs(values), nan=0.0, posinf=0.0)
