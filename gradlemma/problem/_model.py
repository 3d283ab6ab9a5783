"""The shape of a problem file as strict models: which keys exist and what kind of value each takes."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from gradlemma.errors import printable
from proofs.errors import NetworkError
from proofs.network import LOSS_PARAMETERS, Loss, loss_named

from ._fields import (
    Array,
    Exact,
    Flag,
    Name,
    NonNegative,
    NormList,
    NormOrData,
    PathText,
    between,
    read_array,
    refuse,
    shown,
)
from ._layers_model import LayerSection
from ._section import Extent, Section, exactly_one, integers
from ._tasks_model import TasksSection

__all__ = ["MAX_SAMPLES", "ProblemFile"]

MAX_SAMPLES = 10_000_000
MAX_EFFORT = 10_000
MAX_AXES = 3
MAX_EXTENT = 1_000_000
MAX_SEED = 2**63 - 1


_Samples = Annotated[Any, BeforeValidator(between(1, MAX_SAMPLES)), integers(1, MAX_SAMPLES)]
_Effort = Annotated[Any, BeforeValidator(between(0, MAX_EFFORT)), integers(0, MAX_EFFORT)]
_Seed = Annotated[Any, BeforeValidator(between(0, MAX_SEED)), integers(0, MAX_SEED)]


def _shape(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_AXES:
        raise refuse(f"expected a list of 1 to {MAX_AXES} numbers but got {shown(value)}", "write [1, 8, 8]")
    return tuple(between(1, MAX_EXTENT)(entry) for entry in value)


_SHAPE_SCHEMA: dict[str, Any] = {
    "type": "array",
    "items": {"type": "integer", "minimum": 1, "maximum": MAX_EXTENT},
    "minItems": 1,
    "maxItems": MAX_AXES,
}


class InputSection(Section):
    """The inputs: width, shape or tokens, and a bound M on the 2-norm of each."""

    shape: Annotated[Any, BeforeValidator(_shape), WithJsonSchema(_SHAPE_SCHEMA)] = Field(
        default=None, description="Rows of data are read into this shape, row by row, instead of `dim`."
    )
    tokens: Extent = Field(default=None, description="Number of tokens of an input, instead of `dim`.")
    vocabulary: Extent = Field(default=None, description="Tokens are 0, ..., vocabulary - 1.")
    dim: Extent = Field(default=None, description="Number of input features; may be omitted with data.")
    norm: NormOrData = Field(default="from-data", description="A number M with ||x|| <= M, or from-data.")


def _column(value: Any) -> str | int:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise refuse(
            f"expected the name or number of a column but got {shown(value)}", "columns count from 0"
        )
    return value if isinstance(value, int) else str(value)


def _columns(value: Any) -> tuple[str | int, ...]:
    if not isinstance(value, list) or not value:
        raise refuse(f"expected a list of columns but got {shown(value)}", "write [a, b] or [0, 1]")
    return tuple(_column(entry) for entry in value)


_COLUMN_SCHEMA: dict[str, Any] = {"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 0}]}


class CsvSection(Section):
    """A comma-separated table whose first line names the columns."""

    path: PathText
    features: Annotated[
        Any,
        BeforeValidator(_columns),
        WithJsonSchema({"type": "array", "items": _COLUMN_SCHEMA, "minItems": 1}),
    ]
    target: Annotated[Any, BeforeValidator(_column), WithJsonSchema(_COLUMN_SCHEMA)]


class NpzSection(Section):
    """A NumPy archive with the arrays x and y."""

    path: PathText


class InlineSection(Section):
    """Samples written in the problem file."""

    x: Array
    y: Array


def _source(value: Any) -> str:
    if value != "sklearn:digits":
        raise refuse(
            f'expected "sklearn:digits" but got {shown(value)}', "use csv, npz or inline for other data"
        )
    return str(value)


class DataSection(Section):
    """The samples, from exactly one of source, csv, npz and inline."""

    source: Annotated[Any, BeforeValidator(_source), WithJsonSchema({"const": "sklearn:digits"})] = None
    csv: CsvSection | None = None
    npz: NpzSection | None = None
    inline: InlineSection | None = None
    scale: Exact = Field(default=1, description="Every input is multiplied by this number.")
    limit: _Samples = Field(default=None, description="Use only this many samples, the first ones.")

    @model_validator(mode="after")
    def _one_kind(self) -> DataSection:
        exactly_one(self, ("source", "csv", "npz", "inline"))
        return self


def _arrays(value: Any) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise refuse(
            f"expected a list of tensors W1, b1, ... but got {shown(value)}", "write [[[1, 2]], [0]]"
        )
    found: list[Any] = []
    for index, entry in enumerate(value):
        if not isinstance(entry, list):
            raise refuse(f"expected a tensor but got {shown(entry)}", "write [[1, 2]] or [0]", at=(index,))
        found.append(_nested(entry, index))
    return found


def _nested(entry: Any, index: int) -> Any:
    try:
        return read_array(entry)
    except PydanticCustomError as error:
        context = dict(error.context or {})
        raise refuse(context["text"], context["remedy"], context["kind"], (index, *context["at"])) from None


def _frozen(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        raise refuse(f"expected values of tensors by name but got {shown(value)}", "write {W1: [[1, 2]]}")
    found: dict[str, Any] = {}
    for name, entry in value.items():
        try:
            found[str(name)] = read_array(entry)
        except PydanticCustomError as error:
            context = dict(error.context or {})
            at = (str(name), *context["at"])
            raise refuse(context["text"], context["remedy"], context["kind"], at) from None
    return found


Frozen = Annotated[
    Any,
    BeforeValidator(_frozen),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "array"}, "minProperties": 1}),
]


class WeightsSection(Section):
    """The given weights: a file, or tensors written out."""

    file: PathText = None
    values: Annotated[
        Any,
        BeforeValidator(_arrays),
        WithJsonSchema({"type": "array", "items": {"type": "array"}, "minItems": 1}),
    ] = None

    @model_validator(mode="after")
    def _one_kind(self) -> WeightsSection:
        exactly_one(self, ("file", "values"))
        return self


class BoxSection(Section):
    """The set of weights of the worst case: bounds on the norm of every tensor."""

    weight_norms: NormList
    bias_norms: NormList = None
    factor: NonNegative = Field(
        default=None, description="Multiplies norms that are read from the weights; at least 1."
    )


class TargetsSection(Section):
    """A bound on the targets of a squared error or a Huber loss without data."""

    norm: NonNegative


class BallSection(Section):
    """The ball around the given weights."""

    radius: NonNegative


class MeasureSection(Section):
    """How many instances are measured inside the box."""

    random_points: _Effort = 16
    ascent_steps: _Effort = 30


def _loss(value: Any) -> Loss:
    """A name, or a mapping from the name to its parameters."""
    if isinstance(value, str):
        return _named_loss(value, {}, ())
    if not isinstance(value, dict) or len(value) != 1 or not isinstance(next(iter(value)), str):
        known = ", ".join(kind.value for kind in LOSS_PARAMETERS)
        raise refuse(
            f"expected a loss among {known} but got {shown(value)}",
            "write huber or {huber: {delta: 1/2}}",
            "value",
        )
    ((name, given),) = value.items()
    if not isinstance(given, dict):
        raise refuse(
            f"expected the parameters of a loss but got {shown(given)}", "write {delta: 1/2}", at=(name,)
        )
    for key, entry in given.items():
        if isinstance(entry, bool) or not hasattr(entry, "numerator"):
            raise refuse(f"expected an exact number but got {shown(entry)}", "write 1/2", at=(name, key))
    return _named_loss(name, given, (name,))


def _named_loss(name: str, given: dict[str, Any], at: tuple[str, ...]) -> Loss:
    try:
        return loss_named(name, **given)
    except NetworkError as error:
        remedy = "see the losses in docs/problem-file.md"
        raise refuse(printable(error, 300), remedy, "value", at) from None


def _loss_schema() -> dict[str, Any]:
    number = {"anyOf": [{"type": "number"}, {"type": "string"}]}
    full = {
        kind.value: {
            "type": "object",
            "properties": dict.fromkeys(defaults, number),
            "additionalProperties": False,
        }
        for kind, defaults in LOSS_PARAMETERS.items()
    }
    mapping = {
        "type": "object", "properties": full, "minProperties": 1, "maxProperties": 1,
        "additionalProperties": False,
    }  # fmt: skip
    return {"anyOf": [{"enum": list(full)}, mapping]}


def _schema_number(value: Any) -> int:
    if isinstance(value, bool) or value != 1:
        raise refuse(f"expected schema: 1 but got {shown(value)}", "write schema: 1", "value")
    return 1


_Loss = Annotated[Any, BeforeValidator(_loss), WithJsonSchema(_loss_schema())]
_One = Annotated[Any, BeforeValidator(_schema_number), WithJsonSchema({"const": 1})]


class ProblemFile(Section):
    """A problem: a network, its loss, and where to bound its gradient and Hessian."""

    schema_: _One = Field(default=1, alias="schema", description="The version of this format.")
    name: Name = None
    input: InputSection = InputSection()
    data: DataSection | None = None
    network: list[LayerSection] = Field(min_length=1, max_length=2_000)
    loss: _Loss
    weights: WeightsSection | None = None
    frozen: Frozen = Field(default=None, description="Values of tensors that are not trained, by name.")
    box: BoxSection | None = None
    targets: TargetsSection | None = None
    ball: BallSection | None = None
    tasks: TasksSection | None = None
    refine: Flag = Field(
        default=False, description="Also prove the joint refinement of H_max for cross_entropy."
    )
    seed: _Seed = 0
    measure: MeasureSection = MeasureSection()
