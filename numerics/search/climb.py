"""Gradient ascent on the margin, for several instances at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .attack import Target
from .batches import Batch

__all__ = ["Climbed", "climb"]

FIRST_STEP = 0.5
LAST_STEP = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Climbed:
    """The best instances on the way, their margins [B], and how many others were evaluated.

    instances: with a finite margin; not_finite: without one.
    """

    batch: Batch
    margins: Tensor
    instances: int = 0
    not_finite: int = 0


def climb(target: Target, batch: Batch, quantity: str, steps: int) -> Climbed:
    """Projected ascent from each instance.

    A step moves every tensor by its scale times a share that falls from 1/2 to 1/1000, along the
    gradient of the margin scaled to length 1; then the instance is projected into the hypotheses.
    """
    best = batch
    with torch.no_grad():
        best_margins = target.margins(batch, quantity)
    scales = target.scales(quantity)
    moving = [name for name in batch.tensors if scales.get(name, 0.0) > 0.0]
    if not moving:
        return Climbed(best, best_margins)
    share, finite, evaluated = FIRST_STEP, 0, 0
    for _ in range(steps):
        slopes = _slopes(target, batch, quantity, moving)
        if not slopes:
            break
        moved = {name: batch[name] + share * scales[name] * _unit(slope) for name, slope in slopes.items()}
        batch = target.refresh(target.project(batch.replaced(**moved)), quantity, 1)
        with torch.no_grad():
            margins = target.margins(batch, quantity)
        finite, evaluated = finite + int(torch.isfinite(margins).sum()), evaluated + len(margins)
        better = margins > best_margins
        best, best_margins = best.where(better, batch), torch.where(better, margins, best_margins)
        # Those that got no better go on from their best place, with smaller steps.
        batch = best
        share *= (LAST_STEP / FIRST_STEP) ** (1.0 / max(steps, 1))
    return Climbed(best, best_margins, finite, evaluated - finite)


def _slopes(target: Target, batch: Batch, quantity: str, moving: list[str]) -> dict[str, Tensor]:
    """The gradients of the margins in the tensors that move."""
    free = {name: batch[name].detach().requires_grad_() for name in moving}
    margins = target.margins(batch.replaced(**free), quantity)
    if not margins.requires_grad:
        return {}
    try:
        found = torch.autograd.grad(margins.sum(), list(free.values()), allow_unused=True)
    except RuntimeError:
        # No gradient, no ascent; the draws still count.
        return {}
    return {name: slope for name, slope in zip(moving, found, strict=True) if slope is not None}


def _unit(slope: Tensor) -> Tensor:
    slope = torch.nan_to_num(slope, 0.0, 0.0, 0.0)
    dimensions = tuple(range(1, slope.ndim))
    norms = slope.norm(dim=dimensions, keepdim=True) if dimensions else slope.abs()
    return slope / norms.clamp(min=1e-300)
