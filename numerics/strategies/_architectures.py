"""Strategies for feed-forward networks."""

from __future__ import annotations

import math

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from proofs.kernel.univariate import Univariate
from proofs.network import Activate, Dense, Layer, Network

from ._activations import activations as any_activations

__all__ = ["architectures"]


@st.composite
def architectures(
    draw: DrawFn,
    *,
    max_depth: int = 3,
    max_width: int = 4,
    max_parameters: int = 200,
    activations: SearchStrategy[Univariate] | None = None,
    bias: bool | None = None,
    min_depth: int = 1,
    min_output: int = 1,
) -> Network:
    """Feed-forward networks of dense layers with an activation between them.

    Depth lies in [min_depth, max_depth] and every width in [1, max_width], the output's in
    [min_output, ...]; widths are capped so that at most `max_parameters` parameters arise.
    `activations` says where activations come from (continuous with bounded slopes by default);
    `bias` whether layers have biases, None to draw it for each layer.

    Shrinks to one dense layer without bias, 1 -> 1; activations to identity.
    """
    chosen = any_activations() if activations is None else activations
    depth = draw(st.integers(min_depth, max_depth))
    # depth (w^2 + w) <= max_parameters
    widest = max(1, min(max_width, math.isqrt(4 * max_parameters // depth + 1) // 2))
    widths = st.integers(1, widest)
    layers: list[Layer] = []
    input_dim = draw(widths)
    for index in range(depth):
        last = index == depth - 1
        width = draw(st.integers(min_output, max(widest, min_output)) if last else widths)
        has_bias = draw(st.booleans()) if bias is None else bias
        layers.append(Dense(width, bias=has_bias))
        if not last:
            layers.append(Activate(draw(chosen)))
    return Network(input_dim, tuple(layers))
