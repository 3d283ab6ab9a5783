"""The readings of maps agree, and gradient steps do in floating point what exact Hessians say."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from flint import fmpq
from torch import Tensor

from numerics.errors import NumericsError
from numerics.map_cases import case_at
from numerics.maps import distance_to_kinks, reading, values
from numerics.step_checks import collapse, compare_determinants
from proofs.errors import KernelError
from proofs.kernel.map_polynomials import polynomial_values
from proofs.kernel.map_values import Point, ball_values, coordinates, exact_values
from proofs.kernel.maps import (
    AnyPlace,
    At,
    Chosen,
    Contract,
    Entry,
    Fixed,
    Given,
    Join,
    Map,
    Opaque,
    ParameterBlock,
    Partial,
    Pick,
    PlaceNumber,
    Scaled,
    Total,
    Unknown,
    maps_below,
)
from proofs.kernel.univariate import Univariate, argument, constant, piecewise
from proofs.network import activation

RELU, TANH = activation("relu"), activation("tanh")
JUMP = piecewise(
    "jump", {}, [0, 1], [argument().power(2), constant(3), argument()], {Fraction(0): Fraction(1, 2)}
)
W, V = ParameterBlock("W", (2, 3)), ParameterBlock("V", (3,))
POINT = {
    "W": tuple(fmpq(k, 3) for k in (-4, 0, 3, 5, -1, 2)),
    "V": (fmpq(1), fmpq(-2, 5), fmpq(0)),
}

POLYNOMIALS: dict[str, Map] = {
    "ParameterBlock": W,
    "Fixed": Fixed((2,), (fmpq(1, 3), fmpq(-2))),
    "At": At(W, PlaceNumber(4)),
    "Pick": Pick(W, (5, -1, 0, 0), (2, 2)),
    "Join": Join((V, W)),
    "Total": Total((V, V, Fixed((3,), (fmpq(1), fmpq(2), fmpq(1, 7))))),
    "Scaled": Scaled(fmpq(-5, 7), W),
    "Contract, matrix by vector": Contract("ij,j->i", W, V),
    "Contract, outer": Contract("i,jk->kij", V, W),
    "Contract, scalars": Contract(",->", At(W, PlaceNumber(0)), At(V, PlaceNumber(1))),
    "Contract, one letter alone": Contract("ij,k->i", W, V),
    "Entry, a polynomial": Entry(activation("square"), W),
    "Chosen, pieces": Chosen(JUMP, (0, 2, 1), V),
    "Chosen, kinks": Chosen(JUMP, (-1, -2, 2), V),
    "Entry, of constants": Entry(RELU, Fixed((2,), (fmpq(-1), fmpq(1)))),
}
RATIONAL: dict[str, Map] = {
    "Entry, kinks": Entry(JUMP, V),
    "Entry, relu": Entry(RELU, W),
    "Partial, inverse": Partial("inverse", Entry(activation("square"), Total((At(V, PlaceNumber(0)),)))),
    "Partial, sqrt": Partial("sqrt", Fixed((2,), (fmpq(4, 9), fmpq(1)))),
    "Partial, log": Partial("log", At(V, PlaceNumber(0))),
}
REAL: dict[str, Map] = {
    "Entry, tanh": Entry(TANH, W),
    "Entry, elu": Entry(activation("elu"), W),
    "Partial, any log": Partial("log", Fixed((2,), (fmpq(3), fmpq(1, 3)))),
    "Partial, any sqrt": Partial("sqrt", Fixed((2,), (fmpq(3), fmpq(1, 3)))),
}


def as_float(value: fmpq) -> float:
    return int(value.p) / int(value.q)


def theta_of(root: Map, point: Point) -> Tensor:
    return torch.tensor([as_float(point[b][i]) for b, i in coordinates(root)], dtype=torch.float64)


@pytest.mark.parametrize("name", [*POLYNOMIALS, *RATIONAL, *REAL])
def test_every_primitive_has_the_same_values_in_every_reading(name: str) -> None:
    root = {**POLYNOMIALS, **RATIONAL, **REAL}[name]
    balls = [float(b.mid()) for b in ball_values(root, POINT, 128)[root]]
    by_torch = reading(root)(theta_of(root, POINT))
    assert tuple(by_torch.shape) == root.require_shape()
    if name == "Entry, kinks":
        # At the kink 0 the ball covers 0, 1/2 and 3; at the kink 1 it covers 3 and 1.
        balls = [1.0, balls[1], 0.5]
    assert by_torch.reshape(-1).tolist() == pytest.approx(balls, rel=1e-14, abs=1e-14)
    if name in REAL:
        with pytest.raises(KernelError, match="rational"):
            exact_values(root, POINT)
        return
    exact = exact_values(root, POINT)[root]
    assert [as_float(q) for q in exact] == pytest.approx(balls, rel=1e-14, abs=1e-14)
    if name in POLYNOMIALS:
        places = [POINT[b][i] for b, i in coordinates(root)]
        assert [p(*places) for p in polynomial_values(root)[root]] == exact


def test_data_are_read_from_the_mapping_and_unreadable_maps_refused() -> None:
    x = Given("x", (3,))
    root = Contract("i,i->", V, x)
    theta = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    assert float(reading(root, {"x": theta})(theta)) == 14.0
    for data in ({}, {"x": theta[:2]}):
        with pytest.raises(NumericsError, match="data x"):
            reading(root, data)(theta)
    with pytest.raises(NumericsError, match="Opaque"):
        reading(Opaque("g", V, ()))(theta)
    with pytest.raises(NumericsError, match="3 parameters"):
        reading(V)(theta[:2])
    for unreadable in (At(V, AnyPlace("k")), Unknown("f", ())):
        with pytest.raises(KernelError):
            reading(unreadable)(theta)


def test_readings_work_under_vmap_and_give_all_maps() -> None:
    root = Contract("i,i->", Entry(RELU, V), Chosen(RELU, (0, 1, -1), V))
    thetas = torch.randn(5, 3, dtype=torch.float64)
    together = torch.func.vmap(torch.func.hessian(reading(root)))(thetas)
    assert torch.equal(together[2], torch.func.hessian(reading(root))(thetas[2]))
    assert set(values(root)(thetas[0])) == set(maps_below(root))


def test_the_distance_to_kinks_is_the_least_over_all_functions() -> None:
    root = Join((Entry(JUMP, V), Entry(RELU, Scaled(fmpq(2), V)), Entry(TANH, V)))
    theta = torch.tensor([-3.0, 0.75, 5.0], dtype=torch.float64)
    assert distance_to_kinks(root, theta) == 0.25
    assert distance_to_kinks(Entry(TANH, V), theta) == math.inf
    assert math.isnan(distance_to_kinks(root, theta * math.nan))


# -- gradient steps ---------------------------------------------------------------------------------

TARGETS = (fmpq(1), fmpq(-2), fmpq(5, 2))


def two_layers(function: Univariate) -> Map:
    """The half mean squared error of a 1-2-1 network with biases on three samples."""
    inputs, ones = Fixed((3, 1), (fmpq(-1), fmpq(1, 2), fmpq(2))), Fixed((3,), (fmpq(1),) * 3)
    first, second = ParameterBlock("W1", (2, 1)), ParameterBlock("W2", (1, 2))
    b1, b2 = ParameterBlock("b1", (2,)), ParameterBlock("b2", (1,))
    inner = Total((Contract("ij,nj->ni", first, inputs), Contract("n,i->ni", ones, b1)))
    outer = Contract("ij,nj->ni", second, Entry(function, inner))
    shifted = Total((outer, Contract("n,i->ni", ones, b2)))
    error = Total((shifted, Scaled(fmpq(-1), Fixed((3, 1), TARGETS))))
    return Scaled(fmpq(1, 6), Contract("ni,ni->", error, error))


DEAD = {
    "W1": (fmpq(1, 4), fmpq(-1, 2)),
    "W2": (fmpq(1), fmpq(-1)),
    "b1": (fmpq(-4), fmpq(-5)),
    "b2": (fmpq(3),),
}


def test_the_case_at_a_point_equals_the_map_near_it() -> None:
    loss = two_layers(RELU)
    case = case_at(loss, DEAD)
    chosen = [node.choices for node in maps_below(case) if isinstance(node, Chosen)]
    assert chosen == [(0,) * 6] and not any(isinstance(node, Entry) for node in maps_below(case))
    assert exact_values(case, DEAD)[case] == exact_values(loss, DEAD)[loss]
    assert case_at(case, DEAD) is case


def test_points_on_a_kink_need_to_be_told_that_they_stay_there() -> None:
    zero = Contract("i,i->i", V, Fixed((3,), (fmpq(0), fmpq(1), fmpq(1))))
    root = Entry(JUMP, zero)
    point = {"V": (fmpq(7), fmpq(-2), fmpq(1, 2))}
    with pytest.raises(NumericsError, match="off the kinks"):
        case_at(root, point)
    case = case_at(root, point, {root: frozenset([0])})
    assert case is Chosen(JUMP, (-1, 0, 1), zero)
    with pytest.raises(NumericsError, match="at a kink"):
        case_at(root, point, {root: frozenset([0, 1])})


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "tanh"])
@pytest.mark.parametrize("step", [fmpq(1), fmpq(1, 3)])
def test_determinants_by_autograd_agree_with_exact_ones(name: str, step: fmpq) -> None:
    loss, generator = two_layers(activation(name)), torch.Generator().manual_seed(3)
    known = [case_at(loss, DEAD)] if name != "tanh" else [loss]
    for found in compare_determinants(loss, known, step, 6, generator):
        assert found.agrees and found.tolerance < 1e-9 * (1 + abs(found.reference))
        assert found.reference == 0 or found.relative_error < 1e-9
        assert found.tier == ("exact" if name.endswith("relu") else "ball")
        assert (found.kink_distance == math.inf) == (name == "tanh")
        assert (found.case == 0) == (name == "tanh" or all_below(found.point))
        # A determinant of another step size is told apart.
        assert not replace(found, reference=found.reference + 1e-6).agrees


def all_below(point: tuple[fmpq, ...]) -> bool:
    """Whether all pre-activations are negative; the coordinates are W1, W2, b1, b2."""
    inputs = (fmpq(-1), fmpq(1, 2), fmpq(2))
    return all(point[i] * x + point[4 + i] < 0 for i in range(2) for x in inputs)


def test_cases_with_singular_steps_have_determinant_zero() -> None:
    """Where all hidden units are dead the Hessian is that of b2 alone, the number 1."""
    loss, generator = two_layers(RELU), torch.Generator().manual_seed(0)
    dead = case_at(loss, DEAD)
    found = compare_determinants(loss, [dead], fmpq(1), 40, generator)
    inside = [one for one in found if one.case == 0]
    assert inside and all(one.reference == 0 and one.agrees for one in inside)
    assert any(one.reference != 0 for one in found if one.case is None)


def test_points_that_are_all_on_kinks_are_refused() -> None:
    root = Total(
        (At(V, PlaceNumber(0)), At(Entry(RELU, Scaled(fmpq(0), V)), PlaceNumber(0))),
    )
    with pytest.raises(NumericsError, match="off all kinks"):
        compare_determinants(root, [], fmpq(1), 1, torch.Generator().manual_seed(0))
    still = {node: frozenset(range(3)) for node in maps_below(root) if isinstance(node, Entry)}
    (found,) = compare_determinants(root, [], fmpq(1), 1, torch.Generator().manual_seed(0), still)
    assert found.agrees and found.reference == 1.0 and found.kink_distance == 0.0


@pytest.mark.parametrize(("step", "ranks"), [(fmpq(1), (7, 6, 6)), (fmpq(9, 10), (7, 7, 7))])
def test_a_singular_step_collapses_the_output_bias_where_all_hidden_units_are_dead(
    step: fmpq, ranks: tuple[int, ...]
) -> None:
    loss = two_layers(RELU)
    found = collapse(loss, step, theta_of(loss, DEAD), 0.01, 50, 2, torch.Generator().manual_seed(1))
    assert found.ranks() == ranks
    assert min(found.kink_distances) > 1.0
    mean = as_float(sum(TARGETS, fmpq(0)) / 3)
    left = float(1 - as_float(step))
    assert found.means[1][-1] == pytest.approx(mean + left * (found.means[0][-1] - mean), abs=1e-12)
    assert found.spreads[0][-1] > 1e-3
    if step == 1:
        assert found.spreads[1][-1] < 1e-14


def test_clouds_that_are_too_small_or_run_away_are_refused() -> None:
    loss, generator = two_layers(RELU), torch.Generator().manual_seed(1)
    centre = theta_of(loss, DEAD)
    with pytest.raises(NumericsError, match="more than 7"):
        collapse(loss, fmpq(1), centre, 0.1, 7, 1, generator)
    with pytest.raises(NumericsError, match="finite"):
        collapse(loss, fmpq(10) ** 60, centre, 0.1, 9, 9, generator)


def test_random_networks_have_the_same_determinants_for_any_depth() -> None:
    source = random.Random(2)
    layer: Map = Fixed((2,), (fmpq(1), fmpq(-3, 2)))
    for depth in range(3):
        layer = Entry(RELU, Contract("ij,j->i", ParameterBlock(f"W{depth}", (2, 2)), layer))
    error = Total((layer, Fixed((2,), (fmpq(source.randint(1, 5)), fmpq(-1)))))
    loss = Contract("i,i->", error, error)
    found = compare_determinants(loss, [], fmpq(1, 5), 5, torch.Generator().manual_seed(7))
    assert all(one.agrees for one in found) and any(one.reference != found[0].reference for one in found)
