"""Exact Hessians of the mean loss for a batch of parameter vectors, assembled from matrix products.

For the dense layers l = 1, ..., L write h_{l-1} for the input, [h; 1] with the entry of the bias,
c_l for the gradient of a sample's loss in z_l = W_l h_{l-1} + b_l, S_l for its Hessian in z_l and
F_{l,k} for the derivative of h_{l-1} in z_k, k < l (F_{l,l} does not occur).  A pass backwards gives

    dense       S <- W^T S W             activation   S <- D S D + diag(sigma'' c),  D = diag(sigma')

and a pass forwards F.  The derivative of the weight gradient c_l [h; 1]^T in (W_k, b_k), k <= l, is

    sum_i  A[a, c] [h_{l-1}; 1][b] [h_{k-1}; 1][d]  +  c_l[a] F[b, c] [h_{k-1}; 1][d],
    A = S_l W_l F_{l,k} for k < l,  A = S_l for k = l (and there no second term),

for row a and column b of layer l, row c and column d of layer k.  Both sums over the samples are
matrix products of tables [N, ac] and [N, bd], and [N, bc] and [N, ad].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from numerics import losses
from numerics.errors import NumericsError
from numerics.evaluate import Pair
from numerics.metering import product
from proofs.network import Activate, Loss, Network

from ._placing import Block, place
from .gradients import require_samples
from .tape import Tape, record

__all__ = ["hessians"]

# Numbers that the tables of one part of the batch may hold: 2^20 float64 numbers are 8 MiB, which
# nearly stay in the cache of a core.
CACHE_ENTRIES = 1 << 20
# Numbers that the tables of a part may hold on a device that computes many Hessians at once.
DEVICE_ENTRIES = 1 << 27


def hessians(
    network: Network,
    loss: Loss,
    theta: Tensor,
    x: Tensor,
    y: Tensor,
    *,
    out: Tensor | None = None,
    lower: bool = False,
) -> Tensor:
    """The Hessian of the mean loss at every theta: `[B, P], [N, d], [N, out] -> [B, P, P]`.

    x and y may also be `[B, N, d]` and `[B, N, out]`.  At a kink the right piece's derivatives count.

    Args:
        network: a feed-forward network.
        loss: the loss.
        theta: parameters, a row for each Hessian.
        x: inputs.
        y: targets.
        out: where to put the Hessians, [B, P, P]; the blocks above the diagonal must hold zeros if
            `lower`.
        lower: fill the blocks on and below the diagonal alone, as `eigvalsh` reads them.

    Returns:
        Hessians, exactly symmetric unless `lower`, with the rounding errors of the sums over samples.

    Raises:
        NumericsError: if there is no sample or a shape does not fit.
    """
    if theta.ndim != 2:
        raise NumericsError(f"expected parameters of shape [B, P] but got shape={tuple(theta.shape)}")
    require_samples(x)
    batch, size = theta.shape
    found = theta.new_zeros(batch, size, size) if out is None else out
    blocks = _blocks(network)
    entries = CACHE_ENTRIES if theta.device.type == "cpu" else DEVICE_ENTRIES
    samples, rows = _parts(blocks, x.shape[-2], size, entries)
    with torch.no_grad():
        for start in range(0, batch, rows):
            part = slice(start, min(start + rows, batch))
            for first in range(0, x.shape[-2], samples):
                data = slice(first, first + samples)
                part_x = x[data] if x.ndim == 2 else x[part, data]
                part_y = y[data] if y.ndim == 2 else y[part, data]
                tape = record(network, loss, theta[part], part_x, part_y, second=True)
                terms = _Terms(network, loss, tape, part_y, blocks, 1.0 / x.shape[-2])
                terms.add(found[part], fresh=first == 0)
        return found if lower else _mirror(found, blocks)


def _mirror(found: Tensor, blocks: tuple[Block, ...]) -> Tensor:
    """Complete the Hessians from the blocks on and below the diagonal, in place."""
    for number, block in enumerate(blocks):
        rows = slice(block.offset, block.offset + block.rows * block.width)
        diagonal = found[:, rows, rows]
        # Symmetric up to rounding; the mean is exactly so.
        diagonal.copy_(0.5 * (diagonal + diagonal.mT))
        for other in blocks[:number]:
            columns = slice(other.offset, other.offset + other.rows * other.width)
            found[:, columns, rows] = found[:, rows, columns].mT
    return found


def _blocks(network: Network) -> tuple[Block, ...]:
    found: list[Block] = []
    offset = 0
    for index, (layer, incoming) in enumerate(zip(network.layers, network.widths(), strict=False)):
        if isinstance(layer, Activate):
            continue
        found.append(Block(index, layer.width, incoming, offset, layer.bias))
        offset += layer.width * (incoming + int(layer.bias))
    return tuple(found)


def _parts(blocks: tuple[Block, ...], count: int, size: int, entries: int) -> tuple[int, int]:
    """(samples, Hessians) of one part: the widest pair of tables, and then as many Hessians as fit."""
    widest = max(
        row.rows * k.rows + (row.columns + 1) * (k.columns + 1)
        for i, row in enumerate(blocks)
        for k in blocks[: i + 1]
    )
    samples = max(1, min(count, 8 * entries // widest))
    return samples, max(1, entries // max(samples * widest, size * size))


@dataclass(frozen=True, slots=True, eq=False)
class _Terms:
    """What one part of the samples adds to the Hessians of one part of the batch."""

    network: Network
    loss: Loss
    tape: Tape
    y: Tensor
    blocks: tuple[Block, ...]
    share: float

    def add(self, out: Tensor, *, fresh: bool) -> None:
        """Put (`fresh`) or add the lower blocks into `out`, [b, P, P]."""
        forwards = [self._forwards(block) for block in self.blocks]
        extended = [self._extended(block) for block in self.blocks]
        second = self.share * losses.hessian_matrix(self.loss, self.tape.values[-1], self.y)
        below = len(self.tape.parameters) - 1
        for number in range(len(self.blocks) - 1, -1, -1):
            block = self.blocks[number]
            second = self._backward(second, below, block.index)
            self._add_row(out, number, second, forwards, extended, fresh)
            below = block.index

    def _add_row(
        self,
        out: Tensor,
        number: int,
        second: Tensor,
        forwards: list[list[Tensor]],
        extended: list[Tensor],
        fresh: bool,
    ) -> None:
        block, pair = self.blocks[number], self._pair(number)
        scaled = self.share * self._cotangent(block)
        weighted = product(second, pair[0].unsqueeze(-3)) if number else None
        for k in range(number + 1):
            other = self.blocks[k]
            here = forwards[k][number - k - 1] if k < number else None
            a = second if here is None or weighted is None else product(weighted, here)
            first = _summed(a.flatten(-2), _pairs(extended[number], extended[k]))
            mixed = None if here is None else _summed(here.flatten(-2), _pairs(scaled, extended[k]))
            place(out, block, other, first, mixed, fresh)

    def _pair(self, number: int) -> Pair:
        pair = self.tape.parameters[self.blocks[number].index]
        if pair is None:
            raise NumericsError("expected a dense layer but got an activation")
        return pair

    def _cotangent(self, block: Block) -> Tensor:
        found = self.tape.cotangents[block.index + 1]
        if found is None:
            raise NumericsError("expected the cotangent of a dense layer but got none")
        return found

    def _extended(self, block: Block) -> Tensor:
        """[h; 1] of a layer with bias, h of one without."""
        h = self.tape.values[block.index]
        return torch.cat((h, h.new_ones(*h.shape[:-1], 1)), dim=-1) if block.has_bias else h

    def _forwards(self, block: Block) -> list[Tensor]:
        """The derivatives of the inputs of all later dense layers in z of this one, [b, N, in, out]."""
        found: list[Tensor] = []
        tape = self.tape
        current: Tensor | None = None
        for index in range(block.index + 1, len(tape.parameters)):
            pair, slope = tape.parameters[index], tape.slopes[index]
            if pair is not None:
                here = self._identity(block) if current is None else current
                found.append(here)
                current = product(pair[0].unsqueeze(-3), here)
            elif slope is not None:
                current = torch.diag_embed(slope) if current is None else slope.unsqueeze(-1) * current
        return found

    def _identity(self, block: Block) -> Tensor:
        z = self.tape.values[block.index + 1]
        unit = torch.eye(block.rows, dtype=z.dtype, device=z.device)
        return unit.expand(*z.shape[:-1], *unit.shape)

    def _backward(self, second: Tensor, below: int, index: int) -> Tensor:
        """The Hessian in the output of layer `index` from that in the output of layer `below`."""
        for layer in range(below, index, -1):
            pair, slope, bend = self.tape.parameters[layer], self.tape.slopes[layer], self.tape.bends[layer]
            if pair is not None:
                weight = pair[0].unsqueeze(-3)
                second = product(weight.mT, product(second, weight))
            elif slope is not None:
                second = second * (slope.unsqueeze(-1) * slope.unsqueeze(-2))
                if bend is not None:
                    second.diagonal(dim1=-2, dim2=-1).add_(bend, alpha=self.share)
        return second


def _pairs(left: Tensor, right: Tensor) -> Tensor:
    """Products of entries of the left and the right row: `[.., N, p], [.., N, q] -> [.., N, pq]`."""
    return (left.unsqueeze(-1) * right.unsqueeze(-2)).flatten(-2)


def _summed(left: Tensor, right: Tensor) -> Tensor:
    """The sums over the samples: `[b, N, p], [b, N, q] -> [b, p, q]`."""
    return product(left.mT, right)
