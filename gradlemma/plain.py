"""Claims in plain characters, for terminals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from gradlemma.decimals import shown_above
from gradlemma.plain_sets import set_claim_text
from proofs.kernel.claims import (
    Claim,
    Compare,
    EntriesIn,
    ForIndices,
    ForSamples,
    IsTensor,
    OperatorNorm,
    Relation,
    SamplesAre,
    Simplex,
    Smooth,
    SupBound,
)
from proofs.kernel.families import Block, Indexed, Recursive
from proofs.kernel.indices import Index
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
from proofs.kernel.sequences import FamilyNorm, Natural, PartialSum, Power
from proofs.kernel.set_claims import SetClaim
from proofs.kernel.terms import Deriv, Entrywise, Mean, Named, Role, Scale, Softmax, Sum, Term, Variable
from proofs.typeset.sympy_forms import value_sympy

__all__ = ["claim_text", "definition_text", "lets_of"]

PRIMES = ("", "'", "''", "'''")


def claim_text(claim: Claim, *, exact: bool = False) -> str:
    """A claim in one line; long numbers rounded up, or with `exact` printed in full.

    A hypothesis must be printed exactly: rounded up it would promise more than is proved.
    """
    return _Text(exact).claim(claim)


def definition_text(let: Let) -> str:
    """`name = body`."""
    return f"{let.name} = {_Text().poly(let.body)}"


def lets_of(poly: Poly) -> list[Let]:
    """The abbreviations that a polynomial rests on, each after those that it refers to; J before K."""
    found = [inner for inner in dependency_order(poly, {}) if isinstance(inner, Let)]
    return sorted(found, key=lambda let: let.name[0])


@dataclass(frozen=True)
class _Text:
    """Writes claims; `letter` stands for the index variable n."""

    exact: bool = False
    letter: str = "n"

    def claim(self, claim: Claim) -> str:
        match claim:
            case Compare(left=left, relation=relation, right=right):
                sign = "=" if relation is Relation.EQ else "<="
                # Only a bound from above may be rounded up.
                precise = replace(self, exact=True)
                above = precise if relation is Relation.EQ else self
                return f"{precise.poly(left)} {sign} {above.poly(right)}"
            case OperatorNorm(term=term, order=order, bound=bound):
                mark = "grad" if order == 1 else "Hess"
                return f"||{mark} {self.term(term)}|| <= {self.poly(bound)}"
            case ForSamples(claim=inner):
                return f"{self.claim(inner)} for every sample"
            case ForIndices(end=end, claim=inner):
                return f"{replace(self, letter='l').claim(inner)} for 1 <= l <= {self.index(end)}"
            case Smooth(term=term, order=order):
                return f"{self.term(term)} is {'twice ' if order == 2 else ''}differentiable in theta"
            case Simplex(term=term):
                return f"{self.term(term)} is a probability vector"
            case EntriesIn(term=term, lower=lower, upper=upper):
                return f"the entries of {self.term(term)} lie in [{lower}, {upper}]"
            case IsTensor(variable=variable, digest=digest):
                return f"{self.term(variable)} is the tensor {digest[:12]}"
            case SamplesAre(samples=samples, digests=digests):
                parts = (f"{v.name} from {digest[:12]}" for v, digest in zip(samples, digests, strict=True))
                return f"the samples are the rows of the data: {', '.join(parts)}"
            case SupBound():
                return self._sup_bound(claim)
            case SetClaim():
                return set_claim_text(claim, exact=self.exact)
            case _:
                return type(claim).__name__

    def _sup_bound(self, claim: SupBound) -> str:
        function, order = claim.function.label(), claim.order
        if claim.radius is not None and claim.radius.constant() == 0 and order >= 0:
            at_zero = f"{function}{PRIMES[order]}(0)"
            is_zero = claim.bound.constant() == 0
            return f"{at_zero} = 0" if is_zero else f"|{at_zero}| <= {self.poly(claim.bound)}"
        where = "" if claim.radius is None else f" for |t| <= {self.poly(claim.radius)}"
        left = f"|{function}(t) - {function}(0)|" if order < 0 else f"|{function}{PRIMES[max(order, 0)]}(t)|"
        return f"{left} <= {self.poly(claim.bound)}{' |t|' if order < 0 else ''}{where}"

    def index(self, index: Index) -> str:
        if not index.is_open:
            return str(index.offset)
        return self.letter + (f"{index.offset:+d}" if index.offset else "")

    def poly(self, poly: Poly) -> str:
        if not poly.terms:
            return "0"
        if len(poly.terms) > 4 and not self.exact:
            return f"a form with {len(poly.terms)} terms"
        parts: list[str] = []
        for monomial, coefficient in poly.sorted_terms():
            factors = [self.atom(a) if e == 1 else f"{self.atom(a)}^{e}" for a, e in monomial]
            number = Fraction(int(coefficient.p), int(coefficient.q))
            shown = str(number) if self.exact or number < 0 or len(str(number)) < 10 else shown_above(number)
            parts.append(" ".join(factors) if factors and number == 1 else " ".join([shown, *factors]))
        return " + ".join(parts)

    def atom(self, inner: Atom) -> str:
        match inner:
            case Real(name=name) | Let(name=name):
                return name
            case Norm(term=term):
                return f"||{self.term(term)}||"
            case SupNorm(term=term):
                return f"max|{self.term(term)}|"
            case DirectionNorm(members=members):
                return f"||u_{','.join(self.term(v) for v in members)}||" if len(members) < 3 else "||u||"
            case DistanceNorm(members=members):
                return f"dist_{','.join(self.term(v) for v in members)}" if len(members) < 3 else "dist"
            case Root(radicand=radicand):
                return f"root({self.poly(radicand)})"
            case FunctionValue():
                return str(value_sympy(inner))
            case Natural():
                return self.letter
            case Power(base=base, index=index):
                return f"({self.poly(base)})^({self.index(index)})"
            case PartialSum(body=body, end=end):
                return f"sum_{{m=1}}^{{{self.index(end)}}} ({replace(self, letter='m').poly(body)})"
            case FamilyNorm(member=member, end=end):
                block = replace(self, letter="m").term(member)
                return f"||u_{{{block}, m<={self.index(end)}}}||"
            case _:
                return "value"

    def term(self, term: Term) -> str:
        match term:
            case (
                Block(name=name, index=index)
                | Indexed(name=name, index=index)
                | Recursive(name=name, index=index)
            ):
                return f"{name}_{{{self.index(index)}}}"
            case Variable(name=name, role=Role.REFERENCE):
                return f"{name}0"
            case Variable(name=name) | Named(name=name):
                return name
            case Deriv(term=inner, order=order):
                return f"D {self.term(inner)}[u]" if order == 1 else f"D2 {self.term(inner)}[u,u]"
            case Mean(body=Indexed(index=index)):
                return f"L_{{{self.index(index)}}}"
            case Mean():
                return "L"
            case Entrywise(function=function, order=order, vector=vector):
                return f"{function.label()}{PRIMES[order]}({self.term(vector)})"
            case Sum(parts=(first, Scale(factor=factor, term=second))) if factor == -1:
                return f"{self.term(first)} - {self.term(second)}"
            case Sum(parts=parts):
                return " + ".join(self.term(part) for part in parts) if len(parts) < 3 else "sum"
            case Softmax():
                return "p"
            case _:
                return type(term).__name__.lower()
