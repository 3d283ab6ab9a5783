"""The network that a claim gets, in two readings: torch in float64, and balls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from flint import arb
from torch import Tensor

from numerics import evaluate
from numerics.exact import Balls, FieldTensor, gradient_in, hessian_in, jets, output_value
from proofs.kernel.tensors import ExactTensor
from proofs.network import Loss, Network

from ._balls import Ball, array, ball_of
from ._spectrum import largest_eigenvalue
from ._weights import Weights

__all__ = ["BallNetwork", "ClaimNetwork", "Data", "FloatNetwork"]


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """The samples: inputs x `[N, d]` and targets y `[N, out]`."""

    x: Any
    y: Any


class ClaimNetwork(Protocol):
    """What a claim may ask of its network; L is the mean loss over the samples.

    depth: number of dense layers.  widths: of the input and of every layer.  loss_name: as in problem files.
    """

    depth: int
    widths: tuple[int, ...]
    loss_name: str

    def __call__(self, weights: Weights, x: Any) -> Any:
        """The outputs f(x), `[N, d] -> [N, out]`."""
        ...

    def loss(self, weights: Weights, data: Data) -> Any:
        """L."""
        ...

    def gradient(self, weights: Weights, data: Data) -> Weights:
        """The gradient of L, a tensor for each parameter."""
        ...

    def gradient_norm(self, weights: Weights, data: Data) -> Any:
        """||grad L||."""
        ...

    def hessian(self, weights: Weights, data: Data) -> Any:
        """The Hessian of L, `[P, P]`, parameters in the order W1, b1, W2, ..., row by row."""
        ...

    def sharpness(self, weights: Weights, data: Data) -> Any:
        """The largest eigenvalue of the Hessian of L."""
        ...

    def smallest_eigenvalue(self, weights: Weights, data: Data) -> Any:
        """The smallest eigenvalue of the Hessian of L."""
        ...

    def trace(self, weights: Weights, data: Data) -> Any:
        """The trace of the Hessian of L."""
        ...


class _Described:
    def __init__(self, network: Network, loss: Loss) -> None:
        self.network = network
        self.known_loss = loss
        self.depth = network.depth
        self.widths = tuple(network.widths())
        self.loss_name = loss.kind.value

    def __repr__(self) -> str:
        return f"<network {self.network.describe()}, {self.known_loss.label()}>"


class FloatNetwork(_Described):
    """Float64 tensors; works inside `torch.func.vmap` and with autograd."""

    def flat(self, weights: Weights) -> Tensor:
        """The parameters as one vector."""
        return torch.cat([weights[p.name].reshape(-1) for p in self.network.parameters()])

    def __call__(self, weights: Weights, x: Tensor) -> Tensor:
        return evaluate.output(self.network, self.flat(weights), x)

    def _loss(self, theta: Tensor, data: Data) -> Tensor:
        return evaluate.mean_loss(self.network, self.known_loss, theta, data.x, data.y)

    def loss(self, weights: Weights, data: Data) -> Tensor:
        return self._loss(self.flat(weights), data)

    def _slopes(self, weights: Weights, data: Data) -> Tensor:
        return torch.func.grad(lambda theta: self._loss(theta, data))(self.flat(weights))

    def gradient(self, weights: Weights, data: Data) -> Weights:
        return Weights(evaluate.unpack(self.network, self._slopes(weights, data)))

    def gradient_norm(self, weights: Weights, data: Data) -> Tensor:
        return self._slopes(weights, data).norm()

    def hessian(self, weights: Weights, data: Data) -> Tensor:
        return torch.func.hessian(lambda theta: self._loss(theta, data))(self.flat(weights))

    def sharpness(self, weights: Weights, data: Data) -> Tensor:
        return torch.linalg.eigvalsh(self.hessian(weights, data))[-1]

    def smallest_eigenvalue(self, weights: Weights, data: Data) -> Tensor:
        return torch.linalg.eigvalsh(self.hessian(weights, data))[0]

    def trace(self, weights: Weights, data: Data) -> Tensor:
        return self.hessian(weights, data).diagonal().sum()


class BallNetwork(_Described):
    """Arrays of balls; use inside `flint.ctx.workprec`.

    Raises:
        NumericsError: where a pre-activation or a residual is not shown to be off a kink.
    """

    field = Balls()

    def _blocks(self, weights: Weights) -> list[FieldTensor]:
        return [_block(weights[p.name], p.shape) for p in self.network.parameters()]

    def _outputs(self, weights: Weights, x: Any) -> list[list[arb]]:
        blocks = self._blocks(weights)
        still = [FieldTensor(b.shape, (arb(0),) * len(b.entries)) for b in blocks]
        return [jets(self.field, self.network, blocks, still, row)[-1].value for row in _rows(x)]

    def __call__(self, weights: Weights, x: Any) -> np.ndarray:
        found = self._outputs(weights, x)
        return array([entry for row in found for entry in row], (len(found), self.network.output_dim))

    def loss(self, weights: Weights, data: Data) -> Ball:
        outputs = self._outputs(weights, data.x)
        pairs = zip(outputs, _rows(data.y), strict=True)
        return Ball(
            sum((output_value(self.field, self.known_loss, f, y) for f, y in pairs), arb(0)) / len(outputs)
        )

    def gradient(self, weights: Weights, data: Data) -> Weights:
        blocks = self._blocks(weights)
        x, y = (_block(value, value.shape) for value in (data.x, data.y))
        found = gradient_in(self.field, self.network, self.known_loss, blocks, x, y)
        pairs = zip(self.network.parameters(), found.entries, strict=True)
        return Weights({p.name: array(entries, p.shape) for p, entries in pairs})

    def gradient_norm(self, weights: Weights, data: Data) -> Ball:
        found = self.gradient(weights, data).values()
        return sum((entry * entry for tensor in found for entry in tensor.ravel()), Ball(0)).sqrt()

    def hessian(self, weights: Weights, data: Data) -> np.ndarray:
        matrix = self._matrix(weights, data)
        return array([entry for row in matrix for entry in row], (len(matrix), len(matrix)))

    def _matrix(self, weights: Weights, data: Data) -> list[list[arb]]:
        x, y = (_block(value, value.shape) for value in (data.x, data.y))
        return hessian_in(self.field, self.network, self.known_loss, self._blocks(weights), x, y)

    def sharpness(self, weights: Weights, data: Data) -> Ball:
        return Ball(largest_eigenvalue(self._matrix(weights, data)))

    def smallest_eigenvalue(self, weights: Weights, data: Data) -> Ball:
        negative = [[-entry for entry in row] for row in self._matrix(weights, data)]
        return Ball(-largest_eigenvalue(negative))

    def trace(self, weights: Weights, data: Data) -> Ball:
        matrix = self._matrix(weights, data)
        return Ball(sum((matrix[i][i] for i in range(len(matrix))), arb(0)))


def exact_array(tensor: ExactTensor) -> np.ndarray:
    """The tensor as an array of balls."""
    return array(tensor.fractions(), tensor.shape)


def _block(value: Any, shape: tuple[int, ...]) -> FieldTensor:
    return FieldTensor(tuple(shape), tuple(ball_of(entry) for entry in np.asarray(value).ravel()))


def _rows(value: Any) -> list[list[arb]]:
    return [[ball_of(entry) for entry in row] for row in value]
