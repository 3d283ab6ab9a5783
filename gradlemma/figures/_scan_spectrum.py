"""The figure of the Hessian's spectrum along runs of a scan, one panel per step size."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ._scan_axes import eta_names, floats, step_axis, symlog_axis
from ._style import BOUND, CURVE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_spectrum"]

WIDTH, FIRST, HEIGHT = 2.1, 1.9, 3.4
RIBBONS = ("#D3E4F1", "#93BEDD", "#4A90C2")
MEDIAN = "#00304D"
SMALL = "#007A5A"
DECADES = 5
BEYOND = 30.0
ONE_POINT = 0.35


def draw_spectrum(data: dict[str, Any]) -> Figure:
    """The figure, to be drawn inside `figure_style`."""
    from matplotlib.figure import Figure

    panels = data["panels"]
    figure = Figure(figsize=(FIRST + WIDTH * max(len(panels), 2), HEIGHT), layout="constrained")
    low, high, threshold = _scale(panels)
    names = eta_names([panel["eta"] for panel in panels])
    subplots = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for axes, panel, name in zip(subplots, panels, names, strict=True):
        symlog_axis(axes, low, high, threshold)
        _panel(axes, panel, data)
        axes.axhline(0, color="#888888", linewidth=0.6, zorder=3.5)
        step_axis(axes, data["steps"])
        axes.set_title(rf"$\eta = {name}$" if "e" not in name else rf"$\eta$ = {name}", loc="left")
    subplots[0].set_ylabel("eigenvalues of the Hessian")
    _legend(figure, data)
    return figure


def _rows(panel: dict[str, Any]) -> list[list[float | None]]:
    return [row for name in ("quantiles", "largest", "smallest") for row in panel.get(name, [])]


def _scale(panels: Sequence[dict[str, Any]]) -> tuple[float, float, float]:
    """Limits, cut off far beyond the thresholds, and the half width of the linear part, a power of ten."""
    values = [y for panel in panels for row in _rows(panel) for y in row if y is not None]
    rows = [[2 * y for y in panel["inverse"] if y is not None and y > 0] for panel in panels]
    line = max((min(row) for row in rows if row), default=1.0)
    reach = BEYOND * line
    top = min(max([*values, line]), reach)
    bottom = max(min(values, default=0.0), -reach)
    size = max(abs(top), abs(bottom))
    last = math.floor(math.log10(size)) if size > 0 else 0
    threshold = 10.0 ** min(max(_bulk(panels), last - DECADES), last - 1)
    return min(2 * bottom, -threshold / 2), max(2 * top, threshold), threshold


def _bulk(panels: Sequence[dict[str, Any]]) -> int:
    """The power of ten of a typical eigenvalue: of the middle half, or of the small ones among extremes."""
    sizes = []
    for panel in panels:
        rows = panel["quantiles"][2:5:2] if "quantiles" in panel else [*panel["largest"], *panel["smallest"]]
        sizes += [abs(y) for row in rows for y in row if y]
    part = 2 if "quantiles" in panels[0] else 4
    typical = sorted(sizes)[len(sizes) // part] if sizes else 1.0
    return math.floor(math.log10(typical))


def _panel(axes: Axes, panel: dict[str, Any], data: dict[str, Any]) -> None:
    steps = data["steps"]
    if "quantiles" in panel:
        rows = [_drawn(steps, row) for row in panel["quantiles"]]
        for (x, low), (_, high), colour in zip(rows, reversed(rows), RIBBONS, strict=False):
            axes.fill_between(x, low, high, color=colour, linewidth=0, zorder=2)
        axes.plot(*rows[len(rows) // 2], color=MEDIAN, linewidth=1.2, zorder=4)
    for name, colour, dash in (("largest", CURVE, "-"), ("smallest", SMALL, (0, (4, 1.2)))):
        for row in panel.get(name, []):
            axes.plot(*_drawn(steps, row), color=colour, linewidth=1.1, linestyle=dash, zorder=4)
    for factor, dash in ((2, (5, 2.5)), (1, (1, 2))):
        line = [None if y is None else factor * y for y in panel["inverse"]]
        axes.plot(*_drawn(steps, line), color="white", linewidth=2.0, alpha=0.45, zorder=4.5)
        axes.plot(*_drawn(steps, line), color=BOUND, linewidth=1.3, linestyle=(0, dash), zorder=5)
    if panel["diverged_at"] is not None:
        axes.annotate(f"diverged at step {panel['diverged_at']}", (0.97, 0.03), xycoords="axes fraction",
                      ha="right", va="bottom", fontsize=8)  # fmt: skip


def _drawn(steps: Sequence[int], row: Sequence[float | None]) -> tuple[list[float], list[float]]:
    """The points of a line; a single recorded step is drawn as a short level piece."""
    if len(steps) > 1:
        return [float(step) for step in steps], floats(row)
    return [steps[0] - ONE_POINT, steps[0] + ONE_POINT], floats([*row, *row])


def _legend(figure: Figure, data: dict[str, Any]) -> None:
    pairs = list(_entries(data))
    title = f"Seed {data['seed']}"
    figure.legend([entry for entry, _ in pairs], [name for _, name in pairs], loc="outside right center",
                  frameon=False, fontsize=8.5, title=title, alignment="left", handlelength=2.4)  # fmt: skip


def _entries(data: dict[str, Any]) -> Iterator[tuple[Any, str]]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    eta = r"\eta_t" if data["has_schedule"] else r"\eta"
    yield Line2D([], [], color=BOUND, linewidth=1.3, linestyle=(0, (5, 2.5))), f"$2/{eta}$"
    yield Line2D([], [], color=BOUND, linewidth=1.3, linestyle=(0, (1, 2))), f"$1/{eta}$"
    if data["levels"] is None:
        panel = data["panels"][0]
        yield Line2D([], [], color=CURVE, linewidth=1.1), f"{len(panel['largest'])} largest"
        yield (
            Line2D([], [], color=SMALL, linewidth=1.1, linestyle=(0, (4, 1.2))),
            f"{len(panel['smallest'])} smallest",
        )
        return
    levels = [round(100 * level) for level in data["levels"]]
    for low, high, colour in zip(levels, reversed(levels), RIBBONS, strict=False):
        yield Patch(color=colour, linewidth=0), f"{low}–{high} %"
    yield Line2D([], [], color=MEDIAN, linewidth=1.2), "median"
