"""The kernel of a network, a loss and an optimiser: a block of runs advanced many steps at a time.

A block is a table [S, lanes]: a row for every parameter and, with momentum, one for every velocity.
While a block advances, its rows are variables of the compiled code, in registers where they fit.

    g = gradient at theta (Nesterov: at theta + beta v) + w times that point,
    v <- beta v - eta g,   theta <- theta + v;   without momentum theta <- theta - eta g.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from llvmlite import ir
from numba import cfunc, types
from numba.core import cgutils
from numba.extending import intrinsic

from proofs.network import Loss, Network

from ._gradient import Data, mean_gradient
from ._lanes import Lanes, Vector

__all__ = ["Kernel", "Rule", "kernel_for"]

# What a kernel is called with: the addresses of block, step sizes, x, y, settings and kept points,
# then the number of samples, of steps and of runs, and whether points are kept.
ADVANCE = types.void(*[types.intp] * 10)


@dataclass(frozen=True, slots=True)
class Rule:
    """Which terms the update has; the numbers themselves are arguments of the kernel."""

    momentum: bool
    nesterov: bool
    decay: bool


@dataclass(frozen=True, slots=True)
class Kernel:
    """A compiled function `advance(block [S, lanes], step sizes [lanes], x, y, settings, kept, ...)`.

    `settings` are beta, w and 1/N.  `kept` is the place of the block's first run in a table
    [steps, P, runs] that receives theta after every step, if points are kept.
    """

    lanes: int
    rows: int
    advance: Any


@lru_cache(maxsize=128)
def kernel_for(network: Network, loss: Loss, rule: Rule, *, single: bool) -> Kernel:
    """The compiled kernel; `single` is for one sample."""
    count = _lane_count(network.parameter_count)
    rows = network.parameter_count * (1 + rule.momentum)
    loop = _Loop(network, loss, rule, single, rows)

    def emitted(
        typing: Any, block: Any, rates: Any, x: Any, y: Any, settings: Any, kept: Any,
        samples: Any, steps: Any, runs: Any, keeps: Any,
    ) -> Any:  # fmt: skip
        def emit(context: Any, builder: Any, found: Any, arguments: Any) -> Any:
            loop.emit(Lanes(context, builder, count), arguments)
            return context.get_dummy_value()

        return ADVANCE, emit

    steps_of_block: Any = intrinsic(emitted)

    @cfunc(ADVANCE)
    def advance(
        block: int, rates: int, x: int, y: int, settings: int, kept: int,
        samples: int, steps: int, runs: int, keeps: int,
    ) -> None:  # fmt: skip
        steps_of_block(block, rates, x, y, settings, kept, samples, steps, runs, keeps)

    return Kernel(count, rows, advance)


def _lane_count(parameters: int) -> int:
    """Enough independent lanes to hide the latency of an operation, few enough for the registers."""
    return 32 if parameters <= 4 else 16


@dataclass(frozen=True, slots=True)
class _Numbers:
    """The step size of every run, and beta and w in every lane."""

    rate: Vector
    beta: Vector
    decay: Vector


@dataclass(frozen=True, slots=True)
class _Loop:
    """The loop over the steps of one block."""

    network: Network
    loss: Loss
    rule: Rule
    single: bool
    rows: int

    def emit(self, lanes: Lanes, arguments: Any) -> None:
        builder = lanes.builder
        block, rates, x, y, settings, kept = (
            builder.inttoptr(address, ir.DoubleType().as_pointer()) for address in arguments[:6]
        )
        samples, steps, runs, keeps = arguments[6:]
        beta, decay, share = (lanes.load_scalar(settings, lanes.integer(k)) for k in range(3))
        numbers = _Numbers(lanes.load(rates, 0), lanes.spread(beta), lanes.spread(decay))
        data = Data(x, y, samples, share, self.single)
        slots = [lanes.slot(lanes.load(block, row)) for row in range(self.rows)]
        parameters = self.network.parameter_count
        with cgutils.for_range(builder, steps) as loop:
            self._emit_step(lanes, slots, numbers, data)
            with builder.if_then(builder.icmp_signed("!=", keeps, lanes.integer(0))):
                first = builder.mul(loop.index, lanes.integer(parameters))
                for k, slot in enumerate(slots[:parameters]):
                    place = builder.mul(builder.add(first, lanes.integer(k)), runs)
                    lanes.store(builder.load(slot), builder.gep(kept, [place]), 0)
        for row, slot in enumerate(slots):
            lanes.store(builder.load(slot), block, row)

    def _emit_step(self, lanes: Lanes, slots: list[ir.Value], numbers: _Numbers, data: Data) -> None:
        values = [lanes.builder.load(slot) for slot in slots]
        parameters = self.network.parameter_count
        theta, velocity = values[:parameters], values[parameters:]
        point = theta
        if self.rule.nesterov:
            point = [lanes.multiply_add(numbers.beta, v, p) for p, v in zip(theta, velocity, strict=True)]
        gradient = mean_gradient(lanes, self.network, self.loss, point, data)
        if self.rule.decay:
            gradient = [lanes.multiply_add(numbers.decay, p, g) for p, g in zip(point, gradient, strict=True)]
        back = lanes.negate(numbers.rate)
        for k, g in enumerate(gradient):
            if self.rule.momentum:
                moved = lanes.multiply_add(back, g, lanes.multiply(numbers.beta, velocity[k]))
                lanes.builder.store(moved, slots[parameters + k])
                lanes.builder.store(lanes.add(theta[k], moved), slots[k])
            else:
                lanes.builder.store(lanes.multiply_add(back, g, theta[k]), slots[k])
