"""Placing the sums over the samples into the rows and columns of a Hessian, by strided copies.

`first[ac, bd]` and `mixed[bc, ad]` (see `closed_form`) belong to the entry of the row (a, b) and the
column (c, d) in the flat order, where W comes row by row and b after it.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

__all__ = ["Block", "place"]


@dataclass(frozen=True, slots=True)
class Block:
    """Where a dense layer's parameters lie: rows a, columns b, offset of W, whether b follows."""

    index: int
    rows: int
    columns: int
    offset: int
    has_bias: bool

    @property
    def width(self) -> int:
        """The entries of [h; 1], or of h without bias."""
        return self.columns + int(self.has_bias)


def place(out: Tensor, block: Block, other: Block, first: Tensor, mixed: Tensor | None, fresh: bool) -> None:
    """Put (`fresh`) or add the block of `block`'s rows and `other`'s columns into `out`, [b, P, P].

    Args:
        out: the Hessians.
        block: the layer of the rows.
        other: the layer of the columns.
        first: [b, ac, bd].
        mixed: [b, bc, ad] with b over the columns of W alone; None for a diagonal block.
        fresh: overwrite what is there.
    """
    terms = first.unflatten(-2, (block.rows, other.rows)).unflatten(-1, (block.width, other.width))
    for rows, b in _ranges(block):
        for columns, d in _ranges(other):
            target = _view(out, rows, columns, block.rows, other.rows)
            part = terms[..., b, d].movedim(-3, -2)
            target.copy_(part) if fresh else target.add_(part)
    if mixed is None:
        return
    terms = mixed.unflatten(-2, (block.columns, other.rows)).unflatten(-1, (block.rows, other.width))
    rows, _ = _ranges(block)[0]
    for columns, d in _ranges(other):
        _view(out, rows, columns, block.rows, other.rows).add_(terms[..., d].movedim(-2, -4))


def _ranges(block: Block) -> list[tuple[tuple[int, int], slice]]:
    """((offset, width), columns of [h; 1]) of W and of b."""
    found = [((block.offset, block.columns), slice(0, block.columns))]
    if block.has_bias:
        end = block.offset + block.rows * block.columns
        found.append(((end, 1), slice(block.columns, block.columns + 1)))
    return found


def _view(out: Tensor, rows: tuple[int, int], columns: tuple[int, int], a: int, c: int) -> Tensor:
    """The part of `out` at these offsets as [.., a, b, c, d]."""
    part = out[..., rows[0] : rows[0] + a * rows[1], columns[0] : columns[0] + c * columns[1]]
    return part.unflatten(-1, (c, columns[1])).unflatten(-3, (a, rows[1]))
