"""Width-1 identity and ReLU chains at extreme weights attain every row of the JET table."""

from __future__ import annotations

import math
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from nets import Case, measured

sys.path.insert(0, str(Path(__file__).parents[1] / "kernel"))

from meaning import Instance

from proofs.kernel.scalars import DirectionNorm, Norm
from proofs.kernel.terms import Deriv, Entrywise, Named, Role
from proofs.network import Dense, Loss, Network
from proofs.theorems.bnd2 import uniform_bounds
from proofs.theorems.bounds import Box
from proofs.theorems.jet import network_jet
from proofs.theorems.tactics import compare_of

EXACT = 1e-9


def chain(depth: int, name: str | None, *, bias: bool = False) -> Network:
    layers: list[object] = []
    for index in range(depth):
        layers.append(Dense(1, bias=bias))
        if name is not None and index < depth - 1:
            layers.append(name)
    return Network.of(1, *layers)  # type: ignore[arg-type]


def extreme(network: Network, s: float, c: float, m: float) -> Instance:
    """All weights s, all biases c, x = M, and a direction with positive entries."""
    jet = network_jet(network)
    instance = Instance(0, count=1)
    instance.data[jet.sample] = np.array([[m]])
    for index, variable in enumerate(jet.parameters):
        shape = tuple(int(extent) for extent in variable.shape)
        instance.values[variable] = np.full(shape, s if len(shape) == 2 else c)
        size = instance.value(network_jet(network).jets[0].node)[0] if len(shape) == 2 else 1.0
        instance.values[variable.as_role(Role.DIRECTION)] = np.full(shape, size * (1 + index))
    return instance


@pytest.mark.parametrize("name", ["identity", "relu", "leaky_relu"])
@pytest.mark.parametrize("s", [0.25, 1.0, 3.0])
@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("bias", [False, True])
def test_rows_of_values_and_derivatives_are_attained(name: str, s: float, depth: int, bias: bool) -> None:
    network = chain(depth, name, bias=bias)
    jet, instance = network_jet(network), extreme(network, s, 0.5, 2.0)
    if bias:
        # Cauchy-Schwarz in (W, b) is attained where (u_W, u_b) is a multiple of (h, 1).
        for group, before in zip(jet.groups, (j for j in jet.jets if not _is_dense(j.node)), strict=True):
            h = float(instance.value(before.node)[0])
            assert group.bias is not None
            instance.values[group.weight.as_role(Role.DIRECTION)] = np.array([[h * (1 + group.layer)]])
            instance.values[group.bias.as_role(Role.DIRECTION)] = np.array([1.0 + group.layer])
    for entry in jet.jets[1:]:
        assert entry.first is not None
        first = instance.value(Deriv(entry.node, 1))
        assert np.linalg.norm(first) == pytest.approx(
            instance.scalar(compare_of(entry.first).right), rel=EXACT
        )
        if entry.second is not None and not bias:  # with a bias ||U|| <= ||(U, u_b)|| is strict
            second = instance.value(Deriv(entry.node, 2))
            assert np.linalg.norm(second) == pytest.approx(
                instance.scalar(compare_of(entry.second).right), rel=EXACT, abs=1e-300
            )


def _is_dense(node: object) -> bool:
    return isinstance(node, Named) and not isinstance(node.body, Entrywise)


@pytest.mark.parametrize("name", ["identity", "relu"])
@pytest.mark.parametrize("depth", [1, 3, 6])
@pytest.mark.parametrize("bias", [False, True])
def test_values_are_attained(name: str, depth: int, bias: bool) -> None:
    network = chain(depth, name, bias=bias)
    work = Case(network, Loss.HALF_MSE, [], np.ones((1, 1)), np.ones((1, 1))).derivation()
    s, c, m = Fraction(3, 2), Fraction(1, 4), Fraction(2)
    box = Box((s,) * depth, (c if bias else None,) * depth)
    values = work.worst_case_values(box, m, Fraction(1))
    instance = extreme(network, float(s), float(c), float(m))
    bounds = {compare_of(t).left: compare_of(t).right for t in values.all_bounds()}
    for entry in work.jet.jets[1:]:
        bound = bounds[Norm(entry.node).poly()]
        assert instance.scalar(Norm(entry.node).poly()) == pytest.approx(instance.scalar(bound), rel=EXACT)


@pytest.mark.parametrize("depth", [1, 2, 4, 7])
@pytest.mark.parametrize("s", [0.5, 1.0, 2.0])
def test_the_second_derivative_of_a_relu_chain_attains_its_bound(depth: int, s: float) -> None:
    # ||D^2 f|| = lambda_max(M s^(L-2) (1 1^T - I)) = M s^(L-2) (L - 1).
    network = chain(depth, "relu")
    jet = network_jet(network)
    instance = extreme(network, s, 0.0, 1.5)
    for variable in jet.parameters:
        instance.values[variable.as_role(Role.DIRECTION)] = np.ones((1, 1)) / math.sqrt(depth)
    value = float(np.linalg.norm(instance.value(Deriv(jet.output.node, 2))))
    assert value == pytest.approx(1.5 * s ** (depth - 2) * (depth - 1), rel=EXACT)
    if jet.output.second is not None:
        assert value == pytest.approx(instance.scalar(compare_of(jet.output.second).right), rel=EXACT)
    assert DirectionNorm(tuple(sorted(jet.parameters, key=lambda v: v.name)))


@pytest.mark.parametrize("name", ["identity", "relu"])
@pytest.mark.parametrize("loss", [Loss.HALF_MSE, Loss.MSE])
@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_squared_losses_attain_gradient_and_hessian(name: str, loss: Loss, depth: int) -> None:
    # y = -M_y makes |f - y| = a + M_y, with the sign that makes both parts of the Hessian add up.
    network = chain(depth, name)
    s, m, y = Fraction(5, 4), Fraction(3, 2), Fraction(2)
    case = Case(network, loss, [np.full((1, 1), float(s))] * depth, np.array([[1.5]]), np.array([[-2.0]]))
    box = Box((s,) * depth, (None,) * depth)
    reading = case.derivation().worst_case(box, m, y)
    gradient, hessian = measured(case)
    assert gradient / float(reading.gradient.value) == pytest.approx(1, abs=EXACT)
    assert hessian / float(reading.hessian.value) == pytest.approx(1, abs=EXACT)


def test_a_bias_attains_the_gradient_at_depth_one() -> None:
    network = chain(1, None, bias=True)
    case = Case(
        network, Loss.HALF_MSE, [np.array([[2.0]]), np.array([0.5])], np.array([[1.5]]), np.array([[-1.0]])
    )
    reading = case.derivation().worst_case(
        Box((Fraction(2),), (Fraction(1, 2),)), Fraction(3, 2), Fraction(1)
    )
    gradient, hessian = measured(case)
    assert gradient / float(reading.gradient.value) == pytest.approx(1, abs=EXACT)
    assert hessian / float(reading.hessian.value) == pytest.approx(1, abs=EXACT)


def test_cross_entropy_approaches_its_gradient_and_attains_its_hessian_constant() -> None:
    # One layer, two classes: ||p - y|| -> sqrt(2) for a confident mistake; Var = 1/2 at p = (1/2, 1/2).
    network = Network.of(1, Dense(2, bias=False))
    wrong = Case(
        network, Loss.CROSS_ENTROPY, [np.array([[40.0], [-40.0]])], np.array([[1.0]]), np.array([[0.0, 1.0]])
    )
    box = Box((Fraction(60),), (None,))
    reading = wrong.derivation().worst_case(box, Fraction(1))
    assert measured(wrong)[0] / float(reading.gradient.value) == pytest.approx(1, abs=EXACT)
    even = Case(network, Loss.CROSS_ENTROPY, [np.zeros((2, 1))], np.array([[1.0]]), np.array([[0.0, 1.0]]))
    assert measured(even)[1] / float(reading.hessian.value) == pytest.approx(1, abs=EXACT)


# -- BND-2 -----------------------------------------------------------------------------------------


def closed_forms(depth: int, s: float, m: float, beta: float, gamma: float) -> tuple[float, float]:
    root = math.sqrt(2)
    gradient = root * m * (beta * s) ** (depth - 1) * math.sqrt(depth)
    hessian = 0.5 * m**2 * (beta * s) ** (2 * depth - 2) * depth
    if depth > 1:
        hessian += root * m * beta ** (depth - 1) * s ** (depth - 2) * (depth - 1)
    hessian += (
        root * gamma * m**2 * sum(k * beta ** (depth + k - 3) * s ** (depth + k - 2) for k in range(1, depth))
    )
    return gradient, hessian


@pytest.mark.parametrize("name", [None, "relu", "tanh", "gelu"])
@pytest.mark.parametrize("depth", range(1, 9))
def test_uniform_bounds_are_the_closed_forms(depth: int, name: str | None) -> None:
    bounds = uniform_bounds(depth, name)
    from constants_table import TABLE

    for s, m, beta, gamma in [
        (0.7, 1.3, 0.9, 0.4),
        (1.0, 1.0, 1.0, 0.0),
        (2.5, 0.2, 1.1, 2.0),
        (1.25, 3.0, 0.8, 0.1),
    ]:
        if name is not None:
            beta, gamma = TABLE[name][3:]
        instance = Instance(0, reals={"s": s, "M": m, "beta": beta, "gamma": gamma})
        gradient, hessian = closed_forms(depth, s, m, beta, gamma)
        assert instance.scalar(bounds.gradient.claim.bound) == pytest.approx(gradient, rel=1e-10)  # type: ignore[attr-defined]
        found = instance.scalar(bounds.hessian.claim.bound)  # type: ignore[attr-defined]
        if name in (None, "relu"):
            # The largest row sum: exact for gamma = 0, the all-ones certificate otherwise.
            assert found == pytest.approx(hessian, rel=1e-10)
        else:
            assert found >= hessian * (1 - 1e-10)


@pytest.mark.parametrize("depth", [0, 201, True, 2.0, "3"])
def test_uniform_bounds_refuse_other_depths(depth: object) -> None:
    from proofs.errors import GradlemmaError

    with pytest.raises(GradlemmaError, match="depth"):
        uniform_bounds(depth)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "square"])
def test_uniform_bounds_refuse_activations_outside_the_statement(name: str) -> None:
    from proofs.errors import GradlemmaError

    with pytest.raises(GradlemmaError, match="activation"):
        uniform_bounds(2, name)
