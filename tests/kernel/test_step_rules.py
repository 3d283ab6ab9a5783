"""Rules of maps of optimisers: conclusions and side conditions."""

from __future__ import annotations

import pytest
from flint import fmpq
from set_builders import ETA, HALF, ONE, ZERO, H, I, P, V, assume, concluded, letter, refused

from proofs.errors import KernelError
from proofs.kernel.core import Theorem, infer
from proofs.kernel.dynamics import Composed, Descent, OnPosition, Proximal, Pushed, Sheared
from proofs.kernel.maps import AnyPlace, HessianDet, PlaceNumber, Unknown
from proofs.kernel.rules.steps import (
    AlmostAllSteps,
    AvoidingComponents,
    CollapsingCase,
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
    ForAlmostAllSteps,
    NonSingular,
    NotWithin,
    Null,
    Singular,
    SomewhereEqual,
    Within,
)
from proofs.kernel.sets import Component, Empty, LevelNumber, LevelSet, Meet, SingularPoints, Whole, Without

Q = Unknown("q", ())
U = Component(P, I)
CRITICAL = critical_set(P, ETA)
ANALYTIC = assume(AlmostEverywhereAnalytic(P))
FLAT, FILLED = Within(U, CRITICAL), NotWithin(U, Empty())
DESCENT = Descent(P, ETA)


def test_critical_null_accepts() -> None:
    known = assume(Null(Without(CRITICAL, SingularPoints(P))))
    assert concluded(CriticalNull(P, ETA), ANALYTIC, known) is NonSingular(DESCENT)


@pytest.mark.parametrize(
    "region",
    [
        CRITICAL,
        Without(critical_set(P, ONE), SingularPoints(P)),
        Without(critical_set(Q, ETA), SingularPoints(Q)),
        Without(CRITICAL, SingularPoints(Q)),
        Without(LevelSet(HessianDet(P, ETA), LevelNumber(fmpq(1))), SingularPoints(P)),
        Meet(CRITICAL, SingularPoints(P)),
    ],
)
def test_critical_null_refuses_other_null_sets(region) -> None:
    refused(CriticalNull(P, ETA), ANALYTIC, assume(Null(region)), match="critical set")


def test_critical_null_refuses_another_loss() -> None:
    known = assume(Null(Without(CRITICAL, SingularPoints(P))))
    refused(CriticalNull(P, ETA), assume(AlmostEverywhereAnalytic(Q)), known)
    refused(CriticalNull(P, ETA), known, ANALYTIC)
    refused(CriticalNull(P, ETA), ANALYTIC)


def test_avoiding_components_accepts_and_drops_what_was_supposed() -> None:
    supposed = NotWithin(U, CRITICAL)
    zeros = infer(
        ZeroSetNull(), assume(Within(SingularPoints(CRITICAL.of), SingularPoints(P))), assume(supposed)
    )
    rule = AvoidingComponents(CRITICAL, I)
    theorem = infer(rule, assume(AvoidsExceptional(P, ETA)), zeros)
    assert theorem.claim is Null(Meet(CRITICAL, U))
    assert supposed not in theorem.hypotheses
    assert AvoidsExceptional(P, ETA) in theorem.hypotheses


def test_avoiding_components_refuses_other_components_and_claims() -> None:
    part = assume(Null(Meet(CRITICAL, U)))
    refused(AvoidingComponents(CRITICAL, AnyPlace("j")), assume(AvoidsExceptional(P, ETA)), part)
    refused(AvoidingComponents(CRITICAL, I), assume(AvoidsExceptional(Q, ETA)), part)
    refused(AvoidingComponents(CRITICAL, I), assume(Exceptional(P, ETA)), part)


def test_avoiding_components_keeps_what_was_supposed_of_another_step() -> None:
    supposed = NotWithin(U, critical_set(P, ONE))
    one = critical_set(P, ONE)
    zeros = infer(ZeroSetNull(), assume(Within(SingularPoints(one.of), SingularPoints(P))), assume(supposed))
    theorem = infer(AvoidingComponents(one, I), assume(AvoidsExceptional(P, ETA)), zeros)
    assert supposed in theorem.hypotheses


def collapses() -> Theorem:
    return infer(CollapsingComponent(), assume(FLAT), assume(FILLED))


def test_collapsing_component_accepts() -> None:
    theorem = collapses()
    assert theorem.claim is Singular(DESCENT)
    assert theorem.trust == {"cited:sard"}


@pytest.mark.parametrize(
    ("flat", "filled"),
    [
        (Within(U, CRITICAL), NotWithin(Component(P, PlaceNumber(0)), Empty())),
        (Within(U, CRITICAL), NotWithin(U, CRITICAL)),
        (Within(letter("a"), CRITICAL), NotWithin(letter("a"), Empty())),
        (Within(Component(Q, I), CRITICAL), NotWithin(Component(Q, I), Empty())),
        (Within(U, LevelSet(P, ZERO)), FILLED),
        (Within(U, LevelSet(HessianDet(P, ETA), LevelNumber(fmpq(1)))), FILLED),
        (Within(U, SingularPoints(P)), FILLED),
    ],
)
def test_collapsing_component_refuses_other_sets(flat, filled) -> None:
    refused(CollapsingComponent(), assume(flat), assume(filled))


def test_some_component_accepts() -> None:
    theorem = infer(SomeComponent(I), assume(Exceptional(P, ETA)), collapses())
    assert theorem.claim is Singular(DESCENT)
    assert theorem.hypotheses == {Exceptional(P, ETA)}


def test_some_component_refuses_numbers_that_are_not_arbitrary() -> None:
    refused(SomeComponent(PlaceNumber(0)), assume(Exceptional(P, ETA)), collapses(), match="arbitrary")
    refused(SomeComponent(I), assume(Exceptional(P, ETA)), assume(FLAT), match="nothing about")
    refused(SomeComponent(I), assume(Exceptional(Q, ETA)), collapses(), match="nothing about")
    refused(SomeComponent(I), assume(Exceptional(P, ONE)), collapses(), match="nothing about")
    refused(SomeComponent(I), assume(AvoidsExceptional(P, ETA)), collapses())


def test_collapsing_case_accepts() -> None:
    flat = assume(Within(Whole(), critical_set(Q, ETA)))
    assert concluded(CollapsingCase(), assume(SomewhereEqual(P, Q)), flat) is Singular(DESCENT)


@pytest.mark.parametrize(
    "flat",
    [
        Within(Whole(), CRITICAL),
        Within(letter("a"), critical_set(Q, ETA)),
        Within(Whole(), LevelSet(Q, ZERO)),
        Within(Whole(), LevelSet(HessianDet(Q, ETA), LevelNumber(fmpq(1)))),
        Within(Whole(), Whole()),
    ],
)
def test_collapsing_case_refuses_other_determinants(flat) -> None:
    refused(CollapsingCase(), assume(SomewhereEqual(P, Q)), assume(flat))


def test_collapsing_case_refuses_vectors() -> None:
    refused(CollapsingCase(), assume(SomewhereEqual(V, V)), assume(Within(Whole(), critical_set(Q, ETA))))


def test_almost_all_steps_accepts() -> None:
    supposed = assume(AvoidsExceptional(P, ETA))
    theorem = infer(AlmostAllSteps(P, ETA), supposed)
    assert theorem.claim is ForAlmostAllSteps(ETA, AvoidsExceptional(P, ETA))
    assert not theorem.hypotheses


def test_almost_all_steps_refuses_steps_that_are_not_arbitrary() -> None:
    refused(AlmostAllSteps(P, ETA), assume(NonSingular(DESCENT)), match="nothing about")
    refused(AlmostAllSteps(P, ETA), assume(AvoidsExceptional(Q, ETA)), match="nothing about")
    refused(AlmostAllSteps(P, ETA), ANALYTIC, match="claim about the step size")
    bent = HessianDet(P, ETA)
    refused(AlmostAllSteps(bent, ETA), assume(AvoidsExceptional(bent, ETA)), match="depend on the step size")
    refused(AlmostAllSteps(P, ONE), assume(AvoidsExceptional(P, ONE)))  # type: ignore[arg-type]


def test_fibres_non_singular_accepts() -> None:
    push = Pushed(P, ETA, fmpq(1, 2))
    assert concluded(FibresNonSingular(push), ANALYTIC) is NonSingular(push)


def test_fibres_non_singular_refuses_no_momentum_and_another_loss() -> None:
    refused(FibresNonSingular(Pushed(P, ETA, fmpq(0))), ANALYTIC, match="other than 0")
    refused(FibresNonSingular(Pushed(Q, ETA, fmpq(1))), ANALYTIC)
    refused(FibresNonSingular(Pushed(P, ETA, fmpq(1))))


def test_shear_non_singular_accepts_and_refuses() -> None:
    good = Sheared((fmpq(1), fmpq(2)), (fmpq(0), fmpq(1)))
    assert concluded(ShearNonSingular(good)) is NonSingular(good)


def test_shear_non_singular_refuses_singular_matrices() -> None:
    refused(ShearNonSingular(Sheared((fmpq(1), fmpq(2)), (fmpq(2), fmpq(4)))), match="invertible")


def test_on_position_non_singular_accepts_and_refuses() -> None:
    known = assume(NonSingular(DESCENT))
    assert concluded(OnPositionNonSingular(), known) is NonSingular(OnPosition(DESCENT))


def test_on_position_non_singular_refuses_maps_with_a_velocity() -> None:
    refused(OnPositionNonSingular(), assume(NonSingular(Pushed(P, ETA, fmpq(1)))), match="theta alone")
    refused(OnPositionNonSingular(), assume(Singular(DESCENT)))


def test_composed_non_singular_accepts() -> None:
    known, other = assume(NonSingular(DESCENT)), assume(NonSingular(Descent(Q, HALF)))
    assert concluded(ComposedNonSingular(), known, other) is NonSingular(
        Composed((DESCENT, Descent(Q, HALF)))
    )


def test_composed_non_singular_refuses_other_claims_and_state_spaces() -> None:
    known = assume(NonSingular(DESCENT))
    refused(ComposedNonSingular())
    refused(ComposedNonSingular(), known, assume(Singular(DESCENT)))
    refused(ComposedNonSingular(), known, assume(NonSingular(OnPosition(DESCENT))), match="state space")


def test_proximal_non_singular_accepts() -> None:
    near = Proximal(P, ETA)
    known = assume(Within(SingularPoints(P), Empty()))
    assert concluded(ProximalNonSingular(near), known) is NonSingular(near)


def test_proximal_non_singular_refuses_kinks() -> None:
    near = Proximal(P, ETA)
    refused(ProximalNonSingular(near), ANALYTIC, match="everywhere")
    refused(ProximalNonSingular(near), assume(Within(SingularPoints(Q), Empty())))
    refused(ProximalNonSingular(near), assume(Within(SingularPoints(P), SingularPoints(Q))))


def test_maps_of_optimisers_are_of_scalars() -> None:
    for make in (lambda: Descent(V, ETA), lambda: Descent(H, ETA), lambda: Proximal(V, ONE)):
        with pytest.raises(KernelError, match="scalar"):
            make()


SWAP = Sheared((fmpq(0), fmpq(1)), (fmpq(1), fmpq(0)))
DEGENERATE = Sheared((fmpq(1), fmpq(2)), (fmpq(2), fmpq(4)))


def test_on_position_singular_accepts() -> None:
    assert concluded(OnPositionSingular(), assume(Singular(DESCENT))) is Singular(OnPosition(DESCENT))


def test_on_position_singular_refuses() -> None:
    refused(OnPositionSingular(), assume(NonSingular(DESCENT)))
    refused(OnPositionSingular(), assume(Singular(Pushed(P, ETA, fmpq(1)))), match="theta alone")


def test_sheared_singular_accepts() -> None:
    inner = OnPosition(DESCENT)
    found = concluded(ShearedSingular(SWAP, SWAP), assume(Singular(inner)))
    assert found is Singular(Composed((SWAP, inner, SWAP)))


def test_sheared_singular_refuses() -> None:
    inner = OnPosition(DESCENT)
    known = assume(Singular(inner))
    refused(ShearedSingular(DEGENERATE, SWAP), known, match="invertible")
    refused(ShearedSingular(SWAP, DEGENERATE), known, match="invertible")
    refused(ShearedSingular(SWAP, SWAP), assume(Singular(DESCENT)), match="theta and v")
    refused(ShearedSingular(SWAP, SWAP), assume(NonSingular(inner)))
