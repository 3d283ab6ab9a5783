"""The gradient of the mean loss at an exact instance, and its norm, backwards through the layers.

With g = dl/dz of a dense layer z = W h + b: dl/dW = g h^T, dl/db = g, dl/dh = W^T g; and
dl/dz = sigma'(z) dl/dh through an activation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from flint import ctx

from proofs.kernel.tensors import ExactTensor
from proofs.network import Activate, Dense, Loss, Network

from .jets import Block, jets, rows
from .losses import output_gradient
from .numbers import PRECISION, Field, FieldTensor, Number, dot, field_for

__all__ = ["Gradient", "gradient", "gradient_in"]

_ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Gradient:
    """grad L as fmpq or arb, and how it was computed.

    entries: one flat tuple per parameter W1, b1, W2, ..., rows first; squared_norm: ||grad L||^2.
    """

    entries: tuple[tuple[Number, ...], ...]
    squared_norm: Number
    method: str


def gradient(
    network: Network, loss: Loss, weights: Sequence[ExactTensor], x: ExactTensor, y: ExactTensor
) -> Gradient:
    """Grad L of the mean loss L at exact weights and data.

    Returns:
        Rationals where the network and the loss are piecewise polynomial, else enclosing balls.

    Raises:
        NumericsError: on a kink, or if the shapes do not fit.
    """
    return gradient_in(field_for(network, loss), network, loss, weights, x, y)


def gradient_in(
    field: Field, network: Network, loss: Loss, weights: Sequence[Block], x: Block, y: Block
) -> Gradient:
    """As `gradient`, in the given field; tensors may hold its numbers already."""
    still = [FieldTensor(t.shape, (field.number(_ZERO),) * prod(t.shape)) for t in weights]
    with ctx.workprec(PRECISION):
        count = x.shape[0]
        total: list[list[Number]] = []
        for inputs, target in zip(rows(field, x), rows(field, y), strict=True):
            nodes = [jet.value for jet in jets(field, network, weights, still, inputs)]
            slope = output_gradient(field, loss, nodes[-1], target)
            found = _backwards(field, network, weights, nodes, slope)
            total = [_plus(*pair) for pair in zip(total, found, strict=True)] if total else found
        entries = [[entry / count for entry in part] for part in total]
        square = sum((entry * entry for part in entries for entry in part), field.number(_ZERO))
    return Gradient(tuple(map(tuple, entries)), square, field.method)


def _backwards(
    field: Field,
    network: Network,
    weights: Sequence[Block],
    nodes: list[list[Number]],
    slope: list[Number],
) -> list[list[Number]]:
    """The gradient of one sample's loss, a list per parameter; nodes[i] is what layer i is applied to."""
    found: list[list[Number]] = []
    place = len(weights)
    for layer, h in reversed(list(zip(network.layers, nodes, strict=False))):
        match layer:
            case Dense():
                if layer.bias:
                    place -= 1
                    found.append(slope)
                place -= 1
                found.append([g * entry for g in slope for entry in h])
                columns = zip(*rows(field, weights[place]), strict=True)
                slope = [dot(column, slope) for column in columns]
            case Activate():
                bends = [field.derivatives(layer.activation, z)[1] for z in h]
                slope = [g * bend for g, bend in zip(slope, bends, strict=True)]
    return found[::-1]


def _plus(left: list[Number], right: list[Number]) -> list[Number]:
    return [a + b for a, b in zip(left, right, strict=True)]
