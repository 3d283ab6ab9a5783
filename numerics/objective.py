"""The mean loss as a function of its parameters, with derivatives for whole batches of them.

Two readings with one interface: a feed-forward network with a loss of the catalogue has gradients and
Hessians in closed form, and any other differentiable function goes through torch.func.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from numerics.curvature import gradient, hessian_rounding, hessian_vector_product, hessians
from numerics.errors import NumericsError
from numerics.evaluate import kink_distances, mean_loss
from numerics.losses import values
from proofs.network import Loss, Network

__all__ = ["FunctionObjective", "NetworkObjective", "Objective", "module_objective", "objective_of"]

Operator = Callable[[Tensor], Tensor]

# Roundings that a product of a function that is not known passes through, a guess.
FUNCTION_ROUNDINGS = 1e3


class Objective(ABC):
    """A mean loss over N samples; every method takes parameters `[B, P]`, a row for each run.

    `rows` are the indices of a mini-batch for each run, `[B, b]`; without them all samples count.
    """

    x: Tensor
    y: Tensor

    @property
    @abstractmethod
    def parameter_count(self) -> int:
        """P."""

    @property
    def sample_count(self) -> int:
        """N."""
        return len(self.x)

    @property
    @abstractmethod
    def work_per_sample(self) -> int:
        """Numbers that a pass keeps for a sample, for forecasts of memory."""

    @abstractmethod
    def losses(self, theta: Tensor) -> Tensor:
        """The mean loss: `[B, P] -> [B]`."""

    @abstractmethod
    def gradients(self, theta: Tensor, rows: Tensor | None = None) -> Tensor:
        """The gradient: `[B, P] -> [B, P]`."""

    @abstractmethod
    def hessians(self, theta: Tensor, *, lower: bool = False) -> Tensor:
        """The Hessian: `[B, P] -> [B, P, P]`; zeros above the diagonal blocks if `lower`."""

    @abstractmethod
    def products(self, theta: Tensor) -> Operator:
        """The map v -> H v for each run's Hessian: `[B, P] -> [B, P]`."""

    @abstractmethod
    def rounding(self, theta: Tensor) -> Tensor:
        """An estimate of the Hessian's rounding error in the spectral norm: `[B, P] -> [B]`."""

    @abstractmethod
    def kink_distances(self, theta: Tensor) -> Tensor:
        """The least distance of a pre-activation to a kink: `[B, P] -> [B]`; infinity without kinks."""

    @abstractmethod
    def moved(self, device: torch.device | str, dtype: torch.dtype) -> Objective:
        """The same on another device, in another precision."""


@dataclass(frozen=True, eq=False)
class NetworkObjective(Objective):
    """A feed-forward network, its loss and its data: x `[N, d]`, y `[N, out]`."""

    network: Network
    loss: Loss
    x: Tensor
    y: Tensor

    def __post_init__(self) -> None:
        if self.x.ndim != 2 or self.y.ndim != 2 or len(self.x) != len(self.y) or not len(self.x):
            raise NumericsError(
                f"expected x [N, d] and y [N, out] with N >= 1 but got {tuple(self.x.shape)}, "
                f"{tuple(self.y.shape)}"
            )

    @property
    def parameter_count(self) -> int:
        return self.network.parameter_count

    @property
    def work_per_sample(self) -> int:
        """The entries of all nodes."""
        return sum(self.network.widths())

    def losses(self, theta: Tensor) -> Tensor:
        with torch.no_grad():
            return mean_loss(self.network, self.loss, theta, self.x, self.y)

    def gradients(self, theta: Tensor, rows: Tensor | None = None) -> Tensor:
        x, y = (self.x, self.y) if rows is None else (self.x[rows], self.y[rows])
        with torch.no_grad():
            return gradient(self.network, self.loss, theta, x, y)

    def hessians(self, theta: Tensor, *, lower: bool = False) -> Tensor:
        return hessians(self.network, self.loss, theta, self.x, self.y, lower=lower)

    def products(self, theta: Tensor) -> Operator:
        return hessian_vector_product(self.network, self.loss, theta, self.x, self.y)

    def rounding(self, theta: Tensor) -> Tensor:
        return hessian_rounding(self.network, self.loss, theta, self.x, self.y)

    def kink_distances(self, theta: Tensor) -> Tensor:
        with torch.no_grad():
            return kink_distances(self.network, self.loss, theta, self.x, self.y)

    def moved(self, device: torch.device | str, dtype: torch.dtype) -> NetworkObjective:
        return replace(self, x=self.x.to(device, dtype), y=self.y.to(device, dtype))


@dataclass(frozen=True, eq=False)
class FunctionObjective(Objective):
    """Any differentiable mean loss `function(theta [P], x [n, ...], y [n, ...]) -> []`, by torch.func.

    The function must be made of operations that `torch.func.vmap` knows.  Where it has kinks is not
    known, so `kink_distances` is NaN.
    """

    function: Callable[[Tensor, Tensor, Tensor], Tensor]
    size: int
    x: Tensor
    y: Tensor

    @property
    def parameter_count(self) -> int:
        return self.size

    @property
    def work_per_sample(self) -> int:
        """A guess: the nodes are not known."""
        return 4 * math.isqrt(self.size) + math.prod(self.x.shape[1:])

    def losses(self, theta: Tensor) -> Tensor:
        with torch.no_grad():
            return torch.func.vmap(self._whole)(theta)

    def gradients(self, theta: Tensor, rows: Tensor | None = None) -> Tensor:
        with torch.enable_grad():
            if rows is None:
                return torch.func.vmap(torch.func.grad(self._whole))(theta).detach()
            part = torch.func.grad(self.function)
            return torch.func.vmap(part)(theta, self.x[rows], self.y[rows]).detach()

    def hessians(self, theta: Tensor, *, lower: bool = False) -> Tensor:
        del lower
        # One run at a time, since P cotangents of every intermediate value are held.  Reverse over reverse:
        # forward over reverse is wrong for some of torch's own layers, such as LayerNorm.
        with torch.enable_grad():
            slope = torch.func.grad(self._whole)
            found = torch.stack([torch.func.jacrev(slope)(row) for row in theta]).detach()
        return 0.5 * (found + found.mT)

    def products(self, theta: Tensor) -> Operator:
        slope = torch.func.grad(self._whole)
        product = torch.func.vmap(lambda point, v: torch.func.jvp(slope, (point,), (v,))[1])

        def times(v: Tensor) -> Tensor:
            # Without autograd torch takes fused kernels, which have no second derivatives.
            with torch.enable_grad():
                return product(theta, v).detach()

        return times

    def rounding(self, theta: Tensor) -> Tensor:
        """From ||H||_F, since what the function adds up is not known: cancellation in it is not seen."""
        generator = torch.Generator().manual_seed(0)
        v = torch.randn(theta.shape[-1], generator=generator, dtype=torch.float64).to(theta)
        size = self.products(theta)(v.expand_as(theta)).norm(dim=-1)
        return FUNCTION_ROUNDINGS * torch.finfo(theta.dtype).eps * size

    def kink_distances(self, theta: Tensor) -> Tensor:
        return theta.new_full(theta.shape[:1], torch.nan)

    def moved(self, device: torch.device | str, dtype: torch.dtype) -> FunctionObjective:
        return replace(self, x=self.x.to(device, dtype), y=self.y.to(device, dtype))

    def _whole(self, theta: Tensor) -> Tensor:
        return self.function(theta, self.x, self.y)


def objective_of(model: object, loss: Loss, x: Tensor, y: Tensor) -> Objective:
    """The objective of a network or a torch module: closed form where there is one, torch.func else.

    Raises:
        NumericsError: for anything but a `Network` or a `torch.nn.Module`.
    """
    if isinstance(model, Network):
        return NetworkObjective(model, loss, x, y)
    if isinstance(model, torch.nn.Module):
        return module_objective(model, loss, x, y)
    raise NumericsError(f"expected a Network or a torch.nn.Module but got {type(model).__name__}")


def module_objective(module: torch.nn.Module, loss: Loss, x: Tensor, y: Tensor) -> FunctionObjective:
    """The mean loss of a module's outputs as a function of its flat parameters, in their order.

    The module must treat samples independently and without randomness (dropout off, no batch norm in
    training mode); its buffers stay as they are.
    """
    return FunctionObjective(_ModuleLoss(module, loss), sum(p.numel() for p in module.parameters()), x, y)


class _ModuleLoss:
    """The mean loss of a module; a class, so that it can be sent to other processes."""

    def __init__(self, module: torch.nn.Module, loss: Loss) -> None:
        self.module, self.loss = module, loss
        self.shapes = [(name, p.shape) for name, p in module.named_parameters()]

    def __call__(self, theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
        parts, start = {}, 0
        for name, shape in self.shapes:
            parts[name] = theta[start : start + shape.numel()].view(shape)
            start += shape.numel()
        f = torch.func.functional_call(self.module, parts, (x,))
        return values(self.loss, f, y).mean()
