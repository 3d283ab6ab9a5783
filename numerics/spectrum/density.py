"""The density of a spectrum by stochastic Lanczos quadrature.

For a random unit vector v, m Lanczos steps give the Gauss rule of v's spectral measure: nodes t_j, the
eigenvalues of T, and weights s_{1j}^2, exact for polynomials of degree 2m - 1.  Averaged over vectors
these are estimates of (1/P) tr f(A), with a standard error from the vectors' spread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from numerics.errors import NumericsError

from .extremes import Operator, extremes

__all__ = ["Density", "spectral_density"]


@dataclass(frozen=True, slots=True, eq=False)
class Density:
    """Gauss rules of `vectors` random vectors: nodes and weights, `[vectors, m]`, weights of sum 1."""

    nodes: Tensor
    weights: Tensor

    def below(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """The share of eigenvalues <= each point, `[k] -> [k]`, and its standard error."""
        inside = (self.nodes.unsqueeze(-1) <= points).to(self.weights)
        return self._mean(inside)

    def trace(self, function: Callable[[Tensor], Tensor]) -> tuple[float, float]:
        """(1/P) tr f(A) for a function of tensors, entry by entry, and its standard error."""
        mean, error = self._mean(function(self.nodes).unsqueeze(-1))
        return float(mean[0]), float(error[0])

    def _mean(self, values: Tensor) -> tuple[Tensor, Tensor]:
        rows = (self.weights.unsqueeze(-1) * values).sum(1)
        count = len(rows)
        spread = rows.std(0) / count**0.5 if count > 1 else torch.full_like(rows[0], torch.inf)
        return rows.mean(0), spread


def spectral_density(
    operator: Operator,
    size: int,
    *,
    vectors: int = 8,
    steps: int = 64,
    generator: torch.Generator,
    device: torch.device | str = "cpu",
) -> Density:
    """The spectral density of a symmetric operator, `[V, P] -> [V, P]`, all vectors in one batch.

    Args:
        operator: applied to `vectors` rows at once.
        size: P.
        vectors: random start vectors; the standard error shrinks like their root.
        steps: Lanczos steps for each, at most P.
        generator: the source of the vectors.
        device: where they live.

    Raises:
        NumericsError: for counts below 1.
    """
    if vectors < 1 or steps < 1 or size < 1:
        raise NumericsError(f"expected counts >= 1 but got vectors={vectors}, steps={steps}, size={size}")
    start = torch.randn(vectors, size, generator=generator, dtype=torch.float64, device=generator.device)
    count = min(steps, size)
    # Asked for as many eigenvalues as there are steps, a run does not end before.
    found = extremes(
        operator, (vectors, size), generator=generator, start=start.to(device), largest=count, smallest=0,
        tolerance=1e-14, max_steps=count, copies=False, device=device,
    )  # fmt: skip
    diagonal, beside = (entries[:, :count] for entries in found.tridiagonal)
    off = beside[:, : diagonal.shape[1] - 1]
    table = torch.diag_embed(diagonal) + torch.diag_embed(off, 1) + torch.diag_embed(off, -1)
    nodes, inner = torch.linalg.eigh(table.cpu())
    return Density(nodes, inner[:, 0].square())
