"""Printed derivations about sets, analyticity and maps of optimisers."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from flint import fmpq
from set_derivations import SET_GOALS, analytic_goal, network, step_goals
from test_documents_compile import ARTICLE, compile_and_complain
from typeset_derivations import bound_goals

from gradlemma.plain import claim_text
from proofs.kernel import set_claims, sets
from proofs.kernel.core import RULES, infer, steps_of
from proofs.kernel.dynamics import Composed, Descent, OnPosition, Proximal, Pushed, Sheared
from proofs.kernel.maps import (
    AnyPlace,
    AnyStep,
    At,
    Chosen,
    Contract,
    Entry,
    Fixed,
    Given,
    HessianDet,
    Join,
    MeanOf,
    Opaque,
    ParameterBlock,
    Partial,
    Pick,
    PlaceNumber,
    RankDet,
    RootStep,
    Scaled,
    StepNumber,
    Total,
    Unknown,
)
from proofs.kernel.rules import Assume, PutIn
from proofs.kernel.set_claims import AlmostEverywhereAnalytic, Null, SetClaim
from proofs.network import activation
from proofs.theorems.map_analyticity import Route
from proofs.typeset import Goal, claim_latex, step_tree, to_latex, to_markdown
from proofs.typeset.contractions import contraction_latex
from proofs.typeset.facts import FACTS
from proofs.typeset.references import SOURCES
from proofs.typeset.steps import Part

TRUSTED = Path(__file__).resolve().parents[2] / "docs" / "trusted.md"
RELU = activation("relu")
W, X, P, H = ParameterBlock("W1", (2, 2)), Given("x", (2,)), Unknown("p", ()), Unknown("h", None)
H2 = Given("q", (2,))
Z = Contract("ij,j->i", W, X)
LOSS = Contract("i,i->", Entry(RELU, Z), X)
ETA, HALF = AnyStep("eta"), StepNumber(fmpq(-1, 2))
K = AnyPlace("k")
U = sets.Component(P, K)
ZERO = sets.LevelSet(P, sets.LevelNumber(fmpq(0)))
KINK = sets.LevelSet(P, sets.KinkLevel(RELU, K))
CASE = Contract("i,i->", Chosen(RELU, (1, -1), Z), X)
EVERY_MAP = Total(
    (
        At(W, PlaceNumber(2)),
        Scaled(fmpq(-1, 3), MeanOf((X,), LOSS)),
        Contract("i,i->", Pick(Z, (1, -1), (2,)), Join((P, At(X, K)))),
        Contract("i,i->", Partial("inverse", Opaque("g", Z, (2,))), Fixed((2,), (fmpq(1), fmpq(-2)))),
        HessianDet(LOSS, RootStep((-2, 0, 1), 1)),
        RankDet(Z),
        CASE,
    )
)  # fmt: skip
CLAIMS = [
    Null(sets.Without(sets.Meet(ZERO, sets.Whole()), sets.SingularPoints(EVERY_MAP))),
    Null(sets.UnionOver(K, sets.Either((sets.Interior(KINK), sets.Boundary(KINK), sets.Empty())))),
    set_claims.Within(sets.HitsSingular(Entry(RELU, Z)), sets.HitsSingular(Opaque("g", P, ()))),
    set_claims.Within(U, ZERO),
    set_claims.NotWithin(U, sets.Empty()),
    set_claims.NotWithin(U, ZERO),
    AlmostEverywhereAnalytic(LOSS),
    set_claims.PiecewiseAnalytic(RELU),
    set_claims.OuterAnalytic(Entry(RELU, H), True),
    set_claims.OuterAnalytic(Opaque("g", Z, ()), False),
    set_claims.Positive(Z, True),
    set_claims.Independent(X, W),
    set_claims.NonSingular(
        Composed((Pushed(LOSS, ETA, fmpq(-1)), Sheared((fmpq(1), fmpq(-2)), (fmpq(0), fmpq(1)))))
    ),
    set_claims.NonSingular(OnPosition(Proximal(LOSS, HALF))),
    set_claims.Singular(Descent(LOSS, HALF)),
    set_claims.Exceptional(LOSS, HALF),
    set_claims.AvoidsExceptional(LOSS, ETA),
    set_claims.ForAlmostAllSteps(ETA, set_claims.NonSingular(Descent(LOSS, ETA))),
    set_claims.LocallyOneOf(LOSS, (CASE,), (ZERO,)),
    set_claims.LocallyOneOf(LOSS, (CASE, LOSS), ()),
    set_claims.SomewhereEqual(LOSS, CASE),
    set_claims.ConstantEigenvalues(LOSS, (-2, 0, 1)),
    set_claims.EigenvaluesWithin(LOSS, ((fmpq(-1, 3), fmpq(1, 3)),)),
]


def test_every_claim_about_sets_is_printed():
    kinds = {getattr(set_claims, name) for name in set_claims.__all__ if name[0].isupper()} - {SetClaim}
    assert {type(claim) for claim in CLAIMS} == kinds
    for claim in CLAIMS:
        for exact in (False, True):
            latex, plain = claim_latex(claim, exact=exact), claim_text(claim, exact=exact)
            assert "\n" not in latex + plain
            assert latex.count("{") == latex.count("}")
            assert type(claim).__name__ not in plain.split()


def test_different_claims_are_printed_differently():
    for printer in (claim_latex, claim_text):
        assert len({printer(claim, exact=True) for claim in CLAIMS}) == len(CLAIMS)


@pytest.mark.parametrize(("pattern", "text"), [
    ("ij,j->i", "A B"),
    ("i,ij->j", r"B^{\top} A"),
    ("ij,kj->ik", r"A B^{\top}"),
    ("i,j->ij", r"A B^{\top}"),
    ("pq,qr->pr", "A B"),
    ("i,i->", r"\langle A,\, B\rangle"),
    ("i,i->i", r"A\odot B"),
    ("hts,hts->hts", r"A\odot B"),
    ("hts,->hts", r"B\, A"),
    ("ij,tj->ti", r"B A^{\top}"),
    ("ijk,kl->ijl", r"\bigl({\textstyle\sum_{k}} A_{ijk} B_{kl}\bigr)_{ijl}"),
])  # fmt: skip
def test_products_are_printed_as_products(pattern, text):
    assert contraction_latex(pattern, "A", "B", is_square=False)[0] == text


def test_transposes_and_indices_take_all_of_a_product():
    assert contraction_latex("ji,j->i", "W h", "x + y", is_square=False)[0] == r"(W h)^{\top} x + y"
    assert contraction_latex("i,i->", "(z -y)", "(z -y)", is_square=True)[0] == r"\lVert z -y\rVert^{2}"
    assert contraction_latex("i,i->", "(a)+(b)", "(a)+(b)", is_square=True)[0] == r"\lVert (a)+(b)\rVert^{2}"


def test_products_entry_by_entry_are_bracketed_in_products():
    inner = Contract("i,i->i", H2, X)
    text = claim_latex(AlmostEverywhereAnalytic(Contract("ij,j->i", ParameterBlock("V", (2, 2)), inner)))
    assert r"V (q\odot x)" in text
    text = claim_latex(AlmostEverywhereAnalytic(Contract("i,i->i", Contract("ij,j->i", W, H2), X)))
    assert r"z_{1}\odot x" in text and r"z_{1} = W_{1} q" in text


def test_scripts_do_not_follow_scripts():
    assert contraction_latex("ijk,kl->ijl", "W_{1}", "f(x)", is_square=False)[0] == (
        r"\bigl({\textstyle\sum_{k}} (W_{1})_{ijk} f(x)_{kl}\bigr)_{ijl}"
    )
    assert contraction_latex("i,j->ij", "a", "h_{1}^{(2)}", is_square=False)[0] == r"a (h_{1}^{(2)})^{\top}"
    assert contraction_latex("i,j->ij", "a", "(b + c) d", is_square=False)[0] == r"a ((b + c) d)^{\top}"
    square = Contract("i,i->", Z, Z)
    text = claim_latex(AlmostEverywhereAnalytic(Partial("inverse", square)))
    assert r"L = (\lVert z_{1}\rVert^{2})^{-1}" in text


def test_a_deep_net_is_one_line():
    claim = AlmostEverywhereAnalytic(network(100))
    for text in (claim_latex(claim), claim_text(claim)):
        assert len(text) < 400
        assert "..." in text or "ldots" in text
    exact = claim_text(claim, exact=True)
    assert "..." not in exact and all(f"W{layer} h{layer - 1}" in exact for layer in range(2, 101))


def test_layers_are_named_by_their_parameters():
    text = to_markdown(*analytic_goal(9, Route.LAYERED))
    assert "$z_{1} = W_{1} x + b_{1}$" in text and "$h_{1} = \\operatorname{relu}(z_{1})$" in text
    assert "$z_{l} = W_{l} h_{l-1} + b_{l}$ for $l=3,\\ldots,8$" in text
    assert "$\\ell = \\tfrac{1}{2}\\,\\lVert z_{9} -y\\rVert^{2}$" in text
    assert "Layers 3 to 8, analyticity: steps" in text
    full = to_markdown(*analytic_goal(9, Route.LAYERED), full=True)
    assert "word for word" not in full and "h_{7} = " in full


def test_a_tied_net_gives_every_application_its_name():
    text = to_markdown(*analytic_goal(4, tied=True))
    assert "$z_{2} = W_{2} h_{1} + b_{2}$" in text
    assert "$z_{2}^{(2)} = W_{2} h_{2} + b_{2}$" in text


@pytest.mark.parametrize("name", SET_GOALS)
def test_the_tree_holds_every_inference(name):
    goals = SET_GOALS[name]()
    tree = step_tree(*goals)
    wanted = {
        (t.claim, type(t.rule).__name__)
        for t in steps_of(*(g.theorem for g in goals))
        if not isinstance(t.rule, Assume)
    }
    assert {(step.claim, step.rule_name) for step in tree.steps} == wanted
    labels = {assumption.label for assumption in tree.assumptions}
    for step in tree.steps:
        assert all(r.number < step.number if r.number else r.label in labels for r in step.premises)
        assert set(step.drops) <= labels and set(step.rests_on) <= labels
    for goal, conclusion in zip(goals, tree.conclusions, strict=True):
        assert len(conclusion.assumptions) == len(goal.theorem.hypotheses)
        assert tree.steps[conclusion.reference.number - 1].claim is goal.theorem.claim


@pytest.mark.parametrize("name", SET_GOALS)
def test_the_full_list_prints_every_step_once(name):
    goals = SET_GOALS[name]()
    text = to_markdown(*goals, full=True)
    printed: list[int] = []
    for first, last in re.findall(r"^- \*\*\((\d+)(?:–(\d+))?\)\*\*", text, re.MULTILINE):
        printed += range(int(first), int(last or first) + 1)
    assert printed == list(range(1, len(step_tree(*goals).steps) + 1))


def test_a_lemma_is_printed_once_and_its_instances_refer_to_it():
    goals = SET_GOALS["tied"]()
    text = to_markdown(*goals)
    assert text.count("**Lemma 1**. Let $p:\\Theta\\to\\mathbb{R}$ be arbitrary. If $p$ is") == 1
    assert "Lemma 1 with $p=h_{i}$" in text
    assert "Lemma 2 with $h=z_{1}$" in text
    tree = step_tree(*goals)
    assert len(tree.lemmas) == 2
    used = {step.premises[0].number for step in tree.steps if isinstance(step.rule, PutIn)}
    assert used == {lemma.number for lemma in tree.lemmas}


def test_what_is_supposed_is_printed_where_it_is_used_and_dropped():
    text = to_markdown(*SET_GOALS["entrywise"]())
    first, second = text.index("**(C1)** Suppose"), text.index("**(C2)** Suppose")
    assert first < text.index("(C1)*") < second < text.index("dropping (C1), (C2)*")
    assert "Assumed on the way" not in text


def test_a_theorem_states_its_conditions():
    text = to_markdown(*SET_GOALS["entrywise"]())
    assert "If $h$ is almost everywhere analytic (A1), then $\\operatorname{relu}(h)$ is almost" in text


def test_a_union_does_not_seem_to_bind_a_free_number():
    text = to_markdown(*SET_GOALS["entrywise"]())
    assert "\\kappa_{k}\\} \\subset {\\textstyle\\bigcup_{k}}\\, \\partial" not in text
    assert "\\kappa_{k}\\} \\subset {\\textstyle\\bigcup_{j}}\\, \\partial\\{p=\\kappa_{j}\\}" in text


def test_steps_are_defined_and_named():
    text = to_markdown(*SET_GOALS["steps"]())
    assert "$G_{\\eta}(\\theta)=\\theta-\\eta\\nabla L(\\theta)$ is a step of gradient descent" in text
    assert "$G_{\\eta}$ is non-singular for all $\\eta\\ne 0$ but countably many" in text
    assert "$\\eta\\in E(L)$ if $\\det(I-\\eta\\nabla^{2}L)=0$ on all of" in text


def test_cases_that_repeat_another_one_are_left_out():
    goals = step_goals((1, 2), (2, 1))
    short, full = to_markdown(*goals), to_markdown(*goals, full=True)
    assert "word for word with the maps of the case" in short
    assert "word for word" not in full and "further maps of the cases" not in full
    assert len(short) < len(full)
    tree = step_tree(*goals)
    assert any(step.section.part is Part.PATTERNS for step in tree.steps)


def test_bounds_and_analyticity_share_a_document():
    text = to_markdown(*bound_goals(2, "relu"), *SET_GOALS["tied"]())
    assert text.count("## Setting") == 1
    assert "### Maps of the parameters" in text and "almost everywhere analytic" in text
    assert "G_{\\max}" in text or "\\lVert \\nabla" in text


def test_every_cited_fact_has_an_entry_and_sources():
    tags = {rule.trust for rule in RULES.values() if rule.trust and rule.trust.startswith("cited:")}
    assert tags == set(FACTS)
    page = TRUSTED.read_text(encoding="utf-8")
    for tag, fact in FACTS.items():
        assert f"| `{tag}` | {fact.label} |" in page
        assert fact.sources and all(key in SOURCES for key in fact.sources)
    assert set(re.findall(r"`(cited:[a-z-]+)`", page)) == tags
    assert len({fact.label for fact in FACTS.values()}) == len(FACTS)


def test_facts_are_printed_with_their_sources():
    text = to_markdown(*SET_GOALS["one sample"]())
    for mark in ("Zer", "Sard", "Dif"):
        assert f"\\vdash_{{\\text{{{mark}" in text or f", {mark}" in text
        assert f"- **{mark}**: " in text
    assert "Sar42" in text and "KP02" in text and "Pon87" in text


def test_printing_is_the_same_in_every_process():
    code = (
        "import sys, hashlib; sys.path.insert(0, 'tests/typeset')\n"
        "from set_derivations import SET_GOALS\n"
        "from proofs.typeset import to_latex, to_markdown\n"
        "goals = [g for name in ('optimisers', 'deep') for g in SET_GOALS[name]()]\n"
        "print(hashlib.sha256((to_latex(*goals) + to_markdown(*goals)).encode()).hexdigest())\n"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(found) == 1


def test_an_assumption_alone_can_be_printed():
    claim = AlmostEverywhereAnalytic(P)
    text = to_latex(Goal("trivial", infer(Assume(claim))))
    assert "If $p$ is almost everywhere analytic (A1), then $p$ is" in text


@pytest.mark.tex
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
@pytest.mark.parametrize("name", SET_GOALS)
def test_derivations_about_sets_compile_as_document_and_as_fragment(name, tmp_path):
    goals = SET_GOALS[name]()
    assert compile_and_complain(to_latex(*goals), tmp_path) == []
    assert compile_and_complain(ARTICLE % to_latex(*goals, fragment=True), tmp_path) == []


@pytest.mark.tex
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_claims_on_their_own_and_mixed_documents_compile(tmp_path):
    body = "".join(rf"\par\noindent${claim_latex(claim)}$" for claim in CLAIMS)
    errors = compile_and_complain(ARTICLE % body, tmp_path)
    assert not [line for line in errors if line.startswith("!") or line == "failed"]
    goals = (*bound_goals(2, "relu"), *SET_GOALS["tied"]())
    assert compile_and_complain(to_latex(*goals), tmp_path) == []
