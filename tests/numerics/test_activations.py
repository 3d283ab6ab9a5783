from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch

from numerics.activations import apply, distance_to_kinks
from numerics.errors import NumericsError
from numerics.reference import reference_activation
from proofs.kernel.univariate import argument, periodic
from proofs.network import CATALOGUE, activation

ROWS = sorted(CATALOGUE)


def grid(seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    spread = 10.0 * torch.rand(2000, generator=generator, dtype=torch.float64) - 5.0
    return torch.cat([spread, torch.tensor([-40.0, -8.0, 8.0, 40.0], dtype=torch.float64)])


@pytest.mark.parametrize("name", ROWS)
def test_every_row_agrees_with_the_library_function(name: str) -> None:
    z = grid()
    expected = reference_activation(name, z)
    torch.testing.assert_close(apply(activation(name), 0, z), expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("order", [1, 2, 3])
def test_every_derivative_is_the_derivative_of_the_one_before(name: str, order: int) -> None:
    function = activation(name)
    z = grid(order)
    z = z[distance_to_kinks(function, z) > 1e-6].requires_grad_()
    below = apply(function, order - 1, z)
    found = torch.autograd.grad(below.sum(), z, allow_unused=True)[0] if below.requires_grad else None
    expected = torch.zeros_like(z) if found is None else found
    # Far out, powers of t times 1 - tanh^2 cancel.
    close = 1e-9 if name == "gelu_tanh" else 1e-11
    torch.testing.assert_close(apply(function, order, z), expected, rtol=1e-11, atol=close)


@pytest.mark.parametrize("name", ROWS)
def test_first_derivatives_agree_with_autograd_of_the_library_function(name: str) -> None:
    function = activation(name)
    z = grid(7)
    z = z[distance_to_kinks(function, z) > 1e-6].requires_grad_()
    expected = torch.autograd.grad(reference_activation(name, z).sum(), z)[0]
    # Torch's backward pass of hardsigmoid multiplies by 1/6 in single precision.
    close = 1e-7 if name == "hardsigmoid" else 1e-11
    torch.testing.assert_close(apply(function, 1, z), expected, rtol=close, atol=close)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("order", [0, 1, 2])
def test_autograd_is_finite_far_out(name: str, order: int) -> None:
    z = torch.tensor([-1e3, -750.0, 750.0, 1e3], dtype=torch.float64, requires_grad=True)
    value = apply(activation(name), order, z)
    assert torch.isfinite(value).all()
    if value.requires_grad:
        assert torch.isfinite(torch.autograd.grad(value.sum(), z)[0]).all()


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_nan_stays_nan_in_every_piece(name: str, order: int) -> None:
    z = torch.tensor([math.nan, 0.5], dtype=torch.float64)
    value = apply(activation(name), order, z)
    assert torch.isnan(value[0]) and torch.isfinite(value[1])


@pytest.mark.parametrize("name", [name for name in ROWS if activation(name).period is not None])
@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_periodic_functions_are_not_numbers_at_infinity(name: str, order: int) -> None:
    z = torch.tensor([math.inf, -math.inf, 1e300, -2.5], dtype=torch.float64)
    value = apply(activation(name), order, z)
    assert torch.isnan(value[:2]).all() and torch.isfinite(value[2:]).all()


def test_a_point_whose_number_of_periods_overflows_is_not_a_number() -> None:
    saw = periodic("saw", [0, Fraction(1, 8)], [argument()])
    z = torch.tensor([1e308, -1e308, 0.375 + 0.0625], dtype=torch.float64)
    assert apply(saw, 0, z).tolist()[2] == 0.0625
    assert all(torch.isnan(apply(saw, order, z)[:2]).all() for order in range(3))


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("order", [0, 1, 2])
def test_a_value_does_not_depend_on_its_place(name: str, order: int) -> None:
    z = grid(3)[:333]
    with torch.no_grad():
        whole = apply(activation(name), order, z)
        for size in (1, 2, 3, 7, 13):
            parts = torch.cat([apply(activation(name), order, part) for part in z.split(size)])
            assert torch.equal(parts, whole)


@pytest.mark.parametrize("name", ["sigmoid", "silu", "softplus", "tanh", "mish"])
def test_values_without_autograd_are_those_with_it(name: str) -> None:
    z = torch.cat([grid(4), torch.tensor([-1e3, -745.0, -709.9, 0.0, 709.9, 1e3], dtype=torch.float64)])
    for order in range(3):
        with torch.no_grad():
            found = apply(activation(name), order, z)
        torch.testing.assert_close(found, apply(activation(name), order, z), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "gelu", "triangle"])
def test_vmap_goes_through_every_function_without_autograd(name: str) -> None:
    z = grid(5)[:12].reshape(3, 4)
    with torch.no_grad():
        found = torch.func.vmap(lambda row: apply(activation(name), 0, row))(z)
    torch.testing.assert_close(found, apply(activation(name), 0, z), rtol=1e-14, atol=1e-15)


def test_softplus_does_not_switch_to_a_line_at_twenty() -> None:
    z = torch.tensor([25.0], dtype=torch.float64)
    found = float(apply(activation("softplus"), 0, z)) - 25.0
    assert abs(found - math.exp(-25.0)) < 4e-15


def test_at_a_kink_the_right_piece_counts() -> None:
    z = torch.tensor([-1.0, 0.0, 1.0, 6.0], dtype=torch.float64)
    assert apply(activation("relu"), 1, z).tolist() == [0.0, 1.0, 1.0, 1.0]
    assert apply(activation("hardtanh"), 1, z).tolist() == [1.0, 1.0, 0.0, 0.0]
    assert apply(activation("relu6"), 1, z).tolist() == [0.0, 1.0, 1.0, 0.0]


@pytest.mark.parametrize("name", ["triangle", "abs_sin", "round"])
def test_a_point_just_before_a_period_starts_is_not_lost(name: str) -> None:
    # -1e-17 + 4 rounds to 4, the end of the period.
    z = torch.tensor([-1e-17, -5e-324, 1e-17], dtype=torch.float64)
    function = activation(name)
    z = z if name != "round" else z - 0.5
    torch.testing.assert_close(apply(function, 0, z), reference_activation(name, z), atol=1e-15, rtol=0)
    assert set(apply(function, 1, z).tolist()) <= {-1.0, 0.0, 1.0}
    assert name == "round" or 0.0 not in apply(function, 1, z).tolist()


def test_distances_count_every_kink_and_analytic_functions_have_none() -> None:
    z = torch.tensor([-2.0, 0.25, 5.5, math.nan], dtype=torch.float64)
    assert distance_to_kinks(activation("relu6"), z)[:3].tolist() == [2.0, 0.25, 0.5]
    assert torch.isnan(distance_to_kinks(activation("relu6"), z)[3])
    assert torch.isinf(distance_to_kinks(activation("tanh"), z)[:3]).all()


def test_parameters_of_a_row_are_used() -> None:
    z = torch.tensor([-2.0, 3.0], dtype=torch.float64)
    assert apply(activation("leaky_relu", slope="1/4"), 0, z).tolist() == [-0.5, 3.0]


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(NumericsError, match="order=7"):
        apply(activation("tanh"), 7, torch.zeros(1, dtype=torch.float64))
