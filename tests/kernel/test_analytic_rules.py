"""Rules of analyticity: their conclusions and their side conditions."""

from __future__ import annotations

import pytest
from flint import fmpq
from set_builders import (
    ONE,
    OUTER,
    POLE,
    RELU,
    TANH,
    ZERO,
    H,
    I,
    J,
    P,
    S,
    V,
    W,
    X,
    assume,
    concluded,
    entry,
    letter,
    refused,
    square,
    vector,
)

from proofs.kernel.core import infer
from proofs.kernel.maps import (
    At,
    Chosen,
    Contract,
    Entry,
    HessianDet,
    Join,
    MeanOf,
    Opaque,
    Partial,
    Pick,
    PlaceNumber,
    RankDet,
    Scaled,
    Total,
    Unknown,
)
from proofs.kernel.rules.analytic import (
    AlmostEverywhereElim,
    AlmostEverywhereIntro,
    AnalyticOuter,
    ComponentRegular,
    ComponentsCover,
    CompositionSingular,
    ConstantOuter,
    EntriesCover,
    EntryAt,
    KinkHits,
    MeanAnalytic,
    NoHits,
    OperationSingular,
    PiecewiseByPieces,
)
from proofs.kernel.rules.sets import Inclusion, NullUnion, Subset, UnionNull
from proofs.kernel.set_claims import (
    AlmostEverywhereAnalytic,
    Null,
    OuterAnalytic,
    PiecewiseAnalytic,
    Positive,
    Within,
)
from proofs.kernel.sets import (
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
)
from proofs.kernel.univariate import Unspecified, argument, call, constant, periodic, piecewise
from proofs.network import activation

RAW = Unspecified("phi")
SMOOTH = Unspecified("psi", is_analytic=True)
RELU_P, RELU_V = Entry(RELU, P), Entry(RELU, V)
T = argument()
LOG_PIECES = piecewise("logs", {}, [1], [T, call("log", T) + constant(1)])


@pytest.mark.parametrize(
    ("node", "parts"),
    [
        (Total((P, S)), (P, S)), (Join((H2 := Unknown("h", (2,)), V)), (H2, V)),
        (Contract("ij,j->i", W, V), (W, V)), (At(V, PlaceNumber(1)), (V,)), (Pick(V, (-1, 0), (2,)), (V,)),
        (Scaled(fmpq(0), P), (P,)), (HessianDet(P, ONE), (P,)), (RankDet(H), (H,)), (square(P), (P,)),
        (V, ()), (X, ()), (vector(1), ()), (Chosen(RELU, (0, -1), V), (V,)),
    ],
)  # fmt: skip
def test_operation_singular_accepts_analytic_operations(node, parts) -> None:
    found = [SingularPoints(part) for part in parts]
    outer = Empty() if not found else found[0] if len(found) == 1 else Either(tuple(found))
    assert concluded(OperationSingular(node)) is Within(SingularPoints(node), outer)


@pytest.mark.parametrize("node", [RELU_P, Entry(TANH, P), OUTER, P, H, MeanOf((X,), P)])
def test_operation_singular_refuses_functions_arbitrary_maps_and_means(node) -> None:
    refused(OperationSingular(node), match="analytic operation")


def test_operation_singular_needs_a_positive_argument_of_a_partial_function() -> None:
    root = Partial("log", S)
    assert concluded(OperationSingular(root), assume(Positive(S, True))) is Within(
        SingularPoints(root), SingularPoints(S)
    )
    refused(OperationSingular(root))
    refused(OperationSingular(root), assume(Positive(S, False)), match="> 0")
    refused(OperationSingular(root), assume(Positive(square(S), True)), match="> 0")


def test_operation_singular_refuses_choices_that_are_not_entire() -> None:
    assert concluded(OperationSingular(Chosen(LOG_PIECES, (0,), Join((S,)))))
    refused(OperationSingular(Chosen(LOG_PIECES, (1,), Join((S,)))), match="all of R")
    assert concluded(OperationSingular(Chosen(LOG_PIECES, (-1,), Join((S,)))))


@pytest.mark.parametrize("function", [RELU, TANH, activation("round"), LOG_PIECES, RAW, SMOOTH])
def test_piecewise_by_pieces_accepts(function) -> None:
    assert concluded(PiecewiseByPieces(function)) is PiecewiseAnalytic(function)


@pytest.mark.parametrize(
    "function",
    [
        POLE,
        piecewise("root", {}, [0], [constant(0), call("sqrt", T)]),
        piecewise("late", {}, [0], [call("inverse", T + constant(1)), T]),
    ],
)
def test_piecewise_by_pieces_refuses_pieces_with_singular_points(function) -> None:
    refused(PiecewiseByPieces(function), match="not shown to be analytic")


def test_analytic_outer_accepts() -> None:
    tanh, relu = Entry(TANH, V), RELU_V
    for outer, almost in ((tanh, False), (tanh, True), (relu, True), (Entry(SMOOTH, V), False)):
        known = infer(PiecewiseByPieces(outer.function))
        assert concluded(AnalyticOuter(outer, almost), known) is OuterAnalytic(outer, almost)


def test_analytic_outer_refuses_kinks_everywhere_and_other_functions() -> None:
    relu = infer(PiecewiseByPieces(RELU))
    refused(AnalyticOuter(RELU_V, False), relu, match="without kinks")
    refused(AnalyticOuter(Entry(TANH, V), False), relu)
    refused(AnalyticOuter(Entry(RAW, V), False), infer(PiecewiseByPieces(RAW)), match="without kinks")
    wave = periodic("wave", [0, 1], [T])
    refused(AnalyticOuter(Entry(wave, V), False), infer(PiecewiseByPieces(wave)), match="without kinks")
    refused(AnalyticOuter(RELU_V, True))


def test_composition_singular_accepts() -> None:
    for outer in (RELU_V, OUTER):
        inside = Either((SingularPoints(outer.of), HitsSingular(outer)))
        assert concluded(CompositionSingular(outer)) is Within(SingularPoints(outer), inside)


@pytest.mark.parametrize("node", [P, V, Total((V, V)), Partial("log", V), Chosen(RELU, (0, 0), V)])
def test_composition_singular_refuses_other_maps(node) -> None:
    refused(CompositionSingular(node), match="applied to a map")


def test_no_hits_accepts_and_refuses() -> None:
    everywhere = assume(OuterAnalytic(OUTER, False))
    assert concluded(NoHits(), everywhere) is Within(HitsSingular(OUTER), Empty())


def test_no_hits_refuses_almost_everywhere() -> None:
    refused(NoHits(), assume(OuterAnalytic(OUTER, True)), match="everywhere")
    refused(NoHits(), assume(AlmostEverywhereAnalytic(P)))


def test_kink_hits_accepts() -> None:
    kinks = UnionOver(I, LevelSet(P, KinkLevel(RELU, I)))
    assert concluded(KinkHits(RELU_P, I), infer(PiecewiseByPieces(RELU))) is Within(
        HitsSingular(RELU_P), kinks
    )


def test_kink_hits_refuses_vectors_numbers_in_use_and_other_functions() -> None:
    relu = infer(PiecewiseByPieces(RELU))
    refused(KinkHits(RELU_V, I), relu, match="scalar")
    refused(KinkHits(Entry(RELU, H), I), relu, match="scalar")
    refused(KinkHits(Entry(RELU, At(V, I)), I), relu, match="depend on the number")
    refused(KinkHits(RELU_P, I), infer(PiecewiseByPieces(TANH)), match="piecewise analytic")


def test_constant_outer_accepts() -> None:
    for outer in (RELU_V, OUTER):
        inside = Interior(LevelSet(outer.of, ZERO))
        assert concluded(ConstantOuter(outer, ZERO)) is Within(Meet(SingularPoints(outer), inside), Empty())


def test_constant_outer_refuses_other_maps() -> None:
    refused(ConstantOuter(Total((V, V)), ZERO))
    refused(ConstantOuter(RELU_V, ZERO), assume(Null(letter("a"))))


def test_entries_cover_accepts() -> None:
    parts = UnionOver(I, SingularPoints(At(H, I)))
    assert concluded(EntriesCover(H, I)) is Within(SingularPoints(H), parts)


def test_entries_cover_refuses_a_number_in_use() -> None:
    refused(EntriesCover(Join((At(V, I),)), I), match="depend on the number")


def test_entry_at_accepts() -> None:
    right = SingularPoints(Entry(RELU, At(V, I)))
    assert concluded(EntryAt(RELU_V, I)) is Within(SingularPoints(At(RELU_V, I)), right)


def test_entry_at_refuses_entries_beyond_the_last() -> None:
    refused(EntryAt(RELU_V, PlaceNumber(2)), match="below 2")
    refused(EntryAt(OUTER, PlaceNumber(0)))  # type: ignore[arg-type]


def test_components_cover_accepts() -> None:
    whole = Either((SingularPoints(P), UnionOver(I, Component(P, I))))
    assert concluded(ComponentsCover(P, I)) is Within(Whole(), whole)


def test_components_cover_refuses_a_number_in_use() -> None:
    refused(ComponentsCover(At(V, I), I), match="depend on the number")


def test_component_regular_accepts() -> None:
    assert concluded(ComponentRegular(P, J)) is Within(Meet(Component(P, J), SingularPoints(P)), Empty())


def test_component_regular_refuses_premises() -> None:
    refused(ComponentRegular(P, J), assume(Null(letter("a"))))


def test_almost_everywhere_intro_accepts() -> None:
    known = assume(Null(SingularPoints(P)))
    assert concluded(AlmostEverywhereIntro(), known) is AlmostEverywhereAnalytic(P)


def test_almost_everywhere_elim_accepts() -> None:
    assert concluded(AlmostEverywhereElim(), assume(AlmostEverywhereAnalytic(P))) is Null(SingularPoints(P))


def test_almost_everywhere_intro_refuses_other_null_sets() -> None:
    refused(AlmostEverywhereIntro(), assume(Null(letter("a"))))
    refused(AlmostEverywhereIntro(), assume(Null(Meet(SingularPoints(P), Whole()))))


def test_almost_everywhere_elim_refuses_other_claims() -> None:
    refused(AlmostEverywhereElim(), assume(OuterAnalytic(OUTER, True)))


def test_mean_analytic_accepts() -> None:
    body = entry(X, 0)
    known = infer(OperationSingular(X))
    assert known.claim is Within(SingularPoints(X), Empty())
    shown = infer(Inclusion(SingularPoints(body), Empty()), infer(OperationSingular(body)), known)
    assert concluded(MeanAnalytic((X,)), shown) is Within(SingularPoints(MeanOf((X,), body)), Empty())
    almost = assume(AlmostEverywhereAnalytic(P))
    assert concluded(MeanAnalytic((X,)), almost) is AlmostEverywhereAnalytic(MeanOf((X,), P))


def test_mean_analytic_accepts_what_is_known_of_a_function_applied_to_data() -> None:
    """The function is the same one for all data: a hypothesis about it leaves the data arbitrary."""
    outer = Opaque("g", Contract("ij,j->i", W, X), ())
    known = infer(Subset(), infer(NoHits(), assume(OuterAnalytic(outer, False))))
    assert known.claim is Null(HitsSingular(outer))
    union = infer(NullUnion(), assume(Null(SingularPoints(P))), known)
    bad = Either((SingularPoints(P), HitsSingular(outer)))
    lies = infer(Inclusion(SingularPoints(P), bad))
    analytic = infer(AlmostEverywhereIntro(), infer(Subset(), lies, union))
    theorem = infer(MeanAnalytic((X,)), analytic)
    assert theorem.claim is AlmostEverywhereAnalytic(MeanOf((X,), P))
    assert OuterAnalytic(outer, False) in theorem.hypotheses
    refused(UnionNull(I), assume(Null(HitsSingular(Opaque("g", At(V, I), ())))), match="nothing about")


def test_mean_analytic_refuses_data_in_a_hypothesis_vectors_and_no_data() -> None:
    body = Contract(",->", P, entry(X, 0))
    refused(MeanAnalytic((X,)), assume(AlmostEverywhereAnalytic(body)), match="nothing about")
    refused(MeanAnalytic((X,)), assume(AlmostEverywhereAnalytic(V)), match="scalar")
    refused(MeanAnalytic(()), assume(AlmostEverywhereAnalytic(P)), match="data")
    refused(MeanAnalytic((X,)), assume(Within(SingularPoints(P), SingularPoints(S))), match="analytic")


def test_a_function_of_the_same_name_and_other_pieces_is_another_one() -> None:
    other = piecewise("relu", {}, [], [call("inverse", T)])
    refused(AnalyticOuter(Entry(other, V), False), infer(PiecewiseByPieces(RELU)))
    assert Opaque("g", V, (1,)) is not Opaque("g", V, (2,))
