"""Rows and bounds in symbols: valid at random numbers, attained, and equal to the bounds in numbers."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.kernel.claims import Compare, OperatorNorm
from proofs.kernel.core import Theorem
from proofs.kernel.scalars import DirectionNorm, Let, Norm, Poly, Real, Root, SupNorm
from proofs.kernel.terms import Entrywise, Named, Variable
from proofs.network import Dense, Loss, Network
from proofs.theorems.bounds import Box, Derivation
from proofs.theorems.rows import activation_in_symbols, affine_in_symbols, loss_in_symbols
from proofs.theorems.two_layers import jet_one, two_layer_bounds

NUMBERS = st.floats(-3, 3, allow_nan=False).map(lambda value: round(value, 3))
AFFINE, ACTIVATION, JET_ONE, BOUNDS = (
    affine_in_symbols(), activation_in_symbols(), jet_one(), two_layer_bounds(),
)  # fmt: skip


def value(poly: Poly, values: dict[str, float]) -> float:
    """The polynomial in floats; norms are looked up by the name of the vector, as `|name|`."""
    total = 0.0
    for monomial, coefficient in poly.terms.items():
        term = float(Fraction(int(coefficient.p), int(coefficient.q)))
        for inner, exponent in monomial:
            term *= _atom(inner, values) ** exponent
        total += term
    return total


def _atom(inner: object, values: dict[str, float]) -> float:
    match inner:
        case Real(name=name):
            return values[name]
        case Let(body=body):
            return value(body, values)
        case Root(radicand=radicand):
            return math.sqrt(max(value(radicand, values), 0.0))
        case Norm(term=Variable(name=name) | Named(name=name)):
            return values[f"|{name}|"]
        case SupNorm(term=Entrywise(order=order, vector=Named(name=name))):
            return values[f"phi{order}({name})"]
        case DirectionNorm(members=members):
            return math.sqrt(sum(values[f"u_{member.name}"] ** 2 for member in members))
        case _:
            raise TypeError(type(inner).__name__)


def right(theorem: Theorem, values: dict[str, float]) -> float:
    claim = theorem.claim
    assert isinstance(claim, Compare | OperatorNorm)
    return value(claim.right if isinstance(claim, Compare) else claim.bound, values)


def entry(theorem: Theorem, name: str) -> Poly:
    """The body of the abbreviation of that name in the theorem's hypotheses or bound."""
    polys = [theorem.claim.bound]
    polys += [side for h in theorem.hypotheses if isinstance(h, Compare) for side in (h.left, h.right)]
    found = {a.body for poly in polys for a in _lets(poly) if a.name == name}
    (body,) = found
    return body


def _lets(poly: Poly) -> list[Let]:
    inner = [a.radicand for a in poly.atoms() if isinstance(a, Root)]
    return [a for a in poly.atoms() if isinstance(a, Let)] + [let for p in inner for let in _lets(p)]


class Scalar:
    """Z_2 = w_2 tanh(w_1 x + b_1) + b_2 with width 1, its derivatives along a direction by hand."""

    def __init__(self, weights: tuple[float, ...], direction: tuple[float, ...]) -> None:
        (w1, b1, w2, b2, x), (u1, c1, u2, c2) = weights, direction
        z1 = w1 * x + b1
        h1, slope = math.tanh(z1), 1 - math.tanh(z1) ** 2
        bend = -2 * h1 * slope
        dz1 = u1 * x + c1
        self.z2 = w2 * h1 + b2
        self.dz2 = w2 * slope * dz1 + u2 * h1 + c2
        self.ddz2 = w2 * bend * dz1**2 + 2 * u2 * slope * dz1
        self.values = {
            "|x|": abs(x), "|W2|": abs(w2), "|h1|": abs(h1), "s": abs(w2), "c": abs(b2), "a": abs(h1),
            "u_W1": u1, "u_b1": c1, "u_W2": u2, "u_b2": c2, "phi1(z1)": slope, "phi2(z1)": abs(bend),
        }  # fmt: skip


def below(left: float, bound: float) -> bool:
    return left <= bound * (1 + 1e-9) + 1e-12


@given(st.tuples(*[NUMBERS] * 5), st.tuples(*[NUMBERS] * 4))
def test_the_affine_row_holds(weights, direction):
    net = Scalar(weights, direction)
    assert below(abs(net.z2), right(AFFINE["value"], net.values))
    assert below(abs(net.dz2), right(AFFINE["first"], net.values))
    assert below(abs(net.ddz2), right(AFFINE["second"], net.values))


def test_the_affine_row_is_attained():
    # All terms of one sign, and the direction of Cauchy-Schwarz: u_W2 : u_b2 = h_1 : 1.
    h1 = math.tanh(1.0)
    net = Scalar((0.5, 0.5, 2.0, 0.0, 1.0), (1.0, 1.0, h1, 1.0))
    assert abs(net.dz2) == pytest.approx(right(AFFINE["first"], net.values), rel=1e-12)
    # tanh'' < 0 there: with w_2 < 0 both terms of the second derivative have one sign; no bias in
    # the second layer's direction, since the row bounds ||u_W2|| by ||(u_W2, u_b2)||.
    net = Scalar((0.5, 0.5, -2.0, 0.0, 1.0), (1.0, 1.0, 1.0, 0.0))
    assert abs(net.ddz2) == pytest.approx(right(AFFINE["second"], net.values), rel=1e-12)


@given(st.tuples(*[NUMBERS] * 5), st.tuples(*[NUMBERS] * 4))
def test_the_activation_row_holds(weights, direction):
    net = Scalar(weights, direction)
    slope = 1 - math.tanh(net.z2) ** 2
    bend = -2 * math.tanh(net.z2) * slope
    values = net.values | {"beta": slope, "gamma": abs(bend)}
    assert below(abs(slope * net.dz2), right(ACTIVATION["first"], values))
    second = abs(bend * net.dz2**2 + slope * net.ddz2)
    assert below(second, right(ACTIVATION["second"], values))


@pytest.mark.parametrize("loss", [Loss.MSE, Loss.HALF_MSE], ids=lambda loss: loss.label())
@given(st.tuples(*[NUMBERS] * 5), st.tuples(*[NUMBERS] * 4), NUMBERS)
def test_the_row_of_a_squared_error_holds(loss, weights, direction, y):
    net = Scalar(weights, direction)
    twice = 2 if loss is Loss.MSE else 1
    values = net.values | {"a": abs(net.z2), "m": abs(y)}
    rows = loss_in_symbols(loss)
    residual = net.z2 - y
    assert below(abs(twice * residual * net.dz2), right(rows["first"], values))
    second = abs(twice * (net.dz2**2 + residual * net.ddz2))
    assert below(second, right(rows["second"], values))


@given(st.tuples(*[NUMBERS] * 3))
def test_jet_1_holds_for_two_layers_of_width_1(weights):
    w1, w2, x = weights
    h1, slope = math.tanh(w1 * x), 1 - math.tanh(w1 * x) ** 2
    bend = -2 * h1 * slope
    values = {
        "|x|": abs(x), "|W2|": abs(w2), "|h1|": abs(h1), "phi1(z1)": slope, "phi2(z1)": abs(bend)
    }  # fmt: skip
    assert below(math.hypot(w2 * slope * x, h1), right(JET_ONE["first"], values))
    hessian = np.array([[w2 * bend * x * x, slope * x], [slope * x, 0.0]])
    k11, k12 = (value(entry(JET_ONE["second"], name), values) for name in ("K11", "K12"))
    bound = float(np.linalg.eigvalsh(np.array([[k11, k12], [k12, 0.0]])).max())
    assert below(float(np.abs(np.linalg.eigvalsh(hessian)).max()), bound)


def test_jet_1_is_attained():
    # f = w_2 relu(w_1 x) at w = (1, 1), x = 1: the gradient is (1, 1), the Hessian [[0, 1], [1, 0]].
    values = {"|x|": 1.0, "|W2|": 1.0, "|h1|": 1.0, "phi1(z1)": 1.0, "phi2(z1)": 0.0}
    assert right(JET_ONE["first"], values) == pytest.approx(math.sqrt(2))
    assert value(entry(JET_ONE["second"], "K11"), values) == 0
    assert value(entry(JET_ONE["second"], "K12"), values) == 1


@pytest.mark.parametrize("name", ["relu", "tanh", "sigmoid", "gelu"])
def test_the_bounds_in_symbols_are_those_in_numbers(name):
    network = Network.of(3, Dense(5), name, Dense(2))
    box = Box((Fraction(3, 2), Fraction(2)), (Fraction(1, 2), Fraction(1)))
    reading = Derivation(network, Loss.CROSS_ENTROPY).worst_case(box, Fraction(2))
    constants = {
        "relu": (0.0, 1.0, 0.0),
        "tanh": (0.0, 1.0, 4 / (3 * math.sqrt(3))),
        "sigmoid": (0.5, 0.25, 1 / (6 * math.sqrt(3))),
        "gelu": (0.0, 0.5 * (1 + math.erf(1)) + math.exp(-1) / math.sqrt(math.pi), math.sqrt(2 / math.pi)),
    }[name]
    a, beta, gamma = constants
    values = {"s1": 1.5, "c1": 0.5, "s2": 2.0, "M": 2.0, "a": a, "beta": beta, "gamma": gamma}
    found = right(BOUNDS["G_max"], values)
    cells = [value(entry(BOUNDS["H_max"], key), values) for key in ("K11", "K12", "K22")]
    largest = float(np.linalg.eigvalsh(np.array([cells[:2], cells[1:]])).max())
    if name == "relu":
        assert found == pytest.approx(float(reading.gradient.value), rel=1e-9)
        assert largest == pytest.approx(float(reading.hessian.value), rel=1e-9)
    else:
        # In numbers the smaller of the secant slope and sup|phi| bounds ||h_1||.
        assert found >= float(reading.gradient.value) * (1 - 1e-9)
        assert largest >= float(reading.hessian.value) * (1 - 1e-9)


def test_the_eigenvector_certificate_is_sharp():
    # lambda_max(K) itself satisfies the hypotheses with nu = v_2 / v_1 of its eigenvector.
    values = {"s1": 1.5, "c1": 0.5, "s2": 2.0, "M": 2.0, "a": 0.0, "beta": 1.0, "gamma": 0.5}
    cells = [value(entry(BOUNDS["H_max"], key), values) for key in ("K11", "K12", "K22")]
    sizes, vectors = np.linalg.eigh(np.array([cells[:2], cells[1:]]))
    ratio = float(vectors[1, -1] / vectors[0, -1])
    values |= {"lambda": float(sizes[-1]), "nu": ratio, "rho": 1 / ratio}
    assert ratio > 0
    comparisons = [h for h in BOUNDS["H_max"].hypotheses if isinstance(h, Compare) and _reals(h) & {"lambda"}]
    assert len(comparisons) == 2
    for claim in comparisons:
        assert value(claim.left, values) == pytest.approx(value(claim.right, values), rel=1e-9)
    assert right(BOUNDS["H_max"], values) == pytest.approx(float(sizes[-1]))


def _reals(claim: Compare) -> set[str]:
    return {a.name for a in claim.left.atoms() | claim.right.atoms() if isinstance(a, Real)}
