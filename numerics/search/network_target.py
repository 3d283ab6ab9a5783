"""Instances of weights, data and a direction: drawn, projected and decided for any network statement."""

from __future__ import annotations

from fractions import Fraction

import torch
from flint import ctx
from torch import Tensor

from numerics.exact import PRECISION, Comparison, compare, norm_at_most
from proofs.network import LossKind

from .attack import Target
from .batches import Batch, Instance
from .quantities import Quantity
from .settings import GivenSetting, NetworkSetting
from .sharing import Sharing
from .targets import draw_targets, restored_targets, targets_admitted, targets_projected
from .tensors import clip_norm, draw_tensor, into_norm, rows_of, rows_within, scaled_down
from .values import ExactValues, FloatValues

__all__ = ["BEYOND", "BoxTarget", "NetworkTarget"]

# A dropped norm bound is exceeded by up to this factor.
BEYOND = 4


class NetworkTarget(Target):
    """Inequalities between sizes at a point theta, along a direction u, at samples."""

    # Whether an instance has a direction.
    is_directed: bool = True

    def __init__(
        self, setting: NetworkSetting | GivenSetting, dropped: str | None, quantities: list[Quantity]
    ) -> None:
        self.network, self.loss = setting.network, setting.loss
        self.dropped = dropped
        self.sharing = Sharing.of(setting.network, tied=setting.tied)
        self.by_name = {quantity.name: quantity for quantity in quantities}
        self.quantities = tuple(self.by_name)

    def says(self, quantity: str) -> str:
        return self.by_name[quantity].says

    def margins(self, batch: Batch, quantity: str) -> Tensor:
        values, sides = FloatValues(self.network, self.loss, self.sharing, batch), self.by_name[quantity]
        return ratio_margin(sides.left(values), sides.right_value(values))

    def with_direction(self, found: dict[str, Tensor], generator: torch.Generator, count: int) -> Batch:
        """The batch with random directions of norm 1, if there are any."""
        if not self.is_directed:
            return Batch(found)
        for name, shape in self.sharing.shapes.items():
            found[f"u.{name}"] = torch.randn((count, *shape), generator=generator, dtype=torch.float64)
        return self._unit_direction(Batch(found))

    def _unit_direction(self, batch: Batch) -> Batch:
        if not self.is_directed:
            return batch
        names = [f"u.{name}" for name in self.sharing.shapes]
        size = torch.stack([batch[name].flatten(1).square().sum(1) for name in names]).sum(0).sqrt()
        factor = 1.0 / size.clamp(min=1e-300)
        changes = {n: batch[n] * factor.reshape(-1, *[1] * (batch[n].ndim - 1)) for n in names}
        return batch.replaced(**changes)

    def refresh(self, batch: Batch, quantity: str, steps: int) -> Batch:
        """Power iteration: u becomes the unit vector along the gradient in u of the left side."""
        sides = self.by_name.get(quantity)
        if sides is None or not sides.norm_order:
            return batch
        names = [f"u.{name}" for name in self.sharing.shapes]
        # A loss has one output: its gradient is found at once.
        is_gradient = sides.is_loss and sides.norm_order == 1
        for _ in range(1 if is_gradient else steps):
            free = {name: batch[name].detach().requires_grad_() for name in names}
            values = FloatValues(self.network, self.loss, self.sharing, batch.replaced(**free))
            left = sides.left(values) * values.direction() ** sides.norm_order
            slopes = torch.autograd.grad(left.sum(), list(free.values()), allow_unused=True)
            moved = {
                name: torch.zeros_like(batch[name]) if slope is None else torch.nan_to_num(slope)
                for name, slope in zip(names, slopes, strict=True)
            }
            next_batch = self._unit_direction(batch.replaced(**moved))
            still = torch.stack([next_batch[n].flatten(1).abs().sum(1) for n in names]).sum(0) == 0.0
            batch = next_batch.where(still, batch)
        return batch

    def scales(self, quantity: str) -> dict[str, float]:
        if not self.is_directed or self.by_name[quantity].norm_order:
            return {}
        return {f"u.{name}": 1.0 for name in self.sharing.shapes}

    def recheck(self, instance: Instance, quantity: str) -> Comparison:
        values, sides = ExactValues(self.network, self.loss, self.sharing, instance), self.by_name[quantity]
        with ctx.workprec(PRECISION):
            return compare(sides.left(values), sides.right_value(values))

    def direction_admitted(self, instance: Instance) -> bool:
        """Whether the direction, if there is one, is not 0."""
        return not self.is_directed or any(
            any(instance[f"u.{name}"].fractions()) for name in self.sharing.shapes
        )


class BoxTarget(NetworkTarget):
    """Weights in the box, inputs and targets in range; what a dropped hypothesis frees goes `BEYOND`."""

    def __init__(self, setting: NetworkSetting, dropped: str | None, quantities: list[Quantity]) -> None:
        super().__init__(setting, dropped, quantities)
        self.setting = setting
        self.limits = {name: self._limit(name) for name in self.sharing.shapes}
        freed = dropped in ("input-norm", "node-norm")
        self.input_norm = setting.input_norm * (BEYOND if freed else 1)
        reach = setting.target_norm if setting.target_norm is not None else Fraction(1)
        self.target_norm = reach * (BEYOND if dropped == "target-norm" else 1)

    def _limit(self, name: str) -> Fraction:
        """The norm that the tensor may have; a tied one the smallest of its bounds."""
        box, freed = self.setting.box, self.dropped
        bounds: list[Fraction] = []
        for parameter, owner in zip(self.network.parameters(), self.sharing.owners, strict=True):
            sizes = box.weight_norms if parameter.is_weight else box.bias_norms
            size = sizes[parameter.layer - 1]
            if owner == name and size is not None:
                bounds.append(size)
        is_free = freed == ("weight-norms" if name.startswith("W") else "bias-norms")
        return min(bounds) * (BEYOND if is_free else 1)

    @property
    def target_kind(self) -> LossKind | None:
        """How targets are drawn: by the loss, or as vectors of bounded norm where the range is dropped."""
        if self.loss is None:
            return None
        return LossKind.HALF_MSE if self.dropped in ("targets", "target-range") else self.loss.kind

    @property
    def target_reach(self) -> Fraction:
        return self.target_norm * (BEYOND if self.dropped in ("targets", "target-range") else 1)

    def draw(self, generator: torch.Generator, count: int, quantity: str) -> Batch:
        """Weights mostly on the boundary of the box, inputs mostly on the sphere, targets far from f."""
        found = {
            name: draw_tensor(shape, float(self.limits[name]), generator, count)
            for name, shape in self.sharing.shapes.items()
        }
        samples, width = self.setting.samples, self.network.input_dim
        x = draw_tensor((width,), float(self.input_norm), generator, count * samples)
        found["x"] = x.reshape(count, samples, width)
        if self.target_kind is not None:
            shape = (count, samples, self.network.output_dim)
            found["y"] = draw_targets(self.target_kind, shape, float(self.target_reach), generator)
        return self.with_direction(found, generator, count)

    def project(self, batch: Batch) -> Batch:
        changes = {name: clip_norm(batch[name], float(limit)) for name, limit in self.limits.items()}
        changes["x"] = into_norm(batch["x"], float(self.input_norm))
        if self.target_kind is not None:
            changes["y"] = targets_projected(self.target_kind, batch["y"], float(self.target_reach))
        return self._unit_direction(batch.replaced(**changes))

    def scales(self, quantity: str) -> dict[str, float]:
        found = {name: float(limit) for name, limit in self.limits.items()}
        found["x"] = float(self.input_norm)
        if self.target_kind is not None and self.target_kind is not LossKind.CROSS_ENTROPY:
            found["y"] = float(self.target_reach)
        return found | super().scales(quantity)

    def restored(self, instance: Instance, quantity: str) -> Instance:
        found = dict(instance)
        for name, limit in self.limits.items():
            found[name] = scaled_down(instance[name], limit)
        found["x"] = rows_within(instance["x"], self.input_norm)
        if self.target_kind is not None:
            found["y"] = restored_targets(self.target_kind, instance["y"], self.target_reach)
        return found

    def admits(self, instance: Instance, quantity: str) -> bool:
        if not self.direction_admitted(instance):
            return False
        if not all(norm_at_most(instance[name], limit) for name, limit in self.limits.items()):
            return False
        if not all(norm_at_most(row, self.input_norm) for row in rows_of(instance["x"])):
            return False
        kind = self.target_kind
        return kind is None or targets_admitted(kind, instance["y"], self.target_reach)


def ratio_margin(left: Tensor, right: Tensor | float) -> Tensor:
    """left/right - 1; with 0 on the right, -1 where left is 0 too and else very large."""
    wide = torch.as_tensor(right, dtype=left.dtype).expand_as(left)
    at_zero = torch.where(left > 1e-12, torch.full_like(left, 1e300), torch.full_like(left, -1.0))
    safe = torch.where(wide > 0.0, wide, torch.ones_like(wide))
    return torch.where(wide > 0.0, left / safe - 1.0, torch.where(torch.isnan(wide), wide, at_zero))
