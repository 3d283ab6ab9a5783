"""From what was derived to what is said: all theorems replayed, and only then a verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flint import fmpq

from gradlemma.held_interrupts import load_measuring
from gradlemma.polynomial_text import named_polynomial, polynomial_text, shapes_of
from gradlemma.step_collapse import collapsing_of
from gradlemma.step_forecast import StepForecast
from gradlemma.step_numerics import (
    CollapseSeen,
    NumericChecks,
    checked_step,
    collapse_seen,
    determinants_seen,
)
from gradlemma.step_replay import Replayed, replayed
from gradlemma.step_results import (
    Analytic,
    Answer,
    Coverage,
    ExceptionalEta,
    Level,
    ScheduleAnswer,
    StepsResult,
)
from gradlemma.step_rules import Method, StepRule
from gradlemma.step_unit import Candidate, Goal, StepUnit, dynamics_of
from proofs.errors import GradlemmaError, KernelError
from proofs.kernel.core import Theorem, steps_of
from proofs.kernel.dynamics import Composed
from proofs.kernel.maps import Map, StepNumber, StepSize
from proofs.kernel.rules.patterns import DiffersAt, DiffersInBallsAt
from proofs.kernel.set_claims import NonSingular, Within
from proofs.kernel.sets import Either, LevelNumber, LevelSet, Region
from proofs.theorems.exceptional import schedule_is_non_singular
from proofs.theorems.step_patterns import Pattern, label_of
from proofs.theorems.step_sizes import StepStatus, StepVerdict

if TYPE_CHECKING:
    from gradlemma.problem import Problem
    from gradlemma.progress import Progress
    from gradlemma.resources import Stopwatch

__all__ = ["Findings", "result_of"]

MAX_COLLAPSES = 16


@dataclass(slots=True)
class Findings:
    """What a run has derived so far; nothing of it is said before it is replayed.

    asked, planned: the step sizes of --eta, and those of --schedule in order.
    answers: by step size, one verdict for each loss.
    """

    rule: StepRule
    asked: tuple[StepNumber, ...]
    planned: tuple[StepNumber, ...]
    units: tuple[StepUnit, ...]
    seed: int
    notes: list[str]
    answers: dict[StepSize, list[StepVerdict]] = field(default_factory=dict[StepSize, list[StepVerdict]])
    schedule: Goal | None = None
    stage: str = "nothing"
    interrupted: bool = False

    @property
    def wanted(self) -> tuple[StepNumber, ...]:
        """All step sizes that get a verdict, each once."""
        return tuple(dict.fromkeys((*self.asked, *self.planned)))

    def find_answers(self) -> None:
        """The verdicts about the step sizes, and about the schedule."""
        for step in self.wanted:
            self.answers[step] = [unit.answer(self.rule, step) for unit in self.units]
        if not self.planned or len(self.units) != 1:
            return
        theorems = [self.answers[step][0].theorem for step in self.planned]
        non_singular = [self.answers[step][0].status is StepStatus.NON_SINGULAR for step in self.planned]
        known = [theorem for theorem in theorems if theorem is not None]
        if all(non_singular) and len(known) == len(theorems):
            moved = tuple(dynamics_of(self.rule, self.units[0], step) for step in self.planned)
            self.schedule = Goal(schedule_is_non_singular(*known), NonSingular(Composed(moved)))

    def salvage(self) -> None:
        """After an interrupt: the exceptional step sizes of the patterns whose spectra are known."""
        for unit in self.units:
            if unit.has_candidates:
                continue
            unit.keep_patterns()
            seen = {candidate.verdict.step for candidate in unit.candidates}
            for found in unit.sizes.exceptional():
                if found.verdict.status is StepStatus.SINGULAR and found.step not in seen:
                    seen.add(found.step)
                    unit.candidates.append(Candidate(found.verdict, found.pattern.label, ()))


def result_of(
    findings: Findings,
    *,
    problem: Problem,
    weight_decay: fmpq,
    forecast: StepForecast,
    progress: Progress,
    watch: Stopwatch,
    peak: Callable[[], int | None],
) -> StepsResult:
    """Replays every theorem, measures, and puts together what may be said."""
    if findings.interrupted:
        with suppress(KeyboardInterrupt):
            findings.salvage()
    goals = _goals(findings)
    again = _replay(findings, goals, progress)
    said = _Said(findings, goals, again)
    exceptional = tuple(one for unit in findings.units for one in said.exceptional(unit))
    answers = tuple(said.answer(step) for step in findings.wanted)
    findings.notes += _first_steps(findings, exceptional)
    numeric = None if findings.interrupted else _measured(findings, exceptional, answers, progress)
    return StepsResult(
        problem=problem,
        rule=findings.rule,
        weight_decay=weight_decay,
        forecast=forecast,
        analytic=said.analytic(),
        coverage=said.coverage(exceptional),
        exceptional=exceptional,
        verdicts=answers,
        schedule=said.schedule(),
        singular_set=said.singular_set(),
        numeric=numeric,
        notes=tuple(findings.notes),
        derivation=again.document,
        goals={name: goals[name].theorem for name in goals if name in again.confirmed},
        kernel_steps=len(steps_of(*(goals[name].theorem for name in again.confirmed))),
        interrupted=findings.interrupted,
        elapsed_s=watch.elapsed_s(),
        peak_memory_bytes=peak(),
    )


def _first_steps(findings: Findings, exceptional: tuple[ExceptionalEta, ...]) -> list[str]:
    """What an exceptional step size means for runs with momentum, which start at v = 0."""
    if findings.rule.method not in (Method.HEAVY_BALL, Method.NESTEROV):
        return []
    known = {one.step for one in exceptional if one.status is StepStatus.SINGULAR}
    return [
        f"eta = {step.value} is in E: the first step from v = 0 is gradient descent's, which is singular"
        for step in findings.wanted
        if step in known
    ]


def _goals(findings: Findings) -> dict[str, Goal]:
    """Every theorem by name: those of the losses, of exceptional steps, of the verdicts."""
    for unit in findings.units:
        for number, candidate in enumerate(unit.candidates):
            theorem = candidate.verdict.theorem
            if candidate.verdict.status is StepStatus.SINGULAR and theorem is not None:
                expected = unit.expected(StepRule(Method.GD, "gd"), candidate.verdict)
                unit.keep(f"exceptional.e{number}", theorem, expected)
    for number, step in enumerate(findings.wanted):
        for unit, verdict in zip(findings.units, findings.answers.get(step, ()), strict=False):
            if verdict.theorem is not None and verdict.status is not StepStatus.UNDECIDED:
                unit.keep(f"eta.s{number}", verdict.theorem, unit.expected(findings.rule, verdict))
    found = {name: goal for unit in findings.units for name, goal in unit.goals.items()}
    return found if findings.schedule is None else found | {"schedule": findings.schedule}


def _replay(findings: Findings, goals: Mapping[str, Goal], progress: Progress) -> Replayed:
    stage = progress.stage("replaying")

    def report(done: int, total: int) -> None:
        stage.total = total
        stage.update(done)

    theorems = {name: goal.theorem for name, goal in goals.items()}
    try:
        return replayed(theorems, {name: goal.expected for name, goal in goals.items()}, report)
    except KeyboardInterrupt:
        findings.interrupted = True
        findings.notes.append(
            "interrupted while the theorems were replayed: nothing is said without a replay"
        )
        return Replayed(None, frozenset(), dict.fromkeys(goals, "interrupted before it was replayed"))


@dataclass(frozen=True, slots=True)
class _Said:
    """What a replay allows to say."""

    findings: Findings
    goals: Mapping[str, Goal]
    again: Replayed

    def _confirmed(self, *names: str) -> bool:
        return all(name in self.again.confirmed for name in names)

    def _trust(self, *names: str) -> tuple[str, ...]:
        return tuple(sorted(frozenset[str]().union(*(self.goals[name].theorem.trust for name in names))))

    def exceptional(self, unit: StepUnit) -> list[ExceptionalEta]:
        found: list[ExceptionalEta] = []
        for number, candidate in enumerate(unit.candidates):
            goal = f"{unit.prefix}exceptional.e{number}"
            verdict, reason = candidate.verdict, candidate.verdict.reason
            status, collapsing = verdict.status, None
            if status is StepStatus.SINGULAR and not self._confirmed(goal):
                status, reason = StepStatus.UNDECIDED, self.again.refused.get(goal, "not replayed")
            if status is StepStatus.SINGULAR and verdict.pattern is not None:
                collapsing = collapsing_of(verdict.pattern, verdict.step)
            said = status is StepStatus.SINGULAR
            found.append(
                ExceptionalEta(
                    verdict.step, status, reason, candidate.label, candidate.labels, collapsing,
                    self._trust(goal) if said else (), goal if said else None, unit.loss.batch,
                )
            )  # fmt: skip
        return found

    def answer(self, step: StepSize) -> Answer:
        """The verdict about one step: singular if it is for one loss, nonsingular if for all of them."""
        number = self.findings.wanted.index(step)  # type: ignore[arg-type]
        units = self.findings.units
        verdicts = self.findings.answers.get(step, [])
        names = [f"{unit.prefix}eta.s{number}" for unit in units]
        unclear: list[str] = []
        for unit, verdict, name in zip(units, verdicts, names, strict=False):
            where = "" if unit.loss.batch is None else f"batch {', '.join(map(str, unit.loss.batch))}: "
            if verdict.status is not StepStatus.UNDECIDED and not self._confirmed(name):
                unclear.append(where + self.again.refused.get(name, "not replayed"))
            elif verdict.status is StepStatus.SINGULAR:
                return self._singular(verdict, where, name, unit)
            elif verdict.status is StepStatus.UNDECIDED:
                unclear.append(where + verdict.reason)
        if len(verdicts) < len(units):
            unclear.append("interrupted before it was looked at")
        if unclear:
            reason = "; ".join(dict.fromkeys(unclear[:3]))
            return Answer(step, StepStatus.UNDECIDED, reason, (), ())
        reason = (
            verdicts[0].reason
            if len(units) == 1
            else f"for each of {len(units)} batches: {verdicts[0].reason}"
        )
        return Answer(step, StepStatus.NON_SINGULAR, reason, self._trust(*names), tuple(names))

    def _singular(self, verdict: StepVerdict, where: str, name: str, unit: StepUnit) -> Answer:
        pattern = verdict.pattern
        return Answer(
            verdict.step, StepStatus.SINGULAR, where + verdict.reason, self._trust(name), (name,),
            None if pattern is None else pattern.label, unit.loss.batch,
            None if pattern is None else collapsing_of(pattern, verdict.step),
        )  # fmt: skip

    def schedule(self) -> ScheduleAnswer | None:
        planned = self.findings.planned
        if not planned:
            return None
        if self.findings.schedule is not None and self._confirmed("schedule"):
            reason = "each of its steps is nonsingular, and so is their composition"
            trust = self._trust("schedule")
            return ScheduleAnswer(planned, StepStatus.NON_SINGULAR, reason, trust, "schedule")
        bad = [
            step for step in dict.fromkeys(planned) if self.answer(step).status is not StepStatus.NON_SINGULAR
        ]
        shown = ", ".join(str(step.value) for step in bad[:4])
        reason = f"not each of its steps is shown to be nonsingular: {shown}" if bad else "not replayed"
        return ScheduleAnswer(planned, StepStatus.UNDECIDED, reason, (), None)

    def analytic(self) -> Analytic:
        names = [f"{unit.prefix}analytic" for unit in self.findings.units]
        if all(name in self.goals for name in names) and self._confirmed(*names):
            every = [f"{unit.prefix}almost_all" for unit in self.findings.units]
            reason = "almost everywhere analytic (AEA-6)"
            if all(name in self.goals for name in every) and self._confirmed(*every):
                reason += "; a gradient step is nonsingular for all eta but countably many (NSG-1)"
            return Analytic("proved", reason, self._trust(*names))
        missing = next((unit for unit in self.findings.units if unit.sizes.not_covered is not None), None)
        if missing is not None:
            return Analytic("not covered", missing.sizes.not_covered or "", ())
        covered = self.findings.rule.not_covered is None
        return Analytic("undecided", "not derived" if covered else "not looked at", ())

    def coverage(self, exceptional: tuple[ExceptionalEta, ...]) -> Coverage:
        units = self.findings.units
        complete = all(unit.sizes.complete and self._confirmed(f"{unit.prefix}patterns") for unit in units)
        spectra = all(
            self._confirmed(f"{unit.prefix}eigenvalues.p{number}")
            for unit in units
            for number in range(len(unit.sizes.enumerated.patterns))
        )
        decided = all(one.status is StepStatus.SINGULAR for one in exceptional)
        visited = sum(self._visited(unit) for unit in units)
        excluded = all(self._confirmed(*unit.excluded) for unit in units)
        smooth = self.singular_set() is not None
        looked = complete and smooth and spectra and excluded and all(u.has_candidates for u in units)
        determined = looked and decided and all(unit.has_exact_spectra for unit in units)
        bounds = [bound for unit in units if (bound := unit.least_unexcluded()) is not None]
        return Coverage(
            possible=sum(unit.possible for unit in units),
            infeasible=sum(unit.infeasible for unit in units) if complete else 0,
            visited=visited,
            unknown=sum(len(unit.sizes.enumerated.patterns) for unit in units) - visited,
            complete=complete,
            determined=determined,
            reason=None if determined else self._why(complete, smooth, spectra, decided and excluded),
            least_unexcluded=min(bounds) if bounds and looked and not determined else None,
        )

    def _visited(self, unit: StepUnit) -> int:
        """How many patterns occur, by a theorem that was replayed."""
        patterns = range(len(unit.sizes.enumerated.patterns))
        return sum(f"{unit.prefix}occurs.p{number}" in self.again.confirmed for number in patterns)

    def _why(self, complete: bool, smooth: bool, spectra: bool, decided: bool) -> str:
        if self.findings.rule.not_covered is not None:
            return "the patterns were not looked at, because the optimiser is not covered"
        skipped = next((unit.skipped for unit in self.findings.units if unit.skipped is not None), None)
        why = next(
            (unit.sizes.why_incomplete for unit in self.findings.units if unit.sizes.why_incomplete), None
        )
        if not complete:
            return skipped or why or "the patterns were not all gone through"
        if not smooth:
            return (
                "a piece is not shown to be analytic beyond its interval, so that a pattern may fall into "
                "parts that collapse at different step sizes"
            )
        if not spectra:
            return "of some patterns nothing is known about the eigenvalues that their Hessian has everywhere"
        if not decided:
            return "of some step sizes it is not decided whether they are exceptional"
        return (
            "eigenvalues are enclosed in intervals: a step size that they do not exclude may be exceptional"
        )

    def singular_set(self) -> tuple[Level, ...] | None:
        found: list[Level] = []
        for unit in self.findings.units:
            if unit.singular_set is None:
                return None
            contained, null = unit.singular_set
            names = [f"{unit.prefix}singular_set.contained"]
            names += [] if null is None else [f"{unit.prefix}singular_set.null"]
            if not self._confirmed(*names) or not isinstance(contained.claim, Within):
                return None
            points = {} if null is None else _witnesses(null)
            outer = contained.claim.outer
            regions = outer.parts if isinstance(outer, Either) else ()
            found += [level for region in regions if (level := _level(region, points, unit)) is not None]
        return tuple(found)


def _witnesses(null: Theorem) -> dict[Map, Any]:
    """The rational point at which each map differs from its level, by the map."""
    return {
        step.rule.map: step.rule.point
        for step in steps_of(null)
        if isinstance(step.rule, DiffersAt | DiffersInBallsAt)
    }


def _level(region: Region, points: Mapping[Map, Any], unit: StepUnit) -> Level | None:
    if not isinstance(region, LevelSet) or not isinstance(region.level, LevelNumber):
        return None
    try:
        named = named_polynomial(region.of)
        constant = named.pop(frozenset(), fmpq(0))
        text = f"{polynomial_text(named, shapes_of(region.of))} = {region.level.value - constant}"
    except KernelError:
        text = f"an entry that is no polynomial = {region.level.value}"
    return Level(text, label_of(region.of), points.get(region.of), unit.loss.batch)


# -- measurements ---------------------------------------------------------------------------------


def _measured(
    findings: Findings,
    exceptional: tuple[ExceptionalEta, ...],
    answers: tuple[Answer, ...],
    progress: Progress,
) -> NumericChecks | None:
    """Determinants of the first loss, and each singular step's collapse at a point of its pattern."""
    if findings.rule.not_covered is not None:
        return None
    progress.stage("measuring")
    reasons: list[str] = []
    seen: list[CollapseSeen] = []
    try:
        load_measuring()
        determinants = None
        unit = findings.units[0]
        good = [answer.step for answer in answers if answer.status is StepStatus.NON_SINGULAR]
        step = checked_step(good, [one.step for one in exceptional])
        try:
            cases = [pattern.case for pattern in unit.sizes.enumerated.patterns]
            determinants = determinants_seen(unit.loss.map, cases, step, findings.seed)
        except GradlemmaError as error:
            reasons.append(f"determinants were not compared: {error}")
        for loss, pattern, eta in _collapsing_patterns(findings, exceptional):
            try:
                if pattern.point is not None:
                    seen.append(collapse_seen(loss, eta, pattern.point, findings.seed))
            except GradlemmaError as error:
                reasons.append(f"the collapse was not shown in floating point: {error}")
    except KeyboardInterrupt:
        findings.interrupted = True
        findings.notes.append("interrupted while measuring; the theorems are not affected")
        return None
    return NumericChecks(determinants, tuple(seen), tuple(reasons))


def _collapsing_patterns(
    findings: Findings, exceptional: tuple[ExceptionalEta, ...]
) -> list[tuple[Map, Pattern, StepSize]]:
    said = {(one.batch, one.step) for one in exceptional if one.status is StepStatus.SINGULAR}
    found = [
        (unit.loss.map, candidate.verdict.pattern, candidate.verdict.step)
        for unit in findings.units
        for candidate in unit.candidates
        if (unit.loss.batch, candidate.verdict.step) in said and candidate.verdict.pattern is not None
    ]
    return found[:MAX_COLLAPSES]
