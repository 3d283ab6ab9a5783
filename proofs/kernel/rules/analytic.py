"""Rules of analyticity: where sums, products, quotients and compositions are analytic."""

from __future__ import annotations

from dataclasses import dataclass

from proofs.errors import KernelError

from ..claims import Claim, Sequent
from ..core import Rule, register
from ..domains import check_analytic
from ..maps import (
    AnyPlace,
    At,
    Chosen,
    Contract,
    Entry,
    Fixed,
    Given,
    HessianDet,
    Join,
    Map,
    MeanOf,
    Opaque,
    ParameterBlock,
    Partial,
    Pick,
    Place,
    RankDet,
    Scaled,
    Total,
    parts_of,
)
from ..positivity import entire_choices
from ..set_claims import AlmostEverywhereAnalytic, Null, OuterAnalytic, PiecewiseAnalytic, Positive, Within
from ..sets import (
    Component,
    Either,
    Empty,
    HitsSingular,
    Interior,
    KinkLevel,
    Level,
    LevelSet,
    Meet,
    Region,
    SingularPoints,
    UnionOver,
    Whole,
)
from ..univariate import Function, Univariate
from .logic import expect_premises, no_premises
from .sets import null, require_fresh, within

__all__ = [
    "AlmostEverywhereElim", "AlmostEverywhereIntro", "AnalyticOuter", "ComponentRegular", "ComponentsCover",
    "CompositionSingular", "ConstantOuter", "EntriesCover", "EntryAt", "KinkHits", "MeanAnalytic", "NoHits",
    "OperationSingular", "PiecewiseByPieces", "argument_of",
]  # fmt: skip


def argument_of(outer: Map) -> Map:
    """p of outer = g(p)."""
    if not isinstance(outer, Entry | Opaque):
        raise KernelError("expected a function applied to a map")
    return outer.of


@register
@dataclass(frozen=True)
class OperationSingular(Rule):
    """
    [G |- all entries of p > 0]
    ------------------------------------------ OperationSingular
    G |- S(f) in S(p_1) or ... or S(p_n)

    f is made of p_1, ..., p_n by sums, products, selection of entries, an expression that is analytic on
    all of R, det(I - eta Hessian) or det(J J^T); or of p by an inverse, logarithm or square root, for
    which p > 0 is a premise.  Blocks of theta and constants are analytic: S(f) in empty.
    """

    map: Map

    def conclude(self, *premises: Sequent) -> Within:
        node = self.map
        match node:
            case Partial(of=of):
                expect_premises(premises, 1)
                if premises[0].claim is not Positive(of, True):
                    raise KernelError("expected a premise that the entries of the argument are > 0")
            case Chosen():
                no_premises(premises)
                if not entire_choices(node):
                    raise KernelError("expected choices of expressions that are analytic on all of R")
            case (
                Total() | Join() | Contract() | At() | Pick() | Scaled() | HessianDet() | RankDet()
                | ParameterBlock() | Given() | Fixed()
            ):  # fmt: skip
                no_premises(premises)
            case _:
                raise KernelError(f"expected an analytic operation but got {type(node).__name__}")
        return Within(SingularPoints(node), _either(parts_of(node)))


def _either(parts: tuple[Map, ...]) -> Region:
    found = tuple(dict.fromkeys(SingularPoints(part) for part in parts))
    return Empty() if not found else found[0] if len(found) == 1 else Either(found)


@register
@dataclass(frozen=True)
class PiecewiseByPieces(Rule):
    """
    ----------------------------------- PiecewiseByPieces
    |- sigma is piecewise analytic

    Every piece is shown to be analytic on its closed interval.  The kinks are finitely many, or
    finitely many in every period, so that bounded intervals hold finitely many.
    Functions of which only hypotheses are known are piecewise analytic by what they stand for.
    """

    function: Function

    def conclude(self, *premises: Sequent) -> PiecewiseAnalytic:
        no_premises(premises)
        if isinstance(self.function, Univariate):
            check_analytic(self.function)
        return PiecewiseAnalytic(self.function)


@register
@dataclass(frozen=True)
class AnalyticOuter(Rule):
    """
    [G |- sigma is piecewise analytic]
    ----------------------------------------------------------------------- AnalyticOuter
    G |- sigma, entry by entry, is analytic on R^n [almost everywhere]

    Everywhere where sigma has one piece.  Else off the planes t_i = kink, which are countably many.
    """

    outer: Entry
    almost_everywhere: bool

    def conclude(self, *premises: Sequent) -> OuterAnalytic:
        expect_premises(premises, 1)
        if premises[0].claim is not PiecewiseAnalytic(self.outer.function):
            raise KernelError("expected a premise that the function is piecewise analytic")
        if not self.almost_everywhere and not self.outer.function.is_analytic:
            raise KernelError("expected a function without kinks")
        return OuterAnalytic(self.outer, self.almost_everywhere)


@register
@dataclass(frozen=True)
class CompositionSingular(Rule):
    """
    ------------------------------------------------------ CompositionSingular
    |- S(g(p)) in S(p) or {theta : p(theta) in S(g)}
    """

    outer: Map

    def conclude(self, *premises: Sequent) -> Within:
        no_premises(premises)
        inner = SingularPoints(argument_of(self.outer))
        return Within(SingularPoints(self.outer), Either((inner, HitsSingular(self.outer))))


@register
@dataclass(frozen=True)
class NoHits(Rule):
    """
    G |- g is analytic on R^n
    ------------------------------------------- NoHits
    G |- {theta : p(theta) in S(g)} in empty
    """

    def conclude(self, *premises: Sequent) -> Within:
        expect_premises(premises, 1)
        claim = premises[0].claim
        if not isinstance(claim, OuterAnalytic) or claim.almost_everywhere:
            raise KernelError("expected a premise that the function is analytic everywhere")
        return Within(HitsSingular(claim.outer), Empty())


@register
@dataclass(frozen=True)
class KinkHits(Rule):
    """
    G |- sigma is piecewise analytic
    ------------------------------------------------------------------------------ KinkHits
    G |- {theta : p(theta) in S(sigma)} in union over k of {p = kink k of sigma}

    p a scalar.  Between its kinks sigma is analytic.
    """

    outer: Entry
    place: AnyPlace

    def conclude(self, *premises: Sequent) -> Within:
        expect_premises(premises, 1)
        function, inner = self.outer.function, self.outer.of
        if premises[0].claim is not PiecewiseAnalytic(function):
            raise KernelError("expected a premise that the function is piecewise analytic")
        if inner.shape != () or self.place in inner.symbols:
            raise KernelError("expected a scalar argument that does not depend on the number")
        kinks = UnionOver(self.place, LevelSet(inner, KinkLevel(function, self.place)))
        return Within(HitsSingular(self.outer), kinks)


@register
@dataclass(frozen=True)
class ConstantOuter(Rule):
    """
    -------------------------------------------------------- ConstantOuter
    |- S(g(p)) and (interior of {p = level}) in empty

    There p is constant, all its entries being the level, and so is g(p).
    """

    outer: Map
    level: Level

    def conclude(self, *premises: Sequent) -> Within:
        no_premises(premises)
        inside = Interior(LevelSet(argument_of(self.outer), self.level))
        return Within(Meet(SingularPoints(self.outer), inside), Empty())


@register
@dataclass(frozen=True)
class EntriesCover(Rule):
    """
    ----------------------------------------- EntriesCover      i not in f
    |- S(f) in union over i of S(f_i)
    """

    map: Map
    place: AnyPlace

    def conclude(self, *premises: Sequent) -> Within:
        no_premises(premises)
        if self.place in self.map.symbols:
            raise KernelError("expected a map that does not depend on the number")
        entries = UnionOver(self.place, SingularPoints(At(self.map, self.place)))
        return Within(SingularPoints(self.map), entries)


@register
@dataclass(frozen=True)
class EntryAt(Rule):
    """
    ------------------------------------------- EntryAt
    |- S(sigma(p)_i) in S(sigma(p_i))
    """

    outer: Entry
    place: Place

    def conclude(self, *premises: Sequent) -> Within:
        no_premises(premises)
        left, right = At(self.outer, self.place), Entry(self.outer.function, At(self.outer.of, self.place))
        return Within(SingularPoints(left), SingularPoints(right))


@register
@dataclass(frozen=True)
class ComponentsCover(Rule):
    """
    -------------------------------------------------------------- ComponentsCover   i not in f
    |- Theta in S(f) or union over i of (component i of D(f))

    An open set of R^P has countably many components.
    """

    map: Map
    place: AnyPlace

    def conclude(self, *premises: Sequent) -> Within:
        no_premises(premises)
        if self.place in self.map.symbols:
            raise KernelError("expected a map that does not depend on the number")
        parts = UnionOver(self.place, Component(self.map, self.place))
        return Within(Whole(), Either((SingularPoints(self.map), parts)))


@register
@dataclass(frozen=True)
class ComponentRegular(Rule):
    """
    ---------------------------------------------- ComponentRegular
    |- (component i of D(f)) and S(f) in empty
    """

    map: Map
    place: Place

    def conclude(self, *premises: Sequent) -> Within:
        no_premises(premises)
        return Within(Meet(Component(self.map, self.place), SingularPoints(self.map)), Empty())


@register
@dataclass(frozen=True)
class AlmostEverywhereIntro(Rule):
    """
    G |- S(f) is null
    --------------------------------------- AlmostEverywhereIntro
    G |- f is almost everywhere analytic
    """

    def conclude(self, *premises: Sequent) -> AlmostEverywhereAnalytic:
        expect_premises(premises, 1)
        region = null(premises[0])
        if not isinstance(region, SingularPoints):
            raise KernelError("expected a premise about the points where a map is not analytic")
        return AlmostEverywhereAnalytic(region.of)


@register
@dataclass(frozen=True)
class AlmostEverywhereElim(Rule):
    """
    G |- f is almost everywhere analytic
    --------------------------------------- AlmostEverywhereElim
    G |- S(f) is null
    """

    def conclude(self, *premises: Sequent) -> Null:
        expect_premises(premises, 1)
        claim = premises[0].claim
        if not isinstance(claim, AlmostEverywhereAnalytic):
            raise KernelError("expected a premise that a map is almost everywhere analytic")
        return Null(SingularPoints(claim.of))


@register
@dataclass(frozen=True)
class MeanAnalytic(Rule):
    """
    G |- F is almost everywhere analytic      [or: G |- S(F) in empty]
    -------------------------------------------------------------------- MeanAnalytic   data not in G
    G |- mean over data of F is almost everywhere analytic      [or: S(mean) in empty]

    The mean is a finite sum.
    """

    data: tuple[Given, ...]

    def conclude(self, *premises: Sequent) -> Claim:
        expect_premises(premises, 1)
        claim = premises[0].claim
        for given in self.data:
            require_fresh(given, *premises[0].hypotheses)
        if isinstance(claim, AlmostEverywhereAnalytic):
            return AlmostEverywhereAnalytic(MeanOf(self.data, claim.of))
        found = within(premises[0])
        if not isinstance(found.inner, SingularPoints) or not isinstance(found.outer, Empty):
            raise KernelError("expected a premise that a map is analytic")
        return Within(SingularPoints(MeanOf(self.data, found.inner.of)), Empty())
