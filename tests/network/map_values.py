"""A slow reading of maps in torch, float64, for comparison with torch's own layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from numerics import activations
from proofs.kernel.maps import (
    Contract,
    Entry,
    Fixed,
    Given,
    Join,
    Map,
    Opaque,
    ParameterBlock,
    Partial,
    Pick,
    Scaled,
    Total,
    maps_below,
)

PARTIAL = {"inverse": torch.reciprocal, "log": torch.log, "sqrt": torch.sqrt}


def value_of(
    node: Map, values: Mapping[str, Tensor], functions: Mapping[str, Callable[[Tensor], Tensor]] | None = None
) -> Tensor:
    """The value where parameters and data have the given values."""
    known: dict[Map, Tensor] = {}
    for part in maps_below(node):
        known[part] = _value(part, known, values, functions or {})
        assert part.shape is None or tuple(known[part].shape) == part.shape
    return known[node]


def _value(node: Map, known: dict[Map, Tensor], values, functions) -> Tensor:
    match node:
        case ParameterBlock(name=name) | Given(name=name):
            return values[name]
        case Fixed(extents=extents, entries=entries):
            return torch.tensor([float(e.p) / float(e.q) for e in entries], dtype=torch.float64).reshape(
                extents
            )
        case Pick(of=of, numbers=numbers, extents=extents):
            padded = torch.cat([known[of].reshape(-1), torch.zeros(1, dtype=torch.float64)])
            return padded[list(numbers)].reshape(extents)
        case Join(parts=parts):
            return torch.cat([known[part].reshape(-1) for part in parts])
        case Total(parts=parts):
            return torch.stack([known[part] for part in parts]).sum(0)
        case Scaled(factor=factor, of=of):
            return known[of] * (float(factor.p) / float(factor.q))
        case Contract(pattern=pattern, left=left, right=right):
            return torch.einsum(pattern, known[left], known[right])
        case Entry(function=function, of=of):
            return activations.apply(function, 0, known[of])
        case Partial(name=name, of=of):
            return PARTIAL[name](known[of])
        case Opaque(name=name, of=of):
            return functions[name](known[of].reshape(-1))
        case _:
            raise AssertionError(f"no value of {node}")
