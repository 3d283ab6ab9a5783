"""Formulas as breakable pieces, an estimate of their width, and their division into lines."""

# ruff: noqa: E501, S105 -- rows of tables are longer; tokens are those of TeX
from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Cite", "Inline", "Math", "Mono", "Piece", "Strong", "break_lines", "math", "width_of"]


@dataclass(frozen=True, slots=True)
class Piece:
    """Math that is not broken; a line may begin with it.  `text` starts with its `+` or relation."""

    text: str
    is_relation: bool = False


@dataclass(frozen=True, slots=True)
class Math:
    """A formula."""

    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        return " ".join(piece.text for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Mono:
    """A piece of text in a typewriter face."""

    text: str


@dataclass(frozen=True, slots=True)
class Strong:
    """A piece of text that stands out."""

    text: str


@dataclass(frozen=True, slots=True)
class Cite:
    """A reference to an entry of the bibliography, by its key there."""

    key: str


# What running text consists of; a `str` is plain text that printers escape.
Inline = str | Math | Mono | Strong | Cite


def math(text: str) -> Math:
    """A formula of one piece."""
    return Math((Piece(text),))


_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|[{}_^]|\s+|.", re.DOTALL)
_COMMANDS = {
    "lVert": 0.5, "rVert": 0.5, "lvert": 0.28, "rvert": 0.28, "le": 1.34, "odot": 1.25, "cdot": 0.75,
    "langle": 0.4, "rangle": 0.4, "quad": 1.0, "qquad": 2.0, "sqrt": 0.9, "max": 2.1, "bigl": 0.1, "bigr": 0.1,
    "log": 1.5, "sum": 1.25, "tanh": 2.4, "sin": 1.5, "exp": 1.7, "cdots": 1.4, "dots": 1.4, "in": 1.25, "coloneqq": 1.5, "vdash": 1.2, "nabla": 0.85,
    "textstyle": 0.0, "operatorname": 0.2, "mathrm": 0.0, "text": 0.0, "mathbb": 0.1, "left": 0.2, "right": 0.2, "times": 1.25, "sup": 1.7,
}  # fmt: skip
_CHARACTERS = {
    "W": 1.0, "M": 1.0, "D": 0.84, "J": 0.65, "K": 0.9, "L": 0.7, "U": 0.78, "i": 0.35, "j": 0.42, "l": 0.32, "t": 0.37,
    "(": 0.4, ")": 0.4, "[": 0.3, "]": 0.3, "|": 0.28, ",": 0.45, ".": 0.28, "+": 1.25, "-": 1.25, "=": 1.34,
    "'": 0.3, "&": 0.0, "m": 0.9, "<": 1.34,
}  # fmt: skip


@lru_cache(maxsize=20_000)
def width_of(tex: str) -> float:
    """The width of a formula in em, estimated from its source, rather too large than too small."""
    return _width(_TOKEN.findall(tex), 0, 1.0)[0]


def _width(tokens: list[str], start: int, size: float) -> tuple[float, int]:
    """The width from `start` to the closing brace or the end, and where that is."""
    total, index = 0.0, start
    while index < len(tokens):
        token = tokens[index]
        if token.startswith("}"):
            return total, index + 1
        added, index = _token_width(tokens, index, size)
        total += added
    return total, index


def _token_width(tokens: list[str], index: int, size: float) -> tuple[float, int]:
    token = tokens[index]
    if token.startswith("{"):
        return _width(tokens, index + 1, size)
    if token in "_^":
        # Operators in scripts carry no space around them, hence the smaller factor.
        return _token_width(tokens, index + 1, size * 0.7) if index + 1 < len(tokens) else (0.0, index + 1)
    if token in (r"\tfrac", r"\frac", r"\overset"):
        smaller = size * (0.72 if token != r"\frac" else 1.0)
        above, index = _token_width(tokens, index + 1, smaller)
        below, index = _token_width(tokens, index, smaller if token != r"\overset" else size)
        return max(above, below) + 0.25 * size, index
    if token.startswith("\\"):
        narrow = {",": 0.17, ";": 0.28, "!": -0.17, " ": 0.33, "_": 0.5, "|": 0.5}
        name = token[1:]
        return size * narrow.get(name, _COMMANDS.get(name, 0.65)), index + 1
    if token.isspace():
        return 0.0, index + 1
    return size * _CHARACTERS.get(token, 0.57), index + 1


def break_lines(formula: Math, width: float, indent: float = 2.0) -> list[list[Piece]]:
    """The pieces in lines of at most that width in em; lines but the first are indented."""
    lines: list[list[Piece]] = []
    current: list[Piece] = []
    used = 0.0
    for piece in formula.pieces:
        size = width_of(piece.text)
        if current and used + size > width:
            lines.append(current)
            current, used = [], indent
        current.append(piece)
        used += size
    lines.append(current)
    return lines
