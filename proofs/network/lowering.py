"""From an architecture to maps of the parameters: what its layers do, in the kernel's terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from flint import fmpq

from proofs.errors import NetworkError
from proofs.kernel.maps import Contract, Entry, Given, Map, Opaque, ParameterBlock, Scaled, Total

from .architecture import Architecture
from .architecture_layers import (
    Attention,
    AveragePool,
    Convolution,
    Embedding,
    Flatten,
    GraphConvolution,
    LayerNorm,
    Linear,
    MaxPool,
    MeanOverPositions,
    Positions,
    Recurrent,
    Residual,
    Softmax,
    TopK,
    TrainedSlope,
    UserMap,
)
from .architecture_places import PlacedLayer
from .layers import Activate
from .lowering_gates import top_k
from .lowering_grids import average_pool, convolution, max_pool
from .lowering_parts import affine, constant_map, lead_of, relu_of, reshaped, softmax
from .lowering_rows import Tensors, attention, layer_norm, mean_of_rows, recurrent

__all__ = ["Lowered", "lower", "tensor_maps"]


@dataclass(frozen=True, slots=True)
class Lowered:
    """The maps of an architecture.

    output: theta -> f(x), a vector.
    nodes: a label such as `layer 3.1: attention` and the map after that layer, in order of evaluation.
    """

    output: Map
    nodes: tuple[tuple[str, Map], ...]


def tensor_maps(architecture: Architecture, values: Mapping[str, Map] | None = None) -> dict[str, Map]:
    """Every tensor by name: trained ones as parameters, frozen ones as given data.

    Args:
        architecture: the architecture.
        values: what stands for a tensor instead, by name.

    Raises:
        NetworkError: for a name or a shape that the architecture does not have.
    """
    found: dict[str, Map] = {p.name: ParameterBlock(p.name, p.shape) for p in architecture.parameters()}
    found |= {p.name: Given(p.name, p.shape) for p in architecture.frozen()}
    for name, value in (values or {}).items():
        if name not in found or value.shape != found[name].shape:
            known = ", ".join(f"{n} {m.shape}" for n, m in list(found.items())[:12])
            raise NetworkError(f"expected tensors among {known} but got {name} {value.shape}")
        found[name] = value
    return found


def lower(architecture: Architecture, x: Map, values: Mapping[str, Map] | None = None) -> Lowered:
    """The output for the input x and what every layer contributes to it.

    Args:
        architecture: the architecture.
        x: a map of shape `architecture.map_shape`, for tokens one-hot rows.
        values: what stands for a tensor instead of a parameter or given data, by name.

    Raises:
        NetworkError: for an input or values of another shape.
    """
    if x.shape != architecture.map_shape:
        raise NetworkError(f"expected an input of shape {architecture.map_shape} but got {x.shape}")
    nodes: list[tuple[str, Map]] = []
    output = _sequence(architecture.placed(), x, tensor_maps(architecture, values), nodes)
    return Lowered(output, tuple(nodes))


def _sequence(
    placed: tuple[PlacedLayer, ...], of: Map, maps: dict[str, Map], nodes: list[tuple[str, Map]]
) -> Map:
    for one in placed:
        if isinstance(one.layer, Residual):
            of = Total((of, _sequence(one.inside, of, maps, nodes)))
        else:
            tensors = {tensor.role: maps[tensor.name] for tensor in one.tensors}
            of = _layer(one, of, tensors)
        nodes.append((one.label, of))
    return of


def _layer(one: PlacedLayer, of: Map, tensors: Tensors) -> Map:
    layer = one.layer
    match layer:
        case Activate(activation=function):
            return Entry(function, of)
        case Linear(transposed=is_transposed):
            return affine(tensors["W"], tensors.get("b"), of, transpose=is_transposed)
        case TrainedSlope():
            return _trained_slope(tensors["a"], of)
        case Convolution():
            return convolution(layer, tensors["W"], tensors.get("b"), of)
        case AveragePool():
            return average_pool(layer, of)
        case MaxPool():
            return max_pool(layer, of)
        case Embedding():
            return Contract("vd,tv->td", tensors["E"], of)
        case Positions():
            return Total((of, tensors["P"]))
        case Attention():
            return attention(layer, tensors, of)
        case LayerNorm():
            return layer_norm(layer, tensors, of)
        case Softmax():
            return softmax(of, f"{lead_of(of)}i")
        case TopK():
            return top_k(layer, of)
        case GraphConvolution():
            return _graph_convolution(layer, tensors, of)
        case Recurrent():
            return recurrent(layer, tensors, of)
        case Flatten():
            return reshaped(of, one.outgoing)
        case MeanOverPositions():
            return mean_of_rows(of)
        case UserMap(name=name, width=width):
            return Opaque(name, of, (width,))
        case Residual():
            raise NetworkError("expected the layers of a residual sum one by one")
        case _:
            assert_never(layer)


def _trained_slope(slope: Map, of: Map) -> Map:
    """relu(h) - a relu(-h), a one number or one for each entry of axis 0."""
    letters = "ijkl"[: len(of.require_shape())]
    side = "a" if slope.shape == (1,) else "i"
    below = Contract(f"{side},{letters}->{letters}", slope, relu_of(Scaled(fmpq(-1), of)))
    return Total((relu_of(of), Scaled(fmpq(-1), below)))


def _graph_convolution(layer: GraphConvolution, tensors: Tensors, of: Map) -> Map:
    """A H W^T + b: the mean or sum over neighbours, then a dense layer on every node."""
    count = len(layer.adjacency)
    neighbours = constant_map([entry for row in layer.adjacency for entry in row], (count, count))
    return affine(tensors["W"], tensors.get("b"), Contract("uv,vj->uj", neighbours, of))
