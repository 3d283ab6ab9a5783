"""The one function that makes text safe for LaTeX, and its twin for Markdown."""

from __future__ import annotations

__all__ = ["escape", "escape_markdown"]

_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}", "`": r"\textasciigrave{}",
    "–": "--", "…": r"\ldots{}", "ă": r"\u{a}",
}  # fmt: skip
_MARKDOWN = frozenset("\\`*_{}[]<>#|$~&")


def escape(text: str) -> str:
    """Text as LaTeX text: special characters spelled out, anything beyond Latin-1 as `?`."""
    return "".join(_escape_character(character) for character in text)


def _escape_character(character: str) -> str:
    if character in _LATEX:
        # T1 alone has the straight quote; the plain one is safe everywhere.
        return "''" if character == '"' else _LATEX[character]
    if character.isspace():
        return " "
    return character if character.isprintable() and ord(character) < 256 else "?"


def escape_markdown(text: str) -> str:
    """Text as Markdown text: characters with a meaning get a backslash."""
    flat = "".join(" " if c.isspace() else c for c in text if c.isprintable() or c.isspace())
    return "".join("\\" + c if c in _MARKDOWN else c for c in flat)
