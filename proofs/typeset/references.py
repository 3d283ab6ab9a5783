"""The bibliography: sources by key, cited by documents that use them."""

# ruff: noqa: E501 -- rows of tables are longer
from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SOURCES", "Source"]


@dataclass(frozen=True, slots=True)
class Source:
    """A source: its label and entry as LaTeX text, its key in a bibliography and its BibTeX entry."""

    label: str
    entry: str
    cite: str
    bibtex: str


SOURCES: dict[str, Source] = {
    "zhou": Source(
        "Zho25",
        r"L. Zhou, D. Solombrino, D. Crisostomi, M. S. Bucarelli, G. A. D'Inverno, F. Silvestri, E. Rodol\`a."
        r" \emph{On Task Vectors and Gradients}. PMLR 322, arXiv:2508.16082.",
        "zhou2025task",
        r"""@inproceedings{zhou2025task,
  author = {Zhou, L. and Solombrino, D. and Crisostomi, D. and Bucarelli, M. S. and D'Inverno, G. A. and
            Silvestri, F. and Rodol{\`a}, E.},
  title = {On Task Vectors and Gradients},
  series = {PMLR}, volume = {322}, year = {2025}, note = {arXiv:2508.16082}
}""",
    ),
    "craciun": Source(
        "CG25",
        r"A. Cr\u{a}ciun, D. Ghoshdastidar. \emph{Non-Singularity of the Gradient Descent Map for Neural Networks with"
        r" Piecewise Analytic Activations}. NeurIPS 2025, arXiv:2510.24466.",
        "craciun2025nonsingularity",
        r"""@inproceedings{craciun2025nonsingularity,
  author = {Cr{\u{a}}ciun, A. and Ghoshdastidar, D.},
  title = {Non-Singularity of the Gradient Descent Map for Neural Networks with Piecewise Analytic Activations},
  booktitle = {NeurIPS}, year = {2025}, note = {arXiv:2510.24466}
}""",
    ),
    "arb": Source(
        "Joh17",
        r"F. Johansson. \emph{Arb: efficient arbitrary-precision midpoint-radius interval arithmetic}. IEEE"
        r" Transactions on Computers 66(8):1281--1292, 2017.",
        "johansson2017arb",
        r"""@article{johansson2017arb,
  author = {Johansson, F.},
  title = {Arb: Efficient Arbitrary-Precision Midpoint-Radius Interval Arithmetic},
  journal = {IEEE Transactions on Computers}, volume = {66}, number = {8}, pages = {1281--1292}, year = {2017}
}""",
    ),
    "collatz": Source(
        "Col42",
        r"L. Collatz. \emph{Einschlie\ss{}ungssatz f\"ur die charakteristischen Zahlen von Matrizen}. Mathematische"
        r" Zeitschrift 48:221--226, 1942.",
        "collatz1942",
        r"""@article{collatz1942,
  author = {Collatz, L.},
  title = {Einschlie{\ss}ungssatz f{\"u}r die charakteristischen Zahlen von Matrizen},
  journal = {Mathematische Zeitschrift}, volume = {48}, pages = {221--226}, year = {1942}
}""",
    ),
}
