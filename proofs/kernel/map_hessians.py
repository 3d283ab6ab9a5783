"""Value, gradient and Hessian of a scalar map at a rational point, exactly over Q and in balls.

Forward: every entry's value v and its tangents t, the row of its P derivatives.  Backward: every
entry's adjoint a, the derivative of the scalar by that entry, and the row b of a's own derivatives.
A row that is 0 is None.  At the entries of the parameters the a are the gradient, the b the rows
of the Hessian.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

from proofs.errors import KernelError

from .map_numbers import BALLS, RATIONALS
from .map_tangents import Algebra, Row, Tangents, plus, times
from .map_values import Point, checked_bits, contraction, coordinates, lifted, number_of, read
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
    maps_below,
    size_of,
)
from .univariate import Univariate

__all__ = ["ball_hessian", "exact_hessian"]


def exact_hessian(scalar: Map, point: Point) -> tuple[fmpq, list[fmpq], fmpq_mat]:
    """The value, gradient and Hessian of a scalar map at the point, in the order of `coordinates`.

    Returns:
        The exact numbers.  Chosen expressions count as they stand, wherever the entries lie.

    Raises:
        KernelError: for a map other than a scalar made of parameters and numbers, a function with
            kinks, or a value or derivative that is not visibly rational.
    """
    found = _sweep(scalar, Algebra(RATIONALS, fmpq_mat), point)
    return found[0], found[1], _stacked(found[2], fmpq_mat)


def ball_hessian(scalar: Map, point: Point, bits: int) -> tuple[arb, list[arb], arb_mat]:
    """Balls that contain the value, gradient and Hessian of a scalar map at the point.

    Raises:
        KernelError: as `exact_hessian`, but for balls that are not finite instead of values that
            are not rational.
    """
    with ctx.workprec(checked_bits(bits)):
        value, gradient, rows = _sweep(scalar, Algebra(BALLS, arb_mat), point)
        hessian = _stacked(rows, arb_mat)
        for entry in (*gradient, *hessian.entries()):
            BALLS.checked(entry)
    return value, gradient, hessian


def _stacked(rows: list[Row], matrix: Callable[..., Any]) -> Any:
    size = len(rows)
    return matrix(size, size, [0 if row is None else row[0, j] for row in rows for j in range(size)])


def _sweep(scalar: Map, algebra: Algebra, point: Point) -> tuple[Any, list[Any], list[Row]]:
    if scalar.shape != ():
        raise KernelError("expected a scalar map")
    nodes = maps_below(scalar)
    for node in nodes:
        _check_smooth(node)
    values = read(scalar, algebra.numbers, lifted(scalar, point, algebra.numbers))
    forward = Tangents(algebra, values, coordinates(scalar))
    for node in nodes:
        forward.visit(node)
    backward = _Backward(algebra, forward)
    backward.give(scalar, 0, algebra.numbers.lift(fmpq(1)), None)
    for node in reversed(nodes):
        backward.visit(node)
    gradient, rows = backward.at_blocks(nodes)
    return values[scalar][0], gradient, rows


def _check_smooth(node: Map) -> None:
    match node:
        case Entry(function=function):
            if not isinstance(function, Univariate) or not function.is_analytic:
                raise KernelError(f"expected no function with kinks but got {function.label()}")
        case (
            ParameterBlock() | Fixed() | At() | Pick() | Join() | Total() | Scaled() | Contract() | Chosen()
            | Partial()
        ):  # fmt: skip
            return
        case _:
            raise KernelError(f"expected a map of parameters and numbers but got a {type(node).__name__}")


class _Backward:
    """The adjoints of every map and their tangents."""

    def __init__(self, algebra: Algebra, forward: Tangents):
        self._numbers = algebra.numbers
        self._forward = forward
        self._adjoints: dict[Map, list[Any]] = {}
        self._rows: dict[Map, list[Row]] = {}

    def give(self, node: Map, number: int, adjoint: Any, row: Row) -> None:
        """Adds to the adjoint of an entry and to its row."""
        if node not in self._adjoints:
            size = size_of(node.require_shape())
            self._adjoints[node] = [self._numbers.zero] * size
            self._rows[node] = [None] * size
        self._adjoints[node][number] = self._adjoints[node][number] + adjoint
        self._rows[node][number] = plus(self._rows[node][number], row)

    def at_blocks(self, nodes: list[Map]) -> tuple[list[Any], list[Row]]:
        """The gradient and the rows of the Hessian."""
        blocks = sorted((node for node in nodes if isinstance(node, ParameterBlock)), key=lambda b: b.name)
        gradient: list[Any] = []
        rows: list[Row] = []
        for block in blocks:
            size = size_of(block.extents)
            gradient.extend(self._adjoints.get(block, [self._numbers.zero] * size))
            rows.extend(self._rows.get(block, [None] * size))
        return gradient, rows

    def visit(self, node: Map) -> None:
        """Hands the adjoints of a map on to its parts."""
        if node not in self._adjoints:
            return
        adjoints, rows = self._adjoints[node], self._rows[node]
        if isinstance(node, Contract):
            self._contracted(node, adjoints, rows)
            return
        if isinstance(node, Entry | Chosen | Partial):
            self._functions(node, adjoints, rows)
            return
        for k, (part, number, factor) in self._links(node):
            if factor == 1:
                self.give(part, number, adjoints[k], rows[k])
            else:
                scale = self._numbers.lift(factor)
                self.give(part, number, adjoints[k] * scale, times(rows[k], scale))

    def _links(self, node: Map) -> Iterator[tuple[int, tuple[Map, int, fmpq]]]:
        """For each entry that is a sum of multiples of entries of parts: its number and those."""
        one = fmpq(1)
        match node:
            case At(of=of):
                yield 0, (of, number_of(node), one)
            case Pick(of=of, numbers=places):
                yield from ((k, (of, place, one)) for k, place in enumerate(places) if place >= 0)
            case Join(parts=parts):
                k = 0
                for part in parts:
                    for number in range(size_of(part.require_shape())):
                        yield k, (part, number, one)
                        k += 1
            case Total(parts=parts):
                for part in parts:
                    yield from ((k, (part, k, one)) for k in range(size_of(part.require_shape())))
            case Scaled(factor=factor, of=of):
                yield from ((k, (of, k, factor)) for k in range(size_of(of.require_shape())))
            case ParameterBlock() | Fixed():
                return
            case _:
                raise KernelError(f"no adjoints are known of {type(node).__name__}")

    def _contracted(self, node: Contract, adjoints: list[Any], rows: list[Row]) -> None:
        values, tangents = self._forward.values, self._forward.tangents
        # The adjoint a of u v goes to u as a v, with the row b v + a v'; likewise to v.
        sides = [(node.left, node.right, 0, 1), (node.right, node.left, 1, 0)]
        triples = contraction(node.pattern, node.left.require_shape(), node.right.require_shape())
        for side, other, own, opposite in sides:
            if not self._forward.moves(side):
                continue
            for triple in triples:
                k, j = triple[2], triple[opposite]
                if adjoints[k] == 0 and rows[k] is None:
                    continue
                value = values[other][j]
                row = plus(times(rows[k], value), times(tangents[other][j], adjoints[k]))
                self.give(side, triple[own], adjoints[k] * value, row)

    def _functions(self, node: Entry | Chosen | Partial, adjoints: list[Any], rows: list[Row]) -> None:
        inside, moving = self._forward.tangents[node.of], self._forward.moving[node]
        # The adjoint a of f(x) goes to x as a f'(x), with the row b f'(x) + a f''(x) x'.
        for k, (first, second) in enumerate(self._forward.slopes[node]):
            if not moving[k]:
                continue
            row = plus(times(rows[k], first), times(inside[k], adjoints[k] * second))
            self.give(node.of, k, adjoints[k] * first, row)
