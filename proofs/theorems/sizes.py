"""Certified sizes of given tensors: the numbers that boxes and data bounds are made of."""

from __future__ import annotations

import math
from fractions import Fraction

from flint import fmpq

from proofs.kernel.monotone import sqrt_above
from proofs.kernel.spectral import frobenius_above, spectral_above
from proofs.kernel.tensors import ExactTensor

__all__ = ["ceil_decimal", "largest_row_norm", "operator_norm_above"]

DECIMALS = 10**9


def operator_norm_above(tensor: ExactTensor) -> Fraction:
    """A certified upper bound of ||A||_2 of a matrix or ||b||_2 of a vector."""
    return spectral_above(tensor) if len(tensor.shape) == 2 else frobenius_above(tensor)


def largest_row_norm(tensor: ExactTensor) -> Fraction:
    """A rational M >= ||x_i|| for every row, exact where the largest is rational."""
    width = tensor.shape[1]
    entries, denominator = tensor.integers()
    largest = max(sum(e * e for e in entries[i : i + width]) for i in range(0, len(entries), width))
    bound = sqrt_above(fmpq(largest, denominator * denominator), 53)
    return Fraction(int(bound.p), int(bound.q))


def ceil_decimal(value: Fraction) -> Fraction:
    """The value rounded up to nine decimals."""
    return Fraction(math.ceil(value * DECIMALS), DECIMALS)
