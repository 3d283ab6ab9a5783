"""Ball values of nodes contain the exact values, and directed arrays round outward."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from flint import arb, ctx, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from meaning import DEFINITIONS

from proofs.errors import KernelError
from proofs.kernel.balls import TermBalls, norms, sup_norms
from proofs.kernel.tensors import ExactTensor
from proofs.kernel.terms import Apply, Entrywise, Hadamard, Named, Role, Scale, Softmax, Sum, Variable, Zero
from proofs.kernel.upward import Side, add, float_beyond, mean_beyond, multiply, root
from proofs.network import CATALOGUE, activation

M = mpmath.mp
X = Variable("x", (3,), Role.SAMPLE)
W, B = Variable("W", (3, 3), Role.PARAMETER), Variable("b", (3,), Role.PARAMETER)
Z = Named("z", Sum((Apply(W, X), B)))
INPUTS = {
    "generic": np.array([[0.3, -1.1, 0.7], [2.5, 0.1, -0.4]]),
    "zero rows": np.array([[0.0, 0.0, 0.0], [1.0, 0.0, -0.0]]),
    "equal rows": np.array([[0.1, 0.1, 0.1], [0.1, 0.1, 0.1]]),
    "tiny": np.array([[1e-150, -1e-300, 5e-324], [1e-150, 0.0, 1e-10]]),
    "huge": np.array([[1e150, -1e150, 1.0], [1e100, 1e-100, 0.0]]),
}
WEIGHTS = {
    "generic": np.array([[0.5, -0.25, 1.5], [0.3, 0.2, 0.1], [-1.0, 2.0, 0.7]]),
    "zero": np.zeros((3, 3)),
    "cancelling": np.array([[1e40, -1e40, 0.0], [1.0, 0.0, 0.0], [1e5, -1e5, 1e-5]]),
    "tiny": np.full((3, 3), 1e-150),
    "huge": np.diag([1e150, -1e150, 1e3]),
}


def balls(weight: np.ndarray, bias: np.ndarray, data: np.ndarray) -> TermBalls:
    exact = ExactTensor.from_floats
    return TermBalls({W: exact(weight), B: exact(bias)}, {X: exact(data)})


def high_precision(weight: np.ndarray, bias: np.ndarray, data: np.ndarray) -> list[list[Any]]:
    rows = [[M.mpf(v) for v in row] for row in data.tolist()]
    return [
        [sum((M.mpf(w) * x for w, x in zip(line, row, strict=True)), M.mpf(0)) + M.mpf(b)
         for line, b in zip(weight.tolist(), bias.tolist(), strict=True)]
        for row in rows
    ]  # fmt: skip


def holds(ball: arb, value: Any) -> bool:
    if not ball.is_finite():
        return True
    low, high = ball.lower(), ball.upper()
    slack = abs(value) * M.mpf(10) ** -55 + M.mpf(10) ** -400
    return bool(_exactly(low) <= value + slack and value - slack <= _exactly(high))


def _exactly(end: arb) -> Any:
    mantissa, exponent = end.man_exp()
    return M.mpf(int(mantissa)) * M.mpf(2) ** int(exponent)


@pytest.mark.parametrize("weights", sorted(WEIGHTS))
@pytest.mark.parametrize("inputs", sorted(INPUTS))
def test_balls_contain_pre_activations_and_all_activations(inputs: str, weights: str) -> None:
    bias = np.array([0.0, -0.5, 1e-3])
    with ctx.workprec(96), M.workdps(460):
        reading = balls(WEIGHTS[weights], bias, INPUTS[inputs])
        true = high_precision(WEIGHTS[weights], bias, INPUTS[inputs])
        assert all(
            holds(b, v)
            for c, t in zip(reading.value(Z), true, strict=True)
            for b, v in zip(c, t, strict=True)
        )
        for name in CATALOGUE:
            node = Entrywise(activation(name), 0, Z)
            for column, row in zip(reading.value(node), true, strict=True):
                for ball, z in zip(column, row, strict=True):
                    function = next(f for kink, f in DEFINITIONS[name] if kink is None or z <= kink)
                    if abs(z) < 1e4 or name not in ("softplus", "silu", "sigmoid", "tanh", "gelu", "sin"):
                        assert holds(ball, function(z)), name


@pytest.mark.parametrize(
    "name", ["relu", "leaky_relu", "abs", "hardtanh", "relu6", "elu", "selu", "hardswish"]
)
@pytest.mark.parametrize("order", [1, 2])
def test_balls_at_a_kink_contain_both_one_sided_limits(name: str, order: int) -> None:
    function = activation(name)
    for index, kink in enumerate(function.kinks):
        with ctx.workprec(96):
            reading = balls(np.eye(3), np.full(3, float(kink)), np.zeros((1, 3)))
            ball = reading.value(Entrywise(function, order, Z))[0][0]
            for piece in function.derivative_pieces(order)[index : index + 2]:
                from proofs.kernel.intervals import evaluate

                assert ball.overlaps(evaluate(piece.expression, arb(fmpq(kink.numerator, kink.denominator))))


def test_balls_near_a_kink_that_cannot_be_told_apart_contain_both_sides() -> None:
    # z = (1e40 - 1e40)/3 = 0 with a wide ball.
    with ctx.workprec(96):
        reading = balls(WEIGHTS["cancelling"], np.zeros(3), np.full((1, 3), 1 / 3))
        ball = reading.value(Entrywise(activation("relu"), 1, Z))[0][0]
        assert ball.contains(0)
        assert ball.contains(1)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-700, 700), min_size=3, max_size=3), st.sampled_from([53, 96]))
def test_balls_of_softmax_contain_probabilities(logits: list[float], bits: int) -> None:
    with ctx.workprec(bits), M.workdps(400):
        reading = balls(np.eye(3), np.zeros(3), np.array([logits]))
        powers = [M.exp(M.mpf(f)) for f in logits]
        for ball, power in zip(reading.value(Softmax(Z))[0], powers, strict=True):
            assert holds(ball, power / sum(powers))
        combined = Sum((Scale(fmpq(-3, 7), Z), Hadamard(Z, Z), Zero((3,))))
        for ball, f in zip(reading.value(combined)[0], logits, strict=True):
            assert holds(ball, M.mpf(f) ** 2 - 3 * M.mpf(f) / 7)


finite = st.floats(-1e150, 1e150)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(finite, min_size=1, max_size=4), min_size=1, max_size=3))
def test_norms_and_largest_entries_enclose(rows: list[list[float]]) -> None:
    columns = [[arb(v) for v in row] for row in rows]
    with M.workdps(400), ctx.workprec(96):
        for ball, top, row in zip(norms(columns), sup_norms(columns), rows, strict=True):
            assert holds(ball, M.sqrt(sum(M.mpf(v) ** 2 for v in row)))
            assert holds(top, max(abs(M.mpf(v)) for v in row))
            assert ball.is_finite()


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_nan_among_entries_is_not_lost_in_the_largest_entry(place: int) -> None:
    column = [arb(1), arb(2)]
    column.insert(place, arb("nan"))
    with pytest.raises(KernelError):
        float_beyond(sup_norms([column])[0], Side.ABOVE)


def test_a_nan_among_entries_is_not_lost_in_a_norm() -> None:
    for column in ([arb(1), arb("nan")], [arb("nan"), arb(1)], [arb("inf")]):
        with pytest.raises(KernelError):
            float_beyond(norms([column])[0], Side.ABOVE)


def test_shapes_and_unknown_blocks_are_refused() -> None:
    exact = ExactTensor.from_floats
    with pytest.raises(KernelError, match="data of shape"):
        TermBalls({}, {X: exact(np.zeros((2, 4)))})
    with pytest.raises(KernelError, match="data of shape"):
        TermBalls({}, {X: exact(np.zeros((2, 3))), Variable("y", (1,), Role.SAMPLE): exact(np.zeros((3, 1)))})
    with pytest.raises(KernelError, match="tensor of shape"):
        TermBalls({W: exact(np.eye(2))}, {X: exact(np.zeros((2, 3)))}).value(Apply(W, X))
    with pytest.raises(KernelError, match="tensor of shape"):
        TermBalls({B: exact(np.zeros(4))}, {X: exact(np.zeros((2, 3)))}).value(Sum((B, X)))
    with pytest.raises(KernelError, match="no ball reading"):
        TermBalls({}, {X: exact(np.zeros((2, 3)))}).value(B.as_role(Role.DIRECTION))


# -- directed arrays -----------------------------------------------------------------------------

sizes = st.one_of(st.floats(0, 1e308), st.floats(0, 1e-300), st.just(0.0), st.just(5e-324), st.floats(0, 4))


def fraction(value: Any) -> Fraction:
    return Fraction(float(value))


@settings(max_examples=200, deadline=None)
@given(sizes, sizes)
def test_directed_operations_round_outward(a: float, b: float) -> None:
    first, second = np.array([a]), np.array([b])
    x, y = Fraction(a), Fraction(b)
    with np.errstate(all="ignore"):
        for operation, exact in ((add, x + y), (multiply, x * y)):
            above, below = operation(first, second, Side.ABOVE)[0], operation(first, second, Side.BELOW)[0]
            assert above == np.inf or fraction(above) >= exact
            assert below == np.inf or fraction(below) <= exact or below == np.finfo(float).max
        above, below = root(first, Side.ABOVE)[0], root(first, Side.BELOW)[0]
        assert fraction(above) ** 2 >= x >= fraction(below) ** 2
        assert (multiply(first, np.zeros(1), Side.ABOVE) == 0).all()
        assert multiply(np.array([np.inf]), np.zeros(1), Side.ABOVE)[0] == 0


@settings(max_examples=200, deadline=None)
@given(st.lists(sizes, min_size=1, max_size=6))
def test_directed_means_are_outward(values: list[float]) -> None:
    if sum(Fraction(v) for v in values) > Fraction(1.7e308):
        return
    exact = sum((Fraction(v) for v in values), Fraction(0)) / len(values)
    above, below = mean_beyond(np.array(values), Side.ABOVE), mean_beyond(np.array(values), Side.BELOW)
    assert Fraction(int(above.p), int(above.q)) >= exact >= Fraction(int(below.p), int(below.q))


@settings(max_examples=200, deadline=None)
@given(st.fractions(min_value=0), st.integers(-1200, 1200))
def test_directed_floats_lie_beyond_rationals_and_balls(value: Fraction, exponent: int) -> None:
    exact = value * Fraction(2) ** exponent
    rational = fmpq(exact.numerator, exact.denominator)
    above, below = float_beyond(rational, Side.ABOVE), float_beyond(rational, Side.BELOW)
    assert above == np.inf or Fraction(above) >= exact
    assert Fraction(below) <= exact
    ball = arb(rational)
    wide, narrow = float_beyond(ball, Side.ABOVE), float_beyond(ball, Side.BELOW)
    assert wide == np.inf or Fraction(wide) >= exact
    assert narrow == np.inf or Fraction(narrow) <= exact or exact > Fraction(1.7e308)


@pytest.mark.parametrize("bad", [[np.nan], [np.inf], [1.0, np.nan], [1e308, 1e308, 1e308]])
def test_means_refuse_nan_infinity_and_overflow(bad: list[float]) -> None:
    with pytest.raises((KernelError, OverflowError)):
        mean_beyond(np.array(bad), Side.ABOVE)


def test_balls_that_are_not_finite_are_refused() -> None:
    for ball in (arb("nan"), arb("inf"), arb(0, "inf")):
        with pytest.raises(KernelError, match="finite ball"):
            float_beyond(ball, Side.ABOVE)
