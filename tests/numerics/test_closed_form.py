"""Hessians from matrix products agree with autograd, torch.func and exact arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from numerics import evaluate, losses
from numerics import strategies as make
from numerics.curvature import closed_form, hessian, hessians
from numerics.errors import NumericsError
from numerics.exact import OnKink, Rationals, field_for, hessian_in
from numerics.objective import FunctionObjective, NetworkObjective, module_objective, objective_of
from numerics.reference import reference_hessian
from proofs.kernel.univariate import argument, call, constant, piecewise
from proofs.network import LOSSES, Activate, Dense, Loss, Network

# Straight below -1/2, t^2 - t/4 up to 1, beyond it exp(1 - t) - 1/4: all three meet, one kink is smooth.
OWN = piecewise(
    "own", {}, [Fraction(-1, 2), 1],
    [
        argument().scaled(Fraction(-1)) + constant(Fraction(-1, 8)),
        argument().power(2) + argument().scaled(Fraction(-1, 4)),
        call("exp", constant(1) + argument().scaled(Fraction(-1))) + constant(Fraction(-1, 4)),
    ],
)  # fmt: skip
NETWORKS = {
    "two layers": Network.of(3, Dense(4), "tanh", Dense(3)),
    "no biases": Network.of(3, Dense(4, bias=False), "silu", Dense(3, bias=False)),
    "mixed biases, four layers": Network.of(
        2, Dense(3), "tanh", Dense(4, bias=False), "gelu", Dense(2), "softplus", Dense(3, bias=False)
    ),
    "an activation first": Network.of(3, "sin", Dense(4, bias=False), "softplus", Dense(3)),
    "an activation last": Network.of(2, Dense(4), "sigmoid", Dense(3), "mish"),
    "activations in a row": Network.of(3, Dense(3), "tanh", "square", "softsign", Dense(3), "elu", "sin"),
    "dense layers in a row": Network.of(3, Dense(4), Dense(2), Dense(5), "sigmoid", Dense(3)),
    "one layer": Network.of(4, Dense(3)),
    "one layer without bias between activations": Network.of(3, "tanh", Dense(3, bias=False), "silu"),
    "kinks": Network.of(3, Dense(5), "relu", Dense(4), "leaky_relu", Dense(3), "abs"),
    "curved pieces": Network.of(3, Dense(5), "hardswish", Dense(3), "selu", Dense(3), "celu"),
    "periods": Network.of(3, Dense(5), "triangle", Dense(4), "abs_sin", Dense(3)),
    "steps": Network.of(3, Dense(4), "round", Dense(3), "sign", Dense(3)),
    "pieces of one's own": Network.of(3, Dense(4), OWN, Dense(4), OWN, Dense(3)),
    "width one": Network.of(1, Dense(1), "tanh", Dense(1), "tanh", Dense(3)),
}
# Those whose activations all have a twin in torch.
WITH_TWINS = [name for name in NETWORKS if name != "pieces of one's own"]
CLOSE = {"rtol": 1e-11, "atol": 1e-12}


pytestmark = pytest.mark.usefixtures("one_thread")


def instance(network: Network, batch: int, samples: int = 5, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64)  # noqa: E731
    theta, x = draw(batch, network.parameter_count), draw(samples, network.input_dim)
    return theta, x, torch.softmax(draw(samples, network.output_dim), dim=-1)


class Entrywise(nn.Module):
    """An activation of the project as a module."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, z: Tensor) -> Tensor:
        return evaluate.apply(self.function, 0, z)


def module_of(network: Network) -> nn.Sequential:
    """The network of torch's own linear layers, in float64."""
    parts: list[nn.Module] = []
    width = network.input_dim
    for layer in network.layers:
        if isinstance(layer, Activate):
            parts.append(Entrywise(layer.activation))
        else:
            parts.append(nn.Linear(width, layer.width, bias=layer.bias))
            width = layer.width
    return nn.Sequential(*parts).double()


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.kind.value)
@pytest.mark.parametrize("name", WITH_TWINS)
def test_hessians_of_a_batch_are_those_of_autograd_one_by_one(name: str, loss: Loss) -> None:
    network = NETWORKS[name]
    theta, x, y = instance(network, 2, samples=3)
    found = hessians(network, loss, theta, x, y)
    expected = torch.stack([reference_hessian(network, loss, row, x, y) for row in theta])
    torch.testing.assert_close(found, expected, **CLOSE)
    assert torch.equal(found, found.mT)


@pytest.mark.parametrize("loss", [*LOSSES, Loss.huber(Fraction(1, 8))], ids=lambda loss: loss.label())
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_hessians_are_those_of_torch_func_and_of_products(name: str, loss: Loss) -> None:
    network = NETWORKS[name]
    theta, x, y = instance(network, 2, seed=1)
    function = module_objective(module_of(network), loss, x, y)
    found = hessians(network, loss, theta, x, y)
    torch.testing.assert_close(found, function.hessians(theta), **CLOSE)
    torch.testing.assert_close(found[1], hessian(network, loss, theta[1], x, y), **CLOSE)


def test_the_hessians_compared_are_not_zero() -> None:
    for name, network in NETWORKS.items():
        for loss in LOSSES:
            norms = hessians(network, loss, *instance(network, 3)).flatten(1).norm(dim=1)
            assert (norms > 1e-3).all(), (name, loss)


@pytest.mark.parametrize("name", ["mixed biases, four layers", "kinks"])
def test_both_objectives_agree_in_every_method(name: str) -> None:
    network, loss = NETWORKS[name], Loss.CROSS_ENTROPY
    theta, x, y = instance(network, 3)
    closed = objective_of(network, loss, x, y)
    by_function = objective_of(module_of(network), loss, x, y)
    assert isinstance(closed, NetworkObjective) and isinstance(by_function, FunctionObjective)
    assert closed.parameter_count == by_function.parameter_count
    rows = torch.tensor([[0, 1], [4, 2], [3, 3]])
    v = torch.randn(theta.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    for read in (
        lambda o: o.losses(theta), lambda o: o.gradients(theta), lambda o: o.gradients(theta, rows),
        lambda o: o.hessians(theta), lambda o: o.products(theta)(v),
    ):  # fmt: skip
        torch.testing.assert_close(read(closed), read(by_function), **CLOSE)
    torch.testing.assert_close(closed.products(theta)(v), (closed.hessians(theta) @ v[..., None])[..., 0])


def flat(tensors) -> Tensor:
    return torch.from_numpy(np.concatenate([t.to_numpy().ravel() for t in tensors]))


def drawn(data, *, activations=None):
    """A network, a loss and exact weights with the same as floats; None near a kink."""
    network = data.draw(make.architectures(max_depth=3, max_width=3, activations=activations))
    loss = data.draw(make.losses())
    weights = data.draw(make.weights(network, data.draw(make.boxes(network))))
    samples = data.draw(make.data_sets(network, loss, input_norm=Fraction(2), target_norm=Fraction(1)))
    theta = flat(weights)
    x, y = (torch.from_numpy(t.to_numpy()) for t in (samples.inputs, samples.targets))
    f = evaluate.output(network, theta, x)
    # Next to a kink rounding decides which piece counts.
    near = min(evaluate.kink_distance(network, theta, x), losses.kink_distance(loss, f, y)) < 1e-9
    return None if near else (network, loss, weights, samples, theta, x, y)


@given(st.data())
@settings(max_examples=40)
def test_any_architecture_has_the_hessian_of_torch_func(data) -> None:
    case = drawn(data)
    if case is None:
        return
    network, loss, _, _, theta, x, y = case
    batch = torch.stack([theta, 0.5 * theta + 0.1])
    expected = module_objective(module_of(network), loss, x, y).hessians(batch)
    found = hessians(network, loss, batch, x, y)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-10)


def test_exact_hessians_are_met_to_twelve_digits() -> None:
    compared, in_rationals = 0, 0

    @given(st.data())
    @settings(max_examples=60)
    def met(data) -> None:
        nonlocal compared, in_rationals
        case = drawn(data, activations=make.activations(smooth_pieces=True))
        if case is None:
            return
        network, loss, weights, samples, theta, x, y = case
        field = field_for(network, loss)
        try:
            exact = hessian_in(field, network, loss, weights, samples.inputs, samples.targets)
        except OnKink:
            return
        found = hessians(network, loss, theta[None], x, y)[0]
        expected = torch.tensor([[middle(entry) for entry in row] for row in exact], dtype=torch.float64)
        scale = max(1.0, float(expected.abs().max()))
        torch.testing.assert_close(found, expected, rtol=0.0, atol=1e-12 * scale)
        compared += bool(expected.any())
        in_rationals += isinstance(field, Rationals) and bool(expected.any())

    met()
    assert compared >= 15 and in_rationals >= 3


def middle(value) -> float:
    return float(value.mid()) if isinstance(value, arb) else int(value.p) / int(value.q)


@pytest.mark.parametrize("name", ["mixed biases, four layers", "kinks", "an activation first"])
def test_each_member_may_have_data_of_its_own(name: str) -> None:
    network, loss = NETWORKS[name], Loss.CROSS_ENTROPY
    theta, _, _ = instance(network, 3)
    sets = [instance(network, 1, seed=seed)[1:] for seed in range(3)]
    x, y = (torch.stack(tables) for tables in zip(*sets, strict=True))
    found = hessians(network, loss, theta, x, y)
    for k, (own_x, own_y) in enumerate(sets):
        torch.testing.assert_close(
            found[k], hessians(network, loss, theta[k : k + 1], own_x, own_y)[0], **CLOSE
        )
    assert not torch.allclose(found[1], hessians(network, loss, theta, *sets[0])[1])


@pytest.mark.parametrize("own_data", [False, True])
@pytest.mark.parametrize(
    ("entries", "splits"), [(1, "both"), (30, "both"), (4000, "batch"), (1 << 20, "none")]
)
def test_parts_of_samples_and_of_the_batch_change_rounding_alone(
    monkeypatch: pytest.MonkeyPatch, entries: int, splits: str, own_data: bool
) -> None:
    network, loss = NETWORKS["mixed biases, four layers"], Loss.CROSS_ENTROPY
    theta, x, y = instance(network, 5, samples=17)
    if own_data:
        x, y = (t * torch.linspace(0.5, 1.0, 5, dtype=t.dtype)[:, None, None] for t in (x, y))
    whole = hessians(network, loss, theta, x, y)
    parts: list[tuple[int, int]] = []
    record = closed_form.record

    def seen(network, loss, theta, x, y, **options):
        parts.append((len(theta), x.shape[-2]))
        return record(network, loss, theta, x, y, **options)

    monkeypatch.setattr(closed_form, "record", seen)
    monkeypatch.setattr(closed_form, "CACHE_ENTRIES", entries)
    torch.testing.assert_close(hessians(network, loss, theta, x, y), whole, rtol=1e-13, atol=1e-14)
    assert sum(rows * samples for rows, samples in parts) == 5 * 17
    split = max(rows for rows, _ in parts) < 5, max(samples for _, samples in parts) < 17
    assert split == {"both": (True, True), "batch": (True, False), "none": (False, False)}[splits]


@pytest.mark.parametrize("entries", [40, 1 << 20])
@pytest.mark.parametrize("name", ["mixed biases, four layers", "dense layers in a row", "one layer"])
def test_lower_halves_are_the_lower_halves(monkeypatch: pytest.MonkeyPatch, name: str, entries: int) -> None:
    network = NETWORKS[name]
    theta, x, y = instance(network, 3, samples=11)
    monkeypatch.setattr(closed_form, "CACHE_ENTRIES", entries)
    whole = hessians(network, Loss.BCE, theta, x, y)
    half = hessians(network, Loss.BCE, theta, x, y, lower=True)
    torch.testing.assert_close(half.tril(), whole.tril(), rtol=1e-13, atol=1e-14)
    # Above the diagonal there is nothing outside the diagonal blocks.
    start = 0
    mask = torch.zeros_like(half[0], dtype=torch.bool)
    for parameter in network.parameters():
        if parameter.is_weight:
            has_bias = any(p.layer == parameter.layer and not p.is_weight for p in network.parameters())
            end = start + parameter.size + has_bias * parameter.shape[0]
            mask[start:end, start:end] = True
            start = end
    assert start == network.parameter_count
    assert not half[:, ~mask & torch.ones_like(mask).triu(1)].any()


def test_a_given_table_is_filled_and_returned() -> None:
    network = NETWORKS["two layers"]
    theta, x, y = instance(network, 2)
    size = network.parameter_count
    table = torch.full((2, size, size), math.nan, dtype=torch.float64)
    found = hessians(network, Loss.MSE, theta, x, y, out=table)
    assert found is table
    assert torch.equal(table, hessians(network, Loss.MSE, theta, x, y))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["two layers", "kinks", "periods"])
def test_a_member_that_is_not_finite_stays_alone(name: str, value: float) -> None:
    network = NETWORKS[name]
    theta, x, y = instance(network, 4)
    clean = hessians(network, Loss.CROSS_ENTROPY, theta, x, y)
    theta[1], theta[3, 0] = value, value
    found = hessians(network, Loss.CROSS_ENTROPY, theta, x, y)
    assert torch.equal(found[[0, 2]], clean[[0, 2]])
    if math.isnan(value):
        assert torch.isnan(found[1]).all() and not torch.isfinite(found[3]).all()
    assert not torch.isfinite(found[1]).any(-1).all()


@pytest.mark.parametrize("name", ["two layers", "mixed biases, four layers", "curved pieces"])
def test_single_precision_is_close_to_double(name: str) -> None:
    network = NETWORKS[name]
    theta, x, y = instance(network, 3)
    found = hessians(network, Loss.CROSS_ENTROPY, theta.float(), x.float(), y.float())
    expected = hessians(network, Loss.CROSS_ENTROPY, theta, x, y)
    assert found.dtype == torch.float32
    scale = expected.abs().amax((1, 2), keepdim=True)
    error = ((found.double() - expected) / scale).abs().amax()
    assert 1e-10 < float(error) < 1e-5


def test_the_result_of_a_member_does_not_depend_on_the_batch() -> None:
    network = NETWORKS["mixed biases, four layers"]
    theta, x, y = instance(network, 6)
    whole = hessians(network, Loss.HUBER, theta, x, y)
    for k in range(6):
        assert torch.equal(hessians(network, Loss.HUBER, theta[k : k + 1], x, y)[0], whole[k])


def test_at_a_kink_the_right_piece_counts() -> None:
    # f = v relu(u) at u = 0: (f - 1)^2 / 2 has the Hessian [[v^2, f - 1], [f - 1, 0]] from the right.
    network = Network.of(1, Dense(1, bias=False), "relu", Dense(1, bias=False))
    one = torch.ones(1, 1, dtype=torch.float64)
    theta = torch.tensor([[0.0, 2.0], [-1e-300, 2.0]], dtype=torch.float64)
    found = hessians(network, Loss.HALF_MSE, theta, one, one)
    assert found.tolist() == [[[4.0, -1.0], [-1.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]


def test_what_does_not_fit_is_refused() -> None:
    network = NETWORKS["two layers"]
    theta, x, y = instance(network, 2)
    with pytest.raises(NumericsError, match=r"\[B, P\] but got shape=\(31,\)"):
        hessians(network, Loss.MSE, theta[0], x, y)
    with pytest.raises(NumericsError, match="at least one sample"):
        hessians(network, Loss.MSE, theta, x[:0], y[:0])
    with pytest.raises(NumericsError, match="31 parameters"):
        hessians(network, Loss.MSE, theta[:, 1:], x, y)
    with pytest.raises(NumericsError, match=r"inputs of shape \[N, 3\]"):
        hessians(network, Loss.MSE, theta, x[:, 1:], y)
    with pytest.raises(NumericsError, match="targets of shape"):
        hessians(network, Loss.MSE, theta, x, y[:, 1:])
    with pytest.raises(NumericsError, match=r"a Network or a torch\.nn\.Module but got str"):
        objective_of("network", Loss.MSE, x, y)
    with pytest.raises(NumericsError, match="with N >= 1"):
        objective_of(network, Loss.MSE, x, y[:2])
