"""ACT: the constants of an activation, found by search and established by kernel rules.

For R in (0, oo]: sup|sigma|, the secant slope l(R), beta(R), gamma(R), delta(R).  The search may
use floats; what it finds is a guess until `SupOfFunction` or `SupOfFunctionBall` has shown it.
"""

# An untrusted search in floats.
# pyright: basic
from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from functools import cache

import numpy as np
from flint import fmpq, fmpq_poly

from proofs.errors import KernelError
from proofs.kernel.core import Theorem, infer
from proofs.kernel.monotone import round_up, sqrt_exact
from proofs.kernel.rules import SupOfFunction, SupOfFunctionBall
from proofs.kernel.scalars import Poly, Root, number
from proofs.kernel.suprema import (
    clip,
    divide_by_argument,
    generator_range,
    in_generator,
    value_at_zero,
)
from proofs.kernel.univariate import Call, Expression, Univariate

from .tactics import rational

__all__ = ["supremum"]

EXCESS = (2.0**-46, 1e-12, 1e-11, 1e-10, 1e-9, 1e-7, 1e-5)
SEARCH_RADIUS = 40.0
ROUND_BITS = 60


@cache
def supremum(function: Univariate, order: int, radius: Fraction | None = None) -> Theorem | None:
    """A theorem |sigma^(order)(t)| <= c for |t| <= radius (None: all t), or None.

    order -1 is the secant slope: |sigma(t) - sigma(0)| <= c |t|; order 0 is sup|sigma|.

    Returns:
        A theorem whose c is the supremum itself where it is rational or the root of a rational
        found at a critical point, otherwise exceeds it by a relative 1e-11 or less as a rule;
        None where no finite c could be established.
    """
    for bound in _candidates(function, order, radius):
        for rule in (SupOfFunction, SupOfFunctionBall):
            try:
                limit = None if radius is None else number(radius)
                return infer(rule(function, order, limit, bound))
            except KernelError:
                continue
    return None


def _expressions(
    function: Univariate, order: int, radius: Fraction | None
) -> list[tuple[Expression, Fraction | None, Fraction | None]]:
    """The expressions whose absolute values the constant bounds, with their intervals."""
    if order == -1:
        start = value_at_zero(function)
        quotients = [divide_by_argument(piece.expression, start) for piece in function.pieces]
        if start is None or any(quotient is None for quotient in quotients):
            return _expressions(function, 1, radius)
        pairs = [(quotient, piece) for quotient, piece in zip(quotients, function.pieces, strict=True)]
    else:
        pairs = [(piece.expression, piece) for piece in function.derivative_pieces(order)]
    found: list[tuple[Expression, Fraction | None, Fraction | None]] = []
    for expression, piece in pairs:
        ends = clip(piece, radius)
        if ends is not None and expression is not None:
            found.append((expression, *ends))
    return found


def _candidates(function: Univariate, order: int, radius: Fraction | None) -> Iterator[Poly]:
    """Guesses of the supremum, best first."""
    values: list[tuple[float, fmpq | None]] = []
    for expression, lower, upper in _expressions(function, order, radius):
        part = _exact_values(expression, lower, upper)
        values.extend(part if part is not None else [(_search(expression, lower, upper), None)])
    if not values or any(not math.isfinite(value) for value, _ in values):
        return
    largest, square = max(values, key=lambda pair: (pair[0], pair[1] is not None))
    if square is not None:
        exact = sqrt_exact(square)
        yield number(exact) if exact is not None else Root(number(square)).poly()
    for excess in EXCESS:
        guess = Fraction(largest) * (1 + Fraction(excess))
        yield number(round_up(rational(guess), ROUND_BITS))


def _exact_values(
    expression: Expression, lower: Fraction | None, upper: Fraction | None
) -> list[tuple[float, fmpq | None]] | None:
    """|value| as a float and its square (where rational) at all candidates for the maximum.

    None where the expression is no polynomial in one generator of bounded range.
    """
    generators = expression.indeterminates()
    generator: Call | None = None
    if len(generators) > 1:
        return None
    if generators:
        (generator,) = generators
        interval = generator_range(generator, lower, upper)
        if interval is None:
            return [(math.inf, None)]
    else:
        interval = (fmpq(0), fmpq(0))
    poly = in_generator(expression, generator)
    found: list[tuple[float, fmpq | None]] = []
    for point in interval:
        value = poly(point)
        found.append((abs(_float(value)), value * value))
    for factor, _ in poly.derivative().factor()[1] if poly.degree() > 0 else []:
        square = (poly * poly) % factor
        exact = square[0] if square.degree() <= 0 else None
        for root in _real_roots(factor):
            if _float(interval[0]) <= root <= _float(interval[1]):
                found.append((abs(_horner(poly, root)), exact))
    return found


def _float(value: fmpq) -> float:
    return float(Fraction(int(value.p), int(value.q)))


def _horner(poly: fmpq_poly, point: float) -> float:
    return float(np.polyval([_float(c) for c in reversed(poly.coeffs())], point))


def _real_roots(poly: fmpq_poly) -> list[float]:
    roots = np.roots([_float(c) for c in reversed(poly.coeffs())])
    return [float(root.real) for root in roots if abs(root.imag) < 1e-9 * (1 + abs(root))]


def _search(expression: Expression, lower: Fraction | None, upper: Fraction | None) -> float:
    """The largest |value| found on a grid and by refinement around its best points."""
    low = -SEARCH_RADIUS if lower is None else float(lower)
    high = SEARCH_RADIUS if upper is None else float(upper)
    if _grows(expression, lower, upper):
        return math.inf
    best = 0.0
    grid = np.linspace(low, high, 4001)
    for _ in range(12):
        values = np.abs(_float_values(expression, grid))
        index = int(np.argmax(values))
        best = max(best, float(values[index]))
        grid = np.linspace(grid[max(index - 1, 0)], grid[min(index + 1, len(grid) - 1)], 41)
    return best


def _grows(expression: Expression, lower: Fraction | None, upper: Fraction | None) -> bool:
    """Whether the values seem to grow without bound at an infinite end."""
    for end, sign in ((lower, -1.0), (upper, 1.0)):
        if end is None:
            near, far = np.abs(_float_values(expression, sign * np.array([200.0, 400.0])))
            if not np.isfinite(far) or far > 1.5 * near + 1e-6:
                return True
    return False


def _float_values(expression: Expression, t: np.ndarray) -> np.ndarray:
    total = np.zeros_like(t)
    with np.errstate(over="ignore", invalid="ignore"):
        for (degree, calls), coefficient in expression.terms:
            term = float(coefficient) * t**degree
            for inner, exponent in calls:
                term = term * _float_call(inner.name, float(inner.rate) * t) ** exponent
            total = total + term
    return total


def _float_call(name: str, x: np.ndarray) -> np.ndarray:
    match name:
        case "exp":
            return np.exp(x)
        case "tanh":
            return np.tanh(x)
        case "sigmoid":
            return 0.5 * (1 + np.tanh(x / 2))
        case "softplus":
            return np.logaddexp(0.0, x)
        case "normal_cdf":
            return np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in np.atleast_1d(x)])
        case "normal_pdf":
            return np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
        case "sin":
            return np.sin(x)
        case _:
            return np.cos(x)
