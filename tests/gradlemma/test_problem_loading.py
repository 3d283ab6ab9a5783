"""Problem files become problems with exact data, weights and boxes."""

import hashlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from gradlemma import Problem, load_problem
from gradlemma.errors import ProblemError
from proofs.network import Dense, Loss, Network

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

HEAD = """\
schema: 1
network:
  - dense: {width: 3}
  - activation: {name: leaky_relu, slope: 1/10}
  - dense: {width: 2, bias: false}
"""


def load(directory: Path, text: str) -> Problem:
    path = directory / "my-problem.yaml"
    path.write_text(text)
    return load_problem(path)


@pytest.mark.parametrize("name", ["digits_mlp", "digits_relu", "toy_relu", "minimal", "regression"])
def test_every_example_is_accepted(name: str) -> None:
    problem = load_problem(EXAMPLES / f"{name}.yaml")
    assert problem.sha256 == hashlib.sha256((EXAMPLES / f"{name}.yaml").read_bytes()).hexdigest()


def test_the_digits_are_divided_by_sixteen_exactly() -> None:
    problem = load_problem(EXAMPLES / "digits_mlp.yaml")
    assert problem.samples is not None and problem.weights is not None
    assert problem.samples.x.shape == (1797, 64) and problem.samples.y.shape == (1797, 10)
    x, y = problem.samples.x.to_numpy(), problem.samples.y.to_numpy()
    assert (x * 16 == np.round(x * 16)).all() and x.max() == 1
    assert (y.sum(axis=1) == 1).all()
    assert problem.network.describe() == "64-32-16-10 tanh"
    assert problem.box is not None and problem.box.factor == Fraction(11, 10)
    assert problem.radius == Fraction(1, 100) and problem.input_norm is None


def test_the_shipped_weights_classify_the_digits() -> None:
    problem = load_problem(EXAMPLES / "digits_relu.yaml")
    assert problem.samples is not None and problem.weights is not None
    hidden = problem.samples.x.to_numpy()
    weights = [tensor.to_numpy() for tensor in problem.weights]
    for layer in range(3):
        hidden = hidden @ weights[2 * layer].T + weights[2 * layer + 1]
        hidden = np.maximum(hidden, 0) if layer < 2 else hidden
    accuracy = (hidden.argmax(axis=1) == problem.samples.y.to_numpy().argmax(axis=1)).mean()
    assert accuracy > 0.97


def test_inline_numbers_stay_rational() -> None:
    problem = load_problem(EXAMPLES / "toy_relu.yaml")
    assert problem.samples is not None and problem.box is not None
    assert problem.samples.x.fractions() == (Fraction(9, 10),)
    assert problem.box.weight_norms == (Fraction(5, 2), Fraction(5, 2))
    assert problem.box.bias_norms == (0, 0)


def test_an_inline_scale_is_exact_and_the_limit_keeps_the_first(tmp_path: Path) -> None:
    problem = load(
        tmp_path,
        HEAD
        + "loss: cross_entropy\ndata: {inline: {x: [[1/3], [2], [9]], y: [0, 1, 1]}, scale: 1/7, limit: 2}\n"
        "box: {weight_norms: [1, 1], bias_norms: [1, 0]}\n",
    )
    assert problem.name == "my-problem"
    assert problem.samples is not None
    assert problem.samples.x.fractions() == (Fraction(1, 21), Fraction(2, 7))
    assert problem.samples.y.to_numpy().tolist() == [[1, 0], [0, 1]]


def test_a_table_gives_columns_by_name_or_number(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a, b ,label\n1,2,0\n\n3,-4e-1,1\n")
    text = HEAD + "loss: cross_entropy\nbox: {weight_norms: [1, 1], bias_norms: [1, 0]}\n"
    first = load(tmp_path, text + "data: {csv: {path: t.csv, features: [b, a], target: label}}\n")
    second = load(tmp_path, text + "data: {csv: {path: t.csv, features: [1, 0], target: 2}}\n")
    assert first.samples == second.samples
    assert first.samples is not None and first.samples.x.to_numpy().tolist() == [[2, 1], [-0.4, 3]]


def test_an_archive_gives_x_and_y(tmp_path: Path) -> None:
    x, y = np.arange(6, dtype=np.float32).reshape(3, 2), np.array([0, 1, 1])
    np.savez_compressed(tmp_path / "d.npz", x=x, y=y)
    problem = load(
        tmp_path,
        HEAD
        + "loss: half_mse\ndata: {npz: {path: d.npz}}\nbox: {weight_norms: [1, 1], bias_norms: [1, 0]}\n",
    )
    assert problem.samples is not None and problem.loss is Loss.HALF_MSE
    assert (problem.samples.x.to_numpy() == x).all()
    assert problem.samples.y.to_numpy().tolist() == [[1, 0], [0, 1], [0, 1]]


def test_numbers_are_targets_of_a_single_squared_output(tmp_path: Path) -> None:
    text = "schema: 1\nnetwork: [dense: {width: 1}]\nloss: mse\nbox: {weight_norms: [1], bias_norms: [1]}\n"
    problem = load(tmp_path, text + "data: {inline: {x: [[1], [2]], y: [1/3, 7]}}\ntargets: {norm: 7}\n")
    assert problem.samples is not None and problem.target_norm == 7
    assert problem.samples.y.shape == (2, 1) and problem.samples.y.fractions() == (Fraction(1, 3), 7)


def test_state_dict_names_are_accepted_in_order_of_their_numbers(tmp_path: Path) -> None:
    first, second = np.arange(3.0).reshape(3, 1), np.arange(6.0).reshape(2, 3)
    save_file({"10.weight": second, "2.weight": first, "2.bias": np.ones(3)}, tmp_path / "w.safetensors")
    problem = load(
        tmp_path,
        HEAD
        + "input: {dim: 1, norm: 1}\nloss: cross_entropy\n"
        + "weights: {file: w.safetensors}\nball: {radius: 0.1}\n",
    )
    assert problem.weights is not None and problem.box is None
    assert [tensor.shape for tensor in problem.weights] == [(3, 1), (3,), (2, 3)]
    assert (problem.weights[2].to_numpy() == second).all()


def test_half_precision_weights_are_widened_exactly(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file as save_torch

    tensors = {"W1": torch.randn(3, 1), "b1": torch.randn(3), "W2": torch.randn(2, 3)}
    text = HEAD + "input: {dim: 1, norm: 1}\nloss: cross_entropy\nweights: {file: w.safetensors}\n"
    for dtype in (torch.bfloat16, torch.float16, torch.float32, torch.float64):
        given = {name: tensor.to(dtype) for name, tensor in tensors.items()}
        save_torch(given, tmp_path / "w.safetensors")
        problem = load(tmp_path, text)
        assert problem.weights is not None
        for read, tensor in zip(problem.weights, given.values(), strict=True):
            assert (read.to_numpy() == tensor.double().numpy()).all()


def test_a_stated_norm_may_equal_the_norm_of_the_data(tmp_path: Path) -> None:
    text = HEAD + "loss: cross_entropy\ndata: {inline: {x: [[3, 4], [3/10, 4/10]], y: [0, 1]}}\n"
    text += "box: {weight_norms: [1, 1], bias_norms: [1, 0]}\n"
    assert load(tmp_path, text + "input: {norm: 5}\n").input_norm == 5
    with pytest.raises(
        ProblemError, match=r"key input.norm: expected every input to have norm at most 4999/1000"
    ):
        load(tmp_path, text + "input: {norm: 4.999}\n")


NET = Network.of(2, Dense(2), "relu", Dense(1, bias=False))


def test_a_problem_is_built_in_python_with_exact_numbers() -> None:
    problem = Problem.of(
        NET,
        "mse",
        x=np.ones((3, 2)),
        y=[["1/3"], [1], [0.5]],
        weights={"W1": np.eye(2), "b1": [0, 0], "W2": [[1, "1/2"]]},
        weight_norms="from-weights",
        factor="11/10",
        radius="1/100",
    )
    assert problem.samples is not None and problem.samples.y.fractions()[0] == Fraction(1, 3)
    assert problem.box is not None and problem.box.weight_norms is None and problem.box.bias_norms is None
    assert problem.weights is not None and problem.weights[2].fractions() == (1, Fraction(1, 2))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x": np.ones((3, 2))}, "both x and y"),
        ({"x": np.ones((3, 3)), "y": np.ones((3, 1))}, "width 2"),
        ({"x": np.ones((3, 2)), "y": np.ones((2, 1))}, "as many targets"),
        ({"x": [[float("nan"), 0]], "y": [[1]]}, "finite"),
        ({"x": np.full((1, 2), np.inf), "y": [[1]]}, "finite"),
        ({"x": [[True, 0]], "y": [[1]]}, "int, a Fraction"),
        ({"x": [[1], [1, 2]], "y": [[1], [1]]}, "equal length"),
        ({"x": np.zeros((0, 2)), "y": np.zeros((0, 1))}, "N=0"),
        ({"input_norm": 0.1}, "'1/16'"),
        ({"input_norm": "9**9"}, "expected a number"),
        ({"input_norm": -1}, ">= 0"),
        ({"target_norm": None}, "targets.norm"),
        ({"weights": [np.eye(2)]}, "3 tensors"),
        ({"weights": [np.eye(3), np.zeros(2), np.eye(2)]}, "W1 of dense layer 1"),
        ({"weight_norms": [1]}, "2 dense layers"),
        ({"weight_norms": "from-weights"}, "weights"),
        ({"bias_norms": [1, 1]}, "no bias"),
        ({"bias_norms": None}, "bias_norms"),
        (
            {"factor": "9/10", "weight_norms": "from-weights", "weights": [np.eye(2), [0, 0], [[1, 1]]]},
            "factor",
        ),
        ({"radius": 1}, "weights"),
        ({"weight_norms": None, "bias_norms": None}, "box"),
        ({"seed": -1}, "seed"),
        ({"name": "a b"}, "name"),
    ],
)
def test_a_problem_in_python_has_the_checks_of_a_file(changes: dict[str, object], words: str) -> None:
    good: dict[str, object] = {
        "input_norm": 2,
        "target_norm": 1,
        "weight_norms": [1, 1],
        "bias_norms": [1, 0],
    }
    assert Problem.of(NET, "mse", **good).input_norm == 2
    with pytest.raises(ProblemError) as caught:
        Problem.of(NET, "mse", **(good | changes))
    assert words in str(caught.value)
