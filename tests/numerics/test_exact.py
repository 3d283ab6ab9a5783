"""The exact readings agree with automatic differentiation, and refuse what they cannot decide."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from flint import arb, ctx, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics import evaluate, losses
from numerics import strategies as make
from numerics.curvature import gradient, second_derivative
from numerics.exact import PRECISION, Balls, OnKink, directional_derivatives
from numerics.exact import gradient as exact_gradient
from numerics.exact.losses import curvature, output_gradient
from proofs.kernel.intervals import to_fmpq
from proofs.kernel.tensors import ExactTensor
from proofs.network import Activate, Dense, Loss, LossKind, Network, activation


def flat(tensors) -> torch.Tensor:
    return torch.from_numpy(np.concatenate([t.to_numpy().ravel() for t in tensors]))


def middle(value) -> float:
    return float(value.mid()) if isinstance(value, arb) else int(value.p) / int(value.q)


def is_near_a_kink(network, loss, theta, x, y) -> bool:
    """Whether rounding may put floats on another side of a kink than the exact numbers."""
    f = evaluate.output(network, theta, x)
    return min(evaluate.kink_distance(network, theta, x), losses.kink_distance(loss, f, y)) < 1e-9


@given(st.data())
@settings(max_examples=60)
def test_exact_derivatives_agree_with_automatic_differentiation(data):
    network, loss = data.draw(make.architectures()), data.draw(make.losses())
    box = data.draw(make.boxes(network))
    weights, direction = data.draw(make.weights(network, box)), data.draw(make.weights(network, box))
    samples = data.draw(make.data_sets(network, loss, input_norm=Fraction(2), target_norm=Fraction(1)))
    try:
        found = directional_derivatives(network, loss, weights, direction, samples.inputs, samples.targets)
    except OnKink:
        return
    theta, v = flat(weights), flat(direction)
    x, y = (torch.from_numpy(t.to_numpy()) for t in (samples.inputs, samples.targets))
    if is_near_a_kink(network, loss, theta, x, y):
        return
    first = float(gradient(network, loss, theta, x, y) @ v)
    second = float(second_derivative(network, loss, theta, v, x, y))
    assert middle(found.first) == pytest.approx(first, rel=1e-9, abs=1e-11)
    assert middle(found.second) == pytest.approx(second, rel=1e-9, abs=1e-11)


def tensor(*rows) -> ExactTensor:
    return ExactTensor.from_fractions((len(rows), len(rows[0])), tuple(Fraction(e) for r in rows for e in r))


def test_polynomials_are_computed_in_rationals():
    network = Network.of(1, Dense(1, bias=False), "relu", Dense(1, bias=False))
    third = Fraction(1, 3)
    found = directional_derivatives(
        network, Loss.HALF_MSE, (tensor([third]), tensor([1])), (tensor([1]), tensor([1])), tensor([1]),
        tensor([0]),
    )  # fmt: skip
    # L = (w2 w1)^2/2 along (1, 1): D L = w1 w2 (w1 + w2), D^2 L = (w1 + w2)^2 + 2 w1 w2.
    assert found.method == "exact rationals"
    assert found.first == fmpq(4, 9) and found.second == fmpq(16, 9) + fmpq(2, 3)


@pytest.mark.parametrize("name", ["relu", "elu", "triangle", "abs_sin"])
def test_points_on_a_kink_are_refused(name):
    network = Network.of(1, Dense(1, bias=False), activation(name), Dense(1, bias=False))
    with pytest.raises(OnKink):
        directional_derivatives(
            network, Loss.MSE, (tensor([1]), tensor([1])), (tensor([1]), tensor([1])), tensor([0]),
            tensor([0]),
        )  # fmt: skip


# Readings by torch's own functions, independent of those of this project.
TORCH = {
    "identity": lambda z: z, "relu": torch.relu, "abs": torch.abs, "tanh": torch.tanh,
    "sigmoid": torch.sigmoid, "square": torch.square,
}  # fmt: skip


def torch_mean_loss(network, loss, theta, x, y):
    for layer in network.layers:
        if isinstance(layer, Activate):
            x = TORCH[layer.activation.name](x)
            continue
        weight, theta = (
            theta[: layer.width * x.shape[1]].reshape(layer.width, -1),
            theta[layer.width * x.shape[1] :],
        )
        x = x @ weight.T
        if layer.bias:
            x, theta = x + theta[: layer.width], theta[layer.width :]
    if loss.kind is LossKind.BCE:
        return torch.nn.functional.binary_cross_entropy_with_logits(x, y, reduction="sum") / len(y)
    delta = float(dict(loss.parameters)["delta"])
    return torch.nn.functional.huber_loss(x, y, reduction="sum", delta=delta) / len(y)


@pytest.mark.parametrize("kind", [LossKind.BCE, LossKind.HUBER])
def test_losses_that_sum_over_the_outputs_agree_with_autograd(kind: LossKind) -> None:
    compared = 0

    @given(st.data())
    @settings(max_examples=60)
    def agree(data):
        nonlocal compared
        loss = data.draw(make.losses().filter(lambda loss: loss.kind is kind))
        network = data.draw(make.architectures(activations=st.sampled_from(sorted(TORCH)).map(activation)))
        box = data.draw(make.boxes(network))
        weights, direction = data.draw(make.weights(network, box)), data.draw(make.weights(network, box))
        samples = data.draw(make.data_sets(network, loss, input_norm=Fraction(2), target_norm=Fraction(1)))
        arguments = samples.inputs, samples.targets
        try:
            found = directional_derivatives(network, loss, weights, direction, *arguments)
            whole = exact_gradient(network, loss, weights, *arguments)
        except OnKink:
            return
        theta, u = flat(weights), flat(direction)
        x, y = (torch.from_numpy(t.to_numpy()) for t in arguments)
        if is_near_a_kink(network, loss, theta, x, y):
            return
        theta.requires_grad_()
        mean = torch_mean_loss(network, loss, theta, x, y)
        (slope,) = torch.autograd.grad(mean, theta, create_graph=True)
        (curve,) = torch.autograd.grad(slope @ u, theta, materialize_grads=True)
        slope = slope.detach()
        assert middle(found.first) == pytest.approx(float(slope @ u), rel=1e-12, abs=1e-13)
        assert middle(found.second) == pytest.approx(float(curve.detach() @ u), rel=1e-12, abs=1e-12)
        entries = [middle(entry) for part in whole.entries for entry in part]
        assert entries == pytest.approx(slope.tolist(), rel=1e-12, abs=1e-13)
        assert middle(whole.squared_norm) == pytest.approx(float(slope @ slope), rel=1e-12, abs=1e-24)
        compared += bool(slope.any())

    agree()
    assert compared >= 10


@given(st.data())
@settings(max_examples=40)
def test_the_gradient_times_a_direction_is_the_derivative_along_it(data):
    network, loss = data.draw(make.architectures()), data.draw(make.losses())
    box = data.draw(make.boxes(network))
    weights, direction = data.draw(make.weights(network, box)), data.draw(make.weights(network, box))
    samples = data.draw(make.data_sets(network, loss, input_norm=Fraction(2), target_norm=Fraction(1)))
    try:
        along = directional_derivatives(network, loss, weights, direction, samples.inputs, samples.targets)
        whole = exact_gradient(network, loss, weights, samples.inputs, samples.targets)
    except OnKink:
        return
    steps = [to_fmpq(entry) for tensor in direction for entry in tensor.fractions()]
    entries = [entry for part in whole.entries for entry in part]
    product = sum((step * entry for step, entry in zip(steps, entries, strict=True)), 0 * entries[0])
    assert whole.method == along.method
    if isinstance(along.first, arb):
        assert product.overlaps(along.first) and whole.squared_norm.rad() < 1e-40
    else:
        assert product == along.first and whole.squared_norm == sum(entry * entry for entry in entries)


def along_one(loss: Loss, weight, target, network: Network | None = None):
    """Of f = w at x = 1 along w."""
    net = Network.of(1, Dense(1, bias=False)) if network is None else network
    return directional_derivatives(
        net, loss, (tensor([weight]),), (tensor([1]),), tensor([1]), tensor([target])
    )  # fmt: skip


def test_huber_is_computed_in_rationals_on_both_sides_of_its_kinks() -> None:
    loss = Loss.huber(Fraction(1, 3))
    tiny = Fraction(1, 10**40)
    inside, beyond = along_one(loss, Fraction(1, 3) - tiny, 0), along_one(loss, Fraction(-1, 3) - tiny, 0)
    assert inside.method == beyond.method == "exact rationals"
    assert (inside.first, inside.second) == (fmpq(1, 3) - to_fmpq(tiny), 1)
    assert (beyond.first, beyond.second) == (fmpq(-1, 3), 0)


def test_bce_is_enclosed_in_balls() -> None:
    found = along_one(Loss.BCE, 2, Fraction(1, 4))
    s = 1 / (1 + math.exp(-2))
    assert found.method.startswith("balls")
    assert middle(found.first) == pytest.approx(s - 0.25, rel=1e-14)
    assert middle(found.second) == pytest.approx(s * (1 - s), rel=1e-14)
    assert found.first.rad() < 1e-60


@pytest.mark.parametrize(
    ("weight", "target"), [(1, Fraction(1, 2)), (-1, Fraction(-1, 2)), (0, Fraction(1, 2))]
)
def test_residuals_on_the_kink_of_huber_are_refused(weight, target) -> None:
    loss = Loss.huber(Fraction(1, 2))
    network, one = Network.of(1, Dense(1, bias=False)), tensor([1])
    with pytest.raises(OnKink, match="off the kinks of huber"):
        along_one(loss, weight, target)
    with pytest.raises(OnKink, match="off the kinks of huber"):
        exact_gradient(network, loss, (tensor([weight]),), one, tensor([target]))


def test_a_ball_that_touches_the_kink_of_huber_is_refused() -> None:
    # tanh(0) - y = -1/2 is a ball that contains the kink; next to it there is no doubt.
    network = Network.of(1, Dense(1, bias=False), "tanh")
    loss = Loss.huber(Fraction(1, 2))
    with pytest.raises(OnKink, match="off the kinks of huber"):
        along_one(loss, 0, Fraction(1, 2), network)
    third = tensor([Fraction(1, 3)])
    field = Balls()
    with ctx.workprec(PRECISION):
        touching = arb(0.5, 1e-30)
        with pytest.raises(OnKink):
            output_gradient(field, loss, [touching], [arb(0)])
        with pytest.raises(OnKink):
            curvature(field, loss, [touching], [arb(0)], [arb(1)])
    found = directional_derivatives(network, loss, (third,), (third,), tensor([1]), tensor([0]))
    t = math.tanh(1 / 3)
    assert middle(found.first) == pytest.approx(t * (1 - t * t) / 3, rel=1e-14)
