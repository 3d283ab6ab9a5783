"""The figure of a ladder of step sizes: how the remainders of task arithmetic fall, with observed orders."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ._scan_axes import log_axis, log_limits
from ._style import BOUND, CURVE, INK, figure_style, svg_text
from .activation_figure import data_identifier, data_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from numerics.tasks import OrderTable

__all__ = ["draw_task_order", "task_order_data", "task_order_svg"]

SIZE = (7.2, 4.2)
DASHED = (0, (5, 2.5))
# By form: its name, colour, line style and marker.
STYLES: dict[str, tuple[str, str, Any, str]] = {
    "difference": (r"$d=\theta_{TA}-\theta_{MT}$", INK, "-", "s"),
    "printed_path": (r"$d-\eta^2 C$, along the run", BOUND, "-", "^"),
    "printed_leading": (r"$d-\eta^2 C$, at $\theta_0$", BOUND, DASHED, "v"),
    "corrected_path": (r"$d+\alpha\eta^2 C$, along the run", CURVE, "-", "o"),
    "corrected_leading": (r"$d+\alpha\eta^2 C$, at $\theta_0$", CURVE, DASHED, "D"),
}


def task_order_data(table: OrderTable) -> dict[str, Any]:
    """What the figure shows, as lists, numbers and None (not told from 0) that JSON holds; nine digits."""
    return {
        "figure": "task_order",
        "tasks": table.tasks,
        "steps": table.steps,
        "alpha": str(table.alpha),
        "outcome": table.outcome.value,
        "etas": [float(rung.step_size) for rung in table.rungs],
        "curves": {
            form: {
                "norms": [_short(norm) for norm in table.norms(form)],
                "order": _short(table.observed(form)),
            }
            for form in STYLES
        },
    }


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.9g}")


def task_order_svg(data: dict[str, Any]) -> tuple[str, str]:
    """The figure as SVG and its data as text; the same data give the same two texts.

    Args:
        data: what `task_order_data` returned.

    Raises:
        PlotsMissing: without matplotlib.
    """
    text = data_text(data)
    with figure_style():
        figure = draw_task_order(data)
        title = "Remainders of task arithmetic by step size"
        return svg_text(figure, title=title, identifier=data_identifier(text)), text


def draw_task_order(data: dict[str, Any]) -> Figure:
    """The figure, to be drawn inside `figure_style`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots()
    drawn: list[float] = []
    for form, (name, colour, line, marker) in STYLES.items():
        curve = data["curves"][form]
        heights = [math.nan if norm is None else norm for norm in curve["norms"]]
        if all(map(math.isnan, heights)):
            continue
        drawn += [norm for norm in heights if not math.isnan(norm)]
        order = "" if curve["order"] is None else f": order {curve['order']:.3f}"
        axes.plot(data["etas"], heights, color=colour, linestyle=line, linewidth=1.4, marker=marker,
                  markersize=4.5, markerfacecolor="white", label=name + order)  # fmt: skip
    log_axis(axes, "x", *log_limits(min(data["etas"]), max(data["etas"]), 0.03))
    if drawn:
        log_axis(axes, "y", *log_limits(min(drawn), max(drawn)))
        figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8.5)
    else:
        axes.set_yticks([])
    axes.set_xlabel(r"step size $\eta$")
    axes.set_ylabel("norm of the remainder")
    alpha = data["alpha"].replace("-", "\u2212")
    axes.set_title(f"T = {data['tasks']}, k = {data['steps']}, α = {alpha}", loc="left", pad=10)
    return figure
