"""Rules of rewriting: linear expressions, and equals for equals."""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq

from proofs.errors import KernelError

from ..claims import Equal, Sequent
from ..core import Rule, register
from ..substitution import body_of
from ..terms import Abbreviation, Apply, Hadamard, Inner, Ones, Scale, Sum, Term, Zero
from .logic import expect_premises

__all__ = ["LinearIdentity", "Rewrite"]


@register
@dataclass(frozen=True)
class LinearIdentity(Rule):
    """
    [G |- t = v]
    ------------- LinearIdentity      v and w expand to one linear combination of terms, by
    G |- t = w                        linearity of W h and <v, w> and by <1, v o w> = <v, w>;
                                      without premise t is v; `unfold` are opened once on the left
    """

    left: Term
    right: Term
    unfold: tuple[Abbreviation, ...] = ()

    def conclude(self, *premises: Sequent) -> Equal:
        if _expand(self.left, frozenset(self.unfold)) != _expand(self.right, frozenset()):
            raise KernelError("expected both sides to expand to one linear combination")
        if not premises:
            return Equal(self.left, self.right)
        expect_premises(premises, 1)
        claim = premises[0].claim
        if not isinstance(claim, Equal) or claim.right is not self.left:
            raise KernelError("expected a premise whose right side is the left side here")
        return Equal(claim.left, self.right)


def _expand(term: Term, unfold: frozenset[Abbreviation]) -> dict[Term, fmpq]:
    match term:
        case Zero():
            return {}
        case Abbreviation() if term in unfold:
            return _expand(body_of(term), frozenset())
        case Sum(parts=parts):
            pairs = [pair for part in parts for pair in _expand(part, unfold).items()]
        case Scale(factor=factor, term=inner):
            pairs = [(key, factor * value) for key, value in _expand(inner, unfold).items()]
        case Apply(map=linear, vector=vector):
            maps, vectors = _expand(linear, unfold), _expand(vector, unfold)
            pairs = [(Apply(m, v), a * b) for m, a in maps.items() for v, b in vectors.items()]
        case Inner(left=left, right=right):
            first, second = _expand(left, unfold), _expand(right, unfold)
            pairs = [(_product(v, w), a * b) for v, a in first.items() for w, b in second.items()]
        case _:
            return {term: fmpq(1)}
    total: dict[Term, fmpq] = {}
    for key, value in pairs:
        total[key] = total.get(key, fmpq(0)) + value
    return {key: value for key, value in total.items() if value != 0}


def _product(left: Term, right: Term) -> Inner:
    """<v, w> with its sides in order; <1, a o b> as <a, b>."""
    for ones, other in ((left, right), (right, left)):
        if isinstance(ones, Ones) and isinstance(other, Hadamard):
            left, right = other.left, other.right
            break
    return Inner(*sorted((left, right), key=lambda t: t.key))


@register
@dataclass(frozen=True)
class Rewrite(Rule):
    """
    G |- t = v    D_i |- a_i = b_i
    ------------------------------- Rewrite      the a_i stand in sums, multiples and products
    G, D |- t = v[a_i := b_i]                    of v, not inside abbreviations or derivatives
    """

    def conclude(self, *premises: Sequent) -> Equal:
        if len(premises) < 2:
            raise KernelError("expected two or more premises")
        target, *others = (_equal(premise) for premise in premises)
        images = {other.left: other.right for other in others}
        if len(images) != len(others):
            raise KernelError("expected one premise for each term to be replaced")
        used: set[Term] = set()
        right = _replaced(target.right, images, used)
        if used != set(images):
            raise KernelError("expected every premise to be used")
        return Equal(target.left, right)


def _equal(premise: Sequent) -> Equal:
    if not isinstance(premise.claim, Equal):
        raise KernelError("expected premises that say that two terms are equal")
    return premise.claim


def _replaced(term: Term, images: dict[Term, Term], used: set[Term]) -> Term:
    if term in images:
        used.add(term)
        return images[term]
    match term:
        case Sum(parts=parts):
            return Sum(tuple(_replaced(part, images, used) for part in parts))
        case Scale(factor=factor, term=inner):
            return Scale(factor, _replaced(inner, images, used))
        case Hadamard(left=left, right=right):
            return Hadamard(_replaced(left, images, used), _replaced(right, images, used))
        case Inner(left=left, right=right):
            return Inner(_replaced(left, images, used), _replaced(right, images, used))
        case _:
            return term
