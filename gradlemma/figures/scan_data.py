"""What the figures of a scan show, as small plain documents made from the arrays that the scan wrote.

A scan runs gradient descent for step sizes eta and seeds. Each function gives lists, numbers and None (no
finite value) that JSON holds. Floats have nine digits. Memory does not grow with the recorded steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._scan_arrays import ScanArrays, evenly, finite, median_of_finite, rounded

__all__ = ["NEEDED", "det_sign_data", "final_loss_data", "left_out", "sharpness_data", "spectrum_data"]

CURVES = 12
POINTS = 600
MARKS = 8
PANELS = 4
LEVELS = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
MOST_EXTREMES = 8
ROWS = 240
COLUMNS = 480
DOTS = 4000
FINAL_ROWS = 400

# The arrays without which a figure is left out: every one of a group, of one group at least.
NEEDED: dict[str, tuple[tuple[str, ...], ...]] = {
    "sharpness": (("sharpness",),),
    "spectrum": (("spectrum",), ("largest", "smallest")),
    "det_sign": (("det_sign",),),
    "final_loss": (("loss",),),
}


def left_out(scan: ScanArrays, name: str) -> str | None:
    """The sentence that says why a figure cannot be drawn; None where it can."""
    groups = NEEDED[name]
    if any(all(array in scan for array in group) for group in groups):
        return None
    wanted = " or ".join(" and ".join(f"{array}.npy" for array in group) for group in groups)
    return f"The figure {name} is left out: it needs {wanted}, which this scan did not record."


def sharpness_data(scan: ScanArrays) -> dict[str, Any]:
    """Sharpness times half the step size, by step, for at most 12 step sizes and 600 points.

    `median` is over the runs with a finite value at that record; `low` and `high` are the extremes over
    these runs and all records up to the next point. `marks` are diverged runs, at the step at which they
    diverged and the height of their last finite value.
    """
    records = evenly(scan.shape[2], POINTS)
    return {
        "figure": "sharpness",
        "seeds": scan.shape[1],
        "has_schedule": scan.has_schedule,
        "steps": scan["step"][records].tolist(),
        "curves": [_sharpness_curve(scan, int(e), records) for e in evenly(scan.shape[0], CURVES)],
    }


def _sharpness_curve(scan: ScanArrays, e: int, records: NDArray[np.int64]) -> dict[str, Any]:
    low, high = _extremes(scan, e, records)
    diverged = np.flatnonzero(scan["diverged_at"][e] >= 0)
    shown = diverged[evenly(len(diverged), MARKS)] if len(diverged) else diverged
    return {
        "eta": rounded(scan["eta"][e]),
        "median": rounded(_medians(scan, e, records)),
        "low": rounded(low),
        "high": rounded(high),
        "diverged": len(diverged),
        "marks": [_mark(scan, e, int(s)) for s in shown],
    }


def _scaled(scan: ScanArrays, e: int, runs: Any, records: Any) -> NDArray[np.float64]:
    """Sharpness times half the step size; NaN where it is not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return finite(finite(scan["sharpness"][e][runs, records]) * (scan.step_size(e, records) / 2))


def _medians(scan: ScanArrays, e: int, records: NDArray[np.int64]) -> NDArray[np.float64]:
    parts = np.array_split(records, max(1, min(len(records), scan.shape[1] * len(records) // 100_000)))
    return np.concatenate([median_of_finite(_scaled(scan, e, slice(None), part)) for part in parts])


def _extremes(
    scan: ScanArrays, e: int, records: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Extremes over the runs and over the records from each chosen one to the next."""
    low, high = np.full(len(records), np.nan), np.full(len(records), np.nan)
    for chunk in scan.record_chunks(scan.shape[1]):
        block = _scaled(scan, e, slice(None), chunk)
        place = np.searchsorted(records, np.arange(chunk.start, chunk.stop), side="right") - 1
        np.fmin.at(low, place, np.fmin.reduce(block, axis=0))
        np.fmax.at(high, place, np.fmax.reduce(block, axis=0))
    return low, high


def _mark(scan: ScanArrays, e: int, s: int) -> dict[str, Any]:
    record = scan.last_finite("sharpness", e, s)
    height = None if record < 0 else rounded(_scaled(scan, e, s, record))
    return {"seed": int(scan["seed"][s]), "step": int(scan["diverged_at"][e, s]), "height": height}


def spectrum_data(scan: ScanArrays) -> dict[str, Any]:
    """The Hessian's spectrum along runs of the first seed, for at most 4 step sizes and 600 points.

    With the whole spectrum: `quantiles`, one list per level of `levels`, interpolated as `numpy.quantile`
    does. Otherwise `largest` and `smallest`, ascending, at most 8 each. `inverse` is 1/eta with the factor
    of the schedule. Step sizes whose run diverged are shown only where all did.
    """
    records = evenly(scan.shape[2], POINTS)
    diverged = scan["diverged_at"][:, 0] >= 0
    eligible = np.flatnonzero(~diverged) if not diverged.all() else np.arange(scan.shape[0])
    chosen = eligible[evenly(len(eligible), PANELS)]
    return {
        "figure": "spectrum",
        "seed": int(scan["seed"][0]),
        "has_schedule": scan.has_schedule,
        "steps": scan["step"][records].tolist(),
        "levels": list(LEVELS) if "spectrum" in scan else None,
        "panels": [_spectrum_panel(scan, int(e), records) for e in chosen],
    }


def _spectrum_panel(scan: ScanArrays, e: int, records: NDArray[np.int64]) -> dict[str, Any]:
    at = int(scan["diverged_at"][e, 0])
    with np.errstate(divide="ignore", over="ignore"):
        inverse = 1 / scan.step_size(e, records)
    panel = {
        "eta": rounded(scan["eta"][e]),
        "diverged_at": at if at >= 0 else None,
        "inverse": rounded(inverse),
    }
    if "spectrum" in scan:
        return {**panel, "quantiles": rounded(_quantiles(scan["spectrum"][e, 0], records))}
    return {**panel, **{name: _lines(scan[name][e, 0], name, records) for name in ("largest", "smallest")}}


def _quantiles(spectrum: NDArray[Any], records: NDArray[np.int64]) -> NDArray[np.float64]:
    """Quantiles of ascending rows, which need few entries of a row. [T, P] -> [levels, N]."""
    places = np.array(LEVELS) * (spectrum.shape[1] - 1)
    below = np.floor(places).astype(np.int64)
    above = np.ceil(places).astype(np.int64)
    lower, upper = (finite(spectrum[np.ix_(records, part)]) for part in (below, above))
    part = places - below
    return (lower * (1 - part) + upper * part).T


def _lines(values: NDArray[Any], name: str, records: NDArray[np.int64]) -> Any:
    """The extreme eigenvalues in ascending order, one list for each. [T, K] -> [k, N]."""
    k = min(values.shape[1], MOST_EXTREMES)
    rows = np.stack([np.sort(finite(values[record])) for record in records])
    counts = (~np.isnan(rows)).all(axis=1)
    rows[~counts] = np.nan
    return rounded((rows[:, -k:] if name == "largest" else rows[:, :k]).T)


def det_sign_data(scan: ScanArrays) -> dict[str, Any]:
    """The sign of det(I - eta Hessian) over step sizes (rows) and recorded steps (columns).

    `first` has one string per row, for the first seed: `-` negative, `+` positive, `?` undecided,
    `x` diverged.
    `negative`, `decided` and `diverged` count seeds. At most 240 rows and 480 columns, evenly chosen.
    """
    rows, columns = evenly(scan.shape[0], ROWS), evenly(scan.shape[2], COLUMNS)
    steps = scan["step"][columns]
    counted = [_signs(scan, int(e), columns, steps) for e in rows]
    return {
        "figure": "det_sign",
        "seeds": scan.shape[1],
        "seed": int(scan["seed"][0]),
        "steps": steps.tolist(),
        "etas": rounded(scan["eta"][rows]),
        **{name: [row[name] for row in counted] for name in counted[0]},
    }


def _signs(
    scan: ScanArrays, e: int, columns: NDArray[np.int64], steps: NDArray[np.int64]
) -> dict[str, str | list[int]]:
    totals = np.zeros((3, len(columns)), dtype=np.int64)
    first = ""
    for s in range(scan.shape[1]):
        sign, at = scan["det_sign"][e, s, columns], int(scan["diverged_at"][e, s])
        gone = (steps >= at) & (at >= 0)
        negative, positive = (sign < 0) & ~gone, (sign > 0) & ~gone
        totals += np.stack([negative, negative | positive, gone])
        if s == 0:
            first = "".join(np.select([gone, negative, positive], ["x", "-", "+"], "?"))
    names = ("negative", "decided", "diverged")
    return {"first": first, **dict(zip(names, totals.tolist(), strict=True))}


def final_loss_data(scan: ScanArrays) -> dict[str, Any]:
    """The loss at the last record by step size, and 2/lambda_max there, the threshold of the minimum reached.

    `loss`, `diverged`, `sharpness` and `threshold` have one list per step size, with the seeds of `seeds`
    (some evenly chosen where there are many). `sharpness` is a run's last finite one, `threshold` is None
    where it is not positive. A run without a finite loss at the end counts as diverged. `median` is over all
    seeds, diverged runs counting as infinite.
    """
    rows = evenly(scan.shape[0], FINAL_ROWS)
    shown = evenly(scan.shape[1], max(DOTS // len(rows), 1))
    runs = [_final(scan, int(e), shown) for e in rows]
    return {
        "figure": "final_loss",
        "runs": scan.shape[1],
        "step": int(scan["step"][-1]),
        "last_factor": rounded(scan["eta_factor"][-1]),
        "etas": rounded(scan["eta"][rows]),
        "seeds": scan["seed"][shown].tolist(),
        **{name: [run[name] for run in runs] for name in runs[0]},
    }


def _final(scan: ScanArrays, e: int, shown: NDArray[np.int64]) -> dict[str, Any]:
    loss = finite(scan["loss"][e, :, -1])
    loss[scan["diverged_at"][e] >= 0] = np.nan
    diverged = np.isnan(loss)
    sharpness = [_last_sharpness(scan, e, int(s)) for s in shown]
    with np.errstate(divide="ignore", over="ignore"):
        threshold = 2 / np.where(np.array(sharpness) > 0, sharpness, np.nan)
    whole = np.where(np.isnan(loss), np.inf, loss)
    return {
        "loss": rounded(loss[shown]),
        "diverged": diverged[shown].tolist(),
        "diverged_runs": int(diverged.sum()),
        "median": rounded(median_of_finite(whole[:, None])[0]),
        "sharpness": rounded(sharpness),
        "threshold": rounded(threshold),
    }


def _last_sharpness(scan: ScanArrays, e: int, s: int) -> float:
    if "sharpness" not in scan or scan["diverged_at"][e, s] >= 0:
        return np.nan
    record = scan.last_finite("sharpness", e, s)
    return np.nan if record < 0 else float(scan["sharpness"][e, s, record])
