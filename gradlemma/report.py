"""Reports of a check: the JSON document and the directory of files."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradlemma.analyticity import analyticity_document
from gradlemma.check import Checked, Verdict
from gradlemma.decimals import decimal_text
from gradlemma.derive import write_text
from gradlemma.pdf import compile_pdf
from gradlemma.proved import REFINED, ProvedBound
from proofs.theorems.bounds import ReadingName
from proofs.typeset import Goal, claim_latex, to_latex

if TYPE_CHECKING:
    from numerics.records import Estimate, Place

__all__ = ["REPORT_FILES", "VERDICTS", "document_of", "versions", "write_report"]

VERDICTS = {
    Verdict.REFUTED: "refuted",
    Verdict.UNDECIDED: "undecided",
    Verdict.CERTIFIED: "certified",
    Verdict.PROVED: "proved",
}
REPORT_FILES = ("report.json", "derivation.json", "analyticity.json", "derivation.tex", "derivation.pdf")
MEASURED = ("at_weights", "box_random", "box_ascent", "ball")


def document_of(checked: Checked) -> dict[str, Any]:
    """The machine-readable report, `schema_version` 1 (docs/json.md)."""
    goals = checked.goals()
    return {
        "schema_version": 1,
        "problem": {
            "name": checked.problem.name,
            "sha256": checked.problem.sha256,
            "network": checked.problem.network.describe(),
            "loss": checked.problem.loss.label(),
            "parameters": checked.problem.network.parameter_count,
            "seed": checked.problem.seed,
        },
        "verdict": VERDICTS[checked.verdict],
        "reasons": list(checked.reasons),
        "weights_in_box": checked.weights_in_box,
        "analyticity": analyticity_document(checked.analyticity),
        "bounds": {name.value: _reading(checked, name) for name in ReadingName},
        "measured": {name: _place(getattr(checked.measured, name)) for name in MEASURED},
        "ratios": _ratio_table(checked),
        "slack": _slack(checked),
        "theorem": {name: claim_latex(theorem.claim) for name, theorem in goals.items()},
        "hypotheses": {
            name: sorted(claim_latex(claim, exact=True) for claim in theorem.hypotheses)
            for name, theorem in goals.items()
        },
        "trust": checked.trust(),
        "elapsed_s": checked.elapsed_s,
        "peak_memory_bytes": checked.peak_memory_bytes,
        "versions": versions(),
    }


def _reading(checked: Checked, name: ReadingName) -> dict[str, Any] | None:
    reading = checked.readings.get(name)
    if reading is None:
        return {"G_max": None, "H_max": None, "reason": checked.absent.get(name)}
    found = {"G_max": _bound(reading.gradient), "H_max": _bound(reading.hessian)}
    return found if reading.refined is None else found | {REFINED: _bound(reading.refined)}


def _bound(bound: ProvedBound) -> dict[str, Any]:
    value: Any = str(bound.value)
    if bound.tier != "exact":
        value = {"lower": decimal_text(bound.lower, up=False), "upper": decimal_text(bound.value, up=True)}
    return {
        "value": value,
        "tier": bound.tier,
        "latex": bound.latex(),
        "proved": str(bound.value),
        "trust": list(bound.trust),
    }


def _place(place: Place | None) -> dict[str, Any] | None:
    if place is None:
        return None
    return {
        "gradient_norm": _estimate(place.gradient_norm),
        "sample_gradient_norm": _estimate(place.sample_gradient_norm),
        "hessian_norm": _estimate(place.hessian_norm),
        "points": place.points,
        "skipped_at_kinks": place.skipped,
        "not_finite": place.not_finite,
    }


def _estimate(found: Estimate | None) -> dict[str, Any] | None:
    if found is None:
        return None
    if not found.is_finite:
        return {"value": None, "error": None, "dtype": found.dtype, "device": found.device}
    return {"value": found.value, "error": found.error, "dtype": found.dtype, "device": found.device}


def _ratio_table(checked: Checked) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for ratio in checked.ratios:
        place = ratio.place if ratio.bound != ReadingName.AT_RESIDUALS.value else "at_residuals"
        table.setdefault(place, {})[ratio.quantity] = ratio.value
    return table


def _slack(checked: Checked) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for number, step in enumerate(checked.steps(), start=1):
        line = checked.slack.get(id(step))
        if line is None or line.instances == 0:
            continue
        rows.append(
            {
                "step": number,
                "rule": type(step.rule).__name__,
                "claim": claim_latex(step.claim),
                "ratio": line.ratio if math.isfinite(line.ratio) else None,
                "left": line.left,
                "right": line.right,
                "instances": line.instances,
                "undecided": line.undecided,
            }
        )
    return rows


def versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, str] = {}
    for package in ("gradlemma", "numpy", "python-flint", "sympy", "torch"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def write_report(checked: Checked, document: dict[str, Any], out: Path) -> dict[str, Path | str]:
    """Write report.json, derivation.json, derivation.tex and, where TeX is installed, the PDF.

    Returns:
        What was written, by name; for the PDF a sentence where it was not.
    """
    out.mkdir(parents=True, exist_ok=True)
    goals = [Goal(name, theorem) for name, theorem in checked.goals().items()]
    tex = to_latex(*goals, title=f"Bounds for {checked.problem.name}") if goals else None
    files = {
        "report.json": json.dumps(document, indent=2, allow_nan=False) + "\n",
        "derivation.json": json.dumps(checked.document) + "\n",
        "analyticity.json": json.dumps(checked.analyticity.document) + "\n",
    }
    if tex is not None:
        files["derivation.tex"] = tex
    else:
        (out / "derivation.tex").unlink(missing_ok=True)
    written: dict[str, Path | str] = {}
    for name, text in files.items():
        write_text(out / name, text)
        written[name] = out / name
    written["derivation.pdf"] = _pdf(checked, tex, out / "derivation.pdf")
    return written


def _pdf(checked: Checked, tex: str | None, target: Path) -> Path | str:
    if not checked.interrupted and tex is not None:
        return compile_pdf(tex, target)
    target.unlink(missing_ok=True)
    return "not written: interrupted" if checked.interrupted else "not written: nothing is derived"
