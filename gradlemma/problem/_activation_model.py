"""The activation of a layer as a problem file writes it, and its JSON schema."""

from __future__ import annotations

from typing import Any

from proofs.network import CATALOGUE

from ._fields import refuse, shown
from ._numerals import NUMERAL
from ._pieces import ACTIVATION_NAME, MAX_PIECES
from .expression import MAX_LENGTH

__all__ = ["activation_schema", "read_activation"]


def read_activation(value: Any) -> dict[str, Any]:
    """A name, a mapping with the name and exact parameters, or one with the name and pieces."""
    given = {"name": value} if isinstance(value, str) else value
    if not isinstance(given, dict) or "name" not in given:
        raise refuse(
            f"expected the name of an activation but got {shown(value)}", "write tanh or {name: tanh}"
        )
    if not isinstance(given["name"], str):
        raise refuse(f"expected a name but got {shown(given['name'])}", "write tanh", at=("name",))
    if "pieces" in given:
        # `user_activation` checks what is in them.
        return given
    for key, entry in given.items():
        if key != "name" and (isinstance(entry, bool) or not hasattr(entry, "numerator")):
            raise refuse(f"expected an exact number but got {shown(entry)}", "write 1/10", at=(key,))
    return given


def activation_schema() -> dict[str, Any]:
    """The schema: a name, a name with parameters, or a name with pieces."""
    names = sorted(CATALOGUE)
    parameters = sorted({key for defaults, _ in CATALOGUE.values() for key in defaults})
    number = {"anyOf": [{"type": "number"}, {"type": "string"}]}
    full = {
        "type": "object",
        "properties": {"name": {"enum": names}} | dict.fromkeys(parameters, number),
        "required": ["name"],
        "additionalProperties": False,
    }
    return {"anyOf": [{"enum": names}, full, _pieces_schema(names)]}


def _pieces_schema(taken: list[str]) -> dict[str, Any]:
    number: dict[str, Any] = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": NUMERAL}]}
    piece = {
        "type": "object",
        "properties": {
            "from": number,
            "to": number,
            "is": {
                "anyOf": [{"type": "number"}, {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH}],
                "description": "An expression in t.",
            },
        },
        "required": ["is"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            "name": {"type": "string", "pattern": f"^{ACTIVATION_NAME}$", "not": {"enum": taken}},
            "pieces": {"type": "array", "items": piece, "minItems": 1, "maxItems": MAX_PIECES},
            "period": number,
            "drift": number,
            "unit": {"const": "pi"},
            "values": {
                "type": "object",
                "propertyNames": {"pattern": NUMERAL},
                "additionalProperties": number,
            },
        },
        "required": ["name", "pieces"],
        "additionalProperties": False,
    }
