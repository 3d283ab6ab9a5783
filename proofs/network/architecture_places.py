"""Layers in their places: shapes from layer to layer, numbers, and names of tensors."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from proofs.errors import LayerError, NetworkError

from .architecture_base import HasTensors
from .architecture_layers import ArchitectureLayer, Embedding, Residual
from .architecture_shapes import Shape, entries_inside, layer_word, output_shape_of, tensors_of

__all__ = [
    "MAX_ENTRIES", "PlacedLayer", "PlacedTensor", "place_layers", "refusal_at", "walk_layers",
]  # fmt: skip

MAX_ENTRIES = 50_000_000
MAX_DEPTH = 8


@dataclass(frozen=True, slots=True)
class PlacedTensor:
    """A tensor of a layer: its role there, its name in the architecture, its shape."""

    role: str
    name: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class PlacedLayer:
    """A layer in its place.

    path: its number, counted from 1, and within residual sums the numbers inside, as (3, 1).
    number: layers with tensors count from 1, in order; 0 for the others.
    inside: the layers of a residual sum.
    """

    path: tuple[int, ...]
    layer: ArchitectureLayer
    incoming: Shape
    outgoing: Shape
    number: int
    tensors: tuple[PlacedTensor, ...]
    inside: tuple[PlacedLayer, ...]

    @property
    def label(self) -> str:
        """Such as `layer 3.1: attention`."""
        return f"layer {'.'.join(map(str, self.path))}: {layer_word(self.layer)}"


def walk_layers(placed: tuple[PlacedLayer, ...]) -> Iterator[PlacedLayer]:
    """All layers, those inside residual sums before the sum."""
    for one in placed:
        yield from walk_layers(one.inside)
        yield one


def place_layers(
    layers: tuple[ArchitectureLayer, ...], shape: Shape, *, tokens: bool
) -> tuple[PlacedLayer, ...]:
    """The layers in their places for an input of that shape; `tokens` if its rows are one-hot.

    Raises:
        LayerError: for a layer that does not fit the shape before it.
    """
    return _place(layers, shape, (), count(1), tokens)


def _place(
    layers: tuple[ArchitectureLayer, ...],
    shape: Shape,
    above: tuple[int, ...],
    numbers: count[int],
    tokens: bool,
) -> tuple[PlacedLayer, ...]:
    found: list[PlacedLayer] = []
    for index, layer in enumerate(layers, start=1):
        path = (*above, index)
        if isinstance(layer, Embedding) and (path != (1,) or not tokens):
            raise refusal_at(path, layer, "expected an embedding as the first layer only, of tokens")
        found.append(_place_one(layer, shape, path, numbers, tokens))
        shape = found[-1].outgoing
    return tuple(found)


def _place_one(
    layer: ArchitectureLayer,
    shape: Shape,
    path: tuple[int, ...],
    numbers: count[int],
    tokens: bool,
) -> PlacedLayer:
    inside: tuple[PlacedLayer, ...] = ()
    if isinstance(layer, Residual):
        if len(path) > MAX_DEPTH:
            raise refusal_at(path, layer, f"expected residual sums nested at most {MAX_DEPTH} times")
        inside = _place(layer.layers, shape, path, numbers, tokens)
        if inside[-1].outgoing != shape:
            raise refusal_at(
                path, layer, f"expected layers inside that keep shape {shape} but got {inside[-1].outgoing}"
            )
    try:
        outgoing = output_shape_of(layer, shape)
        tensors = tensors_of(layer, shape)
    except NetworkError as error:
        raise refusal_at(path, layer, str(error)) from None
    sizes = [math.prod(extents) for extents in (outgoing, *(t for _, t in tensors))]
    if max(*sizes, entries_inside(layer, shape)) > MAX_ENTRIES:
        raise refusal_at(path, layer, f"expected tensors of at most {MAX_ENTRIES} entries")
    number = next(numbers) if tensors else 0
    named = tuple(PlacedTensor(role, _name(layer, role, number), extents) for role, extents in tensors)
    if isinstance(layer, HasTensors):
        for role, name in layer.shared:
            if role not in {role for role, _ in tensors}:
                message = f"expected a layer with the tensor {role} to share it as {name}"
                raise refusal_at(path, layer, message)
    return PlacedLayer(path, layer, shape, outgoing, number, named, inside)


def _name(layer: ArchitectureLayer, role: str, number: int) -> str:
    shared = layer.name_of(role) if isinstance(layer, HasTensors) else None
    return shared or f"{role}{number}"


def refusal_at(path: tuple[int, ...], layer: ArchitectureLayer, message: str) -> LayerError:
    """The refusal of a layer with its place."""
    return LayerError(path, layer_word(layer), message)
