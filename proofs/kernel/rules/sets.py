"""Rules of sets: inclusions point by point, countable unions, interiors, null sets, and two cases."""

from __future__ import annotations

from dataclasses import dataclass

from proofs.errors import KernelError

from ..claims import Claim, Sequent
from ..core import Rule, register
from ..map_substitution import check_images, claim_with, region_with
from ..maps import AnyPlace, AnyStep, Given, Map, Place, StepSize, Unknown
from ..set_claims import NotWithin, Null, OuterAnalytic, SetClaim, Within, symbols_in
from ..sets import (
    Boundary,
    Component,
    Either,
    Empty,
    Interior,
    Meet,
    Region,
    UnionOver,
    Whole,
    Without,
    parts_of_set,
)
from .logic import expect_premises, no_premises

__all__ = [
    "BoundaryCovers", "BoundaryOffInterior", "EitherWay", "EitherWithin", "Inclusion", "InteriorInside",
    "InteriorMonotone", "MemberOfUnion", "NullUnion", "OpenInside", "PutIn", "Subset", "UnionMeets",
    "UnionNull", "UnionWithin", "null", "require_fresh", "within",
]  # fmt: skip

MOST_STEPS = 100_000


def within(premise: Sequent) -> Within:
    if not isinstance(premise.claim, Within):
        raise KernelError("expected a premise that one set lies in another")
    return premise.claim


def null(premise: Sequent) -> Region:
    if not isinstance(premise.claim, Null):
        raise KernelError("expected a premise that a set is null")
    return premise.claim.region


def require_fresh(symbol: object, *claims: Claim) -> None:
    """Refuses where an arbitrary number, step size or tensor is not arbitrary: a claim speaks of it.

    What is claimed of the function that is applied last in g(p) does not depend on the values of data in p.
    """
    if any(symbol in symbols_in(claim) and not _about_function(symbol, claim) for claim in claims):
        raise KernelError(f"expected a hypothesis to say nothing about {symbol!r}")


def _about_function(symbol: object, claim: Claim) -> bool:
    return isinstance(symbol, Given) and isinstance(claim, OuterAnalytic)


def _atoms(*regions: Region) -> list[Region]:
    """The sets that are not made of others by meet, union and difference."""
    found: dict[Region, None] = {}
    stack = list(regions)
    while stack:
        region = stack.pop()
        if isinstance(region, Meet | Without | Either):
            stack.extend(parts_of_set(region))
        elif not isinstance(region, Whole | Empty):
            found[region] = None
    return list(found)


def _holds(region: Region, point: dict[Region, bool]) -> bool | None:
    """Whether a point lies in the set, from where it lies among the letters; None if that is still open."""
    match region:
        case Whole():
            return True
        case Empty():
            return False
        case Meet(left=left, right=right):
            return _all(_holds(left, point), _holds(right, point))
        case Without(left=left, right=right):
            without = _holds(right, point)
            return _all(_holds(left, point), None if without is None else not without)
        case Either(parts=parts):
            found = [_holds(part, point) for part in parts]
            return True if True in found else None if None in found else False
        case _:
            return point.get(region)


def _all(first: bool | None, second: bool | None) -> bool | None:
    if first is False or second is False:
        return False
    return None if first is None or second is None else True


def _is_violated(claim: Within, point: dict[Region, bool]) -> bool:
    return _holds(claim.inner, point) is True and _holds(claim.outer, point) is False


def _follows(inner: Region, outer: Region, known: list[Within]) -> bool:
    """Whether every point that is in `inner` and keeps what is known is in `outer`.

    Letters are decided one after the other; a branch ends where the points leave `inner`, are in
    `outer` or break something known.
    """
    letters = _atoms(inner, outer, *(side for claim in known for side in (claim.inner, claim.outer)))
    about = {letter: [c for c in known if letter in _atoms(c.inner, c.outer)] for letter in letters}
    stack: list[dict[Region, bool]] = [{}]
    steps = 0
    while stack:
        point = stack.pop()
        steps += 1
        if steps > MOST_STEPS:
            raise KernelError(f"expected an inclusion that is decided in {MOST_STEPS} steps")
        if _holds(inner, point) is False or _holds(outer, point) is True:
            continue
        if len(point) == len(letters):
            if not any(_is_violated(claim, point) for claim in known):
                return False
            continue
        letter = letters[len(point)]
        for place in (False, True):
            further = {**point, letter: place}
            if not any(_is_violated(claim, further) for claim in about[letter]):
                stack.append(further)
    return True


@register
@dataclass(frozen=True)
class Inclusion(Rule):
    """
    G_1 |- A_1 in B_1   ...   G_n |- A_n in B_n
    -------------------------------------------- Inclusion      every point that is in A and keeps
    G_1, ..., G_n |- A in B                                      all premises is in B

    Intersections, unions of finitely many sets and differences are read point by point; all other
    sets are letters.  All ways in which a point can lie in them are gone through.
    """

    inner: Region
    outer: Region

    def conclude(self, *premises: Sequent) -> Within:
        known = [within(premise) for premise in premises]
        if not _follows(self.inner, self.outer, known):
            raise KernelError("expected the inclusion to follow from the premises point by point")
        return Within(self.inner, self.outer)


@register
@dataclass(frozen=True)
class EitherWithin(Rule):
    """
    G_1 |- A_1 in B   ...   G_n |- A_n in B
    ---------------------------------------- EitherWithin
    G_1, ..., G_n |- A_1 or ... or A_n in B
    """

    def conclude(self, *premises: Sequent) -> Within:
        known = [within(premise) for premise in premises]
        if len({claim.outer for claim in known}) != 1:
            raise KernelError("expected inclusions in one set")
        return Within(Either(tuple(claim.inner for claim in known)), known[0].outer)


@register
@dataclass(frozen=True)
class MemberOfUnion(Rule):
    """
    ----------------------------- MemberOfUnion
    |- S(j) in union over i of S(i)
    """

    union: UnionOver
    place: Place

    def conclude(self, *premises: Sequent) -> Within:
        no_premises(premises)
        return Within(region_with(self.union.of, {self.union.place: self.place}), self.union)


@register
@dataclass(frozen=True)
class UnionWithin(Rule):
    """
    G |- S(i) in B
    ------------------------------- UnionWithin      i not in G, B
    G |- union over i of S(i) in B
    """

    place: AnyPlace

    def conclude(self, *premises: Sequent) -> Within:
        expect_premises(premises, 1)
        claim = within(premises[0])
        require_fresh(self.place, *premises[0].hypotheses)
        if self.place in claim.outer.symbols:
            raise KernelError("expected the outer set not to depend on the number")
        return Within(UnionOver(self.place, claim.inner), claim.outer)


@register
@dataclass(frozen=True)
class UnionMeets(Rule):
    """
    ------------------------------------------------------------------------ UnionMeets   i not in A
    |- A and (union over i of S(i)) in union over i of (A and S(i))
    """

    region: Region
    union: UnionOver

    def conclude(self, *premises: Sequent) -> Within:
        no_premises(premises)
        place = self.union.place
        if place in self.region.symbols:
            raise KernelError("expected the set not to depend on the number")
        return Within(Meet(self.region, self.union), UnionOver(place, Meet(self.region, self.union.of)))


@register
@dataclass(frozen=True)
class BoundaryCovers(Rule):
    """
    ------------------------------------------- BoundaryCovers
    |- A in (interior of A) or (boundary of A)
    """

    region: Region

    def conclude(self, *premises: Sequent) -> Within:
        no_premises(premises)
        return Within(self.region, Either((Interior(self.region), Boundary(self.region))))


@register
@dataclass(frozen=True)
class BoundaryOffInterior(Rule):
    """
    ------------------------------------------------------ BoundaryOffInterior
    |- (interior of A) and (boundary of A) in empty
    """

    region: Region

    def conclude(self, *premises: Sequent) -> Within:
        no_premises(premises)
        return Within(Meet(Interior(self.region), Boundary(self.region)), Empty())


@register
@dataclass(frozen=True)
class InteriorInside(Rule):
    """
    ------------------------- InteriorInside
    |- (interior of A) in A
    """

    region: Region

    def conclude(self, *premises: Sequent) -> Within:
        no_premises(premises)
        return Within(Interior(self.region), self.region)


@register
@dataclass(frozen=True)
class InteriorMonotone(Rule):
    """
    G |- A in B
    ------------------------------------------ InteriorMonotone
    G |- (interior of A) in (interior of B)
    """

    def conclude(self, *premises: Sequent) -> Within:
        expect_premises(premises, 1)
        claim = within(premises[0])
        return Within(Interior(claim.inner), Interior(claim.outer))


@register
@dataclass(frozen=True)
class OpenInside(Rule):
    """
    G |- U in A
    --------------------------- OpenInside      U a component of some D(f), so open
    G |- U in (interior of A)
    """

    def conclude(self, *premises: Sequent) -> Within:
        expect_premises(premises, 1)
        claim = within(premises[0])
        if not isinstance(claim.inner, Component):
            raise KernelError("expected a set that is visibly open")
        return Within(claim.inner, Interior(claim.outer))


@register
@dataclass(frozen=True)
class Subset(Rule):
    """
    G |- A in B    D |- B is null
    ------------------------------ Subset
    G, D |- A is null

    With `A in empty` alone, A is null too.
    """

    def conclude(self, *premises: Sequent) -> Null:
        if len(premises) == 1:
            claim = within(premises[0])
            if not isinstance(claim.outer, Empty):
                raise KernelError("expected a premise that the set is empty")
            return Null(claim.inner)
        expect_premises(premises, 2)
        claim = within(premises[0])
        if null(premises[1]) is not claim.outer:
            raise KernelError("expected a premise that the outer set is null")
        return Null(claim.inner)


@register
@dataclass(frozen=True)
class NullUnion(Rule):
    """
    G_1 |- A_1 is null   ...   G_n |- A_n is null
    ---------------------------------------------- NullUnion
    G_1, ..., G_n |- A_1 or ... or A_n is null
    """

    def conclude(self, *premises: Sequent) -> Null:
        return Null(Either(tuple(null(premise) for premise in premises)))


@register
@dataclass(frozen=True)
class UnionNull(Rule):
    """
    G |- S(i) is null
    ----------------------------------- UnionNull      i not in G
    G |- union over i of S(i) is null

    Countably many null sets have a null union.
    """

    place: AnyPlace

    def conclude(self, *premises: Sequent) -> Null:
        expect_premises(premises, 1)
        require_fresh(self.place, *premises[0].hypotheses)
        return Null(UnionOver(self.place, null(premises[0])))


@register
@dataclass(frozen=True)
class EitherWay(Rule):
    """
    G, A in B |- C    D, (A not in B) |- C
    --------------------------------------- EitherWay
    G, D |- C
    """

    inner: Region
    outer: Region

    def conclude(self, *premises: Sequent) -> Sequent:
        expect_premises(premises, 2)
        yes, no = premises
        if yes.claim is not no.claim:
            raise KernelError("expected premises with one claim")
        first, second = Within(self.inner, self.outer), NotWithin(self.inner, self.outer)
        return Sequent((yes.hypotheses - {first}) | (no.hypotheses - {second}), yes.claim)


@register
@dataclass(frozen=True)
class PutIn(Rule):
    """
    G(s) |- A(s)
    ------------- PutIn      s arbitrary data, maps, numbers or step sizes; t of their kind and shape
    G(t) |- A(t)

    Hypotheses and claim must be about sets and maps alone.
    """

    maps: tuple[tuple[Map, Map], ...]
    places: tuple[tuple[AnyPlace, Place], ...]
    steps: tuple[tuple[AnyStep, StepSize], ...]

    def conclude(self, *premises: Sequent) -> Sequent:
        expect_premises(premises, 1)
        (premise,) = premises
        if any(type(symbol) not in (Given, Unknown) for symbol, _ in self.maps):
            raise KernelError("expected to put something in for data or an arbitrary map")
        pairs = [*self.maps, *self.places, *self.steps]
        images = dict(pairs)
        if len(images) != len(pairs):
            raise KernelError("expected distinct symbols")
        check_images(images)
        if not all(isinstance(claim, SetClaim) for claim in (premise.claim, *premise.hypotheses)):
            raise KernelError("expected claims about sets and maps")
        hypotheses = frozenset(claim_with(claim, images) for claim in premise.hypotheses)
        return Sequent(hypotheses, claim_with(premise.claim, images))
