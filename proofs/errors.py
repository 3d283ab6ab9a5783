"""The one error family of `proofs`: every refusal is a `GradlemmaError` with a sentence."""

from __future__ import annotations

__all__ = ["GradlemmaError", "KernelError", "NetworkError"]


class GradlemmaError(Exception):
    """A refusal that a user can act on; its text is one sentence."""


class KernelError(GradlemmaError):
    """A rule, a decoder or `replay` refused: the claim is not established."""


class NetworkError(GradlemmaError):
    """The description of a network, a loss or an activation is not consistent."""
