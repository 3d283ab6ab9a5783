"""Certified upper bounds of spectral norms of exact matrices, in integer arithmetic.

For a matrix A = M 2^e with integers M (the side with fewer columns): V approximates the
eigenvectors of A^T A and is an untrusted guess with entries in 2^-32 Z.  With B = A V and
eps = ||V^T V - I||_inf < 1,
    ||A||^2 <= ||B^T B||_inf / (1 - eps),
because ||A y|| = ||B z|| with z = V^-1 y and ||z||^2 <= ||y||^2 / (1 - eps), and the
maximal absolute row sum of a symmetric matrix bounds its spectral norm.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from flint import fmpq, fmpz_mat

from proofs.errors import KernelError

from .monotone import sqrt_above
from .tensors import ExactTensor

__all__ = ["frobenius_above", "spectral_above"]

GUESS_BITS = 32
MAX_SHIFT = 4200


def _integer_matrix(tensor: ExactTensor) -> tuple[fmpz_mat, fmpq]:
    """M and c with A = c M, M an integer matrix with at most as many columns as rows."""
    rows, columns = tensor.shape if len(tensor.shape) == 2 else (tensor.shape[0], 1)
    entries = tensor.fractions()
    denominator = np.lcm.reduce(np.array([e.denominator for e in entries], dtype=object))
    if int(denominator).bit_length() > MAX_SHIFT:
        raise KernelError("expected entries with a common denominator below 2^4200")
    matrix = fmpz_mat(rows, columns, [int(e * denominator) for e in entries])
    return (matrix.transpose() if columns > rows else matrix), fmpq(1, int(denominator))


def _row_sum_norm(matrix: fmpz_mat) -> int:
    width = matrix.ncols()
    entries = [abs(int(entry)) for entry in matrix.entries()]
    return max(sum(entries[i : i + width]) for i in range(0, len(entries), width))


def spectral_above(tensor: ExactTensor, bits: int = 53) -> Fraction:
    """A rational upper bound of the spectral norm of a matrix (the 2-norm of a vector).

    Returns:
        c with ||A|| <= c; c exceeds ||A|| by a relative 1e-7 or less for matrices of a few
        hundred rows.

    Raises:
        KernelError: if the guess of the eigenvectors is too poor to certify anything.
    """
    matrix, unit = _integer_matrix(tensor)
    if all(entry == 0 for entry in matrix.entries()):
        return Fraction(0)
    width = matrix.ncols()
    guess = _eigenvectors(tensor)
    scale = 1 << GUESS_BITS
    basis = fmpz_mat(width, width, [round(value * scale) for value in guess.ravel().tolist()])
    gram = basis.transpose() * basis
    square = scale * scale
    for i in range(width):
        gram[i, i] = gram[i, i] - square
    error = fmpq(_row_sum_norm(gram), square)
    if error >= 1:
        raise KernelError("expected eigenvectors that are nearly orthonormal")
    image = matrix * basis
    size = fmpq(_row_sum_norm(image.transpose() * image), square)
    bound = sqrt_above(size * unit * unit / (1 - error), bits)
    return Fraction(int(bound.p), int(bound.q))


def _eigenvectors(tensor: ExactTensor) -> np.ndarray:
    array = tensor.to_numpy().reshape(tensor.shape[0], -1)
    if array.shape[1] > array.shape[0]:
        array = array.T
    largest = np.abs(array).max()
    array = array / (largest if largest > 0 else 1.0)
    return np.linalg.svd(array, full_matrices=True)[2].T if array.shape[1] > 1 else np.ones((1, 1))


def frobenius_above(tensor: ExactTensor, bits: int = 53) -> Fraction:
    """A rational upper bound of the Frobenius norm, exact where it is rational."""
    total = sum((entry * entry for entry in tensor.fractions()), Fraction(0))
    bound = sqrt_above(fmpq(total.numerator, total.denominator), bits)
    return Fraction(int(bound.p), int(bound.q))
