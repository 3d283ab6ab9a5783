"""The bibliography: sources by key, cited by documents that use them."""

# ruff: noqa: E501 -- rows of tables are longer
from __future__ import annotations

__all__ = ["SOURCES"]

# key -> (label, entry); entries are LaTeX text.
SOURCES: dict[str, tuple[str, str]] = {
    "zhou": (
        "Zho25",
        r"L. Zhou, D. Solombrino, D. Crisostomi, M. S. Bucarelli, G. A. D'Inverno, F. Silvestri, E. Rodol\`a."
        r" \emph{On Task Vectors and Gradients}. PMLR 322, arXiv:2508.16082.",
    ),
    "craciun": (
        "CG25",
        r"A. Cr\u{a}ciun, D. Ghoshdastidar. \emph{Non-Singularity of the Gradient Descent Map for Neural Networks with"
        r" Piecewise Analytic Activations}. NeurIPS 2025, arXiv:2510.24466.",
    ),
    "arb": (
        "Joh17",
        r"F. Johansson. \emph{Arb: efficient arbitrary-precision midpoint-radius interval arithmetic}. IEEE"
        r" Transactions on Computers 66(8):1281--1292, 2017.",
    ),
    "collatz": (
        "Col42",
        r"L. Collatz. \emph{Einschlie\ss{}ungssatz f\"ur die charakteristischen Zahlen von Matrizen}. Mathematische"
        r" Zeitschrift 48:221--226, 1942.",
    ),
}
