"""Batches of tensors of bounded norm, and exact tensors moved into a bound."""

from __future__ import annotations

from fractions import Fraction

import torch
from torch import Tensor

from numerics.exact import norm_at_most
from proofs.kernel.tensors import ExactTensor

__all__ = ["clip_norm", "draw_tensor", "into_norm", "rows_of", "rows_within", "scaled_down", "to_norm"]

# After rounding, tensors outside their bound are made this much shorter at a time.
SHORTER = Fraction(2**20 - 1, 2**20)


def draw_tensor(shape: tuple[int, ...], norm: float, generator: torch.Generator, count: int) -> Tensor:
    """[count, *shape] with norm (spectral for matrices) `norm`, or (one in three) a share of it.

    Matrices are Gaussian, of rank one, or have all singular values equal, a third each.
    """
    value = _gaussian((count, *shape), generator)
    if len(shape) == 2 and min(shape) > 1:
        third = count // 3
        left = _gaussian((third, shape[0], 1), generator)
        value[:third] = left @ _gaussian((third, 1, shape[1]), generator)
        u, _, vh = torch.linalg.svd(value[third : 2 * third], full_matrices=False)
        value[third : 2 * third] = u @ vh
        value = value[torch.randperm(count, generator=generator)]
    share = torch.rand(count, generator=generator, dtype=torch.float64)
    share = torch.where(torch.rand(count, generator=generator) < 1 / 3, share, 1.0)
    return to_norm(value, norm * share)


def to_norm(value: Tensor, norm: float | Tensor) -> Tensor:
    """Every tensor of the batch scaled to the norm; zeros stay."""
    size = _norms(value)
    factor = torch.where(size > 0.0, norm / size.clamp(min=1e-300), 1.0)
    return value * factor.reshape(-1, *[1] * (value.ndim - 1))


def into_norm(value: Tensor, norm: float) -> Tensor:
    """Every row (last dimension) at most as long as `norm`."""
    size = value.norm(dim=-1, keepdim=True)
    return value * (norm / size.clamp(min=1e-300)).clamp(max=1.0)


def clip_norm(value: Tensor, bound: float) -> Tensor:
    """The nearest tensors [B, ...] of norm at most `bound`: singular values clipped, vectors scaled."""
    if value.ndim == 2 or min(value.shape[1:]) == 1:
        flat = value.reshape(len(value), -1)
        return into_norm(flat, bound).reshape(value.shape)
    if bool((value.norm(dim=(1, 2)) <= bound).all()) or not bool(torch.isfinite(value).all()):
        return value
    u, singular, vh = torch.linalg.svd(value, full_matrices=False)
    return (u * singular.clamp(max=bound).unsqueeze(1)) @ vh


def _norms(value: Tensor) -> Tensor:
    flat = value.reshape(len(value), -1)
    if value.ndim == 2 or min(value.shape[1:]) == 1:
        return flat.norm(dim=1)
    return torch.linalg.matrix_norm(value, 2)


def _gaussian(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def scaled_down(tensor: ExactTensor, bound: Fraction) -> ExactTensor:
    """The tensor, made shorter where its norm exceeds the bound by rounding."""
    for _ in range(3):
        if norm_at_most(tensor, bound):
            return tensor
        tensor = ExactTensor.from_fractions(tensor.shape, tuple(e * SHORTER for e in tensor.fractions()))
    return tensor


def rows_of(tensor: ExactTensor) -> list[ExactTensor]:
    """The rows of a matrix as vectors."""
    width, entries = tensor.shape[1], tensor.fractions()
    return [
        ExactTensor.from_fractions((width,), entries[i : i + width]) for i in range(0, len(entries), width)
    ]


def rows_within(tensor: ExactTensor, bound: Fraction) -> ExactTensor:
    """Every row made shorter where it exceeds the bound by rounding."""
    rows = [scaled_down(row, bound).fractions() for row in rows_of(tensor)]
    return ExactTensor.from_fractions(tensor.shape, tuple(entry for row in rows for entry in row))
