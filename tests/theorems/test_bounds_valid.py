"""BND-1, BND-3: proved bounds lie above what autograd measures, and agree with a slow JET table."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import torch
from constants_table import TABLE, node_value
from nets import (
    ACTIVATIONS,
    JUMPING,
    Case,
    Jet,
    above,
    activated,
    closed,
    dense,
    mean_loss,
    measured,
    random_case,
)

from proofs.errors import KernelError
from proofs.kernel.core import replay
from proofs.network import CATALOGUE, LOSSES, Activate, Dense, Loss, Network
from proofs.theorems.bounds import Bound, Reading
from proofs.theorems.readings import at_residuals, at_weights, in_ball

ROOM = 1 + 1e-9


def test_every_activation_with_bounded_slopes_is_tried() -> None:
    assert {*ACTIVATIONS, *JUMPING} == set(TABLE) == set(CATALOGUE) - {"square"}


def assert_above(reading: Reading, case: Case, flat: torch.Tensor | None = None) -> None:
    gradient, hessian = measured(case, flat)
    assert gradient <= float(reading.gradient.value) * ROOM + 1e-12, reading.name
    assert hessian <= float(reading.hessian.value) * ROOM + 1e-11, reading.name


def assert_enclosed(bound: Bound, closed_form: float, relative: float = 1e-9) -> None:
    """The bound and its lower end agree with the closed form."""
    assert float(bound.lower) <= closed_form * (1 + relative) + 1e-20
    assert closed_form * (1 - relative) <= float(bound.value) <= closed_form * (1 + relative) + 1e-20


def within_radius(case: Case, radius: float, seed: int) -> torch.Tensor:
    step = torch.from_numpy(np.random.default_rng(seed).normal(size=case.flat().shape))
    return case.flat() + step * radius / step.norm()


SEEDS = [
    (seed, name, LOSSES[seed % 5]) for seed, name in enumerate([*sorted(ACTIVATIONS), None, None, None, None])
]


@pytest.mark.parametrize(("seed", "name", "loss"), SEEDS)
def test_all_readings_lie_above_what_is_measured(seed: int, name: str | None, loss: Loss) -> None:
    case = random_case(seed, loss, name, scale=[0.3, 1.0, 2.0][seed % 3])
    work = case.derivation()
    box = case.box(1.25)
    target = None if loss.has_range else case.target_norm()
    worst = work.worst_case(box, case.input_norm(), target)
    weights = at_weights(work, case.tensors, case.data)
    residuals = at_residuals(work, case.tensors, case.data)
    ball = in_ball(work, case.tensors, case.data, Fraction(1, 20))
    for reading in (worst, weights, residuals, ball):
        assert_above(reading, case)
    for trial in range(3):
        assert_above(ball, case, within_radius(case, 0.05, trial))
    # Shrinking the box shrinks the bound; actual residuals are no larger than their bounds.
    assert residuals.gradient.value <= weights.gradient.value * Fraction(1_000_001, 1_000_000)
    assert ball.gradient.value >= weights.gradient.value * Fraction(999_999, 1_000_000)
    tighter = work.worst_case(case.box(), case.input_norm(), target)
    assert tighter.gradient.value <= worst.gradient.value
    assert tighter.hessian.value <= worst.hessian.value


@pytest.mark.parametrize("name", sorted(JUMPING))
@pytest.mark.parametrize("loss", LOSSES)
def test_activations_that_jump_have_the_bounds_that_are_true_for_them(
    name: str, loss: Loss, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ACTIVATIONS, name, JUMPING[name])
    case = random_case(7, loss, name)
    work = case.derivation()
    target = None if loss is Loss.CROSS_ENTROPY else case.target_norm()
    readings = [
        work.worst_case(case.box(1.25), case.input_norm(), target),
        at_weights(work, case.tensors, case.data),
        at_residuals(work, case.tensors, case.data),
    ]
    for reading in readings:
        assert_above(reading, case)
    # sigma' = 0 off the jumps, so only the last layer moves the loss and the Hessian is small; but the
    # nodes jump however small the ball is, so nothing follows there.
    assert readings[0].gradient.value > 0
    with pytest.raises(KernelError, match="continuous"):
        in_ball(work, case.tensors, case.data, Fraction(1, 20))


def lifted(case: Case) -> tuple[list[float], list[float | None]]:
    box = case.box()
    return [float(s) for s in box.weight_norms], [None if c is None else float(c) for c in box.bias_norms]


def worst_table(case: Case) -> Jet:
    """The JET table of theory.md with global constants, (W_l, b_l) as one group."""
    sizes, shifts = lifted(case)
    depth = case.network.depth
    jet = Jet(float(case.input_norm()), np.zeros(depth), np.zeros((depth, depth)))
    group, widths = 0, case.network.widths()
    for layer, width in zip(case.network.layers, widths[1:], strict=True):
        match layer:
            case Dense():
                jet = dense(jet, group, sizes[group], shifts[group])
                group += 1
            case Activate(activation=function):
                _, _, _, beta, gamma = TABLE[function.name]
                jet = activated(jet, node_value(function.name, width, jet.a), beta, gamma)
    return jet


@pytest.mark.parametrize("seed", range(40, 70))
def test_the_worst_case_agrees_with_the_table(seed: int) -> None:
    loss = LOSSES[seed % 5]
    case = random_case(seed, loss, scale=[0.3, 1.0, 1.7][seed % 3])
    target = None if loss.has_range else case.target_norm()
    reading = case.derivation().worst_case(case.box(), case.input_norm(), target)
    jet = worst_table(case)
    out = case.network.output_dim
    residual = {Loss.CROSS_ENTROPY: math.sqrt(2), Loss.BCE: math.sqrt(out)}.get(loss)
    if residual is None:
        residual = jet.a + float(target or 0)
    if loss == Loss.HUBER:
        residual = min(residual, math.sqrt(out))
    linear, quadratic = closed(loss, jet, residual)
    assert_enclosed(reading.gradient, float(np.linalg.norm(linear)))
    assert_enclosed(reading.hessian, float(np.linalg.eigvalsh(quadratic).max()))


def derivatives_at(name: str, z: np.ndarray) -> tuple[float, float]:
    """max|sigma'| and max|sigma''| over the entries, by autograd."""
    point = torch.from_numpy(z)
    slope = torch.func.vmap(torch.func.grad(ACTIVATIONS[name]))
    bend = torch.func.vmap(torch.func.grad(torch.func.grad(ACTIVATIONS[name])))
    return float(slope(point).abs().max()), float(bend(point).abs().max())


def actual_tables(case: Case) -> list[tuple[Jet, np.ndarray]]:
    """For every sample the table at the weights, and the output f."""
    found = []
    for row in case.x:
        depth = case.network.depth
        jet, value = Jet(float(np.linalg.norm(row)), np.zeros(depth), np.zeros((depth, depth))), row
        group, weights = 0, iter(case.weights)
        for layer in case.network.layers:
            match layer:
                case Dense(bias=bias):
                    weight = next(weights)
                    value = weight @ value + (next(weights) if bias else 0.0)
                    size = float(np.linalg.norm(value))
                    jet = dense(jet, group, float(np.linalg.norm(weight, 2)), 0.0 if bias else None, size)
                    group += 1
                case Activate(activation=function):
                    beta, gamma = derivatives_at(function.name, value)
                    value = ACTIVATIONS[function.name](torch.from_numpy(value)).numpy()
                    jet = activated(jet, float(np.linalg.norm(value)), beta, gamma)
        found.append((jet, value))
    return found


def softmax(f: np.ndarray) -> np.ndarray:
    powers = np.exp(f - f.max())
    return powers / powers.sum()


@pytest.mark.parametrize("seed", range(80, 98))
def test_readings_at_weights_agree_with_the_table_averaged_over_samples(seed: int) -> None:
    loss = LOSSES[seed % 5]
    # Kinks at which a random pre-activation of a piecewise linear net sits (dead units) are avoided.
    case = random_case(seed, loss, ["tanh", "gelu", "softplus", "sigmoid", "silu", "sin"][seed % 6])
    work = case.derivation()
    for actual, read in ((False, at_weights), (True, at_residuals)):
        reading = read(work, case.tensors, case.data)
        # Norms of matrices carry a slack of 1e-7 a layer.
        relative = 2e-7 * 2 * case.network.depth
        means = [_averaged(case, choice) for choice in ((_actual,) if actual else CONSTANTS[loss])]
        assert_enclosed(reading.gradient, min(mean[0] for mean in means), relative)
        assert_enclosed(reading.hessian, min(mean[1] for mean in means), relative)


def _averaged(case: Case, constants: Callable[..., tuple[float, float]]) -> tuple[float, float]:
    """G and H from the tables of all samples, with g and h of each sample by `constants`."""
    linear, quadratic = 0.0, 0.0
    for (jet, f), y in zip(actual_tables(case), case.y, strict=True):
        residual, h = constants(case.loss, f, y)
        parts = closed(case.loss, jet, residual, h)
        linear, quadratic = linear + parts[0] / len(case.x), quadratic + parts[1] / len(case.x)
    return float(np.linalg.norm(linear)), float(np.linalg.eigvalsh(np.asarray(quadratic)).max())


def _actual(loss: Loss, f: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """||p - y|| and the like as they are, and max sigma'' where the loss is a sum over outputs."""
    sigmoid = 1 / (1 + np.exp(-f))
    residual, h = {
        Loss.CROSS_ENTROPY: (softmax(f) - y, 0.5),
        Loss.MSE: (f - y, 2.0),
        Loss.HALF_MSE: (f - y, 1.0),
        Loss.BCE: (sigmoid - y, float((sigmoid * (1 - sigmoid)).max())),
        Loss.HUBER: (np.clip(f - y, -1, 1), float((np.abs(f - y) < 1).any())),
    }[loss]
    return float(np.linalg.norm(residual)), h


def _sizes(loss: Loss, f: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    return float(np.linalg.norm(f) + np.linalg.norm(y)), 2.0 if loss == Loss.MSE else 1.0


CONSTANTS: dict[Loss, tuple[Callable[..., tuple[float, float]], ...]] = {
    Loss.CROSS_ENTROPY: (lambda *_: (math.sqrt(2), 0.5),),
    Loss.MSE: (_sizes,),
    Loss.HALF_MSE: (_sizes,),
    Loss.BCE: (lambda _, f, __: (math.sqrt(len(f)), 0.25),),
    Loss.HUBER: (_sizes, lambda _, f, __: (math.sqrt(len(f)), 1.0)),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_bounds_replay_and_name_their_trust(loss: Loss) -> None:
    case = random_case(7, loss, "tanh")
    work = case.derivation()
    target = None if loss.has_range else case.target_norm()
    worst = work.worst_case(case.box(), case.input_norm(), target)
    for bound in (worst.gradient, worst.hessian):
        assert replay(bound.theorem).claim is bound.theorem.claim
        assert not bound.theorem.trust
    weights = at_weights(work, case.tensors, case.data)
    assert replay(weights.hessian.theorem).trust == {"arb"}


def test_data_outside_the_stated_norm_is_refused() -> None:
    from proofs.errors import GradlemmaError

    case = random_case(3, Loss.HALF_MSE, "tanh")
    small = case.input_norm() * Fraction(99, 100)
    with pytest.raises(GradlemmaError):
        case.derivation().data_facts(case.data, small, case.target_norm())


def test_activations_with_unbounded_slopes_get_a_bound_on_the_box_and_none_in_the_ball() -> None:
    from proofs.errors import GradlemmaError

    network = Network.of(2, Dense(2), "square", Dense(1))
    rng = np.random.default_rng(5)
    case = Case(network, Loss.HALF_MSE, [rng.normal(size=p.shape) for p in network.parameters()],
                rng.normal(size=(3, 2)), rng.normal(size=(3, 1)))  # fmt: skip
    work = case.derivation()
    worst = work.worst_case(case.box(), case.input_norm(), case.target_norm())
    point = case.flat()
    ACTIVATIONS["square"] = torch.square
    try:
        assert_above(worst, case)
        assert float(mean_loss(case, point)) >= 0
    finally:
        del ACTIVATIONS["square"]
    with pytest.raises(GradlemmaError):
        in_ball(work, case.tensors, case.data, Fraction(1, 10))
    assert above(1.0) > 1
