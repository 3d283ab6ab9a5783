"""All quantities at one point, on all of its samples."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from numerics.ascent import Quantity, off_kinks
from numerics.curvature import gradient, sample_gradient_norms
from numerics.curvature.gradients import gradient_rounding
from numerics.records import Estimate
from numerics.regions import Point
from numerics.spectrum import hessian_norm
from proofs.network import Loss, Network

__all__ = ["Estimates", "evaluate_point", "no_estimate"]

Estimates = dict[Quantity, Estimate | None]


def evaluate_point(network: Network, loss: Loss, point: Point, generator: torch.Generator) -> Estimates:
    """All three quantities at a point, on all of its samples.

    Returns:
        An estimate each; for the Hessian None within 1e-9 of a kink.  NaN where not finite.
    """
    theta, x, y = point.theta, point.x, point.y
    with torch.no_grad():
        mean = float(gradient(network, loss, theta, x, y).norm())
        norms = sample_gradient_norms(network, loss, theta, x, y)
        largest = float(norms.max()) if bool(torch.isfinite(norms).all()) else math.nan
        mean_error, largest_error = gradient_rounding(network, loss, theta, x, y)
        curved: Estimate | None = None
        if off_kinks(network, loss, point):
            found = hessian_norm(network, loss, theta, x, y, generator)
            curved = _estimate(found.value, found.error, theta)
        elif not math.isfinite(mean):
            curved = _estimate(math.nan, math.inf, theta)
    return {
        Quantity.GRADIENT: _estimate(mean, mean_error, theta),
        Quantity.SAMPLE_GRADIENT: _estimate(largest, largest_error, theta),
        Quantity.HESSIAN: curved,
    }


def _estimate(value: float, error: float, like: Tensor) -> Estimate:
    if not (math.isfinite(value) and math.isfinite(error)):
        return no_estimate(like)
    return Estimate(value, error, str(like.dtype).removeprefix("torch."), str(like.device))


def no_estimate(like: Tensor) -> Estimate:
    """The estimate that says nothing finite was found."""
    return Estimate(math.nan, math.inf, str(like.dtype).removeprefix("torch."), str(like.device))
