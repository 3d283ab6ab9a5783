"""Top-k gating as a kernel map: ranks by comparing every two entries, by step functions.

Of the entries x_1, ..., x_n, j comes before i where x_j > x_i, or x_j = x_i and j < i; r_i is the number of
those before i, so that the r_i are 0, ..., n - 1 in some order, and the gate of i is 1 where r_i < k, else 0.
"""

from __future__ import annotations

from fractions import Fraction

from proofs.kernel.maps import Contract, Entry, Map, Pick, Total, size_of

from .architecture_layers import TopK
from .lowering_parts import (
    EXP,
    STEP,
    constant_map,
    difference,
    filled,
    lead_of,
    reciprocal,
)

__all__ = ["top_k"]


def top_k(layer: TopK, of: Map) -> Map:
    """The gates times the entries, or times their exponentials over the sum of the selected ones."""
    lead = lead_of(of)
    ranks = _ranks(of)
    gates = _below(ranks, layer.k)
    if not layer.softmax:
        return Contract(f"{lead}i,{lead}i->{lead}i", gates, of)
    chosen = Contract(f"{lead}i,{lead}i->{lead}i", gates, Entry(EXP, of))
    sums = _sum_of_largest(of, ranks, layer.k)
    return Contract(f"{lead}i,{lead}->{lead}i", chosen, reciprocal(sums))


def _ranks(of: Map) -> Map:
    """r_i for each entry: for j < i, j comes before i where x_j - x_i >= 0, else i before j."""
    shape, lead = of.require_shape(), lead_of(of)
    width, rows = shape[-1], size_of(shape[:-1])
    pairs = [(j, i) for i in range(width) for j in range(i)]
    after = [width - 1 - i for i in range(width)]
    # The number of those after i that i comes before is taken off again, one for each such pair.
    start = constant_map(after * rows, shape)
    if not pairs:
        return start

    def side(number: int) -> Map:
        numbers = tuple(row * width + pair[number] for row in range(rows) for pair in pairs)
        return Pick(of, numbers, (*shape[:-1], len(pairs)))

    before = Entry(STEP, difference(side(0), side(1)))
    counts = [(i == pair[1]) - (i == pair[0]) for pair in pairs for i in range(width)]
    return Total((start, Contract(f"{lead}p,pi->{lead}i", before, constant_map(counts, (len(pairs), width)))))


def _below(ranks: Map, limit: int) -> Map:
    """1 where r_i < limit, else 0: the argument limit - 1/2 - r_i is never 0."""
    shape = ranks.require_shape()
    return Entry(STEP, difference(filled(shape, Fraction(2 * limit - 1, 2)), ranks))


def _sum_of_largest(of: Map, ranks: Map, k: int) -> Map:
    """The sum of exp over the k largest entries, as one of exp of maps: it is positive term by term."""
    lead = lead_of(of)
    sums: list[Map] = []
    for rank in range(k):
        upper = _below(ranks, rank + 1)
        here = upper if rank == 0 else difference(upper, _below(ranks, rank))
        entry = Contract(f"{lead}i,{lead}i->{lead}", here, of)
        sums.append(Entry(EXP, entry))
    return Total(tuple(sums))
