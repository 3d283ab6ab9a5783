"""Runs of descent in a batch are the runs of plain loops, and none of them sees another."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from numerics.dynamics import (
    LARGEST,
    Momentum,
    Optimiser,
    Runs,
    Schedule,
    ScheduleKind,
    advance,
    around,
    epoch_order,
    random_starts,
)
from numerics.errors import NumericsError
from numerics.objective import NetworkObjective, Objective, module_objective
from numerics.reference import reference_loss
from numerics.spectrum import extremes
from proofs.network import Dense, Loss, Network

NETWORK = Network.of(3, Dense(4), "tanh", Dense(3, bias=False), "softplus", Dense(2))
LOSS = Loss.CROSS_ENTROPY
SAMPLES, STEPS = 7, 9
CLOSE = {"rtol": 1e-11, "atol": 1e-12}


pytestmark = pytest.mark.usefixtures("one_thread")


def module() -> nn.Module:
    """The same network of torch's own layers."""
    return nn.Sequential(
        nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3, bias=False), nn.Softplus(threshold=100.0), nn.Linear(3, 2)
    ).double()


def data(samples: int = SAMPLES) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    draw = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64)  # noqa: E731
    return draw(samples, 3), draw(samples, 2).softmax(-1)


def objective(route: str) -> Objective:
    return (
        NetworkObjective(NETWORK, LOSS, *data())
        if route == "network"
        else module_objective(module(), LOSS, *data())
    )


def starts(runs: int) -> Tensor:
    return random_starts(NETWORK, runs, 3)


def step_sizes(runs: int) -> Tensor:
    return torch.linspace(0.05, 0.8, runs, dtype=torch.float64)


COSINE, WARMUP = Schedule(ScheduleKind.cosine), Schedule(ScheduleKind.warmup, 4)
HALVED = Schedule(ScheduleKind.step, 2)
OPTIMISERS = {
    "plain": Optimiser(),
    "weight decay": Optimiser(weight_decay=0.05),
    "heavy ball": Optimiser(Momentum.heavy_ball, 0.8),
    "nesterov": Optimiser(Momentum.nesterov, 0.8),
    "heavy ball with decay, cosine": Optimiser(Momentum.heavy_ball, 0.6, 0.02, schedule=COSINE),
    "nesterov with decay, warmup": Optimiser(Momentum.nesterov, 0.9, 0.1, schedule=WARMUP),
    "plain, halved": Optimiser(schedule=HALVED),
    "batches of one": Optimiser(batch=1),
    "batches, nesterov, decay, halved": Optimiser(Momentum.nesterov, 0.5, 0.03, batch=3, schedule=HALVED),
    "batches, heavy ball": Optimiser(Momentum.heavy_ball, 0.7, batch=2),
    "a batch of all": Optimiser(batch=SAMPLES),
}


def streams(runs: int) -> Tensor:
    return torch.arange(runs) % 2


def run(route: str, optimiser: Optimiser, runs: int, *, chosen=slice(None), until: int = STEPS) -> Runs:
    return advance(
        objective(route), optimiser, Runs.at(starts(runs)[chosen]), step_sizes(runs)[chosen], until=until,
        steps=STEPS, streams=streams(runs)[chosen], stream_count=2, seed=11,
    )  # fmt: skip


def plain_loop(optimiser: Optimiser, theta: Tensor, rate: float, stream: int) -> tuple[Tensor, Tensor]:
    """One run, step by step, each gradient by autograd: (theta, velocity), [P] each."""
    x, y = data()
    velocity = torch.zeros_like(theta)
    for step in range(STEPS):
        rows = list(range(SAMPLES))
        if optimiser.batch is not None:
            per_epoch = SAMPLES // optimiser.batch
            first = (step % per_epoch) * optimiser.batch
            order = epoch_order(SAMPLES, 2, step // per_epoch, 11)[stream]
            rows = order[first : first + optimiser.batch].tolist()
        match optimiser.schedule.kind:
            case ScheduleKind.constant:
                factor = 1.0
            case ScheduleKind.cosine:
                factor = (1.0 + math.cos(math.pi * step / STEPS)) / 2.0
            case ScheduleKind.warmup:
                factor = min(1.0, (step + 1) / 4)
            case ScheduleKind.step:
                factor = 0.5 ** (step // 2)
        point = theta.clone()
        if optimiser.momentum is Momentum.nesterov:
            point = point + optimiser.beta * velocity
        point.requires_grad_()
        value = reference_loss(NETWORK, LOSS, point, x[rows], y[rows])
        value = value + optimiser.weight_decay * (point * point).sum() / 2.0
        (slope,) = torch.autograd.grad(value, point)
        if optimiser.momentum is Momentum.none:
            theta = theta - rate * factor * slope
        else:
            velocity = optimiser.beta * velocity - rate * factor * slope
            theta = theta + velocity
    return theta, velocity


@pytest.mark.parametrize("route", ["network", "function"])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_every_optimiser_takes_the_steps_of_a_plain_loop(name: str, route: str) -> None:
    found = run(route, OPTIMISERS[name], 3)
    for k in range(3):
        expected = plain_loop(OPTIMISERS[name], starts(3)[k], float(step_sizes(3)[k]), k % 2)
        torch.testing.assert_close((found.theta[k], found.velocity[k]), expected, **CLOSE)
    assert found.step == STEPS and found.diverged_at.tolist() == [-1, -1, -1]
    assert float((found.theta - starts(3)).norm(dim=1).min()) > 1e-2


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("momentum", list(Momentum))
def test_torchs_own_optimiser_takes_the_same_steps(momentum: Momentum, decay: float) -> None:
    # Torch's nesterov keeps the point theta + beta v at which the gradient is taken.
    beta = 0.0 if momentum is Momentum.none else 0.75
    found = run("network", Optimiser(momentum, beta, decay), 3)
    for k in range(3):
        parameter = starts(3)[k].clone().requires_grad_()
        torch_optimiser = torch.optim.SGD(
            [parameter], lr=float(step_sizes(3)[k]), momentum=beta, weight_decay=decay,
            nesterov=momentum is Momentum.nesterov,
        )  # fmt: skip
        for _ in range(STEPS):
            torch_optimiser.zero_grad()
            reference_loss(NETWORK, LOSS, parameter, *data()).backward()
            torch_optimiser.step()
        ahead = beta * found.velocity[k] if momentum is Momentum.nesterov else 0.0
        torch.testing.assert_close(found.theta[k] + ahead, parameter.detach(), **CLOSE)


def test_runs_in_float32_are_close() -> None:
    double = objective("network")
    single = double.moved("cpu", torch.float32)
    found = advance(
        single, OPTIMISERS["nesterov"], Runs.at(starts(3).float()), step_sizes(3), until=5, steps=5
    )
    expected = advance(double, OPTIMISERS["nesterov"], Runs.at(starts(3)), step_sizes(3), until=5, steps=5)
    assert found.theta.dtype == torch.float32
    torch.testing.assert_close(found.theta.double(), expected.theta, rtol=1e-4, atol=1e-5)


# -- Schedules ---------------------------------------------------------------------------------------


def test_the_factors_of_the_schedules() -> None:
    factors = lambda schedule, steps, count: [schedule.factor(t, steps) for t in range(count)]  # noqa: E731
    assert factors(Schedule(), 3, 5) == [1.0] * 5
    assert factors(COSINE, 4, 5) == pytest.approx([1.0, (2 + 2**0.5) / 4, 0.5, (2 - 2**0.5) / 4, 0.0])
    assert factors(WARMUP, 9, 6) == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    assert factors(HALVED, 9, 6) == [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    assert COSINE.factor(0, 0) == 1.0


def test_a_schedule_refers_to_the_whole_run() -> None:
    half = advance(
        objective("network"), OPTIMISERS["heavy ball with decay, cosine"], Runs.at(starts(2)), step_sizes(2),
        until=4, steps=40,
    )  # fmt: skip
    assert not torch.allclose(
        half.theta, run("network", OPTIMISERS["heavy ball with decay, cosine"], 2, until=4).theta
    )


# -- Mini-batches ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Watched(NetworkObjective):
    """Keeps the mini-batches that it is asked for."""

    asked: list[Tensor] = field(default_factory=list)

    def gradients(self, theta: Tensor, rows: Tensor | None = None) -> Tensor:
        assert rows is not None
        self.asked.append(rows)
        return super().gradients(theta, rows)


def batches(
    batch: int, epochs: int, *, count: int = 3, seed: int = 0, runs: int = 6, until: int | None = None
):
    """The rows of every step, `[steps, R, b]`; run k follows the stream k mod `count`."""
    watched = Watched(NETWORK, LOSS, *data())
    length = epochs * (SAMPLES // batch)
    advance(
        watched, Optimiser(batch=batch), Runs.at(starts(runs)), step_sizes(runs),
        until=length if until is None else until, steps=length, streams=torch.arange(runs) % count,
        stream_count=count, seed=seed,
    )  # fmt: skip
    return torch.stack(watched.asked)


@pytest.mark.parametrize("batch", [1, 2, 3, 7])
def test_each_sample_comes_at_most_once_in_an_epoch(batch: int) -> None:
    rows = batches(batch, 4)
    per_epoch = SAMPLES // batch
    assert rows.shape == (4 * per_epoch, 6, batch)
    for epoch in rows.split(per_epoch):
        for k in range(6):
            seen = epoch[:, k].flatten().tolist()
            assert len(set(seen)) == len(seen) == per_epoch * batch
            assert set(seen) <= set(range(SAMPLES))


def test_a_stream_is_one_order_and_others_are_others() -> None:
    rows = batches(2, 5)
    assert torch.equal(rows[:, 0], rows[:, 3]) and torch.equal(rows[:, 2], rows[:, 5])
    assert not torch.equal(rows[:, 0], rows[:, 1]) and not torch.equal(rows[:, 1], rows[:, 2])
    epochs = rows.split(SAMPLES // 2)
    assert not torch.equal(epochs[0], epochs[1])
    assert torch.equal(rows, batches(2, 5)) and not torch.equal(rows, batches(2, 5, seed=1))
    assert torch.equal(rows[:4], batches(2, 5, until=4))


def test_samples_left_out_of_an_epoch_come_in_others() -> None:
    rows = batches(3, 60, runs=1, count=1)
    counts = torch.bincount(rows.flatten(), minlength=SAMPLES)
    # Each sample is left out of one epoch in seven: 60 * 6/7 = 51 times in, standard deviation 2.7.
    assert ((counts - 51.4).abs() < 11).all()


def test_orders_are_uniform_over_all_permutations() -> None:
    orders = torch.cat([epoch_order(3, 400, epoch, 5) for epoch in range(15)])
    codes = orders @ torch.tensor([9, 3, 1])
    _, counts = codes.unique(return_counts=True)
    # 6000 orders of three samples: 1000 each, standard deviation 29.
    assert len(counts) == 6 and ((counts - 1000).abs() < 116).all()


# -- Cuts and neighbours -----------------------------------------------------------------------------


@pytest.mark.parametrize("route", ["network", "function"])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_run_cut_in_two_anywhere_is_the_run(name: str, route: str) -> None:
    whole = run(route, OPTIMISERS[name], 3)
    for cut in (0, 1, 4, STEPS - 1, STEPS):
        first = run(route, OPTIMISERS[name], 3, until=cut)
        assert first.step == cut
        found = advance(
            objective(route), OPTIMISERS[name], first, step_sizes(3), until=STEPS, steps=STEPS,
            streams=streams(3), stream_count=2, seed=11,
        )  # fmt: skip
        assert torch.equal(found.theta, whole.theta) and torch.equal(found.velocity, whole.velocity)
        assert torch.equal(found.diverged_at, whole.diverged_at) and found.step == whole.step


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_run_alone_is_the_run_in_a_batch_bit_for_bit(name: str) -> None:
    whole = run("network", OPTIMISERS[name], 33)
    for k in range(33):
        alone = run("network", OPTIMISERS[name], 33, chosen=slice(k, k + 1))
        assert torch.equal(alone.theta[0], whole.theta[k]) and torch.equal(
            alone.velocity[0], whole.velocity[k]
        )
    some = run("network", OPTIMISERS[name], 33, chosen=[30, 2, 17])
    assert torch.equal(some.theta, whole.theta[[30, 2, 17]])


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_run_of_a_function_alone_is_the_run_in_a_batch_up_to_rounding(name: str) -> None:
    whole = run("function", OPTIMISERS[name], 9)
    for k in (0, 5, 8):
        alone = run("function", OPTIMISERS[name], 9, chosen=slice(k, k + 1))
        torch.testing.assert_close(alone.theta[0], whole.theta[k], rtol=1e-13, atol=1e-14)


def test_what_is_handed_in_stays_as_it_is() -> None:
    before = Runs.at(starts(2))
    advance(objective("network"), OPTIMISERS["nesterov"], before, torch.tensor([1e30, 0.1]), until=3, steps=3)
    assert torch.equal(before.theta, starts(2)) and not before.velocity.any()
    assert before.diverged_at.tolist() == [-1, -1] and before.step == 0


def test_runs_older_than_the_last_step_stay_as_they_are() -> None:
    old = run("network", OPTIMISERS["nesterov"], 2, until=5)
    found = advance(objective("network"), OPTIMISERS["nesterov"], old, step_sizes(2), until=3, steps=STEPS)
    assert found.step == 5 and torch.equal(found.theta, old.theta)


def test_every_step_is_reported() -> None:
    seen: list[int] = []
    first = run("network", Optimiser(), 2, until=2)
    advance(objective("network"), Optimiser(), first, step_sizes(2), until=5, steps=STEPS, watch=seen.append)
    assert seen == [3, 4, 5]


# -- Divergence --------------------------------------------------------------------------------------

# L = w^2 / 2: w -> (1 - eta) w.
LINE = NetworkObjective(
    Network.of(1, Dense(1, bias=False)), Loss.HALF_MSE, torch.ones(1, 1).double(), torch.zeros(1, 1).double()
)


def on_the_line(starts: list[float], factors: list[float], until: int = 400, **options) -> Runs:
    theta = torch.tensor(starts, dtype=torch.float64)[:, None]
    rates = 1.0 + torch.tensor(factors, dtype=torch.float64)
    return advance(LINE, Optimiser(**options), Runs.at(theta), rates, until=until, steps=until)


def test_the_first_step_beyond_the_largest_size_is_found() -> None:
    # From 1 with the factor -10^k the size after t steps is 10^(k t); 10^12 itself is not too large.
    assert LARGEST == 1e12
    found = on_the_line([1.0, 1.0, 1.0, 1.0, 3.0, 1.0], [10.0, 1e3, 1e12, 1e300, 10.0, 0.5])
    assert found.diverged_at.tolist() == [13, 5, 2, 1, 12, -1]
    assert torch.isnan(found.theta[:5]).all() and torch.isfinite(found.theta[5]).all()
    at_the_edge = on_the_line([1.0], [10.0], until=12)
    assert at_the_edge.diverged_at.tolist() == [-1] and float(at_the_edge.theta) == 1e12


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e13])
def test_a_start_that_is_too_large_has_diverged_after_one_step(value: float) -> None:
    found = on_the_line([value, 1.0], [1.0, 0.5], until=3)
    assert found.diverged_at.tolist() == [1, -1]
    assert torch.isnan(found.theta[0]).all() and float(found.theta[1].abs()) == 0.125


@pytest.mark.parametrize("name", ["plain", "nesterov", "batches, heavy ball"])
def test_the_step_of_divergence_is_that_of_a_loop(name: str) -> None:
    # Momentum alone already moves past the minimum, so that smaller step sizes diverge with it.
    optimiser = replace(OPTIMISERS[name], weight_decay=3.0)
    squares = NetworkObjective(Network.of(3, Dense(2), "tanh", Dense(2)), Loss.MSE, *data())
    rates = torch.logspace(-2.0, 1.0, 12, dtype=torch.float64)
    options = {"streams": torch.zeros(12, dtype=torch.long), "seed": 2}
    begin = random_starts(squares.network, 12, 3)
    found = advance(squares, optimiser, Runs.at(begin), rates, until=30, steps=30, **options)
    steps: list[int] = []
    for k in range(12):
        here, diverged = Runs.at(begin[k : k + 1]), -1
        for step in range(30):
            here = advance(
                squares, optimiser, here, rates[k : k + 1], until=step + 1, steps=30,
                streams=options["streams"][:1], seed=2,
            )  # fmt: skip
            if not bool((here.theta.abs() <= 1e12).all()):
                diverged = step + 1
                break
        steps.append(diverged)
    assert found.diverged_at.tolist() == steps
    assert len(set(steps)) > 3 and -1 in steps


@pytest.mark.parametrize("route", ["network", "function"])
@pytest.mark.parametrize("name", ["plain", "nesterov with decay, warmup", "batches, nesterov, decay, halved"])
def test_diverging_runs_change_no_other(name: str, route: str) -> None:
    calm = run(route, OPTIMISERS[name], 5)
    theta, rates = starts(5), step_sizes(5)
    theta[1, 3] = math.nan
    rates[3] = 1e30
    found = advance(
        objective(route), OPTIMISERS[name], Runs.at(theta), rates, until=STEPS, steps=STEPS,
        streams=streams(5), stream_count=2, seed=11,
    )  # fmt: skip
    assert torch.equal(found.theta[[0, 2, 4]], calm.theta[[0, 2, 4]])
    assert torch.isnan(found.theta[[1, 3]]).all()
    assert found.diverged_at[1] == 1 and found.diverged_at[3] >= 1
    assert found.diverged_at[[0, 2, 4]].tolist() == [-1] * 3


# -- No loop over runs -------------------------------------------------------------------------------


class Counting(TorchDispatchMode):
    """Counts the operations that torch dispatches."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        self.count += 1
        return function(*arguments, **(options or {}))


def operations(monkeypatch: pytest.MonkeyPatch, work) -> tuple[int, int]:
    """(torch operations, matrix products of numpy) of `work()`."""
    products = 0
    multiply = np.matmul

    def counted(*arguments, **options):
        nonlocal products
        products += 1
        return multiply(*arguments, **options)

    with monkeypatch.context() as patch, Counting() as counting:
        patch.setattr(np, "matmul", counted)
        work()
    return counting.count, products


@pytest.mark.parametrize("route", ["network", "function"])
@pytest.mark.parametrize("name", ["plain", "nesterov with decay, warmup", "batches, nesterov, decay, halved"])
def test_a_step_of_many_runs_takes_as_many_operations_as_one_of_two(
    monkeypatch: pytest.MonkeyPatch, name: str, route: str
) -> None:
    def steps(theta: Tensor, until: int) -> None:
        runs = len(theta)
        advance(
            objective(route), OPTIMISERS[name], Runs.at(theta), step_sizes(runs), until=until, steps=STEPS,
            streams=streams(runs), stream_count=2, seed=11,
        )  # fmt: skip

    few, many = starts(2), starts(64)
    steps(few, STEPS)
    counts = [operations(monkeypatch, partial(steps, theta, STEPS)) for theta in (few, many)]
    assert counts[0] == counts[1] and counts[0][0] > 50
    # A third of the steps takes far fewer.
    assert operations(monkeypatch, partial(steps, few, STEPS // 3))[0] < 0.5 * counts[0][0]


def test_losses_hessians_and_extremes_of_many_runs_take_as_many_operations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed = objective("network")

    def ends(operator, theta: Tensor) -> None:
        # Never within the tolerance, so that the number of steps is the same.
        extremes(
            operator, tuple(theta.shape), generator=torch.Generator().manual_seed(0), max_steps=12,
            tolerance=1e-14, largest=2, copies=False,
        )  # fmt: skip

    def by_matrices(theta: Tensor) -> None:
        closed.losses(theta)
        closed.kink_distances(theta)
        matrices = closed.hessians(theta)
        ends(lambda v: (matrices @ v.unsqueeze(-1)).squeeze(-1), theta)

    def by_products(theta: Tensor) -> None:
        ends(closed.products(theta), theta)

    few, many = starts(2), starts(64)
    for work in (by_matrices, by_products):
        counts = [operations(monkeypatch, partial(work, theta)) for theta in (few, many)]
        assert counts[0] == counts[1] and min(counts[0]) > 20


# -- Starts ------------------------------------------------------------------------------------------


def test_random_starts_are_uniform_within_one_over_the_root_of_the_inputs() -> None:
    network = Network.of(9, Dense(20), "relu", Dense(4), "tanh", Dense(2, bias=False))
    found = random_starts(network, 50, 7)
    assert found.shape == (50, network.parameter_count) and found.dtype == torch.float64
    start = 0
    for incoming, width, bias in ((9, 20, 1), (20, 4, 1), (4, 2, 0)):
        part = found[:, start : start + width * (incoming + bias)]
        start += width * (incoming + bias)
        bound = 1.0 / math.sqrt(incoming)
        assert 0.99 * bound < float(part.abs().max()) <= bound
        # Uniform: mean 0, second moment bound^2/3, fourth bound^4/5; deviations of the mean within 4 sigma.
        scaled = part / bound
        root = math.sqrt(part.numel())
        assert abs(float(scaled.mean())) < 4.0 * math.sqrt(1 / 3) / root
        assert abs(float(scaled.square().mean()) - 1 / 3) < 4.0 * math.sqrt(4 / 45) / root
    assert start == network.parameter_count


def test_random_starts_are_spread_as_those_of_a_linear_layer() -> None:
    network = Network.of(6, Dense(200))
    own = random_starts(network, 1, 0)[0].sort().values
    torch.manual_seed(0)
    layer = nn.Linear(6, 200).double()
    theirs = torch.cat([layer.weight.detach().flatten(), layer.bias.detach()]).sort().values
    # Two samples of 1400: their distribution functions are 0.06 apart in 1 case of 100 only.
    points = torch.linspace(-0.41, 0.41, 83, dtype=torch.float64)
    shares = [torch.searchsorted(part, points).double() / len(part) for part in (own, theirs)]
    assert float((shares[0] - shares[1]).abs().max()) < 0.06


def test_a_start_depends_on_its_number_and_the_seed_alone() -> None:
    whole = random_starts(NETWORK, 6, 5)
    assert torch.equal(random_starts(NETWORK, 2, 5), whole[:2])
    assert len({tuple(row.tolist()) for row in whole}) == 6
    assert not torch.equal(random_starts(NETWORK, 6, 6), whole)
    torch.manual_seed(1)
    assert torch.equal(random_starts(NETWORK, 6, 5), whole)


def test_points_around_a_center_lie_at_the_distance_and_begin_with_the_center() -> None:
    center = random_starts(NETWORK, 1, 0)[0]
    found = around(center, 0.25, 200, 3)
    assert torch.equal(found[0], center)
    torch.testing.assert_close((found[1:] - center).norm(dim=1), torch.full((199,), 0.25).double())
    assert torch.equal(around(center, 0.25, 5, 3), found[:5])
    assert not torch.equal(around(center, 0.25, 5, 4)[1:], found[1:5])
    # Directions of mean 0: the mean of 199 unit vectors has a norm near 1/sqrt(199) = 0.07.
    assert float((found[1:] - center).mean(0).norm()) < 0.15 * 0.25
    assert torch.equal(around(center, 0.0, 3, 0), center.expand(3, -1))
    assert around(center.float(), 0.1, 2, 0).dtype == torch.float64


# -- Refusals ----------------------------------------------------------------------------------------

REFUSED = {
    "0 < beta < 1 with momentum .* got heavy-ball with beta=0": lambda: Optimiser(Momentum.heavy_ball),
    "got nesterov with beta=1": lambda: Optimiser(Momentum.nesterov, 1.0),
    "got none with beta=0.5": lambda: Optimiser(beta=0.5),
    "got heavy-ball with beta=-0.1": lambda: Optimiser(Momentum.heavy_ball, -0.1),
    "got heavy-ball with beta=nan": lambda: Optimiser(Momentum.heavy_ball, math.nan),
    "weight_decay >= 0 but got weight_decay=-1": lambda: Optimiser(weight_decay=-1.0),
    "weight_decay >= 0 but got weight_decay=inf": lambda: Optimiser(weight_decay=math.inf),
    "weight_decay >= 0 but got weight_decay=nan": lambda: Optimiser(weight_decay=math.nan),
    "batch >= 1 but got batch=0": lambda: Optimiser(batch=0),
    "warmup with length=0": lambda: Schedule(ScheduleKind.warmup),
    "step with length=-2": lambda: Schedule(ScheduleKind.step, -2),
    "cosine with length=3": lambda: Schedule(ScheduleKind.cosine, 3),
    "constant with length=-3": lambda: Schedule(length=-3),
    "a batch of at most 7 samples but got batch=8": lambda: run("network", Optimiser(batch=8), 2),
    "streams and a batch": lambda: advance(
        objective("network"), Optimiser(batch=2), Runs.at(starts(2)), step_sizes(2), until=1, steps=1
    ),
    "a radius >= 0 but got radius=-1": lambda: around(torch.zeros(2), -1.0, 2, 0),
    "a radius >= 0 but got radius=inf": lambda: around(torch.zeros(2), math.inf, 2, 0),
    "a radius >= 0 but got radius=nan": lambda: around(torch.zeros(2), math.nan, 2, 0),
}  # fmt: skip


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_does_not_fit_is_refused_in_a_sentence(sentence: str) -> None:
    with pytest.raises(NumericsError, match=sentence):
        REFUSED[sentence]()
