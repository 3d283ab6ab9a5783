"""Almost everywhere analyticity in small instances: attention, losses, convolutions, a singular set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache

from flint import fmpq

from proofs.kernel.core import Theorem, infer
from proofs.kernel.maps import Contract, Fixed, Map, ParameterBlock, Unknown
from proofs.kernel.rules.logic import Cut
from proofs.kernel.rules.ranks import RankAt
from proofs.kernel.rules.sets import PutIn
from proofs.network import Architecture, Dense, Loss, Network
from proofs.network.architecture_layers import Attention
from proofs.network.lowering_losses import empirical_loss, loss_on
from proofs.network.lowering_rows import attention

from .layer_analyticity import ARGUMENT, rank_lemma
from .map_analyticity import Analyticity, Route
from .step_sizes import StepSizes

__all__ = [
    "attention_analytic", "convolution", "convolution_analytic", "empirical_loss_analytic", "relu_121",
    "singular_set", "small_losses",
]  # fmt: skip

ROWS = Unknown("Y", (2, 2))
SAMPLES = ((Fraction(9, 10),), (Fraction(5, 2),))


@cache
def attention_analytic() -> Theorem:
    """AEA-5: attention of W_q Y, W_k Y, W_v Y is almost everywhere analytic if Y is.

    Hypotheses: Y: Theta -> R^(2 x 2) almost everywhere analytic; nothing of how it uses W_q, W_k, W_v.
    """
    layer = Attention(2, output=False)
    tensors: dict[str, Map] = {name: ParameterBlock(name, (2, 2)) for name in ("Wq", "Wk", "Wv")}
    return Analyticity(Route.SCALAR).almost_everywhere(attention(layer, tensors, ROWS))


@cache
def small_losses() -> Mapping[str, Map]:
    """Mean losses of small networks over any finite data set."""
    relu = Architecture.of_network(Network.of(2, Dense(2), "relu", Dense(1)))
    smooth = Architecture.of_network(Network.of(2, Dense(2), "tanh", Dense(2)))
    return {
        "relu_half_mse": empirical_loss(relu, Loss.HALF_MSE),
        "relu_huber": empirical_loss(relu, Loss.huber(1)),
        "tanh_cross_entropy": empirical_loss(smooth, Loss.CROSS_ENTROPY),
    }


@cache
def empirical_loss_analytic() -> Mapping[str, Theorem]:
    """AEA-7 for `small_losses`: by the layered route where its layers allow it, and by the scalar one."""
    losses = small_losses()
    return {
        "layered": Analyticity(Route.LAYERED).almost_everywhere(losses["relu_half_mse"]),
        **{name: Analyticity(Route.SCALAR).almost_everywhere(loss) for name, loss in losses.items()},
    }


@cache
def relu_121() -> Map:
    """The loss of the network 1-2-1 with ReLU and biases on two samples, each its own target."""
    network = Architecture.of_network(Network.of(1, Dense(2), "relu", Dense(1)))
    return loss_on(network, Loss.HALF_MSE, SAMPLES, SAMPLES)


@cache
def singular_set() -> Mapping[str, Theorem]:
    """AEA-8 for `relu_121`: S(L) lies in named level sets, which are null, each with a rational witness."""
    found = StepSizes(relu_121())
    found.prove_analytic()
    found.find_patterns()
    covered, null = found.singular_set(), found.off_sets_null
    return {name: t for name, t in (("covered", covered), ("null", null)) if t is not None}


def convolution(data: Sequence[int]) -> Map:
    """(k_1 x_1 + k_2 x_2, k_1 x_2 + k_2 x_3): the kernel k moved along three numbers."""
    kernel = ParameterBlock("k", (2,))
    windows = Fixed((2, 2), tuple(fmpq(data[i + j]) for i in range(2) for j in range(2)))
    return Contract("ij,j->i", windows, kernel)


def convolution_analytic(data: Sequence[int]) -> Theorem:
    """AEA-4: sigma(convolution of the data) is almost everywhere analytic for every such sigma: R^2 -> R^2.

    Hypotheses: sigma almost everywhere analytic on R^2.

    Raises:
        KernelError: for data at which the convolution has no full rank.
    """
    moved = convolution(data)
    somewhere = infer(RankAt(moved, (("k", (fmpq(1), fmpq(1))),)))
    found = infer(PutIn(((ARGUMENT, moved),), (), ()), rank_lemma().analytic)
    for shown in (Analyticity(Route.SCALAR).everywhere(moved), somewhere):
        found = infer(Cut(), shown, found)
    return found
