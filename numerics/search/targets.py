"""Targets of a loss in its range: drawn for a batch, projected, and checked exactly."""

from __future__ import annotations

from fractions import Fraction
from typing import assert_never

import torch
from torch import Tensor

from numerics.exact import norm_at_most
from proofs.kernel.tensors import ExactTensor
from proofs.network import LossKind

from .tensors import into_norm, rows_of, rows_within, to_norm

__all__ = ["draw_targets", "restored_targets", "targets_admitted", "targets_projected"]


def draw_targets(
    kind: LossKind, shape: tuple[int, int, int], norm: float, generator: torch.Generator
) -> Tensor:
    """[B, N, out]: classes for cross-entropy, 0 and 1 for bce, else vectors of that norm."""
    match kind:
        case LossKind.CROSS_ENTROPY:
            label = torch.randint(shape[2], shape[:2], generator=generator)
            return torch.nn.functional.one_hot(label, shape[2]).to(torch.float64)
        case LossKind.BCE:
            return torch.randint(2, shape, generator=generator).to(torch.float64)
        case LossKind.MSE | LossKind.HALF_MSE | LossKind.HUBER:
            y = torch.randn(shape, generator=generator, dtype=torch.float64)
            return to_norm(y.flatten(0, 1), norm).reshape(shape)
        case _:
            assert_never(kind)


def targets_projected(kind: LossKind, y: Tensor, norm: float) -> Tensor:
    """The nearest targets in range; those of cross-entropy do not move."""
    match kind:
        case LossKind.CROSS_ENTROPY:
            return y
        case LossKind.BCE:
            return y.clamp(0.0, 1.0)
        case LossKind.MSE | LossKind.HALF_MSE | LossKind.HUBER:
            return into_norm(y, norm)
        case _:
            assert_never(kind)


def restored_targets(kind: LossKind, y: ExactTensor, norm: Fraction) -> ExactTensor:
    """The targets after rounding, moved into their range in exact arithmetic where that is easy."""
    match kind:
        case LossKind.CROSS_ENTROPY:
            return y
        case LossKind.BCE:
            entries = tuple(min(max(entry, Fraction(0)), Fraction(1)) for entry in y.fractions())
            return ExactTensor.from_fractions(y.shape, entries)
        case LossKind.MSE | LossKind.HALF_MSE | LossKind.HUBER:
            return rows_within(y, norm)
        case _:
            assert_never(kind)


def targets_admitted(kind: LossKind, y: ExactTensor, norm: Fraction) -> bool:
    """Whether the targets are in range: probability vectors, entries in [0, 1], or norms."""
    match kind:
        case LossKind.CROSS_ENTROPY:
            rows = [row.fractions() for row in rows_of(y)]
            return all(min(row) >= 0 and sum(row) == 1 for row in rows)
        case LossKind.BCE:
            return all(0 <= entry <= 1 for entry in y.fractions())
        case LossKind.MSE | LossKind.HALF_MSE | LossKind.HUBER:
            return all(norm_at_most(row, norm) for row in rows_of(y))
        case _:
            assert_never(kind)
