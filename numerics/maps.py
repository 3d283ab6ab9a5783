"""The torch reading of maps of the parameters: float64, for `torch.func`'s vmap, grad and hessian.

theta is the flat vector of all entries of the blocks, in the order of `map_values.coordinates`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from numerics import activations
from numerics.errors import NumericsError
from proofs.kernel.map_values import coordinates, number_of
from proofs.kernel.maps import (
    At,
    Chosen,
    Contract,
    Entry,
    Fixed,
    Given,
    Join,
    Map,
    ParameterBlock,
    Partial,
    Pick,
    Scaled,
    Total,
    blocks_of,
    maps_below,
    size_of,
)
from proofs.kernel.univariate import Expression, Piece, Univariate

__all__ = ["distance_to_kinks", "kink_distances", "reading", "values"]

Data = Mapping[str, Tensor]
PARTIALS = {"inverse": torch.reciprocal, "log": torch.log, "sqrt": torch.sqrt}


def reading(root: Map, given: Data | None = None) -> Callable[[Tensor], Tensor]:
    """The function theta -> the root's value.

    Shapes: [P] -> the shape of the root.  A partial function of a number that is not positive has
    torch's value there.

    Args:
        root: a map made of parameters, numbers and data; no `Opaque` or `Unknown` one.
        given: the value of every `Given` map by name.

    Raises:
        NumericsError: for a map without a torch reading, when the function is called.
    """
    every = values(root, given)
    return lambda theta: every(theta)[root]


def values(root: Map, given: Data | None = None) -> Callable[[Tensor], dict[Map, Tensor]]:
    """The function theta -> the values of all maps below the root, as `reading` gives the root's."""
    order, places, size = maps_below(root), _places(root), len(coordinates(root))
    data = dict(given or {})

    def every(theta: Tensor) -> dict[Map, Tensor]:
        if theta.shape != (size,) or theta.dtype != torch.float64:
            raise NumericsError(f"expected {size} parameters in float64 but got {tuple(theta.shape)}")
        found: dict[Map, Tensor] = {}
        for node in order:
            found[node] = _value(node, theta, places, data, found)
        return found

    return every


def kink_distances(root: Map, given: Data | None = None) -> Callable[[Tensor], Tensor]:
    """The function theta -> the least distance of an argument of a function to a kink of it, a scalar.

    All maps below the root count.  Infinity where no function has kinks, NaN where an argument is NaN.
    """
    every = values(root, given)

    def nearest(theta: Tensor) -> Tensor:
        found = every(theta)
        least = theta.new_full((), math.inf)
        for node in found:
            if isinstance(node, Entry) and isinstance(node.function, Univariate) and node.function.kinks:
                distances = activations.distance_to_kinks(node.function, found[node.of])
                least = torch.minimum(least, distances.min())
        return least

    return nearest


def distance_to_kinks(root: Map, theta: Tensor, given: Data | None = None) -> float:
    """The value of `kink_distances` at theta."""
    return float(kink_distances(root, given)(theta))


def _places(root: Map) -> dict[str, int]:
    """Where each block begins in theta."""
    found: dict[str, int] = {}
    start = 0
    for block in blocks_of(root):
        found[block.name] = start
        start += size_of(block.extents)
    return found


def _value(
    node: Map, theta: Tensor, places: Mapping[str, int], data: Data, found: Mapping[Map, Tensor]
) -> Tensor:
    match node:
        case ParameterBlock(name=name, extents=extents):
            start = places[name]
            return theta[start : start + size_of(extents)].reshape(extents)
        case Fixed(extents=extents, entries=entries):
            numbers = [int(q.p) / int(q.q) for q in entries]
            return torch.tensor(numbers, dtype=torch.float64, device=theta.device).reshape(extents)
        case Given(name=name, extents=extents):
            if name not in data or tuple(data[name].shape) != extents:
                raise NumericsError(f"expected the data {name} of shape {extents}")
            return data[name].to(torch.float64)
        case _:
            return _of_parts(node, found)


def _of_parts(node: Map, found: Mapping[Map, Tensor]) -> Tensor:
    match node:
        case At(of=of):
            return found[of].reshape(-1)[number_of(node)]
        case Pick(of=of, numbers=numbers, extents=extents):
            flat = found[of].reshape(-1)
            # The number -1 is the last entry, a 0.
            return torch.cat([flat, flat.new_zeros(1)])[torch.tensor(numbers)].reshape(extents)
        case Join(parts=parts):
            return torch.cat([found[part].reshape(-1) for part in parts])
        case Total(parts=parts):
            first, *others = (found[part] for part in parts)
            return sum(others, first)
        case Scaled(factor=factor, of=of):
            return (int(factor.p) / int(factor.q)) * found[of]
        case Contract(pattern=pattern, left=left, right=right):
            return torch.einsum(pattern, found[left], found[right])
        case Entry(function=Univariate() as function, of=of):
            return activations.apply(function, 0, found[of])
        case Chosen(of=of):
            return _chosen(node, found[of])
        case Partial(name=name, of=of):
            return PARTIALS[name](found[of])
        case _:
            raise NumericsError(f"expected a map that torch can read but got a {type(node).__name__}")


def _chosen(node: Chosen, inside: Tensor) -> Tensor:
    """Each entry under its own expression alone, so that none overflows where it is not chosen."""
    flat = inside.reshape(-1)
    parts: list[Tensor] = []
    order: list[int] = []
    for choice in sorted(set(node.choices)):
        numbers = [k for k, other in enumerate(node.choices) if other == choice]
        order.extend(numbers)
        picked = flat[torch.tensor(numbers)]
        if choice < 0:
            kink = torch.full_like(picked, float(node.function.kinks[-1 - choice]))
            parts.append(activations.apply(node.function, 0, kink))
        else:
            parts.append(activations.apply(_alone(node.function.pieces[choice].expression), 0, picked))
    back = torch.argsort(torch.tensor(order))
    return torch.cat(parts)[back].reshape(inside.shape)


def _alone(expression: Expression) -> Univariate:
    return Univariate("chosen", (), (Piece(None, None, expression),))
