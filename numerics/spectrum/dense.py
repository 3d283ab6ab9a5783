"""The spectral norm of a symmetric matrix from all its eigenvalues."""

from __future__ import annotations

import torch
from torch import Tensor

from numerics.errors import NumericsError

from .result import UNDERFLOW, SpectralNorm, not_finite

__all__ = ["dense_spectral_norm"]


def dense_spectral_norm(matrix: Tensor) -> SpectralNorm:
    """The largest |eigenvalue| of the symmetric part of `matrix`, [n, n].

    Returns:
        `error` = n eps ||A||_F + ||A - A^T||_F / 2: the backward error of the eigenvalue routine with
        the usual modest polynomial taken as n, and what was dropped with the antisymmetric part.

    Raises:
        NumericsError: if the matrix is not square or empty.
    """
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.shape[0] == 0:
        raise NumericsError(f"expected a square matrix but got shape={tuple(matrix.shape)}")
    size = matrix.shape[0]
    if not torch.isfinite(matrix).all():
        return not_finite("dense", size)
    symmetric = 0.5 * (matrix + matrix.mT)
    value = float(torch.linalg.eigvalsh(symmetric).abs().max())
    rounding = size * torch.finfo(matrix.dtype).eps * float(torch.linalg.matrix_norm(symmetric))
    dropped = 0.5 * float(torch.linalg.matrix_norm(matrix - matrix.mT))
    return SpectralNorm(value, rounding + dropped + UNDERFLOW, "dense", size)
