"""The derivatives of maps at a point, entry by entry, by all coordinates of Theta at once.

The tangents of an entry are the row of its P derivatives; a row that is 0 is None.  An entry may
have tangents 0 at a point and second derivatives other than 0 there: which entries are constant is
therefore told by the form of the map, not by the tangents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from proofs.errors import KernelError

from .map_numbers import Numbers, partial_expression
from .map_values import contraction, number_of
from .maps import (
    At,
    Chosen,
    Contract,
    Entry,
    Fixed,
    Join,
    Map,
    ParameterBlock,
    Partial,
    Pick,
    Scaled,
    Total,
    size_of,
)
from .univariate import Expression, Univariate, constant

__all__ = ["Algebra", "Row", "Tangents", "plus", "times"]

# A matrix of one row, or None for 0.
Row = Any


@dataclass(frozen=True, slots=True)
class Algebra:
    """Numbers, and the matrices whose rows hold derivatives."""

    numbers: Numbers
    matrix: Callable[..., Any]


@lru_cache(maxsize=1024)
def _derivatives(expression: Expression) -> tuple[Expression, Expression]:
    first = expression.derivative()
    return first, first.derivative()


def _expressions(node: Map, numbers: Numbers, inside: list[Any]) -> Iterator[Expression]:
    """The expression that is applied to every entry; a constant for a chosen kink."""
    match node:
        case Entry(function=Univariate(pieces=pieces)):
            yield from (pieces[0].expression for _ in inside)
        case Chosen(function=function, choices=choices):
            # Of a constant only the derivatives count here, which are 0.
            for choice in choices:
                yield constant(0) if choice < 0 else function.pieces[choice].expression
        case Partial(name=name):
            yield from (partial_expression(numbers, name, x) for x in inside)
        case _:
            raise KernelError(f"expected a function of every entry but got a {type(node).__name__}")


def plus(first: Row, second: Row) -> Row:
    return second if first is None else first if second is None else first + second


def times(row: Row, factor: Any) -> Row:
    return None if row is None or factor == 0 else row * factor


class Tangents:
    """The tangents of every map, and the first and second derivatives of the functions on the way."""

    def __init__(self, algebra: Algebra, values: dict[Map, list[Any]], places: list[tuple[str, int]]):
        self._algebra = algebra
        self._place = {place: number for number, place in enumerate(places)}
        self.values = values
        self.tangents: dict[Map, list[Row]] = {}
        # Per entry whether it may depend on theta, by the form of the map.
        self.moving: dict[Map, list[bool]] = {}
        self.slopes: dict[Map, list[tuple[Any, Any]]] = {}

    def visit(self, node: Map) -> None:
        self.moving[node] = self._moving(node)
        self.tangents[node] = self._rows(node)

    def moves(self, node: Map) -> bool:
        """Whether some entry of the map may depend on theta."""
        return any(self.moving[node])

    def _moving(self, node: Map) -> list[bool]:
        known = self.moving
        match node:
            case ParameterBlock() | Fixed():
                return [isinstance(node, ParameterBlock)] * size_of(node.require_shape())
            case At(of=of):
                return [known[of][number_of(node)]]
            case Pick(of=of, numbers=places):
                return [place >= 0 and known[of][place] for place in places]
            case Join(parts=parts):
                return [moves for part in parts for moves in known[part]]
            case Total(parts=parts):
                return [any(column) for column in zip(*(known[part] for part in parts), strict=True)]
            case Contract():
                return self._moving_products(node)
            case Chosen(function=function, choices=choices, of=of):
                still = [c < 0 or function.pieces[c].expression.is_constant for c in choices]
                return [moves and not stays for moves, stays in zip(known[of], still, strict=True)]
            case Scaled(of=of) | Entry(of=of) | Partial(of=of):
                return known[of]
            case _:
                raise KernelError(f"no tangents are known of {type(node).__name__}")

    def _moving_products(self, node: Contract) -> list[bool]:
        left, right = self.moving[node.left], self.moving[node.right]
        found = [False] * size_of(node.require_shape())
        if any(left) or any(right):
            for i, j, k in contraction(node.pattern, node.left.require_shape(), node.right.require_shape()):
                found[k] = found[k] or left[i] or right[j]
        return found

    def _rows(self, node: Map) -> list[Row]:
        known = self.tangents
        match node:
            case ParameterBlock(name=name):
                return [self._unit(self._place[name, i]) for i in range(size_of(node.extents))]
            case Fixed(entries=entries):
                return [None] * len(entries)
            case At(of=of):
                return [known[of][number_of(node)]]
            case Pick(of=of, numbers=places):
                return [None if place < 0 else known[of][place] for place in places]
            case Join(parts=parts):
                return [row for part in parts for row in known[part]]
            case Total(parts=parts):
                return [_sum(column) for column in zip(*(known[part] for part in parts), strict=True)]
            case Scaled(factor=factor, of=of):
                scale = self._algebra.numbers.lift(factor)
                return [times(row, scale) for row in known[of]]
            case Contract():
                return self._contracted(node)
            case Entry(of=of) | Chosen(of=of) | Partial(of=of):
                self.slopes[node] = self._slopes(node, of)
                pairs = zip(known[of], self.slopes[node], strict=True)
                return [times(row, slope) for row, (slope, _) in pairs]
            case _:
                raise KernelError(f"no tangents are known of {type(node).__name__}")

    def _unit(self, place: int) -> Row:
        size = len(self._place)
        return self._algebra.matrix(1, size, [int(j == place) for j in range(size)])

    def _contracted(self, node: Contract) -> list[Row]:
        left, right = self.values[node.left], self.values[node.right]
        left_rows, right_rows = self.tangents[node.left], self.tangents[node.right]
        rows: list[Row] = [None] * size_of(node.require_shape())
        # (u v)' = u' v + u v'.
        for i, j, k in contraction(node.pattern, node.left.require_shape(), node.right.require_shape()):
            if left_rows[i] is not None:
                rows[k] = plus(rows[k], times(left_rows[i], right[j]))
            if right_rows[j] is not None:
                rows[k] = plus(rows[k], times(right_rows[j], left[i]))
        return rows

    def _slopes(self, node: Map, of: Map) -> list[tuple[Any, Any]]:
        """f'(x) and f''(x) at every entry x; 0 where x or f is constant."""
        numbers, inside = self._algebra.numbers, self.values[of]
        found: list[tuple[Any, Any]] = []
        expressions = _expressions(node, numbers, inside)
        for expression, x, moves in zip(expressions, inside, self.moving[node], strict=True):
            if not moves:
                found.append((numbers.zero, numbers.zero))
                continue
            first, second = _derivatives(expression)
            found.append((numbers.expression(first, x), numbers.expression(second, x)))
        return found


def _sum(rows: tuple[Row, ...]) -> Row:
    total: Row = None
    for row in rows:
        total = plus(total, row)
    return total
