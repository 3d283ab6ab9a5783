"""Rules that compute: suprema, norms of tensors, facts about data, bounds averaged over data."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from builders import LE, ONE, TYPED, ZERO, few, le, norm, real, refuses, seeds, smooth, stored
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from meaning import DEFINITIONS, Instance, check, derivatives

from proofs.errors import KernelError
from proofs.kernel.claims import (
    Compare,
    ForSamples,
    IsTensor,
    OperatorNorm,
    SamplesAre,
    Simplex,
    Smooth,
    SupBound,
)
from proofs.kernel.core import Rule, Theorem, infer
from proofs.kernel.rules import (
    Certificate,
    DataNorm,
    DataSimplex,
    Definition,
    FunctionValueBound,
    MeanOverData,
    OperatorNormIntro,
    SmoothAtData,
    SupOfFunction,
    SupOfFunctionBall,
    TensorNorm,
)
from proofs.kernel.scalars import (
    DirectionNorm,
    DistanceNorm,
    FunctionValue,
    Let,
    Norm,
    Poly,
    Root,
    SupNorm,
    number,
)
from proofs.kernel.store import remember, tensor_of
from proofs.kernel.tensors import ExactTensor
from proofs.kernel.terms import Apply, Deriv, Entrywise, Inner, Mean, Named, Role, Variable
from proofs.kernel.univariate import Expression, Piece, Univariate, Unspecified, call, constant
from proofs.network import Dense, Loss, Network, activation
from proofs.theorems.bounds import Data, Derivation
from proofs.theorems.constants import enclosing_number, supremum
from proofs.theorems.readings import at_weights, tensor_norm

TANH, RELU, SILU = activation("tanh"), activation("relu"), activation("silu")
ANY = le(ZERO, ONE)
A = np.array([[1.0, 2.0, 2.0], [3.0, 0.0, -4.0]])
DIGEST = stored(A)
W = Variable("W", (2, 3), Role.PARAMETER)
X, Y = Variable("x", (3,), Role.SAMPLE), Variable("y", (2,), Role.SAMPLE)

# -- SupOfFunction and SupOfFunctionBall ---------------------------------------------------------


def test_sup_of_function_accepts_exact_constants() -> None:
    bound = Root(number(fmpq(16, 27))).poly()  # 4/(3 sqrt 3) = sqrt(16/27)
    theorem = infer(SupOfFunction(TANH, 2, None, bound))
    assert theorem.claim is SupBound(TANH, 2, None, bound)
    assert not theorem.trust
    assert not theorem.hypotheses
    assert infer(SupOfFunction(RELU, -1, None, ONE)).claim is SupBound(RELU, -1, None, ONE)


def test_sup_of_function_ball_accepts_and_says_so() -> None:
    theorem = infer(SupOfFunctionBall(SILU, 1, None, number(fmpq(11, 10))))
    assert theorem.trust == {"arb"}


STEP = Univariate("step", (), (Piece(None, Fraction(0), constant(0)), Piece(Fraction(0), None, constant(1))))


@pytest.mark.parametrize("rule", [SupOfFunction, SupOfFunctionBall])
@pytest.mark.parametrize(
    ("function", "order", "radius", "bound", "match"),
    [
        (TANH, 1, None, number(fmpq(999_999_999, 1_000_000_000)), "could not be shown"),
        (TANH, 0, None, ONE * fmpq(1, 2), "could not be shown"),
        (RELU, 1, number(0), number(fmpq(1, 2)), "could not be shown"),
        (activation("square"), 1, None, number(10**6), "could not be shown|no tail"),
        (STEP, -1, None, ONE, "continuous"),
        (TANH, 1, None, -ONE, "bound >= 0"),
        (TANH, 1, None, ONE + Root(number(2)).poly(), "c or c root"),
        (TANH, 1, None, real("c"), "c or c root"),
        (TANH, 1, None, Root(real("c")).poly(), "c or c root"),
        (TANH, 1, None, Root(number(2)).poly() ** 2, "c or c root"),
        (TANH, 1, None, Root(number(-2)).poly(), "c or c root"),
        (TANH, 1, None, Root(number(2)).poly() * Root(number(3)).poly(), "does not apply"),
        (TANH, 1, number(-1), ONE, "number >= 0"),
        (TANH, 1, real("R"), ONE, "number >= 0"),
        (TANH, 4, None, ONE, "order from -1 to 3"),
        (TANH, -2, None, ONE, "order from -1 to 3"),
        (TANH, 1.0, None, ONE, TYPED),
        (Unspecified("phi"), 1, None, ONE, TYPED),
        (TANH, 1, None, ZERO, "could not be shown"),
    ],
)
def test_sup_of_function_refuses(
    rule: type[Rule], function: Any, order: Any, radius: Any, bound: Any, match: str
) -> None:
    refuses(rule(function, order, radius, bound), match=match)  # type: ignore[call-arg]


@pytest.mark.parametrize("rule", [SupOfFunction, SupOfFunctionBall])
def test_sup_of_function_ball_refuses_a_premise_and_so_does_the_exact_rule(rule: Any) -> None:
    refuses(rule(TANH, 1, None, ONE), ANY, match="expected 0 premises")


def test_sup_of_function_refuses_what_needs_balls() -> None:
    refuses(SupOfFunction(SILU, 1, None, number(2)), match="could not be shown")


# t^-1 for t >= 1 has slope -1 at 1.
def test_sup_of_function_refuses_softplus_whose_values_are_balls() -> None:
    rule = SupOfFunction(activation("softplus"), 0, ZERO, ONE)
    refuses(rule, match="could not be shown")
    assert infer(SupOfFunctionBall(activation("softplus"), 0, ZERO, ONE)).trust == {"arb"}


def test_sup_of_function_refuses_negative_powers() -> None:
    with pytest.raises(KernelError):
        inverse = Expression((((-1, ()), Fraction(1)),))
        pieces = (Piece(None, Fraction(1), constant(1)), Piece(Fraction(1), None, inverse))
        infer(SupOfFunction(Univariate("f", (), pieces), 1, number(2), ZERO))


@few
@given(st.sampled_from(sorted(DEFINITIONS)), st.integers(-1, 3), st.floats(0, 6), seeds)
def test_sup_of_function_holds_numerically(name: str, order: int, radius: float, seed: int) -> None:
    from proofs.theorems.constants import supremum

    theorem = supremum(activation(name), order, Fraction(radius).limit_denominator(50))
    if theorem is not None:
        check(theorem, Instance(seed))


@few
@given(st.sampled_from(["silu", "gelu", "softplus", "tanh"]), st.integers(0, 3), st.floats(0.1, 6))
def test_sup_of_function_ball_holds_numerically(name: str, order: int, point: float) -> None:
    # A bound below a value that is attained is refused, whatever the precision.
    value = abs(derivatives(name, point, order + 1)[order])
    low = number(Fraction(value) * Fraction(999_999, 1_000_000))
    refuses(SupOfFunctionBall(activation(name), order, number(Fraction(point)), low))


# -- FunctionValueBound ----------------------------------------------------------------------------

# gelu'(sqrt 2), gelu''(0), and a value that does not exist.
AT_ROOT = FunctionValue(activation("gelu").derivative_pieces(1)[0].expression, Fraction(1), Fraction(2))
AT_ZERO = FunctionValue(activation("gelu").derivative_pieces(2)[0].expression, Fraction(0), Fraction(1))
NOWHERE = FunctionValue(call("inverse"), Fraction(0), Fraction(1))


def test_function_value_bound_accepts_a_number_above_and_says_so() -> None:
    theorem = infer(FunctionValueBound(AT_ZERO, fmpq(7_978_845_609, 10**10)))
    assert theorem.trust == {"arb"}
    assert theorem.claim == Compare(AT_ZERO.poly(), LE, number(fmpq(7_978_845_609, 10**10)))


@pytest.mark.parametrize(
    ("value", "bound"),
    [(AT_ZERO, fmpq(7_978_845_608, 10**10)), (AT_ROOT, fmpq(1)), (NOWHERE, fmpq(10**9)), (AT_ZERO, fmpq(-1))],
)
def test_function_value_bound_refuses_what_is_not_shown(value: FunctionValue, bound: fmpq) -> None:
    refuses(FunctionValueBound(value, bound))


def test_function_value_bound_refuses_a_premise() -> None:
    refuses(FunctionValueBound(AT_ZERO, fmpq(1)), ANY, match="expected 0 premises")


@few
@given(st.fractions(-3, 3, max_denominator=20), st.fractions("1/5", 5, max_denominator=20), seeds)
def test_function_value_bound_holds_numerically(factor: Fraction, radicand: Fraction, seed: int) -> None:
    value = FunctionValue(activation("silu").derivative_pieces(1)[0].expression, factor, radicand)
    check(enclosing_number(value), Instance(seed))
    sized = enclosing_number(value).claim.right.constant()  # type: ignore[attr-defined]
    refuses(FunctionValueBound(value, sized * fmpq(10**9 - 1, 10**9)))


@pytest.mark.parametrize("name", ["gelu", "silu"])
def test_sup_of_function_ball_accepts_constants_that_are_attained(name: str) -> None:
    order = 2
    theorem = supremum(activation(name), order)
    assert theorem is not None
    assert isinstance(theorem.rule, SupOfFunctionBall) and theorem.rule.peaks
    # The same constant is not shown without the points at which it is attained, nor at others.
    rule = theorem.rule
    for peaks in ((), ((Fraction(1), Fraction(1)),)):
        refuses(SupOfFunctionBall(rule.function, order, None, rule.bound, peaks), match="could not be shown")


def test_sup_of_function_ball_refuses_peaks_of_secants_and_imaginary_points() -> None:
    gelu = activation("gelu")
    for order, point in ((-1, (Fraction(0), Fraction(1))), (2, (Fraction(1), Fraction(-2)))):
        refuses(SupOfFunctionBall(gelu, order, None, number(2), (point,)), match="expected peaks")


# -- TensorNorm --------------------------------------------------------------------------------


def test_tensor_norm_accepts_a_bound() -> None:
    theorem = infer(TensorNorm(W, DIGEST, fmpq(52, 10)))
    assert theorem.claim is Compare(norm(W), LE, number(fmpq(52, 10)))
    assert theorem.hypotheses == {IsTensor(W, DIGEST)}
    vector = Variable("v", (2,), Role.REFERENCE)
    assert infer(TensorNorm(vector, stored([3.0, 4.0]), fmpq(5))).hypotheses


@pytest.mark.parametrize(
    ("variable", "digest", "bound", "match"),
    [
        (W, DIGEST, fmpq(514, 100), "could not be shown"),
        (W, DIGEST, fmpq(-6), "could not be shown"),
        (Variable("W", (3, 2), Role.PARAMETER), DIGEST, fmpq(9), "tensor of shape"),
        (Variable("W", (6,), Role.PARAMETER), DIGEST, fmpq(9), "tensor of shape"),
        (Variable("W", ("m", "n"), Role.PARAMETER), DIGEST, fmpq(9), "tensor of shape"),
        (Variable("W", (2, 3), Role.SAMPLE), DIGEST, fmpq(9), "a parameter or a reference"),
        (Variable("W", (2, 3), Role.DIRECTION), DIGEST, fmpq(9), "a parameter or a reference"),
        (W, "0" * 64, fmpq(9), "to be at hand"),
        (W, DIGEST, 9.5, TYPED),
        (W, DIGEST, float("nan"), TYPED),
        (W, DIGEST, float("inf"), TYPED),
    ],
)
def test_tensor_norm_refuses(variable: Variable, digest: str, bound: Any, match: str) -> None:
    refuses(TensorNorm(variable, digest, bound), match=match)


def test_tensor_norm_refuses_a_premise() -> None:
    refuses(TensorNorm(W, DIGEST, fmpq(9)), ANY, match="expected 0 premises")


@few
@given(st.integers(1, 4), st.integers(1, 4), seeds, st.sampled_from([1e-8, 1.0, 1e8]))
def test_tensor_norm_holds_numerically(rows: int, columns: int, seed: int, scale: float) -> None:
    array = scale * np.random.default_rng(seed).normal(size=(rows, columns))
    variable = Variable("W", (rows, columns), Role.PARAMETER)
    theorem = tensor_norm(variable, ExactTensor.from_floats(array))
    check(theorem, Instance(seed, values={variable: array}))


# -- DataNorm, DataSimplex -----------------------------------------------------------------------

INPUTS = stored(A)
TARGETS = stored([[0.25, 0.75], [1.0, 0.0]])
SAMPLES, DIGESTS = (X, Y), (INPUTS, TARGETS)


def test_data_norm_accepts_the_largest_norm() -> None:
    theorem = infer(DataNorm(SAMPLES, DIGESTS, X, fmpq(5)))
    assert theorem.claim is ForSamples(SAMPLES, Compare(norm(X), LE, number(5)))
    assert theorem.hypotheses == {SamplesAre(SAMPLES, DIGESTS)}


@pytest.mark.parametrize(
    ("samples", "digests", "part", "bound", "match"),
    [
        (SAMPLES, DIGESTS, X, fmpq(5) - fmpq(1, 10**30), "norm above"),
        (SAMPLES, DIGESTS, X, fmpq(-5), "norm above"),
        (SAMPLES, DIGESTS, Variable("x", (4,), Role.SAMPLE), fmpq(9), "does not apply"),
        (SAMPLES, DIGESTS, W, fmpq(9), "does not apply"),
        (SAMPLES, (TARGETS, INPUTS), X, fmpq(9), "data of shape"),
        (SAMPLES, (INPUTS,), X, fmpq(9), "digest for every part"),
        ((X, X), DIGESTS, X, fmpq(9), "distinct sample"),
        ((X, W), DIGESTS, X, fmpq(9), "sample variables"),
        (SAMPLES, ("0" * 64, TARGETS), X, fmpq(9), "to be at hand"),
        (SAMPLES, (INPUTS, "y" * 64), X, fmpq(9), "sha256"),
        (SAMPLES, (stored([1.0, 2.0]), TARGETS), X, fmpq(9), "data of shape"),
        (SAMPLES, DIGESTS, X, 9.5, TYPED),
    ],
)
def test_data_norm_refuses(samples: Any, digests: Any, part: Any, bound: Any, match: str) -> None:
    refuses(DataNorm(samples, digests, part, bound), match=match)


@few
@given(seeds)
def test_data_norm_holds_numerically(seed: int) -> None:
    data = np.random.default_rng(seed).normal(size=(3, 3))
    instance = Instance(seed, data={X: data})
    bound = Fraction(float(np.linalg.norm(data, axis=1).max()) * (1 + 1e-12))
    check(infer(DataNorm((X,), (stored(data),), X, fmpq(bound.numerator, bound.denominator))), instance)


def test_data_norm_refuses_a_premise_and_so_does_data_simplex() -> None:
    refuses(DataNorm(SAMPLES, DIGESTS, X, fmpq(5)), ANY, match="expected 0 premises")
    refuses(DataSimplex(SAMPLES, DIGESTS, Y), ANY, match="expected 0 premises")


def test_data_simplex_accepts_probability_vectors() -> None:
    theorem = infer(DataSimplex(SAMPLES, DIGESTS, Y))
    assert theorem.claim is ForSamples(SAMPLES, Simplex(Y))


@pytest.mark.parametrize(
    "rows",
    [
        [[0.5, 0.5], [1.1, -0.1]],
        [[0.1, 0.9], [0.5, 0.5 + 2**-50]],
        [[0.0, 0.0], [1.0, 0.0]],
        [[0.7, 0.2], [1, 0]],
    ],
)
def test_data_simplex_refuses_other_rows(rows: list[list[float]]) -> None:
    refuses(DataSimplex((Y,), (stored(rows),), Y), match="not a probability vector")


def test_data_simplex_refuses_another_shape() -> None:
    refuses(DataSimplex((Y,), (INPUTS,), Y), match="data of shape")


def test_data_simplex_accepts_rationals_that_no_float_is() -> None:
    third = Fraction(1, 3)
    digest = remember(ExactTensor.from_fractions((1, 2), (third, 1 - third)))
    assert infer(DataSimplex((Y,), (digest,), Y))


@few
@given(seeds)
def test_data_simplex_holds_numerically(seed: int) -> None:
    raw = np.random.default_rng(seed).integers(0, 2**20, size=3) / 2**20
    rows = np.stack([raw, 1 - raw], axis=1)
    check(infer(DataSimplex((Y,), (stored(rows),), Y)), Instance(seed, data={Y: rows}))


# -- MeanOverData --------------------------------------------------------------------------------


class Case:
    """A one-layer squared loss with its derivation: F = ||W x - y||^2 / 2."""

    def __init__(self, seed: int = 0, loss: Loss = Loss.HALF_MSE, *layers: Any) -> None:
        rng = np.random.default_rng(seed)
        self.network = Network.of(2, *(layers or (Dense(2, bias=False),)))
        self.work = Derivation(self.network, loss)
        self.weights = [rng.normal(size=p.shape) for p in self.network.parameters()]
        self.x, self.y = rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
        if loss == Loss.CROSS_ENTROPY:
            self.y = np.eye(2)[rng.integers(0, 2, 3)]
        self.digests = (stored(self.x), stored(self.y))
        self.blocks = tuple(
            (v, stored(w)) for v, w in zip(self.work.jet.parameters, self.weights, strict=True)
        )
        self.u = self.work.jet.groups[0].direction
        self.target, self.smooth = self.work.sample.first, self.work.sample.smooth
        self.mean = fmpq(0)
        if not layers:
            residual = self.x @ self.weights[0].T - self.y
            sizes = np.linalg.norm(residual, axis=1) * np.linalg.norm(self.x, axis=1)
            self.mean = fmpq(*Fraction(float(sizes.mean())).as_integer_ratio())

    def rule(self, form: Poly | None = None, **changed: Any) -> MeanOverData:
        fields: dict[str, Any] = {
            "samples": self.work.samples,
            "digests": self.digests,
            "blocks": self.blocks,
        }
        fields |= changed
        return MeanOverData(
            form=self.form(self.mean) * (1 + fmpq(1, 10**9)) if form is None else form, **fields
        )

    def form(self, value: Any) -> Poly:
        return self.u.poly() * value

    def data(self) -> Data:
        return Data(tensor_of(self.digests[0]), tensor_of(self.digests[1]))


CASE = Case()
LOSS_NODE = CASE.work.sample.node


def test_mean_over_data_accepts_a_form_above_the_mean() -> None:
    theorem = infer(CASE.rule(), CASE.target, CASE.smooth)
    mean = Norm(Deriv(Mean(CASE.work.samples, LOSS_NODE), 1)).poly()
    assert theorem.claim.left == mean  # type: ignore[attr-defined]
    assert theorem.trust == {"arb"}
    assert theorem.hypotheses == {
        SamplesAre(CASE.work.samples, CASE.digests), *(IsTensor(v, d) for v, d in CASE.blocks)
    }  # fmt: skip


VARIABLE = CASE.blocks[0][0]
SAMPLE_X, SAMPLE_Y = CASE.work.samples


@pytest.mark.parametrize(
    ("form", "changed", "match"),
    [
        (CASE.form(CASE.mean) * (1 - fmpq(1, 10**9)), {}, "at most the stated form"),
        (ZERO, {}, "at most the stated form"),
        (number(10**6), {}, "at most the stated form"),
        (
            DirectionNorm((Variable("other", (2,), Role.PARAMETER),)).poly() * 10**6,
            {},
            "at most the stated form",
        ),
        (CASE.form(10**6) - norm(VARIABLE), {}, "coefficients >= 0"),
        (None, {"samples": (SAMPLE_X,), "digests": CASE.digests[:1]}, "bind all sample variables"),
        (None, {"samples": (SAMPLE_Y, SAMPLE_X)}, "shape|at most the stated form"),
        (None, {"digests": (CASE.digests[0], stored(np.ones((4, 2))))}, "data of shape"),
        (None, {"digests": (CASE.digests[0], stored(np.ones((3, 3))))}, "data of shape"),
        (None, {"digests": CASE.digests[:1]}, "does not apply"),
        (None, {"blocks": ()}, "does not apply"),
        (None, {"blocks": CASE.blocks * 2}, "one tensor a block"),
        (None, {"blocks": ((VARIABLE, stored(np.ones((2, 3)))),)}, "tensor of shape"),
        (None, {"blocks": ((VARIABLE.as_role(Role.REFERENCE), CASE.blocks[0][1]),)}, "does not apply"),
        (None, {"blocks": (*CASE.blocks, (SAMPLE_X, CASE.blocks[0][1]))}, "a parameter or a reference"),
        (
            None,
            {"digests": (stored(np.full((3, 2), 1e300)), CASE.digests[1])},
            "double precision|finite|at most the stated form",
        ),
    ],
)
def test_mean_over_data_refuses(form: Poly | None, changed: dict[str, Any], match: str) -> None:
    refuses(CASE.rule(form, **changed), CASE.target, CASE.smooth, match=match)


def test_mean_over_data_refuses_other_premises() -> None:
    refuses(CASE.rule(), CASE.target, match="two or more")
    refuses(CASE.rule(), CASE.target, ANY, match="loss is smooth")
    refuses(CASE.rule(), CASE.target, smooth(VARIABLE), match="loss is smooth")
    refuses(CASE.rule(), ANY, CASE.smooth, match="bounds a derivative|does not apply")
    refuses(CASE.rule(), CASE.target, CASE.smooth, le(norm(VARIABLE), ONE), match="every bound")
    negative = le(norm(Deriv(LOSS_NODE, 1)), CASE.u.poly() - norm(VARIABLE))
    refuses(CASE.rule(), negative, CASE.smooth, match="the polynomial")
    maps = le(norm(Deriv(LOSS_NODE, 1)), CASE.u.poly() * norm(VARIABLE))
    refuses(CASE.rule(), maps, CASE.smooth, match="expected a bound for an atom")
    under = le(norm(Deriv(LOSS_NODE, 1)), Root(CASE.u.poly()).poly())
    refuses(CASE.rule(), under, CASE.smooth, match="a number for every sample")


def test_mean_over_data_refuses_a_form_with_a_negative_abbreviation() -> None:
    slack = Let("slack", -CASE.u.poly())
    refuses(CASE.rule(CASE.form(CASE.mean * 2) + slack.poly() * (CASE.mean * 2)), CASE.target, CASE.smooth)


def test_mean_over_data_refuses_a_form_with_a_real_of_unknown_sign() -> None:
    refuses(CASE.rule(CASE.form(CASE.mean * 2) + real("r") * 1000), CASE.target, CASE.smooth)


def test_no_gradient_is_proved_to_vanish() -> None:
    import json

    from proofs.kernel.codec import decode, encode

    slack = Let("slack", -CASE.u.poly())
    form = CASE.form(CASE.mean * 2) + slack.poly() * (CASE.mean * 2)
    try:
        bound = infer(CASE.rule(form), CASE.target, CASE.smooth)
        opened = Certificate(bound.claim.left, ((fmpq(1), (0,), ONE),), ((1, number(CASE.mean * 2)),))  # type: ignore[attr-defined]
        false = infer(OperatorNormIntro(), infer(opened, bound, infer(Definition(slack))))
        decode(json.loads(json.dumps(encode({"G": false}))))
    except KernelError:
        return
    assert isinstance(false.claim, OperatorNorm)
    assert false.claim.bound != ZERO


@settings(max_examples=12, deadline=None)
@given(seeds, st.sampled_from([Loss.HALF_MSE, Loss.MSE, Loss.CROSS_ENTROPY]))
def test_mean_over_data_holds_numerically(seed: int, loss: Loss) -> None:
    case = Case(seed, loss, Dense(3), "tanh", Dense(2))
    tensors = tuple(tensor_of(digest) for _, digest in case.blocks)
    reading = at_weights(case.work, tensors, case.data())
    values = {v: tensor_of(d).to_numpy() for v, d in case.blocks}
    data = dict(zip(case.work.samples, (case.x, case.y), strict=True))
    for theorem in (reading.gradient.theorem, reading.hessian.theorem):
        check(theorem, Instance(seed, values=dict(values), data=dict(data)))


def test_at_weights_counts_entries_whose_ball_is_wide() -> None:
    # z = (1000/3, 1e40/3 - 1e40/3): the second entry is 0, tanh'(0) = 1, but its ball has radius 1e10.
    case = Case(0, Loss.CROSS_ENTROPY, Dense(2, bias=False), "tanh")
    weight = ExactTensor.from_floats(np.array([[1e3, 0.0], [1e40, -1e40]]))
    data = Data(
        ExactTensor.from_floats(np.array([[1 / 3, 1 / 3]])), ExactTensor.from_floats(np.array([[1.0, 0.0]]))
    )

    try:
        reading = at_weights(case.work, (weight,), data)
    except KernelError:
        return
    # The gradient in the second row of W is (p_2 - y_2) tanh'(0) x, p = softmax(1, 0).
    true = (1 / (1 + np.e)) * np.sqrt(2) / 3
    assert reading.gradient.value >= true


# -- SmoothAtData --------------------------------------------------------------------------------

Z = Named("z", Apply(W, X))
R = Named("h", Entrywise(RELU, 0, Z))
BLOCKS = ((W, DIGEST),)
POINTS = stored([[1.0, 0.0, 0.0], [0.0, 1.0, -1.0]])
KINK = stored([[1.0, 0.0, 0.0], [4.0, 0.0, 3.0]])
SMOOTH_Z = smooth(Z)


def test_smooth_at_data_accepts_points_off_the_kinks() -> None:
    theorem = infer(SmoothAtData((X,), (stored([[1.0, 0.0, 0.0], [0.0, 1.0, 0.5]]),), BLOCKS, R), SMOOTH_Z)
    assert theorem.claim is ForSamples((X,), Smooth(R, 2))
    assert ForSamples((X,), Smooth(Z, 2)) in theorem.hypotheses


@pytest.mark.parametrize(
    ("digest", "blocks", "term", "premise", "match"),
    [
        (KINK, BLOCKS, R, SMOOTH_Z, "may lie on a kink"),
        (POINTS, BLOCKS, R, SMOOTH_Z, "may lie on a kink"),
        (INPUTS, BLOCKS, R, smooth(Z, 1), "twice differentiable"),
        (INPUTS, BLOCKS, R, smooth(R), "twice differentiable"),
        (INPUTS, BLOCKS, R, ANY, "twice differentiable"),
        (INPUTS, BLOCKS, Z, SMOOTH_Z, "function given by pieces"),
        (
            INPUTS,
            BLOCKS,
            Named("h", Entrywise(Unspecified("phi"), 0, Z)),
            SMOOTH_Z,
            "function given by pieces",
        ),
        (INPUTS, BLOCKS, Named("h", Entrywise(RELU, 1, Z)), SMOOTH_Z, "function given by pieces"),
        (INPUTS, (), R, SMOOTH_Z, "does not apply"),
        (INPUTS, BLOCKS * 2, R, SMOOTH_Z, "one tensor a block"),
    ],
)
def test_smooth_at_data_refuses(digest: str, blocks: Any, term: Any, premise: Theorem, match: str) -> None:
    refuses(SmoothAtData((X,), (digest,), blocks, term), premise, match=match)


def test_smooth_at_data_refuses_no_premise() -> None:
    refuses(SmoothAtData((X,), (INPUTS,), BLOCKS, R), match="expected 1 premises")


@few
@given(seeds)
def test_smooth_at_data_holds_numerically(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weight, data = rng.normal(size=(2, 3)), rng.normal(size=(3, 3))
    theorem = infer(SmoothAtData((X,), (stored(data),), ((W, stored(weight)),), R), SMOOTH_Z)
    check(theorem, Instance(seed, values={W: weight}, data={X: data}))
    assert np.abs(data @ weight.T).min() > 0


def test_max_entries_at_a_kink_count_both_sides() -> None:
    # relu'(0) is 0 or 1: the larger counts.
    f = Named("f", Inner(R, Y))
    right = SupNorm(Entrywise(RELU, 1, Z)).poly() * DirectionNorm((W,)).poly()
    bound = le(norm(Deriv(f, 1)), right)
    zero = stored([[0.0, 0.0, 0.0]])
    digests = (zero, stored([[1.0, 1.0]]))
    u = DirectionNorm((W,)).poly()
    refuses(
        MeanOverData((X, Y), digests, BLOCKS, u * fmpq(1, 2)), bound, smooth(f), match="at most the stated"
    )
    assert infer(MeanOverData((X, Y), digests, BLOCKS, u * (1 + fmpq(1, 2**20))), bound, smooth(f))
    assert DistanceNorm((W,)).poly() != u
