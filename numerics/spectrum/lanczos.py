"""Lanczos with full reorthogonalisation, watching both ends of the spectrum.

After k steps A Q = Q T + beta q e_k^T with orthonormal columns Q and T tridiagonal.  For an
eigenpair (t, s) of T the Ritz vector Q s has the residual ||A Q s - t Q s|| = beta |s_k|, so some
eigenvalue of A lies within beta |s_k| of t.  With the Ritz values t-, t+ at the two ends and their
residuals r-, r+, the estimate is max |t| and its error max(|t| + r) - max |t|.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from numerics.errors import NumericsError

from .result import UNDERFLOW, SpectralNorm, not_finite

__all__ = ["Operator", "extreme_pair", "spectral_norm"]

Operator = Callable[[Tensor], Tensor]

# Numbers that the basis may hold (2^27 float64 numbers are 1 GiB): fewer steps in large dimensions.
BASIS_ENTRIES = 1 << 27
# A new direction below this, relative to the largest product so far, is taken as rounding.
BREAKDOWN = 1e-13


@dataclass(slots=True)
class _Run:
    """The state of one run: basis rows, the entries of T, and the next direction."""

    operator: Operator
    basis: Tensor
    diagonal: list[float]
    off_diagonal: list[float]
    scale: float
    count: int

    def step(self) -> Tensor | None:
        """Extend T by one column; the next direction, not normalised, or None if not finite."""
        q = self.basis[self.count]
        product = self.operator(q)
        norm = float(product.norm())
        if not math.isfinite(norm):
            return None
        self.scale = max(self.scale, norm)
        self.diagonal.append(float(q @ product))
        self.count += 1
        return self.orthogonal(product)

    def orthogonal(self, vector: Tensor) -> Tensor:
        """The part of `vector` orthogonal to the basis (two passes)."""
        known = self.basis[: self.count]
        for _ in range(2):
            vector = vector - known.mT @ (known @ vector)
        return vector

    def eigen(self) -> tuple[Tensor, Tensor]:
        """Eigenvalues and eigenvectors of T in ascending order, on the CPU."""
        entries = torch.diag(torch.tensor(self.diagonal, dtype=torch.float64))
        if self.count > 1:
            off = torch.tensor(self.off_diagonal[: self.count - 1], dtype=torch.float64)
            entries = entries + torch.diag(off, 1) + torch.diag(off, -1)
        return torch.linalg.eigh(entries)


def spectral_norm(
    operator: Operator,
    dimension: int,
    *,
    tolerance: float = 1e-8,
    max_steps: int = 300,
    generator: torch.Generator,
    device: torch.device | str = "cpu",
    start: Tensor | None = None,
) -> SpectralNorm:
    """The largest |eigenvalue| of the symmetric operator v -> A v on R^dimension.

    Args:
        operator: the map, [n] -> [n], float64.
        dimension: n.
        tolerance: stop when error <= tolerance * value.
        max_steps: products at most; fewer where the basis would not fit in 1 GiB.
        generator: the source of the start vector.
        device: where the vectors live.
        start: a vector to add to the random start, for instance a known good direction.

    Returns:
        `error` is the residual bound above plus rounding, whether or not the tolerance was reached.

    Raises:
        NumericsError: if dimension < 1 or max_steps < 1.
    """
    result, _ = _run(operator, dimension, tolerance, max_steps, generator, device, start, mixed=True)
    return result


def extreme_pair(
    operator: Operator, start: Tensor, steps: int, generator: torch.Generator
) -> tuple[float, Tensor] | None:
    """The Ritz pair of largest |value| after `steps` products from `start`, [n].

    Returns:
        (signed value, unit vector); |value| >= |<v, A v>| for v = start / ||start||, since start lies
        in the searched space.  None where a product is not finite.
    """
    _, pair = _run(operator, start.shape[0], 1e-10, steps, generator, start.device, start, mixed=False)
    return pair


def _run(
    operator: Operator,
    dimension: int,
    tolerance: float,
    max_steps: int,
    generator: torch.Generator,
    device: torch.device | str,
    start: Tensor | None,
    mixed: bool,
) -> tuple[SpectralNorm, tuple[float, Tensor] | None]:
    if dimension < 1 or max_steps < 1:
        raise NumericsError(f"expected dimension >= 1 and max_steps >= 1 but got {dimension}, {max_steps}")
    limit = max(1, min(max_steps, dimension, max(2, BASIS_ENTRIES // dimension)))
    first = _random_unit(dimension, generator, device)
    if start is not None and float(start.norm()) > 0.0:
        first = start + (0.1 * float(start.norm()) * first if mixed else 0.0)
    basis = torch.zeros(limit, dimension, dtype=torch.float64, device=device)
    basis[0] = first / first.norm()
    run = _Run(operator, basis, [], [], 0.0, 0)
    restarted = False
    while True:
        direction = run.step()
        if direction is None:
            return not_finite("lanczos", run.count + 1), None
        beta = float(direction.norm())
        broken = beta <= BREAKDOWN * run.scale
        if broken:
            beta = 0.0 if run.count < limit else beta
        done = run.count == limit or (broken and (restarted or run.scale <= UNDERFLOW))
        if done or (not broken and (run.count % 4 == 0 or run.count <= 8)):
            result, pair = _read(run, beta, dimension)
            if done or (pair[2] and result.error <= tolerance * result.value):
                return result, (pair[0], pair[1])
        if broken:
            # An invariant space is exhausted; look once more from a direction outside it.
            restarted = True
            direction = run.orthogonal(_random_unit(dimension, generator, device))
            if float(direction.norm()) <= BREAKDOWN:
                result, pair = _read(run, beta, dimension)
                return result, (pair[0], pair[1])
        run.off_diagonal.append(beta)
        run.basis[run.count] = direction / direction.norm()


def _read(run: _Run, beta: float, dimension: int) -> tuple[SpectralNorm, tuple[float, Tensor, bool]]:
    values, vectors = run.eigen()
    ends = [0, run.count - 1]
    residuals = {end: abs(beta * float(vectors[-1, end])) for end in ends}
    best = max(ends, key=lambda end: abs(float(values[end])))
    value = abs(float(values[best]))
    reach = max(abs(float(values[end])) + residuals[end] for end in ends)
    roundings = 4.0 * (math.sqrt(dimension) + run.count)
    rounding = roundings * torch.finfo(torch.float64).eps * run.scale + UNDERFLOW
    result = SpectralNorm(value, max(reach - value, 0.0) + rounding, "lanczos", run.count)
    vector = run.basis[: run.count].mT @ vectors[:, best].to(run.basis.device)
    return result, (float(values[best]), vector / vector.norm(), run.count > 1)


def _random_unit(dimension: int, generator: torch.Generator, device: torch.device | str) -> Tensor:
    vector = torch.randn(dimension, generator=generator, dtype=torch.float64, device=generator.device)
    return (vector / vector.norm()).to(device)
