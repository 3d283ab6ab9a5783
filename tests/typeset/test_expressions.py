"""Terms, polynomials, numbers and names as LaTeX."""

from fractions import Fraction

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from proofs.kernel.claims import Compare, ForSamples, Relation, SupBound
from proofs.kernel.scalars import DirectionNorm, Norm, Poly, Real, Root, SupNorm, number
from proofs.kernel.terms import Apply, Entrywise, Named, Role, Sum, Variable
from proofs.network import Loss, activation
from proofs.theorems.bnd2 import uniform_bounds
from proofs.theorems.bounds import Derivation
from proofs.typeset import claim_latex, escape, poly_latex, term_latex
from proofs.typeset.closed_form import closed_form_latex, closed_forms
from proofs.typeset.layout import Math, Piece, break_lines, width_of
from proofs.typeset.names import function_latex, name_latex
from proofs.typeset.numerals import decimal_down, decimal_up

W = Variable("W1", (3, 2), Role.PARAMETER)
X = Variable("x", (2,), Role.SAMPLE)
B = Variable("b1", (3,), Role.PARAMETER)
Z = Named("z1", Sum((Apply(W, X), B)))


@pytest.mark.parametrize(("name", "latex"), [
    ("W12", "W_{12}"), ("h1_2", "h_{1}^{(2)}"), ("J_z1", "J_{z_{1}}"), ("kappa_z2", "\\kappa_{z_{2}}"),
    ("beta", "\\beta"), ("z1_0", "z_{1}^{0}"), ("J_h1_2", "J_{h_{1}^{(2)}}"), ("loss", "\\ell"),
    ("rate", "\\mathrm{rate}"), ("a_1b", "a_{\\mathrm{1b}}"), ("x__", "\\mathrm{x\\_\\_}"),
])  # fmt: skip
def test_names_are_typeset_by_their_parts(name, latex):
    assert name_latex(name) == latex


def test_blocks_of_reference_and_direction_have_their_own_letters():
    assert term_latex(W.as_role(Role.REFERENCE)) == "W_{1}^{0}"
    assert term_latex(W.as_role(Role.DIRECTION)) == "U_{1}"
    assert term_latex(B.as_role(Role.DIRECTION)) == "u_{b_{1}}"
    assert poly_latex(DirectionNorm((W, B)).poly()) == "\\lVert u_{1}\\rVert"
    assert poly_latex(DirectionNorm((W,)).poly()) == "\\lVert U_{1}\\rVert_F"


def test_functions_are_typeset_with_parameters_and_primes():
    assert function_latex(activation("leaky_relu", slope="1/10")) == "\\operatorname{leaky\\_relu}_{1/10}"
    assert (
        poly_latex(SupNorm(Entrywise(activation("tanh"), 1, Z)).poly())
        == "\\max_i\\lvert \\tanh'(z_{1,i})\\rvert"
    )


def test_summands_are_in_natural_order():
    reals = [Real(f"u{i}").poly() for i in (10, 2, 1)]
    assert poly_latex(sum(reals, number(3))) == "3 + u_{1} + u_{2} + u_{10}"


def test_long_sums_say_how_much_is_left_out():
    text = poly_latex(sum((Real(f"u{i}").poly() for i in range(20)), number(0)))
    assert "14 more" in text and "u_{19}" in text


def test_claims_read_as_sentences():
    claim = Compare(Norm(X).poly(), Relation.LE, number(Fraction(9, 10)))
    assert (
        claim_latex(ForSamples((X,), claim))
        == "\\lVert x\\rVert \\le \\tfrac{9}{10}\\text{ for every sample }(x)"
    )
    zero = SupBound(activation("tanh"), 0, number(0), number(0))
    assert claim_latex(zero) == "\\tanh(0) = 0"


@given(st.fractions(min_value=Fraction(1, 10**30), max_value=10**30))
def test_decimals_round_to_their_side(value):
    up, down = (
        Fraction(f(value).replace("\\ldots", "").replace("\\cdot10^{", "e").replace("}", ""))
        for f in (decimal_up, decimal_down)
    )
    assert down <= value <= up
    assert up - down <= value / 10**5


def test_long_numbers_are_rounded_up_only_on_the_right():
    long = number(fmpq(2**80 + 1, 3**50))
    claim = Compare(Real("x").poly() * long, Relation.LE, long)
    left, right = claim_latex(claim).split("\\le")
    assert "\\ldots" in left and "\\ldots" not in right
    negative = Compare(Real("x").poly(), Relation.LE, number(1) - Real("x").poly() * long)
    assert "\\ldots" in claim_latex(negative)


def test_width_grows_with_the_text_and_lines_keep_to_it():
    pieces = tuple(Piece(f"+ \\lVert u_{{{i}}}\\rVert") for i in range(30))
    for line in break_lines(Math(pieces), 20.0):
        assert sum(width_of(piece.text) for piece in line) <= 20.0


def test_every_special_character_is_escaped():
    assert escape("a_b%c\\d{e}") == "a\\_b\\%c\\textbackslash{}d\\{e\\}"


def test_closed_forms_simplify_products_of_roots():
    two = Root(number(2)).poly()
    assert closed_form_latex(two * two * Real("M").poly()) == "2 M"
    assert closed_form_latex(uniform_bounds(5).gradient.claim.bound) == "\\sqrt{10} M \\beta^{4} s^{4}"
    assert isinstance(uniform_bounds(5).gradient.claim.bound, Poly)


def test_closed_forms_of_a_network_are_read_off_its_derivation():
    from typeset_derivations import network

    forms = closed_forms(Derivation(network(2, "relu", bias=False), Loss.CROSS_ENTROPY))
    assert "G_{\\max} &= \\sqrt{2}\\, \\lVert j\\rVert_2" in forms.gradient
    assert "\\begin{pmatrix} M\\, s_{2} \\\\ a_{h_{1}} \\end{pmatrix}" in forms.gradient
    assert "\\tfrac{1}{2}\\, j\\,j^{\\top} + \\sqrt{2}\\, K" in forms.hessian
    deep = closed_forms(Derivation(network(6, "relu"), Loss.HALF_MSE))
    assert "(l=3,\\ldots,5)" in deep.gradient
    assert "K_{z_{2}} &= s_{2}\\, K_{h_{1}} + j_{h_{1}}e_{2}^{\\top} + e_{2}j_{h_{1}}^{\\top}" in deep.hessian
