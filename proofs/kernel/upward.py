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

# One number for each sample, or one number where there are no samples.
Array = NDArray[np.float64] | float


class Side(Enum):
    """On which side of the exact value results lie."""

    ABOVE = math.inf
    BELOW = 0.0


def add(first: Array, second: Array, side: Side) -> Array:
    """A bound of first + second."""
    if isinstance(first, float) and isinstance(second, float):
        return math.nextafter(first + second, side.value)
    return np.nextafter(first + second, side.value)


def multiply(first: Array, second: Array, side: Side) -> Array:
    """A bound of first * second; a factor that is exactly zero gives zero."""
    if isinstance(first, float) and isinstance(second, float):
        return 0.0 if first == 0.0 or second == 0.0 else math.nextafter(first * second, side.value)
    product = np.nextafter(first * second, side.value)
    zero = np.logical_or(np.equal(first, 0.0), np.equal(second, 0.0))
    return np.where(zero, 0.0, product) if bool(np.any(zero)) else product


def root(values: Array, side: Side) -> Array:
    """A bound of the square root."""
    if isinstance(values, float):
        return 0.0 if values == 0.0 else math.nextafter(math.sqrt(values), side.value)
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
    entries: list[float] = np.atleast_1d(values).tolist()
    total = math.fsum(entries)
    if not math.isfinite(total):
        raise KernelError("expected numbers within the range of double precision: the bound overflows")
    exact = Fraction(math.nextafter(total, side.value) if total else 0.0) / len(entries)
    return fmpq(exact.numerator, exact.denominator)
