"""Rules of ordered-ring algebra; `Monotone` is the only place where signs are read off."""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq

from proofs.errors import KernelError

from ..claims import Compare, Relation, Sequent
from ..core import Rule, register
from ..monotone import evaluate_above, require_monotone
from ..scalars import Atom, Let, Poly, Real, Root, is_nonnegative, number, within
from .logic import at_most, equation, expect_premises, no_premises

__all__ = [
    "Cauchy",
    "Certificate",
    "Chain",
    "Definition",
    "Fold",
    "Monotone",
    "Nonnegative",
    "RootSquared",
    "SquareRoot",
    "bounds_of",
]

LE = Relation.LE


@register
@dataclass(frozen=True)
class Nonnegative(Rule):
    """
    ---------- Nonnegative      p has coefficients >= 0 in norms, roots and even powers,
    |- 0 <= p                   and in reals for which a premise |- 0 <= r is given, in n, and
                            in powers and sums of such polynomials
    """

    poly: Poly

    def conclude(self, *premises: Sequent) -> Compare:
        if not is_nonnegative(self.poly, _known_nonnegative(premises, within(self.poly.atoms()))):
            raise KernelError("expected a polynomial that is visibly >= 0")
        return Compare(number(0), LE, self.poly)


def _known_nonnegative(premises: tuple[Sequent, ...], used: frozenset[Atom]) -> frozenset[Atom]:
    """The reals that premises `0 <= r` speak of; each premise must be about a real in use."""
    known: set[Atom] = set()
    for premise in premises:
        compared = at_most(premise)
        inner = _single_atom(compared.right)
        if compared.left.constant() != 0 or not isinstance(inner, Real) or inner not in used:
            raise KernelError("expected premises 0 <= r for reals r that occur")
        known.add(inner)
    return frozenset(known)


def _single_atom(poly: Poly) -> Atom | None:
    if len(poly.terms) == 1:
        ((monomial, coefficient),) = poly.terms.items()
        if coefficient == 1 and len(monomial) == 1 and monomial[0][1] == 1:
            return monomial[0][0]
    return None


@register
@dataclass(frozen=True)
class Chain(Rule):
    """
    G |- a <= b    D |- b <= c    ...
    --------------------------------- Chain      (an equation a = b serves as a <= b)
            G, D, ... |- a <= c
    """

    def conclude(self, *premises: Sequent) -> Compare:
        if len(premises) < 2:
            raise KernelError("expected two or more premises")
        links = [at_most(premise) for premise in premises]
        for first, second in zip(links, links[1:], strict=False):
            if first.right != second.left:
                raise KernelError("expected each premise to start where the one before ends")
        return Compare(links[0].left, LE, links[-1].right)


Product = tuple[fmpq, tuple[int, ...], Poly]


@register
@dataclass(frozen=True)
class Certificate(Rule):
    """
    G_i |- a_i <= b_i      D_j |- l_j = r_j
    --------------------------------------------------------------- Certificate
    G, D |- a <= a + sum_k c_k prod_{i in I_k} (b_i - a_i) q_k^2 + sum_j m_j (r_j - l_j)

    c_k >= 0 rational, q_k polynomials, I_k possibly empty.  Premises are numbered from 0, the
    inequalities in `products` and the equations in `equations`; all must be used.
    """

    left: Poly
    products: tuple[Product, ...]
    equations: tuple[tuple[int, Poly], ...]

    def conclude(self, *premises: Sequent) -> Compare:
        used: set[int] = set()
        total: list[tuple[object, fmpq]] = list(self.left.terms.items())
        for coefficient, indices, square in self.products:
            if coefficient < 0:
                raise KernelError("expected coefficients >= 0 in a certificate")
            value = square * square * coefficient
            for index in indices:
                compared = at_most(premises[_index(index)])
                value = value * (compared.right - compared.left)
            used.update(indices)
            total.extend(value.terms.items())
        for index, multiplier in self.equations:
            compared = equation(premises[_index(index)])
            total.extend((multiplier * (compared.right - compared.left)).terms.items())
            used.add(index)
        if used != set(range(len(premises))):
            raise KernelError("expected every premise to be used")
        relation = Relation.EQ if not self.products else LE
        return Compare(self.left, relation, Poly(total))  # type: ignore[arg-type]


def _index(index: int) -> int:
    if index < 0:
        raise KernelError("expected premise numbers from 0")
    return index


@register
@dataclass(frozen=True)
class Monotone(Rule):
    """
    G |- x <= p    D_i |- t_i <= q_i    E_j |- 0 <= r_j
    --------------------------------------------------- Monotone
        G, D, E |- x <= p[t_i := q_i]

    p, the bodies in it and the q_i are visibly >= 0; each t_i is an atom that is visibly >= 0;
    the q_i are replaced in turn and no t_i occurs in the result of its own q_i.  A premise
    `0 <= r_j` makes the real r_j count as >= 0.  With `bits`, coefficients and roots of numbers
    are rounded up to that many significant bits; with `unfold`, abbreviations are opened.
    """

    bits: int | None = None
    unfold: bool = False

    def conclude(self, *premises: Sequent) -> Compare:
        if not premises:
            raise KernelError("expected a premise")
        target = at_most(premises[0])
        bounds, known = bounds_of(premises[1:])
        require_monotone(target.right, bounds, known, unfold=self.unfold)
        right = evaluate_above(target.right, bounds, _check_bits(self.bits), unfold=self.unfold)
        return Compare(target.left, LE, right)


def bounds_of(premises: tuple[Sequent, ...]) -> tuple[dict[Atom, Poly], frozenset[Atom]]:
    """Premises `t <= q` by their atom t, and the reals r of premises `0 <= r`."""
    bounds: dict[Atom, Poly] = {}
    known: set[Atom] = set()
    for premise in premises:
        compared = at_most(premise)
        if compared.left.constant() == 0 and isinstance(_single_atom(compared.right), Real):
            known.update(compared.right.atoms())
            continue
        inner = _single_atom(compared.left)
        if inner is None or inner in bounds:
            raise KernelError("expected one bound t <= q for each of several atoms t")
        bounds[inner] = compared.right
    return bounds, frozenset(known)


def _check_bits(bits: int | None) -> int | None:
    if bits is not None and not (type(bits) is int and 8 <= bits <= 4096):
        raise KernelError(f"expected 8 to 4096 bits but got bits={bits!r}")
    return bits


@register
@dataclass(frozen=True)
class Fold(Rule):
    """
    G |- x <= body
    --------------- Fold      name abbreviates body
    G |- x <= name
    """

    let: Let

    def conclude(self, *premises: Sequent) -> Compare:
        expect_premises(premises, 1)
        compared = at_most(premises[0])
        if not isinstance(self.let, Let) or compared.right != self.let.body:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise KernelError("expected the premise's right side to be the body of the abbreviation")
        return Compare(compared.left, LE, self.let.poly())


@register
@dataclass(frozen=True)
class Definition(Rule):
    """
    ---------------- Definition      name abbreviates body
    |- name = body
    """

    let: Let

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        return Compare(self.let.poly(), Relation.EQ, self.let.body)


@register
@dataclass(frozen=True)
class SquareRoot(Rule):
    """
    G |- x^2 <= y^2    D |- 0 <= y
    ------------------------------- SquareRoot      the second premise is left out where y is
    G, D |- x <= y                                   visibly >= 0
    """

    left: Poly
    right: Poly

    def conclude(self, *premises: Sequent) -> Compare:
        visible = is_nonnegative(self.right)
        if not visible and len(premises) == 1:
            raise KernelError("expected a right side that is visibly >= 0, or a premise that it is >= 0")
        expect_premises(premises, 1 if visible else 2)
        compared = at_most(premises[0])
        if compared.left != self.left**2 or compared.right != self.right**2:
            raise KernelError("expected the premise to compare the squares of the two sides")
        if not visible and premises[1].claim is not Compare(number(0), LE, self.right):
            raise KernelError("expected a second premise that the right side is >= 0")
        return Compare(self.left, LE, self.right)


@register
@dataclass(frozen=True)
class RootSquared(Rule):
    """
    ------------------ RootSquared      e is visibly >= 0
    |- root(e)^2 = e
    """

    radicand: Poly

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        if not is_nonnegative(self.radicand):
            raise KernelError("expected a radicand that is visibly >= 0")
        return Compare(Root(self.radicand).poly() ** 2, Relation.EQ, self.radicand)


@register
@dataclass(frozen=True)
class Cauchy(Rule):
    """
    -------------------------------------------------------------- Cauchy-Schwarz for numbers
    |- sum_i p_i q_i <= root(sum_i p_i^2) root(sum_i q_i^2)
    """

    left: tuple[Poly, ...]
    right: tuple[Poly, ...]

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        if not self.left or len(self.left) != len(self.right):
            raise KernelError("expected two lists of one positive length")
        pairs = zip(self.left, self.right, strict=True)
        inner = sum((p * q for p, q in pairs), number(0))
        sizes = [Root(sum((p * p for p in side), number(0))).poly() for side in (self.left, self.right)]
        return Compare(inner, LE, sizes[0] * sizes[1])
