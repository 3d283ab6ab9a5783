"""What the attacks on networks share: instances of weights and data, drawn and projected together."""

from __future__ import annotations

from fractions import Fraction

import torch
from torch import Tensor

from numerics.exact import norm_at_most
from numerics.search.attack import Target
from numerics.search.batches import Batch, Instance, exact_tensor
from numerics.search.settings import NetworkSetting
from proofs.kernel.tensors import ExactTensor
from proofs.network import Loss

from ._common import clip_norm, draw_tensor, into_norm, scaled_down, to_norm

__all__ = ["BEYOND", "NetworkTarget", "ratio_margin"]

# A dropped norm bound is exceeded by up to this factor.
BEYOND = 4


class NetworkTarget(Target):
    """Weights in the box, inputs and targets in range; what a dropped hypothesis frees goes `BEYOND`."""

    def __init__(self, setting: NetworkSetting, dropped: str | None) -> None:
        self.setting = setting
        self.network = setting.network
        self.dropped = dropped
        self.limits: dict[str, Fraction] = {}
        for parameter in self.network.parameters():
            index = parameter.layer - 1
            box = setting.box
            bound = box.weight_norms[index] if parameter.is_weight else box.bias_norms[index]
            free = dropped == ("weight-norms" if parameter.is_weight else "bias-norms")
            self.limits[parameter.name] = (bound or Fraction(0)) * (BEYOND if free else 1)
        self.input_norm = setting.input_norm * (BEYOND if dropped == "input-norm" else 1)
        reach = setting.target_norm if setting.target_norm is not None else Fraction(1)
        self.target_norm = reach * (BEYOND if dropped in ("target-norm", "targets") else 1)

    @property
    def classes(self) -> bool:
        """Whether the targets are probability vectors."""
        return self.setting.loss == Loss.CROSS_ENTROPY and self.dropped != "targets"

    def theta(self, batch: Batch) -> Tensor:
        """The flat parameters, [B, P]."""
        parts = [batch[p.name].reshape(len(batch), -1) for p in self.network.parameters()]
        return torch.cat(parts, dim=1)

    def draw(self, generator: torch.Generator, count: int) -> Batch:
        """Weights mostly on the boundary of the box, inputs mostly on the sphere, targets far from f."""
        found = {
            p.name: draw_tensor(p.shape, float(self.limits[p.name]), generator, count)
            for p in self.network.parameters()
        }
        samples, width = self.setting.samples, self.network.input_dim
        x = draw_tensor((width,), float(self.input_norm), generator, count * samples)
        found["x"] = x.reshape(count, samples, width)
        if self.setting.loss is not None:
            found["y"] = self._draw_targets(generator, count)
        return Batch(found)

    def _draw_targets(self, generator: torch.Generator, count: int) -> Tensor:
        samples, out = self.setting.samples, self.network.output_dim
        if self.classes:
            label = torch.randint(out, (count, samples), generator=generator)
            return torch.nn.functional.one_hot(label, out).to(torch.float64)
        y = torch.randn((count * samples, out), generator=generator, dtype=torch.float64)
        return to_norm(y, float(self.target_norm)).reshape(count, samples, out)

    def project(self, batch: Batch) -> Batch:
        changes = {name: clip_norm(batch[name], float(limit)) for name, limit in self.limits.items()}
        changes["x"] = into_norm(batch["x"], float(self.input_norm))
        if "y" in batch.tensors and not self.classes:
            changes["y"] = into_norm(batch["y"], float(self.target_norm))
        return batch.replaced(**changes)

    def scales(self) -> dict[str, float]:
        found = {name: float(limit) for name, limit in self.limits.items()}
        found["x"] = float(self.input_norm)
        if self.setting.loss is not None and not self.classes:
            found["y"] = float(self.target_norm)
        return found

    def tensors(self, batch: Batch, index: int) -> dict[str, ExactTensor]:
        """The weights and data of one instance, in the floats' exact values."""
        names = [*self.limits, "x", *(["y"] if "y" in batch.tensors else [])]
        return {name: exact_tensor(batch[name][index]) for name in names}

    def restored(self, instance: Instance) -> Instance:
        found = dict(instance)
        for name, limit in self.limits.items():
            found[name] = scaled_down(instance[name], limit)
        found["x"] = _rows_within(instance["x"], self.input_norm)
        if "y" in instance and not self.classes:
            found["y"] = _rows_within(instance["y"], self.target_norm)
        return found

    def admits(self, instance: Instance) -> bool:
        if not all(norm_at_most(instance[name], limit) for name, limit in self.limits.items()):
            return False
        if not all(norm_at_most(row, self.input_norm) for row in rows_of(instance["x"])):
            return False
        if "y" not in instance:
            return True
        if self.classes:
            return all(_is_probability(row) for row in rows_of(instance["y"]))
        return all(norm_at_most(row, self.target_norm) for row in rows_of(instance["y"]))


def ratio_margin(left: Tensor, right: float) -> Tensor:
    """left/right - 1; with 0 on the right, -1 where left is 0 too and else very large."""
    if right > 0.0:
        return left / right - 1.0
    return torch.where(left > 1e-12, torch.full_like(left, 1e300), torch.full_like(left, -1.0))


def rows_of(tensor: ExactTensor) -> list[ExactTensor]:
    width = tensor.shape[1]
    entries = tensor.fractions()
    return [
        ExactTensor.from_fractions((width,), entries[i : i + width]) for i in range(0, len(entries), width)
    ]


def _rows_within(tensor: ExactTensor, bound: Fraction) -> ExactTensor:
    rows = [scaled_down(row, bound).fractions() for row in rows_of(tensor)]
    return ExactTensor.from_fractions(tensor.shape, tuple(entry for row in rows for entry in row))


def _is_probability(row: ExactTensor) -> bool:
    entries = row.fractions()
    return min(entries) >= 0 and sum(entries) == 1
