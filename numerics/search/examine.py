"""One setting: draw a batch, climb from the best, re-check what exceeds the bound exactly."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from numerics.threads import threads_for

from .attack import Attack, Target, Witness
from .batches import Batch
from .climb import climb
from .outcome import Budget
from .shrink import confirm, shrink

__all__ = ["Examined", "examine"]

# Rounding of float64 stays below this for the small networks that are searched.
TOLERANCE = 1e-9
CANDIDATES = 4


@dataclass(slots=True)
class Examined:
    """What one setting gave; `unconfirmed` says why a violation in floats was not shown exactly."""

    instances: int = 0
    not_finite: int = 0
    margins: dict[str, float] = field(default_factory=dict)
    witness: Witness | None = None
    unconfirmed: str = ""


def examine(attack: Attack, target: Target, seed: int, budget: Budget) -> Examined:
    """Search one setting for a violation.

    Returns:
        The largest margin of each quantity, and the first violation that was shown exactly.
    """
    found = Examined()
    with threads_for(0):
        generator = torch.Generator().manual_seed(seed)
        batch = target.draw(generator, budget.batch)
        for quantity in target.quantities:
            best, margins = _score(target, batch, quantity, budget, found)
            if not len(margins):
                continue
            found.margins[quantity] = float(margins[0])
            if found.margins[quantity] > TOLERANCE:
                _confirm(target, best, margins, quantity, found)
            if found.witness is not None:
                break
    return found


def _score(
    target: Target, batch: Batch, quantity: str, budget: Budget, found: Examined
) -> tuple[Batch, Tensor]:
    """The climbers after their ascent, best first, and their margins."""
    batch = target.refresh(batch, quantity)
    with torch.no_grad():
        margins = target.margins(batch, quantity)
    finite = torch.isfinite(margins)
    found.instances += int(finite.sum())
    found.not_finite += int((~finite).sum())
    chosen = torch.argsort(torch.where(finite, margins, -torch.inf), descending=True)[: budget.climbers]
    chosen = chosen[finite[chosen]]
    if not len(chosen):
        return batch.take(chosen), margins[chosen]
    climbed, margins = climb(target, batch.take(chosen), quantity, budget.steps)
    found.instances += len(chosen) * budget.steps
    order = torch.argsort(margins, descending=True)
    return climbed.take(order), margins[order]


def _confirm(target: Target, batch: Batch, margins: Tensor, quantity: str, found: Examined) -> None:
    for index in range(min(CANDIDATES, int((margins > TOLERANCE).sum()))):
        exact = target.exact(batch, index, quantity)
        instance, recheck = confirm(target, exact, quantity)
        if instance is None:
            found.unconfirmed = (
                f"left/right - 1 = {float(margins[0]):.3g} in floats for {quantity}, not shown exactly"
                + (f" ({recheck.why})" if recheck.why else "")
            )
            continue
        instance, recheck = shrink(target, instance, quantity, recheck)
        found.witness = target.witness(instance, quantity, recheck)
        found.unconfirmed = ""
        return
