"""Rules of norms of several blocks together: of a direction, and of the distance to theta0."""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq

from proofs.errors import KernelError

from ..claims import Compare, Relation, Sequent
from ..core import Rule, register
from ..scalars import DirectionNorm, DistanceNorm, Norm, Root, number
from ..terms import Role, Scale, Sum, Term, Variable
from .logic import no_premises

__all__ = ["GroupSplit", "MapDistance", "SubgroupBound"]

LE = Relation.LE
Group = DirectionNorm | DistanceNorm


@register
@dataclass(frozen=True)
class GroupSplit(Rule):
    """
    ----------------------------------------------- GroupSplit      the groups g_i are disjoint
    |- root(||u_{g_1}||^2 + ... + ||u_{g_n}||^2) = ||u_g||           and g is their union
    """

    whole: Group
    parts: tuple[Group, ...]

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        kind = type(self.whole)
        if kind not in (DirectionNorm, DistanceNorm) or any(type(part) is not kind for part in self.parts):
            raise KernelError("expected group norms of one kind")
        members = [member for part in self.parts for member in part.members]
        if len(set(members)) != len(members) or set(members) != set(self.whole.members):
            raise KernelError("expected disjoint groups whose union is the whole group")
        squares = sum((part.poly() ** 2 for part in self.parts), number(0))
        return Compare(Root(squares).poly(), Relation.EQ, self.whole.poly())


@register
@dataclass(frozen=True)
class SubgroupBound(Rule):
    """
    ------------------------ SubgroupBound      g is contained in h
    |- ||u_g|| <= ||u_h||
    """

    part: Group
    whole: Group

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        kind = type(self.whole)
        if kind not in (DirectionNorm, DistanceNorm) or type(self.part) is not kind:
            raise KernelError("expected group norms of one kind")
        if not set(self.part.members) <= set(self.whole.members):
            raise KernelError("expected the first group inside the second")
        return Compare(self.part.poly(), LE, self.whole.poly())


@register
@dataclass(frozen=True)
class MapDistance(Rule):
    """
    --------------------------------- MapDistance      p a parameter, p0 its reference block;
    |- ||p - p0|| <= dist(p, p0)                         spectral norm <= Frobenius norm
    """

    parameter: Variable

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        distance = DistanceNorm((self.parameter,)).poly()
        return Compare(Norm(shift_of(self.parameter)).poly(), LE, distance)


def shift_of(parameter: Variable) -> Term:
    """p - p0."""
    return Sum((parameter, Scale(fmpq(-1), parameter.as_role(Role.REFERENCE))))
