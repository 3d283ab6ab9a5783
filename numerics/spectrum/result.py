"""A spectral norm as found: a value, an error, and how it was found."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["UNDERFLOW", "SpectralNorm", "not_finite"]

# Numbers below this underflow when squared; no error claims to be smaller.
UNDERFLOW = 1e-150


@dataclass(frozen=True, slots=True)
class SpectralNorm:
    """The largest |eigenvalue| of a symmetric operator, an estimate of tier *float*.

    `value` of method `lanczos` is a Ritz value: up to rounding a *lower* estimate of the norm.
    `error` covers rounding and, for Lanczos, the residuals of both extreme Ritz pairs; it speaks of
    the eigenvalues that the start vector sees, which a random start does with probability 1.
    `value` NaN and `error` infinity say that a number was not finite: nothing was found out.
    """

    value: float
    error: float
    method: str
    steps: int

    @property
    def is_finite(self) -> bool:
        return math.isfinite(self.value)


def not_finite(method: str, steps: int) -> SpectralNorm:
    """The result where a product or an entry was NaN or infinite."""
    return SpectralNorm(math.nan, math.inf, method, steps)
