"""The report of `gradlemma tasks`: the JSON document and the directory of files."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

from gradlemma.decimals import decimal_text
from gradlemma.derive import write_text
from gradlemma.errors import printable
from gradlemma.report import versions
from gradlemma.task_results import Kinks, TaskMeasured, TasksResult

__all__ = ["REPORT_FILES", "document_of", "write_report"]

REPORT_FILES = (
    "tasks.json", "derivation.json", "derivation.tex", "derivation.pdf", "order.svg", "order.json",
    "closed_form.tex",
)  # fmt: skip


def document_of(found: TasksResult) -> dict[str, Any]:
    """The machine-readable report, `schema_version` 1 (docs/json.md)."""
    problem, setup, seen = found.problem, found.setup, found.measured
    return {
        "schema_version": 1,
        "problem": {
            "name": problem.name,
            "sha256": problem.sha256,
            "network": problem.network.describe(),
            "loss": problem.loss.label(),
            "parameters": found.forecast.parameters,
            "samples": [len(members) for members in setup.members],
        },
        "tasks": setup.count,
        "eta": str(setup.step),
        "alpha": str(setup.alpha),
        "steps": setup.steps,
        "verdict": found.verdict.value,
        "reasons": list(found.reasons),
        "notes": list(found.notes),
        "steps_done": 0 if seen is None else seen.steps,
        "diverged": found.divergence,
        "difference_norm": None if seen is None else _finite(seen.difference),
        "difference_rounding": None if seen is None else _finite(seen.rounding),
        "multi_task_distance": None if seen is None else _finite(seen.distance),
        "losses": None if seen is None else [_losses(one) for one in seen.losses],
        "C": _second_order(found, seen),
        "order": _order(found),
        "bound": _bound(found),
        "kinks": _kinks(found.kinks),
        "theorem": {name: _latex(theorem.claim) for name, theorem in found.goals.items()},
        "hypotheses": {
            name: sorted(_latex(claim) for claim in theorem.hypotheses)
            for name, theorem in found.goals.items()
        },
        "trust": list(found.trust),
        "kernel_steps": found.kernel_steps,
        "forecast": {
            "seconds": round(found.forecast.seconds, 3),
            "memory_bytes": int(found.forecast.memory_mib * 2**20),
        },
        "interrupted": found.interrupted,
        "elapsed_s": found.elapsed_s,
        "peak_memory_bytes": found.peak_memory_bytes,
        "versions": versions(),
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _latex(claim: Any) -> str:
    from proofs.typeset import claim_latex

    return claim_latex(claim, exact=True)


def _losses(one: Any) -> dict[str, float | None]:
    return {"start": one.start, "own": one.own, "merged": one.merged, "multi_task": one.multi_task}


def _second_order(found: TasksResult, seen: TaskMeasured | None) -> dict[str, Any]:
    closed = found.closed_form
    shared = {"latex": found.latex, "closed_form": closed.value, "closed_form_reason": closed.reason}
    if seen is None:
        names = ("norm", "norm_rounding", "leading_norm", "leading_rounding")
        return dict.fromkeys((*names, "explained_share", "explained_share_leading")) | shared
    return {
        "norm": _finite(float(seen.path.vector.norm())),
        "norm_rounding": _finite(seen.path.rounding),
        "leading_norm": _finite(float(seen.leading.vector.norm())),
        "leading_rounding": _finite(seen.leading.rounding),
        "explained_share": _finite(seen.explained.share),
        "explained_share_leading": _finite(seen.explained_by_leading),
    } | shared


def _order(found: TasksResult) -> dict[str, Any]:
    table = found.order.value
    if table is None:
        names = ("corrected", "corrected_leading", "printed", "printed_leading", "difference")
        return dict.fromkeys(names) | {"outcome": None, "etas": None, "reason": found.order.reason}
    return {
        "corrected": table.observed("corrected_path"),
        "corrected_leading": table.observed("corrected_leading"),
        "printed": table.observed("printed_path"),
        "printed_leading": table.observed("printed_leading"),
        "difference": table.observed("difference"),
        "outcome": table.outcome.value,
        "etas": [str(rung.step_size) for rung in table.rungs],
        "reason": None,
    }


def _bound(found: TasksResult) -> dict[str, Any]:
    limit = found.limit.value
    seen = None if found.measured is None else _finite(float(found.measured.path.vector.norm()))
    if limit is None:
        names = ("value", "ratio", "G_max", "H_max", "radius", "contained")
        return dict.fromkeys(names) | {"measured": seen, "reading": None, "reason": found.limit.reason}
    return {
        "value": _number(limit.value),
        "measured": seen,
        "ratio": found.ratio,
        "G_max": _number(limit.slope),
        "H_max": _number(limit.bend),
        "reading": "ball",
        "radius": _number(limit.radius),
        "contained": limit.contained,
        "reason": None,
    }


def _number(value: Fraction) -> str:
    """The number as a decimal, rounded up."""
    return decimal_text(value, up=True)


def _kinks(kinks: Kinks) -> dict[str, Any]:
    report = kinks.report
    crossed = {"certified": False, "crossed": True}.get(kinks.status.value)
    where = None
    if report is not None and report.task is not None and report.unit is not None:
        where = {
            "task": report.task + 1,
            "run": "multi-task" if report.joint else "task",
            "step": report.step,
            "layer": report.unit.layer,
            "unit": report.unit.number,
            "sample": report.unit.sample,
            "between": None if report.between is None else [str(part) for part in report.between],
            "equal_ends": report.equal_ends,
        }
    seen = None if kinks.seen is None else {"changed": kinks.seen.changed, "units": kinks.seen.total}
    return {
        "status": kinks.status.value,
        "crossed": crossed,
        "where": where,
        "seen": seen,
        "sentence": kinks.sentence,
    }


# -- files ----------------------------------------------------------------------------------------


def write_report(found: TasksResult, document: dict[str, Any], out: Path) -> dict[str, Path | str]:
    """Write tasks.json, the derivation, the figure of the orders and the closed form of C.

    Returns:
        What was written, by name; for what was not a sentence.
    """
    out.mkdir(parents=True, exist_ok=True)
    written: dict[str, Path | str] = {}
    for name in REPORT_FILES:
        (out / name).unlink(missing_ok=True)
    write_text(out / "tasks.json", json.dumps(document, indent=2, allow_nan=False) + "\n")
    written["tasks.json"] = out / "tasks.json"
    if found.derivation is None:
        written["derivation.json"] = "not written: no theorem was replayed"
    else:
        write_text(out / "derivation.json", json.dumps(found.derivation) + "\n")
        written["derivation.json"] = out / "derivation.json"
        written |= _typeset(found, out)
    written |= _figure(found, out)
    closed = found.closed_form
    if closed.value is None:
        written["closed_form.tex"] = f"not written: {closed.reason}"
    else:
        write_text(out / "closed_form.tex", _formulas(closed.value))
        written["closed_form.tex"] = out / "closed_form.tex"
    return written


def _formulas(lines: list[str]) -> str:
    """The formulas of C at theta_0, one a line, as a fragment for an article with amsmath."""
    return "".join(f"\\[ {line} \\]\n" for line in lines)


def _typeset(found: TasksResult, out: Path) -> dict[str, Path | str]:
    """TSK-2 and TSK-3; the derivations of G and H are those of `gradlemma check`."""
    from gradlemma.pdf import compile_pdf
    from proofs.typeset import Goal, to_latex

    goals = [Goal(name, theorem) for name, theorem in found.goals.items() if name.startswith("TSK")]
    tex = to_latex(*goals, title=f"Task arithmetic for {found.problem.name}")
    write_text(out / "derivation.tex", tex)
    if found.interrupted:
        return {"derivation.tex": out / "derivation.tex", "derivation.pdf": "not written: interrupted"}
    return {
        "derivation.tex": out / "derivation.tex",
        "derivation.pdf": compile_pdf(tex, out / "derivation.pdf"),
    }


def _figure(found: TasksResult, out: Path) -> dict[str, Path | str]:
    if found.order.value is None:
        return {"order.svg": f"not written: {found.order.reason}"}
    from gradlemma.figures.task_order_figure import task_order_data, task_order_svg
    from proofs.errors import GradlemmaError

    try:
        svg, data = task_order_svg(task_order_data(found.order.value))
    except GradlemmaError as error:
        return {"order.svg": f"not written: {printable(error, 200)}"}
    write_text(out / "order.svg", svg)
    write_text(out / "order.json", data)
    return {"order.svg": out / "order.svg", "order.json": out / "order.json"}
