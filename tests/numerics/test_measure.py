from __future__ import annotations

import math

import pytest
import torch

from numerics import ascent as ascent_module
from numerics import session as session_module
from numerics.ascent import Quantity, ascend
from numerics.box import Box, contains, random_point
from numerics.curvature import gradient, hessian, sample_gradient_norms
from numerics.errors import NumericsError
from numerics.evaluate import kink_distance
from numerics.measure import measure
from numerics.records import Measured, Place
from numerics.regions import InBall, InBox, Point
from proofs.network import Dense, Loss, Network

NETWORK = Network.of(3, Dense(4), "tanh", Dense(3))
BOX = Box((1.5, 2.0), (0.5, 0.25))


def data(samples: int = 12, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(samples, 3, generator=generator, dtype=torch.float64)
    return x, torch.eye(3, dtype=torch.float64)[torch.arange(samples) % 3]


def chain(depth: int) -> Network:
    layers: list[Dense | str] = []
    for _ in range(depth):
        layers += [Dense(1, bias=False), "identity"]
    return Network.of(1, *layers)


def quantity_at(quantity: Quantity, network: Network, loss: Loss, p: Point) -> float:
    if quantity is Quantity.GRADIENT:
        return float(gradient(network, loss, p.theta, p.x, p.y).norm())
    if quantity is Quantity.SAMPLE_GRADIENT:
        return float(sample_gradient_norms(network, loss, p.theta, p.x, p.y).max())
    return float(torch.linalg.eigvalsh(hessian(network, loss, p.theta, p.x, p.y)).abs().max())


@pytest.mark.parametrize("quantity", list(Quantity))
@pytest.mark.parametrize("region_name", ["box", "ball"])
@pytest.mark.parametrize("network_name", ["tanh", "relu"])
def test_an_ascent_gains_stays_inside_and_reports_what_it_reached(
    quantity: Quantity, region_name: str, network_name: str
) -> None:
    network = Network.of(3, Dense(4), network_name, Dense(3))
    generator = torch.Generator().manual_seed(1)
    theta = random_point(network, BOX, generator)
    region = InBox(BOX) if region_name == "box" else InBall(theta, 0.3)
    start = Point(theta, *data())
    loss = Loss.CROSS_ENTROPY
    values = [ascend(network, loss, quantity, region, start, generator=generator, steps=0).value]
    for steps in (3, 25):
        end = ascend(network, loss, quantity, region, start, generator=generator, steps=steps)
        values.append(end.value)
        truth = quantity_at(quantity, network, loss, end.point)
        assert (1.0 - 1e-6) * truth <= end.value <= (1.0 + 1e-12) * truth
        if region_name == "box":
            assert contains(network, BOX, end.point.theta)
        else:
            assert float((end.point.theta - theta).norm()) <= 0.3 * (1.0 + 1e-12)
    assert values[0] < values[1] * (1.0 + 1e-9) and values[1] <= values[2] * (1.0 + 1e-9)
    assert values[2] > 1.05 * values[0]


@pytest.mark.parametrize("depth", [2, 4])
def test_an_identity_chain_reaches_its_known_maxima_without_data(depth: int) -> None:
    # f = w_1 ... w_L x with |w_l| <= s, |x| <= M, |y| <= T and l = (f - y)^2 / 2: all three maxima
    # are at |w_l| = s, |x| = M and y = -T sign f, with the residual e = s^L M + T.
    s, big_m, big_t = 1.25, 2.0, 0.5
    residual = s**depth * big_m + big_t
    gradient_max = residual * big_m * s ** (depth - 1) * math.sqrt(depth)
    hessian_max = big_m**2 * s ** (2 * depth - 2) * depth + residual * big_m * s ** (depth - 2) * (depth - 1)
    found = measure(
        chain(depth),
        Loss.HALF_MSE,
        None,
        None,
        box=Box((s,) * depth, (None,) * depth),
        generator=torch.Generator().manual_seed(0),
        input_norm=big_m,
        target_norm=big_t,
        random_points=8,
        ascent_steps=30,
    )
    place = found.box_ascent
    assert place is not None and place.hessian_norm is not None
    assert place.gradient_norm.value == pytest.approx(gradient_max, rel=1e-9)
    assert place.sample_gradient_norm.value == pytest.approx(gradient_max, rel=1e-9)
    assert place.hessian_norm.value == pytest.approx(hessian_max, rel=1e-9)
    assert found.at_weights is None and found.ball is None


def test_every_maximum_is_attained_at_its_point_and_places_are_ordered() -> None:
    x, y = data()
    generator = torch.Generator().manual_seed(4)
    weights = random_point(NETWORK, BOX, generator)
    seen: list[tuple[int, int]] = []
    found = measure(
        NETWORK,
        Loss.CROSS_ENTROPY,
        x,
        y,
        weights=weights,
        box=BOX,
        radius=0.2,
        generator=generator,
        random_points=6,
        ascent_steps=10,
        progress=lambda done, total: seen.append((done, total)),
    )
    places = [found.at_weights, found.box_random, found.box_ascent, found.ball]
    for place in places:
        assert place is not None and place.hessian_norm is not None
        check_attained(place)
    at_weights, box_random, box_ascent, ball = (values(place) for place in places)
    assert all(a <= b for a, b in zip(at_weights, ball, strict=True))
    assert all(a <= b for a, b in zip(box_random, box_ascent, strict=True))
    assert all(a <= b for a, b in zip(at_weights, box_ascent, strict=True))
    assert seen[-1][0] == seen[-1][1] and all(total == seen[-1][1] for _, total in seen)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert not found.interrupted


def values(place: Place | None) -> list[float]:
    assert place is not None and place.hessian_norm is not None
    return [place.gradient_norm.value, place.sample_gradient_norm.value, place.hessian_norm.value]


def check_attained(place: Place) -> None:
    pairs = [
        (Quantity.GRADIENT, place.gradient_norm, place.gradient_at),
        (Quantity.SAMPLE_GRADIENT, place.sample_gradient_norm, place.sample_gradient_at),
        (Quantity.HESSIAN, place.hessian_norm, place.hessian_at),
    ]
    for quantity, estimate, point in pairs:
        assert estimate is not None and point is not None
        assert estimate.dtype == "float64" and estimate.device == "cpu"
        truth = quantity_at(quantity, NETWORK, Loss.CROSS_ENTROPY, point)
        assert abs(truth - estimate.value) <= estimate.error + 1e-13 * truth
        assert estimate.error < 1e-9


def test_the_same_seed_gives_the_same_measurement() -> None:
    x, y = data()

    def once() -> Measured:
        generator = torch.Generator().manual_seed(5)
        return measure(NETWORK, Loss.MSE, x, y, box=BOX, generator=generator, random_points=3, ascent_steps=3)

    assert values(once().box_ascent) == values(once().box_ascent)


def test_without_data_an_ascent_over_inputs_at_fixed_weights_gains() -> None:
    generator = torch.Generator().manual_seed(6)
    weights = random_point(NETWORK, BOX, generator)
    found = measure(
        NETWORK,
        Loss.CROSS_ENTROPY,
        None,
        None,
        weights=weights,
        generator=generator,
        input_norm=3.0,
        random_points=4,
        ascent_steps=10,
    )
    place = found.at_weights
    assert place is not None and place.hessian_at is not None
    for point in (place.gradient_at, place.hessian_at):
        assert point is not None
        assert torch.equal(point.theta, weights)
        assert float(point.x.norm()) <= 3.0 * (1.0 + 1e-12)
        assert sorted(point.y[0].tolist()) == [0.0, 0.0, 1.0]


def test_points_at_a_kink_are_left_out_of_the_hessian_and_counted() -> None:
    network = Network.of(3, Dense(4, bias=False), "relu", Dense(3, bias=False))
    x, y = data()
    x = torch.cat([x[:-1], torch.zeros(1, 3, dtype=torch.float64)])
    generator = torch.Generator().manual_seed(7)
    box = Box((1.0, 1.0), (None, None))
    found = measure(
        network, Loss.CROSS_ENTROPY, x, y, box=box, generator=generator, random_points=5, ascent_steps=2
    ).box_random
    assert found is not None
    assert found.hessian_norm is None and found.hessian_at is None and found.skipped == 5
    assert found.gradient_norm.is_finite


def test_an_ascent_on_the_hessian_never_takes_a_point_near_a_kink(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network.of(3, Dense(4), "relu", Dense(3))
    generator = torch.Generator().manual_seed(1)
    start = Point(random_point(network, BOX, generator), *data())
    margin = kink_distance(network, start.theta, start.x)
    monkeypatch.setattr(ascent_module, "KINK_MARGIN", margin)
    end = ascend(network, Loss.MSE, Quantity.HESSIAN, InBox(BOX), start, generator=generator, steps=10)
    assert end.skipped > 0 and math.isfinite(end.value)
    assert kink_distance(network, end.point.theta, end.point.x) >= margin
    monkeypatch.setattr(ascent_module, "KINK_MARGIN", 2.0 * margin)
    at_start = ascend(network, Loss.MSE, Quantity.HESSIAN, InBox(BOX), start, generator=generator)
    assert math.isnan(at_start.value) and at_start.skipped == 1


def test_an_overflow_is_not_finite_and_never_a_number() -> None:
    network = Network.of(1, Dense(1, bias=False), "square", Dense(1, bias=False), "square")
    x = torch.full((1, 1), 1e200, dtype=torch.float64)
    found = measure(
        network,
        Loss.MSE,
        x,
        torch.zeros(1, 1, dtype=torch.float64),
        weights=torch.ones(2, dtype=torch.float64),
        generator=torch.Generator().manual_seed(0),
    ).at_weights
    assert found is not None and found.not_finite == 1 and found.gradient_at is None
    for estimate in (found.gradient_norm, found.sample_gradient_norm, found.hessian_norm):
        assert estimate is not None and math.isnan(estimate.value) and math.isinf(estimate.error)


def test_an_interrupt_keeps_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = data()
    look, calls = session_module.evaluate_point, []

    def interrupted(*arguments: object) -> object:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return look(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(session_module, "evaluate_point", interrupted)
    generator = torch.Generator().manual_seed(0)
    weights = random_point(NETWORK, BOX, generator)
    found = measure(NETWORK, Loss.MSE, x, y, weights=weights, box=BOX, radius=0.1, generator=generator)
    assert found.interrupted and found.at_weights is not None
    assert found.box_random is not None and found.box_random.points == 2
    assert found.ball is None


def test_an_interrupt_in_an_ascent_ends_the_measurement() -> None:
    x, y = data()

    def stop(done: int, _total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    generator = torch.Generator().manual_seed(0)
    found = measure(NETWORK, Loss.MSE, x, y, box=BOX, generator=generator, random_points=3, progress=stop)
    assert found.interrupted
    assert found.box_ascent is not None and found.box_ascent.points <= 6


def test_an_interrupted_ascent_returns_the_best_so_far() -> None:
    generator = torch.Generator().manual_seed(0)

    def stop(done: int, _total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    start = Point(random_point(NETWORK, BOX, generator), *data())
    end = ascend(NETWORK, Loss.MSE, Quantity.HESSIAN, InBox(BOX), start, generator=generator, progress=stop)
    assert end.interrupted and end.steps == 2 and math.isfinite(end.value)


def test_arguments_that_do_not_fit_are_refused() -> None:
    x, y = data()
    generator = torch.Generator().manual_seed(0)
    with pytest.raises(NumericsError, match="input_norm"):
        measure(NETWORK, Loss.MSE, None, None, box=BOX, generator=generator)
    with pytest.raises(NumericsError, match="probability vectors"):
        measure(NETWORK, Loss.CROSS_ENTROPY, x, 2.0 * y, box=BOX, generator=generator)
    with pytest.raises(NumericsError, match="float32"):
        measure(NETWORK, Loss.MSE, x.float(), y, box=BOX, generator=generator)
    with pytest.raises(NumericsError, match="finite weights"):
        weights = torch.full((NETWORK.parameter_count,), math.nan, dtype=torch.float64)
        measure(NETWORK, Loss.MSE, x, y, weights=weights, generator=generator)
