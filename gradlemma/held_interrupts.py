"""Imports that Ctrl-C does not break: interrupted while it loads, a library may answer with any error."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["interrupts_held", "load_measuring", "load_search"]


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Delivers Ctrl-C after the block instead of inside it, where the system can."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def load_search() -> None:
    """Loads what the search for patterns imports on first use."""
    with interrupts_held():
        import scipy.optimize  # noqa: F401  # pyright: ignore[reportMissingTypeStubs, reportUnusedImport]


def load_measuring() -> None:
    """Loads what the measurements import on first use."""
    with interrupts_held():
        import numerics.step_checks  # noqa: F401  # pyright: ignore[reportUnusedImport]
