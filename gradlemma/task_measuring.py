"""Task arithmetic in double precision: distances, C, losses, and pieces of large networks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from gradlemma.task_results import Kinks, KinkStatus, LossesSeen, TaskMeasured

if TYPE_CHECKING:
    from torch import Tensor

    from numerics.tasks import TaskRuns, Tasks

__all__ = ["kinks_seen", "measured_of"]


def measured_of(losses: Tasks, runs: TaskRuns) -> TaskMeasured:
    from numerics.tasks import explained, leading_term, path_term

    path, leading = path_term(runs), leading_term(runs)
    points = {
        "start": runs.start, "merged": runs.merged, "multi_task": runs.multi_task,
    }  # fmt: skip
    seen: list[LossesSeen] = []
    for number, objective in enumerate(losses.objectives):
        values = {name: _loss(objective, point) for name, point in points.items()}
        seen.append(LossesSeen(own=_loss(objective, runs.ends[number]), **values))
    found = explained(runs, path)
    return TaskMeasured(
        runs.steps,
        found.difference,
        found.rounding,
        float(runs.joint[-1].norm()),
        path,
        leading,
        found,
        explained(runs, leading).share,
        tuple(seen),
    )


def _loss(objective: Any, point: Tensor) -> float | None:
    value = float(objective.losses(point[None])[0])
    return value if math.isfinite(value) else None


def kinks_seen(runs: TaskRuns | None) -> Kinks:
    """What double precision sees of the pieces of a network that is too large for a certificate."""
    from numerics.tasks import pieces_seen

    why = "The network is too large to certify that no unit meets a kink: nothing is claimed."
    seen = None if runs is None else pieces_seen(runs)
    return Kinks(KinkStatus.NOT_CHECKED, why if seen is None else f"{why} {seen.sentence()}", seen=seen)
