"""The joint refinement of cross-entropy: valid, attained, and smaller than the plain bound."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from nets import Case, measured, random_case

from proofs.errors import GradlemmaError
from proofs.kernel.core import replay
from proofs.network import Dense, Loss, Network
from proofs.theorems import refine
from proofs.theorems.bounds import Box, Derivation, Reading
from proofs.theorems.finish import form_at_most
from proofs.theorems.tangents import Interval, Shape, cover


def formula(a: float, b: float, classes: int) -> float:
    """The largest h A + N B over all probability vectors p, y, as theory.md gives it."""
    if classes == 2:
        return a / 2 + b / math.sqrt(2) + b * b / (4 * a) if b <= math.sqrt(2) * a else math.sqrt(2) * b
    if b <= math.sqrt(6) * a:
        return a / 2 + math.sqrt(1.5) * b
    return 2 * a + b * b / (4 * a) if b <= math.sqrt(8) * a else math.sqrt(2) * b


def value_at(p: np.ndarray, y: np.ndarray, a: float, b: float) -> float:
    """||diag p - p p^T|| A + ||p - y|| B."""
    curvature = float(np.linalg.eigvalsh(np.diag(p) - np.outer(p, p))[-1])
    return curvature * a + float(np.linalg.norm(p - y)) * b


@settings(max_examples=300, deadline=None)
@given(st.integers(2, 6), st.floats(0.01, 8.0), st.booleans(), st.integers(0, 2**20))
def test_the_formula_is_above_every_pair_of_probability_vectors(
    classes: int, ratio: float, soft: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(classes, rng.choice([0.1, 1.0])))
    y = rng.dirichlet(np.full(classes, 0.3)) if soft else np.eye(classes)[rng.integers(classes)]
    assert value_at(p, y, 1.0, ratio) <= formula(1.0, ratio, classes) * (1 + 1e-12)


@pytest.mark.parametrize("ratio", [0.1, 0.5, 1.0, 1.3, 2.0, 2.6, 2.75, 3.5])
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_the_formula_is_attained(classes: int, ratio: float) -> None:
    y = np.eye(classes)[0]
    best = 0.0
    for q in np.linspace(0, 1, 4001):
        p = np.zeros(classes)
        p[-1], p[-2] = q, 1 - q
        best = max(best, value_at(p, y, 1.0, ratio))
    assert formula(1.0, ratio, classes) * (1 - 1e-6) <= best <= formula(1.0, ratio, classes) * (1 + 1e-12)


def uniform(depth: int, classes: int, m: Fraction) -> Reading:
    layers = [layer for _ in range(depth - 1) for layer in (Dense(3, bias=False), "relu")]
    network = Network.of(2, *layers, Dense(classes, bias=False))
    box = Box((Fraction(1),) * depth, (None,) * depth)
    return Derivation(network, Loss.CROSS_ENTROPY).worst_case(box, m, refine=True)


@pytest.mark.parametrize("m", [Fraction(1, 10), Fraction(1, 5), Fraction(1, 4), Fraction(1, 3), Fraction(2)])
@pytest.mark.parametrize(("depth", "classes"), [(2, 2), (2, 3), (3, 2), (4, 7)])
def test_the_refined_bound_is_the_formula_where_j_is_an_eigenvector_of_k(
    depth: int, classes: int, m: Fraction
) -> None:
    # j = M 1 and K = M (1 1^T - I), so A = M^2 L and B = M (L - 1), with one eigenvector.
    found = uniform(depth, classes, m).refined
    assert found is not None
    a, b = float(m) ** 2 * depth, float(m) * (depth - 1)
    expected = formula(a, b, classes)
    assert expected * (1 - 1e-13) <= float(found.value) <= expected * (1 + 1e-9)
    assert expected * (1 - 1e-9) <= float(found.lower) <= expected * (1 + 1e-13)


@pytest.mark.parametrize("seed", range(12))
def test_the_refined_bound_is_valid_and_smaller(seed: int) -> None:
    case = _with_curvature(seed)
    reading = case.derivation().worst_case(case.box(1.1), case.input_norm(), refine=True)
    refined = reading.refined
    assert refined is not None
    assert refined.value < reading.hessian.value
    assert float(refined.lower) >= float(refined.value) * (1 - 1e-3)
    assert replay(refined.theorem).claim is refined.theorem.claim
    assert refined.theorem.hypotheses == reading.hessian.theorem.hypotheses
    assert measured(case)[1] <= float(refined.value) * (1 + 1e-9)
    soft = torch.softmax(torch.from_numpy(np.random.default_rng(seed).normal(size=case.y.shape)), 1).numpy()
    case.y = soft
    assert measured(case)[1] <= float(refined.value) * (1 + 1e-9)


def _with_curvature(seed: int) -> Case:
    """A random network of two or more layers and two or more classes."""
    for offset in range(100):
        case = random_case(1000 * seed + offset, Loss.CROSS_ENTROPY, scale=[0.5, 1.0, 2.0][seed % 3])
        if case.network.depth >= 2 and case.network.output_dim >= 2:
            return case
    raise AssertionError("expected a network with two layers among a hundred")


def test_one_layer_leaves_the_plain_bound() -> None:
    work = Derivation(Network.of(2, Dense(3)), Loss.CROSS_ENTROPY)
    reading = work.worst_case(Box((Fraction(1),), (Fraction(1),)), Fraction(2), refine=True)
    assert reading.refined == reading.hessian
    assert work.worst_case(Box((Fraction(1),), (Fraction(1),)), Fraction(2)).refined is None


def test_other_losses_are_not_refined() -> None:
    work = Derivation(Network.of(2, Dense(3)), Loss.MSE)
    with pytest.raises(GradlemmaError, match="expected cross_entropy to refine but got mse"):
        work.worst_case(Box((Fraction(1),), (Fraction(1),)), Fraction(2), Fraction(1), refine=True)


# -- the certificate refuses what is too small ----------------------------------------------------


def test_no_number_below_the_largest_eigenvalue_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[fmpq] = []

    def smaller(theorem, groups, size):
        seen.append(size)
        return form_at_most(theorem, groups, size * fmpq(999, 1000))

    monkeypatch.setattr(refine, "form_at_most", smaller)
    reading = uniform(3, 3, Fraction(1))
    assert len(seen) >= 4 and reading.refined == reading.hessian


def test_intervals_cover_the_range_and_stop_where_the_target_is_too_small() -> None:
    square, bilinear = np.array([[1.0, 0.5], [0.5, 0.25]]), np.array([[0.0, 1.0], [1.0, 2.0]])
    shape = Shape(square, bilinear, 2.0, 0.0, Fraction(5, 4), Fraction(7, 5))
    peak = shape.peak()
    found = cover(shape, peak, shape.curve(peak) * (1 + 1e-6))
    assert found is not None
    assert found[0].lower == Fraction(5, 4) and found[-1].upper == Fraction(7, 5)
    assert all(a.upper == b.lower for a, b in zip(found, found[1:], strict=False))
    for interval in found:
        assert isinstance(interval, Interval) and interval.lower < interval.upper
        for x in np.linspace(float(interval.lower), float(interval.upper), 9):
            assert shape.curve(x) <= shape.line(float(interval.tangent), x) + 1e-12
            assert shape.curve(x) <= shape.curve(peak) * (1 + 1e-9)
    assert cover(shape, peak, shape.curve(peak) * (1 - 1e-6)) is None
