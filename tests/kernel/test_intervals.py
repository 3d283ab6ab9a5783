"""Certified suprema of activations: right constants, refused when lowered, outward balls."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import mpmath
import pytest
from flint import arb, ctx, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from meaning import DEFINITIONS, derivatives

from proofs.errors import KernelError
from proofs.kernel.ceilings import Attained, RootOf, ceiling_ball
from proofs.kernel.claims import SupBound
from proofs.kernel.core import infer
from proofs.kernel.domains import check_analytic, check_continuity, jumps
from proofs.kernel.exact_values import SurdPoint, exact_value
from proofs.kernel.intervals import evaluate
from proofs.kernel.kinks import PieceReading
from proofs.kernel.ratios import generator_range
from proofs.kernel.rules import Assume, MeanValue, SmoothByParts, SupOfFunction, SupOfFunctionBall
from proofs.kernel.scalars import FunctionValue, Poly, Root, number
from proofs.kernel.suprema import certify_supremum, is_bounded
from proofs.kernel.terms import Entrywise, Named, Role, Variable
from proofs.kernel.univariate import Call, Expression, Piece, Univariate, argument, call, constant, piecewise
from proofs.network import CATALOGUE, activation
from proofs.theorems.constants import supremum

M = mpmath.mp
T = argument()
RADII = [None, Fraction(0), Fraction(1, 3), Fraction(3), Fraction(10)]


def constant_of(name: str, order: int, radius: Fraction | None) -> Poly | None:
    theorem = supremum(activation(name), order, radius)
    return None if theorem is None else theorem.claim.bound  # type: ignore[attr-defined]


def as_float(bound: Poly) -> float:
    total = 0.0
    for monomial, coefficient in bound.terms.items():
        part = int(coefficient.p) / int(coefficient.q)
        for atom, exponent in monomial:
            if isinstance(atom, FunctionValue):
                value = ceiling_ball(Attained(atom.expression, SurdPoint(atom.factor, atom.radicand)))
                part *= float(value.mid()) ** exponent
                continue
            assert isinstance(atom, Root)
            radicand = atom.radicand.constant()
            assert radicand is not None
            part *= math.sqrt(int(radicand.p) / int(radicand.q)) ** exponent
        total += part
    return total


def test_every_activation_of_the_catalogue_is_written_down_here_too() -> None:
    assert set(DEFINITIONS) == set(CATALOGUE)


KNOWN = [
    ("tanh", 2, 4 / (3 * math.sqrt(3))), ("tanh", 1, 1.0), ("tanh", 0, 1.0), ("tanh", -1, 1.0), ("tanh", 3, 2.0),  # noqa: E501
    ("sigmoid", 1, 0.25), ("sigmoid", 2, 1 / (6 * math.sqrt(3))), ("sigmoid", -1, 0.25), ("sigmoid", 3, 0.125),  # noqa: E501
    ("gelu", 1, (1 + math.erf(1)) / 2 + math.exp(-1) / math.sqrt(math.pi)), ("gelu", 2, math.sqrt(2 / math.pi)),  # noqa: E501
    ("gelu", -1, 1.0), ("silu", 2, 0.5), ("silu", -1, 1.0), ("silu", 1, 1.0998393201288669),
    ("elu", 1, 1.0), ("elu", 2, 1.0), ("elu", -1, 1.0), ("softplus", 1, 1.0), ("softplus", 2, 0.25),
    ("softplus", 3, 1 / (6 * math.sqrt(3))), ("relu", 1, 1.0), ("relu", 2, 0.0), ("relu", -1, 1.0),
    ("leaky_relu", 1, 1.0), ("abs", 1, 1.0), ("identity", 1, 1.0), ("identity", 2, 0.0), ("square", 2, 2.0),
    ("relu6", 0, 6.0), ("hardtanh", 0, 1.0), ("hardsigmoid", 1, 1 / 6), ("hardsigmoid", 0, 1.0),
    ("hardswish", 1, 1.5), ("hardswish", 2, 1 / 3), ("hardswish", -1, 1.0), ("sin", 0, 1.0), ("sin", 2, 1.0),
    ("softsign", 0, 1.0), ("softsign", 1, 1.0), ("softsign", 2, 2.0), ("softsign", 3, 6.0),
    ("mish", -1, 1.0), ("mish", 1, 1.0884981612517278), ("gelu_tanh", -1, 1.0),
    ("sign", 0, 1.0), ("sign", 1, 0.0),
    ("round", -1, 2.0), ("round", 1, 0.0), ("triangle", 0, 1.0), ("triangle", 1, 1.0), ("abs_sin", 1, 1.0),
    ("gelu", 3, 0.7787696350557322),
    ("celu", 1, 1.0), ("selu", 1, 1.0507009873554805 * 1.6732632423543772), ("selu", 2, 1.7580993408473766),
]  # fmt: skip


@pytest.mark.parametrize(("name", "order", "value"), KNOWN)
def test_known_constants_on_all_of_r_are_found(name: str, order: int, value: float) -> None:
    bound = constant_of(name, order, None)
    assert bound is not None
    assert value * (1 - 1e-15) <= as_float(bound) <= value * (1 + 1e-10)


@pytest.mark.parametrize(("name", "order", "value"), [row for row in KNOWN if row[2] > 0])
def test_known_constants_are_refused_when_lowered(name: str, order: int, value: float) -> None:
    lowered = number(Fraction(value) * (1 - Fraction(1, 10**9)))
    with pytest.raises(KernelError):
        infer(SupOfFunctionBall(activation(name), order, None, lowered))


@pytest.mark.parametrize(("name", "order"), [("tanh", 2), ("sigmoid", 2)])
def test_algebraic_constants_are_exact(name: str, order: int) -> None:
    theorem = supremum(activation(name), order)
    assert theorem is not None
    assert not theorem.trust
    assert theorem.claim.bound.constant() is None  # type: ignore[attr-defined]


UNBOUNDED = [("relu", 0), ("identity", 0), ("square", 1), ("square", -1), ("elu", 0), ("softplus", 0), ("gelu", 0),  # noqa: E501
             ("silu", 0), ("abs", 0), ("hardswish", 0), ("selu", 0), ("celu", 0), ("leaky_relu", 0), ("square", 0)]  # fmt: skip  # noqa: E501


@pytest.mark.parametrize(("name", "order"), UNBOUNDED)
def test_unbounded_functions_have_no_constant_on_all_of_r(name: str, order: int) -> None:
    assert supremum(activation(name), order) is None
    with pytest.raises(KernelError):
        infer(SupOfFunctionBall(activation(name), order, None, number(10**12)))


# A kink and the distance to the next one, of functions with infinitely many.
PERIODS = {"round": (0.5, 1.0), "triangle": (0.0, 2.0), "abs_sin": (0.0, math.pi)}
# No constant: sign jumps at 0, where its secant slope is infinite.
INFINITE = {("sign", -1)}


def sampled(name: str, order: int, radius: Fraction | None) -> float:
    """The largest of many values, one-sided limits at kinks included."""
    kinks = [float(kink) for kink, _ in DEFINITIONS[name] if kink is not None]
    end = 12.0 if radius is None else float(radius)
    points = [end * k / 40 for k in range(-40, 41)]
    points += [k + s * 1e-9 for k in kinks if abs(k) <= end for s in (-1, 1)]
    if name in PERIODS:
        first, length = PERIODS[name]
        points = [t for t in points if abs((t - first + length / 2) % length - length / 2) > 1e-6]
    if order == -1:
        start = derivatives(name, 1e-30, 1)[0]
        return max(
            (abs(derivatives(name, t, 1)[0] - start) / abs(t) for t in points if abs(t) > 1e-3), default=0.0
        )
    return max((abs(derivatives(name, t, order + 1)[order]) for t in points if t not in kinks), default=0.0)


@pytest.mark.parametrize("radius", RADII)
@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_constants_of_the_catalogue_hold_and_are_tight(name: str, radius: Fraction | None) -> None:
    for order in (-1, 0, 1, 2):
        bound = constant_of(name, order, radius)
        if bound is None:
            assert radius is None or (name, order) in INFINITE
            continue
        found = sampled(name, order, radius)
        assert as_float(bound) >= found * (1 - 1e-7) - 1e-8
        if radius is not None and order >= 0:
            # The grid misses the maximum by the step at most; at radius 0 by nothing.
            # The range of sin and cos is taken to be [-1, 1] whatever the radius, and functions with
            # a period are looked at over a whole one.
            assert name in ("sin", *PERIODS) or as_float(bound) <= found + 3.0 * float(radius) / 40 + 1e-6


@pytest.mark.parametrize("radius", RADII[2:])
@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_constants_within_a_radius_are_refused_when_lowered(name: str, radius: Fraction) -> None:
    for order in (0, 1, 2):
        bound = constant_of(name, order, radius)
        assert bound is not None
        value = as_float(bound)
        if value > 0:
            lowered = Fraction(value) * (1 - Fraction(1, 10**9))
            square = fmpq(lowered.numerator, lowered.denominator) ** 2
            with pytest.raises(KernelError):
                certify_supremum(activation(name), order, radius, RootOf(square))


def test_parameters_of_activations_enter_their_constants() -> None:
    def values(name: str, **parameters: Any) -> list[float]:
        found = [supremum(activation(name, **parameters), order) for order in (1, 2)]
        return [as_float(t.claim.bound) for t in found if t is not None]  # type: ignore[attr-defined]

    assert values("elu", alpha=3) == pytest.approx([3, 3], rel=1e-11)
    assert values("elu", alpha="1/4") == pytest.approx([1, 0.25], rel=1e-11)
    assert values("leaky_relu", slope=-2) == pytest.approx([2, 0], rel=1e-11)
    assert values("softplus", beta=4) == pytest.approx([1, 1], rel=1e-11)
    assert values("celu", alpha=2) == pytest.approx([1, 0.5], rel=1e-11)


# -- refusals ----------------------------------------------------------------------------------


def refused(
    expression: Expression, lower: Fraction | None, upper: Fraction | None, bound: int = 10**9
) -> bool:
    try:
        return not is_bounded(expression, lower, upper, RootOf(fmpq(bound) ** 2))
    except KernelError:
        return True


HALF_LINES: list[Expression] = [
    T, T * call("sigmoid"), call("exp"), call("softplus"), T * T * call("normal_pdf") + T, T * call("sin"),
    T * T * call("tanh"), T * call("sin") * call("cos"), call("normal_cdf", Fraction(1, 100)) * T.scaled(Fraction(1)),  # noqa: E501
    call("exp", -1) * T + call("exp", Fraction(1, 10**6)), T.power(60) * call("exp", Fraction(-1, 4)),
]  # fmt: skip


@pytest.mark.parametrize("expression", HALF_LINES)
def test_half_lines_without_a_tail_argument_are_refused(expression: Expression) -> None:
    assert refused(expression, Fraction(0), None)


def test_tails_count_their_limit() -> None:
    silu_slope = call("sigmoid") + T * call("sigmoid") * (constant(1) + call("sigmoid").scaled(Fraction(-1)))
    assert not refused(silu_slope, Fraction(10), None, 2)
    assert not is_bounded(silu_slope, Fraction(16), None, RootOf(fmpq(1)))  # above 1, below 1 + 1e-5
    assert is_bounded(silu_slope, Fraction(16), None, RootOf(fmpq(100_001, 100_000)))
    assert is_bounded(silu_slope, Fraction(40), None, RootOf(fmpq(100_001, 100_000)))
    assert not is_bounded(silu_slope, None, Fraction(-40), RootOf(fmpq(0)))


@pytest.mark.parametrize(
    ("left", "right", "kink"),
    [(constant(0), constant(1), 0), (T, T.scaled(Fraction(2)), 1), (call("exp"), T + constant(3), 1),
     (constant(0), T + constant(Fraction(1, 10**30)), 0)],
)  # fmt: skip
def test_kinks_at_which_pieces_differ_are_refused(left: Expression, right: Expression, kink: int) -> None:
    function = piecewise("f", {}, [Fraction(kink)], [left, right])
    slope = infer(Assume(SupBound(function, 1, None, number(10**6))))
    for refused in (lambda: check_continuity(function), lambda: infer(MeanValue(), slope)):
        with pytest.raises(KernelError, match="continuous"):
            refused()


def test_a_value_of_its_own_at_a_kink_is_a_jump() -> None:
    hat = piecewise("f", {}, [0], [constant(0), constant(0)], {Fraction(0): Fraction(1)})
    assert hat.kinks == (0,) and jumps(hat) == (0,)
    assert constant_value(hat, 0) == 1  # |f| <= 1, attained at the kink alone
    assert supremum(hat, -1) is None  # |f(t) - f(0)| / |t| has no bound near 0


def constant_value(function: Univariate, order: int) -> Fraction:
    theorem = supremum(function, order)
    assert theorem is not None
    value = theorem.claim.bound.constant()  # type: ignore[attr-defined]
    return Fraction(int(value.p), int(value.q))


@pytest.mark.parametrize(
    ("expression", "lower"),
    [(T * call("inverse", T), None), (call("inverse", T), None), (call("sqrt", T), Fraction(0)),
     (call("log", T + constant(-1)), Fraction(0)), (call("inverse", call("sin")), None),
     (call("inverse", call("tanh") + constant(Fraction(-1, 2))), None)],
)  # fmt: skip
def test_pieces_that_are_not_analytic_are_refused(expression: Expression, lower: Fraction | None) -> None:
    pieces = [expression] if lower is None else [constant(0), expression]
    function = piecewise("f", {}, [] if lower is None else [lower], pieces)
    with pytest.raises(KernelError, match="analytic"):
        check_analytic(function)
    # t/t is 1 wherever it has a value, but it has none at 0.
    with pytest.raises(KernelError, match="analytic"):
        infer(SupOfFunction(function, 0, None, number(10**6)))
    with pytest.raises(KernelError, match=r"analytic|kinks"):
        infer(SmoothByParts(Named("h", Entrywise(function, 0, Variable("v", (1,), Role.SAMPLE))), 2))


def test_pieces_with_roots_logarithms_and_quotients_are_accepted_where_they_are_analytic() -> None:
    square = T * T + constant(1)
    for expression in (call("sqrt", square), call("log", square), call("inverse", square),
                       call("inverse", call("exp") + constant(1)),
                       call("log", call("softplus") + constant(1)),
                       call("sqrt", call("tanh") + constant(2))):  # fmt: skip
        check_analytic(piecewise("f", {}, [], [expression]))


def test_pieces_must_cover_the_line() -> None:
    half, whole = Fraction(1, 2), constant(1)
    for pieces in [(), (Piece(None, half, whole),), (Piece(half, None, whole),),
                   (Piece(None, Fraction(0), whole), Piece(half, None, whole)),
                   (Piece(None, half, whole), Piece(half, half, T), Piece(half, None, whole)),
                   (Piece(None, half, whole), Piece(half, Fraction(0), T), Piece(Fraction(0), None, whole))]:  # fmt: skip  # noqa: E501
        with pytest.raises(KernelError):
            Univariate("f", (), pieces)


def test_constants_at_a_kink_count_both_sides() -> None:
    # |t| <= 3 for hardswish ends at its kinks: the outer slope is 1, the inner 3/2.
    hardswish = activation("hardswish")
    certify_supremum(hardswish, 1, Fraction(3), RootOf(fmpq(9, 4)))
    with pytest.raises(KernelError):
        certify_supremum(activation("hardtanh"), 1, Fraction(1, 2), RootOf(fmpq(99, 100)))
    # relu at radius 0 has both slopes.
    with pytest.raises(KernelError):
        certify_supremum(activation("relu"), 1, Fraction(0), RootOf(fmpq(99, 100)))
    # relu6 on |t| <= 6 reaches its outer piece in one point only.
    certify_supremum(activation("relu6"), 0, Fraction(6), RootOf(fmpq(36)))


# -- rounding ------------------------------------------------------------------------------------

EXPRESSIONS: dict[str, tuple[Expression, Any]] = {
    "gelu": (T * call("normal_cdf"), lambda t: t * (1 + M.erf(t / M.sqrt(2))) / 2),
    "pdf": (call("normal_pdf", Fraction(2)), lambda t: M.exp(-2 * t * t) / M.sqrt(2 * M.pi)),
    "softplus": (call("softplus", Fraction(1, 3)), lambda t: M.log(1 + M.exp(t / 3))),
    "sigmoid": (call("sigmoid", Fraction(-5)), lambda t: 1 / (1 + M.exp(5 * t))),
    "mixed": (T.power(3) * call("tanh").power(2) + call("exp").scaled(Fraction(-1, 7)),
              lambda t: t**3 * M.tanh(t) ** 2 - M.exp(t) / 7),
    "waves": (call("sin", Fraction(3)) * call("cos"), lambda t: M.sin(3 * t) * M.cos(t)),
}  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(EXPRESSIONS)), st.fractions(-30, 30, max_denominator=1000),
       st.sampled_from([0.0, 1e-12, 1e-3, 1.0]), st.sampled_from([30, 53, 96]))  # fmt: skip
def test_balls_contain_values_at_sixty_digits(name: str, point: Fraction, radius: float, bits: int) -> None:
    expression, function = EXPRESSIONS[name]
    with ctx.workprec(bits):
        middle = arb(fmpq(point.numerator, point.denominator))
        ball = evaluate(expression, middle + arb(0, radius))
    with M.workdps(60):
        for shift in (-1, 0, Fraction(1, 3), 1):
            at = M.mpf(point.numerator) / point.denominator + M.mpf(radius) * M.mpf(float(shift))
            assert not ball.is_finite() or contains(ball, function(at))


def contains(ball: arb, value: Any) -> bool:
    with ctx.workprec(300):
        return bool(
            ball.contains(arb(mpmath.nstr(value, 58)) + arb(0, 1e-55))
            or ball.overlaps(arb(mpmath.nstr(value, 58)))
        )


@pytest.mark.parametrize("order", range(4))
@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_derivatives_of_pieces_agree_with_numerical_differentiation(name: str, order: int) -> None:
    function = activation(name)
    for point in (-4.3, -2.2, -0.7, 0.4, 1.9, 3.6, 7.1):
        value = PieceReading(function, order).value(arb(point))
        assert float(value.mid()) == pytest.approx(
            derivatives(name, point, order + 1)[order], rel=1e-9, abs=1e-11
        )


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["tanh", "sigmoid", "exp", "normal_cdf", "sin", "softplus"]), st.sampled_from([-3, -1, 1, 2]),  # noqa: E501
       st.fractions(-8, 8, max_denominator=30), st.fractions(-8, 8, max_denominator=30), st.booleans())  # fmt: skip  # noqa: E501
def test_ranges_of_generators_contain_their_values(
    name: str, rate: int, one: Fraction, two: Fraction, balls: bool
) -> None:
    lower, upper = min(one, two), max(one, two)
    functions: dict[str, Any] = {
        "tanh": M.tanh, "sigmoid": lambda x: 1 / (1 + M.exp(-x)), "exp": M.exp, "sin": M.sin,
        "normal_cdf": lambda x: (1 + M.erf(x / M.sqrt(2))) / 2, "softplus": lambda x: M.log(1 + M.exp(x)),
    }  # fmt: skip
    found = generator_range(Call(name, T.scaled(Fraction(rate))), lower, upper, balls=balls)
    if found is None:
        assert not balls
        return
    ends = (found.lower, found.upper)
    low, high = (Fraction(10**9 * (-1) ** (i + 1)) if e is None else Fraction(int(e.p), int(e.q)) for i, e in enumerate(ends))  # noqa: E501
    with M.workdps(40):
        for k in range(9):
            t = M.mpf(lower.numerator) / lower.denominator
            t += (M.mpf(upper.numerator) / upper.denominator - t) * k / 8
            value = functions[name](rate * t)
            assert M.mpf(low.numerator) / low.denominator <= value + M.mpf(10) ** -35
            assert value <= M.mpf(high.numerator) / high.denominator + M.mpf(10) ** -35


def test_exact_values_are_given_where_they_are_rational() -> None:
    assert exact_value(call("exp") * T + constant(3), Fraction(0)) == 3
    assert exact_value(call("exp"), Fraction(1)) is None
    assert exact_value(call("softplus"), Fraction(0)) is None
    assert exact_value(call("sigmoid").power(2), Fraction(0)) == Fraction(1, 4)


@pytest.mark.parametrize("left", list(itertools.product([0.0, 1.0], [float("nan"), float("inf")])))
def test_nan_and_infinity_show_nothing(left: tuple[float, float]) -> None:
    assert not (arb(left[0], left[1]).tanh() <= arb(2)) or math.isinf(left[1])
    assert not abs(arb(left[1])) <= arb(10**9)
