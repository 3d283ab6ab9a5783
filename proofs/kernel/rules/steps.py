"""Rules of maps of optimisers: when preimages of null sets are null, and when they are not."""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq

from proofs.errors import KernelError

from ..claims import Claim, Sequent
from ..core import Rule, register
from ..dynamics import Composed, Descent, Dynamics, OnPosition, Proximal, Pushed, Sheared
from ..maps import AnyStep, HessianDet, Map, Place, StepSize
from ..set_claims import (
    AlmostEverywhereAnalytic,
    AvoidsExceptional,
    Exceptional,
    ForAlmostAllSteps,
    NonSingular,
    NotWithin,
    Null,
    SetClaim,
    Singular,
    SomewhereEqual,
    Within,
    symbols_in,
)
from ..sets import Component, Empty, LevelNumber, LevelSet, Meet, Region, SingularPoints, Whole, Without
from .logic import expect_premises, no_premises
from .sets import require_fresh, within

__all__ = [
    "AlmostAllSteps", "AvoidingComponents", "CollapsingCase", "CollapsingComponent", "ComposedNonSingular",
    "CriticalNull", "FibresNonSingular", "OnPositionNonSingular", "OnPositionSingular", "ProximalNonSingular",
    "ShearNonSingular", "ShearedSingular", "SomeComponent", "critical_set",
]  # fmt: skip


def critical_set(loss: Map, step: StepSize) -> LevelSet:
    """{det(I - eta Hessian) = 0}."""
    return LevelSet(HessianDet(loss, step), LevelNumber(fmpq(0)))


@register
@dataclass(frozen=True)
class CriticalNull(Rule):
    """
    G |- L is almost everywhere analytic    D |- {det(I - eta Hessian L) = 0} without S(L) is null
    ----------------------------------------------------------------------------------------------
    G, D |- theta -> theta - eta grad L is non-singular                                CriticalNull

    Off a null set the map is a local diffeomorphism on an open set, which countably many balls cover.
    """

    trust = "cited:local-diffeomorphisms"

    loss: Map
    step: StepSize

    def conclude(self, *premises: Sequent) -> NonSingular:
        expect_premises(premises, 2)
        if premises[0].claim is not AlmostEverywhereAnalytic(self.loss):
            raise KernelError("expected a premise that the loss is almost everywhere analytic")
        critical = Without(critical_set(self.loss, self.step), SingularPoints(self.loss))
        if premises[1].claim is not Null(critical):
            raise KernelError("expected a premise that the critical set is null")
        return NonSingular(Descent(self.loss, self.step))


@register
@dataclass(frozen=True)
class AvoidingComponents(Rule):
    """
    G |- eta not in E(L)    D, (U not in {det(I - eta Hessian L) = 0}) |- A and U is null
    -------------------------------------------------------------------------------------
    G, D |- A and U is null      U a component of D(L)                 AvoidingComponents

    If U is empty there is nothing to show.
    """

    region: Region
    place: Place

    def conclude(self, *premises: Sequent) -> Sequent:
        expect_premises(premises, 2)
        claim = premises[0].claim
        if not isinstance(claim, AvoidsExceptional):
            raise KernelError("expected a premise that the step size is not exceptional")
        component = Component(claim.loss, self.place)
        if premises[1].claim is not Null(Meet(self.region, component)):
            raise KernelError("expected as second premise that the part in the component is null")
        supposed = NotWithin(component, critical_set(claim.loss, claim.step))
        hypotheses = premises[0].hypotheses | (premises[1].hypotheses - {supposed})
        return Sequent(hypotheses, Null(Meet(self.region, component)))


@register
@dataclass(frozen=True)
class SomeComponent(Rule):
    """
    G |- eta in E(L)    D, U in {det(I - eta Hessian L) = 0}, U not in empty |- C
    ------------------------------------------------------------------------------
    G, D |- C      U component i of D(L), i not in D, C, L             SomeComponent
    """

    place: Place

    def conclude(self, *premises: Sequent) -> Sequent:
        expect_premises(premises, 2)
        claim = premises[0].claim
        if not isinstance(claim, Exceptional):
            raise KernelError("expected a premise that the step size is exceptional")
        component = Component(claim.loss, self.place)
        flat = Within(component, critical_set(claim.loss, claim.step))
        filled = NotWithin(component, Empty())
        rest = premises[1].hypotheses - {flat, filled}
        if self.place not in component.symbols or self.place in claim.loss.symbols:
            raise KernelError("expected the number of the component to be arbitrary")
        require_fresh(self.place, premises[1].claim, *rest)
        return Sequent(premises[0].hypotheses | rest, premises[1].claim)


@register
@dataclass(frozen=True)
class CollapsingComponent(Rule):
    """
    G |- U in {det(I - eta Hessian L) = 0}    D |- U not in empty
    -------------------------------------------------------------- CollapsingComponent
    G, D |- theta -> theta - eta grad L is singular      U a component of D(L)

    U is open and not empty, the map is smooth there and all its points are critical: by Sard's
    theorem its image is null.
    """

    trust = "cited:sard"

    def conclude(self, *premises: Sequent) -> Singular:
        expect_premises(premises, 2)
        flat = within(premises[0])
        if not isinstance(flat.inner, Component) or not isinstance(flat.outer, LevelSet):
            raise KernelError("expected a premise about a component of the set where the loss is analytic")
        determinant, loss = flat.outer.of, flat.inner.of
        if not isinstance(determinant, HessianDet) or flat.outer is not critical_set(loss, determinant.step):
            raise KernelError("expected a premise that the determinant is 0")
        if premises[1].claim is not NotWithin(flat.inner, Empty()):
            raise KernelError("expected a premise that the component is not empty")
        return Singular(Descent(loss, determinant.step))


@register
@dataclass(frozen=True)
class CollapsingCase(Rule):
    """
    G |- L = q on an open set that is not empty    D |- Theta in {det(I - eta Hessian q) = 0}
    ------------------------------------------------------------------------------------------
    G, D |- theta -> theta - eta grad L is singular                             CollapsingCase

    By Sard's theorem, as for a component.
    """

    trust = "cited:sard"

    def conclude(self, *premises: Sequent) -> Singular:
        expect_premises(premises, 2)
        equal, flat = premises[0].claim, within(premises[1])
        if not isinstance(equal, SomewhereEqual) or equal.of.shape != ():
            raise KernelError("expected a premise that the loss equals a case somewhere")
        determinant = flat.outer.of if isinstance(flat.outer, LevelSet) else None
        if not isinstance(determinant, HessianDet) or not isinstance(flat.inner, Whole):
            raise KernelError("expected a premise that a determinant is 0 everywhere")
        if flat.outer is not critical_set(equal.case, determinant.step):
            raise KernelError("expected a premise that the determinant of the case is 0")
        return Singular(Descent(equal.of, determinant.step))


@register
@dataclass(frozen=True)
class AlmostAllSteps(Rule):
    """
    G, eta not in E(L) |- C(eta)
    ------------------------------------------------- AlmostAllSteps      eta not in G, L
    G |- C(eta) for all eta but countably many

    D(L) has countably many components.  On each, det(I - eta Hessian) at one point is a polynomial
    in eta with the value 1 at eta = 0, so that it is 0 for finitely many eta.
    """

    loss: Map
    step: AnyStep

    def conclude(self, *premises: Sequent) -> Sequent:
        expect_premises(premises, 1)
        supposed = AvoidsExceptional(self.loss, self.step)
        rest = premises[0].hypotheses - {supposed}
        require_fresh(self.step, *rest)
        claim = premises[0].claim
        if self.step in self.loss.symbols or not isinstance(claim, SetClaim):
            raise KernelError("expected a loss that does not depend on the step size and a claim about it")
        if self.step not in symbols_in(claim):
            raise KernelError("expected a claim about the step size")
        return Sequent(rest, ForAlmostAllSteps(self.step, claim))


@register
@dataclass(frozen=True)
class FibresNonSingular(Rule):
    """
    [G |- L is almost everywhere analytic]
    ---------------------------------------------------------------------- FibresNonSingular
    G |- (theta, v) -> (theta, c v - eta grad L) is non-singular      c != 0

    For each theta it is v -> c v + constant, whose preimages of null sets are null; by Fubini's theorem
    (the gradient is measurable) those of the whole map are.
    """

    trust = "cited:fubini"

    map: Pushed

    def conclude(self, *premises: Sequent) -> NonSingular:
        expect_premises(premises, 1)
        if premises[0].claim is not AlmostEverywhereAnalytic(self.map.loss):
            raise KernelError("expected a premise that the loss is almost everywhere analytic")
        if self.map.factor == 0:
            raise KernelError("expected a factor of the velocity other than 0")
        return NonSingular(self.map)


@register
@dataclass(frozen=True)
class ShearNonSingular(Rule):
    """
    ------------------------------------------------------------------- ShearNonSingular
    |- (theta, v) -> (a theta + b v, c theta + d v) is non-singular      a d - b c != 0
    """

    map: Sheared

    def conclude(self, *premises: Sequent) -> NonSingular:
        no_premises(premises)
        if not _is_invertible(self.map):
            raise KernelError("expected an invertible matrix")
        return NonSingular(self.map)


@register
@dataclass(frozen=True)
class OnPositionNonSingular(Rule):
    """
    G |- theta -> theta - eta grad L is non-singular
    ------------------------------------------------------------- OnPositionNonSingular
    G |- (theta, v) -> (theta - eta grad L, v) is non-singular

    The map is measurable.  For almost all v the slice of a null set is null, and so is its preimage:
    Fubini's theorem.
    """

    trust = "cited:fubini"

    def conclude(self, *premises: Sequent) -> NonSingular:
        expect_premises(premises, 1)
        step = _non_singular(premises[0])
        if not isinstance(step, Descent):
            raise KernelError("expected a premise about a step of gradient descent, a map of theta alone")
        return NonSingular(OnPosition(step))


@register
@dataclass(frozen=True)
class OnPositionSingular(Rule):
    """
    G |- theta -> G(theta) is singular
    --------------------------------------------- OnPositionSingular
    G |- (theta, v) -> (G(theta), v) is singular

    With U goes U x R^P, which is open, to the product of a null set and R^P, which is null.
    """

    trust = "cited:fubini"

    def conclude(self, *premises: Sequent) -> Singular:
        expect_premises(premises, 1)
        claim = premises[0].claim
        if not isinstance(claim, Singular):
            raise KernelError("expected a premise that a map is singular")
        return Singular(OnPosition(claim.of))


@register
@dataclass(frozen=True)
class ShearedSingular(Rule):
    """
    G |- g is singular
    ------------------------------- ShearedSingular      A, B invertible linear maps of (theta, v)
    G |- B(g(A(.))) is singular

    The preimage of an open set under A is open and not empty; B sends null sets to null sets.
    """

    before: Sheared
    after: Sheared

    def conclude(self, *premises: Sequent) -> Singular:
        expect_premises(premises, 1)
        claim = premises[0].claim
        if not isinstance(claim, Singular) or not claim.of.has_velocity:
            raise KernelError("expected a premise that a map of theta and v is singular")
        if not all(_is_invertible(shear) for shear in (self.before, self.after)):
            raise KernelError("expected invertible matrices")
        return Singular(Composed((self.before, claim.of, self.after)))


def _is_invertible(shear: Sheared) -> bool:
    (a, b), (c, d) = shear.first, shear.second
    return a * d - b * c != 0


def _non_singular(premise: Sequent) -> Dynamics:
    if not isinstance(premise.claim, NonSingular):
        raise KernelError("expected a premise that a map is non-singular")
    return premise.claim.of


@register
@dataclass(frozen=True)
class ComposedNonSingular(Rule):
    """
    G_1 |- g_1 is non-singular   ...   G_n |- g_n is non-singular
    -------------------------------------------------------------- ComposedNonSingular
    G_1, ..., G_n |- g_n(... g_1 ...) is non-singular
    """

    def conclude(self, *premises: Sequent) -> NonSingular:
        return NonSingular(Composed(tuple(_non_singular(premise) for premise in premises)))


@register
@dataclass(frozen=True)
class ProximalNonSingular(Rule):
    """
    G |- S(L) in empty
    --------------------------------------------- ProximalNonSingular
    G |- the proximal map of L is non-singular

    A point that goes to p is p + eta grad L(p): the preimage of N is part of the image of N under
    a smooth map, and smooth maps of R^P to itself send null sets to null sets.
    """

    trust = "cited:smooth-images"

    map: Proximal

    def conclude(self, *premises: Sequent) -> Claim:
        expect_premises(premises, 1)
        if premises[0].claim is not Within(SingularPoints(self.map.loss), Empty()):
            raise KernelError("expected a premise that the loss is analytic everywhere")
        return NonSingular(self.map)
