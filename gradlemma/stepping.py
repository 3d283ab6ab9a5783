"""Which step sizes make a problem's gradient step singular: stage by stage, each verdict replayed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from gradlemma.errors import ProblemError
from gradlemma.held_interrupts import load_search
from gradlemma.problem import Problem
from gradlemma.problem._python import exact_number
from gradlemma.progress import Progress
from gradlemma.resources import Stopwatch, peak_memory_bytes
from gradlemma.step_confirm import Findings, result_of
from gradlemma.step_forecast import Plan, StepForecast, forecast_of, require_moderate
from gradlemma.step_losses import StepLoss, count_batches, data_note, losses_of
from gradlemma.step_results import StepsResult
from gradlemma.step_rules import Method, StepRule, read_rule
from gradlemma.step_unit import StepUnit
from gradlemma.step_values import rational, read_steps
from proofs.errors import KernelError
from proofs.kernel.maps import StepNumber
from proofs.theorems.step_sizes import StepSizes

__all__ = ["DEFAULT_PATTERNS", "DEFAULT_SAMPLES", "steps"]

DEFAULT_PATTERNS = 4096
DEFAULT_SAMPLES = 200
MOST_PATTERNS = 1_000_000
MAX_DENOMINATOR = 10**30


def steps(
    problem: Problem,
    eta: Iterable[Any] = (),
    *,
    optimiser: str = "gd",
    schedule: Iterable[Any] = (),
    weight_decay: Any = 0,
    patterns: int = DEFAULT_PATTERNS,
    samples: int = DEFAULT_SAMPLES,
    seed: int = 0,
    rationalise: bool = False,
    denominator: int | None = None,
    progress: Progress | None = None,
) -> StepsResult:
    """The exceptional step sizes of a problem's loss on its data, and a verdict for each one asked.

    Args:
        problem: a network, a loss and data.
        eta: step sizes as `int`, `Fraction` or text such as `"1/10"`.
        optimiser: `gd`, `sgd:BATCH`, `heavy-ball:BETA`, `nesterov:BETA`, `proximal`, or one that is not
            covered, such as `adam`.
        schedule: step sizes that are taken one after the other.
        weight_decay: w, which adds w/2 |theta|^2 to the loss.
        patterns: how many activation patterns may be held at once.
        samples: how many random points are tried where the patterns are more.
        seed: of the random points.
        rationalise: take data of floating point as the float64 numbers that are stored.
        denominator: round the data to multiples of 1/denominator instead.
        progress: reports stages; nothing without.

    Returns:
        Every `singular` and `nonsingular` in it is a theorem that was derived again from its stored form.

    Raises:
        ProblemError: for options that do not fit, data of floating point without `rationalise`, and
            problems that are too large.
    """
    watch = Stopwatch()
    rule = read_rule(optimiser)
    asked, planned = read_steps(eta), tuple(_schedule(schedule, rule))
    decay = _weight_decay(weight_decay)
    _require_counts(patterns, samples, denominator)
    require_moderate(problem, count_batches(problem, rule.batch), rule.batch)
    losses = losses_of(
        problem,
        batch=rule.batch,
        weight_decay=decay,
        rationalise=rationalise or denominator is not None,
        denominator=denominator,
    )
    forecast = forecast_of(problem, losses, patterns, samples, rule.needs_patterns)
    note = data_note(problem, rationalise or denominator is not None, denominator)
    with progress or Progress(quiet=True) as shown:
        shown.stage(forecast.sentence())
        findings = Findings(
            rule,
            asked,
            planned,
            _units(losses, patterns, samples, seed),
            seed,
            notes=[] if note is None else [note],
        )
        _run(findings, forecast, shown)
        return result_of(
            findings,
            problem=problem,
            weight_decay=rational(decay),
            forecast=forecast,
            progress=shown,
            watch=watch,
            peak=peak_memory_bytes,
        )


def _schedule(given: Iterable[Any], rule: StepRule) -> Sequence[StepNumber]:
    values = list(given)
    if not values:
        return ()
    if rule.method is Method.SGD:
        raise ProblemError(
            "expected a schedule of steps of one map but got sgd, which has one for every batch",
            kind="usage", key="--schedule", remedy="ask with --eta: each verdict is for all batches",
        )  # fmt: skip
    each = {value: read_steps([value], "--schedule")[0] for value in values}
    return [each[value] for value in values]


def _weight_decay(value: Any) -> Fraction:
    try:
        found = exact_number(value, "--weight-decay")
    except ProblemError as error:
        raise ProblemError(error.message, kind="usage", key="--weight-decay", remedy=error.remedy) from None
    if found < 0:
        raise ProblemError(
            f"expected a weight decay of at least 0 but got {found}",
            kind="usage",
            key="--weight-decay",
            remedy="write 1/100",
        )
    return found


def _require_counts(patterns: int, samples: int, denominator: int | None) -> None:
    if not 1 <= patterns <= MOST_PATTERNS or not 1 <= samples <= MOST_PATTERNS:
        raise ProblemError(
            f"expected --patterns and --samples from 1 to {MOST_PATTERNS} but got {patterns} and {samples}",
            kind="usage",
            remedy=f"use {DEFAULT_PATTERNS} and {DEFAULT_SAMPLES}",
        )
    if denominator is not None and not 1 <= denominator <= MAX_DENOMINATOR:
        raise ProblemError(
            f"expected a denominator from 1 to 10^30 but got {denominator}",
            kind="usage",
            key="--denominator",
            remedy="use 1000",
        )


def _units(losses: Sequence[StepLoss], patterns: int, samples: int, seed: int) -> tuple[StepUnit, ...]:
    return tuple(
        StepUnit(
            loss,
            StepSizes(loss.map, limit=patterns, samples=samples, seed=seed),
            "" if loss.batch is None else f"batch{number}_",
        )
        for number, loss in enumerate(losses)
    )


def _run(findings: Findings, forecast: StepForecast, progress: Progress) -> None:
    """All stages; Ctrl-C ends them and keeps what is known."""
    try:
        if findings.rule.not_covered is None:
            load_search()
            for unit in findings.units:
                _derive(unit, findings, forecast, progress)
        findings.stage = "the verdicts"
        progress.stage("verdicts", total=len(findings.wanted))
        findings.find_answers()
    except KeyboardInterrupt:
        findings.interrupted = True
        findings.notes.append(
            f"interrupted while {findings.stage} was looked at; what was known by then stands here"
        )


def _derive(unit: StepUnit, findings: Findings, forecast: StepForecast, progress: Progress) -> None:
    title = "" if unit.loss.batch is None else f" of batch {', '.join(map(str, unit.loss.batch))}"
    findings.stage = f"analyticity{title}"
    progress.stage(f"analyticity{title}")
    try:
        unit.sizes.prove_analytic()
    except KernelError as error:
        unit.sizes.not_covered = str(error)
    if not findings.rule.needs_patterns and forecast.plan is Plan.SAMPLE:
        unit.skipped = "the patterns are too many, and no verdict about this optimiser needs them"
        unit.keep_patterns()
        return
    for name, run in (("patterns", unit.sizes.find_patterns), ("spectra", unit.sizes.find_spectra)):
        findings.stage = f"{name}{title}"
        stage = progress.stage(findings.stage)

        def report(done: int, total: int, stage: Any = stage) -> None:
            stage.total = total
            stage.update(done)

        run(report)
    unit.keep_patterns()
    findings.stage = f"exceptional step sizes{title}"
    stage = progress.stage(findings.stage)
    for _ in unit.find_candidates():
        stage.advance()
    findings.stage = f"the singular set{title}"
    unit.find_singular_set()
