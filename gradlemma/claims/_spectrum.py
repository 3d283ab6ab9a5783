"""Certified enclosures of the extreme eigenvalues of a symmetric matrix of balls.

Below: the Rayleigh quotient of an approximate eigenvector.  Above: a number s for which s I - H is shown
to be positive definite by elimination with positive pivots.
"""

from __future__ import annotations

import numpy as np
from flint import arb

from ._balls import ReadingError

__all__ = ["largest_eigenvalue"]

# Room above the Rayleigh quotient, relative to the size of the matrix; the first that suffices is taken.
ROOMS = tuple(2.0**-k for k in (48, 44, 40, 36, 32, 28))


def largest_eigenvalue(matrix: list[list[arb]]) -> arb:
    """A ball that holds the largest eigenvalue.

    Raises:
        ReadingError: if none was found; the matrix is not known well enough.
    """
    if len(matrix) == 1:
        return matrix[0][0]
    middle = np.array([[float(entry.mid()) for entry in row] for row in matrix])
    if not np.isfinite(middle).all():
        raise ReadingError("the Hessian has no finite enclosure")
    vector = [arb(value) for value in np.linalg.eigh((middle + middle.T) / 2)[1][:, -1].tolist()]
    size = max(float(np.abs(middle).max()), 1e-300)
    lower = _quotient(matrix, vector).lower()
    for room in ROOMS:
        above = lower + arb(room * size)
        if _is_positive_definite(matrix, above):
            return arb.union(lower, above)
    raise ReadingError("the largest eigenvalue of the Hessian could not be enclosed")


def _quotient(matrix: list[list[arb]], v: list[arb]) -> arb:
    """<v, H v> / <v, v>."""
    image = [sum((a * b for a, b in zip(row, v, strict=True)), arb(0)) for row in matrix]
    top = sum((a * b for a, b in zip(image, v, strict=True)), arb(0))
    return top / sum((a * a for a in v), arb(0))


def _is_positive_definite(matrix: list[list[arb]], shift: arb) -> bool:
    """Whether shift I - H is shown to be positive definite."""
    size = len(matrix)
    rows = [[(shift if i == j else arb(0)) - matrix[i][j] for j in range(size)] for i in range(size)]
    for k in range(size):
        pivot = rows[k][k]
        if not pivot > 0:
            return False
        for i in range(k + 1, size):
            factor = rows[i][k] / pivot
            for j in range(k + 1, size):
                rows[i][j] -= factor * rows[k][j]
    return True
