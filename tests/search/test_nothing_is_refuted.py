"""No registered statement is refuted; at night with more settings and seeds that change from day to day."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from numerics.search.attacks import ATTACKS
from numerics.search.engine import search
from numerics.search.outcome import PROFILES, Verdict
from numerics.search.recheck import case_of


@pytest.mark.parametrize("statement", sorted(ATTACKS))
def test_no_statement_is_refuted(statement):
    attack = ATTACKS[statement](None)
    found = search(attack, replace(PROFILES["ci"], examples=12), seed=11)
    assert found.verdict is Verdict.HOLDS, (found.witness and case_of(found.witness)) or found.sentence()
    assert found.instances > 1000 and (found.largest_ratio > 0.3 or not attack.is_ratio)


@pytest.mark.nightly
@pytest.mark.parametrize("statement", sorted(ATTACKS))
@pytest.mark.parametrize("turn", range(4))
def test_no_statement_is_refuted_at_night(statement, turn):
    seed = 4 * (int(time.time()) // 86400) + turn
    found = search(ATTACKS[statement](None), PROFILES["default"], seed=seed)
    shown = (found.witness and case_of(found.witness)) or found.sentence()
    assert found.verdict is Verdict.HOLDS, (seed, shown)
