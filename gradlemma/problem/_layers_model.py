"""The layers of a problem file as strict models; `_architecture` makes them layers of an architecture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, WithJsonSchema, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from ._activation_model import activation_schema, read_activation
from ._fields import Array, Flag, NonNegative, between, refuse, shown
from ._section import Extent, Section, exactly_one

__all__ = ["LAYERS", "LayerSection"]

MAX_WIDTH = 1_000_000
_TENSOR_NAME = "^[A-Za-z][A-Za-z0-9_]{0,31}$"


def _word(value: Any) -> str:
    if not isinstance(value, str):
        raise refuse(f"expected a name but got {shown(value)}", "write a letter and then letters and digits")
    return str(value)


def _ties(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not value:
        raise refuse(
            f"expected names of tensors by their role but got {shown(value)}", "write {W: A} or {Wq: A}"
        )
    for key, entry in value.items():
        if not isinstance(entry, str):
            raise refuse(f"expected a name but got {shown(entry)}", "write {W: A}", at=(str(key),))
    return {str(key): str(entry) for key, entry in value.items()}


def _window(least: int) -> Callable[[Any], int | tuple[int, ...]]:
    check = between(least, MAX_WIDTH)

    def read(value: Any) -> int | tuple[int, ...]:
        if not isinstance(value, list):
            return check(value)
        if len(value) not in (1, 2):
            raise refuse(f"expected one or two numbers but got {shown(value)}", "write 3 or [3, 3]")
        return tuple(check(entry) for entry in value)

    return read


def _window_schema(least: int) -> WithJsonSchema:
    number = {"type": "integer", "minimum": least, "maximum": MAX_WIDTH}
    several = {"type": "array", "items": number, "minItems": 1, "maxItems": 2}
    return WithJsonSchema({"anyOf": [number, several]})


Window = Annotated[Any, BeforeValidator(_window(1)), _window_schema(1)]
Padding = Annotated[Any, BeforeValidator(_window(0)), _window_schema(0)]
TensorName = Annotated[
    Any, BeforeValidator(_word), WithJsonSchema({"type": "string", "pattern": _TENSOR_NAME})
]
Ties = Annotated[
    Any,
    BeforeValidator(_ties),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "string", "pattern": _TENSOR_NAME}}),
]
Activation = Annotated[Any, BeforeValidator(read_activation), WithJsonSchema(activation_schema())]


class TensorSection(Section):
    """A layer with tensors: `tie` gives shared names by role, `frozen` takes them out of the training."""

    tie: Ties = Field(default=None, description="Shared names of tensors by their role, such as {W: A}.")
    frozen: Flag = Field(default=False, description="The tensors are given data and not trained.")


class DenseSection(TensorSection):
    """A dense layer h -> W h + b, on every row of a table."""

    width: Extent
    bias: Flag = True
    weights: TensorName = Field(default=None, description="A shared name of W.")
    biases: TensorName = Field(default=None, description="A shared name of b.")
    transposed: Flag = Field(default=False, description="Apply the transpose of W, of shape [d, width].")


class ConvSection(TensorSection):
    """A convolution of (channels, length) or (channels, height, width), padded by zeros."""

    channels: Extent
    kernel: Window
    stride: Window = 1
    padding: Padding = 0
    bias: Flag = True
    weights: TensorName = None
    biases: TensorName = None


class PoolSection(Section):
    """Pooling over windows; the stride is the window where it is left out."""

    window: Window
    stride: Window = None


class EmbeddingSection(TensorSection):
    """Tokens to rows of a table E of shape [vocabulary, width]."""

    width: Extent
    weights: TensorName = None


class PositionsSection(TensorSection):
    """A trained row added at every position."""


class AttentionSection(TensorSection):
    """Softmax self-attention."""

    width: Extent
    heads: Extent = 1
    bias: Flag = False
    output: Flag = Field(default=True, description="Whether a dense layer Wo follows the heads.")
    causal: Flag = Field(default=False, description="Whether a row attends to the rows up to it only.")


class LayerNormSection(TensorSection):
    """Layer norm over the last axis."""

    eps: NonNegative = Field(default=None, description="A number > 0, 1/100000 if left out.")
    affine: Flag = True


class GraphConvSection(TensorSection):
    """H -> A H W^T + b with a given adjacency A, row by row."""

    width: Extent
    adjacency: Array
    bias: Flag = True
    weights: TensorName = None
    biases: TensorName = None


class RecurrentSection(TensorSection):
    """h_t = sigma(W x_t + U h_(t-1) + b), unrolled."""

    width: Extent
    steps: Extent
    activation: Activation
    bias: Flag = True
    all_states: Flag = False
    weights: TensorName = None
    biases: TensorName = None


class TopKSection(Section):
    """The k largest entries of the last axis; the others are 0."""

    k: Extent
    softmax: Flag = False


class SlopeSection(TensorSection):
    """relu(h) - a relu(-h) with a trained slope a, one for all or one for each entry of axis 0."""

    each: Flag = False


class MapSection(Section):
    """A map given by its name only."""

    name: TensorName
    width: Extent


class EmptySection(Section):
    """A layer without settings."""


# Layers that need no settings, which may be written as a word.
WORDS = ("flatten", "mean_over_positions", "positions", "layer_norm", "softmax", "trained_slope")


class LayerSection(Section):
    """One layer, by its kind."""

    dense: DenseSection | None = None
    activation: Activation = None
    conv: ConvSection | None = None
    average_pool: PoolSection | None = None
    max_pool: PoolSection | None = None
    flatten: EmptySection | None = None
    mean_over_positions: EmptySection | None = None
    embedding: EmbeddingSection | None = None
    positions: PositionsSection | None = None
    attention: AttentionSection | None = None
    layer_norm: LayerNormSection | None = None
    softmax: EmptySection | None = None
    top_k: TopKSection | None = None
    graph_conv: GraphConvSection | None = None
    recurrent: RecurrentSection | None = None
    trained_slope: SlopeSection | None = None
    map: MapSection | None = None
    residual: list[LayerSection] | None = Field(default=None, min_length=1, max_length=100)

    @model_validator(mode="before")
    @classmethod
    def _word_alone(cls, value: Any) -> Any:
        """`- flatten` stands for `- flatten: {}`."""
        return {str(value): {}} if isinstance(value, str) and value in WORDS else value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        found = handler(core_schema)
        place = handler.resolve_ref_schema(found)
        mapping = dict(place)
        place.clear()
        place["anyOf"] = [{"enum": list(WORDS)}, mapping]
        return found

    @model_validator(mode="after")
    def _one_kind(self) -> LayerSection:
        exactly_one(self, LAYERS)
        return self

    @property
    def kind(self) -> str:
        """The name of the layer's kind."""
        return next(name for name in LAYERS if getattr(self, name) is not None)


LAYERS = tuple(LayerSection.model_fields)
