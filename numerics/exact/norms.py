"""Whether norms of exact tensors are at most a bound, decided in rational arithmetic."""

from __future__ import annotations

from fractions import Fraction

from proofs.kernel.tensors import ExactTensor

__all__ = ["norm_at_most", "squared_frobenius"]


def squared_frobenius(tensor: ExactTensor) -> Fraction:
    """The sum of the squares of all entries."""
    return sum((entry * entry for entry in tensor.fractions()), Fraction(0))


def norm_at_most(tensor: ExactTensor, bound: Fraction) -> bool:
    """Whether ||A||_2 <= bound (spectral norm of a matrix, 2-norm of a vector); exact.

    For a matrix: s^2 I - A A^T is positive semidefinite, by elimination with rational pivots.
    """
    if bound < 0:
        return False
    if squared_frobenius(tensor) <= bound * bound:
        return True
    if len(tensor.shape) == 1 or 1 in tensor.shape:
        return False
    height, width = tensor.shape
    entries = tensor.fractions()
    rows = [entries[i * width : (i + 1) * width] for i in range(height)]
    if height > width:
        rows = list(zip(*rows, strict=True))
    gram = [[-sum((a * b for a, b in zip(r, q, strict=True)), Fraction(0)) for q in rows] for r in rows]
    for i in range(len(rows)):
        gram[i][i] += bound * bound
    return _is_semidefinite(gram)


def _is_semidefinite(matrix: list[list[Fraction]]) -> bool:
    size = len(matrix)
    for k in range(size):
        pivot = matrix[k][k]
        if pivot < 0:
            return False
        if pivot == 0:
            if any(matrix[k][j] != 0 for j in range(k + 1, size)):
                return False
            continue
        for i in range(k + 1, size):
            factor = matrix[i][k] / pivot
            for j in range(k + 1, size):
                matrix[i][j] -= factor * matrix[k][j]
    return True
