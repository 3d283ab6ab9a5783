"""Which tensor of an instance each parameter of the network takes: its own, or one that is used twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from proofs.kernel.tensors import ExactTensor
from proofs.network import Network

from .batches import Batch, Instance

__all__ = ["Sharing"]


@dataclass(frozen=True, slots=True)
class Sharing:
    """The parameters of a network by the tensor that each takes.

    owners: for each parameter in order the name of its tensor; `W1` for all weights where they are
    tied.  A direction has one block a tensor, so a tied weight moves everywhere at once and its
    block counts once in the direction's norm.
    """

    owners: tuple[str, ...]
    shapes: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, network: Network, *, tied: bool = False) -> Sharing:
        """The sharing of a network; with `tied` all layers, of equal shapes, take the first one's."""
        parameters = network.parameters()
        if not tied:
            return cls(tuple(p.name for p in parameters), {p.name: p.shape for p in parameters})
        names = tuple(p.name[0] + "1" for p in parameters)
        return cls(names, {p.name: p.shape for p in parameters if p.layer == 1})

    def flat(self, batch: Batch, prefix: str) -> Tensor:
        """The parameter vectors [B, P], or with the prefix `u.` those of the direction."""
        return torch.cat([batch[prefix + name].flatten(1) for name in self.owners], dim=1)

    def tensors(self, instance: Instance, prefix: str) -> tuple[ExactTensor, ...]:
        """W1, b1, W2, ... of one instance, or with the prefix `u.` those of its direction."""
        return tuple(instance[prefix + name] for name in self.owners)
