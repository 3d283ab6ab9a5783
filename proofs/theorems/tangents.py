"""An untrusted search in floats: intervals of x on which lines in x stay below a number.

For x in [start, end] let M(x) = (c - x^2) j j^T + (x + r) K.  Its tangent in x at m is
T_m(x) = (c + m^2 - 2 m x) j j^T + (x + r) K >= M(x).  An interval [a, b] with m serves if the largest
eigenvalues of T_m(a) and T_m(b) are at most the target.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

__all__ = ["Interval", "Shape", "cover"]

Matrix = npt.NDArray[np.float64]
GRID = 257
MOST = 80
NARROWEST = 1e-7
DYADIC = 1 << 40
# How far the last tangent point stays from the end, so that its line does not turn negative there.
ROOM = Fraction(1, 1 << 24)


@dataclass(frozen=True, slots=True)
class Interval:
    """[lower, upper] and the point m of the tangent."""

    lower: Fraction
    upper: Fraction
    tangent: Fraction


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """M(x) on [start, end]: `square` is j j^T, `bilinear` is K, both divided by one number."""

    square: Matrix
    bilinear: Matrix
    height: float
    shift: float
    start: Fraction
    end: Fraction

    def at(self, h: float, g: float) -> float:
        """The largest eigenvalue of h j j^T + g K."""
        return float(np.linalg.eigvalsh(h * self.square + g * self.bilinear)[-1])

    def curve(self, x: float) -> float:
        return self.at(self.height - x * x, x + self.shift)

    def line(self, m: float, x: float) -> float:
        return self.at(self.height + m * m - 2 * m * x, x + self.shift)

    def peak(self) -> float:
        """An x where the curve is largest, up to the search."""
        low, high = float(self.start), float(self.end)
        count = GRID
        while True:
            step = (high - low) / count
            grid = [low + step * index for index in range(count)] + [high]
            best = max(grid, key=self.curve)
            if step <= 1e-12:
                return best
            low, high = max(low, best - step), min(high, best + step)
            count = 16


def cover(shape: Shape, peak: float, target: float) -> list[Interval] | None:
    """Intervals that cover [start, end], every line at most `target`; None if there are too many."""
    found: list[Interval] = []
    lower = shape.start
    while lower < shape.end:
        interval = _longest(shape, lower, peak, target)
        if interval is None or len(found) == MOST:
            return None
        found.append(interval)
        lower = interval.upper
    return found


def _longest(shape: Shape, lower: Fraction, peak: float, target: float) -> Interval | None:
    upper = shape.end
    while float(upper - lower) > NARROWEST:
        points = [lower, (lower + upper) / 2, min(upper, shape.end - ROOM)]
        if lower < peak < upper:
            points.insert(0, min(_dyadic(peak), shape.end - ROOM))
        for tangent in points:
            m = float(tangent)
            if shape.line(m, float(lower)) <= target and shape.line(m, float(upper)) <= target:
                return Interval(lower, upper, max(tangent, Fraction(0)))
        upper = _dyadic(float(lower + upper) / 2)
    return None


def _dyadic(value: float) -> Fraction:
    return Fraction(math.floor(value * DYADIC), DYADIC)
