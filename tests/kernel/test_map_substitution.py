"""Putting in: what is put in means the same under every operation, and nothing is captured."""

from __future__ import annotations

import random

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st
from set_builders import ETA, HALF, ONE, RELU, I, J, P, S, V, W, X, entry, number, square

from proofs.errors import KernelError
from proofs.kernel.dynamics import Composed, Descent, OnPosition, Proximal, Pushed, Sheared
from proofs.kernel.map_substitution import check_images, claim_with, map_with, region_with, with_nodes
from proofs.kernel.map_values import exact_values
from proofs.kernel.maps import (
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
    PlaceNumber,
    RankDet,
    Scaled,
    Total,
    blocks_of,
)
from proofs.kernel.set_claims import (
    AlmostEverywhereAnalytic,
    AvoidsExceptional,
    Exceptional,
    ForAlmostAllSteps,
    Independent,
    NonSingular,
    NotWithin,
    Null,
    OuterAnalytic,
    Positive,
    Singular,
    Within,
    symbols_in,
)
from proofs.kernel.sets import (
    Boundary,
    Component,
    Either,
    Empty,
    HitsSingular,
    Interior,
    KinkLevel,
    LevelSet,
    Meet,
    SingularPoints,
    UnionOver,
    Whole,
    Without,
)

Y = Given("y", (2,))
DATA = Fixed((2,), (fmpq(3), fmpq(-1, 2)))


def random_map(source: random.Random) -> Map:
    """A random graph of the data X and the parameters."""
    nodes: list[Map] = [X, V, Contract("ij,j->i", W, X)]
    for _ in range(6):
        a, b = source.choice(nodes), source.choice(nodes)
        nodes.append(
            source.choice(
                [
                    Total((a, b)),
                    Contract("i,i->i", a, b),
                    Scaled(fmpq(1, 2), a),
                    Pick(a, (1, source.choice((-1, 0))), (2,)),
                    Entry(RELU, a),
                    Chosen(RELU, (0, 1), a),
                    Join((At(a, PlaceNumber(0)), At(b, PlaceNumber(1)))),
                ]
            )
        )
    return Total((nodes[-1], nodes[-2], X))


@given(st.integers(0, 2**20))
def test_values_after_putting_in_are_those_at_the_data(seed: int) -> None:
    source = random.Random(seed)
    root = random_map(source)
    point = {"W": tuple(fmpq(source.randint(-4, 4), 2) for _ in range(4)), "v": (fmpq(1), fmpq(-2))}
    put = map_with(root, {X: DATA})
    assert not put.symbols
    # The same values by way of parameters of the data's values.
    block = ParameterBlock("xx", (2,))
    by_block = with_nodes(root, {X: block})
    wide = {**point, "xx": DATA.entries}
    names = {b.name for b in blocks_of(by_block)}
    assert exact_values(put, point)[put] == exact_values(by_block, {n: wide[n] for n in names})[by_block]
    assert map_with(put, {X: Y}) is put
    assert map_with(map_with(root, {X: Y}), {Y: X}) is root


@pytest.mark.parametrize(
    "wrap",
    [
        lambda m: Total((m, S)),
        lambda m: Join((m, V)),
        lambda m: Contract(",->", m, S),
        lambda m: Scaled(fmpq(2), m),
        lambda m: Entry(RELU, m),
        lambda m: Opaque("g", m, (2,)),
        lambda m: Partial("log", m),
        lambda m: HessianDet(m, ONE),
        RankDet,
        lambda m: Pick(m, (0, -1), (2,)),
        lambda m: At(m, PlaceNumber(0)),
        lambda m: Chosen(RELU, (0,), m),
        lambda m: MeanOf((X,), m),
    ],
)
def test_maps_are_put_in_below_every_operation(wrap) -> None:
    assert map_with(wrap(P), {P: square(S)}) is wrap(square(S))
    assert wrap(P).symbols - {X} == {P}


def test_places_and_steps_are_put_in() -> None:
    assert map_with(At(V, I), {I: PlaceNumber(1)}) is entry(V, 1)
    assert map_with(HessianDet(P, ETA), {ETA: ONE}) is HessianDet(P, ONE)
    with pytest.raises(KernelError, match="below 2"):
        map_with(At(V, I), {I: PlaceNumber(2)})


A = LevelSet(P, KinkLevel(RELU, J))


@pytest.mark.parametrize(
    "wrap",
    [
        Interior,
        Boundary,
        lambda r: Meet(r, Whole()),
        lambda r: Without(Empty(), r),
        lambda r: Either((r, Whole())),
        lambda r: UnionOver(I, Meet(r, Component(S, I))),
    ],
)
def test_regions_are_changed_below_every_operation(wrap) -> None:
    images = {P: S, J: PlaceNumber(4)}
    assert region_with(wrap(A), images) is wrap(LevelSet(S, KinkLevel(RELU, PlaceNumber(4))))


def test_sets_of_maps_are_changed() -> None:
    q = square(S)
    assert region_with(SingularPoints(P), {P: q}) is SingularPoints(q)
    assert region_with(Component(P, J), {P: q, J: I}) is Component(q, I)
    assert region_with(HitsSingular(Entry(RELU, P)), {P: q}) is HitsSingular(Entry(RELU, q))


@pytest.mark.parametrize(
    "make",
    [
        lambda p, e: Null(SingularPoints(p)),
        lambda p, e: Within(SingularPoints(p), Whole()),
        lambda p, e: NotWithin(Whole(), SingularPoints(p)),
        lambda p, e: AlmostEverywhereAnalytic(p),
        lambda p, e: OuterAnalytic(Entry(RELU, p), True),
        lambda p, e: Positive(p, False),
        lambda p, e: Independent(p, W),
        lambda p, e: Exceptional(p, e),
        lambda p, e: AvoidsExceptional(p, e),
        lambda p, e: NonSingular(Descent(p, e)),
        lambda p, e: Singular(Proximal(p, e)),
        lambda p, e: NonSingular(
            Composed((Pushed(p, e, fmpq(1)), Sheared((fmpq(1),) * 2, (fmpq(0), fmpq(1)))))
        ),
        lambda p, e: NonSingular(OnPosition(Descent(p, e))),
    ],
)
def test_claims_are_changed_throughout(make) -> None:
    assert claim_with(make(P, ETA), {P: square(S), ETA: HALF}) is make(square(S), HALF)
    assert P in symbols_in(make(P, ETA))
    assert not symbols_in(make(S, ONE))


def test_what_is_bound_stays_and_nothing_is_captured() -> None:
    mean = MeanOf((X,), Total((P, entry(X, 0))))
    assert mean.symbols == {P}
    assert map_with(mean, {X: Y}) is mean
    assert map_with(mean, {P: entry(Y, 0)}) is MeanOf((X,), Total((entry(Y, 0), entry(X, 0))))
    for image in (entry(X, 1), MeanOf((Y,), Contract(",->", entry(X, 0), entry(Y, 0)))):
        with pytest.raises(KernelError, match="bound"):
            map_with(mean, {P: image})
    # A mean over X in what is put in holds no free X.
    inner = MeanOf((X,), entry(X, 1))
    assert map_with(mean, {P: inner}) is MeanOf((X,), Total((inner, entry(X, 0))))
    steps = ForAlmostAllSteps(ETA, AvoidsExceptional(P, ETA))
    assert claim_with(steps, {ETA: ONE}) is steps
    with pytest.raises(KernelError, match="bound"):
        claim_with(steps, {P: HessianDet(S, ETA)})
    with pytest.raises(KernelError, match="bound"):
        region_with(UnionOver(I, Meet(A, Component(S, I))), {J: I})


def test_data_bound_inside_and_free_outside_are_told_apart() -> None:
    root = Total((entry(X, 0), MeanOf((X,), entry(X, 0))))
    put = map_with(root, {X: DATA})
    assert put is Total((entry(DATA, 0), MeanOf((X,), entry(X, 0))))


def test_images_must_fit() -> None:
    for symbol, image in (
        (X, V),
        (X, Given("z", (3,))),
        (P, V),
        (I, ONE),
        (ETA, PlaceNumber(0)),
        (S, P),
        (ONE, ONE),
    ):
        with pytest.raises(KernelError, match="fitting"):
            check_images({symbol: image})
    check_images({X: DATA, P: number(1), I: J, ETA: HALF})


def test_parts_are_not_replaced_under_means() -> None:
    with pytest.raises(KernelError, match="mean"):
        with_nodes(MeanOf((X,), entry(X, 0)), {X: DATA})
