"""Every layer's map takes the values of torch's own layer."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
import torch.nn.functional as F
from map_values import value_of
from torch import Tensor

from proofs.kernel.maps import Contract, Given, Opaque, ParameterBlock, Partial, Total, blocks_of, maps_below
from proofs.network import Activate, Dense, Network, activation
from proofs.network.architecture import Architecture
from proofs.network.architecture_layers import (
    Attention,
    AveragePool,
    Convolution,
    Embedding,
    Flatten,
    GraphConvolution,
    LayerNorm,
    Linear,
    MaxPool,
    MeanOverPositions,
    Positions,
    Recurrent,
    Residual,
    Softmax,
    TopK,
    TrainedSlope,
    UserMap,
)
from proofs.network.lowering import lower
from proofs.network.lowering_losses import one_hot

HALF = Fraction(1, 2)


def weights_of(architecture: Architecture, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    every = architecture.parameters() + architecture.frozen()
    return {p.name: torch.randn(p.shape, generator=generator, dtype=torch.float64) for p in every}


def values(architecture: Architecture, x: Tensor, **functions) -> tuple[Tensor, dict[str, Tensor]]:
    """The output for x, and the weights drawn for it."""
    weights = weights_of(architecture)
    output = lower(architecture, Given("x", architecture.map_shape)).output
    return value_of(output, {**weights, "x": x}, functions), weights


def drawn(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def close(left: Tensor, right: Tensor) -> None:
    torch.testing.assert_close(left, right.reshape(left.shape), rtol=1e-11, atol=1e-11)


def test_a_network_has_the_same_parameters_and_values():
    network = Network.of(3, Dense(4), "tanh", Dense(2, bias=False), "relu")
    architecture = Architecture.of_network(network)
    assert architecture.parameters() == network.parameters()
    x = drawn(3)
    found, w = values(architecture, x)
    close(found, torch.relu(w["W2"] @ torch.tanh(w["W1"] @ x + w["b1"])))


def test_dense_on_a_vector_is_the_weight_contracted_with_it():
    architecture = Architecture((3,), (Linear(2),))
    output = lower(architecture, Given("x", (3,))).output
    weight, bias = ParameterBlock("W1", (2, 3)), ParameterBlock("b1", (2,))
    assert output is Total((Contract("ij,j->i", weight, Given("x", (3,))), bias))


@pytest.mark.parametrize("bias", [True, False])
def test_dense_applies_to_each_row(bias):
    x = drawn(5, 3)
    found, w = values(Architecture((5, 3), (Linear(2, bias), Flatten())), x)
    close(found, F.linear(x, w["W1"], w.get("b1")))


def test_a_transposed_tied_dense_layer_uses_the_other_side_of_the_matrix():
    shared = (("W", "A"),)
    architecture = Architecture(
        (3,), (Linear(2, bias=False, shared=shared), Linear(3, bias=False, transposed=True, shared=shared))
    )
    assert [p.name for p in architecture.parameters()] == ["A"]
    x = drawn(3)
    found, w = values(architecture, x)
    close(found, w["A"].T @ (w["A"] @ x))


@pytest.mark.parametrize("stride", [(1, 1), (2, 1), (3, 2)])
@pytest.mark.parametrize("padding", [(0, 0), (1, 2)])
@pytest.mark.parametrize("bias", [True, False])
def test_convolution_in_two_dimensions(stride, padding, bias):
    x = drawn(2, 6, 5)
    found, w = values(Architecture((2, 6, 5), (Convolution(3, (3, 2), stride, padding, bias), Flatten())), x)
    close(found, F.conv2d(x, w["W1"], w.get("b1"), stride=stride, padding=padding))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", [0, 2])
def test_convolution_in_one_dimension(stride, padding):
    x = drawn(2, 7)
    found, w = values(Architecture((2, 7), (Convolution(3, (3,), (stride,), (padding,)), Flatten())), x)
    close(found, F.conv1d(x, w["W1"], w["b1"], stride=stride, padding=padding))


CARRIER = Linear(1, bias=False)


def output_of(layers, x: Tensor) -> Tensor:
    """The value of layers without tensors; a dense layer at the end makes them an architecture."""
    architecture = Architecture(tuple(x.shape), (*layers, Flatten(), CARRIER))
    nodes = lower(architecture, Given("x", architecture.map_shape)).nodes
    return value_of(nodes[len(layers) - 1][1], {"x": x})


@pytest.mark.parametrize("stride", [(2, 2), (1, 2)])
def test_pooling_in_two_dimensions(stride):
    x = drawn(2, 5, 6)
    close(output_of([AveragePool((2, 3), stride)], x), F.avg_pool2d(x, (2, 3), stride))
    close(output_of([MaxPool((2, 3), stride)], x), F.max_pool2d(x, (2, 3), stride))


def test_pooling_in_one_dimension():
    x = drawn(2, 7)
    close(output_of([AveragePool((3,), (2,))], x), F.avg_pool1d(x, 3, 2))
    close(output_of([MaxPool((3,), (2,))], x), F.max_pool1d(x, 3, 2))


def test_max_pooling_of_equal_entries_is_the_entry():
    x = torch.tensor([[1.0, 1.0, -2.0, -2.0, -2.0, 3.0]], dtype=torch.float64)
    close(output_of([MaxPool((2,), (2,))], x), torch.tensor([[1.0, -2.0, 3.0]], dtype=torch.float64))


@pytest.mark.parametrize("heads", [1, 2, 4])
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_attention_is_scaled_dot_product_attention(heads, causal, bias):
    x = drawn(5, 6)
    layer = Attention(8, heads, bias, causal=causal)
    found, w = values(Architecture((5, 6), (layer, Flatten())), x)

    def side(name):
        return F.linear(x, w[f"W{name}1"], w.get(f"b{name}1")).reshape(5, heads, -1).transpose(0, 1)

    mixed = F.scaled_dot_product_attention(side("q"), side("k"), side("v"), is_causal=causal)
    close(found, F.linear(mixed.transpose(0, 1).reshape(5, 8), w["Wo1"], w.get("bo1")))


def test_attention_agrees_with_the_module_of_torch():
    x = drawn(4, 6)
    found, w = values(Architecture((4, 6), (Attention(6, 3, bias=True), Flatten())), x)
    module = torch.nn.MultiheadAttention(6, 3, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        module.in_proj_weight.copy_(torch.cat([w["Wq1"], w["Wk1"], w["Wv1"]]))
        module.in_proj_bias.copy_(torch.cat([w["bq1"], w["bk1"], w["bv1"]]))
        module.out_proj.weight.copy_(w["Wo1"])
        module.out_proj.bias.copy_(w["bo1"])
        close(found, module(x[None], x[None], x[None])[0])


def test_attention_without_output_matrix_has_the_width_of_its_heads():
    x = drawn(4, 6)
    found, w = values(Architecture((4, 6), (Attention(3, output=False), Flatten())), x)
    assert sorted(w) == ["Wk1", "Wq1", "Wv1"]
    q, k, v = (x @ w[f"W{name}1"].T for name in "qkv")
    close(found, F.scaled_dot_product_attention(q, k, v))


@pytest.mark.parametrize("shape", [(5,), (4, 5)])
def test_layer_norm(shape):
    x = drawn(*shape)
    found, w = values(Architecture(shape, (LayerNorm(Fraction(1, 100)), Flatten())), x)
    close(found, F.layer_norm(x, (5,), w["g1"], w["b1"], 0.01))
    close(output_of([LayerNorm(Fraction(1, 100), affine=False)], x), F.layer_norm(x, (5,), eps=0.01))


def test_the_variance_of_layer_norm_is_one_map_contracted_with_itself():
    architecture = Architecture((5,), (LayerNorm(Fraction(1, 100)),))
    output = lower(architecture, Given("x", (5,))).output
    squares = [p for p in maps_below(output) if isinstance(p, Contract) and p.left is p.right]
    assert len(squares) == 1


@pytest.mark.parametrize("shape", [(5,), (4, 5)])
def test_softmax(shape):
    x = drawn(*shape)
    close(output_of([Softmax()], x), F.softmax(x, -1))


def reference_top_k(x: Tensor, k: int, softmax: bool) -> Tensor:
    order = torch.sort(x, descending=True, stable=True).indices[..., :k]
    kept = torch.zeros_like(x).scatter(-1, order, 1.0)
    if softmax:
        return F.softmax(torch.where(kept > 0, x, torch.full_like(x, -torch.inf)), -1)
    return kept * x


@pytest.mark.parametrize("softmax", [True, False])
@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("shape", [(5,), (3, 5)])
def test_top_k_gating(shape, k, softmax):
    x = drawn(*shape)
    close(output_of([TopK(k, softmax)], x), reference_top_k(x, k, softmax))


@pytest.mark.parametrize("softmax", [True, False])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_of_equal_entries_the_first_ones_are_kept(k, softmax):
    x = torch.tensor([1.0, 2.0, 2.0, 2.0, -1.0], dtype=torch.float64)
    found = output_of([TopK(k, softmax)], x)
    assert (found != 0).tolist() == [False, *(index < k for index in range(3)), False]
    close(found, reference_top_k(x, k, softmax))


def test_graph_convolution():
    adjacency = (
        (HALF, HALF, Fraction(0)),
        (HALF, Fraction(0), HALF),
        (Fraction(0), Fraction(1), Fraction(0)),
    )
    x = drawn(3, 2)
    found, w = values(Architecture((3, 2), (GraphConvolution(4, adjacency), Flatten())), x)
    a = torch.tensor([[float(e) for e in row] for row in adjacency], dtype=torch.float64)
    close(found, a @ x @ w["W1"].T + w["b1"])


@pytest.mark.parametrize("all_states", [True, False])
def test_recurrent_layers_agree_with_those_of_torch(all_states):
    x = drawn(4, 3)
    layer = Recurrent(2, 4, activation("tanh"), all_states=all_states)
    found, w = values(Architecture((4, 3), (layer, Flatten())), x)
    module = torch.nn.RNN(3, 2, dtype=torch.float64)
    with torch.no_grad():
        module.weight_ih_l0.copy_(w["W1"])
        module.weight_hh_l0.copy_(w["U1"])
        module.bias_ih_l0.copy_(w["b1"])
        module.bias_hh_l0.zero_()
        states = module(x)[0]
    close(found, states if all_states else states[-1])


def test_a_recurrent_layer_sees_a_vector_in_every_step():
    x = drawn(3)
    found, w = values(Architecture((3,), (Recurrent(2, 3, activation("relu"), bias=False),)), x)
    state = torch.zeros(2, dtype=torch.float64)
    for _ in range(3):
        state = torch.relu(w["W1"] @ x + w["U1"] @ state)
    close(found, state)


def test_embedding_and_tied_output():
    tied = (("E", "table"),)
    layers = (
        Embedding(3, shared=tied),
        Positions(),
        MeanOverPositions(),
        Linear(5, bias=False, shared=(("W", "table"),)),
    )
    architecture = Architecture((4,), layers, vocabulary=5)
    assert [(p.name, p.shape) for p in architecture.parameters()] == [("table", (5, 3)), ("P2", (4, 3))]
    tokens = [0, 4, 4, 2]
    w = weights_of(architecture)
    found = value_of(lower(architecture, one_hot(tokens, 5)).output, w)
    rows = F.embedding(torch.tensor(tokens), w["table"]) + w["P2"]
    close(found, rows.mean(0) @ w["table"].T)
    assert len(blocks_of(lower(architecture, one_hot(tokens, 5)).output)) == 2


@pytest.mark.parametrize("shape", [(4,), (3, 2), (3, 2, 2)])
def test_trained_slopes(shape):
    x = drawn(*shape)
    found, w = values(Architecture(shape, (TrainedSlope(), Flatten())), x)
    close(found, F.prelu(x[None], w["a1"]))
    found, w = values(Architecture(shape, (TrainedSlope(each=True), Flatten())), x)
    close(found, F.prelu(x[None], w["a1"]))


def test_residual_sums_nest_and_are_traced():
    inner = Residual((Linear(3), Activate(activation("tanh"))))
    architecture = Architecture((3,), (Residual((inner, Linear(3, bias=False))), Linear(2)))
    x = drawn(3)
    found, w = values(architecture, x)
    h = x + torch.tanh(w["W1"] @ x + w["b1"])
    close(found, w["W3"] @ (x + w["W2"] @ h) + w["b3"])
    lowered = lower(architecture, Given("x", (3,)))
    assert [label for label, _ in lowered.nodes] == [
        "layer 1.1.1: dense",
        "layer 1.1.2: activation tanh",
        "layer 1.1: residual sum",
        "layer 1.2: dense",
        "layer 1: residual sum",
        "layer 2: dense",
    ]
    assert lowered.nodes[-1][1] is lowered.output


def test_a_frozen_layer_is_given_data_and_can_be_replaced_by_values():
    architecture = Architecture((3,), (Linear(2, frozen=True), Linear(1)))
    assert [p.name for p in architecture.parameters()] == ["W2", "b2"]
    assert [p.name for p in architecture.frozen()] == ["W1", "b1"]
    output = lower(architecture, Given("x", (3,))).output
    assert {symbol.name for symbol in output.symbols} == {"x", "W1", "b1"}
    found, w = values(architecture, drawn(3))
    close(found, w["W2"] @ (w["W1"] @ drawn(3) + w["b1"]) + w["b2"])
    trained = lower(architecture, Given("x", (3,)), {"W1": ParameterBlock("A", (2, 3))}).output
    assert {symbol.name for symbol in trained.symbols} == {"x", "b1"}


def test_a_map_of_the_user_is_opaque():
    architecture = Architecture((2, 2), (Linear(2), UserMap("foo", 3)))
    output = lower(architecture, Given("x", (2, 2))).output
    assert isinstance(output, Opaque)
    assert output.shape == (3,)
    found, w = values(architecture, drawn(2, 2), foo=lambda h: h[:3] ** 2)
    close(found, F.linear(drawn(2, 2), w["W1"], w["b1"]).reshape(-1)[:3] ** 2)


def test_partial_functions_are_applied_to_sums_of_exponentials_and_squares_plus_eps_only():
    layers = (Attention(4, 2), LayerNorm(), TopK(2, softmax=True), MeanOverPositions(), Linear(2))
    architecture = Architecture((3, 4), layers)
    partial = [
        p for p in maps_below(lower(architecture, Given("x", (3, 4))).output) if isinstance(p, Partial)
    ]
    assert sorted(p.name for p in partial) == ["inverse"] * 4 + ["sqrt"] * 2
