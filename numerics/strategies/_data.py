"""Strategies for exact inputs, targets and data sets in the range that a theorem asks for."""

from __future__ import annotations

from fractions import Fraction
from typing import assert_never

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from proofs.kernel.tensors import ExactTensor
from proofs.network import Loss, LossKind, Network
from proofs.theorems.bounds import Data

from ._weights import tensors_of_norm

__all__ = ["data_sets", "inputs", "targets"]

# Entries of targets of bce: both labels, and fractions between them.
_FRACTIONS = st.sampled_from([Fraction(n, 4) for n in (0, 4, 2, 1, 3)])


@st.composite
def inputs(draw: DrawFn, *, count: int, width: int, norm: Fraction) -> ExactTensor:
    """Exact inputs [count, width] with every row's 2-norm at most `norm`.  Shrinks to zeros."""
    rows = [draw(tensors_of_norm((width,), norm)).fractions() for _ in range(count)]
    return ExactTensor.from_fractions((count, width), tuple(entry for row in rows for entry in row))


@st.composite
def targets(draw: DrawFn, *, loss: Loss, count: int, width: int, norm: Fraction | None = None) -> ExactTensor:
    """Exact targets [count, width] in the loss's range.

    Probability vectors for cross-entropy, entries in [0, 1] for bce, labels 0 and 1 among them; else
    rows of norm <= `norm`, or <= 1 where none is given.  Shrinks to the first class, or to zeros.
    """
    match loss.kind:
        case LossKind.CROSS_ENTROPY:
            row = _probabilities(width)
        case LossKind.BCE:
            row = st.tuples(*[_FRACTIONS] * width)
        case LossKind.MSE | LossKind.HALF_MSE | LossKind.HUBER:
            row = tensors_of_norm((width,), Fraction(1) if norm is None else norm).map(ExactTensor.fractions)
        case _:
            assert_never(loss.kind)
    rows = [draw(row) for _ in range(count)]
    return ExactTensor.from_fractions((count, width), tuple(entry for row in rows for entry in row))


@st.composite
def _probabilities(draw: DrawFn, width: int) -> tuple[Fraction, ...]:
    if draw(st.booleans()):
        shares = draw(st.lists(st.integers(0, 4), min_size=width, max_size=width))
        if sum(shares):
            return tuple(Fraction(share, sum(shares)) for share in shares)
    label = draw(st.integers(0, width - 1))
    return tuple(Fraction(int(index == label)) for index in range(width))


@st.composite
def data_sets(
    draw: DrawFn,
    network: Network,
    loss: Loss,
    *,
    input_norm: Fraction,
    target_norm: Fraction | None = None,
    max_samples: int = 3,
) -> Data:
    """Data sets of 1 to max_samples samples in range.  Shrinks to one sample with input 0."""
    count = draw(st.integers(1, max_samples))
    x = draw(inputs(count=count, width=network.input_dim, norm=input_norm))
    y = draw(targets(loss=loss, count=count, width=network.output_dim, norm=target_norm))
    return Data(x, y)
