"""Proofs by induction in print: lemmas with base and step, and theorems in L = n + 1."""

import re

import pytest
from typeset_derivations import symbolic_goals, uniform_goals

from proofs.kernel.claims import Compare, Relation
from proofs.kernel.core import infer
from proofs.kernel.families import Block, Indexed, Recursive
from proofs.kernel.indices import Index
from proofs.kernel.rules import Assume, Induction
from proofs.kernel.scalars import Let, Norm, Real, Root, number
from proofs.kernel.sequences import FamilyNorm, Natural, PartialSum, Power
from proofs.kernel.terms import Apply, Named, Role, Variable
from proofs.network import activation
from proofs.theorems.any_depth import block
from proofs.theorems.constants import supremum
from proofs.typeset import Goal, poly_latex, step_tree, to_markdown
from proofs.typeset.expressions import Notation, Writer
from proofs.typeset.steps import Part, Section

HERE, NEXT, BEFORE = Index(0, True), Index(1, True), Index(-1, True)
X = Variable("x", (2,), Role.SAMPLE)
n, q = Natural().poly(), Real("q").poly()


def in_depth(poly):
    """The polynomial in L = n + 1."""
    return Writer(Notation().named("L", 1)).poly(poly)


@pytest.mark.parametrize(("poly", "plain", "deep"), [
    (n + 1, "n+1", "L"),
    (n * q, r"q\, n", r"q\, (L-1)"),
    (n * n + n, "n(n+1)", "L(L-1)"),
    (Root(n + 1).poly(), r"\sqrt{n+1}", r"\sqrt{L}"),
    (Power(q, NEXT).poly() ** 2, "q^{2n+2}", "q^{2L}"),
    (Power(q * 2, BEFORE).poly(), r"(2\, q)^{n-1}", r"(2\, q)^{L-2}"),
    (PartialSum(n * Power(q, BEFORE).poly(), HERE).poly(),
     r"{\textstyle\sum_{m=1}^{n}} m\, q^{m-1}", r"{\textstyle\sum_{m=1}^{L-1}} m\, q^{m-1}"),
    (FamilyNorm(block(HERE), NEXT).poly(), r"\lVert u_{\le n+1}\rVert", r"\lVert u\rVert"),
    (number(1) - (n + 1) * Power(q, HERE).poly(), r"1 - (n+1)\, q^{n}", r"1 - L\, q^{L-1}"),
    (number(-1) * n, "- n", "- (L-1)"),
])  # fmt: skip
def test_polynomials_in_n_are_written_in_n_or_in_the_depth(poly, plain, deep):
    assert poly_latex(poly) == plain
    assert in_depth(poly) == deep


def test_the_norm_of_other_blocks_is_told_apart():
    other = Block("V", (("d", HERE),), Role.PARAMETER, HERE)
    for member in (other, block(NEXT)):
        text = poly_latex(FamilyNorm(member, HERE).poly() ** 2)
        assert text != poly_latex(FamilyNorm(block(HERE), HERE).poly() ** 2)
        assert text.startswith("(\\bigl(") and text.endswith("^{2}")


def test_every_definition_that_a_proof_speaks_of_is_printed():
    """A second recursion, a node and an abbreviation beside the network stand in the setting."""
    x = Variable("w", (("e", HERE),), Role.PREVIOUS)
    start = Apply(Block("V", (("e", Index(1, False)), 2), Role.PARAMETER, Index(1, False)), X)
    step = Apply(Block("V", (("e", NEXT), ("e", HERE)), Role.PARAMETER, NEXT), x)
    others = [Recursive("w", start, step, HERE), Named("g", X), Indexed("k", HERE, X)]
    claims = [Compare(Norm(term).poly(), Relation.LE, Let("t", q).poly()) for term in others]
    theorem = symbolic_goals()[0].theorem
    known = [infer(Assume(claim)) for claim in claims]
    text = to_markdown(Goal("first", theorem), *(Goal(f"g{i}", t) for i, t in enumerate(known)))
    setting = text.split("## Assumptions")[0]
    for line in ("w_{1} = V_{1}", "w_{n+1} = V_{n+1}", "g = x", "k_{n} = x", "t = q", "z_{n+1} = W_{n+1}"):
        assert line in setting
    assert "V_{1},V_{2},\\ldots,W_{1},W_{2}" in setting


def test_a_constant_that_is_a_sum_stands_in_brackets_in_a_product():
    beta = supremum(activation("gelu"), 1).claim.bound
    alone, product = poly_latex(beta), poly_latex(beta * q)
    assert " + " in alone and product == rf"\bigl({alone}\bigr)\, q"


def test_a_square_before_a_sum_is_recognised():
    total = PartialSum(n, HERE).poly()
    assert poly_latex((number(1) - q) ** 2 * total).startswith("(1 - q)^{2}")
    assert poly_latex((number(1) - 3 * q + q**2) * total).startswith(r"(1 + q^{2} - 3\, q)")


@pytest.mark.parametrize("name", [None, "relu"])
def test_every_induction_is_a_lemma_with_base_and_step(name):
    goals = symbolic_goals(name)
    tree = step_tree(*goals)
    text = to_markdown(*goals)
    assert len(tree.lemmas) == (7 if name is None else 4)
    for place, lemma in enumerate(tree.lemmas):
        assert isinstance(lemma.rule, Induction)
        assert (lemma.section.part, lemma.section.place) == (Part.LEMMAS, place)
        assert text.count(f"**Lemma {place + 1}**") == 1
        base, step = lemma.premises
        assert step.number
        assert tree.steps[step.number - 1].section == Section(Part.LEMMAS, place, 1)
        assert not base.number or tree.steps[base.number - 1].section == Section(Part.LEMMAS, place, 0)
    assert text.count("Suppose the claim for") == len(tree.lemmas)


def test_what_is_supposed_is_cited_in_its_own_lemma_alone():
    tree = step_tree(*symbolic_goals())
    for step in tree.steps:
        for reference in step.premises:
            if reference.label.startswith("H"):
                place = int(reference.label[1:]) - 1
                assert (step.section.part, step.section.place) == (Part.LEMMAS, place)


def test_the_theorem_stands_before_its_proof_and_holds_for_every_depth():
    text = to_markdown(*symbolic_goals())
    assert text.index("## Theorems") < text.index("## Proof") < text.index("**Lemma 1**")
    assert text.count(r"for every $L\ge 2$") == 4
    assert r"$\theta=(W_{1},W_{2},\ldots)$" in text
    assert r"\sqrt{2}\, M\, (\beta\, s)^{L-1}\, \sqrt{L}" in text
    assert r"\lVert W_{l}\rVert \le s" in text


def test_an_instance_states_its_own_depth():
    text = to_markdown(*uniform_goals(4))
    assert r"for every $L\ge 2$" not in text
    assert "is a probability vector" in text and "Assumed on the way" not in text
    assert re.search(r"\\lVert W_\{l\}\\rVert \\le s\$ for \$1\\le l\\le 4", text)
