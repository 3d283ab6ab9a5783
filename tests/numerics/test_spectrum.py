from __future__ import annotations

import math

import pytest
import torch

from numerics.curvature import hessian
from numerics.errors import NumericsError
from numerics.spectrum import dense_spectral_norm, extreme_pair, hessian_norm, spectral_norm
from numerics.spectrum import hessian_norm as hessian_norm_function
from proofs.network import LOSSES, Dense, Loss, Network

SPECTRA = {
    "zero": [0.0] * 50,
    "identity": [1.0] * 50,
    "minus three times the identity": [-3.0] * 50,
    "rank one": [5.0] + [0.0] * 60,
    "rank one negative": [-5.0] + [0.0] * 60,
    "plus and minus": [2.0, -2.0] + [0.1] * 40,
    "cluster": [1.0 - 1e-9 * i for i in range(80)],
    "two close": [1.0, 1.0 - 1e-8] + [i / 400.0 for i in range(98)],
    "negative end just ahead": [-4.0] + [3.9999] * 10 + [i / 90.0 for i in range(89)],
    "dimension one": [7.0],
    "dimension one negative": [-7.0],
    "dimension two": [1.0, -1.0],
    "huge": [1e120, 1e119, -1e118],
    "tiny": [1e-200] * 5,
}


def symmetric(spectrum: list[float], seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    size = len(spectrum)
    q, _ = torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64))
    return (q * torch.tensor(spectrum, dtype=torch.float64)) @ q.mT


@pytest.mark.parametrize("name", sorted(SPECTRA))
@pytest.mark.parametrize("seed", range(3))
def test_the_error_of_lanczos_covers_the_true_error(name: str, seed: int) -> None:
    matrix = symmetric(SPECTRA[name], seed)
    truth = max(abs(value) for value in SPECTRA[name])
    generator = torch.Generator().manual_seed(seed)
    found = spectral_norm(lambda v: matrix @ v, len(SPECTRA[name]), generator=generator)
    assert abs(found.value - truth) <= found.error
    assert found.error <= 1e-6 * truth + 1e-149


@pytest.mark.parametrize("name", sorted(SPECTRA))
def test_the_error_of_the_dense_route_covers_the_true_error(name: str) -> None:
    truth = max(abs(value) for value in SPECTRA[name])
    found = dense_spectral_norm(symmetric(SPECTRA[name]))
    assert abs(found.value - truth) <= found.error <= 1e-11 * truth + 1e-149


def test_stopping_early_is_reported_as_a_large_error() -> None:
    spectrum = [math.cos(i / 100.0) for i in range(300)]
    matrix = symmetric(spectrum)
    found = spectral_norm(lambda v: matrix @ v, 300, max_steps=6, generator=torch.Generator().manual_seed(0))
    assert found.steps == 6
    assert abs(found.value - 1.0) <= found.error
    assert found.error > 1e-4


def test_products_that_are_not_finite_are_no_result() -> None:
    generator = torch.Generator().manual_seed(0)
    found = spectral_norm(lambda v: v * math.nan, 4, generator=generator)
    assert math.isnan(found.value) and math.isinf(found.error) and not found.is_finite
    assert not dense_spectral_norm(torch.full((2, 2), math.inf, dtype=torch.float64)).is_finite


def test_a_few_steps_never_lose_against_the_start_vector() -> None:
    matrix = symmetric([math.sin(7.0 * i) for i in range(40)])
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        v = torch.randn(40, generator=generator, dtype=torch.float64)
        v = v / v.norm()
        pair = extreme_pair(lambda u: matrix @ u, v, 3, generator)
        assert pair is not None
        assert abs(pair[0]) >= abs(float(v @ matrix @ v)) - 1e-14
        assert abs(float(pair[1] @ matrix @ pair[1]) - pair[0]) < 1e-13


@pytest.mark.parametrize("loss", LOSSES)
def test_dense_and_lanczos_agree_on_a_hessian(loss: Loss, monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network.of(6, Dense(5), "tanh", Dense(4), "silu", Dense(3))
    generator = torch.Generator().manual_seed(3)
    theta = torch.randn(network.parameter_count, generator=generator, dtype=torch.float64)
    x = torch.randn(20, 6, generator=generator, dtype=torch.float64)
    y = torch.softmax(torch.randn(20, 3, generator=generator, dtype=torch.float64), dim=1)
    dense = hessian_norm(network, loss, theta, x, y, generator)
    assert dense.method == "dense"
    truth = float(torch.linalg.eigvalsh(hessian(network, loss, theta, x, y)).abs().max())
    monkeypatch.setitem(hessian_norm_function.__globals__, "DENSE_PARAMETERS", 1)
    found = hessian_norm(network, loss, theta, x, y, generator)
    assert found.method == "lanczos"
    assert abs(found.value - truth) <= found.error + dense.error
    assert found.error <= 1e-5 * truth


def test_a_matrix_that_is_not_square_is_refused() -> None:
    with pytest.raises(NumericsError, match="square"):
        dense_spectral_norm(torch.zeros(2, 3, dtype=torch.float64))
