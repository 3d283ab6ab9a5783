"""Ranges of entries, bounds of derivatives by growth, and the range of given data."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from builders import (
    LE,
    ONE,
    PHI,
    TYPED,
    X,
    Y,
    Z,
    assume,
    few,
    le,
    norm,
    real,
    refuses,
    sample,
    scales,
    seeds,
    smooth,
    stored,
    sup,
)
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st
from meaning import Instance, check

from proofs.errors import KernelError
from proofs.kernel.claims import Compare, EntriesIn, ForSamples, SamplesAre
from proofs.kernel.core import infer
from proofs.kernel.rules import DataRange, GrowthBound, RangeDifference, RangeOfFunction, WideBound
from proofs.kernel.rules.entrywise import minus
from proofs.kernel.scalars import Root, number
from proofs.kernel.store import remember
from proofs.kernel.tensors import ExactTensor
from proofs.kernel.terms import Entrywise, Role, Variable
from proofs.kernel.univariate import constant, piecewise
from proofs.network import Loss, activation, entry_function
from proofs.theorems.constants import supremum

HUBER = entry_function(Loss.HUBER)
SOFTPLUS = entry_function(Loss.BCE)
assert HUBER is not None and SOFTPLUS is not None
SIGMOID = Entrywise(SOFTPLUS, 1, Z)
FIRST, SECOND = fmpq(0), fmpq(1)
SYMBOLIC = Variable("v", ("n",), Role.SAMPLE)


# -- RangeOfFunction -----------------------------------------------------------------------------


def test_range_of_function_accepts_the_range_of_a_slope() -> None:
    assert infer(RangeOfFunction(SIGMOID, FIRST, SECOND)).claim is EntriesIn(SIGMOID, FIRST, SECOND)
    clipped = Entrywise(HUBER, 1, Z)
    assert infer(RangeOfFunction(clipped, fmpq(-1), fmpq(1))).claim is EntriesIn(clipped, fmpq(-1), fmpq(1))
    assert not infer(RangeOfFunction(SIGMOID, FIRST, SECOND)).trust


@pytest.mark.parametrize(
    ("lower", "upper"),
    [(fmpq(0), fmpq(999, 1000)), (fmpq(1, 1000), fmpq(1)), (fmpq(1), fmpq(0)), (fmpq(2), fmpq(3))],
)
def test_range_of_function_refuses_a_smaller_interval(lower: fmpq, upper: fmpq) -> None:
    refuses(RangeOfFunction(SIGMOID, lower, upper), match="could not be shown")


def test_range_of_function_refuses_what_is_unbounded_unspecified_or_not_continuous() -> None:
    refuses(RangeOfFunction(Entrywise(HUBER, 0, Z), FIRST, fmpq(1000)), match="could not be shown")
    refuses(RangeOfFunction(Entrywise(PHI, 1, Z), FIRST, SECOND), match="given by pieces")
    refuses(RangeOfFunction(SIGMOID, FIRST, SECOND), smooth(Z), match="expected 0 premises")
    refuses(RangeOfFunction(Z, FIRST, SECOND), match=TYPED)  # type: ignore[arg-type]


@few
@given(seeds, scales)
def test_range_of_function_holds_numerically(seed: int, scale: float) -> None:
    check(infer(RangeOfFunction(SIGMOID, FIRST, SECOND)), Instance(seed, scale))
    check(infer(RangeOfFunction(Entrywise(HUBER, 1, Z), fmpq(-1), fmpq(1))), Instance(seed, scale))


# -- RangeDifference -----------------------------------------------------------------------------

IN_RANGE = infer(RangeOfFunction(SIGMOID, FIRST, SECOND))
TARGET = assume(EntriesIn(Y, FIRST, SECOND))


def test_range_difference_accepts_two_intervals() -> None:
    claim = infer(RangeDifference(), IN_RANGE, TARGET).claim
    assert claim is Compare(norm(minus(SIGMOID, Y)), LE, Root(number(3)).poly())
    wide = infer(RangeDifference(), IN_RANGE, assume(EntriesIn(Y, fmpq(-2), fmpq(1, 2)))).claim
    assert wide is Compare(norm(minus(SIGMOID, Y)), LE, Root(number(3)).poly() * 3)


def test_range_difference_refuses_other_premises() -> None:
    refuses(RangeDifference(), IN_RANGE, match="expected 2 premises")
    refuses(RangeDifference(), IN_RANGE, le(norm(Y), ONE), match="lie in an interval")
    refuses(RangeDifference(), IN_RANGE, assume(EntriesIn(X, FIRST, SECOND)), match="one space")
    symbolic = assume(EntriesIn(SYMBOLIC, FIRST, SECOND))
    refuses(RangeDifference(), symbolic, symbolic, match="dimension is a number")


@few
@given(st.sampled_from([(0, 1), (-2, -1), (3, 5)]), seeds)
def test_range_difference_holds_numerically(ends: tuple[int, int], seed: int) -> None:
    instance = Instance(seed)
    instance.data[Y] = instance.rng.choice([*ends, sum(ends) / 2], size=(instance.count, 3))
    target = assume(EntriesIn(Y, fmpq(ends[0]), fmpq(ends[1])))
    check(infer(RangeDifference(), IN_RANGE, target), instance)


def test_a_claim_about_entries_is_about_a_vector() -> None:
    with pytest.raises(KernelError, match="vector"):
        EntriesIn(Variable("W", (2, 2), Role.PARAMETER), FIRST, SECOND)
    with pytest.raises(KernelError, match="fmpq"):
        EntriesIn(sample("other", 5), 0.5, SECOND)  # type: ignore[arg-type]


# -- DataRange -----------------------------------------------------------------------------------

T = sample("t", 2)
ROWS = [[0.0, 1.0], [0.25, 0.5], [1.0, 1.0]]


def test_data_range_accepts_rows_inside() -> None:
    digest = stored(ROWS)
    theorem = infer(DataRange((T,), (digest,), T, FIRST, SECOND))
    assert theorem.claim is ForSamples((T,), EntriesIn(T, FIRST, SECOND))
    assert theorem.hypotheses == {SamplesAre((T,), (digest,))}
    third = remember(ExactTensor.from_fractions((1, 2), (Fraction(1, 3), Fraction(2, 3))))
    assert infer(DataRange((T,), (third,), T, fmpq(1, 3), fmpq(2, 3)))


@pytest.mark.parametrize("row", [[-1e-300, 0.5], [0.5, 1 + 2**-52], [2.0, 0.0]])
def test_data_range_refuses_an_entry_outside(row: list[float]) -> None:
    refuses(DataRange((T,), (stored([[0.0, 1.0], row]),), T, FIRST, SECOND), match="sample 1 has an entry")


def test_data_range_refuses_premises_and_another_shape() -> None:
    refuses(DataRange((T,), (stored(ROWS),), T, FIRST, SECOND), TARGET, match="expected 0 premises")
    refuses(DataRange((T,), (stored([[1.0]]),), T, FIRST, SECOND), match="data of shape")


@few
@given(seeds)
def test_data_range_holds_numerically(seed: int) -> None:
    rows = np.random.default_rng(seed).integers(0, 2**10, size=(3, 2)) / 2**10
    check(infer(DataRange((T,), (stored(rows),), T, FIRST, SECOND)), Instance(seed, data={T: rows}))


# -- bounds of derivatives -----------------------------------------------------------------------

CLIPPED = Entrywise(HUBER, 1, Z)
AT_ZERO = supremum(HUBER, 1, Fraction(0))
BENDS = supremum(HUBER, 2)
assert AT_ZERO is not None and BENDS is not None


def test_growth_bound_accepts_a_derivative_that_is_continuous() -> None:
    assert infer(GrowthBound(CLIPPED), AT_ZERO, BENDS).claim is Compare(norm(CLIPPED), LE, norm(Z))
    start = sup(SOFTPLUS, 1, number(0), real("a"))
    rise = sup(SOFTPLUS, 2, None, real("k"))
    assert infer(GrowthBound(SIGMOID), start, rise).claim is Compare(
        norm(SIGMOID), LE, Root(number(3)).poly() * real("a") + real("k") * norm(Z)
    )


def test_growth_bound_refuses_a_derivative_that_jumps() -> None:
    relu = activation("relu")
    slope = Entrywise(relu, 1, Z)
    start, bend = supremum(relu, 1, Fraction(0)), supremum(relu, 2)
    assert start is not None and bend is not None
    refuses(GrowthBound(slope), start, bend, match="shown continuous")


# 0 everywhere but at 5, where it is 1.
LONELY = piecewise("lonely", {}, [5], [constant(0), constant(0)], {Fraction(5): Fraction(1)})


def test_growth_bound_refuses_a_value_of_its_own_at_a_kink() -> None:
    start, rise = supremum(LONELY, 0, Fraction(0)), supremum(LONELY, 1)
    assert start is not None and rise is not None
    refuses(GrowthBound(Entrywise(LONELY, 0, Z)), start, rise, match="shown continuous")


def test_range_of_function_refuses_an_interval_without_the_value_at_a_kink() -> None:
    refuses(RangeOfFunction(Entrywise(LONELY, 0, Z), fmpq(0), fmpq(1, 2)), match="could not be shown")
    whole = infer(RangeOfFunction(Entrywise(LONELY, 0, Z), fmpq(0), fmpq(1)))
    assert whole.claim is EntriesIn(Entrywise(LONELY, 0, Z), fmpq(0), fmpq(1))


def test_growth_bound_refuses_other_premises() -> None:
    refuses(GrowthBound(CLIPPED), AT_ZERO, match="expected 2 premises")
    refuses(GrowthBound(CLIPPED), BENDS, BENDS, match="premise on sup")
    refuses(GrowthBound(CLIPPED), AT_ZERO, sup(SOFTPLUS, 2, None, ONE), match="the function of the term")
    refuses(GrowthBound(CLIPPED), AT_ZERO, sup(HUBER, 2, ONE, ONE), match="everywhere")
    refuses(GrowthBound(CLIPPED), sup(HUBER, 1, ONE, ONE), BENDS, match="everywhere")
    start, bend = sup(PHI, 1, number(0), ONE), sup(PHI, 2, None, ONE)
    refuses(GrowthBound(Entrywise(PHI, 1, Z)), start, bend, match="given by pieces")
    wide = Entrywise(SOFTPLUS, 1, SYMBOLIC)
    start, bend = sup(SOFTPLUS, 1, number(0), ONE), sup(SOFTPLUS, 2, None, ONE)
    refuses(GrowthBound(wide), start, bend, match="dimension is a number")


@few
@given(seeds, scales)
def test_growth_bound_holds_numerically(seed: int, scale: float) -> None:
    check(infer(GrowthBound(CLIPPED), AT_ZERO, BENDS), Instance(seed, scale))
    start, bend = supremum(SOFTPLUS, 1, Fraction(0)), supremum(SOFTPLUS, 2)
    assert start is not None and bend is not None
    check(infer(GrowthBound(SIGMOID), start, bend), Instance(seed, scale))


def test_wide_bound_accepts_a_derivative() -> None:
    slope = supremum(HUBER, 1)
    assert slope is not None
    assert infer(WideBound(CLIPPED), slope).claim is Compare(norm(CLIPPED), LE, Root(number(3)).poly())


def test_wide_bound_refuses_a_bound_of_another_order() -> None:
    refuses(WideBound(CLIPPED), BENDS, match="premise on sup")
    refuses(WideBound(Y), BENDS, match="applied to a vector")


@few
@given(seeds, scales)
def test_wide_bound_holds_for_derivatives(seed: int, scale: float) -> None:
    slope = supremum(HUBER, 1)
    assert slope is not None
    check(infer(WideBound(CLIPPED), slope), Instance(seed, scale))
