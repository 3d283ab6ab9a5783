"""Lemmas in a step tree: which steps belong to which one, and what is supposed there.

A lemma is what is shown by induction, and what instances are made of by `PutIn`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from proofs.kernel.claims import Claim, ForIndices, ForSamples
from proofs.kernel.core import Rule, Theorem
from proofs.kernel.rules import (
    AlmostAllSteps,
    Assume,
    AvoidingComponents,
    EitherWay,
    Induction,
    Instantiate,
    PutIn,
    SomeComponent,
)
from proofs.kernel.set_claims import SetClaim
from proofs.kernel.substitution import claim_at
from proofs.kernel.terms import INDEX

__all__ = [
    "BASE", "ITSELF", "STEP", "is_supposing", "labels_in_proofs", "labels_of_parts", "labels_of_suppositions",
    "places_in_lemmas",
]  # fmt: skip

BASE, STEP, ITSELF = 0, 1, 2
# Rules that drop what was supposed in their premises.
SUPPOSING = (EitherWay, AvoidingComponents, SomeComponent, AlmostAllSteps)


def places_in_lemmas(
    order: Iterable[Theorem], premises: Mapping[int, tuple[Theorem, ...]]
) -> dict[int, tuple[int, int]]:
    """For every step that a lemma rests on the first lemma that does, and its side.

    Args:
        order: the steps, premises first.
        premises: of every step, by its identity.

    Returns:
        By identity the number of the lemma from 0, and whether the step belongs to its base (for a
        lemma without induction: its proof), to its step or is the lemma.
    """
    found: dict[int, tuple[int, int]] = {}
    place = 0
    order = list(order)
    put_in = {id(premises[id(t)][0]) for t in order if isinstance(t.rule, PutIn)}
    for theorem in order:
        if isinstance(theorem.rule, Induction):
            for side, premise in zip((BASE, STEP), premises[id(theorem)], strict=True):
                _mark(premise, (place, side), premises, found)
        elif id(theorem) in put_in and not isinstance(theorem.rule, Assume):
            for premise in premises[id(theorem)]:
                _mark(premise, (place, BASE), premises, found)
        else:
            continue
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


def labels_of_suppositions(
    order: Iterable[Theorem], places: Mapping[int, tuple[int, int]]
) -> list[tuple[str, Claim]]:
    """H1, ...: the claims at n that the steps of proofs by induction suppose, by the lemma's number."""
    lemmas = [theorem for theorem in order if isinstance(theorem.rule, Induction)]
    return [(f"H{places[id(theorem)][0] + 1}", theorem.claim) for theorem in lemmas]


def labels_in_proofs(order: Iterable[Theorem], known: Mapping[Claim, str]) -> list[tuple[str, Claim]]:
    """P1, ...: what lemmas about arbitrary maps are about; C1, ...: what is supposed and dropped in a proof.

    Args:
        order: the steps, premises first.
        known: claims that have a label.
    """
    order = list(order)
    put_in = {id(theorem.premises[0]) for theorem in order if isinstance(theorem.rule, PutIn)}
    uses = (premise for theorem in order for premise in (*theorem.premises, theorem))
    assumed = [theorem.claim for theorem in uses if isinstance(theorem.rule, Assume)]
    loose = [claim for claim in dict.fromkeys(assumed) if isinstance(claim, SetClaim) and claim not in known]
    lemmas = [theorem for theorem in order if id(theorem) in put_in]
    about = dict.fromkeys(claim for lemma in lemmas for claim in loose if claim in lemma.hypotheses)
    cases = [claim for claim in loose if claim not in about]
    found: list[tuple[str, Claim]] = [(f"P{number}", claim) for number, claim in enumerate(about, start=1)]
    found += [(f"C{number}", claim) for number, claim in enumerate(cases, start=1)]
    return found


def is_supposing(rule: Rule) -> bool:
    """Whether the rule drops what its premises suppose."""
    return isinstance(rule, SUPPOSING)


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
