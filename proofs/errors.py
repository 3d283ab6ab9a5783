"""The one error family of `proofs`: every refusal is a `GradlemmaError` with a sentence."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

__all__ = ["GradlemmaError", "KernelError", "LayerError", "NetworkError", "UnknownNameError"]

MAX_SHOWN = 120


class GradlemmaError(Exception):
    """A refusal that a user can act on; its text is one sentence."""


class KernelError(GradlemmaError):
    """A rule, a decoder or `replay` refused: the claim is not established."""


class NetworkError(GradlemmaError):
    """The description of a network, a loss or an activation is not consistent."""


class LayerError(NetworkError):
    """A layer does not fit where it stands.

    path: its number, counted from 1, and within residual sums the numbers inside.

    >>> str(LayerError((3, 1), "softmax", "expected a vector"))
    'layer 3.1: softmax: expected a vector'
    """

    def __init__(self, path: tuple[int, ...], word: str, message: str) -> None:
        self.path = path
        self.message = message
        super().__init__(f"layer {'.'.join(map(str, path))}: {word}: {message}")


class UnknownNameError(GradlemmaError):
    """A name that is none of the known ones; the text names them and the nearest.

    >>> UnknownNameError("a statement", "BDN-1", ["ACT", "BND-1"]).remedy
    'did you mean BND-1?'
    """

    kind = "unknown-name"

    def __init__(self, what: str, given: str, known: Sequence[str]) -> None:
        folded = {name.casefold(): name for name in known}
        close = difflib.get_close_matches(given.casefold()[:MAX_SHOWN], folded, 1, 0.4)
        self.nearest = folded[close[0]] if close else None
        self.remedy = f"did you mean {self.nearest}?" if close else ""
        self.message = f"expected {what} among {', '.join(known)} but got {_printable(given)}"
        super().__init__(f"{self.message}; {self.remedy}" if self.remedy else self.message)


def _printable(text: str) -> str:
    shown = text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)
