"""The registered statements in order, and the look-up by id."""

from __future__ import annotations

from proofs.errors import UnknownNameError

from . import activations, analyticity, bounds, jets, losses, steps, tasks
from ._statement import Statement

__all__ = ["registry", "statement"]

_ALL = (
    *activations.STATEMENTS,
    *jets.STATEMENTS,
    *losses.STATEMENTS,
    *bounds.STATEMENTS,
    *analyticity.STATEMENTS,
    *steps.STATEMENTS,
    *tasks.STATEMENTS,
)


def registry() -> tuple[Statement, ...]:
    """All registered statements, in the order of the theory.

    >>> [found.id for found in registry()][:2]
    ['ACT', 'JET-affine']
    """
    return _ALL


def statement(identifier: str) -> Statement:
    """The statement of that id, such as `BND-1`.

    Raises:
        UnknownNameError: for any other id, with the nearest one.
    """
    for found in _ALL:
        if found.id == identifier:
            return found
    raise UnknownNameError("a statement", identifier, [found.id for found in _ALL])
