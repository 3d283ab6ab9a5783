"""Theorems about steps, stored and derived again, and compared with the loss at hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from proofs.errors import KernelError
from proofs.kernel.claims import Claim
from proofs.kernel.codec import decode, encode
from proofs.kernel.core import Theorem

__all__ = ["Replayed", "replayed"]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What was derived again.

    document: the stored derivation, `derivation` and `tensors`; None where nothing was derived again.
    confirmed: the names of the goals that a replay gave, with the expected claim and no hypothesis.
    refused: for the others a sentence.
    """

    document: dict[str, Any] | None
    confirmed: frozenset[str]
    refused: Mapping[str, str]


def replayed(
    goals: Mapping[str, Theorem],
    expected: Mapping[str, Claim],
    progress: Callable[[int, int], None] | None = None,
) -> Replayed:
    """Stores the theorems as text, recomputes every step, and compares the claims with the expected ones.

    Args:
        goals: the theorems by name.
        expected: for every name the claim about the loss at hand.
        progress: called with (steps done, steps in all).
    """
    if not goals:
        return Replayed(None, frozenset(), {})
    try:
        found = _decoded(goals, progress)
    except KernelError as error:
        if len(goals) == 1:
            return Replayed(None, frozenset(), dict.fromkeys(goals, f"the replay failed: {error}"))
        return _one_by_one(goals, expected)
    refused = {
        name: why for name in goals if (why := _unlike(found[1].get(name), expected[name])) is not None
    }
    return Replayed(found[0], frozenset(goals) - frozenset(refused), refused)


def _decoded(
    goals: Mapping[str, Theorem], progress: Callable[[int, int], None] | None
) -> tuple[dict[str, Any], dict[str, Theorem]]:
    text = json.dumps(encode(goals))
    document = json.loads(text)
    return {"derivation": document, "tensors": {}}, decode(document, progress=progress)


def _unlike(theorem: Theorem | None, claim: Claim) -> str | None:
    """Why the replayed theorem is not the one that was expected; None if it is."""
    if theorem is None or theorem.claim is not claim:
        return "the replayed theorem is another statement than the one about this loss"
    if theorem.hypotheses:
        return "the replayed theorem has hypotheses"
    return None


def _one_by_one(goals: Mapping[str, Theorem], expected: Mapping[str, Claim]) -> Replayed:
    """After a failure: the goals that are derived again on their own, stored together."""
    refused: dict[str, str] = {}
    kept: dict[str, Theorem] = {}
    for name, theorem in goals.items():
        alone = replayed({name: theorem}, {name: expected[name]})
        refused |= alone.refused
        if name in alone.confirmed:
            kept[name] = theorem
    document = {"derivation": encode(kept), "tensors": {}} if kept else None
    return Replayed(document, frozenset(kept), refused)
