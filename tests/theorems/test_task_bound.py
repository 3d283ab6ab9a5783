"""TSK-3: valid in random worlds, attained, and the printed forms fail."""

from __future__ import annotations

import json
import sys
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "kernel"))
from run_worlds import norm, random_world, spectral

from proofs.errors import GradlemmaError
from proofs.exhibits.tasks import path_sum
from proofs.kernel.claims import Compare
from proofs.kernel.codec import decode, encode
from proofs.kernel.core import infer, replay
from proofs.kernel.indices import Index
from proofs.kernel.rules import Instantiate
from proofs.kernel.scalars import Real
from proofs.kernel.series import Run
from proofs.theorems.task_bound import optimal_factor, stays_in_ball, task_bound, task_bound_theorems

ONE = Fraction(1)
HALF = Fraction(1, 2)
NAMES = [field.name for field in fields(task_bound_theorems())]


def along_run(seed, *, tasks=None, steps=None, quadratic=False):
    """A random world with the smallest numbers G, H, G_t that bound what the run meets."""
    world = random_world(seed, tasks=tasks, quadratic=quadratic)
    world = replace(world, eta=world.eta / 10**4, n=steps or world.n)
    run = Run(None, Real("alpha").poly())
    points = [world.run(run, e) for e in range(world.n)]
    slopes = [max([norm(loss.gradient(x)) for x in points[:-1]], default=0.0) for loss in world.losses]
    bends = [spectral(loss.hessian(x)) for loss in world.losses for x in points[1:]]
    reals = {**world.reals, "G": max(slopes), "H": max(bends, default=0.0)}
    return replace(world, reals=reals, numbers={"G": tuple(slopes)})


@pytest.mark.parametrize("name", ["bound", "unequal"])
@pytest.mark.parametrize("seed", range(25))
def test_the_bound_holds_wherever_its_hypotheses_do(name, seed):
    theorem = getattr(task_bound_theorems(), name)
    world = along_run(seed)
    assert all(world.holds(claim) for claim in theorem.hypotheses)
    assert world.holds(theorem.claim)


@pytest.mark.parametrize("seed", range(10))
def test_the_bound_for_one_task_holds(seed):
    world = along_run(seed, tasks=1)
    theorem = task_bound_theorems().one_task
    assert all(world.holds(claim) for claim in theorem.hypotheses) and world.holds(theorem.claim)


@pytest.mark.parametrize("name", ["ball", "bound_in_ball"])
@pytest.mark.parametrize("seed", range(15))
def test_the_run_stays_in_the_ball(name, seed):
    theorem = getattr(task_bound_theorems(), name)
    world = along_run(seed, quadratic=True)
    centre = max(norm(loss.gradient(world.start)) for loss in world.losses)
    bend = max(spectral(loss.a) for loss in world.losses)
    pace = (world.n - 1) * abs(world.reals["alpha"]) * world.eta * len(world.losses)
    # The smallest radius with pace * (centre + bend * radius) <= radius.
    radius = float(pace * Fraction(centre)) / (1 - float(pace) * bend)
    world = replace(
        world, reals={**world.reals, "r": radius * (1 + 1e-12), "G": centre + bend * radius, "H": bend}
    )
    assert all(world.holds(claim) for claim in theorem.hypotheses)
    assert world.holds(theorem.claim)


@pytest.mark.parametrize("name", NAMES)
def test_the_theorems_replay_and_are_read_back(name):
    theorem = getattr(task_bound_theorems(), name)
    assert not theorem.trust and replay(theorem).sequent == theorem.sequent
    document = json.loads(json.dumps(encode({name: theorem})))
    assert decode(document)[name].sequent == theorem.sequent


@pytest.mark.parametrize("alpha", [Fraction(a, 7) for a in (-20, -3, 0, 1, 4, 7, 15)])
@pytest.mark.parametrize("tasks", [1, 2, 3, 5])
@pytest.mark.parametrize("steps", [1, 2, 6])
def test_the_number_is_the_bound_of_the_theorem(alpha, tasks, steps):
    found = task_bound(Fraction(2), Fraction(3, 5), alpha, tasks, steps)
    factor = abs(alpha - 1) if tasks == 1 else max(ONE, abs(alpha * tasks - 1))
    assert found.value == Fraction(tasks * steps * (steps - 1), 2) * factor * Fraction(6, 5)
    assert isinstance(found.theorem.claim, Compare)
    bound = found.theorem.claim.right.constant()
    assert bound is not None and Fraction(int(bound.p), int(bound.q)) == found.value


@pytest.mark.parametrize(
    ("tasks", "steps", "slope", "bend"), [(0, 2, 1, 1), (2, 0, 1, 1), (2, 2, -1, 1), (2, 2, 1, -1)]
)
def test_numbers_without_a_bound_are_refused(tasks, steps, slope, bend):
    with pytest.raises(GradlemmaError, match="expected"):
        task_bound(slope, bend, 1, tasks, steps)


@pytest.mark.parametrize("alpha", [Fraction(a, 4) for a in (-9, -4, -1, 0, 1, 2, 3, 4, 8)])
@pytest.mark.parametrize("tasks", [1, 2, 3, 6])
def test_the_factor_is_attained_by_equal_or_by_opposite_losses(alpha, tasks):
    equal = abs(path_sum((1,) * tasks, ONE, alpha, Fraction(1, 100), 2))
    reached = equal / tasks
    if tasks % 2 == 0:
        opposite = abs(path_sum((1, -1) * (tasks // 2), ONE, alpha, Fraction(1, 100), 5))
        reached = max(reached, opposite / (10 * tasks))
        assert reached == optimal_factor(alpha, tasks)
    else:
        assert reached == abs(alpha * tasks - 1) <= optimal_factor(alpha, tasks)


@pytest.mark.parametrize("steps", [5, 6, 9])
def test_the_collapsed_binomial_fails_from_five_steps_on(steps):
    reached = path_sum((1, 1), ONE, ONE, Fraction(1, 10**4), steps)
    assert reached > Fraction(2 * steps, 2) * 3
    assert reached <= task_bound(1, 1, 1, 2, steps).value < reached * Fraction(101, 100)
    assert path_sum((1, 1), ONE, ONE, Fraction(1, 10**4), 4) <= Fraction(2 * 4, 2) * 3


@pytest.mark.parametrize("alpha", [Fraction(-1, 100), -HALF, -ONE, Fraction(-7)])
def test_the_factor_with_plus_fails_for_every_negative_alpha(alpha):
    reached = abs(path_sum((1, 1), ONE, alpha, Fraction(1, 10**4), 2))
    assert reached > 2 * abs(alpha * 2 + 1)
    assert reached == task_bound(1, 1, alpha, 2, 2).value


def test_instances_for_a_number_of_steps():
    theorem = infer(Instantiate(Index(3, False)), task_bound_theorems().bound)
    for seed in range(5):
        assert along_run(seed, steps=3).holds(theorem.claim)


def test_the_condition_for_the_ball_is_that_of_the_theorem():
    assert stays_in_ball(1, -2, 3, Fraction(1, 24), 5, 1)
    assert not stays_in_ball(1, -2, 3, Fraction(1, 23), 5, 1)
