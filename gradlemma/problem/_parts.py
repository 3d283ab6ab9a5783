"""The parts of a problem as frozen data: samples, box, how much is measured."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from proofs.kernel.tensors import ExactTensor
from proofs.network import Architecture, Dense, Loss, Network

from ._tasks import TaskSplit

__all__ = ["NAME", "BoxSpec", "Measure", "Parts", "Samples"]

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class Samples:
    """The data: inputs x of shape [N, d] and targets y of shape [N, out], exact."""

    x: ExactTensor
    y: ExactTensor

    @property
    def count(self) -> int:
        return self.x.shape[0]


@dataclass(frozen=True, slots=True)
class BoxSpec:
    """Norm bounds on W_1, W_2, ... and b_1, b_2, ..., one per dense layer.

    `None` means: the norms of the given weights times `factor`.  A layer without bias has bias norm 0.
    """

    weight_norms: tuple[Fraction, ...] | None
    bias_norms: tuple[Fraction, ...] | None
    factor: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class Measure:
    """How many random points of the box are measured, and how many steps gradient ascent takes."""

    random_points: int = 16
    ascent_steps: int = 30


class Parts(Protocol):
    """What a problem consists of, for the checks that run when one is made."""

    @property
    def network(self) -> Network | Architecture: ...
    @property
    def loss(self) -> Loss: ...
    @property
    def name(self) -> str: ...
    @property
    def path(self) -> Path | None: ...
    @property
    def input_norm(self) -> Fraction | None: ...
    @property
    def target_norm(self) -> Fraction | None: ...
    @property
    def samples(self) -> Samples | None: ...
    @property
    def weights(self) -> tuple[ExactTensor, ...] | None: ...
    @property
    def frozen(self) -> tuple[tuple[str, ExactTensor], ...]: ...
    @property
    def box(self) -> BoxSpec | None: ...
    @property
    def radius(self) -> Fraction | None: ...
    @property
    def refine(self) -> bool: ...
    @property
    def seed(self) -> int: ...
    @property
    def measure(self) -> Measure: ...
    @property
    def tasks(self) -> TaskSplit | None: ...
    @property
    def dense_layers(self) -> tuple[Dense, ...]: ...
