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
    "krantz": Source(
        "KP02",
        r"S. G. Krantz, H. R. Parks. \emph{A Primer of Real Analytic Functions}. Second edition, Birkh\"auser, 2002.",
        "krantz2002primer",
        r"""@book{krantz2002primer,
  author = {Krantz, S. G. and Parks, H. R.},
  title = {A Primer of Real Analytic Functions},
  publisher = {Birkh{\"a}user}, edition = {2}, year = {2002}
}""",
    ),
    "mityagin": Source(
        "Mit15",
        r"B. S. Mityagin. \emph{The Zero Set of a Real Analytic Function}. arXiv:1512.07276, 2015; Mathematical Notes"
        r" 107:529--530, 2020.",
        "mityagin2015zero",
        r"""@article{mityagin2015zero,
  author = {Mityagin, B. S.},
  title = {The Zero Set of a Real Analytic Function},
  journal = {Mathematical Notes}, volume = {107}, pages = {529--530}, year = {2020}, note = {arXiv:1512.07276}
}""",
    ),
    "sard": Source(
        "Sar42",
        r"A. Sard. \emph{The measure of the critical values of differentiable maps}. Bulletin of the AMS"
        r" 48:883--890, 1942.",
        "sard1942",
        r"""@article{sard1942,
  author = {Sard, A.},
  title = {The measure of the critical values of differentiable maps},
  journal = {Bulletin of the American Mathematical Society}, volume = {48}, pages = {883--890}, year = {1942}
}""",
    ),
    "ponomarev": Source(
        "Pon87",
        r"S. P. Ponomarev. \emph{Submersions and preimages of sets of measure zero}. Siberian Mathematical Journal"
        r" 28:153--163, 1987.",
        "ponomarev1987",
        r"""@article{ponomarev1987,
  author = {Ponomarev, S. P.},
  title = {Submersions and preimages of sets of measure zero},
  journal = {Siberian Mathematical Journal}, volume = {28}, pages = {153--163}, year = {1987}
}""",
    ),
    "lee": Source(
        "Lee13",
        r"J. M. Lee. \emph{Introduction to Smooth Manifolds}. Second edition, Springer, 2013.",
        "lee2013manifolds",
        r"""@book{lee2013manifolds,
  author = {Lee, J. M.},
  title = {Introduction to Smooth Manifolds},
  publisher = {Springer}, edition = {2}, year = {2013}
}""",
    ),
    "folland": Source(
        "Fol99",
        r"G. B. Folland. \emph{Real Analysis: Modern Techniques and Their Applications}. Second edition, Wiley, 1999.",
        "folland1999real",
        r"""@book{folland1999real,
  author = {Folland, G. B.},
  title = {Real Analysis: Modern Techniques and Their Applications},
  publisher = {Wiley}, edition = {2}, year = {1999}
}""",
    ),
}
