"""The published JSON schema is that of the models and agrees with the loader on the examples."""

import json
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from gradlemma.problem._model import ProblemFile
from gradlemma.problem.schema import problem_schema, schema_text

ROOT = Path(__file__).resolve().parents[2]


def keys(schema: dict) -> set[str]:
    parts = [schema, *schema["$defs"].values()]
    return {key for part in parts for key in part.get("properties", {})}


def test_the_published_schema_is_up_to_date() -> None:
    assert (ROOT / "docs/problem-schema.json").read_text() == schema_text()


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(problem_schema())


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_schema_accepts_every_example(path: Path) -> None:
    jsonschema.validate(YAML(typ="safe").load(path.read_text()), problem_schema())


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1},
        {"loss": "l2"},
        {"network": []},
        {"seed": -1},
        {"network": [{"dense": {"width": 0}}]},
        {"ball": {"radius": True}},
        {"data": None},
        {"box": {"weight_norms": "from-data"}},
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(change: dict) -> None:
    good = json.loads(json.dumps({"schema": 1, "loss": "mse", "network": [{"dense": {"width": 1}}]}))
    jsonschema.validate(good, problem_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(good | change, problem_schema())


def test_every_key_is_documented() -> None:
    text = (ROOT / "docs/problem-file.md").read_text()
    missing = [key for key in sorted(keys(problem_schema())) if f"`{key}`" not in text]
    assert missing == []
    assert ProblemFile.model_fields
