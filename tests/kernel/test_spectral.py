"""Certified upper bounds of spectral and Frobenius norms."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs.errors import KernelError
from proofs.kernel import spectral
from proofs.kernel.spectral import frobenius_above, spectral_above
from proofs.kernel.tensors import ExactTensor

SCALES = [1e-300, 1e-150, 1e-20, 1.0, 1e20, 1e150]


def exact_norm(array: np.ndarray, digits: int = 60) -> Fraction:
    """The spectral norm to many digits, minus the last of them."""
    with mpmath.mp.workdps(digits + 400):
        matrix = mpmath.matrix(array.tolist())
        gram = matrix.T * matrix if array.shape[0] >= array.shape[1] else matrix * matrix.T
        largest = max(mpmath.eigsy(gram, eigvals_only=True))
        text = mpmath.nstr(mpmath.sqrt(max(largest, 0)), digits)
    return Fraction(text) * (1 - Fraction(1, 10**50))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 10**6), st.sampled_from(SCALES),
       st.sampled_from(["dense", "rank one", "zero row", "repeated", "integers"]))  # fmt: skip
def test_the_spectral_bound_is_above_and_close(
    rows: int, columns: int, seed: int, scale: float, kind: str
) -> None:
    rng = np.random.default_rng(seed)
    array = rng.normal(size=(rows, columns))
    if kind == "rank one":
        array = np.outer(array[:, 0], array[0])
    elif kind == "zero row":
        array[0] = 0.0
    elif kind == "repeated":
        array = np.ones((rows, columns)) * array[0, 0]
    elif kind == "integers":
        array = rng.integers(-3, 4, size=(rows, columns)).astype(float)
    array = array * scale
    bound, true = spectral_above(ExactTensor.from_floats(array)), exact_norm(array)
    assert bound >= true
    assert bound <= true * (1 + Fraction(1, 10**6)) or true == 0
    assert (bound == 0) == (not array.any())


@pytest.mark.parametrize("low", [1e-300, 1e-150, 1e-8])
def test_entries_of_very_different_sizes_are_bounded(low: float) -> None:
    array = np.array([[1.0, low], [low, -1.0], [0.0, 1e150]])
    bound = spectral_above(ExactTensor.from_floats(array))
    assert Fraction(1e150) <= bound <= Fraction(1e150) * (1 + Fraction(1, 10**6))


def test_matrices_of_rationals_are_bounded() -> None:
    tensor = ExactTensor.from_fractions((2, 2), tuple(Fraction(k, 7) for k in (3, 0, 0, -4)))
    assert Fraction(4, 7) <= spectral_above(tensor) <= Fraction(4, 7) * (1 + Fraction(1, 10**6))


def test_a_wrong_guess_of_the_eigenvectors_costs_sharpness_but_never_truth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    array = np.array([[3.0, 1.0], [0.0, 2.0]])
    tensor, true = ExactTensor.from_floats(array), exact_norm(np.array([[3.0, 1.0], [0.0, 2.0]]))
    rotation = np.array([[0.8, -0.6], [0.6, 0.8]])
    for guess in (np.eye(2), rotation, np.eye(2) * 1.2, np.eye(2) * 0.1, np.eye(2)[::-1]):
        monkeypatch.setattr(spectral, "_eigenvectors", lambda _, guess=guess: guess)
        assert spectral_above(tensor) >= true
    for guess in (np.zeros((2, 2)), np.ones((2, 2)), np.eye(2) * 5):
        monkeypatch.setattr(spectral, "_eigenvectors", lambda _, guess=guess: guess)
        with pytest.raises(KernelError, match="nearly orthonormal"):
            spectral_above(tensor)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1e150, 1e150), min_size=1, max_size=6))
def test_the_frobenius_bound_is_above_and_close(entries: list[float]) -> None:
    bound = frobenius_above(ExactTensor.from_floats(np.array(entries)))
    square = sum((Fraction(e) ** 2 for e in entries), Fraction(0))
    assert bound**2 >= square
    assert bound**2 <= square * (1 + Fraction(1, 10**15))


def test_the_frobenius_norm_is_exact_where_rational() -> None:
    assert frobenius_above(ExactTensor.from_floats(np.array([3.0, 4.0]))) == 5


def test_a_vector_read_as_a_matrix_has_its_two_norm() -> None:
    assert spectral_above(ExactTensor.from_floats(np.array([[3.0, 4.0]]))) >= 5
    assert spectral_above(ExactTensor.from_floats(np.array([[3.0], [4.0]]))) <= Fraction(5) * (
        1 + Fraction(1, 10**7)
    )


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_tensors_refuse_what_is_no_number(bad: float) -> None:
    with pytest.raises(KernelError, match="finite"):
        ExactTensor.from_floats(np.array([[1.0, bad]]))
