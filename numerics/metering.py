"""Matrix products and eigenvalue solvers, with the time that a process spends in them.

Batched products on the CPU go to numpy's BLAS, a call for each matrix of the batch, which is faster
than torch's batched product for the small matrices of a network; so do results not depend on how many
matrices a batch holds.  Everything else, and whatever autograd watches, is torch's own `@`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

__all__ = ["METER", "Meter", "product", "product_sum"]


@dataclass(slots=True)
class Meter:
    """Seconds of this process inside matrix products and inside eigenvalue solvers and factorisations.

    On a CUDA device these are the times of the calls, not of the kernels they start.
    """

    gemm: float = 0.0
    eigen: float = 0.0

    @contextmanager
    def eigenvalues(self) -> Iterator[None]:
        """Count the time of the block as that of an eigenvalue solver."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.eigen += time.perf_counter() - start

    @contextmanager
    def products(self) -> Iterator[None]:
        """Count the time of the block as that of matrix products."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.gemm += time.perf_counter() - start

    def read(self) -> tuple[float, float]:
        """(gemm, eigen) so far; differences of two readings are the times between them."""
        return self.gemm, self.eigen


METER = Meter()


def product(a: Tensor, b: Tensor) -> Tensor:
    """The matrix products `[..., m, k] @ [..., k, n] -> [..., m, n]`, batch dimensions broadcast."""
    if torch.is_grad_enabled():
        return a @ b
    start = time.perf_counter()
    if a.device.type == "cpu" and max(a.ndim, b.ndim) > 2:
        with np.errstate(all="ignore"):
            found = torch.from_numpy(np.matmul(a.numpy(), b.numpy()))
    else:
        found = a @ b
    METER.gemm += time.perf_counter() - start
    return found


def product_sum(start: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """`start + a @ b`; `start` may be overwritten unless autograd watches."""
    if torch.is_grad_enabled():
        return start + a @ b
    if start.ndim == a.ndim == b.ndim == 2:
        with METER.products():
            return start.addmm_(a, b)
    moved = product(a, b)
    return start.add_(moved) if start.shape == moved.shape else start + moved
