"""The functions that expressions of activations call, on vectors of lanes.

exp and what follows from it are computed here, so that all lanes advance together:

    exp x        = 2^n exp r,  n the nearest integer to x / log 2,  |r| <= (log 2) / 2,
    expm1 u      = 2^n expm1 r + (2^n - 1),  u >= 0,
    tanh x       = sign x  e / (e + 2),  e = expm1 2|x|,
    sigmoid x    = 1 / (1 + exp -x),
    log1p u      = 2 artanh s,  s = u / (2 + u),  0 <= u <= 1,
    softplus x   = max(x, 0) + log1p exp -|x|.

exp r and expm1 r are Taylor polynomials of degree 13: 0.3466^14 / 14! < 5e-18.  artanh is its
series to s^33: s <= 1/3, and (1/3)^34 / 35 < 2e-18 relative to s.
"""

from __future__ import annotations

import math

from numerics.errors import NumericsError

from ._lanes import Lanes, Vector

__all__ = ["called", "exp", "sigmoid", "softplus", "tanh"]

DEGREE = 13
ARTANH_TERMS = 17
# log 2 in two parts, the first with 21 trailing zeros, so that n times it is exact.
LOG_2_HIGH = float.fromhex("0x1.62e42fee00000p-1")
LOG_2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
# exp is 0 below and infinite above.
EXP_LEAST = -746.0
EXP_LARGEST = 710.0
# tanh is 1 to rounding where 2|x| is larger.
TANH_LARGEST = 44.0


def called(lanes: Lanes, name: str, x: Vector) -> Vector:
    """name(x) for a name of `CALLS`; NaN where x is NaN.

    Raises:
        NumericsError: for a name without a compiled reading.
    """
    match name:
        case "exp":
            return exp(lanes, x)
        case "tanh":
            return tanh(lanes, x)
        case "sigmoid":
            return sigmoid(lanes, x)
        case "softplus":
            return softplus(lanes, x)
        case "normal_cdf":
            inside = lanes.multiply(x, lanes.constant(-math.sqrt(0.5)))
            return lanes.multiply(lanes.constant(0.5), lanes.scalar_call(math.erfc, inside))
        case "normal_pdf":
            half = lanes.multiply(lanes.constant(-0.5), lanes.multiply(x, x))
            return lanes.divide(exp(lanes, half), lanes.constant(math.sqrt(2.0 * math.pi)))
        case "sin":
            return lanes.scalar_call(math.sin, x)
        case "cos":
            return lanes.scalar_call(math.cos, x)
        case "inverse":
            return lanes.divide(lanes.constant(1.0), x)
        case "sqrt":
            return lanes.square_root(x)
        case "log":
            return lanes.scalar_call(math.log, x)
        case "pi":
            return lanes.constant(math.pi)
        case _:
            raise NumericsError(f"expected a call with a compiled reading but got name={name!r}")


def exp(lanes: Lanes, x: Vector) -> Vector:
    """The exponential to about one unit in the last place."""
    low, high = lanes.constant(EXP_LEAST), lanes.constant(EXP_LARGEST)
    x = lanes.select(lanes.less(x, low), low, x)
    x = lanes.select(lanes.less(high, x), high, x)
    n, r = _reduced(lanes, x)
    value = _polynomial(lanes, r, [1.0 / math.factorial(k) for k in range(DEGREE + 1)])
    # 2^n in two factors: n itself goes beyond the exponents of normal numbers.
    first = lanes.floor(lanes.multiply(n, lanes.constant(0.5)))
    second = lanes.subtract(n, first)
    return lanes.multiply(lanes.multiply(value, lanes.power_of_two(first)), lanes.power_of_two(second))


def tanh(lanes: Lanes, x: Vector) -> Vector:
    """The hyperbolic tangent to a few units in the last place, near 0 as well."""
    largest = lanes.constant(TANH_LARGEST)
    u = lanes.multiply(lanes.constant(2.0), lanes.absolute(x))
    u = lanes.select(lanes.less(largest, u), largest, u)
    n, r = _reduced(lanes, u)
    slope = _polynomial(lanes, r, [1.0 / math.factorial(k) for k in range(1, DEGREE + 1)])
    scale = lanes.power_of_two(n)
    less_one = lanes.subtract(scale, lanes.constant(1.0))
    e = lanes.multiply_add(scale, lanes.multiply(r, slope), less_one)
    size = lanes.divide(e, lanes.add(e, lanes.constant(2.0)))
    return lanes.select(lanes.less(x, lanes.constant(0.0)), lanes.negate(size), size)


def sigmoid(lanes: Lanes, x: Vector) -> Vector:
    """1 / (1 + exp -x)."""
    one = lanes.constant(1.0)
    return lanes.divide(one, lanes.add(one, exp(lanes, lanes.negate(x))))


def softplus(lanes: Lanes, x: Vector) -> Vector:
    """Log (1 + exp x), without overflow."""
    u = exp(lanes, lanes.negate(lanes.absolute(x)))
    s = lanes.divide(u, lanes.add(u, lanes.constant(2.0)))
    series = _polynomial(lanes, lanes.multiply(s, s), [2.0 / (2 * k + 1) for k in range(ARTANH_TERMS)])
    zero = lanes.constant(0.0)
    positive = lanes.select(lanes.less(x, zero), zero, x)
    return lanes.multiply_add(s, series, positive)


def _reduced(lanes: Lanes, x: Vector) -> tuple[Vector, Vector]:
    """N and r with x = n log 2 + r."""
    n = lanes.nearest_integer(lanes.multiply(x, lanes.constant(1.0 / math.log(2.0))))
    r = lanes.multiply_add(n, lanes.constant(-LOG_2_HIGH), x)
    return n, lanes.multiply_add(n, lanes.constant(-LOG_2_LOW), r)


def _polynomial(lanes: Lanes, x: Vector, coefficients: list[float]) -> Vector:
    """The sum of coefficients[k] x^k by Horner's rule."""
    total = lanes.constant(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = lanes.multiply_add(total, x, lanes.constant(coefficient))
    return total
