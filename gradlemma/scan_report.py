"""The report of `gradlemma scan`: a table, the JSON document, and the description beside the arrays."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradlemma.derive import write_text
from gradlemma.errors import printable
from gradlemma.scan_setup import Setup
from gradlemma.scan_summary import MAX_CROSSINGS, ScanSummary
from gradlemma.table import print_rows
from numerics.scan import COORDINATES, Plan

if TYPE_CHECKING:
    from gradlemma.scanning import Scanned

__all__ = ["document_of", "print_report", "write_document"]

DOCUMENT = "scan.json"
# Rows that the table prints; all of them stand in the JSON document.
MAX_ROWS = 40


def write_document(directory: Path, setup: Setup, summary: ScanSummary) -> None:
    """Write what the arrays are and say beside them; nothing in it depends on how long it took."""
    plan = setup.plan
    document = {
        "schema_version": 1,
        "problem": printable(setup.title, 400),
        "plan": plan.document(),
        "coordinates": COORDINATES,
        "arrays": {
            field.name: {
                "dimensions": list(field.dimensions),
                "dtype": field.dtype,
                "meaning": field.meaning,
            }
            for field in plan.fields
        },
        **_summary(summary),
    }
    write_text(directory / DOCUMENT, json.dumps(document, indent=1, allow_nan=False) + "\n")


def document_of(found: Scanned) -> dict[str, Any]:
    """The JSON document of docs/json.md."""
    known: dict[str, Any] = {} if found.summary is None else _summary(found.summary)
    return {
        "schema_version": 1,
        "interrupted": found.interrupted,
        "mode": found.plan.mode.value,
        "runs": found.plan.run_count,
        **known,
        "tolerance": found.plan.tolerance,
        "forecast": {
            "bytes": found.forecast.memory_bytes,
            "chunk_bytes": found.forecast.chunk_bytes,
            "seconds": round(found.forecast.seconds, 3),
            "result_bytes": found.forecast.result_bytes,
            "workers": found.forecast.workers,
        },
        "chunks": {
            "total": found.chunks,
            "computed": found.spent.chunks,
            "found_finished": found.chunks_before,
            "repaired": found.repaired,
        },
        "elapsed_s": round(found.elapsed_s, 3),
        "peak_memory_bytes": found.peak_memory_bytes,
        "device": found.plan.device,
        "dtype": found.plan.dtype,
        "versions": dict(found.plan.versions),
        "profile": _profile(found),
        "directory": printable(found.directory, 400),
        "figures": [printable(path, 400) for path in found.figures],
        "notes": [printable(note, 400) for note in found.notes],
    }


def _summary(summary: ScanSummary) -> dict[str, Any]:
    return {
        "runs": summary.runs,
        "diverged": summary.diverged,
        "crossings": [asdict(crossing) for crossing in summary.crossings],
        "crossing_count": summary.crossing_count,
        "undecided_counts": summary.undecided_counts,
        "sharpness": {
            "eta": [row.eta for row in summary.rows],
            "final": [row.median for row in summary.rows],
            "final_by_seed": [list(row.final) for row in summary.rows],
            "max": [row.largest for row in summary.rows],
        },
        "final_loss": [row.final_loss for row in summary.rows],
        "diverged_by_eta": [row.diverged for row in summary.rows],
        "spectrum_error_max": summary.error_max,
        "spectrum_error_relative_max": summary.error_share_max if _finite(summary.error_share_max) else None,
        "beyond_tolerance": summary.beyond_tolerance,
        "not_finite_losses": summary.not_finite_losses,
    }


def _finite(value: float | None) -> bool:
    return value is not None and value < float("inf")


def _profile(found: Scanned) -> dict[str, float | None]:
    """Shares of the workers' time in this run; None where nothing was computed."""
    total = found.spent.seconds
    if total <= 0.0:
        return {"gemm": None, "eigen": None, "other": None}
    gemm, eigen = found.spent.gemm / total, found.spent.eigen / total
    return {"gemm": round(gemm, 4), "eigen": round(eigen, 4), "other": round(max(0.0, 1.0 - gemm - eigen), 4)}


def print_report(found: Scanned, profile: bool) -> None:
    """The table that a person reads, and what there is to know besides."""
    plan = found.plan
    if found.summary is not None:
        _print_rows(found.summary)
        for line in _sentences(found.summary, plan):
            print(line)
    if found.interrupted:
        print("interrupted: what was finished is kept; run the same command again to continue")
    memory = "unknown" if found.peak_memory_bytes is None else f"{found.peak_memory_bytes / 2**20:.0f} MiB"
    before = f", {found.chunks_before} found finished" if found.chunks_before else ""
    repaired = f", {found.repaired} of them damaged and computed again" if found.repaired else ""
    print(
        f"{found.spent.chunks} of {found.chunks} chunks computed{before}{repaired}; {found.elapsed_s:.1f} s, "
        f"peak memory {memory}, {plan.device} {plan.dtype}"
    )
    if profile:
        shares = _profile(found)
        text = ", ".join(f"{name} {'-' if v is None else f'{v:.0%}'}" for name, v in shares.items())
        print(f"time of the workers: {text}")
    for note in found.notes:
        print(printable(note, 400))
    print(f"arrays, {DOCUMENT}{' and figures' if found.figures else ''}: {printable(found.directory, 400)}")


def _print_rows(summary: ScanSummary) -> None:
    titles = ("eta", "2/eta", "sharpness at the end", "largest", "above 2/eta from step",
              "crossings of 2/eta", "of 1/eta", "final loss", "diverged")  # fmt: skip
    rows = [
        (
            f"{row.eta:.6g}", f"{2.0 / row.eta:.5g}", _text(row.median), _text(row.largest),
            "-" if row.first_unstable is None else str(row.first_unstable),
            str(row.crossings["2/eta"]), str(row.crossings["1/eta"]), _text(row.final_loss),
            f"{row.diverged}/{len(row.final)}",
        )
        for row in summary.rows
    ]  # fmt: skip
    every = -(-len(rows) // MAX_ROWS)
    print_rows(titles, rows[::every], left=())
    if every > 1:
        print(f"one in {every} of {len(rows)} step sizes; all of them stand in {DOCUMENT}")


def _sentences(summary: ScanSummary, plan: Plan) -> list[str]:
    found = [
        f"{summary.runs} runs, {summary.diverged} diverged; {summary.crossing_count} crossings of thresholds"
        + (f", the first {MAX_CROSSINGS} are listed" if summary.crossing_count > MAX_CROSSINGS else "")
    ]
    if summary.error_max is not None:
        share = f", {summary.error_share_max:.2g} of the norm" if _finite(summary.error_share_max) else ""
        found.append(f"errors of eigenvalues at most {summary.error_max:.2g}{share}")
    if summary.beyond_tolerance:
        found.append(
            f"at {summary.beyond_tolerance} records an eigenvalue's error is above the tolerance "
            f"{plan.tolerance:g}: see the arrays of errors, or use a mode with exact Hessians"
        )
    if summary.undecided_counts:
        found.append(f"{summary.undecided_counts} counts of eigenvalues above a threshold are undecided (-1)")
    if summary.not_finite_losses:
        found.append(f"{summary.not_finite_losses} recorded losses are not finite though the parameters are")
    return found


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.5g}"
