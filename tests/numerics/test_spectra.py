"""Spectra meet closed forms, invariants and balls, and their errors cover what is off."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from flint import acb_mat, arb, arb_mat, ctx, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from numerics import evaluate, losses
from numerics import strategies as make
from numerics.curvature import hessian_vector_product, hessians
from numerics.errors import NumericsError
from numerics.exact import PRECISION, OnKink, field_for, hessian_in
from numerics.spectrum import (
    Extremes,
    Spectra,
    extremes,
    full_spectra,
    log_abs_det,
    spectral_density,
    upper_bound,
)
from proofs.network import Dense, Loss, Network

EPS = torch.finfo(torch.float64).eps


pytestmark = pytest.mark.usefixtures("one_thread")


def tensor(rows) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def orthogonal(size: int, seed: int = 0) -> Tensor:
    draw = torch.randn(size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.linalg.qr(draw)[0]


def symmetric(spectrum, seed: int = 0) -> Tensor:
    """A matrix with this spectrum up to rounding, [P, P]."""
    q = orthogonal(len(spectrum), seed)
    found = (q * tensor(spectrum)) @ q.mT
    return 0.5 * (found + found.mT)


def times(matrices: Tensor):
    """The operator `[B, P] -> [B, P]` of a batch of matrices."""
    return lambda v: (matrices @ v.unsqueeze(-1)).squeeze(-1)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# -- Hessians whose spectra are known -----------------------------------------------------------------

# Columns orthogonal and of sum 0, with X^T X / N = diag(1, 4, 9/4).
HADAMARD = tensor([[1, 1, 1], [-1, 1, -1], [1, -1, -1], [-1, -1, 1]]) * tensor([1.0, 2.0, 1.5])


def spectrum_of(network: Network, loss: Loss, theta: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The spectrum of one Hessian, [P], and what may be off by rounding, here and in the Hessian."""
    table = hessians(network, loss, theta[None], x, y, lower=True)
    found = full_spectra(table)
    return found.values[0], found.error[0] + 1e-13 * table.abs().max()


def is_spectrum(found: tuple[Tensor, Tensor], expected) -> None:
    values, error = found
    assert values.shape == (len(expected),)
    assert float(error) < 1e-10
    assert float((values - tensor(sorted(expected))).abs().max()) <= float(error)


@pytest.mark.parametrize(("loss", "factor"), [(Loss.HALF_MSE, 1.0), (Loss.MSE, 2.0)])
@pytest.mark.parametrize("outputs", [1, 3])
def test_a_linear_layer_has_the_spectrum_of_the_inputs_for_every_output(loss, factor, outputs) -> None:
    # L = sum_i ||W x_i - y_i||^2 / (2 N): H = I (x) X^T X / N, wherever theta is.
    network = Network.of(3, Dense(outputs, bias=False))
    theta = torch.randn(3 * outputs, generator=generator(), dtype=torch.float64)
    y = torch.randn(4, outputs, generator=generator(1), dtype=torch.float64)
    expected = [factor * value for value in (1.0, 4.0, 2.25)] * outputs
    is_spectrum(spectrum_of(network, loss, theta, HADAMARD, y), expected)


def test_the_bias_of_a_linear_layer_is_one_more_input() -> None:
    # The columns of X sum to 0, so [X, 1]^T [X, 1] / N = diag(1, 4, 9/4, 1).
    network = Network.of(3, Dense(2))
    theta = torch.randn(8, generator=generator(), dtype=torch.float64)
    y = torch.zeros(4, 2, dtype=torch.float64)
    is_spectrum(spectrum_of(network, Loss.HALF_MSE, theta, HADAMARD, y), [1.0, 1.0, 2.25, 4.0] * 2)


def test_softmax_of_zeros_has_one_over_the_classes_times_the_inputs() -> None:
    # At theta = 0, p = 1/k: diag p - p p^T = (I - 1 1^T / k) / k has 1/k (k - 1 times) and 0.
    network = Network.of(3, Dense(5, bias=False))
    y = torch.eye(5, dtype=torch.float64)[:4]
    expected = [value / 5 for value in (1.0, 4.0, 2.25)] * 4 + [0.0] * 3
    is_spectrum(spectrum_of(network, Loss.CROSS_ENTROPY, torch.zeros(15).double(), HADAMARD, y), expected)


@pytest.mark.parametrize("target", [1.5, 0.0, -2.0])
def test_a_product_of_two_numbers_has_a_spectrum_in_closed_form(target: float) -> None:
    # L = (v u - y)^2 / 2: H = [[v^2, 2 u v - y], [2 u v - y, u^2]], so the eigenvalues are
    # (u^2 + v^2)/2 +- sqrt((u^2 - v^2)^2/4 + (2 u v - y)^2); at v u = y they are u^2 + v^2 and 0.
    network = Network.of(1, Dense(1, bias=False), Dense(1, bias=False))
    u, v = 0.5, 3.0
    one = torch.ones(1, 1, dtype=torch.float64)
    half, root = (u * u + v * v) / 2, math.hypot((u * u - v * v) / 2, 2 * u * v - target)
    expected = [u * u + v * v, 0.0] if target == u * v else [half + root, half - root]
    is_spectrum(spectrum_of(network, Loss.HALF_MSE, tensor([u, v]), one, target * one), expected)


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_a_chain_at_a_minimum_has_rank_one(depth: int) -> None:
    # f = w_1 ... w_L x with f = y: H = g g^T for g_i = f / w_i, so its eigenvalue is f^2 sum 1/w_i^2.
    network = Network.of(1, *[Dense(1, bias=False) for _ in range(depth)])
    weights = [0.5 + 0.25 * i for i in range(depth)]
    f = math.prod(weights) * 2.0
    x, y = tensor([[2.0]]), tensor([[f]])
    expected = [0.0] * (depth - 1) + [f * f * sum(1.0 / (w * w) for w in weights)]
    is_spectrum(spectrum_of(network, Loss.HALF_MSE, tensor(weights), x, y), expected)


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_a_balanced_chain_has_one_large_and_many_equal_eigenvalues(depth: int) -> None:
    # All w = s, f = s^L x, r = f - y: H_ij = (s^(L-1) x)^2 + r x s^(L-2) [i != j]
    #   = (a + b) 1 1^T - b I, with a = s^(2L-2) x^2 and b = r x s^(L-2):
    # L (a + b) - b once and -b for the L - 1 vectors orthogonal to 1.
    network = Network.of(1, *[Dense(1, bias=False) for _ in range(depth)])
    s, x, y = 1.25, 1.5, -0.5
    a, b = s ** (2 * depth - 2) * x * x, (s**depth * x - y) * x * s ** (depth - 2)
    found = spectrum_of(network, Loss.HALF_MSE, tensor([s] * depth), tensor([[x]]), tensor([[y]]))
    is_spectrum(found, [-b] * (depth - 1) + [depth * (a + b) - b])


@pytest.mark.parametrize("hidden", [3, 5])
def test_two_linear_layers_at_a_minimum_have_sums_of_squared_singular_values(hidden: int) -> None:
    # With X^T X / N = I and W_2 W_1 fitted exactly, H = J^T J for J (V_1, V_2) = V_2 W_1 + W_2 V_1.
    # J J^T M = M W_1^T W_1 + W_2 W_2^T M has the eigenvalues a_i + b_j, a_i of W_2 W_2^T, b_j of W_1^T W_1.
    inputs, outputs = 3, 2
    network = Network.of(inputs, Dense(hidden, bias=False), Dense(outputs, bias=False))
    first, second = [0.5, 1.0, 2.0], [1.5, 0.25]
    w1 = orthogonal(hidden)[:, :inputs] * tensor(first) @ orthogonal(inputs, 1)
    w2 = orthogonal(outputs, 2) * tensor(second) @ orthogonal(hidden, 3)[:outputs]
    x = HADAMARD / tensor([1.0, 2.0, 1.5])
    theta = torch.cat([w1.flatten(), w2.flatten()])
    expected = [a * a + b * b for a in second for b in first]
    expected += [0.0] * (network.parameter_count - len(expected))
    is_spectrum(spectrum_of(network, Loss.HALF_MSE, theta, x, x @ w1.mT @ w2.mT), expected)


# -- Invariants --------------------------------------------------------------------------------------

DEEP = Network.of(4, Dense(5), "tanh", Dense(4, bias=False), "gelu", Dense(3))


def hessians_of_a_network(batch: int, seed: int = 0) -> Tensor:
    draw = lambda *shape: torch.randn(*shape, generator=source, dtype=torch.float64)  # noqa: E731
    source = generator(seed)
    theta, x = draw(batch, DEEP.parameter_count), draw(9, 4)
    return hessians(DEEP, Loss.CROSS_ENTROPY, theta, x, draw(9, 3).softmax(-1))


def test_trace_and_frobenius_norm_are_those_of_the_matrix() -> None:
    matrices = hessians_of_a_network(4)
    found = full_spectra(matrices)
    trace = matrices.diagonal(dim1=-2, dim2=-1).sum(-1)
    torch.testing.assert_close(found.values.sum(-1), trace, rtol=1e-12, atol=1e-13)
    norms = torch.linalg.matrix_norm(matrices)
    torch.testing.assert_close(found.values.norm(dim=-1), norms, rtol=1e-13, atol=0)
    assert (found.values.diff(dim=-1) >= 0).all()
    torch.testing.assert_close(found.error, DEEP.parameter_count * EPS * norms, rtol=1e-12, atol=0)


@pytest.mark.parametrize("scale", [0.1, 0.9, 3.0, 40.0, 1e3])
def test_the_logarithm_of_the_determinant_is_that_of_an_lu_factorisation(scale: float) -> None:
    matrices = hessians_of_a_network(6)
    found = full_spectra(matrices)
    rates = scale / found.values[:, -1] * torch.linspace(0.7, 1.3, 6, dtype=torch.float64)
    logarithm, error, sign = log_abs_det(found, rates)
    unit = torch.eye(DEEP.parameter_count, dtype=torch.float64)
    expected = torch.linalg.slogdet(unit - rates[:, None, None] * matrices)
    assert torch.equal(sign, expected.sign)
    torch.testing.assert_close(logarithm, expected.logabsdet, rtol=1e-11, atol=1e-11)
    assert ((logarithm - expected.logabsdet).abs() <= error + 1e-12).all() and (error < 1e-7).all()


# -- Balls -------------------------------------------------------------------------------------------


def exact_spectrum(matrix: acb_mat) -> list[arb]:
    """Balls around the eigenvalues of a symmetric matrix, ascending."""
    return sorted((value.real for value in matrix.eig(multiple=True)), key=lambda ball: float(ball.mid()))


def as_balls(matrix: Tensor) -> acb_mat:
    """The matrix itself: floats are rationals."""
    return acb_mat(arb_mat([[arb(entry) for entry in row] for row in matrix.tolist()]))


def meets(values: Tensor, error: float, balls: list[arb]) -> bool:
    return len(balls) == len(values) and all(
        ball.overlaps(arb(value, error)) for value, ball in zip(values.tolist(), balls, strict=True)
    )


def hilbert(size: int) -> Tensor:
    index = torch.arange(size, dtype=torch.float64)
    return 1.0 / (1.0 + index[:, None] + index[None, :])


def wilkinson(half: int) -> Tensor:
    size = 2 * half + 1
    beside = torch.ones(size - 1, dtype=torch.float64)
    middle = (torch.arange(size, dtype=torch.float64) - half).abs()
    return torch.diag(middle) + torch.diag(beside, 1) + torch.diag(beside, -1)


def graded(size: int) -> Tensor:
    powers = 10.0 ** -torch.linspace(0.0, 16.0, size, dtype=torch.float64)
    return powers[:, None] * (1.0 + 0.5 * torch.eye(size, dtype=torch.float64)) * powers[None, :]


HAND_MADE = {
    "hilbert": hilbert(10),
    "wilkinson": wilkinson(8),
    "graded": graded(9),
    "graded upwards": graded(9).flip(0, 1) * 1e12,
    "close pairs": symmetric([1.0, 1.0 + 1e-14, -1.0, -1.0 - 1e-12, 1e-18, 0.0, 7.0]),
    "one": tensor([[-3.25]]),
    "huge": 1e200 * hilbert(5),
    "tiny": 1e-200 * hilbert(5),
}


@pytest.mark.parametrize("name", sorted(HAND_MADE))
def test_the_error_covers_what_is_off_for_ill_conditioned_matrices(name: str) -> None:
    matrix = HAND_MADE[name]
    found = full_spectra(matrix[None])
    with ctx.workprec(1600 if name in ("huge", "tiny") else PRECISION):
        balls = exact_spectrum(as_balls(matrix))
        assert all(ball.rad() < 1e-25 * abs(balls[-1]) for ball in balls)
        assert meets(found.values[0], float(found.error[0]), balls)
    # Not vacuous: P eps times the Frobenius norm.
    assert 0.0 < float(found.error[0]) <= 1e-14 * float(found.values.abs().max())


def test_a_tenth_of_the_digits_would_not_do() -> None:
    # Floats carry errors near eps ||A||: an error claimed much smaller is found out by the balls.
    matrix = HAND_MADE["hilbert"]
    found = full_spectra(matrix[None])
    with ctx.workprec(PRECISION):
        assert not meets(found.values[0], 1e-4 * float(found.error[0]), exact_spectrum(as_balls(matrix)))


def separated(rows: list[list[arb]]) -> tuple[acb_mat, float]:
    """The matrix of the midpoints with its eigenvalues split, and how far that moves any of them (Weyl).

    The method that encloses eigenvalues must be able to tell copies apart: random entries below 2^-100
    are added.
    """
    size = len(rows)
    draw = np.random.default_rng(0).integers(-1000, 1000, (size, size))
    noise = [[arb(int(draw[i, j] + draw[j, i])) * arb(2) ** -112 for j in range(size)] for i in range(size)]
    found = [[a.mid() + b for a, b in zip(*pair, strict=True)] for pair in zip(rows, noise, strict=True)]
    moved = max(entry.rad() for row in rows for entry in row) + arb(2) ** -100
    return acb_mat(arb_mat(found)), size * float(moved.upper())


def float_error(table: Tensor, exact) -> float:
    """The Frobenius norm of the difference, which moves no eigenvalue further (Weyl)."""
    pairs = [pair for rows in zip(table.tolist(), exact, strict=True) for pair in zip(*rows, strict=True)]
    return math.sqrt(float(sum(((arb(a) - b) ** 2 for a, b in pairs), arb(0)).upper()))


def test_float_spectra_meet_the_balls_of_exact_hessians() -> None:
    compared = 0

    @given(st.data())
    @settings(max_examples=25)
    def meet(data) -> None:
        nonlocal compared
        network = data.draw(make.architectures(max_depth=2, max_width=2, max_parameters=8))
        loss = data.draw(make.losses())
        weights = data.draw(make.weights(network, data.draw(make.boxes(network))))
        samples = data.draw(make.data_sets(network, loss, input_norm=Fraction(2), target_norm=Fraction(1)))
        theta = torch.from_numpy(np.concatenate([t.to_numpy().ravel() for t in weights]))
        x, y = (torch.from_numpy(t.to_numpy()) for t in (samples.inputs, samples.targets))
        f = evaluate.output(network, theta, x)
        if min(evaluate.kink_distance(network, theta, x), losses.kink_distance(loss, f, y)) < 1e-9:
            return
        try:
            exact = hessian_in(
                field_for(network, loss), network, loss, weights, samples.inputs, samples.targets
            )
        except OnKink:
            return
        table = hessians(network, loss, theta[None], x, y)
        found = full_spectra(table)
        with ctx.workprec(PRECISION):
            split, off = separated([[arb(e) if isinstance(e, fmpq) else e for e in row] for row in exact])
            off += float_error(table[0], exact)
            assert off <= 1e-13 * max(1.0, float(table.abs().max()))
            assert meets(found.values[0], float(found.error[0]) + off, exact_spectrum(split))
        compared += bool(found.values.any())

    meet()
    assert compared >= 8


# -- Batches of matrices ------------------------------------------------------------------------------


def test_only_lower_triangles_are_read_and_threads_change_nothing() -> None:
    matrices = hessians_of_a_network(11)
    expected = full_spectra(matrices, threads=1)
    above = torch.ones_like(matrices[0]).triu(1).bool()
    for filler in (0.0, 7.0):
        found = full_spectra(matrices.masked_fill(above, filler), lower=True)
        assert torch.equal(found.values, expected.values)
        assert (found.error >= expected.error).all()
    assert (full_spectra(matrices.tril(), lower=True).error <= 1.5 * expected.error).all()
    for found in (full_spectra(matrices, threads=3), full_spectra(matrices)):
        assert torch.equal(found.values, expected.values) and torch.equal(found.error, expected.error)
    alone = full_spectra(matrices[4:5])
    assert torch.equal(alone.values[0], expected.values[4])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_matrix_with_an_entry_that_is_not_finite_has_no_spectrum(value: float) -> None:
    matrices = hessians_of_a_network(4)
    expected = full_spectra(matrices)
    matrices[2, 7, 3] = value
    found = full_spectra(matrices)
    assert torch.isnan(found.values[2]).all() and torch.isinf(found.error[2])
    kept = [0, 1, 3]
    assert torch.equal(found.values[kept], expected.values[kept])
    logarithm, error, sign = log_abs_det(found, torch.ones(4, dtype=torch.float64))
    assert torch.isnan(logarithm).tolist() == [False, False, True, False]
    assert torch.isinf(error[2]) and sign[2] == 0 and sign[kept].abs().eq(1).all()


def test_single_precision_has_its_own_error() -> None:
    matrices = hessians_of_a_network(3)
    exact, found = full_spectra(matrices), full_spectra(matrices.float())
    assert found.values.dtype == torch.float32
    off = (found.values.double() - exact.values).abs().amax(-1)
    assert (off <= found.error.double() + torch.finfo(torch.float32).eps * exact.values.norm(dim=-1)).all()
    assert (found.error.double() > 1e6 * exact.error).all()


def test_matrices_of_another_shape_are_refused() -> None:
    for shape in ((3, 3), (2, 3, 4), (2, 0, 0)):
        with pytest.raises(NumericsError, match=r"\[B, P, P\] but got shape"):
            full_spectra(torch.zeros(shape, dtype=torch.float64))


# -- Determinants ------------------------------------------------------------------------------------


def test_an_eigenvalue_at_one_over_eta_leaves_the_sign_open() -> None:
    spectra = full_spectra(torch.diag_embed(tensor([[2.0, 0.5, -1.0], [4.0, 3.0, 0.0], [1.0, 0.5, -1.0]])))
    logarithm, error, sign = log_abs_det(spectra, tensor([0.5, 0.5, 0.5]))
    assert sign.tolist() == [0.0, 1.0, 1.0]
    assert torch.isinf(error).tolist() == [True, False, False]
    # (1 - 2)(1 - 3/2)(1) and (1/2)(3/4)(3/2).
    assert logarithm[1:].exp().tolist() == pytest.approx([0.5, 0.5625], rel=1e-14)
    assert logarithm[0] < -30.0


def test_a_factor_within_its_error_of_zero_leaves_the_sign_open() -> None:
    error = tensor([1e-9, 1e-9, 1e-9])
    spectra = Spectra(tensor([[1.0, 2.0 - 1e-9, 5.0]] * 3), error)
    _, bound, sign = log_abs_det(spectra, tensor([0.5, 0.5001, 0.49]))
    assert torch.isinf(bound).tolist() == [True, False, False]
    assert sign.tolist() == [0.0, 1.0, -1.0]


@pytest.mark.parametrize("distance", [1e-2, 1e-6, 1e-10, 3e-14, 1e-14])
def test_the_error_of_the_logarithm_covers_a_nearly_singular_factor(distance: float) -> None:
    matrix = symmetric([4.0, 1.0, 0.5, -2.0, 0.125, 3.0], seed=4)
    with ctx.workprec(PRECISION):
        rate = float(1 / exact_spectrum(as_balls(matrix))[-1]) * (1.0 + distance)
        unit = arb_mat(6, 6, [int(i == j) for i in range(6) for j in range(6)])
        exact = (unit - arb_mat([[arb(e) for e in row] for row in matrix.tolist()]) * arb(rate)).det()
        truth, right_sign = float(abs(exact).log()), 1.0 if exact > 0 else -1.0
    logarithm, error, sign = (float(t) for t in log_abs_det(full_spectra(matrix[None]), tensor([rate])))
    assert abs(logarithm - truth) <= error
    assert sign in (0.0, right_sign)
    if distance >= 1e-10:
        assert sign == right_sign and error < 1e-4


def test_the_error_of_the_logarithm_grows_without_end_towards_the_open_case() -> None:
    # A factor f known within r errs by -log(1 - r/f) = 30 log 2 at r = (1 - 2^-30) f.
    reach = 0.5 * (1.0 - 2.0**-30) - EPS
    _, error, sign = log_abs_det(Spectra(tensor([[0.5]]), tensor([reach])), tensor([1.0]))
    assert float(sign) == 1.0
    assert float(error) == pytest.approx(30.0 * math.log(2.0), rel=1e-6)


# -- Both ends by Lanczos -----------------------------------------------------------------------------

SPECTRA = {
    "spread": [math.sin(7.0 * i) for i in range(60)],
    "identity": [1.0] * 30,
    "minus three times the identity": [-3.0] * 30,
    "zero": [0.0] * 30,
    "rank one": [5.0] + [0.0] * 60,
    "rank one, negative": [-5.0] + [0.0] * 60,
    "two copies": [3.0] * 2 + [i / 40.0 for i in range(38)],
    "plus and minus": [2.0, -2.0] + [0.1] * 40,
    "dimension two": [1.0, -1.0],
    "dimension one": [7.0],
    "dimension one, negative": [-7.0],
}


def ends(spectrum, largest: int, smallest: int) -> tuple[Tensor, Tensor]:
    ascending = tensor(sorted(spectrum))
    return ascending.flip(0)[:largest], ascending[:smallest]


def is_right(found: Extremes, spectrum, largest: int, smallest: int, *, slack: float = 1e-12) -> None:
    """Values of one member are within their errors, and those within the tolerance."""
    scale = max(abs(value) for value in spectrum)
    pairs = ((found.largest, found.largest_error), (found.smallest, found.smallest_error))
    for truth, (values, error) in zip(ends(spectrum, largest, smallest), pairs, strict=True):
        assert values.shape == error.shape == (1, len(truth))
        assert ((values[0] - truth).abs() <= error[0] + slack * scale).all()
        assert (error[0] <= 1e-6 * scale + 1e-149).all()
    assert found.converged.tolist() == [True]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("counts", [(1, 1), (1, 0), (0, 1), (3, 2)])
@pytest.mark.parametrize("name", sorted(SPECTRA))
def test_both_ends_are_found_with_their_copies(name: str, counts: tuple[int, int], seed: int) -> None:
    spectrum = SPECTRA[name]
    largest, smallest = (min(count, len(spectrum)) for count in counts)
    found = extremes(
        times(symmetric(spectrum, seed)[None]), (1, len(spectrum)), generator=generator(seed),
        largest=largest, smallest=smallest,
    )  # fmt: skip
    is_right(found, spectrum, largest, smallest)
    assert found.steps <= 3 * len(spectrum) + 5


@pytest.mark.parametrize("name", ["spread", "identity", "zero", "two copies", "dimension one"])
def test_all_eigenvalues_may_be_asked_for(name: str) -> None:
    spectrum = SPECTRA[name]
    size = len(spectrum)
    for largest, smallest in ((size, 0), (0, size), (size, size)):
        found = extremes(
            times(symmetric(spectrum)[None]), (1, size), generator=generator(),
            largest=largest, smallest=smallest,
        )  # fmt: skip
        is_right(found, spectrum, largest, smallest)


# Twice or three times the same largest eigenvalue, then a cluster, or others that are well apart.
COPIES = {
    "before a cluster": [3.0, 3.0]
    + [1.0 - i / 300.0 for i in range(30)]
    + [-2.0 + i / 80.0 for i in range(8)],
    "before others": [3.0, 3.0, 3.0, 2.9, 2.8] + [i / 34.0 for i in range(35)],
}


def largest_of_copies(name: str, *, copies: bool) -> Tensor:
    """The three largest eigenvalues found from five start vectors, [5, 3]."""
    spectrum = COPIES[name]
    rows: list[Tensor] = []
    for seed in range(5):
        # So coarse that rounding errors have no time to bring a second copy into the first run.
        found = extremes(
            times(symmetric(spectrum, seed)[None]), (1, len(spectrum)), generator=generator(seed),
            largest=3, smallest=0, tolerance=1e-2, copies=copies,
        )  # fmt: skip
        assert found.converged.item()
        rows.append(found.largest[0])
    return torch.stack(rows)


@pytest.mark.parametrize("name", sorted(COPIES))
def test_copies_are_missed_by_one_run(name: str) -> None:
    found = largest_of_copies(name, copies=False)
    assert ((found[:, 0] - 3.0).abs() < 0.05).all() and (found[:, 1] < 2.95).all()


@pytest.mark.parametrize("name", sorted(COPIES))
def test_copies_are_found_by_further_runs(name: str) -> None:
    found = largest_of_copies(name, copies=True)
    expected = tensor(COPIES[name])[:3]
    assert ((found - expected).abs() < 0.05).all()


def test_a_narrow_spectrum_has_no_values_beyond_its_norm() -> None:
    spectrum = [1.0 - 1e-9 * i for i in range(80)]
    found = extremes(times(symmetric(spectrum)[None]), (1, 80), generator=generator(), largest=3, smallest=3)
    assert float(found.largest.max()) <= 1.0 + 1e-12 and float(found.smallest.min()) >= 0.99


def test_fewer_steps_than_values_are_not_converged() -> None:
    found = extremes(
        times(torch.eye(10, dtype=torch.float64)[None]), (1, 10), generator=generator(),
        largest=5, max_steps=2, copies=False,
    )  # fmt: skip
    assert found.largest.shape == (1, 5) or not found.converged.item()


# Eigenvalues that the Ritz values at hand do not show: a second one close to the largest, a whole cluster
# there, or many small ones beside one that is huge.
HIDDEN = {
    "two close": ([1.0, 1.0 - 1e-4] + [i / 400.0 for i in range(98)], (1, 0)),
    "cluster": ([10.0 - 1e-3 * i for i in range(10)] + [i / 90.0 for i in range(70)], (1, 0)),
    "small ones": ([1e9, 1.0, 1e-9] + [i / 100.0 for i in range(20)], (0, 1)),
}


def is_near_an_eigenvalue(name: str, *, sharp: bool) -> bool:
    """Whether some eigenvalue lies within the error of the value found."""
    spectrum, (largest, smallest) = HIDDEN[name]
    found = extremes(
        times(symmetric(spectrum)[None]), (1, len(spectrum)), generator=generator(),
        largest=largest, smallest=smallest, sharp=sharp,
    )  # fmt: skip
    value, error = (found.largest, found.largest_error) if largest else (found.smallest, found.smallest_error)
    return float((value - tensor(spectrum)).abs().min()) <= float(error) + 1e-15 * max(spectrum)


@pytest.mark.parametrize("name", sorted(HIDDEN))
def test_residuals_are_errors_whatever_is_hidden(name: str) -> None:
    assert is_near_an_eigenvalue(name, sharp=False)


@pytest.mark.parametrize("name", sorted(HIDDEN))
def test_sharp_errors_are_estimates_which_what_is_hidden_escapes(name: str) -> None:
    assert not is_near_an_eigenvalue(name, sharp=True)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-6, 1e-10])
def test_errors_are_valid_and_not_vacuous_at_every_tolerance(tolerance: float) -> None:
    spectrum = SPECTRA["spread"]
    found = extremes(
        times(symmetric(spectrum)[None]), (1, 60), generator=generator(), tolerance=tolerance,
        largest=1, smallest=1,
    )  # fmt: skip
    for truth, values, error in (
        (max(spectrum), found.largest, found.largest_error),
        (min(spectrum), found.smallest, found.smallest_error),
    ):
        off = abs(float(values) - truth)
        assert off <= float(error) <= tolerance
    assert found.converged.item()
    assert float(found.largest) <= max(spectrum) + 1e-14 and float(found.smallest) >= min(spectrum) - 1e-14


def test_errors_relative_to_a_small_value_take_more_steps() -> None:
    # The smallest eigenvalue is 1e-4 of the norm.
    spectrum = [100.0] + [1e-2 + (i / 40.0) ** 2 for i in range(40)]
    operator, shape = times(symmetric(spectrum)[None]), (1, len(spectrum))
    options = {"largest": 0, "smallest": 1, "tolerance": 1e-3}
    of_norm = extremes(operator, shape, generator=generator(), **options)
    of_value = extremes(operator, shape, generator=generator(), relative_to_norm=False, **options)
    assert of_norm.converged.item() and of_value.converged.item()
    assert float(of_value.smallest_error) <= 1e-3 * float(of_value.smallest)
    assert float(of_norm.smallest_error) > 1e-3 * 1e-2
    assert abs(float(of_value.smallest) - 1e-2) <= float(of_value.smallest_error)
    assert of_value.steps > of_norm.steps


def test_too_few_steps_are_reported() -> None:
    spectrum = [1.05, -1.1] + [math.cos(i / 40.0) for i in range(118)]
    matrix = symmetric(spectrum)
    found = extremes(times(matrix[None]), (1, 120), generator=generator(), max_steps=6)
    assert found.steps == 6 and found.converged.tolist() == [False]
    nearest = (found.largest[0] - tensor(spectrum)).abs().min()
    assert float(nearest) <= float(found.largest_error) and float(found.largest_error) > 1e-4
    enough = extremes(times(matrix[None]), (1, 120), generator=generator(), max_steps=100)
    assert enough.converged.tolist() == [True] and 6 < enough.steps <= 100


def test_members_of_a_batch_do_not_change_each_other() -> None:
    names = ["spread", "plus and minus", "zero", "rank one"]
    size = 40
    spectra = [(SPECTRA[name] + [0.3] * size)[:size] for name in names]
    matrices = torch.stack([symmetric(spectrum, k) for k, spectrum in enumerate(spectra)])
    options = {"largest": 3, "smallest": 2, "tolerance": 1e-9}
    together = extremes(times(matrices), (4, size), generator=generator(), **options)
    for k, spectrum in enumerate(spectra):
        alone = extremes(times(matrices[k : k + 1]), (1, size), generator=generator(), **options)
        reach = together.largest_error[k] + alone.largest_error[0] + 1e-12
        assert ((together.largest[k] - alone.largest[0]).abs() <= reach).all()
        high, low = ends(spectrum, 3, 2)
        assert float((together.largest[k] - high).abs().max()) < 1e-8
        assert float((together.smallest[k] - low).abs().max()) < 1e-8
    assert together.converged.all()


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("counts", [(1, 1), (1, 0)])
def test_a_member_that_is_not_finite_has_no_extremes_and_stays_alone(counts, value: float) -> None:
    largest, smallest = counts
    matrices = torch.stack([symmetric(SPECTRA["spread"], k) for k in range(3)])
    matrices[1, 5, 5] = value
    found = extremes(
        times(matrices), (3, 60), generator=generator(), largest=largest, smallest=smallest, tolerance=1e-2
    )
    # The others do not wait for it.
    assert found.steps < 40
    assert torch.isnan(found.largest[1]).all() and torch.isinf(found.largest_error[1]).all()
    assert found.converged.tolist() == [True, False, True]
    for k in (0, 2):
        assert float(found.largest[k]) == pytest.approx(max(SPECTRA["spread"]), abs=2e-2)


def test_a_member_that_is_not_finite_has_not_several_extremes_either() -> None:
    matrices = torch.stack([symmetric(SPECTRA["spread"], k) for k in range(2)])
    matrices[1, 5, 5] = math.nan
    found = extremes(times(matrices), (2, 60), generator=generator(), largest=3, smallest=2)
    assert torch.isnan(found.largest[1]).all() and torch.isnan(found.smallest[1]).all()


def test_products_of_a_network_have_the_ends_of_the_whole_spectrum() -> None:
    draw = lambda *shape: torch.randn(*shape, generator=source, dtype=torch.float64)  # noqa: E731
    source = generator(3)
    theta, x, y = draw(5, DEEP.parameter_count), draw(9, 4), draw(9, 3).softmax(-1)
    whole = full_spectra(hessians(DEEP, Loss.CROSS_ENTROPY, theta, x, y)).values
    operator = hessian_vector_product(DEEP, Loss.CROSS_ENTROPY, theta, x, y)
    found = extremes(operator, tuple(theta.shape), generator=generator(), largest=3, smallest=2)
    scale = whole.abs().amax(-1, keepdim=True)
    assert ((found.largest - whole.flip(-1)[:, :3]).abs() <= found.largest_error + 1e-12 * scale).all()
    assert ((found.smallest - whole[:, :2]).abs() <= found.smallest_error + 1e-12 * scale).all()
    assert found.converged.all()


def test_an_upper_bound_holds_and_is_attained_at_the_end() -> None:
    spectrum = [4.0, 3.0, 1.0, -2.0] + [i / 30.0 for i in range(26)]
    matrices = torch.stack([symmetric(spectrum, k) for k in range(3)])
    norms = torch.linalg.matrix_norm(matrices)
    for steps in (2, 4, 8, 16, 30):
        found = extremes(
            times(matrices), (3, 30), generator=generator(), max_steps=steps, tolerance=1e-13, copies=False
        )
        bound = upper_bound(found, norms)
        assert (bound >= 4.0).all() and (bound < norms + 1e-12).all()
    assert (bound <= 4.0 + 1e-5).all()


def test_single_precision_products_reach_what_they_can() -> None:
    spectrum = SPECTRA["spread"]
    matrix = symmetric(spectrum).float()
    found = extremes(times(matrix[None]), (1, 60), generator=generator(), tolerance=1e-4, dtype=torch.float32)
    assert float(found.largest) == pytest.approx(max(spectrum), abs=1e-4)
    assert float(found.smallest) == pytest.approx(min(spectrum), abs=1e-4)


REFUSED = {
    "P=4, not both 0, but got largest=5": {"largest": 5},
    "largest=1, smallest=5": {"smallest": 5},
    "largest=0, smallest=0": {"largest": 0, "smallest": 0},
    "largest=-1": {"largest": -1},
    "that torch.float64 can promise but got tolerance=1e-15": {"tolerance": 1e-15},
    "that torch.float32 can promise but got tolerance=1e-06": {"dtype": torch.float32},
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_cannot_be_asked_for_is_refused_in_a_sentence(sentence: str) -> None:
    with pytest.raises(NumericsError, match=sentence):
        extremes(lambda v: v, (1, 4), generator=generator(), **REFUSED[sentence])


# -- Densities ---------------------------------------------------------------------------------------


def quadrature(spectrum, *, vectors: int, steps: int, seed: int = 0):
    """The matrix, the rules and the unit vectors that they belong to."""
    matrix = symmetric(spectrum, 1)
    size = len(spectrum)
    found = spectral_density(
        times(matrix), size, vectors=vectors, steps=steps, generator=generator(seed)
    )  # fmt: skip
    start = torch.randn(vectors, size, generator=generator(seed), dtype=torch.float64)
    return matrix, found, start / start.norm(dim=-1, keepdim=True)


def test_counts_lie_within_four_standard_errors() -> None:
    spectrum = [math.sin(7.0 * i) ** 3 for i in range(120)]
    _, found, _ = quadrature(spectrum, vectors=24, steps=48)
    points = torch.linspace(-0.9, 0.9, 19, dtype=torch.float64)
    share, error = found.below(points)
    exact = (tensor(spectrum)[:, None] <= points).double().mean(0)
    assert ((share - exact).abs() <= 4.0 * error + 1.0 / 120).all()
    # Not vacuous: a share of P random weights varies by about sqrt(2 share (1 - share) / (P vectors)).
    assert (error < 0.03).all() and (error > 1e-4).all()
    assert (share.diff() >= 0).all()


def test_traces_of_functions_lie_within_four_standard_errors() -> None:
    spectrum = [math.sin(7.0 * i) for i in range(100)]
    _, found, _ = quadrature(spectrum, vectors=16, steps=40)
    for function in (torch.exp, torch.square, lambda t: 1.0 / (3.0 - t)):
        value, error = found.trace(function)
        exact = float(function(tensor(spectrum)).mean())
        assert abs(value - exact) <= 4.0 * error
        assert error < 0.1 * abs(exact)
    assert found.trace(torch.ones_like) == (pytest.approx(1.0), pytest.approx(0.0, abs=1e-14))


@pytest.mark.parametrize("steps", [1, 2, 3, 6])
def test_a_rule_of_m_nodes_is_exact_for_polynomials_of_degree_2m_minus_1(steps: int) -> None:
    spectrum = [2.0, -2.0, 1.0, 0.5, -0.25, 0.125, 1.5, -1.0, 0.75]
    matrix, found, start = quadrature(spectrum, vectors=4, steps=steps)
    assert found.nodes.shape == found.weights.shape == (4, steps)
    moved = start
    for degree in range(2 * steps):
        exact = (start * moved).sum(-1)
        torch.testing.assert_close((found.weights * found.nodes**degree).sum(-1), exact, rtol=0, atol=1e-11)
        moved = moved @ matrix
    beyond = (found.weights * found.nodes ** (2 * steps)).sum(-1)
    assert not torch.allclose(beyond, (start * moved).sum(-1), rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 8, 25])
def test_with_as_many_steps_as_parameters_the_rule_is_the_spectral_measure(size: int) -> None:
    # Ends far out converge early; the rule must go on all the same.
    spectrum = ([100.0, -100.0] + [math.sin(7.0 * i) for i in range(size)])[:size]
    matrix, found, start = quadrature(spectrum, vectors=3, steps=size + 5)
    values, vectors = torch.linalg.eigh(matrix)
    torch.testing.assert_close(found.nodes, values.expand(3, size), rtol=0, atol=1e-10)
    torch.testing.assert_close(found.weights, (start @ vectors).square(), rtol=0, atol=1e-9)


def test_an_invariant_subspace_of_few_dimensions_is_seen_as_such() -> None:
    _, found, _ = quadrature([3.0] * 10 + [-1.0] * 20, vectors=8, steps=12)
    elsewhere = ~((found.nodes - 3.0).abs().lt(1e-9) | (found.nodes + 1.0).abs().lt(1e-9))
    assert found.nodes.shape == (8, 12) and float((found.weights * elsewhere).max()) < 1e-20
    share, error = found.below(tensor([0.0]))
    assert abs(float(share) - 2 / 3) <= 4.0 * float(error)


def test_one_vector_has_no_standard_error() -> None:
    _, found, _ = quadrature(SPECTRA["spread"], vectors=1, steps=10)
    assert math.isinf(found.trace(torch.exp)[1])
    torch.testing.assert_close(found.weights.sum(-1), torch.ones(1, dtype=torch.float64))


@pytest.mark.parametrize(
    "options", [{"vectors": 0, "steps": 1}, {"vectors": 1, "steps": 0}], ids=["vectors", "steps"]
)
def test_counts_below_one_are_refused(options) -> None:
    with pytest.raises(NumericsError, match="expected counts >= 1 but got vectors="):
        spectral_density(lambda v: v, 4, generator=generator(), **options)
