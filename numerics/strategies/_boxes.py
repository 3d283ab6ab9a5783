"""Strategies for norms, boxes of norms and step sizes, all exact."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from proofs.network import Dense, Network
from proofs.theorems.bounds import Box

__all__ = ["boxes", "norms", "step_sizes"]

_NORMS = tuple(Fraction(n, d) for n, d in ((1, 1), (2, 1), (1, 2), (3, 2), (3, 1), (1, 4), (3, 4), (5, 2)))


def norms() -> SearchStrategy[Fraction]:
    """Bounds on norms: short positive rationals up to 3.  Shrinks to 1."""
    return st.sampled_from(_NORMS)


@st.composite
def boxes(draw: DrawFn, network: Network, *, uniform: bool = False) -> Box:
    """Boxes of the network's weight and bias norms; with `uniform` all weight norms are the same.

    Shrinks to norms of 1.
    """
    dense = [layer for layer in network.layers if isinstance(layer, Dense)]
    common = draw(norms()) if uniform else None
    sizes = tuple(draw(norms()) if common is None else common for _ in dense)
    return Box(sizes, tuple(draw(norms()) if layer.bias else None for layer in dense))


def step_sizes(*, max_value: Fraction | int = 2, steps: int = 64) -> SearchStrategy[Fraction]:
    """Step sizes max_value k / steps, k = 1, ..., steps, exact.  Shrinks to max_value."""
    largest = Fraction(max_value)
    return st.integers(0, steps - 1).map(lambda less: largest * Fraction(steps - less, steps))
