"""The exact readings agree with automatic differentiation, and refuse what they cannot decide."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics import strategies as make
from numerics.curvature import gradient, second_derivative
from numerics.errors import NumericsError
from numerics.exact import directional_derivatives
from numerics.exact.numbers import OnKink
from proofs.kernel.tensors import ExactTensor
from proofs.network import Dense, Loss, Network, activation


def flat(tensors) -> torch.Tensor:
    return torch.from_numpy(np.concatenate([t.to_numpy().ravel() for t in tensors]))


def middle(value) -> float:
    return float(value.mid()) if isinstance(value, arb) else int(value.p) / int(value.q)


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


@pytest.mark.parametrize("loss", [Loss.BCE, Loss.HUBER])
def test_losses_without_an_exact_reading_are_refused_and_not_taken_for_another(loss: Loss) -> None:
    network = Network.of(1, Dense(1, bias=False))
    with pytest.raises(NumericsError, match="exact derivatives of"):
        directional_derivatives(
            network, loss, (tensor([1]),), (tensor([1]),), tensor([1]), tensor([1])
        )  # fmt: skip
