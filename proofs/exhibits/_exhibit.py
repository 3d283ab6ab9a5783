"""What an exhibit is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from proofs.errors import GradlemmaError
from proofs.kernel.core import Theorem

__all__ = ["Exhibit", "ExhibitFailed", "Shown", "require"]


class ExhibitFailed(GradlemmaError):
    """A computation did not come out as the exhibit says."""


def require(holds: bool, sentence: str) -> None:
    """Refuses to show something that was not found.

    Raises:
        ExhibitFailed: with the sentence.
    """
    if not holds:
        raise ExhibitFailed(f"expected that {sentence}")


@dataclass(frozen=True, slots=True)
class Shown:
    """What was computed: how the printed form fails, how the corrected form holds.

    theorems: kernel theorems that the two sentences rest on, by name; both may rest on computations
    in rationals or balls besides.
    """

    fails: str
    holds: str
    theorems: Mapping[str, Theorem] = field(default_factory=dict[str, Theorem])


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A form of a statement that is false, with the form that is true.

    printed: the false form as a sentence, with its source; corrected: the true form; show: computes both,
    and raises `ExhibitFailed` or `KernelError` where a computation does not come out so.
    """

    name: str
    printed: str
    corrected: str
    show: Callable[[], Shown]
