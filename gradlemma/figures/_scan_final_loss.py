"""The figure of the final loss by step size, with the threshold 2/lambda_max of every minimum reached."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ._scan_axes import floats, limits, log_axis, log_limits, marks, needs_log
from ._style import BOUND, CURVE, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_final_loss"]

SIZES = {1: (7.2, 4.0), 2: (7.2, 6.2)}
BEYOND_COLOUR = "#F6E3D3"
UNSCHEDULED = {"color": BOUND, "linewidth": 1.1, "linestyle": (0, (1, 2)), "zorder": 2}
DOT = {"linestyle": "", "zorder": 4}
BELOW = {**DOT, "marker": "o", "color": CURVE, "markersize": 4.2, "alpha": 0.5, "markeredgewidth": 0}
ABOVE = {**DOT, "marker": "^", "color": BOUND, "markersize": 5.2, "alpha": 0.8, "markerfacecolor": "none"}
UNKNOWN = {**BELOW, "color": "#666666"}
ZERO = {**DOT, "marker": "v", "color": CURVE, "markersize": 6.0, "markerfacecolor": "white", "clip_on": False}
GONE = {**DOT, "marker": "X", "color": INK, "markersize": 7.0, "clip_on": False, "zorder": 6}
SOME = {**GONE, "markerfacecolor": "white"}
FLAT = {**DOT, "marker": "D", "color": CURVE, "markersize": 4.5, "markerfacecolor": "white", "clip_on": False}


def draw_final_loss(data: dict[str, Any]) -> Figure:
    """The figure, to be drawn inside `figure_style`: losses, and below them thresholds where any is known."""
    from matplotlib.figure import Figure

    known = any(value is not None for row in data["sharpness"] for value in row)
    figure = Figure(figsize=SIZES[1 + known], layout="constrained")
    panels = figure.subplots(1 + known, 1, squeeze=False, sharex=True)[:, 0]
    _eta_axis(panels[-1], data["etas"])
    runs = list(_runs(data))
    shown = _losses(panels[0], data, runs)
    if known:
        shown |= _thresholds(panels[1], data, runs)
    panels[-1].set_xlabel(r"step size $\eta$")
    _legend(figure, data, shown)
    return figure


def _runs(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One document per run; `style` says on which side of its threshold the last step size lies."""
    names = ("loss", "diverged", "sharpness", "threshold")
    for eta, *rows in zip(data["etas"], *(data[name] for name in names), strict=True):
        for values in zip(*rows, strict=True):
            run = {"eta": eta, **dict(zip(names, values, strict=True))}
            if run["loss"] is not None:
                run["loss"] = floats([run["loss"]])[0]
            limit = run["threshold"]
            if limit is None:
                style = "below" if run["sharpness"] is not None else "unknown"
            else:
                style = "above" if eta * (data["last_factor"] or 0.0) > limit else "below"
            yield {**run, "style": style}


def _losses(axes: Axes, data: dict[str, Any], runs: Sequence[dict[str, Any]]) -> set[str]:
    """Draws the upper panel; returns which kinds of marks are in it."""
    values = floats([*(run["loss"] for run in runs), *data["median"]])
    drawn = [y for y in values if not math.isnan(y)]
    is_log = bool(drawn) and min(drawn) >= 0 and max(drawn) > 0
    positive = [y for y in drawn if y > 0]
    if is_log:
        low, high = log_limits(min(positive), max(positive))
        log_axis(axes, "y", low, high)
    else:
        low, high = limits(min(drawn, default=0.0), max(drawn, default=1.0))
        axes.set_ylim(low, high)
    median = [None if is_log and y == 0 else y for y in data["median"]]
    style = {"color": CURVE, "linewidth": 1.6, "zorder": 3}
    axes.plot(data["etas"], floats(median), marker="" if len(median) > 1 else "_", markersize=14, **style)
    shown = _dots(axes, runs, "loss", is_log)
    if drawn:
        shown |= {"median"} if any(y is not None for y in median) else set()
    else:
        axes.set_yticks([])
    zeros = [run["eta"] for run in runs if is_log and run["loss"] == 0]
    shown |= {"zero"} if marks(axes, zeros, [low] * len(zeros), ZERO) else set()
    for kind, gone in (("gone", GONE), ("some", SOME)):
        counts = zip(data["etas"], data["diverged_runs"], strict=True)
        places = [eta for eta, n in counts if n and (n == data["runs"]) == (kind == "gone")]
        shown |= {kind} if marks(axes, places, [high] * len(places), gone) else set()
    axes.set_ylabel("final loss")
    axes.set_title(f"Loss at step {data['step']}", loc="left", pad=10)
    return shown


def _dots(axes: Axes, runs: Sequence[dict[str, Any]], key: str, is_log: bool) -> set[str]:
    shown = set()
    for kind, style in (("below", BELOW), ("above", ABOVE), ("unknown", UNKNOWN)):
        some = [run for run in runs if run["style"] == kind and run[key] is not None]
        some = [run for run in some if not is_log or run[key] > 0]
        drawn = marks(axes, [run["eta"] for run in some], [run[key] for run in some], style)
        shown |= {kind} if drawn else set()
    return shown


def _thresholds(axes: Axes, data: dict[str, Any], runs: Sequence[dict[str, Any]]) -> set[str]:
    """Draws the lower panel: over the line the last step size is smaller than the run's threshold."""
    factor = data["last_factor"] or 0.0
    etas = _across(axes.get_xlim())
    line = [eta * factor for eta in etas]
    values = [run["threshold"] for run in runs if run["threshold"] is not None]
    ends = [eta * scale for eta in data["etas"] for scale in {factor, 1.0}]
    positive = [y for y in [*values, *ends] if y > 0] or [1.0]
    low, high = log_limits(min(positive), max(positive))
    log_axis(axes, "y", low, high)
    shown = _dots(axes, runs, "threshold", True)
    flat = [run["eta"] for run in runs if run["threshold"] is None and run["sharpness"] is not None]
    shown |= {"flat"} if marks(axes, flat, [high] * len(flat), FLAT) else set()
    if max(line) > 0:
        axes.fill_between(etas, low, [max(y, low) for y in line], color=BEYOND_COLOUR, linewidth=0, zorder=1)
        axes.plot(etas, line, color=BOUND, linewidth=1.3, linestyle=(0, (5, 2.5)), zorder=2)
        shown |= {"line"}
    if factor != 1:
        axes.plot(etas, etas, **UNSCHEDULED)
        shown |= {"plain"}
    axes.set_ylabel(r"$2/\lambda_{\max}$ where the run ended")
    axes.set_title("Each run's own threshold", loc="left")
    return shown


def _across(ends: tuple[float, float]) -> list[float]:
    """Step sizes from end to end, closer together at the small ones."""
    low, high = max(ends[0], ends[1] * 1e-6), ends[1]
    return [low * (high / low) ** (i / 64) for i in range(65)]


def _eta_axis(axes: Axes, etas: Sequence[float]) -> None:
    if etas[0] > 0 and needs_log([2 * etas[0], 6 * etas[-1]]):
        log_axis(axes, "x", *log_limits(etas[0], etas[-1], 0.03))
        return
    axes.set_xlim(*limits(etas[0], etas[-1], 0.03))
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.locator_params(axis="x", nbins=6)


def _legend(figure: Figure, data: dict[str, Any], shown: set[str]) -> None:
    from matplotlib.lines import Line2D

    median = {"color": CURVE, "linewidth": 1.6}
    line = {"color": BOUND, "linewidth": 1.3, "linestyle": (0, (5, 2.5))}
    factor = data["last_factor"]
    size = r"$\eta$" if factor == 1 else rf"${factor or 0:.3g}\,\eta$, the last step size"
    seeds = f"median of {data['runs']} seeds, diverged runs as infinite" if data["runs"] > 1 else "one seed"
    table: dict[str, tuple[dict[str, Any], str]] = {
        "median": (median, seeds),
        "below": (BELOW, r"run ends with step size $\leq 2/\lambda_{\max}$"),
        "above": (ABOVE, r"run ends with step size $> 2/\lambda_{\max}$"),
        "unknown": (UNKNOWN, "run without a recorded sharpness"),
        "line": (line, f"{size}; shaded: above $2/\\lambda_{{\\max}}$"),
        "plain": (UNSCHEDULED, r"$\eta$, without the schedule"),
        "gone": (GONE, "every run diverged"),
        "some": (SOME, "some runs diverged"),
        "zero": (ZERO, "loss exactly 0"),
        "flat": (FLAT, r"no threshold: $\lambda_{\max}\leq 0$"),
    }
    entries = [table[kind] for kind in table if kind in shown]
    handles = [Line2D([], [], **style) for style, _ in entries]
    figure.legend(handles, [name for _, name in entries], loc="outside lower center", ncols=2,
                  frameon=False, fontsize=8.5)  # fmt: skip
