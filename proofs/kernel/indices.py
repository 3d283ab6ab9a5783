"""Natural numbers as indices: a numeral, or n + k for the one index variable n >= 1.

All members of families (blocks W_n, nodes z_n, widths d_n), exponents and ends of sums and ranges
are such indices.  There is one variable only, so a binder of n hides every other n inside it and
nothing can be captured: what is put in for n never gets below another binder.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from proofs.errors import KernelError

from .interning import Interned

__all__ = ["Index"]

LARGEST = 10_000


@dataclass(frozen=True, eq=False)
class Index(metaclass=Interned):
    """n + offset if `is_open`, else the number offset; a natural number >= 0 at every n >= 1."""

    offset: int
    is_open: bool
    key: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if type(self.offset) is not int or type(self.is_open) is not bool:
            raise KernelError(f"expected n + k or a natural number but got {self.offset!r}")
        if not (-1 if self.is_open else 0) <= self.offset <= LARGEST:
            raise KernelError(f"expected an index from 0 to {LARGEST} but got offset={self.offset!r}")

    def shifted(self, by: int) -> Index:
        return Index(self.offset + by, self.is_open)

    def at(self, index: Index) -> Index:
        """The index with n replaced."""
        return Index(self.offset + index.offset, index.is_open) if self.is_open else self

    @property
    def is_positive(self) -> bool:
        """Whether the index is >= 1 at every n >= 1."""
        return self.least >= 1

    @property
    def least(self) -> int:
        """The value at n = 1."""
        return self.offset + 1 if self.is_open else self.offset

    def is_at_most(self, end: Index) -> bool:
        """Whether the index is visibly <= end at every n >= 1."""
        if self.is_open == end.is_open:
            return self.offset <= end.offset
        return not self.is_open and self.offset <= end.least
