"""The values of maps at a rational point of Theta: exactly over Q, and in balls.

The coordinates of Theta are the entries of the parameter blocks, blocks by name, entries row by row.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import product
from typing import Any

from flint import arb, ctx, fmpq

from proofs.errors import KernelError

from .map_numbers import BALLS, RATIONALS, Numbers, chosen_value, partial_expression
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
    PlaceNumber,
    Scaled,
    Shape,
    Total,
    blocks_of,
    maps_below,
    size_of,
)
from .univariate import Univariate

__all__ = [
    "Point", "ball_values", "checked_bits", "contraction", "coordinates", "exact_values", "lifted",
    "number_of", "read",
]  # fmt: skip

# The name of a block -> its entries row by row.
Point = Mapping[str, tuple[fmpq, ...]]
MAX_PRODUCTS = 20_000_000
MAX_BITS = 1 << 16


def coordinates(root: Map) -> list[tuple[str, int]]:
    """The coordinates of Theta in order: the block's name and the number of the entry in it."""
    return [(block.name, number) for block in blocks_of(root) for number in range(size_of(block.extents))]


def exact_values(root: Map, point: Point) -> dict[Map, list[fmpq]]:
    """The entries, row by row, of every map below the root at the point.

    Returns:
        The exact values; an entry at a kink has the function's value there.

    Raises:
        KernelError: for a value that is not visibly rational, a partial function at an argument
            that is not positive, or a map that is not made of parameters and numbers alone.
    """
    return read(root, RATIONALS, lifted(root, point, RATIONALS))


def ball_values(root: Map, point: Point, bits: int) -> dict[Map, list[arb]]:
    """Balls that contain the entries of every map below the root at the point.

    Raises:
        KernelError: as `exact_values`, but for balls that are not finite instead of values that are
            not rational.
    """
    with ctx.workprec(checked_bits(bits)):
        return read(root, BALLS, lifted(root, point, BALLS))


def checked_bits(bits: int) -> int:
    """The precision itself, refusing one that is not from 2 to 65536."""
    if type(bits) is not int or not 2 <= bits <= MAX_BITS:
        raise KernelError(f"expected from 2 to {MAX_BITS} bits but got {bits!r}")
    return bits


def lifted(root: Map, point: Point, numbers: Numbers) -> dict[str, list[Any]]:
    """The entries of every block below the root at the point; further blocks of the point are left out.

    Raises:
        KernelError: for a block that the point lacks or has with other entries.
    """
    found: dict[str, list[Any]] = {}
    for block in blocks_of(root):
        entries = tuple(point.get(block.name, ()))
        if len(entries) != size_of(block.extents) or any(type(entry) is not fmpq for entry in entries):
            raise KernelError(f"expected {size_of(block.extents)} rational entries of {block.name}")
        found[block.name] = [numbers.lift(entry) for entry in entries]
    return found


def read(root: Map, numbers: Numbers, blocks: Mapping[str, list[Any]]) -> dict[Map, list[Any]]:
    """The entries of every map below the root in a ring, from those of the blocks."""
    found: dict[Map, list[Any]] = {}
    for node in maps_below(root):
        found[node] = [numbers.checked(value) for value in _entries(node, numbers, blocks, found)]
    return found


def _entries(
    node: Map, numbers: Numbers, blocks: Mapping[str, list[Any]], found: Mapping[Map, list[Any]]
) -> list[Any]:
    match node:
        case ParameterBlock(name=name):
            return blocks[name]
        case Fixed(entries=entries):
            return [numbers.lift(entry) for entry in entries]
        case At(of=of):
            return [found[of][number_of(node)]]
        case Pick(of=of, numbers=places):
            inside = found[of]
            return [numbers.zero if place < 0 else inside[place] for place in places]
        case Join(parts=parts):
            return [value for part in parts for value in found[part]]
        case Total(parts=parts):
            return [sum(column[1:], column[0]) for column in zip(*(found[p] for p in parts), strict=True)]
        case Scaled(factor=factor, of=of):
            scale = numbers.lift(factor)
            return [numbers.times(scale, value) for value in found[of]]
        case Contract(left=left, right=right):
            return _contracted(node, numbers, found[left], found[right])
        case _:
            return _pointwise(node, numbers, found)


def _contracted(node: Contract, numbers: Numbers, left: list[Any], right: list[Any]) -> list[Any]:
    totals = [numbers.zero] * size_of(node.require_shape())
    for i, j, k in contraction(node.pattern, node.left.require_shape(), node.right.require_shape()):
        totals[k] = totals[k] + numbers.times(left[i], right[j])
    return totals


def _pointwise(node: Map, numbers: Numbers, found: Mapping[Map, list[Any]]) -> list[Any]:
    match node:
        case Entry(function=Univariate() as function, of=of):
            return [numbers.function(function, x) for x in found[of]]
        case Chosen(function=function, choices=choices, of=of):
            return [
                chosen_value(numbers, function, choice, x)
                for choice, x in zip(choices, found[of], strict=True)
            ]
        case Partial(name=name, of=of):
            return [numbers.expression(partial_expression(numbers, name, x), x) for x in found[of]]
        case _:
            raise KernelError(f"expected a map of parameters and numbers but got a {type(node).__name__}")


def number_of(node: At) -> int:
    """The number of the entry, refusing an arbitrary place."""
    if not isinstance(node.place, PlaceNumber):
        raise KernelError("expected an entry of a known number")
    return node.place.number


@lru_cache(maxsize=256)
def contraction(pattern: str, left: Shape, right: Shape) -> tuple[tuple[int, int, int], ...]:
    """The products that a contraction adds up: numbers of the left, of the right and of the result's entry.

    The pattern fits the shapes, as `Contract` has checked.
    """
    inputs, _, result = pattern.partition("->")
    first, _, second = inputs.partition(",")
    extents = {**dict(zip(first, left, strict=True)), **dict(zip(second, right, strict=True))}
    if size_of(tuple(extents.values())) > MAX_PRODUCTS:
        raise KernelError(f"expected a contraction of at most {MAX_PRODUCTS} products")
    strides = [_strides(letters, extents) for letters in (first, second, result)]
    # Per letter: what its every value adds to the three numbers.
    steps = [
        [tuple(stride.get(letter, 0) * value for stride in strides) for value in range(extent)]
        for letter, extent in extents.items()
    ]
    return tuple(
        (sum(s[0] for s in chosen), sum(s[1] for s in chosen), sum(s[2] for s in chosen))
        for chosen in product(*steps)
    )


def _strides(letters: str, extents: Mapping[str, int]) -> dict[str, int]:
    """How far apart in the flattened map entries are that differ by 1 in a letter."""
    found: dict[str, int] = {}
    step = 1
    for letter in reversed(letters):
        found[letter] = step
        step *= extents[letter]
    return found
