"""One style for all figures: colours that colour-blind readers tell apart, and files that do not vary.

The same data give the same bytes with one version of matplotlib: no date, fixed ids, text as outlines.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from proofs.errors import GradlemmaError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["BOUND", "CURVE", "FAINT", "INK", "PlotsMissing", "figure_style", "svg_text"]

# From Okabe and Ito's palette; line styles and markers differ too, so that grey print can be read.
CURVE = "#0072B2"
BOUND = "#D55E00"
INK = "#222222"
FAINT = "#B0B0B0"

_SETTINGS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "mathtext.fontset": "dejavusans",
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.0,
    "lines.linewidth": 1.8,
    "text.color": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "figure.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "gradlemma",
}


class PlotsMissing(GradlemmaError):
    """Matplotlib is not installed."""


@contextmanager
def figure_style() -> Iterator[None]:
    """Inside, figures are drawn in this style.

    Raises:
        PlotsMissing: without matplotlib; the sentence says what to install.
    """
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise PlotsMissing(
            "expected matplotlib, which draws the figures, to be installed; "
            "try: pip install 'gradlemma[plots]', or in a checkout: pip install -e '.[plots]'"
        ) from error
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield


def svg_text(figure: Figure, *, title: str, identifier: str) -> str:
    """The figure as SVG; `identifier` names the data that it was drawn from."""
    stream = io.StringIO()
    metadata = {"Title": title, "Identifier": identifier, "Date": None, "Creator": None}
    figure.savefig(stream, format="svg", metadata=metadata)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"
