"""The torch reading of `Loss`: value, gradient and Hessian in the outputs of one sample.

f and y are `[..., N, out]`; the last dimension is summed.  With p = softmax(f):

    cross-entropy   log sum exp f - <y, f>     p - y          diag p - p p^T
    half_mse        ||f - y||^2 / 2            f - y          I
    mse             ||f - y||^2                2 (f - y)      2 I
"""

from __future__ import annotations

from typing import assert_never

import torch
from torch import Tensor

from proofs.network import Loss

__all__ = ["hessian_product", "output_gradient", "quadratic_form", "values"]


def values(loss: Loss, f: Tensor, y: Tensor) -> Tensor:
    """The loss of every sample: `[N, out], [N, out] -> [N]`."""
    match loss:
        case Loss.CROSS_ENTROPY:
            return torch.logsumexp(f, dim=-1) - (y * f).sum(-1)
        case Loss.MSE:
            return (f - y).square().sum(-1)
        case Loss.HALF_MSE:
            return 0.5 * (f - y).square().sum(-1)
        case _:
            assert_never(loss)


def output_gradient(loss: Loss, f: Tensor, y: Tensor) -> Tensor:
    """The gradient in f of every sample's loss: `[N, out], [N, out] -> [N, out]`."""
    match loss:
        case Loss.CROSS_ENTROPY:
            return torch.softmax(f, dim=-1) - y
        case Loss.MSE:
            return 2.0 * (f - y)
        case Loss.HALF_MSE:
            return f - y
        case _:
            assert_never(loss)


def hessian_product(loss: Loss, f: Tensor, v: Tensor) -> Tensor:
    """The Hessian in f of every sample's loss times v: `[N, out], [..., N, out] -> [..., N, out]`."""
    match loss:
        case Loss.CROSS_ENTROPY:
            p = torch.softmax(f, dim=-1)
            return p * (v - (p * v).sum(-1, keepdim=True))
        case Loss.MSE:
            return 2.0 * v
        case Loss.HALF_MSE:
            return v
        case _:
            assert_never(loss)


def quadratic_form(loss: Loss, f: Tensor, v: Tensor) -> Tensor:
    """<v, Hessian v> of every sample's loss, `[N, out], [N, out] -> [N]`; never below -rounding."""
    return (v * hessian_product(loss, f, v)).sum(-1)
