"""How large rounding errors of Hessians and their products can be: the passes run on absolute values.

Every sum in the passes is run again on the sizes of its terms (|W|, |h|, the terms of sigma' and sigma'',
p |v| + p <p, |v|> for the softmax), which gives a non-negative operator A with |E| <= K u A entry by
entry, to first order in the unit roundoff u, for the error E of the computed Hessian.  So ||E|| is at
most K u ||A||, however much cancels: near-saturated outputs have a Hessian far below A.  The error that
the pre-activations carry into sigma' is left out, so this is an estimate and no enclosure.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from numerics import losses
from numerics.activations import terms_added
from proofs.network import Activate, Loss, Network

from .products import Linearised
from .tape import Tape, chunks, record

__all__ = ["absolute", "hessian_rounding", "roundings"]

# Steps of the power iteration for ||A||, which a non-negative operator needs few of, and a factor for
# what they leave out.
STEPS, CAUTION = 3, 1.5


def hessian_rounding(network: Network, loss: Loss, theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """An estimate of the largest error that rounding leaves in the Hessian: `[B, P], ... -> [B]`.

    K = (sum of the widths) + 8 (number of layers) + sqrt(N).

    Returns:
        The estimate in the spectral norm; infinite where a number is not finite.
    """
    with torch.no_grad():
        copies = 2 * max(1, len(theta))
        parts = [absolute(network, loss, theta, *part) for part in chunks(network, x, y, copies)]
        v = theta.new_full(theta.shape, theta.shape[-1] ** -0.5)
        size = theta.new_zeros(len(theta))
        for _ in range(STEPS):
            moved = torch.stack([part.product(v) for part in parts]).sum(0) / x.shape[-2]
            size = moved.norm(dim=-1)
            v = moved / size.clamp(min=torch.finfo(size.dtype).tiny)[:, None]
    error = CAUTION * roundings(network, x.shape[-2]) * torch.finfo(theta.dtype).eps * size
    return torch.where(torch.isfinite(error), error, torch.inf)


def roundings(network: Network, samples: int) -> float:
    """K, how many roundings an entry of a gradient or a product passes through."""
    return sum(network.widths()) + 8 * len(network.layers) + math.sqrt(samples)


def absolute(network: Network, loss: Loss, theta: Tensor, x: Tensor, y: Tensor) -> Linearised:
    """The operator A of these samples; its tape's cotangents are the sizes of what gradients add up."""
    tape = record(network, loss, theta, x, y)
    parameters = tuple(
        None if pair is None else (pair[0].abs(), None if pair[1] is None else pair[1].abs())
        for pair in tape.parameters
    )
    slopes: list[Tensor | None] = [None] * len(parameters)
    bends: list[Tensor | None] = [None] * len(parameters)
    cotangents: list[Tensor | None] = [None] * len(tape.values)
    cotangent = losses.terms_added(loss, tape.values[-1], y)
    cotangents[-1] = cotangent
    for index in range(len(parameters) - 1, -1, -1):
        if tape.cotangents[index] is None:
            break
        layer, pair = network.layers[index], parameters[index]
        if isinstance(layer, Activate):
            slope = terms_added(layer.activation, 1, tape.values[index])
            slopes[index] = slope
            bends[index] = terms_added(layer.activation, 2, tape.values[index]) * cotangent
            cotangent = cotangent * slope
        elif pair is not None:
            cotangent = cotangent @ pair[0]
        cotangents[index] = cotangent
    values = tuple(value.abs() for value in tape.values)
    absolute = Tape(parameters, values, tuple(slopes), tuple(bends), tuple(cotangents))
    return Linearised(network, absolute, losses.hessian_terms(loss, tape.values[-1], y))
