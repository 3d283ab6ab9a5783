"""Exact numbers from text: whole numbers, decimals, powers of ten and fractions, never via float."""

from __future__ import annotations

import re
from fractions import Fraction

from gradlemma.errors import ProblemError, printable

__all__ = ["NUMERAL", "looks_numeric", "read_number"]

MAX_DIGITS = 100
MAX_EXPONENT = 400

_DECIMAL = r"(?P<whole>[0-9]+)?(?:\.(?P<part>[0-9]*))?(?:[eE](?P<exponent>[+-]?[0-9]+))?"
_RATIO = r"(?P<top>[0-9]+)/(?P<bottom>[0-9]+)"
_GRAMMAR = re.compile(rf"(?P<sign>[+-])?(?:{_RATIO}|{_DECIMAL})")

NUMERAL = r"^[+-]?([0-9]+/[0-9]+|([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?)$"
"""The grammar as a regular expression for the JSON schema."""

_WHOLE = re.compile(NUMERAL)


def looks_numeric(text: str) -> bool:
    """Whether the text has the form of a number, whatever its size.

    >>> [looks_numeric(t) for t in ("-9/10", "1e-3", ".5", "9**9", ".nan", "1_000", "")]
    [True, True, True, False, False, False, False]
    """
    return _WHOLE.match(text) is not None and "\n" not in text


def read_number(text: str) -> int | Fraction:
    """The number that the text denotes, exactly; an `int` when it is written as a whole number.

    >>> read_number("-9/10"), read_number("1e-3"), read_number("12")
    (Fraction(-9, 10), Fraction(1, 1000), 12)

    Raises:
        ProblemError: if the text is no number, has more than 100 digits, an exponent beyond 400,
            a zero denominator, or a whole number starts with 0.
    """
    found = _GRAMMAR.fullmatch(text) if looks_numeric(text) else None
    if found is None:
        raise ProblemError(
            f"expected a number such as 3, 0.5, 1e-3 or 1/16 but got {printable(repr(text))}",
            kind="type",
            remedy="write digits only, without operators, units, separators, NaN or infinity",
        )
    if sum(c.isdigit() for c in text) > MAX_DIGITS:
        raise ProblemError(
            f"expected a number of at most {MAX_DIGITS} digits "
            f"but got {printable(text, 40)} with {len(text)} characters",
            kind="limit",
            remedy="round it, or write it with an exponent such as 1e-3",
        )
    parts = found.groupdict()
    sign = -1 if parts["sign"] == "-" else 1
    _refuse_leading_zero(parts, text)
    if parts["top"] is not None:
        return sign * _ratio(int(parts["top"]), int(parts["bottom"]), text)
    if parts["part"] is None and parts["exponent"] is None:
        return sign * int(parts["whole"])
    exponent = int(parts["exponent"] or 0)
    if abs(exponent) > MAX_EXPONENT:
        raise ProblemError(
            f"expected an exponent between -{MAX_EXPONENT} and {MAX_EXPONENT} but got {printable(text)}",
            kind="limit",
            remedy="rescale the problem",
        )
    digits = int((parts["whole"] or "") + (parts["part"] or ""))
    return sign * digits * Fraction(10) ** (exponent - len(parts["part"] or ""))


def _ratio(top: int, bottom: int, text: str) -> Fraction:
    if bottom == 0:
        raise ProblemError(
            f"expected a fraction with a non-zero denominator but got {printable(text)}",
            kind="value",
            remedy="write a finite number",
        )
    return Fraction(top, bottom)


def _refuse_leading_zero(parts: dict[str, str | None], text: str) -> None:
    """017 is fifteen to some readers of YAML and seventeen to others."""
    for name in ("whole", "top", "bottom"):
        digits = parts[name] or ""
        if len(digits) > 1 and digits[0] == "0":
            raise ProblemError(
                f"expected a number without leading zeros but got {printable(text)}",
                kind="type",
                remedy="remove the leading zeros",
            )
