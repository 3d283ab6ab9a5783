"""The refusals of `numerics`, each one sentence that a user can act on."""

from __future__ import annotations

from proofs.errors import GradlemmaError

__all__ = ["NumericsError"]


class NumericsError(GradlemmaError):
    """An argument of a numeric routine does not fit the network or is not finite."""
