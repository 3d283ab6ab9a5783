"""Step sizes in small instances: other optimisers for an arbitrary loss, and weight decay for a given one."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import cache

from flint import fmpq

from proofs.kernel.core import Theorem, infer
from proofs.kernel.maps import (
    AnyStep,
    Contract,
    Entry,
    Map,
    ParameterBlock,
    Scaled,
    StepNumber,
    Total,
    blocks_of,
)
from proofs.kernel.rules.logic import Assume
from proofs.kernel.set_claims import AlmostEverywhereAnalytic, Within
from proofs.kernel.sets import Empty, SingularPoints
from proofs.kernel.univariate import Univariate, argument, constant, piecewise
from proofs.network import Architecture, Dense, Loss, Network
from proofs.network.lowering_losses import loss_on

from .exceptional import (
    LOSS,
    STEP,
    for_loss,
    heavy_ball_is_non_singular,
    nesterov_is_non_singular,
    off_exceptional_is_non_singular,
    proximal_is_non_singular,
    schedule_is_non_singular,
)
from .step_sizes import StepSizes

__all__ = ["decayed", "optimisers", "scalar_loss", "studied", "two_wells", "weight_decay"]

HALF = fmpq(1, 2)


@cache
def optimisers() -> Mapping[str, Theorem]:
    """NSG-3 for an arbitrary loss: heavy-ball and Nesterov with momentum 1/2, two steps, the proximal map."""
    analytic = infer(Assume(AlmostEverywhereAnalytic(LOSS)))
    step = off_exceptional_is_non_singular()
    second = for_loss(step, LOSS, AnyStep("kappa"))
    everywhere = infer(Assume(Within(SingularPoints(LOSS), Empty())))
    return {
        "heavy_ball": heavy_ball_is_non_singular(analytic, STEP, HALF),
        "nesterov": nesterov_is_non_singular(step, HALF),
        "schedule": schedule_is_non_singular(step, second),
        "proximal": proximal_is_non_singular(everywhere, STEP),
    }


def decayed(loss: Map, factor: fmpq) -> Map:
    """L + factor/2 ||theta||^2."""
    parts = [loss]
    for block in blocks_of(loss):
        letters = "ijkl"[: len(block.extents)]
        parts.append(Scaled(factor / 2, Contract(f"{letters},{letters}->", block, block)))
    return Total(tuple(parts))


def studied(loss: Map, *, limit: int = 4096, seed: int = 0) -> StepSizes:
    """Everything that is derived about the step sizes of the loss, all stages."""
    found = StepSizes(loss, limit=limit, seed=seed)
    found.prove_analytic()
    found.find_patterns()
    found.find_spectra()
    return found


def two_wells() -> Univariate:
    """t^4/2 - 3 t^2 + 8 for |t| <= 2 and t^2 beyond, which is continuously differentiable."""
    square = argument() * argument()
    inside = (square * square).scaled(Fraction(1, 2)) + square.scaled(Fraction(-3)) + constant(8)
    return piecewise("wells", {}, (-2, 2), (square, inside, square))


def scalar_loss(function: Univariate) -> Map:
    """L(t) = function(t), t one number."""
    return Entry(function, ParameterBlock("t", ()))


@cache
def weight_decay() -> Mapping[str, Theorem]:
    """NSG-3 for the network 1-1-1 with ReLU and biases, one sample, half_mse and weight decay 1.

    Constant eigenvalues of the dead region are 1, of the output bias, and 0: with the decay they are 2
    and 1, so that 1/2 and 1 are singular and 1/3 is not.
    """
    network = Architecture.of_network(Network.of(1, Dense(1), "relu", Dense(1)))
    found = studied(decayed(loss_on(network, Loss.HALF_MSE, ((1,),), ((0,),)), fmpq(1)))
    steps = {"half": HALF, "one": fmpq(1), "third": fmpq(1, 3)}
    verdicts = {name: found.verdict(StepNumber(step)) for name, step in steps.items()}
    return {name: verdict.theorem for name, verdict in verdicts.items() if verdict.theorem is not None}
