"""`gradlemma replay`: what is no derivation, and which bounds a derivation lacks."""

from __future__ import annotations

import json

import pytest

from gradlemma import load_problem
from gradlemma.compare import differences
from gradlemma.derive import run_derive
from gradlemma.errors import ProblemError
from gradlemma.proved import derive_bounds
from gradlemma.replay import run_replay
from proofs.kernel.codec import encode
from proofs.kernel.tensor_codec import encode_tensors

PROBLEM = """
schema: 1
name: p
data: {inline: {x: [[1]], y: [[1]]}}
network: [{dense: {width: 1, bias: false}}, {activation: tanh}, {dense: {width: 1, bias: false}}]
loss: half_mse
weights: {values: [[[1]], [[1]]]}
box: {weight_norms: [2, 2]}
ball: {radius: 1/10}
"""


@pytest.mark.parametrize(
    "content",
    [b"", b"schema: 1\n", bytes(range(256)), b"[1, 2]", b"7", b"{}", b'{"bounds": {}}', b'{"derivation": 3}',
     b'{"derivation": {}, "tensors": {}}', b"[" * 100000],
)  # fmt: skip
def test_a_file_that_is_no_derivation_is_bad_input(content, tmp_path):
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(ProblemError, match="expected a stored derivation but"):
        run_replay(tmp_path / "f", problem=None, as_json=False)


@pytest.mark.parametrize("name", ["absent", "."])
def test_a_place_without_a_file_is_bad_input(name, tmp_path):
    with pytest.raises(ProblemError, match="expected a stored derivation but"):
        run_replay(tmp_path / name, problem=None, as_json=False)


@pytest.mark.parametrize("change", ["duplicate", "nan", "extra key"])
def test_an_altered_derivation_is_refuted(change, tmp_path, capsys):
    run_derive("BND-2", problem=None, depth=2, form="json", fragment=False, out=tmp_path / "d.json")
    text = (tmp_path / "d.json").read_text()
    match change:
        case "duplicate":
            text = text.replace('"tensors"', '"tensors": {}, "tensors"')
        case "nan":
            text = text.replace('"tensors": {', '"tensors": {"x": NaN')
        case _:
            text = text.replace('"tensors"', '"more": 1, "tensors"')
    (tmp_path / "d.json").write_text(text)
    assert run_replay(tmp_path / "d.json", problem=None, as_json=False, quiet=True) == 1
    assert "refused" in capsys.readouterr().err


@pytest.mark.parametrize("kept", [("worst_case",), ("worst_case", "at_weights", "at_residuals", "ball")])
def test_bounds_that_the_problem_asks_for_but_the_derivation_lacks_are_listed(kept, tmp_path, capsys):
    (tmp_path / "p.yaml").write_text(PROBLEM)
    goals = derive_bounds(load_problem(tmp_path / "p.yaml")).goals()
    goals = {name: theorem for name, theorem in goals.items() if name.startswith(kept)}
    document = {"derivation": encode(goals), "tensors": encode_tensors(*goals.values())}
    (tmp_path / "d.json").write_text(json.dumps(document))
    assert run_replay(tmp_path / "d.json", problem=tmp_path / "p.yaml", as_json=True) == 0
    found = json.loads(capsys.readouterr().out)
    lacking = [name for name in ("at_weights", "at_residuals", "ball") if name not in kept]
    assert found["missing"] == [f"{name}.{symbol}" for name in lacking for symbol in ("G_max", "H_max")]
    assert found["verdict"] in ("proved", "certified") and found["differences"] == []
    assert run_replay(tmp_path / "d.json", problem=tmp_path / "p.yaml", as_json=False, quiet=True) == 0
    assert ("not in this derivation: at_weights.G_max" in capsys.readouterr().out) is bool(lacking)


ON_A_KINK = """
schema: 1
data: {inline: {x: [[0]], y: [[1]]}}
network: [{dense: {width: 1}}, {activation: relu}, {dense: {width: 1, bias: false}}]
loss: half_mse
weights: {values: [[[1]], [0], [[1]]]}
"""


def test_what_is_not_shown_of_the_problem_is_undecided_and_not_refuted(tmp_path, capsys):
    (tmp_path / "p.yaml").write_text(ON_A_KINK)
    goals = derive_bounds(load_problem(tmp_path / "p.yaml")).goals()
    document = {"derivation": encode(goals), "tensors": encode_tensors(*goals.values())}
    (tmp_path / "d.json").write_text(json.dumps(document))
    assert run_replay(tmp_path / "d.json", problem=tmp_path / "p.yaml", as_json=True) == 3
    assert json.loads(capsys.readouterr().out)["verdict"] == "undecided"
    # A derivation about another problem does not become undecided by it.
    (tmp_path / "q.yaml").write_text(ON_A_KINK.replace("[[1]], [0]", "[[2]], [0]"))
    assert run_replay(tmp_path / "d.json", problem=tmp_path / "q.yaml", as_json=True) == 1


def test_kinks_of_the_loss_are_not_called_kinks_of_activations(tmp_path):
    network = "[{dense: {width: 1}}]"
    (tmp_path / "p.yaml").write_text(
        f"data: {{inline: {{x: [[1]], y: [[1]]}}}}\nnetwork: {network}\nloss: huber\n"
        "weights: {values: [[[0]], [0]]}\n"
    )
    bounds = derive_bounds(load_problem(tmp_path / "p.yaml"))
    (sentence, *_) = differences(bounds.goals(), bounds.work, bounds.resolved)
    assert "activations" not in sentence and "loss" in sentence


def test_a_function_that_only_bears_the_name_of_another_is_refused(tmp_path, capsys):
    run_derive(
        "ACT", problem=None, depth=None, activation="softplus", form="json", fragment=False,
        out=tmp_path / "d.json",
    )  # fmt: skip
    document = json.loads((tmp_path / "d.json").read_text())
    (function,) = (node for node in document["derivation"]["nodes"] if node[0] == "Univariate")
    # |softplus'| <= 1 and |softplus''| <= 1/4 hold; of silu both are false.
    function[1:3] = ["silu", []]
    (tmp_path / "d.json").write_text(json.dumps(document))
    assert run_replay(tmp_path / "d.json", problem=None, as_json=False, quiet=True) == 1
    assert "silu" in capsys.readouterr().err


def test_only_bounds_from_above_are_rounded_up():
    from flint import fmpq

    from gradlemma.plain import claim_text
    from proofs.kernel.claims import Compare, Relation
    from proofs.kernel.scalars import Real, number

    value, r = fmpq(10**12 + 1, 3 * 10**12), Real("r").poly()
    assert claim_text(Compare(number(value), Relation.LE, r)).startswith(f"{value} <= ")
    assert claim_text(Compare(r, Relation.EQ, number(value))).endswith(f" = {value}")
    assert claim_text(Compare(r, Relation.LE, number(-value))).endswith(f" <= {-value}")
    assert claim_text(Compare(r, Relation.LE, number(value))).endswith(" <= 0.3333334")
    many = sum((Real(name).poly() for name in "abcde"), number(0))
    assert "form" not in claim_text(Compare(r, Relation.LE, many), exact=True)
