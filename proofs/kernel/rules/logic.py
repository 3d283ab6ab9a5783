"""Rules of assumption, cut and cases."""

from __future__ import annotations

from dataclasses import dataclass

from proofs.errors import KernelError

from ..claims import Claim, Compare, Relation, Sequent
from ..core import Rule, register
from ..scalars import Poly

__all__ = ["Assume", "Cases", "Cut", "at_most", "no_premises"]


def no_premises(premises: tuple[Sequent, ...]) -> None:
    expect_premises(premises, 0)


def expect_premises(premises: tuple[Sequent, ...], count: int) -> None:
    if len(premises) != count:
        raise KernelError(f"expected {count} premises but got {len(premises)}")


def at_most(premise: Sequent) -> Compare:
    """The premise's comparison; an equation serves as an inequality."""
    if not isinstance(premise.claim, Compare):
        raise KernelError("expected a premise that compares two scalars")
    return premise.claim


def equation(premise: Sequent) -> Compare:
    compared = at_most(premise)
    if compared.relation is not Relation.EQ:
        raise KernelError("expected an equation but got an inequality")
    return compared


@register
@dataclass(frozen=True)
class Assume(Rule):
    """
    ------- Assume
    A |- A
    """

    claim: Claim

    def conclude(self, *premises: Sequent) -> Sequent:
        no_premises(premises)
        if not isinstance(self.claim, Claim):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise KernelError("expected a claim")
        return Sequent(frozenset([self.claim]), self.claim)


@register
@dataclass(frozen=True)
class Cut(Rule):
    """
    G |- A    D, A |- B
    ------------------- Cut
        G, D |- B
    """

    def conclude(self, *premises: Sequent) -> Sequent:
        expect_premises(premises, 2)
        lemma, main = premises
        if lemma.claim not in main.hypotheses:
            raise KernelError("expected the first premise's claim among the second's hypotheses")
        return Sequent((main.hypotheses - {lemma.claim}) | lemma.hypotheses, main.claim)


@register
@dataclass(frozen=True)
class Cases(Rule):
    """
    G, p <= q |- A    D, q <= p |- A
    -------------------------------- Cases
              G, D |- A
    """

    left: Poly
    right: Poly

    def conclude(self, *premises: Sequent) -> Sequent:
        expect_premises(premises, 2)
        below, above = premises
        first = Compare(self.left, Relation.LE, self.right)
        second = Compare(self.right, Relation.LE, self.left)
        if below.claim is not above.claim:
            raise KernelError("expected premises with one claim")
        if first not in below.hypotheses or second not in above.hypotheses:
            raise KernelError("expected each case among the hypotheses of its premise")
        return Sequent((below.hypotheses - {first}) | (above.hypotheses - {second}), below.claim)
