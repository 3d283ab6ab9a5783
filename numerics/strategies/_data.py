"""Strategies for exact inputs, targets and data sets in the range that a theorem asks for."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from numerics.errors import NumericsError
from proofs.kernel.tensors import ExactTensor
from proofs.network import Loss, LossKind, Network
from proofs.theorems.bounds import Data

from ._weights import tensors_of_norm

__all__ = ["data_sets", "inputs", "targets"]


@st.composite
def inputs(draw: DrawFn, *, count: int, width: int, norm: Fraction) -> ExactTensor:
    """Exact inputs [count, width] with every row's 2-norm at most `norm`.  Shrinks to zeros."""
    rows = [draw(tensors_of_norm((width,), norm)).fractions() for _ in range(count)]
    return ExactTensor.from_fractions((count, width), tuple(entry for row in rows for entry in row))


@st.composite
def targets(draw: DrawFn, *, loss: Loss, count: int, width: int, norm: Fraction | None = None) -> ExactTensor:
    """Exact targets [count, width]: probability vectors for cross-entropy, else rows of norm <= `norm`.

    Shrinks to the first class, or to zeros.

    Raises:
        NumericsError: for bce and huber, whose targets no strategy draws yet.
    """
    if loss.kind in (LossKind.BCE, LossKind.HUBER):
        raise NumericsError(f"targets of the loss {loss.label()} are not drawn yet")
    rows: list[tuple[Fraction, ...]] = []
    for _ in range(count):
        if loss == Loss.CROSS_ENTROPY:
            rows.append(draw(_probabilities(width)))
        else:
            rows.append(draw(tensors_of_norm((width,), Fraction(1) if norm is None else norm)).fractions())
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
