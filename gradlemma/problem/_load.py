"""From a problem file to a resolved problem: read, check the shape, resolve every part."""

from __future__ import annotations

import hashlib
import re
from fractions import Fraction
from os import PathLike
from pathlib import Path

from pydantic import ValidationError

from gradlemma.errors import ProblemError
from proofs.errors import GradlemmaError
from proofs.kernel.tensors import ExactTensor
from proofs.network import Architecture, Loss, Network

from ._explain import explain
from ._files import read_problem
from ._frozen import read_frozen
from ._labels import targets_of
from ._model import ProblemFile
from ._network import network_of
from ._parts import BoxSpec, Measure, Samples
from ._problem import Problem
from ._python import box_of
from ._tasks import joined_tasks, tasks_of_section
from ._tree import MAX_BYTES, Node, Step, parse_yaml

__all__ = ["load_problem", "with_line"]


def load_problem(path: str | PathLike[str]) -> Problem:
    """The problem that the file describes, with its data and weights read and checked.

    Args:
        path: a problem file as `docs/problem-file.md` describes it; paths inside are relative to it.

    Returns:
        A problem whose parts agree with each other; every number in it is exact.

    Raises:
        ProblemError: with file, line, key and remedy.
    """
    where = Path(path)
    tree: Node | None = None
    try:
        content = read_problem(where, MAX_BYTES)
        tree = parse_yaml(content)
        return _resolve(_validated(tree), where, hashlib.sha256(content).hexdigest())
    except ProblemError as error:
        error = _renamed(error, tree)
        raise error.placed(str(where), _line_of(error.key, tree)) from None
    except GradlemmaError as error:
        refusal = ProblemError(str(error), kind="value", remedy="correct the problem file")
        raise refusal.placed(str(where), None) from None
    except (MemoryError, RecursionError, OverflowError) as error:
        message = f"expected a problem of moderate size but reading it stopped with {type(error).__name__}"
        raise ProblemError(message, kind="limit", file=str(where), remedy="use a smaller problem") from None


def _validated(tree: Node) -> ProblemFile:
    if not isinstance(tree.value, dict):
        raise ProblemError(
            "expected a mapping with the keys network, loss, input, box, ... but got something else",
            kind="type",
            line=tree.line,
            remedy="see docs/problem-file.md",
        )
    try:
        return ProblemFile.model_validate(tree.value)
    except ValidationError as failure:
        raise explain(failure, tree, ProblemFile) from None


def with_line(error: ProblemError, path: Path) -> ProblemError:
    """A refusal that comes after loading, with the line of its key in the problem file."""
    try:
        tree = parse_yaml(read_problem(path, MAX_BYTES))
    except GradlemmaError:
        return error
    return error.placed(str(path), _line_of(error.key, tree))


def _renamed(error: ProblemError, tree: Node | None) -> ProblemError:
    """The key of the targets as this file writes them."""
    if error.key != "data.y" or tree is None:
        return error
    data = tree.value.get("data") if isinstance(tree.value, dict) else None
    key = "tasks.split" if data is None else "data.inline.y" if "inline" in data else "data"
    return ProblemError(error.message, kind=error.kind, key=key, remedy=error.remedy)


def _line_of(key: str | None, tree: Node | None) -> int | None:
    """The line of a key such as `network[2].dense`; of its nearest parent where it is absent."""
    if key is None or tree is None:
        return None
    steps: list[Step] = []
    for name, index in re.findall(r"([A-Za-z_]+)|\[([0-9]{1,9})\]", key):
        steps.append(name if name else int(index))
    return tree.line_of(tuple(steps))


def _resolve(spec: ProblemFile, path: Path, sha256: str) -> Problem:
    loss: Loss = spec.loss
    data: tuple[ExactTensor, ExactTensor] | None = joined_tasks(spec)
    if spec.data is not None:
        from ._data import read_data

        data = read_data(spec.data, path.parent)
    network = network_of(spec, None if data is None else data[0])
    samples = None if data is None else _samples(data, network, loss, spec)
    tasks = None if spec.tasks is None or data is None else tasks_of_section(spec.tasks, data[1])
    weights = None
    if spec.weights is not None:
        from ._weights import read_weights

        weights = read_weights(spec.weights, network, path.parent)
    norm = spec.input.norm
    if norm == "from-data" and data is None and isinstance(network, Network):
        raise ProblemError(
            "expected a number because there is no data to take the norm from, but got from-data",
            kind="missing-key",
            key="input.norm",
            remedy="write a number M with ||x|| <= M, or add `data`",
        )
    return Problem(
        network=network,
        loss=loss,
        name=spec.name or _default_name(path),
        path=path,
        sha256=sha256,
        input_norm=None if norm == "from-data" else Fraction(norm),
        target_norm=None if spec.targets is None else spec.targets.norm,
        samples=samples,
        weights=weights,
        frozen=read_frozen(spec.frozen),
        box=_box(spec, network),
        radius=None if spec.ball is None else spec.ball.radius,
        refine=bool(spec.refine),
        seed=spec.seed,
        measure=Measure(spec.measure.random_points, spec.measure.ascent_steps),
        tasks=tasks,
    )


def _default_name(path: Path) -> str:
    """The file's name without its ending, where that is a name."""
    return path.stem if re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,63}", path.stem) else "problem"


def _samples(
    data: tuple[ExactTensor, ExactTensor], network: Network | Architecture, loss: Loss, spec: ProblemFile
) -> Samples:
    key = "tasks.split" if spec.data is None else "data" if spec.data.inline is None else "data.inline.y"
    return Samples(data[0], targets_of(data[1], network.output_dim, loss, key))


def _box(spec: ProblemFile, network: Network | Architecture) -> BoxSpec | None:
    section = spec.box
    if section is None:
        return None
    explicit = section.weight_norms != "from-weights" and section.bias_norms != "from-weights"
    if section.factor is not None and explicit:
        raise ProblemError(
            "expected factor only with norms from-weights but got explicit lists",
            key="box.factor",
            remedy="remove `factor`, or write `weight_norms: from-weights`",
        )
    factor = Fraction(1) if section.factor is None else section.factor
    return box_of(network, section.weight_norms, section.bias_norms, factor)
