"""The network of a problem file: feed-forward where the layers are, an architecture else."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gradlemma.errors import ProblemError
from proofs.errors import LayerError, NetworkError
from proofs.network import Activate, Architecture, Dense, Layer, Network
from proofs.network.architecture_layers import ArchitectureLayer, Linear

from ._layers import layer_of

if TYPE_CHECKING:
    from proofs.kernel.tensors import ExactTensor

    from ._model import InputSection, ProblemFile

__all__ = ["network_of"]


def network_of(spec: ProblemFile, x: ExactTensor | None) -> Network | Architecture:
    """The network of the file for its input and data x [N, d].

    Returns:
        A `Network` if all layers are dense or activations, without shared or frozen tensors, on vectors.

    Raises:
        ProblemError: naming the layer or the key of the input that does not fit.
    """
    shape = _input_shape(spec.input, x)
    axes = max(1, len(shape) - 1)
    layers = tuple(layer_of(s, axes, f"network[{i}]") for i, s in enumerate(spec.network))
    plain = _plain(layers) if len(shape) == 1 and spec.input.tokens is None else None
    try:
        if plain is not None:
            return Network(shape[0], plain)
        return Architecture(shape, layers, spec.input.vocabulary)
    except LayerError as error:
        key = _key(spec, error.path)
        raise ProblemError(error.message, kind="network", key=key, remedy="correct this layer") from None
    except NetworkError as error:
        raise ProblemError(str(error), kind="network", key="network", remedy="correct the layers") from None


def _input_shape(section: InputSection, x: ExactTensor | None) -> tuple[int, ...]:
    given = [name for name in ("dim", "shape", "tokens") if getattr(section, name) is not None]
    if len(given) > 1:
        raise ProblemError(
            f"expected one of dim, shape and tokens but got {' and '.join(given)}",
            key=f"input.{given[1]}",
            remedy="keep one",
        )
    if (section.tokens is None) != (section.vocabulary is None):
        missing = "tokens" if section.tokens is None else "vocabulary"
        raise ProblemError(
            f"expected tokens and vocabulary together but {missing} is missing",
            kind="missing-key",
            key=f"input.{missing}",
            remedy="write input: {tokens: 5, vocabulary: 20}",
        )
    if not given:
        if x is None:
            raise ProblemError(
                "expected the key dim because there is no data to take it from, but it is missing",
                kind="missing-key",
                key="input.dim",
                remedy="add `dim:` with the number of input features",
            )
        return (x.shape[1],)
    shape = section.shape or (section.tokens or section.dim,)
    if x is not None and x.shape[1] != math.prod(shape):
        raise ProblemError(
            f"expected data with {math.prod(shape)} features but got {x.shape[1]}",
            kind="shape",
            key=f"input.{given[0]}",
            remedy=f"correct or remove `{given[0]}`" if given[0] == "dim" else f"correct `{given[0]}`",
        )
    return shape


def _plain(layers: tuple[ArchitectureLayer, ...]) -> tuple[Layer, ...] | None:
    """The layers of a feed-forward network, or None where one is of another kind."""
    found: list[Layer] = []
    for layer in layers:
        match layer:
            case Activate():
                found.append(layer)
            case Linear(shared=(), frozen=False, transposed=False, width=width, bias=bias):
                found.append(Dense(width, bias))
            case _:
                return None
    return tuple(found)


def _key(spec: ProblemFile, path: tuple[int, ...]) -> str:
    """The key of the layer at a path, such as `network[2].residual[0].dense`."""
    section = spec.network[path[0] - 1]
    key = f"network[{path[0] - 1}]"
    for number in path[1:]:
        section = (section.residual or [])[number - 1]
        key += f".residual[{number - 1}]"
    return f"{key}.{section.kind}"
