"""Rules of activation patterns: which smooth maps a map equals near almost every point."""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq

from proofs.errors import KernelError

from ..claims import Sequent
from ..core import Rule, register
from ..map_values import ball_values, exact_values
from ..maps import Chosen, Map, StepSize
from ..patterns import (
    Named,
    ball_options,
    chosen_in,
    conditions_of,
    constant_of,
    first_kinked,
    options_of,
    place_of,
    polynomials_of,
    split,
    unchosen,
)
from ..set_claims import LocallyOneOf, Null, SomewhereEqual, Within
from ..sets import Empty, Meet, SingularPoints, Whole, Without
from .logic import expect_premises, no_premises
from .steps import critical_set

__all__ = [
    "CasesCritical", "DropCases", "EqualsAt", "EqualsInBallsAt", "LocallyItself", "SplitAnalytic",
    "SplitPolynomial", "point_of",
]  # fmt: skip

StoredPoint = tuple[tuple[str, tuple[fmpq, ...]], ...]


def point_of(stored: StoredPoint) -> dict[str, tuple[fmpq, ...]]:
    """The point of Theta that a rule carries."""
    if len({name for name, _ in stored}) != len(stored):
        raise KernelError("expected one value of each block")
    return dict(stored)


def locally(premise: Sequent) -> LocallyOneOf:
    if not isinstance(premise.claim, LocallyOneOf):
        raise KernelError("expected a premise about what a map equals locally")
    return premise.claim


@register
@dataclass(frozen=True)
class LocallyItself(Rule):
    """
    ------------------------------- LocallyItself      no expression is chosen in f
    |- near every point f is f
    """

    map: Map

    def conclude(self, *premises: Sequent) -> LocallyOneOf:
        no_premises(premises)
        if chosen_in(self.map):
            raise KernelError("expected a map in which no expression is chosen")
        return LocallyOneOf(self.map, (self.map,))


@register
@dataclass(frozen=True)
class SplitPolynomial(Rule):
    """
    G |- off a null set f is locally one of q_1, ..., q_n
    ------------------------------------------------------ SplitPolynomial
    G |- off a null set f is locally one of q_1', ..., q_m'

    In every q that has a function with kinks the first one, sigma(p), is replaced by the choices
    that p needs.  The entries of p are polynomials in theta.  One that is not constant equals a kink
    on a null set alone, and elsewhere lies in one piece on a neighbourhood; a constant one lies in one
    piece or is a kink, which is found exactly.
    """

    def conclude(self, *premises: Sequent) -> LocallyOneOf:
        expect_premises(premises, 1)
        claim = locally(premises[0])
        found: dict[Map, None] = {}
        for case in claim.cases:
            node = first_kinked(case)
            parts = [case] if node is None else split(case, node, options_of(node))
            found |= dict.fromkeys(parts)
        if tuple(found) == claim.cases:
            raise KernelError("expected a case with a function that has kinks")
        return LocallyOneOf(claim.of, tuple(found))


@register
@dataclass(frozen=True)
class SplitAnalytic(Rule):
    """
    G |- off a null set f is locally one of q_1, ..., q_n    D |- S(p) in empty
    ---------------------------------------------------------------------------- SplitAnalytic
    G, D |- off a null set f is locally one of q_1', ..., q_m'

    sigma(p), the first function with kinks in the case of that number, is replaced by the choices
    that p may need.  An entry of p whose ball at the point avoids a kink does not equal it
    identically, so only on a null set; otherwise the constant of that kink is one of the choices.
    """

    trust = "arb"

    number: int
    point: StoredPoint
    bits: int

    def conclude(self, *premises: Sequent) -> LocallyOneOf:
        expect_premises(premises, 2)
        claim = locally(premises[0])
        if not 0 <= self.number < len(claim.cases):
            raise KernelError(f"expected the number of one of {len(claim.cases)} cases")
        case = claim.cases[self.number]
        node = first_kinked(case)
        if node is None or premises[1].claim is not Within(SingularPoints(node.of), Empty()):
            raise KernelError("expected a premise that the argument of the first function is analytic")
        parts = split(case, node, ball_options(node, point_of(self.point), self.bits))
        rest = [*claim.cases[: self.number], *parts, *claim.cases[self.number + 1 :]]
        return LocallyOneOf(claim.of, tuple(dict.fromkeys(rest)))


# Products of conditions, by their numbers, with factors.
Products = tuple[tuple[fmpq, tuple[int, ...]], ...]


@register
@dataclass(frozen=True)
class DropCases(Rule):
    """
    G |- off a null set f is locally one of q_1, ..., q_n
    ------------------------------------------------------ DropCases      sum_t c_t prod_j g_tj = a
    G |- off a null set f is locally one of the others                     constant <= 0, c_t > 0

    For each case that is dropped, the g are its conditions, > 0 where it is taken: entries strictly
    inside the pieces that were chosen, polynomials in theta.  A sum of their products would be > 0.
    """

    drops: tuple[tuple[int, Products], ...]

    def conclude(self, *premises: Sequent) -> LocallyOneOf:
        expect_premises(premises, 1)
        claim = locally(premises[0])
        dropped = {number for number, _ in self.drops}
        if not dropped or not all(0 <= number < len(claim.cases) for number in dropped):
            raise KernelError("expected the numbers of cases")
        for number, products in self.drops:
            _require_infeasible(claim.cases[number], products)
        kept = tuple(case for number, case in enumerate(claim.cases) if number not in dropped)
        return LocallyOneOf(claim.of, kept)


def _require_infeasible(case: Map, products: Products) -> None:
    conditions = conditions_of(case)
    total: Named = {}
    for factor, numbers in products:
        if factor <= 0 or not numbers or not all(0 <= n < len(conditions) for n in numbers):
            raise KernelError("expected products of conditions with positive factors")
        product = conditions[numbers[0]].polynomial()
        for n in numbers[1:]:
            product = _times(product, conditions[n].polynomial())
        for key, coefficient in product.items():
            total[key] = total.get(key, fmpq(0)) + factor * coefficient
    if not products or any(coefficient != 0 for monomial, coefficient in total.items() if monomial):
        raise KernelError("expected a sum of products that is constant")
    if total.get(frozenset(), fmpq(0)) > 0:
        raise KernelError("expected a sum of products that is not positive")


def _times(first: Named, second: Named) -> Named:
    found: Named = {}
    for a, c in first.items():
        for b, d in second.items():
            powers = dict(a)
            for place, exponent in b:
                powers[place] = powers.get(place, 0) + exponent
            key = frozenset(powers.items())
            found[key] = found.get(key, fmpq(0)) + c * d
    return found


@register
@dataclass(frozen=True)
class EqualsAt(Rule):
    """
    G |- S(q) in empty
    ------------------------------------------------- EqualsAt      f is q without choices
    G |- f = q on an open set that is not empty

    At the point, whose coordinates are rational, every entry lies strictly inside the piece that was
    chosen for it, or is a polynomial that equals the chosen kink identically.
    """

    case: Map
    point: StoredPoint

    def conclude(self, *premises: Sequent) -> SomewhereEqual:
        expect_premises(premises, 1)
        _require_analytic(self.case, premises[0])
        values = exact_values(self.case, point_of(self.point))
        for node in chosen_in(self.case):
            for number, choice in enumerate(node.choices):
                if place_of(node.function, values[node.of][number]) != choice:
                    raise KernelError(f"expected entry {number} of the point to lie in the chosen piece")
                if choice < 0:
                    _require_identical(node, number, choice)
        return SomewhereEqual(unchosen(self.case), self.case)


def _require_analytic(case: Map, premise: Sequent) -> None:
    if premise.claim is not Within(SingularPoints(case), Empty()):
        raise KernelError("expected a premise that the case is analytic")
    if first_kinked(case) is not None:
        raise KernelError("expected a case without functions that have kinks")


def _require_identical(node: Chosen, number: int, choice: int) -> None:
    value = constant_of(polynomials_of(node.of)[number])
    if value is None or place_of(node.function, value) != choice:
        raise KernelError(f"expected entry {number} to equal the chosen kink identically")


@register
@dataclass(frozen=True)
class EqualsInBallsAt(Rule):
    """
    G |- S(q) in empty
    ------------------------------------------------- EqualsInBallsAt     f is q without choices
    G |- f = q on an open set that is not empty

    As EqualsAt, the entries at the point being enclosed in balls.
    """

    trust = "arb"

    case: Map
    point: StoredPoint
    bits: int

    def conclude(self, *premises: Sequent) -> SomewhereEqual:
        expect_premises(premises, 1)
        _require_analytic(self.case, premises[0])
        values = ball_values(self.case, point_of(self.point), self.bits)
        for condition in conditions_of(self.case):
            ball = values[condition.argument][condition.number]
            if not condition.sign * (ball - condition.end) > 0:
                raise KernelError(f"expected entry {condition.number} to lie in the chosen piece")
        for node in chosen_in(self.case):
            for number, choice in enumerate(node.choices):
                if choice < 0:
                    _require_identical(node, number, choice)
        return SomewhereEqual(unchosen(self.case), self.case)


@register
@dataclass(frozen=True)
class CasesCritical(Rule):
    """
    G |- off a null set L is locally one of q_1, ..., q_n
    D_i |- {det(I - eta Hessian q_i) = 0} and Theta is null, for every i
    --------------------------------------------------------------------- CasesCritical
    G, D_1, ..., D_n |- {det(I - eta Hessian L) = 0} without S(L) is null
    """

    step: StepSize

    def conclude(self, *premises: Sequent) -> Null:
        claim = locally(premises[0])
        expect_premises(premises, 1 + len(claim.cases))
        for case, premise in zip(claim.cases, premises[1:], strict=True):
            if premise.claim is not Null(Meet(critical_set(case, self.step), Whole())):
                raise KernelError("expected a premise that the critical set of each case is null")
        return Null(Without(critical_set(claim.of, self.step), SingularPoints(claim.of)))
