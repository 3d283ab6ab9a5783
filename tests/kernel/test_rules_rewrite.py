"""Rewrite, and what <1, v o w> is in LinearIdentity."""

from __future__ import annotations

import pytest
from builders import ZERO, B, C, H, Q, Y, Z, assume, few, le, norm, refuses, scales, seeds
from flint import fmpq
from hypothesis import given
from meaning import Instance, check

from proofs.errors import KernelError
from proofs.kernel.claims import Equal
from proofs.kernel.core import Theorem, infer
from proofs.kernel.rules import Definition, LinearIdentity, Rewrite
from proofs.kernel.scalars import Let, Real
from proofs.kernel.terms import Deriv, Hadamard, Inner, Named, Ones, Scale, Softmax, Sum, Term

ONES = Ones((3,))


def same(left: Term, right: Term) -> Theorem:
    return assume(Equal(left, right))


T = same(Inner(Y, B), Sum((Inner(B, Hadamard(C, Z)), Scale(fmpq(2), Inner(Z, B)))))
WHERE = same(Z, Sum((C, H)))


def test_rewrite_accepts_terms_in_sums_multiples_and_products() -> None:
    theorem = infer(Rewrite(), T, WHERE)
    moved = Sum((C, H))
    assert theorem.claim is Equal(
        Inner(Y, B), Sum((Inner(B, Hadamard(C, moved)), Scale(fmpq(2), Inner(moved, B))))
    )
    assert theorem.hypotheses == {T.claim, WHERE.claim}


def test_rewrite_accepts_several_terms_at_once() -> None:
    theorem = infer(Rewrite(), same(Y, Sum((B, C))), same(B, C), same(C, B))
    assert theorem.claim is Equal(Y, Sum((C, B)))


@pytest.mark.parametrize("inside", [Named("n", Sum((Z, B))), Deriv(Z, 1), Softmax(Z)])
def test_rewrite_refuses_terms_inside_abbreviations_derivatives_and_functions(inside: Term) -> None:
    refuses(Rewrite(), same(Y, Sum((inside, C))), WHERE, match="every premise to be used")


def test_rewrite_refuses_other_premises() -> None:
    refuses(Rewrite(), T, match="two or more premises")
    refuses(Rewrite(), T, le(ZERO, norm(B)), match="two terms are equal")
    refuses(Rewrite(), infer(Definition(Let("a", Real("r").poly()))), WHERE, match="two terms are equal")
    refuses(Rewrite(), T, WHERE, same(Z, C), match="one premise for each term")
    refuses(Rewrite(), T, same(H, C), match="every premise to be used")


@few
@given(seeds, scales)
def test_rewrite_holds_numerically(seed: int, scale: float) -> None:
    target = infer(LinearIdentity(Inner(Y, Sum((Z, C))), Sum((Inner(Y, Z), Inner(Y, C)))))
    opened = infer(LinearIdentity(Z, Z.body, (Z,)))
    check(infer(Rewrite(), target, opened), Instance(seed, scale))


def test_linear_identity_accepts_the_sum_of_the_entries_of_a_product() -> None:
    left = Inner(ONES, Sum((Hadamard(B, C), Scale(fmpq(2), Hadamard(Hadamard(Z, B), B)))))
    right = Sum((Inner(C, B), Scale(fmpq(2), Inner(Hadamard(Z, B), B))))
    assert infer(LinearIdentity(left, right)).claim is Equal(left, right)
    check(infer(LinearIdentity(left, right)), Instance(3))


def test_linear_identity_refuses_the_sum_of_the_entries_of_another_term() -> None:
    refuses(LinearIdentity(Inner(ONES, B), Inner(B, B)), match="one linear combination")
    refuses(LinearIdentity(Inner(ONES, Hadamard(B, C)), Inner(B, Z)), match="one linear combination")
    refuses(LinearIdentity(Inner(C, Hadamard(B, C)), Inner(B, C)), match="one linear combination")


def test_ones_are_vectors() -> None:
    assert Ones((3,)).space == (3,)
    for shape in ((), (2, 2), (0,), 3):
        with pytest.raises((KernelError, TypeError)):
            Ones(shape)  # type: ignore[arg-type]
    assert Q.space == ONES.space
