"""Directed float64 arrays over samples: sums, products and roots rounded outward on one side.

IEEE 754 rounds each operation to nearest, so the next float beyond a result is a bound of the
exact one.  Results are the same on every machine.  Overflow gives infinity, which later fails
every comparison with a finite bound (callers silence numpy's warnings).  All entries are >= 0.
"""

from __future__ import annotations

import math
from enum import Enum
from fractions import Fraction

import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from proofs.errors import KernelError

__all__ = ["Array", "Side", "add", "float_beyond", "mean_beyond", "multiply", "root"]

Array = NDArray[np.float64]


class Side(Enum):
    """On which side of the exact value results lie."""

    ABOVE = math.inf
    BELOW = 0.0


def add(first: Array, second: Array, side: Side) -> Array:
    """A bound of first + second."""
    return np.nextafter(first + second, side.value)


def multiply(first: Array, second: Array, side: Side) -> Array:
    """A bound of first * second; a factor that is exactly zero gives zero."""
    product = np.nextafter(first * second, side.value)
    zero = (first == 0.0) | (second == 0.0)
    return np.where(zero, 0.0, product) if zero.any() else product


def root(values: Array, side: Side) -> Array:
    """A bound of the square root."""
    return np.where(values == 0, 0.0, np.nextafter(np.sqrt(values), side.value))


def float_beyond(value: fmpq | arb, side: Side) -> float:
    """A float64 beyond the rational, or beyond that end of the ball; at least 0."""
    if isinstance(value, arb):
        end = value.upper() if side is Side.ABOVE else value.lower()
        if not end.is_finite():
            raise KernelError("expected a finite ball")
        near = float(end)
        exact = arb(near) >= end if side is Side.ABOVE else arb(near) <= end
    else:
        fraction = Fraction(int(value.p), int(value.q))
        try:
            near = float(fraction)
        except OverflowError:
            return math.inf if side is Side.ABOVE else float(np.finfo(float).max)
        exact = Fraction(near) >= fraction if side is Side.ABOVE else Fraction(near) <= fraction
    return max(near if exact else math.nextafter(near, side.value), 0.0)


def mean_beyond(values: Array, side: Side) -> fmpq:
    """An exact rational bound of the mean of the entries."""
    total = math.fsum(values.tolist())
    if not math.isfinite(total):
        raise KernelError("expected finite values")
    exact = Fraction(math.nextafter(total, side.value) if total else 0.0) / len(values)
    return fmpq(exact.numerator, exact.denominator)
