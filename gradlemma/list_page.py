"""The page of all statements, generated from the registry: `python -m gradlemma.list_page`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from gradlemma.statements import described
from proofs.registry import registry

__all__ = ["statements_page"]


def statements_page() -> str:
    """The text of `docs/statements.md`."""
    return "\n".join(_page([described(found) for found in registry()])) + "\n"


def _page(documents: list[dict[str, Any]]) -> Iterator[str]:
    yield "# Statements"
    yield ""
    yield "Generated from the registry by `make docs`; do not edit. `gradlemma list ID` prints one statement,"
    yield "`gradlemma list --json` all of them for machines ([json.md](json.md))."
    yield ""
    yield "| id | statement | can be sampled | relies on, besides the kernel |"
    yield "|---|---|---|---|"
    for found in documents:
        sampled = "yes" if found["sampling"]["sampled"] else "no"
        link = f"[{found['id']}](#{_anchor(found)})"
        yield f"| {link} | {found['title']} | {sampled} | {_trust(found)} |"
    for found in documents:
        yield ""
        yield from _section(found)


def _anchor(found: dict[str, Any]) -> str:
    """The anchor that the heading of the section gets."""
    kept = (c for c in _heading(found).lower() if c.isalnum() or c in " -_")
    return "".join(kept).replace(" ", "-")


def _heading(found: dict[str, Any]) -> str:
    return f"{found['id']}: {found['title']}"


def _trust(found: dict[str, Any]) -> str:
    return ", ".join(f"`{tag}`" for tag in found["established"]["trust"]) or "nothing"


def _section(found: dict[str, Any]) -> Iterator[str]:
    yield f"## {_heading(found)}"
    yield ""
    yield found["says"]
    yield ""
    for name, theorem in found["theorems"].items():
        yield f"- `{name}`: ${theorem['latex']}$"
        yield from (f"  - where ${let['latex']}$" for let in theorem["where"])
        conditions = "; ".join(f"${condition['latex']}$" for condition in theorem["hypotheses"])
        if conditions:
            yield f"  - if {conditions}"
    yield ""
    yield "Hypotheses, by the names that `--drop` takes:"
    yield ""
    yield from (f"- {_hypothesis(condition)}" for condition in found["hypotheses"])
    yield ""
    yield from _use(found)


def _hypothesis(found: dict[str, Any]) -> str:
    text = f"`{found['name']}`{' (a factor)' if found['is_factor'] else ''}: {found['says']}"
    if found["can_be_dropped"]:
        return text
    text += f" Cannot be dropped: {found['why_not']}"
    instead = ", ".join(f"`{name}`" for name in found["instead"])
    return f"{text}; attack instead: {instead}." if instead else f"{text}."


def _use(found: dict[str, Any]) -> Iterator[str]:
    established, sampling = found["established"], found["sampling"]
    yield f"Source: {found['source']}."
    yield ""
    steps = f"{established['steps']} kernel steps, relying on {_trust(found)} besides"
    yield f"Established: {established['how']}; {steps}."
    yield f"Rules: {', '.join(established['rules'])}."
    yield ""
    if sampling["sampled"]:
        yield f"Sampled by {sampling['margin']}."
    else:
        instead = ", ".join(f"`{name}`" for name in sampling["instead"])
        yield f"Not sampled: {sampling['reason']}; attack instead: {instead}."
    yield ""
    yield "```sh"
    yield found["instantiate"]["command"]
    yield "```"
    yield ""
    yield "```python"
    yield found["instantiate"]["python"]
    yield "```"
    if found["counterexamples"]:
        yield ""
        yield "Known counterexamples:"
        yield ""
        for known in found["counterexamples"]:
            yield f"- without `{known['dropped']}`: `{known['witness']}`"
    for exhibit in found["exhibits"]:
        yield from _exhibit(exhibit)


def _exhibit(found: dict[str, Any]) -> Iterator[str]:
    yield ""
    yield f"Exhibit `{found['name']}`, computed when this page is made:"
    yield ""
    yield f"- fails: {found['printed']} In the instance: {found['fails']}."
    yield f"- holds: {found['corrected']} In the instance: {found['holds']}."


if __name__ == "__main__":
    sys.stdout.write(statements_page())
