"""Runs of gradient descent for many step sizes and seeds at once.

A run is a row: its parameters, its velocity, its step size, its stream of mini-batches.  The rows never
mix, and no loop goes over them.  A run has diverged at the first step after which a parameter is not
finite or exceeds 1e12 in size; its row is NaN from then on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from numerics.errors import NumericsError
from numerics.objective import Objective

from .optimiser import Momentum, Optimiser

__all__ = ["LARGEST", "Runs", "advance", "epoch_order"]

LARGEST = 1e12
NOT_DIVERGED = -1


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """The state of R runs after `step` steps.

    `theta` and `velocity` are [R, P] (velocity zeros without momentum), `diverged_at` [R] the step after
    which the run had diverged, -1 if it has not.
    """

    theta: Tensor
    velocity: Tensor
    diverged_at: Tensor
    step: int

    @classmethod
    def at(cls, theta: Tensor) -> Runs:
        """Runs that start at these parameters, [R, P]."""
        never = torch.full(theta.shape[:1], NOT_DIVERGED, dtype=torch.int64, device=theta.device)
        return cls(theta, torch.zeros_like(theta), never, 0)


def advance(
    objective: Objective,
    optimiser: Optimiser,
    runs: Runs,
    step_sizes: Tensor,
    *,
    until: int,
    steps: int,
    streams: Tensor | None = None,
    stream_count: int = 1,
    seed: int = 0,
    watch: Callable[[int], None] | None = None,
) -> Runs:
    """The runs after `until` of `steps` steps.

    Args:
        objective: the mean loss.
        optimiser: the update rule.
        runs: where they are; at most `until` steps old.
        step_sizes: [R], positive.
        until: the number of steps after which to stop.
        steps: the length of the whole run, which schedules refer to.
        streams: for mini-batches, which of the `stream_count` orders each run follows, [R].
        stream_count: how many there are.
        seed: where the orders come from.
        watch: called with the number of steps done, after each.

    Returns:
        The state; runs depend neither on the others in the batch nor on where a run was cut in two.

    Raises:
        NumericsError: if a mini-batch is larger than the data, or streams are missing.
    """
    if optimiser.batch is not None and (streams is None or optimiser.batch > objective.sample_count):
        raise NumericsError(
            f"expected streams and a batch of at most {objective.sample_count} samples but got "
            f"batch={optimiser.batch}"
        )
    theta, velocity, diverged_at = runs.theta, runs.velocity, runs.diverged_at.clone()
    column = step_sizes.to(theta)[:, None]
    for step in range(runs.step, until):
        rows = None
        if optimiser.batch is not None and streams is not None:
            rows = _rows(objective, optimiser.batch, step, streams, stream_count, seed)
        rate = column * optimiser.schedule.factor(step, steps)
        theta, velocity = _step(objective, optimiser, theta, velocity, rate, rows)
        # One comparison for both: NaN fails it too.
        bad = ~(theta.abs().amax(-1) <= LARGEST)
        fresh = bad & (diverged_at == NOT_DIVERGED)
        if bool(fresh.any()):
            diverged_at[fresh] = step + 1
            theta = theta.masked_fill(bad[:, None], torch.nan)
        if watch is not None:
            watch(step + 1)
    return Runs(theta, velocity, diverged_at, max(until, runs.step))


def _step(
    objective: Objective,
    optimiser: Optimiser,
    theta: Tensor,
    velocity: Tensor,
    rate: Tensor,
    rows: Tensor | None,
) -> tuple[Tensor, Tensor]:
    beta = optimiser.beta
    place = theta + beta * velocity if optimiser.momentum is Momentum.nesterov else theta
    slope = objective.gradients(place, rows)
    if optimiser.weight_decay:
        slope = torch.add(slope, place, alpha=optimiser.weight_decay)
    if optimiser.momentum is Momentum.none:
        return torch.addcmul(theta, slope, rate, value=-1.0), velocity
    velocity = torch.addcmul(beta * velocity, slope, rate, value=-1.0)
    return theta + velocity, velocity


def _rows(
    objective: Objective, batch: int, step: int, streams: Tensor, stream_count: int, seed: int
) -> Tensor:
    """The samples of this step for every run, [R, b]."""
    per_epoch = objective.sample_count // batch
    epoch, index = divmod(step, per_epoch)
    order = epoch_order(objective.sample_count, stream_count, epoch, seed)
    return order.to(streams.device)[streams, index * batch : (index + 1) * batch]


@lru_cache(maxsize=4)
def epoch_order(count: int, stream_count: int, epoch: int, seed: int) -> Tensor:
    """A random order of the samples for every stream, `[stream_count, count]`; the same on every device.

    What does not fill a last mini-batch is left out of the epoch.
    """
    # Seeds of epochs far apart in the generator's own sense, since it hashes them.
    generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
    return torch.rand(stream_count, count, generator=generator, dtype=torch.float64).argsort(-1)
