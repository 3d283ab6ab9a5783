"""Architectures: names of tensors, shapes, and refusals that name the layer."""

from __future__ import annotations

from fractions import Fraction

import pytest

from proofs.errors import LayerError, NetworkError
from proofs.network import Activate, activation
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
    Recurrent,
    Residual,
    TopK,
    UserMap,
)

TANH = activation("tanh")
A, B = (("W", "A"),), (("W", "B"),)


def shared(**names: str) -> tuple[tuple[str, str], ...]:
    return tuple(names.items())


def test_shapes_names_and_counts_of_a_convolutional_network():
    layers = (
        Convolution(4, (3, 3), (1, 1), (1, 1)),
        Activate(activation("relu")),
        MaxPool((2, 2), (2, 2)),
        Flatten(),
        Linear(10),
    )
    net = Architecture((1, 8, 8), layers)
    assert [one.outgoing for one in net.placed()] == [(4, 8, 8), (4, 8, 8), (4, 4, 4), (64,), (10,)]
    assert [(p.name, p.layer, p.shape) for p in net.parameters()] == [
        ("W1", 1, (4, 1, 3, 3)), ("b1", 1, (4,)), ("W2", 2, (10, 64)), ("b2", 2, (10,)),
    ]  # fmt: skip
    assert (net.parameter_count, net.output_dim, net.input_dim) == (36 + 4 + 640 + 10, 10, 64)
    assert net.describe() == "1x8x8: convolution, activation relu, max pooling, flatten, dense 10"


def test_a_shared_tensor_appears_once():
    net = Architecture((3,), (Linear(3, shared=A), Activate(TANH), Linear(3, shared=A), Linear(1)))
    assert [p.name for p in net.parameters()] == ["A", "b1", "b2", "W3", "b3"]


def test_a_layer_may_share_the_tensor_of_another_by_the_name_it_has_anyway():
    net = Architecture((3,), (Linear(3), Linear(3, bias=False, shared=shared(W="W1"))))
    assert [p.name for p in net.parameters()] == ["W1", "b1"]


REFUSED = [
    ((2, 4, 4), (Linear(3),), None, r"layer 1: dense: expected a vector .* add a layer `flatten`"),
    ((4,), (Convolution(1, (3,), (1,), (0,)),), None, r"layer 1: convolution: expected shape \(channels, le"),
    ((1, 2), (Convolution(1, (4,), (1,), (0,)),), None, "expected a window of at most 2 entries but got 4"),
    ((1, 2, 2), (MaxPool((3, 1), (1, 1)),), None, "layer 1: max pooling: expected a window of at most 2"),
    ((1, 2), (AveragePool((2, 2), (1, 1)),), None, r"expected shape \(channels, height, width\)"),
    ((3,), (TopK(4), Linear(1)), None, "layer 1: top-k gating: expected k at most the 3 entries .* k=4"),
    ((3,), (Attention(2),), None, r"attention: expected rows of shape \(t, d\) but got shape \(3,\)"),
    ((3,), (Linear(3), MeanOverPositions()), None, "layer 2: mean over positions: expected rows"),
    ((3,), (Linear(3, shared=A),), None, "layer 1: dense: expected a second tensor of the shared name A"),
    ((3,), (Linear(4, shared=A), Linear(3, shared=A)), None, r"layer 2: .* one shape of .* A .*\(4, 3\) and"),
    (
        (3,), (Linear(3, shared=A), Linear(3, shared=A, frozen=True)), None,
        "expected the shared tensor A frozen everywhere or nowhere",
    ),
    ((3,), (Linear(2, bias=False, shared=shared(b="A")),), None, "layer with the tensor b to share it as A"),
    ((3,), (Residual((Linear(2),)), Linear(1)), None, r"layer 1: residual sum: .*keep shape \(3,\) .*\(2,\)"),
    ((3,), (Residual((Linear(2), Attention(1))),), None, "layer 1.2: attention: expected rows"),
    ((3,), (Embedding(2),), None, "expected an embedding as the first layer only, of tokens"),
    ((3,), (Linear(2), Embedding(2)), 4, "layer 2: embedding: expected an embedding as the first"),
    ((3, 2), (Linear(2),), 4, r"expected tokens of input shape \(t,\)"),
    ((3,), (Linear(2),), 4, "expected a vector as the output but got shape"),
    ((3, 2), (Recurrent(2, 4, TANH),), None, "as many steps as the 3 rows of the input but got 4"),
    (
        (3, 2), (GraphConvolution(2, ((Fraction(1),),)), Flatten()), None,
        "expected an adjacency of 3 nodes but got one of 1",
    ),
    ((3,), (UserMap("f", 2), UserMap("f", 2), Linear(1)), None, "one function called map f but got two"),
    ((3,), (Activate(TANH),), None, "expected at least one trained tensor"),
    ((3,), (Linear(1, frozen=True),), None, "expected at least one trained tensor"),
    ((3,), (), None, "expected 1 to 2000 layers"),
    ((0,), (Linear(1),), None, "expected an input shape of whole numbers >= 1"),
    ((), (Linear(1),), None, "expected an input shape of 1 to 4 numbers"),
    ((20_000,), (TopK(1), Linear(1)), None, "top-k gating: expected tensors of at most 50000000"),
    ((9_000, 2), (Attention(2), Flatten(), Linear(1)), None, "attention: expected tensors of at most"),
    ((1, 900_000), (Convolution(1, (90_000,), (1,), (0,)),), None, "convolution: expected tensors"),
    ((900_000,), (Linear(900_000),), None, "expected tensors of at most 50000000 entries"),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "layers", "vocabulary", "message"), REFUSED)
def test_an_architecture_that_does_not_fit_is_refused(shape, layers, vocabulary, message):
    with pytest.raises(NetworkError, match=message):
        Architecture(shape, layers, vocabulary)


def test_a_refusal_carries_the_place_of_the_layer():
    with pytest.raises(LayerError) as caught:
        Architecture((3,), (Linear(3), Residual((Linear(3), TopK(5)))))
    assert caught.value.path == (2, 2)


WRONG = [
    (lambda: Attention(6, heads=4), "expected heads that divide the width 6 but got heads=4"),
    (lambda: LayerNorm(Fraction(0)), "expected eps as an exact number > 0 but got eps=0"),
    (lambda: LayerNorm(Fraction(-1, 9)), "expected eps as an exact number > 0"),
    (lambda: TopK(0), "expected k from 1"),
    (lambda: Linear(0), "expected width from 1"),
    (lambda: Convolution(1, (3,), (0,), (0,)), "expected stride from 1"),
    (lambda: Convolution(1, (3,), (1, 1), (0,)), "kernel, stride and padding of one length"),
    (lambda: Convolution(1, (3, 3, 3), (1,), (0,)), "kernel with one or two numbers"),
    (lambda: MaxPool((2,), (1, 1)), "window and stride of one length"),
    (lambda: Linear(1, shared=shared(V="A")), "expected shared tensors among W, b"),
    (lambda: Linear(1, shared=(*A, *B)), "each once"),
    (lambda: Linear(1, shared=shared(W="2A")), "the name of a shared tensor"),
    (lambda: Linear(1, shared=shared(W="x")), "not x or y"),
    (lambda: UserMap("exp(x)", 1), "expected the name of a map"),
    (lambda: GraphConvolution(1, ((Fraction(1), Fraction(1)),)), "a square adjacency"),
    (lambda: Residual(()), "at least one layer inside"),
    (lambda: Recurrent(1, 0, TANH), "expected steps from 1"),
    (lambda: Recurrent(1, 10_001, TANH), "expected at most 10000 steps"),
]


@pytest.mark.parametrize(("build", "message"), WRONG)
def test_a_layer_with_wrong_numbers_is_refused(build, message):
    with pytest.raises(NetworkError, match=message):
        build()
