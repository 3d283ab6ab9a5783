"""Where a ball may lie among the pieces of a function: the pieces that it meets, and kinks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from flint import arb

from proofs.errors import KernelError

from .intervals import ball, evaluate
from .univariate import Univariate

__all__ = ["PieceReading", "avoids_kinks"]

MAX_TURNS = 1_000


@dataclass(frozen=True, slots=True)
class _Turn:
    """A copy of the pieces: the ball moved back into the first period, and what was moved off."""

    moved: arb
    number: int


def _unit(function: Univariate) -> arb:
    return arb.pi() if function.in_pi else arb(1)


def _turns(function: Univariate, x: arb) -> Iterator[_Turn]:
    """The periods that x may meet, one more on the left for its end point."""
    period, first = function.period, function.pieces[0].lower
    if period is None or first is None:
        yield _Turn(x, 0)
        return
    if not x.is_finite():
        raise KernelError("expected a finite ball for a periodic function")
    place = (x / _unit(function) - ball(first)) / ball(period.length)
    low, high = (int(end.floor().unique_fmpz()) for end in (place.lower(), place.upper()))
    if high - low > MAX_TURNS:
        raise KernelError(f"expected a ball that meets at most {MAX_TURNS} periods")
    for number in range(low - 1, high + 1):
        yield _Turn(x - number * ball(period.length) * _unit(function), number)


def avoids_kinks(function: Univariate, x: arb) -> bool:
    """Whether the ball is shown to contain no kink."""
    unit = _unit(function)
    # The last end of a period is the first of the next one, which is looked at too.
    kinks = [ball(kink) * unit for kink in function.kinks]
    return all(
        turn.moved < kink or turn.moved > kink for turn in _turns_and_next(function, x) for kink in kinks
    )


def _turns_and_next(function: Univariate, x: arb) -> Iterator[_Turn]:
    last: _Turn | None = None
    for turn in _turns(function, x):
        last = turn
        yield turn
    if function.period is not None and last is not None:
        step = ball(function.period.length) * _unit(function)
        yield _Turn(last.moved - step, last.number + 1)


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
        if self._function.period is None:
            return _union(self._met(x))
        drift = self._function.period.drift if self._order == 0 else Fraction(0)
        return _union(
            y + ball(turn.number * drift) for turn in _turns(self._function, x) for y in self._met(turn.moved)
        )

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
