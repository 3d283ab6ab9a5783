"""The weights that a claim gets: tensors by name, with the arithmetic of a vector space."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["Weights"]


class Weights(Mapping[str, Any]):
    """W1, b1, W2, ... of a network; `weights["W1"]` is `[out, in]`, `weights["b1"]` is `[out]`.

    Sums, differences and multiples are taken tensor by tensor, so that `weights - eta * gradient` is a
    step of gradient descent.
    """

    def __init__(self, tensors: Mapping[str, Any]) -> None:
        self._tensors = dict(tensors)

    def __getitem__(self, name: str | int) -> Any:
        """The tensor of that name, or the one at that place."""
        return self._tensors[name] if isinstance(name, str) else list(self._tensors.values())[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def scaled(self, name: str, factor: Any) -> Weights:
        """The weights with one tensor multiplied."""
        if name not in self._tensors:
            raise KeyError(f"expected a parameter among {', '.join(self._tensors)} but got {name}")
        return self._map(lambda key, tensor: tensor * factor if key == name else tensor)

    def replaced(self, name: str, tensor: Any) -> Weights:
        """The weights with another tensor of that name."""
        return Weights({**self._tensors, name: tensor})

    def _map(self, change: Callable[[str, Any], Any]) -> Weights:
        return Weights({name: change(name, tensor) for name, tensor in self._tensors.items()})

    def __add__(self, other: Weights) -> Weights:
        return self._map(lambda name, tensor: tensor + other[name])

    def __sub__(self, other: Weights) -> Weights:
        return self._map(lambda name, tensor: tensor - other[name])

    def __mul__(self, factor: Any) -> Weights:
        return self._map(lambda _, tensor: tensor * factor)

    __rmul__ = __mul__

    def __truediv__(self, divisor: Any) -> Weights:
        return self._map(lambda _, tensor: tensor / divisor)

    def __neg__(self) -> Weights:
        return self._map(lambda _, tensor: -tensor)

    def __repr__(self) -> str:
        return f"Weights({', '.join(self._tensors)})"
