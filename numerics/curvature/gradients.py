"""Gradients of the mean loss and norms of per-sample gradients, by one backward pass."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from numerics import losses
from numerics.errors import NumericsError
from numerics.metering import product
from proofs.network import Loss, Network

from .tape import Tape, chunks, record

__all__ = ["assemble", "gradient", "gradient_rounding", "sample_gradient_norms", "squared_sample_norms"]


def gradient(network: Network, loss: Loss, theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The gradient of the mean loss: `[..., P], [..., N, d], [..., N, out] -> [..., P]`.

    Leading dimensions are a batch, broadcast against each other.  At a kink the right piece's slope
    counts.  Differentiable by autograd.

    Raises:
        NumericsError: if there is no sample.
    """
    copies = max(1, math.prod(theta.shape[:-1]))
    total: Tensor | None = None
    for part_x, part_y in chunks(network, require_samples(x), y, copies):
        part = assemble(record(network, loss, theta, part_x, part_y))
        total = part if total is None else total + part
    return torch.zeros_like(theta) if total is None else total / x.shape[-2]


def assemble(tape: Tape) -> Tensor:
    """The sum over the samples of their gradients, [..., P]: grad W = c^T h and grad b = c^T 1."""
    parts: list[Tensor] = []
    for _, h, cotangent, has_bias in tape.dense():
        parts.append(product(cotangent.mT, h).flatten(-2))
        if has_bias:
            parts.append(cotangent.sum(-2))
    return torch.cat(parts, dim=-1)


def sample_gradient_norms(network: Network, loss: Loss, theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """||gradient of l_i|| for every sample i: `[..., P], [..., N, d], [..., N, out] -> [..., N]`.

    One sample's weight gradient is c h^T, so ||grad||^2 = sum over layers of ||c||^2 (||h||^2 + [bias]):
    no [N, P] table is formed.

    Raises:
        NumericsError: if there is no sample.
    """
    parts = [
        squared_sample_norms(record(network, loss, theta, part_x, part_y))
        for part_x, part_y in chunks(network, require_samples(x), y)
    ]
    return torch.cat(parts, dim=-1).sqrt()


def squared_sample_norms(tape: Tape) -> Tensor:
    """||gradient of l_i||^2 for every sample, [..., N]."""
    total = torch.zeros_like(tape.values[0][..., 0])
    for _, h, cotangent, has_bias in tape.dense():
        total = total + cotangent.square().sum(-1) * (h.square().sum(-1) + float(has_bias))
    return total


def gradient_rounding(
    network: Network, loss: Loss, theta: Tensor, x: Tensor, y: Tensor
) -> tuple[float, float]:
    """Estimates of the rounding errors of `gradient` and of the largest per-sample norm.

    The passes are run again on absolute values (|W|, |h|, |sigma'|, and the sum instead of the
    difference at the loss), which bounds the terms that were added up; each passes through at most
    sum(widths) + 8 layers roundings.  First order in the unit roundoff and without the error that
    z carries into sigma': an estimate, not an enclosure.
    """
    unit = torch.finfo(theta.dtype).eps * (sum(network.widths()) + 8.0 * len(network.layers))
    mean, largest = 0.0, 0.0
    with torch.no_grad():
        for part_x, part_y in chunks(network, x, y):
            tape = record(network, loss, theta, part_x, part_y)
            norms = squared_sample_norms(_absolute(loss, tape, part_y)).sqrt()
            mean += float(norms.sum()) / x.shape[0]
            largest = max(largest, float(norms.max())) if torch.isfinite(norms).all() else float("nan")
    return unit * mean, unit * largest


def _absolute(loss: Loss, tape: Tape, y: Tensor) -> Tape:
    cotangent = losses.terms_added(loss, tape.values[-1], y)
    cotangents = list(tape.cotangents)
    cotangents[-1] = cotangent
    for index in range(len(tape.parameters) - 1, -1, -1):
        if cotangents[index] is None:
            break
        pair, slope = tape.parameters[index], tape.slopes[index]
        if pair is not None:
            cotangent = cotangent @ pair[0].abs()
        elif slope is not None:
            cotangent = cotangent * slope.abs()
        cotangents[index] = cotangent
    return replace(tape, cotangents=tuple(cotangents))


def require_samples(x: Tensor) -> Tensor:
    """The inputs themselves, if there is a sample.

    Raises:
        NumericsError: if N = 0, where a mean has no value.
    """
    if x.shape[-2] == 0:
        raise NumericsError(f"expected at least one sample but got shape={tuple(x.shape)}")
    return x
