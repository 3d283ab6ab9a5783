"""What needs a feed-forward network, and the sentence for a problem that has another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradlemma.errors import ProblemError
from proofs.network import Activate, Architecture, Network
from proofs.network.architecture_base import HasTensors
from proofs.network.architecture_layers import Linear
from proofs.network.architecture_places import PlacedLayer
from proofs.network.architecture_shapes import layer_word

if TYPE_CHECKING:
    from ._parts import Parts

__all__ = ["bounds_refusal", "feed_forward"]


def bounds_refusal(problem: Parts) -> str | None:
    """Why no bound of the gradient and the Hessian is derived for a problem, or None.

    >>> from gradlemma.problem import Problem
    >>> from proofs.network.architecture_layers import LayerNorm, Linear
    >>> bounds_refusal(Problem.of(Architecture((2,), (Linear(2), LayerNorm())), "half_mse"))
    'no bound derived for layer norm (layer 2)'
    """
    if isinstance(problem.network, Architecture):
        return f"no bound derived for {_obstacle(problem.network)}"
    if problem.box is None and problem.weights is None:
        return "no bound derived without a box or weights: there is nothing to bound"
    return None


def feed_forward(problem: Parts, what: str = "bound derived") -> Network:
    """The network of a problem, for parts that treat feed-forward networks only.

    Raises:
        ProblemError: `no {what} for convolution (layer 1)`, with the key of the network.
    """
    network = problem.network
    if isinstance(network, Network):
        return network
    raise ProblemError(
        f"no {what} for {_obstacle(network)}",
        kind="network",
        key="network",
        remedy="use dense layers and activations on vectors, or `gradlemma check` for what holds without",
    )


def _obstacle(architecture: Architecture) -> str:
    """The first layer that a feed-forward network does not have."""
    for one in architecture.placed():
        word = _unlike(one)
        if word is not None:
            return f"{word} (layer {one.path[0]})"
    return "an architecture"


def _unlike(one: PlacedLayer) -> str | None:
    layer = one.layer
    if isinstance(layer, HasTensors) and layer.frozen:
        return f"{layer_word(layer)} with frozen tensors"
    if isinstance(layer, HasTensors) and layer.shared:
        return f"{layer_word(layer)} with shared tensors"
    if len(one.incoming) > 1 and isinstance(layer, Linear | Activate):
        return f"{layer_word(layer)} on rows"
    if isinstance(layer, Linear) and layer.transposed:
        return f"{layer_word(layer)} with a transposed matrix"
    return None if isinstance(layer, Linear | Activate) else layer_word(layer)
