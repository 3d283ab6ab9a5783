"""Rational numbers for reading: short ones exactly, long ones as decimals with a known direction."""

from __future__ import annotations

from fractions import Fraction

from flint import fmpq

__all__ = ["as_fraction", "decimal_down", "decimal_up", "exact_latex", "is_short"]

DIGITS = 6
SHORT = 9
PLACES = 12
DECIMAL = 10**PLACES


def as_fraction(value: fmpq | Fraction | int) -> Fraction:
    return Fraction(value) if isinstance(value, Fraction | int) else Fraction(int(value.p), int(value.q))


def is_short(value: Fraction) -> bool:
    """Whether the number is printed as a fraction rather than as a decimal."""
    if terminates(value):
        return True
    return _digits(value.numerator) + (0 if value.denominator == 1 else _digits(value.denominator)) <= SHORT


def terminates(value: Fraction) -> bool:
    """Whether the number is a decimal of few digits, such as 3.163484921."""
    return DECIMAL % value.denominator == 0 and abs(value.numerator) < 10 ** (PLACES + 4)


def _digits(value: int) -> int:
    return int(value.bit_length() * 0.30103) + 1 if abs(value) > 10**12 else len(str(abs(value)))


def exact_latex(value: Fraction) -> str:
    """`7` or a small fraction; for non-negative values."""
    if value.denominator == 1:
        return str(value.numerator)
    if value.denominator > 999 and terminates(value):
        whole, rest = divmod(value.numerator * (DECIMAL // value.denominator), DECIMAL)
        return f"{whole}." + str(rest).rjust(PLACES, "0").rstrip("0")
    return rf"\tfrac{{{value.numerator}}}{{{value.denominator}}}"


def decimal_up(value: Fraction) -> str:
    """The least decimal of six digits that is >= the positive value.

    >>> decimal_up(Fraction(2, 3)), decimal_up(Fraction(10**8 + 1, 3))
    ('0.666667', '3.33334\\\\cdot10^{7}')
    """
    return _decimal(value, up=True)


def decimal_down(value: Fraction) -> str:
    """The first six digits of the positive value, followed by dots.

    >>> decimal_down(Fraction(2, 3))
    '0.666666\\\\ldots'
    """
    return _decimal(value, up=False)


def _decimal(value: Fraction, *, up: bool) -> str:
    exponent = _exponent(value)
    shift = DIGITS - 1 - exponent
    scaled = value * 10**shift if shift >= 0 else value / 10**-shift
    mantissa = -((-scaled.numerator) // scaled.denominator) if up else scaled.numerator // scaled.denominator
    if mantissa == 10**DIGITS:
        mantissa, exponent = 10 ** (DIGITS - 1), exponent + 1
    digits, dots = str(mantissa), "" if up else r"\ldots"
    if 0 <= exponent < DIGITS - 1:
        return f"{digits[: exponent + 1]}.{digits[exponent + 1 :]}{dots}"
    if -4 <= exponent < 0:
        return f"0.{'0' * (-exponent - 1)}{digits}{dots}"
    return rf"{digits[0]}.{digits[1:]}{dots}\cdot10^{{{exponent}}}"


def _exponent(value: Fraction) -> int:
    """floor(log10(value)) of a positive value."""
    guess = int((value.numerator.bit_length() - value.denominator.bit_length()) * 0.30103) - 1
    power = Fraction(10) ** guess
    while power * 10 <= value:
        power, guess = power * 10, guess + 1
    while power > value:
        power, guess = power / 10, guess - 1
    return guess
