"""From the layers of a problem file to layers of an architecture; every refusal names the key."""

from __future__ import annotations

import difflib
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from gradlemma.errors import ProblemError, printable
from proofs.errors import GradlemmaError, NetworkError
from proofs.network import Activate, Univariate, activation
from proofs.network.architecture_layers import (
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

from .user_activation import activation_from_pieces

if TYPE_CHECKING:
    from ._layers_model import LayerSection

__all__ = ["layer_of"]


def layer_of(section: LayerSection, axes: int, key: str) -> ArchitectureLayer:
    """The layer that a section of a problem file describes.

    Args:
        section: the section.
        axes: the number of axes that windows have where one number is given.
        key: the key of the section, such as `network[2]`.

    Raises:
        ProblemError: naming the key below which something does not fit.
    """
    kind = section.kind
    if section.residual is not None:
        parts = [layer_of(s, axes, f"{key}.residual[{i}]") for i, s in enumerate(section.residual)]
        return Residual(tuple(parts))
    if section.activation is not None:
        return Activate(_activation(section.activation, f"{key}.activation"))
    try:
        return _plain(section, axes) if kind in _PLAIN else _with_tensors(section, axes, f"{key}.{kind}")
    except NetworkError as error:
        raise ProblemError(
            str(error), kind="network", key=f"{key}.{kind}", remedy="correct this layer"
        ) from None


_PLAIN = (
    "average_pool", "max_pool", "flatten", "mean_over_positions", "softmax", "top_k", "map",
)  # fmt: skip


def _plain(section: LayerSection, axes: int) -> ArchitectureLayer:
    """A layer without tensors."""
    if section.average_pool is not None:
        return AveragePool(*_pool(section.average_pool, axes))
    if section.max_pool is not None:
        return MaxPool(*_pool(section.max_pool, axes))
    if section.top_k is not None:
        return TopK(section.top_k.k, section.top_k.softmax)
    if section.map is not None:
        return UserMap(section.map.name, section.map.width)
    if section.softmax is not None:
        return Softmax()
    return Flatten() if section.flatten is not None else MeanOverPositions()


def _pool(pool: Any, axes: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    window = _wide(pool.window, axes)
    return window, window if pool.stride is None else _wide(pool.stride, len(window))


def _wide(value: Any, axes: int) -> tuple[int, ...]:
    """One number for every axis."""
    return value if isinstance(value, tuple) else (value,) * axes


def _with_tensors(section: LayerSection, axes: int, key: str) -> ArchitectureLayer:
    own: Any = getattr(section, section.kind)
    common: dict[str, Any] = {"shared": _shared(own, section.kind, key), "frozen": own.frozen}
    match section.kind:
        case "dense":
            return Linear(own.width, own.bias, own.transposed, **common)
        case "conv":
            kernel = _wide(own.kernel, axes)
            stride, padding = _wide(own.stride, len(kernel)), _wide(own.padding, len(kernel))
            return Convolution(own.channels, kernel, stride, padding, own.bias, **common)
        case "embedding":
            return Embedding(own.width, **common)
        case "positions":
            return Positions(**common)
        case "attention":
            return Attention(own.width, own.heads, own.bias, own.output, own.causal, **common)
        case "layer_norm":
            eps = {} if own.eps is None else {"eps": Fraction(own.eps)}
            return LayerNorm(affine=own.affine, **eps, **common)
        case "graph_conv":
            return GraphConvolution(own.width, _rows(own.adjacency), own.bias, **common)
        case "recurrent":
            function = _activation(own.activation, f"{key}.activation")
            return Recurrent(own.width, own.steps, function, own.bias, own.all_states, **common)
        case "trained_slope":
            return TrainedSlope(own.each, **common)
        case _:
            raise NetworkError(f"expected a layer but got {section.kind}")


def _rows(array: tuple[Any, ...]) -> tuple[tuple[Fraction, ...], ...]:
    if not isinstance(array[0], tuple):
        raise NetworkError("expected rows of the adjacency, such as [[0, 1], [1, 0]]")
    return array


def _shared(own: Any, kind: str, key: str) -> tuple[tuple[str, str], ...]:
    """The shared names by role; `weights` and `biases` are those of the layer's matrix and vector."""
    found = dict(own.tie or {})
    matrix = "E" if kind == "embedding" else "W"
    for field, role in (("weights", matrix), ("biases", "b")):
        name = getattr(own, field, None)
        if name is None:
            continue
        if role in found:
            raise ProblemError(
                f"expected one name of {role} but got {field} and tie",
                key=f"{key}.{field}",
                remedy=f"remove `{field}`, or {role} from `tie`",
            )
        found[role] = name
    return tuple(sorted(found.items()))


def _activation(section: Any, key: str) -> Univariate:
    given: dict[str, Any] = dict(section)
    name = given.pop("name")
    if "pieces" in given:
        return _own_activation(name, given, key)
    try:
        return activation(name, **given)
    except (GradlemmaError, TypeError) as error:
        raise ProblemError(
            printable(error, 500),
            kind="network",
            key=key,
            remedy="see the activations in docs/problem-file.md",
        ) from None


def _own_activation(name: str, given: dict[str, Any], key: str) -> Univariate:
    known = ("pieces", "period", "drift", "unit", "values")
    for step in given:
        if step not in known:
            close = difflib.get_close_matches(step, known, 1)
            raise ProblemError(
                f"expected keys of {key} among name, {', '.join(known)} but got {printable(step, 60)}",
                kind="unknown-key",
                key=f"{key}.{printable(step, 60)}",
                remedy=f"did you mean `{close[0]}`?" if close else "remove it",
            )
    try:
        return activation_from_pieces(name, **given)
    except ProblemError as error:
        raise ProblemError(
            error.message, kind=error.kind, key=f"{key}.{error.key}", remedy=error.remedy
        ) from None
