"""Hessian-vector products and Hessians of the mean loss, exact up to rounding.

With r_k = D h_k[v] and s_k = D c_k[v] for the cotangents c of the tape, one more pass each way gives

    dense       r_k = r_{k-1} W^T + h_{k-1} V^T + v_b      s_{k-1} = s_k W + c_k V
    activation  r_k = sigma'(z) r_{k-1}                    s_{k-1} = sigma'(z) s_k + sigma''(z) r_{k-1} c_k

and H v has the blocks (s_k^T h_{k-1} + c_k^T r_{k-1}) / N and (s_k^T 1) / N.  The tape, sigma'' c
and the loss Hessian's p are kept, so a product costs two passes of matrix products.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from numerics import losses
from numerics.errors import NumericsError
from numerics.evaluate import affine, layer_parameters
from numerics.metering import product, product_sum
from proofs.network import Loss, Network

from .gradients import require_samples
from .tape import Tape, chunks, record

__all__ = ["Linearised", "hessian", "hessian_vector_product"]

# Entries of a table [directions, N, width] that one batch of directions may fill (64 MiB).
DIRECTION_ENTRIES = 1 << 23


@dataclass(frozen=True, slots=True, eq=False)
class Linearised:
    """A tape with sigma''(z) c and the loss's Hessian as a map, from which products are made."""

    network: Network
    tape: Tape
    curvature: Callable[[Tensor], Tensor]

    @classmethod
    def at(cls, network: Network, loss: Loss, theta: Tensor, x: Tensor, y: Tensor) -> Linearised:
        tape = record(network, loss, theta, x, y, second=True)
        return cls(network, tape, losses.hessian_map(loss, tape.values[-1], y))

    def product(self, v: Tensor) -> Tensor:
        """The sum over the samples of H_i v: `[..., P] -> [..., P]`."""
        directions = layer_parameters(self.network, v)
        tangents = self._forward(directions)
        return self._backward(directions, tangents)

    def _forward(self, directions: tuple) -> list[Tensor | None]:
        tangents: list[Tensor | None] = [None]
        for index, (pair, direction) in enumerate(zip(self.tape.parameters, directions, strict=True)):
            r, slope = tangents[-1], self.tape.slopes[index]
            if pair is None or direction is None:
                tangents.append(r if r is None or slope is None else r * slope)
                continue
            moved = affine(direction, self.tape.values[index])
            tangents.append(moved if r is None else product_sum(moved, r, pair[0].mT))
        return tangents

    def _backward(self, directions: tuple, tangents: list[Tensor | None]) -> Tensor:
        tape = self.tape
        last = tangents[-1]
        if last is None:
            raise NumericsError("expected a network with a dense layer but found none")
        s = self.curvature(last)
        # What follows changes s in place.
        s = s.clone() if s is last else s
        blocks: list[Tensor] = []
        for index in range(len(tape.parameters) - 1, -1, -1):
            pair, direction, r = tape.parameters[index], directions[index], tangents[index]
            c, slope, bend = tape.cotangents[index + 1], tape.slopes[index], tape.bends[index]
            if c is None:
                break
            if pair is None or direction is None:
                s = s if slope is None else s.mul_(slope)
                s = s if bend is None or r is None else s.addcmul_(bend, r)
                continue
            block = product(s.mT, tape.values[index])
            if r is not None:
                block = product_sum(block, c.mT, r)
            if pair[1] is not None:
                blocks.append(s.sum(-2))
            blocks.append(block.flatten(-2))
            if tape.cotangents[index] is not None:
                s = product_sum(product(s, pair[0]), c, direction[0])
        return torch.cat(blocks[::-1], dim=-1)


def hessian_vector_product(
    network: Network, loss: Loss, theta: Tensor, x: Tensor, y: Tensor
) -> Callable[[Tensor], Tensor]:
    """The map v -> H v for the Hessian H of the mean loss at theta: `[..., P] -> [..., P]`.

    Leading dimensions of theta, x, y and v are batches, broadcast against each other: theta [B, P]
    and v [B, P] give one product each, theta [B, 1, P] and v [B, K, P] give K products each.
    Passes that do not depend on v are run once.  At a kink the right piece's derivatives count.

    Raises:
        NumericsError: if there is no sample.
    """
    with torch.no_grad():
        copies = 2 * max(1, math.prod(theta.shape[:-1]))
        parts = [
            Linearised.at(network, loss, theta, part_x, part_y)
            for part_x, part_y in chunks(network, require_samples(x), y, copies)
        ]
    count = x.shape[-2]

    def times(v: Tensor) -> Tensor:
        with torch.no_grad():
            total = parts[0].product(v)
            for part in parts[1:]:
                total = total + part.product(v)
            return total / count

    return times


def hessian(network: Network, loss: Loss, theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The Hessian of the mean loss, `[P], [N, d], [N, out] -> [P, P]`.

    Returns:
        Products with the unit vectors, a batch at a time; symmetric up to rounding.
    """
    times = hessian_vector_product(network, loss, theta, x, y)
    size = theta.shape[0]
    batch = max(1, DIRECTION_ENTRIES // (x.shape[0] * max(network.widths())))
    rows: list[Tensor] = []
    for start in range(0, size, batch):
        units = torch.zeros(min(batch, size - start), size, dtype=theta.dtype, device=theta.device)
        units[torch.arange(units.shape[0]), start + torch.arange(units.shape[0])] = 1.0
        rows.append(times(units))
    return torch.cat(rows)
