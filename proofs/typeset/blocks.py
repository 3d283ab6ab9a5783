"""A document as data: headings, paragraphs, lists of lines and of steps."""

from __future__ import annotations

from dataclasses import dataclass

from .layout import Inline

__all__ = ["Block", "Heading", "Item", "Items", "Paragraph", "Raw", "References"]


@dataclass(frozen=True, slots=True)
class Raw:
    """Text from this package's own tables, written as LaTeX."""

    latex: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 (a section) or 2 (a run of steps)."""

    inlines: tuple[Inline, ...]
    level: int


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; `is_statement` sets it off as a theorem."""

    inlines: tuple[Inline | Raw, ...]
    is_statement: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """A labelled line: text, the reason for it and a remark on it."""

    label: str
    inlines: tuple[Inline | Raw, ...]
    reason: tuple[Inline, ...] = ()
    remark: tuple[Inline, ...] = ()


@dataclass(frozen=True, slots=True)
class Items:
    """Lines one below the other."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class References:
    """The bibliography: keys of `references.SOURCES` in the order of their labels."""

    keys: tuple[str, ...]


Block = Heading | Paragraph | Items | References
