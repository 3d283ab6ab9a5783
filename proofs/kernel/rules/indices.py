"""Rules of natural numbers: induction, indices put in for n, powers, sums and norms over ranges."""

from __future__ import annotations

from dataclasses import dataclass

from proofs.errors import KernelError

from ..claims import Claim, Compare, ForIndices, Relation, Sequent
from ..core import Rule, register
from ..families import Block
from ..indices import Index
from ..scalars import Poly
from ..sequences import FamilyNorm, direction_norm, family_norm, power
from ..substitution import claim_at, partial_sum, poly_at
from ..terms import INDEX
from .logic import expect_premises, no_premises

__all__ = ["FamilySplit", "InRange", "Induction", "Instantiate", "PowerStep", "Subrange", "SumStep"]

ONE, NEXT = Index(1, False), Index(1, True)


@register
@dataclass(frozen=True)
class Induction(Rule):
    """
    G |- A(1)    D, B(m) for m <= n + k, A(n) |- A(n + 1)
    ------------------------------------------------------ Induction      n not in G, D; n >= 1
    G, D, B(m) for m <= n + k - 1 |- A(n)

    Hypotheses for a range up to n + k grow with n, so that those at n hold at every smaller
    number; one of G for a range up to a numeral <= k is among them.
    """

    claim: Claim

    def conclude(self, *premises: Sequent) -> Sequent:
        expect_premises(premises, 2)
        base, step = premises
        if base.claim is not claim_at(self.claim, ONE) or INDEX not in self.claim.free:
            raise KernelError("expected a claim about n and as first premise the claim at n = 1")
        if step.claim is not claim_at(self.claim, NEXT):
            raise KernelError("expected as second premise the claim at n + 1")
        if any(INDEX in hypothesis.free for hypothesis in base.hypotheses):
            raise KernelError("expected n in no hypothesis of the first premise")
        lowered = frozenset(_lowered(claim) for claim in step.hypotheses - {self.claim})
        kept = frozenset(claim for claim in base.hypotheses if not _is_contained(claim, lowered))
        return Sequent(kept | lowered, self.claim)


def _lowered(claim: Claim) -> Claim:
    """A hypothesis of the step as one of the conclusion: up to n + k - 1 for up to n + k."""
    if INDEX not in claim.free:
        return claim
    if not isinstance(claim, ForIndices) or claim.end.offset < 0:
        raise KernelError("expected n in no hypothesis but the claim at n and as the end of ranges")
    return ForIndices(claim.end.shifted(-1), claim.claim)


def _is_contained(claim: Claim, others: frozenset[Claim]) -> bool:
    """Whether a claim for a range is part of one of the others."""
    return isinstance(claim, ForIndices) and any(
        isinstance(other, ForIndices) and other.claim is claim.claim and claim.end.is_at_most(other.end)
        for other in others
    )


@register
@dataclass(frozen=True)
class Instantiate(Rule):
    """
    G(n) |- A(n)
    ------------- Instantiate      i >= 1 a numeral or n + k; powers, sums and roots that i
    G(i) |- A(i)                   decides are computed
    """

    index: Index

    def conclude(self, *premises: Sequent) -> Sequent:
        expect_premises(premises, 1)
        (premise,) = premises
        if all(INDEX not in claim.free for claim in (premise.claim, *premise.hypotheses)):
            raise KernelError("expected a premise about n")
        hypotheses = frozenset(claim_at(claim, self.index) for claim in premise.hypotheses)
        return Sequent(hypotheses, claim_at(premise.claim, self.index))


@register
@dataclass(frozen=True)
class InRange(Rule):
    """
    G |- A(n) for n = 1, ..., e
    --------------------------- InRange      1 <= i <= e visibly
    G |- A(i)
    """

    index: Index

    def conclude(self, *premises: Sequent) -> Claim:
        expect_premises(premises, 1)
        claim = premises[0].claim
        if not isinstance(claim, ForIndices):
            raise KernelError("expected a premise for a range of indices")
        if not self.index.is_at_most(claim.end):
            raise KernelError("expected an index that is visibly in the range")
        return claim_at(claim.claim, self.index)


@register
@dataclass(frozen=True)
class Subrange(Rule):
    """
    G |- A(n) for n = 1, ..., e
    ---------------------------- Subrange      d <= e visibly
    G |- A(n) for n = 1, ..., d
    """

    end: Index

    def conclude(self, *premises: Sequent) -> ForIndices:
        expect_premises(premises, 1)
        claim = premises[0].claim
        if not isinstance(claim, ForIndices) or not self.end.is_at_most(claim.end):
            raise KernelError("expected a premise for a range that visibly contains the other")
        return ForIndices(self.end, claim.claim)


@register
@dataclass(frozen=True)
class PowerStep(Rule):
    """
    ------------------- PowerStep
    |- q^(i+1) = q q^i
    """

    base: Poly
    index: Index

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        left = power(self.base, self.index.shifted(1))
        return Compare(left, Relation.EQ, self.base * power(self.base, self.index))


@register
@dataclass(frozen=True)
class SumStep(Rule):
    """
    -------------------------------------------------- SumStep
    |- sum_{n=1}^{i+1} p(n) = sum_{n=1}^i p(n) + p(i+1)
    """

    body: Poly
    index: Index

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        after = self.index.shifted(1)
        right = partial_sum(self.body, self.index) + poly_at(self.body, after)
        return Compare(partial_sum(self.body, after), Relation.EQ, right)


@register
@dataclass(frozen=True)
class FamilySplit(Rule):
    """
    --------------------------------------------------- FamilySplit      the U_n are different
    |- ||u_{<= i+1}||^2 = ||u_{<= i}||^2 + ||U_{i+1}||_F^2                blocks of the direction
    """

    member: Block
    index: Index

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        after = self.index.shifted(1)
        FamilyNorm(self.member, after)
        right = family_norm(self.member, self.index) ** 2 + direction_norm(self.member, after).poly() ** 2
        return Compare(family_norm(self.member, after) ** 2, Relation.EQ, right)
