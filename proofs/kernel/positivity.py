"""What the form of a map shows about the sign of its entries, and which chosen expressions are entire."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

from proofs.errors import KernelError

from .domains import is_positive_on_piece, partial_calls
from .map_values import contraction
from .maps import Chosen, Contract, Entry, Fixed, Join, Map, Partial, Pick, Scaled, Total, parts_of, size_of
from .univariate import Expression, Piece, Univariate

__all__ = ["entire_choices", "is_entire", "signs_needed"]


@cache
def is_entire(expression: Expression) -> bool:
    """Whether the expression is analytic on all of R: no inverse, root or logarithm that may fail."""
    if not any(True for _ in partial_calls(expression)):
        return True
    everywhere = Piece(None, None, expression)
    return all(
        is_positive_on_piece(inside, everywhere, False)
        or (name == "inverse" and is_positive_on_piece(inside.scaled(Fraction(-1)), everywhere, False))
        for name, inside in partial_calls(expression)
    )


def entire_choices(node: Chosen) -> bool:
    """Whether every chosen expression is analytic on all of R."""
    pieces = node.function.pieces
    return all(choice < 0 or is_entire(pieces[choice].expression) for choice in set(node.choices))


@cache
def _is_positive(function: Univariate) -> bool:
    # With a drift the function is unbounded on both sides, whatever its values in one period are.
    if function.period is not None and function.period.drift != 0:
        return False
    return all(value > 0 for _, value in function.values) and all(
        is_positive_on_piece(piece.expression, piece, function.in_pi) for piece in function.pieces
    )


def signs_needed(node: Map, strict: bool) -> tuple[tuple[Map, bool], ...]:
    """Which maps must have entries > 0 (True) or >= 0 so that the map has, by its form.

    Raises:
        KernelError: where the form shows nothing.
    """
    match node:
        case Fixed(entries=entries) if all(entry > 0 or (not strict and entry == 0) for entry in entries):
            return ()
        case Entry(function=function) if isinstance(function, Univariate) and _is_positive(function):
            return ()
        case Contract(left=left, right=right) if not strict and left is right and _is_square(node):
            return ()
        case Contract(left=left, right=Fixed()) if strict and _every_sum_is_weighted(node):
            return ((left, True),)
        case Contract(left=left, right=right):
            return ((left, strict), (right, strict))
        case Total(parts=parts):
            # One entry > 0 is enough for a sum > 0: the last part is taken.
            return tuple((part, strict and part is parts[-1]) for part in parts)
        case Scaled(factor=factor, of=of) if factor > 0:
            return ((of, strict),)
        case Pick(numbers=numbers, of=of) if not strict or -1 not in numbers:
            return ((of, strict),)
        case Join():
            return tuple((part, strict) for part in parts_of(node))
        case Partial(name=name, of=of) if name in ("inverse", "sqrt"):
            return ((of, True),)
        case _:
            raise KernelError(f"the form of {type(node).__name__} does not show the sign of its entries")


def _every_sum_is_weighted(node: Contract) -> bool:
    """Whether the right side is constant, >= 0, and > 0 in some product of every entry of the result."""
    if not isinstance(node.right, Fixed) or any(entry < 0 for entry in node.right.entries):
        return False
    weights = node.right.entries
    triples = contraction(node.pattern, node.left.require_shape(), node.right.require_shape())
    found = {k for _, j, k in triples if weights[j] > 0}
    return len(found) == size_of(node.require_shape())


def _is_square(node: Contract) -> bool:
    first, second, _ = node.letters()
    return first == second
