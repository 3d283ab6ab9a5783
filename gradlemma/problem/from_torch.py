"""Feed-forward `torch.nn.Sequential` modules as networks and exact weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import torch
from torch import nn

from gradlemma.errors import ProblemError, printable
from proofs.errors import GradlemmaError
from proofs.kernel.tensors import ExactTensor
from proofs.network import Activate, Dense, Layer, Network, activation

__all__ = ["network_from_torch"]


def network_from_torch(module: nn.Module) -> tuple[Network, tuple[ExactTensor, ...] | None]:
    """The network that the module computes, and its weights in the order of `network.parameters()`.

    Decimal parameters such as `negative_slope=0.1` are read as the decimal number that Python prints,
    1/10.  Softplus stands for the function itself; torch replaces it by the identity where
    beta t > 20, a difference below 3e-9 / beta.

    Returns:
        The network and its float weights, exactly; no weights when they live on the `meta` device.

    Raises:
        ProblemError: naming the module and its position, when it is not a feed-forward network of the
            supported layers, shares parameters, or has weights that are not finite.
    """
    layers: list[Layer] = []
    tensors: list[torch.Tensor] = []
    seen: set[int] = set()
    width: int | None = None
    dim: int | None = None
    for position, part in _leaves(module, ""):
        if type(part) is nn.Linear:
            dim = part.in_features if dim is None else dim
            if width is not None and part.in_features != width:
                raise _refusal(part, position, f"it expects {part.in_features} inputs but gets {width}")
            width = part.out_features
            tensors += _parameters(part, position, seen)
            layers.append(Dense(width, part.bias is not None))
        elif not _is_passive(part, position):
            layers.append(_activation(part, position))
    if dim is None:
        raise _refusal(module, "", "it contains no Linear layer")
    return Network(dim, tuple(layers)), _exact(tensors)


def _leaves(module: nn.Module, position: str) -> Iterator[tuple[str, nn.Module]]:
    """The layers in order with their positions such as `0.2`."""
    if module._forward_hooks or module._forward_pre_hooks:
        raise _refusal(module, position, "it has forward hooks, which may change its output")
    if "forward" in vars(module):
        raise _refusal(module, position, "its forward has been replaced")
    if type(module) is not nn.Sequential:
        yield position, module
        return
    for name, child in module._modules.items():
        if child is not None:
            yield from _leaves(child, f"{position}.{name}" if position else name)


def _parameters(part: nn.Linear, position: str, seen: set[int]) -> list[torch.Tensor]:
    found = [part.weight] if part.bias is None else [part.weight, part.bias]
    for parameter in found:
        if id(parameter) in seen:
            raise _refusal(part, position, "it shares a parameter with an earlier layer")
        if parameter.dtype not in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
            raise _refusal(part, position, f"its weights have dtype {parameter.dtype}")
        seen.add(id(parameter))
    return [parameter.detach() for parameter in found]


def _exact(tensors: list[torch.Tensor]) -> tuple[ExactTensor, ...] | None:
    if any(tensor.is_meta for tensor in tensors):
        return None
    try:
        return tuple(ExactTensor.from_floats(tensor.cpu().double().numpy()) for tensor in tensors)
    except GradlemmaError as error:
        raise ProblemError(str(error), kind="weights", key="weights", remedy="use finite weights") from None


def _is_passive(part: nn.Module, position: str) -> bool:
    """Whether the module passes vectors on unchanged."""
    if type(part) is nn.Identity:
        return True
    if type(part) is nn.Flatten:
        if part.start_dim != 1 or part.end_dim != -1:
            raise _refusal(
                part, position, "only Flatten() with its default dimensions leaves vectors unchanged"
            )
        return True
    if type(part) is nn.Dropout:
        if part.training and part.p > 0:
            raise _refusal(part, position, "it is random in training mode", "call module.eval() first")
        return True
    return False


# type -> (name in the catalogue, parameters read from the module)
_ACTIVATIONS: dict[type[nn.Module], tuple[str, Callable[[Any], dict[str, Any]]]] = {
    nn.Tanh: ("tanh", lambda m: {}),
    nn.ReLU: ("relu", lambda m: {}),
    nn.LeakyReLU: ("leaky_relu", lambda m: {"slope": m.negative_slope}),
    nn.Sigmoid: ("sigmoid", lambda m: {}),
    nn.Softplus: ("softplus", lambda m: {"beta": m.beta}),
    nn.ELU: ("elu", lambda m: {"alpha": m.alpha}),
    nn.CELU: ("celu", lambda m: {"alpha": m.alpha}),
    nn.SELU: ("selu", lambda m: {}),
    nn.SiLU: ("silu", lambda m: {}),
    nn.GELU: ("gelu", lambda m: {}),
    nn.Hardtanh: ("hardtanh", lambda m: {}),
    nn.ReLU6: ("relu6", lambda m: {}),
    nn.Hardsigmoid: ("hardsigmoid", lambda m: {}),
    nn.Hardswish: ("hardswish", lambda m: {}),
}


def _activation(part: nn.Module, position: str) -> Activate:
    kind = type(part)
    if kind not in _ACTIVATIONS:
        known = ", ".join(sorted(["Linear", "Sequential", *(t.__name__ for t in _ACTIVATIONS)]))
        raise _refusal(
            part, position, "it is not supported", f"use {known}, Identity, Flatten or Dropout in eval mode"
        )
    if isinstance(part, nn.GELU) and part.approximate != "none":
        raise _refusal(part, position, "only GELU with approximate='none' is supported")
    if kind is nn.Hardtanh and (part.min_val, part.max_val) != (-1, 1):
        raise _refusal(part, position, "only Hardtanh with the range -1, 1 is supported")
    if kind is nn.ReLU6 and (part.min_val, part.max_val) != (0, 6):
        raise _refusal(part, position, "only ReLU6 with the range 0, 6 is supported")
    if isinstance(part, nn.Softplus) and part.threshold < 20:
        raise _refusal(part, position, "a threshold below 20 is not the softplus function")
    name, read = _ACTIVATIONS[kind]
    try:
        given = {key: Fraction(str(value)) for key, value in read(part).items()}
        return Activate(activation(name, **given))
    except (GradlemmaError, ValueError) as error:
        raise _refusal(part, position, printable(error)) from None


def _refusal(part: nn.Module, position: str, why: str, remedy: str = "") -> ProblemError:
    where = f"at position {position}" if position else "at the top"
    return ProblemError(
        f"expected a feed-forward network but got {type(part).__name__} {where}: {why}",
        kind="network",
        key="network",
        remedy=remedy or "change this module, or describe the network with proofs.network.Network",
    )
