"""What `gradlemma tasks` prints for people."""

from __future__ import annotations

import math
from pathlib import Path

from gradlemma.decimals import shown_above
from gradlemma.errors import printable
from gradlemma.table import print_rows
from gradlemma.task_limits import TaskLimit
from gradlemma.task_results import TaskMeasured, TasksResult

__all__ = ["print_report"]

FORMS = {
    "difference": "theta_TA - theta_MT",
    "corrected_path": "+ alpha eta^2 C, along the run",
    "corrected_leading": "+ alpha eta^2 C, at theta_0",
    "printed_path": "- eta^2 C (printed), along the run",
    "printed_leading": "- eta^2 C (printed), at theta_0",
}
STATED = {form: 3 if form.startswith("corrected") else 2 for form in FORMS}
MAX_TASKS_SHOWN = 12


def print_report(found: TasksResult, written: dict[str, Path | str]) -> None:
    """What a person reads: distance, what C explains, the bound, orders, kinks, errata."""
    setup = found.setup
    print(f"{found.problem.describe()}, {found.forecast.parameters} parameters")
    counts = ", ".join(str(len(members)) for members in setup.members[:MAX_TASKS_SHOWN])
    more = ", ..." if setup.count > MAX_TASKS_SHOWN else ""
    print(
        f"T = {setup.count} tasks of {counts}{more} samples; k = {setup.steps} steps, "
        f"eta = {printable(setup.step, 40)}, alpha = {printable(setup.alpha, 40)}"
    )
    for note in found.notes:
        print(note)
    if found.divergence is not None:
        print(found.divergence)
    if found.measured is not None:
        _print_measured(found, found.measured)
    _print_bound(found.limit.value, found.limit.reason, found.ratio)
    _print_order(found)
    print(f"kinks: {printable(found.kinks.sentence, 600)}")
    print("errata: the printed +eta^2 C leaves a remainder of order 2, -alpha eta^2 C one of order 3;")
    print("the printed factors (h+2)/2 and |alpha T + 1| fail at exact instances: gradlemma list TSK-3")
    print(f"verdict: {found.verdict.value}")
    for reason in found.reasons:
        print(printable(reason, 600))
    memory = "unknown" if found.peak_memory_bytes is None else f"{found.peak_memory_bytes / 2**20:.0f} MiB"
    print(f"{found.kernel_steps} kernel steps replayed; {found.elapsed_s:.1f} s, peak memory {memory}")
    if found.trust:
        print(f"relying on {', '.join(found.trust)}")
    for name, place in written.items():
        print(f"{name}: {place}")


def _print_measured(found: TasksResult, seen: TaskMeasured) -> None:
    done = "" if seen.steps == found.setup.steps else f" after {seen.steps} steps"
    share = "" if not seen.distance else f", {seen.difference / seen.distance:.3g} of ||theta_MT - theta_0||"
    print(f"||theta_TA - theta_MT|| = {seen.difference:.6g}{done}{share}")
    rows = [
        (name, f"{float(term.vector.norm()):.6g}", _percent(part))
        for name, term, part in (
            ("along the run", seen.path, seen.explained.share),
            ("at theta_0", seen.leading, seen.explained_by_leading),
        )
    ]
    titles = ("C", "||C||", "explains")
    print_rows(titles, rows, left=titles[:1])
    rows = [
        (str(number), *(_shown(x) for x in (one.start, one.own, one.merged, one.multi_task)))
        for number, one in enumerate(seen.losses[:MAX_TASKS_SHOWN], 1)
    ]
    print_rows(("task", "loss at theta_0", "own run", "theta_TA", "theta_MT"), rows, left=())
    if len(seen.losses) > MAX_TASKS_SHOWN:
        print(f"and {len(seen.losses) - MAX_TASKS_SHOWN} more tasks")


def _percent(share: float) -> str:
    if not math.isfinite(share):
        return "-"
    return f"{100 * share:.2f} %" if share > 0 else "nothing"


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}"


def _print_bound(limit: TaskLimit | None, reason: str | None, ratio: float | None) -> None:
    if limit is None:
        print(f"bound of ||C||: none, {printable(reason, 400)}")
        return
    times = "" if ratio is None else f", {ratio:.4g} times the measured norm"
    print(f"bound (TSK-3): ||C|| <= {shown_above(limit.value)}{times}")
    print(limit.sentence())


def _print_order(found: TasksResult) -> None:
    table = found.order.value
    if table is None:
        print(f"observed orders: none, {printable(found.order.reason, 400)}")
        return
    rows = [
        (text, "-" if (seen := table.observed(form)) is None else f"{seen:.4f}", str(STATED[form]))
        for form, text in FORMS.items()
    ]
    titles = ("remainder", "observed order", "stated")
    if any(seen != "-" for _, seen, _ in rows):
        print_rows(titles, rows, left=titles[:1])
    print(f"orders: {table.outcome.value}")
