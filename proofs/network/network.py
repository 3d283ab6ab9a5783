"""A feed-forward network: input width and layers, with its shapes checked at construction."""

from __future__ import annotations

from dataclasses import dataclass

from proofs.errors import NetworkError
from proofs.kernel.univariate import Univariate

from .activations import activation
from .layers import Activate, Dense, Layer, Parameter

__all__ = ["Network"]

MAX_LAYERS = 2_000


@dataclass(frozen=True, slots=True)
class Network:
    """x -> f(x), the composition of `layers` on inputs of width `input_dim`.

    Nodes are numbered as the theory does: dense layers count l = 1, 2, ...;
    z_l = W_l h_{l-1} + b_l is their output and h_l the output of the activation after it.
    """

    input_dim: int
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if type(self.input_dim) is not int or self.input_dim < 1:
            raise NetworkError(f"expected input_dim >= 1 but got input_dim={self.input_dim!r}")
        if not any(isinstance(layer, Dense) for layer in self.layers):
            raise NetworkError(
                "expected at least one dense layer: a network without parameters has no gradient"
            )
        if len(self.layers) > MAX_LAYERS:
            raise NetworkError(f"expected at most {MAX_LAYERS} layers but got {len(self.layers)}")
        self._check_names()

    def _check_names(self) -> None:
        """Formulas call an activation by its label, so that two functions need two."""
        known: dict[str, Univariate] = {}
        for layer in self.layers:
            if isinstance(layer, Activate):
                label = layer.activation.label()
                if known.setdefault(label, layer.activation) != layer.activation:
                    raise NetworkError(f"expected one activation called {label} but got two different ones")

    @classmethod
    def of(cls, input_dim: int, *layers: Layer | Univariate | str) -> Network:
        """A network from layers, activations and names of activations.

        >>> Network.of(64, Dense(32), "tanh", Dense(10)).describe()
        '64-32-10 tanh'
        """
        built: list[Layer] = []
        for layer in layers:
            match layer:
                case str():
                    built.append(Activate(activation(layer)))
                case Univariate():
                    built.append(Activate(layer))
                case Dense() | Activate():
                    built.append(layer)
                case _:
                    raise NetworkError(f"expected a layer or the name of an activation but got {layer!r}")
        return cls(input_dim, tuple(built))

    def widths(self) -> tuple[int, ...]:
        """The width before the first layer and after every layer; length len(layers) + 1."""
        found = [self.input_dim]
        for layer in self.layers:
            found.append(layer.width if isinstance(layer, Dense) else found[-1])
        return tuple(found)

    @property
    def output_dim(self) -> int:
        return self.widths()[-1]

    @property
    def depth(self) -> int:
        """The number of dense layers."""
        return sum(isinstance(layer, Dense) for layer in self.layers)

    def parameters(self) -> tuple[Parameter, ...]:
        """W1, b1, W2, ... in the order of the flat parameter vector [P]; matrices row by row."""
        found: list[Parameter] = []
        number = 0
        for layer, incoming in zip(self.layers, self.widths(), strict=False):
            if not isinstance(layer, Dense):
                continue
            number += 1
            found.append(Parameter(f"W{number}", number, (layer.width, incoming)))
            if layer.bias:
                found.append(Parameter(f"b{number}", number, (layer.width,)))
        return tuple(found)

    @property
    def parameter_count(self) -> int:
        return sum(parameter.size for parameter in self.parameters())

    def describe(self) -> str:
        """Widths and activations in short: `64-32-10 tanh`."""
        dense = [str(self.input_dim)] + [str(x.width) for x in self.layers if isinstance(x, Dense)]
        names = [x.activation.label() for x in self.layers if isinstance(x, Activate)]
        return " ".join(["-".join(dense), *dict.fromkeys(names)])
