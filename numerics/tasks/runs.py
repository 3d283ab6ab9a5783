"""The runs that task arithmetic compares: k steps on every task alone, and on all of them together.

    theta_t^(e+1)  = theta_t^(e)  - eta grad L_t(theta_t^(e))
    theta_MT^(e+1) = theta_MT^(e) - alpha eta sum_t grad L_t(theta_MT^(e))          from one theta0,
    theta_TA       = theta0 + alpha sum_t (theta_t^(k) - theta0).

What is kept are the moves theta^(e) - theta0, sums of steps: the difference theta_TA - theta_MT, which is
of the order eta^2, then does not suffer from the size of theta0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from numerics.dynamics import LARGEST
from numerics.errors import NumericsError

from .batch import Tasks

__all__ = ["Divergence", "TaskRuns", "merged", "run_tasks"]


@dataclass(frozen=True, slots=True)
class Divergence:
    """Where a run left the limit: the task from 0 (None for the multi-task run) and the step from 1."""

    task: int | None
    step: int

    def sentence(self, limit: float) -> str:
        run = "The multi-task run" if self.task is None else f"The run of task {self.task + 1}"
        return f"{run} diverged at step {self.step}: a parameter is not finite or beyond {limit:g} in size."


@dataclass(frozen=True, slots=True, eq=False)
class TaskRuns:
    """Runs of k = `steps` steps, and the gradients on the way of the multi-task run.

    Shapes: `start` [P] is theta0; `own` [k+1, T, P] holds theta_t^(e) - theta0 and `joint` [k+1, P]
    theta_MT^(e) - theta0 for e = 0..k; `slopes` [k, T, P] grad L_t at theta_MT^(e), e = 0..k-1.
    `divergence` says which run ended all of them before the steps asked for; the points here are finite.
    """

    tasks: Tasks
    start: Tensor
    step_size: float
    alpha: float
    own: Tensor
    joint: Tensor
    slopes: Tensor
    limit: float
    divergence: Divergence | None

    @property
    def steps(self) -> int:
        """k, the number of steps that every run has done."""
        return len(self.joint) - 1

    @property
    def ends(self) -> Tensor:
        """theta_t^(k), [T, P]."""
        return self.start + self.own[-1]

    @property
    def multi_task(self) -> Tensor:
        """theta_MT^(k), [P]."""
        return self.start + self.joint[-1]

    @property
    def merged(self) -> Tensor:
        """theta_TA, [P]."""
        return self.start + self.alpha * self.own[-1].sum(0)

    @property
    def difference(self) -> Tensor:
        """theta_TA - theta_MT^(k), [P], from the moves."""
        return self.alpha * self.own[-1].sum(0) - self.joint[-1]

    @property
    def difference_rounding(self) -> float:
        """An estimate of the rounding error of `difference`: half an ulp of every term that it adds up."""
        steps = self.own.diff(dim=0).abs().sum((0, 1)) * abs(self.alpha) + self.joint.diff(dim=0).abs().sum(0)
        scale = steps + self.joint.abs().amax(0)
        return float(torch.finfo(scale.dtype).eps * (self.steps + self.tasks.count + 8) * scale.norm())


def merged(start: Tensor, ends: Tensor, alpha: float) -> Tensor:
    """theta0 + alpha sum_t (theta_t - theta0): `[P], [T, P] -> [P]`."""
    return start + alpha * (ends - start).sum(-2)


def run_tasks(
    tasks: Tasks, start: Tensor, step_size: float, alpha: float, steps: int, *, limit: float = LARGEST
) -> TaskRuns:
    """The runs of all tasks and the multi-task run, all in one batch of 2T gradients for each step.

    Args:
        tasks: the losses.
        start: theta0, [P] in float64, on the device of the tasks.
        step_size: eta > 0.
        alpha: the coefficient of the task vectors, of either sign.
        steps: k >= 1.
        limit: the size of a parameter beyond which a run has diverged.

    Returns:
        The runs, up to the last step before any of them diverged.

    Raises:
        NumericsError: for arguments that are not of this kind.
    """
    _check(tasks, start, step_size, alpha, steps, limit)
    own = start.new_zeros(steps + 1, tasks.count, len(start))
    joint = start.new_zeros(steps + 1, len(start))
    slopes = start.new_zeros(steps, tasks.count, len(start))
    divergence = None
    for step in range(steps):
        places = start + torch.stack([own[step], joint[step].expand_as(own[step])])
        alone, slopes[step] = tasks.gradients(places)
        own[step + 1] = own[step] - step_size * alone
        joint[step + 1] = joint[step] - alpha * step_size * slopes[step].sum(0)
        divergence = _divergence(start + own[step + 1], start + joint[step + 1], step + 1, limit)
        if divergence is not None:
            steps = step
            break
    kept = (own[: steps + 1], joint[: steps + 1], slopes[:steps])
    return TaskRuns(tasks, start, step_size, alpha, *kept, limit, divergence)


def _divergence(own: Tensor, joint: Tensor, step: int, limit: float) -> Divergence | None:
    # NaN fails the comparison too.
    within = torch.cat([own, joint[None]]).abs().amax(-1) <= limit
    if bool(within.all()):
        return None
    first = int((~within).nonzero()[0])
    return Divergence(first if first < len(own) else None, step)


def _check(tasks: Tasks, start: Tensor, step_size: float, alpha: float, steps: int, limit: float) -> None:
    if tuple(start.shape) != (tasks.parameter_count,) or start.dtype != torch.float64:
        raise NumericsError(
            f"expected theta0 of shape [{tasks.parameter_count}] in float64 "
            f"but got shape={tuple(start.shape)}, dtype={start.dtype}"
        )
    if not bool((start.abs() <= limit).all()):
        raise NumericsError(f"expected theta0 with entries of at most limit={limit:g} in size")
    if not (math.isfinite(step_size) and step_size > 0 and math.isfinite(alpha)):
        raise NumericsError(f"expected a step size > 0 and a finite alpha but got {step_size}, {alpha}")
    if steps < 1:
        raise NumericsError(f"expected steps >= 1 but got steps={steps}")
