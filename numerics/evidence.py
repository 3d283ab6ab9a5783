"""Evidence for a derivation: every line evaluated by autograd on instances, the slack line by line.

A line `left <= right` is evaluated at a parameter point, a sample and a direction; the derivatives
in it come from forward-mode automatic differentiation of the nodes' definitions, not from the
derivation.  The ratio right/left is at least 1 unless the line is false.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from flint import fmpq
from torch import Tensor

from numerics.activations import apply
from numerics.errors import NumericsError
from proofs.kernel.claims import Compare, OperatorNorm
from proofs.kernel.core import Theorem
from proofs.kernel.monotone import dependency_order
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
from proofs.kernel.terms import (
    Apply,
    Deriv,
    Entrywise,
    Hadamard,
    Inner,
    LogSumExp,
    Mean,
    Named,
    Role,
    Scale,
    Softmax,
    Sum,
    Term,
    Times,
    Variable,
    Zero,
)
from proofs.kernel.univariate import Univariate

__all__ = ["Instance", "LineRatio", "evaluate_lines", "evaluate_poly"]

TOLERANCE = 1e-9

Blocks = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """A point theta, a reference point theta0, a sample (x, y) and a direction u, block by block.

    mean: for k = 1, 2 the value of |D^k L[u..]| of the mean loss at theta along u, and the
    norms of its gradient and Hessian there, where they were measured.
    """

    theta: Blocks
    reference: Blocks
    sample: Blocks
    direction: Blocks
    mean_along: Mapping[int, float]
    mean_norm: Mapping[int, float]


@dataclass(slots=True)
class LineRatio:
    """A line's smallest right/left over the instances, and whether an instance refutes it."""

    left: float = math.nan
    right: float = math.nan
    ratio: float = math.inf
    instances: int = 0
    undecided: int = 0
    refuted: bool = False

    def take(self, left: float, right: float) -> None:
        if not (math.isfinite(left) and math.isfinite(right)):
            self.undecided += 1
            return
        self.instances += 1
        if left > right + TOLERANCE * max(abs(left), abs(right), 1e-6):
            self.refuted = True
        ratio = right / left if left > 0 else 1.0 if right == left else math.inf
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
            return tuple(_evaluate(node, bound, self._instance, known) for node in nodes)

        def slopes(*blocks: Tensor) -> Any:
            return torch.func.jvp(values, blocks, direction)

        both: Any = torch.func.jvp(slopes, theta, direction)
        (value, first), (_, second) = both
        for node, v, d1, d2 in zip(nodes, value, first, second, strict=True):
            self._known[node] = v
            self._known[Deriv(node, 1)] = d1
            self._known[Deriv(node, 2)] = d2

    def term(self, term: Term) -> Tensor:
        return _evaluate(term, self._instance.theta, self._instance, self._known)

    def poly(self, poly: Poly) -> float:
        for inner in dependency_order(poly, {}):
            if inner not in self._atoms:
                self._atoms[inner] = self._atom(inner)
        return self._sum(poly)

    def _sum(self, poly: Poly) -> float:
        total = 0.0
        for monomial, coefficient in poly.terms.items():
            product = _float(coefficient)
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


def _float(value: fmpq) -> float:
    try:
        return float(Fraction(int(value.p), int(value.q)))
    except OverflowError:
        return math.inf


def _joint(blocks: Iterable[Tensor]) -> float:
    return math.sqrt(sum(float((block * block).sum()) for block in blocks))


def _evaluate(term: Term, theta: Blocks, instance: Instance, known: dict[Term, Tensor]) -> Tensor:
    """The term's value; nodes are computed after those that they need (an iterative walk)."""
    stack = [term]
    while stack:
        top = stack[-1]
        missing = [child for child in _children(top) if child not in known]
        if missing:
            stack.extend(missing)
            continue
        if top not in known:
            known[top] = _compute(top, theta, instance, known)
        stack.pop()
    return known[term]


def _children(term: Term) -> tuple[Term, ...]:
    match term:
        case Named(body=body):
            return (body,)
        case Sum(parts=parts):
            return parts
        case Scale(term=inner):
            return (inner,)
        case Times(scalar=left, vector=right) | Apply(map=left, vector=right):
            return (left, right)
        case Hadamard(left=left, right=right) | Inner(left=left, right=right):
            return (left, right)
        case Entrywise(vector=vector) | Softmax(vector=vector) | LogSumExp(vector=vector):
            return (vector,)
        case _:
            return ()


def _compute(term: Term, theta: Blocks, instance: Instance, known: dict[Term, Tensor]) -> Tensor:
    match term:
        case Variable(role=Role.PARAMETER):
            return theta[term.name]
        case Variable(role=Role.REFERENCE):
            return instance.reference[term.name]
        case Variable(role=Role.DIRECTION):
            return instance.direction[term.name]
        case Variable():
            return instance.sample[term.name]
        case Zero(shape=shape):
            return torch.zeros([n for n in shape if isinstance(n, int)], dtype=torch.float64)
        case Named(body=body):
            return known[body]
        case Sum(parts=parts):
            return torch.stack([known[part] for part in parts]).sum(0)
        case Scale(factor=factor, term=inner):
            return known[inner] * _float(factor)
        case Times(scalar=left, vector=right) | Hadamard(left=left, right=right):
            return known[left] * known[right]
        case Apply(map=left, vector=right):
            return known[left] @ known[right]
        case Inner(left=left, right=right):
            return (known[left] * known[right]).sum()
        case Entrywise(function=Univariate() as function, order=order, vector=vector):
            return apply(function, order, known[vector])
        case Softmax(vector=vector):
            return torch.softmax(known[vector], 0)
        case LogSumExp(vector=vector):
            return torch.logsumexp(known[vector], 0)
        case _:
            raise NumericsError(f"no torch reading is known for {type(term).__name__}")


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
                        stack.extend(_children(term) if not isinstance(term, Named) else ())
    return list(found)


def evaluate_lines(
    steps: Sequence[Theorem],
    instances: Sequence[Instance],
    progress: Callable[[int, int], None] | None = None,
) -> dict[int, LineRatio]:
    """Every comparison and operator-norm bound of the steps on every instance.

    Args:
        steps: theorems of a derivation; hypotheses of theirs must hold at the instances.
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
    for done, instance in enumerate(instances):
        reading = _Reading(instance, nodes)
        for number, claim in lines.items():
            _take(found[number], claim, reading, instance)
        if progress is not None:
            progress(done + 1, len(instances))
    return found


def _take(line: LineRatio, claim: Compare | OperatorNorm, reading: _Reading, instance: Instance) -> None:
    try:
        if isinstance(claim, Compare):
            line.take(reading.poly(claim.left), reading.poly(claim.right))
        else:
            line.take(instance.mean_norm[claim.order], reading.poly(claim.bound))
    except (KeyError, NumericsError, OverflowError):
        line.undecided += 1
