"""Rules that close over the samples of the data set and over directions."""

from __future__ import annotations

import pytest
from builders import (
    LE,
    LOSS,
    ONE,
    ZERO,
    B,
    C,
    H,
    V,
    W,
    X,
    Y,
    Z,
    assume,
    direction,
    few,
    le,
    norm,
    parameter,
    real,
    refuses,
    sample,
    scales,
    seeds,
    smooth,
)
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from meaning import Instance, check

from proofs.errors import KernelError
from proofs.kernel.claims import Compare, ForSamples, OperatorNorm, Smooth
from proofs.kernel.core import Theorem, infer
from proofs.kernel.rules import (
    Certificate,
    Differentiate,
    InnerBound,
    MeanBound,
    Nonnegative,
    OperatorNormIntro,
    Triangle,
)
from proofs.kernel.scalars import DirectionNorm, Let, Poly, Root
from proofs.kernel.terms import Deriv, Inner, Mean, Named, Role, Sum, Variable

XY = (X, Y)
D1, D2 = norm(Deriv(LOSS, 1)), norm(Deriv(LOSS, 2))
U = DirectionNorm(tuple(sorted((V, W, B, C), key=lambda v: v.name)))
K = real("k")


def test_mean_bound_accepts_and_turns_hypotheses_into_ones_about_all_samples() -> None:
    premise = le(D1, K * U.poly())
    rests = infer(MeanBound(XY), premise, smooth(LOSS))
    mean = Mean(XY, LOSS)
    assert rests.claim is Compare(norm(Deriv(mean, 1)), LE, K * U.poly())
    assert rests.hypotheses == {ForSamples(XY, premise.claim), ForSamples(XY, Smooth(LOSS, 2))}


def test_mean_bound_keeps_hypotheses_about_no_sample() -> None:
    f = Named("f", Inner(B, B))
    theorem = infer(MeanBound((X,)), le(norm(Deriv(f, 1)), norm(B)), smooth(f))
    assert theorem.hypotheses == {le(norm(Deriv(f, 1)), norm(B)).claim, Smooth(f, 2)}


F_X = Named("f", Inner(Z, Z))


@pytest.mark.parametrize(
    ("samples", "bound", "smoothness", "match"),
    [
        (XY, le(D2, K), smooth(LOSS, 1), "loss is smooth"),
        (XY, le(D1, K), smooth(Z), "loss is smooth"),
        (XY, le(D1, K), le(ZERO, ONE), "loss is smooth"),
        (XY, le(D1 * 2, K), smooth(LOSS), "bounds a derivative"),
        (XY, le(D1**2, K), smooth(LOSS), "bounds a derivative"),
        (XY, le(norm(LOSS), K), smooth(LOSS), "bounds a derivative"),
        (XY, le(K, K), smooth(LOSS), "bounds a derivative"),
        (XY, le(D1 + D2, K), smooth(LOSS), "does not apply"),
        (XY, le(ZERO, K), smooth(LOSS), "does not apply"),
        (XY, le(D1, norm(X)), smooth(LOSS), "does not depend on the sample"),
        (XY, le(D1, norm(H)), smooth(LOSS), "does not depend on the sample"),
        ((X,), le(D1, K), smooth(LOSS), "bind all sample variables"),
        ((), le(D1, K), smooth(LOSS), "bind all sample variables"),
        ((sample("x", 3), Y), le(D1, K), smooth(LOSS), "bind all sample variables"),
        ((X, Y, B), le(D1, K), smooth(LOSS), "sample variables"),
        ((X, Y, X), le(D1, K), smooth(LOSS), "distinct sample variables"),
        ((X, Y, sample("x", 3)), le(D1, K), smooth(LOSS), "distinct sample variables"),
        (XY, smooth(LOSS), smooth(LOSS), "compares two scalars"),
    ],
)  # fmt: skip
def test_mean_bound_refuses(
    samples: tuple[Variable, ...], bound: Theorem, smoothness: Theorem, match: str
) -> None:
    refuses(MeanBound(samples), bound, smoothness, match=match)


def test_mean_bound_refuses_hypotheses_about_unbound_samples() -> None:
    bound = with_hypothesis(le(norm(Deriv(F_X, 1)), K), le(norm(Y), K))
    refuses(MeanBound((X,)), bound, smooth(F_X), match="bound sample variables alone")


def with_hypothesis(theorem: Theorem, extra: Theorem) -> Theorem:
    """The theorem with the hypotheses of another one, multiplied by zero."""
    left = compared(theorem).left
    rule = Certificate(left, ((fmpq(1), (0,), ONE), (fmpq(0), (1,), ONE)), ())
    return infer(rule, theorem, extra)


def compared(theorem: Theorem) -> Compare:
    assert isinstance(theorem.claim, Compare)
    return theorem.claim


def test_mean_bound_refuses_nested_quantifiers() -> None:
    # "for all samples, A" with a part of the sample left over cannot be closed again.
    half = assume(ForSamples((Y,), Compare(norm(X), LE, norm(Y))))
    assert half.claim.free == {X}
    with pytest.raises(KernelError, match="claim about one sample"):
        ForSamples((X,), half.claim)


def test_mean_bound_refuses_one_premise() -> None:
    refuses(MeanBound(XY), le(D1, K), match="expected 2 premises")


def largest(instance: Instance, poly: Poly) -> float:
    found = []
    for index in range(instance.count):
        instance.sample = index
        found.append(instance.scalar(poly))
    instance.sample = 0
    return max(found)


@settings(max_examples=12, deadline=None)
@given(st.sampled_from([1, 2]), seeds, scales)
def test_mean_bound_holds_numerically(order: int, seed: int, scale: float) -> None:
    instance = Instance(seed, scale)
    instance.reals["k"] = largest(instance, norm(Deriv(LOSS, order)))
    check(infer(MeanBound(XY), le(norm(Deriv(LOSS, order)), K), smooth(LOSS)), instance)


# -- OperatorNormIntro -----------------------------------------------------------------------

F = Named("f", Inner(Y, B))
UB = DirectionNorm((B,))
UY = UB.poly() * norm(C)


def slope(extra: Poly = ZERO) -> Theorem:
    """{F smooth} |- |D F[u]| <= ||y|| ||u_b|| + extra, extra visibly >= 0."""
    equal = infer(Differentiate(F, 1), smooth(F))
    bounded = infer(InnerBound(Deriv(F, 1)), equal)
    rule = Certificate(compared(bounded).left, ((fmpq(1), (0,), ONE), (fmpq(1), (1,), ONE)), ())
    return infer(rule, bounded, infer(Nonnegative(extra)))


def test_operator_norm_intro_accepts_a_multiple_of_the_norm_of_all_of_u() -> None:
    theorem = infer(OperatorNormIntro(), slope(UY))
    assert theorem.claim is OperatorNorm(F, 1, norm(Y) + norm(C))
    assert theorem.hypotheses == {Smooth(F, 2)}


@pytest.mark.parametrize(
    "extra",
    [norm(C), UB.poly() ** 2, DirectionNorm((W,)).poly(), UB.poly() * DirectionNorm((W,)).poly() ** 2,
     DirectionNorm((B, W) if B.name < W.name else (W, B)).poly(), Root(UB.poly() ** 2).poly(),
     Let("a", UB.poly()).poly(), norm(direction(B))],
    ids=str,
)  # fmt: skip
def test_operator_norm_intro_refuses_other_right_sides(extra: Poly) -> None:
    refuses(OperatorNormIntro(), slope(extra), match="all parameters in u|not depend on the direction")


@pytest.mark.parametrize(
    "factor",
    [norm(direction(C)), norm(Deriv(Named("g", Inner(Y, C)), 1)), DirectionNorm((W,)).poly()],
    ids=str,
)
def test_operator_norm_intro_refuses_a_constant_that_depends_on_u(factor: Poly) -> None:
    refuses(OperatorNormIntro(), slope(UB.poly() * factor), match="does not depend on the direction")


@pytest.mark.parametrize(
    "hypothesis",
    [le(UB.poly(), ONE), le(norm(direction(C)), ONE), le(norm(Deriv(F, 1)), ONE), le(Let("a", UB.poly()).poly(), ONE),  # noqa: E501
     le(Root(UB.poly()).poly(), ONE)],
)  # fmt: skip
def test_operator_norm_intro_refuses_hypotheses_about_the_direction(hypothesis: Theorem) -> None:
    assert any(v.role is Role.DIRECTION for v in hypothesis.claim.free)
    refuses(
        OperatorNormIntro(), with_hypothesis(slope(), hypothesis), match="do not speak about the direction"
    )


def test_operator_norm_intro_refuses_hypotheses_about_all_samples_and_the_direction() -> None:
    closed = infer(MeanBound((Y,)), le(norm(Deriv(F, 1)), UY), smooth(F))
    refuses(OperatorNormIntro(), closed, match="do not speak about the direction")


def test_operator_norm_intro_refuses_other_premises() -> None:
    refuses(OperatorNormIntro(), match="expected 1 premises")
    refuses(OperatorNormIntro(), smooth(F), match="compares two scalars")
    for left in (norm(F), norm(B) ** 2, norm(C) * 2, K):
        refuses(OperatorNormIntro(), le(left, K), match="bounds a derivative")
    refuses(OperatorNormIntro(), le(norm(B) + norm(C), K), match="does not apply")
    refuses(OperatorNormIntro(), le(ZERO, K), match="does not apply")


def test_operator_norm_intro_refuses_two_parameters_of_one_name() -> None:
    twins = Named("t", Sum((Inner(Y, B), Inner(X, parameter("b", 2)))))
    bounded = infer(Triangle(Deriv(twins, 1)), infer(Differentiate(twins, 1), smooth(twins)))
    refuses(OperatorNormIntro(), bounded, match="distinct members")


@few
@given(seeds, scales)
def test_operator_norm_intro_holds_numerically(seed: int, scale: float) -> None:
    instance = Instance(seed, scale)
    check(infer(OperatorNormIntro(), slope(UY)), instance)
    check(infer(OperatorNormIntro(), slope()), instance)
