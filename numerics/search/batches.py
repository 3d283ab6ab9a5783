"""Batches of instances, and one instance in exact numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

from proofs.kernel.tensors import ExactTensor

__all__ = ["Batch", "Instance", "exact_instance", "exact_tensor", "nested", "plain", "rounded"]

# Tensors by name: W1, b1, ..., x, y, and u.W1, u.b1, ... for a direction; t for an activation.
Instance = Mapping[str, ExactTensor]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """B instances at once: every tensor is `[B, ...]`."""

    tensors: dict[str, Tensor]

    def __len__(self) -> int:
        return len(next(iter(self.tensors.values())))

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]

    def take(self, chosen: Tensor) -> Batch:
        return self.map(lambda value: value[chosen])

    def map(self, change: Callable[[Tensor], Tensor]) -> Batch:
        return Batch({name: change(value) for name, value in self.tensors.items()})

    def replaced(self, **changes: Tensor) -> Batch:
        return Batch({**self.tensors, **changes})

    def where(self, better: Tensor, other: Batch) -> Batch:
        """The instances of `other` where `better` [B] holds, else one's own."""

        def choose(name: str, value: Tensor) -> Tensor:
            return torch.where(better.reshape(-1, *[1] * (value.ndim - 1)), other[name], value)

        return Batch({name: choose(name, value) for name, value in self.tensors.items()})


def exact_tensor(value: Tensor) -> ExactTensor:
    """A float64 tensor of one or two dimensions, exactly; a scalar becomes a vector of length 1."""
    array = value.detach().cpu().numpy()
    return ExactTensor.from_floats(array.reshape(1) if array.ndim == 0 else array)


def exact_instance(batch: Batch, index: int) -> Instance:
    """One instance in the floats' exact values; directions (`u.`) scaled so that 1 is their largest entry."""
    found = {name: value[index] for name, value in batch.tensors.items()}
    along = [name for name in found if name.startswith("u.")]
    largest = max((float(found[name].abs().max()) for name in along), default=1.0) or 1.0
    return {n: exact_tensor(v / largest if n in along else v) for n, v in found.items()}


def rounded(tensor: ExactTensor, denominator: int) -> ExactTensor:
    """Every entry rounded to a multiple of 1/denominator."""
    entries = tuple(Fraction(round(entry * denominator), denominator) for entry in tensor.fractions())
    return ExactTensor.from_fractions(tensor.shape, entries)


def nested(tensor: ExactTensor) -> list[Any]:
    """The entries as nested lists of texts."""
    entries = [str(entry) for entry in tensor.fractions()]
    if len(tensor.shape) == 1:
        return entries
    return [entries[i : i + tensor.shape[1]] for i in range(0, len(entries), tensor.shape[1])]


def plain(tensor: ExactTensor) -> str:
    """The entries in one line: `[0, 1/2]`, or `[[0, 1/2]]` for a matrix."""
    return str(nested(tensor)).replace("'", "")
