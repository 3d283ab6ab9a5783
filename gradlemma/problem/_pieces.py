"""The pieces of a user's activation as they are stated: names, ends, expressions and values, each checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Any

from gradlemma.errors import ProblemError, printable
from proofs.kernel.univariate import Expression, constant
from proofs.network import CATALOGUE

from ._numerals import looks_numeric
from ._python import exact_number
from .expression import NAMES, parse_expression

__all__ = [
    "ACTIVATION_NAME", "MAX_PIECES", "Part", "Values", "check_name", "check_order", "moderate", "parts_of",
    "refusal", "values_of",
]  # fmt: skip

ACTIVATION_NAME = "[A-Za-z][A-Za-z0-9_]{0,31}"
MAX_PIECES = 64
LARGEST = 10**9
# Words that formulas use for something else.
RESERVED = frozenset(
    {*NAMES, "id", "softmax", "normal_cdf", "inverse", "max", "min", "sup", "loss", "root", "D"}
)


Values = dict[Fraction, Fraction]


@dataclass(frozen=True, slots=True)
class Part:
    """A stated piece: an end that was left out is None."""

    start: Fraction | None
    stop: Fraction | None
    expression: Expression


def refusal(message: str, key: str, remedy: str, kind: str = "value") -> ProblemError:
    return ProblemError(message, kind=kind, key=key, remedy=remedy)


def check_name(name: Any) -> None:
    if type(name) is not str or not re.fullmatch(ACTIVATION_NAME, name):
        message = f"expected a name of at most 32 letters, digits and _ but got {printable(repr(name), 60)}"
        raise refusal(message, "name", "start with a letter")
    if name in CATALOGUE or name in RESERVED:
        known = "an activation of the catalogue" if name in CATALOGUE else "a name of its own in formulas"
        remedy = f"call it my_{name}" if len(name) < 29 else "choose another name"
        raise refusal(f"expected a new name but {name} is {known}", "name", remedy)


def parts_of(pieces: Any) -> list[Part]:
    if isinstance(pieces, str | bytes | Mapping) or not isinstance(pieces, Iterable):
        kind = type(pieces).__name__
        raise refusal(f"expected a list of pieces but got {kind}", "pieces", "write [{is: t}]", "type")
    given = list(islice(pieces, MAX_PIECES + 1))
    if not given:
        raise refusal("expected at least one piece but got none", "pieces", "write [{is: t}]")
    if len(given) > MAX_PIECES:
        message = f"expected at most {MAX_PIECES} pieces but got more"
        raise refusal(message, "pieces", "use `period` for a pattern that repeats", "limit")
    return [_part(piece, f"pieces[{index}]") for index, piece in enumerate(given)]


def _part(piece: Any, key: str) -> Part:
    if not isinstance(piece, Mapping):
        message = f"expected a piece such as {{to: 0, is: t/10}} but got {printable(repr(piece), 60)}"
        raise refusal(message, key, "write the keys from, to, is", "type")
    for step in piece:
        if step not in ("from", "to", "is"):
            message = f"expected the keys from, to, is but got {printable(step, 40)}"
            raise refusal(message, f"{key}.{printable(step, 40)}", "remove it", "unknown-key")
    if "is" not in piece:
        raise refusal(
            "expected the key is but it is missing", key, "add `is:` with an expression", "missing-key"
        )
    return Part(
        _end(piece.get("from"), f"{key}.from"),
        _end(piece.get("to"), f"{key}.to"),
        _expression(piece["is"], f"{key}.is"),
    )


def _expression(given: Any, key: str) -> Expression:
    if isinstance(given, Expression):
        return given
    if not isinstance(given, str):
        return constant(moderate(given, key))
    try:
        return parse_expression(given)
    except ProblemError as error:
        raise refusal(error.message, key, error.remedy, error.kind) from None


def _end(given: Any, key: str) -> Fraction | None:
    return None if given is None else moderate(given, key)


def moderate(given: Any, key: str) -> Fraction:
    """An exact number that double precision tells from its neighbours."""
    value = exact_number(given, key)
    if abs(value) > LARGEST or value.denominator > LARGEST:
        message = f"expected a number with numerator and denominator up to 1e9 but got {printable(value, 40)}"
        raise refusal(message, key, "rescale t", "limit")
    return value


def check_order(parts: list[Part]) -> None:
    """Pieces follow each other without gap and overlap, each of positive length."""
    reached = parts[0].start
    for index, part in enumerate(parts):
        key = f"pieces[{index}]"
        if index:
            _check_joint(reached, part.start, key)
        start = reached if part.start is None else part.start
        if start is not None and part.stop is not None and start >= part.stop:
            message = f"expected a piece of positive length but got one from {start} to {part.stop}"
            raise refusal(message, key, "list the pieces from left to right")
        reached = part.stop


def _check_joint(reached: Fraction | None, start: Fraction | None, key: str) -> None:
    if reached is None:
        message = "expected no further piece because the one before reaches to infinity"
        raise refusal(f"{message}, so they overlap", key, "write `to` in the piece before")
    if start is not None and start > reached:
        message = f"expected a piece that starts where the one before ends, at {reached}, but got {start}"
        raise refusal(f"{message}: a gap", f"{key}.from", f"write from: {reached}, or add a piece between")
    if start is not None and start < reached:
        message = f"expected a piece that starts where the one before ends, at {reached}, but got {start}"
        raise refusal(f"{message}: an overlap", f"{key}.from", f"write from: {reached}")


def values_of(given: Any) -> dict[Fraction, Fraction]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise refusal("expected a mapping from points to values", "values", "write {0: 1/2}", "type")
    found: dict[Fraction, Fraction] = {}
    for point, value in given.items():
        key = f"values.{printable(point, 40)}"
        if isinstance(point, str) and not looks_numeric(point):
            raise refusal(
                f"expected a number but got {printable(repr(point), 60)}", key, "write {0: 1/2}", "type"
            )
        place = moderate(point, key)
        if place in found:
            raise refusal(
                f"expected each point once but got {place} twice", key, "remove one", "duplicate-key"
            )
        found[place] = moderate(value, key)
    return found
