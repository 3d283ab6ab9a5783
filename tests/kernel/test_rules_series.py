"""Rules of power series in the step size: what they conclude, what they refuse, and that it holds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from run_worlds import random_world

from proofs.errors import KernelError
from proofs.kernel.claims import Compare, Relation
from proofs.kernel.core import infer
from proofs.kernel.indices import Index
from proofs.kernel.rules.logic import Assume
from proofs.kernel.rules.series import (
    BendLimit,
    DefinedSum,
    ExpandLinear,
    FirstStep,
    NextStep,
    RunStart,
    SlopeLimit,
    Truncate,
    definition_of,
)
from proofs.kernel.scalars import Real, number
from proofs.kernel.series import (
    AnyTask,
    BoundTask,
    DriftSum,
    Expansion,
    Origin,
    PathTerm,
    Run,
    RunPoint,
    Slope,
    SlopeAt,
    SmoothTasks,
    Summed,
    basic,
    combined,
    summed,
    zero,
)
from proofs.kernel.task_scalars import StepLength
from proofs.theorems.task_arithmetic import at_steps, task_theorems

T, U = AnyTask("t"), AnyTask("u")
ALPHA = Real("alpha").poly()
SINGLE, JOINT = Run(T, number(1)), Run(None, ALPHA)
ZERO, ONE, NOW = Index(0, False), Index(1, False), Index(0, True)
SMOOTH = infer(Assume(SmoothTasks()))
SEEDS = pytest.mark.parametrize("seed", range(6))


def check(theorem, seed):
    """In a random world in which the hypotheses hold the claim does."""
    world = random_world(seed)
    assert all(world.holds(claim) for claim in theorem.hypotheses)
    assert world.holds(theorem.claim)


def started(run):
    return infer(RunStart(run))


def stepped(run):
    return infer(Truncate(3), infer(FirstStep(), SMOOTH, started(run)))


def refuses(rule, *premises, match):
    with pytest.raises(KernelError, match=match):
        infer(rule, *premises)


def test_run_start_accepts_any_run():
    assert started(JOINT).claim is Expansion((basic(RunPoint(JOINT, ZERO)),), (basic(Origin()),), True)


def test_run_start_refuses_a_bound_task_and_a_factor_with_the_step_size():
    refuses(RunStart(Run(BoundTask(0), number(1))), match="no bound task")
    with pytest.raises(KernelError, match="factor that does not depend"):
        Run(None, StepLength().poly())


@SEEDS
def test_run_start_holds(seed):
    check(started(SINGLE), seed)


def test_first_step_accepts_the_start():
    claim = infer(FirstStep(), SMOOTH, started(SINGLE)).claim
    assert claim.coefficients[1] is combined([(number(-1), basic(Slope(T)))]) and claim.exact


def test_first_step_refuses_a_later_point_and_missing_smoothness():
    refuses(FirstStep(), SMOOTH, stepped(SINGLE), match="starts at theta0")
    refuses(FirstStep(), started(SINGLE), started(SINGLE), match="losses are smooth")


@SEEDS
def test_first_step_holds(seed):
    check(infer(FirstStep(), SMOOTH, started(JOINT)), seed)


def test_next_step_accepts_three_coefficients():
    claim = infer(NextStep(), SMOOTH, stepped(SINGLE)).claim
    assert claim.parts[0] is basic(RunPoint(SINGLE, Index(2, False))) and not claim.exact


def test_next_step_refuses_fewer_coefficients_and_other_centres():
    refuses(NextStep(), SMOOTH, infer(Truncate(2), stepped(SINGLE)), match="three coefficients")
    moved = Expansion((basic(RunPoint(SINGLE, ONE)),), (basic(Slope(T)), zero(), zero()), False)
    refuses(NextStep(), SMOOTH, infer(Assume(moved)), match="around theta0")


@SEEDS
def test_next_step_holds(seed):
    for run in (SINGLE, JOINT):
        check(infer(NextStep(), SMOOTH, infer(NextStep(), SMOOTH, stepped(run))), seed)


def test_truncate_accepts_zeros_of_exact_expansions():
    assert infer(Truncate(3), started(JOINT)).claim.coefficients == (basic(Origin()), zero(), zero())


def test_truncate_refuses_more_coefficients_than_are_known():
    refuses(Truncate(4), stepped(SINGLE), match="number of coefficients")
    refuses(Truncate(0), stepped(SINGLE), match="number of coefficients")


@SEEDS
def test_truncate_holds(seed):
    check(infer(Truncate(2), infer(NextStep(), SMOOTH, stepped(SINGLE))), seed)


def test_slope_limit_accepts_a_point_near_theta0():
    claim = infer(SlopeLimit(U), SMOOTH, stepped(JOINT)).claim
    assert claim.parts[0] is basic(SlopeAt(U, JOINT, ONE))


def test_slope_limit_refuses_what_is_no_point():
    limit = infer(SlopeLimit(U), SMOOTH, stepped(JOINT))
    refuses(SlopeLimit(U), SMOOTH, limit, match="point of a run")


@SEEDS
def test_slope_limit_holds(seed):
    check(infer(SlopeLimit(U), SMOOTH, stepped(JOINT)), seed)


def bend_limit():
    return infer(BendLimit(U), SMOOTH, stepped(JOINT), infer(SlopeLimit(T), SMOOTH, stepped(JOINT)))


def test_bend_limit_accepts_a_vector_with_a_limit():
    assert len(bend_limit().claim.coefficients) == 1


def test_bend_limit_refuses_a_missing_expansion():
    refuses(BendLimit(U), SMOOTH, stepped(JOINT), SMOOTH, match="expands a vector")
    refuses(BendLimit(U), SMOOTH, stepped(JOINT), match="expected 3 premises")


@SEEDS
def test_bend_limit_holds(seed):
    check(bend_limit(), seed)


def test_defined_sum_accepts_the_definition():
    empty = infer(ExpandLinear((zero(),), T))
    assert infer(DefinedSum(PathTerm(ALPHA, ONE)), empty).claim.exact


def test_defined_sum_refuses_another_vector_and_an_unknown_index():
    empty = infer(ExpandLinear((zero(),), T))
    refuses(DefinedSum(PathTerm(ALPHA, Index(2, False))), empty, match="definition of the vector")
    with pytest.raises(KernelError, match="visibly in its range"):
        definition_of(DriftSum(T, ALPHA, Index(-1, True)))


@SEEDS
def test_defined_sum_holds(seed):
    check(at_steps(task_theorems().path_sum, 3), seed)


def test_expand_linear_accepts_a_sum_over_an_arbitrary_task():
    claim = infer(ExpandLinear((summed(T, basic(RunPoint(SINGLE, ONE))),), T), stepped(SINGLE)).claim
    assert claim.coefficients[0] is basic(Summed(Origin()))


def test_expand_linear_refuses_a_hypothesis_about_the_task():
    about = Expansion((basic(RunPoint(SINGLE, ONE)),), (basic(Slope(T)),), False)
    wanted = summed(T, basic(RunPoint(SINGLE, ONE)))
    refuses(ExpandLinear((wanted,), T), infer(Assume(about)), match="nothing about the task t")


def test_expand_linear_refuses_unused_and_missing_premises():
    refuses(ExpandLinear((zero(),), T), stepped(SINGLE), match="all used")
    refuses(ExpandLinear((basic(RunPoint(SINGLE, ONE)),), T), match="a premise for every vector")


@SEEDS
def test_expand_linear_holds(seed):
    for steps in (1, 2, 3, 5):
        check(at_steps(task_theorems().leading, steps), seed)
        check(at_steps(task_theorems().path, steps), seed)


@SEEDS
def test_expand_linear_holds_for_one_step_without_remainder(seed):
    check(task_theorems().one_step, seed)


@pytest.mark.parametrize("wrong", ["sign", "alpha"])
def test_the_form_without_minus_alpha_does_not_hold(wrong):
    claim = at_steps(task_theorems().path, 3).claim
    path = basic(PathTerm(ALPHA, Index(3, False)))
    third = combined([(number(-1) * ALPHA if wrong == "sign" else number(1), path)])
    printed = Expansion((*claim.parts[:2], third), claim.coefficients, False)
    worlds = [replace(w, reals={**w.reals, "alpha": 2}) for w in map(random_world, range(4))]
    assert all(w.holds(claim) for w in worlds)
    assert not any(w.holds(printed) for w in worlds)


def test_coefficients_may_not_depend_on_the_step_size():
    with pytest.raises(KernelError, match="do not depend on tasks or on the step size"):
        combined([(StepLength().poly(), basic(Origin()))])


def test_a_comparison_about_a_task_is_a_hypothesis_about_it():
    from proofs.kernel.task_scalars import length

    slope = length(basic(Slope(T)))
    premise = infer(Assume(Compare(slope, Relation.LE, number(1))))
    with pytest.raises(KernelError, match="nothing about the task t"):
        from proofs.kernel.rules.task_norms import SumOverTasks

        infer(SumOverTasks(T), premise)
