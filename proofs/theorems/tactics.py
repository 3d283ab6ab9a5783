"""Small combinations of kernel rules that the derivations share; nothing here is trusted."""

from __future__ import annotations

from fractions import Fraction

from flint import fmpq

from proofs.kernel.claims import Claim, Compare, Relation
from proofs.kernel.core import Theorem, infer
from proofs.kernel.monotone import dependency_order
from proofs.kernel.rules import Assume, Certificate, Monotone
from proofs.kernel.rules.algebra import bounds_of
from proofs.kernel.scalars import Atom, Norm, Poly, number
from proofs.kernel.terms import Term

__all__ = [
    "assume", "assume_at_most", "at_most_itself", "combine", "compare_of", "norm", "rational", "replace",
    "used_bounds",
]  # fmt: skip


def rational(value: Fraction | int) -> fmpq:
    exact = Fraction(value)
    return fmpq(exact.numerator, exact.denominator)


def norm(term: Term) -> Poly:
    return Norm(term).poly()


def assume(claim: Claim) -> Theorem:
    return infer(Assume(claim))


def assume_at_most(atom: Atom, bound: Poly) -> Theorem:
    """{t <= q} |- t <= q."""
    return assume(Compare(atom.poly(), Relation.LE, bound))


def compare_of(theorem: Theorem) -> Compare:
    if not isinstance(theorem.claim, Compare):
        raise TypeError("expected a theorem that compares two scalars")
    return theorem.claim


def replace(target: Theorem, *bounds: Theorem) -> Theorem:
    """X <= p with the atoms of p replaced by their bounds, abbreviations kept."""
    return infer(Monotone(), target, *bounds)


def combine(target: Theorem, *others: Theorem) -> Theorem:
    """X <= p + (b_1 - a_1) + ... from x <= p and a_i <= b_i: the sums a_i in p become b_i."""
    one = number(1)
    products = tuple((fmpq(1), (index,), one) for index in range(1 + len(others)))
    return infer(Certificate(compare_of(target).left, products, ()), target, *others)


def used_bounds(target: Theorem, bounds: tuple[Theorem, ...]) -> tuple[Theorem, ...]:
    """The bounds that the target's right side needs, directly or through other bounds."""
    by_atom, _ = bounds_of(tuple(bound.sequent for bound in bounds))
    needed = set(dependency_order(compare_of(target).right, by_atom))
    return tuple(bound for bound in bounds if compare_of(bound).left.atoms() <= needed)


def at_most_itself(left: Poly) -> Theorem:
    """P <= p."""
    return infer(Certificate(left, ((fmpq(1), (), number(0)),), ()))
