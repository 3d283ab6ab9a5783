"""How many threads a computation of a given size should use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["threads_for"]

# Measured on two CPU cores with a 64-32-16-10 network and 1797 samples (2.2e5 entries): one thread
# is as fast as two, and stays so when other programs use the cores, where two became 5 to 10 times slower.
SMALL_TABLE = 1 << 20


@contextmanager
def threads_for(entries: int) -> Iterator[None]:
    """Compute with one thread where the tables of all nodes hold few entries; restore the number after."""
    before = torch.get_num_threads()
    try:
        if entries < SMALL_TABLE:
            torch.set_num_threads(1)
        yield
    finally:
        torch.set_num_threads(before)
