"""Losses as maps take the values of torch's own losses, on arbitrary and on given data."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
import torch.nn.functional as F
from map_values import value_of

from proofs.errors import NetworkError
from proofs.kernel.maps import Given, MeanOf
from proofs.network import Loss
from proofs.network.architecture import Architecture
from proofs.network.architecture_layers import Embedding, Linear, MeanOverPositions
from proofs.network.lowering_losses import (
    empirical_loss,
    input_map,
    loss_on,
    lower_loss,
    one_hot,
    sample_loss,
)

ARCHITECTURE = Architecture((2,), (Linear(3),))
WEIGHTS = {
    "W1": torch.tensor([[1.0, -2.0], [0.5, 3.0], [-1.0, 0.25]], dtype=torch.float64),
    "b1": torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64),
}


def reference(loss: Loss, f: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    match loss.label():
        case "cross_entropy":
            return F.cross_entropy(f, y)
        case "mse":
            return F.mse_loss(f, y, reduction="sum")
        case "half_mse":
            return F.mse_loss(f, y, reduction="sum") / 2
        case "bce":
            return F.binary_cross_entropy_with_logits(f, y, reduction="sum")
        case _:
            return F.huber_loss(f, y, reduction="sum", delta=float(dict(loss.parameters)["delta"]))


LOSSES = [Loss.CROSS_ENTROPY, Loss.MSE, Loss.HALF_MSE, Loss.BCE, Loss.huber(Fraction(1, 2))]


@pytest.mark.parametrize("loss", LOSSES, ids=Loss.label)
def test_the_loss_of_a_sample(loss):
    f = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
    y = torch.tensor([0.25, 0.75, 0.0], dtype=torch.float64)
    found = value_of(lower_loss(loss, Given("f", (3,)), Given("y", (3,))), {"f": f, "y": y})
    torch.testing.assert_close(found, reference(loss, f, y))


@pytest.mark.parametrize("loss", LOSSES, ids=Loss.label)
def test_the_loss_on_given_data_is_the_mean(loss):
    xs, ys = [[1, Fraction(1, 2)], [-2, 0]], [[1, 0, 0], [Fraction(1, 2), 0, Fraction(1, 2)]]
    node = loss_on(ARCHITECTURE, loss, xs, ys)
    assert node.shape == () and not node.symbols
    x, y = (torch.tensor([[float(e) for e in row] for row in rows], dtype=torch.float64) for rows in (xs, ys))
    outputs = F.linear(x, WEIGHTS["W1"], WEIGHTS["b1"])
    each = [reference(loss, f, target) for f, target in zip(outputs, y, strict=True)]
    torch.testing.assert_close(value_of(node, WEIGHTS), torch.stack(each).mean())


def test_the_empirical_loss_binds_the_data_and_leaves_frozen_tensors():
    architecture = Architecture((2,), (Linear(3, frozen=True), Linear(1)))
    assert {s.name for s in sample_loss(architecture, Loss.MSE).symbols} == {"x", "y", "W1", "b1"}
    node = empirical_loss(architecture, Loss.MSE)
    assert isinstance(node, MeanOf)
    assert {s.name for s in node.symbols} == {"W1", "b1"}


def test_tokens_become_one_hot_rows():
    architecture = Architecture((2,), (Embedding(3), MeanOverPositions()), vocabulary=3)
    assert input_map(architecture, [2, 0]) is one_hot([2, 0], 3)
    assert [int(e) for e in one_hot([2, 0], 3).entries] == [0, 0, 1, 1, 0, 0]


@pytest.mark.parametrize("token", [3, -1, Fraction(1, 2)])
def test_a_token_outside_the_vocabulary_is_refused(token):
    with pytest.raises(NetworkError, match=r"expected tokens from 0 to 2 but got .* at position 1"):
        one_hot([0, token], 3)


def test_data_that_do_not_fit_are_refused():
    with pytest.raises(NetworkError, match="expected rows of 2 numbers but got 3"):
        input_map(ARCHITECTURE, [1, 2, 3])
    with pytest.raises(NetworkError, match="expected as many targets as inputs but got 1 and 0"):
        loss_on(ARCHITECTURE, Loss.MSE, [[1, 2]], [])
    with pytest.raises(NetworkError, match="expected vectors f and y of one width"):
        loss_on(ARCHITECTURE, Loss.MSE, [[1, 2]], [[1]])
