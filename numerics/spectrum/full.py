"""All eigenvalues of a batch of symmetric matrices, each spectrum with an error."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from numerics.errors import NumericsError
from numerics.metering import METER

__all__ = ["Spectra", "full_spectra", "log_abs_det"]

# From this size on LAPACK itself uses several threads well; below, a matrix gets one thread.
THREADED_SIZE = 1500
# Norms between which squares of float32 and float64 entries neither overflow nor underflow.
SQUARES = (1e-15, 1e15)


@dataclass(frozen=True, slots=True, eq=False)
class Spectra:
    """Ascending eigenvalues `[B, P]` and a bound of their errors, `[B]`.

    `error` = P eps ||A||_F for the eigenvalue routine (its backward error, with the usual modest
    polynomial taken as P), for the matrix as given; at most sqrt(2) times that for lower triangles.
    A matrix with an entry that is not finite has NaN eigenvalues and an infinite error.
    """

    values: Tensor
    error: Tensor


def full_spectra(matrices: Tensor, *, lower: bool = False, threads: int | None = None) -> Spectra:
    """The spectra of symmetric matrices: `[B, P, P] -> [B, P]`.

    Args:
        matrices: float32 or float64.
        lower: only the lower triangles count; what lies above must be finite, zeros for instance.
        threads: matrices at a time on the CPU; without it as many as there are cores.

    Raises:
        NumericsError: for another shape, or if the routine does not converge.
    """
    if matrices.ndim != 3 or matrices.shape[1] != matrices.shape[2] or matrices.shape[1] == 0:
        raise NumericsError(f"expected matrices of shape [B, P, P] but got shape={tuple(matrices.shape)}")
    size = matrices.shape[-1]
    # Twice the squares of all entries are at least those of the lower triangle and its mirror image.
    norms = (2.0**0.5 if lower else 1.0) * _frobenius(matrices)
    finite = torch.isfinite(norms)
    safe = matrices if bool(finite.all()) else matrices.masked_fill(~finite[:, None, None], 0.0)
    with METER.eigenvalues():
        if matrices.device.type == "cpu":
            values = torch.from_numpy(_on_cpu(safe.numpy(), threads))
        else:
            values = torch.linalg.eigvalsh(safe, UPLO="L")
    error = size * torch.finfo(matrices.dtype).eps * norms
    return Spectra(values.masked_fill(~finite[:, None], torch.nan), torch.where(finite, error, torch.inf))


def log_abs_det(spectra: Spectra, step_sizes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Log |det(I - eta H)|, its error and the sign, from the spectrum: `[B, P], [B] -> [B]` each.

    With f_j = 1 - eta lambda_j, each |f_j| is known up to eta times the error e; where eta e < |f_j|
    the logarithm errs by at most -log(1 - eta e / |f_j|).

    Returns:
        The logarithm; its error, infinite where a factor may be 0; the sign, 0 there.
    """
    factors = 1.0 - step_sizes[:, None] * spectra.values
    reach = (step_sizes * spectra.error)[:, None] + torch.finfo(factors.dtype).eps
    sizes = factors.abs()
    relative = reach / sizes
    decided = (relative < 1.0).all(-1)
    known = relative.masked_fill(~decided[:, None], 0.0)
    error = torch.where(decided, -torch.log1p(-known).sum(-1), torch.inf)
    sign = torch.where(decided, factors.sign().prod(-1), torch.zeros_like(error))
    return sizes.log().sum(-1), error, sign


def _on_cpu(matrices: np.ndarray, threads: int | None) -> np.ndarray:
    wanted = threads or os.cpu_count() or 1
    count = min(wanted, len(matrices))
    try:
        if count <= 1 or matrices.shape[-1] >= THREADED_SIZE:
            return np.linalg.eigvalsh(matrices, UPLO="L")
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(count) as pool:
            # Small parts, so that no thread is left with the last one for long.
            parts = np.array_split(matrices, min(len(matrices), 8 * count))
            return np.concatenate(list(pool.map(lambda part: np.linalg.eigvalsh(part, UPLO="L"), parts)))
    except np.linalg.LinAlgError as error:
        raise NumericsError(f"expected the eigenvalue routine to converge but got: {error}") from None


def _frobenius(matrices: Tensor) -> Tensor:
    """The norm of all entries, [B]; squares neither overflow nor underflow."""
    rows = matrices.flatten(-2)
    norms = torch.linalg.vector_norm(rows, dim=-1)
    if bool(((norms > SQUARES[0]) & (norms < SQUARES[1])).all()):
        return norms
    largest = rows.abs().amax(-1)
    scale = largest.clamp(min=torch.finfo(matrices.dtype).tiny)
    return scale * torch.linalg.vector_norm(rows / scale[:, None], dim=-1)
