"""How many patterns there may be and how long they take, before they are gone through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from gradlemma.errors import ProblemError
from gradlemma.forecast import duration
from gradlemma.problem import Problem
from gradlemma.problem_maps import architecture_of
from gradlemma.step_losses import StepLoss
from proofs.kernel.maps import Fixed, Map, maps_below, size_of
from proofs.theorems.step_patterns import patterns_at_most

__all__ = ["Plan", "StepForecast", "forecast_of", "require_moderate"]

# Fitted to ReLU, leaky ReLU and tanh networks of 7 to 150 parameters; good to a factor of 4.
BASE_S, BASE_MIB = 1.5, 320.0
SECONDS_PER_PATTERN = 8e-3
SECONDS_PER_HESSIAN_ENTRY = 0.7e-6
MIB_PER_PATTERN = 0.1
HESSIANS = 12
LONGEST_S = 6 * 3600.0
# Entries of all maps times parameters: what building the loss and one Hessian need.
MOST_WORK = 40_000_000


class Plan(Enum):
    """How the patterns are looked at."""

    ALL = "all"
    SAMPLE = "sample"


@dataclass(frozen=True, slots=True)
class StepForecast:
    """What is to be expected.

    parameters, patterns: P, and a bound of the number of patterns, over all batches.
    seconds, memory_mib: estimates, good to a factor of 4.
    """

    parameters: int
    patterns: int
    losses: int
    seconds: float
    memory_mib: float
    plan: Plan

    def sentence(self) -> str:
        """A line for people."""
        count = str(self.patterns) if self.patterns < 10**9 else f"10^{len(str(self.patterns)) - 1}"
        batches = "" if self.losses == 1 else f" in {self.losses} batches"
        how = "" if self.plan is Plan.ALL else "; those that random points realise are looked at"
        return (
            f"forecast: {self.parameters} parameters, at most {count} patterns{batches}{how}, "
            f"about {duration(self.seconds)} and {self.memory_mib / 1024:.1f} GiB"
        )


def require_moderate(problem: Problem, batches: int) -> None:
    """Refuses a problem whose loss is too large to be written out as a map.

    Raises:
        ProblemError: naming what to reduce.
    """
    if problem.samples is None:
        return
    parameters = architecture_of(problem).parameter_count
    work = parameters * (problem.samples.count + parameters)
    if work * batches > MOST_WORK:
        raise ProblemError(
            f"expected a problem whose Hessians can be computed exactly but got {parameters} parameters and "
            f"{problem.samples.count} samples" + (f" in {batches} batches" if batches > 1 else ""),
            kind="limit", remedy="use fewer samples with `data.limit`, or a smaller network",
        )  # fmt: skip


def forecast_of(problem: Problem, losses: Sequence[StepLoss], limit: int, samples: int) -> StepForecast:
    """An estimate from the sizes of the maps; nothing of the patterns is computed.

    Raises:
        ProblemError: for more work than a few hours.
    """
    parameters = architecture_of(problem).parameter_count
    patterns = sum(patterns_at_most(loss.map) for loss in losses)
    plan = Plan.ALL if patterns <= limit * len(losses) else Plan.SAMPLE
    looked_at = patterns if plan is Plan.ALL else (limit + samples) * len(losses)
    entries = max(_entries(loss.map) for loss in losses)
    one = SECONDS_PER_PATTERN + HESSIANS * SECONDS_PER_HESSIAN_ENTRY * entries * parameters
    seconds = BASE_S + looked_at * one
    if seconds > LONGEST_S:
        raise ProblemError(
            f"expected a problem that takes at most {duration(LONGEST_S)} but {looked_at} patterns of "
            f"{parameters} parameters take about {duration(seconds)}",
            kind="limit", remedy="use a smaller --patterns or --samples, fewer samples with `data.limit`, or a smaller network",
        )  # fmt: skip
    return StepForecast(
        parameters, patterns, len(losses), seconds, BASE_MIB + looked_at * MIB_PER_PATTERN, plan
    )


def _entries(root: Map) -> int:
    """The entries of all maps that a loss is made of, constants excepted."""
    return sum(size_of(node.require_shape()) for node in maps_below(root) if not isinstance(node, Fixed))
