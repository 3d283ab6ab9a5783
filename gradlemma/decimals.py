"""Exact numbers as decimals, rounded outward."""

from __future__ import annotations

import math
from fractions import Fraction

__all__ = ["decimal_text", "shown_above", "shown_bound"]


def decimal_text(value: Fraction, *, up: bool, digits: int = 17) -> str:
    """The value as a decimal with that many significant digits, rounded up or down.

    >>> decimal_text(Fraction(1, 3), up=True, digits=4), decimal_text(Fraction(200), up=False, digits=2)
    ('3.334e-1', '2.0e+2')
    """
    if value == 0:
        return "0"
    exponent = _decimal_exponent(abs(value))
    scaled = value / Fraction(10) ** (exponent - digits + 1)
    whole = math.ceil(scaled) if up else math.floor(scaled)
    if abs(whole) >= 10**digits:
        exponent += 1
        scaled = value / Fraction(10) ** (exponent - digits + 1)
        whole = math.ceil(scaled) if up else math.floor(scaled)
    text = str(abs(whole)).rjust(digits, "0")
    return f"{'-' if value < 0 else ''}{text[0]}.{text[1:]}e{exponent:+d}"


def shown_above(value: Fraction, digits: int = 7) -> str:
    """The value for a table, rounded up: plain where it is neither tiny nor huge.

    >>> shown_above(Fraction(48420169, 30000)), shown_above(Fraction(1, 10**9) * 2)
    ('1614.006', '2.000000e-9')
    """
    text = decimal_text(value, up=True, digits=digits)
    mantissa, _, exponent = text.partition("e")
    places = digits - 1 - int(exponent or 0)
    return (
        f"{Fraction(text).__float__():.{places}f}" if 0 <= places <= digits + 2 and mantissa != "0" else text
    )


def shown_bound(value: Fraction) -> str:
    """A bound as it stands in a table: exactly where it is short, else rounded up.

    >>> shown_bound(Fraction(7, 2)), shown_bound(Fraction(10**9 + 1, 10**9))
    ('7/2', '1.000001')
    """
    exact = str(value)
    return exact if len(exact) < 14 else shown_above(value)


def _decimal_exponent(value: Fraction) -> int:
    """The e with 10^e <= value < 10^(e+1)."""
    guess = math.floor((value.numerator.bit_length() - value.denominator.bit_length()) * math.log10(2))
    while Fraction(10) ** guess > value:
        guess -= 1
    while Fraction(10) ** (guess + 1) <= value:
        guess += 1
    return guess
