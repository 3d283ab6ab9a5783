"""Whether a function given by pieces is what it should be: analytic on each piece, continuous or not.

`check_analytic`: every piece is analytic on a neighbourhood of its closed interval, that is, no
denominator vanishes there and arguments of roots and logarithms are positive.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache

from flint import ctx

from proofs.errors import KernelError

from .bisection import interval_of, is_positive_between
from .exact_values import exact_value
from .ratios import generator_range, ratio_is_positive, ratio_of
from .tails import tail_is_positive, tail_of
from .univariate import Expression, Piece, Univariate

__all__ = ["PRECISION", "STARTS", "check_analytic", "check_continuity", "jumps", "value_at"]

PRECISION = 128
# Where tails may begin.
STARTS = (Fraction(16), Fraction(64), Fraction(512), Fraction(4096))
PARTIAL = ("inverse", "sqrt", "log")


@cache
def check_analytic(function: Univariate) -> None:
    """Refuses unless each piece is shown to be analytic on its closed interval.

    Raises:
        KernelError: naming the piece and the call that may leave its domain.
    """
    for piece in function.pieces:
        for name, inside in partial_calls(piece.expression):
            if not _stays_inside(name, inside, piece, function.in_pi):
                raise KernelError(
                    f"the piece of {function.label()} on {_shown(piece)} is not shown to be analytic: "
                    f"{name} may leave its domain there"
                )


def _shown(piece: Piece) -> str:
    lower = "(-oo" if piece.lower is None else f"[{piece.lower}"
    return f"{lower}, {'oo)' if piece.upper is None else f'{piece.upper}]'}"


def partial_calls(expression: Expression) -> Iterator[tuple[str, Expression]]:
    """The calls that restrict the domain with their arguments, inner ones first."""
    for (_, calls), _ in expression.terms:
        for inner, _ in calls:
            yield from partial_calls(inner.argument)
            if inner.name in PARTIAL:
                yield inner.name, inner.argument


def _stays_inside(name: str, inside: Expression, piece: Piece, in_pi: bool) -> bool:
    # On a connected interval an argument without zeros has one sign.
    if is_positive_on_piece(inside, piece, in_pi):
        return True
    return name == "inverse" and is_positive_on_piece(inside.scaled(Fraction(-1)), piece, in_pi)


def is_positive_on_piece(expression: Expression, piece: Piece, in_pi: bool) -> bool:
    """Whether the expression is shown to be > 0 on the closed interval of the piece."""
    ratio = ratio_of(expression)
    if ratio is not None and not in_pi:
        values = generator_range(ratio.generator, piece.lower, piece.upper)
        if values is not None:
            return ratio_is_positive(ratio, values)
    sides = [side for side, end in ((-1, piece.lower), (1, piece.upper)) if end is None]
    with ctx.workprec(PRECISION):
        for start in STARTS:
            if all(_is_positive_beyond(expression, side, start) for side in sides):
                inner = interval_of(piece.lower, piece.upper, start, in_pi)
                return inner is None or is_positive_between(expression, inner)
    return False


def _is_positive_beyond(expression: Expression, side: int, start: Fraction) -> bool:
    try:
        return tail_is_positive(tail_of(expression, side, start), start)
    except KernelError:
        return False


@cache
def jumps(function: Univariate) -> tuple[Fraction, ...]:
    """The kinks at which the pieces and the value are not shown to agree.

    Two values agree if both are visibly rational and equal.
    """
    check_analytic(function)
    found: list[Fraction] = []
    values = dict(function.values)
    for kink, left, right, drift in _joints(function):
        sides = [
            exact_value(left[0], left[1], in_pi=function.in_pi),
            exact_value(right[0], right[1], in_pi=function.in_pi),
        ]
        if sides[0] is not None:
            sides[0] -= drift
        here = values.get(kink, sides[1])
        if sides[0] is None or not sides[0] == sides[1] == here:
            found.append(kink)
    return tuple(found)


Side = tuple[Expression, Fraction]


def _joints(function: Univariate) -> Iterator[tuple[Fraction, Side, Side, Fraction]]:
    """Every kink with the expressions and points on its two sides, and the drift of the left one."""
    period, pieces = function.period, function.pieces
    first, last = pieces[0].lower, pieces[-1].upper
    if period is not None and first is not None and last is not None:
        yield first, (pieces[-1].expression, last), (pieces[0].expression, first), period.drift
    for left, right in zip(pieces, pieces[1:], strict=False):
        if right.lower is not None:
            yield right.lower, (left.expression, right.lower), (right.expression, right.lower), Fraction(0)


def check_continuity(function: Univariate) -> None:
    """Refuses a function that is not shown to be continuous, or whose pieces may not be analytic."""
    check_analytic(function)
    if jumps(function):
        raise KernelError(f"expected {function.label()} to be shown continuous at t={jumps(function)[0]}")


def value_at(function: Univariate, point: Fraction) -> Fraction | None:
    """sigma(point) where it is visibly rational; points off the first period of ends in pi: None."""
    shift = Fraction(0)
    if function.period is not None:
        if function.period.in_pi and point != 0:
            return None
        first = function.pieces[0].lower or Fraction(0)
        turns = (point - first) // function.period.length
        point, shift = point - turns * function.period.length, turns * function.period.drift
    values = dict(function.values)
    if point in values:
        return values[point] + shift
    for piece in reversed(function.pieces):
        if piece.lower is None or piece.lower <= point:
            found = exact_value(piece.expression, point, in_pi=function.in_pi)
            return None if found is None else found + shift
    return None
