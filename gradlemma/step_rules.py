"""Optimisers and what NSG-3 says of them: which theorem, if any, covers their steps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from flint import fmpq

from gradlemma.errors import ProblemError, printable
from gradlemma.problem._python import exact_number
from gradlemma.step_values import rational

__all__ = ["Method", "StepRule", "read_rule"]


class Method(Enum):
    """How theta moves."""

    GD = "gd"
    SGD = "sgd"
    HEAVY_BALL = "heavy-ball"
    NESTEROV = "nesterov"
    PROXIMAL = "proximal"
    OTHER = "other"


# Optimisers whose step sizes depend on the state, and what makes them do so.
STATE_DEPENDENT = {
    "adam": "running means of gradients and their squares",
    "adamw": "running means of gradients and their squares",
    "amsgrad": "running means of gradients and their squares",
    "rmsprop": "a running mean of squared gradients",
    "adagrad": "the sum of squared gradients",
    "adadelta": "running means of squared gradients and updates",
    "line-search": "the values of the loss along the direction",
    "armijo": "the values of the loss along the direction",
    "polyak": "the value of the loss",
    "barzilai-borwein": "the last two gradients",
}


@dataclass(frozen=True, slots=True)
class StepRule:
    """An optimiser.

    name: as it was written.
    momentum: beta of heavy-ball and Nesterov's method.
    batch: the number of samples of a batch of stochastic gradient descent.
    """

    method: Method
    name: str
    momentum: fmpq | None = None
    batch: int | None = None

    @property
    def not_covered(self) -> str | None:
        """Why no statement covers it whatever the loss, if so."""
        if self.method is not Method.OTHER:
            return None
        return (
            f"not covered: the step of {self.name} depends on the state ({STATE_DEPENDENT[self.name]}), and "
            "NSG-3 covers step sizes that are fixed in advance; the literature heads this "
            "`adaptive variants` but argues fixed schedules alone"
        )

    @property
    def needs_patterns(self) -> bool:
        """Whether verdicts rest on the activation patterns; else on analyticity alone."""
        return self.method in (Method.GD, Method.SGD, Method.NESTEROV)

    @property
    def caveat(self) -> str | None:
        """What non-singularity does not say of runs of this optimiser."""
        if self.method in (Method.HEAVY_BALL, Method.NESTEROV):
            return (
                "the statement is about maps of (theta, v); runs start at v = 0, a null set of such pairs, "
                "for which only `all eta but countably many` is known"
            )
        if self.method is Method.PROXIMAL:
            return "the proximal map takes theta to some p with p + eta grad L(p) = theta, chosen in any way"
        if self.method is Method.SGD:
            return "nonsingular means: for every batch, so for every fixed sequence of batches"
        return None


def read_rule(text: str) -> StepRule:
    """The optimiser that the text names.

    >>> read_rule("heavy-ball:1/2").momentum, read_rule("sgd:2").batch
    (1/2, 2)

    Raises:
        ProblemError: for a name or a number that is not known.
    """
    name, colon, argument = text.strip().partition(":")
    match name:
        case "gd" | "proximal" if not colon:
            return StepRule(Method(name), name)
        case "sgd":
            return StepRule(Method.SGD, text.strip(), batch=_batch(argument))
        case "heavy-ball" | "nesterov":
            return StepRule(Method(name), text.strip(), momentum=rational(_momentum(name, argument)))
        case _ if name in STATE_DEPENDENT and not colon:
            return StepRule(Method.OTHER, name)
        case _:
            known = "gd, sgd:BATCH, heavy-ball:BETA, nesterov:BETA or proximal"
            raise _refused(f"expected {known} but got {printable(text)}", "write one of them")


def _batch(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or len(text) > 9 or int(text) < 1:
        raise _refused(f"expected the size of a batch but got {printable(text) or 'nothing'}", "write sgd:1")
    return int(text)


def _momentum(name: str, text: str) -> Fraction:
    try:
        found = exact_number(text, "--optimiser")
    except ProblemError as error:
        raise _refused(error.message, f"write {name}:1/2") from None
    if found == 0:
        raise _refused(f"expected {name} with momentum other than 0 but got 0", "write gd, which it then is")
    return found


def _refused(message: str, remedy: str) -> ProblemError:
    return ProblemError(message, kind="usage", key="--optimiser", remedy=remedy)
