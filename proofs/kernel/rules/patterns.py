"""Rules of activation patterns: which smooth maps a map equals near almost every point."""

from __future__ import annotations

from dataclasses import dataclass

from flint import arb, fmpq

from proofs.errors import KernelError

from ..claims import Sequent
from ..core import Rule, register
from ..intervals import to_fmpq
from ..map_values import ball_values, exact_values
from ..maps import At, Chosen, Entry, Map, PlaceNumber, StepSize, blocks_of
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
    product_of,
    require_pieces,
    split,
    unchosen,
)
from ..set_claims import LocallyOneOf, NotWithin, Null, SomewhereEqual, Within
from ..sets import Either, Empty, LevelNumber, LevelSet, Meet, Region, SingularPoints, Whole, Without
from .logic import expect_premises, no_premises
from .steps import critical_set

__all__ = [
    "CasesCritical", "CasesSingular", "DiffersAt", "DiffersInBallsAt", "DropCases", "EqualsAt",
    "EqualsInBallsAt", "LocallyItself", "SplitAnalytic", "SplitPolynomial", "StoredPoint", "point_of",
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
        return LocallyOneOf(self.map, (self.map,), ())


@register
@dataclass(frozen=True)
class SplitPolynomial(Rule):
    """
    G |- off A f is locally one of q_1, ..., q_n
    ----------------------------------------------------------- SplitPolynomial
    G |- off A and the {p_i = kink} f is locally one of q_1', ..., q_m'

    In every q that has a function with kinks the first one, sigma(p), is replaced by the choices
    that p needs.  The entries of p are polynomials in theta.  One that is not constant lies in one
    piece on a neighbourhood wherever it equals no kink; a constant one lies in one piece or is a
    kink, which is found exactly, and no set is added for it.
    """

    def conclude(self, *premises: Sequent) -> LocallyOneOf:
        expect_premises(premises, 1)
        claim = locally(premises[0])
        found: dict[Map, None] = {}
        off: dict[Region, None] = dict.fromkeys(claim.off)
        for case in claim.cases:
            node = first_kinked(case)
            if node is None:
                found[case] = None
                continue
            options = options_of(node)
            found |= dict.fromkeys(split(case, node, options))
            off |= dict.fromkeys(_kink_sets(node, [len(ways) > 1 for ways in options]))
        if tuple(found) == claim.cases:
            raise KernelError("expected a case with a function that has kinks")
        return LocallyOneOf(claim.of, tuple(found), tuple(off))


def _kink_sets(node: Entry, moving: list[bool]) -> list[Region]:
    """{p_i = kink} for the entries of the argument that are not constant, and every kink."""
    function = require_pieces(node)
    return [
        LevelSet(At(node.of, PlaceNumber(number)), LevelNumber(to_fmpq(kink)))
        for number, moves in enumerate(moving)
        if moves
        for kink in function.kinks
    ]


@register
@dataclass(frozen=True)
class SplitAnalytic(Rule):
    """
    G |- off A f is locally one of q_1, ..., q_n    D |- S(p) in empty
    -------------------------------------------------------------------------- SplitAnalytic
    G, D |- off A and the {p_i = kink} f is locally one of q_1', ..., q_m'

    sigma(p), the first function with kinks in the case of that number, is replaced by the pieces
    that p may need.  The ball of every entry of p at the point avoids every kink: none equals a kink
    identically.
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
        options = ball_options(node, point_of(self.point), self.bits)
        rest = [*claim.cases[: self.number], *split(case, node, options), *claim.cases[self.number + 1 :]]
        off = dict.fromkeys([*claim.off, *_kink_sets(node, [True] * len(options))])
        return LocallyOneOf(claim.of, tuple(dict.fromkeys(rest)), tuple(off))


# Products of conditions, by their numbers, with factors.
Products = tuple[tuple[fmpq, tuple[int, ...]], ...]


@register
@dataclass(frozen=True)
class DropCases(Rule):
    """
    G |- off A f is locally one of q_1, ..., q_n
    --------------------------------------------- DropCases      sum_t c_t prod_j g_tj = a
    G |- off A f is locally one of the others                     constant <= 0, c_t > 0

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
        return LocallyOneOf(claim.of, kept, claim.off)


def _require_infeasible(case: Map, products: Products) -> None:
    # Conditions name coordinates: no two blocks of one name.
    blocks_of(case)
    conditions = conditions_of(case)
    total: Named = {}
    for factor, numbers in products:
        if factor <= 0 or not numbers or not all(0 <= n < len(conditions) for n in numbers):
            raise KernelError("expected products of conditions with positive factors")
        product = conditions[numbers[0]].polynomial()
        for n in numbers[1:]:
            product = product_of(product, conditions[n].polynomial())
        for key, coefficient in product.items():
            total[key] = total.get(key, fmpq(0)) + factor * coefficient
    if not products or any(coefficient != 0 for monomial, coefficient in total.items() if monomial):
        raise KernelError("expected a sum of products that is constant")
    if total.get(frozenset(), fmpq(0)) > 0:
        raise KernelError("expected a sum of products that is not positive")


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
    G |- off A L is locally one of q_1, ..., q_n    [D |- A is null]
    D_i |- {det(I - eta Hessian q_i) = 0} and Theta is null, for every i
    ------------------------------------------------------------------------ CasesCritical
    G, D, D_1, ..., D_n |- {det(I - eta Hessian L) = 0} without S(L) is null

    The second premise is left out where A has no parts.
    """

    step: StepSize

    def conclude(self, *premises: Sequent) -> Null:
        claim = locally(premises[0])
        first = 1 + bool(claim.off)
        expect_premises(premises, first + len(claim.cases))
        if claim.off and premises[1].claim is not Null(Either(claim.off)):
            raise KernelError("expected a premise that the sets that are left out are null")
        for case, premise in zip(claim.cases, premises[first:], strict=True):
            if premise.claim is not Null(Meet(critical_set(case, self.step), Whole())):
                raise KernelError("expected a premise that the critical set of each case is null")
        return Null(Without(critical_set(claim.of, self.step), SingularPoints(claim.of)))


@register
@dataclass(frozen=True)
class CasesSingular(Rule):
    """
    G |- off A f is locally one of q_1, ..., q_n    D_i |- S(q_i) in empty, for every i
    ------------------------------------------------------------------------------------ CasesSingular
    G, D_1, ..., D_n |- S(f) in A
    """

    def conclude(self, *premises: Sequent) -> Within:
        claim = locally(premises[0])
        expect_premises(premises, 1 + len(claim.cases))
        for case, premise in zip(claim.cases, premises[1:], strict=True):
            if premise.claim is not Within(SingularPoints(case), Empty()):
                raise KernelError("expected a premise that each case is analytic")
        return Within(SingularPoints(claim.of), Either(claim.off) if claim.off else Empty())


@register
@dataclass(frozen=True)
class DiffersAt(Rule):
    """
    --------------------------------- DiffersAt      f a scalar, not the level at the point
    |- Theta not in {f = level}

    The value at the point, whose coordinates are rational, is computed exactly.
    """

    map: Map
    level: LevelNumber
    point: StoredPoint

    def conclude(self, *premises: Sequent) -> NotWithin:
        no_premises(premises)
        (value,) = exact_values(self.map, point_of(self.point))[self.map]
        if value == self.level.value:
            raise KernelError("expected a point at which the map differs from the level")
        return NotWithin(Whole(), LevelSet(self.map, self.level))


@register
@dataclass(frozen=True)
class DiffersInBallsAt(Rule):
    """
    --------------------------------- DiffersInBallsAt
    |- Theta not in {f = level}

    As DiffersAt, the value at the point being enclosed in a ball.
    """

    trust = "arb"

    map: Map
    level: LevelNumber
    point: StoredPoint
    bits: int

    def conclude(self, *premises: Sequent) -> NotWithin:
        no_premises(premises)
        (value,) = ball_values(self.map, point_of(self.point), self.bits)[self.map]
        if value.overlaps(arb(self.level.value)):
            raise KernelError("expected a ball that avoids the level")
        return NotWithin(Whole(), LevelSet(self.map, self.level))
