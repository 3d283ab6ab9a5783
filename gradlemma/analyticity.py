"""Whether a problem's loss is almost everywhere analytic: both routes, replayed, a section of a check."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gradlemma.problem import Problem
from gradlemma.problem_maps import architecture_of
from proofs.errors import KernelError, NetworkError
from proofs.kernel.codec import decode, encode
from proofs.kernel.core import Theorem, replay_all
from proofs.kernel.set_claims import AlmostEverywhereAnalytic, OuterAnalytic
from proofs.kernel.tensor_codec import encode_tensors
from proofs.theorems.architecture_analyticity import (
    ArchitectureAnalyticity,
    LayerCondition,
    RouteReport,
    Status,
    architecture_analyticity,
)
from proofs.theorems.map_analyticity import Route

__all__ = ["AnalyticitySection", "analyticity_document", "check_analyticity"]


@dataclass(frozen=True, slots=True)
class AnalyticitySection:
    """What a check says about analyticity.

    report: None where the network is too large to be looked at.
    failure: why, or why the derivations do not replay; None if they do.
    """

    report: ArchitectureAnalyticity | None
    document: dict[str, Any]
    failure: str | None

    @property
    def covered(self) -> tuple[RouteReport, ...]:
        """The routes whose theorem was replayed."""
        return () if self.failure else tuple(route for route in self.routes if route.covers)

    @property
    def routes(self) -> tuple[RouteReport, ...]:
        """Both routes, if they were looked at."""
        return () if self.report is None else self.report.routes

    @property
    def verdict(self) -> str:
        """`proved` if a route covers the loss, else `undecided`."""
        return "proved" if self.covered else "undecided"

    def goals(self) -> dict[str, Theorem]:
        """The theorem of each route that covers the loss."""
        return {
            f"analyticity.{route.route.value}": route.theorem
            for route in self.routes
            if route.theorem is not None
        }

    def reason(self) -> str:
        """One sentence."""
        if self.failure is not None:
            return self.failure
        if self.covered:
            names = " and ".join(route.route.value for route in self.covered)
            plural = "routes" if len(self.covered) > 1 else "route"
            return f"covered by the {names} {plural}, for any data set"
        return "; ".join(f"{route.route.value} route: {route.reason}" for route in self.routes)


def check_analyticity(problem: Problem) -> AnalyticitySection:
    """Derives both routes for the problem's architecture and loss, and replays what was derived."""
    try:
        report = architecture_analyticity(architecture_of(problem), problem.loss)
    except (KernelError, NetworkError) as error:
        nothing = {"derivation": encode({}), "tensors": encode_tensors()}
        return AnalyticitySection(None, nothing, f"not looked at: {error}")
    section = AnalyticitySection(report, {}, None)
    goals = section.goals()
    document = {"derivation": encode(goals), "tensors": encode_tensors(*goals.values())}
    return AnalyticitySection(report, document, _failure(report, goals, document))


def _failure(
    report: ArchitectureAnalyticity, goals: dict[str, Theorem], document: dict[str, Any]
) -> str | None:
    try:
        again = decode(json.loads(json.dumps(document["derivation"]))) if goals else {}
        replay_all(*(c.theorem for c in _conditions(report) if c.theorem is not None))
    except KernelError as error:
        return f"the derivation of analyticity does not replay: {error}"
    for name, theorem in again.items():
        if theorem.claim is not AlmostEverywhereAnalytic(report.loss):
            return f"{name} is about another loss than the problem's"
        if any(not isinstance(claim, OuterAnalytic) for claim in theorem.hypotheses):
            return f"{name} rests on more than what is assumed of given maps"
    return None


def _conditions(report: ArchitectureAnalyticity) -> Iterator[LayerCondition]:
    for route in report.routes:
        yield from route.conditions


def analyticity_document(section: AnalyticitySection) -> dict[str, Any]:
    """The section `analyticity` of `check --json` (docs/json.md)."""
    return {
        "verdict": section.verdict,
        "reason": section.reason(),
        "routes": {kind.value: _NOTHING for kind in Route}
        | {route.route.value: _route(section, route) for route in section.routes},
    }


_NOTHING: dict[str, Any] = {
    "covers": False,
    "reason": "not looked at",
    "conditions": [],
    "hypotheses": [],
    "trust": [],
}


def _route(section: AnalyticitySection, route: RouteReport) -> dict[str, Any]:
    from gradlemma.plain import claim_text

    theorem = route.theorem
    hypotheses = [] if theorem is None else sorted(claim_text(claim) for claim in theorem.hypotheses)
    return {
        "covers": route in section.covered,
        "reason": section.failure or route.reason,
        "conditions": [
            {
                "layer": condition.layer,
                "condition": condition.condition,
                "status": _status(section, condition),
                "reason": condition.reason,
            }
            for condition in route.conditions
        ],
        "hypotheses": hypotheses,
        "trust": [] if theorem is None else sorted(theorem.trust),
    }


def _status(section: AnalyticitySection, condition: LayerCondition) -> str:
    """A condition counts as met only if everything replays."""
    if section.failure is not None and condition.status is Status.MET:
        return "undecided"
    return condition.status.value
