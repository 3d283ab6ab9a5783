"""Rules of probability vectors and of absolute values, for softmax losses."""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq

from proofs.errors import KernelError

from ..claims import Compare, Relation, Sequent, Simplex
from ..core import Rule, register
from ..scalars import Norm, number, value_of
from ..terms import Hadamard, Inner, Ones, Scale, Softmax, Sum, Term
from .logic import at_most, expect_premises, no_premises

__all__ = [
    "AbsoluteValue", "PairSpread", "PairSquares", "SimplexCentre", "SimplexInner", "SoftmaxSimplex",
]  # fmt: skip

LE = Relation.LE


@register
@dataclass(frozen=True)
class AbsoluteValue(Rule):
    """
    G |- t <= c    D |- -t <= c
    --------------------------- AbsoluteValue
    G, D |- |t| <= c
    """

    term: Term

    def conclude(self, *premises: Sequent) -> Compare:
        expect_premises(premises, 2)
        above, below = at_most(premises[0]), at_most(premises[1])
        value = value_of(self.term)
        if above.left != value or below.left != -value or above.right != below.right:
            raise KernelError("expected premises that bound the term and its negative by one number")
        return Compare(Norm(self.term).poly(), LE, above.right)


@register
@dataclass(frozen=True)
class SoftmaxSimplex(Rule):
    """
    ---------------------------------------- SoftmaxSimplex
    |- softmax(f) is a probability vector
    """

    vector: Term

    def conclude(self, *premises: Sequent) -> Simplex:
        no_premises(premises)
        return Simplex(Softmax(self.vector))


def _simplex(premise: Sequent) -> Term:
    if not isinstance(premise.claim, Simplex):
        raise KernelError("expected a premise that a vector is a probability vector")
    return premise.claim.term


@register
@dataclass(frozen=True)
class SimplexInner(Rule):
    """
    G |- p is a probability vector    D |- q is a probability vector
    ---------------------------------------------------------------- SimplexInner
    G, D |- 0 <= <p, q>      or, with `upper`,      <p, q> <= 1
    """

    upper: bool

    def conclude(self, *premises: Sequent) -> Compare:
        expect_premises(premises, 2)
        inner = value_of(Inner(_simplex(premises[0]), _simplex(premises[1])))
        return Compare(inner, LE, number(1)) if self.upper else Compare(number(0), LE, inner)


@register
@dataclass(frozen=True)
class PairSquares(Rule):
    """
    G |- p is a probability vector
    --------------------------------------------------------------- PairSquares
    G |- 0 <= (1/2) sum_{i != j} p_i p_j (v_i + e v_j)^2,   e = 1 or -1

    expanded by sum_{i != j} a_i b_j = sum_i a_i sum_j b_j - sum_i a_i b_i and sum_i p_i = 1:
    e = 1:   <p o v, v> + <p, v>^2 - 2 ||p o v||^2
    e = -1:  <p o v, v> - <p, v>^2
    """

    vector: Term
    sign: int

    def conclude(self, *premises: Sequent) -> Compare:
        expect_premises(premises, 1)
        weights = _simplex(premises[0])
        if self.sign not in (1, -1):
            raise KernelError("expected sign 1 or -1")
        weighted = Hadamard(weights, self.vector)
        mixed = value_of(Inner(weights, self.vector)) ** 2
        total = value_of(Inner(weighted, self.vector)) + mixed * self.sign
        if self.sign == 1:
            total = total - value_of(Inner(weighted, weighted)) * fmpq(2)
        return Compare(number(0), LE, total)


@register
@dataclass(frozen=True)
class PairSpread(Rule):
    """
    G |- p is a probability vector
    ------------------------------------------------------------------------- PairSpread
    G |- 0 <= (1/2) sum_{i != j} p_i p_j (2 ||v||^2 - (v_i - v_j)^2)

    since (v_i - v_j)^2 <= 2 v_i^2 + 2 v_j^2; expanded by sum_i p_i = 1 the right side is
    (1 - ||p||^2) ||v||^2 - <p o v, v> + <p, v>^2.
    """

    vector: Term

    def conclude(self, *premises: Sequent) -> Compare:
        expect_premises(premises, 1)
        weights = _simplex(premises[0])
        spread = value_of(Inner(Hadamard(weights, self.vector), self.vector))
        mean = value_of(Inner(weights, self.vector))
        rest = number(1) - value_of(Inner(weights, weights))
        return Compare(number(0), LE, rest * value_of(Inner(self.vector, self.vector)) - spread + mean * mean)


@register
@dataclass(frozen=True)
class SimplexCentre(Rule):
    """
    G |- p is a probability vector
    ------------------------------------------- SimplexCentre      n entries
    G |- ||p - (1/n) 1||^2 = ||p||^2 - 1/n
    """

    def conclude(self, *premises: Sequent) -> Compare:
        expect_premises(premises, 1)
        weights = _simplex(premises[0])
        distance = Norm(centred(weights)).poly()
        share = fmpq(1, _count(weights))
        return Compare(distance**2, Relation.EQ, value_of(Inner(weights, weights)) - share)


def centred(weights: Term) -> Term:
    """p - (1/n) 1, as rules write it."""
    return Sum((weights, Scale(fmpq(-1, _count(weights)), Ones(weights.space))))


def _count(weights: Term) -> int:
    (count,) = weights.space
    if not isinstance(count, int):
        raise KernelError("expected a vector whose dimension is a number")
    return count
