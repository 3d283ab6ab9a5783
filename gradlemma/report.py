"""Reports of a check: the JSON document, the directory of files, the table."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradlemma.check import PLACES, Checked, Verdict
from gradlemma.decimals import decimal_text, shown_above
from gradlemma.derive import write_text
from gradlemma.errors import printable
from gradlemma.pdf import compile_pdf
from gradlemma.plain import claim_text, definition_text, lets_of
from gradlemma.proved import REFINED, ProvedBound
from proofs.kernel.claims import Compare
from proofs.theorems.bounds import ReadingName
from proofs.typeset import Goal, claim_latex, to_latex

if TYPE_CHECKING:
    from numerics.records import Estimate, Place

__all__ = ["document_of", "print_table", "write_report"]

VERDICTS = {
    Verdict.REFUTED: "refuted",
    Verdict.UNDECIDED: "undecided",
    Verdict.CERTIFIED: "certified",
    Verdict.PROVED: "proved",
}
TITLES = {
    ReadingName.WORST_CASE: "worst case over the box",
    ReadingName.AT_WEIGHTS: "at the weights",
    ReadingName.AT_RESIDUALS: "at the weights, residuals",
    ReadingName.BALL: "in the ball",
}
PLACE_TITLES = {
    "at_weights": "at the weights",
    "box_random": "random in the box",
    "box_ascent": "ascent in the box",
    "ball": "in the ball",
}
MAX_RECURSIONS = 12
MEASURED = ("at_weights", "box_random", "box_ascent", "ball")


def document_of(checked: Checked) -> dict[str, Any]:
    """The machine-readable report, `schema_version` 1 (docs/json.md)."""
    bounds = checked.bounds
    goals = bounds.goals()
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
        "weights_in_box": bounds.resolved.weights_in_box,
        "bounds": {name.value: _reading(checked, name) for name in ReadingName},
        "measured": {name: _place(getattr(checked.measured, name)) for name in MEASURED},
        "ratios": _ratio_table(checked),
        "slack": _slack(checked),
        "theorem": {name: claim_latex(theorem.claim) for name, theorem in goals.items()},
        "hypotheses": {
            name: sorted(claim_latex(claim, exact=True) for claim in theorem.hypotheses)
            for name, theorem in goals.items()
        },
        "trust": sorted(frozenset[str]().union(*(theorem.trust for theorem in goals.values()))),
        "elapsed_s": checked.elapsed_s,
        "peak_memory_bytes": checked.peak_memory_bytes,
        "versions": _versions(),
    }


def _reading(checked: Checked, name: ReadingName) -> dict[str, Any] | None:
    reading = checked.bounds.readings.get(name)
    if reading is None:
        return {"G_max": None, "H_max": None, "reason": checked.bounds.absent.get(name)}
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


def _versions() -> dict[str, str]:
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
    goals = [Goal(name, theorem) for name, theorem in checked.bounds.goals().items()]
    tex = to_latex(*goals, title=f"Bounds for {checked.problem.name}")
    files = {
        "report.json": json.dumps(document, indent=2, allow_nan=False) + "\n",
        "derivation.json": json.dumps(checked.document) + "\n",
        "derivation.tex": tex,
    }
    written: dict[str, Path | str] = {}
    for name, text in files.items():
        write_text(out / name, text)
        written[name] = out / name
    written["derivation.pdf"] = compile_pdf(tex, out / "derivation.pdf")
    return written


def print_table(checked: Checked, written: dict[str, Path | str]) -> None:
    """The table a person reads: bounds, measurements, ratios, where slack enters, the verdict."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    problem = checked.problem
    console.print(Text(f"{problem.describe()}, {problem.network.parameter_count} parameters"))
    table = Table(show_edge=False, pad_edge=False)
    for title in ("bound", "", "proved", "tier", "measured", "bound/measured"):
        table.add_column(title, justify="left" if title in ("bound", "", "tier") else "right", no_wrap=True)
    for row in _rows(checked):
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)
    _print_measured(checked, console)
    _print_closed_forms(checked, console)
    for name, reason in checked.bounds.absent.items():
        console.print(Text(f"{TITLES[name]}: not derived, {printable(reason, 300)}"))
    if checked.bounds.resolved.weights_in_box is False:
        console.print(Text("the weights lie in the box up to a relative 1e-6 only, as far as certified"))
    _print_slack(checked, console)
    trust = sorted(frozenset[str]().union(*(t.trust for t in checked.bounds.goals().values())))
    console.print(
        Text(f"verdict: {VERDICTS[checked.verdict]}" + (f" (relying on {', '.join(trust)})" if trust else ""))
    )
    memory = (
        "unknown" if checked.peak_memory_bytes is None else f"{checked.peak_memory_bytes / 2**20:.0f} MiB"
    )
    count = len(checked.document["derivation"]["steps"])
    console.print(Text(f"{count} kernel steps replayed; {checked.elapsed_s:.1f} s, peak memory {memory}"))
    for name, place in written.items():
        console.print(Text(f"{name}: {place}"))


def _print_measured(checked: Checked, console: Any) -> None:
    """The largest values found in each place, with the ratios of the bounds that cover it."""
    from rich.table import Table
    from rich.text import Text

    table = Table(show_edge=False, pad_edge=False)
    for title in ("measured", "||grad L||", "ratio", "one sample", "ratio", "||Hess L||", "ratio"):
        table.add_column(title, justify="left" if title == "measured" else "right", no_wrap=True)
    for place_name, reading in PLACES:
        place: Place | None = getattr(checked.measured, place_name)
        if place is None:
            continue
        cells = [PLACE_TITLES[place_name]]
        for quantity in ("gradient_norm", "sample_gradient_norm", "hessian_norm"):
            found: Estimate | None = getattr(place, quantity)
            cells.append("-" if found is None or not found.is_finite else f"{found.value:.6g}")
            cells.append(_ratio_text(checked, place_name, quantity, reading))
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)


def _print_closed_forms(checked: Checked, console: Any) -> None:
    """What the numbers come from: the bounds of the loss along u, and the recursions in them."""
    from rich.text import Text

    sample = checked.bounds.work.sample
    console.print(Text("closed form along a direction u; G_max, H_max: the largest over ||u|| = 1"))
    lines = [claim_text(sample.first.claim), claim_text(sample.second.claim)]
    claim = sample.second.claim
    shown = lets_of(claim.right) if isinstance(claim, Compare) else []
    lines += [definition_text(let) for let in shown[:MAX_RECURSIONS]]
    if len(shown) > MAX_RECURSIONS:
        lines.append(f"... and {len(shown) - MAX_RECURSIONS} more recursions of this kind")
    for line in lines:
        console.print(Text(f"  {line}"))


def _rows(checked: Checked) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    places = {reading: place for place, reading in PLACES}
    places[ReadingName.AT_RESIDUALS] = "at_weights"
    for name, reading in checked.bounds.readings.items():
        place: Place | None = getattr(checked.measured, places[name])
        for symbol, bound, quantity in (
            ("G_max", reading.gradient, "gradient_norm"),
            ("H_max", reading.hessian, "hessian_norm"),
            ("refined", reading.refined, "hessian_norm_refined"),
        ):
            if bound is None:
                continue
            found = None
            if place is not None:
                found = place.gradient_norm if symbol == "G_max" else place.hessian_norm
            rows.append(
                (
                    TITLES[name] if symbol == "G_max" else "",
                    symbol,
                    str(bound.value) if bound.tier == "exact" and len(str(bound.value)) < 14
                    else shown_above(bound.value),
                    bound.tier,
                    "-" if found is None or not found.is_finite else f"{found.value:.6g}",
                    _ratio_text(checked, places[name], quantity, name),
                )
            )  # fmt: skip
    return rows


def _ratio_text(checked: Checked, place: str, quantity: str, reading: ReadingName) -> str:
    for ratio in checked.ratios:
        if (ratio.place, ratio.quantity, ratio.bound) == (place, quantity, reading.value):
            return "-" if ratio.value is None else f"{ratio.value:.3g}"
    return "-"


def _print_slack(checked: Checked, console: Any) -> None:
    """The bounds of the nodes' derivatives, layer by layer: where looseness enters."""
    from rich.table import Table
    from rich.text import Text

    table = Table(
        show_edge=False,
        pad_edge=False,
        title="where slack enters, node by node (smallest ratio found)",
        title_justify="left",
    )
    table.add_column("line")
    table.add_column("right/left", justify="right")
    count = 0
    for step in checked.steps():
        line = checked.slack.get(id(step))
        if line is None or type(step.rule).__name__ not in ("Fold", "SquareRoot"):
            continue
        if line.instances and math.isfinite(line.ratio):
            table.add_row(Text(claim_text(step.claim)), Text(f"{line.ratio:.3g}"))
            count += 1
    if count:
        console.print(table)
