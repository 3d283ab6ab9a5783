"""Rules of zero sets and submersions: where an analytic map takes one value, and what it hits."""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq

from proofs.errors import KernelError

from ..claims import Sequent
from ..core import Rule, register
from ..maps import Contract, Map, ParameterBlock, Place, RankDet, Total, blocks_of
from ..set_claims import Independent, NotWithin, Null, OuterAnalytic, Within
from ..sets import (
    Boundary,
    Component,
    Either,
    Empty,
    HitsSingular,
    Level,
    LevelNumber,
    LevelSet,
    Meet,
    SingularPoints,
    Whole,
    Without,
)
from .analytic import argument_of
from .logic import expect_premises, no_premises
from .sets import within

__all__ = [
    "ZERO", "FreshBias", "FreshRank", "IndependentByForm", "LevelClosed", "LinearZero", "SubmersionNull",
    "ZeroSetNull",
]  # fmt: skip

ZERO = LevelNumber(fmpq(0))


def _singular_in(premise: Sequent, inner: Map) -> Map:
    """g of the premise S(inner) in S(g)."""
    claim = within(premise)
    if claim.inner is not SingularPoints(inner) or not isinstance(claim.outer, SingularPoints):
        raise KernelError("expected a premise that the map is analytic where another one is")
    return claim.outer.of


@register
@dataclass(frozen=True)
class ZeroSetNull(Rule):
    """
    G |- S(f) in S(g)    D |- U not in {f = level}
    ----------------------------------------------- ZeroSetNull    U a component of D(g)
    G, D |- {f = level} and U is null

    G |- S(f) in empty   D |- Theta not in {f = level}
    ---------------------------------------------------
    G, D |- {f = level} and Theta is null

    The zero set of a real-analytic function on a connected open set is null or all of it.
    """

    trust = "cited:analytic-zeros"

    def conclude(self, *premises: Sequent) -> Null:
        expect_premises(premises, 2)
        differs = premises[1].claim
        if not isinstance(differs, NotWithin) or not isinstance(differs.outer, LevelSet):
            raise KernelError("expected a premise that a map differs from a level")
        level_set = differs.outer
        match differs.inner:
            case Component(of=of):
                if _singular_in(premises[0], level_set.of) is not of:
                    raise KernelError("expected a component of the set where the other map is analytic")
            case Whole():
                if premises[0].claim is not Within(SingularPoints(level_set.of), Empty()):
                    raise KernelError("expected a premise that the map is analytic everywhere")
            case _:
                raise KernelError("expected a set that is visibly connected and open")
        return Null(Meet(level_set, differs.inner))


@register
@dataclass(frozen=True)
class LevelClosed(Rule):
    """
    G |- S(f) in S(g)
    ------------------------------------------------------------------- LevelClosed
    G |- (boundary of {f = level}) and U in {f = level}      U a component of D(g)

    On U, which is open, f is continuous.
    """

    map: Map
    level: Level
    place: Place

    def conclude(self, *premises: Sequent) -> Within:
        expect_premises(premises, 1)
        component = Component(_singular_in(premises[0], self.map), self.place)
        level_set = LevelSet(self.map, self.level)
        return Within(Meet(Boundary(level_set), component), level_set)


@register
@dataclass(frozen=True)
class IndependentByForm(Rule):
    """
    ------------------------------------- IndependentByForm     the block does not occur in f
    |- f does not depend on the block
    """

    map: Map
    block: ParameterBlock

    def conclude(self, *premises: Sequent) -> Independent:
        no_premises(premises)
        if self.block.name in {found.name for found in blocks_of(self.map)}:
            raise KernelError(f"expected {self.block.name} not to occur: the parameter is used twice")
        return Independent(self.map, self.block)


def _weight_of(product: Map) -> tuple[ParameterBlock, Map]:
    """W and h of the product W h of a matrix and a vector."""
    if not isinstance(product, Contract) or not isinstance(product.left, ParameterBlock):
        raise KernelError("expected a trained matrix applied to a vector")
    first, second, result = product.letters()
    if len(first) != 2 or second != first[1] or result != first[0]:
        raise KernelError("expected a trained matrix applied to a vector")
    return product.left, product.right


@register
@dataclass(frozen=True)
class LinearZero(Rule):
    """
    --------------------------- LinearZero
    |- {h = 0} in {W h = 0}
    """

    product: Map

    def conclude(self, *premises: Sequent) -> Within:
        no_premises(premises)
        if not isinstance(self.product, Contract):
            raise KernelError("expected a product")
        return Within(LevelSet(self.product.right, ZERO), LevelSet(self.product, ZERO))


@register
@dataclass(frozen=True)
class FreshRank(Rule):
    """
    G |- h does not depend on W
    -------------------------------------------------- FreshRank      W of shape [m, n], h of shape [n]
    G |- {det(J J^T) = 0} in S(h) or {h = 0}

    J is the Jacobian of W h.  Where h is differentiable J J^T = |h|^2 I + (a matrix >= 0), because
    the derivative in W is U -> U h; so its determinant is at least |h|^(2m).
    """

    product: Map

    def conclude(self, *premises: Sequent) -> Within:
        expect_premises(premises, 1)
        weight, inner = _weight_of(self.product)
        if premises[0].claim is not Independent(inner, weight):
            raise KernelError("expected a premise that the argument does not depend on the matrix")
        singular = LevelSet(RankDet(self.product), ZERO)
        return Within(singular, Either((SingularPoints(inner), LevelSet(inner, ZERO))))


@register
@dataclass(frozen=True)
class FreshBias(Rule):
    """
    G |- p does not depend on b
    ----------------------------------------- FreshBias      b a trained block of the shape of p
    G |- {det(J J^T) = 0} in S(p)

    J is the Jacobian of p + b.  Where p is differentiable J J^T = I + (a matrix >= 0).
    """

    total: Map

    def conclude(self, *premises: Sequent) -> Within:
        expect_premises(premises, 1)
        if not isinstance(self.total, Total) or len(self.total.parts) != 2:
            raise KernelError("expected a sum p + b")
        inner, bias = self.total.parts
        if not isinstance(bias, ParameterBlock) or premises[0].claim is not Independent(inner, bias):
            raise KernelError("expected a premise that p does not depend on the trained b")
        return Within(LevelSet(RankDet(self.total), ZERO), SingularPoints(inner))


@register
@dataclass(frozen=True)
class SubmersionNull(Rule):
    """
    G |- g is almost everywhere analytic on R^n
    ------------------------------------------------------------------------------- SubmersionNull
    G |- {theta : p(theta) in S(g)} without (S(p) or {det(J J^T) = 0}) is null

    J is the Jacobian of p: off that set p is analytic and a submersion, so that preimages of null
    sets are null.
    """

    trust = "cited:submersions"

    def conclude(self, *premises: Sequent) -> Null:
        expect_premises(premises, 1)
        claim = premises[0].claim
        if not isinstance(claim, OuterAnalytic) or not claim.almost_everywhere:
            raise KernelError("expected a premise that the function is almost everywhere analytic")
        inner = argument_of(claim.outer)
        bad = Either((SingularPoints(inner), LevelSet(RankDet(inner), ZERO)))
        return Null(Without(HitsSingular(claim.outer), bad))
