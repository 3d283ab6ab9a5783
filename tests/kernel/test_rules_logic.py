"""Assume, Cut and Cases, and what `infer` itself refuses."""

from __future__ import annotations

from builders import LE, ONE, TYPED, ZERO, W, few, le, norm, real, refuses, seeds
from hypothesis import given
from meaning import Instance, check

from proofs.kernel.claims import Compare
from proofs.kernel.core import infer
from proofs.kernel.rules import Assume, Cases, Chain, Cut, Nonnegative
from proofs.kernel.scalars import number

POSITIVE = infer(Nonnegative(norm(W)))


def test_assume_accepts_any_claim() -> None:
    claim = Compare(real("a"), LE, real("b"))
    theorem = infer(Assume(claim))
    assert theorem.claim is claim
    assert theorem.hypotheses == {claim}
    assert not theorem.trust


def test_assume_refuses_a_premise() -> None:
    refuses(Assume(Compare(ZERO, LE, ONE)), POSITIVE, match="expected 0 premises")


def test_assume_refuses_what_is_no_claim() -> None:
    refuses(Assume(ONE), match=TYPED)  # type: ignore[arg-type]


@few
@given(seeds)
def test_assume_holds_numerically(seed: int) -> None:
    check(le(real("a"), real("b")), Instance(seed), vacuous=True)


def test_cut_accepts_a_lemma_among_the_hypotheses() -> None:
    main = infer(Chain(), le(ZERO, norm(W)), le(norm(W), real("s")))
    theorem = infer(Cut(), POSITIVE, main)
    assert theorem.claim is main.claim
    assert theorem.hypotheses == {le(norm(W), real("s")).claim}


def test_cut_keeps_the_hypotheses_of_the_lemma() -> None:
    a, b = le(real("a"), real("b")), le(real("b"), real("a"))
    lemma = infer(Chain(), a, b)
    main = infer(Chain(), le(real("a"), real("a")), a)
    assert infer(Cut(), lemma, main).hypotheses == {a.claim, b.claim}


def test_cut_keeps_a_hypothesis_that_the_lemma_itself_rests_on() -> None:
    a = le(real("a"), real("b"))
    assert infer(Cut(), a, a).hypotheses == {a.claim}


def test_cut_refuses_a_claim_that_is_no_hypothesis() -> None:
    refuses(Cut(), POSITIVE, le(real("a"), real("b")), match="among the second's hypotheses")


def test_cut_refuses_other_numbers_of_premises() -> None:
    refuses(Cut(), POSITIVE, match="expected 2 premises")


def test_cut_refuses_an_equation_for_an_inequality() -> None:
    refuses(Cut(), infer(Nonnegative(number(2))), le(ZERO, ONE), match="among the second's hypotheses")


@few
@given(seeds)
def test_cut_holds_numerically(seed: int) -> None:
    instance = Instance(seed)
    instance.reals["s"] = instance.scalar(norm(W)) * 1.5
    main = infer(Chain(), le(ZERO, norm(W)), le(norm(W), real("s")))
    check(infer(Cut(), POSITIVE, main), instance)


C, P, R = real("c"), real("p"), real("q")
BELOW = infer(Chain(), le(ZERO, P), le(P, R), le(R, C))
ABOVE = infer(Chain(), le(ZERO, R), le(R, P), le(P, C))


def test_cases_accepts_two_cases_of_one_claim() -> None:
    theorem = infer(Cases(P, R), BELOW, ABOVE)
    assert theorem.claim is Compare(ZERO, LE, C)
    assert theorem.hypotheses == {le(ZERO, P).claim, le(ZERO, R).claim, le(R, C).claim, le(P, C).claim}


def test_cases_keeps_a_case_that_the_other_premise_rests_on() -> None:
    both = infer(Chain(), le(ZERO, R), le(R, P), le(P, R), le(R, C))
    assert le(P, R).claim in infer(Cases(P, R), BELOW, both).hypotheses


def test_cases_refuses_premises_without_the_cases() -> None:
    plain = infer(Chain(), le(ZERO, P), le(P, C))
    refuses(Cases(P, R), BELOW, plain, match="each case among the hypotheses")
    refuses(Cases(P, R), plain, ABOVE, match="each case among the hypotheses")
    refuses(Cases(P, R), ABOVE, BELOW, match="each case among the hypotheses")
    refuses(Cases(P, R), BELOW, BELOW, match="each case among the hypotheses")
    refuses(Cases(P, C), BELOW, ABOVE, match="each case among the hypotheses")


def test_cases_refuses_two_claims_and_other_numbers_of_premises() -> None:
    other = infer(Chain(), le(ZERO, R), le(R, P))
    refuses(Cases(P, R), BELOW, other, match="one claim")
    refuses(Cases(P, R), BELOW, match="expected 2 premises")


@few
@given(seeds)
def test_cases_holds_numerically(seed: int) -> None:
    instance = Instance(seed)
    instance.reals |= {name: abs(float(instance.rng.normal())) for name in "pq"}
    instance.reals["c"] = max(instance.reals["p"], instance.reals["q"]) + 0.5
    check(infer(Cases(P, R), BELOW, ABOVE), instance)
