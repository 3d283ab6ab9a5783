from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from numerics.activations import apply, distance_to_kinks
from numerics.dynamics._compiled import array_reading
from numerics.dynamics.orbits import orbits
from numerics.errors import NumericsError
from numerics.evaluate import mean_loss
from proofs.kernel.univariate import Univariate, argument, call, constant, number_pi, piecewise
from proofs.network import CATALOGUE, Dense, Loss, Network, activation

TOY = Network.of(1, Dense(1, bias=False), "relu", Dense(1, bias=False))
# log(2 + t^2) + pi on the right and 1/5 on the left of 1, with a value of its own at the kink.
OWN = piecewise(
    "own", {}, [1], [constant(Fraction(1, 5)), call("log", constant(2) + argument().power(2)) + number_pi()],
    {Fraction(1): Fraction(7)},
)  # fmt: skip
ACTIVATIONS = {**{name: activation(name) for name in CATALOGUE}, "own": OWN}


def autograd_orbit(network, loss, x, y, start, rate, steps, momentum=0.0, nesterov=False, decay=0.0):
    """The points after every step, `[steps, P]`, each gradient by torch's autograd."""
    theta, velocity, found = start.clone(), torch.zeros_like(start), []
    for _ in range(steps):
        point = (theta + momentum * velocity * nesterov).requires_grad_()
        gradient = (
            torch.autograd.grad(mean_loss(network, loss, point, x, y), point)[0] + decay * point.detach()
        )
        velocity = momentum * velocity - rate * gradient
        theta = theta + velocity
        found.append(theta)
    return torch.stack(found)


def drawn(network: Network, loss: Loss, samples: int, runs: int, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64)  # noqa: E731
    targets = draw(samples, network.output_dim)
    y = targets.softmax(-1) if loss.has_range else targets
    starts = draw(runs, network.parameter_count)
    rates = torch.linspace(0.01, 0.2, runs, dtype=torch.float64)
    return draw(samples, network.input_dim), y, starts, rates


PLAIN = {}
CASES = {
    "toy": (TOY, Loss.HALF_MSE, 1, PLAIN),
    "deep chain": (
        Network.of(1, Dense(1), "tanh", Dense(1), "softplus", Dense(1, bias=False)), Loss.MSE, 3,
        {"momentum": 0.7},
    ),
    "cross-entropy": (
        Network.of(2, Dense(3), "gelu", Dense(3)), Loss.CROSS_ENTROPY, 4, {"weight_decay": 0.1},
    ),
    "huber": (
        Network.of(2, Dense(2, bias=False), "silu", "hardtanh", Dense(2)), Loss.huber(Fraction(1, 2)), 5,
        {"momentum": 0.5, "nesterov": True, "weight_decay": 0.05},
    ),
    "bce after an activation": (
        Network.of(3, "sin", Dense(2), "elu"), Loss.BCE, 1, {"momentum": 0.9, "nesterov": True},
    ),
    "63 parameters": (Network.of(5, Dense(7), "sigmoid", Dense(3, bias=False)), Loss.HALF_MSE, 6, PLAIN),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_short_orbits_agree_with_autograd(name: str) -> None:
    network, loss, samples, options = CASES[name]
    x, y, starts, rates = drawn(network, loss, samples, 5)
    found = orbits(network, loss, x, y, starts, rates, steps=6, keep=6, **options)
    options = {"decay" if key == "weight_decay" else key: value for key, value in options.items()}
    for start, rate, points in zip(starts, rates, found.points, strict=True):
        expected = autograd_orbit(network, loss, x, y, start, float(rate), 6, **options)
        np.testing.assert_allclose(points, expected.numpy(), rtol=1e-12, atol=1e-12)
    assert (found.diverged_at == -1).all()


def sample_points(function: Univariate) -> np.ndarray:
    generator = np.random.default_rng(1)
    unit = math.pi if function.in_pi else 1.0
    kinks = [float(kink) * unit for kink in function.kinks]
    spread, near, far = (generator.uniform(-size, size, 700) for size in (6.0, 1e-7, 700.0))
    beside = [np.nextafter(kinks, side) for side in (-np.inf, np.inf)]
    return np.concatenate([spread, near, far, kinks, *beside, [0.0, np.nan]])


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_the_compiled_reading_is_the_torch_reading(name: str) -> None:
    function = ACTIVATIONS[name]
    z = sample_points(function)
    for order, found in enumerate(array_reading(function)(z)):
        expected = apply(function, order, torch.from_numpy(z)).numpy()
        # At NaN a slope may be that of the last piece.
        where = slice(None) if order == 0 else ~np.isnan(z)
        np.testing.assert_allclose(found[where], expected[where], rtol=1e-13, atol=1e-13)


def test_every_kink_and_its_neighbours_are_among_the_points() -> None:
    for function in ACTIVATIONS.values():
        z = torch.from_numpy(sample_points(function))
        kinks = len(function.kinks)
        assert int((distance_to_kinks(function, z) < 1e-14).sum()) >= kinks


def test_hyperbolic_tangents_are_exact_near_zero_and_one_far_out() -> None:
    z = np.array([1e-300, 1e-20, 1e-9, 1e-3, 0.3, 20.0, 22.0, 1e3, np.inf, -np.inf])
    found = array_reading(activation("tanh"))(z)[0]
    np.testing.assert_allclose(found, np.tanh(z), rtol=1e-15)


def test_a_linear_model_contracts_by_one_minus_step_size_times_sharpness() -> None:
    # L = (w x - y)^2 / 2 has the sharpness x^2, so w_t - y/x = (1 - eta x^2)^t (w_0 - y/x).
    network = Network.of(1, Dense(1, bias=False))
    rates = np.linspace(0.0, 0.49, 50)
    starts = np.full((50, 1), 3.0)
    data = np.array([[2.0]]), np.array([[1.0]])
    found = orbits(network, Loss.HALF_MSE, *data, starts, rates, steps=20, keep=21)
    expected = 0.5 + 2.5 * (1.0 - 4.0 * rates[:, None]) ** np.arange(21)
    np.testing.assert_allclose(found.points[:, :, 0], expected, rtol=1e-13, atol=1e-13)


def test_the_toy_model_stays_on_its_cycle_of_period_two() -> None:
    # From u = v = s > 0 and x = 1 a step leads to s (1 - eta (s^2 - y)).  On a cycle s -> t -> s the sum of
    # both equations gives s^2 - s t + t^2 = y and their difference s^2 + s t + t^2 = y + 2/eta.
    rate, y = 1.2, 1.0
    product, squares = 1.0 / rate, y + 1.0 / rate
    s = math.sqrt((squares + math.sqrt(squares**2 - 4.0 * product**2)) / 2.0)
    data = np.ones((1, 1)), np.full((1, 1), y)
    found = orbits(TOY, Loss.HALF_MSE, *data, np.array([[s, s]]), np.array([rate]), steps=400, keep=4)
    cycle = [product / s, s, product / s, s]
    np.testing.assert_allclose(found.points[0], np.stack([cycle, cycle], axis=1), rtol=1e-14)


def test_every_kept_step_of_a_chaotic_orbit_is_a_step() -> None:
    # Rounding errors grow along such an orbit, so each kept point is compared with one step from the last.
    side = math.sqrt(3.53)
    rates = torch.linspace(0.3, 0.41, 40, dtype=torch.float64)
    x = y = torch.tensor([[side]], dtype=torch.float64)
    starts = torch.tensor([[0.9, 1.1]], dtype=torch.float64).expand(40, 2)
    found = orbits(TOY, Loss.HALF_MSE, x, y, starts, rates, steps=1000, keep=200)
    points = torch.from_numpy(found.points.copy())
    assert int((points[:, -1] - points[:, -3]).abs().amax(-1).gt(1e-3).sum()) > 5
    u, v = points[:, :-1].unbind(-1)
    residual, open_ = v * torch.relu(u * side) - side, (u * side >= 0).double()
    step = torch.stack([residual * v * open_ * side, residual * torch.relu(u * side)], -1)
    expected = points[:, :-1] - rates[:, None, None] * step
    torch.testing.assert_close(points[:, 1:], expected, rtol=1e-13, atol=1e-13)


def test_numbers_depend_neither_on_the_place_in_a_block_nor_on_threads() -> None:
    network, loss, samples, options = CASES["cross-entropy"]
    x, y, starts, rates = drawn(network, loss, samples, 37)
    rates = 20.0 * rates
    run = lambda choice, **more: orbits(  # noqa: E731
        network, loss, x, y, starts[choice], rates[choice], steps=300, keep=3, **options, **more
    )
    all_, shifted = run(slice(None), threads=1), run(slice(5, None), threads=1)
    np.testing.assert_array_equal(all_.points[5:], shifted.points)
    reverse = list(range(36, -1, -1))
    np.testing.assert_array_equal(all_.points[::-1], run(reverse, threads=1).points)
    for threads in (2, 3, 64):
        np.testing.assert_array_equal(all_.points, run(slice(None), threads=threads).points)


@pytest.mark.parametrize("keep", [1, 40, 400])
def test_the_first_step_that_is_not_finite_is_found(keep: int) -> None:
    # w -> (1 - eta) w with |1 - eta| = 10^k passes the largest double, 1.8e308, from 1 after 309 / k steps.
    network = Network.of(1, Dense(1, bias=False))
    factors = np.array([10.0, 1e3, 1.0, 1e200, 10.0])
    starts = np.array([[1.0], [-1.0], [1.0], [1.0], [np.nan]])
    data = np.ones((1, 1)), np.zeros((1, 1))
    found = orbits(network, Loss.HALF_MSE, *data, starts, 1.0 + factors, steps=400, keep=keep)
    assert found.diverged_at.tolist() == [309, 103, -1, 2, 1]
    last = found.points[:, -1, 0]
    assert np.isfinite(last).tolist() == [False, False, True, False, False]
    if keep == 400:
        firsts = [int(np.argmin(np.isfinite(run))) for run in found.points[[0, 1, 3, 4], :, 0]]
        assert firsts == [308, 102, 1, 0]


def test_a_parameter_that_diverges_alone_is_found() -> None:
    # At x = 0 only the bias moves: b -> -10 b.  Its last finite gradient leaves the weight as it is.
    data = np.zeros((1, 1)), np.zeros((1, 1))
    starts, rates = np.ones((1, 2)), np.array([11.0])
    found = orbits(Network.of(1, Dense(1)), Loss.HALF_MSE, *data, starts, rates, steps=309, keep=1)
    assert found.diverged_at.tolist() == [309]
    assert np.isfinite(found.points[0, 0]).tolist() == [True, False]


def test_an_output_that_is_not_a_number_is_divergence_for_a_loss_with_bounded_slopes() -> None:
    # log(-1) is not a number, though its slope 1/(-1) and both slopes of huber are.
    network = Network.of(1, Dense(1, bias=False), piecewise("log", {}, [], [call("log")]))
    ones = np.ones((1, 1))
    found = orbits(network, Loss.huber(), ones, ones, -ones, np.array([0.1]), steps=2, keep=1)
    assert found.diverged_at.tolist() == [1]


@pytest.mark.parametrize("order", [1, -1])
def test_large_logits_do_not_overflow(order: int) -> None:
    network = Network.of(1, Dense(3, bias=False))
    starts = torch.tensor([[2000.0, 1000.0, -3000.0][::order]], dtype=torch.float64)
    x, y = torch.ones(1, 1, dtype=torch.float64), torch.tensor([[0.2, 0.3, 0.5]], dtype=torch.float64)
    rates = torch.ones(1, dtype=torch.float64)
    found = orbits(network, Loss.CROSS_ENTROPY, x, y, starts, rates, steps=3, keep=3)
    expected = autograd_orbit(network, Loss.CROSS_ENTROPY, x, y, starts[0], 1.0, 3)
    np.testing.assert_allclose(found.points[0], expected.numpy(), rtol=1e-14)


def test_diverging_neighbours_change_nothing() -> None:
    network = Network.of(1, Dense(1, bias=False), Dense(1, bias=False))
    x, y, starts, rates = drawn(network, Loss.HALF_MSE, 1, 30)
    alone = orbits(network, Loss.HALF_MSE, x, y, starts, rates, steps=500, keep=7)
    rates[3::4] = 50.0
    mixed = orbits(network, Loss.HALF_MSE, x, y, starts, rates, steps=500, keep=7)
    kept = [k for k in range(30) if k % 4 != 3]
    assert (mixed.diverged_at[3::4] > 0).all()
    np.testing.assert_array_equal(alone.points[kept], mixed.points[kept])


def test_the_right_piece_counts_at_a_kink() -> None:
    # At u = 0 relu has the slope 1 from the right: u moves by eta v y x.
    ones = np.ones((1, 1))
    found = orbits(TOY, Loss.HALF_MSE, ones, ones, np.array([[0.0, 2.0]]), np.array([0.1]), steps=1, keep=2)
    np.testing.assert_allclose(found.points[0], [[0.0, 2.0], [0.2, 2.0]])


def small(**changes: object) -> dict:
    ones = np.ones((1, 1))
    values = {
        "network": TOY, "loss": Loss.HALF_MSE, "x": ones, "y": ones, "starts": np.ones((2, 2)),
        "step_sizes": np.ones(2), "steps": 3, "keep": 2,
    }  # fmt: skip
    return values | changes


REFUSED = {
    "at most 64 parameters .* got 72 for 8-8 relu; take the steps with numerics.curvature": {
        "network": Network.of(8, Dense(8), "relu"), "x": np.ones((1, 8)), "y": np.ones((1, 8))
    },
    "at most 256 nodes .* got 301": {"network": Network.of(1, Dense(1), *["tanh"] * 299)},
    "at most 1024 samples .* got 1025": {"x": np.ones((1025, 1))},
    "at least one sample": {"x": np.ones((0, 1))},
    r"y of shape \(1, 1\) but got shape=\(2, 1\)": {"y": np.ones((2, 1))},
    r"starts of shape \(2, 2\) but got shape=\(2, 3\)": {"starts": np.ones((2, 3))},
    r"step_sizes of shape \(2,\) but got shape=\(2, 1\)": {"step_sizes": np.ones((2, 1))},
    "x as a float64 array but got float32; convert": {"x": torch.ones(1, 1)},
    "starts as a float64 array but got list": {"starts": [[1.0, 1.0]]},
    "steps as an integer >= 1 but got steps=0": {"steps": 0},
    "steps as an integer >= 1 but got steps=3.0": {"steps": 3.0},
    "keep from 1 to steps \\+ 1 = 4 but got keep=5": {"keep": 5},
    "momentum as a finite number >= 0 but got momentum=-1": {"momentum": -1.0},
    "weight_decay as a finite number": {"weight_decay": math.inf},
    "momentum > 0 with nesterov": {"nesterov": True},
    "threads >= 1": {"threads": 0},
}  # fmt: skip


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_does_not_fit_is_refused_in_a_sentence(sentence: str) -> None:
    with pytest.raises(NumericsError, match=sentence):
        orbits(**small(**REFUSED[sentence]))


def test_no_runs_give_empty_orbits() -> None:
    found = orbits(**small(starts=np.ones((0, 2)), step_sizes=np.ones(0)))
    assert found.points.shape == (0, 2, 2)
    assert found.diverged_at.shape == (0,)


@pytest.mark.parametrize("name", ["round", "triangle", "abs_sin"])
def test_a_periodic_function_has_no_compiled_value_at_infinity(name: str) -> None:
    values, _ = array_reading(activation(name))(np.array([np.inf, -np.inf, 1e300]))
    assert np.isnan(values).tolist() == [True, True, False]
