"""`gradlemma derive`: print the derivation of a statement, for a problem, in symbols or in closed form."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from gradlemma.errors import printable
from proofs.errors import GradlemmaError
from proofs.kernel.codec import encode
from proofs.kernel.core import Theorem
from proofs.kernel.tensor_codec import encode_tensors
from proofs.registry import statement

__all__ = ["run_derive"]

# Statements that are derived for a network that the options describe.
FOR_NETWORKS = ("BND-1", "BND-2", "BND-3")
DEFAULT_DEPTH = 3


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
        GradlemmaError: for an unknown statement or options that do not go together.
    """
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
    found = statement(theorem)
    if found.id == "ACT" and activation is not None:
        return _activation_goals(activation, problem, depth), f"ACT for {printable(activation)}"
    if found.id not in FOR_NETWORKS:
        if problem is not None or depth is not None or activation is not None:
            raise GradlemmaError(f"expected no options of a network for {found.id}; BND-1 takes --problem")
        return dict(found.theorems()), f"{found.id}: {found.title}"
    if theorem == "BND-2":
        if problem is not None:
            raise GradlemmaError("expected --depth, not --problem, for BND-2; BND-1 takes --problem")
        from proofs.theorems.bnd2 import uniform_bounds

        uniform = uniform_bounds(DEFAULT_DEPTH if depth is None else depth, activation)
        return {"G": uniform.gradient, "H": uniform.hessian}, f"BND-2 for {uniform.depth} layers"
    if problem is None or depth is not None or activation is not None:
        raise GradlemmaError(f"expected --problem FILE and neither --depth nor --activation for {found.id}")
    from gradlemma.problem import load_problem
    from gradlemma.proved import derive_bounds

    derived = derive_bounds(load_problem(problem))
    if not derived.readings:
        raise GradlemmaError("no bound was derived: " + "; ".join(derived.absent.values()))
    return derived.goals(), f"{found.id} for {derived.resolved.problem.name}"


def _activation_goals(name: str, problem: Path | None, depth: int | None) -> dict[str, Theorem]:
    if problem is not None or depth is not None:
        raise GradlemmaError("expected neither --problem nor --depth for ACT")
    from proofs.network import activation
    from proofs.theorems.rows import activation_constants

    return activation_constants(activation(name))


def _printed(goals: dict[str, Theorem], title: str, form: str, fragment: bool) -> str:
    from proofs.typeset import Goal, to_latex, to_markdown

    named = [Goal(name, theorem) for name, theorem in goals.items()]
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


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
