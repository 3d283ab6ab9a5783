"""What is found about the step sizes of a problem, as frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flint import fmpq

from gradlemma.step_collapse import Collapsing
from gradlemma.step_forecast import StepForecast
from gradlemma.step_rules import StepRule
from proofs.kernel.maps import StepSize
from proofs.theorems.step_sizes import StepStatus

if TYPE_CHECKING:
    from gradlemma.problem import Problem
    from gradlemma.step_numerics import NumericChecks
    from proofs.kernel.core import Theorem

__all__ = ["Analytic", "Answer", "Coverage", "ExceptionalEta", "Level", "ScheduleAnswer", "StepsResult"]


@dataclass(frozen=True, slots=True)
class Analytic:
    """Whether the losses are almost everywhere analytic: `proved`, `not covered` or `undecided`."""

    verdict: str
    reason: str
    trust: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which patterns were gone through, summed over the batches.

    possible: ways to choose a piece for every entry of every function with kinks.
    infeasible: those of them that are excluded by a certificate, or because an entry is constant.
    visited: patterns with a rational point that realises them.
    unknown: patterns with neither.
    complete: whether all patterns were gone through, so that `nonsingular` can be shown.
    determined: whether E is known: complete, every pattern has a polynomial of its constant
        eigenvalues, and every root of it is decided.
    reason: why not, if so.
    """

    possible: int
    infeasible: int
    visited: int
    unknown: int
    complete: bool
    determined: bool
    reason: str | None
    least_unexcluded: fmpq | None = None


@dataclass(frozen=True, slots=True)
class ExceptionalEta:
    """A step size at which a pattern collapses (`singular`) or may collapse (`undecided`).

    also: other patterns whose Hessian may have the eigenvalue 1/eta everywhere.
    """

    step: StepSize
    status: StepStatus
    reason: str
    pattern: str
    also: tuple[str, ...]
    collapsing: Collapsing | None
    trust: tuple[str, ...]
    goal: str | None
    batch: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict about a step size that was asked for."""

    step: StepSize
    status: StepStatus
    reason: str
    trust: tuple[str, ...]
    goals: tuple[str, ...]
    pattern: str | None = None
    batch: tuple[int, ...] | None = None
    collapsing: Collapsing | None = None


@dataclass(frozen=True, slots=True)
class ScheduleAnswer:
    """The verdict about fixed steps one after the other."""

    steps: tuple[StepSize, ...]
    status: StepStatus
    reason: str
    trust: tuple[str, ...]
    goal: str | None


@dataclass(frozen=True, slots=True)
class Level:
    """A set {polynomial = kink} of those that S(L) lies in, with a point that shows it is null.

    pattern: the choices that the polynomial depends on; `-` where it depends on none.
    """

    text: str
    pattern: str
    witness: tuple[tuple[str, tuple[fmpq, ...]], ...] | None
    batch: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class StepsResult:
    """Everything that `steps` finds.

    singular_set: None where it was not derived.
    notes: sentences that belong to every output, such as that the data were rationalised.
    derivation: the stored theorems, `derivation` and `tensors`; None where there are none.
    goals: the theorems that a replay confirmed, by name.
    """

    problem: Problem
    rule: StepRule
    weight_decay: fmpq
    forecast: StepForecast
    analytic: Analytic
    coverage: Coverage
    exceptional: tuple[ExceptionalEta, ...]
    verdicts: tuple[Answer, ...]
    schedule: ScheduleAnswer | None
    singular_set: tuple[Level, ...] | None
    numeric: NumericChecks | None
    notes: tuple[str, ...]
    derivation: dict[str, Any] | None
    goals: Mapping[str, Theorem]
    kernel_steps: int
    interrupted: bool
    elapsed_s: float
    peak_memory_bytes: int | None

    @property
    def exit_code(self) -> int:
        """0 every asked step is nonsingular (none asked: E is known), 1 one is singular, else 3 or 130."""
        if self.interrupted:
            return 130
        asked = [answer.status for answer in self.verdicts]
        if self.schedule is not None:
            asked.append(self.schedule.status)
        if StepStatus.SINGULAR in asked:
            return 1
        if asked:
            return 0 if all(status is StepStatus.NON_SINGULAR for status in asked) else 3
        return 0 if self.coverage.determined else 3

    @property
    def trust(self) -> tuple[str, ...]:
        """What the confirmed theorems rely on beyond the kernel's rules."""
        return tuple(sorted(frozenset[str]().union(*(theorem.trust for theorem in self.goals.values()))))
