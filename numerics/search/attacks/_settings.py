"""Strategies for the settings of attacks on networks; all shrink to one layer 1 -> 1, norms 1, one sample."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from numerics import strategies as make
from numerics.search.settings import GivenSetting, NetworkSetting
from numerics.strategies import JUMPING
from proofs.kernel.domains import jumps
from proofs.kernel.tensors import ExactTensor
from proofs.kernel.univariate import Univariate
from proofs.network import Activate, Dense, Layer, Loss, Network, activation

__all__ = [
    "given_settings", "jumping_functions", "network_settings", "seeds", "tied_networks",
    "wild_functions",
]  # fmt: skip


def seeds() -> SearchStrategy[int]:
    """Seeds of the draws in a setting."""
    return st.integers(0, 2**32 - 1)


@st.composite
def tied_networks(draw: DrawFn, *, least_width: int = 1) -> Network:
    """Networks of 2 or 3 layers of one square shape, that may use one weight in all of them."""
    depth, width = draw(st.integers(2, 3)), draw(st.integers(least_width, 3))
    has_bias = draw(st.booleans())
    layers: list[Layer] = []
    for index in range(depth):
        layers.append(Dense(width, bias=has_bias))
        if index < depth - 1:
            layers.append(Activate(draw(make.activations())))
    return Network(width, tuple(layers))


@st.composite
def network_settings(
    draw: DrawFn,
    *,
    losses: SearchStrategy[Loss] | None,
    networks: SearchStrategy[Network] | None = None,
    max_samples: int = 3,
    tied: bool = False,
    uniform: bool = False,
) -> NetworkSetting:
    """A network, a box, the range of the data; `losses` is None for statements about nodes.

    uniform: one norm for all weights.
    """
    if networks is None:
        networks = make.architectures(activations=wild_functions())
    network = draw(networks)
    loss = None if losses is None else draw(losses)
    return NetworkSetting(
        network,
        loss,
        draw(make.boxes(network, uniform=uniform)),
        draw(make.norms()),
        None if loss is None or loss.has_range else draw(make.norms()),
        draw(st.integers(1, max_samples)),
        draw(seeds()),
        tied,
    )


@st.composite
def given_settings(
    draw: DrawFn, *, losses: SearchStrategy[Loss], networks: SearchStrategy[Network], tied: bool = False
) -> GivenSetting:
    """A network at exact weights and data, and the radius of a ball."""
    network, loss = draw(networks), draw(losses)
    if tied:
        first = Network(network.input_dim, network.layers[:1])
        weights = draw(make.weights(first, draw(make.boxes(first)))) * network.depth
    else:
        weights = draw(make.weights(network, draw(make.boxes(network))))
    count = draw(st.integers(1, 3))
    x = draw(_given_inputs(count, network.input_dim))
    y = draw(make.targets(loss=loss, count=count, width=network.output_dim, norm=draw(make.norms())))
    return GivenSetting(network, loss, weights, x, y, draw(make.norms()), draw(seeds()), tied)


@st.composite
def _given_inputs(draw: DrawFn, count: int, width: int) -> ExactTensor:
    """Short numbers; shrinks to ones, at which more can be seen than at zeros."""
    entries = st.sampled_from([Fraction(n, 2) for n in (2, 0, -2, 4, 1, -3)])
    found = draw(st.lists(entries, min_size=count * width, max_size=count * width))
    return ExactTensor.from_fractions((count, width), tuple(found))


def wild_functions() -> SearchStrategy[Univariate]:
    """Every activation, those that jump or have no bounded slope too; statements refuse what they exclude."""
    return make.activations(continuous=False, bounded_slopes=False)


def jumping_functions() -> SearchStrategy[Univariate]:
    """Activations that jump; shrinks to sign."""
    pieces = make.piecewise_activations(continuous=False).filter(lambda function: bool(jumps(function)))
    return st.one_of(st.sampled_from(JUMPING).map(activation), pieces)
