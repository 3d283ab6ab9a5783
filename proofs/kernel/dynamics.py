"""Maps of optimisers: immutable, interned expressions, functions of a state space to itself.

The state is theta, or theta and a velocity v of the same size.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flint import fmpq

from proofs.errors import KernelError

from .interning import Interned
from .maps import Map, StepSize, symbols_of

__all__ = ["Composed", "Descent", "Dynamics", "OnPosition", "Proximal", "Pushed", "Sheared"]

Row = tuple[fmpq, fmpq]


@dataclass(frozen=True, eq=False)
class Dynamics(metaclass=Interned):
    """The base of maps of a state space to itself.

    has_velocity: whether the state is (theta, v).
    """

    has_velocity: bool = field(init=False, repr=False)
    symbols: frozenset[Any] = field(init=False, repr=False)
    key: bytes = field(init=False, repr=False)

    def _seal(self, has_velocity: bool, *parts: frozenset[Any]) -> None:
        object.__setattr__(self, "has_velocity", has_velocity)
        object.__setattr__(self, "symbols", frozenset[Any]().union(*parts))

    def __copy__(self) -> Dynamics:
        return self

    def __deepcopy__(self, memo: object) -> Dynamics:
        return self

    def __reduce__(self) -> Any:
        raise KernelError("maps are not pickled; store a derivation instead")


def _check_loss(loss: object, step: object) -> None:
    if not isinstance(loss, Map) or loss.shape != () or not isinstance(step, StepSize):
        raise KernelError("expected a scalar and a step size")


@dataclass(frozen=True, eq=False)
class Descent(Dynamics):
    """theta -> theta - eta grad L(theta); where L has no gradient, some fixed value."""

    loss: Map
    step: StepSize

    def __post_init__(self) -> None:
        _check_loss(self.loss, self.step)
        self._seal(False, self.loss.symbols, symbols_of(self.step))


@dataclass(frozen=True, eq=False)
class Proximal(Dynamics):
    """theta -> a point p with p + eta grad L(p) = theta, chosen in any way; defined where there is one.

    L is differentiable.
    """

    loss: Map
    step: StepSize

    def __post_init__(self) -> None:
        _check_loss(self.loss, self.step)
        self._seal(False, self.loss.symbols, symbols_of(self.step))


@dataclass(frozen=True, eq=False)
class Pushed(Dynamics):
    """(theta, v) -> (theta, factor v - eta grad L(theta))."""

    loss: Map
    step: StepSize
    factor: fmpq

    def __post_init__(self) -> None:
        _check_loss(self.loss, self.step)
        if type(self.factor) is not fmpq:
            raise KernelError(f"expected a rational factor but got {self.factor!r}")
        self._seal(True, self.loss.symbols, symbols_of(self.step))


@dataclass(frozen=True, eq=False)
class Sheared(Dynamics):
    """(theta, v) -> (a theta + b v, c theta + d v), the rows being (a, b) and (c, d)."""

    first: Row
    second: Row

    def __post_init__(self) -> None:
        if not all(_is_row(row) for row in (self.first, self.second)):
            raise KernelError("expected two rows of two rational numbers")
        self._seal(True)


def _is_row(row: object) -> bool:
    return type(row) is tuple and len(row) == 2 and all(type(q) is fmpq for q in row)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


@dataclass(frozen=True, eq=False)
class OnPosition(Dynamics):
    """(theta, v) -> (G(theta), v)."""

    of: Dynamics

    def __post_init__(self) -> None:
        if not isinstance(self.of, Dynamics) or self.of.has_velocity:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise KernelError("expected a map of theta alone")
        self._seal(True, self.of.symbols)


@dataclass(frozen=True, eq=False)
class Composed(Dynamics):
    """The maps one after the other, the first one first."""

    parts: tuple[Dynamics, ...]

    def __post_init__(self) -> None:
        if type(self.parts) is not tuple or not self.parts:  # pyright: ignore[reportUnnecessaryComparison]
            raise KernelError("expected maps to compose")
        if any(not isinstance(part, Dynamics) for part in self.parts):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise KernelError("expected maps of optimisers")
        if len({part.has_velocity for part in self.parts}) != 1:
            raise KernelError("expected maps of one state space")
        self._seal(self.parts[0].has_velocity, *(part.symbols for part in self.parts))
