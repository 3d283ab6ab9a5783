"""Values, gradients and Hessians of maps: exact, in balls, as polynomials, by torch and by sympy."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest
import sympy
import torch
from flint import arb, ctx, fmpq
from torch import Tensor

from numerics.maps import reading
from proofs.errors import KernelError
from proofs.kernel import map_polynomials
from proofs.kernel.map_hessians import ball_hessian, exact_hessian
from proofs.kernel.map_polynomials import polynomial_hessian, polynomial_values
from proofs.kernel.map_values import Point, ball_values, contraction, coordinates, exact_values
from proofs.kernel.maps import (
    AnyPlace,
    AnyStep,
    At,
    Chosen,
    Contract,
    Entry,
    Fixed,
    Given,
    HessianDet,
    Join,
    Map,
    MeanOf,
    Opaque,
    ParameterBlock,
    Partial,
    Pick,
    PlaceNumber,
    RankDet,
    Scaled,
    StepNumber,
    Total,
    Unknown,
    maps_below,
    size_of,
)
from proofs.kernel.univariate import Unspecified, argument, call, constant, piecewise
from proofs.network import activation

RELU, TANH, SQUARE = activation("relu"), activation("tanh"), activation("square")
CUBIC = piecewise("cubic", {}, [], [argument().power(3) + argument().scaled(Fraction(1, 2))])
W, V = ParameterBlock("W", (2, 3)), ParameterBlock("V", (3,))


def rational(source: random.Random) -> fmpq:
    return fmpq(source.randint(-9, 9), 4)


def random_point(root: Map, source: random.Random, positive: bool = False) -> dict[str, tuple[fmpq, ...]]:
    found: dict[str, list[fmpq]] = {}
    for name, _ in coordinates(root):
        value = rational(source)
        found.setdefault(name, []).append(abs(value) + fmpq(1, 4) if positive else value)
    return {name: tuple(entries) for name, entries in found.items()}


def theta_of(root: Map, point: Point) -> Tensor:
    return torch.tensor([as_float(point[b][i]) for b, i in coordinates(root)], dtype=torch.float64)


def as_float(value: fmpq) -> float:
    return int(value.p) / int(value.q)


def tensor_of(matrix: Any, number: Any) -> Tensor:
    rows = [[number(matrix[i, j]) for j in range(matrix.ncols())] for i in range(matrix.nrows())]
    return torch.tensor(rows, dtype=torch.float64)


def squares(of: Map) -> Map:
    """The sum of the squares of the entries, a scalar that makes every entry count twice."""
    flat = Join((of,))
    return Contract("a,a->", flat, flat)


def random_graph(source: random.Random, smooth: Any) -> Map:
    """A random scalar graph of all primitives with random shapes of the contractions."""
    fixed = Fixed((3, 2), tuple(rational(source) for _ in range(6)))
    nodes: list[Map] = [W, V, Contract("ij,jk->ik", W, fixed), Contract("ij,j->i", W, V)]
    for _ in range(8):
        of = source.choice(nodes)
        shape = of.require_shape()
        size = size_of(shape)
        match source.randrange(8):
            case 0:
                nodes.append(Pick(of, tuple(source.randrange(-1, size) for _ in range(3)), (3,)))
            case 1:
                nodes.append(Join((of, source.choice(nodes[:4]))))
            case 2:
                nodes.append(Total((of, Scaled(rational(source), of), of)))
            case 3:
                nodes.append(Scaled(fmpq(1, 8), Contract("a,b->ba", Join((of,)), V)))
            case 4:
                nodes.append(At(of, PlaceNumber(source.randrange(size))))
            case 5:
                nodes.append(Entry(smooth, Scaled(fmpq(1, 8), of)))
            case 6:
                choices = tuple(source.randrange(-1, 2) for _ in range(size))
                nodes.append(Chosen(RELU, choices, of))
            case _:
                nodes.append(Contract("ab,b->b" if len(shape) == 2 else ",->", *two(of, shape)))
    return squares(Join(tuple(nodes[4:])))


def two(of: Map, shape: tuple[int, ...]) -> tuple[Map, Map]:
    if len(shape) == 2:
        return of, Fixed((shape[1],), tuple(fmpq(k - 1, 2) for k in range(shape[1])))
    return At(of, PlaceNumber(0)), At(W, PlaceNumber(5))


@pytest.mark.parametrize("seed", range(12))
def test_exact_derivatives_agree_with_autograd_with_balls_and_with_polynomials(seed: int) -> None:
    source = random.Random(seed)
    root = random_graph(source, CUBIC)
    point = random_point(root, source)
    value, gradient, hessian = exact_hessian(root, point)
    theta, scalar = theta_of(root, point), reading(root)
    assert as_float(value) == pytest.approx(float(scalar(theta)), rel=1e-12)
    exact_gradient = torch.tensor([as_float(x) for x in gradient], dtype=torch.float64)
    assert torch.allclose(exact_gradient, torch.func.grad(scalar)(theta), rtol=1e-10, atol=1e-10)
    by_torch = torch.func.hessian(scalar)(theta)
    assert torch.allclose(tensor_of(hessian, as_float), by_torch, rtol=1e-10, atol=1e-10)
    with ctx.workprec(2000):
        ball_value, ball_gradient, ball_matrix = ball_hessian(root, point, 96)
        assert ball_value.contains(arb(value))
        assert all(b.contains(arb(q)) for b, q in zip(ball_gradient, gradient, strict=True))
        assert all(b.contains(arb(q)) for b, q in zip(ball_matrix.entries(), hessian.entries(), strict=True))
        assert all(b.rad() <= 1e-20 * (1 + abs(b)) for b in ball_matrix.entries())
    polynomial = polynomial_values(root)[root][0]
    places = [point[b][i] for b, i in coordinates(root)]
    assert polynomial(*places) == value
    second = polynomial_hessian(polynomial)
    assert [entry(*places) for row in second for entry in row] == list(hessian.entries())


@pytest.mark.parametrize("seed", range(6))
def test_balls_of_smooth_graphs_contain_what_autograd_finds(seed: int) -> None:
    source = random.Random(seed)
    root = random_graph(source, activation("gelu") if seed % 2 else TANH)
    point = random_point(root, source)
    _, gradient, hessian = ball_hessian(root, point, 128)
    theta, scalar = theta_of(root, point), reading(root)
    found = torch.tensor([float(b.mid()) for b in gradient], dtype=torch.float64)
    assert torch.allclose(found, torch.func.grad(scalar)(theta), rtol=1e-9, atol=1e-9)
    matrix = tensor_of(hessian, lambda b: float(b.mid()))
    assert torch.allclose(matrix, torch.func.hessian(scalar)(theta), rtol=1e-9, atol=1e-9)
    assert max(float(b.rad()) for b in hessian.entries()) < 1e-25


@pytest.mark.parametrize("name", ["inverse", "log", "sqrt"])
def test_partial_functions_of_positive_entries_agree_with_autograd(name: str) -> None:
    inside = Contract("i,i->i", V, V)
    root = squares(Join((Partial(name, inside), V)))
    point = random_point(root, random.Random(3), positive=True)
    _, _, hessian = ball_hessian(root, point, 128)
    by_torch = torch.func.hessian(reading(root))(theta_of(root, point))
    assert torch.allclose(tensor_of(hessian, lambda b: float(b.mid())), by_torch, rtol=1e-10, atol=1e-10)
    if name != "log":
        exact = exact_hessian(root, point)[2]
        with ctx.workprec(1000):
            pairs = zip(hessian.entries(), exact.entries(), strict=True)
            assert all(b.contains(arb(q)) for b, q in pairs)


def test_a_polynomial_network_has_the_hessian_that_sympy_derives() -> None:
    hidden = Entry(SQUARE, Contract("ij,j->i", W, Fixed((3,), (fmpq(1), fmpq(-2), fmpq(1, 3)))))
    out = ParameterBlock("out", (2,))
    error = Total((Contract("i,i->", out, hidden), Fixed((), (fmpq(-3, 2),))))
    loss = Scaled(fmpq(1, 2), Contract(",->", error, error))
    w, o = sympy.symbols("w0:6"), sympy.symbols("o0:2")
    x = (sympy.Integer(1), sympy.Integer(-2), sympy.Rational(1, 3))
    inner = [sum(w[3 * i + j] * x[j] for j in range(3)) ** 2 for i in range(2)]
    written = (o[0] * inner[0] + o[1] * inner[1] - sympy.Rational(3, 2)) ** 2 / 2
    point = random_point(loss, random.Random(5))
    assert coordinates(loss)[:6] == [("W", k) for k in range(6)]
    at = {s: sympy.Rational(str(q)) for s, q in zip((*w, *o), (*point["W"], *point["out"]), strict=True)}
    expected = sympy.hessian(written, (*w, *o)).subs(at)
    _, gradient, hessian = exact_hessian(loss, point)
    assert [sympy.Rational(str(q)) for q in hessian.entries()] == list(expected)
    assert [sympy.Rational(str(q)) for q in gradient] == [written.diff(s).subs(at) for s in (*w, *o)]
    polynomial = polynomial_values(loss)[loss][0]
    assert sympy.expand(written - sympy.sympify(readable(polynomial, (*w, *o)))) == 0


def readable(polynomial: Any, names: tuple[Any, ...]) -> Any:
    total = sympy.Integer(0)
    for exponents, coefficient in polynomial.terms():
        term = sympy.Rational(str(coefficient))
        for name, exponent in zip(names, exponents, strict=True):
            term *= name ** int(exponent)
        total += term
    return total


def test_an_entry_at_a_kink_has_the_function_s_value_there() -> None:
    jump = piecewise("jump", {}, [0], [constant(-1), constant(1)], {Fraction(0): Fraction(1, 2)})
    root = Entry(jump, V)
    point = {"V": (fmpq(-1), fmpq(0), fmpq(2))}
    assert exact_values(root, point)[root] == [-1, fmpq(1, 2), 1]
    low, kink, high = ball_values(root, point, 64)[root]
    assert (low, high) == (arb(-1), arb(1)) and kink.contains(arb(1) / 2)


def test_a_chosen_expression_counts_wherever_the_entry_lies() -> None:
    jump = piecewise("jump", {}, [0], [argument(), constant(1)], {Fraction(0): Fraction(1, 2)})
    root = Chosen(jump, (0, 1, -1), V)
    point = {"V": (fmpq(5), fmpq(-5), fmpq(7))}
    assert exact_values(root, point)[root] == [5, 1, fmpq(1, 2)]
    _, gradient, hessian = exact_hessian(squares(root), point)
    assert gradient == [10, 0, 0] and [hessian[i, i] for i in range(3)] == [2, 0, 0]


def test_the_value_of_a_kink_that_is_not_listed_is_that_of_the_piece_to_its_right() -> None:
    bent = piecewise("bent", {}, [0, 1], [constant(0), argument(), argument().power(2) + constant(4)])
    root = Chosen(bent, (-1, -2, -2), V)
    assert exact_values(root, {"V": (fmpq(9),) * 3})[root] == [0, 5, 5]
    assert ball_values(root, {"V": (fmpq(9),) * 3}, 64)[root] == [arb(0), arb(5), arb(5)]


def test_values_that_are_visibly_rational_are_found_and_others_refused() -> None:
    root = Entry(TANH, V)
    assert exact_values(root, {"V": (fmpq(0),) * 3})[root] == [0, 0, 0]
    _, gradient, _ = exact_hessian(squares(Total((root, V))), {"V": (fmpq(0),) * 3})
    assert gradient == [0, 0, 0]
    with pytest.raises(KernelError, match="rational"):
        exact_values(root, {"V": (fmpq(1), fmpq(0), fmpq(0))})
    log = Partial("log", V)
    assert exact_values(log, {"V": (fmpq(1),) * 3})[log] == [0, 0, 0]
    with pytest.raises(KernelError, match="rational"):
        exact_values(log, {"V": (fmpq(2),) * 3})
    with pytest.raises(KernelError, match="rational"):
        exact_values(Partial("sqrt", V), {"V": (fmpq(2),) * 3})


@pytest.mark.parametrize("name", ["inverse", "log", "sqrt"])
@pytest.mark.parametrize("bad", [fmpq(0), fmpq(-1)])
def test_partial_functions_of_entries_that_are_not_positive_are_refused(name: str, bad: fmpq) -> None:
    root, point = Partial(name, V), {"V": (fmpq(1), fmpq(1), bad)}
    for attempt in (lambda: exact_values(root, point), lambda: ball_values(root, point, 64)):
        with pytest.raises(KernelError, match="positive"):
            attempt()


def test_an_expression_outside_its_domain_is_refused_even_where_a_factor_is_zero() -> None:
    # t / t on the right piece, chosen at 0, where it has no value.
    ratio = argument() * call("inverse")
    odd = piecewise("odd", {}, [1], [argument(), ratio])
    root, point = Chosen(odd, (1, 1, 1), V), {"V": (fmpq(0), fmpq(1), fmpq(2))}
    for attempt in (lambda: exact_values(root, point), lambda: ball_values(root, point, 64)):
        with pytest.raises(KernelError, match="domain"):
            attempt()
    still = Chosen(odd, (1, 1, 1), Fixed((3,), (fmpq(0), fmpq(1), fmpq(2))))
    with pytest.raises(KernelError, match="domain"):
        polynomial_values(still)


def _refused() -> dict[str, Map]:
    data, scalar = Given("x", (3,)), Contract("i,i->", V, V)
    return {
        "given": Contract("i,i->", V, data),
        "unknown": Total((scalar, Unknown("f", ()))),
        "opaque": Opaque("g", V, ()),
        "mean": MeanOf((data,), Contract("i,i->", V, data)),
        "any place": At(V, AnyPlace("k")),
        "determinant": HessianDet(scalar, StepNumber(fmpq(1))),
        "symbolic determinant": HessianDet(scalar, AnyStep("eta")),
        "rank": RankDet(V),
        "unspecified": At(Entry(Unspecified("phi"), V), PlaceNumber(0)),
    }


@pytest.mark.parametrize("name", list(_refused()))
def test_maps_that_are_not_made_of_parameters_and_numbers_are_refused(name: str) -> None:
    root, point = _refused()[name], {"V": (fmpq(1), fmpq(2), fmpq(3))}
    attempts = (
        lambda: exact_values(root, point),
        lambda: ball_values(root, point, 64),
        lambda: exact_hessian(root, point),
        lambda: ball_hessian(root, point, 64),
        lambda: polynomial_values(root),
    )
    for attempt in attempts:
        with pytest.raises(KernelError, match="expected"):
            attempt()


def test_hessians_of_functions_with_kinks_and_of_vectors_are_refused() -> None:
    point = {"V": (fmpq(1), fmpq(2), fmpq(3))}
    for root in (squares(Entry(RELU, V)), V):
        for attempt in (lambda r: exact_hessian(r, point), lambda r: ball_hessian(r, point, 64)):
            with pytest.raises(KernelError):
                attempt(root)
    with pytest.raises(KernelError, match="kinks"):
        polynomial_values(Entry(RELU, V))
    with pytest.raises(KernelError, match="polynomial"):
        polynomial_values(Entry(TANH, V))


def test_points_that_do_not_fit_are_refused() -> None:
    for point in ({}, {"V": (fmpq(1),)}, {"V": (1, 2, 3)}, {"V": (0.5, 0.5, 0.5)}):
        with pytest.raises(KernelError, match="rational entries of V"):
            exact_values(V, point)  # pyright: ignore[reportArgumentType]
    with pytest.raises(KernelError, match="bits"):
        ball_values(V, {"V": (fmpq(1),) * 3}, 0)


def test_balls_that_are_not_finite_are_refused() -> None:
    huge = Entry(piecewise("tower", {}, [], [call("exp", call("exp", call("exp")))]), V)
    with pytest.raises(KernelError, match="finite"):
        ball_values(huge, {"V": (fmpq(10**9),) * 3}, 64)


def test_polynomials_with_too_many_terms_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    total = At(Contract("i,j->", V, V), PlaceNumber(0))
    power = Contract(",->", total, total)
    assert len(polynomial_values(power)[power][0]) == 15
    monkeypatch.setattr(map_polynomials, "MAX_TERMS", 14)
    with pytest.raises(KernelError, match="at most 14 terms"):
        polynomial_values(power)
    monkeypatch.setattr(map_polynomials, "MAX_TERMS", 100)
    monkeypatch.setattr(map_polynomials, "MAX_PAIRS", 20)
    with pytest.raises(KernelError, match="at most 100 terms"):
        polynomial_values(power)


@pytest.mark.parametrize("pattern", ["ab,bc->ca", "ab,ab->", "ab,->b", "ab,c->", "ab,ca->bc"])
def test_a_contraction_is_the_einsum_of_its_pattern(pattern: str) -> None:
    extents = {"a": 2, "b": 3, "c": 4}
    left, right = pattern.split("->")[0].split(",")
    shapes = [tuple(extents[letter] for letter in side) for side in (left, right)]
    tables = [torch.randint(-5, 5, shape, dtype=torch.float64) for shape in shapes]
    expected = torch.einsum(pattern, *tables).reshape(-1)
    found = torch.zeros_like(expected)
    for i, j, k in contraction(pattern, *shapes):
        found[k] += tables[0].reshape(-1)[i] * tables[1].reshape(-1)[j]
    assert torch.equal(found, expected)


def test_every_map_below_the_root_has_as_many_values_as_entries() -> None:
    source = random.Random(11)
    root = random_graph(source, CUBIC)
    found = exact_values(root, random_point(root, source))
    assert list(found) == maps_below(root)
    assert all(len(v) == size_of(node.require_shape()) for node, v in found.items())


def assert_hessians_agree(root: Map, point: Point) -> None:
    """Exactly, in balls, and from the polynomial that the map is."""
    hessian = exact_hessian(root, point)[2]
    values = [point[name][number] for name, number in coordinates(root)]
    (polynomial,) = polynomial_values(root)[root]
    for i, row in enumerate(polynomial_hessian(polynomial)):
        for j, second in enumerate(row):
            assert hessian[i, j] == second(*values)
    balls = ball_hessian(root, point, 128)[2]
    size = balls.nrows()
    assert all(balls[i, j].contains(arb(hessian[i, j])) for i in range(size) for j in range(size))


X = ParameterBlock("X", ())
X_SQUARED = Contract(",->", X, X)
HALF = Fixed((), (fmpq(1, 2),))


@pytest.mark.parametrize(
    "root",
    [
        Contract(",->", X_SQUARED, HALF),
        Contract(",->", HALF, X_SQUARED),
        Contract(",->", X_SQUARED, Total((X_SQUARED, HALF))),
        Entry(CUBIC, X_SQUARED),
        Chosen(RELU, (1,), X_SQUARED),
        Contract(",->", Pick(Join((X_SQUARED, X)), (0,), ()), HALF),
    ],
)
def test_second_derivatives_count_where_first_ones_are_0(root: Map) -> None:
    assert_hessians_agree(root, {"X": (fmpq(0),)})


@pytest.mark.parametrize("seed", range(12))
def test_hessians_agree_at_points_with_many_zero_coordinates(seed: int) -> None:
    source = random.Random(seed)
    root = random_graph(source, CUBIC if seed % 2 else SQUARE)
    for share in (0.5, 1.0):
        drawn = random_point(root, source)
        point = {n: tuple(fmpq(0) if source.random() < share else e for e in es) for n, es in drawn.items()}
        assert_hessians_agree(root, point)
