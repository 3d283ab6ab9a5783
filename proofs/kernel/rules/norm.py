"""Rules of norms: triangle inequality, products, groups of blocks, entrywise functions."""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq

from proofs.errors import KernelError

from ..claims import Compare, Equal, Relation, Sequent, SupBound
from ..core import Rule, register
from ..intervals import check_continuity
from ..scalars import DirectionNorm, DistanceNorm, Norm, Poly, Root, SupNorm, number, value_of
from ..terms import (
    Apply,
    Entrywise,
    Hadamard,
    Inner,
    Named,
    Role,
    Scale,
    Sum,
    Term,
    Times,
    Variable,
    Zero,
)
from ..univariate import Function, Univariate
from .logic import at_most, expect_premises, no_premises

__all__ = [
    "ApplyBound", "DifferenceBound", "EntryBound", "GroupSplit", "HadamardBound", "InnerBound", "MapDistance",
    "MeanValue",
    "NormSquared", "SecantBound", "SubgroupBound", "SupNormBound", "Triangle", "WideBound",
]  # fmt: skip

LE = Relation.LE


def norm_of(term: Term) -> Poly:
    """||term||: multiples pulled out; ||u_p|| of a direction block is its group norm."""
    match term:
        case Zero():
            return number(0)
        case Scale(factor=factor, term=inner):
            return norm_of(inner) * (-factor if factor < 0 else factor)
        case Times(scalar=scalar, vector=vector):
            return norm_of(scalar) * norm_of(vector)
        case Variable(role=Role.DIRECTION) if len(term.space) == 1:
            return DirectionNorm((term.as_role(Role.PARAMETER),)).poly()
        case _:
            return Norm(term).poly()


def _shown_equal(term: Term, premises: tuple[Sequent, ...]) -> Term:
    """The term that a premise `term = t` gives, or the body of an abbreviation, or the term."""
    if not premises:
        return term.body if isinstance(term, Named) else term
    expect_premises(premises, 1)
    claim = premises[0].claim
    if not isinstance(claim, Equal) or claim.left is not term:
        raise KernelError("expected a premise that rewrites the term")
    return claim.right


@register
@dataclass(frozen=True)
class Triangle(Rule):
    """
    [G |- t = v_1 + ... + v_n]
    ------------------------------ Triangle      without premise t (or what it abbreviates)
    G |- ||t|| <= ||v_1|| + ... + ||v_n||        is the sum itself; ||q v|| = |q| ||v||
    """

    term: Term

    def conclude(self, *premises: Sequent) -> Compare:
        right = _shown_equal(self.term, premises)
        parts = right.parts if isinstance(right, Sum) else (right,)
        total = sum((norm_of(part) for part in parts), number(0))
        return Compare(norm_of(self.term), LE, total)


@register
@dataclass(frozen=True)
class ApplyBound(Rule):
    """
    --------------------------- ApplyBound      for a direction block U: ||U h|| <= ||U||_F ||h||
    |- ||W h|| <= ||W|| ||h||
    """

    term: Apply

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        if not isinstance(self.term, Apply):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise KernelError("expected a linear map applied to a vector")
        linear = self.term.map
        size = Norm(linear).poly()
        if isinstance(linear, Variable) and linear.role is Role.DIRECTION:
            size = DirectionNorm((linear.as_role(Role.PARAMETER),)).poly()
        return Compare(Norm(self.term).poly(), LE, size * norm_of(self.term.vector))


@register
@dataclass(frozen=True)
class HadamardBound(Rule):
    """
    ----------------------------- HadamardBound
    |- ||v o w|| <= ||v|| ||w||
    """

    term: Hadamard

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        if not isinstance(self.term, Hadamard):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise KernelError("expected an entrywise product")
        return Compare(Norm(self.term).poly(), LE, norm_of(self.term.left) * norm_of(self.term.right))


@register
@dataclass(frozen=True)
class EntryBound(Rule):
    """
    --------------------------------- EntryBound
    |- ||v o w|| <= max_i|v_i| ||w||
    """

    term: Hadamard

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        if not isinstance(self.term, Hadamard):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise KernelError("expected an entrywise product")
        size = SupNorm(self.term.left).poly()
        return Compare(Norm(self.term).poly(), LE, size * norm_of(self.term.right))


@register
@dataclass(frozen=True)
class InnerBound(Rule):
    """
    [G |- t = <v, w>]
    ------------------------ Cauchy-Schwarz
    G |- |t| <= ||v|| ||w||
    """

    term: Term

    def conclude(self, *premises: Sequent) -> Compare:
        inner = _shown_equal(self.term, premises)
        if not isinstance(inner, Inner):
            raise KernelError("expected an inner product")
        return Compare(Norm(self.term).poly(), LE, norm_of(inner.left) * norm_of(inner.right))


@register
@dataclass(frozen=True)
class NormSquared(Rule):
    """
    ---------------------- NormSquared      <v, v> expanded over sums and multiples
    |- ||v||^2 = <v, v>
    """

    vector: Term

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        square = value_of(Inner(self.vector, self.vector))
        return Compare(Norm(self.vector).poly() ** 2, Relation.EQ, square)


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


def _sup_bound(premise: Sequent, order: int) -> SupBound:
    claim = premise.claim
    if not isinstance(claim, SupBound) or claim.order != order:
        raise KernelError(f"expected a premise on sup|sigma^({order})|")
    return claim


def require_continuous(function: Function) -> None:
    """Refuses pieces that do not agree where they meet; unspecified functions are continuous."""
    if isinstance(function, Univariate):
        check_continuity(function)


def _check_argument(bound: SupBound, argument: Term, premises: tuple[Sequent, ...]) -> None:
    """A bound on |t| <= R needs the premise ||z|| <= R; a bound on all t needs none."""
    expect_premises(premises, 0 if bound.radius is None else 1)
    if bound.radius is not None:
        size = at_most(premises[0])
        if size.left != Norm(argument).poly() or size.right != bound.radius:
            raise KernelError("expected a premise that bounds the norm of the argument by the radius")


def _entrywise(term: Term, order: int) -> Entrywise:
    inner = term.body if isinstance(term, Named) else term
    if not isinstance(inner, Entrywise) or inner.order != order:
        raise KernelError(f"expected sigma^({order}) applied to a vector")
    return inner


@register
@dataclass(frozen=True)
class MeanValue(Rule):
    """
    G |- |sigma'| <= c on |t| <= R
    --------------------------------------------- MeanValue      sigma continuous and piecewise
    G |- |sigma(t) - sigma(0)| <= c |t| on |t| <= R               differentiable
    """

    def conclude(self, *premises: Sequent) -> SupBound:
        expect_premises(premises, 1)
        slope = _sup_bound(premises[0], 1)
        require_continuous(slope.function)
        return SupBound(slope.function, -1, slope.radius, slope.bound)


@register
@dataclass(frozen=True)
class SupNormBound(Rule):
    """
    G |- |sigma^(k)| <= c on |t| <= R    [D |- ||z|| <= R]
    ------------------------------------------------------- SupNormBound
    G, D |- max_i |sigma^(k)(z_i)| <= c
    """

    term: Entrywise

    def conclude(self, *premises: Sequent) -> Compare:
        inner = _entrywise(self.term, self.term.order)
        bound = _sup_bound(premises[0], inner.order)
        if bound.function != inner.function:
            raise KernelError("expected a premise on the function of the term")
        _check_argument(bound, inner.vector, premises[1:])
        return Compare(SupNorm(inner).poly(), LE, bound.bound)


@register
@dataclass(frozen=True)
class SecantBound(Rule):
    """
    G |- |sigma(0)| <= c_0    D |- |sigma(t) - sigma(0)| <= l |t| on |t| <= R   [E |- ||z|| <= R]
    --------------------------------------------------------------------------------------------
    G, D, E |- ||sigma(z)|| <= root(n) c_0 + l ||z||                                 SecantBound
    """

    term: Term

    def conclude(self, *premises: Sequent) -> Compare:
        inner = _entrywise(self.term, 0)
        at_zero = _sup_bound(premises[0], 0)
        slope = _sup_bound(premises[1], -1)
        if at_zero.function != inner.function or slope.function != inner.function:
            raise KernelError("expected premises on the function of the term")
        if at_zero.radius is not None and at_zero.radius != number(0):
            raise KernelError("expected a bound of |sigma(0)|")
        _check_argument(slope, inner.vector, premises[2:])
        start = number(0) if at_zero.bound == number(0) else _root_of_dimension(inner) * at_zero.bound
        return Compare(Norm(self.term).poly(), LE, start + slope.bound * Norm(inner.vector).poly())


@register
@dataclass(frozen=True)
class WideBound(Rule):
    """
    G |- |sigma| <= c on |t| <= R    [D |- ||z|| <= R]
    --------------------------------------------------- WideBound      n entries
    G, D |- ||sigma(z)|| <= root(n) c
    """

    term: Term

    def conclude(self, *premises: Sequent) -> Compare:
        inner = _entrywise(self.term, 0)
        bound = _sup_bound(premises[0], 0)
        if bound.function != inner.function:
            raise KernelError("expected a premise on the function of the term")
        _check_argument(bound, inner.vector, premises[1:])
        return Compare(Norm(self.term).poly(), LE, _root_of_dimension(inner) * bound.bound)


def _root_of_dimension(term: Entrywise) -> Poly:
    (dimension,) = term.space
    if isinstance(dimension, str):
        raise KernelError("expected a vector whose dimension is a number")
    return Root(number(dimension)).poly()


@register
@dataclass(frozen=True)
class DifferenceBound(Rule):
    """
    G |- |sigma'| <= c everywhere
    -------------------------------------------------- DifferenceBound      sigma continuous
    G |- ||sigma(z) - sigma(w)|| <= c ||z - w||
    """

    left: Term
    right: Term

    def conclude(self, *premises: Sequent) -> Compare:
        expect_premises(premises, 1)
        first, second = _entrywise(self.left, 0), _entrywise(self.right, 0)
        bound = _sup_bound(premises[0], 1)
        if not first.function == second.function == bound.function or bound.radius is not None:
            raise KernelError("expected one function on both sides and a bound of its slope everywhere")
        require_continuous(bound.function)
        return Compare(
            Norm(minus(self.left, self.right)).poly(),
            LE,
            bound.bound * Norm(minus(first.vector, second.vector)).poly(),
        )


def minus(left: Term, right: Term) -> Term:
    """left - right, as rules write it."""
    return Sum((left, Scale(fmpq(-1), right)))
