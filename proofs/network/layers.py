"""The layers of a feed-forward network as frozen data."""

from __future__ import annotations

from dataclasses import dataclass

from proofs.errors import NetworkError
from proofs.kernel.univariate import Univariate

__all__ = ["Activate", "Dense", "Layer", "Parameter"]

MAX_WIDTH = 1_000_000


@dataclass(frozen=True, slots=True)
class Dense:
    """h -> W h + b with W of shape [width, incoming width]; without bias h -> W h."""

    width: int
    bias: bool = True

    def __post_init__(self) -> None:
        if type(self.width) is not int or not 1 <= self.width <= MAX_WIDTH:
            raise NetworkError(f"expected a width from 1 to {MAX_WIDTH} but got width={self.width!r}")


@dataclass(frozen=True, slots=True)
class Activate:
    """h -> sigma(h), entry by entry."""

    activation: Univariate


Layer = Dense | Activate


@dataclass(frozen=True, slots=True)
class Parameter:
    """A trained tensor: `W2` of shape [out, in] or `b2` of shape [out]; layers count from 1."""

    name: str
    layer: int
    shape: tuple[int, ...]

    @property
    def is_weight(self) -> bool:
        return len(self.shape) == 2

    @property
    def size(self) -> int:
        size = 1
        for extent in self.shape:
            size *= extent
        return size
