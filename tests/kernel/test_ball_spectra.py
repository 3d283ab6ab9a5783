"""Enclosures of spectra: every eigenvalue lies in an interval, and the intervals are narrow."""

from __future__ import annotations

import random

import numpy as np
import pytest
import sympy
from flint import arb, arb_mat, fmpq

from proofs.errors import KernelError
from proofs.kernel import ball_spectra
from proofs.kernel.ball_spectra import enclosed_spectrum, joined


def symmetric(size: int, source: random.Random, reach: int = 9) -> list[list[fmpq]]:
    rows = [[fmpq(0)] * size for _ in range(size)]
    for i in range(size):
        for j in range(i, size):
            rows[i][j] = rows[j][i] = fmpq(source.randint(-reach, reach), source.randint(1, 5))
    return rows


def balls(rows: list[list[fmpq]], radius: float = 0.0) -> arb_mat:
    size = len(rows)
    return arb_mat(size, size, [arb(e) + arb(0, radius) for row in rows for e in row])


def covers(intervals: list[tuple[fmpq, fmpq]], value: sympy.Expr) -> bool:
    exact = [(sympy.Rational(int(a.p), int(a.q)), sympy.Rational(int(b.p), int(b.q))) for a, b in intervals]
    return any(bool(a <= value) and bool(value <= b) for a, b in exact)


@pytest.mark.parametrize("seed", range(8))
def test_all_eigenvalues_lie_in_the_intervals(seed: int) -> None:
    source = random.Random(seed)
    size = source.randint(1, 4)
    rows = symmetric(size, source)
    if seed % 3 == 0 and size > 1:
        # A double eigenvalue, and one that is 0.
        rows = [[fmpq(int(i == j and i > 0) * 2) for j in range(size)] for i in range(size)]
    intervals = enclosed_spectrum(balls(rows), 128)
    t = sympy.symbols("t")
    exact = sympy.Matrix([[sympy.Rational(int(e.p), int(e.q)) for e in row] for row in rows])
    for root in sympy.real_roots(exact.charpoly(t).as_expr(), multiple=True):
        assert covers(intervals, sympy.Rational(sympy.N(root, 60)) if not root.is_Rational else root)
    assert sum(b - a for a, b in intervals) < fmpq(1, 10**6)
    assert all(first[1] < second[0] for first, second in zip(intervals, intervals[1:], strict=False))


@pytest.mark.parametrize("seed", range(6))
def test_wide_balls_hold_the_spectra_of_all_their_matrices(seed: int) -> None:
    source = random.Random(seed)
    rows = symmetric(3, source)
    intervals = enclosed_spectrum(balls(rows, 0.01), 64)
    for _ in range(20):
        moved = np.array([[float(e.p) / float(e.q) for e in row] for row in rows])
        noise = np.array([[source.uniform(-0.01, 0.01) for _ in row] for row in rows])
        noise = (noise + noise.T) / 2
        for value in np.linalg.eigvalsh(moved + noise):
            assert any(
                float(a.p) / float(a.q) - 1e-9 <= value <= float(b.p) / float(b.q) + 1e-9
                for a, b in intervals
            )


def test_bad_vectors_widen_the_intervals_and_never_lose_an_eigenvalue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Any invertible Q will do: here one that is no matrix of eigenvectors."""
    skew = arb_mat(2, 2, [1, fmpq(1, 5), fmpq(-1, 7), fmpq(9, 10)])
    monkeypatch.setattr(ball_spectra, "_eigenvectors", lambda matrix: skew)
    intervals = enclosed_spectrum(balls([[fmpq(2), fmpq(1)], [fmpq(1), fmpq(-3)]]), 64)
    for root in sympy.real_roots(sympy.Matrix([[2, 1], [1, -3]]).charpoly().as_expr()):
        assert covers(intervals, sympy.Rational(sympy.N(root, 40)))


def test_vectors_that_may_be_dependent_and_balls_that_are_not_finite_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(KernelError, match="finite"):
        enclosed_spectrum(arb_mat(1, 1, [arb(0, 1) / arb(0, 1)]), 64)
    monkeypatch.setattr(ball_spectra, "_eigenvectors", lambda matrix: arb_mat(2, 2, [1, 1, 1, 1]))
    with pytest.raises(KernelError, match="orthonormal"):
        enclosed_spectrum(balls([[fmpq(2), fmpq(1)], [fmpq(1), fmpq(-3)]]), 64)


def test_joined_intervals_are_disjoint_and_cover_the_same() -> None:
    q = fmpq
    assert joined([(q(3), q(4)), (q(0), q(1)), (q(1), q(2)), (q(3), q(7, 2))]) == [(q(0), q(2)), (q(3), q(4))]
    assert joined([]) == []
