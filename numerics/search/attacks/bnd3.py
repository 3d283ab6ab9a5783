"""Attacks on BND-3: the readings at given weights, and at points of the ball around them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from hypothesis.strategies import SearchStrategy
from torch import Tensor

from numerics import strategies as make
from numerics.errors import NumericsError
from numerics.exact.norms import squared_frobenius
from numerics.search.attack import Attack
from numerics.search.batches import Batch, Instance
from numerics.search.network_target import BEYOND, NetworkTarget
from numerics.search.quantities import Quantity, of_loss
from numerics.search.settings import GivenSetting
from proofs.errors import GradlemmaError
from proofs.kernel.scalars import number
from proofs.kernel.tensors import ExactTensor
from proofs.theorems.bounds import Data, Reading, ReadingName
from proofs.theorems.readings import at_residuals, at_weights, in_ball

from ._settings import given_settings, tied_networks
from .bnd1 import derivation

__all__ = ["Bnd3"]

# After rounding, a point outside the ball is moved this much towards its centre.
CLOSER = Fraction(2**20 - 1, 2**20)


class GivenTarget(NetworkTarget):
    """The data are the given ones; the weights too, or they lie in the ball, by the quantity's name."""

    def __init__(self, setting: GivenSetting, dropped: str | None, quantities: list[Quantity]) -> None:
        super().__init__(setting, dropped, quantities)
        self.setting = setting
        self.reach = setting.radius * (BEYOND if dropped == "ball-radius" else 1)
        # A tied weight moves every copy, and all copies count in the distance.
        self.copies = {name: self.sharing.owners.count(name) for name in self.sharing.shapes}
        pairs = list(zip(self.sharing.owners, setting.weights, strict=True))
        self.centre: dict[str, ExactTensor] = dict(pairs)
        if any(self.centre[owner] != tensor for owner, tensor in pairs):
            raise NumericsError("expected one weight in all layers but got different ones")

    def _floats(self, tensor: ExactTensor, count: int) -> Tensor:
        value = torch.from_numpy(tensor.to_numpy())
        return value.expand(count, *value.shape).clone()

    def draw(self, generator: torch.Generator, count: int, quantity: str) -> Batch:
        """Directions at the given weights; points mostly on the sphere around them for the ball."""
        found = {name: self._floats(tensor, count) for name, tensor in self.centre.items()}
        found["x"] = self._floats(self.setting.inputs, count)
        found["y"] = self._floats(self.setting.targets, count)
        if not quantity.startswith("ball"):
            return self.with_direction(found, generator, count)
        share = torch.rand(count, generator=generator, dtype=torch.float64)
        share = torch.where(torch.rand(count, generator=generator) < 0.25, share, 1.0) * float(self.reach)
        steps = {n: torch.randn(v.shape, generator=generator, dtype=torch.float64) for n, v in found.items()}
        size = self._lengths({name: steps[name] for name in self.centre})
        for name in self.centre:
            factor = (share / size.clamp(min=1e-300)).reshape(-1, *[1] * (found[name].ndim - 1))
            found[name] = found[name] + steps[name] * factor
        return self.with_direction(found, generator, count)

    def project(self, batch: Batch) -> Batch:
        offsets = {n: batch[n] - self._floats(tensor, len(batch)) for n, tensor in self.centre.items()}
        size = self._lengths(offsets)
        factor = (float(self.reach) / size.clamp(min=1e-300)).clamp(max=1.0)
        changes = {
            name: batch[name] - value + value * factor.reshape(-1, *[1] * (value.ndim - 1))
            for name, value in offsets.items()
        }
        return self._unit_direction(batch.replaced(**changes))

    def scales(self, quantity: str) -> dict[str, float]:
        found = super().scales(quantity)
        if quantity.startswith("ball"):
            found |= {name: float(self.reach) for name in self.centre}
        return found

    def restored(self, instance: Instance, quantity: str) -> Instance:
        """Data as given; weights at most `reach` from the centre where rounding moved them out."""
        found = dict(instance) | {"x": self.setting.inputs, "y": self.setting.targets}
        if not quantity.startswith("ball"):
            return found | self.centre
        for _ in range(3):
            if self._distance(found) <= self.reach**2:
                break
            for name, centre in self.centre.items():
                pairs = zip(found[name].fractions(), centre.fractions(), strict=True)
                entries = tuple(c + (e - c) * CLOSER for e, c in pairs)
                found[name] = ExactTensor.from_fractions(centre.shape, entries)
        return found

    def _distance(self, instance: Instance) -> Fraction:
        """The squared distance from the centre."""
        total = Fraction(0)
        for name, centre in self.centre.items():
            pairs = zip(instance[name].fractions(), centre.fractions(), strict=True)
            entries = tuple(e - c for e, c in pairs)
            total += self.copies[name] * squared_frobenius(ExactTensor.from_fractions(centre.shape, entries))
        return total

    def _lengths(self, offsets: dict[str, Tensor]) -> Tensor:
        """||theta - theta_0|| of every instance, [B]."""
        squares = [self.copies[name] * value.flatten(1).square().sum(1) for name, value in offsets.items()]
        return torch.stack(squares).sum(0).sqrt()

    def admits(self, instance: Instance, quantity: str) -> bool:
        given = self.setting.inputs == instance["x"] and self.setting.targets == instance["y"]
        reach = self.reach if quantity.startswith("ball") else Fraction(0)
        return given and self.direction_admitted(instance) and self._distance(instance) <= reach**2


@dataclass(frozen=True, slots=True)
class Bnd3(Attack):
    """BND-3, or without one of its hypotheses."""

    dropped: str | None = None
    statement: str = "BND-3"

    def settings(self) -> SearchStrategy[Any]:
        tied = self.dropped == "fresh-parameters"
        networks = tied_networks() if tied else make.architectures()
        return given_settings(losses=make.losses(), networks=networks, tied=tied)

    def prepare(self, setting: Any) -> GivenTarget:
        work = derivation(setting.network, setting.loss)
        data = Data(setting.inputs, setting.targets)
        readings: list[Reading] = []
        if self.dropped != "ball-radius":
            readings += [read(work, setting.weights, data) for read in (at_weights, at_residuals)]
        readings.append(in_ball(work, setting.weights, data, setting.radius))
        return GivenTarget(setting, self.dropped, [q for r in readings for q in _quantities(r)])


def _quantities(reading: Reading) -> list[Quantity]:
    name = reading.name.value
    if reading.name is ReadingName.WORST_CASE:
        raise GradlemmaError("expected a reading at given weights")
    return [
        of_loss(f"{name}.G_max", 1, number(reading.gradient.value)),
        of_loss(f"{name}.H_max", 2, number(reading.hessian.value)),
    ]
