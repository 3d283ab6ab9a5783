"""Settings of a search as frozen data: what one Hypothesis example draws."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from proofs.kernel.univariate import Univariate
from proofs.network import Dense, Loss, Network
from proofs.theorems.bounds import Box

__all__ = ["FunctionSetting", "NetworkSetting", "Setting"]


@dataclass(frozen=True, slots=True)
class NetworkSetting:
    """A network with a loss, its box, and the range of the data.

    loss: None where the statement is about the network's output.  radius: of the ball, for BND-3.
    """

    network: Network
    loss: Loss | None
    box: Box
    input_norm: Fraction
    target_norm: Fraction | None
    samples: int
    seed: int
    radius: Fraction | None = None

    def describe(self) -> str:
        """`1-1, half_mse, ||W|| <= 1, ||x|| <= 1, ||y|| <= 1, one sample`."""
        parts = [self.network.describe()]
        if self.loss is not None:
            parts.append(loss_name(self.loss))
        parts += [f"||W{i}|| <= {s}" for i, s in enumerate(self.box.weight_norms, start=1)]
        parts += [f"||b{i}|| <= {c}" for i, c in enumerate(self.box.bias_norms, start=1) if c is not None]
        parts.append(f"||x|| <= {self.input_norm}")
        if self.target_norm is not None:
            parts.append(f"||y|| <= {self.target_norm}")
        if self.radius is not None:
            parts.append(f"radius {self.radius}")
        parts.append("one sample" if self.samples == 1 else f"{self.samples} samples")
        return ", ".join(parts)

    @property
    def dense_layers(self) -> tuple[Dense, ...]:
        return tuple(layer for layer in self.network.layers if isinstance(layer, Dense))


@dataclass(frozen=True, slots=True)
class FunctionSetting:
    """An activation, the order of its derivative (-1: the secant slope), and the range |t| <= radius."""

    function: Univariate
    order: int
    radius: Fraction | None
    seed: int

    def describe(self) -> str:
        """`tanh, order 1, all t`."""
        where = "all t" if self.radius is None else f"|t| <= {self.radius}"
        return f"{self.function.label()}, order {self.order}, {where}"


Setting = NetworkSetting | FunctionSetting


def loss_name(loss: Loss) -> str:
    """The loss as problem files name it."""
    return loss.value
