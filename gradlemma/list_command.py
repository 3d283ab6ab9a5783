"""`gradlemma list`: the registered statements as a table, or one of them in full."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import Any

from gradlemma.statements import described, sampled
from proofs.registry import registry, statement

__all__ = ["run_list"]

WIDTH = 100


def run_list(identifier: str | None, *, as_json: bool) -> int:
    """Print the registry, or one statement; exit code 0.

    Raises:
        UnknownNameError: for an unknown id, with the nearest one.
    """
    if identifier is None:
        print(_all_as_json() if as_json else "\n".join(_table()))
        return 0
    document = described(statement(identifier))
    if as_json:
        print(json.dumps({"schema_version": 1, "statement": document}, indent=2, sort_keys=True))
    else:
        print("\n".join(_in_full(document)))
    return 0


def _all_as_json() -> str:
    statements = [described(found) for found in registry()]
    return json.dumps({"schema_version": 1, "statements": statements}, indent=2, sort_keys=True)


def _table() -> Iterator[str]:
    rows = [("id", "title", "sampled", "established")]
    rows += [(s.id, s.title, "yes" if sampled(s) else "no", _short(s.established)) for s in registry()]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)]
        yield "  ".join([*cells, row[3]])
    yield "gradlemma list ID prints one in full"


def _short(established: str) -> str:
    """The first part of the sentence."""
    return established.partition(";")[0].partition(":")[0]


def _in_full(document: dict[str, Any]) -> Iterator[str]:
    yield f"{document['id']}: {document['title']}"
    yield from _wrapped(document["says"])
    yield f"source: {document['source']}"
    yield from _theorem_lines(document["theorems"])
    yield "hypotheses (names are those of refute --drop)"
    for found in document["hypotheses"]:
        yield from _hypothesis_lines(found)
    yield from _established_lines(document["established"])
    yield "instantiate"
    yield f"  {document['instantiate']['command']}"
    yield from (f"      {line}" for line in document["instantiate"]["python"].splitlines())
    sampling = document["sampling"]
    if sampling["sampled"]:
        yield from _wrapped(f"sampled: {sampling['margin']}")
    else:
        instead = ", ".join(sampling["instead"])
        yield from _wrapped(f"not sampled: {sampling['reason']}; attack instead: {instead}")
    yield "known counterexamples" if document["counterexamples"] else "no counterexample is known"
    for found in document["counterexamples"]:
        yield from _wrapped(f"  without {found['dropped']}: {found['witness']}", indent="    ")
    for found in document["exhibits"]:
        yield from _exhibit_lines(found)


def _exhibit_lines(found: dict[str, Any]) -> Iterator[str]:
    yield from _wrapped(f"exhibit {found['name']}: this form fails: {found['printed']}", indent="    ")
    yield from _wrapped(f"    computed: {found['fails']}", indent="    ")
    yield from _wrapped(f"  this form holds: {found['corrected']}", indent="    ")
    yield from _wrapped(f"    computed: {found['holds']}", indent="    ")


def _theorem_lines(theorems: dict[str, dict[str, Any]]) -> Iterator[str]:
    for name, theorem in theorems.items():
        yield f"{name}: {theorem['plain']}"
        yield f"    ${theorem['latex']}$"
        yield from (f"    where {let['plain']}" for let in theorem["where"])
        conditions = "; ".join(found["plain"] for found in theorem["hypotheses"])
        if conditions:
            yield from _wrapped(f"    if {conditions}", indent="       ")


def _hypothesis_lines(found: dict[str, Any]) -> Iterator[str]:
    text = f"  {found['name']}{' (factor)' if found['is_factor'] else ''}: {found['says']}"
    if not found["can_be_dropped"]:
        text += f" Cannot be dropped: {found['why_not']}"
        text += f"; attack instead: {', '.join(found['instead'])}." if found["instead"] else "."
    yield from _wrapped(text, indent="    ")


def _established_lines(found: dict[str, Any]) -> Iterator[str]:
    trust = ", ".join(found["trust"]) or "nothing else"
    steps = f"{found['steps']} kernel steps; relies on {trust} besides"
    yield from _wrapped(f"established: {found['how']} ({steps})")
    yield from _wrapped(f"  rules: {', '.join(found['rules'])}", indent="    ")


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False,
        drop_whitespace=True, replace_whitespace=False,
    )  # fmt: skip
