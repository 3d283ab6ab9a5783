"""`gradlemma refute`: search for counterexamples to registered statements, or to a user's claims."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gradlemma.errors import ProblemError, printable
from gradlemma.progress import Progress
from gradlemma.resources import Stopwatch

if TYPE_CHECKING:
    from numerics.search.attack import Attack
    from numerics.search.outcome import Budget, Outcome

__all__ = ["Refuted", "refute", "run_refute"]

INTERRUPTED = 130
# Measured on two cores for networks of at most 200 parameters: one setting with the ci profile.
SECONDS_PER_SETTING = 0.15


@dataclass(slots=True)
class Refuted:
    """What a run found: one outcome a statement, in order; `interrupted` if the last is not complete."""

    outcomes: list[Outcome]
    profile: str
    seed: int
    interrupted: bool = False
    elapsed_s: float = 0.0

    @property
    def exit_code(self) -> int:
        """That of the weakest verdict, 130 after an interrupt."""
        if self.interrupted:
            return INTERRUPTED
        return min((outcome.verdict for outcome in self.outcomes)).exit_code


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
    as_json: bool,
    quiet: bool,
) -> int:
    """Attack the statements, print verdicts and witnesses; returns the exit code."""
    from gradlemma.refute_report import document_of, print_report

    attacks = _claims(file, ids, drop) if file is not None else registered(ids, drop)
    budget = _budget(profile, examples)
    with Progress(quiet=quiet) as progress:
        found = refute(
            attacks, budget, profile=profile, seed=seed, minutes=minutes, cases=cases, progress=progress
        )
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
        attacks: the statements.
        budget: how much to do for each.
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
    found = Refuted([], profile, seed)
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
                seconds=_share(minutes, watch.seconds(), len(attacks) - index),
                cases=kept,
                outcome=outcome,
                report=lambda known, stage=stage: stage.update(min(known.settings, budget.examples)),
            )
        except KeyboardInterrupt:
            found.interrupted = True
            if outcome.witness is None:
                outcome.reasons.insert(0, f"interrupted after {outcome.instances} instances")
            break
    found.elapsed_s = watch.seconds()
    return found


def title(statement: str, dropped: str | None) -> str:
    """`BND-1 without weight-norms`."""
    return statement if dropped is None else f"{statement} without {dropped}"


def registered(ids: Sequence[str], drop: str | None) -> list[Attack]:
    """The attacks on these statements, or on all of them.

    Raises:
        ProblemError: for an unknown id or hypothesis, with the nearest known one.
    """
    from numerics.search.attacks import ATTACKS

    for name in ids:
        if name not in ATTACKS:
            raise _unknown("statement", name, list(ATTACKS))
    if drop is None:
        return [ATTACKS[name].make(None) for name in (ids or ATTACKS)]
    chosen = list(ids) or [name for name, listed in ATTACKS.items() if drop in listed.drops]
    if not chosen:
        raise _unknown("hypothesis", drop, sorted({h for a in ATTACKS.values() for h in a.drops}))
    for name in chosen:
        if drop not in ATTACKS[name].drops:
            raise _unknown(f"hypothesis of {name}", drop, list(ATTACKS[name].drops))
    return [ATTACKS[name].make(drop) for name in chosen]


def _unknown(what: str, name: str, known: list[str]) -> ProblemError:
    by_lower = {entry.lower(): entry for entry in known}
    close = difflib.get_close_matches(name.lower(), by_lower, 1, cutoff=0.4)
    hint = f"did you mean {by_lower[close[0]]}?" if close else "see docs/refute.md"
    return ProblemError(
        f"expected a {what} among {', '.join(known) or 'none'} but got {printable(repr(name))}",
        kind="usage",
        remedy=hint,
    )


def _claims(file: Path, names: Sequence[str], drop: str | None) -> list[Attack]:
    if drop is not None:
        raise ProblemError(
            "expected --drop with a registered statement but got it with --file",
            kind="usage",
            remedy="leave out --drop",
        )
    from gradlemma.claim_files import attacks_of

    return attacks_of(file, names)


def _budget(profile: str, examples: int | None) -> Budget:
    from numerics.search.outcome import PROFILES

    if profile not in PROFILES:
        raise _unknown("profile", profile, list(PROFILES))
    budget = PROFILES[profile]
    return budget if examples is None else replace(budget, examples=examples)


def _forecast(count: int, budget: Budget, minutes: float | None) -> str:
    seconds = count * budget.examples * SECONDS_PER_SETTING * max(1.0, budget.batch / 256)
    if minutes is not None:
        seconds = min(seconds, 60.0 * minutes)
    settings = count * budget.examples
    return (
        f"{count} statement{'s' if count != 1 else ''}, {settings} settings of {budget.batch} instances, "
        f"about {max(1, math.ceil(seconds))} s"
    )


def _share(minutes: float | None, elapsed: float, remaining: int) -> float:
    return math.inf if minutes is None else max(0.0, 60.0 * minutes - elapsed) / remaining
