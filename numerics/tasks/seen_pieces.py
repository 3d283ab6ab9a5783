"""Pre-activations that change their piece between theta0 and points of the runs, as double precision sees it.

An observation for networks that are too large for `certify_pieces`: a change shows a crossing up to
rounding, and no change shows nothing, since a segment may cross kinks between its ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from numerics.errors import NumericsError
from numerics.evaluate import nodes
from numerics.objective import NetworkObjective
from proofs.network import Activate, entry_function

from .runs import TaskRuns

__all__ = ["PiecesSeen", "pieces_seen"]


@dataclass(frozen=True, slots=True)
class PiecesSeen:
    """How many pre-activations of all tasks are in another piece than at theta0 at one of the points.

    total: pre-activations before functions with kinks, over layers, units and samples.
    task, step: where the first change is, the task from 0; joint: whether at theta_MT^(step).
    """

    changed: int
    total: int
    task: int | None = None
    step: int | None = None
    joint: bool = False

    def sentence(self) -> str:
        """The observation in words."""
        if self.task is None:
            return f"In double precision none of {self.total} units changes its piece at a point of the runs."
        name = "MT" if self.joint else str(self.task + 1)
        return (
            f"In double precision {self.changed} of {self.total} units change their piece at a point of the "
            f"runs, the first of task {self.task + 1} at theta_{name}^({self.step})."
        )


def pieces_seen(runs: TaskRuns) -> PiecesSeen:
    """Compares the points e = 1, ..., k - 1 of every run, the task's own and the multi-task one, with theta0.

    Raises:
        NumericsError: for losses of other functions than networks, whose pre-activations are not known.
    """
    changed = total = 0
    first: tuple[int, int, bool] | None = None
    for number, objective in enumerate(runs.tasks.objectives):
        if not isinstance(objective, NetworkObjective):
            raise NumericsError("expected networks, whose pre-activations are known")
        before = _pieces(objective, runs.start)
        moved = torch.zeros_like(before, dtype=torch.bool)
        for step in range(1, runs.steps):
            for joint, move in ((False, runs.own[step, number]), (True, runs.joint[step])):
                other = _pieces(objective, runs.start + move) != before
                moved |= other
                if bool(other.any()) and (first is None or step < first[1]):
                    first = (number, step, joint)
        changed, total = changed + int(moved.sum()), total + moved.numel()
    return PiecesSeen(changed, total) if first is None else PiecesSeen(changed, total, *first)


def _pieces(objective: NetworkObjective, theta: Tensor) -> Tensor:
    """The number of the piece of every pre-activation, and of every argument of a loss with kinks."""
    network = objective.network
    values = nodes(network, theta, objective.x)
    found = [
        _piece(layer.activation.kinks, value)
        for layer, value in zip(network.layers, values, strict=False)
        if isinstance(layer, Activate) and layer.activation.kinks
    ]
    function = entry_function(objective.loss)
    if function is not None and function.kinks:
        found.append(_piece(function.kinks, values[-1] - objective.y))
    return torch.cat(found) if found else theta.new_zeros(0, dtype=torch.long)


def _piece(kinks: Iterable[Any], value: Tensor) -> Tensor:
    ends = value.new_tensor([float(kink) for kink in kinks])
    return torch.bucketize(value, ends).reshape(-1)
