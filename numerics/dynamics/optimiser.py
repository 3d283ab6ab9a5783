"""Gradient descent and its relatives as data: momentum, weight decay, mini-batches, schedules."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from numerics.errors import NumericsError

__all__ = ["Momentum", "Optimiser", "Schedule", "ScheduleKind"]


class Momentum(StrEnum):
    """How the velocity v enters; g is the gradient of the loss with weight decay, e = eta * factor.

    none         theta <- theta - e g(theta)
    heavy_ball   v <- beta v - e g(theta);             theta <- theta + v
    nesterov     v <- beta v - e g(theta + beta v);    theta <- theta + v
    """

    none = "none"
    heavy_ball = "heavy-ball"
    nesterov = "nesterov"


class ScheduleKind(StrEnum):
    """The factor on the step size after t of T steps.

    constant     1
    cosine       (1 + cos(pi t / T)) / 2
    warmup       min(1, (t + 1) / length)
    step         2^-(floor(t / length))
    """

    constant = "constant"
    cosine = "cosine"
    warmup = "warmup"
    step = "step"


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule that multiplies the step size; `length` in steps for warmup and step."""

    kind: ScheduleKind = ScheduleKind.constant
    length: int = 0

    def __post_init__(self) -> None:
        needs = self.kind in (ScheduleKind.warmup, ScheduleKind.step)
        if self.length < 0 or needs != (self.length > 0):
            raise NumericsError(
                f"expected a length in steps for the schedules warmup and step alone but got "
                f"{self.kind.value} with length={self.length}"
            )

    def factor(self, step: int, steps: int) -> float:
        """The factor of the step that leads from `step` to `step + 1`, of `steps` in all."""
        match self.kind:
            case ScheduleKind.constant:
                return 1.0
            case ScheduleKind.cosine:
                return 0.5 * (1.0 + math.cos(math.pi * step / max(steps, 1)))
            case ScheduleKind.warmup:
                return min(1.0, (step + 1) / self.length)
            case ScheduleKind.step:
                return 0.5 ** (step // self.length)
            case _:
                assert_never(self.kind)


@dataclass(frozen=True, slots=True)
class Optimiser:
    """The update rule; `batch` samples a step without replacement within an epoch, None for all.

    Weight decay adds weight_decay * theta to the gradient: descent on L + weight_decay ||theta||^2 / 2.
    """

    momentum: Momentum = Momentum.none
    beta: float = 0.0
    weight_decay: float = 0.0
    batch: int | None = None
    schedule: Schedule = Schedule()

    def __post_init__(self) -> None:
        has_beta = self.momentum is not Momentum.none
        if not (0.0 <= self.beta < 1.0) or (has_beta != (self.beta > 0.0)):
            raise NumericsError(
                f"expected 0 < beta < 1 with momentum and beta = 0 without but got "
                f"{self.momentum.value} with beta={self.beta:g}"
            )
        if not (0.0 <= self.weight_decay < math.inf):
            raise NumericsError(f"expected weight_decay >= 0 but got weight_decay={self.weight_decay:g}")
        if self.batch is not None and self.batch < 1:
            raise NumericsError(f"expected batch >= 1 but got batch={self.batch}")
