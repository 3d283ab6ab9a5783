"""Settings of a search as frozen data: what one Hypothesis example draws."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from proofs.kernel.tensors import ExactTensor
from proofs.kernel.univariate import Univariate
from proofs.network import Loss, Network
from proofs.theorems.bounds import Box

from .batches import plain

__all__ = ["FunctionSetting", "GivenSetting", "NetworkSetting", "Setting", "StepSetting"]


@dataclass(frozen=True, slots=True)
class NetworkSetting:
    """A network with a loss, its box, and the range of the data.

    loss: None where the statement is about the network's output.  target_norm: None where no norm of the
    targets is used.  tied: all layers use one weight (and one bias), to attack statements that ask
    for fresh parameters.
    """

    network: Network
    loss: Loss | None
    box: Box
    input_norm: Fraction
    target_norm: Fraction | None
    samples: int
    seed: int
    tied: bool = False

    def describe(self) -> str:
        """`1-1, half_mse, ||W1|| <= 1, ||x|| <= 1, ||y|| <= 1, one sample`."""
        parts = [_network(self.network, self.loss, tied=self.tied)]
        parts += [f"||W{i}|| <= {s}" for i, s in enumerate(self.box.weight_norms, start=1)]
        parts += [f"||b{i}|| <= {c}" for i, c in enumerate(self.box.bias_norms, start=1) if c is not None]
        parts.append(f"||x|| <= {self.input_norm}")
        if self.target_norm is not None:
            parts.append(f"||y|| <= {self.target_norm}")
        parts.append("one sample" if self.samples == 1 else f"{self.samples} samples")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class GivenSetting:
    """A network at given weights and data, and a ball around the weights."""

    network: Network
    loss: Loss
    weights: tuple[ExactTensor, ...]
    inputs: ExactTensor
    targets: ExactTensor
    radius: Fraction
    seed: int
    tied: bool = False

    def describe(self) -> str:
        """`1-1, half_mse, radius 1 around [[0]], one sample`."""
        count = self.inputs.shape[0]
        samples = "one sample" if count == 1 else f"{count} samples"
        centre = ", ".join(plain(tensor) for tensor in self.weights)
        head = _network(self.network, self.loss, tied=self.tied)
        return f"{head}, radius {self.radius} around {centre}, {samples}"


@dataclass(frozen=True, slots=True)
class FunctionSetting:
    """An activation, and the range |t| <= radius (None: all t) of its constants."""

    function: Univariate
    radius: Fraction | None
    seed: int

    def describe(self) -> str:
        """`tanh, all t`."""
        where = "all t" if self.radius is None else f"|t| <= {self.radius}"
        return f"{self.function.label()}, {where}"


@dataclass(frozen=True, slots=True)
class StepSetting:
    """A network with a loss on given data, a step size and, for statements about momentum, beta."""

    network: Network
    loss: Loss
    inputs: ExactTensor
    targets: ExactTensor
    step: Fraction
    momentum: Fraction | None
    seed: int
    tied: bool = False

    def describe(self) -> str:
        """`1-1, half_mse, eta = 1, x = [[1]], y = [[0]]`."""
        parts = [_network(self.network, self.loss, tied=self.tied), f"eta = {self.step}"]
        parts += [] if self.momentum is None else [f"beta = {self.momentum}"]
        return ", ".join([*parts, f"x = {plain(self.inputs)}", f"y = {plain(self.targets)}"])


Setting = NetworkSetting | GivenSetting | FunctionSetting | StepSetting


def _network(network: Network, loss: Loss | None, *, tied: bool) -> str:
    parts = [network.describe(), *([] if loss is None else [loss.label()])]
    return ", ".join([*parts, *(["one weight in all layers"] if tied else [])])
