"""The fixed corpus of attacks: each is refused in one sentence of the expected kind, quickly."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hostile_corpus import EXPRESSIONS, NAMES, PATHS, PIECES

from gradlemma.errors import ProblemError
from gradlemma.problem import load_problem

SECONDS = 2


def refused(path: Path, activation: Any, weights: str | None = None) -> ProblemError:
    """The refusal of a problem file with that activation and that weights file."""
    problem: dict[str, Any] = {
        "input": {"dim": 1, "norm": 1},
        "network": [{"dense": {"width": 1}}, {"activation": activation}, {"dense": {"width": 1}}],
        "loss": "mse",
        "targets": {"norm": 1},
        "box": {"weight_norms": [1, 1], "bias_norms": [1, 1]},
    }
    if weights is not None:
        problem["weights"] = {"file": weights}
    path.write_text(json.dumps(problem))
    start = time.process_time()
    with pytest.raises(ProblemError) as caught:
        load_problem(path)
    assert time.process_time() - start < SECONDS
    error = caught.value
    text = str(error)
    assert text.startswith(str(path)) and text.isprintable() and len(text) < 2000 and error.remedy
    assert error.line == 1
    return error


@pytest.mark.parametrize("case", EXPRESSIONS)
def test_an_attack_by_an_expression_is_refused(case: str, tmp_path: Path) -> None:
    text, kind = EXPRESSIONS[case]
    error = refused(tmp_path / "p.yaml", {"name": "own", "pieces": [{"is": text}]})
    assert error.kind == kind, str(error)
    assert error.key is not None and error.key.startswith("network[1].activation.pieces")
    assert kind in ("value",) or len(text) > 4_000 or error.message.startswith("column "), str(error)


@pytest.mark.parametrize("case", NAMES)
def test_an_attack_by_a_name_is_refused(case: str, tmp_path: Path) -> None:
    name, kind = NAMES[case]
    error = refused(tmp_path / "p.yaml", {"name": name, "pieces": [{"is": "t"}]})
    assert (error.kind, error.key) == (kind, "network[1].activation.name"), str(error)


@pytest.mark.parametrize("case", PIECES)
def test_an_attack_by_pieces_is_refused(case: str, tmp_path: Path) -> None:
    given, kind = PIECES[case]
    error = refused(tmp_path / "p.yaml", {"name": "own"} | given)
    assert error.kind == kind, str(error)
    assert error.key is not None and error.key.startswith("network[1].activation.")


@pytest.mark.parametrize("case", PATHS)
def test_an_attack_by_a_path_is_refused(case: str, tmp_path: Path) -> None:
    path, kind = PATHS[case]
    error = refused(tmp_path / "p.yaml", "tanh", path)
    assert (error.kind, error.key) == (kind, "weights.file"), str(error)


def test_the_corpus_is_large() -> None:
    assert len(EXPRESSIONS) + len(NAMES) + len(PIECES) + len(PATHS) >= 130
