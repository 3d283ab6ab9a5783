"""Small derivations that the tests print."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from proofs.kernel.tensors import ExactTensor
from proofs.network import Dense, Loss, Network
from proofs.theorems.bnd2 import symbolic_bounds, uniform_bounds
from proofs.theorems.bounds import Bound, Box, Data, Derivation
from proofs.theorems.readings import at_residuals, at_weights, in_ball
from proofs.typeset import Goal


def network(depth: int, activation: str | list[str], *, bias: bool = True) -> Network:
    names = [activation] * (depth - 1) if isinstance(activation, str) else activation
    layers: list[Dense | str] = [Dense(3, bias=bias)]
    for name in names:
        layers += [name, Dense(3, bias=bias)]
    return Network.of(2, *layers)


def bound_goals(
    depth: int,
    activation: str | list[str] = "tanh",
    *,
    bias: bool = True,
    loss: Loss = Loss.CROSS_ENTROPY,
    norms: list[Fraction] | None = None,
) -> tuple[Goal, Goal]:
    """G_max and H_max in the worst case."""
    work = Derivation(network(depth, activation, bias=bias), loss)
    box = Box(tuple(norms or [Fraction(11, 10)] * depth), (Fraction(1, 3) if bias else None,) * depth)
    reading = work.worst_case(box, Fraction(9, 10), Fraction(1))
    return Goal("G_max, worst case", reading.gradient.theorem), Goal(
        "H_max, worst case", reading.hessian.theorem
    )


def reading_goals(depth: int, reading: str, activation: str = "tanh") -> tuple[Goal, Goal]:
    """G_max and H_max over given data."""
    rng = np.random.default_rng(0)
    work = Derivation(network(depth, activation), Loss.CROSS_ENTROPY)
    weights = tuple(ExactTensor.from_floats(rng.normal(size=v.shape) * 0.3) for v in work.jet.parameters)
    data = Data(
        ExactTensor.from_floats(rng.normal(size=(4, 2))), ExactTensor.from_floats(np.eye(3)[[0, 1, 2, 0]])
    )
    found = {
        "at_weights": lambda: at_weights(work, weights, data),
        "at_residuals": lambda: at_residuals(work, weights, data),
        "ball": lambda: in_ball(work, weights, data, Fraction(1, 100)),
    }[reading]()
    return Goal(f"G_max, {reading}", found.gradient.theorem), Goal(f"H_max, {reading}", found.hessian.theorem)


def symbolic_goals(activation: str | None = None) -> tuple[Goal, ...]:
    """BND-2 for any depth."""
    bounds = symbolic_bounds(activation)
    named = {"gradient": bounds.gradient, "Hessian": bounds.hessian, "sum": bounds.closed_sum,
             "sum at 1": bounds.sum_at_one}  # fmt: skip
    return tuple(Goal(name, theorem) for name, theorem in named.items() if theorem is not None)


def uniform_goals(depth: int) -> tuple[Goal, Goal]:
    bounds = uniform_bounds(depth)
    return Goal("BND-2, gradient", bounds.gradient), Goal("BND-2, Hessian", bounds.hessian)


def refined_bound(depth: int, classes: int) -> tuple[Derivation, Bound]:
    """A derivation, and H_max by the joint refinement of cross-entropy."""
    layers: list[Dense | str] = [layer for _ in range(depth - 1) for layer in (Dense(3), "tanh")]
    work = Derivation(Network.of(2, *layers, Dense(classes)), Loss.CROSS_ENTROPY)
    box = Box((Fraction(11, 10),) * depth, (Fraction(1, 3),) * depth)
    found = work.worst_case(box, Fraction(9, 10), refine=True).refined
    assert found is not None
    return work, found
