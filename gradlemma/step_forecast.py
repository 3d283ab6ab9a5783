"""How many patterns there may be and how long they take, before they are gone through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from math import log10

from gradlemma.errors import ProblemError
from gradlemma.forecast import duration
from gradlemma.problem import Problem
from gradlemma.problem_maps import architecture_of
from gradlemma.resources import available_memory_bytes
from gradlemma.step_losses import StepLoss
from proofs.kernel.maps import Fixed, Map, maps_below, size_of
from proofs.theorems.step_patterns import patterns_at_most

__all__ = ["MANY", "Plan", "StepForecast", "count_text", "forecast_of", "require_moderate"]

# Fitted to ReLU, leaky ReLU and tanh networks of 2 to 200 parameters; good to a factor of 4.
BASE_S, BASE_MIB = 2.5, 350.0
SECONDS_PER_PATTERN = 25e-3
SECONDS_PER_HESSIAN_ENTRY = 1e-6
MIB_PER_PATTERN = 0.06
MIB_PER_HESSIAN_ENTRY = 1e-4
# Hessians of a pattern, those of the replay counted.
HESSIANS = 12
LONGEST_S = 6 * 3600.0
# Samples, over all batches, times parameters.
MOST_WORK = 50_000_000
MANY = 10**9


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
        count = count_text(self.patterns)
        batches = "" if self.losses == 1 else f" in {self.losses} batches"
        how = "" if self.plan is Plan.ALL else "; those that random points realise are looked at"
        return (
            f"forecast: {self.parameters} parameters, at most {count} patterns{batches}{how}, "
            f"about {duration(self.seconds)} and {self.memory_mib / 1024:.1f} GiB"
        )


def count_text(count: int) -> str:
    """A number of patterns; a power of ten below it where it is huge.

    >>> count_text(4096), count_text(2**40)
    ('4096', 'about 10^12')
    """
    return str(count) if count < MANY else f"about 10^{int((count.bit_length() - 1) * log10(2))}"


def require_moderate(problem: Problem, batches: int, batch: int | None) -> None:
    """Refuses a problem whose losses are too large to be written out as maps.

    Raises:
        ProblemError: naming what to reduce.
    """
    if problem.samples is None:
        return
    parameters = architecture_of(problem).parameter_count
    count = problem.samples.count if batch is None else batches * batch
    if count * parameters > MOST_WORK:
        raise ProblemError(
            f"expected samples times parameters of at most {MOST_WORK} but got {count} samples"
            + (f" in {batches} batches" if batch is not None else "")
            + f" and {parameters} parameters",
            kind="limit", remedy="use fewer samples with `data.limit`, or a smaller network",
        )  # fmt: skip


def forecast_of(
    problem: Problem, losses: Sequence[StepLoss], limit: int, samples: int, needs_patterns: bool
) -> StepForecast:
    """An estimate from the sizes of the maps; nothing of the patterns is computed.

    Raises:
        ProblemError: for more work than a few hours, or more memory than there is.
    """
    parameters = architecture_of(problem).parameter_count
    patterns = sum(patterns_at_most(loss.map) for loss in losses)
    plan = Plan.ALL if patterns <= limit * len(losses) else Plan.SAMPLE
    looked_at = patterns if plan is Plan.ALL else (limit + samples) * len(losses)
    entries = max(_entries(loss.map) for loss in losses)
    one = SECONDS_PER_PATTERN + HESSIANS * SECONDS_PER_HESSIAN_ENTRY * entries * parameters
    seconds = BASE_S + looked_at * one
    memory = BASE_MIB + looked_at * MIB_PER_PATTERN + MIB_PER_HESSIAN_ENTRY * entries * parameters
    found = StepForecast(parameters, patterns, len(losses), seconds, memory, plan)
    if not needs_patterns and plan is Plan.SAMPLE:
        return replace(found, seconds=BASE_S, memory_mib=BASE_MIB)
    room = available_memory_bytes()
    if seconds > LONGEST_S or (room is not None and memory * 2**20 > room):
        raise ProblemError(
            f"expected at most {duration(LONGEST_S)} and the memory that is free, but "
            f"{count_text(looked_at)} patterns of {parameters} parameters take about "
            f"{duration(seconds)} and {memory / 1024:.1f} GiB",
            kind="limit",
            remedy="use smaller --patterns and --samples, fewer samples (`data.limit`) or a smaller network",
        )
    return found


def _entries(root: Map) -> int:
    """The entries of all maps that a loss is made of, constants excepted."""
    return sum(size_of(node.require_shape()) for node in maps_below(root) if not isinstance(node, Fixed))
