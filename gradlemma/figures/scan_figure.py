"""The figures of `gradlemma scan`, drawn from its data and written beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradlemma.derive import write_text

from . import scan_data
from ._scan_arrays import open_scan
from ._scan_det_sign import draw_det_sign
from ._scan_final_loss import draw_final_loss
from ._scan_sharpness import draw_sharpness
from ._scan_spectrum import draw_spectrum
from ._style import figure_style, svg_text
from .activation_figure import data_identifier, data_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FIGURES", "scan_svg", "write_scan_figures"]

# By name: the title, the data of the arrays, and the figure of the data.
FIGURES: dict[str, tuple[str, Callable[..., dict[str, Any]], Callable[[dict[str, Any]], Figure]]] = {
    "sharpness": ("Sharpness by step and step size", scan_data.sharpness_data, draw_sharpness),
    "spectrum": ("Spectrum of the Hessian by step", scan_data.spectrum_data, draw_spectrum),
    "det_sign": ("Sign of det(I - eta Hessian)", scan_data.det_sign_data, draw_det_sign),
    "final_loss": ("Final loss and thresholds by step size", scan_data.final_loss_data, draw_final_loss),
}


def scan_svg(data: dict[str, Any]) -> tuple[str, str]:
    """The figure as SVG and its data as text; the same data give the same two texts.

    Args:
        data: what one of the functions of `scan_data` returned.

    Raises:
        PlotsMissing: without matplotlib.
    """
    title, _, draw = FIGURES[data["figure"]]
    text = data_text(data)
    with figure_style():
        return svg_text(draw(data), title=title, identifier=data_identifier(text)), text


def write_scan_figures(directory: Path) -> tuple[list[Path], list[str]]:
    """Writes `NAME.svg` and `NAME.json` beside the arrays for every figure that they allow.

    Returns:
        The files written, each whole, and a sentence for each figure that was left out.

    Raises:
        PlotsMissing: without matplotlib; nothing is written then.
        ProblemError: a coordinate is missing, an array does not fit, or a file cannot be written.
    """
    scan = open_scan(directory)
    written: list[Path] = []
    reasons: list[str] = []
    for name, (_, data, _) in FIGURES.items():
        reason = scan_data.left_out(scan, name)
        if reason is not None:
            reasons.append(reason)
            continue
        svg, text = scan_svg(data(scan))
        for path, content in ((directory / f"{name}.json", text), (directory / f"{name}.svg", svg)):
            write_text(path, content)
            written.append(path)
    return written, reasons
