"""A network as a function in torch: flat parameters in, values of all nodes out.

A parameter vector is flat, `[P]`, in the order of `network.parameters()` with matrices row by
row; functions that say so take a batch `[..., P]`.  Losses are means over the N samples.
"""

from __future__ import annotations

import torch
from torch import Tensor

from numerics import losses
from numerics.activations import apply, distance_to_kinks
from numerics.errors import NumericsError
from numerics.metering import product
from proofs.network import Activate, Dense, Loss, Network, entry_function

__all__ = [
    "check_input",
    "kink_distance",
    "kink_distances",
    "layer_parameters",
    "mean_loss",
    "nodes",
    "output",
    "pack",
    "sample_losses",
    "unpack",
]

Pair = tuple[Tensor, Tensor | None]


def unpack(network: Network, theta: Tensor) -> dict[str, Tensor]:
    """The parameters by name as views: `[..., P] -> {"W1": [..., out, in], "b1": [..., out], ...}`.

    Raises:
        NumericsError: if the last dimension of theta is not P.
    """
    _check_size(network, theta)
    found: dict[str, Tensor] = {}
    start = 0
    for parameter in network.parameters():
        part = theta[..., start : start + parameter.size]
        found[parameter.name] = part.reshape(*theta.shape[:-1], *parameter.shape)
        start += parameter.size
    return found


def pack(network: Network, parameters: dict[str, Tensor]) -> Tensor:
    """The flat vector [P] of parameters by name: the inverse of `unpack`.

    Raises:
        NumericsError: if a parameter is missing or has another shape.
    """
    parts: list[Tensor] = []
    for parameter in network.parameters():
        value = parameters.get(parameter.name)
        if value is None or tuple(value.shape) != parameter.shape:
            shape = None if value is None else tuple(value.shape)
            raise NumericsError(f"expected {parameter.name} of shape {parameter.shape} but got shape={shape}")
        parts.append(value.reshape(-1))
    return torch.cat(parts)


def layer_parameters(network: Network, theta: Tensor) -> tuple[Pair | None, ...]:
    """(W, b) of every layer as views of `[..., P]`; b is None without bias, None for an activation."""
    _check_size(network, theta)
    found: list[Pair | None] = []
    start = 0
    batch = theta.shape[:-1]
    for layer, incoming in zip(network.layers, network.widths(), strict=False):
        if not isinstance(layer, Dense):
            found.append(None)
            continue
        end = start + layer.width * incoming
        weight = theta[..., start:end].reshape(*batch, layer.width, incoming)
        bias = theta[..., end : end + layer.width] if layer.bias else None
        start = end + (layer.width if layer.bias else 0)
        found.append((weight, bias))
    return tuple(found)


def nodes(network: Network, theta: Tensor, x: Tensor) -> list[Tensor]:
    """The value of every node: `[..., P], [..., N, d] -> list of [..., N, width]`.

    Returns:
        Entry 0 is x and entry k the output of layer k, so the last one is f(x).
    """
    check_input(network, x)
    found = [x]
    for layer, pair in zip(network.layers, layer_parameters(network, theta), strict=True):
        value = found[-1]
        match layer:
            case Dense():
                found.append(affine(pair, value))
            case Activate():
                found.append(apply(layer.activation, 0, value))
            case _:
                raise NumericsError(f"expected a layer that torch can evaluate but got {layer!r}")
    return found


def affine(pair: Pair | None, h: Tensor) -> Tensor:
    """W h + b for every row h: `[..., N, in] -> [..., N, out]`."""
    if pair is None:
        raise NumericsError("expected the parameters of a dense layer but got an activation")
    weight, bias = pair
    if bias is None:
        return product(h, weight.mT)
    if h.ndim == 2 and bias.ndim == 1:
        return torch.addmm(bias, h, weight.mT)
    return product(h, weight.mT) + bias.unsqueeze(-2)


def output(network: Network, theta: Tensor, x: Tensor) -> Tensor:
    """f(x) of every sample: `[..., P], [..., N, d] -> [..., N, out]`."""
    return nodes(network, theta, x)[-1]


def sample_losses(network: Network, loss: Loss, theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The loss of every sample: `[..., P], [..., N, d], [..., N, out] -> [..., N]`.

    y may be probability vectors.
    """
    f = output(network, theta, x)
    if y.shape[-2:] != f.shape[-2:]:
        raise NumericsError(f"expected targets of shape {tuple(f.shape)} but got shape={tuple(y.shape)}")
    return losses.values(loss, f, y)


def mean_loss(network: Network, loss: Loss, theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The mean of `sample_losses` over the samples, `[...]`; a scalar for one parameter vector."""
    return sample_losses(network, loss, theta, x, y).mean(-1)


def kink_distance(network: Network, theta: Tensor, x: Tensor) -> float:
    """The least distance of any pre-activation of any sample to a kink of its activation.

    Returns:
        Infinity for analytic activations, NaN if a pre-activation is NaN.
    """
    return float(_network_distances(network, nodes(network, theta, x)))


def kink_distances(network: Network, loss: Loss, theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The same for a batch, with the kinks of the loss: `[..., P], [..., N, d], [..., N, out] -> [...]`."""
    values = nodes(network, theta, x)
    found = _network_distances(network, values)
    function = entry_function(loss)
    if function is None or not function.kinks:
        return found.expand(theta.shape[:-1])
    return torch.minimum(found, distance_to_kinks(function, values[-1] - y).amin((-1, -2)))


def _network_distances(network: Network, values: list[Tensor]) -> Tensor:
    least = torch.full((), torch.inf, dtype=values[-1].dtype, device=values[-1].device)
    for layer, value in zip(network.layers, values, strict=False):
        if isinstance(layer, Activate) and layer.activation.kinks and value.numel():
            least = torch.minimum(least, distance_to_kinks(layer.activation, value).amin((-1, -2)))
    return least


def _check_size(network: Network, theta: Tensor) -> None:
    if theta.shape[-1] != network.parameter_count:
        raise NumericsError(
            f"expected {network.parameter_count} parameters for {network.describe()} "
            f"but got shape={tuple(theta.shape)}"
        )


def check_input(network: Network, x: Tensor) -> None:
    """Refuse inputs of another width.

    Raises:
        NumericsError: naming both shapes.
    """
    if x.ndim < 2 or x.shape[-1] != network.input_dim:
        wanted = f"[N, {network.input_dim}]"
        raise NumericsError(f"expected inputs of shape {wanted} but got shape={tuple(x.shape)}")
