"""Text into tokens: numbers, names and signs of a fixed alphabet, each with its column."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum

from gradlemma.errors import ProblemError, printable

__all__ = ["MAX_LENGTH", "Kind", "Token", "refusal", "tokenize"]

MAX_LENGTH = 1_000
MAX_TOKENS = 400
MAX_WORD = 32

_PATTERN = re.compile(
    r"(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign>\*\*|[-+*/^()])"
    r"|(?P<space>[ \t\r\n]+)"
)
# Signs that other notations use, and what to write instead.
_INSTEAD = {
    "**": "^", "×": "*", "·": "*", "⋅": "*", "÷": "/", "∕": "/", "−": "-", "–": "-", "—": "-", "π": "pi",
    "√": "sqrt(...)", "²": "^2", "³": "^3", "[": "(", "]": ")", "{": "(", "}": ")",
}  # fmt: skip


class Kind(Enum):
    """The kinds of token; the value is its name in messages."""

    NUMBER = "a number"
    NAME = "a name"
    SIGN = "a sign"
    END = "the end of the text"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text; columns count from 1."""

    kind: Kind
    text: str
    column: int

    def shown(self) -> str:
        return "the end" if self.kind is Kind.END else printable(repr(self.text), 50)


def refusal(column: int, message: str, remedy: str, kind: str = "expression") -> ProblemError:
    """The refusal of an expression at a column."""
    return ProblemError(f"column {column}: {message}", kind=kind, remedy=remedy)


def tokenize(text: str) -> tuple[Token, ...]:
    """The tokens of the text, the last one of kind END.

    >>> [token.text for token in tokenize("2*tanh(t)")]
    ['2', '*', 'tanh', '(', 't', ')', '']

    Raises:
        ProblemError: with the column, for a character outside the alphabet or beyond a limit.
    """
    if len(text) > MAX_LENGTH:
        message = f"expected an expression of at most {MAX_LENGTH} characters but got {len(text)}"
        raise refusal(MAX_LENGTH + 1, message, "split it into pieces, or simplify it", "limit")
    found: list[Token] = []
    place = 0
    while place < len(text):
        match = _PATTERN.match(text, place)
        if match is None or match[0] in _INSTEAD:
            raise _foreign(text, place, "**" if match else text[place])
        if match.lastgroup != "space":
            found.append(_token(Kind[str(match.lastgroup).upper()], match[0], place + 1))
        if len(found) > MAX_TOKENS:
            message = f"expected at most {MAX_TOKENS} numbers, names and signs but got more"
            raise refusal(place + 1, message, "simplify the expression", "limit")
        place = match.end()
    return (*found, Token(Kind.END, "", len(text) + 1))


def _token(kind: Kind, text: str, column: int) -> Token:
    if kind is Kind.NAME and len(text) > MAX_WORD:
        message = f"expected names of at most {MAX_WORD} characters but got {printable(text, 40)}"
        raise refusal(column, message, "use the functions in docs/problem-file.md", "limit")
    return Token(kind, text, column)


def _foreign(text: str, place: int, found: str) -> ProblemError:
    name = unicodedata.name(found, "") if len(found) == 1 and not found.isascii() else ""
    shown = printable(repr(found), 20) + (f" ({name.lower()})" if name else "")
    instead = _INSTEAD.get(found)
    remedy = f"write {instead}" if instead else "use t, numbers, + - * / ^, parentheses and known functions"
    return refusal(place + 1, f"expected part of an expression in t but got {shown}", remedy)
