"""Registered statements as plain data: what `list --json` prints, derived when asked for."""

from __future__ import annotations

from typing import Any

from proofs.exhibits import Exhibit
from proofs.kernel.claims import Claim, Compare, OperatorNorm, SupBound
from proofs.kernel.core import Theorem, steps_of
from proofs.kernel.scalars import Let
from proofs.registry import Hypothesis, NotSampled, Statement

__all__ = ["described", "sampled"]


def described(statement: Statement) -> dict[str, Any]:
    """Everything that the registry says about a statement, with its theorems derived and printed."""
    theorems = dict(statement.theorems())
    return {
        "id": statement.id,
        "title": statement.title,
        "says": statement.says,
        "source": statement.source,
        "theorems": {name: _theorem(theorem) for name, theorem in theorems.items()},
        "hypotheses": [_hypothesis(found) for found in statement.hypotheses],
        "established": _established(statement, theorems),
        "instantiate": {
            "command": statement.instantiate.command,
            "python": statement.instantiate.python,
        },
        "sampling": _sampling(statement),
        "counterexamples": [
            {"dropped": found.dropped, "witness": found.witness} for found in statement.counterexamples
        ],
        "exhibits": [_exhibit(found) for found in statement.exhibits],
    }


def sampled(statement: Statement) -> bool:
    """Whether instances of the statement can be drawn."""
    return not isinstance(statement.sampling, NotSampled)


def _theorem(theorem: Theorem) -> dict[str, Any]:
    from gradlemma.plain import claim_text, definition_text
    from proofs.typeset import claim_latex

    lets = _abbreviations(theorem.claim, *theorem.hypotheses)
    hypotheses = sorted(
        theorem.hypotheses, key=lambda claim: (claim_text(claim, exact=True), claim_latex(claim, exact=True))
    )
    return {
        "latex": claim_latex(theorem.claim),
        "plain": claim_text(theorem.claim),
        "where": [{"latex": _definition_latex(let), "plain": definition_text(let)} for let in lets],
        "hypotheses": [
            {"latex": claim_latex(claim, exact=True), "plain": claim_text(claim, exact=True)}
            for claim in hypotheses
        ],
    }


def _definition_latex(let: Let) -> str:
    from proofs.kernel.core import infer
    from proofs.kernel.rules import Definition
    from proofs.typeset import claim_latex

    return claim_latex(infer(Definition(let)).claim)


def _abbreviations(*claims: Claim) -> list[Let]:
    """The abbreviations in the claims, each after those that it refers to."""
    from gradlemma.plain import lets_of

    found: dict[Let, None] = {}
    for claim in claims:
        match claim:
            case Compare(left=left, right=right):
                polys = (left, right)
            case OperatorNorm(bound=bound) | SupBound(bound=bound):
                polys = (bound,)
            case _:
                polys = ()
        found |= dict.fromkeys(let for poly in polys for let in lets_of(poly))
    return sorted(found, key=lambda let: (let.name[0], let.name[1:]))


def _hypothesis(found: Hypothesis) -> dict[str, Any]:
    return {
        "name": found.name,
        "says": found.says,
        "is_factor": found.is_factor,
        "can_be_dropped": found.can_be_dropped,
        "why_not": found.why_not or None,
        "instead": list(found.instead),
    }


def _exhibit(found: Exhibit) -> dict[str, Any]:
    """The false form and the true one, with what was computed for both."""
    shown = found.show()
    return {
        "name": found.name,
        "printed": found.printed,
        "corrected": found.corrected,
        "fails": shown.fails,
        "holds": shown.holds,
        "theorems": {name: _theorem(theorem)["plain"] for name, theorem in shown.theorems.items()},
    }


def _established(statement: Statement, theorems: dict[str, Theorem]) -> dict[str, Any]:
    from proofs.typeset.rulebook import rule_text

    steps = steps_of(*theorems.values())
    return {
        "how": statement.established,
        "rules": sorted({rule_text(type(step.rule).__name__).name for step in steps}),
        "steps": len(steps),
        "trust": sorted(frozenset[str]().union(*(theorem.trust for theorem in theorems.values()))),
    }


def _sampling(statement: Statement) -> dict[str, Any]:
    match statement.sampling:
        case NotSampled(reason=reason, instead=instead):
            return {"sampled": False, "margin": None, "reason": reason, "instead": list(instead)}
        case found:
            return {"sampled": True, "margin": found.margin, "reason": None, "instead": []}
