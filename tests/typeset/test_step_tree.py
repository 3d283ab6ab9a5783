"""The step tree: numbering, references, rules, determinism, and what may be left out."""

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from typeset_derivations import bound_goals, reading_goals, symbolic_goals, uniform_goals

from proofs.errors import GradlemmaError
from proofs.kernel.claims import Compare, Relation
from proofs.kernel.core import RULES, infer, steps_of
from proofs.kernel.rules import Assume, Chain, Definition
from proofs.kernel.scalars import Let, Real, number
from proofs.typeset import Goal, step_tree, to_latex, to_markdown, trust_of
from proofs.typeset.document import document
from proofs.typeset.expressions import Notation
from proofs.typeset.layers import Run, runs_of_layers
from proofs.typeset.rulebook import RULE_TEXTS
from proofs.typeset.steps import Part

GOALS = {
    "worst": lambda: bound_goals(3),
    "relu": lambda: bound_goals(4, "relu", bias=False),
    "uniform": lambda: uniform_goals(4),
    "symbolic": symbolic_goals,
    "symbolic relu": lambda: symbolic_goals("relu"),
    "ball": lambda: reading_goals(3, "ball"),
}


def test_every_rule_has_a_name_a_statement_and_a_figure():
    assert set(RULE_TEXTS) == set(RULES)
    for name, rule in RULES.items():
        assert RULE_TEXTS[name].name and RULE_TEXTS[name].statement
        assert "---" in (rule.__doc__ or "")


@pytest.mark.parametrize("name", GOALS)
def test_references_exist_and_point_backwards(name):
    tree = step_tree(*GOALS[name]())
    labels = {assumption.label for assumption in tree.assumptions}
    assert [step.number for step in tree.steps] == list(range(1, len(tree.steps) + 1))
    for step in tree.steps:
        assert len(step.premises) == len(step.premise_claims)
        for reference, claim in zip(step.premises, step.premise_claims, strict=True):
            if reference.number:
                assert reference.number < step.number
                assert tree.steps[reference.number - 1].claim is claim
            else:
                assert reference.label in labels


@pytest.mark.parametrize("name", GOALS)
def test_the_tree_holds_every_inference(name):
    goals = GOALS[name]()
    tree = step_tree(*goals)
    wanted = {
        (t.claim, type(t.rule).__name__)
        for t in steps_of(*(g.theorem for g in goals))
        if not isinstance(t.rule, Assume)
    }
    assert {(step.claim, step.rule_name) for step in tree.steps} == wanted
    for goal, conclusion in zip(goals, tree.conclusions, strict=True):
        assert len(conclusion.assumptions) == len(goal.theorem.hypotheses)
        assert tree.steps[conclusion.reference.number - 1].claim is goal.theorem.claim


def test_trust_is_printed_where_it_enters():
    goals = bound_goals(2, "gelu")
    tree = step_tree(*goals)
    assert any(step.adds_trust == "arb" for step in tree.steps)
    assert "arb" in trust_of(goals[0].theorem)
    assert "\\vdash_{\\text{arb}}" in to_latex(*goals) and "Joh17" in to_latex(*goals)
    assert "Joh17" not in to_latex(*bound_goals(2, "relu"))


def test_sources_are_cited_only_where_used():
    assert "CG25" in to_latex(*bound_goals(2, "relu"))
    assert "CG25" not in to_latex(*bound_goals(2, "tanh"))
    assert "Col42" not in to_latex(*bound_goals(1))


def test_assumptions_about_samples_are_shared_with_the_goal():
    tree = step_tree(*bound_goals(2))
    assert not any(assumption.discharged for assumption in tree.assumptions)


def test_a_changed_conclusion_changes_the_text():
    norms = [Fraction(11, 10)] * 3
    other = [Fraction(11, 10), Fraction(12, 10), Fraction(11, 10)]
    for printer in (to_latex, to_markdown):
        first, again, changed = (printer(*bound_goals(3, norms=n)) for n in (norms, norms, other))
        assert first == again
        assert first != changed


def test_equal_layers_are_left_out_and_the_full_list_has_them():
    goals = bound_goals(8)
    runs = runs_of_layers(step_tree(*goals), Notation())
    assert runs[Part.NODES] == (Run(3, 7, 2),)
    short, full = to_markdown(*goals), to_markdown(*goals, full=True)
    assert "word for word" in short and "word for word" not in full
    tree = step_tree(*goals)
    assert all(f"**({step.number})**" in full for step in tree.steps)
    assert not all(f"**({step.number})**" in short for step in tree.steps)


def test_three_layers_are_printed_in_full():
    assert "word for word" not in to_markdown(*bound_goals(3))


def test_a_layer_with_another_activation_is_never_left_out():
    names = ["tanh", "tanh", "tanh", "sigmoid", "tanh", "tanh", "tanh"]
    runs = runs_of_layers(step_tree(*bound_goals(8, names)), Notation())[Part.NODES]
    omitted = {layer for run in runs for layer in range(run.first, run.last + 1)}
    assert 4 not in omitted
    assert Run(3, 3, 2) in runs
    text = to_markdown(*bound_goals(8, names))
    assert "\\operatorname{sigmoid}'(z_{4})" in text


def test_a_layer_with_another_bias_is_never_left_out():
    from proofs.network import Dense, Loss, Network
    from proofs.theorems.bounds import Box, Derivation

    layers = [Dense(3), "tanh", Dense(3), "tanh", Dense(3, bias=False), "tanh", Dense(3), "tanh", Dense(3)]
    work = Derivation(Network.of(2, *layers), Loss.CROSS_ENTROPY)
    third = Fraction(1, 3)
    box = Box((Fraction(1),) * 5, (third, third, None, third, third))
    reading = work.worst_case(box, Fraction(1))
    runs = runs_of_layers(step_tree(Goal("G_max", reading.gradient.theorem)), Notation())[Part.NODES]
    assert all(not run.first <= 3 <= run.last for run in runs)


def test_one_name_with_two_bodies_is_refused():
    first, second = Let("a", Real("x").poly()), Let("a", Real("y").poly())
    link = infer(Assume(Compare(Real("x").poly(), Relation.LE, second.poly())))
    theorem = infer(Chain(), infer(Definition(first)), link, infer(Definition(second)))
    with pytest.raises(GradlemmaError, match="one body"):
        document(Goal("clash", theorem))


def test_an_assumption_alone_can_be_printed():
    claim = Compare(Real("x").poly(), Relation.LE, number(1))
    assert "(A1)" in to_latex(Goal("trivial", infer(Assume(claim))))


def test_printing_is_the_same_in_every_process():
    code = (
        "import sys; sys.path.insert(0, 'tests/typeset')\n"
        "from typeset_derivations import bound_goals\n"
        "from proofs.typeset import to_latex, to_markdown\n"
        "import hashlib\n"
        "g = bound_goals(5, 'gelu')\n"
        "print(hashlib.sha256((to_latex(*g) + to_markdown(*g)).encode()).hexdigest())\n"
    )
    root = Path(__file__).parents[2]
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(found) == 1
