"""Strategies for losses."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs.network import Loss

__all__ = ["losses"]

_ALL = (Loss.HALF_MSE, Loss.MSE, Loss.CROSS_ENTROPY)


def losses(*, among: Sequence[Loss] | None = None) -> SearchStrategy[Loss]:
    """Squared errors and cross-entropy, or the losses of `among`; bce and huber have no targets yet.

    Shrinks to the half squared error, or the first of `among`.
    """
    return st.sampled_from(_ALL if among is None else tuple(among))
