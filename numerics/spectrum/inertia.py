"""How many eigenvalues lie above a shift, by L D L^T, with the determinant and solutions it gives.

A - s I = L D L^T with pivoting; by Sylvester's law D has as many positive eigenvalues as A has above s.
D has blocks of one or two rows, and a block of two rows has one eigenvalue of each sign, since pivots
of that size are only taken with a negative determinant.  The factors are exact for a matrix within
about P eps ||L D L^T|| of the given one, so the count holds if no eigenvalue is that close to s.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from numerics.errors import NumericsError
from numerics.metering import METER

from . import _lapack

__all__ = ["Inertia", "inertia", "solve_shifted"]


@dataclass(frozen=True, slots=True, eq=False)
class Inertia:
    """What L D L^T of A - s I says, for a batch.

    `above` [B] counts the eigenvalues above s; -1 where a number is not finite.  `log_abs_det` [B]
    is log |det(A - s I)|.  `error` [B] estimates how far an eigenvalue must be from s for the count to
    hold.  `factors` and `pivots` are LAPACK's, for `solve_shifted`.
    """

    above: Tensor
    log_abs_det: Tensor
    error: Tensor
    factors: Tensor
    pivots: Tensor


def inertia(matrices: Tensor, shifts: Tensor) -> Inertia:
    """Factor A - s I for each pair: `[B, P, P], [B] -> Inertia`.

    Raises:
        NumericsError: for other shapes.
    """
    if matrices.ndim != 3 or matrices.shape[1] != matrices.shape[2] or shifts.shape != matrices.shape[:1]:
        raise NumericsError(
            f"expected matrices [B, P, P] and shifts [B] but got {tuple(matrices.shape)}, "
            f"{tuple(shifts.shape)}"
        )
    size = matrices.shape[-1]
    with METER.eigenvalues():
        if matrices.device.type == "cpu":
            factors, pivots = _on_cpu(matrices, shifts)
        else:
            shifted = matrices.clone()
            torch.diagonal(shifted, dim1=-2, dim2=-1).sub_(shifts[:, None])
            factors, pivots = torch.linalg.ldl_factor(shifted)
    above, logarithm = _read(factors, pivots)
    eps = torch.finfo(matrices.dtype).eps
    low, high = (end(factors, dim=(-2, -1)) for end in (torch.amin, torch.amax))
    error = size * eps * size**0.5 * (torch.maximum(high, -low) + shifts.abs())
    return Inertia(above, logarithm, error, factors, pivots)


def solve_shifted(found: Inertia, right: Tensor) -> Tensor:
    """(A - s I)^-1 b with the factors: `[B, P, k] -> [B, P, k]`."""
    with METER.eigenvalues():
        if right.device.type != "cpu":
            return torch.linalg.ldl_solve(found.factors, found.pivots, right)
        solved = [
            _lapack.solve(factors.mT.numpy(), pivots.numpy(), b.numpy())
            for factors, pivots, b in zip(found.factors, found.pivots, right, strict=True)
        ]
        return torch.from_numpy(np.ascontiguousarray(np.stack(solved)))


def _on_cpu(matrices: Tensor, shifts: Tensor) -> tuple[Tensor, Tensor]:
    """A matrix at a time, in float64."""
    factors = matrices.to(torch.float64, copy=True).contiguous()
    torch.diagonal(factors, dim1=-2, dim2=-1).sub_(shifts[:, None])
    pivots = torch.ones(len(matrices), matrices.shape[-1], dtype=torch.int32)
    finite = torch.isfinite(factors.sum((-2, -1)))
    factors[~finite] = torch.nan
    for index in finite.nonzero().flatten().tolist():
        _lapack.factor(factors[index].numpy(), pivots[index].numpy())
    return factors.mT, pivots


def _read(factors: Tensor, pivots: Tensor) -> tuple[Tensor, Tensor]:
    """Positive eigenvalues of D and log |det D| from its lower triangle."""
    diagonal = torch.diagonal(factors, dim1=-2, dim2=-1)
    beside = torch.diagonal(factors, offset=-1, dim1=-2, dim2=-1)
    single = pivots > 0
    # Rows of a block of two come together, so the rows before an odd place of a run start a block.
    doubled = (~single).long()
    place = torch.cumsum(doubled, -1)
    starts = (~single) & (place % 2 == 1)
    determinant = diagonal[:, :-1] * diagonal[:, 1:] - beside.square()
    pair = starts[:, :-1]
    above = (single & (diagonal > 0)).sum(-1) + pair.sum(-1)
    logarithm = torch.where(single, diagonal.abs(), 1.0).log().sum(-1)
    logarithm = logarithm + torch.where(pair, determinant.abs(), 1.0).log().sum(-1)
    bad = ~torch.isfinite(diagonal).all(-1) | torch.isnan(beside).any(-1)
    return above.masked_fill(bad, -1), logarithm.masked_fill(bad, torch.nan)
