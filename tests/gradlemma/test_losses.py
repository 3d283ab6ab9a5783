"""Losses in problem files and in Python: what is read, what is refused, and whole checks of the examples."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from gradlemma import Dense, Network, Problem, ProblemError, bounds, check_problem, load_problem
from gradlemma.check import Verdict
from gradlemma.compare import differences
from gradlemma.derive import run_derive
from gradlemma.proved import derive_bounds
from gradlemma.report import document_of
from proofs.network import Loss

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
HEAD = "network: [dense: {width: 2}, activation: tanh, dense: {width: 2}]\n"
BOX = "box: {weight_norms: [1, 1], bias_norms: [0, 0]}\n"
FREE = HEAD + BOX + "input: {dim: 1, norm: 1}\n"
NET = Network.of(1, Dense(2), "tanh", Dense(2))


def load(tmp_path: Path, text: str) -> Problem:
    (tmp_path / "p.yaml").write_text(text)
    return load_problem(tmp_path / "p.yaml")


@pytest.mark.parametrize(
    ("text", "loss"),
    [
        ("bce", Loss.BCE),
        ("huber", Loss.HUBER),
        ("{huber: {delta: 1/2}}", Loss.huber(Fraction(1, 2))),
        ("{huber: {delta: 0.25}}", Loss.huber(Fraction(1, 4))),
        ("{huber: {}}", Loss.HUBER),
        ("{bce: {}}", Loss.BCE),
        ("cross_entropy", Loss.CROSS_ENTROPY),
    ],
)
def test_losses_are_read_with_their_parameters(tmp_path: Path, text: str, loss: Loss) -> None:
    assert load(tmp_path, FREE + f"loss: {text}\n").loss == loss


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("{huber: {delta: 0}}", "loss.huber", "delta > 0 but got delta=0"),
        ("{huber: {delta: -1/2}}", "loss.huber", "delta > 0"),
        ('{huber: {delta: "1/2"}}', "loss.huber.delta", "exact number"),
        ("{huber: {delta: true}}", "loss.huber.delta", "exact number"),
        ("{huber: {beta: 1}}", "loss.huber", "among: delta"),
        ("{mse: {delta: 1}}", "loss.mse", "among: none"),
        ("{huber: 1}", "loss.huber", "parameters of a loss"),
        ("{huber: {}, bce: {}}", "loss", "expected a loss among"),
        ("{}", "loss", "expected a loss among"),
        ("[huber]", "loss", "expected a loss among"),
        ("3", "loss", "expected a loss among"),
        ("logistic", "loss", "did you mean 'bce'"),
        ("binary_cross_entropy", "loss", "did you mean 'bce'"),
        ("Huber", "loss", "did you mean 'huber'"),
        ("{logistic: {}}", "loss.logistic", "did you mean 'bce'"),
    ],
)
def test_other_losses_are_refused_in_one_sentence(tmp_path: Path, text: str, key: str, words: str) -> None:
    with pytest.raises(ProblemError) as caught:
        load(tmp_path, FREE + f"loss: {text}\n")
    assert caught.value.key == key
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert caught.value.line == 4


@pytest.mark.parametrize("row", ["[[0, 2]]", "[[-1/10, 0]]", "[[1/2, 1.0000001]]"])
def test_targets_of_bce_lie_between_zero_and_one(tmp_path: Path, row: str) -> None:
    text = HEAD + BOX + f"loss: bce\ndata: {{inline: {{x: [[1]], y: {row}}}}}\n"
    with pytest.raises(ProblemError, match=r"targets of bce in \[0, 1\]") as caught:
        load(tmp_path, text)
    assert "probabilit" not in str(caught.value)
    with pytest.raises(ProblemError, match=r"no targets for bce, whose targets have entries in \[0, 1\]"):
        load(tmp_path, FREE + "loss: bce\ntargets: {norm: 1}\n")


def test_parameters_of_many_digits_are_printed_in_short(tmp_path: Path) -> None:
    problem = load(tmp_path, FREE + "loss: {huber: {delta: 1e-400}}\n")
    assert problem.loss == Loss.huber(Fraction(1, 10**400))
    assert "huber(delta=1/1000" in repr(problem) and "..." in repr(problem)
    assert len(repr(problem)) < 100 and len(repr(derive_bounds(problem))) < 250
    assert "huber(delta=1/2)" in repr(load(tmp_path, FREE + "loss: {huber: {delta: 1/2}}\n"))
    slope = "{name: leaky_relu, slope: 1e-400}"
    assert len(repr(load(tmp_path, FREE.replace("tanh", slope) + "loss: mse\ntargets: {norm: 1}\n"))) < 200


@pytest.mark.parametrize("loss", ["bce", "huber"])
def test_bnd_2_is_refused_for_losses_that_it_is_not_about(loss: str, tmp_path: Path) -> None:
    load(tmp_path, FREE + f"loss: {loss}\n")
    with pytest.raises(ProblemError, match="for BND-2, whose loss is softmax cross-entropy") as caught:
        run_derive(
            "BND-2", problem=tmp_path / "p.yaml", depth=None, form="md", fragment=False, out=None
        )  # fmt: skip
    assert "BND-1 takes --problem, with any loss" in str(caught.value)
    # What it says to try instead works.
    assert run_derive(
        "BND-1", problem=tmp_path / "p.yaml", depth=None, form="md", fragment=False, out=tmp_path / "d.md"
    ) == 0  # fmt: skip
    refused = subprocess.run(
        [sys.executable, "-m", "gradlemma.cli", "derive", "BND-2", "--loss", loss],
        capture_output=True,
        text=True,
    )
    assert refused.returncode == 2 and refused.stdout == ""
    assert refused.stderr.strip() == "gradlemma: No such option: --loss; see gradlemma --help"


def test_what_goes_with_which_loss(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="no targets for bce"):
        load(tmp_path, FREE + "loss: bce\ntargets: {norm: 1}\n")
    assert load(tmp_path, FREE + "loss: huber\n").target_norm is None
    assert load(tmp_path, FREE + "loss: huber\ntargets: {norm: 1}\n").target_norm == 1
    with pytest.raises(ProblemError, match="huber") as caught:
        load(tmp_path, FREE + "loss: huber\nrefine: true\n")
    assert caught.value.key == "refine"
    with pytest.raises(ProblemError, match="refine"):
        Problem.of(NET, "cross_entropy", input_norm=1, weight_norms=[1, 1], bias_norms=[0, 0], refine=1)  # type: ignore[arg-type]
    with pytest.raises(ProblemError):
        load(tmp_path, FREE + "loss: cross_entropy\nrefine: 1\n")


def test_losses_are_given_in_python(tmp_path: Path) -> None:
    box = {"input_norm": 1, "weight_norms": [1, 1], "bias_norms": [0, 0]}
    assert (
        Problem.of(NET, Loss.huber(Fraction(1, 2)), **box).describe().endswith("huber(delta=1/2), no samples")
    )
    one = Network.of(1, Dense(1))
    labels = Problem.of(one, "bce", x=[[1], [2]], y=np.array([0, 1]), weight_norms=[1], bias_norms=[0])
    assert labels.samples is not None and labels.samples.y.shape == (2, 1)
    found = bounds(NET, "huber", **box)
    larger = bounds(NET, Loss.huber(2), **box)
    assert float(larger.gradient) == pytest.approx(2 * float(found.gradient), rel=1e-9)
    assert found.facts == {}
    near = bounds(NET, "huber", target_norm=Fraction(1, 10), **box)
    assert near.gradient.value < found.gradient.value
    assert "M_{y}" in near.gradient.latex() and "M_{y}" not in found.gradient.latex()
    assert r"\tfrac{1}{4}" in bounds(NET, "bce", **box).hessian.latex()


@pytest.mark.parametrize("name", ["regression_huber", "labels_bce", "refined"])
def test_the_examples_are_proved(name: str) -> None:
    checked = check_problem(load_problem(EXAMPLES / f"{name}.yaml"))
    assert checked.verdict in (Verdict.PROVED, Verdict.CERTIFIED), checked.reasons
    assert not checked.reasons
    document = document_of(checked)
    assert document["problem"]["loss"] == checked.problem.loss.label()
    assert all(r.value is None or r.value >= 1 for r in checked.ratios)


def test_both_numbers_of_the_refinement_are_reported() -> None:
    checked = check_problem(load_problem(EXAMPLES / "refined.yaml"))
    worst = document_of(checked)["bounds"]["worst_case"]
    assert set(worst) == {"G_max", "H_max", "H_max_refined"}
    assert Fraction(worst["H_max_refined"]["proved"]) < Fraction(worst["H_max"]["proved"])
    assert r"\max_{" in worst["H_max_refined"]["latex"] and r"\min\bigl(" in worst["H_max_refined"]["latex"]
    reading = checked.bounds.worst_case
    assert reading is not None and reading.refined is not None
    ratios = {r.quantity: r for r in checked.ratios if r.place == "box_ascent"}
    assert ratios["hessian_norm_refined"].value < ratios["hessian_norm"].value
    goals = {"worst_case.H_max_refined": reading.refined.theorem}
    assert differences(goals, checked.bounds.work, checked.bounds.resolved) == []
    swapped = {"worst_case.G_max": reading.refined.theorem}
    assert differences(swapped, checked.bounds.work, checked.bounds.resolved)
    # Lines under a case are evaluated, and none fails.
    under = [s for s in checked.steps() if len(s.hypotheses) > 3 and id(s) in checked.slack]
    assert any(checked.slack[id(s)].instances for s in under)
