"""Evaluation of monotone polynomials: order of substitution, rounding, per-sample readings."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from builders import ONE, B, C, V, W, X, norm, real
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs.errors import KernelError
from proofs.kernel.monotone import (
    dependency_order,
    evaluate_above,
    require_monotone,
    round_up,
    sqrt_above,
    sqrt_exact,
)
from proofs.kernel.per_sample import evaluate_per_sample, mean_form
from proofs.kernel.scalars import Atom, DirectionNorm, Let, Norm, Poly, Real, Root, number, substitute
from proofs.kernel.upward import Side

S, T, R = Norm(W), Norm(V), Norm(X)


def test_bounds_are_put_in_after_those_that_they_need() -> None:
    bounds: dict[Atom, Poly] = {S: T.poly() + 1, T: R.poly() * 2}
    order = dependency_order(S.poly() * T.poly(), bounds)
    assert order.index(R) < order.index(T) < order.index(S)
    assert evaluate_above(S.poly() * T.poly(), bounds, None) == (R.poly() * 2 + 1) * (R.poly() * 2)


def test_circular_bounds_are_refused_through_roots_and_abbreviations() -> None:
    for bounds in (
        {S: S.poly()},
        {S: T.poly(), T: S.poly()},
        {S: Root(T.poly()).poly(), T: Let("a", S.poly()).poly()},
    ):
        with pytest.raises(KernelError, match="do not depend"):
            dependency_order(S.poly(), bounds)  # type: ignore[arg-type]


def test_a_long_chain_of_abbreviations_does_not_recurse() -> None:
    poly = S.poly()
    for index in range(3000):
        poly = Let(f"a{index}", poly + 1).poly()
    assert evaluate_above(poly, {S: ONE}, None) == number(3001)
    require_monotone(poly, {S: ONE}, frozenset())


def test_an_abbreviation_that_stays_closed_is_not_replaced_inside() -> None:
    let = Let("a", S.poly())
    assert evaluate_above(let.poly(), {}, None, unfold=False) == let.poly()
    with pytest.raises(KernelError, match="every bound"):
        require_monotone(let.poly(), {S: ONE}, frozenset(), unfold=False)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.fractions(0, 100), min_size=4, max_size=4), st.sampled_from([None, 8, 53]))
def test_values_are_above_the_exact_ones(values: list[Fraction], bits: int | None) -> None:
    a, b, c, d = (number(v) for v in values)
    poly = Root(S.poly() * a + T.poly() ** 2 * b + c).poly() * S.poly() + d
    result = evaluate_above(poly, {S: ONE * fmpq(7, 3), T: S.poly() + fmpq(1, 3)}, bits)
    s, t = 7 / 3, 8 / 3
    exact = math.sqrt(s * float(values[0]) + t * t * float(values[1]) + float(values[2])) * s + float(
        values[3]
    )
    constant = result.constant()
    if constant is None:
        assert bits is None
        return
    found = int(constant.p) / int(constant.q)
    assert exact * (1 - 1e-13) <= found <= exact * (1 + (2**-5 if bits == 8 else 1e-12)) + 1e-300


@settings(max_examples=60, deadline=None)
@given(st.fractions(0), st.integers(8, 80))
def test_square_roots_are_exact_or_above(value: Fraction, bits: int) -> None:
    q = fmpq(value.numerator, value.denominator)
    assert sqrt_exact(q * q) == q
    exact = sqrt_exact(q)
    assert exact is None or exact * exact == q
    assert sqrt_above(q, bits) ** 2 >= q
    assert round_up(q, bits) >= q


def test_square_roots_of_negative_numbers_are_zero_as_roots_are_read() -> None:
    assert sqrt_exact(fmpq(-3)) == 0
    assert sqrt_above(fmpq(-3), 53) == 0
    with pytest.raises(KernelError, match="value >= 0"):
        round_up(fmpq(-1), 53)


@pytest.mark.parametrize("exponent", [-3000, -1074, -52, 0, 52, 1023, 3000])
def test_rounding_up_works_at_all_magnitudes(exponent: int) -> None:
    value = fmpq(2) ** exponent * fmpq(10**20 + 1, 10**20)
    rounded = round_up(value, 20)
    assert value < rounded <= value * (1 + fmpq(1, 2**19))


def test_substitution_keeps_powers() -> None:
    poly = S.poly() ** 3 * T.poly() + S.poly() * 2
    assert (
        substitute(poly, {S: T.poly() + 1, T: T.poly()}.__getitem__)
        == (T.poly() + 1) ** 3 * T.poly() + (T.poly() + 1) * 2
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.fractions(0, 50), min_size=4, max_size=4), st.booleans())
def test_readings_without_data_lie_on_their_side(values: list[Fraction], squared: bool) -> None:
    a, b, s, t = values
    u, v = DirectionNorm((B,)), DirectionNorm((C,))
    form = u.poly() * number(a) + v.poly() * Root(S.poly() * number(b) + 2).poly()
    poly = form**2 if squared else form
    bounds: dict[Atom, Poly] = {S: number(s) + T.poly(), T: number(t)}
    above = mean_form(evaluate_per_sample(poly, bounds, None))
    below = mean_form(evaluate_per_sample(poly, bounds, None, Side.BELOW), Side.BELOW)
    j = {u: float(a), v: math.sqrt(float(s + t) * float(b) + 2)}
    expected = {((u, 1),): j[u], ((v, 1),): j[v]}
    if squared:
        mixed = next(iter((u.poly() * v.poly()).terms))
        expected = {((u, 2),): j[u] ** 2, ((v, 2),): j[v] ** 2, mixed: 2 * j[u] * j[v]}
    for monomial, value in expected.items():
        high, low = (
            float(Fraction(int(f.p), int(f.q)))
            for f in (above.get(monomial, fmpq(0)), below.get(monomial, fmpq(0)))
        )
        assert low <= value * (1 + 1e-15) + 1e-300
        assert value <= high * (1 + 1e-15) + 1e-300
        assert high - low <= 1e-13 * value + 1e-300


def test_atoms_without_a_reading_are_refused() -> None:
    for atom in (S, Real("r"), Norm(X)):
        with pytest.raises(KernelError, match="expected a bound for an atom"):
            evaluate_per_sample(atom.poly(), {}, None)
    assert real("r") == Real("r").poly()
    assert norm(W) == S.poly()
    assert np.isfinite(1.0)
