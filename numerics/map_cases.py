"""The case of a map at a rational point: the expressions that count there instead of functions with kinks."""

from __future__ import annotations

from collections.abc import Mapping

from flint import arb, ctx

from numerics.errors import NumericsError
from proofs.kernel.intervals import ball
from proofs.kernel.map_values import Point, ball_values
from proofs.kernel.maps import (
    At,
    Chosen,
    Contract,
    Entry,
    Join,
    Map,
    Partial,
    Pick,
    Scaled,
    Total,
    maps_below,
)
from proofs.kernel.univariate import Univariate

__all__ = ["AtKinks", "case_at"]

BITS = 256
# For an `Entry` map the numbers of the entries that are at a kink for all theta.
AtKinks = Mapping[Map, frozenset[int]]


def case_at(root: Map, point: Point, at_kinks: AtKinks | None = None) -> Map:
    """The map with a `Chosen` in place of every `Entry` with kinks, by the sides of the entries at the point.

    Args:
        root: a map of parameters and numbers.
        point: the blocks' entries.
        at_kinks: the entries that are at a kink for all theta; they get the constant of that kink.

    Returns:
        A map that equals the root near the point, provided that the entries of `at_kinks` are what
        they are said to be.

    Raises:
        NumericsError: where an entry is not shown to be off all kinks at 256 bits, or an entry of
            `at_kinks` is shown to be off all of them.
    """
    told = dict(at_kinks or {})
    found = ball_values(root, point, BITS)
    made: dict[Map, Map] = {}
    for node in maps_below(root):
        made[node] = _with_parts(node, made)
        if (
            isinstance(node, Entry)
            and isinstance(node.function, Univariate)
            and not node.function.is_analytic
        ):
            still = told.get(node, frozenset())
            with ctx.workprec(BITS):
                choices = tuple(
                    _kink_at(node.function, x) if k in still else _piece_at(node.function, x)
                    for k, x in enumerate(found[node.of])
                )
            made[node] = Chosen(node.function, choices, made[node.of])
    return made[root]


def _piece_at(function: Univariate, x: arb) -> int:
    """The number of the piece inside which x is shown to lie."""
    for number, piece in enumerate(function.pieces):
        above = piece.lower is None or x > ball(piece.lower)
        if above and (piece.upper is None or x < ball(piece.upper)):
            return number
    raise NumericsError(f"expected an entry off the kinks of {function.label()} but got {x}")


def _kink_at(function: Univariate, x: arb) -> int:
    """The choice that stands for the one kink that x may be at."""
    met = [number for number, kink in enumerate(function.kinks) if x.overlaps(ball(kink))]
    if len(met) != 1:
        raise NumericsError(f"expected an entry at a kink of {function.label()} but got {x}")
    return -1 - met[0]


def _with_parts(node: Map, made: Mapping[Map, Map]) -> Map:
    """The map made of other parts."""
    match node:
        case At(of=of, place=place):
            return At(made[of], place)
        case Pick(of=of, numbers=numbers, extents=extents):
            return Pick(made[of], numbers, extents)
        case Join(parts=parts):
            return Join(tuple(made[part] for part in parts))
        case Total(parts=parts):
            return Total(tuple(made[part] for part in parts))
        case Scaled(factor=factor, of=of):
            return Scaled(factor, made[of])
        case Contract(pattern=pattern, left=left, right=right):
            return Contract(pattern, made[left], made[right])
        case Entry(function=function, of=of):
            return Entry(function, made[of])
        case Chosen(function=function, choices=choices, of=of):
            return Chosen(function, choices, made[of])
        case Partial(name=name, of=of):
            return Partial(name, made[of])
        case _:
            # What `ball_values` reads beside these has no parts.
            return node
