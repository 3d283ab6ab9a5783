"""Which witness the search finds for every hypothesis and factor that can be dropped: the registry's."""

from __future__ import annotations

import pytest

from gradlemma.witness_text import sentence
from numerics.search.attacks import ATTACKS
from numerics.search.engine import search
from numerics.search.outcome import PROFILES, Verdict
from numerics.search.recheck import case_of, recheck
from numerics.search.settings import FunctionSetting, GivenSetting, NetworkSetting, StepSetting
from proofs.registry import registry, statement

DROPPABLE = [(s.id, h.name) for s in registry() for h in s.hypotheses if h.can_be_dropped]
# Smallest networks of two layers; with cross-entropy tied layers need two outputs.
TWO_LAYERS = {
    ("JET-affine", "fresh-parameters"), ("JET-affine", "factor-2"), ("JET-1", "fresh-parameters"),
    ("BND-1", "fresh-parameters"), ("BND-1-joint", "weight-norms"), ("BND-1-joint", "bias-norms"),
    ("BND-1-joint", "targets"), ("BND-1-joint", "fresh-parameters"), ("BND-2", "weight-norms"),
    ("BND-2", "fresh-parameters"), ("BND-3", "fresh-parameters"),
}  # fmt: skip


@pytest.mark.parametrize(("identifier", "dropped"), DROPPABLE)
def test_the_search_finds_the_minimal_witness_of_the_registry(identifier, dropped):
    attack = ATTACKS[identifier](dropped)
    found = search(attack, PROFILES["ci"], seed=0)
    assert found.verdict is Verdict.REFUTED
    witness = found.witness
    listed = {known.dropped: known.witness for known in statement(identifier).counterexamples}
    assert sentence(witness, attack.prepare(witness.setting)) == listed[dropped]
    assert recheck(case_of(witness)).refuted
    match witness.setting:
        case FunctionSetting(function=function):
            assert function.name in ("identity", "sign")
        case NetworkSetting(network=network, samples=samples):
            assert samples == 1
            assert network.depth == (2 if (identifier, dropped) in TWO_LAYERS else 1)
            assert max(network.widths()) <= 2
        case GivenSetting(network=network, inputs=inputs):
            assert inputs.shape == (1, 1)
            assert network.depth == (2 if (identifier, dropped) in TWO_LAYERS else 1)
        case StepSetting(network=network, inputs=inputs):
            assert inputs.shape == (1, 1)
            assert network.depth == (2 if identifier == "NSG-2-dead" else 1)


def test_every_hypothesis_that_can_be_dropped_has_a_witness():
    listed = [(s.id, known.dropped) for s in registry() for known in s.counterexamples]
    assert sorted(listed) == sorted(DROPPABLE)
