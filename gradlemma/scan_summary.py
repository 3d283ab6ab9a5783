"""What a finished or interrupted scan says: crossings, sharpness by step size, errors above the tolerance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from numerics.scan import Field, Plan
from numerics.scan.store import array_path

__all__ = ["MAX_CROSSINGS", "Crossing", "Row", "ScanSummary", "summary_of"]

# Crossings that are listed; all of them are counted.
MAX_CROSSINGS = 10_000
# What is read of the arrays; whole spectra and parameters are not.
READ = frozenset(
    ("loss", "gradient_norm", "sharpness", "sharpness_error", "lambda_min", "lambda_min_error",
     "above_1_over_eta", "above_2_over_eta", "spectrum_error", "largest_error", "smallest_error",
     "diverged_at")
)  # fmt: skip
KINDS = {"2/eta": "above_2_over_eta", "1/eta": "above_1_over_eta"}


@dataclass(frozen=True, slots=True)
class Crossing:
    """Between two records the number of eigenvalues above a threshold changed from `before` to `after`."""

    eta: float
    seed: int
    step: int
    kind: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Row:
    """One step size over its seeds; None where no run has a number.

    `final` are the sharpnesses at the last record by seed, `first_unstable` the first recorded step at
    which a run has an eigenvalue above 2/eta, `final_loss` the median of the last losses.
    """

    eta: float
    diverged: int
    final: tuple[float | None, ...]
    median: float | None
    largest: float | None
    first_unstable: int | None
    final_loss: float | None
    crossings: dict[str, int]


@dataclass(frozen=True, slots=True)
class ScanSummary:
    """The numbers of the report."""

    runs: int
    diverged: int
    rows: tuple[Row, ...]
    crossings: tuple[Crossing, ...]
    crossing_count: int
    undecided_counts: int
    error_max: float | None
    error_share_max: float | None
    beyond_tolerance: int
    not_finite_losses: int


def summary_of(directory: Path, plan: Plan) -> ScanSummary:
    """Read the arrays, a step size at a time.

    A change of a count is a crossing where both counts are decided.
    """
    rows: list[Row] = []
    listed: list[Crossing] = []
    totals = {"crossings": 0, "undecided": 0, "beyond": 0, "not_finite": 0}
    errors: list[tuple[float, float]] = []
    for index, eta in enumerate(plan.step_sizes):
        part = {
            field.name: _read(directory, field, plan, index) for field in plan.fields if field.name in READ
        }
        counts = dict.fromkeys(KINDS, 0)
        for crossing in _crossings(eta, part, plan):
            counts[crossing.kind] += 1
            totals["crossings"] += 1
            if len(listed) < MAX_CROSSINGS:
                listed.append(crossing)
        rows.append(_row(eta, part, plan, counts))
        errors.append(_errors(part, plan, totals))
    known = [pair for pair in errors if np.isfinite(pair[0])]
    return ScanSummary(
        plan.run_count, sum(row.diverged for row in rows), tuple(rows), tuple(listed),
        totals["crossings"], totals["undecided"],
        max((e for e, _ in known), default=None), max((s for _, s in known), default=None),
        totals["beyond"], totals["not_finite"],
    )  # fmt: skip


def _read(directory: Path, field: Field, plan: Plan, index: int) -> np.ndarray:
    """The entries of one step size, read and not mapped, so that memory does not grow with the file."""
    records = (len(plan.record_steps),) if field.per_record else ()
    shape = (plan.seeds, *records, *field.inner_shape)
    count = int(np.prod(shape, dtype=np.int64))
    with array_path(directory, field.name).open("rb") as file:
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
        file.seek(index * count * np.dtype(field.dtype).itemsize, 1)
        return np.fromfile(file, dtype=field.dtype, count=count).reshape(shape)


def _crossings(eta: float, part: dict[str, Any], plan: Plan) -> Iterator[Crossing]:
    for kind, name in KINDS.items():
        if name not in part:
            continue
        counts = np.asarray(part[name])
        before, after = counts[:, :-1], counts[:, 1:]
        for seed, index in np.argwhere((before != after) & (before >= 0) & (after >= 0)):
            yield Crossing(eta, int(seed), plan.record_steps[index + 1], kind,
                           int(before[seed, index]), int(after[seed, index]))  # fmt: skip


def _row(eta: float, part: dict[str, Any], plan: Plan, counts: dict[str, int]) -> Row:
    alive = np.asarray(part["diverged_at"]) < 0
    loss = np.asarray(part["loss"][:, -1])[alive]
    final: tuple[float | None, ...] = (None,) * plan.seeds
    largest = first = None
    if "sharpness" in part:
        sharpness = np.asarray(part["sharpness"])
        final = tuple(_number(value) for value in sharpness[:, -1])
        finite = sharpness[np.isfinite(sharpness)]
        largest = float(finite.max()) if finite.size else None
        unstable = np.flatnonzero((np.asarray(part["above_2_over_eta"]) > 0).any(axis=0))
        first = plan.record_steps[unstable[0]] if len(unstable) else None
    known = [value for value in final if value is not None]
    return Row(
        eta, int((~alive).sum()), final, float(np.median(known)) if known else None, largest, first,
        _number(np.median(loss)) if loss.size else None, counts,
    )  # fmt: skip


def _errors(part: dict[str, Any], plan: Plan, totals: dict[str, int]) -> tuple[float, float]:
    """(largest error of an eigenvalue, largest share of the norm), and counts of what is not as asked."""
    alive = np.isfinite(np.asarray(part["gradient_norm"]))
    totals["not_finite"] += int((~np.isfinite(np.asarray(part["loss"])) & alive).sum())
    names = [n for n in ("sharpness_error", "lambda_min_error", "spectrum_error", "largest_error",
                         "smallest_error") if n in part]  # fmt: skip
    if not names:
        return float("-inf"), float("-inf")
    totals["undecided"] += sum(int(((np.asarray(part[n]) < 0) & alive).sum()) for n in KINDS.values())
    worst = np.zeros_like(np.asarray(part["sharpness"]))
    for name in names:
        error = np.asarray(part[name])
        worst = np.fmax(worst, error.max(-1) if error.ndim == 3 else error)
    norm = np.fmax(np.abs(np.asarray(part["sharpness"])), np.abs(np.asarray(part["lambda_min"])))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(worst == 0.0, 0.0, worst / norm)
    beyond = alive & ~(share <= plan.tolerance)
    totals["beyond"] += int(beyond.sum())
    if not alive.any():
        return float("-inf"), float("-inf")
    return float(np.max(worst[alive])), float(np.max(np.nan_to_num(share[alive], nan=np.inf)))


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
