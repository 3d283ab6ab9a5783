"""What a measurement found: estimates, the place they belong to, and the points of the maxima."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numerics.regions import Point

__all__ = ["Estimate", "Measured", "Place"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number of tier *float*: value, error, dtype and device.

    The error estimates rounding and, for a spectral norm, holds the residual bound.  NaN with
    error infinity says that nothing finite was found; it compares as no pass.
    """

    value: float
    error: float
    dtype: str
    device: str

    @property
    def is_finite(self) -> bool:
        return math.isfinite(self.value)


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """The largest values found in one place, each with the point where it was found.

    Each estimate is a value *attained* at its point (up to its error), so a lower estimate of the
    supremum over the place.  `hessian_norm` is None where every point was within 1e-9 of a kink.
    `points` counts the parameter vectors (with their samples) that were evaluated in full; the
    ascents' places hold their random starts too.  `skipped` counts points within 1e-9 of a kink
    that the Hessian left out, steps tried by ascents included; `not_finite` counts points with a
    NaN or an overflow in any quantity.
    """

    gradient_norm: Estimate
    sample_gradient_norm: Estimate
    hessian_norm: Estimate | None
    points: int
    skipped: int
    not_finite: int
    gradient_at: Point | None
    sample_gradient_at: Point | None
    hessian_at: Point | None


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """The places of a measurement; None where a place does not apply or was not reached."""

    at_weights: Place | None
    box_random: Place | None
    box_ascent: Place | None
    ball: Place | None
    interrupted: bool
