"""Rules of runs in a ball: what they conclude, what they refuse, and that it holds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from run_worlds import norm, random_world, spectral

from proofs.errors import KernelError
from proofs.kernel.claims import Compare, ForIndices, Relation
from proofs.kernel.core import infer
from proofs.kernel.indices import Index
from proofs.kernel.rules import Assume, BallBend, BallSlope, MultiplesAtMost, StartLength, StepNorm
from proofs.kernel.rules.task_runs import distance
from proofs.kernel.scalars import Real, number
from proofs.kernel.sequences import Natural
from proofs.kernel.series import AnyTask, BoundTask, Run, SlopeAt, basic
from proofs.kernel.task_scalars import BallBounds, StepLength, length

T = AnyTask("t")
ALPHA, G, H, R, Q = (Real(name).poly() for name in ("alpha", "G", "H", "r", "q"))
JOINT = Run(None, ALPHA)
NOW, BEFORE = Index(0, True), Index(-1, True)
BALL = infer(Assume(BallBounds(R, G, H)))
SEEDS = pytest.mark.parametrize("seed", range(8))


def near(run=JOINT, index=NOW, radius=R):
    return infer(Assume(Compare(distance(run, index), Relation.LE, radius)))


def refuses(rule, *premises, match):
    with pytest.raises(KernelError, match=match):
        infer(rule, *premises)


def ball_world(seed):
    """Quadratic losses and numbers r, G, H for which the bounds in the ball hold, barely."""
    world = random_world(seed, quadratic=True)
    world = replace(world, eta=world.eta / 10)
    radius = norm(world.combination(next(iter(distance(JOINT, NOW).atoms())).combination))
    bend = max(spectral(loss.a) for loss in world.losses)
    slope = max(norm(loss.gradient(world.start)) + spectral(loss.a) * radius for loss in world.losses)
    return replace(world, reals={**world.reals, "r": radius, "G": slope, "H": bend})


def test_start_length_accepts_any_run():
    assert infer(StartLength(JOINT)).claim.right == number(0)


def test_start_length_refuses_premises():
    refuses(StartLength(JOINT), BALL, match="expected 0 premises")


@SEEDS
def test_start_length_holds(seed):
    assert random_world(seed).holds(infer(StartLength(Run(T, Q))).claim)


def test_step_norm_accepts_any_run():
    assert StepLength() in infer(StepNorm(JOINT, NOW)).claim.right.atoms()


def test_step_norm_refuses_premises():
    refuses(StepNorm(JOINT, NOW), BALL, match="expected 0 premises")


@SEEDS
def test_step_norm_holds(seed):
    world = random_world(seed)
    assert world.holds(infer(StepNorm(JOINT, BEFORE)).claim)
    assert world.holds(infer(StepNorm(Run(T, Q), NOW)).claim)


def test_ball_slope_accepts_a_point_of_the_ball():
    claim = infer(BallSlope(JOINT, NOW), BALL, near()).claim
    assert claim.left == length(basic(SlopeAt(BoundTask(0), JOINT, NOW))) and claim.right == G


def test_ball_slope_refuses_other_radii_and_points():
    refuses(BallSlope(JOINT, NOW), BALL, near(radius=Q), match="lies in the ball")
    refuses(BallSlope(JOINT, NOW), BALL, near(index=BEFORE), match="lies in the ball")
    refuses(BallSlope(JOINT, NOW), near(), near(), match="bounds in a ball")
    with pytest.raises(KernelError, match="do not depend on n"):
        BallBounds(R, Natural().poly(), H)


@SEEDS
def test_ball_slope_holds(seed):
    theorem = infer(BallSlope(JOINT, NOW), BALL, near())
    world = ball_world(seed)
    assert all(world.holds(claim) for claim in theorem.hypotheses) and world.holds(theorem.claim)


def test_ball_bend_accepts_a_point_of_the_ball():
    assert infer(BallBend(JOINT, NOW), BALL, near()).claim.right == H


def test_ball_bend_refuses_other_radii_and_points():
    refuses(BallBend(JOINT, NOW), BALL, near(radius=Q), match="lies in the ball")
    refuses(BallBend(Run(T, number(1)), NOW), BALL, near(), match="lies in the ball")


@SEEDS
def test_ball_bend_holds(seed):
    theorem = infer(BallBend(JOINT, NOW), BALL, near())
    world = ball_world(seed)
    assert all(world.holds(claim) for claim in theorem.hypotheses) and world.holds(theorem.claim)


def multiple(end, bound=R):
    from proofs.kernel.sequences import index_value

    return infer(Assume(Compare(index_value(end) * G**2, Relation.LE, bound)))


def test_multiples_at_most_accepts_the_last_multiple():
    claim = infer(MultiplesAtMost(BEFORE, G**2), multiple(BEFORE)).claim
    assert claim is ForIndices(BEFORE, Compare(Natural().poly() * G**2, Relation.LE, R))


def test_multiples_at_most_refuses_a_factor_of_unknown_sign_and_n_in_it():
    last = infer(Assume(Compare((Natural().poly() - 1) * G, Relation.LE, R)))
    refuses(MultiplesAtMost(BEFORE, G), last, match="expected 2 premises")
    other = infer(Assume(Compare(number(0), Relation.LE, H)))
    refuses(MultiplesAtMost(BEFORE, G), last, other, match="shown to be")
    refuses(MultiplesAtMost(BEFORE, G**2), multiple(NOW), match="last multiple")
    refuses(MultiplesAtMost(BEFORE, G**2), multiple(BEFORE, Natural().poly()), match="no n in the factor")


@SEEDS
def test_multiples_at_most_holds(seed):
    theorem = infer(MultiplesAtMost(NOW, G**2), multiple(NOW))
    world = random_world(seed)
    world = replace(world, reals={**world.reals, "r": world.n * world.reals["G"] ** 2})
    assert all(world.holds(claim) for claim in theorem.hypotheses) and world.holds(theorem.claim)
