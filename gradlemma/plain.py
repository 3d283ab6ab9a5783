"""Claims in plain characters, for terminals."""

from __future__ import annotations

from fractions import Fraction

from gradlemma.decimals import shown_above
from proofs.kernel.claims import (
    Claim,
    Compare,
    EntriesIn,
    ForSamples,
    IsTensor,
    OperatorNorm,
    Relation,
    SamplesAre,
    Simplex,
    Smooth,
    SupBound,
)
from proofs.kernel.monotone import dependency_order
from proofs.kernel.scalars import (
    Atom,
    DirectionNorm,
    DistanceNorm,
    FunctionValue,
    Let,
    Norm,
    Poly,
    Real,
    Root,
    SupNorm,
)
from proofs.kernel.terms import Deriv, Entrywise, Mean, Named, Role, Scale, Softmax, Sum, Term, Variable
from proofs.typeset.sympy_forms import value_sympy

__all__ = ["claim_text", "definition_text", "lets_of"]

PRIMES = ("", "'", "''", "'''")


def claim_text(claim: Claim, *, exact: bool = False) -> str:
    """A claim in one line; long numbers rounded up, or with `exact` printed in full.

    A hypothesis must be printed exactly: rounded up it would promise more than is proved.
    """
    match claim:
        case Compare(left=left, relation=relation, right=right):
            sign = "=" if relation is Relation.EQ else "<="
            return f"{_poly(left, exact)} {sign} {_poly(right, exact)}"
        case OperatorNorm(term=term, order=order, bound=bound):
            mark = "grad" if order == 1 else "Hess"
            return f"||{mark} {_term(term)}|| <= {_poly(bound, exact)}"
        case ForSamples(claim=inner):
            return f"{claim_text(inner, exact=exact)} for every sample"
        case Smooth(term=term, order=order):
            return f"{_term(term)} is {'twice ' if order == 2 else ''}differentiable in theta"
        case Simplex(term=term):
            return f"{_term(term)} is a probability vector"
        case EntriesIn(term=term, lower=lower, upper=upper):
            return f"the entries of {_term(term)} lie in [{lower}, {upper}]"
        case IsTensor(variable=variable, digest=digest):
            return f"{_term(variable)} is the tensor {digest[:12]}"
        case SamplesAre(samples=samples, digests=digests):
            parts = (f"{v.name} from {digest[:12]}" for v, digest in zip(samples, digests, strict=True))
            return f"the samples are the rows of the data: {', '.join(parts)}"
        case SupBound(function=function, order=order, radius=radius, bound=bound) if (
            radius is not None and radius.constant() == 0 and order >= 0
        ):
            at_zero = f"{function.label()}{PRIMES[order]}(0)"
            return f"{at_zero} = 0" if bound.constant() == 0 else f"|{at_zero}| <= {_poly(bound, exact)}"
        case SupBound(function=function, order=order, radius=radius, bound=bound):
            where = "" if radius is None else f" for |t| <= {_poly(radius, exact)}"
            left = (
                f"|{function.label()}(t) - {function.label()}(0)|"
                if order < 0
                else f"|{function.label()}{PRIMES[max(order, 0)]}(t)|"
            )
            return f"{left} <= {_poly(bound, exact)}{' |t|' if order < 0 else ''}{where}"
        case _:
            return type(claim).__name__


def definition_text(let: Let) -> str:
    """`name = body`."""
    return f"{let.name} = {_poly(let.body)}"


def lets_of(poly: Poly) -> list[Let]:
    """The abbreviations that a polynomial rests on, each after those that it refers to; J before K."""
    found = [inner for inner in dependency_order(poly, {}) if isinstance(inner, Let)]
    return sorted(found, key=lambda let: let.name[0])


def _poly(poly: Poly, exact: bool = False) -> str:
    if not poly.terms:
        return "0"
    if len(poly.terms) > 4:
        return f"a form with {len(poly.terms)} terms"
    parts: list[str] = []
    for monomial, coefficient in poly.sorted_terms():
        factors = [_atom(a) if e == 1 else f"{_atom(a)}^{e}" for a, e in monomial]
        number = Fraction(int(coefficient.p), int(coefficient.q))
        shown = str(number) if exact or len(str(number)) < 10 else shown_above(number)
        parts.append(" ".join(factors) if factors and number == 1 else " ".join([shown, *factors]))
    return " + ".join(parts)


def _atom(inner: Atom) -> str:
    match inner:
        case Real(name=name) | Let(name=name):
            return name
        case Norm(term=term):
            return f"||{_term(term)}||"
        case SupNorm(term=term):
            return f"max|{_term(term)}|"
        case DirectionNorm(members=members):
            return f"||u_{','.join(v.name for v in members)}||" if len(members) < 3 else "||u||"
        case DistanceNorm(members=members):
            return f"dist_{','.join(v.name for v in members)}" if len(members) < 3 else "dist"
        case Root(radicand=radicand):
            return f"root({_poly(radicand)})"
        case FunctionValue():
            return str(value_sympy(inner))
        case _:
            return "value"


def _term(term: Term) -> str:
    match term:
        case Variable(name=name, role=Role.REFERENCE):
            return f"{name}0"
        case Variable(name=name) | Named(name=name):
            return name
        case Deriv(term=inner, order=order):
            return f"D {_term(inner)}[u]" if order == 1 else f"D2 {_term(inner)}[u,u]"
        case Mean():
            return "L"
        case Entrywise(function=function, order=order, vector=vector):
            return f"{function.label()}{PRIMES[order]}({_term(vector)})"
        case Sum(parts=(first, Scale(factor=factor, term=second))) if factor == -1:
            return f"{_term(first)} - {_term(second)}"
        case Sum(parts=parts):
            return " + ".join(_term(part) for part in parts) if len(parts) < 3 else "sum"
        case Softmax():
            return "p"
        case _:
            return type(term).__name__.lower()
