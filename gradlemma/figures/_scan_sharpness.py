"""The figure of sharpness times half the step size over the steps of a scan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ._scan_axes import (
    eta_names,
    floats,
    limits,
    log_axis,
    log_limits,
    marks,
    needs_log,
    step_axis,
    symlog_axis,
)
from ._style import BOUND, FAINT, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure

__all__ = ["draw_sharpness"]

SIZE = (7.2, 4.0)
LIGHTEST = 0.9
LINEAR_WITHIN = 0.01
LARGEST_SHOWN = 10.0
SMALLEST_SHOWN = 1e-5
CROSS = {
    "linestyle": "", "marker": "X", "color": "white", "markersize": 7.0, "markeredgecolor": INK,
    "markeredgewidth": 0.7, "clip_on": False, "zorder": 6,
}  # fmt: skip


def draw_sharpness(data: dict[str, Any]) -> Figure:
    """The figure, to be drawn inside `figure_style`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots()
    colours = _colours(len(data["curves"]))
    low, high = _heights(axes, data["curves"])
    for number, curve in enumerate(data["curves"]):
        _curve(axes, data["steps"], curve, colours(number))
        _crosses(axes, curve["marks"], low, high, colours(number))
    eta = r"\eta_t" if data["has_schedule"] else r"\eta"
    _thresholds(axes, eta)
    step_axis(axes, data["steps"])
    axes.set_ylabel(rf"$\lambda_{{\max}}\cdot{eta}/2$")
    axes.set_title(f"Sharpness in units of $2/{eta}$", loc="left")
    _colour_bar(figure, axes, data["curves"], colours)
    _legend(figure, data)
    return figure


def _colours(count: int) -> ListedColormap:
    """A sequential map without its palest end, one colour per step size."""
    import matplotlib as mpl
    from matplotlib.colors import ListedColormap

    whole = mpl.colormaps["viridis"]
    return ListedColormap([whole(LIGHTEST * i / max(count - 1, 1)) for i in range(count)])


def _curve(axes: Axes, steps: Sequence[int], curve: dict[str, Any], colour: Any) -> None:
    low, high, median = (floats(curve[name]) for name in ("low", "high", "median"))
    axes.fill_between(steps, low, high, color=colour, alpha=0.16, linewidth=0, zorder=2)
    axes.plot(steps, median, color=colour, linewidth=1.4, zorder=3, solid_capstyle="butt")
    # A point without neighbours makes no line.
    gap = [float("nan")]
    before, after = gap + median[:-1], median[1:] + gap
    single = [(t, y) for t, y, a, b in zip(steps, median, before, after, strict=True) if a != a and b != b]
    axes.plot([t for t, _ in single], [y for _, y in single], "o", color=colour, markersize=3.5, zorder=3)


def _heights(axes: Axes, curves: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Limits that show the thresholds and the runs that did not diverge; what lies beyond is cut off."""
    drawn = [y for curve in curves for name in ("low", "high") for y in curve[name] if y is not None]
    calm = [y for curve in curves if not curve["diverged"] for y in curve["high"] if y is not None]
    start = [curve["median"][0] for curve in curves if curve["median"][0] is not None]
    values = [*drawn, 0.5, 1.0]
    top = min(max(values), max([LARGEST_SHOWN, *(2 * y for y in [*calm, *start])]))
    bottom = max(min(values), -top)
    if not needs_log(values):
        low, high = limits(min(bottom, 0.0), top)
        low = 0.0 if bottom >= 0 else low
        axes.set_ylim(low, high)
    elif bottom > 0:
        low, high = log_limits(max(bottom, SMALLEST_SHOWN), top)
        log_axis(axes, "y", low, high)
    else:
        low, high = min(2 * bottom, -LINEAR_WITHIN / 10), log_limits(1.0, top)[1]
        symlog_axis(axes, low, high, LINEAR_WITHIN)
    return low, high


def _crosses(axes: Axes, diverged: Sequence[dict[str, Any]], low: float, high: float, colour: Any) -> None:
    """Crosses where runs diverged, at the edge where their last value lies beyond."""
    heights = [high if mark["height"] is None else min(max(mark["height"], low), high) for mark in diverged]
    marks(axes, [mark["step"] for mark in diverged], heights, {**CROSS, "color": colour})


def _thresholds(axes: Axes, eta: str) -> None:
    """Lines at 2/eta and 1/eta, named at the right edge, apart from each other."""
    for height, name, dash, place in (
        (1.0, f"$2/{eta}$", (5, 2.5), "bottom"),
        (0.5, f"$1/{eta}$", (1, 2), "top"),
    ):
        axes.axhline(height, color=BOUND, linewidth=1.3, linestyle=(0, dash), zorder=4)
        axes.annotate(name, (1, height), xycoords=("axes fraction", "data"), color=BOUND, va=place,
                      xytext=(3, -3 if place == "bottom" else 3), textcoords="offset points")  # fmt: skip


def _colour_bar(
    figure: Figure, axes: Axes, curves: Sequence[dict[str, Any]], colours: ListedColormap
) -> None:
    """One block per step size, of equal heights, so that the names cannot collide."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import BoundaryNorm

    edges = [i - 0.5 for i in range(len(curves) + 1)]
    mappable = ScalarMappable(BoundaryNorm(edges, colours.N) if len(curves) > 1 else None, colours)
    if len(curves) == 1:
        mappable.set_clim(-0.5, 0.5)
    bar = figure.colorbar(mappable, ax=axes, pad=0.02, aspect=24)
    names = eta_names([curve["eta"] for curve in curves])
    bar.set_ticks(list(range(len(curves))), labels=names, minor=False)
    bar.ax.minorticks_off()
    bar.ax.tick_params(length=0, labelsize=8)
    bar.ax.set_title(r"$\eta$", fontsize=10)
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]


def _legend(figure: Figure, data: dict[str, Any]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    seeds = data["seeds"]
    diverged = sum(curve["diverged"] for curve in data["curves"])
    total = seeds * len(data["curves"])
    entries: list[Any] = [Line2D([], [], color=INK, linewidth=1.4)]
    names = [f"median of {seeds} seeds" if seeds > 1 else "one seed"]
    if seeds > 1:
        entries.append(Patch(color=FAINT, alpha=0.6, linewidth=0))
        names.append("smallest to largest")
    if diverged:
        entries.append(Line2D([], [], **CROSS))
        names.append(f"run diverged, last finite value ({diverged} of {total} runs)")
    figure.legend(entries, names, loc="outside lower center", ncols=3, frameon=False, fontsize=8.5)
