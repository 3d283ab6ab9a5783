"""Gradient and curvature of a sample's loss in the outputs f, in rationals or balls.

Functions and powers of vectors are entrywise:

    loss            gradient in f            <v, Hess v>
    cross_entropy   p - y, p = softmax f     <p, v^2> - <p, v>^2
    mse             2 (f - y)                2 <v, v>
    half_mse        f - y                    <v, v>
    bce             sigmoid(f) - y           <sigmoid'(f), v^2>
    huber           huber'(f - y)            <huber''(f - y), v^2>

each <., .> a sum over the outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from numerics.errors import NumericsError
from proofs.network import Loss, LossKind, entry_function

from .numbers import Field, Number, dot

__all__ = ["curvature", "output_gradient"]


def output_gradient(field: Field, loss: Loss, f: Sequence[Number], y: Sequence[Number]) -> list[Number]:
    """The gradient in f.

    Raises:
        OnKink: if a residual of huber is not shown to be off |r| = delta.
    """
    match loss.kind:
        case LossKind.CROSS_ENTROPY:
            return _minus(field.softmax(list(f)), y)
        case LossKind.MSE:
            return [2 * entry for entry in _minus(f, y)]
        case LossKind.HALF_MSE:
            return _minus(f, y)
        case LossKind.BCE:
            return _minus(_entries(field, loss, f, 1), y)
        case LossKind.HUBER:
            return _entries(field, loss, _minus(f, y), 1)
        case _:
            assert_never(loss.kind)


def curvature(
    field: Field, loss: Loss, f: Sequence[Number], y: Sequence[Number], v: Sequence[Number]
) -> Number:
    """<v, Hess v> in f.

    Raises:
        OnKink: if a residual of huber is not shown to be off |r| = delta.
    """
    squares = [entry * entry for entry in v]
    match loss.kind:
        case LossKind.CROSS_ENTROPY:
            p = field.softmax(list(f))
            mean = dot(p, v)
            return dot(p, squares) - mean * mean
        case LossKind.MSE:
            return 2 * dot(v, v)
        case LossKind.HALF_MSE:
            return dot(v, v)
        case LossKind.BCE:
            return dot(_entries(field, loss, f, 2), squares)
        case LossKind.HUBER:
            return dot(_entries(field, loss, _minus(f, y), 2), squares)
        case _:
            assert_never(loss.kind)


def _entries(field: Field, loss: Loss, at: Sequence[Number], order: int) -> list[Number]:
    """The first or second derivative, at every entry, of the function that the loss sums."""
    function = entry_function(loss)
    if function is None:
        raise NumericsError(f"expected a loss that sums over the outputs but got {loss.label()}")
    return [field.derivatives(function, entry)[order] for entry in at]


def _minus(left: Sequence[Number], right: Sequence[Number]) -> list[Number]:
    return [a - b for a, b in zip(left, right, strict=True)]
