"""Replacing the index variable n, and unfolding recursions.

What is put in for n is an index >= 1.  Values that a numeral decides are computed on the way:
powers, sums over a range, roots of squares.  Binders of n (steps of recursions, bodies of sums,
members of families, claims for a range) are never entered.
"""

from __future__ import annotations

from typing import Any

from proofs.errors import KernelError

from .claims import Claim, ForIndices, ForSamples
from .families import Block, Indexed, Recursive, space_at
from .fields import fields_of
from .indices import Index
from .monotone import sqrt_exact
from .scalars import Atom, Let, Poly, Root, Value, number, substitute, value_of
from .sequences import FamilyNorm, Natural, PartialSum, Power, family_norm, index_value, power
from .series import Combination, basic, combined, vector_at
from .task_scalars import BendNorm, Length, Product, TaskSum, length, product, task_sum
from .terms import INDEX, Abbreviation, Mean, Named, Role, Term, Variable

__all__ = ["body_of", "claim_at", "partial_sum", "poly_at", "term_at"]

MOST_SUMMANDS = 1000


def claim_at(claim: Claim, index: Index) -> Claim:
    """The claim with n replaced."""
    return _Images(index).claim(claim)


def poly_at(poly: Poly, index: Index) -> Poly:
    """The polynomial with n replaced."""
    return _Images(index).poly(poly)


def term_at(term: Term, index: Index) -> Term:
    """The term with n replaced."""
    return _Images(index).term(term)


def partial_sum(body: Poly, end: Index) -> Poly:
    """sum_{n=1}^end body, written out if the end is a numeral."""
    if end.is_open or end.offset > MOST_SUMMANDS:
        return PartialSum(body, end).poly()
    parts = (poly_at(body, Index(n, False)) for n in range(1, end.offset + 1))
    return sum(parts, number(0))


def body_of(term: Abbreviation) -> Term:
    """What an abbreviation stands for; of z_n given by a recursion, that of z_1 and z_{n+1} alone.

    Raises:
        KernelError: for a member z_i of a recursion where it is open whether i = 1.
    """
    match term:
        case Named(body=body) | Indexed(body=body):
            return body
        case Recursive(name=name, first=first, step=step, index=index):
            if index is Index(1, False):
                return first
            if index.least < 2:
                raise KernelError(f"expected {name} at 1 or at an index that is visibly above 1")
            before = index.shifted(-1)
            known: dict[Any, Any] = {term.before: Recursive(name, first, step, before)}
            return _Images(before, known).term(step)
        case _:
            raise KernelError(f"expected an abbreviation but got {type(term).__name__}")


class _Images:
    """What terms, polynomials and claims become when n is replaced by an index."""

    def __init__(self, index: Index, known: dict[Any, Any] | None = None) -> None:
        if not index.is_positive:
            raise KernelError("expected an index >= 1 in place of n")
        self._index = index
        self._known: dict[Any, Any] = dict(known or {})
        # Where none of these occurs, nothing changes.
        self._moving = frozenset([INDEX, *self._known])

    def term(self, term: Term) -> Term:
        if term not in self._known:
            self._known[term] = term if self._moving.isdisjoint(term.free) else self._term(term)
        return self._known[term]

    def _term(self, term: Term) -> Term:
        match term:
            case Variable(role=Role.INDEX | Role.PREVIOUS):
                raise KernelError("expected the index variable and the term before in recursions alone")
            case Block(name=name, shape=shape, role=role, index=index):
                return Block(name, space_at(shape, self._index), role, index.at(self._index))
            case Variable(name=name, shape=shape, role=role):
                return Variable(name, space_at(shape, self._index), role)
            case Recursive(name=name, first=first, step=step, index=index):
                return Recursive(name, first, step, index.at(self._index))
            case Named(name=name):
                raise KernelError(f"expected no n in {name}: an abbreviation without index has one body")
            case Mean(samples=samples):
                self._check_samples(samples, term.free)
                return self._rebuilt(term)
            case _:
                return self._rebuilt(term)

    def _check_samples(self, samples: tuple[Variable, ...], free: frozenset[Variable]) -> None:
        """Refuses where a free part of a sample would become a bound one."""
        bound = {self.term(v) for v in samples}
        if any(v.role is Role.SAMPLE and self.term(v) in bound for v in free):
            raise KernelError("expected no free part of a sample to be bound by putting an index in")

    def _rebuilt(self, value: Any) -> Any:
        kind: type = type(value)  # pyright: ignore[reportUnknownVariableType]
        return kind(*(self._field(getattr(value, name)) for name, _ in fields_of(kind)))

    def _field(self, value: Any) -> Any:
        match value:
            case Term():
                return self.term(value)
            case Poly():
                return self.poly(value)
            case Claim():
                return self.claim(value)
            case Combination():
                return self.combination(value)
            case Index():
                return value.at(self._index)
            case tuple():
                return tuple(self._field(part) for part in value)  # pyright: ignore[reportUnknownVariableType]
            case _:
                return self._plain(value)

    def _plain(self, value: Any) -> Any:
        """Data in which no n can occur; spaces are rebuilt with their variables."""
        if isinstance(value, Atom):
            raise KernelError(f"expected no {type(value).__name__} on its own")
        return value

    def claim(self, claim: Claim) -> Claim:
        if INDEX not in claim.free:
            return claim
        if isinstance(claim, ForIndices):
            return ForIndices(claim.end.at(self._index), claim.claim)
        if isinstance(claim, ForSamples):
            self._check_samples(claim.samples, claim.free)
        return self._rebuilt(claim)

    def combination(self, combination: Combination) -> Combination:
        parts = combination.terms
        return combined((self.poly(c), basic(vector_at(v, self._index))) for c, v in parts)

    def poly(self, poly: Poly) -> Poly:
        return poly if INDEX not in poly.variables else substitute(poly, self._atom)

    def _atom(self, inner: Atom) -> Poly:
        if INDEX not in inner.variables:
            return inner.poly()
        match inner:
            case Natural():
                return index_value(self._index)
            case Power(base=base, index=index):
                return power(self.poly(base), index.at(self._index))
            case PartialSum(body=body, end=end):
                return partial_sum(body, end.at(self._index))
            case FamilyNorm(member=member, end=end):
                return family_norm(member, end.at(self._index))
            case Root(radicand=radicand):
                return _root(self.poly(radicand))
            case Value(term=term):
                return value_of(self.term(term))
            case Let(name=name):
                raise KernelError(f"expected no n in {name}: an abbreviation without index has one body")
            case Length(combination=combination):
                return length(self.combination(combination))
            case Product(left=left, right=right):
                return product(vector_at(left, self._index), vector_at(right, self._index))
            case BendNorm(task=task, run=run, index=index):
                return BendNorm(task, run, index.at(self._index)).poly()
            case TaskSum(body=body):
                return task_sum(self.poly(body))
            case _:
                return self._rebuilt(inner).poly()


def _root(radicand: Poly) -> Poly:
    value = radicand.constant()
    exact = None if value is None else sqrt_exact(value)
    return Root(radicand).poly() if exact is None else number(exact)
