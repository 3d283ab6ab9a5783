"""Where the lines of a derivation are evaluated: points found by measuring, samples, directions."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from numerics.curvature import gradient, hessian_vector_product, sample_gradient_norms, second_derivative
from numerics.evaluate import unpack
from numerics.evidence import Instance
from numerics.records import Place
from numerics.regions import Point
from numerics.spectrum import extreme_pair
from proofs.network import Loss, Network

__all__ = ["instances_of"]

LANCZOS_STEPS = 12


def instances_of(
    network: Network,
    loss: Loss,
    places: Iterable[Place | None],
    reference: Tensor | None,
    generator: torch.Generator,
) -> list[Instance]:
    """Instances at the points where a measurement found its maxima.

    At each point: the sample with the largest gradient and a random one; the directions of the
    gradient of that sample, of the Hessian's dominant eigenvector, and a random one.
    """
    found: list[Instance] = []
    for place in places:
        if place is None:
            continue
        at = (place.gradient_at, place.sample_gradient_at, place.hessian_at)
        points = {id(point): point for point in at if point is not None}
        for point in points.values():
            found.extend(_at(network, loss, point, place, reference, generator))
    return found


def _at(
    network: Network,
    loss: Loss,
    point: Point,
    place: Place,
    reference: Tensor | None,
    generator: torch.Generator,
) -> list[Instance]:
    theta, x, y = point.theta, point.x, point.y
    slope = gradient(network, loss, theta, x, y)
    norms = {1: float(slope.norm())}
    if place.hessian_at is point and place.hessian_norm is not None:
        norms[2] = place.hessian_norm.value
    largest = int(sample_gradient_norms(network, loss, theta, x, y).argmax())
    other = int(torch.randint(x.shape[0], (1,), generator=generator))
    blocks = unpack(network, theta)
    start = {} if reference is None else unpack(network, reference)
    made: list[Instance] = []
    for u in _directions(network, loss, point, largest, generator):
        along = {1: abs(float(slope @ u)), 2: abs(float(second_derivative(network, loss, theta, u, x, y)))}
        for index in {largest, other}:
            sample = {"x": x[index], "y": y[index]}
            made.append(Instance(blocks, start, sample, unpack(network, u), along, norms))
    return made


def _directions(
    network: Network, loss: Loss, point: Point, largest: int, generator: torch.Generator
) -> list[Tensor]:
    theta, x, y = point.theta, point.x, point.y
    steepest = gradient(network, loss, theta, x[largest : largest + 1], y[largest : largest + 1])
    product = hessian_vector_product(network, loss, theta, x, y)
    drawn = torch.randn(theta.shape[0], generator=generator, dtype=torch.float64)
    pair = extreme_pair(product, drawn, min(LANCZOS_STEPS, theta.shape[0]), generator)
    candidates = [steepest, drawn] if pair is None else [steepest, pair[1], drawn]
    return [u / u.norm() for u in candidates if float(u.norm()) > 0]
