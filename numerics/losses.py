"""The torch reading of `Loss`: value, gradient and Hessian in the outputs of one sample.

f and y are `[..., N, out]`; the last dimension is summed.  With p = softmax(f), sigma = softplus or
huber, s = sigmoid:

    cross-entropy   log sum exp f - <y, f>          p - y               diag p - p p^T
    half_mse        ||f - y||^2 / 2                 f - y               I
    mse             ||f - y||^2                     2 (f - y)           2 I
    bce             sum softplus(f) - <y, f>        s(f) - y            diag s'(f)
    huber           sum huber(f - y)                huber'(f - y)       diag huber''(f - y)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

import torch
from torch import Tensor

from numerics.activations import apply, distance_to_kinks
from numerics.activations import terms_added as activation_terms
from numerics.errors import NumericsError
from proofs.network import Loss, LossKind, entry_function

__all__ = [
    "hessian_map", "hessian_matrix", "hessian_product", "hessian_terms", "kink_distance", "output_gradient",
    "quadratic_form", "terms_added", "values",
]  # fmt: skip


def values(loss: Loss, f: Tensor, y: Tensor) -> Tensor:
    """The loss of every sample: `[N, out], [N, out] -> [N]`."""
    match loss.kind:
        case LossKind.CROSS_ENTROPY:
            return torch.logsumexp(f, dim=-1) - (y * f).sum(-1)
        case LossKind.MSE:
            return (f - y).square().sum(-1)
        case LossKind.HALF_MSE:
            return 0.5 * (f - y).square().sum(-1)
        case LossKind.BCE:
            return (_entries(loss, 0, f) - y * f).sum(-1)
        case LossKind.HUBER:
            return _entries(loss, 0, f - y).sum(-1)
        case _:
            assert_never(loss.kind)


def output_gradient(loss: Loss, f: Tensor, y: Tensor) -> Tensor:
    """The gradient in f of every sample's loss: `[N, out], [N, out] -> [N, out]`."""
    match loss.kind:
        case LossKind.CROSS_ENTROPY:
            return torch.softmax(f, dim=-1) - y
        case LossKind.MSE:
            return 2.0 * (f - y)
        case LossKind.HALF_MSE:
            return f - y
        case LossKind.BCE:
            return _entries(loss, 1, f) - y
        case LossKind.HUBER:
            return _entries(loss, 1, f - y)
        case _:
            assert_never(loss.kind)


def hessian_product(loss: Loss, f: Tensor, y: Tensor, v: Tensor) -> Tensor:
    """The Hessian in f of every sample's loss times v: `[N, out] * 2, [..., N, out] -> [..., N, out]`."""
    return hessian_map(loss, f, y)(v)


def hessian_map(loss: Loss, f: Tensor, y: Tensor) -> Callable[[Tensor], Tensor]:
    """The map v -> (Hessian in f of every sample's loss) v; what does not depend on v is computed once."""
    match loss.kind:
        case LossKind.CROSS_ENTROPY:
            p = torch.softmax(f, dim=-1)
            return lambda v: p * (v - (p * v).sum(-1, keepdim=True))
        case LossKind.MSE:
            return lambda v: 2.0 * v
        case LossKind.HALF_MSE:
            return lambda v: v
        case LossKind.BCE:
            curves = _entries(loss, 2, f)
            return lambda v: curves * v
        case LossKind.HUBER:
            curves = _entries(loss, 2, f - y)
            return lambda v: curves * v
        case _:
            assert_never(loss.kind)


def hessian_terms(loss: Loss, f: Tensor, y: Tensor) -> Callable[[Tensor], Tensor]:
    """The map |v| -> the sizes of what the Hessian's map adds up: its rounding errors' scale."""
    function = entry_function(loss)
    if loss.kind is LossKind.CROSS_ENTROPY:
        p = torch.softmax(f, dim=-1)
        return lambda v: p * (v + (p * v).sum(-1, keepdim=True))
    if function is None:
        return hessian_map(loss, f, y)
    sizes = activation_terms(function, 2, f if loss.kind is LossKind.BCE else f - y)
    return lambda v: sizes * v


def hessian_matrix(loss: Loss, f: Tensor, y: Tensor) -> Tensor:
    """The Hessian in f of every sample's loss: `[..., N, out] * 2 -> [..., N, out, out]`."""
    units = torch.eye(f.shape[-1], dtype=f.dtype, device=f.device)
    columns = units.expand(*f.shape[:-1], *units.shape).movedim(-2, 0)
    return hessian_product(loss, f, y, columns).movedim(0, -2)


def quadratic_form(loss: Loss, f: Tensor, y: Tensor, v: Tensor) -> Tensor:
    """<v, Hessian v> of every sample's loss, `[N, out] * 3 -> [N]`; never below -rounding."""
    return (v * hessian_product(loss, f, y, v)).sum(-1)


def terms_added(loss: Loss, f: Tensor, y: Tensor) -> Tensor:
    """The sizes of what `output_gradient` adds up, `[N, out] * 2 -> [N, out]`: its rounding errors' scale."""
    match loss.kind:
        case LossKind.CROSS_ENTROPY:
            return torch.softmax(f, dim=-1) + y.abs()
        case LossKind.MSE:
            return 2.0 * (f.abs() + y.abs())
        case LossKind.HALF_MSE | LossKind.HUBER:
            return f.abs() + y.abs()
        case LossKind.BCE:
            return _entries(loss, 1, f) + y.abs()
        case _:
            assert_never(loss.kind)


def kink_distance(loss: Loss, f: Tensor, y: Tensor) -> float:
    """The least distance of an entry of f - y to a kink of huber; infinity for smooth losses, NaN for NaN."""
    function = entry_function(loss)
    if function is None or not function.kinks:
        return float("inf")
    return float(distance_to_kinks(function, f - y).min())


def _entries(loss: Loss, order: int, v: Tensor) -> Tensor:
    """sigma^(order) of every entry, sigma the function that the loss sums."""
    function = entry_function(loss)
    if function is None:
        raise NumericsError(f"expected a loss that sums over the outputs but got {loss.label()}")
    return apply(function, order, v)
