"""The Markdown printer: the same blocks with formulas between dollar signs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import assert_never

from .blocks import Block, Heading, Item, Items, Paragraph, Raw, References
from .escape import escape_markdown
from .layout import Cite, Inline, Math, Mono, Strong
from .references import SOURCES

__all__ = ["print_markdown"]

_ACCENTS = {r"\`a": "à", r"\u{a}": "ă", r"\ss{}": "ß", r"\"u": "ü", r"\"a": "ä", "--": "–"}


def print_markdown(blocks: Iterable[Block], title: Iterable[Inline]) -> str:
    lines = [f"# {_join(title)}", *(_block(block) for block in blocks)]
    return "\n\n".join(lines) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading(inlines=inlines, level=level):
            return f"{'#' * (level + 1)} {_join(inlines)}"
        case Paragraph(inlines=inlines):
            return _join(inlines)
        case Items(items=items):
            return "\n".join(_item(item) for item in items)
        case References(keys=keys):
            entries = [Item(f"[{SOURCES[key].label}]", (Raw(SOURCES[key].entry),)) for key in keys]
            return f"{_block(Heading(('References',), 1))}\n\n{_block(Items(tuple(entries)))}"
        case _:
            assert_never(block)


def _item(item: Item) -> str:
    label = f"**{escape_markdown(item.label)}** " if item.label else ""
    text = f"- {label}{_join(item.inlines)}"
    if item.reason:
        text += f" — *{_join(item.reason)}*"
    if item.remark:
        text += f"; {_join(item.remark)}"
    return text


def _join(inlines: Iterable[Inline | Raw]) -> str:
    return "".join(_inline(inline) for inline in inlines)


def _inline(inline: Inline | Raw) -> str:
    match inline:
        case str():
            return escape_markdown(inline)
        case Raw(latex=text):
            return _from_latex(text)
        case Cite(key=key):
            return escape_markdown(f"[{SOURCES[key].label}]")
        case Mono(text=text):
            return f"`{text}`"
        case Strong(text=text):
            return f"**{escape_markdown(text)}**"
        case Math():
            return f"${inline.text}$"
        case _:
            assert_never(inline)


def _from_latex(text: str) -> str:
    """Text of this package's own tables: emphasis and accents outside formulas."""
    parts = text.split("$")
    for index in range(0, len(parts), 2):
        part = re.sub(r"\\emph\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}", r"*\1*", parts[index])
        for latex, plain in _ACCENTS.items():
            part = part.replace(latex, plain)
        parts[index] = part
    return "$".join(parts)
