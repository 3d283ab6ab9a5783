"""Strategies for exact weights inside a box of norms."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from proofs.kernel.tensors import ExactTensor
from proofs.network import Dense, Network
from proofs.theorems.bounds import Box
from proofs.theorems.sizes import operator_norm_above

__all__ = ["tensors_of_norm", "weights"]

_SHARES = (Fraction(1), Fraction(1, 2), Fraction(3, 4), Fraction(1, 8), Fraction(0))


@st.composite
def tensors_of_norm(draw: DrawFn, shape: tuple[int, ...], bound: Fraction) -> ExactTensor:
    """Exact tensors of that shape with norm (spectral, or 2-norm of a vector) at most `bound`.

    Integer entries are drawn and divided by a certified upper bound of their norm; two in three have
    nearly the whole norm.  Shrinks to zero.
    """
    size = 1
    for extent in shape:
        size *= extent
    entries = draw(st.lists(st.integers(-4, 4), min_size=size, max_size=size))
    raw = ExactTensor.from_fractions(shape, tuple(Fraction(entry) for entry in entries))
    norm = operator_norm_above(raw)
    share = draw(st.sampled_from(_SHARES))
    factor = share * bound / norm if norm else Fraction(0)
    return ExactTensor.from_fractions(shape, tuple(entry * factor for entry in entries))


@st.composite
def weights(draw: DrawFn, network: Network, box: Box) -> tuple[ExactTensor, ...]:
    """Exact tensors W1, b1, W2, ... of the network inside the box.  Shrinks to zeros."""
    dense = [layer for layer in network.layers if isinstance(layer, Dense)]
    found: list[ExactTensor] = []
    for parameter in network.parameters():
        index = parameter.layer - 1
        bound = box.weight_norms[index] if parameter.is_weight else box.bias_norms[index]
        if bound is None or index >= len(dense):
            raise ValueError(f"expected a bound on {parameter.name} in the box")
        found.append(draw(tensors_of_norm(parameter.shape, bound)))
    return tuple(found)
