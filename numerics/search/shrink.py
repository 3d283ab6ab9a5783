"""From a violation in floats to a small exact one: short rationals first, then zeros and ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import combinations

from numerics.exact import Comparison
from proofs.errors import GradlemmaError
from proofs.kernel.tensors import ExactTensor

from .attack import Target
from .batches import Instance, rounded

__all__ = ["confirm", "shrink"]

DENOMINATORS = (1, 2, 4, 8, 16, 64, 2**10, 2**16, 2**24, 2**40)
MAX_TRIALS = 400


def confirm(target: Target, instance: Instance, quantity: str) -> tuple[Instance | None, Comparison]:
    """The instance with the shortest entries for which the violation is shown exactly.

    Returns:
        The instance (None if none was shown) and the last re-check.
    """
    last = _unshown("")
    for denominator in DENOMINATORS:
        trial = target.restored({name: rounded(t, denominator) for name, t in instance.items()}, quantity)
        last = _violates(target, trial, quantity)
        if last.refuted:
            return trial, last
    # The floats themselves: where the inequality is shown there, the violation was rounding.
    trial = target.restored(instance, quantity)
    last = _violates(target, trial, quantity)
    return (trial, last) if last.refuted else (None, last)


def shrink(
    target: Target, instance: Instance, quantity: str, recheck: Comparison
) -> tuple[Instance, Comparison]:
    """Replace entries by simpler numbers while the violation stays, at most `MAX_TRIALS` times.

    Tried in this order: whole tensors 0 or rounded, then each entry by the simpler numbers before it in
    the order 0, 1, -1, 2, -2, ..., halves; passes repeat until nothing changes.  Then pairs of tensors
    change sign where the first of them gets fewer negative entries.
    """
    trials = _Trials(target, quantity, dict(instance), recheck)
    changed = True
    while changed:
        taken = [trials.first_of(_changes(trials.current, name)) for name in trials.current]
        changed = any(taken)
    while trials.first_of(_sign_changes(trials.current)):
        pass
    return trials.current, trials.shown


class _Trials:
    """The simplest violation so far, and how many others were tried."""

    def __init__(
        self, target: Target, quantity: str, current: dict[str, ExactTensor], shown: Comparison
    ) -> None:
        self.target = target
        self.quantity = quantity
        self.current = current
        self.shown = shown
        self.left = MAX_TRIALS

    def first_of(self, changes: Iterator[dict[str, ExactTensor]]) -> bool:
        """Take the first change that keeps the violation."""
        for change in changes:
            if self.left <= 0:
                return False
            self.left -= 1
            trial = {**self.current, **change}
            found = _violates(self.target, trial, self.quantity)
            if found.refuted:
                self.current, self.shown = trial, found
                return True
        return False


def _changes(current: Mapping[str, ExactTensor], name: str) -> Iterator[dict[str, ExactTensor]]:
    return ({name: candidate} for candidate in _simpler(current[name]))


def _sign_changes(current: Mapping[str, ExactTensor]) -> Iterator[dict[str, ExactTensor]]:
    """Two tensors negated, where the first tensors have fewer entries below 0 then."""
    for pair in combinations(current, 2):
        changed = {name: _negated(current[name]) for name in pair}
        if [_negatives(t) for t in changed.values()] < [_negatives(current[name]) for name in pair]:
            yield changed


def _negated(tensor: ExactTensor) -> ExactTensor:
    return ExactTensor.from_fractions(tensor.shape, tuple(-entry for entry in tensor.fractions()))


def _negatives(tensor: ExactTensor) -> int:
    return sum(entry < 0 for entry in tensor.fractions())


def _violates(target: Target, trial: Instance, quantity: str) -> Comparison:
    """The re-check; not refuted, with a reason, where a hypothesis fails or nothing is defined there."""
    try:
        if not target.admits(trial, quantity):
            return _unshown("no exact instance near it satisfies the hypotheses")
        return target.recheck(trial, quantity)
    except (GradlemmaError, ArithmeticError) as error:
        return _unshown(str(error))


def _unshown(why: str) -> Comparison:
    return Comparison(False, "", "", 0.0, "", why)


def _size(value: Fraction) -> tuple[int, int, bool]:
    """Smaller is simpler: by denominator, then size, then sign."""
    return value.denominator, abs(value.numerator), value < 0


_NUMBERS = sorted({Fraction(sign * n, d) for d in (1, 2, 4) for n in range(5) for sign in (1, -1)}, key=_size)


def _simpler(tensor: ExactTensor) -> Iterator[ExactTensor]:
    entries = tensor.fractions()
    if any(entries):
        yield ExactTensor.from_fractions(tensor.shape, (Fraction(0),) * len(entries))
    for denominator in (1, 2, 4):
        if any(entry.denominator > denominator for entry in entries):
            yield rounded(tensor, denominator)
    for index, entry in enumerate(entries):
        near = {Fraction(round(entry * d), d) for d in (1, 2, 4, 8, 64)}
        options = sorted({*_NUMBERS, *near}, key=_size)
        for option in options:
            if _size(option) < _size(entry):
                yield ExactTensor.from_fractions(
                    tensor.shape, (*entries[:index], option, *entries[index + 1 :])
                )
