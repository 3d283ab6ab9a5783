"""The search: Hypothesis draws and shrinks settings, each setting is a batch of instances.

One Hypothesis example is a setting (network, loss, box, ...); its largest margin is the `target()`.
A violation that was shown exactly makes the example fail, and Hypothesis shrinks the setting.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, target
from hypothesis import seed as with_seed
from hypothesis import settings as run_settings
from hypothesis.errors import HypothesisException

from proofs.errors import GradlemmaError

from .attack import Attack, Witness
from .cases import Cases
from .codec import decode_instance
from .examine import Examined, examine
from .outcome import Budget, Outcome
from .recheck import recheck, setting_of

__all__ = ["search"]

Report = Callable[[Outcome], None]


class _Refuted(Exception):
    def __init__(self, witness: Witness) -> None:
        self.witness = witness
        super().__init__(witness.recheck.left)


class _Done(BaseException):
    """Time or the settings for shrinking are used up; Hypothesis lets it pass at once."""


class _Run:
    """The state of one search; what is known stays in `outcome` when it is interrupted."""

    def __init__(self, attack: Attack, budget: Budget, outcome: Outcome, deadline: float, report: Report):
        self.attack = attack
        self.budget = budget
        self.outcome = outcome
        self.deadline = deadline
        self.report = report
        self.known: dict[Any, Examined | None] = {}
        # Settings that may still be searched for a smaller violation, once there is one.
        self.shrinks = math.inf

    def one(self, setting: Any) -> None:
        """Search one setting, or recall what it gave; raises `_Refuted`."""
        if setting not in self.known:
            if time.monotonic() > self.deadline or self.shrinks <= 0:
                raise _Done
            self.shrinks -= 1
            self.known[setting] = self._examine(setting)
        found = self.known[setting]
        if found is None:
            return
        # A margin of one's own may be largest, and 0, at points where nothing can be violated.
        if self.attack.is_ratio:
            for quantity, margin in found.margins.items():
                if math.isfinite(margin):
                    target(margin, label=quantity)
        if found.instance is not None:
            self.shrinks = min(self.shrinks, self.budget.shrinks)
            raise _Refuted(self._witness(setting, found))

    def _examine(self, setting: Any) -> Examined | None:
        outcome = self.outcome
        try:
            prepared = self.attack.prepare(setting)
        except GradlemmaError:
            outcome.skipped += 1
            return None
        found = examine(prepared, setting.seed, self.budget)
        outcome.settings += 1
        outcome.instances += found.instances
        outcome.not_finite += found.not_finite
        for quantity, margin in found.margins.items():
            size = 1.0 + margin if self.attack.is_ratio else margin
            outcome.ratios[quantity] = max(outcome.ratios.get(quantity, -math.inf), size)
        outcome.reasons += [text for text in prepared.complaints if text not in outcome.reasons][:3]
        if found.unconfirmed and len(outcome.reasons) < 3:
            outcome.reasons.append(found.unconfirmed)
        if found.instance is not None:
            outcome.witness = self._witness(setting, found)
        self.report(outcome)
        return found

    def _witness(self, setting: Any, found: Examined) -> Witness:
        if found.instance is None or found.recheck is None:
            raise TypeError("expected a violation that was shown exactly")
        attack = self.attack
        return Witness(
            attack.statement, attack.dropped, found.quantity, setting, found.instance, found.recheck
        )


def search(
    attack: Attack,
    budget: Budget,
    *,
    seed: int = 0,
    seconds: float = math.inf,
    cases: Cases | None = None,
    outcome: Outcome | None = None,
    report: Report = lambda _: None,
) -> Outcome:
    """Attack a statement; kept failing cases come first.

    Args:
        attack: the statement and its drop.
        budget: how much to do.
        seed: the same seed draws the same settings and instances.
        seconds: no new setting is begun after so long.
        cases: where failing cases are kept.
        outcome: filled in as the search goes on, so that it is known after an interrupt.
        report: called after every setting.

    Returns:
        `refuted` only with a witness that was re-checked exactly.
    """
    start = time.monotonic()
    found = outcome or Outcome(attack.statement, attack.dropped, seed)
    try:
        if cases is not None and _replay(attack, cases, found):
            return found
        run = _Run(attack, budget, found, start + seconds, report)
        _drive(run, seed)
        if found.witness is not None and cases is not None:
            cases.keep(found.witness)
        return found
    finally:
        found.elapsed_s = time.monotonic() - start


def _drive(run: _Run, seed: int) -> None:
    @with_seed(seed)
    @run_settings(
        max_examples=run.budget.examples,
        database=None,
        deadline=None,
        derandomize=False,
        report_multiple_bugs=False,
        suppress_health_check=tuple(HealthCheck),  # pyright: ignore[reportArgumentType]
        phases=(Phase.generate, Phase.target, Phase.shrink),
        verbosity=Verbosity.quiet,
        print_blob=False,
    )
    @given(run.attack.settings())
    def example(setting: Any) -> None:
        run.one(setting)

    try:
        example()
    except _Done:
        # What was found before stands; while shrinking the last violation is the smallest.
        pass
    except _Refuted as refuted:
        run.outcome.witness = refuted.witness
    except HypothesisException as error:
        # The witness that was shown exactly stands; only its shrinking failed.
        if run.outcome.witness is None:
            run.outcome.reasons.append(f"the search stopped: {type(error).__name__}: {error}")


def _replay(attack: Attack, cases: Cases, outcome: Outcome) -> bool:
    """Whether a kept case still violates the statement."""
    return any(_violates(attack, cases, case, outcome) for case in cases.of(attack.statement, attack.dropped))


def _violates(attack: Attack, cases: Cases, case: dict[str, Any], outcome: Outcome) -> bool:
    try:
        shown = recheck(case, attack)
        setting, instance = setting_of(case), decode_instance(case["instance"])
    except Exception:
        # A file that was changed by hand, or a statement that has changed since: no case any more.
        cases.unreadable += 1
        return False
    outcome.replayed += 1
    if not shown.refuted:
        return False
    outcome.instances += 1
    outcome.ratios[case["quantity"]] = shown.margin + (1.0 if attack.is_ratio else 0.0)
    outcome.witness = Witness(attack.statement, attack.dropped, case["quantity"], setting, instance, shown)
    return True
