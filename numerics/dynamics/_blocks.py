"""All steps of a range of blocks: what is kept, and when a run stops being finite.

The parameters of a run that are once infinite or NaN never become finite again, since every step
adds to them.  So blocks advance many steps between two looks, and the steps before a look that
finds such a run are taken again one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

__all__ = ["run_blocks"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Steps between two looks.
STRIDE = 128


def _compiled(function: Callable[..., Any]) -> Any:
    """Compile for threads, and keep the result on disk where there is a folder for it."""
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:
        return njit(nogil=True)(function)


def _emit_address(typing: Any, array: Any) -> Any:
    """The address of an array's first entry."""

    def emit(context: Any, builder: Any, found: Any, arguments: Any) -> Any:
        data = context.make_array(found.args[0])(context, builder, arguments[0]).data
        return builder.ptrtoint(data, context.get_value_type(types.intp))

    return types.intp(array), emit


_address: Any = intrinsic(_emit_address)


@_compiled
def run_blocks(
    advance: Any, block: Floats, first: int, last: int, steps: int,
    starts: Floats, step_sizes: Floats, x: Floats, y: Floats, settings: Floats,
    points: Floats, diverged_at: Integers,
) -> None:  # fmt: skip
    """Fill points [keep, P, R] and diverged_at [R] of the blocks first <= number < last.

    `advance` is the function of a `Kernel` and `block` room for one block, [S, lanes].  starts is [P, R] and
    step_sizes [R], R a multiple of lanes; settings are beta, w and 1/N; diverged_at holds -1 before.
    """
    keep, parameters, runs = points.shape
    lanes, unkept = block.shape[1], steps - keep
    before = np.zeros(block.shape)
    inputs, targets, numbers = _address(x), _address(y), _address(settings)
    for number in range(first, last):
        start = number * lanes
        _begin(starts, start, block, points, keep > steps)
        done, careful = 0, 0
        while done < steps:
            keeps = done >= unkept
            end = min(done + STRIDE, steps if keeps else unkept)
            count = 1 if done < careful else end - done
            kept = _address(points) + 8 * (max(done - unkept, 0) * parameters * runs + start)
            rates = _address(step_sizes) + 8 * start
            _copy(block, before)
            advance(
                _address(block), rates, inputs, targets, numbers, kept, x.shape[0], count, runs, int(keeps)
            )
            if _mark_diverged(block, parameters, diverged_at, start, done + 1, count == 1):
                _copy(before, block)
                careful = end
            else:
                done += count


@_compiled
def _begin(starts: Floats, start: int, block: Floats, points: Floats, keeps: bool) -> None:
    for row in range(block.shape[0]):
        for lane in range(block.shape[1]):
            block[row, lane] = starts[row, start + lane] if row < starts.shape[0] else 0.0
            if keeps and row < starts.shape[0]:
                points[0, row, start + lane] = block[row, lane]


@_compiled
def _copy(source: Floats, target: Floats) -> None:
    for row in range(source.shape[0]):
        for lane in range(source.shape[1]):
            target[row, lane] = source[row, lane]


@_compiled
def _mark_diverged(
    block: Floats, parameters: int, found: Integers, start: int, step: int, alone: bool
) -> bool:
    """Mark the runs that this step made infinite or NaN.

    Returns:
        Whether there are such runs among those not marked yet, and it took more than this step.
    """
    again = False
    for lane in range(block.shape[1]):
        finite = True
        for row in range(parameters):
            finite = finite and block[row, lane] * 0.0 == 0.0
        if not finite and found[start + lane] < 0:
            if alone:
                found[start + lane] = step
            else:
                again = True
    return again
