"""BND-2 for any depth: its instances hold, agree with recursions in floats, and are attained."""

from __future__ import annotations

import json
import math
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from constants_table import TABLE
from hypothesis import given, settings
from hypothesis import strategies as st
from nets import Case, activated, dense, measured
from nets import Jet as FloatJet

sys.path.insert(0, str(Path(__file__).parents[1] / "kernel"))

from meaning import Instance, check

from proofs.errors import GradlemmaError, KernelError
from proofs.kernel.codec import decode, encode
from proofs.kernel.core import Theorem, infer, replay, steps_of
from proofs.kernel.indices import Index
from proofs.kernel.rules import Instantiate, OperatorNormIntro
from proofs.kernel.scalars import Norm
from proofs.kernel.terms import Deriv, Mean, Role
from proofs.network import Dense, Loss, Network
from proofs.theorems.any_depth import INPUT, block
from proofs.theorems.bnd2 import SymbolicBounds, symbolic_bounds, uniform_bounds
from proofs.theorems.bounds import Box
from proofs.theorems.layered import Layered
from proofs.theorems.tactics import compare_of

NAMES = [None, "relu", "tanh", "gelu", "abs", "elu"]
few = settings(max_examples=25, deadline=None)


def goals(bounds: SymbolicBounds) -> dict[str, Theorem]:
    found = {"G": bounds.gradient, "H": bounds.hessian}
    if bounds.closed_sum is not None and bounds.sum_at_one is not None:
        found |= {"sum": bounds.closed_sum, "sum_at_one": bounds.sum_at_one}
    return found


def constants(name: str | None) -> tuple[float, float]:
    return (0.9, 0.4) if name is None else TABLE[name][3:]


def values(s: float, m: float, name: str | None) -> Instance:
    beta, gamma = constants(name)
    return Instance(0, reals={"s": s, "M": m, "beta": beta, "gamma": gamma})


def bound(theorem: Theorem, instance: Instance) -> float:
    return instance.scalar(theorem.claim.bound)  # type: ignore[attr-defined]


def table(depth: int, s: float, m: float, beta: float, gamma: float) -> tuple[float, float]:
    """G and H of the JET table in floats: sqrt(2) ||j|| and the largest row sum of jj^T / 2 + sqrt(2) K."""
    jet = FloatJet(m, np.zeros(depth), np.zeros((depth, depth)))
    for layer in range(depth):
        if layer:
            jet = activated(jet, beta * jet.a, beta, gamma)
        jet = dense(jet, layer, s, None)
    whole = np.outer(jet.j, jet.j) / 2 + math.sqrt(2) * jet.k
    return math.sqrt(2) * float(np.linalg.norm(jet.j)), float(whole.sum(axis=1).max())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("depth", range(1, 7))
def test_instances_agree_with_the_recursion_in_floats(depth: int, name: str | None) -> None:
    bounds = uniform_bounds(depth, name)
    for s, m in [(0.7, 1.3), (1.0, 1.0), (2.5, 0.2)]:
        gradient, hessian = table(depth, s, m, *constants(name))
        instance = values(s, m, name)
        # Suprema that are enclosed in balls exceed the true ones by 1e-11.
        rel = 1e-9 if name == "gelu" else 1e-12
        assert bound(bounds.gradient, instance) == pytest.approx(gradient, rel=rel)
        assert bound(bounds.hessian, instance) == pytest.approx(hessian, rel=rel)


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_instances_are_the_worst_case_of_bnd_1(depth: int) -> None:
    layers: list[object] = [Dense(2, bias=False)]
    for _ in range(depth - 1):
        layers += ["relu", Dense(2, bias=False)]
    case = Case(Network.of(2, *layers), Loss.CROSS_ENTROPY, [], np.ones((1, 2)), np.ones((1, 2)))  # type: ignore[arg-type]
    reading = case.derivation().worst_case(Box((Fraction(3, 2),) * depth, (None,) * depth), Fraction(2))
    instance, bounds = values(1.5, 2.0, "relu"), uniform_bounds(depth, "relu")
    assert bound(bounds.gradient, instance) == pytest.approx(float(reading.gradient.value), rel=1e-12)
    assert bound(bounds.hessian, instance) == pytest.approx(float(reading.hessian.value), rel=1e-12)


@pytest.mark.parametrize("depth", range(2, 8))
def test_the_symbolic_bound_has_the_value_of_its_instance(depth: int) -> None:
    for name in (None, "relu"):
        for whole, one in zip(
            list(goals(symbolic_bounds(name)).values())[:2],
            (uniform_bounds(depth, name).gradient, uniform_bounds(depth, name).hessian),
            strict=True,
        ):
            instance = values(1.7, 0.6, name)
            instance.n = depth - 1
            assert bound(whole, instance) == pytest.approx(bound(one, instance), rel=1e-12)


@given(st.integers(1, 12), st.floats(0.01, 3))
@few
def test_the_sum_has_its_closed_form(n: int, q: float) -> None:
    total = sum(m * q ** (m - 1) for m in range(1, n + 1))
    for name in (None, "tanh"):
        bounds = symbolic_bounds(name)
        assert bounds.closed_sum is not None and bounds.sum_at_one is not None
        beta = constants(name)[0]
        instance = Instance(0, n=n, reals={"s": q / beta, "beta": beta, "gamma": 0.1, "M": 1.0})
        claim = compare_of(bounds.closed_sum)
        assert instance.scalar(claim.left) == pytest.approx((1 - q) ** 2 * total, rel=1e-6, abs=1e-9)
        check(bounds.closed_sum, instance)
        instance = Instance(0, n=n, reals={"s": 1 / beta, "beta": beta})
        assert instance.scalar(compare_of(bounds.sum_at_one).left) == pytest.approx(n * (n + 1))
        check(bounds.sum_at_one, instance)


# -- validity --------------------------------------------------------------------------------------


def random_net(seed: int, depth: int, name: str) -> Case:
    rng = np.random.default_rng(seed)
    layers: list[object] = []
    for layer in range(depth):
        layers += [Dense(int(rng.integers(2, 4)), bias=False)] + ([name] if layer < depth - 1 else [])
    network = Network.of(int(rng.integers(1, 4)), *layers)  # type: ignore[arg-type]
    weights = [rng.normal(size=p.shape) * rng.choice([0.3, 1.0, 2.0]) for p in network.parameters()]
    x = rng.normal(size=(3, network.input_dim))
    y = np.eye(network.output_dim)[rng.integers(0, network.output_dim, 3)]
    return Case(network, Loss.CROSS_ENTROPY, weights, x, y)


@given(
    st.integers(0, 2**20), st.integers(1, 5), st.sampled_from(["relu", "tanh", "gelu", "abs", "elu", "sin"])
)
@few
def test_instances_hold_on_random_networks(seed: int, depth: int, name: str) -> None:
    case = random_net(seed, depth, name)
    s = max(float(np.linalg.norm(w, 2)) for w in case.weights)
    m = float(np.linalg.norm(case.x, axis=1).max())
    gradient, hessian = measured(case)
    for bounds in (uniform_bounds(depth, name), *([uniform_bounds(depth)] if TABLE[name][4] else [])):
        beta, gamma = TABLE[name][3:]
        instance = Instance(0, reals={"s": s, "M": m, "beta": beta, "gamma": gamma})
        assert gradient <= bound(bounds.gradient, instance) * (1 + 1e-9)
        assert hessian <= bound(bounds.hessian, instance) * (1 + 1e-9)


@given(st.integers(0, 2**20), st.integers(1, 5))
@few
def test_the_symbolic_theorem_holds_at_every_depth(seed: int, n: int) -> None:
    for name in (None, "relu"):
        bounds = symbolic_bounds(name)
        instance = Instance(seed, n=n)
        instance.reals |= {"beta": 1.0, "gamma": 0.7698003589195011}
        instance.reals["s"] = max(instance.atom(Norm(block(Index(i, False)))) for i in range(1, n + 2))
        (mean,) = {t.claim.term for t in goals(bounds).values() if hasattr(t.claim, "term")}  # type: ignore[attr-defined]
        assert isinstance(mean, Mean)
        instance.make_simplex(mean.samples[1])
        instance.get(INPUT)
        norms = [np.linalg.norm(row) for row in instance.data[instance.place(INPUT)]]
        instance.reals["M"] = float(max(norms))
        check(bounds.gradient, instance)
        check(bounds.hessian, instance)


# -- tightness -------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", range(2, 7))
@pytest.mark.parametrize("s", [0.5, 1.0, 2.0])
def test_the_second_derivative_of_a_relu_chain_attains_the_bound(depth: int, s: float) -> None:
    m = 1.5
    lemma = infer(Instantiate(Index(depth - 1, False)), _relu().second)
    theorem = infer(OperatorNormIntro(), lemma)
    instance = Instance(0, reals={"s": s, "M": m}, count=1)
    instance.extent = lambda dimension: 1  # type: ignore[method-assign]
    instance.data[instance.place(INPUT)] = np.array([[m]])
    for layer in range(1, depth + 1):
        weight = block(Index(layer, False))
        instance.values[instance.place(weight)] = np.array([[s]])
        direction = instance.place(weight.as_role(Role.DIRECTION))
        instance.values[direction] = np.array([[1 / math.sqrt(depth)]])
    z = _relu().z(Index(depth, False))
    value = float(np.linalg.norm(instance.value(Deriv(z, 2))))
    assert value == pytest.approx(m * s ** (depth - 2) * (depth - 1), rel=1e-12)
    assert value == pytest.approx(bound(theorem, instance), rel=1e-12)


def _relu() -> Layered:
    from proofs.theorems.bnd2 import _layered

    return _layered("relu")


# -- what it rests on ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_symbolic_theorem_replays_within_five_seconds(name: str | None) -> None:
    start = time.perf_counter()
    symbolic_bounds.cache_clear()
    found = goals(symbolic_bounds(name))
    document = json.loads(json.dumps(encode(found)))
    again = decode(document)
    assert time.perf_counter() - start < 5
    assert {k: t.sequent for k, t in again.items()} == {k: t.sequent for k, t in found.items()}
    assert encode(again) == document
    assert len(steps_of(*found.values())) < 250
    for theorem in found.values():
        assert replay(theorem).sequent == theorem.sequent


def test_no_hypothesis_speaks_of_layers_that_the_network_does_not_have() -> None:
    from gradlemma.plain import claim_text

    found = {claim_text(claim) for claim in uniform_bounds(4, "relu").hessian.hypotheses}
    assert "||W_{l}|| <= s for 1 <= l <= 4" in found
    assert "h_{l} is twice differentiable in theta for 1 <= l <= 3 for every sample" in found


def test_altered_stored_derivations_are_refused_or_replay() -> None:
    document = json.loads(json.dumps(encode(goals(symbolic_bounds("relu")))))
    rng = np.random.default_rng(0)
    altered_ones = refused = 0
    while altered_ones < 120:
        altered = json.loads(json.dumps(document))
        node = altered["nodes"][int(rng.integers(len(altered["nodes"])))]
        place = int(rng.integers(1, len(node))) if len(node) > 1 else 0
        if isinstance(node[place], bool):
            node[place] = not node[place]
        elif isinstance(node[place], int):
            node[place] += int(rng.choice([-1, 1]))
        else:
            continue
        altered_ones += 1
        try:
            again = decode(altered)
        except KernelError:
            refused += 1
            continue
        # Another index may make another theorem, as true as the first.
        assert all(replay(theorem).sequent == theorem.sequent for theorem in again.values())
    assert refused > 100


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "square"])
def test_the_symbolic_theorem_refuses_other_activations(name: str) -> None:
    with pytest.raises(GradlemmaError, match="activation"):
        symbolic_bounds(name)
