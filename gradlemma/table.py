"""The table of a check that a person reads."""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gradlemma.analyticity import AnalyticitySection, analyticity_document
from gradlemma.check import PLACES, Checked
from gradlemma.compare import assumed_beyond
from gradlemma.decimals import shown_above, shown_bound
from gradlemma.errors import printable
from gradlemma.plain import claim_text, definition_text, lets_of
from gradlemma.proved import Bounds
from gradlemma.report import VERDICTS
from proofs.kernel.claims import Compare
from proofs.theorems.bounds import ReadingName

if TYPE_CHECKING:
    from numerics.records import Estimate, Place

__all__ = ["print_rows", "print_table"]

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
MAX_CONDITIONS = 12
UNLIMITED = 1_000_000


def print_table(checked: Checked, written: dict[str, Path | str]) -> None:
    """The table a person reads: bounds, measurements, ratios, where slack enters, the verdict."""
    problem = checked.problem
    print(f"{problem.describe()}, {problem.network.parameter_count} parameters")
    if checked.bounds is not None:
        _print_bounds(checked, checked.bounds)
    _print_analyticity(checked.analyticity)
    trust = checked.trust()
    print(f"verdict: {VERDICTS[checked.verdict]}" + (f" (relying on {', '.join(trust)})" if trust else ""))
    memory = (
        "unknown" if checked.peak_memory_bytes is None else f"{checked.peak_memory_bytes / 2**20:.0f} MiB"
    )
    print(f"{_steps_line(checked)}; {checked.elapsed_s:.1f} s, peak memory {memory}")
    for name, place in written.items():
        print(f"{name}: {place}")


def _steps_line(checked: Checked) -> str:
    """How many kernel steps there are, of bounds and of analyticity, and whether they were replayed."""
    section = checked.analyticity
    of_analyticity = len(section.document["derivation"]["steps"])
    if checked.bounds is None:
        return f"{of_analyticity} kernel steps {'' if section.failure is None else 'not '}replayed"
    total = of_analyticity + len(checked.document["derivation"]["steps"])
    done = checked.replayed and section.failure is None
    return f"{total} kernel steps, {of_analyticity} of them on analyticity, {'' if done else 'not '}replayed"


def _print_analyticity(section: AnalyticitySection) -> None:
    """The verdict, and layer by layer what each route asks for."""
    print(f"almost everywhere analytic: {section.verdict}; {printable(section.reason(), 400)}")
    rows: list[tuple[str, str, str, str, str]] = []
    for name, route in analyticity_document(section)["routes"].items():
        conditions = route["conditions"]
        # What is not met is always shown; of long networks only the first of the others.
        shown = [c for n, c in enumerate(conditions) if n < MAX_CONDITIONS or c["status"] != "met"]
        for c in shown[: 2 * MAX_CONDITIONS]:
            cells = (c["layer"], c["condition"], c["status"], printable(c["reason"], 120))
            rows.append((name, *cells))
        left_out = len(conditions) - len(shown[: 2 * MAX_CONDITIONS])
        if left_out:
            rows.append((name, f"... and {left_out} more, see report.json", "", "", ""))
    titles = ("route", "layer", "condition", "status", "why")
    print_rows(titles, rows, left=titles)


def _print_bounds(checked: Checked, bounds: Bounds) -> None:
    titles = ("bound", "", "proved", "tier", "measured", "bound/measured")
    print_rows(titles, _rows(checked, bounds), left=("bound", "", "tier"))
    _print_assumed(bounds)
    _print_measured(checked)
    _print_closed_forms(bounds)
    for name, reason in bounds.absent.items():
        print(f"{TITLES[name]}: not derived, {printable(reason, 300)}")
    if checked.weights_in_box is False:
        print("the weights lie in the box up to a relative 1e-6 only, as far as certified")
    _print_slack(checked)


def print_rows(titles: Sequence[str], rows: Sequence[Sequence[str]], left: Container[str]) -> None:
    """A table at its own width: a narrow terminal breaks its lines, and no number is ever cut."""
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    table = Table(show_edge=False, pad_edge=False)
    for title in titles:
        table.add_column(title, justify="left" if title in left else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console(highlight=False)
    unlimited = console.options.update(max_width=UNLIMITED)
    console.width = max(console.width, Measurement.get(console, unlimited, table).maximum)
    console.print(table, soft_wrap=True)


def _print_assumed(bounds: Bounds) -> None:
    """What the bounds rest on besides the problem's own numbers."""
    places: dict[str, list[str]] = {}
    for name, reading in bounds.readings.items():
        theorem = reading.hessian.theorem
        for sentence in assumed_beyond(name.value, theorem, bounds.work, bounds.resolved):
            places.setdefault(sentence, []).append(TITLES[name])
    for sentence, titles in places.items():
        print(f"{', '.join(titles)}: {sentence}")


def _print_measured(checked: Checked) -> None:
    """The largest values found in each place, with the ratios of the bounds that cover it."""
    rows: list[tuple[str, ...]] = []
    for place_name, reading in PLACES:
        place: Place | None = getattr(checked.measured, place_name)
        if place is None:
            continue
        cells = [PLACE_TITLES[place_name]]
        for quantity in ("gradient_norm", "sample_gradient_norm", "hessian_norm"):
            found: Estimate | None = getattr(place, quantity)
            cells.append("-" if found is None or not found.is_finite else f"{found.value:.6g}")
            cells.append(_ratio_text(checked, place_name, quantity, reading))
        rows.append(tuple(cells))
    titles = ("measured", "||grad L||", "ratio", "one sample", "ratio", "||Hess L||", "ratio")
    print_rows(titles, rows, left=("measured",))


def _print_closed_forms(bounds: Bounds) -> None:
    """What the numbers come from: the bounds of the loss along u, and the recursions in them."""
    sample = bounds.work.sample
    print("closed form along a direction u; G_max, H_max: the largest over ||u|| = 1")
    lines = [claim_text(sample.first.claim), claim_text(sample.second.claim)]
    claim = sample.second.claim
    shown = lets_of(claim.right) if isinstance(claim, Compare) else []
    lines += [definition_text(let) for let in shown[:MAX_RECURSIONS]]
    if len(shown) > MAX_RECURSIONS:
        lines.append(f"... and {len(shown) - MAX_RECURSIONS} more recursions of this kind")
    for line in lines:
        print(f"  {line}")


def _rows(checked: Checked, bounds: Bounds) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    places = {reading: place for place, reading in PLACES}
    places[ReadingName.AT_RESIDUALS] = "at_weights"
    for name, reading in bounds.readings.items():
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
                    shown_bound(bound.value) if bound.tier == "exact" else shown_above(bound.value),
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


def _print_slack(checked: Checked) -> None:
    """The bounds of the nodes' derivatives, layer by layer: where looseness enters."""
    rows: list[tuple[str, ...]] = []
    for step in checked.steps():
        line = checked.slack.get(id(step))
        if line is None or type(step.rule).__name__ not in ("Fold", "SquareRoot"):
            continue
        if line.instances and math.isfinite(line.ratio):
            rows.append((claim_text(step.claim), f"{line.ratio:.3g}"))
    if rows:
        print("where slack enters, node by node (smallest ratio found)")
        print_rows(("line", "right/left"), rows, left=("line",))
