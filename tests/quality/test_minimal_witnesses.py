"""Which witness the search finds for every hypothesis and factor that can be dropped: the minimal one."""

from __future__ import annotations

import pytest

from numerics.search.attacks import ATTACKS
from numerics.search.engine import search
from numerics.search.outcome import PROFILES
from proofs.registry import registry

# (statement, dropped) -> setting and numbers, as `gradlemma refute` prints them.
EXPECTED: dict[tuple[str, str], tuple[str, dict[str, str]]] = {}


DROPPABLE = [(s.id, h.name) for s in registry() for h in s.hypotheses if h.can_be_dropped]


@pytest.mark.parametrize(("identifier", "dropped"), DROPPABLE)
def test_the_minimal_witness_is_found(identifier, dropped):
    found = search(ATTACKS[identifier](dropped), PROFILES["ci"], seed=0)
    assert found.witness is not None, found.sentence()
    print(found.witness.setting.describe())
