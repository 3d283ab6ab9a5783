"""Architectures in problem files: loading, refusals with their key, and what is done without bounds."""

from __future__ import annotations

import contextlib
import io
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from gradlemma import bounds, check_problem, cli, load_problem
from gradlemma.check import Verdict
from gradlemma.errors import ProblemError
from gradlemma.problem import Problem, bounds_refusal, feed_forward
from gradlemma.problem_maps import any_data_loss, architecture_of, data_loss
from proofs.network import Architecture, Network, activation
from proofs.network import architecture_layers as layers

EXAMPLES = Path(__file__).parents[2] / "examples"
SHIPPED = {
    "relu_121": (Network, 7),
    "tanh_mlp": (Network, 54),
    "rnn": (Architecture, 22),
    "tiny_transformer": (Architecture, 204),
    "digits_cnn": (Architecture, 690),
}


def run(*arguments: str) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of the command."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as left:
        cli.main(list(arguments))
    return left.value.code, out.getvalue(), err.getvalue()


def load(
    tmp_path: Path, network: str, head: str = "input: {dim: 3}", tail: str = "loss: half_mse"
) -> Problem:
    path = tmp_path / "net.yaml"
    path.write_text(f"{head}\nnetwork:\n{network}\n{tail}\n")
    return load_problem(path)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_examples_load_and_have_a_loss_as_a_map(name):
    problem = load_problem(EXAMPLES / f"{name}.yaml")
    kind, count = SHIPPED[name]
    assert type(problem.network) is kind
    assert problem.network.parameter_count == count
    assert architecture_of(problem).parameter_count == count
    assert any_data_loss(problem).shape == () and not any_data_loss(problem).symbols
    assert data_loss(problem, limit=3).shape == () and not data_loss(problem, limit=3).symbols


def test_the_transformer_uses_its_table_twice():
    network = load_problem(EXAMPLES / "tiny_transformer.yaml").network
    assert [p.name for p in network.parameters()].count("table") == 1
    assert network.placed()[-1].tensors[0].name == "table"


ROWS = "input: {shape: [4, 3]}"
IMAGE = "input: {shape: [2, 6, 6]}"
FLAT = "  - flatten\n"
ONE = [
    ("  - dense: {width: 2, transposed: true}", "input: {dim: 3}", layers.Linear(2, transposed=True)),
    ("  - dense: {width: 2, frozen: true}\n  - dense: {width: 1}", "input: {dim: 3}",
     layers.Linear(2, frozen=True)),
    ("  - conv: {channels: 4, kernel: 3}\n" + FLAT, IMAGE, layers.Convolution(4, (3, 3), (1, 1), (0, 0))),
    (
        "  - conv: {channels: 4, kernel: [3, 2], stride: 2, padding: [0, 1], bias: false}\n" + FLAT, IMAGE,
        layers.Convolution(4, (3, 2), (2, 2), (0, 1), bias=False),
    ),
    (
        2 * "  - conv: {channels: 4, kernel: 3, weights: A}\n" + FLAT,
        "input: {shape: [4, 9]}", layers.Convolution(4, (3,), (1,), (0,), shared=(("W", "A"),)),
    ),
    ("  - max_pool: {window: 2}\n" + FLAT, IMAGE, layers.MaxPool((2, 2), (2, 2))),
    ("  - average_pool: {window: [2, 3], stride: 1}\n" + FLAT, IMAGE, layers.AveragePool((2, 3), (1, 1))),
    (
        "  - attention: {width: 6, heads: 2, bias: true, output: false, causal: true}\n" + FLAT, ROWS,
        layers.Attention(6, 2, bias=True, output=False, causal=True),
    ),
    (
        "  - attention: {width: 3, tie: {Wq: A, Wk: A}}\n" + FLAT, ROWS,
        layers.Attention(3, shared=(("Wk", "A"), ("Wq", "A"))),
    ),
    ("  - layer_norm\n" + FLAT, ROWS, layers.LayerNorm()),
    (
        "  - layer_norm: {eps: 1/9, affine: false}\n" + FLAT, ROWS,
        layers.LayerNorm(Fraction(1, 9), affine=False),
    ),
    ("  - softmax\n" + FLAT, ROWS, layers.Softmax()),
    ("  - top_k: {k: 2, softmax: true}\n" + FLAT, ROWS, layers.TopK(2, softmax=True)),
    ("  - mean_over_positions", ROWS, layers.MeanOverPositions()),
    ("  - positions\n" + FLAT, ROWS, layers.Positions()),
    ("  - trained_slope: {each: true}", "input: {dim: 3}", layers.TrainedSlope(each=True)),
    ("  - map: {name: foo, width: 2}", "input: {dim: 3}", layers.UserMap("foo", 2)),
    (
        "  - graph_conv: {width: 2, adjacency: [[0, 1/2], [1, 0]]}\n" + FLAT, "input: {shape: [2, 3]}",
        layers.GraphConvolution(2, ((Fraction(0), Fraction(1, 2)), (Fraction(1), Fraction(0)))),
    ),
    (
        "  - recurrent: {width: 2, steps: 4, all_states: true, activation: {name: elu, alpha: 1/3}}\n" + FLAT,
        ROWS, layers.Recurrent(2, 4, activation("elu", alpha="1/3"), all_states=True),
    ),
    (
        "  - residual:\n      - layer_norm\n      - dense: {width: 3}\n" + FLAT, ROWS,
        layers.Residual((layers.LayerNorm(), layers.Linear(3))),
    ),
    ("  - embedding: {width: 2}\n" + FLAT, "input: {tokens: 4, vocabulary: 5}", layers.Embedding(2)),
]  # fmt: skip


@pytest.mark.parametrize(("network", "head", "expected"), ONE)
def test_every_layer_is_read(tmp_path, network, head, expected):
    problem = load(tmp_path, network.rstrip("\n") + "\n  - dense: {width: 1}", head)
    assert problem.network.layers[0] == expected
    assert bounds_refusal(problem) is not None


@pytest.mark.parametrize("head", ["input: {dim: 3, norm: 1}", "input: {shape: [3], norm: 1}"])
def test_dense_layers_and_activations_on_vectors_are_a_network(tmp_path, head):
    tail = "loss: mse\ntargets: {norm: 1}\nbox: {weight_norms: [1], bias_norms: [1]}"
    problem = load(tmp_path, "  - dense: {width: 2}\n  - activation: relu", head, tail)
    assert problem.network == Network.of(3, layers_dense(2), "relu")
    assert bounds_refusal(problem) is None


def layers_dense(width: int):
    from proofs.network import Dense

    return Dense(width)


REFUSED = [
    ("  - dense: {width: 3}\n  - top_k: {k: 5}", "net.yaml:4, key network[1].top_k: expected k at most"),
    ("  - dense: {width: 3, weights: A}", "key network[0].dense: expected a second tensor of the"),
    (
        "  - dense: {width: 2, weights: A}\n  - dense: {width: 3, weights: A}",
        "key network[1].dense: expected one shape of the shared tensor A",
    ),
    ("  - dense: {width: 3, weights: 2A}", "expected the name of a shared tensor"),
    ("  - dense: {width: 3, weights: A, tie: {W: B}}", "expected one name of W but got weights and tie"),
    ("  - dense: {width: 3, tie: [A]}", "expected names of tensors by their role"),
    ("  - attention: {width: 3, heads: 2}", "key network[0].attention: expected heads that divide"),
    ("  - layer_norm: {eps: 0}", "[0].layer_norm: expected eps as an exact number"),
    ("  - layer_norm: {eps: -1}", "key network[0].layer_norm.eps: expected a number >= 0"),
    ("  - residual:\n      - dense: {width: 3}\n      - softmx", "[0].residual[1]: expected a mapping"),
    (
        "  - residual:\n      - dense: {width: 3}\n      - attention: {width: 3}",
        "net.yaml:5, key network[0].residual[1].attention: expected rows of shape (t, d)",
    ),
    ("  - residual:\n      - dense: {width: 3, with: 2}", "[0].residual[0].dense.with: expected keys"),
    ("  - conv: {channels: 2, kernel: [1, 2, 3]}", "[0].conv.kernel: expected one or two numbers"),
    ("  - conv: {channels: 2, kernel: 0}", "expected a whole number from 1 to"),
    ("  - recurrent: {width: 3, steps: 4, activation: rleu}", "[0].recurrent.activation: expected an"),
    ("  - graph_conv: {width: 3, adjacency: [1, 2]}", "expected rows of the adjacency"),
    ("  - map: {name: 'exp(x)', width: 3}", "key network[0].map: expected the name of a map"),
    ("  - embedding: {width: 3}", "network[0].embedding: expected an embedding as the first"),
    ("  - dense: {width: 3}\n    conv: {channels: 1, kernel: 1}", "exactly one of dense, activation"),
    ("  - activation: relu\n  - map: {name: foo, width: 2}", "expected at least one trained tensor"),
]  # fmt: skip


@pytest.mark.parametrize(("network", "message"), REFUSED)
def test_a_layer_that_does_not_fit_is_refused_with_its_key(tmp_path, network, message):
    with pytest.raises(ProblemError) as caught:
        load(tmp_path, network)
    assert message in str(caught.value)
    assert caught.value.line is not None and caught.value.remedy


TOKENS = "input: {tokens: 2, vocabulary: 3}\ndata: {inline: {x: %s, y: [[1]]}}"
INPUTS = [
    ("input: {dim: 3, shape: [3]}", "key input.shape: expected one of dim, shape and tokens"),
    ("input: {tokens: 3}", "key input.vocabulary: expected tokens and vocabulary together"),
    ("input: {dim: 3, vocabulary: 3}", "key input.tokens: expected tokens and vocabulary together"),
    ("input: {shape: [2, 2, 2, 2]}", "key input.shape: expected a list of 1 to 3 numbers"),
    ("input: {shape: [2, 0]}", "key input.shape: expected a whole number from 1"),
    ("input: {shape: [2, 2]}\ndata: {inline: {x: [[1, 2, 3]], y: [[1]]}}", "data with 4 features but got 3"),
    (TOKENS % "[[1, 3]]", "expected tokens from 0 to 2 but got 3 at sample 0, position 1"),
    (TOKENS % "[[1/2, 1]]", "expected tokens from 0 to 2 but got 1/2 at sample 0, position 0"),
]  # fmt: skip


@pytest.mark.parametrize(("head", "message"), INPUTS)
def test_an_input_that_does_not_fit_is_refused(tmp_path, head, message):
    with pytest.raises(ProblemError) as caught:
        load(tmp_path, "  - softmax\n  - flatten\n  - dense: {width: 1}", head)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("tail", "message"),
    [
        ("loss: mse\nbox: {weight_norms: [1], bias_norms: [1]}", "key box: expected no box because there is"),
        ("loss: mse\nball: {radius: 1}", "key ball: expected no ball because there is no bound"),
        ("loss: mse\nweights: {values: [[[1, 2, 3]]]}", "expected 2 tensors (W1, b1) but got 1"),
        ("loss: mse\nweights: {values: [[[1, 2]], [0]]}", "expected W1 of layer 2: dense with shape [1, 3]"),
    ],
)  # fmt: skip
def test_parts_that_an_architecture_does_not_have_are_refused(tmp_path, tail, message):
    with pytest.raises(ProblemError) as caught:
        load(tmp_path, "  - softmax\n  - dense: {width: 1}", tail=tail)
    assert message in str(caught.value)


def test_weights_are_read_by_the_names_of_the_trained_tensors(tmp_path):
    kernel, matrix, bias = np.arange(6.0).reshape(1, 2, 3), np.ones((1, 2)), np.zeros(1)
    np.savez(tmp_path / "w.npz", W1=kernel, W2=matrix, b2=bias)
    network = "  - conv: {channels: 1, kernel: 3, bias: false}\n  - flatten\n  - dense: {width: 1}"
    problem = load(tmp_path, network, "input: {shape: [2, 4]}", "loss: mse\nweights: {file: w.npz}")
    assert [w.shape for w in problem.weights] == [(1, 6), (1, 2), (1,)]
    np.savez(tmp_path / "w.npz", W1=kernel, W2=matrix)
    with pytest.raises(ProblemError, match="expected a tensor b2 of layer 3: dense but got W1, W2"):
        load_problem(problem.path)


FROZEN = "  - dense: {width: 2, frozen: true}\n  - dense: {width: 1, bias: false}"


def test_values_of_frozen_tensors_are_constants_of_the_loss(tmp_path):
    head = "input: {dim: 1}\ndata: {inline: {x: [[3], [5]], y: [[1], [2]]}}"
    arbitrary = load(tmp_path, FROZEN, head)
    assert {symbol.name for symbol in data_loss(arbitrary).symbols} == {"W1", "b1"}
    problem = load(tmp_path, FROZEN, head, "loss: half_mse\nfrozen: {W1: [[1], [1/2]], b1: [0, 1]}")
    assert not data_loss(problem).symbols and not any_data_loss(problem).symbols
    again = Problem.of(
        problem.network, "half_mse", x=[[3], [5]], y=[[1], [2]], frozen={"W1": [["1"], ["1/2"]], "b1": [0, 1]}
    )
    assert data_loss(again) is data_loss(problem)
    assert data_loss(again, limit=1) is not data_loss(problem)


@pytest.mark.parametrize(
    ("frozen", "message"),
    [
        (
            "{W2: [[1, 2]]}",
            "key frozen.W2: expected names of frozen tensors among W1, b1",
        ),
        ("{W1: [[1, 2]]}", "key frozen.W1: expected W1 with shape [2, 1] but got [1, 2]"),
        ("{W1: [[1], 2]}", "key frozen.W1[1]: expected a row of numbers"),
        ("[1]", "key frozen: expected values of tensors by name"),
    ],
)
def test_values_of_frozen_tensors_that_do_not_fit_are_refused(tmp_path, frozen, message):
    with pytest.raises(ProblemError) as caught:
        load(tmp_path, FROZEN, "input: {dim: 1}", f"loss: half_mse\nfrozen: {frozen}")
    assert message in str(caught.value)


SENTENCES = [
    ("  - conv: {channels: 1, kernel: 1}\n  - flatten\n  - dense: {width: 1}", "input: {shape: [1, 2, 2]}",
     "convolution (layer 1)"),
    ("  - dense: {width: 3, weights: A}\n  - dense: {width: 3, weights: A}", "input: {dim: 3}",
     "dense with shared tensors (layer 1)"),
    ("  - dense: {width: 3}\n  - dense: {width: 3, frozen: true}", "input: {dim: 3}",
     "dense with frozen tensors (layer 2)"),
    ("  - dense: {width: 3}\n  - mean_over_positions", "input: {shape: [2, 2]}", "dense on rows (layer 1)"),
    ("  - residual:\n      - dense: {width: 3}", "input: {dim: 3}", "residual sum (layer 1)"),
]  # fmt: skip


@pytest.mark.parametrize(("network", "head", "what"), SENTENCES)
def test_what_needs_a_feed_forward_network_names_the_layer(tmp_path, network, head, what):
    problem = load(tmp_path, network, head)
    assert bounds_refusal(problem) == f"no bound derived for {what}"
    with pytest.raises(ProblemError, match="no scan for "):
        feed_forward(problem, "scan")
    with pytest.raises(ProblemError, match="no bound derived for "):
        bounds(problem.network, "half_mse")
    checked = check_problem(problem)
    assert (checked.verdict, checked.bounds) == (Verdict.PROVED, None)
    assert set(checked.absent.values()) == {f"no bound derived for {what}"}


def test_check_writes_its_report_without_bounds(tmp_path):
    command = ["check", str(EXAMPLES / "rnn.yaml"), "--json", "--quiet", "--out", str(tmp_path / "out")]
    code, out, _ = run(*command)
    document = json.loads(out)
    assert code == 0 and document["verdict"] == "proved"
    assert document["reasons"] == ["no bound derived for recurrent (layer 1)"]
    assert document["bounds"]["ball"]["reason"] == document["reasons"][0]
    written = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert written == ["analyticity.json", "derivation.json", "report.json"]


def test_scan_and_derive_refuse_an_architecture_in_one_sentence(tmp_path):
    path = str(EXAMPLES / "digits_cnn.yaml")
    for command in (
        ["scan", path, "--eta", "1", "--out", str(tmp_path / "s")],
        ["derive", "BND-1", "--problem", path],
    ):
        code, _, err = run(*command)
        assert code == 2 and "for convolution (layer 1); use dense layers" in err
