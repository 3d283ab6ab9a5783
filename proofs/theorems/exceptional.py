"""Non-singularity of gradient descent (NSG-1, NSG-2, NSG-3): theorems about an arbitrary loss L.

`LOSS` is an arbitrary scalar map, so that `PutIn` makes instances of it; eta is `STEP`.
"""

from __future__ import annotations

from functools import cache

from flint import fmpq

from proofs.errors import KernelError
from proofs.kernel.core import Theorem, infer
from proofs.kernel.dynamics import Dynamics, Proximal, Pushed, Sheared
from proofs.kernel.maps import AnyStep, HessianDet, Map, StepSize, Unknown
from proofs.kernel.rules.analytic import ComponentsCover, OperationSingular
from proofs.kernel.rules.logic import Assume
from proofs.kernel.rules.sets import PutIn, UnionMeets, UnionNull
from proofs.kernel.rules.steps import (
    AlmostAllSteps,
    AvoidingComponents,
    CollapsingComponent,
    ComposedNonSingular,
    CriticalNull,
    FibresNonSingular,
    OnPositionNonSingular,
    OnPositionSingular,
    ProximalNonSingular,
    ShearedSingular,
    ShearNonSingular,
    SomeComponent,
    critical_set,
)
from proofs.kernel.rules.zeros import ZeroSetNull
from proofs.kernel.set_claims import (
    AlmostEverywhereAnalytic,
    AvoidsExceptional,
    Exceptional,
    NotWithin,
    Within,
)
from proofs.kernel.sets import Component, Empty, SingularPoints, UnionOver, Without

from .analyticity import COMPONENT, subset_null

__all__ = [
    "LOSS", "STEP", "almost_all_steps", "exceptional_is_singular", "for_loss", "heavy_ball",
    "heavy_ball_is_non_singular", "nesterov", "nesterov_is_non_singular", "nesterov_is_singular",
    "off_exceptional_is_non_singular", "proximal_is_non_singular", "schedule_is_non_singular",
]  # fmt: skip

LOSS = Unknown("L", ())
STEP = AnyStep("eta")
ONE, ZERO = fmpq(1), fmpq(0)


@cache
def off_exceptional_is_non_singular() -> Theorem:
    """NSG-2, first half: if L is almost everywhere analytic and eta not in E(L), G_eta is non-singular."""
    critical = critical_set(LOSS, STEP)
    component = Component(LOSS, COMPONENT)
    analytic = infer(OperationSingular(HessianDet(LOSS, STEP)))
    zeros = infer(ZeroSetNull(), analytic, infer(Assume(NotWithin(component, critical))))
    avoids = infer(Assume(AvoidsExceptional(LOSS, STEP)))
    part = infer(AvoidingComponents(critical, COMPONENT), avoids, zeros)
    parts = infer(UnionNull(COMPONENT), part)
    cover = infer(ComponentsCover(LOSS, COMPONENT))
    meets = infer(UnionMeets(critical, UnionOver(COMPONENT, component)))
    null = subset_null(Without(critical, SingularPoints(LOSS)), parts, cover, meets)
    return infer(CriticalNull(LOSS, STEP), infer(Assume(AlmostEverywhereAnalytic(LOSS))), null)


@cache
def exceptional_is_singular() -> Theorem:
    """NSG-2, second half: if eta is in E(L), G_eta is singular."""
    component = Component(LOSS, COMPONENT)
    flat = infer(Assume(Within(component, critical_set(LOSS, STEP))))
    filled = infer(Assume(NotWithin(component, Empty())))
    collapses = infer(CollapsingComponent(), flat, filled)
    return infer(SomeComponent(COMPONENT), infer(Assume(Exceptional(LOSS, STEP))), collapses)


@cache
def almost_all_steps() -> Theorem:
    """NSG-1: if L is almost everywhere analytic, G_eta is non-singular for all eta but countably many."""
    return infer(AlmostAllSteps(LOSS, STEP), off_exceptional_is_non_singular())


def heavy_ball(loss: Map, step: StepSize, momentum: fmpq) -> tuple[Dynamics, ...]:
    """(theta, v) -> (theta + v', v'), v' = beta v - eta grad L(theta), as maps one after the other."""
    return Pushed(loss, step, momentum), Sheared((ONE, ONE), (ZERO, ONE))


def heavy_ball_is_non_singular(analytic: Theorem, step: StepSize, momentum: fmpq) -> Theorem:
    """NSG-3: heavy-ball is non-singular on (theta, v) for every eta, beta != 0.

    Args:
        analytic: the theorem that the loss is almost everywhere analytic.
        step: eta.
        momentum: beta.
    """
    loss = _analytic_map(analytic)
    push, shear = Pushed(loss, step, momentum), Sheared((ONE, ONE), (ZERO, ONE))
    return infer(
        ComposedNonSingular(), infer(FibresNonSingular(push), analytic), infer(ShearNonSingular(shear))
    )


def nesterov(momentum: fmpq) -> tuple[Sheared, Sheared]:
    """The linear maps before and after (y, c) -> (G_eta(y), c) in Nesterov's method.

    (theta, v) -> (theta', v') with y = theta + beta v, theta' = G_eta(y), v' = theta' - theta:
    the first map is (theta, v) -> (y, -theta), the last one (theta', c) -> (theta', theta' + c).
    """
    return Sheared((ONE, momentum), (-ONE, ZERO)), Sheared((ONE, ZERO), (ONE, ONE))


def nesterov_is_non_singular(non_singular: Theorem, momentum: fmpq) -> Theorem:
    """NSG-3: Nesterov's method is non-singular where gradient descent is, beta != 0.

    Args:
        non_singular: the theorem that theta -> theta - eta grad L is non-singular.
        momentum: beta.
    """
    before, after = nesterov(momentum)
    return infer(
        ComposedNonSingular(),
        infer(ShearNonSingular(before)),
        infer(OnPositionNonSingular(), non_singular),
        infer(ShearNonSingular(after)),
    )


def nesterov_is_singular(singular: Theorem, momentum: fmpq) -> Theorem:
    """NSG-3: Nesterov's method is singular on (theta, v) where gradient descent is, beta != 0.

    Args:
        singular: the theorem that theta -> theta - eta grad L is singular.
        momentum: beta.
    """
    before, after = nesterov(momentum)
    return infer(ShearedSingular(before, after), infer(OnPositionSingular(), singular))


def schedule_is_non_singular(*steps: Theorem) -> Theorem:
    """NSG-3: non-singular maps one after the other are non-singular: a fixed schedule, or batches."""
    return infer(ComposedNonSingular(), *steps)


def proximal_is_non_singular(analytic: Theorem, step: StepSize) -> Theorem:
    """NSG-3: the proximal map of a loss that is analytic everywhere is non-singular for every eta.

    Args:
        analytic: the theorem that S(L) is empty.
        step: eta.
    """
    claim = analytic.claim
    if not isinstance(claim, Within) or not isinstance(claim.inner, SingularPoints):
        raise KernelError("expected a theorem that the loss is analytic everywhere")
    return infer(ProximalNonSingular(Proximal(claim.inner.of, step)), analytic)


def for_loss(lemma: Theorem, loss: Map, step: StepSize = STEP) -> Theorem:
    """The lemma about an arbitrary loss and step size for these."""
    return infer(PutIn(((LOSS, loss),), (), () if step is STEP else ((STEP, step),)), lemma)


def _analytic_map(analytic: Theorem) -> Map:
    if not isinstance(analytic.claim, AlmostEverywhereAnalytic):
        raise KernelError("expected a theorem that the loss is almost everywhere analytic")
    return analytic.claim.of


