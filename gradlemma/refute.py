"""`gradlemma refute`: search for counterexamples to registered statements, or to a user's claims."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gradlemma.errors import ProblemError
from gradlemma.progress import Progress
from gradlemma.resources import Stopwatch
from gradlemma.witness_text import title
from proofs.errors import UnknownNameError
from proofs.registry import NotSampled, registry, statement

if TYPE_CHECKING:
    from numerics.search.attack import Attack
    from numerics.search.outcome import Budget, Outcome

__all__ = ["Refuted", "refute", "registered", "run_refute"]

INTERRUPTED = 130
# Measured on two cores for networks of at most 200 parameters: one setting of 256 instances.
SECONDS_PER_SETTING = 0.1


@dataclass(slots=True)
class Refuted:
    """What a run found: one outcome a statement, in order; `interrupted` if the last is not complete."""

    outcomes: list[Outcome]
    attacks: list[Attack]
    profile: str
    seed: int
    interrupted: bool = False
    elapsed_s: float = 0.0
    unusable_cases: int = 0

    @property
    def exit_code(self) -> int:
        """That of the weakest verdict, 130 after an interrupt."""
        if self.interrupted:
            return INTERRUPTED
        return min(outcome.verdict for outcome in self.outcomes).exit_code


def run_refute(
    ids: Sequence[str],
    *,
    drop: str | None,
    examples: int | None,
    minutes: float | None,
    seed: int,
    profile: str,
    file: Path | None,
    cases: Path,
    out: Path | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Attack the statements, print verdicts and witnesses; returns the exit code."""
    from gradlemma.refute_report import document_of, print_report, write_witnesses

    budget = _budget(profile, examples)
    if out is not None:
        # Before the search, so that a place that cannot be written loses nothing.
        out.mkdir(parents=True, exist_ok=True)
    # What claims print goes to the error stream, so that the report stays readable.
    with redirect_stdout(sys.stderr), Progress(quiet=quiet) as progress:
        attacks = registered(ids, drop) if file is None else _claims(file, ids, drop)
        found = refute(
            attacks, budget, profile=profile, seed=seed, minutes=minutes, cases=cases, progress=progress
        )
    if out is not None:
        write_witnesses(found, out)
    if as_json:
        print(json.dumps(document_of(found), indent=2))
    else:
        print_report(found)
    return found.exit_code


def refute(
    attacks: Sequence[Attack],
    budget: Budget,
    *,
    profile: str = "default",
    seed: int = 0,
    minutes: float | None = None,
    cases: Path | None = None,
    progress: Progress | None = None,
) -> Refuted:
    """Attack every statement in turn; after Ctrl-C no further one is begun and what is known stays.

    Args:
        attacks: the statements, such as `registered(["BND-1"], "weight-norms")`.
        budget: how much to do for each, such as `numerics.search.PROFILES["ci"]`.
        profile: the budget's name, for the report.
        seed: the same seed finds the same.
        minutes: time for all statements together; what one leaves is shared by those after it.
        cases: the directory of failing cases; they are replayed first.
        progress: where progress is shown.
    """
    from numerics.search.cases import Cases
    from numerics.search.engine import search
    from numerics.search.outcome import Outcome

    shown = progress or Progress(quiet=True)
    watch = Stopwatch()
    kept = None if cases is None else Cases(cases)
    found = Refuted([], list(attacks), profile, seed)
    shown.stage(_forecast(len(attacks), budget, minutes))
    for index, attack in enumerate(attacks):
        outcome = Outcome(attack.statement, attack.dropped, seed)
        found.outcomes.append(outcome)
        stage = shown.stage(title(attack.statement, attack.dropped), total=budget.examples)
        try:
            search(
                attack,
                budget,
                seed=seed,
                seconds=_share(minutes, watch.elapsed_s(), len(attacks) - index),
                cases=kept,
                outcome=outcome,
                report=lambda known, stage=stage: stage.update(min(known.settings, budget.examples)),
            )
        except KeyboardInterrupt:
            found.interrupted = True
            if outcome.witness is None:
                outcome.reasons.insert(0, f"interrupted after {outcome.instances} instances")
            break
    found.elapsed_s = watch.elapsed_s()
    found.unusable_cases = 0 if kept is None else kept.unreadable
    return found


def registered(ids: Sequence[str], drop: str | None) -> list[Attack]:
    """The attacks on these statements, or on all of them; with `drop` those that have the hypothesis.

    Raises:
        UnknownNameError: for an unknown id or hypothesis, with the nearest known one.
        ProblemError: for a statement that cannot be sampled, or a hypothesis that cannot be dropped.
    """
    from numerics.search.attacks import ATTACKS

    chosen = [statement(name) for name in dict.fromkeys(ids)]
    if not ids:
        chosen = [found for found in registry() if not isinstance(found.sampling, NotSampled)]
    if drop is not None and not ids:
        chosen = [found for found in chosen if any(h.name == drop for h in found.hypotheses)]
        if not chosen:
            known = sorted({h.name for found in registry() for h in found.hypotheses})
            raise UnknownNameError("a hypothesis", drop, known)
        # Statements that do not let it be dropped are left out, unless there are no others.
        chosen = [f for f in chosen if _droppable(f.id, drop)] or chosen
    for found in chosen:
        if isinstance(found.sampling, NotSampled):
            raise ProblemError(
                f"expected a statement that can be sampled but got {found.id}: {found.sampling.reason}",
                kind="usage",
                remedy=f"attack instead: {', '.join(found.sampling.instead)}",
            )
        if drop is not None:
            _check_drop(found.id, drop)
    return [ATTACKS[found.id](drop) for found in chosen]


def _droppable(identifier: str, drop: str) -> bool:
    return statement(identifier).hypothesis(drop).can_be_dropped


def _check_drop(identifier: str, drop: str) -> None:
    hypothesis = statement(identifier).hypothesis(drop)
    if not hypothesis.can_be_dropped:
        instead = (
            f"attack instead: {', '.join(hypothesis.instead)}" if hypothesis.instead else "choose another"
        )
        raise ProblemError(
            f"expected a hypothesis of {identifier} that can be dropped but got {drop}: {hypothesis.why_not}",
            kind="usage",
            remedy=instead,
        )


def _claims(file: Path, names: Sequence[str], drop: str | None) -> list[Attack]:
    if drop is not None:
        raise ProblemError(
            "expected --drop with a registered statement but got it with --file",
            kind="usage",
            remedy="leave out --drop",
        )
    from gradlemma.claims import attacks_of

    return list(attacks_of(file, names))


def _budget(profile: str, examples: int | None) -> Budget:
    from numerics.search.outcome import PROFILES

    if profile not in PROFILES:
        raise UnknownNameError("a profile", profile, list(PROFILES))
    budget = PROFILES[profile]
    return budget if examples is None else replace(budget, examples=examples)


def _forecast(count: int, budget: Budget, minutes: float | None) -> str:
    seconds = count * budget.examples * SECONDS_PER_SETTING * max(1.0, budget.batch / 256)
    if minutes is not None:
        seconds = min(seconds, 60.0 * minutes)
    return (
        f"{count} statement{'s' if count != 1 else ''}, {count * budget.examples} settings of {budget.batch} "
        f"instances, about {max(1, math.ceil(seconds))} s and less than 1 GiB"
    )


def _share(minutes: float | None, elapsed: float, remaining: int) -> float:
    return math.inf if minutes is None else max(0.0, 60.0 * minutes - elapsed) / remaining
