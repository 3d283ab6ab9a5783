"""Terms and helpers that the kernel's tests share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import fmpq
from hypothesis import settings
from hypothesis import strategies as st

from proofs.errors import KernelError
from proofs.kernel.claims import Claim, Compare, Relation, Smooth, SupBound
from proofs.kernel.core import Rule, Theorem, infer
from proofs.kernel.rules import Assume
from proofs.kernel.scalars import Norm, Poly, Real, number
from proofs.kernel.store import remember
from proofs.kernel.tensors import ExactTensor
from proofs.kernel.terms import Apply, Entrywise, Inner, Named, Role, Scale, Sum, Term, Variable
from proofs.kernel.univariate import Unspecified

# What `infer` says of a field that has not exactly the type that the rule declares.
TYPED = r"expected \w+ of \w+ to be"
LE, EQ = Relation.LE, Relation.EQ
ONE, ZERO = number(1), number(0)
PHI = Unspecified("phi", is_analytic=True)
PSI = Unspecified("psi")

few = settings(max_examples=30, deadline=None)
seeds = st.integers(0, 2**20)
scales = st.sampled_from([0.05, 1.0, 1.0, 20.0])


def parameter(name: str, *shape: int) -> Variable:
    return Variable(name, shape, Role.PARAMETER)


def sample(name: str, *shape: int) -> Variable:
    return Variable(name, shape, Role.SAMPLE)


def direction(v: Variable) -> Variable:
    return v.as_role(Role.DIRECTION)


X, Y = sample("x", 2), sample("y", 3)
W, B = parameter("W", 3, 2), parameter("b", 3)
V, C = parameter("V", 3, 3), parameter("c", 3)
Z = Named("z", Sum((Apply(W, X), B)))
H = Named("h", Entrywise(PHI, 0, Z))
Q = Named("q", Sum((Apply(V, H), C)))
GAP = Sum((Q, Scale(fmpq(-1), Y)))
LOSS = Named("loss", Scale(fmpq(1, 2), Inner(GAP, GAP)))


def norm(term: Term) -> Poly:
    return Norm(term).poly()


def real(name: str) -> Poly:
    return Real(name).poly()


def assume(claim: Claim) -> Theorem:
    return infer(Assume(claim))


def le(left: Poly, right: Poly) -> Theorem:
    return assume(Compare(left, LE, right))


def eq(left: Poly, right: Poly) -> Theorem:
    return assume(Compare(left, EQ, right))


def smooth(term: Term, order: int = 2) -> Theorem:
    return assume(Smooth(term, order))


def sup(function: Any, order: int, radius: Poly | None, bound: Poly) -> Theorem:
    return assume(SupBound(function, order, radius, bound))


def stored(array: Any) -> str:
    return remember(ExactTensor.from_floats(np.asarray(array, dtype=float)))


def refuses(rule: Rule, *premises: Theorem, match: str | None = None) -> None:
    """The rule refuses with a `KernelError` of that wording."""
    with pytest.raises(KernelError, match=match):
        infer(rule, *premises)
