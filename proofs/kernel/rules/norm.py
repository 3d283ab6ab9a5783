"""Rules of norms: triangle inequality, products of maps and vectors, inner products."""

from __future__ import annotations

from dataclasses import dataclass

from proofs.errors import KernelError

from ..claims import Compare, Equal, Relation, Sequent
from ..core import Rule, register
from ..scalars import DirectionNorm, Norm, Poly, SupNorm, number, value_of
from ..substitution import body_of
from ..terms import Abbreviation, Apply, Hadamard, Inner, Role, Scale, Sum, Term, Times, Variable, Zero
from .logic import expect_premises, no_premises

__all__ = ["ApplyBound", "EntryBound", "HadamardBound", "InnerBound", "NormSquared", "Triangle"]

LE = Relation.LE


def norm_of(term: Term) -> Poly:
    """||term||: multiples pulled out; ||u_p|| of a direction block is its group norm."""
    match term:
        case Zero():
            return number(0)
        case Scale(factor=factor, term=inner):
            return norm_of(inner) * (-factor if factor < 0 else factor)
        case Times(scalar=scalar, vector=vector):
            return norm_of(scalar) * norm_of(vector)
        case Variable(role=Role.DIRECTION) if len(term.space) == 1:
            return DirectionNorm((term.as_role(Role.PARAMETER),)).poly()
        case _:
            return Norm(term).poly()


def _shown_equal(term: Term, premises: tuple[Sequent, ...]) -> Term:
    """The term that a premise `term = t` gives, or the body of an abbreviation, or the term."""
    if not premises:
        return body_of(term) if isinstance(term, Abbreviation) else term
    expect_premises(premises, 1)
    claim = premises[0].claim
    if not isinstance(claim, Equal) or claim.left is not term:
        raise KernelError("expected a premise that rewrites the term")
    return claim.right


@register
@dataclass(frozen=True)
class Triangle(Rule):
    """
    [G |- t = v_1 + ... + v_n]
    ------------------------------ Triangle      without premise t (or what it abbreviates)
    G |- ||t|| <= ||v_1|| + ... + ||v_n||        is the sum itself; ||q v|| = |q| ||v||
    """

    term: Term

    def conclude(self, *premises: Sequent) -> Compare:
        right = _shown_equal(self.term, premises)
        parts = right.parts if isinstance(right, Sum) else (right,)
        total = sum((norm_of(part) for part in parts), number(0))
        return Compare(norm_of(self.term), LE, total)


@register
@dataclass(frozen=True)
class ApplyBound(Rule):
    """
    --------------------------- ApplyBound      for a direction block U: ||U h|| <= ||U||_F ||h||
    |- ||W h|| <= ||W|| ||h||
    """

    term: Apply

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        if not isinstance(self.term, Apply):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise KernelError("expected a linear map applied to a vector")
        linear = self.term.map
        size = Norm(linear).poly()
        if isinstance(linear, Variable) and linear.role is Role.DIRECTION:
            size = DirectionNorm((linear.as_role(Role.PARAMETER),)).poly()
        return Compare(Norm(self.term).poly(), LE, size * norm_of(self.term.vector))


@register
@dataclass(frozen=True)
class HadamardBound(Rule):
    """
    ----------------------------- HadamardBound
    |- ||v o w|| <= ||v|| ||w||
    """

    term: Hadamard

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        if not isinstance(self.term, Hadamard):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise KernelError("expected an entrywise product")
        return Compare(Norm(self.term).poly(), LE, norm_of(self.term.left) * norm_of(self.term.right))


@register
@dataclass(frozen=True)
class EntryBound(Rule):
    """
    --------------------------------- EntryBound
    |- ||v o w|| <= max_i|v_i| ||w||
    """

    term: Hadamard

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        if not isinstance(self.term, Hadamard):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise KernelError("expected an entrywise product")
        size = SupNorm(self.term.left).poly()
        return Compare(Norm(self.term).poly(), LE, size * norm_of(self.term.right))


@register
@dataclass(frozen=True)
class InnerBound(Rule):
    """
    [G |- t = <v, w>]
    ------------------------ Cauchy-Schwarz
    G |- |t| <= ||v|| ||w||
    """

    term: Term

    def conclude(self, *premises: Sequent) -> Compare:
        inner = _shown_equal(self.term, premises)
        if not isinstance(inner, Inner):
            raise KernelError("expected an inner product")
        return Compare(Norm(self.term).poly(), LE, norm_of(inner.left) * norm_of(inner.right))


@register
@dataclass(frozen=True)
class NormSquared(Rule):
    """
    ---------------------- NormSquared      <v, v> expanded over sums and multiples
    |- ||v||^2 = <v, v>
    """

    vector: Term

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        square = value_of(Inner(self.vector, self.vector))
        return Compare(Norm(self.vector).poly() ** 2, Relation.EQ, square)
