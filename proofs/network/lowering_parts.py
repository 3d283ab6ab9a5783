"""Parts that several layers are lowered with: constants, reshaping, affine maps, softmax."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq

from proofs.kernel.maps import Contract, Entry, Fixed, Map, Partial, Pick, Scaled, Shape, Total
from proofs.kernel.univariate import argument, call, constant, piecewise

__all__ = [
    "EXP", "RELU", "STEP", "affine", "constant_map", "difference", "filled", "lead_of",
    "numbers_of", "picked", "reciprocal", "relu_of", "reshaped", "softmax", "spread",
]  # fmt: skip

EXP = piecewise("exp", {}, [], [call("exp")])
RELU = piecewise("relu", {}, [0], [constant(0), argument()])
# 0 below 0 and 1 above; at 0 the value is 1 and 0.
STEP = piecewise("step", {}, [0], [constant(0), constant(1)])


def constant_map(values: Any, shape: Shape) -> Fixed:
    """The constant tensor with these rational entries, row by row."""
    return Fixed(shape, tuple(fmpq(Fraction(v).numerator, Fraction(v).denominator) for v in values))


def filled(shape: Shape, value: Fraction | int = 1) -> Fixed:
    """The constant tensor with one value everywhere."""
    number = Fraction(value)
    return Fixed(shape, (fmpq(number.numerator, number.denominator),) * math.prod(shape))


def numbers_of(shape: Shape) -> Any:
    """The numbers of the entries of a tensor, as an integer array of its shape."""
    return np.arange(math.prod(shape)).reshape(shape)


def picked(of: Map, numbers: Any) -> Map:
    """The entries with these numbers, an integer array of the wanted shape; -1 stands for 0."""
    return Pick(of, tuple(numbers.ravel().tolist()), tuple(int(extent) for extent in numbers.shape))


def reshaped(of: Map, shape: Shape) -> Map:
    """The same entries in another shape."""
    return of if of.shape == shape else picked(of, numbers_of(shape))


def spread(of: Map, shape: Shape, axes: tuple[int, ...]) -> Map:
    """A tensor repeated along the axes of `shape` other than `axes`, which are its own in order."""
    own = of.require_shape()
    wide = [own[axes.index(axis)] if axis in axes else 1 for axis in range(len(shape))]
    return reshaped(of, shape) if own == shape else picked(
        of, np.broadcast_to(numbers_of(own).reshape(wide), shape)
    )  # fmt: skip


def difference(left: Map, right: Map) -> Map:
    """Left - right."""
    return Total((left, Scaled(fmpq(-1), right)))


def reciprocal(of: Map) -> Map:
    """1/h, entry by entry."""
    return Partial("inverse", of)


def relu_of(of: Map) -> Map:
    """max(h, 0), entry by entry."""
    return Entry(RELU, of)


def lead_of(of: Map) -> str:
    """The letters of the axes before the last one: none for a vector, `t` for rows."""
    return "t" * (len(of.require_shape()) - 1)


def affine(weight: Map, bias: Map | None, of: Map, *, transpose: bool = False) -> Map:
    """W h + b for a vector h, and for each row of a table; W^T h + b with `transpose`."""
    lead = lead_of(of)
    product = Contract(f"{'ji' if transpose else 'ij'},{lead}j->{lead}i", weight, of)
    if bias is None:
        return product
    shape = product.require_shape()
    return Total((product, spread(bias, shape, (len(shape) - 1,))))


def softmax(of: Map, letters: str) -> Map:
    """Exp s / sum exp s over the last of the axes, which `letters` name."""
    powers = Entry(EXP, of)
    sums = Contract(f"{letters},{letters[-1]}->{letters[:-1]}", powers, filled(of.require_shape()[-1:]))
    return Contract(f"{letters},{letters[:-1]}->{letters}", powers, reciprocal(sums))
