"""The second-order term of task arithmetic: theta_TA - theta_MT = -alpha eta^2 C + O(eta^3) (TSK-2).

With g_t^(m) = grad L_t(theta_MT^(m)), r_t^(m) = alpha sum_u g_u^(m) - g_t^(m) and R_t^(e) = r_t^(0) + ... +
r_t^(e-1),

    C = sum_t sum_{e=1}^{k-1} Hess L_t(theta_MT^(e)) R_t^(e),

so that the sums R come from the gradients of the multi-task run and every (t, e) takes one product, all
tasks in one batch.  At theta0 the leading form is k (k - 1)/2 sum_t Hess L_t r_t.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .runs import TaskRuns

__all__ = ["Explained", "SecondOrder", "explained", "leading_term", "path_term"]

# Numbers that the passes of one batch of steps may keep: 2^22 float64 numbers are 32 MiB.
BATCH_ENTRIES = 1 << 22


@dataclass(frozen=True, slots=True, eq=False)
class SecondOrder:
    """C, [P]; `rounding` estimates ||error||, for the points of the run as they were computed.

    `products` counts the Hessian-vector products, one for a task at a point, and `batches` the calls.
    """

    vector: Tensor
    rounding: float
    products: int
    batches: int


@dataclass(frozen=True, slots=True)
class Explained:
    """How much of the difference d = theta_TA - theta_MT the term -alpha eta^2 C is.

    share: 1 - ||d + alpha eta^2 C|| / ||d||; NaN where ||d|| is at most its rounding error.
    """

    share: float
    difference: float
    remainder: float
    rounding: float


def path_term(runs: TaskRuns) -> SecondOrder:
    """C along the multi-task run, from (k - 1) T products in batches; no matrix is formed."""
    tasks, steps = runs.tasks, runs.steps
    total, batches = torch.zeros_like(runs.start), 0
    drifts = _residuals(runs.alpha, runs.slopes).cumsum(0)
    at_once = max(1, BATCH_ENTRIES // max(1, 4 * tasks.work))
    for begin in range(1, steps, at_once):
        end = min(begin + at_once, steps)
        points = (runs.start + runs.joint[begin:end])[:, None]
        total += tasks.products(points)(drifts[begin - 1 : end - 1]).sum((0, 1))
        batches += 1
    rounding = float(_path_error(runs, drifts).norm())
    return SecondOrder(total, rounding, tasks.count * max(0, steps - 1), batches)


def leading_term(runs: TaskRuns) -> SecondOrder:
    """The leading form k (k - 1)/2 sum_t Hess L_t(theta0) r_t(theta0), from T products in one batch."""
    factor = 0.5 * runs.steps * (runs.steps - 1)
    point, residuals = runs.start[None], _residuals(runs.alpha, runs.slopes[0])
    vector = factor * runs.tasks.products(point)(residuals).sum(0)
    slopes, absolute = runs.tasks.sizes(point)
    error = absolute(runs.tasks.units * residuals.abs() + _residual_errors(runs, slopes))
    return SecondOrder(vector, factor * float(error.sum(0).norm()), runs.tasks.count, 1)


def _residuals(alpha: float, slopes: Tensor) -> Tensor:
    """r_t = alpha sum_u g_u - g_t: `[..., T, P] -> [..., T, P]`."""
    return alpha * slopes.sum(-2, keepdim=True) - slopes


def _residual_errors(runs: TaskRuns, sizes: Tensor) -> Tensor:
    """Estimates of the errors of r_t from the sizes of what the gradients add up."""
    errors = runs.tasks.units * sizes
    return abs(runs.alpha) * errors.sum(-2, keepdim=True) + errors


def _path_error(runs: TaskRuns, drifts: Tensor) -> Tensor:
    """The error of C, from the sizes A and G of the terms at theta0, which the path is near.

    A product H R has its own error, u K A |R|, and that of R, under |H| <= A; R_t^(e) adds up e residuals.
    As A is linear, it is applied to the sum over e once.
    """
    slopes, absolute = runs.tasks.sizes(runs.start[None])
    own = runs.tasks.units * drifts[:-1].abs().sum(0)
    inside = 0.5 * runs.steps * (runs.steps - 1) * _residual_errors(runs, slopes)
    return absolute(own + inside).sum(0)


def explained(runs: TaskRuns, term: SecondOrder) -> Explained:
    """The share of theta_TA - theta_MT that -alpha eta^2 C explains."""
    difference = runs.difference
    size = float(difference.norm())
    remainder = float((difference + runs.alpha * runs.step_size**2 * term.vector).norm())
    rounding = runs.difference_rounding
    share = 1.0 - remainder / size if size > rounding else math.nan
    return Explained(share, size, remainder, rounding)
