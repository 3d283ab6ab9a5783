"""Small combinations of kernel rules that the derivations share; nothing here is trusted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import reduce
from operator import mul

from flint import fmpq

from proofs.kernel.claims import Claim, Compare, Relation
from proofs.kernel.core import Theorem, infer
from proofs.kernel.monotone import dependency_order
from proofs.kernel.rules import Assume, Certificate, Monotone, Nonnegative
from proofs.kernel.rules.algebra import bounds_of
from proofs.kernel.scalars import Atom, Monomial, Norm, Poly, number, within
from proofs.kernel.terms import Term

__all__ = [
    "assume", "assume_at_most", "at_most_itself", "certify", "combine", "compare_of", "insert", "nonnegative",
    "norm", "rational", "replace", "rewrite", "used_bounds",
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


def insert(target: Theorem, *bounds: Theorem, signs: Iterable[Theorem] = ()) -> Theorem:
    """X <= p with the atoms of p replaced, given those of the theorems 0 <= r whose r occurs."""
    by_atom, _ = bounds_of(tuple(bound.sequent for bound in bounds))
    needed = within(dependency_order(compare_of(target).right, by_atom))
    used = (sign for sign in signs if compare_of(sign).right.atoms() <= needed)
    return infer(Monotone(), target, *bounds, *used)


def nonnegative(poly: Poly, signs: Iterable[Theorem]) -> Theorem:
    """0 <= p, given those of the theorems 0 <= r whose r occurs."""
    needed = within(poly.atoms())
    return infer(Nonnegative(poly), *(s for s in signs if compare_of(s).right.atoms() <= needed))


def rewrite(
    target: Theorem,
    wanted: Poly,
    *equations: Theorem,
    products: Sequence[tuple[Sequence[Theorem], Poly]] = (),
) -> Theorem:
    """X <= w from X <= p, w being p plus the products, up to the equations."""
    whole = ((target,), number(1))
    return certify(compare_of(target).left, wanted, *equations, products=[whole, *products])


def certify(
    left: Poly,
    wanted: Poly,
    *equations: Theorem,
    products: Sequence[tuple[Sequence[Theorem], Poly]] = (),
) -> Theorem:
    """L <= w, w being l plus products (b_1 - a_1) ... q^2 of premises a_i <= b_i, up to the equations.

    The left side of each equation is a monomial; it is replaced by the right side in l, in the
    products and in w, and the two sides then agree.  Without products the conclusion is l = w.
    """
    premises: list[Theorem] = []
    parts: list[tuple[fmpq, tuple[int, ...], Poly]] = []
    reached = left
    for theorems, square in products:
        parts.append((fmpq(1), tuple(range(len(premises), len(premises) + len(theorems))), square))
        premises += theorems
        gaps = (compare_of(t).right - compare_of(t).left for t in theorems)
        reached = reached + reduce(mul, gaps, square * square)
    used: list[tuple[int, Poly]] = []
    goal = wanted
    for theorem in equations:
        reached, first = _reduced(reached, compare_of(theorem))
        goal, second = _reduced(goal, compare_of(theorem))
        if first != second:
            used.append((len(premises), first - second))
            premises.append(theorem)
    found = infer(Certificate(left, tuple(parts), tuple(used)), *premises)
    if compare_of(found).right != wanted:
        raise TypeError("expected the two sides to agree up to the equations")
    return found


def _reduced(poly: Poly, equation: Compare) -> tuple[Poly, Poly]:
    """The polynomial without multiples of the monomial l of l = r, and m with poly + m (r - l) = it."""
    ((lead, _),) = equation.left.terms.items()
    multiplier = number(0)
    while True:
        quotients = [
            (rest, value) for m, value in poly.terms.items() if (rest := _quotient(m, lead)) is not None
        ]
        if not quotients:
            return poly, multiplier
        part = Poly(quotients)
        multiplier = multiplier + part
        poly = poly + part * (equation.right - equation.left)


def _quotient(monomial: Monomial, lead: Monomial) -> Monomial | None:
    powers = dict(monomial)
    for inner, exponent in lead:
        if powers.get(inner, 0) < exponent:
            return None
        powers[inner] -= exponent
    return tuple((inner, powers[inner]) for inner, _ in monomial if powers[inner])


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
