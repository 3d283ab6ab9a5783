"""Attacks on ACT: the derived constants of activations at points t."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from flint import ctx
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from torch import Tensor

from numerics import strategies as make
from numerics.activations import apply
from numerics.exact import PRECISION, Comparison, compare, function_value
from numerics.search.attack import Attack, Target
from numerics.search.batches import Batch, Instance
from numerics.search.network_target import BEYOND, ratio_margin
from numerics.search.settings import FunctionSetting
from numerics.search.values import ExactNumbers, FloatNumbers, evaluate, no_atom
from proofs.errors import GradlemmaError
from proofs.kernel.intervals import to_fmpq
from proofs.kernel.scalars import Poly
from proofs.kernel.tensors import ExactTensor
from proofs.kernel.univariate import Univariate
from proofs.theorems.rows import CONSTANTS

from ._bounds_of import constant_of
from ._settings import jumping_functions, seeds, wild_functions

__all__ = ["Act"]

SAYS = {
    "sup": "|phi(t)| <= sup|phi|",
    "secant": "|phi(t) - phi(0)| <= l |t|",
    "slope": "|phi'(t)| <= beta",
    "bend": "|phi''(t)| <= gamma",
    "third": "|phi'''(t)| <= delta",
}
# Points of an unbounded range reach up to here, mostly far less.
FAR = 1e4


class FunctionTarget(Target):
    """An activation with its constants; an instance is one point t."""

    def __init__(self, setting: FunctionSetting, dropped: str | None, constants: dict[str, Poly]) -> None:
        self.function = setting.function
        self.constants = constants
        self.quantities = tuple(constants)
        self.radius = setting.radius
        if self.radius is not None and dropped == "radius":
            self.radius = self.radius * BEYOND

    def says(self, quantity: str) -> str:
        return SAYS[quantity]

    def draw(self, generator: torch.Generator, count: int, quantity: str) -> Batch:
        """Points in the whole range, near 0 and near kinks, on kinks and at the ends."""
        limit = FAR if self.radius is None else float(self.radius)
        spread = torch.empty(count, dtype=torch.float64).uniform_(-1.0, 1.0, generator=generator)
        size = torch.empty(count, dtype=torch.float64).uniform_(-4.0, 0.0, generator=generator)
        fine = torch.sign(spread) * limit * 10.0 ** (size * (2.0 if self.radius is None else 1.0))
        t = torch.where(torch.rand(count, generator=generator) < 0.5, spread * min(limit, 8.0), fine)
        special = self._special()
        chosen = torch.tensor(special, dtype=torch.float64)[
            torch.randint(len(special), (count,), generator=generator)
        ]
        near = torch.where(torch.rand(count, generator=generator) < 0.5, chosen, chosen + 1e-3 * spread)
        t = torch.where(torch.rand(count, generator=generator) < 0.25, near, t)
        return self.project(Batch({"t": t.unsqueeze(1)}))

    def _special(self) -> list[float]:
        unit = torch.pi if self.function.in_pi else 1.0
        ends = [] if self.radius is None else [-float(self.radius), float(self.radius)]
        return [0.0, *(float(kink) * unit for kink in self.function.kinks), *ends]

    def margins(self, batch: Batch, quantity: str) -> Tensor:
        t = batch["t"][:, 0]
        right = evaluate(self.constants[quantity], FloatNumbers(), no_atom)
        if quantity == "secant":
            still = apply(self.function, 0, torch.zeros_like(t))
            rise = (apply(self.function, 0, t) - still).abs()
            away = t.abs() > 0.0
            slope = torch.where(away, rise / torch.where(away, t.abs(), 1.0), 0.0)
            return ratio_margin(slope, right)
        return ratio_margin(apply(self.function, CONSTANTS[quantity], t).abs(), right)

    def project(self, batch: Batch) -> Batch:
        if self.radius is None:
            return batch
        return batch.replaced(t=batch["t"].clamp(-float(self.radius), float(self.radius)))

    def scales(self, quantity: str) -> dict[str, float]:
        return {"t": 1.0 if self.radius is None else min(1.0, float(self.radius))}

    def restored(self, instance: Instance, quantity: str) -> Instance:
        (t,) = instance["t"].fractions()
        if self.radius is not None:
            t = min(max(t, -self.radius), self.radius)
        return {"t": ExactTensor.from_fractions((1,), (t,))}

    def admits(self, instance: Instance, quantity: str) -> bool:
        (t,) = instance["t"].fractions()
        return (self.radius is None or abs(t) <= self.radius) and (quantity != "secant" or t != 0)

    def recheck(self, instance: Instance, quantity: str) -> Comparison:
        (t,) = instance["t"].fractions()
        with ctx.workprec(PRECISION):
            right = evaluate(self.constants[quantity], ExactNumbers(), no_atom)
            if quantity == "secant":
                rise = function_value(self.function, 0, t) - function_value(self.function, 0, Fraction(0))
                return compare(rise / to_fmpq(abs(t)), right)
            return compare(function_value(self.function, CONSTANTS[quantity], t), right)


@st.composite
def _settings(draw: DrawFn, functions: SearchStrategy[Univariate], *, within: bool) -> FunctionSetting:
    function = draw(functions)
    radius = draw(make.norms()) if within or draw(st.booleans()) else None
    return FunctionSetting(function, radius, draw(seeds()))


@dataclass(frozen=True, slots=True)
class Act(Attack):
    """The constants of every activation, or claims without continuity or beyond the radius."""

    dropped: str | None = None
    statement: str = "ACT"

    def settings(self) -> SearchStrategy[Any]:
        if self.dropped == "continuity":
            return _settings(jumping_functions(), within=False)
        return _settings(wild_functions(), within=self.dropped == "radius")

    def prepare(self, setting: Any) -> FunctionTarget:
        if self.dropped == "continuity":
            # |phi(t) - phi(0)| <= beta |t|, which holds where phi is continuous.
            return FunctionTarget(
                setting, self.dropped, {"secant": constant_of(setting.function, 1, setting.radius)}
            )
        found: dict[str, Poly] = {}
        for name, order in CONSTANTS.items():
            try:
                found[name] = constant_of(setting.function, order, setting.radius)
            except GradlemmaError:
                continue
        if not found:
            raise GradlemmaError(f"expected a finite constant of {setting.function.label()}")
        return FunctionTarget(setting, self.dropped, found)
