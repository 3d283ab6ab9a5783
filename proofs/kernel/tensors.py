"""Exact tensors: weights and data as they enter a proof, named by the hash of their content."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from proofs.errors import KernelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ExactTensor"]


@dataclass(frozen=True, slots=True, repr=False)
class ExactTensor:
    """A real tensor of shape [n] or [m, n] whose entries are exact numbers, row by row.

    An entry is a dyadic rational (from float64) or any rational (from a text such as `9/10`).
    `digest` is the sha256 of shape and entries and does not depend on how they were given.
    """

    shape: tuple[int, ...]
    entries: tuple[Fraction, ...] | None
    floats: bytes
    digest: str

    def __repr__(self) -> str:
        return f"<ExactTensor {list(self.shape)}, sha256 {self.digest[:12]}>"

    @classmethod
    def from_floats(cls, array: NDArray[np.float64]) -> ExactTensor:
        """The tensor of the float64 (or float32, widened) numbers in `array`, exactly.

        Raises:
            KernelError: if an entry is NaN or infinite, or the array is not 1-D or 2-D.
        """
        if array.dtype.kind not in "fiu" or array.dtype.itemsize > 8:
            raise KernelError(f"expected floats of at most 64 bits or integers but got dtype={array.dtype}")
        if array.dtype.kind in "iu" and array.size and max(int(array.max()), -int(array.min())) > 2**53:
            raise KernelError("expected integers of at most 2^53 in absolute value")
        wide = np.ascontiguousarray(array, dtype="<f8")
        if wide.ndim not in (1, 2):
            raise KernelError(f"expected a 1-D or 2-D tensor but got shape={wide.shape}")
        if not np.isfinite(wide).all():
            raise KernelError("expected finite entries but got NaN or infinity")
        content = (wide + 0.0).tobytes()  # -0.0 and 0.0 are the same number
        return cls(tuple(wide.shape), None, content, _digest(tuple(wide.shape), b"f64", content))

    @classmethod
    def from_fractions(cls, shape: tuple[int, ...], entries: tuple[Fraction, ...]) -> ExactTensor:
        """The tensor of the given rationals, row by row.

        Tensors whose entries all are float64 numbers are stored as such, so that the digest
        depends on the numbers alone.
        """
        if len(shape) not in (1, 2) or int(np.prod(shape)) != len(entries):
            raise KernelError(f"expected {shape} to have {len(entries)} entries")
        try:
            nearest = [float(entry) for entry in entries]
        except OverflowError:
            raise KernelError("expected entries below 1e308 in absolute value") from None
        if all(Fraction(near) == entry for near, entry in zip(nearest, entries, strict=True)):
            return cls.from_floats(np.array(nearest).reshape(shape))
        text = ";".join(f"{e.numerator}/{e.denominator}" for e in entries).encode()
        floats = np.array(nearest, dtype="<f8").tobytes()
        return cls(shape, entries, floats, _digest(shape, b"rational", text))

    def to_numpy(self) -> NDArray[np.float64]:
        """The nearest float64 array (equal to the tensor where it came from floats)."""
        return np.frombuffer(self.floats, dtype="<f8").reshape(self.shape).copy()

    @property
    def is_dyadic(self) -> bool:
        """Whether `to_numpy` is exact."""
        return self.entries is None

    def integers(self) -> tuple[list[int], int]:
        """Integers m_i and a denominator d with entries m_i / d, row by row."""
        if self.entries is None:
            ratios = [value.as_integer_ratio() for value in self.to_numpy().ravel().tolist()]
        else:
            ratios = [(entry.numerator, entry.denominator) for entry in self.entries]
        shared = math.lcm(*{bottom for _, bottom in ratios})
        return [top * (shared // bottom) for top, bottom in ratios], shared

    def fractions(self) -> tuple[Fraction, ...]:
        """All entries, row by row, as exact rationals."""
        if self.entries is not None:
            return self.entries
        return tuple(Fraction(value) for value in self.to_numpy().ravel().tolist())


def _digest(shape: tuple[int, ...], kind: bytes, content: bytes) -> str:
    header = ",".join(str(extent) for extent in shape).encode()
    return hashlib.sha256(b"tensor:" + header + b":" + kind + b":" + content).hexdigest()
