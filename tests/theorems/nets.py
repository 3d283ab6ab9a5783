"""Random networks with data, torch readings of them, and a slow JET table in plain floats."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch.nn import functional as nn

from proofs.kernel.tensors import ExactTensor
from proofs.network import Activate, Dense, Loss, LossKind, Network
from proofs.theorems.bounds import Box, Data, Derivation

ACTIVATIONS: dict[str, Any] = {
    "identity": lambda t: t, "relu": torch.relu, "leaky_relu": lambda t: nn.leaky_relu(t, 0.01), "abs": torch.abs,  # noqa: E501
    "relu6": lambda t: torch.clamp(t, 0, 6), "hardtanh": lambda t: torch.clamp(t, -1, 1),
    "hardsigmoid": lambda t: torch.clamp(t / 6 + 0.5, 0, 1), "hardswish": lambda t: t * torch.clamp(t / 6 + 0.5, 0, 1),  # noqa: E501
    "sigmoid": torch.sigmoid, "tanh": torch.tanh, "softplus": nn.softplus, "elu": nn.elu, "celu": nn.celu,
    "selu": nn.selu, "silu": nn.silu, "gelu": nn.gelu, "sin": torch.sin,
    "gelu_tanh": lambda t: nn.gelu(t, approximate="tanh"), "mish": nn.mish, "softsign": nn.softsign,
    "triangle": lambda t: 1.0 - (torch.remainder(t, 4.0) - 2.0).abs(),
    "abs_sin": lambda t: torch.sin(t).abs(),
}  # fmt: skip
# These jump: no Lipschitz constant, and no bound in a ball.
JUMPING: dict[str, Any] = {"round": torch.round, "sign": torch.sign}


@dataclass
class Case:
    """A network with weights and data."""

    network: Network
    loss: Loss
    weights: list[np.ndarray]
    x: np.ndarray
    y: np.ndarray

    @property
    def tensors(self) -> tuple[ExactTensor, ...]:
        return tuple(ExactTensor.from_floats(w) for w in self.weights)

    @property
    def data(self) -> Data:
        return Data(ExactTensor.from_floats(self.x), ExactTensor.from_floats(self.y))

    def derivation(self) -> Derivation:
        return Derivation(self.network, self.loss)

    def box(self, factor: float = 1.0) -> Box:
        """The smallest box around the weights, with a little room, times a factor."""
        sizes, shifts, weights = [], [], iter(self.weights)
        for layer in self.network.layers:
            if isinstance(layer, Dense):
                sizes.append(above(np.linalg.norm(next(weights), 2) * factor))
                shifts.append(above(np.linalg.norm(next(weights)) * factor) if layer.bias else None)
        return Box(tuple(sizes), tuple(shifts))

    def input_norm(self) -> Fraction:
        return above(np.linalg.norm(self.x, axis=1).max())

    def target_norm(self) -> Fraction:
        return above(np.linalg.norm(self.y, axis=1).max())

    def flat(self) -> torch.Tensor:
        return torch.from_numpy(np.concatenate([w.ravel() for w in self.weights]))


def above(value: float) -> Fraction:
    """A short rational just above the float."""
    return Fraction(float(value) * (1 + 2**-40)).limit_denominator(2**44) + Fraction(1, 2**44)


def random_case(
    seed: int, loss: Loss, name: str | None = None, *, scale: float = 1.0, samples: int = 3
) -> Case:
    """Widths 1 to 4, depth 1 to 5; activation `name` everywhere, or a mixture."""
    rng = np.random.default_rng(seed)
    depth = int(rng.integers(1, 6))
    layers: list[Any] = []
    for index in range(depth):
        layers.append(Dense(int(rng.integers(1, 5)), bias=bool(rng.integers(0, 2))))
        if index < depth - 1 or rng.integers(0, 4) == 0:
            layers.append(name or str(rng.choice(sorted(ACTIVATIONS))))
    network = Network.of(int(rng.integers(1, 5)), *layers)
    weights = [scale * rng.normal(size=p.shape) for p in network.parameters()]
    x = rng.normal(size=(samples, network.input_dim))
    out = network.output_dim
    y = rng.normal(size=(samples, out))
    if loss == Loss.CROSS_ENTROPY:
        y = np.eye(out)[rng.integers(0, out, samples)]
    if loss == Loss.BCE:
        y = np.where(rng.integers(0, 2, y.shape) == 0, rng.integers(0, 2, y.shape), rng.uniform(size=y.shape))
    return Case(network, loss, weights, x, y)


def forward(case: Case, flat: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    value, at, parameters = x, 0, iter(case.network.parameters())
    for layer in case.network.layers:
        match layer:
            case Activate(activation=function):
                value = ACTIVATIONS[function.name](value)
            case Dense(bias=bias):
                shape = next(parameters).shape
                weight = flat[at : at + shape[0] * shape[1]].reshape(shape)
                at += shape[0] * shape[1]
                value = value @ weight.T
                if bias:
                    next(parameters)
                    value = value + flat[at : at + shape[0]]
                    at += shape[0]
    return value


def mean_loss(case: Case, flat: torch.Tensor) -> torch.Tensor:
    f = forward(case, flat, torch.from_numpy(case.x))
    y = torch.from_numpy(case.y)
    match case.loss.kind:
        case LossKind.CROSS_ENTROPY:
            return (torch.logsumexp(f, 1) - (f * y).sum(1)).mean()
        case LossKind.BCE:
            return (nn.softplus(f, threshold=100.0) - f * y).sum(1).mean()
        case LossKind.HUBER:
            delta = float(dict(case.loss.parameters)["delta"])
            size = (f - y).abs()
            return torch.where(size <= delta, size**2 / 2, delta * (size - delta / 2)).sum(1).mean()
        case LossKind.HALF_MSE | LossKind.MSE:
            square = ((f - y) ** 2).sum(1).mean()
            return square / 2 if case.loss == Loss.HALF_MSE else square


def measured(case: Case, flat: torch.Tensor | None = None) -> tuple[float, float]:
    """The norm of the gradient and the spectral norm of the Hessian of the mean loss, by autograd."""
    point = case.flat() if flat is None else flat
    gradient = torch.func.grad(lambda p: mean_loss(case, p))(point)
    hessian = torch.func.hessian(lambda p: mean_loss(case, p))(point)
    return float(gradient.norm()), float(torch.linalg.eigvalsh((hessian + hessian.T) / 2).abs().max())


# -- the JET table in plain floats ---------------------------------------------------------------


@dataclass
class Jet:
    """||F|| <= a, ||D F[u]|| <= j . |u_g|, ||D^2 F[u,u]|| <= |u_g|^T K |u_g|."""

    a: float
    j: np.ndarray
    k: np.ndarray


def dense(before: Jet, group: int, s: float, c: float | None, a: float | None = None) -> Jet:
    e = np.zeros(len(before.j))
    e[group] = 1
    size = math.sqrt(before.a**2 + (c is not None))
    value = s * before.a + (c or 0.0) if a is None else a
    return Jet(value, s * before.j + size * e, s * before.k + np.outer(e, before.j) + np.outer(before.j, e))


def activated(before: Jet, a: float, beta: float, gamma: float) -> Jet:
    return Jet(a, beta * before.j, beta * before.k + gamma * np.outer(before.j, before.j))


def closed(loss: Loss, jet: Jet, residual: float, h: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """g j and h j j^T + g K of one sample; `residual` is ||p - y||, ||f - y||, ..., `h` as a rule the sup."""
    factor = 2.0 if loss == Loss.MSE else 1.0
    h = {Loss.CROSS_ENTROPY: 0.5, Loss.BCE: 0.25}.get(loss, factor) if h is None else h
    g = residual * factor
    return g * jet.j, h * np.outer(jet.j, jet.j) + g * jet.k
