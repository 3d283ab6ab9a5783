"""The section `tasks`: what is known of task arithmetic, and how the samples are split into tasks."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from ._fields import Exact, between, read_array, refuse, shown
from ._section import Section, exactly_one, integers

__all__ = ["MAX_TASKS", "MAX_TASK_STEPS", "TasksSection"]

MAX_TASKS = 1000
MAX_TASK_STEPS = 100_000
MAX_SAMPLES = 10_000_000
EXAMPLES = {
    "split": "write [{x: [[1]], y: [[2]]}, {x: [[3]], y: [[4]]}]",
    "by_label": "write [[0, 1], [2, 3]]",
    "by_range": "write [[0, 100], [100, 200]]: the first sample and the one after the last",
}


def _step(value: Any) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        raise refuse(f"expected a step size such as 1/10 but got {shown(value)}", "write 1/10 without quotes")
    if value <= 0:
        raise refuse(f"expected a step size > 0 but got {shown(value)}", "write 1/10", "value")
    return Fraction(value)


def _tasks(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise refuse(f"expected a list of tasks but got {shown(value)}", EXAMPLES[name])
    if len(value) > MAX_TASKS:
        raise refuse(f"expected at most {MAX_TASKS} tasks but got {len(value)}", "use fewer tasks", "limit")
    return value


def _split(value: Any) -> tuple[tuple[Any, Any], ...]:
    return tuple(_samples(entry, number) for number, entry in enumerate(_tasks(value, "split")))


def _samples(entry: Any, number: int) -> tuple[Any, Any]:
    remedy = EXAMPLES["split"]
    if not isinstance(entry, dict) or set(entry) != {"x", "y"}:
        what = f"expected a task with the keys x and y but got {shown(entry)}"
        raise refuse(what, remedy, at=(number,))
    for key in ("x", "y"):
        if entry[key] == []:
            what = f"expected at least one sample in task {number + 1} but got none"
            raise refuse(what, "add samples, or remove the task", "data", (number, key))
    x, y = (_array(entry[key], (number, key)) for key in ("x", "y"))
    if not isinstance(x[0], tuple):
        what = "expected one row of numbers for each sample but got a list of numbers"
        raise refuse(what, "write x: [[1], [2]] for two samples of width 1", "shape", (number, "x"))
    if len(x) != len(y):
        what = f"expected as many targets as inputs but got {len(x)} rows in x and {len(y)} in y"
        raise refuse(what, "give every sample one target", "shape", (number, "y"))
    return x, y


def _array(value: Any, at: tuple[str | int, ...]) -> Any:
    try:
        return read_array(value)
    except PydanticCustomError as error:
        context = dict(error.context or {})
        raise refuse(context["text"], context["remedy"], context["kind"], (*at, *context["at"])) from None


def _whole(value: Any, at: tuple[str | int, ...]) -> int:
    try:
        return between(0, MAX_SAMPLES)(value)
    except PydanticCustomError as error:
        context = dict(error.context or {})
        raise refuse(context["text"], context["remedy"], context["kind"], at) from None


def _by_label(value: Any) -> tuple[tuple[int, ...], ...]:
    found: list[tuple[int, ...]] = []
    for number, entry in enumerate(_tasks(value, "by_label")):
        if not isinstance(entry, list) or not entry:
            what = f"expected the labels of task {number + 1} but got {shown(entry)}"
            raise refuse(what, EXAMPLES["by_label"], "data" if entry == [] else "type", (number,))
        labels = tuple(_whole(label, (number, place)) for place, label in enumerate(entry))
        if len(set(labels)) < len(labels):
            what = f"expected each label of task {number + 1} once but got one twice"
            raise refuse(what, "remove it", "value", (number,))
        found.append(labels)
    return tuple(found)


def _by_range(value: Any) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    for number, entry in enumerate(_tasks(value, "by_range")):
        if not isinstance(entry, list) or len(entry) != 2:
            what = f"expected two numbers of samples for task {number + 1} but got {shown(entry)}"
            raise refuse(what, EXAMPLES["by_range"], at=(number,))
        first, after = (_whole(part, (number, place)) for place, part in enumerate(entry))
        if first >= after:
            what = f"expected at least one sample in task {number + 1} but got the range {first}, {after}"
            raise refuse(what, EXAMPLES["by_range"], "data", (number,))
        found.append((first, after))
    return tuple(found)


_ARRAY: dict[str, Any] = {"type": "array", "minItems": 1}
_WHOLE: dict[str, Any] = {"type": "integer", "minimum": 0}
_SPLIT_SCHEMA: dict[str, Any] = {
    "type": "array",
    "minItems": 1,
    "maxItems": MAX_TASKS,
    "items": {
        "type": "object",
        "properties": {"x": _ARRAY, "y": _ARRAY},
        "required": ["x", "y"],
        "additionalProperties": False,
    },
}
_LABEL_SCHEMA: dict[str, Any] = {
    "type": "array", "minItems": 1, "maxItems": MAX_TASKS, "items": {**_ARRAY, "items": _WHOLE},
}  # fmt: skip
_RANGE_SCHEMA: dict[str, Any] = {
    "type": "array",
    "minItems": 1,
    "maxItems": MAX_TASKS,
    "items": {"type": "array", "items": _WHOLE, "minItems": 2, "maxItems": 2},
}
_STEP_SCHEMA: dict[str, Any] = {
    "anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}],
}
_Steps = Annotated[Any, BeforeValidator(between(1, MAX_TASK_STEPS)), integers(1, MAX_TASK_STEPS)]


class TasksSection(Section):
    """Task arithmetic: step size, coefficient, steps, and the tasks by exactly one of the three splits."""

    step: Annotated[Any, BeforeValidator(_step), WithJsonSchema(_STEP_SCHEMA)] = Field(
        default=None, description="The step size eta > 0; --eta replaces it."
    )
    alpha: Exact = Field(
        default=None, description="The coefficient of the task vectors; --alpha replaces it."
    )
    steps: _Steps = Field(
        default=None, description="The number k of steps of every run; --steps replaces it."
    )
    split: Annotated[Any, BeforeValidator(_split), WithJsonSchema(_SPLIT_SCHEMA)] = Field(
        default=None, description="The samples of every task, instead of `data`."
    )
    by_label: Annotated[Any, BeforeValidator(_by_label), WithJsonSchema(_LABEL_SCHEMA)] = Field(
        default=None, description="The class labels of every task."
    )
    by_range: Annotated[Any, BeforeValidator(_by_range), WithJsonSchema(_RANGE_SCHEMA)] = Field(
        default=None, description="The first sample of every task and the one after its last, from 0."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> TasksSection:
        exactly_one(self, ("split", "by_label", "by_range"))
        return self
