"""Rules of ranges: entries of functions and of targets in an interval."""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq

from proofs.errors import KernelError

from ..claims import Compare, EntriesIn, Relation, Sequent
from ..core import Rule, register
from ..scalars import Norm, Root, number
from ..suprema import certify_range
from ..terms import Entrywise
from ..univariate import Univariate
from .entrywise import minus
from .logic import expect_premises, no_premises

__all__ = ["RangeDifference", "RangeOfFunction"]


@register
@dataclass(frozen=True)
class RangeOfFunction(Rule):
    """
    -------------------------------------------- RangeOfFunction      for all t, one-sided limits
    |- a <= sigma^(k)(z_i) <= b for every i       included; decided by counting real roots
    """

    term: Entrywise
    lower: fmpq
    upper: fmpq

    def conclude(self, *premises: Sequent) -> EntriesIn:
        no_premises(premises)
        function = self.term.function
        if not isinstance(function, Univariate):
            raise KernelError("expected a function given by pieces")
        certify_range(function, self.term.order, self.lower, self.upper)
        return EntriesIn(self.term, self.lower, self.upper)


@register
@dataclass(frozen=True)
class RangeDifference(Rule):
    """
    G |- a <= v_i <= b for every i    D |- c <= w_i <= d for every i
    ---------------------------------------------------------------- RangeDifference
    G, D |- ||v - w|| <= root(n) max(b - c, d - a)                    n entries
    """

    def conclude(self, *premises: Sequent) -> Compare:
        expect_premises(premises, 2)
        first, second = (_entries(premise) for premise in premises)
        (dimension,) = first.term.space
        if not isinstance(dimension, int):
            raise KernelError("expected a vector whose dimension is a number")
        widest = max(first.upper - second.lower, second.upper - first.lower)
        difference = minus(first.term, second.term)
        return Compare(Norm(difference).poly(), Relation.LE, Root(number(dimension)).poly() * widest)


def _entries(premise: Sequent) -> EntriesIn:
    if not isinstance(premise.claim, EntriesIn):
        raise KernelError("expected a premise that the entries of a vector lie in an interval")
    return premise.claim
