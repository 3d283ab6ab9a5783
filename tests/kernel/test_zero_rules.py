"""Rules of zero sets and submersions: conclusions, side conditions, and the rank that they speak of."""

from __future__ import annotations

import random

import pytest
from flint import fmpq, fmpq_mat
from set_builders import ONE, OUTER, RELU, ZERO, B, H, I, P, S, V, W, assume, concluded, letter, refused

from proofs.kernel.core import infer
from proofs.kernel.map_values import exact_values
from proofs.kernel.maps import (
    Contract,
    Entry,
    Given,
    HessianDet,
    Map,
    Opaque,
    ParameterBlock,
    RankDet,
    Scaled,
    Total,
    Unknown,
)
from proofs.kernel.rules.sets import Inclusion
from proofs.kernel.rules.zeros import (
    FreshBias,
    FreshRank,
    IndependentByForm,
    LevelClosed,
    LinearZero,
    SubmersionNull,
    ZeroSetNull,
)
from proofs.kernel.set_claims import (
    AlmostEverywhereAnalytic,
    Independent,
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
    HitsSingular,
    KinkLevel,
    LevelSet,
    Meet,
    SingularPoints,
    Whole,
    Without,
)

U = Component(P, I)
ZEROS = LevelSet(P, ZERO)
SAME = infer(Inclusion(SingularPoints(P), SingularPoints(P)))
PRODUCT = Contract("ij,j->i", W, V)
AFFINE = Total((PRODUCT, B))
H2 = Given("h", (2,))


def test_zero_set_null_accepts_components_and_theta() -> None:
    differs = assume(NotWithin(U, ZEROS))
    assert concluded(ZeroSetNull(), SAME, differs) is Null(Meet(ZEROS, U))
    everywhere, somewhere = assume(Within(SingularPoints(P), Empty())), assume(NotWithin(Whole(), ZEROS))
    assert concluded(ZeroSetNull(), everywhere, somewhere) is Null(Meet(ZEROS, Whole()))
    assert infer(ZeroSetNull(), SAME, differs).trust == {"cited:analytic-zeros"}


@pytest.mark.parametrize("inner", [letter("a"), SingularPoints(P), Meet(U, U), Component(S, I)])
def test_zero_set_null_refuses_other_sets_than_components(inner) -> None:
    refused(ZeroSetNull(), SAME, assume(NotWithin(inner, ZEROS)))


def test_zero_set_null_refuses_maps_that_may_have_singular_points() -> None:
    whole = assume(NotWithin(Whole(), ZEROS))
    refused(ZeroSetNull(), SAME, whole, match="everywhere")
    refused(ZeroSetNull(), assume(Within(SingularPoints(S), Empty())), whole)
    refused(ZeroSetNull(), assume(Within(SingularPoints(P), letter("a"))), assume(NotWithin(U, ZEROS)))
    refused(ZeroSetNull(), assume(Within(SingularPoints(S), SingularPoints(P))), assume(NotWithin(U, ZEROS)))


def test_zero_set_null_refuses_inclusions_and_other_sets_than_levels() -> None:
    refused(ZeroSetNull(), SAME, assume(Within(U, ZEROS)), match="differs")
    refused(ZeroSetNull(), SAME, assume(NotWithin(U, letter("a"))))
    refused(ZeroSetNull(), SAME, assume(NotWithin(U, Boundary(ZEROS))), match="differs")


def test_level_closed_accepts() -> None:
    found = Within(Meet(Boundary(ZEROS), U), ZEROS)
    assert concluded(LevelClosed(P, ZERO, I), SAME) is found
    kink = KinkLevel(RELU, I)
    assert concluded(LevelClosed(P, kink, I), SAME).outer is LevelSet(P, kink)  # type: ignore[attr-defined]


def test_level_closed_refuses_other_premises() -> None:
    refused(LevelClosed(S, ZERO, I), SAME)
    refused(LevelClosed(P, ZERO, I), assume(Within(SingularPoints(P), letter("a"))))


def test_independent_by_form_accepts() -> None:
    assert concluded(IndependentByForm(PRODUCT, B)) is Independent(PRODUCT, B)
    assert concluded(IndependentByForm(H2, W)) is Independent(H2, W)


@pytest.mark.parametrize(
    "node",
    [
        PRODUCT,
        Scaled(fmpq(0), PRODUCT),
        Opaque("g", PRODUCT, (1,)),
        HessianDet(Contract("i,i->", V, PRODUCT), ONE),
    ],
)
def test_independent_by_form_refuses_blocks_that_occur(node) -> None:
    refused(IndependentByForm(node, W), match="used twice")


def test_independent_by_form_refuses_arbitrary_maps_and_blocks_of_one_name() -> None:
    refused(IndependentByForm(H, W), match="known")
    refused(IndependentByForm(PRODUCT, ParameterBlock("W", (3,))), match="used twice")
    refused(IndependentByForm(Total((V, ParameterBlock("W", (2,)))), W), match="used twice")


def test_linear_zero_accepts() -> None:
    assert concluded(LinearZero(PRODUCT)) is Within(LevelSet(V, ZERO), LevelSet(PRODUCT, ZERO))


def test_linear_zero_refuses_other_operations() -> None:
    refused(LinearZero(AFFINE), match="product")
    refused(LinearZero(Entry(RELU, V)), match="product")


def rank_set(node: Map) -> LevelSet:
    return LevelSet(RankDet(node), ZERO)


def test_fresh_rank_accepts() -> None:
    shown = infer(IndependentByForm(V, W))
    outer = Either((SingularPoints(V), LevelSet(V, ZERO)))
    assert concluded(FreshRank(PRODUCT), shown) is Within(rank_set(PRODUCT), outer)


@pytest.mark.parametrize(
    "product",
    [
        Contract("ji,j->i", W, V), Contract("ij,i->j", W, V), Contract("ij,j->ij", W, V),
        Contract("ij,j->", W, V), Contract("ij,jk->ik", W, W), Contract("i,i->i", V, B),
        Contract("j,ij->i", V, W), Contract("ij,j->i", Scaled(fmpq(1), W), V),
        Contract("ij,j->i", Given("A", (2, 2)), V), AFFINE,
    ],
)  # fmt: skip
def test_fresh_rank_refuses_other_forms(product) -> None:
    refused(FreshRank(product), assume(Independent(V, W)), match="trained matrix")


def test_fresh_rank_refuses_a_matrix_that_is_used_in_the_vector() -> None:
    inner = Contract("ij,j->i", W, H2)
    twice = Contract("ij,j->i", W, inner)
    refused(FreshRank(twice), assume(Independent(H2, W)))
    refused(FreshRank(twice), assume(Independent(inner, B)))
    refused(IndependentByForm(inner, W))


def test_fresh_bias_accepts() -> None:
    shown = infer(IndependentByForm(PRODUCT, B))
    assert concluded(FreshBias(AFFINE), shown) is Within(rank_set(AFFINE), SingularPoints(PRODUCT))


def test_fresh_bias_refuses_other_sums() -> None:
    shown = infer(IndependentByForm(PRODUCT, B))
    refused(FreshBias(Total((B, PRODUCT))), shown)
    refused(FreshBias(Total((PRODUCT, B, B))), shown)
    refused(FreshBias(Total((PRODUCT, Scaled(fmpq(1), B)))), shown)
    refused(FreshBias(Total((PRODUCT, H2))), shown)
    refused(FreshBias(Total((V, B))), shown)
    refused(FreshBias(PRODUCT), shown)


def test_submersion_null_accepts() -> None:
    known = assume(OuterAnalytic(OUTER, True))
    bad = Either((SingularPoints(OUTER.of), rank_set(OUTER.of)))
    theorem = infer(SubmersionNull(), known)
    assert theorem.claim is Null(Without(HitsSingular(OUTER), bad))
    assert theorem.trust == {"cited:submersions"}


def test_submersion_null_refuses_other_claims() -> None:
    refused(SubmersionNull(), assume(AlmostEverywhereAnalytic(Unknown("q", ()))))
    refused(SubmersionNull(), assume(OuterAnalytic(OUTER, False)))


def _rank(rows: list[list[fmpq]]) -> fmpq:
    matrix = fmpq_mat(len(rows), len(rows[0]), [e for row in rows for e in row])
    return (matrix * matrix.transpose()).det()


def _jacobian(node: Map, point: dict[str, tuple[fmpq, ...]]) -> list[list[fmpq]]:
    """Exact differences: the maps here are linear in each block's entry."""
    base = exact_values(node, point)[node]
    columns: list[list[fmpq]] = []
    for name, entries in sorted(point.items()):
        for k in range(len(entries)):
            moved = dict(point)
            moved[name] = (*entries[:k], entries[k] + 1, *entries[k + 1 :])
            columns.append([b - a for a, b in zip(base, exact_values(node, moved)[node], strict=True)])
    return [list(row) for row in zip(*columns, strict=True)]


@pytest.mark.parametrize("seed", range(6))
def test_fresh_rank_holds_and_fresh_bias_holds_at_random_points(seed) -> None:
    source = random.Random(seed)

    def drawn(size: int) -> tuple[fmpq, ...]:
        return tuple(fmpq(source.randint(-3, 3), 2) for _ in range(size))

    point = {"W": drawn(4), "b": drawn(2), "v": drawn(2)}
    rank = _rank(_jacobian(PRODUCT, {"W": point["W"], "v": point["v"]}))
    length = sum(e * e for e in point["v"])
    assert rank >= length**2
    assert _rank(_jacobian(AFFINE, point)) >= 1
