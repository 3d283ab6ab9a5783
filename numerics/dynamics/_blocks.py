"""All steps of a range of blocks: what is kept, and when a run stops being finite.

The parameters of a run that are once infinite or NaN never become finite again, since every step
adds to them.  So blocks advance many steps between two looks, and the steps before a look that
finds such a run are taken again one by one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["run_blocks"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Steps between two looks.
STRIDE = 128


@njit(nogil=True)
def run_blocks(
    advance: Any, rows: int, lanes: int, first: int, last: int, steps: int,
    starts: Floats, step_sizes: Floats, x: Floats, y: Floats, settings: Floats,
    points: Floats, diverged_at: Integers,
) -> None:  # fmt: skip
    """Fill points [keep, P, R] and diverged_at [R] of the blocks first <= number < last.

    Args:
        advance: the function of a `Kernel` with that many rows and lanes.
        starts: [P, R], R a multiple of lanes; step_sizes [R].
        settings: beta, w and 1/N.
    """
    keep, parameters, runs = points.shape
    block, before = np.zeros((rows, lanes)), np.zeros((rows, lanes))
    for number in range(first, last):
        start = number * lanes
        block[:] = 0.0
        for row in range(parameters):
            for lane in range(lanes):
                block[row, lane] = starts[row, start + lane]
                if keep > steps:
                    points[0, row, start + lane] = starts[row, start + lane]
        rates, kept = step_sizes[start:], points[:, :, start:]
        unkept, done, careful = steps - keep, 0, 0
        while done < steps:
            keeps = done >= unkept
            end = min(done + STRIDE, steps if keeps else unkept)
            count = 1 if done < careful else end - done
            place = kept[max(done - unkept, 0) :].ctypes.data
            before[:] = block
            advance(
                block.ctypes.data, rates.ctypes.data, x.ctypes.data, y.ctypes.data, settings.ctypes.data, place,
                x.shape[0], count, runs, int(keeps),
            )  # fmt: skip
            if _mark_diverged(block, parameters, diverged_at[start : start + lanes], done + 1, count == 1):
                block[:] = before
                careful = end
            else:
                done += count


@njit(nogil=True)
def _mark_diverged(block: Floats, parameters: int, found: Integers, step: int, alone: bool) -> bool:
    """Mark the runs that this step made infinite or NaN.

    Returns:
        Whether there are such runs among those not marked yet, and it took more than this step.
    """
    again = False
    for lane in range(block.shape[1]):
        finite = True
        for row in range(parameters):
            finite = finite and block[row, lane] * 0.0 == 0.0
        if not finite and found[lane] < 0:
            if alone:
                found[lane] = step
            else:
                again = True
    return again
