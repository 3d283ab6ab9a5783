"""The compiled reading of an activation: sigma and sigma' on vectors of lanes, and on arrays.

The expression trees are followed while the kernel is being compiled, so that no tree and no
source text is left when it runs.  Conventions are those of `numerics.activations.apply`: at a
kink the piece to its right counts, except for values that the function lists.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from proofs.kernel.univariate import Call, Expression, Piece, Univariate

from ._functions import called
from ._lanes import Lanes, Vector

__all__ = ["array_reading", "value_and_slope"]

ARRAY_LANES = 8

Floats = NDArray[np.float64]


def value_and_slope(lanes: Lanes, function: Univariate, z: Vector) -> tuple[Vector, Vector]:
    """sigma(z) and sigma'(z), which share the functions that they call.

    Returns:
        The value is NaN where z is NaN, or infinite and the function periodic; the slope there is NaN
        or that of the last piece.
    """
    t, turns = _first_period(lanes, function, z)
    calls: dict[Call, Vector] = {}
    value = _by_pieces(lanes, function, function.pieces, t, calls)
    slope = _by_pieces(lanes, function, function.derivative_pieces(1), t, calls)
    unit = math.pi if function.in_pi else 1.0
    for kink, given in function.values:
        at_kink = lanes.equal(t, lanes.constant(float(kink) * unit))
        value = lanes.select(at_kink, lanes.constant(float(given)), value)
    if turns is not None and function.period is not None and function.period.drift:
        value = lanes.add(value, lanes.multiply(lanes.constant(float(function.period.drift)), turns))
    # A constant piece does not look at its argument.  NaN lies in the last piece, and so does an
    # infinity, which has no place in a period.
    return (lanes.keep_nan(t, value) if function.pieces[-1].expression.is_constant else value), slope


def _first_period(lanes: Lanes, function: Univariate, z: Vector) -> tuple[Vector, Vector | None]:
    """Z moved into the first period, and the number of periods moved; z itself without a period."""
    period, first = function.period, function.pieces[0].lower
    if period is None or first is None:
        return z, None
    unit = math.pi if period.in_pi else 1.0
    scaled = z if unit == 1.0 else lanes.divide(z, lanes.constant(unit))
    offset = lanes.subtract(scaled, lanes.constant(float(first)))
    turns = lanes.floor(lanes.divide(offset, lanes.constant(float(period.length))))
    # Two roundings, as in the other readings: which side of a kink t falls on must be the same.
    moved = lanes.multiply(turns, lanes.constant(float(period.length) * unit))
    return lanes.subtract(z, moved), turns


def _by_pieces(
    lanes: Lanes, function: Univariate, pieces: tuple[Piece, ...], t: Vector, calls: dict[Call, Vector]
) -> Vector:
    unit = math.pi if function.in_pi else 1.0
    result = _evaluate(lanes, pieces[-1].expression, t, calls)
    for piece in reversed(pieces[:-1]):
        if piece.upper is None:
            continue
        below = lanes.less(t, lanes.constant(float(piece.upper) * unit))
        result = lanes.select(below, _evaluate(lanes, piece.expression, t, calls), result)
    return result


def _evaluate(lanes: Lanes, expression: Expression, t: Vector, calls: dict[Call, Vector]) -> Vector:
    total: Vector | None = None
    for (degree, factors), coefficient in expression.terms:
        bases = [t] * degree
        for inner, exponent in factors:
            if inner not in calls:
                calls[inner] = called(lanes, inner.name, _evaluate(lanes, inner.argument, t, calls))
            bases += [calls[inner]] * exponent
        total = _added(lanes, total, float(coefficient), bases)
    return lanes.constant(0.0) if total is None else total


def _added(lanes: Lanes, total: Vector | None, number: float, bases: list[Vector]) -> Vector:
    """Total + number * (the product of the bases).

    The product is rounded before it is added, so that terms which cancel exactly far out do so here.
    """
    if not bases:
        term = lanes.constant(number)
        return term if total is None else lanes.add(total, term)
    product = bases[0]
    for base in bases[1:]:
        product = lanes.multiply(product, base)
    if number != 1.0:
        product = lanes.multiply(lanes.constant(number), product)
    return product if total is None else lanes.add(total, product)


@lru_cache(maxsize=256)
def array_reading(function: Univariate) -> Callable[[Floats], tuple[Floats, Floats]]:
    """The compiled reading as a function of arrays: `[n] -> [n], [n]`, values and slopes.

    It is what the kernels contain, made callable to be compared with other readings.
    """

    def emitted(typing: Any, z: Any, value: Any, slope: Any) -> Any:
        def emit(context: Any, builder: Any, found: Any, arguments: Any) -> Any:
            lanes = Lanes(context, builder, ARRAY_LANES)
            start = [
                context.make_array(kind)(context, builder, argument).data
                for kind, argument in zip(found.args, arguments, strict=True)
            ]
            results = value_and_slope(lanes, function, lanes.load(start[0], 0))
            for result, place in zip(results, start[1:], strict=True):
                lanes.store(result, place, 0)
            return context.get_dummy_value()

        return types.void(z, value, slope), emit

    read: Any = intrinsic(emitted)

    @njit
    def fill(z: Floats, value: Floats, slope: Floats) -> None:
        for row in range(z.shape[0]):
            read(z[row], value[row], slope[row])

    def reading(z: Floats) -> tuple[Floats, Floats]:
        rows = -(-z.size // ARRAY_LANES)
        padded = np.zeros(rows * ARRAY_LANES)
        padded[: z.size] = z
        value, slope = np.empty_like(padded), np.empty_like(padded)
        fill(*(table.reshape(rows, ARRAY_LANES) for table in (padded, value, slope)))
        return value[: z.size], slope[: z.size]

    return reading
