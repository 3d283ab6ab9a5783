"""Strategies for losses."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs.network import Loss

__all__ = ["losses"]

# Transitions of huber, small and large against residuals of size 1; the order is that of shrinking.
_DELTAS = tuple(Fraction(n, d) for n, d in ((1, 1), (1, 2), (2, 1), (1, 8), (3, 4), (3, 2), (5, 1)))
_NAMED = (Loss.HALF_MSE, Loss.MSE, Loss.CROSS_ENTROPY, Loss.BCE)


def losses(*, among: Sequence[Loss] | None = None) -> SearchStrategy[Loss]:
    """Losses of every kind, huber with a short rational delta up to 5, or the losses of `among`.

    Shrinks to the half squared error, or the first of `among`; huber to delta = 1.
    """
    if among is not None:
        return st.sampled_from(tuple(among))
    return st.sampled_from(_NAMED) | st.sampled_from(_DELTAS).map(Loss.huber)
