"""Time and memory that a run has used."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

__all__ = [
    "Stopwatch", "available_memory_bytes", "children_peak_bytes", "free_disk_bytes", "peak_memory_bytes",
    "physical_memory_bytes",
]  # fmt: skip


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


def available_memory_bytes() -> int | None:
    """The memory that programs can have now without swapping; None where the system does not say.

    >>> (available_memory_bytes() or 2**30) > 2**20
    True
    """
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return physical_memory_bytes()
    limit = _group_limit()
    return found if limit is None else min(found, limit)


def _group_limit() -> int | None:
    """What the control group of this process leaves, on Linux."""
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii"))
        used = int(Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return max(limit - used, 0)


def children_peak_bytes() -> int:
    """The largest resident memory of a child process that has ended; 0 where the system does not say."""
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def free_disk_bytes(directory: Path) -> int:
    """The bytes free where the directory is, or will be.

    >>> free_disk_bytes(Path(".")) > 0
    True
    """
    import shutil

    place = next(path for path in (directory.absolute(), *directory.absolute().parents) if path.exists())
    return shutil.disk_usage(place).free


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """Seconds since it was made.

    >>> Stopwatch().elapsed_s() >= 0
    True
    """

    started: float = field(default_factory=time.monotonic)

    def elapsed_s(self) -> float:
        return time.monotonic() - self.started
