"""A torch Sequential becomes a network that computes the same function."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn

from gradlemma.errors import ProblemError
from gradlemma.problem.from_torch import network_from_torch
from proofs.network import Activate, Dense, Network

FUNCTIONS = {
    "exp": np.exp,
    "tanh": np.tanh,
    "sigmoid": lambda t: 1 / (1 + np.exp(-t)),
    "softplus": lambda t: np.log1p(np.exp(t)),
    "normal_cdf": lambda t: torch.special.ndtr(torch.from_numpy(t)).numpy(),
}


def evaluate(function, t: np.ndarray) -> np.ndarray:
    """The pieces of an activation, read from their definition."""
    result = np.zeros_like(t)
    for (degree, calls), coefficient in function.terms:
        term = np.full_like(t, float(coefficient)) * t**degree
        for call, power in calls:
            term = term * FUNCTIONS[call.name](float(call.rate or 0) * t) ** power
        result = result + term
    return result


def apply(activation, t: np.ndarray) -> np.ndarray:
    result = np.full_like(t, np.nan)
    for piece in activation.pieces:
        lower = -np.inf if piece.lower is None else float(piece.lower)
        upper = np.inf if piece.upper is None else float(piece.upper)
        result = np.where((lower <= t) & (t <= upper), evaluate(piece.expression, t), result)
    return result


def forward(network: Network, weights, x: np.ndarray) -> np.ndarray:
    rest = [tensor.to_numpy() for tensor in weights]
    for layer in network.layers:
        match layer:
            case Dense():
                x = x @ rest.pop(0).T
                x = x + rest.pop(0) if layer.bias else x
            case Activate():
                x = apply(layer.activation, x)
    return x


ACTIVATIONS = [
    nn.Tanh(),
    nn.ReLU(),
    nn.LeakyReLU(0.1),
    nn.Sigmoid(),
    nn.Softplus(),
    nn.Softplus(beta=2.5),
    nn.ELU(),
    nn.ELU(0.3),
    nn.CELU(0.7),
    nn.SELU(),
    nn.SiLU(),
    nn.GELU(),
    nn.Hardtanh(),
    nn.ReLU6(),
    nn.Hardsigmoid(),
    nn.Hardswish(),
    nn.Identity(),
]


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_the_network_computes_what_the_module_computes(activation: nn.Module) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Flatten(),
        nn.Linear(3, 5),
        nn.Sequential(activation, nn.Dropout(0.5), nn.Linear(5, 4, bias=False)),
        activation,
        nn.Linear(4, 2),
    )
    model = model.double().eval()
    network, weights = network_from_torch(model)
    assert weights is not None
    assert (
        [p.shape for p in network.parameters()]
        == [t.shape for t in weights]
        == [(5, 3), (5,), (4, 5), (2, 4), (2,)]
    )
    x = 4 * torch.randn(64, 3, dtype=torch.float64)
    with torch.no_grad():
        expected = model(x).numpy()
    np.testing.assert_allclose(forward(network, weights, x.numpy()), expected, rtol=1e-9, atol=1e-8)


def test_decimal_parameters_become_exact_decimals() -> None:
    network, _ = network_from_torch(nn.Sequential(nn.Linear(1, 1), nn.LeakyReLU(0.1)))
    layer = network.layers[1]
    assert isinstance(layer, Activate)
    assert dict(layer.activation.parameters)["slope"] == Fraction(1, 10)


def test_single_precision_weights_are_widened_exactly() -> None:
    linear = nn.Linear(2, 2)
    _, weights = network_from_torch(nn.Sequential(linear))
    assert weights is not None
    assert (weights[0].to_numpy() == linear.weight.detach().double().numpy()).all()


def test_modules_without_memory_have_no_weights() -> None:
    network, weights = network_from_torch(nn.Sequential(nn.Linear(2, 3, device="meta"), nn.Tanh()))
    assert weights is None and network.describe() == "2-3 tanh"


class Doubled(nn.Sequential):
    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(input)


def hooked() -> nn.Module:
    linear = nn.Linear(1, 1)
    linear.register_forward_hook(lambda module, given, result: 2 * result)
    return nn.Sequential(linear)


def not_finite() -> nn.Module:
    linear = nn.Linear(1, 1)
    nn.init.constant_(linear.weight, float("nan"))
    return nn.Sequential(linear)




def other_relu6() -> nn.ReLU6:
    module = nn.ReLU6()
    module.max_val = 1.0
    return module


SHARED = nn.Linear(2, 2)
REFUSED = {
    "convolution": (lambda: nn.Sequential(nn.Linear(2, 2), nn.Conv1d(1, 1, 1)), "Conv1d at position 1"),
    "nested": (
        lambda: nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Tanh(), nn.LayerNorm(2))),
        "LayerNorm at position 1.1",
    ),
    "training_dropout": (lambda: nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.1)), "Dropout at position 1"),
    "tanh_gelu": (lambda: nn.Sequential(nn.Linear(2, 2), nn.GELU("tanh")), "approximate"),
    "wide_hardtanh": (lambda: nn.Sequential(nn.Linear(2, 2), nn.Hardtanh(-2, 2)), "-1, 1"),
    "other_relu6": (lambda: nn.Sequential(nn.Linear(2, 2), other_relu6()), "0, 6"),
    "low_threshold": (lambda: nn.Sequential(nn.Linear(2, 2), nn.Softplus(threshold=1)), "threshold"),
    "widths": (lambda: nn.Sequential(nn.Linear(2, 3), nn.Linear(2, 2)), "expects 2 inputs but gets 3"),
    "no_linear": (lambda: nn.Sequential(nn.Tanh()), "no Linear"),
    "shared": (lambda: nn.Sequential(SHARED, nn.Tanh(), SHARED), "shares"),
    "subclass": (lambda: Doubled(nn.Linear(1, 1)), "Doubled at the top"),
    "hook": (hooked, "hooks"),
    "parametrized": (
        lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))),
        "Linear at position 0",
    ),
    "flatten": (lambda: nn.Sequential(nn.Flatten(0), nn.Linear(2, 2)), "Flatten at position 0"),
    "nan": (not_finite, "NaN"),
    "celu": (lambda: nn.Sequential(nn.Linear(1, 1), nn.CELU(-1.0)), "alpha"),
    "nan_slope": (lambda: nn.Sequential(nn.Linear(1, 1), nn.LeakyReLU(float("nan"))), "LeakyReLU"),
    "dtype": (lambda: nn.Sequential(nn.Linear(1, 1, dtype=torch.complex128)), "dtype"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_modules_are_refused_with_their_position(name: str) -> None:
    build, words = REFUSED[name]
    with pytest.raises(ProblemError) as caught:
        network_from_torch(build())
    assert words in str(caught.value)
