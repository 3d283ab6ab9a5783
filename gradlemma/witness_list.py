"""The minimal witnesses of the registry, found by the search: the text of `proofs/registry/witnesses.py`.

`make witnesses` writes them; needed where strategies or the search have changed what is found first.
"""

from __future__ import annotations

import sys

from gradlemma.refute import registered
from gradlemma.witness_text import sentence
from numerics.search.engine import search
from numerics.search.outcome import PROFILES
from proofs.errors import GradlemmaError
from proofs.registry import registry

__all__ = ["witnesses_text"]

HEAD = '''"""The minimal witness against every statement without one of its hypotheses, found by the search.

Written by `make witnesses`; `tests/quality` searches for each of them again, and
`gradlemma refute ID --drop HYPOTHESIS` shows one with its exact re-check.
"""

# ruff: noqa: E501 -- sentences of data are longer
from __future__ import annotations

from ._statement import Counterexample

__all__ = ["known"]

_WITNESSES: dict[str, dict[str, str]] = {
'''
TAIL = '''}


def known(identifier: str) -> tuple[Counterexample, ...]:
    """The witnesses against the statement of that id."""
    return tuple(Counterexample(dropped, witness) for dropped, witness in _WITNESSES[identifier].items())
'''


def witnesses_text() -> str:
    """The module's text.

    Raises:
        GradlemmaError: if a statement without a hypothesis is not refuted.
    """
    parts = [HEAD]
    for found in registry():
        parts.append(f'    "{found.id}": {{\n')
        for hypothesis in found.hypotheses:
            if hypothesis.can_be_dropped:
                parts.append(f'        "{hypothesis.name}": "{_witness(found.id, hypothesis.name)}",\n')
        parts.append("    },\n")
    return "".join([*parts, TAIL])


def _witness(identifier: str, dropped: str) -> str:
    (attack,) = registered([identifier], dropped)
    found = search(attack, PROFILES["ci"])
    if found.witness is None:
        raise GradlemmaError(f"expected a witness against {identifier} without {dropped}: {found.sentence()}")
    return sentence(found.witness, attack.prepare(found.witness.setting))


if __name__ == "__main__":
    sys.stdout.write(witnesses_text())
