"""Comparisons of exact numbers: only what is shown counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import arb, ctx, fmpq

from proofs.kernel.intervals import to_fmpq
from proofs.kernel.monotone import sqrt_exact
from proofs.kernel.tensors import ExactTensor

from .norms import squared_frobenius
from .numbers import PRECISION, Number

__all__ = ["Comparison", "as_ball", "compare", "exceeds", "norm_of", "tensor"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """left <= right decided at an exact instance.

    refuted: whether left > right was shown; then `margin` is a lower bound of left/right - 1.
    left, right: decimal digits or a fraction.  why: a sentence where nothing could be decided.
    """

    refuted: bool
    left: str
    right: str
    margin: float
    method: str
    why: str = ""


def compare(left: Number, right: Number, method: str) -> Comparison:
    """|left| <= right for fmpq or arb numbers; refuted only where |left| > right is shown."""
    with ctx.workprec(PRECISION):
        left = abs(left)
        if not (isinstance(left, fmpq) and isinstance(right, fmpq)):
            left, right = as_ball(left), as_ball(right)
        refuted = bool(left > right)
        margin = 0.0
        if refuted:
            # With 0 on the right any positive left side is too large.
            excess = as_ball(left / right - 1).lower() if right > 0 else arb("1e300")
            margin = min(float(excess), 1e300) if excess.is_finite() else 1e300
        return Comparison(refuted, _digits(left), _digits(right), margin, method)


def exceeds(value: Number, order: int, bound: Fraction, direction: Sequence[ExactTensor]) -> Comparison:
    """|value| <= bound ||u||^order, for a derivative of that order along u, with both sides divided by it."""
    square = sum((squared_frobenius(part) for part in direction), Fraction(0))
    with ctx.workprec(PRECISION):
        length = norm_of(square)
        scaled = _divided(value, length if order == 1 else to_fmpq(square))
        method = "exact rationals" if isinstance(scaled, fmpq) else f"balls of {PRECISION} bits"
        return compare(scaled, to_fmpq(bound), method)


def norm_of(square: Fraction) -> Number:
    """The root of a sum of squares: rational where it is one, else a ball."""
    exact = sqrt_exact(to_fmpq(square))
    return exact if exact is not None else arb(to_fmpq(square)).sqrt()


def as_ball(value: Number) -> arb:
    """The number as a ball."""
    return value if isinstance(value, arb) else arb(value)


def tensor(values: Sequence[Any]) -> ExactTensor:
    """An exact tensor from rows of numbers, or from one row: ints, Fractions or texts such as `1/3`.

    >>> tensor([["1/3", 2]]).fractions()
    (Fraction(1, 3), Fraction(2, 1))
    """
    if isinstance(values[0], list | tuple):
        entries = tuple(Fraction(entry) for row in values for entry in row)
        return ExactTensor.from_fractions((len(values), len(values[0])), entries)
    return ExactTensor.from_fractions((len(values),), tuple(Fraction(entry) for entry in values))


def _divided(value: Number, divisor: Number) -> Number:
    both = isinstance(value, fmpq) and isinstance(divisor, fmpq)
    return value / divisor if both else as_ball(value) / as_ball(divisor)


def _digits(value: Number) -> str:
    if isinstance(value, fmpq):
        text = str(value)
        return text if len(text) <= 40 else arb(value).str(12, radius=False)
    return value.str(12, radius=False)
