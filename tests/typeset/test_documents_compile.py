"""Printed derivations compile without errors and without lines that stick out."""

import re
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest
from typeset_derivations import bound_goals, reading_goals, refined_bound, symbolic_goals, uniform_goals

from proofs.network import Loss
from proofs.registry import statement
from proofs.theorems.bounds import Derivation
from proofs.typeset import Goal, to_latex
from proofs.typeset.closed_form import closed_forms, refined_form

ARTICLE = r"\documentclass{article}\usepackage{amsmath,amssymb,amsthm}\begin{document}%s\end{document}"

pytestmark = [
    pytest.mark.tex,
    pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex"),
]


def compile_and_complain(tex: str, folder: Path) -> list[str]:
    (folder / "main.tex").write_text(tex, encoding="utf-8")
    command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "main.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False)
    lines = (folder / "main.log").read_text(errors="replace").splitlines()
    wide = [
        line for line in lines if (m := re.match(r"Overfull \\hbox \(([\d.]+)pt", line)) and float(m[1]) > 1
    ]
    tall = [line for line in lines if line.startswith("Overfull \\vbox")]
    return (
        [line for line in lines if line.startswith("!")]
        + wide
        + tall
        + ([] if done.returncode == 0 else ["failed"])
    )


@pytest.mark.parametrize(("depth", "name", "bias", "loss"), [
    (1, "tanh", True, Loss.CROSS_ENTROPY),
    (2, "relu", False, Loss.HALF_MSE),
    (3, "hardswish", True, Loss.MSE),
    (5, "gelu", True, Loss.HALF_MSE),
    (50, "tanh", True, Loss.CROSS_ENTROPY),
    (2, "tanh", True, Loss.BCE),
    (3, "relu", True, Loss.huber(Fraction(1, 2))),
])  # fmt: skip
def test_worst_cases_compile_as_document_and_as_fragment(depth, name, bias, loss, tmp_path):
    goals = bound_goals(depth, name, bias=bias, loss=loss)
    assert compile_and_complain(to_latex(*goals), tmp_path) == []
    assert compile_and_complain(ARTICLE % to_latex(*goals, fragment=True), tmp_path) == []


@pytest.mark.parametrize("reading", ["at_weights", "at_residuals", "ball"])
def test_readings_at_data_compile(reading, tmp_path):
    assert compile_and_complain(ARTICLE % to_latex(*reading_goals(4, reading), fragment=True), tmp_path) == []


@pytest.mark.parametrize("depth", [1, 2, 20])
def test_the_uniform_bounds_compile(depth, tmp_path):
    assert compile_and_complain(to_latex(*uniform_goals(depth)), tmp_path) == []


@pytest.mark.parametrize("name", [None, "relu", "gelu"])
def test_the_bounds_for_any_depth_compile_as_document_and_as_fragment(name, tmp_path):
    goals = symbolic_goals(name)
    assert compile_and_complain(to_latex(*goals), tmp_path) == []
    assert compile_and_complain(ARTICLE % to_latex(*goals, fragment=True), tmp_path) == []


def test_the_full_list_compiles(tmp_path):
    assert compile_and_complain(to_latex(*bound_goals(6), full=True), tmp_path) == []


def test_hostile_titles_are_typeset_as_text(tmp_path):
    hostile = '\\input{/etc/passwd} $x_$ %~^ {\\end{document} #1 & "` 你好 ăé\u0007\n'
    (goal, _) = bound_goals(1)
    tex = to_latex(Goal(hostile, goal.theorem), title=hostile)
    assert "\\input{" not in tex
    assert tex.count("\\end{document}") == 1
    assert compile_and_complain(tex, tmp_path) == []


@pytest.mark.parametrize(("depth", "classes"), [(2, 3), (4, 2)])
def test_refined_bounds_compile(depth, classes, tmp_path):
    work, refined = refined_bound(depth, classes)
    goal = Goal("worst_case.H_max_refined", refined.theorem)
    assert compile_and_complain(to_latex(goal), tmp_path) == []
    assert compile_and_complain(ARTICLE % to_latex(goal, fragment=True), tmp_path) == []
    form = rf"\[{refined_form(work, refined.theorem)}\]"
    assert not [line for line in compile_and_complain(ARTICLE % form, tmp_path) if line.startswith("!")]


def test_closed_forms_compile(tmp_path):
    forms = [closed_forms(Derivation(network, loss)) for network, loss in _networks()]
    body = "".join(rf"\[{form.gradient}\]\[{form.hessian}\]" for form in forms)
    assert not [line for line in compile_and_complain(ARTICLE % body, tmp_path) if line.startswith("!")]


def _networks():
    from typeset_derivations import network

    return [
        (network(2, "tanh"), Loss.CROSS_ENTROPY),
        (network(2, "square"), Loss.MSE),
        (network(6, "relu"), Loss.HALF_MSE),
        (network(2, "tanh"), Loss.BCE),
        (network(6, "gelu"), Loss.HUBER),
    ]


@pytest.mark.parametrize("identifier", ["ACT", "JET-affine", "JET-activation", "JET-1", "LOSS-mse"])
def test_statements_in_symbols_compile(identifier, tmp_path):
    goals = [Goal(name, theorem) for name, theorem in statement(identifier).theorems().items()]
    assert compile_and_complain(to_latex(*goals, title=identifier), tmp_path) == []
