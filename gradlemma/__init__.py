"""The front door of gradlemma: problem files, the command line and the Python interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradlemma.errors import ProblemError as ProblemError
    from gradlemma.problem import Problem as Problem
    from gradlemma.problem import load_problem as load_problem

__all__ = ["Problem", "ProblemError", "load_problem"]

_HOME = {
    "Problem": "gradlemma.problem",
    "ProblemError": "gradlemma.errors",
    "load_problem": "gradlemma.problem",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that `import gradlemma` stays light."""
    if name not in _HOME:
        raise AttributeError(f"module 'gradlemma' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
