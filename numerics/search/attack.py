"""What an attack on a statement consists of: settings to draw, and instances of a setting to score."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from hypothesis.strategies import SearchStrategy
from torch import Tensor

from numerics.exact import Comparison

from .batches import Batch, Instance

__all__ = ["Attack", "Target", "Witness"]


@dataclass(frozen=True, slots=True, eq=False)
class Witness:
    """An exact instance that violates a statement (without a hypothesis, if one is named)."""

    statement: str
    dropped: str | None
    quantity: str
    setting: Any
    instance: Instance
    recheck: Comparison


class Target(ABC):
    """A setting made ready: its right sides are derived, and batches of instances can be scored.

    The margin of an instance is left/right - 1: above 0 it violates the statement.
    """

    quantities: tuple[str, ...]
    # Sentences on instances at which there is no number; with one the verdict is no pass.
    complaints: Sequence[str] = ()

    @abstractmethod
    def says(self, quantity: str) -> str:
        """The inequality in plain characters, such as `||grad L|| <= G_max`."""

    @abstractmethod
    def draw(self, generator: torch.Generator, count: int, quantity: str) -> Batch:
        """Random instances that satisfy the hypotheses (but the dropped one)."""

    @abstractmethod
    def margins(self, batch: Batch, quantity: str) -> Tensor:
        """left/right - 1 of every instance, [B]; differentiable by autograd."""

    @abstractmethod
    def project(self, batch: Batch) -> Batch:
        """The nearest instances that satisfy the hypotheses."""

    @abstractmethod
    def scales(self, quantity: str) -> dict[str, float]:
        """How far each tensor that ascent may move reaches; other tensors stay."""

    def refresh(self, batch: Batch, quantity: str, steps: int) -> Batch:
        """Directions improved by that many steps, where the right side does not depend on them."""
        return batch

    @abstractmethod
    def restored(self, instance: Instance, quantity: str) -> Instance:
        """The instance after rounding, moved into the hypotheses in exact arithmetic."""

    @abstractmethod
    def admits(self, instance: Instance, quantity: str) -> bool:
        """Whether the hypotheses hold exactly."""

    @abstractmethod
    def recheck(self, instance: Instance, quantity: str) -> Comparison:
        """Decide left <= right at an exact instance."""

    def snippet(self, witness: Witness) -> str | None:
        """Python text that shows a witness; None for registered statements, which need no file."""
        return None


class Attack(ABC):
    """A statement, perhaps without one hypothesis, and how to attack it."""

    statement: str
    dropped: str | None
    # Whether margins are left/right - 1, and not the user's own.
    is_ratio: bool = True

    def covers(self, setting: Any) -> bool:
        """Whether the statement is about this setting; kept cases are asked before they count."""
        return not getattr(setting, "tied", False) or self.dropped == "fresh-parameters"

    @abstractmethod
    def settings(self) -> SearchStrategy[Any]:
        """Settings to draw: frozen, hashable, with an integer `seed`."""

    @abstractmethod
    def prepare(self, setting: Any) -> Target:
        """Derive the right sides.

        Raises:
            GradlemmaError: if the statement says nothing about this setting (an infinite constant).
        """
