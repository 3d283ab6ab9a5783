"""Rules of differentiation in theta."""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq

from proofs.errors import KernelError

from ..claims import Equal, Sequent, Smooth
from ..core import Rule, register
from ..domains import check_analytic
from ..substitution import body_of
from ..terms import (
    Abbreviation,
    Apply,
    Deriv,
    Entrywise,
    Hadamard,
    Inner,
    LogSumExp,
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
from ..univariate import Univariate

__all__ = ["Differentiate", "SmoothByParts", "add", "scale"]


def add(*parts: Term) -> Term:
    """The sum, flat, without zeros, equal parts gathered into multiples."""
    weights: dict[Term, fmpq] = {}
    for part in parts:
        for term in part.parts if isinstance(part, Sum) else (part,):
            factor, inner = (term.factor, term.term) if isinstance(term, Scale) else (fmpq(1), term)
            if not isinstance(inner, Zero):
                weights[inner] = weights.get(inner, fmpq(0)) + factor
    kept = tuple(scale(factor, inner) for inner, factor in weights.items() if factor != 0)
    if not kept:
        return Zero(parts[0].space)
    return kept[0] if len(kept) == 1 else Sum(kept)


def scale(factor: fmpq, term: Term) -> Term:
    if isinstance(term, Zero) or factor == 1:
        return term
    if isinstance(term, Scale):
        return scale(factor * term.factor, term.term)
    return Scale(factor, term)


def derivative(term: Term) -> Term:
    """D term[u]: abbreviations stay closed, D of `Deriv(F, 1)` is `Deriv(F, 2)`."""
    match term:
        case Variable(role=Role.PARAMETER):
            return term.as_role(Role.DIRECTION)
        case Variable() | Zero() | Ones():
            return Zero(term.space)
        case Abbreviation():
            return Deriv(term, 1) if term.with_role(Role.PARAMETER) else Zero(term.space)
        case Deriv(term=inner, order=1):
            return Deriv(inner, 2)
        case Sum(parts=parts):
            return add(*(derivative(part) for part in parts))
        case Scale(factor=factor, term=inner):
            return scale(factor, derivative(inner))
        case Apply(map=linear, vector=vector):
            return add(_apply(derivative(linear), vector), _apply(linear, derivative(vector)))
        case Hadamard(left=left, right=right):
            return add(_hadamard(derivative(left), right), _hadamard(left, derivative(right)))
        case Inner(left=left, right=right):
            return add(_inner(derivative(left), right), _inner(left, derivative(right)))
        case Entrywise(function=function, order=order, vector=vector):
            return _hadamard(Entrywise(function, order + 1, vector), derivative(vector))
        case Softmax(vector=vector):
            inner = derivative(vector)
            if isinstance(inner, Zero):
                return Zero(term.space)
            return add(Hadamard(term, inner), Scale(fmpq(-1), Times(Inner(term, inner), term)))
        case LogSumExp(vector=vector):
            return _inner(Softmax(vector), derivative(vector))
        case _:
            raise KernelError(f"no rule differentiates {type(term).__name__}")


def _apply(linear: Term, vector: Term) -> Term:
    if isinstance(linear, Zero) or isinstance(vector, Zero):
        return Zero(linear.space[:1])
    return Apply(linear, vector)


def _hadamard(left: Term, right: Term) -> Term:
    return Zero(left.space) if isinstance(left, Zero) or isinstance(right, Zero) else Hadamard(left, right)


def _inner(left: Term, right: Term) -> Term:
    return Zero(()) if isinstance(left, Zero) or isinstance(right, Zero) else Inner(left, right)


def parts_of(body: Term) -> tuple[tuple[Abbreviation, ...], tuple[Entrywise, ...]]:
    """The abbreviations and the entrywise functions in a body (abbreviations stay closed)."""
    named: dict[Abbreviation, None] = {}
    entrywise: dict[Entrywise, None] = {}
    stack: list[Term] = [body]
    while stack:
        term = stack.pop()
        match term:
            case Abbreviation():
                if term.with_role(Role.PARAMETER):
                    named[term] = None
            case Variable() | Zero() | Ones():
                pass
            case Sum(parts=parts):
                stack.extend(parts)
            case Scale(term=inner):
                stack.append(inner)
            case Times(scalar=left, vector=right):
                stack.extend((left, right))
            case (
                Apply(map=left, vector=right)
                | Hadamard(left=left, right=right)
                | Inner(left=left, right=right)
            ):
                stack.extend((left, right))
            case Entrywise(vector=vector):
                entrywise[term] = None
                stack.append(vector)
            case Softmax(vector=vector) | LogSumExp(vector=vector):
                stack.append(vector)
            case _:
                raise KernelError(f"no rule differentiates {type(term).__name__}")
    return tuple(named), tuple(entrywise)


def _smooth_premises(premises: tuple[Sequent, ...], order: int) -> set[Term]:
    """The terms that the premises show to be differentiable at least `order` times."""
    found: set[Term] = set()
    for premise in premises:
        claim = premise.claim
        if not isinstance(claim, Smooth) or claim.order < order:
            raise KernelError(f"expected premises that terms are {order} times differentiable")
        found.add(claim.term)
    return found


@register
@dataclass(frozen=True)
class Differentiate(Rule):
    """
    G_i |- v_i is k times differentiable    D |- F is k times differentiable
    ------------------------------------------------------------------------ Differentiate
    G, D |- D^k F[u, ..., u] = the derivative of the body of F

    F abbreviates its body (a member z_{i+1} of a recursion its step), the v_i are the
    abbreviations in the body that depend on parameters.
    Where the body contains sigma(v), it is sigma(v) itself, v one of the v_i, the pieces of sigma
    analytic on their closed intervals: then D F[u] = sigma'(v) o D v[u] and D^2 F[u,u] =
    sigma''(v) o D v[u] o D v[u] + sigma'(v) o D^2 v[u,u] hold at kinks too, with the one-sided
    limits on the side to which v moves along u (if D v_i[u] and D^2 v_i[u,u] both vanish, so do
    both sides).  A jump does no harm: F is continuous in the point, so v stays where sigma is.
    """

    term: Abbreviation
    order: int

    def conclude(self, *premises: Sequent) -> Equal:
        if not isinstance(self.term, Abbreviation) or self.order not in (1, 2):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise KernelError("expected an abbreviation and order 1 or 2")
        body = body_of(self.term)
        named, entrywise = parts_of(body)
        for inner in entrywise:
            if inner is not body or not isinstance(inner.vector, Abbreviation) or inner.order != 0:
                raise KernelError("expected entrywise functions in abbreviations of their own")
            if isinstance(inner.function, Univariate):
                check_analytic(inner.function)
        if _smooth_premises(premises, self.order) != {self.term, *named} or len(premises) != len(named) + 1:
            raise KernelError("expected as premises that the term and its parts are smooth")
        first = derivative(body)
        return Equal(Deriv(self.term, self.order), first if self.order == 1 else derivative(first))


@register
@dataclass(frozen=True)
class SmoothByParts(Rule):
    """
    G_i |- v_i is k times differentiable
    ------------------------------------ SmoothByParts
    G |- F is k times differentiable

    F abbreviates an expression in parameters, data and the v_i by sums, products, softmax,
    log-sum-exp and entrywise functions without kinks.
    """

    term: Abbreviation
    order: int

    def conclude(self, *premises: Sequent) -> Smooth:
        named, entrywise = parts_of(body_of(self.term))
        for inner in entrywise:
            if not inner.function.is_analytic:
                raise KernelError("expected entrywise functions without kinks")
            if isinstance(inner.function, Univariate):
                check_analytic(inner.function)
        if _smooth_premises(premises, self.order) != set(named) or len(premises) != len(named):
            raise KernelError("expected as premises that the parts are smooth")
        return Smooth(self.term, self.order)
