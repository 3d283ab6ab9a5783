from __future__ import annotations

import pytest
import torch

from numerics.curvature import (
    gradient,
    hessian,
    hessian_vector_product,
    sample_gradient_norms,
    second_derivative,
    tape,
)
from numerics.errors import NumericsError
from numerics.evaluate import kink_distance, mean_loss, nodes, pack, sample_losses, unpack
from numerics.reference import (
    reference_gradient,
    reference_hessian,
    reference_loss,
    reference_sample_gradient_norms,
)
from proofs.network import LOSSES, Dense, Loss, Network

NETWORKS = {
    "tanh then gelu": Network.of(3, Dense(4), "tanh", Dense(2, bias=False), "gelu", Dense(3)),
    "starts with an activation": Network.of(3, "sin", Dense(4, bias=False), "softplus", Dense(3)),
    "two dense layers in a row": Network.of(3, Dense(4), Dense(2), "sigmoid", "square", Dense(3), "silu"),
    "one layer": Network.of(3, Dense(3, bias=False)),
    "kinks": Network.of(3, Dense(5), "relu", Dense(4), "elu", Dense(3), "leaky_relu"),
    "more kinks": Network.of(3, Dense(5), "hardswish", Dense(3), "selu"),
}
CASES = [(name, loss) for name in NETWORKS for loss in LOSSES]


Triple = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def instance(network: Network, samples: int = 5) -> Triple:
    generator = torch.Generator().manual_seed(0)
    draw = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64)  # noqa: E731
    theta, x = draw(network.parameter_count), draw(samples, network.input_dim)
    return theta, x, torch.softmax(draw(samples, 3), dim=1)


@pytest.mark.parametrize(("name", "loss"), CASES)
def test_values_gradients_and_hessians_agree_with_their_slow_twins(name: str, loss: Loss) -> None:
    network = NETWORKS[name]
    theta, x, y = instance(network)
    close = {"rtol": 1e-10, "atol": 1e-11}
    value, slope = reference_loss(network, loss, theta, x, y), reference_gradient(network, loss, theta, x, y)
    torch.testing.assert_close(mean_loss(network, loss, theta, x, y), value, **close)
    expected = reference_hessian(network, loss, theta, x, y)
    torch.testing.assert_close(gradient(network, loss, theta, x, y), slope, **close)
    torch.testing.assert_close(hessian(network, loss, theta, x, y), expected, **close)
    torch.testing.assert_close(
        sample_gradient_norms(network, loss, theta, x, y),
        reference_sample_gradient_norms(network, loss, theta, x, y),
        **close,
    )
    v = torch.randn(theta.shape, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    product = hessian_vector_product(network, loss, theta, x, y)
    torch.testing.assert_close(product(v), expected @ v, **close)
    torch.testing.assert_close(second_derivative(network, loss, theta, v, x, y), v @ expected @ v, **close)


def test_batches_of_directions_are_products_one_by_one() -> None:
    network = NETWORKS["tanh then gelu"]
    theta, x, y = instance(network)
    product = hessian_vector_product(network, Loss.CROSS_ENTROPY, theta, x, y)
    v = torch.randn(2, 3, theta.shape[0], generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    rows = torch.stack([torch.stack([product(u) for u in part]) for part in v])
    torch.testing.assert_close(product(v), rows, rtol=1e-12, atol=1e-13)


def test_chunks_of_samples_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    network = NETWORKS["tanh then gelu"]
    theta, x, y = instance(network, samples=11)
    whole = (
        gradient(network, Loss.MSE, theta, x, y),
        hessian(network, Loss.MSE, theta, x, y),
        sample_gradient_norms(network, Loss.MSE, theta, x, y),
    )
    monkeypatch.setattr(tape, "CHUNK_ENTRIES", 2 * sum(network.widths()))
    parts = (
        gradient(network, Loss.MSE, theta, x, y),
        hessian(network, Loss.MSE, theta, x, y),
        sample_gradient_norms(network, Loss.MSE, theta, x, y),
    )
    torch.testing.assert_close(parts, whole, rtol=1e-12, atol=1e-13)


def test_packing_inverts_unpacking_in_the_order_of_the_parameters() -> None:
    network = NETWORKS["tanh then gelu"]
    theta, x, _ = instance(network)
    parts = unpack(network, theta)
    assert list(parts) == ["W1", "b1", "W2", "W3", "b3"]
    assert torch.equal(pack(network, parts), theta)
    assert torch.equal(parts["W1"][1], theta[3:6])
    assert unpack(network, torch.stack([theta, theta]))["W2"].shape == (2, 2, 4)
    assert [tuple(value.shape) for value in nodes(network, theta, x)] == [(5, w) for w in network.widths()]


def test_the_kink_distance_is_that_of_the_nearest_pre_activation() -> None:
    network = Network.of(1, Dense(1), "relu", Dense(1))
    theta = torch.tensor([1.0, 0.5, 1.0, 0.0], dtype=torch.float64)
    x = torch.tensor([[1.0], [-0.25]], dtype=torch.float64)
    assert kink_distance(network, theta, x) == 0.25
    assert kink_distance(Network.of(1, Dense(1), "tanh", Dense(1)), theta, x) == float("inf")


def test_shapes_that_do_not_fit_are_refused() -> None:
    network = NETWORKS["one layer"]
    theta, x, y = instance(network)
    with pytest.raises(NumericsError, match="9 parameters"):
        nodes(network, theta[:-1], x)
    with pytest.raises(NumericsError, match=r"\[N, 3\]"):
        nodes(network, theta, x[:, :2])
    with pytest.raises(NumericsError, match="targets"):
        sample_losses(network, Loss.MSE, theta, x, y[:2])
    with pytest.raises(NumericsError, match="targets"):
        gradient(network, Loss.MSE, theta, x, y[:2])
    with pytest.raises(NumericsError, match="at least one sample"):
        gradient(network, Loss.MSE, theta, x[:0], y[:0])
