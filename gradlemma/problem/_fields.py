"""The kinds of value that keys of a problem file take, each with its check and its JSON schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from gradlemma.errors import printable

from ._numerals import NUMERAL

__all__ = [
    "Array",
    "Exact",
    "Flag",
    "Name",
    "NonNegative",
    "NormList",
    "NormOrData",
    "PathText",
    "Whole",
    "between",
    "read_array",
    "refuse",
    "shown",
]

NAME = r"^[A-Za-z][A-Za-z0-9_-]{0,63}$"
Steps = tuple[str | int, ...]


def shown(value: object) -> str:
    """A value as it appears in a message: short, with its kind.

    >>> shown(True), shown([1, 2, 3]), shown("x")
    ('true', 'a list of 3', "'x'")
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, Mapping):
        return f"a mapping with {', '.join(printable(k, 30) for k in list(value)[:4]) or 'no keys'}"
    return printable(repr(str(value)) if isinstance(value, str) else str(value), 60)


def refuse(message: str, remedy: str, kind: str = "type", at: Steps = ()) -> PydanticCustomError:
    """A refusal inside a field; `at` is the path below the field."""
    context = {"text": message, "remedy": remedy, "kind": kind, "at": at}
    return PydanticCustomError("gradlemma", "{text}", context)


def _exact(value: Any, at: Steps = ()) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        remedy = "write it without quotes" if isinstance(value, str) else "write one number"
        message = f"expected a finite number such as 3, 0.5, 1e-3 or 1/16 but got {shown(value)}"
        raise refuse(message, remedy, at=at)
    return Fraction(value)


def _non_negative(value: Any, at: Steps = ()) -> Fraction:
    number = _exact(value, at)
    if number < 0:
        raise refuse(
            f"expected a number >= 0 but got {shown(value)}", "a norm is never negative", "value", at
        )
    return number


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        how = " written with a point, an exponent or a fraction" if isinstance(value, Fraction) else ""
        raise refuse(f"expected a whole number but got {shown(value)}{how}", "write digits only")
    return value


def between(least: int, most: int) -> Callable[[int], int]:
    """A check that a whole number lies in a range."""

    def check(value: Any) -> int:
        number = _whole(value)
        if not least <= number <= most:
            message = f"expected a whole number from {least} to {most} but got {shown(number)}"
            raise refuse(message, "choose a number in this range", "value")
        return number

    return check


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise refuse(f"expected true or false but got {shown(value)}", "write true or false without quotes")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise refuse(f"expected text but got {shown(value)}", "write a word or put the text in quotes")
    return str(value)


def _name(value: Any) -> str:
    text = _text(value)
    if not re.fullmatch(NAME[1:-1], text):
        message = f"expected a name of letters, digits, _ and - (at most 64) but got {shown(text)}"
        raise refuse(message, "start with a letter", "value")
    return text


def _norm_or_data(value: Any) -> Fraction | str:
    if isinstance(value, str):
        if value != "from-data":
            raise refuse(
                f"expected a number or from-data but got {shown(value)}", "write a number without quotes"
            )
        return "from-data"
    return _non_negative(value)


def _norm_list(value: Any) -> tuple[Fraction, ...] | str:
    if isinstance(value, str):
        if value != "from-weights":
            raise refuse(f"expected a list of norms or from-weights but got {shown(value)}", "write [2, 3/2]")
        return "from-weights"
    if not isinstance(value, list):
        raise refuse(f"expected a list of norms or from-weights but got {shown(value)}", "write [2, 3/2]")
    return tuple(_non_negative(entry, (index,)) for index, entry in enumerate(value))


def read_array(value: Any) -> tuple[Any, ...]:
    """A list of numbers, or a list of rows of equal length."""
    if not isinstance(value, list) or not value:
        raise refuse(
            f"expected a list of numbers or of rows but got {shown(value)}", "write [[1, 2], [3, 4]]"
        )
    if not isinstance(value[0], list):
        return tuple(_exact(entry, (index,)) for index, entry in enumerate(value))
    rows: list[tuple[Fraction, ...]] = []
    for index, row in enumerate(value):
        if not isinstance(row, list) or not row:
            raise refuse(
                f"expected a row of numbers but got {shown(row)}", "write every row as [1, 2]", at=(index,)
            )
        if len(row) != len(value[0]):
            message = f"expected rows of {len(value[0])} numbers but got a row of {len(row)}"
            raise refuse(message, "give every row the same length", "shape", (index,))
        rows.append(tuple(_exact(entry, (index, column)) for column, entry in enumerate(row)))
    return tuple(rows)


_NUMBER_SCHEMA: dict[str, Any] = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": NUMERAL}]}
_NORM_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "number", "minimum": 0},
        {"type": "string", "pattern": NUMERAL.replace("[+-]?", "[+]?", 1)},
    ]
}
_ROW_SCHEMA: dict[str, Any] = {"type": "array", "items": _NUMBER_SCHEMA, "minItems": 1}


def _or_word(schema: dict[str, Any], word: str) -> dict[str, Any]:
    return {"anyOf": [{"const": word}, schema]}


Exact = Annotated[Any, BeforeValidator(_exact), WithJsonSchema(_NUMBER_SCHEMA)]
NonNegative = Annotated[Any, BeforeValidator(_non_negative), WithJsonSchema(_NORM_SCHEMA)]
Whole = Annotated[Any, BeforeValidator(_whole), WithJsonSchema({"type": "integer"})]
Flag = Annotated[Any, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]
Name = Annotated[Any, BeforeValidator(_name), WithJsonSchema({"type": "string", "pattern": NAME})]
PathText = Annotated[Any, BeforeValidator(_text), WithJsonSchema({"type": "string", "minLength": 1})]
NormOrData = Annotated[
    Any, BeforeValidator(_norm_or_data), WithJsonSchema(_or_word(_NORM_SCHEMA, "from-data"))
]
NormList = Annotated[
    Any,
    BeforeValidator(_norm_list),
    WithJsonSchema(_or_word({"type": "array", "items": _NORM_SCHEMA}, "from-weights")),
]
Array = Annotated[
    Any,
    BeforeValidator(read_array),
    WithJsonSchema({"anyOf": [_ROW_SCHEMA, {"type": "array", "items": _ROW_SCHEMA, "minItems": 1}]}),
]
