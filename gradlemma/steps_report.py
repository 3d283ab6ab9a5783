"""The report of `gradlemma steps`: the JSON document, the table, and the directory of files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flint import fmpq

from gradlemma.derive import write_text
from gradlemma.errors import printable
from gradlemma.report import versions
from gradlemma.step_collapse import Collapsing
from gradlemma.step_forecast import MANY, count_text
from gradlemma.step_numerics import CollapseSeen, DeterminantsSeen, NumericChecks
from gradlemma.step_results import Answer, Coverage, ExceptionalEta, Level, StepsResult
from gradlemma.step_rules import Method
from gradlemma.step_values import step_as_json, step_text
from gradlemma.table import print_rows

__all__ = ["REPORT_FILES", "document_of", "print_report", "write_report"]

REPORT_FILES = ("steps.json", "derivation.json", "derivation.tex", "derivation.pdf")
# What a table shows; everything stands in the JSON document.
MAX_ROWS = 40
MAX_CONDITIONS = 8
MAX_LABEL = 24
MAX_REASON = 100

Point = tuple[tuple[str, tuple[Any, ...]], ...]


def document_of(found: StepsResult) -> dict[str, Any]:
    """The machine-readable report, `schema_version` 1 (docs/json.md)."""
    problem, coverage = found.problem, found.coverage
    return {
        "schema_version": 1,
        "problem": {
            "name": problem.name,
            "sha256": problem.sha256,
            "network": problem.network.describe(),
            "loss": problem.loss.label(),
            "parameters": found.forecast.parameters,
            "samples": 0 if problem.samples is None else problem.samples.count,
        },
        "optimiser": found.rule.name,
        "weight_decay": str(found.weight_decay),
        "notes": list(found.notes),
        "analytic": {
            "verdict": found.analytic.verdict,
            "reason": found.analytic.reason,
            "trust": list(found.analytic.trust),
        },
        "coverage": {
            "patterns_possible": _count(coverage.possible),
            "patterns_infeasible": _count(coverage.infeasible),
            "patterns_visited": coverage.visited,
            "patterns_unknown": coverage.unknown,
            "complete": coverage.complete,
            "exceptional_known": coverage.determined,
            "no_exceptional_below": None
            if coverage.least_unexcluded is None
            else str(coverage.least_unexcluded),
            "reason": coverage.reason,
        },
        "exceptional": [_exceptional(one) for one in found.exceptional],
        "verdicts": [_answer(one, found.rule.caveat) for one in found.verdicts],
        "schedule": _schedule(found),
        "singular_set": None if found.singular_set is None else [_level(one) for one in found.singular_set],
        "numeric": None if found.numeric is None else _numeric(found.numeric),
        "trust": list(found.trust),
        "theorems": sorted(found.goals),
        "kernel_steps": found.kernel_steps,
        "forecast": {
            "patterns": _count(found.forecast.patterns),
            "seconds": round(found.forecast.seconds, 3),
            "memory_bytes": int(found.forecast.memory_mib * 2**20),
            "plan": found.forecast.plan.value,
        },
        "interrupted": found.interrupted,
        "elapsed_s": found.elapsed_s,
        "peak_memory_bytes": found.peak_memory_bytes,
        "versions": versions(),
    }


def _count(count: int) -> int | str:
    """A number; a text where it is huge."""
    return count if count < MANY else count_text(count)


def _exceptional(one: ExceptionalEta) -> dict[str, Any]:
    return {
        "eta": step_as_json(one.step),
        "pattern": one.pattern,
        "status": one.status.value,
        "reason": one.reason,
        "collapses_to": None if one.collapsing is None else _collapsing(one.collapsing),
        "also_in_patterns": list(one.also),
        "batch": None if one.batch is None else list(one.batch),
        "theorem": one.goal,
        "trust": list(one.trust),
    }


def _collapsing(one: Collapsing) -> dict[str, Any]:
    return {
        "text": one.text,
        "constants": [{"text": c.text, "value": str(c.value)} for c in one.constants],
        "open_set": list(one.open_set.conditions),
        "point": _point(one.open_set.point),
    }


def _point(point: Point | None) -> dict[str, list[str]] | None:
    return None if point is None else {name: [str(entry) for entry in entries] for name, entries in point}


def _answer(one: Answer, caveat: str | None) -> dict[str, Any]:
    return {
        "eta": step_as_json(one.step),
        "verdict": one.status.value,
        "reason": one.reason,
        "caveat": caveat,
        "pattern": one.pattern,
        "batch": None if one.batch is None else list(one.batch),
        "collapses_to": None if one.collapsing is None else _collapsing(one.collapsing),
        "theorems": list(one.goals),
        "trust": list(one.trust),
    }


def _schedule(found: StepsResult) -> dict[str, Any] | None:
    one = found.schedule
    if one is None:
        return None
    return {
        "eta": [step_as_json(step) for step in one.steps],
        "verdict": one.status.value,
        "reason": one.reason,
        "theorem": one.goal,
        "trust": list(one.trust),
    }


def _level(one: Level) -> dict[str, Any]:
    return {
        "set": one.text,
        "pattern": one.pattern,
        "not_everywhere_at": _point(one.witness),
        "batch": None if one.batch is None else list(one.batch),
    }


def _numeric(found: NumericChecks) -> dict[str, Any]:
    return {
        "determinants": None if found.determinants is None else _determinants(found.determinants),
        "collapses": [_seen(one) for one in found.collapses],
        "reasons": list(found.reasons),
    }


def _determinants(one: DeterminantsSeen) -> dict[str, Any]:
    error = one.relative_error
    return {
        "eta": str(one.step),
        "points": one.points,
        "relative_error_max": error if error < float("inf") else None,
        "within_1e-9": one.within,
        "within_rounding": one.agrees,
        "kink_distance_min": one.kink_distance if one.kink_distance < float("inf") else None,
    }


def _seen(one: CollapseSeen) -> dict[str, Any]:
    return {
        "eta": step_as_json(one.step),
        "dimensions": one.rank,
        "dimensions_after": one.rank_after,
        "least_eigenvalue": one.least,
        "beside": str(one.beside),
        "dimensions_after_beside": one.rank_beside,
        "least_eigenvalue_beside": one.least_beside,
        "seen": one.seen,
    }


# -- files ----------------------------------------------------------------------------------------


def write_report(found: StepsResult, document: dict[str, Any], out: Path) -> dict[str, Path | str]:
    """Write steps.json, derivation.json, derivation.tex and, where TeX is installed, the PDF.

    Returns:
        What was written, by name; for what was not a sentence.
    """
    out.mkdir(parents=True, exist_ok=True)
    written: dict[str, Path | str] = {}
    write_text(out / "steps.json", json.dumps(document, indent=2, allow_nan=False) + "\n")
    written["steps.json"] = out / "steps.json"
    if found.derivation is None:
        for name in REPORT_FILES[1:]:
            (out / name).unlink(missing_ok=True)
        written["derivation.json"] = "not written: no theorem was derived"
        return written
    write_text(out / "derivation.json", json.dumps(found.derivation) + "\n")
    written["derivation.json"] = out / "derivation.json"
    return written | _typeset(found, out)


def _typeset(found: StepsResult, out: Path) -> dict[str, Path | str]:
    """The theorems about steps, not those about each pattern's spectrum, which they contain."""
    from gradlemma.pdf import compile_pdf
    from proofs.typeset import Goal, to_latex

    goals = [Goal(name, theorem) for name, theorem in found.goals.items() if ".p" not in name]
    suffix = "" if not found.notes else f" ({'; '.join(found.notes)})"
    tex = to_latex(*goals, title=f"Step sizes for {found.problem.name}{suffix}")
    write_text(out / "derivation.tex", tex)
    if found.interrupted:
        (out / "derivation.pdf").unlink(missing_ok=True)
        return {"derivation.tex": out / "derivation.tex", "derivation.pdf": "not written: interrupted"}
    pdf = compile_pdf(tex, out / "derivation.pdf")
    return {"derivation.tex": out / "derivation.tex", "derivation.pdf": pdf}


# -- the table ------------------------------------------------------------------------------------


def print_report(found: StepsResult, written: dict[str, Path | str]) -> None:
    """What a person reads: coverage, exceptional step sizes, verdicts, measurements, trust."""
    print(f"{found.problem.describe()}, {found.forecast.parameters} parameters")
    for note in found.notes:
        print(printable(note, 400))
    decay = f", weight decay {found.weight_decay}" if found.weight_decay else ""
    print(f"optimiser: {found.rule.name}{decay}")
    print(f"loss: {found.analytic.verdict}, {printable(found.analytic.reason, 400)}")
    _print_coverage(found)
    _print_exceptional(found.exceptional)
    _print_verdicts(found)
    if found.numeric is not None:
        _print_numeric(found.numeric)
    replayed = f"{found.kernel_steps} kernel steps replayed"
    memory = "unknown" if found.peak_memory_bytes is None else f"{found.peak_memory_bytes / 2**20:.0f} MiB"
    print(f"{replayed}; {found.elapsed_s:.1f} s, peak memory {memory}")
    if found.trust:
        print(f"relying on {', '.join(found.trust)}")
    for name, place in written.items():
        print(f"{name}: {place}")


def _print_coverage(found: StepsResult) -> None:
    coverage = found.coverage
    unknown = f", {coverage.unknown} unknown" if coverage.unknown else ""
    print(
        f"patterns: {count_text(coverage.possible)} possible, {count_text(coverage.infeasible)} infeasible, "
        f"{coverage.visited} visited{unknown}; {_gone_through(coverage)}"
    )
    of = "" if found.rule.method in (Method.GD, Method.SGD) else " of gradient descent"
    if coverage.determined and not found.exceptional:
        print(f"E{of} is empty: no step size above 0 is exceptional")
    elif coverage.determined:
        print(f"E{of} = {{{', '.join(dict.fromkeys(step_text(one.step) for one in found.exceptional))}}}")
    else:
        print(f"E{of} is not determined: {printable(coverage.reason or '', 400)}")
    if coverage.least_unexcluded is not None:
        print(f"no eta in (0, {_shown(coverage.least_unexcluded)}) is exceptional")
    if found.singular_set is not None:
        count = len(found.singular_set)
        sets = "a null set" if count == 1 else f"{count} null sets"
        where = f"lies in {sets} {{entry = kink}}" if count else "is empty"
        print(f"the set where the loss is not analytic {where}")


def _shown(value: Any) -> str:
    from fractions import Fraction

    from gradlemma.decimals import decimal_text

    exact = str(value)
    return (
        exact if len(exact) < 14 else decimal_text(Fraction(int(value.p), int(value.q)), up=False, digits=7)
    )


def _label(text: str) -> str:
    return text if len(text) <= MAX_LABEL else text[: MAX_LABEL - 3] + "..."


def _print_exceptional(exceptional: Sequence[ExceptionalEta]) -> None:
    if not exceptional:
        return
    rows = [
        (
            step_text(one.step),
            one.status.value,
            _label(one.pattern) + (f" and {len(one.also)} more" if one.also else ""),
            "" if one.batch is None else ", ".join(map(str, one.batch)),
            printable(one.reason if one.collapsing is None else one.collapsing.text, 160),
        )
        for one in exceptional[:MAX_ROWS]
    ]
    titles = ("exceptional eta", "status", "pattern", "batch", "the pattern's open set goes to")
    keep = [0, 1, 2, *([3] if any(one.batch is not None for one in exceptional) else []), 4]
    names = [titles[k] for k in keep]
    print_rows(names, [[row[k] for k in keep] for row in rows], left=names)
    if len(exceptional) > MAX_ROWS:
        print(f"and {len(exceptional) - MAX_ROWS} more")
    first = next((one.collapsing for one in exceptional if one.collapsing is not None), None)
    if first is not None:
        _print_open_set(first)


def _print_open_set(collapsing: Collapsing) -> None:
    conditions = collapsing.open_set.conditions
    if not conditions:
        print("that open set is the whole space")
        return
    more = f", and {len(conditions) - MAX_CONDITIONS} more" if len(conditions) > MAX_CONDITIONS else ""
    print(f"that open set, of the first: {printable(', '.join(conditions[:MAX_CONDITIONS]), 600)}{more}")
    if collapsing.open_set.point is not None:
        shown = ", ".join(f"{n} = ({', '.join(map(str, e))})" for n, e in collapsing.open_set.point)
        print(f"a point in it: {printable(shown, 400)}")


def _print_verdicts(found: StepsResult) -> None:
    if found.verdicts:
        shown = found.verdicts[:MAX_ROWS]
        rows = [
            (step_text(one.step), one.status.value, one.reason if len(one.reason) <= MAX_REASON else "below")
            for one in shown
        ]
        titles = ("eta", "verdict", "reason")
        print_rows(titles, [tuple(printable(cell, 200) for cell in row) for row in rows], left=titles)
        if len(found.verdicts) > MAX_ROWS:
            print(f"and {len(found.verdicts) - MAX_ROWS} more")
        for reason in dict.fromkeys(one.reason for one in shown if len(one.reason) > MAX_REASON):
            steps = ", ".join(step_text(one.step) for one in shown if one.reason == reason)
            print(f"eta = {printable(steps, 200)}: {printable(reason, 600)}")
        if found.rule.caveat is not None:
            print(found.rule.caveat)
    if found.schedule is not None:
        steps = ", ".join(step_text(step) for step in found.schedule.steps[:MAX_ROWS])
        print(f"schedule {printable(steps, 200)}: {found.schedule.status.value}, {found.schedule.reason}")


def _gone_through(coverage: Coverage) -> str:
    return "no other pattern occurs" if coverage.complete else "not all of them were looked at"


def _short(step: fmpq) -> str:
    """The rational number, or its first digits where it has many."""
    text = str(step)
    return text if len(text) <= 24 else f"{int(step.p) / int(step.q):.7g}, a rational near it,"


def _print_numeric(numeric: NumericChecks) -> None:
    one = numeric.determinants
    if one is not None:
        limit = "(<= 1e-9)" if one.within else "(> 1e-9)"
        print(
            f"measured: det(I - eta Hessian) at eta = {_short(one.step)} by autograd and exactly "
            f"at {one.points} random points: relative error {one.relative_error:.1e} {limit}, "
            f"nearest kink {one.kink_distance:.2g}"
        )
    for seen in numeric.collapses:
        print(
            f"measured: a cloud of {seen.rank} dimensions around the point; after a step "
            f"{step_text(seen.step)}: {seen.rank_after}, least |eigenvalue| of I - eta Hessian "
            f"{seen.least:.1e}; after {_near(seen.beside)}: {seen.rank_beside}, {seen.least_beside:.1e}"
        )
    for reason in numeric.reasons:
        print(printable(reason, 300))


def _near(value: Any) -> str:
    exact = str(value)
    return exact if len(exact) < 14 else f"{int(value.p) / int(value.q):.7g}"
