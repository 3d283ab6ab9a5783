"""What a search may move: parameters in a box, in a ball or not at all, and free samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import assert_never

import torch
from torch import Tensor

from numerics.box import Box, project, project_to_ball, random_in_ball, random_point
from numerics.evaluate import output, pack, unpack
from proofs.network import Loss, LossKind, Network

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
    """One sample to be chosen: ||x|| <= input_norm, and y by the loss.

    For cross-entropy y is one-hot, drawn, and then stays; for bce its entries lie in [0, 1]; else
    ||y|| <= target_norm, which may be infinite for huber.
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
    return Point(theta, x, _draw_target(loss, free, output(network, theta, x), opposite < 0.5, generator))


def _draw_target(
    loss: Loss, free: FreeSample, f: Tensor, opposite: bool, generator: torch.Generator
) -> Tensor:
    """A random y for the output f, or one opposite to it."""
    width, device = f.shape[-1], generator.device
    match loss.kind:
        case LossKind.CROSS_ENTROPY:
            label = torch.randint(width, (1,), generator=generator, device=device)
            return torch.nn.functional.one_hot(label, width).to(f.device, torch.float64)
        case LossKind.BCE:
            label = torch.randint(2, (1, width), generator=generator, device=device).to(f.device)
            return ((f < 0.0) if opposite else label).to(torch.float64)
        case LossKind.MSE | LossKind.HALF_MSE | LossKind.HUBER:
            y = torch.randn(f.shape, generator=generator, dtype=torch.float64, device=device).to(f.device)
            aligned = opposite and bool(torch.isfinite(f).all()) and float(f.norm()) > 0.0
            return _to_norm(-f if aligned else y, _target_scale(loss, free, f))
        case _:
            assert_never(loss.kind)


def _target_scale(loss: Loss, free: FreeSample, f: Tensor) -> float:
    """How far targets reach; where no norm is given, past f and the kinks of huber."""
    if math.isfinite(free.target_norm):
        return free.target_norm
    deltas = sum(float(value) for _, value in loss.parameters)
    reach = float(f.norm()) + 2.0 * deltas * math.sqrt(f.shape[-1])
    return reach if math.isfinite(reach) else 1.0


def _move_target(loss: Loss, free: FreeSample, f: Tensor, y: Tensor, slope: Tensor, step: float) -> Tensor:
    match loss.kind:
        case LossKind.CROSS_ENTROPY:
            return y
        case LossKind.BCE:
            return (y + step * _to_norm(slope, 1.0)).clamp(0.0, 1.0)
        case LossKind.MSE | LossKind.HALF_MSE | LossKind.HUBER:
            moved = y + step * _to_norm(slope, _target_scale(loss, free, f))
            return _into_norm(moved, free.target_norm)
        case _:
            assert_never(loss.kind)


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
    f = output(network, theta, x) if math.isinf(free.target_norm) else point.y
    return Point(theta, x, _move_target(loss, free, f, point.y, slopes.y, step))


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
