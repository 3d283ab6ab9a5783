"""The torch reading of the kernel's terms at one point, sample and direction."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import torch
from flint import fmpq
from torch import Tensor

from numerics.activations import apply
from numerics.errors import NumericsError
from proofs.kernel.terms import (
    Apply,
    Entrywise,
    Hadamard,
    Inner,
    LogSumExp,
    Named,
    Ones,
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

__all__ = ["Blocks", "Instance", "children", "evaluate_term", "to_float"]

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


def to_float(value: fmpq) -> float:
    try:
        return float(Fraction(int(value.p), int(value.q)))
    except OverflowError:
        return math.inf


def evaluate_term(term: Term, theta: Blocks, instance: Instance, known: dict[Term, Tensor]) -> Tensor:
    """The term's value; nodes are computed after those that they need (an iterative walk)."""
    stack = [term]
    while stack:
        top = stack[-1]
        missing = [child for child in children(top) if child not in known]
        if missing:
            stack.extend(missing)
            continue
        if top not in known:
            known[top] = _compute(top, theta, instance, known)
        stack.pop()
    return known[term]


def children(term: Term) -> tuple[Term, ...]:
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
        case Ones(shape=shape):
            return torch.ones([n for n in shape if isinstance(n, int)], dtype=torch.float64)
        case Named(body=body):
            return known[body]
        case Sum(parts=parts):
            return torch.stack([known[part] for part in parts]).sum(0)
        case Scale(factor=factor, term=inner):
            return known[inner] * to_float(factor)
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
