"""Almost everywhere analyticity: lemmas, and given maps by both routes."""

from __future__ import annotations

import json

import pytest
from flint import fmpq

from proofs.errors import KernelError
from proofs.kernel.codec import decode, encode
from proofs.kernel.core import Theorem, infer, replay
from proofs.kernel.maps import (
    At,
    Contract,
    Entry,
    Fixed,
    Given,
    Map,
    MeanOf,
    Opaque,
    ParameterBlock,
    Partial,
    PlaceNumber,
    Scaled,
    Total,
)
from proofs.kernel.rules.logic import Assume
from proofs.kernel.set_claims import AlmostEverywhereAnalytic, OuterAnalytic, Within
from proofs.kernel.sets import Empty, SingularPoints
from proofs.kernel.univariate import Unspecified, argument, call, constant, periodic, piecewise
from proofs.network import activation
from proofs.theorems.analyticity import (
    SCALAR,
    VECTOR,
    analytic_after,
    entrywise_composition,
    put_in,
    scalar_composition,
)
from proofs.theorems.map_analyticity import Analyticity, NotCovered, Route

RELU, TANH, SQUARE = activation("relu"), activation("tanh"), activation("square")
W, U, B = ParameterBlock("W", (2, 2)), ParameterBlock("U", (2, 2)), ParameterBlock("b", (2,))
X = Given("x", (2,))
T = argument()


def layer(weight: Map, h: Map, bias: Map | None = None) -> Map:
    product = Contract("ij,j->i", weight, h)
    return product if bias is None else Total((product, bias))


TWO = Entry(RELU, layer(U, Entry(RELU, layer(W, X))))
TIED = Entry(RELU, layer(W, Entry(RELU, layer(W, X))))


def by(route: Route, node: Map) -> Theorem:
    return Analyticity(route).almost_everywhere(node)


@pytest.mark.parametrize(
    "function",
    [RELU, TANH, activation("round"), activation("sign"), Unspecified("phi"), activation("hardtanh")],
)
def test_the_composition_lemmas_rest_on_their_one_hypothesis(function) -> None:
    scalar, entrywise = scalar_composition(function), entrywise_composition(function)
    assert scalar.claim is AlmostEverywhereAnalytic(Entry(function, SCALAR))
    assert scalar.hypotheses == {AlmostEverywhereAnalytic(SCALAR)}
    assert entrywise.claim is AlmostEverywhereAnalytic(Entry(function, VECTOR))
    assert entrywise.hypotheses == {AlmostEverywhereAnalytic(VECTOR)}
    assert replay(entrywise).sequent == entrywise.sequent


def test_the_lemma_of_analytic_functions_has_two_hypotheses() -> None:
    composed = Opaque("g", VECTOR, (1,))
    assert analytic_after().hypotheses == {AlmostEverywhereAnalytic(VECTOR), OuterAnalytic(composed, False)}


def test_lemmas_are_put_to_use_for_given_maps() -> None:
    known = infer(Assume(AlmostEverywhereAnalytic(W)))
    found = put_in(entrywise_composition(RELU), VECTOR, W, known)
    assert found.claim is AlmostEverywhereAnalytic(Entry(RELU, W))
    with pytest.raises(KernelError):
        put_in(scalar_composition(RELU), SCALAR, W)


@pytest.mark.parametrize("route", list(Route))
def test_two_layers_are_covered_by_both_routes(route) -> None:
    for node in (TWO, Entry(RELU, layer(W, X, B)), MeanOf((X,), At(TWO, PlaceNumber(1)))):
        theorem = by(route, node)
        assert theorem.claim is AlmostEverywhereAnalytic(node)
        assert not theorem.hypotheses


def test_tied_weights_fail_the_layered_route() -> None:
    with pytest.raises(NotCovered, match="W is used twice") as refusal:
        by(Route.LAYERED, TIED)
    assert refusal.value.node is TIED
    assert by(Route.SCALAR, TIED).claim is AlmostEverywhereAnalytic(TIED)


def test_a_tied_bias_and_a_tied_matrix_under_a_fresh_bias_fail_the_layered_route() -> None:
    first = Entry(RELU, layer(W, X, B))
    with pytest.raises(NotCovered, match="b is used twice"):
        by(Route.LAYERED, Entry(RELU, layer(U, first, B)))
    with pytest.raises(NotCovered, match="W is used twice"):
        by(Route.LAYERED, Entry(RELU, layer(W, first, ParameterBlock("c", (2,)))))


def test_frozen_and_residual_arguments_fail_the_layered_route() -> None:
    frozen = Fixed((2, 2), tuple(map(fmpq, (1, 2, 3, 4))))
    for node in (
        Entry(RELU, layer(frozen, X)),
        Entry(RELU, Total((layer(W, X), X))),
        Entry(RELU, Scaled(fmpq(2), layer(W, X))),
    ):
        with pytest.raises(NotCovered, match="not W h or W h"):
            by(Route.LAYERED, node)
        assert by(Route.SCALAR, node)


def test_a_map_without_formula_is_covered_by_the_layered_route_alone() -> None:
    node = Opaque("g", layer(W, X), (3,))
    theorem = by(Route.LAYERED, node)
    assert theorem.hypotheses == {OuterAnalytic(node, True)}
    with pytest.raises(NotCovered, match="AEA-3"):
        by(Route.SCALAR, node)
    with pytest.raises(NotCovered):
        by(Route.LAYERED, Opaque("g", layer(W, layer(W, X)), (3,)))


@pytest.mark.parametrize(
    "function",
    [
        piecewise("pole", {}, [], [call("inverse", T)]),
        piecewise("root", {}, [0], [constant(0), call("sqrt", T)]),
        piecewise("logs", {}, [1], [call("log", T * T), T]),
    ],
)
def test_functions_with_singular_points_inside_a_piece_are_covered_by_no_route(function) -> None:
    for route in Route:
        with pytest.raises(NotCovered, match="not shown to be piecewise analytic"):
            by(route, Entry(function, layer(W, X)))


def test_partial_functions_need_a_positive_argument() -> None:
    squares = Contract("i,i->", B, B)
    shifted = Total((squares, Fixed((), (fmpq(1, 9),))))
    for name in ("inverse", "log", "sqrt"):
        assert by(Route.SCALAR, Partial(name, shifted))
        for bad in (squares, At(B, PlaceNumber(0)), Total((At(B, PlaceNumber(0)), shifted))):
            with pytest.raises(NotCovered, match="positive"):
                by(Route.SCALAR, Partial(name, bad))


def test_a_function_that_drifts_is_no_positive_argument() -> None:
    stairs = periodic("stairs", [0, 1], [T + constant(1)], drift=1)
    with pytest.raises(NotCovered, match="positive"):
        by(Route.SCALAR, Partial("log", Entry(stairs, At(B, PlaceNumber(0)))))


def test_analytic_everywhere_holds_without_kinks_alone() -> None:
    analyticity = Analyticity(Route.SCALAR)
    smooth = Entry(TANH, layer(W, X))
    assert analyticity.everywhere(smooth).claim is Within(SingularPoints(smooth), Empty())
    for node in (TWO, Opaque("g", B, (1,)), Entry(Unspecified("phi"), B)):
        with pytest.raises(NotCovered, match="kinks"):
            analyticity.everywhere(node)
    assert analyticity.everywhere(Entry(Unspecified("phi", is_analytic=True), B))


def deep(layers: int) -> Map:
    h: Map = X
    for number in range(layers):
        h = Entry(RELU, layer(ParameterBlock(f"W{number}", (2, 2)), h))
    return h


@pytest.mark.parametrize(("route", "layers"), [(Route.LAYERED, 12), (Route.SCALAR, 100)])
def test_deep_networks_are_covered_and_come_back_from_their_stored_form(route, layers) -> None:
    theorem = by(route, deep(layers))
    assert not theorem.hypotheses
    document = json.loads(json.dumps(encode({"goal": theorem})))
    assert decode(document)["goal"].sequent == theorem.sequent


def test_sums_and_products_of_covered_maps_are_covered() -> None:
    node = Contract(",->", At(TIED, PlaceNumber(0)), Entry(SQUARE, At(TWO, PlaceNumber(1))))
    assert by(Route.SCALAR, node).claim is AlmostEverywhereAnalytic(node)
