"""Non-singularity lemmas about an arbitrary loss, and their instances."""

from __future__ import annotations

import json

import pytest
from flint import fmpq

from proofs.errors import KernelError
from proofs.kernel.codec import decode, encode
from proofs.kernel.core import infer
from proofs.kernel.dynamics import Composed, Descent, OnPosition, Proximal, Pushed, Sheared
from proofs.kernel.maps import Contract, Entry, HessianDet, ParameterBlock, Scaled, StepNumber
from proofs.kernel.rules.logic import Assume
from proofs.kernel.set_claims import (
    AlmostEverywhereAnalytic,
    AvoidsExceptional,
    Exceptional,
    ForAlmostAllSteps,
    NonSingular,
    Singular,
)
from proofs.network import activation
from proofs.theorems.exceptional import (
    LOSS,
    STEP,
    almost_all_steps,
    exceptional_is_singular,
    for_loss,
    heavy_ball,
    heavy_ball_is_non_singular,
    nesterov,
    nesterov_is_non_singular,
    off_exceptional_is_non_singular,
    proximal_is_non_singular,
    schedule_is_non_singular,
)
from proofs.theorems.map_analyticity import Analyticity, Route

S = ParameterBlock("s", ())
SMOOTH = Entry(activation("tanh"), S)
KINKED = Entry(activation("abs"), S)
HALF = StepNumber(fmpq(1, 2))
ANALYTIC = AlmostEverywhereAnalytic(LOSS)
DESCENT = Descent(LOSS, STEP)


def test_the_lemmas_say_no_more_than_their_hypotheses_allow() -> None:
    off, on, most = off_exceptional_is_non_singular(), exceptional_is_singular(), almost_all_steps()
    assert off.claim is NonSingular(DESCENT)
    assert off.hypotheses == {ANALYTIC, AvoidsExceptional(LOSS, STEP)}
    assert on.claim is Singular(DESCENT)
    assert on.hypotheses == {Exceptional(LOSS, STEP)}
    assert most.claim is ForAlmostAllSteps(STEP, NonSingular(DESCENT))
    assert most.hypotheses == {ANALYTIC}


def test_the_lemmas_have_instances_for_every_loss_and_step() -> None:
    found = for_loss(off_exceptional_is_non_singular(), KINKED, HALF)
    assert found.claim is NonSingular(Descent(KINKED, HALF))
    assert found.hypotheses == {AlmostEverywhereAnalytic(KINKED), AvoidsExceptional(KINKED, HALF)}
    most = for_loss(almost_all_steps(), KINKED)
    assert most.claim is ForAlmostAllSteps(STEP, NonSingular(Descent(KINKED, STEP)))
    assert for_loss(almost_all_steps(), KINKED, HALF).claim is most.claim


def test_a_loss_that_depends_on_the_step_is_refused_where_the_step_is_bound() -> None:
    with pytest.raises(KernelError, match="bound"):
        for_loss(almost_all_steps(), HessianDet(SMOOTH, STEP))


def test_momentum_methods() -> None:
    analytic = Analyticity(Route.SCALAR).almost_everywhere(KINKED)
    beta = fmpq(9, 10)
    ball = heavy_ball_is_non_singular(analytic, HALF, beta)
    assert ball.claim is NonSingular(Composed(heavy_ball(KINKED, HALF, beta)))
    assert not ball.hypotheses
    with pytest.raises(KernelError, match="other than 0"):
        heavy_ball_is_non_singular(analytic, HALF, fmpq(0))
    known = infer(Assume(NonSingular(Descent(KINKED, HALF))))
    before, after = nesterov(beta)
    found = nesterov_is_non_singular(known, beta).claim
    assert found is NonSingular(Composed((before, OnPosition(Descent(KINKED, HALF)), after)))
    with pytest.raises(KernelError, match="invertible"):
        nesterov_is_non_singular(known, fmpq(0))


@pytest.mark.parametrize("theta", [fmpq(2), fmpq(-1, 3)])
def test_the_linear_parts_are_those_of_the_methods(theta: fmpq) -> None:
    """Heavy-ball and Nesterov on L = s^2 / 2, step by step."""
    beta, eta, velocity = fmpq(1, 3), fmpq(1, 2), fmpq(5)

    def sheared(of: Sheared, a: fmpq, b: fmpq) -> tuple[fmpq, fmpq]:
        return of.first[0] * a + of.first[1] * b, of.second[0] * a + of.second[1] * b

    push, shear = heavy_ball(Scaled(fmpq(1, 2), Contract(",->", S, S)), StepNumber(eta), beta)
    assert isinstance(push, Pushed)
    assert isinstance(shear, Sheared)
    new = push.factor * velocity - eta * theta
    assert sheared(shear, theta, new) == (
        theta + beta * velocity - eta * theta,
        beta * velocity - eta * theta,
    )
    before, after = nesterov(beta)
    y, rest = sheared(before, theta, velocity)
    assert y == theta + beta * velocity
    moved = y - eta * y
    assert sheared(after, moved, rest) == (moved, moved - theta)


def test_schedules_and_the_proximal_map() -> None:
    one, two = (infer(Assume(NonSingular(Descent(KINKED, StepNumber(fmpq(k)))))) for k in (1, 2))
    assert len(schedule_is_non_singular(one, two).hypotheses) == 2
    everywhere = Analyticity(Route.SCALAR).everywhere(SMOOTH)
    assert proximal_is_non_singular(everywhere, HALF).claim is NonSingular(Proximal(SMOOTH, HALF))
    with pytest.raises(KernelError):
        proximal_is_non_singular(Analyticity(Route.SCALAR).almost_everywhere(KINKED), HALF)


def test_the_lemmas_come_back_from_their_stored_form() -> None:
    goals = {"most": almost_all_steps(), "on": exceptional_is_singular()}
    again = decode(json.loads(json.dumps(encode(goals))))
    assert all(again[name].sequent == theorem.sequent for name, theorem in goals.items())
