"""Verdicts from a few steps and factorisations say what whole spectra say, or that they do not know."""

from __future__ import annotations

import math
from dataclasses import fields

import pytest
import torch

from numerics.curvature import hessians
from numerics.spectrum import (
    Verdicts,
    extremes,
    full_spectra,
    inertia,
    solve_shifted,
    upper_bound,
    verdict,
    verdicts,
    verdicts_of_spectra,
)
from proofs.network import Dense, Loss, Network

SIZE = 40


def with_spectra(spectra: torch.Tensor, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    q, _ = torch.linalg.qr(
        torch.randn(*spectra.shape, spectra.shape[-1], generator=generator, dtype=torch.float64)
    )
    tables = (q * spectra.unsqueeze(-2)) @ q.mT
    return 0.5 * (tables + tables.mT)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def network_hessians() -> torch.Tensor:
    network = Network.of(3, Dense(6), "tanh", Dense(5), "tanh", Dense(2))
    theta = normal(6, network.parameter_count)
    return hessians(network, Loss.MSE, theta, normal(12, 3, seed=1), normal(12, 2, seed=2))


def padded(values: list[float], fill: float) -> torch.Tensor:
    return torch.tensor([values + [fill] * (SIZE - len(values))] * 3, dtype=torch.float64)


MATRICES = {
    "random": with_spectra(normal(6, SIZE)),
    "decaying": with_spectra(3.0 * 0.7 ** torch.arange(SIZE, dtype=torch.float64).expand(4, SIZE)),
    "positive": with_spectra(normal(6, SIZE).abs()),
    "negative": with_spectra(-normal(6, SIZE).abs()),
    "low rank": with_spectra(padded([5.0, 2.0, 1.0, -0.5], 0.0)),
    "rank one": with_spectra(padded([4.0], 0.0)),
    "degenerate at the top": with_spectra(padded([4.0] * 5 + [1.0] * 3, 0.1)),
    "indefinite pairs": with_spectra(padded([3.0, -3.0, 2.0, -2.0], 0.25)),
    "close pair": with_spectra(padded([2.0, 2.0 - 1e-7, 1.0], 0.0)),
    "identity": torch.eye(SIZE, dtype=torch.float64).expand(2, -1, -1).contiguous(),
    "zero": torch.zeros(2, SIZE, SIZE, dtype=torch.float64),
    "one row": torch.tensor([[[2.0]], [[-2.0]]], dtype=torch.float64),
    "two rows": with_spectra(torch.tensor([[2.0, 1.0], [1.0, -1.0]], dtype=torch.float64)),
    "networks": network_hessians(),
}
# 1/eta beside the largest |eigenvalue|.
LEVELS = (0.0371, 0.11, 0.31, 0.47, 0.93, 1.0003, 1.3)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def by_device_route(matrices: torch.Tensor, rates: torch.Tensor) -> Verdicts:
    """The batched route that matrices on a device take."""
    return verdict._part(matrices, rates, generator(), 1e-3, torch.zeros_like(rates))


ROUTES = {
    "with determinants": lambda m, e: verdicts(m, e, generator()),
    "without determinants": lambda m, e: verdicts(m, e, generator(), determinants=False),
    "batched": by_device_route,
}


def level_of(matrices: torch.Tensor, level: float) -> torch.Tensor:
    norms = torch.linalg.eigvalsh(matrices).abs().amax(-1)
    return 1.0 / (level * torch.where(norms > 0, norms, 1.0))


@pytest.mark.parametrize("route", sorted(ROUTES))
@pytest.mark.parametrize("name", sorted(MATRICES))
def test_verdicts_agree_with_those_of_whole_spectra(name: str, route: str) -> None:
    matrices = MATRICES[name]
    spectra = full_spectra(matrices)
    for level in LEVELS:
        rates = level_of(matrices, level)
        found, expected = ROUTES[route](matrices, rates), verdicts_of_spectra(spectra, rates)
        for field in ("above_1", "above_2", "sign"):
            ours, theirs = getattr(found, field).long(), getattr(expected, field).long()
            assert torch.equal(ours, theirs), (level, field, ours, theirs)
        for field in ("largest", "distance"):
            away = (getattr(found, field) - getattr(expected, field)).abs()
            # Residuals do not tell eigenvalues apart that differ by less than what they show.
            reach = (
                getattr(found, f"{field}_error") + spectra.error + (1e-7 if name == "close pair" else 1e-12)
            )
            assert (away <= reach).all(), (level, field, away, reach)
        known = ~torch.isnan(found.log_abs_det)
        away = (found.log_abs_det - expected.log_abs_det).abs()
        assert (away <= found.log_abs_det_error + expected.log_abs_det_error)[known].all(), level


@pytest.mark.parametrize("route", ["with determinants", "batched"])
def test_determinants_are_given_where_an_eigenvalue_is_above(route: str) -> None:
    for name, matrices in MATRICES.items():
        found = ROUTES[route](matrices, level_of(matrices, 0.31))
        where = found.above_1 > 0
        assert torch.isfinite(found.log_abs_det[where]).all(), name
        assert (found.log_abs_det_error[where] < 1e-6).all(), name


@pytest.mark.parametrize("route", sorted(ROUTES))
@pytest.mark.parametrize("name", ["random", "low rank", "degenerate at the top", "close pair", "networks"])
def test_an_eigenvalue_at_a_threshold_is_undecided_and_never_miscounted(name: str, route: str) -> None:
    matrices = MATRICES[name]
    spectra = full_spectra(matrices)
    for number in (-1, -2):
        for factor in (1.0, 2.0):
            top = spectra.values[:, number]
            rates = factor / top
            kept = top > 0.0
            found = ROUTES[route](matrices[kept], rates[kept])
            field = "above_1" if factor == 1.0 else "above_2"
            assert (getattr(found, field) == -1).all(), (number, factor, getattr(found, field))
            if factor == 1.0:
                assert (found.sign == 0).all()
                assert (found.distance <= found.distance_error + spectra.error[kept]).all()


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_counts_beside_a_threshold_are_right_or_undecided(route: str) -> None:
    matrices = MATRICES["networks"]
    spectra = full_spectra(matrices)
    decided = 0
    for exponent in range(-15, -3, 2):
        for side in (1.0, -1.0):
            rates = 1.0 / (spectra.values[:, -1] * (1.0 + side * 10.0**exponent))
            found = ROUTES[route](matrices, rates)
            truth = torch.full_like(found.above_1, 0 if side > 0 else 1)
            assert ((found.above_1 == truth) | (found.above_1 == -1)).all(), (exponent, side, found.above_1)
            decided += int((found.above_1 == truth).sum()) if exponent >= -9 else 0
    assert decided == 2 * 3 * len(matrices)


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_matrices_that_are_not_finite_are_undecided(route: str) -> None:
    matrices = MATRICES["random"].clone()
    matrices[1, 3, 4] = matrices[1, 4, 3] = math.nan
    matrices[2, 0, 0] = math.inf
    found = ROUTES[route](matrices, level_of(MATRICES["random"], 0.6))
    broken = torch.tensor([False, True, True, False, False, False])
    assert (found.above_1[broken] == -1).all() and (found.above_2[broken] == -1).all()
    assert (found.sign[broken] == 0).all() and torch.isnan(found.largest[broken]).all()
    assert torch.isinf(found.largest_error[broken]).all()
    assert (found.above_1[~broken] >= 0).all() and torch.isfinite(found.largest[~broken]).all()


def test_members_and_threads_do_not_matter() -> None:
    matrices = torch.cat((MATRICES["random"], MATRICES["low rank"], MATRICES["identity"]))
    rates = level_of(matrices, 0.37)
    whole = verdicts(matrices, rates, generator(), threads=2)
    for index in range(len(matrices)):
        alone = verdicts(matrices[index : index + 1], rates[index : index + 1], generator(), threads=1)
        for field in fields(Verdicts):
            both = getattr(whole, field.name)[index : index + 1], getattr(alone, field.name)
            torch.testing.assert_close(*both, rtol=0.0, atol=0.0, equal_nan=True)


def test_a_step_size_of_zero_has_no_eigenvalues_above_its_thresholds() -> None:
    matrices = MATRICES["random"]
    found = verdicts(matrices, torch.zeros(len(matrices), dtype=torch.float64), generator())
    assert (found.above_1 == 0).all() and (found.above_2 == 0).all() and (found.sign == 1).all()


@pytest.mark.parametrize("name", sorted(MATRICES))
def test_upper_bounds_are_valid_at_every_step_and_tight_when_the_run_has_converged(name: str) -> None:
    matrices = MATRICES[name]
    batch, size = matrices.shape[:2]
    truth = torch.linalg.eigvalsh(matrices)
    norms = torch.linalg.matrix_norm(matrices)
    for steps in (2, 3, 5, 10, 20, 39):
        found = extremes(
            lambda v: (matrices @ v.unsqueeze(-1)).squeeze(-1), (batch, size), generator=generator(),
            tolerance=1e-14, max_steps=steps, copies=False,
        )  # fmt: skip
        bound = upper_bound(found, norms)
        assert (bound >= truth[:, -1]).all(), (steps, bound - truth[:, -1])
        if steps == 39 and name in ("decaying", "low rank", "rank one", "close pair", "networks"):
            assert (bound <= truth[:, -1] + 1e-5 * norms).all(), bound - truth[:, -1]


@pytest.mark.parametrize("name", sorted(MATRICES))
def test_inertia_counts_and_determinants_agree_with_eigenvalues(name: str) -> None:
    matrices = MATRICES[name]
    truth = torch.linalg.eigvalsh(matrices)
    norms = truth.abs().amax(-1).clamp(min=1e-3)
    for level in (-1.37, -0.52, -0.0913, 0.0271, 0.31, 0.71, 1.42):
        shifts = level * norms
        found = inertia(matrices, shifts)
        beyond = truth - shifts[:, None]
        assert (beyond.abs().amin(-1) > found.error).all()
        assert torch.equal(found.above, (beyond > 0).sum(-1)), level
        torch.testing.assert_close(found.log_abs_det, beyond.abs().log().sum(-1), rtol=1e-9, atol=1e-8)
        right = normal(len(matrices), matrices.shape[-1], 2, seed=3)
        solved = solve_shifted(found, right)
        back = matrices @ solved - shifts[:, None, None] * solved
        torch.testing.assert_close(back, right, rtol=1e-9, atol=1e-9)
