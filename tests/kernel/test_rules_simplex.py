"""Rules of probability vectors and of absolute values."""

from __future__ import annotations

import numpy as np
import pytest
from builders import (
    EQ,
    LE,
    ONE,
    TYPED,
    ZERO,
    B,
    C,
    Q,
    X,
    Y,
    Z,
    assume,
    eq,
    few,
    le,
    norm,
    parameter,
    real,
    refuses,
    scales,
    seeds,
)
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st
from meaning import Instance, check

from proofs.kernel.claims import Compare, Simplex
from proofs.kernel.core import Theorem, infer
from proofs.kernel.rules import (
    AbsoluteValue,
    PairSpread,
    PairSquares,
    SimplexCentre,
    SimplexInner,
    SoftmaxSimplex,
)
from proofs.kernel.rules.simplex import centred
from proofs.kernel.scalars import number, value_of
from proofs.kernel.terms import (
    Hadamard,
    Inner,
    LogSumExp,
    Ones,
    Role,
    Scale,
    Softmax,
    Sum,
    Term,
    Variable,
)

P = Softmax(B)
TARGET = assume(Simplex(Y))
SOFT = infer(SoftmaxSimplex(B))
T = Sum((Inner(B, C), Scale(fmpq(-1), LogSumExp(B))))
VALUE = value_of(T)
ANY = le(ZERO, norm(B))


def test_absolute_value_accepts_bounds_from_both_sides() -> None:
    theorem = infer(AbsoluteValue(T), le(VALUE, real("c")), le(-VALUE, real("c")))
    assert theorem.claim is Compare(norm(T), LE, real("c"))


@pytest.mark.parametrize(
    "pair",
    [
        (le(VALUE, real("c")), le(VALUE, real("c"))),
        (le(-VALUE, real("c")), le(VALUE, real("c"))),
        (le(VALUE, real("c")), le(-VALUE, real("d"))),
        (le(VALUE * 2, real("c")), le(-VALUE, real("c"))),
        (le(VALUE, real("c")), le(-VALUE + 1, real("c"))),
    ],
)
def test_absolute_value_refuses_other_bounds(pair: tuple[Theorem, Theorem]) -> None:
    refuses(AbsoluteValue(T), *pair, match="the term and its negative")


def test_absolute_value_refuses_other_premises_and_vectors() -> None:
    refuses(AbsoluteValue(T), le(VALUE, ONE), match="expected 2 premises")
    refuses(AbsoluteValue(T), TARGET, TARGET, match="compares two scalars")
    refuses(AbsoluteValue(B), le(VALUE, ONE), le(-VALUE, ONE), match="scalar term")


@few
@given(seeds, scales)
def test_absolute_value_holds_numerically(seed: int, scale: float) -> None:
    instance = Instance(seed, scale)
    instance.reals["c"] = abs(instance.scalar(VALUE))
    check(infer(AbsoluteValue(T), le(VALUE, real("c")), le(-VALUE, real("c"))), instance)


def test_softmax_simplex_accepts_a_vector() -> None:
    assert SOFT.claim is Simplex(P)
    assert not SOFT.hypotheses


def test_softmax_simplex_refuses_others() -> None:
    refuses(SoftmaxSimplex(B), ANY, match="expected 0 premises")
    refuses(SoftmaxSimplex(parameter("W", 3, 2)), match="expected a vector")
    refuses(SoftmaxSimplex(Inner(B, C)), match="expected a vector")


@few
@given(st.sampled_from([B, Z, Q, X]), seeds, scales)
def test_softmax_simplex_holds_numerically(vector: Term, seed: int, scale: float) -> None:
    check(infer(SoftmaxSimplex(vector)), Instance(seed, scale))


def test_simplex_inner_accepts_two_probability_vectors() -> None:
    inner = value_of(Inner(P, Y))
    assert infer(SimplexInner(upper=True), SOFT, TARGET).claim is Compare(inner, LE, ONE)
    assert infer(SimplexInner(upper=False), SOFT, TARGET).claim is Compare(ZERO, LE, inner)
    assert infer(SimplexInner(upper=True), SOFT, SOFT).claim is Compare(norm(P) ** 2, LE, ONE)


def test_simplex_inner_refuses_others() -> None:
    refuses(SimplexInner(upper=True), SOFT, match="expected 2 premises")
    refuses(SimplexInner(upper=True), SOFT, ANY, match="probability vector")
    refuses(SimplexInner(upper=True), SOFT, infer(SoftmaxSimplex(X)), match="one space")


@few
@given(st.booleans(), seeds, scales)
def test_simplex_inner_holds_numerically(upper: bool, seed: int, scale: float) -> None:
    instance = Instance(seed, scale)
    instance.make_simplex(Y)
    check(infer(SimplexInner(upper), SOFT, TARGET), instance)


def test_pair_squares_accepts_both_signs() -> None:
    minus = infer(PairSquares(C, -1), SOFT).claim
    mean, square = value_of(Inner(P, C)), value_of(Inner(Hadamard(P, C), C))
    assert minus is Compare(ZERO, LE, square - mean**2)
    plus = infer(PairSquares(C, 1), SOFT).claim
    assert plus is Compare(ZERO, LE, square + mean**2 - value_of(Inner(Hadamard(P, C), Hadamard(P, C))) * 2)


@pytest.mark.parametrize("sign", [0, 2, -2])
def test_pair_squares_refuses_other_signs(sign: int) -> None:
    refuses(PairSquares(C, sign), SOFT, match="sign 1 or -1")


@pytest.mark.parametrize("sign", [True, 1.0, -1.0])
def test_pair_squares_refuses_signs_that_only_equal_one(sign: object) -> None:
    refuses(PairSquares(C, sign), SOFT, match=TYPED)  # type: ignore[arg-type]


def test_pair_squares_refuses_other_premises_and_spaces() -> None:
    refuses(PairSquares(C, 1), ANY, match="probability vector")
    refuses(PairSquares(C, 1), match="expected 1 premises")
    refuses(PairSquares(X, 1), SOFT, match="one space")


@few
@given(st.sampled_from([1, -1]), st.booleans(), seeds, scales)
def test_pair_squares_holds_numerically(sign: int, data: bool, seed: int, scale: float) -> None:
    instance = Instance(seed, scale)
    instance.make_simplex(Y)
    check(infer(PairSquares(Sum((C, Scale(fmpq(2), B))), sign), TARGET if data else SOFT), instance)
    assert number(1) == ONE
    assert eq(ONE, ONE).claim is Compare(ONE, EQ, ONE)


def test_pair_spread_accepts_a_probability_vector() -> None:
    mean, square = value_of(Inner(P, C)), value_of(Inner(Hadamard(P, C), C))
    claim = infer(PairSpread(C), SOFT).claim
    assert claim is Compare(ZERO, LE, (ONE - norm(P) ** 2) * norm(C) ** 2 - square + mean**2)


def test_pair_spread_refuses_other_premises_and_spaces() -> None:
    refuses(PairSpread(C), ANY, match="probability vector")
    refuses(PairSpread(C), match="expected 1 premises")
    refuses(PairSpread(X), SOFT, match="one space")


@few
@given(st.booleans(), st.booleans(), seeds, scales)
def test_pair_spread_holds_numerically(data: bool, corner: bool, seed: int, scale: float) -> None:
    instance = Instance(seed, scale)
    instance.make_simplex(Y)
    if corner:
        # Close to attained: two entries of p, and v along their difference.
        instance.data[Y] = np.array([[0.5, 0.5, 0.0]] * instance.count)
        instance.values[C] = np.array([1.0, -1.0, 1e-6])
    check(infer(PairSpread(C), TARGET if data else SOFT), instance)


def test_simplex_centre_accepts_a_probability_vector() -> None:
    middle = Sum((P, Scale(fmpq(-1, 3), Ones((3,)))))
    assert centred(P) is middle
    assert infer(SimplexCentre(), SOFT).claim is Compare(norm(middle) ** 2, EQ, norm(P) ** 2 - fmpq(1, 3))


def test_simplex_centre_refuses_other_premises_and_symbolic_dimensions() -> None:
    refuses(SimplexCentre(), ANY, match="probability vector")
    refuses(SimplexCentre(), match="expected 1 premises")
    symbolic = assume(Simplex(Variable("v", ("n",), Role.SAMPLE)))
    refuses(SimplexCentre(), symbolic, match="dimension is a number")


@few
@given(st.booleans(), seeds, scales)
def test_simplex_centre_holds_numerically(data: bool, seed: int, scale: float) -> None:
    instance = Instance(seed, scale)
    instance.make_simplex(Y)
    check(infer(SimplexCentre(), TARGET if data else SOFT), instance)
