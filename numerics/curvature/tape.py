"""One forward and one backward pass through a network, kept for what follows them.

For sample i and node k, `values[k]` holds h_k and `cotangents[k]` the gradient of l_i in h_k:

    dense       c_{k-1} = c_k W            activation   c_{k-1} = sigma'(h_{k-1}) * c_k

Every row is one sample's own; nothing is divided by N here.  The passes are written in
differentiable operations, so autograd may run through them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from numerics import losses
from numerics.activations import is_zero, jets
from numerics.errors import NumericsError
from numerics.evaluate import Pair, affine, check_input, layer_parameters
from numerics.metering import product
from proofs.network import Activate, Loss, Network

__all__ = ["Tape", "chunks", "record"]

# Entries of one node table that a chunk of samples may fill: 2^24 float64 numbers are 128 MiB.
CHUNK_ENTRIES = 1 << 24


@dataclass(frozen=True, slots=True, eq=False)
class Tape:
    """Values, slopes and cotangents of N samples at one theta or at a batch of them.

    Shapes: `values[k]`, `cotangents[k]`: [..., N, width_k], k = 0..number of layers; `slopes[k]` is
    sigma' and `bends[k]` sigma'' * c at the input of layer k (None for a dense layer, and bends
    where sigma'' is 0 on all pieces or was not asked for).  `cotangents[k]` is None for nodes before
    the first dense layer, where no parameter needs it.
    """

    parameters: tuple[Pair | None, ...]
    values: tuple[Tensor, ...]
    slopes: tuple[Tensor | None, ...]
    bends: tuple[Tensor | None, ...]
    cotangents: tuple[Tensor | None, ...]

    def dense(self) -> Iterator[tuple[int, Tensor, Tensor, bool]]:
        """(layer, input h [..., N, in], cotangent c [..., N, out], has bias) of each dense layer in order."""
        for index, pair in enumerate(self.parameters):
            cotangent = self.cotangents[index + 1]
            if pair is not None and cotangent is not None:
                yield index, self.values[index], cotangent, pair[1] is not None


def record(
    network: Network, loss: Loss, theta: Tensor, x: Tensor, y: Tensor, *, second: bool = False
) -> Tape:
    """Run both passes: `[..., P], [..., N, d], [..., N, out] -> Tape`; with sigma'' c if `second`.

    Raises:
        NumericsError: if y has another shape than f(x).
    """
    parameters = layer_parameters(network, theta)
    values, slopes, curves = _forward(network, parameters, x, second)
    if y.shape[-2:] != values[-1].shape[-2:]:
        raise NumericsError(
            f"expected targets of shape {tuple(values[-1].shape[-2:])} but got shape={tuple(y.shape)}"
        )
    first = next(k for k, pair in enumerate(parameters) if pair is not None)
    bends: list[Tensor | None] = [None] * len(parameters)
    cotangents: list[Tensor | None] = [None] * len(values)
    cotangent = losses.output_gradient(loss, values[-1], y)
    cotangents[-1] = cotangent
    for index in range(len(parameters) - 1, first, -1):
        pair, slope, curve = parameters[index], slopes[index], curves[index]
        if curve is not None:
            bends[index] = curve * cotangent
        if pair is not None:
            cotangent = product(cotangent, pair[0])
        elif slope is not None:
            cotangent = cotangent * slope
        cotangents[index] = cotangent
    return Tape(parameters, tuple(values), tuple(slopes), tuple(bends), tuple(cotangents))


def _forward(
    network: Network, parameters: tuple[Pair | None, ...], x: Tensor, second: bool
) -> tuple[list[Tensor], list[Tensor | None], list[Tensor | None]]:
    """Values of all nodes, sigma' and sigma'' of the activations behind the first dense layer."""
    check_input(network, x)
    values, slopes, curves = [x], [], []
    seen = False
    for layer, pair in zip(network.layers, parameters, strict=True):
        if not isinstance(layer, Activate):
            seen = True
            values.append(affine(pair, values[-1]))
            slopes.append(None)
            curves.append(None)
            continue
        bent = second and not is_zero(layer.activation, 2)
        orders = (0,) if not seen else (0, 1, 2) if bent else (0, 1)
        found = jets(layer.activation, orders, values[-1])
        values.append(found[0])
        slopes.append(found[1] if len(found) > 1 else None)
        curves.append(found[2] if len(found) > 2 else None)
    return values, slopes, curves


def chunks(network: Network, x: Tensor, y: Tensor, copies: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
    """Consecutive parts of the samples whose tables, kept `copies` times over, stay small."""
    rows = max(1, CHUNK_ENTRIES // (max(copies, 1) * sum(network.widths())))
    yield from zip(torch.split(x, rows, dim=-2), torch.split(y, rows, dim=-2), strict=True)
