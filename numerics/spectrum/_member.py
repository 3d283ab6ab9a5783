"""Verdicts of one matrix on the CPU: Lanczos steps with bounds of all counted eigenvalues, else L D L^T.

In a basis that begins with the m Lanczos vectors, A has the blocks T, beta e_m v^T and C with
||C||_F^2 = c^2 = ||A||_F^2 - ||T||_F^2 - 2 beta^2.  So with t_1 >= t_2 >= ... the eigenvalues of T and
u_1 >= u_2 >= ... those of T with one more row (beta, c),

    t_i <= lambda_i <= max(u_i, c)    by interlacing, and since C <= c I.

For a threshold s > c as many eigenvalues lie above s as t_i, if as many u_i do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from numerics.metering import METER

from . import _lapack
from .inertia import Inertia, inertia
from .result import UNDERFLOW

__all__ = ["Row", "Starts", "examine"]

Array = np.ndarray

EPS = float(np.finfo(np.float64).eps)
BREAKDOWN = 1e-13
UNKNOWN = -1
# Steps after which T is looked at.  The extreme eigenvalues get FEW_STEPS steps at most, the counts all.
LOOKS = (6, 8, 10, 14, 18, 24)
FEW_STEPS, INVERSE_STEPS = 10, 8
# The error of the distance of 1/eta to the spectrum, relative to it, that ends the steps.
DISTANCE_TOLERANCE, INVERSE_TOLERANCE = 0.1, 1e-2
# How much smaller than found the distance of 1/eta to the spectrum may be for a count to be trusted.
SAFETY = 10.0


class Row(NamedTuple):
    """One member of `Verdicts`, in its order."""

    largest: float
    largest_error: float
    smallest: float
    smallest_error: float
    above_1: int
    above_2: int
    distance: float
    distance_error: float
    sign: float
    log_abs_det: float
    log_abs_det_error: float


NOTHING = Row(
    math.nan, math.inf, math.nan, math.inf, UNKNOWN, UNKNOWN, math.nan, math.inf, 0.0, math.nan, math.inf
)


@dataclass(frozen=True, slots=True, eq=False)
class Starts:
    """A start vector, and one for each step at which the space seen so far is invariant: [1 + steps, P]."""

    vectors: Array

    @classmethod
    def draw(cls, size: int, generator: torch.Generator) -> Starts:
        shape = min(size, LOOKS[-1]) + 1, size
        drawn = torch.randn(shape, generator=generator, dtype=torch.float64, device=generator.device)
        return cls(drawn.cpu().numpy())


class _Run:
    """Lanczos with full reorthogonalisation for one operator."""

    def __init__(self, operator: Callable[[Array], Array], starts: Starts, limit: int) -> None:
        self.operator, self.starts = operator, starts
        self.size = starts.vectors.shape[1]
        self.limit = min(limit, self.size)
        self.basis = np.empty((self.limit, self.size))
        self.diagonal, self.beside = np.zeros(self.limit), np.zeros(self.limit)
        self.count, self.scale, self.broken = 0, 0.0, False
        first = starts.vectors[0]
        self.basis[0] = first / _norm(first)

    def extend(self, count: int) -> None:
        """Steps until T has `count` rows, or as many as there may be."""
        while self.count < min(count, self.limit):
            q, k = self.basis[self.count], self.count + 1
            moved = self.operator(q)
            self.scale = max(self.scale, _norm(moved))
            self.diagonal[k - 1] = q @ moved
            direction = self._orthogonal(moved, k)
            beta = _norm(direction)
            if k == self.size:
                beta = 0.0
            elif beta <= BREAKDOWN * self.scale:
                beta, self.broken = 0.0, True
                direction = self._orthogonal(self.starts.vectors[k], k)
            self.beside[k - 1] = beta
            if k < self.limit:
                self.basis[k] = direction / (beta or _norm(direction) or 1.0)
            self.count = k

    def _orthogonal(self, vector: Array, k: int) -> Array:
        known = self.basis[:k]
        for _ in range(2):
            vector = vector - (known @ vector) @ known
        return vector

    def table(self) -> Array:
        """T."""
        return _tridiagonal(self.diagonal[: self.count], self.beside[: self.count - 1])

    def ritz(self) -> tuple[Array, Array]:
        """Eigenvalues of T, ascending, and their residuals with rounding."""
        with METER.eigenvalues():
            values, vectors = np.linalg.eigh(self.table())
        rounding = 4.0 * (math.sqrt(self.size) + self.count) * EPS * self.scale
        return values, self.beside[self.count - 1] * np.abs(vectors[-1]) + rounding


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """What T says: Ritz values ascending with residuals; t and u descending, and c, all with rounding.

    `low[i]` and `high[i]` enclose the i-th largest eigenvalue for i < m, and `rest` is above those that
    follow; where high[i] < rest, rest counts.  `floor` is below all eigenvalues.
    """

    values: Array
    errors: Array
    low: Array
    high: Array
    rest: float
    floor: float

    @classmethod
    def of(cls, run: _Run, squares: float, noise: float) -> _View:
        """The view after the steps so far, with ||A||_F^2 and a bound of the errors in A."""
        count = run.count
        diagonal, beside = run.diagonal[:count], run.beside[:count]
        values, errors = run.ritz()
        errors = errors + noise
        frobenius = math.sqrt(squares)
        slack = (64.0 * EPS * (count + 1) + (2.0 * BREAKDOWN if run.broken else 0.0)) * frobenius
        slack += noise + UNDERFLOW
        if count == run.size:
            return cls(
                values, errors, values[::-1] - slack, values[::-1] + slack, -math.inf, values[0] - slack
            )
        inner = float(diagonal @ diagonal + 2.0 * beside @ beside)
        rest = math.sqrt(max(squares - inner, 0.0) + 64.0 * EPS * count * squares)
        with METER.eigenvalues():
            upper = np.linalg.eigvalsh(_tridiagonal(np.append(diagonal, rest), beside))[::-1]
            lower = np.linalg.eigvalsh(_tridiagonal(np.append(diagonal, -rest), beside))[0]
        floor = min(float(lower), -rest) - slack
        return cls(values, errors, values[::-1] - slack, upper + slack, rest + slack, floor)

    @property
    def reach(self) -> float:
        """A bound of the largest eigenvalue."""
        return max(float(self.high[0]), self.rest)

    def count(self, threshold: float) -> int:
        """Eigenvalues above the threshold, or -1."""
        if not self.rest < threshold:
            return UNKNOWN
        sure, possible = int((self.low > threshold).sum()), int((self.high >= threshold).sum())
        return sure if sure == possible else UNKNOWN

    def distance(self, threshold: float, above: int) -> tuple[float, float]:
        """The distance of the threshold to the spectrum, given the count above it, and its error."""
        values = self.values[::-1]
        if not above:
            return float(threshold - values[0]), float(self.reach - values[0])
        found = [values[above - 1] - threshold]
        least, most = [self.low[above - 1] - threshold], [self.high[above - 1] - threshold]
        if above < len(values):
            found.append(threshold - values[above])
            least.append(threshold - max(self.high[above], self.rest))
            most.append(threshold - self.low[above])
        elif self.rest > -math.inf:
            least.append(threshold - max(self.high[above], self.rest))
        distance, low, high = min(found), max(min(least), 0.0), min(most)
        return float(distance), float(max(high - distance, distance - low))

    def ends(self, tolerance: float) -> tuple[float, float, float, float]:
        """The largest and the smallest Ritz value with errors: residuals where small, else the bounds."""
        top, low = float(self.values[-1]), float(self.values[0])
        reached = tolerance * float(np.abs(self.values).max())
        above, below = self.reach - top, low - self.floor
        top_error, low_error = float(self.errors[-1]), float(self.errors[0])
        return (
            top, min(top_error, above) if top_error <= reached else above,
            low, min(low_error, below) if low_error <= reached else below,
        )  # fmt: skip

    def located(self, above_1: int, first: float, second: float) -> int:
        """The count at `second` where disjoint Ritz intervals hold all eigenvalues above `first`, else -1."""
        above = 0
        last = math.inf
        for number, (value, error) in enumerate(zip(self.values[::-1], self.errors[::-1], strict=True)):
            low, high = value - error, value + error
            if number == above_1:
                return above
            if high >= last or low <= first or low <= second <= high:
                return UNKNOWN
            above += int(low > second)
            last = low
        return above if above_1 == len(self.values) else UNKNOWN


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """A view with the counts at 1/eta and 2/eta, -1 if open, and the distance of 1/eta to the spectrum."""

    view: _View
    above_1: int
    above_2: int
    distance: float
    error: float

    @classmethod
    def of(cls, run: _Run, steps: int, squares: float, noise: float, first: float, second: float) -> _Seen:
        """What is seen after this many steps."""
        run.extend(steps)
        view = _View.of(run, squares, noise)
        above_1 = view.count(first)
        above_2 = 0 if above_1 == 0 else view.count(second)
        distance, error = (math.nan, math.inf) if above_1 == UNKNOWN else view.distance(first, above_1)
        return cls(view, above_1, above_2, distance, error)

    @property
    def is_known(self) -> bool:
        """Whether the counts are known, and the distance well enough."""
        if self.above_1 <= 0 or self.above_2 == UNKNOWN:
            return self.above_1 == 0
        return self.error <= DISTANCE_TOLERANCE * self.distance


def examine(
    matrix: Array, step_size: float, starts: Starts, tolerance: float, determinant: bool, noise: float = 0.0
) -> Row:
    """The verdict on a symmetric matrix, [P, P].

    Args:
        matrix: all of it is read.
        step_size: eta; 0 for thresholds at infinity.
        starts: random vectors.
        tolerance: of the extreme eigenvalues, relative to the norm.
        determinant: factor wherever an eigenvalue is above 1/eta.
        noise: a bound of the errors in the matrix, in the spectral norm.
    """
    flat = np.ascontiguousarray(matrix, dtype=np.float64)
    squares = float(np.vdot(flat, flat))
    if not math.isfinite(squares) or not math.isfinite(noise):
        return NOTHING
    first, second = (number / step_size if step_size else math.inf for number in (1.0, 2.0))

    def times(q: Array) -> Array:
        with METER.products():
            return flat @ q

    run = _Run(times, starts, LOOKS[-1])
    seen = _Seen.of(run, LOOKS[0], squares, noise, first, second)
    for look in LOOKS[1:]:
        if run.count == run.limit or not _is_worth_more(seen, run.count, first, tolerance, determinant):
            break
        seen = _Seen.of(run, look, squares, noise, first, second)
    ends = seen.view.ends(tolerance)
    if seen.above_1 == 0 or (seen.is_known and not determinant):
        sign = 1.0 - 2.0 * (seen.above_1 % 2)
        return Row(*ends, seen.above_1, seen.above_2, seen.distance, seen.error, sign, math.nan, math.inf)
    return _factored(flat, step_size, seen, ends, starts, noise)


def _is_worth_more(seen: _Seen, count: int, first: float, tolerance: float, determinant: bool) -> bool:
    """Whether further steps are likely to cost less than what they save."""
    if count < FEW_STEPS and not _close(seen.view, tolerance):
        return True
    if seen.is_known or (determinant and not seen.view.reach < first):
        return False
    return count <= FEW_STEPS or seen.view.rest < first


def _close(view: _View, tolerance: float) -> bool:
    scale = float(np.abs(view.values).max())
    return len(view.values) > 1 and max(view.errors[0], view.errors[-1]) <= tolerance * scale


def _factored(
    matrix: Array,
    step_size: float,
    seen: _Seen,
    ends: tuple[float, float, float, float],
    starts: Starts,
    noise: float,
) -> Row:
    """Sign and log |det| from L D L^T at 1/eta, and what Lanczos has left open."""
    first, second, size = 1.0 / step_size, 2.0 / step_size, len(matrix)
    found = _shifted(matrix, first)
    off = float(found.error[0]) + noise
    if seen.is_known:
        above, above_2, distance, error = seen.above_1, seen.above_2, seen.distance, seen.error
        least = distance - error
    else:
        distance, error = _distance(found, seen.view, first, starts)
        error += noise
        # The distance is found from above, so a factor is kept.
        least = distance / SAFETY
        above = int(found.above[0]) if least > off else UNKNOWN
        above_2 = _above_2(matrix, seen.view, above, first, second, starts, noise)
    # A matrix within `off` of the factored one: each of P factors moves by at most that much.
    decided = above != UNKNOWN and least > off and above == int(found.above[0])
    log_error = size * off / least if decided else math.inf
    sign = 0.0 if above == UNKNOWN else 1.0 - 2.0 * (above % 2)
    logarithm = size * math.log(step_size) + float(found.log_abs_det[0])
    return Row(*ends, above, above_2, distance, error, sign, logarithm, log_error)


def _shifted(matrix: Array, shift: float) -> Inertia:
    return inertia(torch.from_numpy(matrix[None]), torch.tensor([shift], dtype=torch.float64))


def _distance(found: Inertia, view: _View, shift: float, starts: Starts) -> tuple[float, float]:
    """The distance of the shift to the spectrum by inverse iteration, and its error."""
    factors, pivots = found.factors[0].mT.numpy(), found.pivots[0].numpy()

    def solved(q: Array) -> Array:
        with METER.eigenvalues():
            return _lapack.solve(factors, pivots, q[:, None])[:, 0]

    run = _Run(solved, starts, INVERSE_STEPS)
    best, error = math.inf, math.inf
    for count in range(min(2, run.limit), run.limit + 1):
        run.extend(count)
        if not np.isfinite(run.diagonal[:count]).all() or not np.isfinite(run.beside[:count]).all():
            # A block of D is 0: an eigenvalue is at the shift up to rounding.
            return 0.0, float((np.abs(view.values - shift) + view.errors).min())
        values, errors = run.ritz()
        end = int(np.abs(values).argmax())
        size, spread = abs(float(values[end])), float(errors[end])
        # An eigenvalue n of the inverse is found from below, so the distance 1/n is found from above.
        best = error = 1.0 / size if size > 0.0 else math.inf
        if max(float(errors[0]), float(errors[-1])) <= INVERSE_TOLERANCE * size:
            error = best * spread / (size - spread)
            break
    # Some eigenvalue lies within the residual of each Ritz value.
    away = float((np.abs(view.values - shift) + view.errors).min())
    if away < best:
        best = error = away
    return best, error


def _above_2(
    matrix: Array, view: _View, above_1: int, first: float, second: float, starts: Starts, noise: float
) -> int:
    """Eigenvalues above 2/eta: by the bounds, by the located eigenvalues, else by another factorisation."""
    if view.reach < second or above_1 == 0:
        return 0
    for found in (view.count(second), view.located(above_1, first, second) if above_1 > 0 else UNKNOWN):
        if found != UNKNOWN:
            return found
    again = _shifted(matrix, second)
    distance, _ = _distance(again, view, second, starts)
    return int(again.above[0]) if distance > SAFETY * (float(again.error[0]) + noise) else UNKNOWN


def _tridiagonal(diagonal: Array, beside: Array) -> Array:
    table = np.zeros((len(diagonal), len(diagonal)))
    places = np.arange(len(diagonal))
    table[places, places] = diagonal
    table[places[1:], places[:-1]] = table[places[:-1], places[1:]] = beside[: len(diagonal) - 1]
    return table


def _norm(vector: Array) -> float:
    return math.sqrt(float(vector @ vector))
