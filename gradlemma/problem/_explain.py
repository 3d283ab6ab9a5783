"""Turns the first failure of the models into one sentence with line, key and remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from gradlemma.errors import ProblemError, printable

from ._fields import shown
from ._tree import Node, Step

__all__ = ["explain", "key_text"]

Path = tuple[Step, ...]


def key_text(path: Iterable[Step]) -> str:
    """The path as it is written in messages.

    >>> key_text(("network", 2, "dense", "width"))
    'network[2].dense.width'
    """
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{printable(step, 64)}" for step in path)
    return text.removeprefix(".")


def explain(failure: ValidationError, tree: Node, model: type[BaseModel]) -> ProblemError:
    """The refusal for the failure that stands first in the file."""
    errors = [_one(error, tree, model) for error in failure.errors(include_url=False)[:50]]
    unknown = [error for error in errors if error.kind == "unknown-key"]
    return min(unknown or errors, key=lambda error: error.line or 0)


def _one(error: Any, tree: Node, model: type[BaseModel]) -> ProblemError:
    path: Path = tuple(error["loc"])
    kind = error["type"]
    line = tree.line_of(path)
    match kind:
        case "extra_forbidden":
            known = _keys_of(model, path[:-1])
            remedy = _suggestion(_last(path), known)
            return _error(_unknown(path, known), "unknown-key", path, line, remedy)
        case "missing":
            text = f"expected the key {path[-1]} but it is missing"
            return _error(text, "missing-key", path, line, f"add `{path[-1]}:`")
        case "gradlemma":
            context = error["ctx"]
            path = (*path, *context["at"])
            return _error(context["text"], context["kind"], path, tree.line_of(path), context["remedy"])
        case "too_short":
            return _error(
                "expected at least one layer but got none", "value", path, line, "add a dense layer"
            )
        case "too_long":
            most, found = error["ctx"]["max_length"], error["ctx"]["actual_length"]
            text = f"expected at most {most} entries but got {found}"
            return _error(text, "limit", path, line, "remove some")
        case "model_type" | "model_attributes_type" | "dict_type":
            keys = ", ".join(_keys_of(model, path)[:4])
            text = f"expected a mapping but got {shown(error['input'])}"
            return _error(text, "type", path, line, f"write the keys below it, such as {keys or 'width'}")
        case "list_type":
            text = f"expected a list but got {shown(error['input'])}"
            return _error(text, "type", path, line, "start each entry with `- `")
        case _:
            text = f"expected another value but got {shown(error['input'])}: {error['msg']}"
            return _error(text, "type", path, line, "compare with docs/problem-file.md")


def _error(text: str, kind: str, path: Path, line: int, remedy: str) -> ProblemError:
    return ProblemError(text, kind=kind, line=line, key=key_text(path) or None, remedy=remedy)


def _unknown(path: Path, known: list[str]) -> str:
    where = f"of {key_text(path[:-1])}" if len(path) > 1 else "of a problem file"
    return f"expected keys {where} among {', '.join(known)} but got {printable(_last(path), 70) or repr('')}"


def _last(path: Path) -> str:
    return str(path[len(path) - 1])


def _suggestion(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f"did you mean `{close[0]}`?" if close else "remove it"


def _keys_of(model: type[BaseModel], path: Path) -> list[str]:
    """The keys that the section at `path` knows, those that it needs first."""
    current: type[BaseModel] | None = model
    for step in path:
        if isinstance(step, int) or current is None:
            continue
        found = [field for name, field in current.model_fields.items() if (field.alias or name) == step]
        current = _section(found[0].annotation) if found else None
    if current is None:
        return []
    fields = sorted(current.model_fields.items(), key=lambda pair: not pair[1].is_required())
    return [field.alias or name for name, field in fields]


def _section(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _section(part))), None)
