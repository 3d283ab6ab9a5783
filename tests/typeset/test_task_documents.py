"""Derivations about task arithmetic as documents: they compile, and they say what they are about."""

from __future__ import annotations

import re
import shutil

import pytest
from test_documents_compile import ARTICLE, compile_and_complain

from proofs.kernel.core import RULES, steps_of
from proofs.kernel.indices import Index
from proofs.kernel.scalars import Real, number
from proofs.kernel.series import AnyTask, BoundTask, Run, RunPoint, Slope, Summed, basic, combined
from proofs.kernel.task_scalars import length, over_tasks
from proofs.registry import statement
from proofs.theorems.task_bound import task_bound
from proofs.typeset import Goal, claim_latex, poly_latex, to_latex, to_markdown
from proofs.typeset.rulebook import RULE_TEXTS

NAMES = ["TSK-1", "TSK-2", "TSK-3", "TSK-4"]
T = AnyTask("t")
ALPHA = Real("alpha").poly()


def goals(identifier):
    return [Goal(name, theorem) for name, theorem in statement(identifier).theorems().items()]


@pytest.mark.tex
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
@pytest.mark.parametrize("identifier", NAMES)
def test_they_compile_as_document_and_as_fragment(identifier, tmp_path):
    assert compile_and_complain(to_latex(*goals(identifier)), tmp_path) == []
    assert compile_and_complain(ARTICLE % to_latex(*goals(identifier), fragment=True), tmp_path) == []


@pytest.mark.tex
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_a_bound_in_numbers_compiles(tmp_path):
    goal = Goal("bound", task_bound(2, 3, 1, 4, 5).theorem)
    assert compile_and_complain(to_latex(goal), tmp_path) == []


@pytest.mark.parametrize("identifier", NAMES)
def test_every_rule_of_them_has_a_text(identifier):
    used = {type(step.rule).__name__ for goal in goals(identifier) for step in steps_of(goal.theorem)}
    assert used <= set(RULE_TEXTS)


def test_every_rule_about_tasks_has_a_text():
    modules = ("series", "task_norms", "task_runs")
    rules = {name for name, rule in RULES.items() if rule.__module__.rpartition(".")[2] in modules}
    assert rules <= set(RULE_TEXTS)


@pytest.mark.parametrize("identifier", NAMES)
def test_nothing_is_printed_by_its_class_or_left_bound(identifier):
    text = to_markdown(*goals(identifier))
    assert "?" not in text and "t_{0}" not in text and "BoundTask" not in text


def test_the_theorem_of_one_step_is_an_identity():
    assert r"\theta_{\mathrm{TA}}^{(1)} - \theta_{\mathrm{MT}}^{(1)} = 0" in to_markdown(*goals("TSK-1"))


def test_the_theorem_along_the_run_has_minus_alpha():
    text = to_markdown(*goals("TSK-2"))
    assert r"+ \eta^{2}\, \alpha\, C_{k} = O(\eta^{3})" in text
    assert text.count("Erratum") == 1 and r"for every $k\ge 1$" in text


def test_the_bound_has_the_maximum_and_both_errata():
    text = to_markdown(*goals("TSK-3"))
    assert r"\max(1,\, \lvert \alpha\, T - 1\rvert)" in text
    assert text.count("Erratum") == 2 and r"\binom{k}{2}" in text
    assert r"\max(0,\, \alpha^{2}\, T - 2\, \alpha)" in text


def test_documents_about_networks_say_nothing_of_tasks():
    text = to_markdown(*goals("LOSS-mse"))
    assert "MT" not in text and "Erratum" not in text and "Remarks" not in text


def test_letters_of_bound_tasks_are_neither_free_nor_bound_twice():
    joint = combined([(ALPHA, basic(Summed(Slope(BoundTask(0))))), (number(-1), basic(Slope(T)))])
    assert poly_latex(length(joint)).count("u") - poly_latex(length(joint)).count("sum") == 2
    text = poly_latex(over_tasks(T, length(joint)))
    bound = re.findall(r"\\sum_\{(\w)\}", text)
    assert len(bound) == len(set(bound)) == 2 and "_{t}" not in text


def test_what_is_left_of_a_run_is_printed_with_theta0_last():
    moved = combined(
        [
            (number(1), basic(RunPoint(Run(None, ALPHA), Index(2, False)))),
            (number(-1), basic(RunPoint(Run(T, number(1)), Index(0, True)))),
        ]
    )
    assert poly_latex(length(moved)) == r"\lVert \theta_{\mathrm{MT}}^{(2)} - \theta_{t}^{(n)}\rVert"


def test_the_number_of_the_bound_is_printed():
    assert claim_latex(task_bound(1, 1, 1, 2, 5).theorem.claim) == r"\lVert C_{5}\rVert \le 20"
