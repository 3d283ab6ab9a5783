"""Almost everywhere analyticity (AEA-1, AEA-2, AEA-6): lemmas about arbitrary maps.

Every function derives its lemma from rules about sets; p, h and f are arbitrary maps, so that `PutIn`
makes instances of them.
"""

from __future__ import annotations

from functools import cache

from proofs.errors import KernelError
from proofs.kernel.core import Theorem, infer
from proofs.kernel.maps import AnyPlace, At, Entry, Map, Opaque, Unknown
from proofs.kernel.rules.analytic import (
    AlmostEverywhereElim,
    AlmostEverywhereIntro,
    ComponentsCover,
    CompositionSingular,
    ConstantOuter,
    EntriesCover,
    EntryAt,
    KinkHits,
    NoHits,
    OperationSingular,
    PiecewiseByPieces,
)
from proofs.kernel.rules.logic import Assume, Cut
from proofs.kernel.rules.sets import (
    BoundaryCovers,
    BoundaryOffInterior,
    EitherWay,
    Inclusion,
    MemberOfUnion,
    NullUnion,
    OpenInside,
    PutIn,
    Subset,
    UnionMeets,
    UnionNull,
    UnionWithin,
)
from proofs.kernel.rules.zeros import LevelClosed, ZeroSetNull
from proofs.kernel.set_claims import AlmostEverywhereAnalytic, NotWithin, Null, OuterAnalytic, Within
from proofs.kernel.sets import (
    Boundary,
    Component,
    Empty,
    KinkLevel,
    Level,
    LevelSet,
    Meet,
    Region,
    SingularPoints,
    UnionOver,
)
from proofs.kernel.univariate import Function

__all__ = [
    "COMPONENT", "SCALAR", "VECTOR", "analytic_after", "analytic_map", "entrywise_composition",
    "level_boundary", "null_of", "put_in", "scalar_composition", "subset_null",
]  # fmt: skip

SCALAR = Unknown("p", ())
VECTOR = Unknown("h", None)
KINK, COMPONENT, ENTRY = AnyPlace("k"), AnyPlace("c"), AnyPlace("i")


def put_in(lemma: Theorem, symbol: Unknown, image: Map, *shown: Theorem) -> Theorem:
    """The lemma with the map put in for the arbitrary one and the hypotheses that are `shown` cut."""
    found = infer(PutIn(((symbol, image),), (), ()), lemma)
    for theorem in shown:
        found = infer(Cut(), theorem, found)
    return found


def null_of(theorem: Theorem) -> Region:
    """The set that the theorem says is null."""
    if not isinstance(theorem.claim, Null):
        raise KernelError("expected a theorem that a set is null")
    return theorem.claim.region


def analytic_map(singular_null: Theorem) -> Map:
    """F of the theorem that S(f) is null."""
    region = null_of(singular_null)
    if not isinstance(region, SingularPoints):
        raise KernelError("expected a theorem that S(f) is null")
    return region.of


def subset_null(inner: Region, null_outer: Theorem, *inclusions: Theorem) -> Theorem:
    """`inner` is null because the inclusions put it into the null set of the theorem."""
    lies = infer(Inclusion(inner, null_of(null_outer)), *inclusions)
    return infer(Subset(), lies, null_outer)


def level_boundary(singular_null: Theorem, level: Level) -> Theorem:
    """The boundary of {f = level} is null, f a map with S(f) null (the premise).

    On a component U of D(f) either f = level on all of U, and U is inside {f = level}; or
    {f = level} is null in U and contains its boundary there.
    """
    f = analytic_map(singular_null)
    singular = SingularPoints(f)
    level_set, component = LevelSet(f, level), Component(f, COMPONENT)
    boundary = Boundary(level_set)
    here = Meet(boundary, component)
    same = infer(Inclusion(singular, singular))
    # f = level on all of U
    inside = infer(OpenInside(), infer(Assume(Within(component, level_set))))
    off = infer(BoundaryOffInterior(level_set))
    constant = infer(Subset(), infer(Inclusion(here, Empty()), inside, off))
    # f differs from the level somewhere on U
    zeros = infer(ZeroSetNull(), same, infer(Assume(NotWithin(component, level_set))))
    closed = infer(LevelClosed(f, level, COMPONENT), same)
    differing = subset_null(here, zeros, closed)
    part = infer(EitherWay(component, level_set), constant, differing)
    # all components and S(f)
    parts = infer(UnionNull(COMPONENT), part)
    cover = infer(ComponentsCover(f, COMPONENT))
    meets = infer(UnionMeets(boundary, UnionOver(COMPONENT, component)))
    whole = infer(NullUnion(), singular_null, parts)
    return subset_null(boundary, whole, cover, meets)


@cache
def scalar_composition(function: Function) -> Theorem:
    """AEA-6: if p: Theta -> R is almost everywhere analytic, so is sigma(p).

    Hypotheses: AlmostEverywhereAnalytic(p), p = `SCALAR`.  sigma is piecewise analytic with locally
    finite kinks, which is checked of its pieces.
    """
    p = SCALAR
    composed = Entry(function, p)
    bad = SingularPoints(composed)
    given = infer(AlmostEverywhereElim(), infer(Assume(AlmostEverywhereAnalytic(p))))
    off_kinks = infer(CompositionSingular(composed))
    hits = infer(KinkHits(composed, KINK), infer(PiecewiseByPieces(function)))
    level_set = LevelSet(p, KinkLevel(function, KINK))
    constant = infer(ConstantOuter(composed, KinkLevel(function, KINK)))
    covers = infer(BoundaryCovers(level_set))
    at_kink = infer(Inclusion(Meet(bad, level_set), Boundary(level_set)), constant, covers)
    boundaries = UnionOver(KINK, Boundary(level_set))
    member = infer(MemberOfUnion(boundaries, KINK))
    each = infer(Inclusion(Meet(bad, level_set), boundaries), at_kink, member)
    all_kinks = infer(UnionWithin(KINK), each)
    meets = infer(UnionMeets(bad, UnionOver(KINK, level_set)))
    null_kinks = infer(UnionNull(KINK), level_boundary(given, KinkLevel(function, KINK)))
    null_all = infer(NullUnion(), given, null_kinks)
    return infer(AlmostEverywhereIntro(), subset_null(bad, null_all, off_kinks, hits, meets, all_kinks))


@cache
def entrywise_composition(function: Function) -> Theorem:
    """AEA-6 entry by entry: if h is almost everywhere analytic, so is sigma(h).

    Hypotheses: AlmostEverywhereAnalytic(h), h = `VECTOR`.
    """
    h = VECTOR
    composed, entry = Entry(function, h), At(h, ENTRY)
    given = infer(AlmostEverywhereElim(), infer(Assume(AlmostEverywhereAnalytic(h))))
    entry_null = infer(Subset(), infer(OperationSingular(entry)), given)
    entry_analytic = infer(AlmostEverywhereIntro(), entry_null)
    each = put_in(scalar_composition(function), SCALAR, entry, entry_analytic)
    each_null = infer(AlmostEverywhereElim(), each)
    below = infer(Subset(), infer(EntryAt(composed, ENTRY)), each_null)
    union = infer(UnionNull(ENTRY), below)
    found = infer(Subset(), infer(EntriesCover(composed, ENTRY)), union)
    return infer(AlmostEverywhereIntro(), found)


@cache
def analytic_after() -> Theorem:
    """AEA-2: if h is almost everywhere analytic and g is analytic, so is g(h).

    Hypotheses: AlmostEverywhereAnalytic(h) and that g is analytic on R^n.
    """
    composed = Opaque("g", VECTOR, (1,))
    given = infer(AlmostEverywhereElim(), infer(Assume(AlmostEverywhereAnalytic(VECTOR))))
    splits = infer(CompositionSingular(composed))
    no_hits = infer(NoHits(), infer(Assume(OuterAnalytic(composed, False))))
    return infer(AlmostEverywhereIntro(), subset_null(SingularPoints(composed), given, splits, no_hits))
