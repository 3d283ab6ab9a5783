"""Whether the expansion of TSK-2 may be used with piecewise activations: no kink on the way (TSK-4).

For every task t and step e = 1..k-1 the segments from theta0 to theta_t^(e) and to theta_MT^(e) are
searched in balls: along theta0 + s u the argument z of a function with kinks lies, for s in [a, b] with
the middle m, both in the ball of its value there and in z(m) + z'([a, b]) ([a, b] - m).  A part on which
no ball meets a kink is done, any other is halved, the left half first, so that a crossing that is found
is the first one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from functools import lru_cache

from flint import arb, ctx

from numerics.errors import NumericsError
from numerics.exact import OnKink
from proofs.kernel.intervals import to_fmpq
from proofs.kernel.maps import Map, maps_below
from proofs.network.lowering import lower
from proofs.network.lowering_losses import input_map

from .exact_runs import ExactRuns, ExactTask, ExactTasks, Rational, Vector, advance_all, begun
from .sweeps import BALLS, RATIONALS, Call, KinkMet, Number, Sweep, derivatives, moved_by, place, summed

__all__ = ["KinkOutcome", "KinkReport", "Unit", "certify_pieces", "unit_of"]

BITS, DEPTH, MOST_PARTS = 256, 40, 20_000


class KinkOutcome(Enum):
    """What was found; every value is a sentence."""

    CERTIFIED = "No pre-activation meets a kink on any segment: the expansion holds on one piece per task."
    CROSSED = "A pre-activation crosses a kink on a segment: no order is claimed."
    UNDECIDED = "A pre-activation comes too near a kink to tell: nothing is claimed."


@dataclass(frozen=True, slots=True)
class Unit:
    """The argument of a function with kinks: its layer, its number from 1 and the sample from 1.

    Equal samples share their units, which have the number of the first; the loss has no sample.
    """

    layer: str
    number: int
    sample: int | None


@dataclass(frozen=True, slots=True)
class KinkReport:
    """The outcome; unless certified, where the search ended.

    segments, parts: how many segments were searched and certified, and into how many parts.
    task: from 0; step: e; joint: whether the segment leads to theta_MT^(e) and not to theta_t^(e).
    between: the pre-activation's piece at the first number is the one at theta0, at the second another
        (crossed), or nothing is known between them (undecided); fractions of the segment.
    equal_ends: whether all pre-activations are in the same pieces at both ends of that segment.
    """

    outcome: KinkOutcome
    segments: int
    parts: int
    task: int | None = None
    step: int | None = None
    joint: bool = False
    unit: Unit | None = None
    between: tuple[Fraction, Fraction] | None = None
    equal_ends: bool | None = None

    def sentence(self) -> str:
        """The outcome with its place."""
        if self.task is None or self.unit is None or self.between is None:
            return f"{self.outcome.value} Segments: {self.segments}, parts: {self.parts}."
        name = "MT" if self.joint else str(self.task + 1)
        end = f"segment to theta_{name}^({self.step})" if self.step else "at theta0"
        sample = "" if self.unit.sample is None else f", sample {self.unit.sample}"
        low, high = (float(s) for s in self.between)
        ends = " The pieces at both ends are the same." if self.equal_ends else ""
        return (
            f"{self.outcome.value} Task {self.task + 1}, {end}: {self.unit.layer}, "
            f"unit {self.unit.number}{sample}, at s from {low:.9g} to {high:.9g}.{ends}"
        )


def certify_pieces(
    tasks: ExactTasks, step_size: Rational, alpha: Rational, steps: int, *, bits: int = BITS
) -> KinkReport:
    """Searches every segment that TSK-2 needs; theta0 and the data are exact, the ends balls.

    Returns:
        Certified: on the segments to theta_t^(e) and theta_MT^(e), e <= k - 1, no argument of a function
        with kinks that depends on the parameters meets a kink, for the samples of task t.  Crossed: the
        unit is in another piece, or on a kink, at the second end of `between`.

    Raises:
        NumericsError: for a periodic function with kinks, a step size that is not positive, or steps < 1.
    """
    if step_size <= 0 or steps < 1:
        raise NumericsError(f"expected a step size > 0 and steps >= 1 but got {step_size}, {steps}")
    segments = parts = 0
    with ctx.workprec(bits):
        runs = begun(tasks, step_size, alpha, BALLS)
        at_start = _on_kink_at_start(tasks)
        if at_start is not None:
            number, unit = at_start
            place_ = (Fraction(0), Fraction(0))
            return KinkReport(KinkOutcome.CROSSED, 0, 0, number, 0, False, unit, place_)
        for step in range(1, steps):
            advance_all(runs)
            for number, joint, move in _segments(runs, step):
                search = _Search(tasks.tasks[number].sweep, tasks.point, move)
                outcome = search.run()
                parts += search.parts
                if outcome is not KinkOutcome.CERTIFIED:
                    unit = unit_of(tasks.tasks[number], search.call)
                    return KinkReport(
                        outcome,
                        segments,
                        parts,
                        number,
                        step,
                        joint,
                        unit,
                        search.between,
                        search.equal_ends(),
                    )
                segments += 1
    return KinkReport(KinkOutcome.CERTIFIED, segments, parts)


def _segments(runs: ExactRuns, step: int) -> Iterator[tuple[int, bool, Vector]]:
    for number in range(len(runs.tasks.tasks)):
        yield number, False, runs.own[step][number]
        yield number, True, runs.joint[step]


def _on_kink_at_start(tasks: ExactTasks) -> tuple[int, Unit] | None:
    """The first task and unit that is on a kink at theta0 exactly; None where rationals cannot tell."""
    for number, task in enumerate(tasks.tasks):
        try:
            task.sweep.gradient(RATIONALS, tasks.point)
        except KinkMet as met:
            return number, unit_of(task, met.call)
        except NumericsError:
            continue
    return None


class _Search:
    """One segment theta0 + s u, 0 <= s <= 1, of one task."""

    def __init__(self, sweep: Sweep, start: Sequence[Number], move: Vector) -> None:
        self._sweep, self._move = sweep, move
        self._start = [arb(entry) for entry in start]
        # Nothing behind the last function with kinks counts.
        self._steps = sweep.steps[: sweep.kinked[-1] + 1] if sweep.kinked else []
        self.parts = 0
        self.call = 0
        self.between = (Fraction(0), Fraction(1))

    def run(self) -> KinkOutcome:
        if not self._steps:
            return KinkOutcome.CERTIFIED
        first = self._pieces(Fraction(0))
        stack = [(Fraction(0), Fraction(1), 0)]
        while stack:
            low, high, depth = stack.pop()
            self.parts += 1
            met = self._met(low, high)
            if met is None:
                continue
            if depth == DEPTH or self.parts > MOST_PARTS:
                return self._ended(first, low, high, met)
            middle = (low + high) / 2
            stack += [(middle, high, depth + 1), (low, middle, depth + 1)]
        return KinkOutcome.CERTIFIED

    def equal_ends(self) -> bool | None:
        """Whether the pieces at s = 0 and s = 1 agree; None where one of them is not known."""
        ends = [self._pieces(Fraction(s)) for s in (0, 1)]
        return None if any(None in end.values() for end in ends) else ends[0] == ends[1]

    def _ended(self, first: dict[int, int | None], low: Fraction, high: Fraction, met: int) -> KinkOutcome:
        """Compares the pieces at both ends of the part, before which all of the segment is certified."""
        self.call, self.between = met, (low, high)
        # Where the crossing is at the end of the part itself, the pieces are known beyond it.
        for end in (high, min(Fraction(1), 2 * high - low)):
            last = self._pieces(end)
            for call, piece in last.items():
                if piece is None or first[call] is None:
                    break
                if piece != first[call]:
                    self.call, self.between = call, (low, end)
                    return KinkOutcome.CROSSED
        return KinkOutcome.UNDECIDED

    def _pieces(self, s: Fraction) -> dict[int, int | None]:
        """The piece of every call with kinks at s, in order; the last is None if it is not known."""
        point = arb(to_fmpq(s))
        values = [entry + point * step for entry, step in zip(self._start, self._move, strict=True)]
        found: dict[int, int | None] = {}
        for number, step in enumerate(self._steps):
            if isinstance(step, Call):
                inside = values[step.of] if step.fixed is None else arb(step.fixed)
                if step.function.kinks and step.fixed is None:
                    found[number] = place(step.function, inside)
                    if found[number] is None:
                        return found | {later: None for later in self._sweep.kinked if later > number}
                values.append(derivatives(BALLS, step, inside, number)[0])
            else:
                values.append(summed(BALLS, step, values))
        return found

    def _met(self, low: Fraction, high: Fraction) -> int | None:
        """The first call whose argument may meet a kink for s in [low, high]; None if there is none."""
        middle = arb(to_fmpq((low + high) / 2))
        away = arb(to_fmpq(low)).union(arb(to_fmpq(high))) - middle
        pairs = list(zip(self._start, self._move, strict=True))
        here = [entry + middle * step for entry, step in pairs]
        values = [entry + (middle + away) * step for entry, step in pairs]
        tangents, zero = list(self._move), arb(0)
        for number, step in enumerate(self._steps):
            if isinstance(step, Call):
                try:
                    fixed = None if step.fixed is None else arb(step.fixed)
                    inside = values[step.of] if fixed is None else fixed
                    value, slope, _ = derivatives(BALLS, step, inside, number)
                    point = derivatives(BALLS, step, here[step.of] if fixed is None else fixed, number)[0]
                except OnKink:
                    return number
                tangent = slope * tangents[step.of] if fixed is None else zero
            else:
                value, point = summed(BALLS, step, values), summed(BALLS, step, here)
                tangent = moved_by(step, values, tangents, zero)
            # All before is off the kinks on [low, high], so the mean value theorem holds.
            values.append(_meet(value, point + tangent * away))
            here.append(point)
            tangents.append(tangent)
        return None


def _meet(one: arb, other: arb) -> arb:
    """A ball around what lies in both balls, which is not empty."""
    return one.intersection(other) if one.overlaps(other) else one


def unit_of(task: ExactTask, call: int) -> Unit:
    """The unit whose pre-activation is the argument of that call of the task's sweep."""
    step = task.sweep.steps[call]
    if not isinstance(step, Call):
        raise NumericsError(f"expected the number of a call but got {call}")
    sample, layer = _owners(task).get(step.node, (None, "loss"))
    return Unit(layer, step.number + 1, sample)


@lru_cache(maxsize=64)
def _owners(task: ExactTask) -> dict[Map, tuple[int, str]]:
    """The sample from 1 and the layer of every map of the network at a sample."""
    found: dict[Map, tuple[int, str]] = {}
    for sample, row in enumerate(task.inputs, 1):
        for label, node in lower(task.architecture, input_map(task.architecture, row)).nodes:
            for below in maps_below(node):
                found.setdefault(below, (sample, label))
    return found
