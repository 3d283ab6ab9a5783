"""`gradlemma derive`: print the derivation of a theorem, for a problem or in closed form."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path

from gradlemma.errors import ProblemError, printable
from proofs.errors import GradlemmaError
from proofs.kernel.codec import encode
from proofs.kernel.core import Theorem
from proofs.kernel.tensor_codec import encode_tensors

__all__ = ["run_derive"]

FOR_NETWORKS = ("BND-1", "BND-1-joint", "BND-2", "BND-3")
TITLES = {
    "G": "gradient",
    "H": "Hessian",
    "sum": "the sum",
    "sum_at_one": "the sum in the remaining case",
} | {
    "one_step": "one step",
    "leading": "at the starting point",
    "path": "along the multi-task run",
    "bound": "any number of tasks",
    "one_task": "a single task",
    "unequal": "with bounds of single tasks",
    "ball": "the run stays in a ball",
    "bound_in_ball": "with bounds in a ball",
}


def run_derive(
    theorem: str,
    *,
    problem: Path | None,
    depth: int | None,
    form: str,
    fragment: bool,
    out: Path | None,
    activation: str | None = None,
) -> int:
    """Print a derivation; exit code 0.

    Raises:
        GradlemmaError: for an unknown theorem or options that do not go together.
    """
    if out is not None:
        require_writable_file(out)
    goals, title = _goals(theorem, problem, depth, activation)
    text = _printed(goals, title, form, fragment)
    if out is None:
        sys.stdout.write(text)
    else:
        write_text(out, text)
    return 0


def _goals(
    theorem: str, problem: Path | None, depth: int | None, activation: str | None
) -> tuple[dict[str, Theorem], str]:
    if theorem not in FOR_NETWORKS:
        from gradlemma.symbolic import symbolic_goals

        return symbolic_goals(theorem, problem, depth, activation)
    if theorem == "BND-2":
        if problem is not None:
            raise ProblemError(
                "expected --depth, not --problem, for BND-2, whose loss is softmax cross-entropy",
                kind="usage",
                remedy="BND-1 takes --problem, with any loss",
            )
        return _uniform_goals(depth, activation)
    if problem is None or depth is not None or activation is not None:
        raise GradlemmaError(f"expected --problem FILE and neither --depth nor --activation for {theorem}")
    from gradlemma.problem import load_problem
    from gradlemma.proved import REFINED, derive_bounds

    found = derive_bounds(load_problem(problem))
    if not found.readings:
        raise GradlemmaError("no bound was derived: " + "; ".join(found.absent.values()))
    goals = found.goals()
    if theorem == "BND-1-joint":
        goals = {name: goal for name, goal in goals.items() if name.endswith(REFINED)}
        if not goals:
            raise ProblemError(
                "expected a problem with the joint refinement", kind="value", remedy="write refine: true"
            )
    return goals, f"{theorem} for {found.resolved.problem.name}"


def _uniform_goals(depth: int | None, activation: str | None) -> tuple[dict[str, Theorem], str]:
    """BND-2 for every depth, or its instance at one."""
    from proofs.theorems.bnd2 import symbolic_bounds, uniform_bounds

    if depth is not None:
        found = uniform_bounds(depth, activation)
        layers = "1 layer" if depth == 1 else f"{depth} layers"
        return {"G": found.gradient, "H": found.hessian}, f"BND-2 for {layers}"
    symbolic = symbolic_bounds(activation)
    goals = {"G": symbolic.gradient, "H": symbolic.hessian}
    if symbolic.closed_sum is not None and symbolic.sum_at_one is not None:
        goals |= {"sum": symbolic.closed_sum, "sum_at_one": symbolic.sum_at_one}
    return goals, "BND-2 for any number of layers"


def _printed(goals: dict[str, Theorem], title: str, form: str, fragment: bool) -> str:
    from proofs.typeset import Goal, to_latex, to_markdown

    named = [Goal(TITLES.get(name, name), theorem) for name, theorem in goals.items()]
    match form:
        case "tex":
            return to_latex(*named, fragment=fragment, title=title)
        case "md":
            return to_markdown(*named, title=None if fragment else title)
        case "json":
            document = {"derivation": encode(goals), "tensors": encode_tensors(*goals.values())}
            return json.dumps(document) + "\n"
        case _:
            raise GradlemmaError(f"expected the format tex, md or json but got {printable(form)}")


def require_writable_file(path: Path) -> None:
    """Refuses a place where no file can be written.

    Raises:
        ProblemError: naming the path.
    """
    if path.is_dir() or not path.name:
        raise ProblemError(
            f"expected a file for --out but got the directory {printable(path)}",
            kind="file",
            remedy="add a name to it",
        )
    if not path.parent.is_dir():
        raise ProblemError(
            f"expected --out in a directory that exists but got {printable(path)}",
            kind="file",
            remedy="make the directory first",
        )
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise ProblemError(
            f"expected a file that can be written for --out but got {printable(path)}",
            kind="file",
            remedy="choose another path",
        )


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError as error:
        raise ProblemError(
            f"expected to write the file {printable(path)} but got: {error.strerror}",
            kind="file",
            remedy="choose another path",
        ) from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
