"""Facts that rules cite instead of deriving them: name, statement and sources of every tag `cited:...`."""

# ruff: noqa: E501 -- rows of tables are longer
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .blocks import Item, Raw
from .layout import Cite, Inline, Strong

__all__ = ["FACTS", "Fact", "fact_items", "tag_label"]


@dataclass(frozen=True, slots=True)
class Fact:
    """A cited fact: the mark beside a step, its name, its statement as LaTeX text, keys of sources."""

    label: str
    name: str
    statement: str
    sources: tuple[str, ...]


FACTS: dict[str, Fact] = {
    "cited:analytic-zeros": Fact(
        "Zer",
        "the theorem on zero sets of real-analytic functions",
        r"A real-analytic function on a connected open subset of $\mathbb{R}^P$ is $0$ on all of it, or its zero set"
        r" is null.",
        ("krantz", "mityagin"),
    ),
    "cited:submersions": Fact(
        "Sub",
        "the theorem on preimages of null sets under submersions",
        r"If $p:U\to\mathbb{R}^n$ is continuously differentiable on an open $U\subset\mathbb{R}^P$ and its Jacobian"
        r" has rank $n$ everywhere, preimages of null sets are null.",
        ("ponomarev", "lee"),
    ),
    "cited:sard": Fact(
        "Sard",
        "Sard's theorem",
        r"If $G:U\to\mathbb{R}^P$ is continuously differentiable on an open $U\subset\mathbb{R}^P$, the image of the"
        r" points with $\det DG=0$ is null.",
        ("sard",),
    ),
    "cited:fubini": Fact(
        "Fub",
        "Fubini's theorem",
        r"A measurable subset of $\mathbb{R}^m\times\mathbb{R}^n$ is null exactly if almost all of its slices are.",
        ("folland",),
    ),
    "cited:local-diffeomorphisms": Fact(
        "Dif",
        "the theorem on preimages of null sets under local diffeomorphisms",
        r"If $G:U\to\mathbb{R}^P$ is continuously differentiable on an open $U\subset\mathbb{R}^P$ and the points with"
        r" $\det DG=0$ form a null set, preimages of null sets are null.",
        ("ponomarev", "craciun"),
    ),
    "cited:smooth-images": Fact(
        "Img",
        "the theorem on images of null sets under smooth maps",
        r"A continuously differentiable map $\mathbb{R}^P\to\mathbb{R}^P$ sends null sets to null sets.",
        ("lee",),
    ),
}


def tag_label(tag: str) -> str:
    """What stands at the turnstile for a tag."""
    return FACTS[tag].label if tag in FACTS else tag


def fact_items(tags: Iterable[str]) -> tuple[Item, ...]:
    """A line for every cited fact among the tags: its mark, its statement and its sources."""
    items: list[Item] = []
    for tag in tags:
        fact = FACTS.get(tag)
        if fact is None:
            continue
        cited: list[Inline] = [" "]
        for position, key in enumerate(fact.sources):
            cited += [", " if position else "", Cite(key)]
        items.append(Item("", (Strong(fact.label), ": ", Raw(fact.statement), *cited)))
    return tuple(items)
