"""Rules of sets: their conclusions, their side conditions, and their truth for sets on the line."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from line_model import Model
from set_builders import (
    ETA,
    HALF,
    ONE,
    OUTER,
    RELU,
    ZERO,
    H,
    I,
    J,
    P,
    S,
    V,
    X,
    assume,
    concluded,
    letter,
    number,
    refused,
    square,
)

from proofs.kernel.core import Theorem, infer
from proofs.kernel.maps import (
    At,
    Entry,
    Given,
    HessianDet,
    MeanOf,
    Opaque,
    ParameterBlock,
    PlaceNumber,
    Scaled,
    Total,
    Unknown,
)
from proofs.kernel.rules.analytic import OperationSingular
from proofs.kernel.rules.sets import (
    BoundaryCovers,
    BoundaryOffInterior,
    EitherWay,
    EitherWithin,
    Inclusion,
    InteriorInside,
    InteriorMonotone,
    MemberOfUnion,
    NullUnion,
    OpenInside,
    PutIn,
    Subset,
    UnionMeets,
    UnionNull,
    UnionWithin,
)
from proofs.kernel.rules.steps import AlmostAllSteps
from proofs.kernel.set_claims import (
    AlmostEverywhereAnalytic,
    AvoidsExceptional,
    ForAlmostAllSteps,
    LocallyOneOf,
    NotWithin,
    Null,
    OuterAnalytic,
    Within,
)
from proofs.kernel.sets import (
    Boundary,
    Component,
    Either,
    Empty,
    Interior,
    KinkLevel,
    LevelSet,
    Meet,
    SingularPoints,
    UnionOver,
    Whole,
    Without,
)

A, BB, C, D = letter("a"), letter("c"), letter("d"), letter("e")
U = Component(P, I)
FAMILY = UnionOver(I, U)
U0 = Component(P, PlaceNumber(1))
IN = assume(Within(A, BB))


def test_inclusion_accepts_what_follows_point_by_point() -> None:
    rule = Inclusion(Meet(A, C), Meet(BB, C))
    assert concluded(rule, IN) is Within(Meet(A, C), Meet(BB, C))
    assert concluded(Inclusion(A, Whole())) is Within(A, Whole())
    assert concluded(Inclusion(Without(A, Empty()), Either((C, A))))


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        (BB, A),
        (A, C),
        (Interior(A), BB),
        (Whole(), A),
        (Either((A, C)), BB),
        (A, Without(BB, C)),
        (A, Empty()),
    ],
)
def test_inclusion_refuses_what_does_not_follow(inner, outer) -> None:
    refused(Inclusion(inner, outer), IN, match="follow")


def test_inclusion_refuses_other_premises_and_too_many_steps(monkeypatch) -> None:
    refused(Inclusion(A, A), assume(Null(A)))
    monkeypatch.setattr("proofs.kernel.rules.sets.MOST_STEPS", 2)
    refused(Inclusion(A, Either(tuple(letter(f"l{k}") for k in range(17)))), match="2 steps")


def test_either_within_accepts_and_refuses() -> None:
    assert concluded(EitherWithin(), IN, assume(Within(C, BB))) is Within(Either((A, C)), BB)
    refused(EitherWithin(), IN, assume(Within(C, D)))
    refused(EitherWithin())


def test_either_within_refuses_no_premises() -> None:
    refused(EitherWithin())


def test_member_of_union_accepts() -> None:
    assert concluded(MemberOfUnion(FAMILY, PlaceNumber(1))) is Within(U0, FAMILY)


def test_member_of_union_refuses_capture_and_premises() -> None:
    nested = UnionOver(I, UnionOver(J, Meet(U, Component(P, J))))
    refused(MemberOfUnion(nested, J), match="bound")
    refused(MemberOfUnion(FAMILY, J), IN)


def test_union_within_accepts() -> None:
    assert concluded(UnionWithin(I), assume(Within(U0, A))) is Within(UnionOver(I, U0), A)


def test_union_within_refuses_a_number_that_is_not_arbitrary() -> None:
    refused(UnionWithin(I), assume(Within(U, A)), match="nothing about")
    refused(UnionWithin(I), infer(Inclusion(U, U)), match="outer set")


def test_union_meets_accepts() -> None:
    assert concluded(UnionMeets(A, FAMILY)) is Within(Meet(A, FAMILY), UnionOver(I, Meet(A, U)))


def test_union_meets_refuses_a_set_that_depends_on_the_number() -> None:
    refused(UnionMeets(U, FAMILY), match="depend on the number")


def test_boundary_covers_accepts() -> None:
    assert concluded(BoundaryCovers(A)) is Within(A, Either((Interior(A), Boundary(A))))


def test_boundary_covers_refuses_premises() -> None:
    refused(BoundaryCovers(A), IN)


def test_boundary_off_interior_accepts() -> None:
    assert concluded(BoundaryOffInterior(A)) is Within(Meet(Interior(A), Boundary(A)), Empty())


def test_boundary_off_interior_refuses_premises() -> None:
    refused(BoundaryOffInterior(A), IN)


def test_interior_inside_accepts() -> None:
    assert concluded(InteriorInside(A)) is Within(Interior(A), A)


def test_interior_inside_refuses_premises() -> None:
    refused(InteriorInside(A), IN)


def test_interior_monotone_accepts() -> None:
    assert concluded(InteriorMonotone(), IN) is Within(Interior(A), Interior(BB))


def test_interior_monotone_refuses_other_claims() -> None:
    refused(InteriorMonotone(), assume(NotWithin(A, BB)))


def test_open_inside_accepts_components() -> None:
    assert concluded(OpenInside(), assume(Within(U, A))) is Within(U, Interior(A))


@pytest.mark.parametrize("region", [A, Whole(), SingularPoints(P), Meet(U, U0), Boundary(A)])
def test_open_inside_refuses_sets_that_are_not_visibly_open(region) -> None:
    refused(OpenInside(), assume(Within(region, A)), match="open")


def test_subset_accepts() -> None:
    assert concluded(Subset(), IN, assume(Null(BB))) is Null(A)
    assert concluded(Subset(), assume(Within(A, Empty()))) is Null(A)


def test_subset_refuses_another_null_set() -> None:
    refused(Subset(), IN, assume(Null(A)))
    refused(Subset(), IN)
    refused(Subset(), assume(NotWithin(A, BB)), assume(Null(BB)))


def test_null_union_accepts() -> None:
    assert concluded(NullUnion(), assume(Null(A)), assume(Null(C))) is Null(Either((A, C)))


def test_null_union_refuses_no_premises() -> None:
    refused(NullUnion())
    refused(NullUnion(), IN)


def test_union_null_accepts() -> None:
    assert concluded(UnionNull(I), infer(Subset(), infer(Inclusion(Meet(U, Empty()), Empty()))))


def test_union_null_refuses_a_number_that_is_not_arbitrary() -> None:
    refused(UnionNull(I), assume(Null(U)), match="nothing about")


def test_either_way_accepts() -> None:
    goal = Null(C)
    theorem = infer(EitherWay(A, BB), _weakened(goal, Within(A, BB)), _weakened(goal, NotWithin(A, BB)))
    assert theorem.claim is goal
    assert Within(A, BB) not in theorem.hypotheses
    assert NotWithin(A, BB) not in theorem.hypotheses


def _weakened(goal: Null, supposed: Within | NotWithin) -> Theorem:
    """The goal under itself and what is supposed."""
    empty = infer(Inclusion(goal.region, Either((goal.region, A))))
    both = infer(Subset(), infer(Inclusion(goal.region, goal.region), empty), assume(goal))
    if isinstance(supposed, Within):
        return infer(Subset(), infer(Inclusion(goal.region, goal.region), assume(supposed)), both)
    return both


def test_either_way_refuses_different_claims_and_keeps_other_hypotheses() -> None:
    refused(EitherWay(A, BB), assume(Null(A)), assume(Null(C)))
    kept = infer(EitherWay(BB, A), _weakened(Null(C), Within(A, BB)), assume(Null(C)))
    assert Within(A, BB) in kept.hypotheses


# -- truth on the line ----------------------------------------------------------------------------

STEPS: list[tuple[str, Callable[[], Theorem]]] = [
    ("Inclusion", lambda: infer(Inclusion(Meet(A, Without(C, D)), Either((D, BB))), IN)),
    ("EitherWithin", lambda: infer(EitherWithin(), IN, assume(Within(C, BB)))),
    ("MemberOfUnion", lambda: infer(MemberOfUnion(FAMILY, PlaceNumber(1)))),
    ("MemberOfUnion of a free number", lambda: infer(MemberOfUnion(FAMILY, J))),
    ("UnionWithin", lambda: infer(UnionWithin(I), infer(Inclusion(Meet(U, A), BB), IN))),
    ("UnionMeets", lambda: infer(UnionMeets(A, FAMILY))),
    ("BoundaryCovers", lambda: infer(BoundaryCovers(A))),
    ("BoundaryOffInterior", lambda: infer(BoundaryOffInterior(A))),
    ("InteriorInside", lambda: infer(InteriorInside(A))),
    ("InteriorMonotone", lambda: infer(InteriorMonotone(), IN)),
    ("OpenInside", lambda: infer(OpenInside(), assume(Within(U0, A)))),
    ("Subset", lambda: infer(Subset(), IN, assume(Null(BB)))),
    ("Subset of the empty set", lambda: infer(Subset(), assume(Within(A, Empty())))),
    ("NullUnion", lambda: infer(NullUnion(), assume(Null(A)), assume(Null(C)))),
    (
        "UnionNull",
        lambda: infer(UnionNull(I), infer(Subset(), infer(Inclusion(Meet(U, A), A)), assume(Null(A)))),
    ),
    ("EitherWay", lambda: infer(EitherWay(A, BB), _weakened(Null(C), Within(A, BB)), assume(Null(C)))),
    ("PutIn", lambda: infer(PutIn(((Unknown("a", ()), Scaled(ZERO.value, P)),), ((J, I),), ()), IN)),
]


@pytest.mark.parametrize(("name", "step"), STEPS, ids=[name for name, _ in STEPS])
def test_conclusions_hold_on_the_line(name, step) -> None:
    theorem = step()
    applied = 0
    for seed in range(3000):
        model = Model(seed)
        if all(model.is_true(claim) for claim in theorem.hypotheses):
            applied += 1
            assert model.is_true(theorem.claim), f"{name} with seed {seed}"
            if applied == 60:
                break
    assert applied >= 5


# -- putting in -----------------------------------------------------------------------------------


def _put(symbol, image) -> PutIn:
    return PutIn(((symbol, image),), (), ())


def test_put_in_accepts_maps_numbers_and_steps() -> None:
    known = assume(AlmostEverywhereAnalytic(P))
    assert concluded(_put(P, square(S)), known) is AlmostEverywhereAnalytic(square(S))
    assert infer(_put(P, square(S)), known).hypotheses == {AlmostEverywhereAnalytic(square(S))}
    moved = infer(PutIn((), ((I, J),), ((ETA, ONE),)), assume(Null(U)))
    assert moved.claim is Null(Component(P, J))


def test_put_in_goes_everywhere_at_once() -> None:
    q = Unknown("q", ())
    known = assume(Within(SingularPoints(P), SingularPoints(q)))
    assert concluded(PutIn(((P, q), (q, P)), (), ()), known) is Within(SingularPoints(q), SingularPoints(P))


@pytest.mark.parametrize(
    ("symbol", "image"),
    [
        (P, V), (X, Given("y", (3,))), (X, V), (X, Unknown("y", (2,))), (S, P), (OUTER, P),
        (Unknown("m", (2, 2)), V),
    ],
)  # fmt: skip
def test_put_in_refuses_what_does_not_fit(symbol, image) -> None:
    refused(_put(symbol, image), assume(AlmostEverywhereAnalytic(Opaque("g", symbol, (1,)))))


def test_put_in_refuses_capture_by_means_unions_and_steps() -> None:
    body = Total((P, At(X, PlaceNumber(0))))
    refused(
        _put(P, At(X, PlaceNumber(1))), assume(AlmostEverywhereAnalytic(MeanOf((X,), body))), match="bound"
    )
    family = UnionOver(I, Meet(U, Component(P, J)))
    refused(PutIn((), ((J, I),), ()), assume(Null(family)), match="bound")
    refused(_put(P, At(H, I)), assume(Null(UnionOver(I, Meet(U, U)))), match="bound")
    steps = infer(AlmostAllSteps(P, ETA), assume(AvoidsExceptional(P, ETA)))
    refused(_put(P, HessianDet(S, ETA)), steps, match="bound")


def test_put_in_leaves_what_is_bound() -> None:
    mean = MeanOf((X,), At(X, PlaceNumber(0)))
    known = assume(AlmostEverywhereAnalytic(mean))
    y = Given("y", (2,))
    assert concluded(_put(X, y), known) is AlmostEverywhereAnalytic(mean)
    steps = infer(AlmostAllSteps(P, ETA), assume(AvoidsExceptional(P, ETA)))
    assert concluded(PutIn((), (), ((ETA, HALF),)), steps) is ForAlmostAllSteps(
        ETA, AvoidsExceptional(P, ETA)
    )


def test_put_in_refuses_symbols_twice_places_beyond_the_end_and_claims_about_cases() -> None:
    known = assume(AlmostEverywhereAnalytic(P))
    refused(PutIn(((P, S), (P, square(S))), (), ()), known, match="distinct")
    beyond = assume(AlmostEverywhereAnalytic(At(H, PlaceNumber(5))))
    refused(_put(H, V), beyond, match="below 2")
    refused(_put(P, S), assume(LocallyOneOf(P, (P,), ())), match="no symbol")


def test_put_in_puts_numbers_into_levels() -> None:
    level = LevelSet(P, KinkLevel(RELU, I))
    moved = concluded(PutIn((), ((I, PlaceNumber(3)),), ()), assume(Null(level)))
    assert moved is Null(LevelSet(P, KinkLevel(RELU, PlaceNumber(3))))


def test_put_in_keeps_the_function_of_an_outer_map() -> None:
    known = assume(OuterAnalytic(Opaque("g", H, (1,)), True))
    assert concluded(_put(H, V), known) is OuterAnalytic(Opaque("g", V, (1,)), True)
    assert concluded(_put(H, V), assume(OuterAnalytic(Entry(RELU, H), True))) is OuterAnalytic(
        Entry(RELU, V), True
    )


def test_a_number_and_a_parameter_are_nothing_to_put_something_in_for() -> None:
    known = assume(AlmostEverywhereAnalytic(Scaled(number(2).entries[0], P)))
    refused(_put(number(2), S), known)
    refused(_put(ParameterBlock("s", ()), P), known)


def test_an_inclusion_of_many_sets_is_decided_branch_by_branch():
    scalars = [ParameterBlock(f"a{n}", ()) for n in range(80)]
    total = Total(tuple(scalars))
    parts = [infer(OperationSingular(total)), *(infer(OperationSingular(block)) for block in scalars)]
    lies = infer(Inclusion(SingularPoints(total), Empty()), *parts)
    assert lies.claim is Within(SingularPoints(total), Empty())
    refused(Inclusion(SingularPoints(total), Empty()), *parts[:-1], match="point by point")
