"""The sets of parameters that are searched: boxes of norms and balls, with draws and projections."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from numerics.errors import NumericsError
from numerics.evaluate import pack, unpack
from proofs.network import Dense, Network

__all__ = ["Box", "contains", "project", "project_to_ball", "random_in_ball", "random_point"]


@dataclass(frozen=True, slots=True)
class Box:
    """{theta : ||W_l||_2 <= weight_norms[l-1], ||b_l||_2 <= bias_norms[l-1] for every dense layer l}.

    One entry for each dense layer, in order; a bias norm is None where the layer has no bias.
    """

    weight_norms: tuple[float, ...]
    bias_norms: tuple[float | None, ...]

    def __post_init__(self) -> None:
        if len(self.weight_norms) != len(self.bias_norms):
            raise NumericsError(
                f"expected as many bias norms as weight norms but got {len(self.weight_norms)} weight norms "
                f"and {len(self.bias_norms)} bias norms"
            )
        for norm in (*self.weight_norms, *(c for c in self.bias_norms if c is not None)):
            if not (math.isfinite(norm) and norm >= 0.0):
                raise NumericsError(f"expected finite norms >= 0 but got norm={norm}")

    def of(self, name: str) -> float:
        """The bound on the parameter of that name, `W2` or `b2`.

        Raises:
            NumericsError: if the box has none.
        """
        norms = self.weight_norms if name.startswith("W") else self.bias_norms
        layer = int(name[1:])
        bound = norms[layer - 1] if layer <= len(norms) else None
        if bound is None:
            raise NumericsError(f"expected a bound on {name} but the box has none")
        return bound


def check_box(network: Network, box: Box) -> None:
    """Refuse a box of another network.

    Raises:
        NumericsError: unless there is one entry a dense layer, with None exactly where no bias is.
    """
    dense = [layer for layer in network.layers if isinstance(layer, Dense)]
    if len(dense) != len(box.weight_norms):
        raise NumericsError(f"expected {len(dense)} weight norms but got {len(box.weight_norms)}")
    for number, (layer, bound) in enumerate(zip(dense, box.bias_norms, strict=True), start=1):
        if layer.bias != (bound is not None):
            wanted = "a bias norm" if layer.bias else "no bias norm"
            raise NumericsError(f"expected {wanted} for layer {number} but got bias_norms={box.bias_norms}")


def contains(network: Network, box: Box, theta: Tensor, slack: float = 1e-12) -> bool:
    """Whether every norm of theta [P] is at most (1 + slack) times its bound; False for NaN."""
    return all(_norm(value) <= box.of(name) * (1.0 + slack) for name, value in unpack(network, theta).items())


def project(network: Network, box: Box, theta: Tensor) -> Tensor:
    """The nearest point of the box in the 2-norm, [P] -> [P]: singular values clipped, biases scaled.

    Returns:
        theta itself, bit for bit, where it lies in the box; else norms within 1e-12 relative.
    """
    parameters = unpack(network, theta)
    return pack(network, {name: _clip(value, box.of(name)) for name, value in parameters.items()})


def random_point(network: Network, box: Box, generator: torch.Generator) -> Tensor:
    """A point of the box, [P], on the generator's device, float64.

    Each tensor has its bound as norm (two times in three) or a uniform share of it, for all tensors
    alike or each for itself.  A matrix is Gaussian, of low rank, or has all singular values equal.
    """
    check_box(network, box)
    together = _uniform(generator) < 0.5
    share, kind = _share(generator), _kind(generator)
    found: dict[str, Tensor] = {}
    for parameter in network.parameters():
        if not together:
            share, kind = _share(generator), _kind(generator)
        value = _gaussian(parameter.shape, generator)
        if parameter.is_weight:
            value = _shape_spectrum(value, kind, generator)
        norm = _norm(value)
        found[parameter.name] = value * (share * box.of(parameter.name) / norm) if norm > 0.0 else value
    return project(network, box, pack(network, found))


def random_in_ball(theta0: Tensor, radius: float, generator: torch.Generator) -> Tensor:
    """A point of {||theta - theta0|| <= radius}, [P]: on the sphere, or (one in four) inside."""
    direction = _gaussian(tuple(theta0.shape), generator).to(theta0.device)
    share = _uniform(generator) if _uniform(generator) < 0.25 else 1.0
    return project_to_ball(theta0, radius, theta0 + direction * (share * radius / direction.norm()))


def project_to_ball(theta0: Tensor, radius: float, theta: Tensor) -> Tensor:
    """The nearest point to theta of {||theta - theta0|| <= radius}, [P].

    Raises:
        NumericsError: if the radius is negative or not finite.
    """
    if not (math.isfinite(radius) and radius >= 0.0):
        raise NumericsError(f"expected a finite radius >= 0 but got radius={radius}")
    offset = theta - theta0
    distance = float(offset.norm())
    return theta0 + offset * (radius / distance) if distance > radius else theta


def _norm(value: Tensor) -> float:
    length = float(value.norm())
    if value.ndim == 1 or not math.isfinite(length):
        return length
    return float(torch.linalg.matrix_norm(value, 2))


def _clip(value: Tensor, bound: float) -> Tensor:
    length = float(value.norm())
    if length <= bound:  # the spectral norm is at most the Frobenius norm
        return value
    if value.ndim == 1 or min(value.shape) == 1:
        return value * (bound / length)
    if not math.isfinite(length):
        return torch.full_like(value, torch.nan)
    u, singular, vh = torch.linalg.svd(value, full_matrices=False)
    if float(singular[0]) <= bound:
        return value
    return (u * singular.clamp(max=bound)) @ vh


def _shape_spectrum(value: Tensor, kind: str, generator: torch.Generator) -> Tensor:
    match kind:
        case "equal":
            u, _, vh = torch.linalg.svd(value, full_matrices=False)
            return u @ vh
        case "low rank":
            rank = 1 if _uniform(generator) < 0.5 else 1 + int(_uniform(generator) * min(value.shape) / 2)
            left = _gaussian((value.shape[0], rank), generator)
            return left @ _gaussian((rank, value.shape[1]), generator)
        case _:
            return value


def _kind(generator: torch.Generator) -> str:
    return ("gaussian", "low rank", "equal")[min(2, int(3.0 * _uniform(generator)))]


def _share(generator: torch.Generator) -> float:
    return 1.0 if _uniform(generator) < 2.0 / 3.0 else _uniform(generator)


def _uniform(generator: torch.Generator) -> float:
    return float(torch.rand((), generator=generator, dtype=torch.float64, device=generator.device))


def _gaussian(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator, dtype=torch.float64, device=generator.device)
