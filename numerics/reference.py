"""Slow, obvious twins of the fast routines: plain loops and autograd; used by tests only."""

from __future__ import annotations

from typing import assert_never

import torch
from torch import Tensor

from numerics.evaluate import unpack
from proofs.network import Activate, Loss, LossKind, Network

__all__ = ["reference_gradient", "reference_hessian", "reference_loss", "reference_sample_gradient_norms"]


def reference_activation(name: str, z: Tensor) -> Tensor:
    """The catalogue's activation of that name with default parameters, by torch's own function."""
    functional = torch.nn.functional
    table = {
        "identity": lambda t: t,
        "relu": functional.relu,
        "leaky_relu": lambda t: functional.leaky_relu(t, 0.01),
        "abs": torch.abs,
        "relu6": functional.relu6,
        "hardtanh": functional.hardtanh,
        "hardsigmoid": functional.hardsigmoid,
        "hardswish": functional.hardswish,
        "square": torch.square,
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "softplus": lambda t: functional.softplus(t, threshold=100.0),
        "elu": functional.elu,
        "celu": functional.celu,
        "selu": functional.selu,
        "silu": functional.silu,
        "gelu": functional.gelu,
        "sin": torch.sin,
        "gelu_tanh": lambda t: functional.gelu(t, approximate="tanh"),
        "mish": functional.mish,
        "softsign": functional.softsign,
        "round": torch.round,
        "sign": torch.sign,
        "triangle": lambda t: 1.0 - (torch.remainder(t, 4.0) - 2.0).abs(),
        "abs_sin": lambda t: torch.sin(t).abs(),
    }
    return table[name](z)


def reference_loss(network: Network, loss: Loss, theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The mean loss, one sample at a time: `[P], [N, d], [N, out] -> []`."""
    parameters = unpack(network, theta)
    total = torch.zeros((), dtype=theta.dtype)
    for sample, target in zip(x, y, strict=True):
        h, number = sample, 0
        for layer in network.layers:
            if isinstance(layer, Activate):
                h = reference_activation(layer.activation.name, h)
                continue
            number += 1
            h = parameters[f"W{number}"] @ h
            if layer.bias:
                h = h + parameters[f"b{number}"]
        total = total + reference_sample_loss(loss, h, target)
    return total / x.shape[0]


def reference_sample_loss(loss: Loss, f: Tensor, target: Tensor) -> Tensor:
    """The loss of one sample by torch's own functions: `[out], [out] -> []`."""
    functional = torch.nn.functional
    match loss.kind:
        case LossKind.CROSS_ENTROPY:
            return -(target * torch.log_softmax(f, dim=0)).sum()
        case LossKind.MSE:
            return ((f - target) ** 2).sum()
        case LossKind.HALF_MSE:
            return ((f - target) ** 2).sum() / 2
        case LossKind.BCE:
            return functional.binary_cross_entropy_with_logits(f, target, reduction="sum")
        case LossKind.HUBER:
            delta = float(dict(loss.parameters)["delta"])
            return functional.huber_loss(f, target, reduction="sum", delta=delta)
        case _:
            assert_never(loss.kind)


def reference_gradient(network: Network, loss: Loss, theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The gradient [P] of the mean loss by autograd."""
    theta = theta.detach().requires_grad_()
    return torch.autograd.grad(reference_loss(network, loss, theta, x, y), theta)[0]


def reference_hessian(network: Network, loss: Loss, theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The Hessian [P, P] of the mean loss by differentiating each entry of the gradient."""
    theta = theta.detach().requires_grad_()
    first = torch.autograd.grad(reference_loss(network, loss, theta, x, y), theta, create_graph=True)[0]
    rows: list[Tensor] = []
    for entry in first:
        if not entry.requires_grad:
            rows.append(torch.zeros_like(theta))
            continue
        row = torch.autograd.grad(entry, theta, retain_graph=True, allow_unused=True)[0]
        rows.append(torch.zeros_like(theta) if row is None else row)
    return torch.stack(rows)


def reference_sample_gradient_norms(
    network: Network, loss: Loss, theta: Tensor, x: Tensor, y: Tensor
) -> Tensor:
    """The norm of every sample's gradient, [N], one sample at a time."""
    return torch.stack(
        [
            reference_gradient(network, loss, theta, x[i : i + 1], y[i : i + 1]).norm()
            for i in range(x.shape[0])
        ]
    )
