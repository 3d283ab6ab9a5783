"""Architectures: layers of many kinds, residual sums and shared tensors, with all shapes checked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from proofs.errors import NetworkError

from .architecture_base import HasTensors
from .architecture_layers import ArchitectureLayer, Linear, Recurrent, Residual, UserMap
from .architecture_places import MAX_ENTRIES, PlacedLayer, PlacedTensor, place_layers, refusal_at, walk_layers
from .architecture_shapes import Shape, layer_word
from .layers import Activate, Dense, Parameter
from .network import MAX_LAYERS, Network

__all__ = ["Architecture"]

MAX_AXES = 4


@dataclass(frozen=True, slots=True)
class Architecture:
    """x -> f(x), the composition of `layers`; the output is a vector.

    input_shape: (d,) for vectors, (t, d) for sequences and graphs, (channels, length) or (channels,
        height, width); with a vocabulary (t,), the number of tokens, each from 0 to vocabulary - 1,
        and the layers see them as one-hot rows (t, vocabulary).

    Raises:
        NetworkError: where shapes, shared tensors or names do not agree; of a layer, a `LayerError`.
    """

    input_shape: Shape
    layers: tuple[ArchitectureLayer, ...]
    vocabulary: int | None = None

    def __post_init__(self) -> None:
        _check_input(self.input_shape, self.vocabulary)
        if not self.layers or len(self.layers) > MAX_LAYERS:
            raise NetworkError(f"expected 1 to {MAX_LAYERS} layers but got {len(self.layers)}")
        placed = tuple(self.walk())
        if len(self.output_shape) != 1:
            raise NetworkError(
                f"expected a vector as the output but got shape {self.output_shape}: "
                "add a layer `flatten` or `mean_over_positions`"
            )
        _check_shared(placed)
        _check_names(placed)
        if not self.parameters():
            raise NetworkError(
                "expected at least one trained tensor: without parameters there is no gradient"
            )

    @classmethod
    def of_network(cls, network: Network) -> Architecture:
        """The same function, with the same names of parameters.

        >>> Architecture.of_network(Network.of(2, Dense(3), "relu", Dense(1))).describe()
        '2: dense 3, activation relu, dense 1'
        """
        return cls(
            (network.input_dim,),
            tuple(Linear(x.width, x.bias) if isinstance(x, Dense) else x for x in network.layers),
        )

    @property
    def map_shape(self) -> Shape:
        """The shape of the input as the layers see it: one-hot rows for tokens."""
        return self.input_shape if self.vocabulary is None else (*self.input_shape, self.vocabulary)

    @property
    def input_dim(self) -> int:
        """The number of entries of a row of data: of tokens, their number."""
        return math.prod(self.input_shape)

    @property
    def output_shape(self) -> Shape:
        return self.placed()[-1].outgoing

    @property
    def output_dim(self) -> int:
        return math.prod(self.output_shape)

    def placed(self) -> tuple[PlacedLayer, ...]:
        """The layers in their places, with shapes and the names of their tensors."""
        return _placed(self)

    def walk(self) -> Iterator[PlacedLayer]:
        """All layers, those inside residual sums before the sum."""
        yield from walk_layers(self.placed())

    def parameters(self) -> tuple[Parameter, ...]:
        """The trained tensors in the order of the flat parameter vector; a shared one once, at its first use.

        Their names are the role and the number of the layer with tensors (`W1`, `b1`, `E2`), or the name
        under which they are shared.
        """
        return _tensors(self, frozen=False)

    def frozen(self) -> tuple[Parameter, ...]:
        """The tensors that are not trained, likewise."""
        return _tensors(self, frozen=True)

    @property
    def parameter_count(self) -> int:
        return sum(parameter.size for parameter in self.parameters())

    def describe(self) -> str:
        """Input and layers in short, such as `1x8x8: convolution, activation relu, flatten, dense 10`."""
        shape = "x".join(map(str, self.input_shape))
        tokens = "" if self.vocabulary is None else f" tokens of {self.vocabulary}"
        return f"{shape}{tokens}: {', '.join(_word(layer) for layer in self.layers)}"


def _word(layer: ArchitectureLayer) -> str:
    if isinstance(layer, Residual):
        return f"residual ({', '.join(_word(part) for part in layer.layers)})"
    return f"dense {layer.width}" if isinstance(layer, Linear) else layer_word(layer)


def _check_input(shape: Shape, vocabulary: int | None) -> None:
    if type(shape) is not tuple or not shape or len(shape) > MAX_AXES:  # pyright: ignore[reportUnnecessaryComparison]
        raise NetworkError(f"expected an input shape of 1 to {MAX_AXES} numbers but got {shape!r}")
    if any(type(extent) is not int or extent < 1 for extent in shape):
        raise NetworkError(f"expected an input shape of whole numbers >= 1 but got {shape!r}")
    if vocabulary is not None:
        if type(vocabulary) is not int or vocabulary < 1:
            raise NetworkError(f"expected a vocabulary >= 1 but got {vocabulary!r}")
        if len(shape) != 1:
            raise NetworkError(f"expected tokens of input shape (t,) but got {shape!r}")
    if math.prod(shape) * (vocabulary or 1) > MAX_ENTRIES:
        raise NetworkError(f"expected an input of at most {MAX_ENTRIES} entries")


@lru_cache(maxsize=256)
def _placed(architecture: Architecture) -> tuple[PlacedLayer, ...]:
    tokens = architecture.vocabulary is not None
    return place_layers(architecture.layers, architecture.map_shape, tokens=tokens)


def _check_shared(placed: tuple[PlacedLayer, ...]) -> None:
    """One shape for each name, trained or frozen alike, and no shared name that occurs once only."""
    uses: dict[str, list[tuple[PlacedLayer, PlacedTensor]]] = {}
    for one in placed:
        for tensor in one.tensors:
            uses.setdefault(tensor.name, []).append((one, tensor))
    for name, found in uses.items():
        first, tensor = found[0]
        is_shared = isinstance(first.layer, HasTensors) and first.layer.name_of(tensor.role) is not None
        if len(found) == 1 and is_shared:
            known = ", ".join(n for n in list(uses)[:12] if n != name) or "none"
            raise refusal_at(
                first.path,
                first.layer,
                f"expected a second tensor of the shared name {name} but there is none (others: {known})",
            )
        for one, other in found[1:]:
            if other.shape != tensor.shape:
                message = (
                    f"expected one shape of the shared tensor {name} but got {tensor.shape} and {other.shape}"
                )
                raise refusal_at(one.path, one.layer, message)
            if _is_frozen(one) != _is_frozen(first):
                message = f"expected the shared tensor {name} frozen everywhere or nowhere"
                raise refusal_at(one.path, one.layer, message)


def _is_frozen(one: PlacedLayer) -> bool:
    return isinstance(one.layer, HasTensors) and one.layer.frozen


def _check_names(placed: tuple[PlacedLayer, ...]) -> None:
    """Functions are called by their labels and maps by their names, so that two need two."""
    known: dict[str, object] = {}
    for one in placed:
        match one.layer:
            case Activate(activation=function) | Recurrent(activation=function):
                label, meant = function.label(), function
            case UserMap(name=name, width=width):
                label, meant = f"map {name}", (one.incoming, width)
            case _:
                continue
        if known.setdefault(label, meant) != meant:
            raise refusal_at(
                one.path, one.layer, f"expected one function called {label} but got two different ones"
            )


@lru_cache(maxsize=256)
def _tensors(architecture: Architecture, *, frozen: bool) -> tuple[Parameter, ...]:
    found: dict[str, Parameter] = {}
    for one in architecture.walk():
        if _is_frozen(one) == frozen:
            for tensor in one.tensors:
                found.setdefault(tensor.name, Parameter(tensor.name, one.number, tensor.shape))
    return tuple(found.values())
