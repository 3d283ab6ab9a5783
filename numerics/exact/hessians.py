"""The Hessian of the mean loss at an exact instance, one forward and one backward pass for each column.

Along a direction with blocks V, v_b, r = D h[u] and s = D c[u] for c = dl/dh:

    dense       r' = W r + V h + v_b               s' = W^T s + V^T c       H u: s h^T + c r^T, and s
    activation  r' = sigma'(z) r                   s' = sigma'(z) s + sigma''(z) r c
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from flint import ctx

from proofs.network import Activate, Dense, Loss, Network

from .jets import Block, rows
from .losses import hessian_product, output_gradient
from .numbers import PRECISION, Field, Number, dot, entries_of

__all__ = ["hessian_in"]

Vector = list[Number]


def hessian_in(
    field: Field, network: Network, loss: Loss, weights: Sequence[Block], x: Block, y: Block
) -> list[Vector]:
    """The Hessian [P][P] in the given field, parameters in the order W1, b1, W2, ..., row by row.

    Raises:
        OnKink: where a pre-activation, or a residual of huber, is not shown to be off a kink.
    """
    with ctx.workprec(PRECISION):
        total: list[Vector] = []
        for inputs, target in zip(rows(field, x), rows(field, y), strict=True):
            sample = _Sample(field, network, loss, weights, inputs, target)
            found = [sample.product(i) for i in range(network.parameter_count)]
            total = [_plus(*pair) for pair in zip(total, found, strict=True)] if total else found
        return [[entry / x.shape[0] for entry in column] for column in total]


class _Sample:
    """The passes of one sample that do not depend on the direction."""

    def __init__(
        self,
        field: Field,
        network: Network,
        loss: Loss,
        weights: Sequence[Block],
        inputs: Vector,
        target: Vector,
    ) -> None:
        self.field, self.network, self.loss, self.target = field, network, loss, target
        self.zero, self.one = field.number(Fraction(0)), field.number(Fraction(1))
        self.matrices: list[list[Vector]] = []
        self.values = [inputs]
        self.slopes: list[tuple[Vector, Vector]] = []
        parts = iter(weights)
        for layer in network.layers:
            h = self.values[-1]
            match layer:
                case Dense():
                    matrix = rows(field, next(parts))
                    value = [dot(row, h) for row in matrix]
                    if layer.bias:
                        value = _plus(value, entries_of(field, next(parts)))
                    self.matrices.append(matrix)
                    self.slopes.append(([], []))
                case Activate():
                    found = [field.derivatives(layer.activation, z) for z in h]
                    value = [values[0] for values in found]
                    self.matrices.append([])
                    self.slopes.append(([values[1] for values in found], [values[2] for values in found]))
            self.values.append(value)

    def product(self, index: int) -> Vector:
        """H e_index of this sample's loss."""
        tangents = self._forward(index)
        f = self.values[-1]
        c = output_gradient(self.field, self.loss, f, self.target)
        s = hessian_product(self.field, self.loss, f, self.target, tangents[-1])
        blocks: list[Vector] = []
        place = self.network.parameter_count
        for k in range(len(self.network.layers) - 1, -1, -1):
            layer, h, r = self.network.layers[k], self.values[k], tangents[k]
            if isinstance(layer, Dense):
                if layer.bias:
                    place -= len(s)
                    blocks.append(s)
                place -= len(s) * len(h)
                blocks.append(
                    [a * p + b * q for a, b in zip(s, c, strict=True) for p, q in zip(h, r, strict=True)]
                )
                columns = [list(column) for column in zip(*self.matrices[k], strict=True)]
                s_next, c_next = (
                    [dot(column, s) for column in columns],
                    [dot(column, c) for column in columns],
                )
                entry = index - place
                if 0 <= entry < len(s) * len(h):
                    s_next[entry % len(h)] += c[entry // len(h)]
                s, c = s_next, c_next
            else:
                slope, bend = self.slopes[k]
                s = [a * u + b * v * w for a, u, b, v, w in zip(slope, s, bend, r, c, strict=True)]
                c = [a * u for a, u in zip(slope, c, strict=True)]
        return [entry for block in reversed(blocks) for entry in block]

    def _forward(self, index: int) -> list[Vector]:
        """D h[e_index] of every node, the input first."""
        found = [[self.zero] * len(self.values[0])]
        place = 0
        for k, layer in enumerate(self.network.layers):
            h, r = self.values[k], found[-1]
            if isinstance(layer, Dense):
                r_next = [dot(row, r) for row in self.matrices[k]]
                entry = index - place
                if 0 <= entry < layer.width * len(h):
                    r_next[entry // len(h)] += h[entry % len(h)]
                place += layer.width * len(h)
                if layer.bias:
                    if 0 <= index - place < layer.width:
                        r_next[index - place] += self.one
                    place += layer.width
                found.append(r_next)
            else:
                found.append([a * u for a, u in zip(self.slopes[k][0], r, strict=True)])
        return found


def _plus(left: Vector, right: Vector) -> Vector:
    return [a + b for a, b in zip(left, right, strict=True)]
