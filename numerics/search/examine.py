"""One setting: draw a batch, climb from the best, re-check what exceeds the bound exactly."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from numerics.exact import Comparison
from numerics.threads import threads_for

from .attack import Target
from .batches import Batch, Instance, exact_instance
from .climb import climb
from .outcome import Budget
from .shrink import confirm, shrink

__all__ = ["POWER_STEPS", "Examined", "examine"]

# Rounding of float64 stays below this for the small networks that are searched.
TOLERANCE = 1e-9
CANDIDATES = 4
POWER_STEPS = 4


@dataclass(slots=True)
class Examined:
    """What one setting gave; `unconfirmed` says why a violation in floats was not shown exactly."""

    instances: int = 0
    not_finite: int = 0
    margins: dict[str, float] = field(default_factory=dict)
    quantity: str = ""
    instance: Instance | None = None
    recheck: Comparison | None = None
    unconfirmed: str = ""


def examine(target: Target, seed: int, budget: Budget) -> Examined:
    """Search one setting for a violation.

    Returns:
        The largest margin of each quantity, and the first violation that was shown exactly.
    """
    found = Examined()
    with threads_for(0):
        for quantity in target.quantities:
            generator = torch.Generator().manual_seed(seed)
            batch = target.draw(generator, budget.batch, quantity)
            best, margins = _score(target, batch, quantity, budget, found)
            if not len(margins):
                continue
            found.margins[quantity] = float(margins[0])
            if found.margins[quantity] > TOLERANCE:
                _confirm(target, best, margins, quantity, found)
            if found.instance is not None:
                break
    return found


def _score(
    target: Target, batch: Batch, quantity: str, budget: Budget, found: Examined
) -> tuple[Batch, Tensor]:
    """The climbers after their ascent, best first, and their margins."""
    batch = target.refresh(batch, quantity, POWER_STEPS)
    with torch.no_grad():
        margins = target.margins(batch, quantity)
    finite = torch.isfinite(margins)
    found.instances += int(finite.sum())
    found.not_finite += int((~finite).sum())
    chosen = _starts(torch.where(finite, margins, -torch.inf), int(finite.sum()), budget.climbers)
    if not len(chosen):
        return batch.take(chosen), margins[chosen]
    climbed = climb(target, batch.take(chosen), quantity, budget.steps)
    found.instances += climbed.instances
    found.not_finite += climbed.not_finite
    order = torch.argsort(climbed.margins, descending=True)
    return climbed.batch.take(order), climbed.margins[order]


def _starts(margins: Tensor, finite: int, climbers: int) -> Tensor:
    """Where to climb from: half of the climbers start at the best, half spread over all other ranks.

    The best alone may all be stationary points, such as minima of the loss for a claim about a step.
    """
    ranked = torch.argsort(margins, descending=True)[:finite]
    best = (climbers + 1) // 2
    rest = ranked[best:]
    spread = rest[torch.linspace(0, max(len(rest) - 1, 0), min(climbers - best, len(rest))).long()]
    return torch.cat([ranked[:best], spread])


def _confirm(target: Target, batch: Batch, margins: Tensor, quantity: str, found: Examined) -> None:
    """Decide the instances that exceed the bound in floats, best first.

    Where the inequality is shown to hold at the floats themselves, their excess was rounding.
    """
    beyond = int((margins > TOLERANCE).sum())
    found.margins[quantity] = float(margins[beyond]) if beyond < len(margins) else -1.0
    undecided = 0
    for index in range(beyond):
        instance, recheck = confirm(target, exact_instance(batch, index), quantity)
        if instance is not None:
            found.margins[quantity] = float(margins[index])
            found.instance, found.recheck = shrink(target, instance, quantity, recheck)
            found.quantity, found.unconfirmed = quantity, ""
            return
        if recheck.holds:
            continue
        undecided += 1
        found.margins[quantity] = max(found.margins[quantity], float(margins[index]))
        found.unconfirmed = (
            f"margin {float(margins[index]):.3g} in floats for {quantity}, not shown exactly"
            + (f" ({recheck.why})" if recheck.why else "")
        )
        if undecided == CANDIDATES:
            return
