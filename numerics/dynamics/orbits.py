"""Orbits of gradient descent for many starts and step sizes at once, compiled for the network.

With L the mean loss over the samples, w the weight decay and g(p) = grad L(p) + w p:

    gradient descent   theta_{t+1} = theta_t - eta g(theta_t)
    heavy ball         v_{t+1} = beta v_t - eta g(theta_t),            theta_{t+1} = theta_t + v_{t+1}
    Nesterov           v_{t+1} = beta v_t - eta g(theta_t + beta v_t), theta_{t+1} = theta_t + v_{t+1}

from v_0 = 0.  Every run is computed by itself, so its numbers depend neither on the other runs nor
on the number of threads.
"""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from numerics.errors import NumericsError
from proofs.network import Loss, Network

from ._blocks import run_blocks
from ._kernel import Kernel, Rule, kernel_for

__all__ = ["MAX_NODES", "MAX_PARAMETERS", "MAX_SAMPLES", "Orbits", "orbits"]

MAX_PARAMETERS = 64
MAX_SAMPLES = 1024
MAX_NODES = 256

# A thread of its own pays where it has this many parameter updates to do.
WORTH_A_THREAD = 500_000
# Each thread takes the next part when it is done with one, so that a delayed one holds up little.
PARTS_PER_THREAD = 4

Floats = NDArray[np.float64]
Array = Floats | Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Orbits:
    """The ends of R orbits of `steps` steps.

    Attributes:
        points: [R, keep, P], theta after the steps steps - keep + 1, ..., steps; with
            keep = steps + 1 the start comes first.  A view whose fastest index is the run.
        diverged_at: [R], the first step t >= 1 after which theta_t has an entry that is infinite or
            NaN, and -1 where there is none.  All later points of that run are not finite either.
    """

    points: Floats
    diverged_at: NDArray[np.int64]


def orbits(
    network: Network,
    loss: Loss,
    x: Array,
    y: Array,
    starts: Array,
    step_sizes: Array,
    *,
    steps: int,
    keep: int,
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
    threads: int | None = None,
) -> Orbits:
    """Gradient descent from R starts with a step size each: `[R, P], [R] -> [R, keep, P]`.

    Parameters are flat in the order of `network.parameters()`, matrices row by row.  At a kink of
    an activation its right piece counts.  Sums are rounded in another order than by torch: single
    steps agree with it to rounding, and orbits as far as rounding errors do not grow.

    Args:
        network: at most 64 parameters and 256 nodes.
        loss: the loss of a sample.
        x: [N, d], at most 1024 samples.
        y: [N, out], targets; probability vectors for cross-entropy.
        starts: [R, P].
        step_sizes: [R], eta.
        steps: how many steps are taken, at least 1.
        keep: how many of the last points are returned, from 1 to steps + 1.
        momentum: beta >= 0.
        nesterov: whether the gradient is taken at theta + beta v.
        weight_decay: w >= 0.
        threads: how many threads share the runs; by default as many as there are cores, where
            the work is worth it.

    Returns:
        The points as computed in float64, and where runs stopped being finite.  A size that a
        double still holds is not divergence: compare the points with a size of your own.

    Raises:
        NumericsError: for arrays that are not float64 or do not fit the network, for numbers
            outside the ranges above, and for networks and data beyond the limits.

    Examples:
        For L = w^2 / 2 a step is w -> (1 - eta) w:

        >>> from proofs.network import Dense
        >>> network = Network.of(1, Dense(1, bias=False))
        >>> x, y, starts, rates = np.ones((1, 1)), np.zeros((1, 1)), np.ones((2, 1)), np.array([0.5, 3.0])
        >>> found = orbits(network, Loss.HALF_MSE, x, y, starts, rates, steps=3, keep=4)
        >>> found.points[:, :, 0].tolist()
        [[1.0, 0.5, 0.25, 0.125], [1.0, -2.0, 4.0, -8.0]]
    """
    inputs, targets = _table("x", x), _table("y", y)
    _check_size(network, inputs.shape[0])
    _check_shape("x", inputs, (inputs.shape[0], network.input_dim))
    _check_shape("y", targets, (inputs.shape[0], network.output_dim))
    _check_numbers(steps, keep, momentum, nesterov, weight_decay, threads)
    rates, begins = _table("step_sizes", step_sizes), _table("starts", starts)
    _check_shape("step_sizes", rates, (rates.size,))
    _check_shape("starts", begins, (rates.size, network.parameter_count))
    rule = Rule(momentum > 0.0, nesterov, weight_decay > 0.0)
    kernel = kernel_for(network, loss, rule, single=inputs.shape[0] == 1)
    settings = np.array([momentum, weight_decay, 1.0 / inputs.shape[0]])
    return _run(kernel, inputs, targets, begins, rates, settings, steps, keep, threads)


def _run(
    kernel: Kernel, x: Floats, y: Floats, starts: Floats, rates: Floats, settings: Floats,
    steps: int, keep: int, threads: int | None,
) -> Orbits:  # fmt: skip
    runs, parameters = starts.shape
    blocks = -(-runs // kernel.lanes)
    width = blocks * kernel.lanes
    begins, step_sizes = np.zeros((parameters, width)), np.zeros(width)
    begins[:, :runs], step_sizes[:runs] = starts.T, rates
    points = np.empty((keep, parameters, width))
    diverged_at = np.full(width, -1, dtype=np.int64)
    # The lanes that fill up the last block stay at 0.
    work = width * steps * parameters * x.shape[0]
    count = min(blocks, threads or min(_cores(), 1 + work // WORTH_A_THREAD))

    parts = min(blocks, count * PARTS_PER_THREAD) if count > 1 else count

    def part(number: int) -> None:
        first, last = number * blocks // parts, (number + 1) * blocks // parts
        block = np.empty((kernel.rows, kernel.lanes))
        run_blocks(
            kernel.advance, block, first, last, steps,
            begins, step_sizes, x, y, settings, points, diverged_at,
        )  # fmt: skip

    if count > 1:
        with ThreadPoolExecutor(count) as pool:
            list(pool.map(part, range(parts)))
    elif blocks:
        part(0)
    return Orbits(points[:, :, :runs].transpose(2, 0, 1), diverged_at[:runs])


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _table(name: str, value: Array) -> Floats:
    array = value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value
    if not isinstance(array, np.ndarray) or array.dtype != np.float64:
        kind = getattr(array, "dtype", type(array).__name__)
        raise NumericsError(f"expected {name} as a float64 array but got {kind}; convert it first")
    return np.ascontiguousarray(array)


def _check_shape(name: str, array: Floats, wanted: tuple[int, ...]) -> None:
    if array.shape != wanted:
        raise NumericsError(f"expected {name} of shape {wanted} but got shape={array.shape}")


def _check_size(network: Network, samples: int) -> None:
    nodes = sum(network.widths())
    for number, limit, what in (
        (network.parameter_count, MAX_PARAMETERS, "parameters"),
        (nodes, MAX_NODES, "nodes"),
        (samples, MAX_SAMPLES, "samples"),
    ):
        if number > limit:
            raise NumericsError(
                f"expected at most {limit} {what} for compiled orbits but got {number} for "
                f"{network.describe()}; take the steps with numerics.curvature.gradients instead"
            )
    if samples < 1:
        raise NumericsError("expected at least one sample but got an empty x")


def _check_numbers(
    steps: int, keep: int, momentum: float, nesterov: bool, weight_decay: float, threads: int | None
) -> None:
    if not isinstance(steps, int) or steps < 1:
        raise NumericsError(f"expected steps as an integer >= 1 but got steps={steps}")
    if not isinstance(keep, int) or not 1 <= keep <= steps + 1:
        raise NumericsError(f"expected keep from 1 to steps + 1 = {steps + 1} but got keep={keep}")
    for name, value in (("momentum", momentum), ("weight_decay", weight_decay)):
        if not (math.isfinite(value) and value >= 0.0):
            raise NumericsError(f"expected {name} as a finite number >= 0 but got {name}={value}")
    if nesterov and momentum == 0.0:
        raise NumericsError(
            "expected momentum > 0 with nesterov but got momentum=0; give one or drop nesterov"
        )
    if threads is not None and threads < 1:
        raise NumericsError(f"expected threads >= 1 but got threads={threads}")
