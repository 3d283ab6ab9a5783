"""The second derivative of the mean loss along a direction, by a forward pass of jets.

Along theta + t v every node is h + t h' + t^2 h''/2 + ...:

    dense       z' = h' W^T + h V^T + v_b       z'' = h'' W^T + 2 h' V^T
    activation  h' = sigma'(z) z'               h'' = sigma''(z) z'^2 + sigma'(z) z''

and D^2 L[v, v] is the mean of <f', Hess l f'> + <grad l, f''>.  One backward pass of autograd through
this gives its gradient in theta, in x and in y.
"""

from __future__ import annotations

import torch
from torch import Tensor

from numerics import losses
from numerics.activations import apply
from numerics.evaluate import affine, layer_parameters
from proofs.network import Activate, Loss, Network

__all__ = ["second_derivative"]


def second_derivative(network: Network, loss: Loss, theta: Tensor, v: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """<v, H v> for the Hessian H of the mean loss: `[P], [P], [N, d], [N, out] -> []`.

    Differentiable by autograd in all tensors.
    """
    parameters = layer_parameters(network, theta)
    directions = layer_parameters(network, v)
    h, first, second = x, None, None
    for layer, pair, direction in zip(network.layers, parameters, directions, strict=True):
        if isinstance(layer, Activate):
            h, first, second = _activate(layer, h, first, second)
        elif pair is not None and direction is not None:
            h_next = affine(pair, h)
            first_next = affine(direction, h)
            if first is not None:
                first_next = first_next + first @ pair[0].mT
                bilinear = 2.0 * (first @ direction[0].mT)
                second = bilinear if second is None else bilinear + second @ pair[0].mT
            h, first = h_next, first_next
    if first is None:
        return torch.zeros((), dtype=theta.dtype, device=theta.device)
    total = losses.quadratic_form(loss, h, y, first)
    if second is not None:
        total = total + (losses.output_gradient(loss, h, y) * second).sum(-1)
    return total.mean()


def _activate(
    layer: Activate, z: Tensor, first: Tensor | None, second: Tensor | None
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    h = apply(layer.activation, 0, z)
    if first is None:
        return h, None, None
    slope = apply(layer.activation, 1, z)
    bent = apply(layer.activation, 2, z) * first.square()
    return h, slope * first, bent if second is None else bent + slope * second
