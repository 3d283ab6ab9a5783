"""Time and memory that a run has used."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field

__all__ = ["Stopwatch", "peak_memory_bytes", "physical_memory_bytes"]


def peak_memory_bytes() -> int | None:
    """The largest resident memory of this process so far; None where the system does not say.

    >>> (peak_memory_bytes() or 2**30) > 2**20
    True
    """
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # ru_maxrss counts kibibytes, on macOS bytes.
    return peak if sys.platform == "darwin" else peak * 1024


def physical_memory_bytes() -> int | None:
    """The memory of this machine; None where the system does not say.

    >>> (physical_memory_bytes() or 2**30) > 2**20
    True
    """
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """Seconds since it was made.

    >>> Stopwatch().elapsed_s() >= 0
    True
    """

    started: float = field(default_factory=time.monotonic)

    def elapsed_s(self) -> float:
        return time.monotonic() - self.started
