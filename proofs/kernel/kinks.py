"""Where a ball may lie among the pieces of a function: the pieces that it meets, and kinks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from flint import arb

from proofs.errors import KernelError

from .intervals import ball, evaluate
from .univariate import Univariate

__all__ = ["PieceReading", "avoids_kinks"]

MAX_TURNS = 8


def _unit(function: Univariate) -> arb:
    return arb.pi() if function.in_pi else arb(1)


def _turns_met(function: Univariate, x: arb) -> range:
    """The numbers of the periods that x may meet, one more on the left for its end point."""
    period, first = function.period, function.pieces[0].lower
    if period is None or first is None:
        return range(1)
    if not x.is_finite():
        raise KernelError("expected a finite ball for a periodic function")
    place = (x / _unit(function) - ball(first)) / ball(period.length)
    return range(_whole(place.lower()) - 1, _whole(place.upper()) + 1)


def _whole(point: arb) -> int:
    """The largest integer below an exact ball."""
    found = point.floor().unique_fmpz()
    if found is None:
        raise KernelError("expected a ball of which the integer part is known")
    return int(found)


def _moved(function: Univariate, x: arb, number: int) -> arb:
    """The ball moved back by that many periods."""
    period = function.period
    return x if period is None else x - number * ball(period.length) * _unit(function)


def avoids_kinks(function: Univariate, x: arb) -> bool:
    """Whether the ball is shown to contain no kink."""
    kinks = [ball(kink) * _unit(function) for kink in function.kinks]
    turns = _turns_met(function, x)
    if turns.stop - turns.start > MAX_TURNS:
        return False
    # The last end of a period is the first of the next one, which is looked at too.
    further = turns if function.period is None else range(turns.start, turns.stop + 1)
    balls = [_moved(function, x, number) for number in further]
    return all(y < kink or y > kink for y in balls for kink in kinks)


class PieceReading:
    """sigma^(order) of a ball: the union over all pieces that it may meet, both sides at kinks.

    For order 0 the values at the kinks that it may contain count too.
    """

    def __init__(self, function: Univariate, order: int) -> None:
        unit = _unit(function)
        self._function = function
        self._order = order
        self._pieces = [
            (
                None if piece.lower is None else ball(piece.lower) * unit,
                None if piece.upper is None else ball(piece.upper) * unit,
                piece.expression,
            )
            for piece in function.derivative_pieces(order)
        ]
        values = function.values if order == 0 else ()
        self._values = [(ball(kink) * unit, ball(value)) for kink, value in values]

    def value(self, x: arb) -> arb:
        function, period = self._function, self._function.period
        if period is None:
            return _union(self._met(x))
        drift = period.drift if self._order == 0 else Fraction(0)
        turns = _turns_met(function, x)
        if turns.stop - turns.start > MAX_TURNS:
            # Whole periods: all values of one, and the drifts between the first and the last.
            ends = _union([ball(turns.start * drift), ball(turns.stop * drift)])
            return _union(self._all()) + ends
        return _union(
            y + ball(number * drift) for number in turns for y in self._met(_moved(function, x, number))
        )

    def _all(self) -> Iterator[arb]:
        for lower, upper, expression in self._pieces:
            if lower is not None and upper is not None:
                yield evaluate(expression, lower.union(upper))
        yield from (value for _, value in self._values)

    def _met(self, x: arb) -> Iterator[arb]:
        for lower, upper, expression in self._pieces:
            if not (lower is not None and x < lower) and not (upper is not None and x > upper):
                yield evaluate(expression, x)
        for kink, value in self._values:
            if x.overlaps(kink):
                yield value


def _union(balls: Iterable[arb]) -> arb:
    result: arb | None = None
    for other in balls:
        result = other if result is None else result.union(other)
    if result is None:
        raise KernelError("expected a ball that meets a piece")
    return result
