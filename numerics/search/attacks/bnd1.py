"""Attacks on BND-1: ||grad L|| <= G_max and ||Hess L|| <= H_max over the box and all data in range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

import torch
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from torch import Tensor

from numerics import strategies as make
from numerics.curvature import gradient, hessian, hessian_vector_product, second_derivative
from numerics.exact import Comparison, directional_derivatives, exceeds
from numerics.search.attack import Attack, Witness
from numerics.search.batches import Batch, Instance, exact_tensor
from numerics.search.settings import NetworkSetting
from proofs.errors import GradlemmaError
from proofs.network import Loss, Network
from proofs.theorems.bounds import Derivation, Reading

from ._common import parameters_of
from ._network import NetworkTarget, ratio_margin
from ._show import bounds_snippet, describe_instance, problem_of

__all__ = ["Bnd1", "LossTarget"]

POWER_STEPS = 6
# An upper bound of 1/sqrt(2): the claim without the factor is refuted in this slightly weaker form.
WITHOUT_SQRT2 = Fraction(70710678118655, 10**14)


@lru_cache(maxsize=64)
def _derivation(network: Network, loss: Loss) -> Derivation:
    return Derivation(network, loss)


@lru_cache(maxsize=1024)
def worst_case(setting: NetworkSetting) -> Reading:
    """The proved bounds of the setting (its seed and number of samples play no role)."""
    if setting.loss is None:
        raise GradlemmaError("expected a loss")
    work = _derivation(setting.network, setting.loss)
    return work.worst_case(setting.box, setting.input_norm, setting.target_norm)


class LossTarget(NetworkTarget):
    """Gradient and Hessian of the mean loss against two proved numbers."""

    quantities: tuple[str, ...] = ("G_max", "H_max")

    def __init__(
        self, setting: NetworkSetting, dropped: str | None, statement: str, bounds: Mapping[str, Fraction]
    ) -> None:
        super().__init__(setting, dropped)
        self.statement = statement
        self.bounds = dict(bounds)
        self.quantities = tuple(self.bounds)
        if setting.loss is None:
            raise GradlemmaError("expected a loss")
        self.loss: Loss = setting.loss

    def margins(self, batch: Batch, quantity: str) -> Tensor:
        right, theta = float(self.bounds[quantity]), self.theta(batch)
        if quantity == "G_max":
            slopes = torch.func.vmap(partial(gradient, self.network, self.loss))(
                theta, batch["x"], batch["y"]
            )
            return ratio_margin(slopes.norm(dim=1), right)

        def along(point: Tensor, v: Tensor, x: Tensor, y: Tensor) -> Tensor:
            return second_derivative(self.network, self.loss, point, v, x, y)

        curved = torch.func.vmap(along)(theta, batch["v"], batch["x"], batch["y"])
        return ratio_margin(curved.abs(), right)

    def refresh(self, batch: Batch, quantity: str) -> Batch:
        """Power iteration for the Hessian's largest eigenvalue, from the direction known so far."""
        if quantity != "H_max":
            return batch
        theta = self.theta(batch).detach()

        def product(point: Tensor, x: Tensor, y: Tensor, v: Tensor) -> Tensor:
            return hessian_vector_product(self.network, self.loss, point, x, y)(v)

        steps = 1 if "v" in batch.tensors else POWER_STEPS
        v = batch.tensors.get("v")
        if v is None:
            start = torch.Generator().manual_seed(theta.shape[1])
            v = torch.randn(theta.shape, generator=start, dtype=torch.float64)
        for _ in range(steps):
            moved = torch.func.vmap(product)(theta, batch["x"], batch["y"], v)
            size = moved.norm(dim=1, keepdim=True)
            v = torch.where(size > 0.0, moved / size.clamp(min=1e-300), v)
        return batch.replaced(v=v / v.norm(dim=1, keepdim=True))

    def exact(self, batch: Batch, index: int, quantity: str) -> Instance:
        theta, x, y = self.theta(batch)[index], batch["x"][index], batch["y"][index]
        if quantity == "G_max":
            direction = gradient(self.network, self.loss, theta, x, y)
        else:
            values, vectors = torch.linalg.eigh(hessian(self.network, self.loss, theta, x, y))
            direction = vectors[:, int(values.abs().argmax())]
        direction = direction / direction.abs().max().clamp(min=1e-300)
        found = self.tensors(batch, index)
        start = 0
        for parameter in self.network.parameters():
            part = direction[start : start + parameter.size].reshape(parameter.shape)
            found[f"u.{parameter.name}"] = exact_tensor(part)
            start += parameter.size
        return found

    def recheck(self, instance: Instance, quantity: str) -> Comparison:
        weights = parameters_of(self.network, instance)
        direction = parameters_of(self.network, instance, "u.")
        found = directional_derivatives(
            self.network, self.loss, weights, direction, instance["x"], instance["y"]
        )
        order = 1 if quantity == "G_max" else 2
        value = found.first if order == 1 else found.second
        return exceeds(value, order, self.bounds[quantity], direction)

    def witness(self, instance: Instance, quantity: str, recheck: Comparison) -> Witness:
        sentence = describe_instance(self.setting, instance)
        return Witness(
            self.statement,
            self.dropped,
            quantity,
            self.setting,
            instance,
            recheck,
            f"{sentence}: {recheck.left} > {recheck.right}",
            self.snippet(instance, quantity),
            problem_of(self.setting, instance),
        )

    def snippet(self, instance: Instance, quantity: str) -> str:
        """Python text that shows the violation."""
        factor = WITHOUT_SQRT2 if self.dropped == "factor-sqrt2" else Fraction(1)
        return bounds_snippet(self.statement, self.dropped, self.setting, instance, quantity, factor)


@st.composite
def network_settings(
    draw: DrawFn,
    *,
    losses: SearchStrategy[Loss] | None = None,
    bias: bool | None = None,
    max_depth: int = 3,
    max_samples: int = 3,
    min_output: int = 1,
) -> NetworkSetting:
    """Settings of BND-1, shrinking to one dense layer 1 -> 1, half squared error, norms of 1, one sample."""
    functions = make.activations(continuous=False, bounded_slopes=False)
    network = draw(
        make.architectures(
            activations=functions, bias=bias, max_depth=max_depth, max_width=4, min_output=min_output
        )
    )
    loss = draw(make.losses() if losses is None else losses)
    return NetworkSetting(
        network,
        loss,
        draw(make.boxes(network)),
        draw(make.norms()),
        None if loss == Loss.CROSS_ENTROPY else draw(make.norms()),
        draw(st.integers(1, max_samples)),
        draw(st.integers(0, 2**32 - 1)),
    )


@dataclass(frozen=True, slots=True)
class Bnd1(Attack):
    """BND-1 in its worst-case reading, or without one of its hypotheses."""

    statement: str = "BND-1"
    dropped: str | None = None

    def settings(self) -> SearchStrategy[Any]:
        entropy = st.just(Loss.CROSS_ENTROPY)
        match self.dropped:
            case "bias-norms":
                return network_settings(bias=True)
            case "targets":
                return network_settings(losses=entropy)
            case "factor-sqrt2":
                return network_settings(losses=entropy, min_output=2)
            case "target-norm":
                return network_settings(losses=make.losses(among=(Loss.HALF_MSE, Loss.MSE)))
            case _:
                return network_settings()

    def prepare(self, setting: Any) -> LossTarget:
        reading = worst_case(replace(setting, seed=0, samples=1))
        bounds = {"G_max": reading.gradient.value, "H_max": reading.hessian.value}
        if self.dropped == "factor-sqrt2":
            bounds = {"G_max": bounds["G_max"] * WITHOUT_SQRT2}
        return LossTarget(setting, self.dropped, self.statement, bounds)
