"""Convolution and pooling as kernel maps: windows are picked entries, padding is the number -1."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from proofs.kernel.maps import Contract, Map, Shape, Total

from .architecture_layers import AveragePool, Convolution, MaxPool
from .lowering_parts import difference, filled, numbers_of, picked, relu_of, spread

__all__ = ["average_pool", "convolution", "max_pool"]

INSIDE, ACROSS = ("i", "ij"), ("x", "xy")


def _windows(shape: Shape, window: Shape, stride: Shape, padding: Shape) -> Any:
    """Numbers of entries of shape [channels, *window, *positions]."""
    numbers: Any = np.pad(numbers_of(shape), [(0, 0), *((p, p) for p in padding)], constant_values=-1)
    axes = tuple(range(1, len(shape)))
    views: Any = np.lib.stride_tricks.sliding_window_view(numbers, window, axis=axes)
    kept = views[(slice(None), *(slice(None, None, step) for step in stride))]
    rank = len(window)
    return np.transpose(kept, (0, *range(1 + rank, 1 + 2 * rank), *range(1, 1 + rank)))


def convolution(layer: Convolution, weight: Map, bias: Map | None, of: Map) -> Map:
    """W[o, c, i, j] times the window entries [c, i, j, x, y], summed over c, i, j."""
    rank = len(layer.kernel)
    inside, across = INSIDE[rank - 1], ACROSS[rank - 1]
    windows = picked(of, _windows(of.require_shape(), layer.kernel, layer.stride, layer.padding))
    product = Contract(f"oc{inside},c{inside}{across}->o{across}", weight, windows)
    return product if bias is None else Total((product, spread(bias, product.require_shape(), (0,))))


def average_pool(layer: AveragePool, of: Map) -> Map:
    """The window entries times 1/(entries of a window), summed."""
    rank = len(layer.window)
    inside, across = INSIDE[rank - 1], ACROSS[rank - 1]
    windows = picked(of, _windows(of.require_shape(), layer.window, layer.stride, (0,) * rank))
    weights = filled(layer.window, Fraction(1, math.prod(layer.window)))
    return Contract(f"c{inside}{across},{inside}->c{across}", windows, weights)


def max_pool(layer: MaxPool, of: Map) -> Map:
    """max(a, b) = b + relu(a - b), one window entry after the other."""
    rank = len(layer.window)
    windows = _windows(of.require_shape(), layer.window, layer.stride, (0,) * rank)
    offsets = list(np.ndindex(*layer.window))
    largest = picked(of, windows[(slice(None), *offsets[0])])
    for offset in offsets[1:]:
        entry = picked(of, windows[(slice(None), *offset)])
        largest = Total((entry, relu_of(difference(largest, entry))))
    return largest
