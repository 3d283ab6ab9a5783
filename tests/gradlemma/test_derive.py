"""`gradlemma derive`: what it prints, and what it refuses."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from gradlemma.derive import FOR_NETWORKS, run_derive
from gradlemma.replay import run_replay
from proofs.errors import GradlemmaError
from proofs.kernel.codec import decode
from proofs.registry import registry

ROOT = Path(__file__).resolve().parents[2]


def _derive(theorem: str, **options) -> int:
    settings = {"problem": None, "depth": None, "form": "tex", "fragment": False, "out": None} | options
    return run_derive(theorem, **settings)


@pytest.mark.tex
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
@pytest.mark.parametrize(("depth", "activation"), [(None, None), (None, "relu"), (1, None), (8, None)])
def test_the_derivation_of_bnd_2_compiles_without_overfull_lines(tmp_path, depth, activation):
    _derive("BND-2", depth=depth, activation=activation, out=tmp_path / "d.tex")
    command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "d.tex"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]
    log = (tmp_path / "d.log").read_text(errors="replace")
    wide = [
        float(line.split("(")[1].split("pt")[0])
        for line in log.splitlines()
        if line.startswith("Overfull \\hbox")
    ]
    assert not [width for width in wide if width > 1]


@pytest.mark.parametrize("depth", [None, 1, 4])
def test_the_stored_form_of_bnd_2_replays(tmp_path, capsys, depth):
    _derive("BND-2", depth=depth, form="json", out=tmp_path / "d.json")
    assert run_replay(tmp_path / "d.json", problem=None, as_json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "proved"
    assert found["trust"] == []


def test_bnd_2_without_a_depth_is_the_theorem_for_every_depth(tmp_path, capsys):
    _derive("BND-2", form="json", out=tmp_path / "d.json")
    assert run_replay(tmp_path / "d.json", problem=None, as_json=False) == 0
    text = capsys.readouterr().out
    assert "||grad L_{n+1}||" in text and "if ||W_{l}|| <= s for 1 <= l <= n+1" in text
    assert "sum_at_one: 2 sum_{m=1}^{n}" in text


def test_kinks_add_a_hypothesis_on_the_hidden_layers(capsys):
    _derive("BND-2", activation="relu", form="md")
    assert "is twice differentiable" in capsys.readouterr().out.split("## Theorems")[0]


def test_a_problem_is_derived_as_markdown(capsys):
    _derive("BND-1", problem=ROOT / "examples" / "minimal.yaml", form="md")
    text = capsys.readouterr().out
    assert "$" in text and "\\documentclass" not in text


def test_a_fragment_has_no_preamble(capsys):
    _derive("BND-2", depth=2, fragment=True)
    assert "\\documentclass" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("theorem", "options", "words"),
    [
        ("BND-9", {}, "expected a statement among ACT, "),
        ("bnd-2", {}, "did you mean BND-2"),
        ("BND-1", {}, "--problem"),
        ("BND-2", {"depth": 10**6}, "depth from 1 to"),
        ("BND-2", {"depth": 2, "activation": "sigmoid"}, "phi\\(0\\) = 0"),
        ("BND-2", {"depth": 2, "activation": "square"}, "bounded slopes"),
        ("BND-2", {"activation": "sigmoid"}, "phi\\(0\\) = 0"),
        ("BND-2", {"depth": 2, "activation": "nosuch"}, "expected an activation"),
    ],
)
def test_options_that_do_not_go_together_are_refused(theorem, options, words):
    with pytest.raises(GradlemmaError, match=words):
        _derive(theorem, **options)


def test_the_smoothness_of_an_unspecified_activation_is_stated(capsys):
    _derive("BND-2", depth=3, form="md")
    assert "is any analytic function" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["tex", "md", "json"])
@pytest.mark.parametrize("identifier", [s.id for s in registry() if s.id not in FOR_NETWORKS])
def test_every_statement_in_symbols_is_printed_in_every_form(identifier, form, capsys):
    _derive(identifier, form=form)
    assert len(capsys.readouterr().out) > 500


def test_the_constants_of_one_activation_are_derived(capsys):
    _derive("ACT", activation="tanh", form="md")
    text = capsys.readouterr().out
    assert "ACT for tanh" in text and "\\sqrt{\\tfrac{16}{27}}" in text


@pytest.mark.parametrize("options", [{"depth": 2}, {"activation": "tanh"}, {"problem": Path("p.yaml")}])
def test_a_row_takes_no_options_of_a_network(options):
    with pytest.raises(GradlemmaError, match="no options of a network for JET-affine"):
        _derive("JET-affine", **options)


def test_the_joint_refinement_is_derived_where_the_problem_asks_for_it(capsys):
    _derive("BND-1-joint", problem=ROOT / "examples" / "refined.yaml", form="md")
    assert "refined" in capsys.readouterr().out
    with pytest.raises(GradlemmaError, match="refine: true"):
        _derive("BND-1-joint", problem=ROOT / "examples" / "minimal.yaml")


@pytest.mark.parametrize("identifier", ["AEA-1", "AEA-6", "AEA-7", "AEA-8", "NSG-1", "NSG-2", "NSG-3"])
def test_statements_about_sets_are_derived_for_a_problem(identifier, capsys):
    _derive(identifier, problem=ROOT / "examples" / "relu_121.yaml", form="json")
    document = json.loads(capsys.readouterr().out)
    goals = decode(document["derivation"])
    claims = {type(theorem.claim).__name__ for theorem in goals.values()}
    assert claims <= {
        "AlmostEverywhereAnalytic",
        "Within",
        "Null",
        "NonSingular",
        "ForAlmostAllSteps",
        "Singular",
    }
    supposed = {type(claim).__name__ for theorem in goals.values() for claim in theorem.hypotheses}
    assert supposed <= {"AvoidsExceptional", "Exceptional"}


def test_a_network_that_no_route_covers_is_refused_with_the_other_one(tmp_path):
    path = tmp_path / "tied.yaml"
    path.write_text(
        "schema: 1\nname: tied\ninput: {shape: [3, 1]}\ndata: {inline: {x: [[1, 0, 2]], y: [[1]]}}\n"
        "network:\n  - recurrent: {width: 2, steps: 3, activation: relu}\n  - dense: {width: 1}\n"
        "loss: half_mse\n"
    )
    with pytest.raises(GradlemmaError, match="layered route"):
        _derive("AEA-1", problem=path)


@pytest.mark.parametrize("identifier", ["AEA-2", "AEA-4", "NSG-2-dead"])
def test_statements_without_an_instance_take_no_problem(identifier):
    with pytest.raises(GradlemmaError, match="no options of a network"):
        _derive(identifier, problem=ROOT / "examples" / "relu_121.yaml")
