"""Conditions of both routes for architectures: which flip when a network is changed."""

from __future__ import annotations

import pytest

from proofs.kernel.set_claims import AlmostEverywhereAnalytic, OuterAnalytic
from proofs.network import Activate, Loss, activation, loss_named
from proofs.network.architecture import Architecture
from proofs.network.architecture_layers import Convolution, Flatten, Linear, MaxPool, Residual, TopK, UserMap
from proofs.theorems.architecture_analyticity import (
    ArchitectureAnalyticity,
    RouteReport,
    Status,
    architecture_analyticity,
)

RELU = Activate(activation("relu"))
HALF_MSE, HUBER, CROSS = loss_named("half_mse"), loss_named("huber"), loss_named("cross_entropy")
SHARED = (("W", "A"),)


def read(*layers, loss: Loss = HALF_MSE, shape: tuple[int, ...] = (2,)) -> ArchitectureAnalyticity:
    return architecture_analyticity(Architecture(shape, layers), loss)


def covered(found: ArchitectureAnalyticity) -> tuple[bool, bool]:
    for report in found.routes:
        if report.theorem is not None:
            assert report.theorem.claim is AlmostEverywhereAnalytic(found.loss)
    return found.layered.covers, found.scalar.covers


def missing(report: RouteReport) -> list[str]:
    return [f"{c.layer}: {c.reason}" for c in report.conditions if c.status is Status.NOT_MET]


def test_a_dense_network_is_covered_by_both_routes() -> None:
    found = read(Linear(2), RELU, Linear(1))
    assert covered(found) == (True, True)
    for report in found.routes:
        assert not report.theorem.hypotheses  # type: ignore[union-attr]
        assert all((c.theorem is not None) == (c.status is Status.MET) for c in report.conditions)


def test_tying_two_weights_flips_the_layered_route() -> None:
    free = read(Linear(2), RELU, Linear(2), RELU, Linear(1))
    tied = read(Linear(2, shared=SHARED), RELU, Linear(2, shared=SHARED), RELU, Linear(1))
    assert covered(free) == (True, True)
    assert covered(tied) == (False, True)
    assert any("A used twice" in line for line in missing(tied.layered))
    assert not missing(tied.scalar)


def test_freezing_a_layer_flips_the_layered_route() -> None:
    found = read(Linear(2, frozen=True), RELU, Linear(1))
    assert covered(found) == (False, True)
    assert any("not trained" in line for line in missing(found.layered))


def test_huber_is_covered_by_the_scalar_route_alone() -> None:
    assert covered(read(Linear(2), RELU, Linear(1), loss=HUBER)) == (False, True)
    assert covered(read(Linear(2), RELU, Linear(2), loss=CROSS)) == (True, True)


def test_a_user_map_is_covered_by_the_layered_route_alone() -> None:
    found = read(Linear(2), UserMap("foo", 3), Linear(1))
    assert covered(found) == (True, False)
    (assumed,) = found.layered.theorem.hypotheses  # type: ignore[union-attr]
    assert isinstance(assumed, OuterAnalytic)
    assert any("AEA-3" in line for line in missing(found.scalar))


def test_a_user_map_of_what_is_no_affine_layer_is_covered_by_no_route() -> None:
    found = read(Linear(2), RELU, UserMap("foo", 3), Linear(1))
    assert covered(found) == (False, False)
    tied = read(
        Linear(2, bias=False, shared=SHARED),
        Linear(2, bias=False, shared=SHARED),
        UserMap("foo", 3),
        Linear(1),
    )
    assert covered(tied) == (False, False)


@pytest.mark.parametrize(
    ("shape", "layers"),
    [
        ((1, 4), (Convolution(1, (2,), (1,), (0,)), RELU, Flatten(), Linear(1))),
        ((1, 4), (MaxPool((2,), (2,)), Flatten(), Linear(1))),
        ((3,), (Linear(3), TopK(1), Linear(1))),
        ((2,), (Residual((Linear(2), RELU)), RELU, Linear(1))),
    ],
)
def test_pooling_gates_convolutions_and_residuals_are_covered_by_the_scalar_route(shape, layers) -> None:
    assert covered(read(*layers, shape=shape))[1]


def test_a_hundred_layers_are_covered() -> None:
    layers = [part for _ in range(100) for part in (Linear(2, bias=False), RELU)]
    assert covered(read(*layers, Linear(1))) == (True, True)
