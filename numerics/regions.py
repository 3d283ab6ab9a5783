"""What a search may move: parameters in a box, in a ball or not at all, and free samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

import torch
from torch import Tensor

from numerics.box import Box, project, project_to_ball, random_in_ball, random_point
from numerics.evaluate import output, pack, unpack
from proofs.network import Loss, Network

__all__ = ["Fixed", "FreeSample", "InBall", "InBox", "Point", "Region", "draw_sample", "draw_theta", "move"]

# Measured: 0.01 to 0.03 reached the largest gradient norms of a 64-32-16-10 tanh network.
SATURATION = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """Parameters and the samples they are looked at with: theta [P], x [N, d], y [N, out]."""

    theta: Tensor
    x: Tensor
    y: Tensor


@dataclass(frozen=True, slots=True)
class InBox:
    """theta in a box of norms."""

    box: Box


@dataclass(frozen=True, slots=True, eq=False)
class InBall:
    """||theta - center|| <= radius."""

    center: Tensor
    radius: float


@dataclass(frozen=True, slots=True, eq=False)
class Fixed:
    """theta does not move."""

    theta: Tensor


Region = InBox | InBall | Fixed


@dataclass(frozen=True, slots=True)
class FreeSample:
    """One sample to be chosen: ||x|| <= input_norm; y one-hot, or ||y|| <= target_norm for squares.

    A one-hot y is drawn and then stays.
    """

    input_norm: float
    target_norm: float


def draw_theta(network: Network, region: Region, generator: torch.Generator) -> Tensor:
    """A random point of the region, [P]."""
    match region:
        case InBox(box):
            return random_point(network, box, generator)
        case InBall(center, radius):
            return random_in_ball(center, radius, generator)
        case Fixed(theta):
            return theta
        case _:
            assert_never(region)


def draw_sample(
    network: Network, loss: Loss, free: FreeSample, theta: Tensor, generator: torch.Generator
) -> Point:
    """Parameters with one random sample: x on the sphere (one in four inside), y opposite f(x) or random."""
    shape = (1, network.input_dim)
    float64 = {"generator": generator, "dtype": torch.float64, "device": generator.device}
    x = torch.randn(shape, **float64).to(theta.device)
    share, opposite = torch.rand(2, **float64).tolist()
    x = _to_norm(x, free.input_norm * (4.0 * share if share < 0.25 else 1.0))
    if loss is Loss.CROSS_ENTROPY:
        label = torch.randint(network.output_dim, (1,), generator=generator, device=generator.device)
        y = torch.nn.functional.one_hot(label, network.output_dim).to(theta.device, torch.float64)
        return Point(theta, x, y)
    f = output(network, theta, x)
    y = torch.randn(f.shape, **float64).to(theta.device)
    aligned = opposite < 0.5 and bool(torch.isfinite(f).all()) and float(f.norm()) > 0.0
    return Point(theta, x, _to_norm(-f if aligned else y, free.target_norm))


def move(
    network: Network,
    loss: Loss,
    region: Region,
    free: FreeSample | None,
    point: Point,
    slopes: Point,
    step: float,
) -> Point:
    """The projection of a step from `point` along `slopes`, the gradient in theta, x and y.

    In a box a bias gradient is scaled to its bound, and a weight gradient's singular values s_k become
    min(s_k / (SATURATION s_1), 1) times the bound: close to the steepest direction for the spectral
    norm.  In a ball the gradient is scaled to the radius.  Step 1 is as long as the region is wide.

    Returns:
        A point of the region; x and y stay where there is no free sample.
    """
    match region:
        case InBox(box):
            blocks = unpack(network, slopes.theta)
            scaled = {name: _steepest(value, box.of(name)) for name, value in blocks.items()}
            theta = project(network, box, point.theta + step * pack(network, scaled))
        case InBall(center, radius):
            theta = point.theta + step * _to_norm(slopes.theta, radius)
            theta = project_to_ball(center, radius, theta)
        case Fixed():
            theta = point.theta
        case _:
            assert_never(region)
    if free is None:
        return Point(theta, point.x, point.y)
    x = _into_norm(point.x + step * _to_norm(slopes.x, free.input_norm), free.input_norm)
    if loss is Loss.CROSS_ENTROPY:
        return Point(theta, x, point.y)
    y = point.y + step * _to_norm(slopes.y, free.target_norm)
    return Point(theta, x, _into_norm(y, free.target_norm))


def _steepest(slope: Tensor, bound: float) -> Tensor:
    if slope.ndim == 1 or min(slope.shape) == 1 or float(slope.norm()) == 0.0:
        return _to_norm(slope, bound)
    u, singular, vh = torch.linalg.svd(slope, full_matrices=False)
    return (u * (bound * (singular / (SATURATION * singular[0])).clamp(max=1.0))) @ vh


def _to_norm(value: Tensor, norm: float) -> Tensor:
    length = float(value.norm())
    return value * (norm / length) if length > 0.0 else value


def _into_norm(value: Tensor, norm: float) -> Tensor:
    return _to_norm(value, norm) if float(value.norm()) > norm else value
