"""Attacks on NSG-2-dead: at eta = 1 the determinant is 0 wherever all hidden units are dead."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from numerics.search.attack import Attack
from numerics.search.batches import Batch, Instance
from numerics.search.settings import StepSetting
from numerics.search.step_target import StepTarget
from proofs.kernel.map_values import exact_values
from proofs.kernel.maps import Entry, maps_below
from proofs.kernel.tensors import ExactTensor
from proofs.network import Activate, Dense, Loss, Network, activation

from .steps import STAYS, STEPS, step_settings

__all__ = ["Dead"]


@st.composite
def _networks(draw: DrawFn, *, output_bias: bool) -> Network:
    """One hidden layer of ReLU units with biases."""
    widths = st.integers(1, 2)
    hidden, output = Dense(draw(widths)), Dense(draw(widths), bias=output_bias)
    return Network(draw(widths), (hidden, Activate(activation("relu")), output))


class _DeadTarget(StepTarget):
    """Points at which every hidden pre-activation is below 0, unless that is dropped."""

    def __init__(self, setting: StepSetting, *, dead: bool) -> None:
        super().__init__(setting, {"stays": STAYS})
        self.dead = dead

    def draw(self, generator: torch.Generator, count: int, quantity: str) -> Batch:
        drawn = super().draw(generator, count, quantity)
        return self._dead(drawn) if self.dead else drawn

    def _dead(self, batch: Batch) -> Batch:
        """Hidden biases moved below what the weights and data can reach."""
        inputs = [float(q) for q in self.setting.inputs.fractions()]
        reach = batch["W1"].abs().sum(2) * max(map(abs, inputs))
        return batch.replaced(b1=-(reach + batch["b1"].abs() + 0.5))

    def restored(self, instance: Instance, quantity: str) -> Instance:
        if not self.dead:
            return instance
        shape, entries = instance["b1"].shape, instance["b1"].fractions()
        width = instance["W1"].shape[1]
        rows = instance["W1"].fractions()
        most = max(abs(q) for q in self.setting.inputs.fractions())
        reach = [sum(map(abs, rows[k * width : (k + 1) * width])) * most for k in range(len(entries))]
        lowered = tuple(min(entry, -r - Fraction(1, 2)) for entry, r in zip(entries, reach, strict=True))
        return {**instance, "b1": ExactTensor.from_fractions(shape, lowered)}

    def admits(self, instance: Instance, quantity: str) -> bool:
        if not super().admits(instance, quantity):
            return False
        found = exact_values(self.loss, self.point(instance))
        nodes = [n for n in maps_below(self.loss) if isinstance(n, Entry) and not n.function.is_analytic]
        return not self.dead or all(q < 0 for node in nodes for q in found[node.of])


@dataclass(frozen=True, slots=True)
class Dead(Attack):
    """NSG-2-dead, or without one of its hypotheses."""

    dropped: str | None = None
    statement: str = "NSG-2-dead"
    is_ratio = False

    def settings(self) -> SearchStrategy[Any]:
        one = st.just(Fraction(1))
        other = st.sampled_from([step for step in STEPS if step != 1])
        return step_settings(
            networks=_networks(output_bias=self.dropped != "output-bias"),
            losses=st.just(Loss.MSE if self.dropped == "halved-loss" else Loss.HALF_MSE),
            steps=other if self.dropped == "step-one" else one,
        )

    def prepare(self, setting: Any) -> _DeadTarget:
        return _DeadTarget(setting, dead=self.dropped != "dead-units")
