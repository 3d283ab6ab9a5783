"""TSK: task arithmetic and multi-task training, how far apart they are."""

# ruff: noqa: E501 -- sentences of data are longer
from __future__ import annotations

from collections.abc import Mapping

from proofs.exhibits import (
    COLLAPSED_BINOMIAL,
    KINK,
    OPTIMAL_FACTOR,
    PLUS_SIGN,
    SEVERAL_STEPS,
    WITHOUT_ALPHA,
)
from proofs.kernel.core import Theorem

from ._statement import Hypothesis, Instantiation, NotSampled, Statement
from .assumptions import Assumption

__all__ = ["STATEMENTS"]

SOURCE = "Zhou et al., arXiv 2508.16082"
EXACT = NotSampled(
    "it is an identity, or speaks of eta -> 0: what goes wrong without its conditions is shown by exact instances",
    ("TSK-3",),
)


def _kept(name: str, says: str, kind: Assumption, why: str) -> Hypothesis:
    return Hypothesis(name, says, (kind,), can_be_dropped=False, why_not=why)


SMOOTH = _kept(
    "smooth-losses",
    "There are finitely many tasks; their losses are three times continuously differentiable near theta_0.",
    Assumption.TASKS_SMOOTH,
    "losses are not drawn; the exhibit `kink` of TSK-4 has one that is not differentiable",
)
FULL_BATCH = Hypothesis(
    "full-batch",
    "All runs start at theta_0 and take full-batch steps of one size, alpha times it on the sum.",
    can_be_dropped=False,
    why_not="it is part of the definition of the runs",
)
BOUNDS = (
    _kept("gradients-bounded", "`||grad L_t|| <= G` at the points 0, ..., k-2 of the multi-task run, for every task.", Assumption.RUN_SLOPES, "bounds are numbers that the user gives"),
    _kept("hessians-bounded", "`||Hess L_t|| <= H` at the points 1, ..., k-1 of the multi-task run, for every task.", Assumption.RUN_BENDS, "bounds are numbers that the user gives"),
    _kept("nonnegative-bounds", "G, H and the radius of the ball are at least 0.", Assumption.NONNEGATIVE, "norms are at least 0"),
    _kept("single-task", "`T = 1`, in the second form alone.", Assumption.SINGLE_TASK, "the other case is stated as well"),
    _kept("ball-bounds", "`||grad L_t|| <= G` and `||Hess L_t|| <= H` in the ball, in the forms for a ball alone.", Assumption.BALL_BOUNDS, "bounds are numbers that the user gives"),
    _kept("short-run", "`(k - 1) |alpha| eta T G` is at most the radius, in the forms for a ball alone.", Assumption.SHORT_RUN, "it is a sufficient condition"),
)  # fmt: skip


def _one_step() -> Mapping[str, Theorem]:
    from proofs.theorems.task_arithmetic import task_theorems

    return {"one_step": task_theorems().one_step}


def _second_order() -> Mapping[str, Theorem]:
    from proofs.theorems.task_arithmetic import task_theorems

    found = task_theorems()
    return {"leading": found.leading, "path": found.path}


def _bound() -> Mapping[str, Theorem]:
    from proofs.theorems.task_bound import task_bound_theorems

    found = task_bound_theorems()
    return {
        "bound": found.bound,
        "one_task": found.one_task,
        "unequal": found.unequal,
        "ball": found.ball,
        "bound_in_ball": found.bound_in_ball,
    }


STATEMENTS = (
    Statement(
        id="TSK-1",
        title="one step of task arithmetic",
        says="With one full-batch step, `theta_TA = theta_0 + alpha sum_t (theta_t - theta_0)` is exactly the point `theta_MT` that one step "
        "of size `alpha eta` on the sum of the losses reaches, for any number of tasks.",
        hypotheses=(
            SMOOTH,
            FULL_BATCH,
            Hypothesis(
                "one-step",
                "k = 1.",
                can_be_dropped=False,
                why_not="TSK-2 says what happens for more steps; the exhibit `several-steps` has an instance",
            ),
        ),
        source=SOURCE,
        established="derived by kernel rules of runs and power series in eta",
        instantiate=Instantiation(
            "gradlemma derive TSK-1 --format md",
            "from proofs.theorems.task_arithmetic import task_theorems\n"
            "from proofs.typeset import claim_latex\n"
            "print(claim_latex(task_theorems().one_step.claim))",
        ),
        theorems=_one_step,
        sampling=EXACT,
        exhibits=(SEVERAL_STEPS,),
    ),
    Statement(
        id="TSK-2",
        title="second order in the step size",
        says="After k steps `theta_TA - theta_MT = -alpha eta^2 C + O(eta^3)`, with `C = sum_t sum_{e=1}^{k-1} Hess L_t(x_e) sum_{m<e} r_t(x_m)`, "
        "`r_t = alpha sum_u grad L_u - grad L_t`, along the points x_e of the multi-task run; at theta_0, `C = k (k - 1)/2 sum_t H_t r_t`.",
        hypotheses=(SMOOTH, FULL_BATCH),
        source=f"{SOURCE}; its sign and factor corrected",
        established="derived by kernel rules: induction over the steps, for symbolic k, alpha and any number of tasks",
        instantiate=Instantiation(
            "gradlemma derive TSK-2 --format md",
            "from proofs.theorems.task_arithmetic import at_steps, task_theorems\n"
            "from proofs.typeset import claim_latex\n"
            "print(claim_latex(at_steps(task_theorems().leading, 5).claim))",
        ),
        theorems=_second_order,
        sampling=EXACT,
        exhibits=(WITHOUT_ALPHA,),
    ),
    Statement(
        id="TSK-3",
        title="bound of the leading difference",
        says="`||C|| <= T k (k - 1)/2 max(1, |alpha T - 1|) H G` for every k, T and alpha; with T = 1 the factor is `|alpha - 1|`.  With bounds "
        "G_t of the single tasks, `T max(...) G` is `sqrt(T (sum G_t^2 + max(0, T alpha^2 - 2 alpha) (sum G_t)^2))`.  In a ball around theta_0 in "
        "which G and H hold the run stays if `(k - 1) |alpha| eta T G` is at most its radius.",
        hypotheses=BOUNDS,
        source=f"{SOURCE}; binomial and factor corrected, optimality, ball and unequal bounds [gradlemma]",
        established="derived by kernel rules: Cauchy-Schwarz over the tasks, induction over the steps",
        instantiate=Instantiation(
            "gradlemma derive TSK-3 --format md",
            "from proofs.theorems.task_bound import task_bound\n"
            "print(task_bound(1, 1, 1, tasks=2, steps=5).value)",
        ),
        theorems=_bound,
        sampling=NotSampled(
            "its instances are exact: attained ones and failing printed forms are shown beside it", ("TSK-2",)
        ),
        exhibits=(COLLAPSED_BINOMIAL, PLUS_SIGN, OPTIMAL_FACTOR),
    ),
    Statement(
        id="TSK-4",
        title="activations with kinks",
        says="For piecewise losses TSK-2 holds with the pieces in place of the losses, if all points of the single runs and of the multi-task "
        "run up to step k - 1 lie in one piece of every loss; where one does not, the difference may be of first order.",
        hypotheses=(
            SMOOTH,
            FULL_BATCH,
            Hypothesis(
                "one-piece",
                "All points of the runs lie in one piece of every loss.",
                can_be_dropped=False,
                why_not="networks whose runs cross a kink are not drawn; the exhibit `kink` is an instance",
            ),
        ),
        source="[gradlemma]",
        established="TSK-2 for the pieces, which agree with the losses along the runs; its theorems are those of TSK-2",
        instantiate=Instantiation(
            "gradlemma derive TSK-4 --format md",
            "from flint import fmpq\n"
            "from proofs.network import Dense, Loss, Network\n"
            "from proofs.theorems.task_closed_form import Task, closed_form\n"
            'net = Network.of(1, Dense(1, bias=False), "relu", Dense(1, bias=False))\n'
            'point = {"W1": (fmpq(1),), "W2": (fmpq(1),)}\n'
            "tasks = [Task(((1,),), ((1,),)), Task(((2,),), ((-1,),))]\n"
            "form = closed_form(net, Loss.HALF_MSE, tasks, 2, along_path=True, pattern_at=point)\n"
            'print(form.values({"W1": [1], "W2": [1]}, 1.0, 0.01))',
        ),
        theorems=_second_order,
        sampling=EXACT,
        exhibits=(KINK,),
    ),
)
