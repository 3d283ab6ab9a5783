"""`gradlemma check`: derive the bounds, replay the proof, measure, and compare line by line."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar

from gradlemma.analyticity import AnalyticitySection, check_analyticity
from gradlemma.compare import differences
from gradlemma.measuring import NOTHING, measure_lines, measure_problem
from gradlemma.problem import Problem, bounds_refusal
from gradlemma.progress import Progress
from gradlemma.proved import INTERRUPTED, Bounds, ReadingBounds, derive_bounds
from gradlemma.resources import Stopwatch, peak_memory_bytes
from proofs.errors import GradlemmaError, KernelError
from proofs.kernel.codec import decode, encode
from proofs.kernel.core import Theorem, steps_of
from proofs.kernel.tensor_codec import encode_tensors
from proofs.theorems.bounds import ReadingName

if TYPE_CHECKING:
    from numerics.evidence import LineRatio
    from numerics.records import Measured, Place

__all__ = ["PLACES", "Checked", "Verdict", "check_problem"]

_T = TypeVar("_T")


class Verdict(IntEnum):
    """The verdict of a part of a run, weakest first; a run's is the weakest of its parts'."""

    REFUTED = 0
    UNDECIDED = 1
    CERTIFIED = 2
    PROVED = 3

    @property
    def exit_code(self) -> int:
        return {Verdict.REFUTED: 1, Verdict.UNDECIDED: 3}.get(self, 0)


@dataclass(frozen=True, slots=True)
class Ratio:
    """A proved bound against a measured value: `value` is bound/measured; None where not finite.

    against: what the comparison says against the bound; None if nothing.  It never says `proved`.
    """

    place: str
    quantity: str
    bound: str
    value: float | None
    against: Verdict | None


@dataclass(frozen=True, slots=True)
class Checked:
    """Everything a check found.

    bounds: None where none is derived for the problem; `absent` says why.
    analyticity: whether the loss is almost everywhere analytic, for any data set.
    """

    problem: Problem
    analyticity: AnalyticitySection
    bounds: Bounds | None
    document: dict[str, Any]
    replayed: bool
    measured: Measured
    ratios: tuple[Ratio, ...]
    slack: dict[int, LineRatio]
    verdict: Verdict
    reasons: tuple[str, ...]
    interrupted: bool
    elapsed_s: float
    peak_memory_bytes: int | None

    def steps(self) -> list[Theorem]:
        """All steps of all goals, in order; `slack` is keyed by their ids."""
        return steps_of(*self.goals().values())

    def goals(self) -> dict[str, Theorem]:
        """Every proved theorem by name."""
        return {} if self.bounds is None else self.bounds.goals()

    def trust(self) -> list[str]:
        """What the proofs rely on beyond the kernel's rules."""
        theorems = [*self.goals().values(), *self.analyticity.goals().values()]
        return sorted(frozenset[str]().union(*(theorem.trust for theorem in theorems)))

    @property
    def readings(self) -> dict[ReadingName, ReadingBounds]:
        """The bounds by reading."""
        return {} if self.bounds is None else self.bounds.readings

    @property
    def absent(self) -> dict[ReadingName, str]:
        """Why a reading has no bounds."""
        if self.bounds is not None:
            return self.bounds.absent
        return dict.fromkeys(ReadingName, bounds_refusal(self.problem) or "no bound derived")

    @property
    def weights_in_box(self) -> bool | None:
        """Whether the given weights lie in the box; None without weights or box."""
        return None if self.bounds is None else self.bounds.resolved.weights_in_box


class _Stages:
    """Long pieces of work one after the other; after the first Ctrl-C none begins."""

    def __init__(self) -> None:
        self.stopped_in: str | None = None

    def run(self, title: str, work: Callable[[], _T], otherwise: _T) -> _T:
        if self.stopped_in is not None:
            return otherwise
        try:
            return work()
        except KeyboardInterrupt:
            self.stopped_in = title
            return otherwise


def check_problem(problem: Problem, progress: Progress | None = None) -> Checked:
    """Derive, replay, measure and compare a problem's bounds.

    Returns:
        The bounds with verdict: `proved` or `certified` if every derivation replays and no
        measurement exceeds a bound; `refuted` if one does (a defect: report it); `undecided` if a
        measurement fails or is not finite, a reading that the problem asks for could not be derived, or
        the run was interrupted: then what was finished before is returned.  Where no bound is derived
        for the problem's layers (`bounds_refusal`) nothing is measured either.

    Raises:
        GradlemmaError: if no reading applies.
    """
    watch = Stopwatch()
    shown = progress or Progress(quiet=True)
    shown.stage("deriving where the loss is analytic")
    analyticity = check_analyticity(problem)
    refusal = bounds_refusal(problem)
    if refusal is not None:
        return _without_bounds(problem, analyticity, refusal, watch)
    bounds = derive_bounds(problem, report=shown.stage)
    goals = bounds.goals()
    if bounds.interrupted and not goals:
        raise KeyboardInterrupt
    if not goals:
        raise GradlemmaError("no bound was derived: " + "; ".join(bounds.absent.values()))
    document = {"derivation": encode(goals), "tensors": encode_tensors(*goals.values())}
    stages = _Stages()
    if bounds.interrupted:
        stages.stopped_in = "deriving"
    found = stages.run("replaying", lambda: _replayed(document["derivation"], bounds, shown), None)
    reasons, verdict = found or ([], Verdict.UNDECIDED)
    reasons += [f"{name.value} could not be derived" for name in ReadingName if name in bounds.failed]
    measured, failure = stages.run("measuring", lambda: measure_problem(bounds, shown), (NOTHING, None))
    if measured.interrupted:
        stages.stopped_in = "measuring"
    ratios = tuple(_ratios(bounds, measured))
    nothing: dict[int, LineRatio] = {}
    slack, trouble = stages.run(
        "evaluating the lines", lambda: measure_lines(bounds, measured, shown), (nothing, None)
    )
    reasons += [sentence for sentence in (failure, trouble) if sentence is not None]
    if stages.stopped_in is not None:
        reasons.append(_interrupted(stages.stopped_in, bounds))
    if bounds.failed or failure or trouble or stages.stopped_in:
        verdict = min(verdict, Verdict.UNDECIDED)
    for ratio in ratios:
        if ratio.against is not None:
            reasons.append(
                f"{ratio.quantity} {ratio.place} against {ratio.bound}: {ratio.against.name.lower()}"
            )
            verdict = min(verdict, ratio.against)
    if any(line.refuted for line in slack.values()):
        verdict = Verdict.REFUTED
        reasons += _failing_lines(bounds, slack)
    if not analyticity.covered:
        reasons.append(f"almost everywhere analytic: {analyticity.reason()}")
        verdict = min(verdict, Verdict.UNDECIDED)
    return Checked(
        problem, analyticity, bounds, document, found is not None, measured, ratios, slack, verdict,
        tuple(reasons), stages.stopped_in is not None, watch.elapsed_s(), peak_memory_bytes(),
    )  # fmt: skip


def _without_bounds(
    problem: Problem, analyticity: AnalyticitySection, refusal: str, watch: Stopwatch
) -> Checked:
    """A check of analyticity alone: it derives no bound and measures none."""
    document: dict[str, Any] = {"derivation": encode({}), "tensors": encode_tensors()}
    verdict = Verdict.PROVED if analyticity.covered else Verdict.UNDECIDED
    reasons = (refusal,) if analyticity.covered else (refusal, analyticity.reason())
    return Checked(
        problem, analyticity, None, document, False, NOTHING, (), {}, verdict, reasons, False,
        watch.elapsed_s(), peak_memory_bytes(),
    )  # fmt: skip


def _interrupted(stage: str, bounds: Bounds) -> str:
    """Where the run stopped, and what is missing for that."""
    missing = [name.value for name, reason in bounds.absent.items() if reason == INTERRUPTED]
    not_derived = f"{', '.join(missing)} not derived, " if missing else ""
    after = {"deriving": "nothing replayed or measured", "replaying": "nothing replayed or measured"}
    what = after.get(stage, "not every measurement made")
    return f"interrupted while {stage}: {not_derived}{what}"


def _failing_lines(bounds: Bounds, slack: dict[int, LineRatio]) -> list[str]:
    """One sentence for each line that an instance refutes."""
    found: list[str] = []
    for number, step in enumerate(steps_of(*bounds.goals().values()), start=1):
        line = slack.get(id(step))
        if line is not None and line.refuted:
            found.append(
                f"step {number} ({type(step.rule).__name__}) fails on an instance: "
                f"{line.worst_left:.17g} is not <= {line.worst_right:.17g}"
            )
    return found


def _replayed(document: Any, bounds: Bounds, shown: Progress) -> tuple[list[str], Verdict]:
    """The proofs' verdict, from the stored form read back and compared with the problem."""
    stage = shown.stage("replaying the derivation", len(document["steps"]))
    try:
        again = decode(json.loads(json.dumps(document)), progress=lambda done, _: stage.update(done))
    except KernelError as error:
        return [f"the derivation does not replay: {error}"], Verdict.UNDECIDED
    unlike = differences(again, bounds.work, bounds.resolved)
    if unlike:
        return unlike, Verdict.UNDECIDED
    trusted = any(theorem.trust for theorem in again.values())
    return [], Verdict.CERTIFIED if trusted else Verdict.PROVED


# Which reading bounds what is measured where.
PLACES = (
    ("at_weights", ReadingName.AT_WEIGHTS),
    ("box_random", ReadingName.WORST_CASE),
    ("box_ascent", ReadingName.WORST_CASE),
    ("ball", ReadingName.BALL),
)


def _ratios(bounds: Bounds, measured: Measured) -> Iterator[Ratio]:
    pairs = [*PLACES, ("at_weights", ReadingName.AT_RESIDUALS)]
    for place_name, reading_name in pairs:
        place: Place | None = getattr(measured, place_name)
        reading = bounds.readings.get(reading_name)
        if place is None or reading is None:
            continue
        gradient, hessian = reading.gradient, reading.hessian
        yield _ratio(place_name, "gradient_norm", reading_name, gradient.value, place.gradient_norm)
        if place.hessian_norm is not None:
            yield _ratio(place_name, "hessian_norm", reading_name, hessian.value, place.hessian_norm)
            if reading.refined is not None:
                refined = reading.refined.value
                yield _ratio(place_name, "hessian_norm_refined", reading_name, refined, place.hessian_norm)
        if reading_name is ReadingName.WORST_CASE:
            # The worst case holds for every data set in range, so for each sample by itself.
            sample = place.sample_gradient_norm
            yield _ratio(place_name, "sample_gradient_norm", reading_name, gradient.value, sample)


def _ratio(place: str, quantity: str, reading: ReadingName, bound: Fraction, found: Any) -> Ratio:
    if not (math.isfinite(found.value) and math.isfinite(found.error)):
        return Ratio(place, quantity, reading.value, None, Verdict.UNDECIDED)
    # A rounding error of a few units in the last place is no refutation.
    low = found.value * (1 - 1e-12) - found.error
    exceeds = low > 0 and Fraction(low) > bound
    value = None if found.value <= 0 else _quotient(bound, found.value)
    return Ratio(place, quantity, reading.value, value, Verdict.REFUTED if exceeds else None)


def _quotient(bound: Fraction, value: float) -> float | None:
    try:
        return float(bound / Fraction(value))
    except OverflowError:
        return None
