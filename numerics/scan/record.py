"""What is recorded of a batch of runs at one step."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from numerics.metering import product
from numerics.objective import Objective
from numerics.spectrum import Verdicts, extremes, full_spectra, verdicts, verdicts_of_spectra

from .plan import Mode, Plan

__all__ = ["record"]

# Numbers in the Hessians that are held at once: on the CPU 16 MiB, on a device 4 GiB.
HESSIAN_ENTRIES = {"cpu": 1 << 21, "cuda": 1 << 29}
# Hessian-vector products by the other route, with which assembled Hessians are compared, and how much
# larger than what they show the error is taken to be.
PROBES, CAUTION = 2, 10.0


def record(objective: Objective, plan: Plan, theta: Tensor, step_sizes: Tensor) -> dict[str, Tensor]:
    """The recorded quantities: `[B, P], [B] -> {name: [B, ...]}`; step sizes with the schedule's factor.

    Rows of theta must be finite.  A step size 0 (the end of a schedule) has no thresholds: counts are
    then 0 and the sign is 1.
    """
    slope = objective.gradients(theta)
    if plan.optimiser.weight_decay:
        slope = slope + plan.optimiser.weight_decay * theta
    found = {
        "loss": objective.losses(theta),
        "gradient_norm": slope.norm(dim=-1),
        "kink_distance": objective.kink_distances(theta),
    }
    match plan.mode:
        case Mode.full | Mode.verdict:
            return found | _of_hessians(objective, plan, theta, step_sizes)
        case Mode.extreme:
            return found | _of_products(objective, plan, theta, step_sizes)
        case Mode.none:
            return found


def _of_hessians(objective: Objective, plan: Plan, theta: Tensor, step_sizes: Tensor) -> dict[str, Tensor]:
    size = theta.shape[-1]
    rows = max(1, HESSIAN_ENTRIES[theta.device.type] // size**2)
    parts = [
        _part(objective, plan, theta[start : start + rows], step_sizes[start : start + rows])
        for start in range(0, len(theta), rows)
    ]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _part(objective: Objective, plan: Plan, theta: Tensor, step_sizes: Tensor) -> dict[str, Tensor]:
    matrices = objective.hessians(theta)
    if plan.optimiser.weight_decay:
        torch.diagonal(matrices, dim1=-2, dim2=-1).add_(plan.optimiser.weight_decay)
    rounding = _assembly_error(objective, plan, theta, matrices)
    if plan.mode is not Mode.full:
        found = verdicts(
            matrices.double(), step_sizes.double(), _generator(plan), tolerance=plan.tolerance,
            determinants=False, threads=1, noise=rounding,
        )  # fmt: skip
        return _named(found)
    spectra = full_spectra(matrices, threads=1)
    spectra = type(spectra)(spectra.values.double(), spectra.error.double() + rounding)
    named = _named(verdicts_of_spectra(spectra, step_sizes.double()))
    return named | {"spectrum": spectra.values, "spectrum_error": spectra.error}


def _named(found: Verdicts) -> dict[str, Tensor]:
    return {
        "sharpness": found.largest,
        "sharpness_error": found.largest_error,
        "lambda_min": found.smallest,
        "lambda_min_error": found.smallest_error,
        "above_1_over_eta": found.above_1,
        "above_2_over_eta": found.above_2,
        "distance": found.distance,
        "distance_error": found.distance_error,
        "det_sign": found.sign,
        "log_abs_det": found.log_abs_det,
        "log_abs_det_error": found.log_abs_det_error,
    }


def _assembly_error(objective: Objective, plan: Plan, theta: Tensor, matrices: Tensor) -> Tensor:
    """What rounding does to the assembled Hessians: `[B]`, an estimate, and what is measured besides.

    The estimate is the objective's.  For a Gaussian v the mean of ||E v||^2 is ||E||_F^2, where E is the
    difference of the assembled matrix and the map v -> H v of two passes.  The largest of the probes,
    times a factor.
    """
    operator = objective.products(theta)
    probes = torch.randn(PROBES, theta.shape[-1], generator=_generator(plan), dtype=torch.float64).to(theta)
    assembled = product(matrices, probes.mT)
    worst = theta.new_zeros(len(theta))
    for number, probe in enumerate(probes):
        v = probe.expand_as(theta)
        expected = operator(v) + plan.optimiser.weight_decay * v
        worst = torch.maximum(worst, (assembled[..., number] - expected).norm(dim=-1))
    return CAUTION * worst.double() + objective.rounding(theta).double()


def _of_products(objective: Objective, plan: Plan, theta: Tensor, step_sizes: Tensor) -> dict[str, Tensor]:
    operator, decay = objective.products(theta), plan.optimiser.weight_decay
    found = extremes(
        (lambda v: operator(v) + decay * v) if decay else operator,
        (theta.shape[0], theta.shape[1]), generator=_generator(plan),
        largest=plan.largest, smallest=plan.smallest, tolerance=plan.tolerance,
        dtype=theta.dtype, device=theta.device,
    )  # fmt: skip
    noise = objective.rounding(theta).double()[:, None]
    found = replace(
        found, largest_error=found.largest_error + noise, smallest_error=found.smallest_error + noise
    )
    rate = step_sizes.double()
    return {
        "sharpness": found.largest[:, 0],
        "sharpness_error": found.largest_error[:, 0],
        "lambda_min": found.smallest[:, 0],
        "lambda_min_error": found.smallest_error[:, 0],
        "above_1_over_eta": _count(found.largest, found.largest_error, 1.0 / rate, theta.shape[1]),
        "above_2_over_eta": _count(found.largest, found.largest_error, 2.0 / rate, theta.shape[1]),
        "largest": found.largest,
        "largest_error": found.largest_error,
        "smallest": found.smallest,
        "smallest_error": found.smallest_error,
    }


def _count(values: Tensor, errors: Tensor, threshold: Tensor, size: int) -> Tensor:
    """How many eigenvalues lie above, where the smallest known one is below; else -1."""
    level = threshold[:, None]
    unclear = (values - level).abs() <= errors
    all_above = values[:, -1] > threshold
    count = (values > level).sum(-1)
    cut_off = all_above & (values.shape[-1] < size)
    return count.masked_fill(unclear.any(-1) | cut_off | torch.isnan(values).any(-1), -1)


def _generator(plan: Plan) -> torch.Generator:
    return torch.Generator().manual_seed(plan.seed % 2**63)
