"""`gradlemma check`: derive the bounds, replay the proof, measure, and compare line by line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from gradlemma.compare import differences
from gradlemma.errors import printable
from gradlemma.problem import Problem
from gradlemma.progress import Progress
from gradlemma.proved import Bounds, derive_bounds
from gradlemma.resources import Stopwatch, peak_memory_bytes
from proofs.errors import GradlemmaError, KernelError
from proofs.kernel.codec import decode, encode
from proofs.kernel.core import Theorem, steps_of
from proofs.kernel.tensor_codec import encode_tensors
from proofs.kernel.tensors import ExactTensor
from proofs.theorems.bounds import ReadingName

if TYPE_CHECKING:
    import torch

    from numerics.evidence import LineRatio
    from numerics.records import Measured, Place

__all__ = ["Checked", "Verdict", "check_problem"]


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
    """Everything a check found."""

    problem: Problem
    bounds: Bounds
    document: dict[str, Any]
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
        return steps_of(*self.bounds.goals().values())


def check_problem(problem: Problem, progress: Progress | None = None) -> Checked:
    """Derive, replay, measure and compare a problem's bounds.

    Returns:
        The bounds with verdict: `proved` or `certified` if every derivation replays and no
        measurement exceeds a bound; `refuted` if one does (a defect: report it); `undecided` if a
        measurement is not finite or a reading that the problem asks for could not be derived.

    Raises:
        GradlemmaError: if no reading applies.
    """
    watch = Stopwatch()
    shown = progress or Progress(quiet=True)
    bounds = derive_bounds(problem, report=shown.stage)
    goals = bounds.goals()
    if bounds.interrupted and not goals:
        raise KeyboardInterrupt
    if not goals:
        raise GradlemmaError("no bound was derived: " + "; ".join(bounds.absent.values()))
    document = {"derivation": encode(goals), "tensors": encode_tensors(*goals.values())}
    reasons, verdict = _replayed(document["derivation"], bounds, shown)
    if bounds.failed:
        reasons += [f"{name.value} could not be derived" for name in ReadingName if name in bounds.failed]
        verdict = min(verdict, Verdict.UNDECIDED)
    measured, failure = _measured(bounds, shown)
    if failure is not None:
        reasons.append(failure)
        verdict = min(verdict, Verdict.UNDECIDED)
    ratios = tuple(_ratios(bounds, measured))
    stopped = bounds.interrupted or measured.interrupted
    slack: dict[int, LineRatio] = {}
    if not stopped:
        try:
            slack = _slack(bounds, measured, shown)
        except KeyboardInterrupt:
            stopped = True
    if stopped:
        reasons.append("interrupted: what was finished before is reported")
    for ratio in ratios:
        if ratio.against is not None:
            reasons.append(
                f"{ratio.quantity} {ratio.place} against {ratio.bound}: {ratio.against.name.lower()}"
            )
            verdict = min(verdict, ratio.against)
    if any(line.refuted for line in slack.values()):
        verdict = Verdict.REFUTED
        reasons += _failing_lines(bounds, slack)
    return Checked(
        problem, bounds, document, measured, ratios, slack, verdict, tuple(reasons), stopped,
        watch.elapsed_s(), peak_memory_bytes(),
    )  # fmt: skip


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


def _measured(bounds: Bounds, shown: Progress) -> tuple[Measured, str | None]:
    """The measurement, or an empty one and why there is none."""
    from numerics.errors import NumericsError
    from numerics.records import Measured

    try:
        return _measure(bounds, shown), None
    except NumericsError as error:
        why = printable(error)
    except OverflowError:
        why = "numbers beyond double precision"
    return Measured(None, None, None, None, False), f"nothing could be measured: {why}"


def _measure(bounds: Bounds, shown: Progress) -> Measured:
    import torch

    from numerics.box import Box
    from numerics.measure import measure

    problem, resolved = bounds.resolved.problem, bounds.resolved
    stage = shown.stage("measuring")

    def tensor(exact: ExactTensor) -> torch.Tensor:
        return torch.from_numpy(exact.to_numpy())

    weights = _flat_weights(bounds)
    box = None
    if resolved.box is not None:
        box = Box(
            tuple(_float_below(s) for s in resolved.box.weight_norms),
            tuple(None if c is None else _float_below(c) for c in resolved.box.bias_norms),
        )
    data = resolved.data
    return measure(
        problem.network,
        problem.loss,
        None if data is None else tensor(data.inputs),
        None if data is None else tensor(data.targets),
        weights=weights,
        box=box,
        radius=None if problem.radius is None or weights is None else _float_below(problem.radius),
        generator=torch.Generator().manual_seed(problem.seed),
        random_points=problem.measure.random_points,
        ascent_steps=problem.measure.ascent_steps,
        input_norm=_float_below(resolved.input_norm),
        target_norm=math.inf if resolved.target_norm is None else _float_below(resolved.target_norm),
        progress=lambda done, total: stage.update(done),
    )


def _flat_weights(bounds: Bounds) -> torch.Tensor | None:
    """The given weights as one vector [P]."""
    import torch

    if bounds.resolved.weights is None:
        return None
    return torch.cat([torch.from_numpy(w.to_numpy()).reshape(-1) for w in bounds.resolved.weights])


def _float_below(value: Fraction) -> float:
    near = float(value)
    return near if Fraction(near) <= value else math.nextafter(near, 0.0)


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


def _slack(bounds: Bounds, measured: Measured, shown: Progress) -> dict[int, LineRatio]:
    """Every line evaluated where its hypotheses hold: in the box, at the weights, in the ball."""
    import torch

    from gradlemma.instances import instances_of
    from numerics.evidence import evaluate_lines

    problem = bounds.resolved.problem
    generator = torch.Generator().manual_seed(problem.seed + 1)
    places = {
        ReadingName.WORST_CASE: (measured.box_random, measured.box_ascent),
        ReadingName.AT_WEIGHTS: (measured.at_weights,),
        ReadingName.AT_RESIDUALS: (measured.at_weights,),
        ReadingName.BALL: (measured.ball,),
    }
    reference = _flat_weights(bounds)
    found: dict[int, LineRatio] = {}
    for name, reading in bounds.readings.items():
        stage = shown.stage(f"evaluating the lines of {name.value}")
        instances = instances_of(problem.network, problem.loss, places[name], reference, generator)
        refined = () if reading.refined is None else (reading.refined.theorem,)
        steps = steps_of(reading.gradient.theorem, reading.hessian.theorem, *refined)
        lines = evaluate_lines(steps, instances, progress=lambda done, _, s=stage: s.update(done))
        for number, line in lines.items():
            if number not in found or line.ratio < found[number].ratio or line.refuted:
                found[number] = line
    return found
