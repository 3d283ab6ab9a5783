"""Task arithmetic on a problem with tasks: runs, C, its bound, observed orders, kinks, theorems."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from gradlemma.errors import printable
from gradlemma.held_interrupts import interrupts_held
from gradlemma.problem import Problem
from gradlemma.progress import Progress
from gradlemma.resources import Stopwatch, peak_memory_bytes
from gradlemma.task_limits import NoTaskBound, TaskLimit, limit_of
from gradlemma.task_measuring import kinks_seen, measured_of
from gradlemma.task_results import (
    Kinks,
    KinkStatus,
    Part,
    TaskMeasured,
    TasksResult,
    TaskVerdict,
)
from gradlemma.task_setup import TaskForecast, TaskSetup, task_forecast, task_setup
from proofs.errors import GradlemmaError, KernelError
from proofs.kernel.codec import decode, encode
from proofs.kernel.core import Theorem
from proofs.kernel.tensor_codec import encode_tensors

if TYPE_CHECKING:
    from numerics.tasks import OrderTable, TaskRuns

__all__ = ["tasks"]

LARGEST_ETA = Fraction(1, 256)
NOT_REACHED = "interrupted"


def tasks(
    problem: Problem,
    *,
    eta: Any = None,
    alpha: Any = None,
    steps: int | None = None,
    order: bool = True,
    progress: Progress | None = None,
) -> TasksResult:
    """How far task arithmetic is from multi-task training on a problem's tasks, measured and bounded.

    Args:
        problem: a feed-forward network, a loss, weights and tasks.
        eta: step size in place of the problem's, `int`, `Fraction` or text such as `"1/10"`.
        alpha: coefficient of the task vectors in place of the problem's.
        steps: number of steps in place of the problem's.
        order: also observe the orders of the remainders on a ladder of step sizes.
        progress: reports stages; nothing without.

    Returns:
        Every theorem in it was derived again from its stored form.

    Raises:
        ProblemError: for a problem without tasks or weights, and numbers that do not fit.
    """
    watch = Stopwatch()
    setup = task_setup(problem, eta, alpha, steps)
    forecast = task_forecast(setup, order)
    with progress or Progress(quiet=True) as shown:
        shown.stage(forecast.sentence())
        work = _Work(setup, forecast, shown)
        work.run(order)
        return work.result(watch)


def _not_reached() -> Part[Any]:
    return Part(reason=NOT_REACHED)


@dataclass(slots=True)
class _Work:
    """What a run has found so far; Ctrl-C keeps it."""

    setup: TaskSetup
    forecast: TaskForecast
    shown: Progress
    runs: TaskRuns | None = None
    measured: TaskMeasured | None = None
    divergence: str | None = None
    order: Part[OrderTable] = field(default_factory=_not_reached)
    limit: Part[TaskLimit] = field(default_factory=_not_reached)
    kinks: Kinks = field(default_factory=lambda: Kinks(KinkStatus.NOT_CHECKED, NOT_REACHED))
    closed_form: Part[list[str]] = field(default_factory=_not_reached)
    goals: dict[str, Theorem] = field(default_factory=dict[str, Theorem])
    derivation: dict[str, Any] | None = None
    reasons: list[str] = field(default_factory=list[str])
    stage: str = "loading"
    interrupted: bool = False

    def run(self, order: bool) -> None:
        """All stages; Ctrl-C ends them."""
        stages: list[tuple[str, Callable[[], None]]] = [
            ("the runs", self._measure),
            ("kinks", self._look_at_kinks),
            ("bounds", self._bound),
            ("observed orders", lambda: self._observe(order)),
            ("closed form", self._write_out),
            ("theorems", self._derive),
        ]
        try:
            with interrupts_held():
                import numerics.tasks  # noqa: F401  # pyright: ignore[reportUnusedImport]
            for name, stage in stages:
                self.stage = name
                self.shown.stage(name)
                stage()
        except KeyboardInterrupt:
            self.interrupted = True

    # -- stages -----------------------------------------------------------------------------------

    def _measure(self) -> None:
        from numerics.tasks import run_tasks

        setup = self.setup
        losses = setup.tasks()
        runs = run_tasks(losses, setup.start(), float(setup.step), float(setup.alpha), setup.steps)
        if runs.divergence is not None:
            self.divergence = runs.divergence.sentence(runs.limit)
        self.runs = runs
        if runs.steps:
            self.measured = measured_of(losses, runs)

    def _look_at_kinks(self) -> None:
        setup = self.setup
        if not setup.has_kinks:
            self.kinks = Kinks(KinkStatus.ANALYTIC, "Network and loss have no kinks: the expansion holds.")
            return
        if setup.steps == 1:
            self.kinks = Kinks(KinkStatus.CERTIFIED, "With k = 1 the difference is 0, whatever the kinks.")
            return
        if not setup.is_small:
            self.kinks = kinks_seen(self.runs)
            return
        from numerics.tasks import KinkOutcome, certify_pieces

        try:
            report = certify_pieces(setup.exact, setup.step, setup.alpha, setup.steps)
        except GradlemmaError as error:
            why = f"The kinks could not be looked at: {printable(error, 300)}"
            self.kinks = Kinks(KinkStatus.UNDECIDED, why)
            return
        status = {
            KinkOutcome.CERTIFIED: KinkStatus.CERTIFIED,
            KinkOutcome.CROSSED: KinkStatus.CROSSED,
            KinkOutcome.UNDECIDED: KinkStatus.UNDECIDED,
        }[report.outcome]
        self.kinks = Kinks(status, report.sentence(), report)

    def _bound(self) -> None:
        if self.divergence is not None:
            self.limit = Part(reason="a run diverged")
            return
        try:
            self.limit = Part(limit_of(self.setup))
        except NoTaskBound as error:
            self.limit = Part(reason=printable(error, 400))

    def _observe(self, wanted: bool) -> None:
        setup = self.setup
        if not wanted:
            self.order = Part(reason="not asked for (--no-order)")
            return
        if not setup.is_small:
            self.order = Part(
                reason="the network is too large for 256 bits; orders are observed on small networks"
            )
            return
        from numerics.tasks import KinkMet, order_table

        try:
            largest = min(setup.step, LARGEST_ETA, Fraction(1, 16 * setup.steps))
            self.order = Part(order_table(setup.exact, setup.alpha, setup.steps, largest=largest))
        except KinkMet as error:
            self.order = Part(reason=f"a run meets a kink on the ladder: {printable(error, 200)}")
        except GradlemmaError as error:
            self.order = Part(reason=printable(error, 300))

    def _write_out(self) -> None:
        setup = self.setup
        if not setup.has_closed_form:
            self.closed_form = Part(reason="the network is too large for a closed form of C")
            return
        from proofs.theorems.task_closed_form import Task, closed_form
        from proofs.typeset.map_sympy import closed_form_latex

        exact = setup.exact
        given = [Task(one.inputs, one.targets) for one in exact.tasks]
        try:
            with interrupts_held():
                import sympy  # noqa: F401  # pyright: ignore[reportUnusedImport]
            point = setup.exact_point if setup.has_kinks else None
            form = closed_form(setup.network, setup.problem.loss, given, setup.steps, pattern_at=point)
            self.closed_form = Part(closed_form_latex(form))
        except GradlemmaError as error:
            self.closed_form = Part(reason=printable(error, 300))

    def _derive(self) -> None:
        """TSK-1, TSK-2 for k steps (not across kinks) and TSK-3, stored, read back and compared."""
        from proofs.theorems.task_arithmetic import at_steps, task_theorems

        found = task_theorems()
        wanted = {"TSK1.one_step": found.one_step}
        if self.kinks.status.allows:
            wanted["TSK2.leading"] = at_steps(found.leading, self.setup.steps)
            wanted["TSK2.path"] = at_steps(found.path, self.setup.steps)
        if self.limit.value is not None:
            wanted |= self.limit.value.theorems
        document = json.loads(json.dumps(encode(wanted)))
        stage = self.shown.stage("replaying", total=len(document["steps"]))
        try:
            again = decode(document, progress=lambda done, _: stage.update(done))
        except KernelError as error:
            self.reasons.append(f"the theorems do not replay: {printable(error, 300)}")
            return
        unlike = [name for name in wanted if not _is_same(again.get(name), wanted[name])]
        if unlike:
            self.reasons.append(f"the replay gave another statement of {', '.join(unlike)}")
            return
        self.goals = again
        self.derivation = {"derivation": document, "tensors": encode_tensors(*again.values())}

    # -- the verdict ------------------------------------------------------------------------------

    def result(self, watch: Stopwatch) -> TasksResult:
        setup = self.setup
        if not self.goals:
            # A bound without its replayed theorem is not said.
            reason = self.limit.reason or "its theorem was not replayed"
            self.limit = Part(reason=reason)
        verdict = self._verdict()
        return TasksResult(
            setup=setup,
            measured=self.measured,
            divergence=self.divergence,
            order=self.order,
            limit=self.limit,
            kinks=self.kinks,
            latex=_c_latex(setup.steps),
            closed_form=self.closed_form,
            goals=self.goals,
            derivation=self.derivation,
            verdict=verdict,
            reasons=tuple(self.reasons),
            notes=tuple(_notes(setup, self.measured)),
            forecast=self.forecast,
            interrupted=self.interrupted,
            elapsed_s=watch.elapsed_s(),
            peak_memory_bytes=peak_memory_bytes(),
        )

    def _verdict(self) -> TaskVerdict:
        verdict = TaskVerdict.HOLDS
        if self.interrupted:
            self.reasons.append(f"interrupted at: {self.stage}; what was known by then stands here")
            verdict = TaskVerdict.UNDECIDED
        if self.divergence is not None:
            self.reasons.append(self.divergence)
            verdict = TaskVerdict.UNDECIDED
        if not self.goals:
            verdict = TaskVerdict.UNDECIDED
        if not self.interrupted and not self.kinks.status.allows:
            self.reasons.append(f"no O(eta^3) remainder is claimed: {self.kinks.sentence}")
            verdict = TaskVerdict.UNDECIDED
        if self.limit.value is None and self.limit.reason not in (NOT_REACHED, "a run diverged"):
            self.reasons.append(f"no bound of C: {self.limit.reason}")
        if self._exceeds():
            self.reasons.append("the measured norm of C exceeds its bound")
            verdict = TaskVerdict.REFUTED
        return verdict

    def _exceeds(self) -> bool:
        if self.limit.value is None or self.measured is None:
            return False
        norm = float(self.measured.path.vector.norm())
        low = norm * (1 - 1e-12) - self.measured.path.rounding
        return math.isfinite(low) and low > 0 and Fraction(low) > self.limit.value.value


def _is_same(theorem: Theorem | None, other: Theorem) -> bool:
    return theorem is not None and theorem.claim is other.claim and theorem.hypotheses == other.hypotheses


def _c_latex(steps: int) -> str:
    """C for that many steps, as the kernel's theorem has it: its value at theta_0 and a remainder."""
    from proofs.theorems.task_arithmetic import at_steps, task_theorems
    from proofs.typeset import claim_latex

    return claim_latex(at_steps(task_theorems().path_sum, steps).claim, exact=True)


def _notes(setup: TaskSetup, seen: TaskMeasured | None) -> list[str]:
    notes: list[str] = []
    left = setup.given.count - len({member for members in setup.members for member in members})
    if left:
        notes.append(f"{left} samples of the data belong to no task")
    if setup.steps == 1:
        notes.append("with k = 1 task arithmetic and multi-task training agree exactly (TSK-1)")
    if seen is not None and seen.explained.share < 0:
        notes.append(
            "the remainder is larger than the difference: these steps are too long for -alpha eta^2 C"
        )
    return notes
