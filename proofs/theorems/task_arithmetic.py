"""Task arithmetic (TSK-1, TSK-2): any number of tasks, any number k of steps, losses of class C^3.

theta_t^(k): k steps of gradient descent on L_t from theta0; theta_MT^(k): k steps of size
alpha * eta on sum_t L_t; theta_TA = theta0 + alpha sum_t (theta_t^(k) - theta0).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from flint import fmpq

from proofs.kernel.core import Theorem, infer
from proofs.kernel.indices import Index
from proofs.kernel.rules.indices import Induction, Instantiate
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
    bend_of,
    definition_of,
    slope_of,
)
from proofs.kernel.scalars import Real, number
from proofs.kernel.sequences import Natural
from proofs.kernel.series import (
    AnyTask,
    BoundTask,
    Combination,
    DriftSum,
    Expansion,
    Origin,
    PathTerm,
    Run,
    RunPoint,
    Slope,
    SmoothTasks,
    Summed,
    basic,
    bent,
    combined,
    summed,
    zero,
)

__all__ = ["ALPHA", "TaskTheorems", "at_steps", "difference", "leading_term", "task_theorems"]

ALPHA = Real("alpha").poly()
TASK, OTHER = AnyTask("t"), AnyTask("u")
ONE, NOW, NEXT = Index(1, False), Index(0, True), Index(1, True)
HALF = number(fmpq(1, 2))


@dataclass(frozen=True, slots=True)
class TaskTheorems:
    """The theorems for symbolic k = n >= 1.

    one_step: TSK-1, an identity.  run_of_task, run_of_all: the points of the runs to second order.
    leading: theta_TA - theta_MT = -alpha eta^2 C + O(eta^3) with C at theta0.
    path: the same with C along the multi-task run.
    """

    one_step: Theorem
    run_of_task: Theorem
    run_of_all: Theorem
    leading: Theorem
    path_sum: Theorem
    path: Theorem


@cache
def task_theorems() -> TaskTheorems:
    """TSK-1 and TSK-2, derived once."""
    smooth = infer(Assume(SmoothTasks()))
    single, joint = Run(TASK, number(1)), Run(None, ALPHA)
    own, all_tasks = _run_to_second_order(single, smooth), _run_to_second_order(joint, smooth)
    leading = infer(ExpandLinear((difference(NOW),), TASK), own, all_tasks)
    path_sum = _path_sum(all_tasks, smooth)
    corrected = (difference(NOW), zero(), combined([(ALPHA, basic(PathTerm(ALPHA, NOW)))]))
    path = infer(ExpandLinear(corrected, TASK), own, all_tasks, path_sum)
    return TaskTheorems(_one_step(single, joint, smooth), own, all_tasks, leading, path_sum, path)


def difference(index: Index) -> Combination:
    """theta_TA - theta_MT after that many steps."""
    moved = combined(
        [(number(1), basic(RunPoint(Run(TASK, number(1)), index))), (number(-1), basic(Origin()))]
    )
    merged = combined([(number(1), basic(Origin())), (ALPHA, summed(TASK, moved))])
    return combined([(number(1), merged), (number(-1), basic(RunPoint(Run(None, ALPHA), index)))])


def leading_term() -> Combination:
    """C at theta0: k (k - 1) / 2 sum_t H_t (alpha sum_u g_u - g_t), k = n."""
    count = Natural().poly()
    every = basic(Summed(Slope(BoundTask(0))))
    drift = combined([(ALPHA, every), (number(-1), basic(Slope(TASK)))])
    return combined([(HALF * count * (count - 1), summed(TASK, bent(TASK, drift)))])


def _one_step(single: Run, joint: Run, smooth: Theorem) -> Theorem:
    starts = [infer(FirstStep(), smooth, infer(RunStart(run))) for run in (single, joint)]
    return infer(ExpandLinear((difference(ONE),), TASK), *starts)


def _run_to_second_order(run: Run, smooth: Theorem) -> Theorem:
    """x_n = theta0 - n s eta g + n (n - 1) / 2 s^2 eta^2 H g + O(eta^3), by induction."""
    count = Natural().poly()
    slope = slope_of(run)
    first = combined([(number(-1) * run.factor * count, slope)])
    bend = bend_of(run, slope)
    second = combined([(HALF * count * (count - 1) * run.factor * run.factor, bend)])
    claim = Expansion((basic(RunPoint(run, NOW)),), (basic(Origin()), first, second), False)
    base = infer(Truncate(3), infer(FirstStep(), smooth, infer(RunStart(run))))
    step = infer(NextStep(), smooth, infer(Assume(claim)))
    return infer(Induction(claim), base, step)


def _path_sum(joint: Theorem, smooth: Theorem) -> Theorem:
    """C_n = C at theta0 + O(eta), by induction, with that of the sums R_n(t) inside."""
    drift = _drift(joint, smooth)
    claim = Expansion((basic(PathTerm(ALPHA, NOW)),), (leading_term(),), False)
    nothing = infer(ExpandLinear((zero(),), TASK))
    base = infer(Truncate(1), infer(DefinedSum(PathTerm(ALPHA, ONE)), nothing))
    bend = infer(BendLimit(TASK), smooth, joint, drift)
    after = PathTerm(ALPHA, NEXT)
    step = _unfolded(after, [infer(Assume(claim)), bend])
    return infer(Induction(claim), base, step)


def _drift(joint: Theorem, smooth: Theorem) -> Theorem:
    """R_n(t) = n (alpha sum_u g_u - g_t) + O(eta)."""
    every = basic(Summed(Slope(BoundTask(0))))
    rest = combined([(ALPHA, every), (number(-1), basic(Slope(TASK)))])
    claim = Expansion((basic(DriftSum(TASK, ALPHA, NOW)),), (combined([(Natural().poly(), rest)]),), False)
    start = infer(RunStart(Run(None, ALPHA)))
    nothing = infer(DefinedSum(DriftSum(TASK, ALPHA, Index(0, False))), infer(ExpandLinear((zero(),), OTHER)))
    slopes = [infer(SlopeLimit(task), smooth, start) for task in (TASK, OTHER)]
    base = _unfolded(DriftSum(TASK, ALPHA, ONE), [nothing, *slopes])
    moving = [infer(SlopeLimit(task), smooth, joint) for task in (TASK, OTHER)]
    step = _unfolded(DriftSum(TASK, ALPHA, NEXT), [infer(Assume(claim)), *moving])
    return infer(Induction(claim), base, step)


def _unfolded(vector: DriftSum | PathTerm, premises: list[Theorem]) -> Theorem:
    task = OTHER if isinstance(vector, DriftSum) else TASK
    return infer(DefinedSum(vector), infer(ExpandLinear((definition_of(vector),), task), *premises))


def at_steps(theorem: Theorem, count: int) -> Theorem:
    """The theorem for that many steps."""
    return infer(Instantiate(Index(count, False)), theorem)
