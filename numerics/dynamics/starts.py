"""Where runs begin: random weights as PyTorch draws them, or around given ones."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from numerics.errors import NumericsError
from proofs.network import Network

__all__ = ["around", "random_starts"]


def random_starts(network: Network, seeds: int, seed: int) -> Tensor:
    """Random parameters for each seed, `[S, P]`, float64.

    Every entry of W and b of a dense layer with n inputs is uniform on [-1/sqrt(n), 1/sqrt(n)], the
    default of `torch.nn.Linear`.  Row s depends on `seed` and s alone.
    """
    rows: list[Tensor] = []
    for number in range(seeds):
        generator = _generator(seed, number)
        parts: list[Tensor] = []
        for layer, incoming in zip(network.layers, network.widths(), strict=False):
            width = getattr(layer, "width", None)
            if width is None:
                continue
            size = width * (incoming + int(bool(getattr(layer, "bias", False))))
            unit = torch.rand(size, generator=generator, dtype=torch.float64)
            parts.append((2.0 * unit - 1.0) / math.sqrt(incoming))
        rows.append(torch.cat(parts))
    return torch.stack(rows)


def around(center: Tensor, radius: float, seeds: int, seed: int) -> Tensor:
    """Points at the distance `radius` from `center` [P] in random directions, `[S, P]`; seed 0 is the center.

    Raises:
        NumericsError: for a radius below 0.
    """
    if not 0.0 <= radius < math.inf:
        raise NumericsError(f"expected a radius >= 0 but got radius={radius:g}")
    rows = [center.double()]
    for number in range(1, seeds):
        direction = torch.randn(len(center), generator=_generator(seed, number), dtype=torch.float64)
        rows.append(rows[0] + radius * direction / direction.norm())
    return torch.stack(rows)


def _generator(seed: int, number: int) -> torch.Generator:
    return torch.Generator().manual_seed((seed * 1_000_003 + number) % 2**63)
