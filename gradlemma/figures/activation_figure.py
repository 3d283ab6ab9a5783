"""The figure of an activation: sigma, sigma' and sigma'' side by side, with their certified bounds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ._style import BOUND, CURVE, FAINT, INK, figure_style, svg_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["activation_svg", "data_identifier", "data_text", "drawn"]

NAMES = (r"$\sigma(t)$", r"$\sigma\,'(t)$", r"$\sigma\,''(t)$")
BOUNDS = (r"\sup|\sigma|", r"\beta", r"\gamma")
SHORT = (r"\sup", r"\beta", r"\gamma")
SIZE = (9.0, 2.55)
HEADROOM = 0.12
SMALLEST = 0.5


def data_text(data: dict[str, Any]) -> str:
    """The data as they are stored beside the figure."""
    return json.dumps(data, separators=(",", ":"), sort_keys=True) + "\n"


def data_identifier(text: str) -> str:
    """What the figure says about the data that it was drawn from."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def activation_svg(data: dict[str, Any]) -> str:
    """The figure as SVG.

    Raises:
        PlotsMissing: without matplotlib.
    """
    with figure_style():
        identifier = data_identifier(data_text(data))
        return svg_text(drawn(data), title=f"{data['name']} and its derivatives", identifier=identifier)


def drawn(data: dict[str, Any]) -> Figure:
    """The figure, to be drawn inside `figure_style`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, layout="constrained")
    for axes, panel in zip(figure.subplots(1, 3), data["panels"], strict=True):
        _panel(axes, panel, data)
    return figure


def _panel(axes: Axes, panel: dict[str, Any], data: dict[str, Any]) -> None:
    order, bound = panel["order"], panel["bound"]
    axes.set_title(NAMES[order], loc="left", color=CURVE)
    for kink in data["kinks"]:
        axes.axvline(kink, color=FAINT, linewidth=0.8, linestyle=(0, (1, 3)), zorder=0)
    for curve in panel["curves"]:
        axes.plot(curve["t"], curve["y"], color=CURVE, solid_capstyle="butt", zorder=3)
    _bound(axes, order, bound)
    for dot in panel["dots"]:
        axes.plot(dot["t"], dot["y"], "o", color=CURVE, zorder=5, markersize=4.5, markeredgewidth=1.3,
                  markerfacecolor=CURVE if dot["filled"] else "white")  # fmt: skip
    for point in panel["maxima"]:
        # The open dot of a one-sided limit is seen inside.
        size, layer = (7.0, 4) if point["is_limit"] else (4.0, 6)
        axes.plot(point["t"], point["y"], "D", color=INK, zorder=layer, markersize=size, markeredgewidth=1.1,
                  markerfacecolor=INK if point["exact"] else "white")  # fmt: skip
    axes.set_xlim(*data["range"])
    low, high = _heights(panel)
    axes.set_ylim(low, high)
    axes.set_xlabel("$t$", labelpad=1)
    axes.tick_params(length=2.5, labelsize=8)


def _bound(axes: Axes, order: int, bound: float | None) -> None:
    """Lines at +-bound, named at the right edge; the number stands above the panel."""
    number = r"= \infty" if bound is None else _number(bound)
    axes.set_title(f"${BOUNDS[order]} {number}$", loc="right", color=BOUND, fontsize=9)
    for sign, height in {} if bound is None else dict(_lines(bound)).items():
        axes.axhline(height, color=BOUND, linewidth=1.2, linestyle=(0, (5, 2.5)), zorder=2)
        axes.annotate(f"${sign}{SHORT[order]}$", (1, height), xycoords=("axes fraction", "data"), color=BOUND,
                      xytext=(3, 0), textcoords="offset points", va="center", fontsize=9)  # fmt: skip


def _lines(bound: float) -> Iterator[tuple[str, float]]:
    yield ("", bound)
    if bound:
        yield ("-", -bound)


def _number(bound: float) -> str:
    text = f"{bound:.6g}"
    return f"= {text}" if float(text) == bound else rf"\approx {bound:.5g}"


def _heights(panel: dict[str, Any]) -> tuple[float, float]:
    values = [y for curve in panel["curves"] for y in curve["y"]]
    bound = panel["bound"]
    if bound is not None:
        values += [bound, -bound]
    low, high = min(values), max(values)
    if high - low < SMALLEST:
        middle = (low + high) / 2
        low, high = middle - SMALLEST / 2, middle + SMALLEST / 2
    room = HEADROOM * (high - low)
    return low - room, high + room
