"""What a search found, with its verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from .attack import Witness

__all__ = ["PROFILES", "Budget", "Outcome", "Verdict"]


class Verdict(IntEnum):
    """The verdict of a search, weakest first; a run's is the weakest of its parts'."""

    REFUTED = 0
    UNDECIDED = 1
    HOLDS = 2

    @property
    def exit_code(self) -> int:
        return {Verdict.REFUTED: 1, Verdict.UNDECIDED: 3, Verdict.HOLDS: 0}[self]


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a search may do for one statement.

    examples: settings; batch: instances drawn in each; climbers: how many of the best are improved,
    by `steps` steps of ascent; shrinks: settings that are tried to make a violation smaller.
    """

    examples: int
    batch: int
    climbers: int
    steps: int
    shrinks: int = 200


PROFILES = {
    "ci": Budget(examples=30, batch=256, climbers=8, steps=12),
    "default": Budget(examples=60, batch=512, climbers=16, steps=25, shrinks=500),
    "nightly": Budget(examples=1000, batch=1024, climbers=32, steps=60, shrinks=2000),
}


@dataclass(slots=True)
class Outcome:
    """One statement's result.

    instances: how many were evaluated with a finite margin; not_finite: how many others.
    ratios: for every quantity the largest left/right; reasons: why nothing was decided.
    settings, skipped: settings that were searched, and those of which the statement says nothing.
    """

    statement: str
    dropped: str | None
    seed: int
    instances: int = 0
    not_finite: int = 0
    settings: int = 0
    skipped: int = 0
    ratios: dict[str, float] = field(default_factory=dict)
    witness: Witness | None = None
    reasons: list[str] = field(default_factory=list)
    replayed: int = 0
    elapsed_s: float = 0.0

    @property
    def largest_ratio(self) -> float | None:
        return max(self.ratios.values(), default=None)

    @property
    def verdict(self) -> Verdict:
        if self.witness is not None:
            return Verdict.REFUTED
        return Verdict.UNDECIDED if self.reasons or self.not_finite or not self.instances else Verdict.HOLDS

    def sentence(self) -> str:
        """`holds on 3840 instances`, `refuted`, or `undecided: why`."""
        match self.verdict:
            case Verdict.HOLDS:
                return f"holds on {self.instances} instances"
            case Verdict.REFUTED:
                return "refuted"
            case _:
                return f"undecided: {self._why()}"

    def _why(self) -> str:
        if self.reasons:
            return self.reasons[0]
        if self.not_finite:
            return f"{self.not_finite} instances gave no finite number, {self.instances} did"
        return "no instance was evaluated"
