"""The front door of gradlemma: problem files, the command line and the Python interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradlemma.check import check_problem as check_problem
    from gradlemma.claims import claim as claim
    from gradlemma.errors import ProblemError as ProblemError
    from gradlemma.problem import Problem as Problem
    from gradlemma.problem import activation_from_pieces as activation_from_pieces
    from gradlemma.problem import load_problem as load_problem
    from gradlemma.proved import Bounds as Bounds
    from gradlemma.proved import bounds as bounds
    from gradlemma.scanning import scan as scan
    from gradlemma.stepping import steps as steps
    from gradlemma.tasking import tasks as tasks
    from proofs.network import Dense as Dense
    from proofs.network import Loss as Loss
    from proofs.network import Network as Network
    from proofs.network import activation as activation

__all__ = [
    "Bounds", "Dense", "Loss", "Network", "Problem", "ProblemError", "activation", "activation_from_pieces",
    "bounds", "check_problem", "claim", "load_problem", "scan", "steps",
    "tasks",
]  # fmt: skip

_HOME = {
    "Bounds": "gradlemma.proved",
    "Dense": "proofs.network",
    "Loss": "proofs.network",
    "Network": "proofs.network",
    "activation": "proofs.network",
    "activation_from_pieces": "gradlemma.problem",
    "bounds": "gradlemma.proved",
    "check_problem": "gradlemma.check",
    "claim": "gradlemma.claims",
    "Problem": "gradlemma.problem",
    "ProblemError": "gradlemma.errors",
    "scan": "gradlemma.scanning",
    "steps": "gradlemma.stepping",
    "tasks": "gradlemma.tasking",
    "load_problem": "gradlemma.problem",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that `import gradlemma` stays light."""
    if name not in _HOME:
        raise AttributeError(f"module 'gradlemma' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
