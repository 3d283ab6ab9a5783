"""Proofs by induction in a step tree: which steps belong to which lemma, and what is supposed there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from proofs.kernel.claims import Claim, ForIndices, ForSamples
from proofs.kernel.core import Theorem
from proofs.kernel.rules import Assume, Induction, Instantiate
from proofs.kernel.substitution import claim_at
from proofs.kernel.terms import INDEX

__all__ = ["BASE", "STEP", "labels_of_parts", "labels_of_suppositions", "places_in_lemmas"]

BASE, STEP, ITSELF = 0, 1, 2


def places_in_lemmas(
    order: Iterable[Theorem], premises: Mapping[int, tuple[Theorem, ...]]
) -> dict[int, tuple[int, int]]:
    """For every step that a proof by induction rests on the first lemma that does, and its side.

    Args:
        order: the steps, premises first.
        premises: of every step, by its identity.

    Returns:
        By identity the number of the lemma from 0, and whether the step belongs to its base, to
        its step or is the lemma.
    """
    found: dict[int, tuple[int, int]] = {}
    place = 0
    for theorem in order:
        if not isinstance(theorem.rule, Induction):
            continue
        for side, premise in zip((BASE, STEP), premises[id(theorem)], strict=True):
            _mark(premise, (place, side), premises, found)
        found[id(theorem)] = (place, ITSELF)
        place += 1
    return found


def _mark(
    theorem: Theorem,
    mark: tuple[int, int],
    premises: Mapping[int, tuple[Theorem, ...]],
    found: dict[int, tuple[int, int]],
) -> None:
    stack = [theorem]
    while stack:
        top = stack.pop()
        if id(top) not in found and not isinstance(top.rule, Assume):
            found[id(top)] = mark
            stack.extend(premises[id(top)])


def labels_of_suppositions(order: Iterable[Theorem]) -> list[tuple[str, Claim]]:
    """H1, ...: the claims at n that the steps of proofs by induction suppose."""
    lemmas = [theorem for theorem in order if isinstance(theorem.rule, Induction)]
    return [(f"H{number}", theorem.claim) for number, theorem in enumerate(lemmas, start=1)]


def labels_of_parts(
    claims: Iterable[Claim], labels: Mapping[Claim, str], order: Iterable[Theorem]
) -> dict[Claim, str]:
    """Labels of claims that are assumed on the way and are parts of assumptions of a goal.

    A claim for fewer layers, for one sample, or at every n where the goal speaks of one number,
    has the label of the assumption that it belongs to.
    """
    instances = {
        claim: claim_at(claim, theorem.rule.index)
        for theorem in order
        if isinstance(theorem.rule, Instantiate)
        for claim in theorem.premises[0].hypotheses
        if INDEX in claim.free
    }
    cores = {_core(claim): label for claim, label in labels.items()}
    cores |= {_core(claim): labels[image] for claim, image in instances.items() if image in labels}
    return {c: cores[_core(c)] for c in claims if c not in labels and _core(c) in cores}


def _core(claim: Claim) -> Claim:
    """The claim about one sample and one layer."""
    while isinstance(claim, ForSamples | ForIndices):
        claim = claim.claim
    return claim
