"""What refusals say: enough digits, the right key and line, and the remedy apart from the message."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

from gradlemma import Dense, Network, Problem, ProblemError, cli, load_problem
from gradlemma.problem._checks import _root_above
from gradlemma.proved import derive_bounds

HEAD = """schema: 1
network: [{dense: {width: 2}}, {activation: tanh}, {dense: {width: 2}}]
loss: cross_entropy
box: {weight_norms: [1, 1], bias_norms: [1, 1]}
"""


def refusal(text: str, folder) -> ProblemError:
    (folder / "p.yaml").write_text(text)
    with pytest.raises(ProblemError) as refused:
        derive_bounds(load_problem(folder / "p.yaml"))
    return refused.value


def outcome(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        cli.main(list(arguments))
    assert isinstance(left.value.code, int)
    return left.value.code


def test_a_whole_number_with_a_point_is_named_as_such(tmp_path):
    found = refusal(HEAD + "input: {dim: 2.0, norm: 1}\n", tmp_path)
    assert "got 2 written with a point" in found.message and found.line == 5


def test_a_norm_just_beyond_its_bound_has_the_digits_that_show_it(tmp_path):
    close = "1.000000000000000001"
    found = refusal(HEAD + f"input: {{norm: 1}}\ndata: {{inline: {{x: [[{close}]], y: [0]}}}}\n", tmp_path)
    shown = found.message.split("got norm ")[1].split(" ")[0]
    assert 1 < Fraction(shown) <= Fraction(close)


@pytest.mark.parametrize("norm", [1, Fraction(1, 3), 10**40, Fraction(1, 10**320)])
@pytest.mark.parametrize("excess", [1, Fraction(1, 10**5), Fraction(1, 10**60)])
def test_a_printed_root_lies_between_the_bound_and_the_root(norm, excess):
    square = Fraction(norm) ** 2 * (1 + excess)
    shown = Fraction(_root_above(square, Fraction(norm)))
    assert shown > norm and shown**2 <= square


def test_weights_outside_the_box_are_refused_with_their_line(tmp_path):
    text = (
        HEAD
        + "data: {inline: {x: [[1]], y: [0]}}\n"
        + "weights: {values: [[[2], [0]], [0, 0], [[1, 0], [0, 1]], [0, 0]]}\n"
    )
    found = refusal(text, tmp_path)
    assert (found.line, found.key) == (4, "box.weight_norms")


@pytest.mark.parametrize("source", ["inline", "npz"])
def test_bad_probabilities_name_the_key_of_the_targets(source, tmp_path):
    np.savez(tmp_path / "d.npz", x=[[1.0]], y=[[0.5, 0.25]])
    data = {"inline": "{inline: {x: [[1]], y: [[1/2, 1/4]]}}", "npz": "{npz: {path: d.npz}}"}[source]
    found = refusal(HEAD + f"data: {data}\n", tmp_path)
    assert (found.line, found.key) == (5, {"inline": "data.inline.y", "npz": "data"}[source])
    assert "add up to exactly 1" in found.message


def test_an_empty_key_is_shown(tmp_path):
    found = refusal(HEAD + 'input: {dim: 1, norm: 1}\n"": 2\n', tmp_path)
    assert "but got ''" in found.message


def test_usage_errors_end_with_one_mark(capsys):
    assert outcome("check") == 2
    assert capsys.readouterr().err == "gradlemma: Missing argument 'PROBLEM.yaml'; see gradlemma --help\n"


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [(["check"], "usage"), (["check", "p.yaml", "--out", "taken"], "file"), (["replay", "absent"], "file")],
)
def test_json_errors_have_the_remedy_apart_from_the_message(arguments, kind, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text(HEAD + "input: {dim: 1, norm: 1}\n")
    (tmp_path / "taken").write_text("")
    assert outcome(*arguments, "--json") == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["kind"] == kind and error["remedy"]
    assert error["remedy"] not in error["message"]


def test_a_function_that_vanishes_at_zero_is_printed_as_that(tmp_path, capsys):
    outcome("derive", "BND-2", "--depth", "2", "--format", "json", "--out", str(tmp_path / "d.json"))
    assert outcome("replay", str(tmp_path / "d.json"), "--quiet") == 0
    shown = capsys.readouterr()
    assert "    if phi(0) = 0\n" in shown.out and "for |t| <= 0" not in shown.out
    assert shown.err == ""


def test_whole_numbers_in_a_weight_file_are_exact(tmp_path):
    weights = [np.array([[2**53], [0]]), np.array([0, 0]), np.eye(2, dtype=np.int64), np.array([0, 0])]
    np.savez(tmp_path / "w.npz", **dict(zip(("W1", "b1", "W2", "b2"), weights, strict=True)))
    text = HEAD.replace("box: {weight_norms: [1, 1], bias_norms: [1, 1]}", "weights: {file: w.npz}")
    (tmp_path / "p.yaml").write_text(text + "data: {inline: {x: [[1]], y: [0]}}\n")
    problem = load_problem(tmp_path / "p.yaml")
    assert problem.weights is not None and problem.weights[0].fractions()[0] == 2**53


def test_problems_in_python_name_their_own_targets():
    network = Network.of(1, Dense(2))
    with pytest.raises(ProblemError) as refused:
        Problem.of(network, "cross_entropy", x=[[1]], y=[["1/2", "1/4"]], weight_norms=[1], bias_norms=[1])
    assert refused.value.key == "data.y"
