"""Evidence for a derivation: every line evaluated by autograd on instances, the slack line by line.

A line `left <= right` is evaluated at a parameter point, a sample and a direction; the derivatives
in it come from forward-mode automatic differentiation of the nodes' definitions, not from the
derivation.  The ratio right/left is at least 1 unless the line is false.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from numerics.errors import NumericsError
from numerics.terms import Instance, children, evaluate_term, to_float
from proofs.kernel.claims import Compare, OperatorNorm, Relation
from proofs.kernel.core import Theorem
from proofs.kernel.monotone import dependency_order
from proofs.kernel.rules import Cases
from proofs.kernel.scalars import (
    Atom,
    DirectionNorm,
    DistanceNorm,
    Let,
    Norm,
    Poly,
    Root,
    SupNorm,
    Value,
)
from proofs.kernel.terms import Deriv, Mean, Named, Term

__all__ = ["Instance", "LineRatio", "evaluate_lines", "evaluate_poly"]

TOLERANCE = 1e-9
ROUNDING = 1e-11


@dataclass(slots=True)
class LineRatio:
    """A line's smallest right/left over the instances, and whether an instance refutes it."""

    left: float = math.nan
    right: float = math.nan
    ratio: float = math.inf
    instances: int = 0
    undecided: int = 0
    refuted: bool = False
    worst_left: float = math.nan
    worst_right: float = math.nan

    def take(self, left: float, right: float, scale: float) -> None:
        """One instance; rounding errors are small against `scale`, the size of what was added up."""
        if not (math.isfinite(left) and math.isfinite(right)):
            self.undecided += 1
            return
        self.instances += 1
        if left > right + TOLERANCE * max(abs(left), abs(right)) + ROUNDING * scale:
            self.refuted = True
            self.worst_left, self.worst_right = left, right
        ratio = right / left if left > 0 else math.inf
        if abs(right - left) <= ROUNDING * scale:
            ratio = 1.0
        if self.instances == 1 or ratio < self.ratio:
            self.left, self.right, self.ratio = left, right, ratio


class _Reading:
    """Values of terms and scalars on one instance; derivatives by nested forward mode."""

    def __init__(self, instance: Instance, nodes: Sequence[Term]) -> None:
        self._instance = instance
        self._known: dict[Term, Tensor] = {}
        self._atoms: dict[Atom, float] = {}
        self._differentiate(nodes)

    def _differentiate(self, nodes: Sequence[Term]) -> None:
        if not nodes:
            return
        names = sorted(self._instance.theta)
        theta = tuple(self._instance.theta[name] for name in names)
        direction = tuple(self._instance.direction[name] for name in names)

        def values(*blocks: Tensor) -> tuple[Tensor, ...]:
            known: dict[Term, Tensor] = {}
            bound = dict(zip(names, blocks, strict=True))
            return tuple(evaluate_term(node, bound, self._instance, known) for node in nodes)

        def slopes(*blocks: Tensor) -> Any:
            return torch.func.jvp(values, blocks, direction)

        both: Any = torch.func.jvp(slopes, theta, direction)
        (value, first), (_, second) = both
        for node, v, d1, d2 in zip(nodes, value, first, second, strict=True):
            self._known[node] = v
            self._known[Deriv(node, 1)] = d1
            self._known[Deriv(node, 2)] = d2

    @property
    def scale(self) -> float:
        """The size of the largest node or derivative: what rounding errors are measured against."""
        return max((float(value.abs().max()) for value in self._known.values() if value.numel()), default=0.0)

    def size(self, poly: Poly) -> float:
        """The sum of the absolute values of the terms, after `poly` has been evaluated."""
        total = 0.0
        for monomial, coefficient in poly.terms.items():
            product = abs(to_float(coefficient))
            for inner, exponent in monomial:
                product *= abs(self._atoms[inner]) ** exponent
            total += product
        return total

    def term(self, term: Term) -> Tensor:
        return evaluate_term(term, self._instance.theta, self._instance, self._known)

    def poly(self, poly: Poly) -> float:
        for inner in dependency_order(poly, {}):
            if inner not in self._atoms:
                self._atoms[inner] = self._atom(inner)
        return self._sum(poly)

    def _sum(self, poly: Poly) -> float:
        total = 0.0
        for monomial, coefficient in poly.terms.items():
            product = to_float(coefficient)
            for inner, exponent in monomial:
                product *= self._atoms[inner] ** exponent
            total += product
        return total

    def _atom(self, inner: Atom) -> float:
        match inner:
            case Let(body=body):
                return self._sum(body)
            case Root(radicand=radicand):
                return math.sqrt(max(self._sum(radicand), 0.0))
            case DirectionNorm(members=members):
                return _joint(self._instance.direction[v.name] for v in members)
            case DistanceNorm(members=members):
                pairs = [(self._instance.theta[v.name], self._instance.reference[v.name]) for v in members]
                return _joint(a - b for a, b in pairs)
            case Norm(term=Deriv(term=Mean(), order=order)):
                return self._instance.mean_along[order]
            case Norm(term=term):
                value = self.term(term)
                return float(torch.linalg.matrix_norm(value, 2) if value.ndim == 2 else value.norm())
            case SupNorm(term=term):
                return float(self.term(term).abs().max())
            case Value(term=term):
                return float(self.term(term))
            case _:
                raise NumericsError(f"expected a line about one instance but got {type(inner).__name__}")


def _joint(blocks: Iterable[Tensor]) -> float:
    return math.sqrt(sum(float((block * block).sum()) for block in blocks))


def evaluate_poly(poly: Poly, instance: Instance) -> float:
    """The value of a scalar of the kernel on an instance."""
    return _Reading(instance, _differentiated([poly])).poly(poly)


def _differentiated(polys: Iterable[Poly]) -> list[Term]:
    """The nodes whose derivatives occur, in a fixed order."""
    found: dict[Term, None] = {}
    for poly in polys:
        for inner in dependency_order(poly, {}):
            if isinstance(inner, Norm | SupNorm | Value):
                stack = [inner.term]
                while stack:
                    term = stack.pop()
                    if isinstance(term, Deriv):
                        if not isinstance(term.term, Mean):
                            found[term.term] = None
                    else:
                        stack.extend(children(term) if not isinstance(term, Named) else ())
    return list(found)


def evaluate_lines(
    steps: Sequence[Theorem],
    instances: Sequence[Instance],
    progress: Callable[[int, int], None] | None = None,
) -> dict[int, LineRatio]:
    """Every comparison and operator-norm bound of the steps on every instance.

    Args:
        steps: theorems of a derivation; hypotheses of theirs must hold at the instances, except the
            cases that `Cases` joins: lines under a case are evaluated where it holds.
        instances: where to evaluate.
        progress: called with (instances done, instances in all).

    Returns:
        For each step's `id` the smallest ratio right/left found.  A line that could not be
        evaluated on an instance (missing blocks, overflow, NaN) counts as undecided there.
    """
    lines = {id(step): step.claim for step in steps if isinstance(step.claim, Compare | OperatorNorm)}
    found = {number: LineRatio() for number in lines}
    polys = [p for c in lines.values() if isinstance(c, Compare) for p in (c.left, c.right)]
    nodes = _differentiated(polys)
    cases = {claim for step in steps if isinstance(step.rule, Cases) for claim in _cases(step.rule)}
    assumed = {id(step): tuple(cases & step.hypotheses) for step in steps}
    for done, instance in enumerate(instances):
        reading = _Reading(instance, nodes)
        for number, claim in lines.items():
            if all(_holds(case, reading) for case in assumed[number]):
                _take(found[number], claim, reading, instance)
        if progress is not None:
            progress(done + 1, len(instances))
    return found


def _cases(rule: Cases) -> tuple[Compare, Compare]:
    return Compare(rule.left, Relation.LE, rule.right), Compare(rule.right, Relation.LE, rule.left)


def _holds(case: Compare, reading: _Reading) -> bool:
    """Whether the case holds at the instance; where it cannot be told, its lines are passed over."""
    try:
        return reading.poly(case.left) <= reading.poly(case.right)
    except (KeyError, NumericsError, OverflowError):
        return False


def _take(line: LineRatio, claim: Compare | OperatorNorm, reading: _Reading, instance: Instance) -> None:
    try:
        if isinstance(claim, Compare):
            left, right = reading.poly(claim.left), reading.poly(claim.right)
            line.take(left, right, max(reading.size(claim.left), reading.size(claim.right), reading.scale))
        else:
            left = instance.mean_norm[claim.order]
            line.take(left, reading.poly(claim.bound), left)
    except (KeyError, NumericsError, OverflowError):
        line.undecided += 1
