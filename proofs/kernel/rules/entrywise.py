"""Rules of entrywise functions: from suprema of sigma^(k) to norms of sigma^(k)(z)."""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq

from proofs.errors import KernelError

from ..claims import Compare, Relation, Sequent, SupBound
from ..core import Rule, register
from ..domains import check_continuity
from ..scalars import Norm, Poly, Root, SupNorm, number
from ..substitution import body_of
from ..terms import Abbreviation, Entrywise, Scale, Sum, Term
from ..univariate import Function, Univariate
from .logic import at_most, expect_premises

__all__ = [
    "DifferenceBound", "GrowthBound", "MeanValue", "SecantBound", "SupNormBound", "WideBound", "minus",
    "require_continuous",
]  # fmt: skip

LE = Relation.LE


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
    inner = body_of(term) if isinstance(term, Abbreviation) else term
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
    G |- |sigma^(k)| <= c on |t| <= R    [D |- ||z|| <= R]
    ------------------------------------------------------- WideBound      n entries
    G, D |- ||sigma^(k)(z)|| <= root(n) c
    """

    term: Term

    def conclude(self, *premises: Sequent) -> Compare:
        inner = body_of(self.term) if isinstance(self.term, Abbreviation) else self.term
        if not isinstance(inner, Entrywise):
            raise KernelError("expected sigma^(k) applied to a vector")
        bound = _sup_bound(premises[0], inner.order)
        if bound.function != inner.function:
            raise KernelError("expected a premise on the function of the term")
        _check_argument(bound, inner.vector, premises[1:])
        return Compare(Norm(self.term).poly(), LE, _root_of_dimension(inner) * bound.bound)


@register
@dataclass(frozen=True)
class GrowthBound(Rule):
    """
    G |- |sigma^(k)(0)| <= c_0    D |- |sigma^(k+1)| <= c everywhere
    ----------------------------------------------------------------- GrowthBound
    G, D |- ||sigma^(k)(z)|| <= root(n) c_0 + c ||z||

    sigma^(k) is shown to be continuous, so that the mean value theorem holds across kinks.
    """

    term: Entrywise

    def conclude(self, *premises: Sequent) -> Compare:
        expect_premises(premises, 2)
        inner = self.term
        at_zero, slope = _sup_bound(premises[0], inner.order), _sup_bound(premises[1], inner.order + 1)
        if at_zero.function != inner.function or slope.function != inner.function:
            raise KernelError("expected premises on the function of the term")
        if at_zero.radius != number(0) or slope.radius is not None:
            raise KernelError("expected a bound of |sigma^(k)(0)| and one of |sigma^(k+1)| everywhere")
        if not isinstance(inner.function, Univariate):
            raise KernelError("expected a function given by pieces")
        check_continuity(inner.function.derived(inner.order))
        start = number(0) if at_zero.bound == number(0) else _root_of_dimension(inner) * at_zero.bound
        return Compare(Norm(inner).poly(), LE, start + slope.bound * Norm(inner.vector).poly())


def _root_of_dimension(term: Entrywise) -> Poly:
    (dimension,) = term.space
    if not isinstance(dimension, int):
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
