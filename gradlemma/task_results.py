"""What is found about the tasks of a problem, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from gradlemma.problem import Problem
from gradlemma.task_limits import TaskLimit
from gradlemma.task_setup import TaskForecast, TaskSetup
from proofs.kernel.core import Theorem, steps_of

if TYPE_CHECKING:
    from numerics.tasks import Explained, KinkReport, OrderTable, PiecesSeen, SecondOrder

__all__ = ["KinkStatus", "Kinks", "LossesSeen", "Part", "TaskMeasured", "TaskVerdict", "TasksResult"]

INTERRUPTED = 130
T = TypeVar("T")


class TaskVerdict(Enum):
    """The weakest of what was found."""

    HOLDS = "holds"
    REFUTED = "refuted"
    UNDECIDED = "undecided"

    @property
    def exit_code(self) -> int:
        return {TaskVerdict.HOLDS: 0, TaskVerdict.REFUTED: 1, TaskVerdict.UNDECIDED: 3}[self]


class KinkStatus(Enum):
    """Whether TSK-2 may be used along these runs; `analytic`: nothing has a kink."""

    ANALYTIC = "analytic"
    CERTIFIED = "certified"
    CROSSED = "crossed"
    UNDECIDED = "undecided"
    NOT_CHECKED = "not checked"

    @property
    def allows(self) -> bool:
        return self in (KinkStatus.ANALYTIC, KinkStatus.CERTIFIED)


@dataclass(frozen=True, slots=True)
class Kinks:
    """The status, a sentence, and the search, or what double precision saw, where there was one."""

    status: KinkStatus
    sentence: str
    report: KinkReport | None = None
    seen: PiecesSeen | None = None


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """A part of the result, or a sentence that says why it is missing."""

    value: T | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class LossesSeen:
    """Losses of one task at four points; None where not finite."""

    start: float | None
    own: float | None
    merged: float | None
    multi_task: float | None


@dataclass(frozen=True, slots=True)
class TaskMeasured:
    """The runs in double precision.

    steps: done by every run; distance: ||theta_MT - theta_0||; divergence: a sentence, or None.
    path, leading: C along the multi-task run and at theta_0.
    """

    steps: int
    difference: float
    rounding: float
    distance: float
    path: SecondOrder
    leading: SecondOrder
    explained: Explained
    explained_by_leading: float
    losses: tuple[LossesSeen, ...]


@dataclass(frozen=True, slots=True)
class TasksResult:
    """Every theorem in `goals` was derived again from its stored form; `derivation` is that form."""

    setup: TaskSetup
    measured: TaskMeasured | None
    divergence: str | None
    order: Part[OrderTable]
    limit: Part[TaskLimit]
    kinks: Kinks
    latex: str | None
    closed_form: Part[list[str]]
    goals: dict[str, Theorem]
    derivation: dict[str, Any] | None
    verdict: TaskVerdict
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    forecast: TaskForecast
    interrupted: bool
    elapsed_s: float
    peak_memory_bytes: int | None

    @property
    def problem(self) -> Problem:
        return self.setup.problem

    @property
    def exit_code(self) -> int:
        """0 holds, 1 refuted, 3 undecided, 130 interrupted."""
        return INTERRUPTED if self.interrupted else self.verdict.exit_code

    @property
    def kernel_steps(self) -> int:
        return len(list(steps_of(*self.goals.values()))) if self.goals else 0

    @property
    def trust(self) -> tuple[str, ...]:
        """What the theorems rely on beyond the kernel's rules."""
        return tuple(sorted({name for theorem in self.goals.values() for name in theorem.trust}))

    @property
    def ratio(self) -> float | None:
        """The bound of ||C|| over the measured norm."""
        if self.limit.value is None or self.measured is None:
            return None
        norm = float(self.measured.path.vector.norm())
        if norm <= self.measured.path.rounding:
            return None
        try:
            return float(self.limit.value.value) / norm
        except OverflowError:
            return None
