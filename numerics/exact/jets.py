"""Derivatives along one direction at an exact instance, by forward jets.

Along theta + t u every node is h + t h' + t^2 h''/2 + ...:

    dense       z' = W h' + U h + u_b        z'' = W h'' + 2 U h'
    activation  h' = sigma'(z) z'            h'' = sigma''(z) z'^2 + sigma'(z) z''

and for the loss D l = <grad l, f'>, D^2 l = <f', Hess l f'> + <grad l, f''>; the mean over samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import ctx

from numerics.errors import NumericsError
from proofs.kernel.tensors import ExactTensor
from proofs.network import Activate, Dense, Loss, Network

from .losses import curvature, output_gradient
from .numbers import PRECISION, Field, FieldTensor, Number, dot, entries_of, field_for

__all__ = [
    "Derivatives", "Jet", "directional_derivatives", "jets", "jets_of_nodes", "rows",
]  # fmt: skip

Vector = list[Any]
Block = ExactTensor | FieldTensor
_ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Derivatives:
    """D L[u] and D^2 L[u,u] as fmpq or arb, and how they were computed."""

    first: Number
    second: Number
    method: str


@dataclass(frozen=True, slots=True)
class Jet:
    """A node's value h and derivatives h', h'' along the direction."""

    value: Vector
    first: Vector
    second: Vector

    def order(self, order: int) -> Vector:
        """The derivative of that order, 0 to 2."""
        return (self.value, self.first, self.second)[order]


def directional_derivatives(
    network: Network,
    loss: Loss,
    weights: Sequence[ExactTensor],
    direction: Sequence[ExactTensor],
    x: ExactTensor,
    y: ExactTensor,
) -> Derivatives:
    """D L[u] and D^2 L[u,u] of the mean loss L at exact weights, data and direction.

    Returns:
        Rationals where the network and the loss are piecewise polynomial, else enclosing balls.

    Raises:
        NumericsError: on a kink, or if the shapes do not fit.
    """
    field = field_for(network, loss)
    with ctx.workprec(PRECISION):
        first, second = field.number(_ZERO), field.number(_ZERO)
        for inputs, target in zip(rows(field, x), rows(field, y), strict=True):
            jet = jets(field, network, weights, direction, inputs)[-1]
            slope, curve = _loss_jet(field, loss, jet, target)
            first, second = first + slope, second + curve
        count = x.shape[0]
        return Derivatives(first / count, second / count, field.method)


def jets_of_nodes(
    network: Network,
    weights: Sequence[ExactTensor],
    direction: Sequence[ExactTensor],
    x: ExactTensor,
    loss: Loss | None = None,
) -> list[Jet]:
    """All nodes at one exact input [1, d], the input first; in balls if the loss needs them.

    Raises:
        NumericsError: on a kink, or if the shapes do not fit.
    """
    field = field_for(network, loss)
    with ctx.workprec(PRECISION):
        return jets(field, network, weights, direction, rows(field, x)[0])


def jets(
    field: Field,
    network: Network,
    weights: Sequence[Block],
    direction: Sequence[Block],
    inputs: Vector,
) -> list[Jet]:
    """The jets of the input and of every layer's output, for one input vector."""
    shapes = [parameter.shape for parameter in network.parameters()]
    for label, tensors in (("weights", weights), ("direction", direction)):
        if [tensor.shape for tensor in tensors] != shapes:
            raise NumericsError(f"expected {label} of shapes {shapes} but got {[t.shape for t in tensors]}")
    zeros = [field.number(_ZERO)] * len(inputs)
    found = [Jet(inputs, zeros, zeros)]
    parts = iter(zip(weights, direction, strict=True))
    for layer in network.layers:
        if isinstance(layer, Dense):
            bias = [next(parts) for _ in range(1 + layer.bias)]
            found.append(_dense(field, bias, found[-1]))
        else:
            found.append(_activate(field, layer, found[-1]))
    return found


def _dense(field: Field, parts: list[tuple[Block, Block]], h: Jet) -> Jet:
    weight, moved = (rows(field, tensor) for tensor in parts[0])
    value = [dot(row, h.value) for row in weight]
    first = [dot(row, h.first) + dot(step, h.value) for row, step in zip(weight, moved, strict=True)]
    second = [dot(row, h.second) + 2 * dot(step, h.first) for row, step in zip(weight, moved, strict=True)]
    if len(parts) == 2:
        bias, shift = (entries_of(field, tensor) for tensor in parts[1])
        value = [a + b for a, b in zip(value, bias, strict=True)]
        first = [a + b for a, b in zip(first, shift, strict=True)]
    return Jet(value, first, second)


def _activate(field: Field, layer: Activate, z: Jet) -> Jet:
    value: Vector = []
    first: Vector = []
    second: Vector = []
    for point, slope, bend in zip(z.value, z.first, z.second, strict=True):
        s0, s1, s2 = field.derivatives(layer.activation, point)
        value.append(s0)
        first.append(s1 * slope)
        second.append(s2 * slope * slope + s1 * bend)
    return Jet(value, first, second)


def _loss_jet(field: Field, loss: Loss, f: Jet, y: Vector) -> tuple[Number, Number]:
    slope = output_gradient(field, loss, f.value, y)
    return dot(slope, f.first), curvature(field, loss, f.value, y, f.first) + dot(slope, f.second)


def rows(field: Field, tensor: Block) -> list[Vector]:
    """The rows of a matrix."""
    width = tensor.shape[1]
    entries = entries_of(field, tensor)
    return [entries[i : i + width] for i in range(0, len(entries), width)]
