"""Attacks on BND-1 and its joint refinement: the mean loss over the box and all data in range."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hypothesis.strategies import SearchStrategy

from numerics import strategies as make
from numerics.search.attack import Attack
from numerics.search.network_target import BoxTarget
from numerics.search.quantities import Quantity, of_loss, without
from numerics.search.right_side import over_root_two
from numerics.search.settings import NetworkSetting
from proofs.errors import GradlemmaError
from proofs.kernel.scalars import number
from proofs.network import Loss, LossKind, Network
from proofs.theorems.bounds import Derivation, Reading

from ._settings import network_settings, tied_networks, wild_functions

__all__ = ["Bnd1", "Bnd1Joint"]

SQUARES = (Loss.HALF_MSE, Loss.MSE)


@lru_cache(maxsize=64)
def derivation(network: Network, loss: Loss) -> Derivation:
    """BND-1 for a network and loss, kept for the readings of further settings."""
    return Derivation(network, loss)


def worst_case(setting: NetworkSetting, *, refine: bool = False) -> Reading:
    """The proved bounds of the setting's box."""
    if setting.loss is None:
        raise GradlemmaError("expected a setting with a loss")
    work = derivation(setting.network, setting.loss)
    return work.worst_case(setting.box, setting.input_norm, setting.target_norm, refine=refine)


@dataclass(frozen=True, slots=True)
class Bnd1(Attack):
    """BND-1 in its worst-case reading, or without one of its hypotheses."""

    dropped: str | None = None
    statement: str = "BND-1"

    def settings(self) -> SearchStrategy[Any]:
        match self.dropped:
            case "bias-norms":
                networks = make.architectures(activations=wild_functions(), bias=True)
                return network_settings(losses=make.losses(), networks=networks)
            case "target-range":
                return network_settings(losses=make.losses(among=[Loss.BCE]))
            case "target-norm":
                return network_settings(losses=make.losses(among=SQUARES))
            case "targets" | "factor-sqrt2":
                networks = make.architectures(activations=wild_functions(), min_output=2)
                return network_settings(losses=make.losses(among=[Loss.CROSS_ENTROPY]), networks=networks)
            case "fresh-parameters":
                return network_settings(losses=make.losses(), networks=tied_networks(), tied=True)
            case _:
                return network_settings(losses=make.losses())

    def prepare(self, setting: Any) -> BoxTarget:
        reading = worst_case(setting)
        quantities = [
            of_loss("G_max", 1, number(reading.gradient.value)),
            of_loss("H_max", 2, number(reading.hessian.value)),
        ]
        return BoxTarget(setting, self.dropped, dropped_factor(quantities, self.dropped))


def dropped_factor(quantities: list[Quantity], dropped: str | None) -> list[Quantity]:
    """Without `factor-sqrt2` the bound of the gradient alone is claimed, smaller by that factor."""
    if dropped != "factor-sqrt2":
        return quantities
    return [without(quantities[0], over_root_two, "sqrt(2)")]


@dataclass(frozen=True, slots=True)
class Bnd1Joint(Attack):
    """The joint refinement of H_max for cross-entropy."""

    dropped: str | None = None
    statement: str = "BND-1-joint"

    def settings(self) -> SearchStrategy[Any]:
        bias = True if self.dropped == "bias-norms" else None
        tied = self.dropped == "fresh-parameters"
        networks = (
            tied_networks(least_width=2)
            if tied
            else make.architectures(activations=wild_functions(), min_output=2, max_depth=2, bias=bias)
        )
        return network_settings(losses=make.losses(among=[Loss.CROSS_ENTROPY]), networks=networks, tied=tied)

    def prepare(self, setting: Any) -> BoxTarget:
        refined = worst_case(setting, refine=True).refined
        if refined is None or setting.loss.kind is not LossKind.CROSS_ENTROPY:
            raise GradlemmaError("expected a refinement but none was derived")
        return BoxTarget(setting, self.dropped, [of_loss("H_max_refined", 2, number(refined.value))])
