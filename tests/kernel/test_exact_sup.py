"""Signs of polynomials over Q on intervals, decided exactly."""

from __future__ import annotations

import numpy as np
import pytest
from flint import fmpq, fmpq_poly
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs.kernel.exact_sup import count_roots, is_nonnegative_on

T = fmpq_poly([0, 1])
fractions = st.integers(-12, 12).map(lambda k: fmpq(k, 4))


def product(roots: list[fmpq]) -> fmpq_poly:
    poly = fmpq_poly([1])
    for root in roots:
        poly = poly * (T - root)
    return poly


@settings(max_examples=60, deadline=None)
@given(st.lists(fractions, max_size=5), st.sampled_from([1, 2, -3]), fractions, fractions)
def test_roots_are_counted_as_constructed(roots: list[fmpq], factor: int, one: fmpq, two: fmpq) -> None:
    lower, upper = min(one, two), max(one, two)
    poly = product(roots) * (T * T + 1) * factor
    assert lower == upper or count_roots(poly, lower, upper) == len({r for r in roots if lower < r < upper})


@settings(max_examples=60, deadline=None)
@given(st.lists(fractions, max_size=4), st.sampled_from([1, -1]), fractions, fractions)
def test_signs_agree_with_the_sign_pattern_between_roots(
    roots: list[fmpq], sign: int, one: fmpq, two: fmpq
) -> None:
    lower, upper = min(one, two), max(one, two)
    poly = product(roots) * sign
    inside = sorted({r for r in roots if lower < r < upper})
    stops = [lower, *inside, upper]
    middles = [(a + b) / 2 for a, b in zip(stops, stops[1:], strict=False)]
    expected = all(poly(point) >= 0 for point in [*stops, *middles])
    assert is_nonnegative_on(poly, lower, upper) == expected


@pytest.mark.parametrize("shift", [fmpq(0), fmpq(1, 10**9), fmpq(1, 10**40)])
def test_a_double_root_touches_and_a_tiny_shift_crosses(shift: fmpq) -> None:
    poly = (T * T - 2) ** 2
    assert is_nonnegative_on(poly, fmpq(-2), fmpq(2))
    assert is_nonnegative_on(poly - shift, fmpq(-2), fmpq(2)) == (shift == 0)


def test_roots_at_the_ends_and_points_are_handled() -> None:
    assert is_nonnegative_on(T, fmpq(0), fmpq(1))
    assert not is_nonnegative_on(T, fmpq(-1, 10**30), fmpq(1))
    assert is_nonnegative_on(-T, fmpq(0), fmpq(0))
    assert is_nonnegative_on(fmpq_poly([0]), fmpq(-1), fmpq(1))
    assert not is_nonnegative_on(fmpq_poly([-1]), fmpq(-1), fmpq(1))
    assert not is_nonnegative_on(T * (T - 1), fmpq(0), fmpq(1))
    assert is_nonnegative_on(T * (1 - T), fmpq(0), fmpq(1))


def test_wilkinson_like_clusters_are_seen() -> None:
    roots = [fmpq(1, 2) + fmpq(k, 10**12) for k in range(6)]
    assert count_roots(product(roots), fmpq(0), fmpq(1)) == 6
    assert not is_nonnegative_on(product(roots), fmpq(0), fmpq(1))
    values = np.polyval(
        [float(int(c.p) / int(c.q)) for c in reversed(product(roots).coeffs())], np.linspace(0, 1, 9)
    )
    assert values.min() > -1e-9  # dense sampling does not see it
