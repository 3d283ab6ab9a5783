"""From a violation in floats to a small exact one: short rationals first, then zeros and ones."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from numerics.exact import Comparison
from proofs.errors import GradlemmaError
from proofs.kernel.tensors import ExactTensor

from .attack import Target
from .batches import Instance, rounded

__all__ = ["confirm", "shrink", "violates"]

DENOMINATORS = (1, 2, 4, 8, 16, 64, 2**10, 2**16, 2**24, 2**40)
MAX_TRIALS = 400


def confirm(target: Target, instance: Instance, quantity: str) -> tuple[Instance | None, Comparison]:
    """The instance with the shortest entries for which the violation is shown exactly.

    Returns:
        The instance (None if none was shown) and the last re-check.
    """
    last = Comparison(False, "", "", 0.0, "", "no exact instance near it satisfies the hypotheses")
    for denominator in DENOMINATORS:
        trial = target.restored({name: rounded(t, denominator) for name, t in instance.items()})
        found = violates(target, trial, quantity)
        if found is not None and found.refuted:
            return trial, found
        last = found or last
    return None, last


def shrink(target: Target, instance: Instance, quantity: str, recheck: Comparison) -> tuple[Instance, Comparison]:
    """Replace entries by simpler numbers while the violation stays, at most `MAX_TRIALS` times.

    Tried in this order: whole tensors 0, then each entry by the simpler numbers before it in the
    order 0, 1, -1, 2, -2, ..., halves; passes repeat until nothing changes.
    """
    trials, changed = 0, True
    current, shown = dict(instance), recheck
    while changed and trials < MAX_TRIALS:
        changed = False
        for name in list(current):
            for candidate in _simpler(current[name]):
                if trials >= MAX_TRIALS:
                    break
                trials += 1
                trial = {**current, name: candidate}
                found = violates(target, trial, quantity)
                if found is not None and found.refuted:
                    current, shown, changed = trial, found, True
                    break
    return current, shown


def violates(target: Target, trial: Instance, quantity: str) -> Comparison | None:
    """The re-check, or None where the hypotheses do not hold or nothing is defined there."""
    try:
        return target.recheck(trial, quantity) if target.admits(trial) else None
    except (GradlemmaError, ZeroDivisionError):
        return None


def _size(value: Fraction) -> tuple[int, int, bool]:
    """Smaller is simpler: by denominator, then size, then sign."""
    return value.denominator, abs(value.numerator), value < 0


_NUMBERS = sorted(
    {Fraction(sign * n, d) for d in (1, 2, 4) for n in range(5) for sign in (1, -1)}, key=_size
)


def _simpler(tensor: ExactTensor) -> Iterator[ExactTensor]:
    entries = tensor.fractions()
    if any(entries):
        yield ExactTensor.from_fractions(tensor.shape, (Fraction(0),) * len(entries))
    for index, entry in enumerate(entries):
        near = {Fraction(round(entry * d), d) for d in (1, 2, 4, 8, 64)}
        options = sorted({*_NUMBERS, *near}, key=_size)
        for option in options:
            if _size(option) < _size(entry):
                yield ExactTensor.from_fractions(
                    tensor.shape, (*entries[:index], option, *entries[index + 1 :])
                )
