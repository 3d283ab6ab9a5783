"""What a step size needs to know about a Hessian without its spectrum.

For the step size eta: the largest and smallest eigenvalue, how many lie above 1/eta and above 2/eta, how
far 1/eta is from the spectrum, and the sign of det(I - eta H) = (-1)^(number above 1/eta).  A few Lanczos
steps settle the members whose largest eigenvalue is below 1/eta.  The others are factored at 1/eta,
unless Lanczos bounds show the counts (on the CPU) and no determinant is asked for, and at 2/eta only if
the Ritz values do not show on which side every one of the counted eigenvalues is.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from numerics.metering import product

from ._member import Row, Starts, examine
from .extremes import Extremes, extremes, upper_bound
from .full import Spectra, log_abs_det
from .inertia import Inertia, inertia, solve_shifted

__all__ = ["Verdicts", "verdicts", "verdicts_of_spectra"]

UNKNOWN = -1
# From this size on the work on a matrix is long enough for several threads.
THREADED_SIZE = 1000
# Lanczos steps before the first look and at most, and steps of inverse iteration for the distance.
FEW_STEPS, INVERSE_STEPS = 10, 8
TOLERANCE, INVERSE_TOLERANCE = 1e-3, 1e-2
# Numbers of the matrices that a device works on at once.
PART_ENTRIES = 1 << 28
# How much smaller than found the distance of 1/eta to the spectrum may be for a count to be trusted.
SAFETY = 10.0
# Ritz values at the upper end that are looked at.
WATCHED = 6


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """For each member of the batch, [B] each; every number has its error, and -1 or 0 says undecided.

    `largest`, `smallest`: the extreme eigenvalues.  `above_1`, `above_2`: eigenvalues above 1/eta and
    2/eta, -1 where an eigenvalue is too close to tell.  `distance`: of 1/eta to the spectrum.
    `sign`: of det(I - eta H), 0 if undecided.  `log_abs_det`: log |det(I - eta H)|, NaN where nothing
    was factored.
    """

    largest: Tensor
    largest_error: Tensor
    smallest: Tensor
    smallest_error: Tensor
    above_1: Tensor
    above_2: Tensor
    distance: Tensor
    distance_error: Tensor
    sign: Tensor
    log_abs_det: Tensor
    log_abs_det_error: Tensor


def verdicts_of_spectra(spectra: Spectra, step_sizes: Tensor) -> Verdicts:
    """The verdicts from whole spectra: `[B, P], [B] -> [B]`."""
    values, error = spectra.values, spectra.error
    logarithm, log_error, sign = log_abs_det(spectra, step_sizes)
    first, second = 1.0 / step_sizes, 2.0 / step_sizes
    distances = (values - first[:, None]).abs()
    return Verdicts(
        values[:, -1], error, values[:, 0], error,
        _count(values, error, first), _count(values, error, second),
        distances.amin(-1), error, sign, logarithm, log_error,
    )  # fmt: skip


def _count(values: Tensor, error: Tensor, threshold: Tensor) -> Tensor:
    beyond = values - threshold[:, None]
    close = (beyond.abs() <= error[:, None]).any(-1) | torch.isnan(values).any(-1)
    return (beyond > 0).sum(-1).masked_fill(close, UNKNOWN)


def verdicts(
    matrices: Tensor,
    step_sizes: Tensor,
    generator: torch.Generator,
    *,
    tolerance: float = TOLERANCE,
    determinants: bool = True,
    threads: int | None = None,
    noise: Tensor | None = None,
) -> Verdicts:
    """The verdicts from the Hessians: `[B, P, P], [B] -> [B]`; the matrices must be symmetric.

    Every member's verdict depends on its own matrix and step size and on the generator alone.

    Args:
        matrices: float64.
        step_sizes: eta > 0.
        generator: the source of the start vector.
        tolerance: of the extreme eigenvalues, relative to the norm; their errors are given.
        determinants: False to leave out log |det| where the counts are known without it.
        threads: matrices at a time on the CPU; without it as many as torch has threads, and one where the
            matrices are so small that threads would wait for each other.
        noise: bounds of the errors in the matrices, [B]; what they may change is undecided.
    """
    noise = torch.zeros(len(matrices)) if noise is None else noise
    noise = noise.to(matrices.device, torch.float64)
    if matrices.device.type == "cpu":
        return _on_cpu(matrices, step_sizes, generator, tolerance, determinants, threads, noise)
    rows = max(1, PART_ENTRIES // matrices.shape[-1] ** 2)
    state = generator.get_state()
    parts: list[Verdicts] = []
    for start in range(0, len(matrices), rows):
        # Every part begins with the same numbers.
        generator.set_state(state)
        part = slice(start, start + rows)
        parts.append(_part(matrices[part], step_sizes[part], generator, tolerance, noise[part]))
    return Verdicts(*(torch.cat([getattr(p, f.name) for p in parts]) for f in fields(Verdicts)))


def _on_cpu(
    matrices: Tensor,
    step_sizes: Tensor,
    generator: torch.Generator,
    tolerance: float,
    determinants: bool,
    threads: int | None,
    noise: Tensor,
) -> Verdicts:
    starts = Starts.draw(matrices.shape[-1], generator)
    tables, rates, errors = matrices.detach().numpy(), step_sizes.double().tolist(), noise.tolist()

    def examined(index: int) -> Row:
        with torch.no_grad(), np.errstate(all="ignore"):
            return examine(tables[index], rates[index], starts, tolerance, determinants, errors[index])

    alone = matrices.shape[-1] < THREADED_SIZE
    count = min(threads or (1 if alone else torch.get_num_threads()), len(matrices))
    if count <= 1:
        rows = [examined(index) for index in range(len(matrices))]
    else:
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(count) as pool:
            rows = list(pool.map(examined, range(len(matrices))))
    whole = {"above_1", "above_2"}
    columns = {name: [getattr(row, name) for row in rows] for name in Row._fields}
    return Verdicts(
        **{
            name: torch.tensor(column, dtype=torch.long if name in whole else torch.float64)
            for name, column in columns.items()
        }
    )


def _part(
    matrices: Tensor, step_sizes: Tensor, generator: torch.Generator, tolerance: float, noise: Tensor
) -> Verdicts:
    batch, size = matrices.shape[:2]
    few = extremes(
        lambda v: product(matrices, v.unsqueeze(-1)).squeeze(-1), (batch, size), generator=generator,
        extra=min(WATCHED, size) - 1, tolerance=tolerance, max_steps=FEW_STEPS, copies=False, sharp=False,
        dtype=matrices.dtype, device=matrices.device,
    )  # fmt: skip
    reach = upper_bound(few, torch.linalg.matrix_norm(matrices)) + noise
    few = replace(
        few,
        largest_error=few.largest_error + noise[:, None],
        smallest_error=few.smallest_error + noise[:, None],
    )
    found = _below(few, reach, step_sizes, tolerance)
    chosen = (~(reach < 1.0 / step_sizes)).nonzero().flatten()
    if len(chosen):
        whole = len(chosen) == batch
        part = _Open(
            matrices if whole else matrices[chosen],
            step_sizes[chosen],
            few.largest[chosen],
            few.largest_error[chosen],
            reach[chosen],
            noise[chosen],
        )
        for name, values in part.read(generator).items():
            found[name][chosen] = values.to(found[name].dtype)
    return Verdicts(**found)


def _below(few: Extremes, reach: Tensor, step_sizes: Tensor, tolerance: float) -> dict[str, Tensor]:
    """The verdicts where every eigenvalue is below 1/eta; residuals count as errors where they are small."""
    top, bound = few.largest[:, 0], reach - few.largest[:, 0]
    small = few.largest_error[:, 0] <= tolerance * torch.maximum(top.abs(), few.smallest[:, 0].abs())
    error = torch.where(small, torch.minimum(few.largest_error[:, 0], bound), bound)
    error = error.nan_to_num(nan=torch.inf)
    none = torch.zeros_like(top, dtype=torch.long)
    return {
        "largest": top, "largest_error": error,
        "smallest": few.smallest[:, 0], "smallest_error": few.smallest_error[:, 0],
        "above_1": none, "above_2": none.clone(),
        "distance": 1.0 / step_sizes - top, "distance_error": reach - top, "sign": torch.ones_like(top),
        "log_abs_det": torch.full_like(top, torch.nan), "log_abs_det_error": torch.full_like(top, torch.inf),
    }  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Open:
    """The members that Lanczos alone leaves open, with their largest Ritz values and upper bounds."""

    matrices: Tensor
    step_sizes: Tensor
    ritz: Tensor
    errors: Tensor
    reach: Tensor
    noise: Tensor

    def read(self, generator: torch.Generator) -> dict[str, Tensor]:
        """Counts, distance, sign and log |det| from L D L^T at 1/eta."""
        first = inertia(self.matrices, 1.0 / self.step_sizes)
        first = replace(first, error=first.error + self.noise)
        distance, error = self._distance(first, 1.0 / self.step_sizes, generator)
        # The distance is found from above, so a factor is kept.
        known = (distance > SAFETY * first.error) & (first.above >= 0)
        above = first.above.masked_fill(~known, UNKNOWN)
        size = self.matrices.shape[-1]
        logarithm = size * self.step_sizes.log() + first.log_abs_det
        # A matrix within `error` of the factored one: each of P factors moves by at most that much.
        log_error = torch.where(known, size * first.error / (distance / SAFETY), torch.inf)
        sign = torch.where(known, 1.0 - 2.0 * (first.above % 2).to(distance), torch.zeros_like(distance))
        return {
            "above_1": above, "above_2": self._above_2(above, generator),
            "distance": distance, "distance_error": error, "sign": sign,
            "log_abs_det": logarithm, "log_abs_det_error": log_error,
        }  # fmt: skip

    def _distance(
        self, factored: Inertia, shifts: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """The distance of the shifts to the spectra by inverse iteration, and its error."""
        batch, size = self.matrices.shape[:2]
        found = extremes(
            lambda v: solve_shifted(factored, v.unsqueeze(-1)).squeeze(-1), (batch, size),
            generator=generator, tolerance=INVERSE_TOLERANCE, max_steps=INVERSE_STEPS, copies=False,
            sharp=False, dtype=self.matrices.dtype, device=self.matrices.device,
        )  # fmt: skip
        ends = torch.stack((found.largest[:, 0].abs(), found.smallest[:, 0].abs()), -1)
        errors = torch.stack((found.largest_error[:, 0], found.smallest_error[:, 0]), -1)
        # An eigenvalue n of the inverse is found from below, so the distance 1/n is found from above.
        size, index = ends.nan_to_num(nan=0.0).max(-1)
        spread = errors.gather(1, index[:, None]).squeeze(1)
        inverse = 1.0 / size
        reached = spread <= INVERSE_TOLERANCE * size
        error = torch.where(reached, inverse * spread / (size - spread), inverse)
        # Some eigenvalue lies within the residual of each Ritz value.
        away = ((self.ritz - shifts[:, None]).abs() + self.errors).nan_to_num(nan=torch.inf).amin(-1)
        nearer = away < inverse
        return torch.where(nearer, away, inverse), torch.where(nearer, away, error)

    def _above_2(self, above_1: Tensor, generator: torch.Generator) -> Tensor:
        """Eigenvalues above 2/eta: by the bound, by located eigenvalues, else by another factorisation."""
        second = 2.0 / self.step_sizes
        located = self._located(above_1)
        found = torch.where(self.reach < second, torch.zeros_like(above_1), located)
        chosen = (found == UNKNOWN).nonzero().flatten()
        if len(chosen):
            part = _Open(*(getattr(self, field.name)[chosen] for field in fields(_Open)))
            again = inertia(part.matrices, second[chosen])
            again = replace(again, error=again.error + part.noise)
            distance, _ = part._distance(again, second[chosen], generator)
            found[chosen] = again.above.masked_fill(distance <= SAFETY * again.error, UNKNOWN)
        return found

    def _located(self, above_1: Tensor) -> Tensor:
        """The count at 2/eta where disjoint Ritz intervals hold all eigenvalues above 1/eta, else -1."""
        low, high = self.ritz - self.errors, self.ritz + self.errors
        apart = torch.ones_like(low, dtype=torch.bool)
        apart[:, 1:] = high[:, 1:] < low[:, :-1]
        first, second = 1.0 / self.step_sizes, 2.0 / self.step_sizes
        # Intervals in descending order, as long as they are apart and above 1/eta.
        kept = (apart & (low > first[:, None])).long().cumprod(-1).bool()
        clear = ((low > second[:, None]) | (high < second[:, None]) | ~kept).all(-1)
        count = (kept & (low > second[:, None])).sum(-1)
        return count.masked_fill(~clear | (kept.sum(-1) != above_1), UNKNOWN)
