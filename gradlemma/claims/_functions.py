"""Functions for claims that read floats and balls alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ._balls import Ball, ReadingError, ball_of
from ._weights import Weights

__all__ = ["absolute", "exp", "log", "maximum", "minimum", "norm", "sqrt", "tanh"]


def sqrt(value: Any) -> Any:
    """The square root, entry by entry."""
    return _each(value, "sqrt")


def exp(value: Any) -> Any:
    """The exponential, entry by entry."""
    return _each(value, "exp")


def log(value: Any) -> Any:
    """The natural logarithm, entry by entry."""
    return _each(value, "log")


def tanh(value: Any) -> Any:
    """The hyperbolic tangent, entry by entry."""
    return _each(value, "tanh")


def absolute(value: Any) -> Any:
    """The absolute value, entry by entry."""
    return abs(value)


def maximum(first: Any, second: Any) -> Any:
    """The larger of two numbers; balls that overlap are joined."""
    if isinstance(first, Ball) or isinstance(second, Ball):
        return Ball(ball_of(first).max(ball_of(second)))
    if isinstance(first, Tensor) or isinstance(second, Tensor):
        return torch.maximum(_tensor(first, second), _tensor(second, first))
    return max(first, second)


def minimum(first: Any, second: Any) -> Any:
    """The smaller of two numbers; balls that overlap are joined."""
    return -maximum(-first, -second)


def norm(value: Any) -> Any:
    """The 2-norm of a vector, of all entries of a matrix, or of all weights together."""
    match value:
        case Weights():
            return sqrt(sum((_square(tensor) for tensor in value.values()), start=0 * _square(value[0])))
        case Tensor() | np.ndarray():
            return sqrt(_square(value))
        case _:
            raise ReadingError(f"expected a vector, a matrix or weights but got {type(value).__name__}")


def _square(value: Any) -> Any:
    return (value * value).sum()


def _each(value: Any, name: str) -> Any:
    match value:
        case Tensor() | Ball():
            return getattr(value, name)()
        case np.ndarray() if value.dtype == object:
            flat = [getattr(entry, name)() for entry in value.ravel()]
            found = np.empty(len(flat), dtype=object)
            found[:] = flat
            return found.reshape(value.shape)
        case int() | float():
            return getattr(torch.tensor(float(value), dtype=torch.float64), name)()
        case _:
            return getattr(Ball(value), name)()


def _tensor(value: Any, like: Any) -> Tensor:
    return value if isinstance(value, Tensor) else torch.as_tensor(value, dtype=like.dtype)
