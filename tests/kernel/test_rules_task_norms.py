"""Rules of norms and of sums over tasks: what they conclude, what they refuse, and that it holds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from run_worlds import random_world

from proofs.errors import KernelError
from proofs.kernel.claims import Compare, Relation
from proofs.kernel.core import infer
from proofs.kernel.indices import Index
from proofs.kernel.rules import (
    Assume,
    BendBound,
    CountPositive,
    DefinedLength,
    EveryTask,
    LargerThanEach,
    LengthSquared,
    LengthTriangle,
    OneTaskLength,
    OneTaskProduct,
    ProductOverTasks,
    RootAbove,
    SumLength,
    SumOverTasks,
    TaskCauchy,
)
from proofs.kernel.scalars import Real, Root, number
from proofs.kernel.series import (
    AnyTask,
    BendAt,
    BoundTask,
    DriftSum,
    Origin,
    PathTerm,
    Run,
    Slope,
    SlopeAt,
    Summed,
    basic,
    combined,
)
from proofs.kernel.substitution import claim_at
from proofs.kernel.task_scalars import (
    BendNorm,
    ForTasks,
    Larger,
    TaskCount,
    TaskNumber,
    TaskSum,
    length,
    over_tasks,
    product,
)
from proofs.kernel.terms import INDEX

T, U = AnyTask("t"), AnyTask("u")
ALPHA, P, Q = (Real(name).poly() for name in ("alpha", "p", "q"))
JOINT = Run(None, ALPHA)
NOW, BEFORE = Index(0, True), Index(-1, True)
SLOPE, ALL = SlopeAt(T, JOINT, NOW), Summed(SlopeAt(BoundTask(0), JOINT, NOW))
REST = combined([(ALPHA, basic(ALL)), (number(-1), basic(SLOPE))])
ONE_TASK = infer(Assume(Compare(TaskCount().poly(), Relation.EQ, number(1))))
SEEDS = pytest.mark.parametrize("seed", range(8))


def check(theorem, seed, tasks=None):
    """In a random world in which the hypotheses hold the claim does, to rounding."""
    world = random_world(seed, tasks=tasks)
    world = replace(world, eta=world.eta / 10**4)
    assert all(world.holds(claim) for claim in theorem.hypotheses)
    assert world.holds(theorem.claim)


def refuses(rule, *premises, match):
    with pytest.raises(KernelError, match=match):
        infer(rule, *premises)


def le(left, right):
    return infer(Assume(Compare(left, Relation.LE, right)))


def test_length_triangle_accepts_parts():
    claim = infer(LengthTriangle((basic(SLOPE), basic(ALL)))).claim
    assert claim.right == length(basic(SLOPE)) + length(basic(ALL))


def test_length_triangle_refuses_premises():
    refuses(LengthTriangle((basic(SLOPE),)), ONE_TASK, match="expected 0 premises")


@SEEDS
def test_length_triangle_holds(seed):
    check(infer(LengthTriangle((basic(SLOPE), REST, basic(Origin())))), seed)


def test_sum_length_accepts_a_task():
    assert infer(SumLength(T, basic(SLOPE))).claim.left == length(basic(ALL))


def test_sum_length_refuses_a_bound_task_outside_of_sums():
    refuses(SumLength(T, basic(SlopeAt(BoundTask(0), JOINT, NOW))), match="no bound task")


@SEEDS
def test_sum_length_holds(seed):
    check(infer(SumLength(T, REST)), seed)


def test_bend_bound_accepts_a_vector():
    bend = BendNorm(T, JOINT, NOW).poly()
    assert infer(BendBound(T, JOINT, NOW, SLOPE)).claim.right == bend * length(basic(SLOPE))


def test_bend_bound_refuses_premises():
    refuses(BendBound(T, JOINT, NOW, SLOPE), ONE_TASK, match="expected 0 premises")


@SEEDS
def test_bend_bound_holds(seed):
    check(infer(BendBound(T, JOINT, NOW, DriftSum(U, ALPHA, NOW))), seed)


def test_task_cauchy_accepts_a_scalar():
    claim = infer(TaskCauchy(T, P)).claim
    # sum_t p = T p
    assert claim.left == (TaskCount().poly() * P) ** 2 and claim.right == TaskCount().poly() ** 2 * P**2


def test_task_cauchy_refuses_a_bound_task_outside_of_sums():
    refuses(TaskCauchy(T, TaskNumber("G", BoundTask(0)).poly()), match="no bound task")


@SEEDS
def test_task_cauchy_holds(seed):
    check(infer(TaskCauchy(T, length(REST) + TaskNumber("G", T).poly())), seed)


def test_sum_over_tasks_accepts_equations_and_inequalities():
    assert infer(SumOverTasks(T), infer(LengthSquared(REST))).claim.relation is Relation.EQ
    assert infer(SumOverTasks(T), infer(LengthTriangle((basic(SLOPE), REST)))).claim.relation is Relation.LE


def test_sum_over_tasks_refuses_a_hypothesis_about_the_task():
    refuses(SumOverTasks(T), le(length(basic(SLOPE)), P), match="nothing about the task t")
    refuses(SumOverTasks(T), le(TaskNumber("G", T).poly(), P), match="nothing about the task t")
    refuses(SumOverTasks(T), le(BendNorm(T, JOINT, NOW).poly(), P), match="nothing about the task t")
    refuses(SumOverTasks(T), le(product(SLOPE, ALL), P), match="nothing about the task t")


def test_sum_over_tasks_refuses_tasks_hidden_in_other_atoms():
    hidden = Root(TaskNumber("G", T).poly()).poly()
    refuses(SumOverTasks(T), infer(RootAbove(TaskNumber("G", T).poly())), match="no tasks are known of Root")
    refuses(SumOverTasks(T), le(hidden, P), match="no tasks are known of Root")


@SEEDS
def test_sum_over_tasks_holds(seed):
    square = infer(SumOverTasks(T), infer(LengthSquared(REST)))
    check(square, seed)
    check(infer(SumOverTasks(T), infer(LengthTriangle((basic(SLOPE), REST)))), seed)


def test_length_squared_accepts_a_combination():
    assert infer(LengthSquared(basic(SLOPE))).claim.right == length(basic(SLOPE)) ** 2


def test_length_squared_refuses_premises():
    refuses(LengthSquared(REST), ONE_TASK, match="expected 0 premises")


@SEEDS
def test_length_squared_holds(seed):
    check(infer(LengthSquared(combined([(number(2), REST), (P, basic(Origin()))]))), seed)


def test_product_over_tasks_accepts_a_vector_without_the_task():
    claim = infer(ProductOverTasks(T, ALL, SLOPE)).claim
    assert claim.right == length(basic(ALL)) ** 2


def test_product_over_tasks_refuses_a_vector_with_the_task():
    refuses(ProductOverTasks(T, Slope(T), SLOPE), match="without the task")


@SEEDS
def test_product_over_tasks_holds(seed):
    check(infer(ProductOverTasks(T, Slope(U), SLOPE)), seed)
    check(infer(ProductOverTasks(T, Slope(U), Slope(U))), seed)


def test_defined_length_accepts_sums_along_the_run():
    assert infer(DefinedLength(DriftSum(T, ALPHA, Index(0, False)))).claim.right == number(0)


def test_defined_length_refuses_other_vectors():
    refuses(DefinedLength(SLOPE), match="sum along a run")
    refuses(DefinedLength(PathTerm(ALPHA, NOW)), match="visibly in its range")


@SEEDS
def test_defined_length_holds(seed):
    for vector in (
        DriftSum(T, ALPHA, NOW),
        PathTerm(ALPHA, Index(1, True)),
        PathTerm(ALPHA, Index(1, False)),
    ):
        check(infer(DefinedLength(vector)), seed)


EVERY = ForTasks(length(basic(SlopeAt(BoundTask(0), JOINT, NOW))), TaskNumber("G", BoundTask(0)).poly())


def test_every_task_accepts_any_task():
    assert infer(EveryTask(U), infer(Assume(EVERY))).claim.right == TaskNumber("G", U).poly()


def test_every_task_refuses_other_premises():
    refuses(EveryTask(U), le(P, Q), match="about every task")
    with pytest.raises(KernelError, match="at most one bound task"):
        ForTasks(TaskNumber("G", BoundTask(1)).poly(), P)


@SEEDS
def test_every_task_holds(seed):
    theorem = infer(EveryTask(U), infer(Assume(EVERY)))
    world = random_world(seed)
    slopes = [world.inside(i).poly(EVERY.left) for i in range(len(world.losses))]
    world = replace(world, numbers={"G": tuple(slopes)})
    assert world.holds(EVERY) and world.holds(theorem.claim)


def test_count_positive_accepts_nothing():
    assert infer(CountPositive()).claim == Compare(number(1), Relation.LE, TaskCount().poly())


def test_count_positive_refuses_premises():
    refuses(CountPositive(), ONE_TASK, match="expected 0 premises")


@SEEDS
def test_count_positive_holds(seed):
    check(infer(CountPositive()), seed)


def test_one_task_length_accepts_a_single_task():
    assert infer(OneTaskLength(T, basic(SLOPE)), ONE_TASK).claim.relation is Relation.EQ


def test_one_task_length_refuses_other_counts():
    two = infer(Assume(Compare(TaskCount().poly(), Relation.EQ, number(2))))
    refuses(OneTaskLength(T, basic(SLOPE)), two, match="premise T = 1")
    refuses(OneTaskLength(T, basic(SLOPE)), le(TaskCount().poly(), number(1)), match="equation")


@SEEDS
def test_one_task_length_holds(seed):
    check(infer(OneTaskLength(T, REST), ONE_TASK), seed, tasks=1)


def test_one_task_product_accepts_a_single_task():
    assert infer(OneTaskProduct(T, P, Q), ONE_TASK).claim.relation is Relation.EQ


def test_one_task_product_refuses_other_counts():
    refuses(OneTaskProduct(T, P, Q), le(P, Q), match="equation")


@SEEDS
def test_one_task_product_holds(seed):
    check(infer(OneTaskProduct(T, length(REST), TaskNumber("G", T).poly() + P), ONE_TASK), seed, tasks=1)


def test_root_above_accepts_any_radicand():
    assert infer(RootAbove(P - Q)).claim.right == Root(P - Q).poly() ** 2


def test_root_above_refuses_premises():
    refuses(RootAbove(P), ONE_TASK, match="expected 0 premises")


@SEEDS
def test_root_above_holds(seed):
    check(infer(RootAbove(P - Q)), seed)


def test_larger_than_each_accepts_either_side():
    larger = Larger(P, Q)
    assert infer(LargerThanEach(larger, True)).claim.left == P
    assert infer(LargerThanEach(larger, False)).claim.left == Q


def test_larger_than_each_refuses_values_about_tasks():
    with pytest.raises(KernelError, match="do not depend on tasks"):
        Larger(P, TaskNumber("G", T).poly())


@SEEDS
def test_larger_than_each_holds(seed):
    for is_left in (True, False):
        check(infer(LargerThanEach(Larger(P, Q), is_left)), seed)


# -- scalars about tasks ----------------------------------------------------------------------------


def test_sums_over_tasks_keep_outer_tasks_apart():
    """sum_t sum_u <g_t, g_u> in either order is ||sum_t g_t||^2, and no letter is captured."""
    inner = over_tasks(U, product(Slope(T), Slope(U)))
    both = over_tasks(T, inner)
    world = random_world(5, tasks=3)
    total = world.vector(Summed(Slope(BoundTask(0))))
    assert world.poly(both) == total[0] ** 2 + total[1] ** 2
    drift = over_tasks(T, length(REST) * TaskNumber("G", U).poly())
    assert over_tasks(U, drift) == over_tasks(T, length(REST)) * over_tasks(U, TaskNumber("G", U).poly())


def test_sums_over_tasks_count_what_does_not_depend_on_the_task():
    assert over_tasks(T, number(3)) == TaskCount().poly() * 3
    assert over_tasks(T, length(basic(ALL))) == TaskCount().poly() * length(basic(ALL))


def test_n_is_replaced_in_every_scalar_about_runs():
    scalars = (length(REST), product(SLOPE, ALL), BendNorm(T, JOINT, NOW).poly())
    for scalar in (*scalars, over_tasks(T, length(REST) ** 2)):
        claim = claim_at(Compare(scalar, Relation.LE, P), Index(3, False))
        world = random_world(2)
        assert INDEX not in claim.free
        assert world.poly(claim.left) == pytest.approx(float(replace(world, n=3).poly(scalar)))


def test_a_sum_over_tasks_is_nonnegative_where_its_body_is():
    from proofs.kernel.scalars import is_nonnegative

    assert is_nonnegative(over_tasks(T, length(REST)))
    assert not is_nonnegative(over_tasks(T, TaskNumber("G", T).poly()))
    assert isinstance(next(iter(over_tasks(T, length(REST)).atoms())), TaskSum)


def test_bends_of_another_vector_are_other_scalars():
    assert length(basic(BendAt(T, JOINT, NOW, SLOPE))) != length(basic(BendAt(U, JOINT, NOW, SLOPE)))
