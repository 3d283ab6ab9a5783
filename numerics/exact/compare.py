"""Comparisons of exact numbers: only what is shown counts."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from flint import arb, ctx, fmpq

from proofs.kernel.intervals import to_fmpq
from proofs.kernel.monotone import sqrt_exact

from .numbers import PRECISION, Number

__all__ = ["Comparison", "as_ball", "compare", "norm_of"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """left <= right decided at an exact instance.

    refuted: whether left > right was shown; then `margin` is a lower bound of left/right - 1.
    holds: whether left <= right was shown.  left, right: decimal digits or a fraction.  why: a sentence
    where nothing could be decided.
    """

    refuted: bool
    left: str
    right: str
    margin: float
    method: str
    why: str = ""
    holds: bool = False


def compare(left: Number, right: Number) -> Comparison:
    """|left| <= right for fmpq or arb numbers; refuted only where |left| > right is shown."""
    with ctx.workprec(PRECISION):
        left, method = abs(left), "exact rationals"
        if not (isinstance(left, fmpq) and isinstance(right, fmpq)):
            left, right, method = as_ball(left), as_ball(right), f"balls of {PRECISION} bits"
        refuted = bool(left > right) and (isinstance(left, fmpq) or left.is_finite())
        margin = 0.0
        if refuted:
            # With 0 on the right any positive left side is too large.
            excess = as_ball(left / right - 1).lower() if right > 0 else arb("1e300")
            margin = min(float(excess), 1e300) if excess.is_finite() else 1e300
        return Comparison(refuted, _digits(left), _digits(right), margin, method, holds=bool(left <= right))


def norm_of(square: Fraction) -> Number:
    """The root of a sum of squares: rational where it is one, else a ball."""
    exact = sqrt_exact(to_fmpq(square))
    return exact if exact is not None else arb(to_fmpq(square)).sqrt()


def as_ball(value: Number) -> arb:
    """The number as a ball."""
    return value if isinstance(value, arb) else arb(value)


def _digits(value: Number) -> str:
    if isinstance(value, fmpq):
        text = str(value)
        return text if len(text) <= 16 else arb(value).str(12, radius=False)
    return value.str(12, radius=False)
