"""Shapes of layers: what comes out for a given incoming shape, and the tensors inside."""

from __future__ import annotations

import math
from typing import assert_never

from proofs.errors import NetworkError

from .architecture_layers import (
    ArchitectureLayer,
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
from .layers import Activate

__all__ = ["Shape", "entries_inside", "layer_word", "output_shape_of", "tensors_of"]

Shape = tuple[int, ...]


def layer_word(layer: ArchitectureLayer) -> str:
    """What a report calls the layer.

    >>> layer_word(Flatten())
    'flatten'
    """
    match layer:
        case Activate(activation=function):
            return f"activation {function.label()}"
        case UserMap(name=name):
            return f"map {name}"
        case Linear():
            return "dense"
        case TrainedSlope():
            return "trained slope"
        case Convolution():
            return "convolution"
        case AveragePool():
            return "average pooling"
        case MaxPool():
            return "max pooling"
        case Embedding():
            return "embedding"
        case Positions():
            return "positions"
        case Attention():
            return "attention"
        case LayerNorm():
            return "layer norm"
        case Softmax():
            return "softmax"
        case TopK():
            return "top-k gating"
        case GraphConvolution():
            return "graph convolution"
        case Recurrent():
            return "recurrent"
        case Residual():
            return "residual sum"
        case Flatten():
            return "flatten"
        case MeanOverPositions():
            return "mean over positions"
        case _:
            assert_never(layer)


def output_shape_of(layer: ArchitectureLayer, shape: Shape) -> Shape:
    """The shape after a layer other than `Residual`, whose layers are placed one by one.

    Raises:
        NetworkError: where the layer does not apply to tensors of that shape.
    """
    match layer:
        case Activate() | TrainedSlope() | Residual():
            return shape
        case Softmax() | LayerNorm():
            return _rows(shape)
        case Positions():
            return _table(shape)
        case Linear(width=width):
            return (*_rows(shape)[:-1], width)
        case Embedding(width=width) | Attention(output=False, width=width):
            return (_table(shape)[0], width)
        case Attention():
            return _table(shape)
        case GraphConvolution(width=width, adjacency=adjacency):
            if _table(shape)[0] != len(adjacency):
                raise NetworkError(
                    f"expected an adjacency of {shape[0]} nodes but got one of {len(adjacency)}"
                )
            return (shape[0], width)
        case Recurrent():
            return _recurrent(layer, shape)
        case Convolution(channels=channels, kernel=kernel, stride=stride, padding=padding):
            return (channels, *_windows(shape, kernel, stride, padding))
        case AveragePool(window=window, stride=stride) | MaxPool(window=window, stride=stride):
            return (shape[0], *_windows(shape, window, stride, (0,) * len(window)))
        case TopK(k=k):
            if k > _rows(shape)[-1]:
                raise NetworkError(f"expected k at most the {shape[-1]} entries to choose from but got k={k}")
            return shape
        case Flatten():
            return (math.prod(shape),)
        case MeanOverPositions():
            return _table(shape)[1:]
        case UserMap(width=width):
            return (width,)
        case _:
            assert_never(layer)


def _rows(shape: Shape) -> Shape:
    if len(shape) not in (1, 2):
        raise NetworkError(
            f"expected a vector (d,) or rows (t, d) but got shape {shape}: add a layer `flatten`"
        )
    return shape


def _table(shape: Shape) -> Shape:
    if len(shape) != 2:
        raise NetworkError(f"expected rows of shape (t, d) but got shape {shape}")
    return shape


def _windows(shape: Shape, window: Shape, stride: Shape, padding: Shape) -> Shape:
    """How many windows fit along each axis after the channels."""
    if len(shape) != len(window) + 1:
        wanted = "(channels, length)" if len(window) == 1 else "(channels, height, width)"
        raise NetworkError(f"expected shape {wanted} for a window of {len(window)} axes but got {shape}")
    found: list[int] = []
    for extent, size, step, pad in zip(shape[1:], window, stride, padding, strict=True):
        if extent + 2 * pad < size:
            raise NetworkError(f"expected a window of at most {extent + 2 * pad} entries but got {size}")
        found.append((extent + 2 * pad - size) // step + 1)
    return tuple(found)


def _recurrent(layer: Recurrent, shape: Shape) -> Shape:
    if len(_rows(shape)) == 2 and shape[0] != layer.steps:
        raise NetworkError(
            f"expected as many steps as the {shape[0]} rows of the input but got {layer.steps}"
        )
    return (layer.steps, layer.width) if layer.all_states else (layer.width,)


def tensors_of(layer: ArchitectureLayer, shape: Shape) -> tuple[tuple[str, Shape], ...]:
    """The tensors of a layer by role, in order, for a given incoming shape."""
    match layer:
        case Linear(width=width, bias=bias, transposed=transposed):
            matrix = (shape[-1], width) if transposed else (width, shape[-1])
            return _with_bias(("W", matrix), ("b", (width,)), bias=bias)
        case GraphConvolution(width=width, bias=bias):
            return _with_bias(("W", (width, shape[-1])), ("b", (width,)), bias=bias)
        case Convolution(channels=channels, kernel=kernel, bias=bias):
            return _with_bias(("W", (channels, shape[0], *kernel)), ("b", (channels,)), bias=bias)
        case TrainedSlope(each=each):
            return (("a", (shape[0] if each else 1,)),)
        case Embedding(width=width):
            return (("E", (shape[-1], width)),)
        case Positions():
            return (("P", shape),)
        case LayerNorm(affine=affine):
            return (("g", (shape[-1],)), ("b", (shape[-1],))) if affine else ()
        case Attention():
            return _attention(layer, shape[-1])
        case Recurrent(width=width, bias=bias):
            matrices = (("W", (width, shape[-1])), ("U", (width, width)))
            return (*matrices, ("b", (width,))) if bias else matrices
        case (
            Activate() | AveragePool() | MaxPool() | Softmax() | TopK() | Residual() | Flatten()
            | MeanOverPositions() | UserMap()
        ):  # fmt: skip
            return ()
        case _:
            assert_never(layer)


def entries_inside(layer: ArchitectureLayer, shape: Shape) -> int:
    """The number of entries of the largest tensor that the layer forms on the way, pairs and windows."""
    match layer:
        case TopK():
            return math.prod(shape) * shape[-1]
        case Attention(heads=heads):
            return heads * shape[0] ** 2
        case Convolution(kernel=kernel):
            return math.prod(kernel) * shape[0] * math.prod(output_shape_of(layer, shape)[1:])
        case AveragePool(window=window) | MaxPool(window=window):
            return math.prod(window) * math.prod(output_shape_of(layer, shape))
        case Recurrent(steps=steps, width=width):
            return steps * width
        case _:
            return 1


def _with_bias(
    weight: tuple[str, Shape], vector: tuple[str, Shape], *, bias: bool
) -> tuple[tuple[str, Shape], ...]:
    return (weight, vector) if bias else (weight,)


def _attention(layer: Attention, incoming: int) -> tuple[tuple[str, Shape], ...]:
    sides = "qkvo" if layer.output else "qkv"
    found: list[tuple[str, Shape]] = []
    for side in sides:
        width = incoming if side == "o" else layer.width
        before = layer.width if side == "o" else incoming
        found.append((f"W{side}", (width, before)))
        if layer.bias:
            found.append((f"b{side}", (width,)))
    return tuple(found)
