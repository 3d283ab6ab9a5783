"""The JSON schema of problem files, generated from the models: `python -m gradlemma.problem.schema`."""

from __future__ import annotations

import json
import sys
from typing import Any

from ._model import ProblemFile

__all__ = ["problem_schema", "schema_text"]


def problem_schema() -> dict[str, Any]:
    """The schema as a dictionary; an editor checks keys and kinds of value with it.

    >>> problem_schema()["required"]
    ['network', 'loss']
    """
    schema = ProblemFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_tidy(schema)} | {
        "title": "gradlemma problem file"
    }


def _tidy(value: Any) -> Any:
    """Without defaults and without the choice of null: optional keys are left out, never null."""
    if isinstance(value, list):
        return [_tidy(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    found = {key: _tidy(entry) for key, entry in value.items() if not _is_default(key, entry)}
    choices = found.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        kept = [choice for choice in choices if choice != {"type": "null"}]
        found.pop("anyOf")
        found |= kept[0] if len(kept) == 1 else {"anyOf": kept}
    return found


def _is_default(key: str, entry: Any) -> bool:
    return (key == "default" and (entry is None or isinstance(entry, dict))) or (
        key == "title" and isinstance(entry, str)
    )


def schema_text() -> str:
    """The schema as the text of `docs/problem-schema.json`."""
    return json.dumps(problem_schema(), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
