"""Enclosures of all eigenvalues of a real symmetric matrix that is known in balls.

With Q any invertible matrix, here rounded eigenvectors, the eigenvalues of H in order are those of
Q^T H Q in order, each divided by a number between the least and the largest eigenvalue of Q^T Q
(Ostrowski).  Those of Q^T H Q are within its distance from a diagonal matrix of the diagonal
entries in order (Weyl).  Both distances are row sums in balls; how good Q is does not matter for truth.
"""

from __future__ import annotations

from typing import Any

from flint import arb, arb_mat, ctx, fmpq

from proofs.errors import KernelError

__all__ = ["enclosed_spectrum"]

Interval = tuple[fmpq, fmpq]


def enclosed_spectrum(matrix: arb_mat, bits: int) -> list[Interval]:
    """Intervals, disjoint and in order, in whose union all eigenvalues lie.

    The matrix in the balls is symmetric.

    Raises:
        KernelError: where the balls are not finite or too wide.
    """
    size = matrix.nrows()
    with ctx.workprec(bits):
        vectors = _eigenvectors(matrix)
        transposed = vectors.transpose()
        product = transposed * (matrix * vectors)
        defect = _distance(transposed * vectors, [arb(1)] * size)
        diagonal = [arb(product[i, i].mid()) for i in range(size)]
        distance = _distance(product, diagonal)
        if not defect < 1:
            raise KernelError("expected rounded eigenvectors that are nearly orthonormal; try more bits")
        scale = (1 - defect).union(1 + defect)
        return joined([_ends((entry + arb(0, distance)) / scale) for entry in diagonal])


def _eigenvectors(matrix: arb_mat) -> arb_mat:
    """The eigenvectors of the middle points in floats, as exact numbers; nothing is assumed of them."""
    import numpy

    size = matrix.nrows()
    middle: Any = numpy.array([[float(matrix[i, j].mid()) for j in range(size)] for i in range(size)])
    if not numpy.isfinite(middle).all():
        raise KernelError("expected finite balls; try more bits")
    found = numpy.linalg.eigh((middle + middle.T) / 2)[1]
    return arb_mat(size, size, [float(entry) for entry in found.ravel()])


def _distance(matrix: arb_mat, diagonal: list[arb]) -> arb:
    """An upper bound of the spectral norm of the matrix minus the diagonal one, both symmetric.

    The largest sum of a row's absolute values, as an exact ball.
    """
    size = matrix.nrows()
    largest = arb(0)
    for i in range(size):
        total = arb(0)
        for j in range(size):
            entry = matrix[i, j] - diagonal[i] if i == j else matrix[i, j]
            total = total + arb(entry.abs_upper())
        largest = largest.max(arb(total.upper()))
    if not largest.is_finite():
        raise KernelError("expected finite balls; try more bits")
    return arb(largest.upper())


def _ends(ball: arb) -> Interval:
    if not ball.is_finite():
        raise KernelError("expected finite balls; try more bits")
    return ball.lower().fmpq(), ball.upper().fmpq()


def joined(intervals: list[Interval]) -> list[Interval]:
    """The union as disjoint intervals in order."""
    found: list[Interval] = []
    for lower, upper in sorted(intervals):
        if found and lower <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], upper))
        else:
            found.append((lower, upper))
    return found
