"""sup|sigma|, |sigma(0)|, l, beta, gamma on all of R, typed in from the closed forms (inf where infinite)."""

from __future__ import annotations

import math

INF = math.inf
SELU_SCALE = 1.0507009873554804934193349852946
SELU_NEGATIVE = SELU_SCALE * 1.6732632423543772848170429916717
SILU_SLOPE = 1.09983932012886691695818492432
GELU_SLOPE = (1 + math.erf(1)) / 2 + math.exp(-1) / math.sqrt(math.pi)
GELU_TANH_SLOPE, MISH_SLOPE, MISH_BEND = 1.1289930686587718, 1.0884981612517278, 0.6442046372369817
TANH_BEND = 4 / (3 * math.sqrt(3))

# name: (sup|sigma|, |sigma(0)|, l, beta, gamma)
TABLE: dict[str, tuple[float, float, float, float, float]] = {
    "identity": (INF, 0, 1, 1, 0), "relu": (INF, 0, 1, 1, 0), "leaky_relu": (INF, 0, 1, 1, 0), "abs": (INF, 0, 1, 1, 0),  # noqa: E501
    "relu6": (6, 0, 1, 1, 0), "hardtanh": (1, 0, 1, 1, 0), "hardsigmoid": (1, 0.5, 1 / 6, 1 / 6, 0),
    "hardswish": (INF, 0, 1, 1.5, 1 / 3), "sigmoid": (1, 0.5, 0.25, 0.25, 1 / (6 * math.sqrt(3))),
    "tanh": (1, 0, 1, 1, TANH_BEND), "softplus": (INF, math.log(2), 1, 1, 0.25), "elu": (INF, 0, 1, 1, 1),
    "celu": (INF, 0, 1, 1, 1), "selu": (INF, 0, SELU_NEGATIVE, SELU_NEGATIVE, SELU_NEGATIVE),
    "silu": (INF, 0, 1, SILU_SLOPE, 0.5), "gelu": (INF, 0, 1, GELU_SLOPE, math.sqrt(2 / math.pi)),
    "sin": (1, 0, 1, 1, 1), "gelu_tanh": (INF, 0, 1, GELU_TANH_SLOPE, math.sqrt(2 / math.pi)),
    "mish": (INF, 0, 1, MISH_SLOPE, MISH_BEND), "softsign": (1, 0, 1, 1, 2), "round": (INF, 0, 2, 0, 0),
    "sign": (1, 0, INF, 0, 0), "triangle": (1, 1, 1, 1, 0), "abs_sin": (1, 0, 1, 1, 1),
}  # fmt: skip


def node_value(name: str, width: int, a: float) -> float:
    """min(sqrt(n) sup|sigma|, sqrt(n) |sigma(0)| + l a)."""
    whole, at_zero, secant, _, _ = TABLE[name]
    # 0 times an infinite slope is no bound.
    slope = secant * a if math.isfinite(secant) else INF
    return min(math.sqrt(width) * whole, math.sqrt(width) * at_zero + slope)
