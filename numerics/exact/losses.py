"""Gradient and curvature of a sample's loss in the outputs f, in rationals or balls.

Functions and powers of vectors are entrywise:

    loss            gradient in f            Hess v
    cross_entropy   p - y, p = softmax f     p (v - <p, v>)
    mse             2 (f - y)                2 v
    half_mse        f - y                    v
    bce             sigmoid(f) - y           sigmoid'(f) v
    huber           huber'(f - y)            huber''(f - y) v
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from numerics.errors import NumericsError
from proofs.network import Loss, LossKind, entry_function

from .numbers import Field, Number, dot

__all__ = ["curvature", "hessian_product", "output_gradient", "output_value"]


def output_value(field: Field, loss: Loss, f: Sequence[Number], y: Sequence[Number]) -> Number:
    """The loss of one sample; for cross-entropy and bce in balls."""
    gap = _minus(f, y)
    match loss.kind:
        case LossKind.CROSS_ENTROPY:
            return field.log_sum_exp(list(f)) - dot(y, f)
        case LossKind.MSE:
            return dot(gap, gap)
        case LossKind.HALF_MSE:
            return dot(gap, gap) / 2
        case LossKind.BCE:
            return _total(_entries(field, loss, f, 0)) - dot(y, f)
        case LossKind.HUBER:
            return _total(_entries(field, loss, gap, 0))
        case _:
            assert_never(loss.kind)


def _total(values: Sequence[Number]) -> Number:
    found = values[0]
    for value in values[1:]:
        found = found + value
    return found


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


def hessian_product(
    field: Field, loss: Loss, f: Sequence[Number], y: Sequence[Number], v: Sequence[Number]
) -> list[Number]:
    """Hess v in f.

    Raises:
        OnKink: if a residual of huber is not shown to be off |r| = delta.
    """
    match loss.kind:
        case LossKind.CROSS_ENTROPY:
            p = field.softmax(list(f))
            mean = dot(p, v)
            return [q * (entry - mean) for q, entry in zip(p, v, strict=True)]
        case LossKind.MSE:
            return [2 * entry for entry in v]
        case LossKind.HALF_MSE:
            return list(v)
        case LossKind.BCE:
            return [a * b for a, b in zip(_entries(field, loss, f, 2), v, strict=True)]
        case LossKind.HUBER:
            return [a * b for a, b in zip(_entries(field, loss, _minus(f, y), 2), v, strict=True)]
        case _:
            assert_never(loss.kind)


def curvature(
    field: Field, loss: Loss, f: Sequence[Number], y: Sequence[Number], v: Sequence[Number]
) -> Number:
    """<v, Hess v> in f.

    Raises:
        OnKink: if a residual of huber is not shown to be off |r| = delta.
    """
    return dot(v, hessian_product(field, loss, f, y, v))


def _entries(field: Field, loss: Loss, at: Sequence[Number], order: int) -> list[Number]:
    """The first or second derivative, at every entry, of the function that the loss sums."""
    function = entry_function(loss)
    if function is None:
        raise NumericsError(f"expected a loss that sums over the outputs but got {loss.label()}")
    return [field.derivatives(function, entry)[order] for entry in at]


def _minus(left: Sequence[Number], right: Sequence[Number]) -> list[Number]:
    return [a - b for a, b in zip(left, right, strict=True)]
