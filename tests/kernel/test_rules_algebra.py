"""Rules of ordered-ring algebra."""

from __future__ import annotations

from fractions import Fraction

import pytest
from builders import (
    EQ,
    LE,
    ONE,
    TYPED,
    ZERO,
    B,
    C,
    V,
    W,
    X,
    eq,
    few,
    le,
    norm,
    real,
    refuses,
    scales,
    seeds,
    smooth,
)
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st
from meaning import Instance, check

from proofs.kernel.claims import Compare
from proofs.kernel.core import Theorem, infer
from proofs.kernel.monotone import round_up, sqrt_above
from proofs.kernel.rules import (
    Cauchy,
    Certificate,
    Chain,
    Definition,
    Fold,
    Monotone,
    Nonnegative,
    RootSquared,
    SquareRoot,
)
from proofs.kernel.scalars import Let, Poly, Real, Root, number, value_of
from proofs.kernel.terms import Inner, Named

ATOMS = [norm(W), norm(V), norm(B), norm(X), real("r"), Root(norm(C) * 3 + 1).poly()]
signed = st.sampled_from([fmpq(k, 3) for k in range(-6, 7)])
unsigned = st.sampled_from([fmpq(k, 3) for k in range(7)])


@st.composite
def polys(draw: st.DrawFn, coefficients: st.SearchStrategy[fmpq] = signed, atoms: int = len(ATOMS)) -> Poly:
    """Polynomials of degree at most 3 in the first `atoms` atoms; shrink to zero."""
    total = ZERO
    for _ in range(draw(st.integers(0, 4))):
        term = number(draw(coefficients))
        for index in draw(st.lists(st.integers(0, atoms - 1), max_size=3)):
            term = term * ATOMS[index]
        total = total + term
    return total


def zero_le(poly: Poly) -> Theorem:
    return le(ZERO, poly)


# -- Nonnegative -----------------------------------------------------------------------------


def test_nonnegative_accepts_norms_roots_and_even_powers() -> None:
    p = norm(W) * norm(B) * 2 + real("r") ** 2 + Root(real("r")).poly() + Let("a", norm(W)).poly()
    theorem = infer(Nonnegative(p))
    assert theorem.claim is Compare(ZERO, LE, p)
    assert not theorem.hypotheses


def test_nonnegative_accepts_reals_with_premises() -> None:
    theorem = infer(Nonnegative(real("r") * norm(W)), zero_le(real("r")))
    assert theorem.hypotheses == {zero_le(real("r")).claim}


@pytest.mark.parametrize(
    "poly",
    [real("r"), real("r") ** 3, -norm(W), number(-1), real("r") ** 2 - real("r"), Let("a", -norm(W)).poly(),
     Let("a", real("r")).poly(), value_of(Inner(B, C)), norm(W) - norm(W) ** 2],
    ids=str,
)  # fmt: skip
def test_nonnegative_refuses_what_is_not_visibly_so(poly: Poly) -> None:
    refuses(Nonnegative(poly), match="visibly >= 0")


@pytest.mark.parametrize(
    ("premise", "match"),
    [
        (le(ONE, real("r")), "premises 0 <= r"),
        (le(real("r"), real("r")), "premises 0 <= r"),
        (zero_le(real("r") * 2), "premises 0 <= r"),
        (zero_le(real("r") ** 2), "premises 0 <= r"),
        (zero_le(real("r") + 1), "premises 0 <= r"),
        (zero_le(norm(W)), "premises 0 <= r"),
        (zero_le(real("unused")), "premises 0 <= r"),
        (smooth(B), "compares two scalars"),
    ],
)
def test_nonnegative_refuses_other_premises(premise: Theorem, match: str) -> None:
    refuses(Nonnegative(real("r") * norm(W)), premise, match=match)


@few
@given(polys(), seeds, scales)
def test_nonnegative_holds_numerically(poly: Poly, seed: int, scale: float) -> None:
    instance = Instance(seed, scale)
    instance.reals["r"] = abs(instance.rng.normal())
    premises = [zero_le(real("r"))] if Real("r") in poly.atoms() else []
    squares = infer(Nonnegative(poly * poly if len(poly.terms) < 2 else norm(W)))
    check(squares, instance)
    positive = Poly((m, abs(c)) for m, c in poly.terms.items())
    check(infer(Nonnegative(positive), *premises), instance)


# -- Chain -----------------------------------------------------------------------------------


def test_chain_accepts_inequalities_and_equations_end_to_end() -> None:
    a, b, c, d = (real(name) for name in "abcd")
    theorem = infer(Chain(), le(a, b), eq(b, c), le(c, d))
    assert theorem.claim is Compare(a, LE, d)
    assert len(theorem.hypotheses) == 3


def test_chain_refuses_one_premise() -> None:
    refuses(Chain(), le(real("a"), real("b")), match="two or more")


def test_chain_refuses_links_that_do_not_meet() -> None:
    refuses(Chain(), le(real("a"), real("b")), le(real("c"), real("d")), match="start where")


def test_chain_refuses_an_equation_read_from_right_to_left() -> None:
    refuses(Chain(), eq(real("b"), real("a")), le(real("b"), real("c")), match="start where")


def test_chain_refuses_other_claims() -> None:
    refuses(Chain(), smooth(B), smooth(B), match="compares two scalars")


@few
@given(seeds)
def test_chain_holds_numerically(seed: int) -> None:
    instance = Instance(seed)
    instance.reals["s"] = instance.scalar(norm(W))
    instance.reals["t"] = instance.reals["s"] + 1
    check(infer(Chain(), eq(norm(W), real("s")), le(real("s"), real("t"))), instance)


# -- Certificate -----------------------------------------------------------------------------


def test_certificate_accepts_squares_products_and_equations() -> None:
    a, b = real("a"), real("b")
    # a^2 + b^2 >= 2ab with no premise.
    theorem = infer(Certificate(a * b * 2, ((fmpq(1), (), a - b),), ()))
    assert theorem.claim is Compare(a * b * 2, LE, a**2 + b**2)
    product = infer(Certificate(ZERO, ((fmpq(2), (0, 1), ONE),), ()), zero_le(a), zero_le(b))
    assert product.claim is Compare(ZERO, LE, a * b * 2)
    equal = infer(Certificate(a, (), ((0, b),)), eq(real("p"), real("q")))
    assert equal.claim is Compare(a, EQ, a + b * (real("q") - real("p")))


@pytest.mark.parametrize(
    ("products", "equations", "match"),
    [
        (((fmpq(-1), (0,), ONE),), (), "coefficients >= 0"),
        (((fmpq(-1, 10**9), (), real("a")), (fmpq(1), (0,), ONE)), (), "coefficients >= 0"),
        (((fmpq(1), (-1,), ONE),), (), "numbers from 0"),
        (((fmpq(1), (0,), ONE),), ((-1, ONE),), "numbers from 0"),
        (((fmpq(1), (7,), ONE),), (), "does not apply"),
        (((fmpq(1), (1,), ONE),), (), "compares two scalars|does not apply"),
        ((), (), "every premise"),
        (((fmpq(1), (), ONE),), (), "every premise"),
        ((), ((0, ONE),), "an equation"),
        (((1.5, (0,), ONE),), (), TYPED),
        (((float("nan"), (0,), ONE),), (), TYPED),
        (((True, (0,), ONE),), (), TYPED),
        (((fmpq(1), (0.0,), ONE),), (), TYPED),
        (((fmpq(1), (0,), 1j),), (), TYPED),
        (((Fraction(1), (0,), 1j),), (), TYPED),
    ],
)
def test_certificate_refuses(products: object, equations: object, match: str) -> None:
    rule = Certificate(real("a"), products, equations)  # type: ignore[arg-type]
    refuses(rule, zero_le(real("a")), match=match)


def test_certificate_refuses_premises_that_compare_nothing() -> None:
    refuses(Certificate(ZERO, ((fmpq(1), (0,), ONE),), ()), smooth(B), match="compares two scalars")


@few
@given(polys(), polys(), polys(), unsigned, seeds, scales)
def test_certificate_holds_numerically(
    left: Poly, square: Poly, multiplier: Poly, coefficient: fmpq, seed: int, scale: float
) -> None:
    instance = Instance(seed, scale)
    instance.reals |= {"p": instance.scalar(norm(V)), "m": instance.scalar(norm(W)) * 2}
    premises = (le(norm(W), real("m")), eq(real("p"), norm(V)), infer(Nonnegative(norm(X))))
    rule = Certificate(
        left, ((coefficient, (0, 2, 0), square), (coefficient, (), square)), ((1, multiplier),)
    )
    check(infer(rule, *premises), instance)


# -- Monotone --------------------------------------------------------------------------------

T, S = norm(W), norm(V)
TARGET = le(real("x"), T**2 * S + T * 3)


def test_monotone_accepts_bounds_put_into_a_growing_polynomial() -> None:
    theorem = infer(Monotone(), TARGET, le(T, number(2)), le(S, T))
    assert theorem.claim is Compare(real("x"), LE, number(14))
    assert theorem.hypotheses == {TARGET.claim, le(T, number(2)).claim, le(S, T).claim}


def test_monotone_accepts_roots_abbreviations_and_rounding_up() -> None:
    p = Root(T * 2 + Let("a", S + 1).poly()).poly()
    closed = infer(Monotone(), le(real("x"), p), le(T, ONE))
    assert closed.claim is Compare(real("x"), LE, Root(Let("a", S + 1).poly() + 2).poly())
    opened = infer(Monotone(16, unfold=True), le(real("x"), p), le(T, ONE), le(S, number(4)))
    right = opened.claim.right.constant()  # type: ignore[attr-defined]
    assert right is not None
    assert right * right >= 7
    assert right * right < fmpq(7) * (1 + fmpq(1, 2**12))


def test_monotone_accepts_reals_that_are_shown_nonnegative() -> None:
    r = real("r")
    theorem = infer(Monotone(), le(real("x"), r * T), zero_le(r), le(T, number(2)))
    assert theorem.claim is Compare(real("x"), LE, r * 2)


def test_monotone_accepts_an_even_power_of_a_real_that_is_left_alone() -> None:
    theorem = infer(Monotone(), le(real("x"), real("r") ** 2 * T), le(T, number(2)))
    assert theorem.claim is Compare(real("x"), LE, real("r") ** 2 * 2)


LET_NEG = Let("neg", S - T)
REFUSED: list[tuple[Poly, list[Theorem], bool, str]] = [
    (S - T, [le(T, ONE)], False, "the polynomial"),
    (S * 2 - T + T**2, [le(T, ONE)], False, "the polynomial"),
    (real("r") * T, [le(T, ONE)], False, "the polynomial"),
    (real("r") ** 2, [le(real("r"), ONE)], False, "atoms that are >= 0"),
    (Root(S - T).poly(), [le(T, ONE)], False, "a radicand"),
    (Root(number(-3)).poly() + T, [le(T, ONE)], False, "a radicand"),
    (Root(Root(S - T).poly()).poly(), [le(T, ONE)], False, "a radicand"),
    (LET_NEG.poly(), [le(T, ONE)], True, "the body of neg"),
    (LET_NEG.poly() ** 2, [le(T, ONE)], True, "the body of neg"),
    (LET_NEG.poly(), [], False, "the polynomial"),
    (Let("outer", LET_NEG.poly() ** 2).poly(), [le(T, ONE)], True, "the body of neg"),
    (Let("a", T).poly(), [le(T, ONE)], False, "every bound"),
    (S, [le(T, ONE)], False, "every bound"),
    (T, [le(T, ONE), le(T, number(2))], False, "one bound t <= q"),
    (T, [le(T * 2, ONE)], False, "one bound t <= q"),
    (T, [le(T**2, ONE)], False, "one bound t <= q"),
    (T, [le(T + S, ONE)], False, "one bound t <= q"),
    (T, [le(T, S - 1)], False, "a bound"),
    (T, [le(T, real("r"))], False, "a bound"),
    (T, [le(T, number(-1))], False, "a bound"),
    (T, [le(T, T)], False, "do not depend on"),
    (T, [le(T, S), le(S, T + 1)], False, "do not depend on"),
    (T + S, [le(T, Root(S).poly()), le(S, Let("a", T).poly())], True, "do not depend on"),
    (LET_NEG.poly() + T, [le(LET_NEG.poly(), ONE)], False, "atoms that are >= 0"),
    (value_of(Inner(B, C)) ** 2, [le(value_of(Inner(B, C)), ONE)], False, "atoms that are >= 0"),
]


@pytest.mark.parametrize(("poly", "bounds", "unfold", "match"), REFUSED)
def test_monotone_refuses(poly: Poly, bounds: list[Theorem], unfold: bool, match: str) -> None:
    refuses(Monotone(None, unfold), le(real("x"), poly), *bounds, match=match)


@pytest.mark.parametrize("bits", [7, 4097, 64.0, True, -1, "64"])
def test_monotone_refuses_strange_precisions(bits: object) -> None:
    refuses(Monotone(bits), TARGET, le(T, ONE), match=f"8 to 4096 bits|{TYPED}")  # type: ignore[arg-type]


def test_monotone_refuses_no_premise_and_other_claims() -> None:
    refuses(Monotone(), match="expected a premise")
    refuses(Monotone(), smooth(B), match="compares two scalars")
    refuses(Monotone(), TARGET, smooth(B), match="compares two scalars")


def test_monotone_refuses_to_round_nothing_but_values_that_are_nonnegative() -> None:
    # -(r^2) in a target is no bound to round up.
    refuses(Monotone(16), le(real("x"), -(real("r") ** 2)), match="the polynomial")


@few
@given(polys(unsigned, 4), st.sampled_from([None, 8, 64]), seeds, scales)
def test_monotone_holds_numerically(poly: Poly, bits: int | None, seed: int, scale: float) -> None:
    instance = Instance(seed, scale)
    let = Let("a", poly + T)
    target = Root(let.poly() + S).poly() + let.poly() * S + T * fmpq(1, 3)
    instance.reals["m"] = instance.scalar(T) * 1.2
    instance.reals["x"] = instance.scalar(target)
    bounds = (le(T, real("m") + norm(C)), le(S, number(round_up(fmpq(10**6), 20))), zero_le(real("m")))
    check(infer(Monotone(bits, unfold=True), le(real("x"), target), *bounds), instance)
    some = infer(Monotone(bits), le(real("x"), target), bounds[1])
    check(some, instance)


# -- Fold, Definition ------------------------------------------------------------------------


def test_fold_accepts_the_body_on_the_right() -> None:
    let = Let("a", T + 1)
    assert infer(Fold(let), le(real("x"), T + 1)).claim is Compare(real("x"), LE, let.poly())


def test_fold_refuses_another_body() -> None:
    refuses(Fold(Let("a", T + 1)), le(real("x"), T + 2), match="body of the abbreviation")
    refuses(Fold(Let("a", T + 1)), le(T + 1, real("x")), match="body of the abbreviation")


def test_fold_refuses_what_is_no_abbreviation() -> None:
    refuses(Fold(Named("a", B)), le(real("x"), T), match=TYPED)  # type: ignore[arg-type]


def test_fold_refuses_other_premises() -> None:
    refuses(Fold(Let("a", T)), match="expected 1 premises")
    refuses(Fold(Let("a", T)), smooth(B), match="compares two scalars")


@few
@given(polys(), seeds)
def test_fold_holds_numerically(poly: Poly, seed: int) -> None:
    instance = Instance(seed)
    instance.reals["x"] = instance.scalar(poly)
    check(infer(Fold(Let("a", poly)), le(real("x"), poly)), instance)


def test_definition_accepts_an_abbreviation() -> None:
    let = Let("a", T - 1)
    assert infer(Definition(let)).claim is Compare(let.poly(), EQ, T - 1)


def test_definition_refuses_a_premise() -> None:
    refuses(Definition(Let("a", T)), TARGET, match="expected 0 premises")


def test_definition_refuses_an_abbreviation_of_a_term() -> None:
    refuses(Definition(Named("a", B)), match=TYPED)  # type: ignore[arg-type]


@few
@given(polys(), seeds)
def test_definition_holds_numerically(poly: Poly, seed: int) -> None:
    check(infer(Definition(Let("a", poly))), Instance(seed))


# -- SquareRoot, RootSquared -----------------------------------------------------------------


def test_square_root_accepts_squares() -> None:
    theorem = infer(SquareRoot(T, S), le(T**2, S**2))
    assert theorem.claim is Compare(T, LE, S)


def test_square_root_refuses_a_right_side_of_unknown_sign() -> None:
    refuses(SquareRoot(T, real("r")), le(T**2, real("r") ** 2), match="right side that is visibly")
    refuses(SquareRoot(T, -S), le(T**2, S**2), match="right side that is visibly")


def test_square_root_refuses_other_squares() -> None:
    refuses(SquareRoot(T, S), le(T**2, S), match="compare the squares")
    refuses(SquareRoot(T, S), le(T, S**2), match="compare the squares")


def test_square_root_refuses_other_premises() -> None:
    refuses(SquareRoot(T, S), match="expected 1 premises")
    refuses(SquareRoot(T, S), smooth(B), match="compares two scalars")


@few
@given(polys(), polys(unsigned, 4), seeds)
def test_square_root_holds_numerically(left: Poly, right: Poly, seed: int) -> None:
    check(infer(SquareRoot(left, right), le(left**2, right**2)), Instance(seed), vacuous=True)
    instance = Instance(seed)
    root = Root(left * left).poly()
    root_squared = infer(Certificate(left**2, ((fmpq(1), (), ZERO),), ()))
    assert root_squared.claim is Compare(left**2, LE, left**2)
    check(infer(SquareRoot(left, Root(T).poly()), le(left**2, Root(T).poly() ** 2)), instance, vacuous=True)
    assert instance.scalar(root) >= 0


def test_root_squared_accepts_a_visibly_nonnegative_radicand() -> None:
    e = T * 2 + real("r") ** 2
    assert infer(RootSquared(e)).claim is Compare(Root(e).poly() ** 2, EQ, e)


@pytest.mark.parametrize("radicand", [number(-1), real("r"), T - S, Let("a", -T).poly()], ids=str)
def test_root_squared_refuses_other_radicands(radicand: Poly) -> None:
    refuses(RootSquared(radicand), match="visibly >= 0")


def test_root_squared_refuses_a_premise() -> None:
    refuses(RootSquared(T), TARGET, match="expected 0 premises")


@few
@given(polys(unsigned, 4), seeds, scales)
def test_root_squared_holds_numerically(radicand: Poly, seed: int, scale: float) -> None:
    check(infer(RootSquared(radicand + real("r") ** 2)), Instance(seed, scale))


# -- Cauchy ----------------------------------------------------------------------------------


def test_cauchy_accepts_lists_of_one_length() -> None:
    claim = infer(Cauchy((T, ONE), (S, real("r")))).claim
    sizes = Root(T**2 + 1).poly() * Root(S**2 + real("r") ** 2).poly()
    assert claim is Compare(T * S + real("r"), LE, sizes)


@pytest.mark.parametrize(("left", "right"), [((), ()), ((T,), ()), ((T,), (S, T)), ((T, S), (T,))])
def test_cauchy_refuses_other_lists(left: tuple[Poly, ...], right: tuple[Poly, ...]) -> None:
    refuses(Cauchy(left, right), match="two lists of one positive length")


def test_cauchy_refuses_a_premise() -> None:
    refuses(Cauchy((T,), (S,)), TARGET, match="expected 0 premises")


@few
@given(st.lists(st.tuples(polys(), polys()), min_size=1, max_size=4), seeds, scales)
def test_cauchy_holds_numerically(pairs: list[tuple[Poly, Poly]], seed: int, scale: float) -> None:
    left, right = zip(*pairs, strict=True)
    check(infer(Cauchy(left, right)), Instance(seed, scale))


# -- rounding --------------------------------------------------------------------------------


@given(st.fractions(min_value=0), st.integers(8, 200))
def test_rounding_up_is_upward_and_close(value: Fraction, bits: int) -> None:
    exact = fmpq(value.numerator, value.denominator)
    rounded, rooted = round_up(exact, bits), sqrt_above(exact, bits)
    assert rounded >= exact
    assert rounded - exact <= exact * fmpq(1, 2 ** (bits - 2))
    assert rooted * rooted >= exact
    assert rooted * rooted <= exact * (1 + fmpq(1, 2 ** (bits - 3))) + fmpq(1, 2**2000)
