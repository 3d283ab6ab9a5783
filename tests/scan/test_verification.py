"""The arrays of a scan against slow loops, closed forms and invariants."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from numerics.dynamics import Momentum, Optimiser, epoch_order
from numerics.objective import NetworkObjective
from numerics.reference import reference_gradient, reference_hessian, reference_loss
from numerics.scan import Here, Mode, Store, run_plan
from proofs.network import Dense, Loss, Network
from tests.scan.conftest import objective_of_seed, plan_of, starts_of


def arrays_of(directory) -> dict[str, np.ndarray]:
    return {path.stem: np.load(path) for path in directory.glob("*.npy")}


def trajectory(objective, theta, eta, steps, decay=0.0):
    """Plain gradient descent of one run by autograd: parameters after every step."""
    points = [theta]
    for _ in range(steps):
        slope = reference_gradient(objective.network, objective.loss, points[-1], objective.x, objective.y)
        points.append(points[-1] - eta * (slope + decay * points[-1]))
    return points


NETWORKS = {
    "tanh": Network.of(2, Dense(3), "tanh", Dense(2)),
    "relu": Network.of(2, Dense(4), "relu", Dense(1)),
    "deep": Network.of(1, Dense(2), "softplus", Dense(2), "tanh", Dense(1, bias=False)),
}


@pytest.mark.parametrize("name", list(NETWORKS))
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_every_recorded_number_is_that_of_a_plain_loop(name, decay, run) -> None:
    objective = objective_of_seed(NETWORKS[name])
    plan = plan_of(objective, step_sizes=(0.05, 0.4), steps=8, optimiser=Optimiser(weight_decay=decay))
    found = arrays_of(run(objective, plan))
    starts = torch.from_numpy(starts_of(objective, plan))
    recorded = [field.name for field in plan.fields if field.per_record]
    for e, eta in enumerate(plan.step_sizes):
        for s in range(plan.seeds):
            points = trajectory(objective, starts[s], eta, plan.steps, decay)
            for t, step in enumerate(plan.record_steps):
                here = {name: found[name][e, s, t] for name in recorded}
                compare(objective, here, points[step], eta, decay)
            np.testing.assert_allclose(found["final_parameters"][e, s], points[-1], rtol=1e-9, atol=1e-11)


def compare(objective, found, theta, eta, decay) -> None:
    network, loss, x, y = objective.network, objective.loss, objective.x, objective.y
    hessian = reference_hessian(network, loss, theta, x, y) + decay * torch.eye(
        len(theta), dtype=torch.float64
    )
    values = torch.linalg.eigvalsh(hessian).numpy()
    slope = reference_gradient(network, loss, theta, x, y) + decay * theta
    sign, logarithm = torch.linalg.slogdet(torch.eye(len(theta), dtype=torch.float64) - eta * hessian)
    error = found["spectrum_error"] + 1e-12
    np.testing.assert_allclose(found["loss"], reference_loss(network, loss, theta, x, y), rtol=1e-9)
    np.testing.assert_allclose(found["gradient_norm"], slope.norm(), rtol=1e-9, atol=1e-12)
    assert np.abs(found["spectrum"] - values).max() <= error
    assert error <= 1e-9 * max(1.0, np.abs(values).max())
    np.testing.assert_allclose(found["sharpness"], values[-1], atol=1e-9)
    np.testing.assert_allclose(found["lambda_min"], values[0], atol=1e-9)
    assert found["above_1_over_eta"] == (values > 1 / eta).sum()
    assert found["above_2_over_eta"] == (values > 2 / eta).sum()
    np.testing.assert_allclose(found["distance"], np.abs(values - 1 / eta).min(), atol=1e-9)
    assert found["det_sign"] == sign
    assert abs(found["log_abs_det"] - logarithm) <= found["log_abs_det_error"] + 1e-9
    np.testing.assert_allclose(found["spectrum"].sum(), torch.trace(hessian), atol=1e-9)
    np.testing.assert_allclose(
        np.square(found["spectrum"]).sum(), hessian.square().sum(), rtol=1e-9, atol=1e-9
    )


def test_linear_regression_has_the_spectrum_of_its_covariance(run) -> None:
    """L = ||X w - y||^2 / 2N has the Hessian X^T X / N everywhere, and a run contracts by I - eta H."""
    objective = objective_of_seed(Network.of(3, Dense(1, bias=False)))
    covariance = (objective.x.mT @ objective.x / len(objective.x)).numpy()
    exact = np.linalg.eigvalsh(covariance)
    plan = plan_of(objective, step_sizes=(0.2, 0.9 * 2 / exact[-1], 1.1 * 2 / exact[-1]), steps=40, every=10)
    found = arrays_of(run(objective, plan))
    assert np.abs(found["spectrum"] - exact).max() <= found["spectrum_error"].max()
    best = np.linalg.lstsq(objective.x.numpy(), objective.y.numpy()[:, 0], rcond=None)[0]
    starts = starts_of(objective, plan)
    for e, eta in enumerate(plan.step_sizes):
        contraction = np.linalg.matrix_power(np.eye(3) - eta * covariance, plan.steps)
        expected = best + (starts - best) @ contraction
        np.testing.assert_allclose(found["final_parameters"][e], expected, rtol=1e-9)
    assert (found["above_2_over_eta"][2] == 1).all() and (found["above_2_over_eta"][:2] == 0).all()
    assert (found["loss"][2, :, -1] > found["loss"][2, :, 0]).all()


def test_a_deep_linear_chain_has_its_known_spectrum_at_a_minimum(tmp_path) -> None:
    """f(x) = w3 w2 w1 x with w1 = w2 = w3 = 1 and y = x: H = mean(x^2) g g^T with g = (1, 1, 1)."""
    network = Network.of(1, Dense(1, bias=False), Dense(1, bias=False), Dense(1, bias=False))
    x = torch.tensor([[1.0], [2.0], [-1.0]], dtype=torch.float64)
    objective = NetworkObjective(network, Loss.HALF_MSE, x, x)
    plan = plan_of(objective, step_sizes=(1 / 12, 1 / 6, 1 / 3 + 0.01), seeds=1, steps=3, every=3)
    store = Store.open(tmp_path / "scan", plan)
    run_plan(objective, np.ones((1, 3)), store, Here())
    store.close()
    found = arrays_of(tmp_path / "scan")
    exact = np.array([0.0, 0.0, 6.0])
    assert np.abs(found["spectrum"] - exact).max() <= found["spectrum_error"].max() <= 1e-11
    # At eta = 1/6 the determinant is 0: the sign is undecided, and so is the count above 1/eta.
    assert found["det_sign"][:, 0, 0].tolist() == [1, 0, -1]
    assert found["above_1_over_eta"][:, 0, 0].tolist() == [0, -1, 1]
    assert found["above_2_over_eta"][:, 0, 0].tolist() == [0, 0, 1]


@pytest.mark.parametrize("mode", [Mode.extreme, Mode.verdict])
def test_the_other_modes_agree_with_whole_spectra(mode, run) -> None:
    objective = objective_of_seed(Network.of(2, Dense(6), "tanh", Dense(2)), samples=20)
    changes = {"step_sizes": (0.1, 0.7, 1.5, 3.0), "steps": 40, "every": 8}
    full = arrays_of(run(objective, plan_of(objective, **changes)))
    other = arrays_of(run(objective, plan_of(objective, mode=mode, largest=3, smallest=2, **changes)))
    for end in ("sharpness", "lambda_min"):
        difference = np.abs(full[end] - other[end])
        assert np.nanmax(difference - other[f"{end}_error"] - full[f"{end}_error"]) <= 0.0
    for name in ("above_1_over_eta", "above_2_over_eta", "det_sign"):
        if name not in other:
            continue
        undecided = 0 if name == "det_sign" else -1
        decided = other[name] != undecided
        assert (other[name][decided] == full[name][decided]).all()
        assert decided.mean() >= 0.4
    if mode is Mode.extreme:
        np.testing.assert_allclose(other["largest"], full["spectrum"][..., :-4:-1], atol=1e-5)
        np.testing.assert_allclose(other["smallest"], full["spectrum"][..., :2], atol=1e-5)


def test_a_diverged_run_is_recorded_and_leaves_the_others_alone(run) -> None:
    objective = objective_of_seed(Network.of(2, Dense(1)))
    plan = plan_of(objective, step_sizes=(0.1, 80.0), steps=60)
    found = arrays_of(run(objective, plan))
    assert (found["diverged_at"][0] == -1).all()
    assert ((found["diverged_at"][1] > 0) & (found["diverged_at"][1] < 60)).all()
    points = trajectory(objective, torch.from_numpy(starts_of(objective, plan)[0]), 80.0, 60)
    first = next(t for t, p in enumerate(points) if not bool(p.abs().max() <= 1e12))
    assert found["diverged_at"][1, 0] == first
    later = np.array(plan.record_steps) >= first
    assert np.isnan(found["loss"][1, 0, later]).all() and np.isfinite(found["loss"][1, 0, ~later]).all()
    assert (found["above_2_over_eta"][1, 0, later] == -1).all()
    alone = arrays_of(run(objective, plan_of(objective, step_sizes=(0.1,), steps=60)))
    np.testing.assert_array_equal(alone["loss"][0], found["loss"][0])


def test_momentum_and_mini_batches_follow_a_plain_loop(run) -> None:
    objective = objective_of_seed()
    rule = Optimiser(Momentum.heavy_ball, 0.8, batch=5)
    plan = plan_of(objective, step_sizes=(0.1,), steps=9, optimiser=rule, mode=Mode.none)
    found = arrays_of(run(objective, plan))
    for s, theta in enumerate(torch.from_numpy(starts_of(objective, plan))):
        velocity = torch.zeros_like(theta)
        for step in range(plan.steps):
            epoch, index = divmod(step, len(objective.x) // 5)
            rows = epoch_order(len(objective.x), plan.seeds, epoch, plan.seed)[s, 5 * index : 5 * index + 5]
            slope = reference_gradient(
                objective.network, objective.loss, theta, objective.x[rows], objective.y[rows]
            )
            velocity = 0.8 * velocity - 0.1 * slope
            theta = theta + velocity
        np.testing.assert_allclose(found["final_parameters"][0, s], theta, rtol=1e-9, atol=1e-12)


def test_an_assembly_that_is_wrong_shows_in_the_error(run, monkeypatch) -> None:
    objective = objective_of_seed()
    right = type(objective).hessians

    def wrong(self, theta, *, lower=False):
        found = right(self, theta, lower=lower)
        found[:, 3, 2] += 1e-3
        return found

    monkeypatch.setattr(type(objective), "hessians", wrong)
    found = arrays_of(run(objective, plan_of(objective)))
    finite = np.isfinite(found["sharpness"])
    assert (found["sharpness_error"][finite] > 1e-4).all()


def test_errors_of_single_precision_cover_double_precision(run) -> None:
    objective = objective_of_seed(Network.of(3, Dense(4), "tanh", Dense(2)), samples=20)
    for mode in (Mode.full, Mode.extreme, Mode.verdict):
        plan = plan_of(objective, mode=mode, dtype="float32", tolerance=1e-3, steps=4, every=4)
        found = arrays_of(run(objective, plan))
        for e in range(2):
            for s in range(plan.seeds):
                theta = torch.from_numpy(found["final_parameters"][e, s])
                values = torch.linalg.eigvalsh(objective.hessians(theta[None]))[0]
                for name, value in (("sharpness", values[-1]), ("lambda_min", values[0])):
                    off = abs(found[name][e, s, -1] - float(value))
                    assert off <= found[f"{name}_error"][e, s, -1], (mode, name)


def test_errors_in_the_assembly_make_counts_undecided(run, monkeypatch) -> None:
    objective = objective_of_seed()
    right = type(objective).hessians

    def wrong(self, theta, *, lower=False):
        return right(self, theta, lower=lower) * 1.01

    sharpness = arrays_of(run(objective, plan_of(objective)))["sharpness"][0, 0, 0]
    monkeypatch.setattr(type(objective), "hessians", wrong)
    for mode in (Mode.full, Mode.verdict):
        rates = (1 / (1.005 * sharpness), 2 / (1.005 * sharpness))
        found = arrays_of(run(objective, plan_of(objective, mode=mode, step_sizes=rates)))
        assert found["above_1_over_eta"][0, 0, 0] == -1 and found["det_sign"][0, 0, 0] == 0
        assert found["above_2_over_eta"][1, 0, 0] == -1
