"""Derivatives of nodes and of the mean loss along a direction, by a forward pass of jets.

Along theta + t v every node is h + t h' + t^2 h''/2 + ...:

    dense       z' = h' W^T + h V^T + v_b       z'' = h'' W^T + 2 h' V^T
    activation  h' = sigma'(z) z'               h'' = sigma''(z) z'^2 + sigma'(z) z''

and D^2 L[v, v] is the mean of <f', Hess l f'> + <grad l, f''>.  One backward pass of autograd through
this gives its gradient in theta, in x and in y.  A batch of parameters `[B, P]` goes with `[B, N, d]`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from numerics import losses
from numerics.activations import apply
from numerics.evaluate import affine, layer_parameters
from proofs.network import Activate, Loss, Network

__all__ = ["NodeJet", "first_of_loss", "node_jets", "second_derivative", "second_of_loss"]


@dataclass(frozen=True, slots=True, eq=False)
class NodeJet:
    """A node with its first and second derivative along the direction; None where they vanish."""

    value: Tensor
    first: Tensor | None
    second: Tensor | None

    def order(self, order: int) -> Tensor:
        """The derivative of that order, 0 to 2, `[..., N, width]`."""
        found = (self.value, self.first, self.second)[order]
        return torch.zeros_like(self.value) if found is None else found


def node_jets(network: Network, theta: Tensor, v: Tensor, x: Tensor) -> list[NodeJet]:
    """All nodes, the input first: `[..., P], [..., P], [..., N, d] -> [..., N, width]` each.

    Differentiable by autograd in all tensors.
    """
    parameters, directions = layer_parameters(network, theta), layer_parameters(network, v)
    found = [NodeJet(x, None, None)]
    for layer, pair, direction in zip(network.layers, parameters, directions, strict=True):
        h = found[-1]
        if isinstance(layer, Activate):
            found.append(_activate(layer, h))
        elif pair is not None and direction is not None:
            first, second = affine(direction, h.value), None
            if h.first is not None:
                first = first + h.first @ pair[0].mT
                second = 2.0 * (h.first @ direction[0].mT)
                second = second if h.second is None else second + h.second @ pair[0].mT
            found.append(NodeJet(affine(pair, h.value), first, second))
    return found


def first_of_loss(loss: Loss, f: NodeJet, y: Tensor) -> Tensor:
    """D L[v] of the mean loss from the output's jet: `[..., N, out] -> [...]`."""
    return (losses.output_gradient(loss, f.value, y) * f.order(1)).sum(-1).mean(-1)


def second_of_loss(loss: Loss, f: NodeJet, y: Tensor) -> Tensor:
    """D^2 L[v, v] of the mean loss from the output's jet: `[..., N, out] -> [...]`."""
    if f.first is None:
        return torch.zeros(f.value.shape[:-2], dtype=f.value.dtype, device=f.value.device)
    total = losses.quadratic_form(loss, f.value, y, f.first)
    if f.second is not None:
        total = total + (losses.output_gradient(loss, f.value, y) * f.second).sum(-1)
    return total.mean(-1)


def second_derivative(network: Network, loss: Loss, theta: Tensor, v: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """<v, H v> for the Hessian H of the mean loss: `[..., P] * 2, [..., N, d], [..., N, out] -> [...]`.

    Differentiable by autograd in all tensors.
    """
    return second_of_loss(loss, node_jets(network, theta, v, x)[-1], y)


def _activate(layer: Activate, z: NodeJet) -> NodeJet:
    h = apply(layer.activation, 0, z.value)
    if z.first is None:
        return NodeJet(h, None, None)
    slope = apply(layer.activation, 1, z.value)
    bent = apply(layer.activation, 2, z.value) * z.first.square()
    return NodeJet(h, slope * z.first, bent if z.second is None else bent + slope * z.second)
