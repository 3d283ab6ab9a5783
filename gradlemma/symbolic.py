"""Derivations of registered statements as they stand: rows, losses, activations, analyticity, step sizes."""

from __future__ import annotations

from pathlib import Path

from gradlemma.errors import ProblemError, printable
from proofs.kernel.core import Theorem
from proofs.registry import statement

__all__ = ["symbolic_goals"]


def symbolic_goals(
    identifier: str, problem: Path | None, depth: int | None, activation: str | None
) -> tuple[dict[str, Theorem], str]:
    """The theorems of a registered statement and a title; of ACT for one activation if it is given.

    Raises:
        UnknownNameError: for an unknown id, with the nearest one.
        ProblemError: for options that do not apply.
    """
    found = statement(identifier)
    if problem is not None and depth is None and activation is None:
        from gradlemma.derive_sets import FOR_PROBLEMS, problem_goals

        if found.id in FOR_PROBLEMS:
            return problem_goals(found.id, problem)
    if problem is not None or depth is not None or (activation is not None and found.id != "ACT"):
        raise ProblemError(
            f"expected no options of a network for {found.id}",
            kind="usage",
            remedy="BND-1 takes --problem, BND-2 takes --depth",
        )
    if activation is None:
        return dict(found.theorems()), f"{found.id}: {found.title}"
    from proofs.network import activation as named
    from proofs.theorems.rows import activation_constants

    return activation_constants(named(activation)), f"{found.id} for {printable(activation)}"
