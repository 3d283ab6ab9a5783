"""The figure of the sign of det(I - eta Hessian) over step and step size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._scan_axes import limits, log_axis, needs_log, step_axis
from ._style import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_det_sign"]

# Four lightnesses, and stripes for the undecided, so that grey print can be read.
POSITIVE = (0xD6, 0xE8, 0xF5)
NEGATIVE = (0x00, 0x72, 0xB2)
GONE = (0x14, 0x14, 0x14)
STRIPE = (0xE6, 0x9F, 0x00)
BLANK = (0xFF, 0xFF, 0xFF)
PIXELS = (720, 540)
SMALLEST_LOG = 1e-200
PERIOD, STROKE = 12, 5
SIZES = {1: (5.4, 3.8), 2: (8.6, 3.8)}


def draw_det_sign(data: dict[str, Any]) -> Figure:
    """The figure, to be drawn inside `figure_style`: the first seed, and with more than one all of them."""
    from matplotlib.figure import Figure

    several = data["seeds"] > 1
    figure = Figure(figsize=SIZES[1 + several], layout="constrained")
    panels = figure.subplots(1, 1 + several, squeeze=False, sharey=True)[0]
    _panel(panels[0], data, _first(data))
    panels[0].set_ylabel(r"step size $\eta$")
    name = r"Sign of $\det(I-\eta H)$"
    panels[0].set_title(f"{name}, seed {data['seed']}", loc="left")
    if several:
        _panel(panels[1], data, _shares(data))
        panels[1].set_title(f"Share of {data['seeds']} seeds with negative sign", loc="left")
        _colour_bar(figure, panels[1])
    _legend(figure, several)
    return figure


def _first(data: dict[str, Any]) -> NDArray[np.float64]:
    """Cells: the share of negative signs in 0 to 1, NaN for undecided, infinity for diverged."""
    codes = {"-": 1.0, "+": 0.0, "?": np.nan, "x": np.inf}
    return np.array([[codes[cell] for cell in row] for row in data["first"]])


def _shares(data: dict[str, Any]) -> NDArray[np.float64]:
    """As in `_first`, among the seeds that are decided; diverged where no other seed is left."""
    negative, decided, gone = (np.array(data[name]) for name in ("negative", "decided", "diverged"))
    share = np.where(decided > 0, negative / np.maximum(decided, 1), np.nan)
    return np.where(gone == data["seeds"], np.inf, share)


def _panel(axes: Axes, data: dict[str, Any], cells: NDArray[np.float64]) -> None:
    etas, steps = data["etas"], data["steps"]
    log = etas[0] > SMALLEST_LOG and needs_log([2 * etas[0], 4 * etas[-1]])
    heights = [math.log(eta) for eta in etas] if log else etas
    low, high = _ends(heights)
    rows = _places(heights, (low, high), PIXELS[1])
    if log:
        log_axis(axes, "y", math.exp(low), math.exp(high))
    else:
        axes.set_ylim(low, high)
        axes.ticklabel_format(axis="y", useOffset=False)
    step_axis(axes, steps)
    columns = _places(steps, axes.get_xlim(), PIXELS[0])
    image = _painted(cells, rows, columns)
    picture = axes.imshow(image, extent=(0, 1, 0, 1), transform=axes.transAxes, origin="lower", aspect="auto",
                          interpolation="none", zorder=1)  # fmt: skip
    picture.set_in_layout(False)
    axes.tick_params(length=3, which="major")


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """The outer edges of cells around the values, in which inner edges lie halfway."""
    if len(values) == 1:
        return limits(values[0], values[0])
    return values[0] - (values[1] - values[0]) / 2, values[-1] + (values[-1] - values[-2]) / 2


def _places(values: Sequence[float], ends: tuple[float, float], count: int) -> NDArray[np.int64]:
    """For each of `count` pixels between the ends the cell that it lies in."""
    given = np.array(values, dtype=np.float64)
    inner = given[:-1] + np.diff(given) / 2
    centres = ends[0] + (ends[1] - ends[0]) * (np.arange(count) + 0.5) / count
    return np.searchsorted(inner, centres, side="right")


def _painted(
    cells: NDArray[np.float64], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """The picture: blue by share, stripes where undecided, black where diverged. [R, C] -> [H, W, 3]."""
    undecided, gone = np.isnan(cells), np.isinf(cells)
    share = np.where(undecided | gone, 0.0, cells)[..., None]
    colours = ((1 - share) * np.array(POSITIVE) + share * np.array(NEGATIVE)).round().astype(np.uint8)
    colours[undecided] = BLANK
    colours[gone] = GONE
    pixels = np.ix_(rows, columns)
    picture = colours[pixels]
    across = (np.arange(len(columns))[None] + np.arange(len(rows))[:, None]) % PERIOD < STROKE
    picture[undecided[pixels] & across] = STRIPE
    return picture


def _hex(colour: tuple[int, int, int]) -> str:
    return "#" + "".join(f"{part:02x}" for part in colour)


def _colour_bar(figure: Figure, axes: Axes) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    colours = LinearSegmentedColormap.from_list("share", [_hex(POSITIVE), _hex(NEGATIVE)])
    bar = figure.colorbar(ScalarMappable(Normalize(0, 1), colours), ax=axes, pad=0.02, aspect=24)
    bar.set_ticks([0, 0.25, 0.5, 0.75, 1], labels=["0", "25 %", "50 %", "75 %", "100 %"])
    bar.ax.tick_params(labelsize=8, length=2)
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]


def _legend(figure: Figure, several: bool) -> None:
    from matplotlib.patches import Patch

    frame = {"edgecolor": INK, "linewidth": 0.5}
    entries = [
        Patch(facecolor=_hex(NEGATIVE), **frame),
        Patch(facecolor=_hex(POSITIVE), **frame),
        Patch(facecolor="white", edgecolor=_hex(STRIPE), hatch="//////", linewidth=0.5),
        Patch(facecolor=_hex(GONE), **frame),
    ]
    names = ["negative", "positive", "undecided", "diverged"]
    if several:
        names[2:] = ["undecided (right: no seed decided)", "diverged (right: every seed)"]
    figure.legend(entries, names, loc="outside lower center", ncols=4, frameon=False, fontsize=8.5,
                  handlelength=2.0, handleheight=1.1)  # fmt: skip
