"""The second-order term as it is written, a product for every (t, e, m): the reference of `second_order`."""

from __future__ import annotations

import torch
from torch import Tensor

from .runs import TaskRuns

__all__ = ["naive_path_term"]


def naive_path_term(runs: TaskRuns, *, cached: bool = False) -> tuple[Tensor, int]:
    """sum_t sum_{e=1}^{k-1} sum_{m<e} Hess L_t(theta_MT^(e)) r_t(theta_MT^(m)), `[P]`.

    Args:
        runs: the runs of the tasks.
        cached: linearise L_t once for every (t, e) instead of every (t, e, m).

    Returns:
        The sum and the number T k (k - 1)/2 of products.
    """
    total, count = torch.zeros_like(runs.start), 0
    for number, objective in enumerate(runs.tasks.objectives):
        for later in range(1, runs.steps):
            point = (runs.start + runs.joint[later])[None]
            product = objective.products(point)
            for earlier in range(later):
                residual = runs.alpha * runs.slopes[earlier].sum(0) - runs.slopes[earlier, number]
                product = product if cached else objective.products(point)
                total = total + product(residual[None])[0]
                count += 1
    return total, count
