"""A Weierstrass function, continuous and nowhere differentiable, in balls: values and difference quotients.

w(x) = sum_n a^n cos(b^n pi x), a = 1/2, b = 13.  With N terms the rest is at most a^N / (1 - a) = 2 a^N.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from flint import arb, ctx, fmpq

__all__ = ["BASE", "Quotient", "quotients", "value"]

RATIO, BASE = Fraction(1, 2), 13
BITS = 256
TERMS = 120


def value(x: Fraction) -> arb:
    """A ball that contains w(x).

    b^n x is reduced modulo 2 exactly before the cosine is taken.
    """
    with ctx.workprec(BITS):
        total = arb(0)
        for n in range(TERMS):
            turn = BASE**n * x % 2
            total += arb(fmpq(1, 2**n)) * arb(fmpq(turn.numerator, turn.denominator)).cos_pi()
        rest = arb(fmpq(1, 2 ** (TERMS - 1)))
        return total + arb(0, rest)


@dataclass(frozen=True, slots=True)
class Quotient:
    """(w(x + h) - w(x)) / h in a ball, for the step h = h_m to the right or the left."""

    h: Fraction
    ball: arb

    @property
    def size_at_least(self) -> float:
        """A number below |quotient|."""
        return float(abs(self.ball).lower())


def quotients(x: Fraction, count: int) -> list[tuple[Quotient, Quotient]]:
    """For m = 1, ..., count the quotients to the left and to the right between x and near points.

    With alpha the nearest integer to b^m x these points are (alpha - 1)/b^m and (alpha + 1)/b^m.
    """
    here = value(x)
    found: list[tuple[Quotient, Quotient]] = []
    for m in range(1, count + 1):
        power = BASE**m
        alpha = round(power * x)
        left, right = (_quotient(x, here, Fraction(alpha + side, power)) for side in (-1, 1))
        found.append((left, right))
    return found


def _quotient(x: Fraction, here: arb, other: Fraction) -> Quotient:
    h = other - x
    with ctx.workprec(BITS):
        ball = (value(other) - here) / arb(fmpq(h.numerator, h.denominator))
    return Quotient(h, ball)
