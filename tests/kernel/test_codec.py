"""Stored derivations: they come back the same, and altered ones are refused or rejected."""

from __future__ import annotations

import copy
import json
import random
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from gradlemma.compare import differences
from gradlemma.problem import Problem
from gradlemma.proved import derive_bounds
from proofs.errors import KernelError
from proofs.kernel.codec import decode, encode
from proofs.kernel.tensor_codec import decode_tensors, encode_tensors
from proofs.network import Dense, Network


@pytest.fixture(scope="module")
def bounds():
    rng = np.random.default_rng(3)
    network = Network.of(2, Dense(3), "tanh", Dense(2), "relu", Dense(2, bias=False))
    weights = [rng.normal(size=p.shape) for p in network.parameters()]
    problem = Problem.of(
        network,
        "cross_entropy",
        x=rng.normal(size=(4, 2)),
        y=[0, 1, 1, 0],
        weights=weights,
        weight_norms="from-weights",
        bias_norms="from-weights",
        factor=2,
        radius="1/100",
    )
    return derive_bounds(problem)


@pytest.fixture(scope="module")
def document(bounds):
    return json.loads(json.dumps(encode(bounds.goals())))


def test_a_stored_derivation_comes_back_as_the_same_theorems(bounds, document):
    again = decode(document)
    for name, theorem in bounds.goals().items():
        assert again[name].sequent == theorem.sequent
        assert again[name].trust == theorem.trust
    assert differences(again, bounds.work, bounds.resolved) == []


def test_encoding_is_the_same_after_a_round_trip(document):
    assert encode(decode(document)) == document


@pytest.mark.parametrize("part", ["nodes", "steps"])
def test_added_unused_data_is_refused(document, part):
    altered = copy.deepcopy(document)
    altered[part].append(altered[part][0])
    with pytest.raises(KernelError):
        decode(altered)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all leaves of a JSON value."""
    if isinstance(value, dict):
        return [p for key in value for p in _places(value[key], (*path, key))]
    if isinstance(value, list):
        return [p for i, inner in enumerate(value) for p in _places(inner, (*path, i))] or [path]
    return [path]


def _mutate(leaf: Any, rng: random.Random) -> Any:
    if isinstance(leaf, bool):
        return not leaf
    if isinstance(leaf, int):
        return leaf + rng.choice([-2, -1, 1, 2, 10**6])
    if isinstance(leaf, str) and re.fullmatch(r"-?[0-9]+(/[0-9]+)?", leaf):
        value = Fraction(leaf)
        return str(rng.choice([-value, value / 2, value + 1, value * Fraction(999999, 1000000)]))
    if isinstance(leaf, str):
        return rng.choice(
            [leaf + "x", leaf[:-1], "<=" if leaf == "=" else "=", "relu", "parameter", "reference"]
        )
    return rng.choice([0, "1", None, []])


def _set(document: Any, path: tuple[Any, ...], value: Any) -> None:
    for key in path[:-1]:
        document = document[key]
    document[path[-1]] = value


def _fuzz(bounds, document, seed: int, changes: int) -> int:
    """Single changes, each refused, or the same theorems, or others that the problem rejects."""
    rng = random.Random(seed)
    places = _places(document)
    goals = bounds.goals()
    text = json.dumps(document)
    changed = refused = 0
    while changed < changes:
        altered = json.loads(text)
        path = rng.choice(places)
        leaf = altered
        for key in path:
            leaf = leaf[key]
        new = _mutate(leaf, rng)
        if new == leaf and type(new) is type(leaf):
            continue
        _set(altered, path, new)
        changed += 1
        try:
            again = decode(altered)
        except KernelError:
            refused += 1
            continue
        same = {n: t.sequent for n, t in again.items()} == {n: t.sequent for n, t in goals.items()}
        unlike = differences(again, bounds.work, bounds.resolved)
        assert same or unlike, f"an altered derivation passed: {path}"
    return refused


@pytest.mark.parametrize("seed", range(4))
def test_a_single_change_is_refused_or_gives_no_other_theorem_about_the_problem(bounds, document, seed):
    assert _fuzz(bounds, document, seed, 100) > 50


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(100, 110))
def test_thousands_of_single_changes_give_no_other_theorem_about_the_problem(bounds, document, seed):
    assert _fuzz(bounds, document, seed, 500) > 250


def test_an_altered_constant_is_refused_naming_the_step(document):
    altered = copy.deepcopy(document)
    index = altered["goals"]["worst_case.H_max"]
    claim = altered["nodes"][altered["steps"][index]["conclusion"]]
    bound = altered["nodes"][claim[-1]]
    bound[1][0][0] = str(Fraction(bound[1][0][0]) / 2)
    with pytest.raises(KernelError, match="step"):
        decode(altered)


def test_a_dropped_hypothesis_is_refused_naming_the_step(document):
    altered = copy.deepcopy(document)
    index = altered["goals"]["worst_case.G_max"]
    altered["steps"][index]["hypotheses"].pop()
    with pytest.raises(KernelError, match=f"step {index} .*hypotheses"):
        decode(altered)


def test_a_flipped_relation_is_refused_naming_the_step(document):
    altered = copy.deepcopy(document)
    place = next(i for i, node in enumerate(altered["nodes"]) if node[0] == "Compare" and node[2] == "=")
    altered["nodes"][place][2] = "<="
    with pytest.raises(KernelError, match="step"):
        decode(altered)


def test_tensors_come_back_and_altered_ones_are_refused(bounds):
    stored = json.loads(json.dumps(encode_tensors(*bounds.goals().values())))
    assert len(stored) >= 6
    decode_tensors(stored)
    first, second = sorted(stored)[:2]
    stored[first] = stored[second]
    with pytest.raises(KernelError, match="another digest"):
        decode_tensors(stored)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"format": "other"},
        {"format": "gradlemma-derivation-1"},
        {"format": "gradlemma-derivation-1", "nodes": 3},
    ],
)
def test_documents_of_another_form_are_kernel_errors(document):
    with pytest.raises(KernelError):
        decode(document)


def test_two_abbreviations_of_one_name_are_refused(document):
    altered = copy.deepcopy(document)
    names = [node for node in altered["nodes"] if node[0] == "Let"]
    names[1][1] = names[0][1]
    with pytest.raises(KernelError):
        decode(altered)
