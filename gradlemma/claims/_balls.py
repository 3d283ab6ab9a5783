"""Numbers of the exact reading of a claim: balls that decide a comparison, or say that they cannot."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NoReturn

import numpy as np
from flint import arb, fmpq

from proofs.errors import GradlemmaError

from ._weights import Weights

__all__ = ["Ball", "ReadingError", "array", "ball_of"]


class ReadingError(GradlemmaError):
    """A claim cannot be read in balls: an operation that only floats have, or an undecided comparison."""


def ball_of(value: Any) -> arb:
    """The ball of a number: exact for integers, fractions and floats.

    Raises:
        ReadingError: for anything else, such as a torch tensor.
    """
    match value:
        case Ball():
            return value.value
        case bool():
            raise ReadingError("expected a number but got a truth value")
        case int() | float():
            return arb(value)
        case Fraction():
            return arb(fmpq(value.numerator, value.denominator))
        case arb() | fmpq():
            return arb(value)
        case _:
            raise ReadingError(
                f"expected a number or a ball but got {type(value).__name__}; use the functions of "
                "gradlemma.claims instead of torch's"
            )


class Ball:
    """A real number known up to a small radius; arithmetic encloses, comparisons are decided or refused."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = arb(value) if isinstance(value, arb | fmpq) else ball_of(value)

    def __add__(self, other: Any) -> Any:
        return NotImplemented if _is_container(other) else Ball(self.value + ball_of(other))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return NotImplemented if _is_container(other) else Ball(self.value - ball_of(other))

    def __rsub__(self, other: Any) -> Any:
        return NotImplemented if _is_container(other) else Ball(ball_of(other) - self.value)

    def __mul__(self, other: Any) -> Any:
        return NotImplemented if _is_container(other) else Ball(self.value * ball_of(other))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return NotImplemented if _is_container(other) else Ball(self.value / ball_of(other))

    def __rtruediv__(self, other: Any) -> Any:
        return NotImplemented if _is_container(other) else Ball(ball_of(other) / self.value)

    def __pow__(self, exponent: Any) -> Ball:
        if type(exponent) is int:
            return Ball(self.value**exponent)
        return Ball(self.value ** ball_of(exponent))

    def __neg__(self) -> Ball:
        return Ball(-self.value)

    def __pos__(self) -> Ball:
        return self

    def __abs__(self) -> Ball:
        return Ball(abs(self.value))

    def __lt__(self, other: Any) -> bool:
        return _decided(self.value < ball_of(other), self.value >= ball_of(other))

    def __gt__(self, other: Any) -> bool:
        return _decided(self.value > ball_of(other), self.value <= ball_of(other))

    def __le__(self, other: Any) -> bool:
        return _decided(self.value <= ball_of(other), self.value > ball_of(other))

    def __ge__(self, other: Any) -> bool:
        return _decided(self.value >= ball_of(other), self.value < ball_of(other))

    def __eq__(self, other: object) -> bool:
        return _decided(bool(self.value == ball_of(other)), bool(self.value != ball_of(other)))

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> NoReturn:
        raise ReadingError("expected a comparison but got a number as a condition")

    def __float__(self) -> NoReturn:
        raise ReadingError("expected a claim that stays in its numbers but got a conversion to float")

    __int__ = __float__
    __index__ = __float__

    def sqrt(self) -> Ball:
        """The root of a number that is shown to be >= 0, or of the part of the ball that is."""
        if self.value < 0:
            raise ReadingError("expected a number >= 0 under a root")
        return Ball(self.value.max(arb(0)).sqrt())

    def exp(self) -> Ball:
        return Ball(self.value.exp())

    def log(self) -> Ball:
        return Ball(self.value.log())

    def tanh(self) -> Ball:
        return Ball(self.value.tanh())

    def __repr__(self) -> str:
        return f"Ball({self.value.str(12)})"


def _decided(holds: Any, fails: Any) -> bool:
    if holds:
        return True
    if fails:
        return False
    raise ReadingError("a comparison of two balls that overlap is not decided")


def _is_container(value: Any) -> bool:
    """Whether the value knows itself how a number multiplies it."""
    return isinstance(value, np.ndarray | Weights)


def array(entries: Any, shape: tuple[int, ...]) -> np.ndarray:
    """An array of balls: `numpy` arithmetic, `@` and `sum` work entry by entry."""
    found = np.empty(len(entries), dtype=object)
    for index, entry in enumerate(entries):
        found[index] = Ball(entry)
    return found.reshape(shape)
