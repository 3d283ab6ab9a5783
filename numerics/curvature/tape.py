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
from numerics.activations import apply
from numerics.errors import NumericsError
from numerics.evaluate import Pair, layer_parameters, nodes
from proofs.network import Activate, Loss, Network

__all__ = ["Tape", "chunks", "record"]

# Entries of one node table that a chunk of samples may fill: 2^24 float64 numbers are 128 MiB.
CHUNK_ENTRIES = 1 << 24


@dataclass(frozen=True, slots=True, eq=False)
class Tape:
    """Values, slopes and cotangents of N samples at one theta.

    Shapes: `values[k]`, `cotangents[k]`: [N, width_k], k = 0..number of layers; `slopes[k]` is
    sigma' at the input of layer k (None for a dense layer).  `cotangents[k]` is None for nodes
    before the first dense layer, where no parameter needs it.
    """

    parameters: tuple[Pair | None, ...]
    values: tuple[Tensor, ...]
    slopes: tuple[Tensor | None, ...]
    cotangents: tuple[Tensor | None, ...]

    def dense(self) -> Iterator[tuple[int, Tensor, Tensor, bool]]:
        """(layer, input h [N, in], cotangent c [N, out], has bias) of every dense layer in order."""
        for index, pair in enumerate(self.parameters):
            cotangent = self.cotangents[index + 1]
            if pair is not None and cotangent is not None:
                yield index, self.values[index], cotangent, pair[1] is not None


def record(network: Network, loss: Loss, theta: Tensor, x: Tensor, y: Tensor) -> Tape:
    """Run both passes: `[P], [N, d], [N, out] -> Tape`.

    Raises:
        NumericsError: if y has another shape than f(x).
    """
    values = nodes(network, theta, x)
    if y.shape != values[-1].shape:
        raise NumericsError(
            f"expected targets of shape {tuple(values[-1].shape)} but got shape={tuple(y.shape)}"
        )
    parameters = layer_parameters(network, theta)
    first = next(k for k, pair in enumerate(parameters) if pair is not None)
    slopes: list[Tensor | None] = [
        apply(layer.activation, 1, value) if isinstance(layer, Activate) and k > first else None
        for k, (layer, value) in enumerate(zip(network.layers, values, strict=False))
    ]
    cotangent = losses.output_gradient(loss, values[-1], y)
    cotangents: list[Tensor | None] = [None] * len(values)
    cotangents[-1] = cotangent
    for index in range(len(network.layers) - 1, first, -1):
        pair, slope = parameters[index], slopes[index]
        if pair is not None:
            cotangent = cotangent @ pair[0]
        elif slope is not None:
            cotangent = cotangent * slope
        cotangents[index] = cotangent
    return Tape(parameters, tuple(values), tuple(slopes), tuple(cotangents))


def chunks(network: Network, x: Tensor, y: Tensor, copies: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
    """Consecutive parts of the samples whose tables, kept `copies` times over, stay small."""
    rows = max(1, CHUNK_ENTRIES // (max(copies, 1) * sum(network.widths())))
    yield from zip(torch.split(x, rows), torch.split(y, rows), strict=True)
