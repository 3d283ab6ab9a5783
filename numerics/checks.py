"""Checks of what a caller hands to a measurement."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from numerics.errors import NumericsError
from numerics.regions import FreeSample
from proofs.network import Loss, LossKind, Network

__all__ = ["check_data", "check_free", "check_weights"]

# A float64 probability vector's entries add up to 1 within this.
SUM_SLACK = 1e-9


def check_data(
    network: Network, loss: Loss, x: Tensor | None, y: Tensor | None
) -> tuple[Tensor, Tensor] | None:
    """The data, detached, or None where both are None.

    Raises:
        NumericsError: unless x is [N, d] and y [N, out], N >= 1, float64 and finite, and y holds
            probability vectors for cross-entropy, entries in [0, 1] for bce.
    """
    if x is None or y is None:
        if x is not y:
            raise NumericsError("expected inputs and targets together but got one without the other")
        return None
    x, y = _check("inputs", x), _check("targets", y)
    if x.ndim != 2 or x.shape[0] == 0 or x.shape[1] != network.input_dim:
        wanted = f"[N, {network.input_dim}]"
        raise NumericsError(f"expected inputs of shape {wanted} but got shape={tuple(x.shape)}")
    if tuple(y.shape) != (x.shape[0], network.output_dim):
        wanted = (x.shape[0], network.output_dim)
        raise NumericsError(f"expected targets of shape {wanted} but got shape={tuple(y.shape)}")
    if loss.kind is LossKind.BCE and not bool(((y >= 0.0) & (y <= 1.0)).all()):
        raise NumericsError(
            f"expected targets of bce in [0, 1] but got entries from {float(y.min())} to {float(y.max())}"
        )
    if loss.kind is LossKind.CROSS_ENTROPY:
        worst = float((y.sum(1) - 1.0).abs().max())
        if float(y.min()) < 0.0 or worst > SUM_SLACK:
            raise NumericsError(
                f"expected targets of cross_entropy that are probability vectors but got an entry "
                f"{float(y.min())} and a sum {worst} away from 1"
            )
    return x, y


def check_weights(network: Network, weights: Tensor) -> Tensor:
    """The flat parameters, detached.

    Raises:
        NumericsError: unless they are [P], float64 and finite.
    """
    if tuple(weights.shape) != (network.parameter_count,):
        raise NumericsError(
            f"expected weights of shape ({network.parameter_count},) but got shape={tuple(weights.shape)}"
        )
    return _check("weights", weights)


def check_free(input_norm: float | None, target_norm: float) -> FreeSample:
    """The free sample of a measurement without data.

    Raises:
        NumericsError: unless the norms are not negative and that of the input is finite.
    """
    if input_norm is None:
        raise NumericsError("expected data or input_norm, the largest norm of an input, but got neither")
    if not (math.isfinite(input_norm) and input_norm >= 0.0):
        raise NumericsError(f"expected a finite input_norm >= 0 but got input_norm={input_norm}")
    if not target_norm >= 0.0:
        raise NumericsError(f"expected target_norm >= 0 but got target_norm={target_norm}")
    return FreeSample(float(input_norm), float(target_norm))


def _check(name: str, value: Tensor) -> Tensor:
    if value.dtype != torch.float64:
        raise NumericsError(f"expected {name} in float64 but got dtype={value.dtype}")
    if not bool(torch.isfinite(value).all()):
        raise NumericsError(f"expected finite {name} but got NaN or infinity")
    return value.detach()
