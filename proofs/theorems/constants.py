"""ACT: the constants of an activation, found by search and established by kernel rules.

For R in (0, oo]: sup|sigma|, the secant slope l(R), beta(R), gamma(R), delta(R).  The search may
use floats; what it finds is a guess until `SupOfFunction` or `SupOfFunctionBall` has shown it.
"""

# An untrusted search in floats.
# pyright: basic
from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
from flint import ctx, fmpq, fmpq_poly

from proofs.errors import KernelError
from proofs.kernel.ceilings import Attained, ceiling_ball
from proofs.kernel.core import Rule, Theorem, infer
from proofs.kernel.domains import STARTS, check_analytic
from proofs.kernel.exact_values import SurdPoint, exact_form
from proofs.kernel.monotone import round_up, sqrt_exact
from proofs.kernel.ratios import Ratio, generator_range, ratio_of
from proofs.kernel.rules import FunctionValueBound, SupOfFunction, SupOfFunctionBall
from proofs.kernel.scalars import FunctionValue, Poly, Root, number
from proofs.kernel.suprema import beyond, kink_values, parts_of, secant_parts
from proofs.kernel.univariate import Expression, Univariate, constant

from .tactics import rational

__all__ = ["enclosing_number", "supremum"]

EXCESS = (2.0**-46, 1e-12, 1e-11, 1e-10, 1e-9, 1e-7, 1e-5)
ROUND_BITS = 60
NEAR = 1e-7
MAX_DENOMINATOR = 16


@cache
def supremum(function: Univariate, order: int, radius: Fraction | None = None) -> Theorem | None:
    """A theorem |sigma^(order)(t)| <= c for |t| <= radius (None: all t), or None.

    order -1 is the secant slope: |sigma(t) - sigma(0)| <= c |t|; order 0 is sup|sigma|.

    Returns:
        A theorem whose c is the supremum itself where that is rational, the root of a rational, or
        the value at a point p root(q) with a small rational p and q; otherwise c exceeds it by a
        relative 1e-11 or less as a rule; within a radius more, where a whole period or a whole range of
        an inner function is looked at.  None where no finite c could be established.
    """
    limit = None if radius is None else number(radius)
    for guess in _guesses(function, order, radius):
        for rule in guess.rules(function, order, limit):
            try:
                return infer(rule)
            except KernelError:
                continue
    return None


@cache
def enclosing_number(atom: FunctionValue) -> Theorem:
    """|e(p root(q))| <= c with a rational c of 60 bits."""
    with ctx.workprec(128):
        value = ceiling_ball(Attained(atom.expression, SurdPoint(atom.factor, atom.radicand)))
        upper = value.upper()
        mantissa, exponent = upper.man_exp()
    exact = fmpq(mantissa) * fmpq(2) ** int(exponent)
    return infer(FunctionValueBound(atom, round_up(exact, ROUND_BITS)))


@dataclass(frozen=True, slots=True)
class _Guess:
    """A bound, and the points at which it may be attained."""

    bound: Poly
    peaks: tuple[tuple[Fraction, Fraction], ...] = ()

    def rules(self, function: Univariate, order: int, limit: Poly | None) -> Iterator[Rule]:
        exact = not any(isinstance(inner, FunctionValue) for inner in self.bound.atoms())
        if exact and not self.peaks:
            yield SupOfFunction(function, order, limit, self.bound)
        yield SupOfFunctionBall(function, order, limit, self.bound, self.peaks)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A value |f(point)| found on one piece: as a float, its rational square, and the place."""

    value: float
    square: fmpq | None
    expression: Expression
    place: float | None


Part = tuple[Expression, Fraction | None, Fraction | None]


def _expressions(function: Univariate, order: int, radius: Fraction | None) -> Iterator[list[Part]]:
    """The expressions whose absolute values the constant bounds, with their intervals; best first.

    The secant slope is that of (sigma(t) - sigma(0)) / t, or else sup|sigma'| bounds it.
    """
    if order != -1:
        listed = kink_values(function, radius) if order == 0 else []
        values = [(constant(value), Fraction(0), Fraction(0)) for value in listed]
        yield [*parts_of(function, order, radius), *values]
        return
    parts = secant_parts(function, radius)
    if parts is not None:
        yield parts
    yield list(parts_of(function, 1, radius))


def _guesses(function: Univariate, order: int, radius: Fraction | None) -> Iterator[_Guess]:
    """Guesses of the supremum, best first."""
    try:
        check_analytic(function)
        alternatives = list(_expressions(function, order, radius))
    except KernelError:
        return
    for parts in alternatives:
        yield from _guesses_for(function, order, parts)


def _guesses_for(function: Univariate, order: int, parts: list[Part]) -> Iterator[_Guess]:
    found: list[_Candidate] = []
    try:
        for expression, lower, upper in parts:
            if function.in_pi:
                lower, upper = None, None
            exact = _exact_values(expression, lower, upper)
            # The range of an inner function may be thought larger than it is.
            is_finite = bool(exact) and all(math.isfinite(candidate.value) for candidate in exact)
            found.extend(exact if is_finite else [_search(expression, lower, upper)])
    except (KernelError, OverflowError):
        return
    if not found or any(not math.isfinite(candidate.value) for candidate in found):
        return
    largest = max(candidate.value for candidate in found)
    tops = [c for c in found if c.value >= largest * (1 - 1e-12)]
    square = next((c.square for c in tops if c.square is not None), None)
    if square is not None:
        yield _Guess(_root_of(square))
    elif order >= 0:
        yield from _peak_guesses(tops)
    for excess in EXCESS:
        guess = Fraction(largest) * (1 + Fraction(excess))
        yield _Guess(number(round_up(rational(guess), ROUND_BITS)))


def _root_of(square: fmpq) -> Poly:
    exact = sqrt_exact(square)
    return number(exact) if exact is not None else Root(number(square)).poly()


def _peak_guesses(tops: list[_Candidate]) -> Iterator[_Guess]:
    """The value at a point p root(q) near the place of the maximum, as a rational if it is one."""
    points: list[tuple[Fraction, Fraction]] = []
    for candidate in tops:
        point = None if candidate.place is None else _surd_near(candidate.place)
        if point is None:
            return
        points.append(point)
    # An even or odd derivative is attained at the mirrored point too.
    peaks = tuple(dict.fromkeys([*points, *((-p, q) for p, q in points)]))
    expression, (factor, radicand) = tops[0].expression, points[0]
    form = exact_form(expression, SurdPoint(factor, radicand))
    if set(form) <= {(False, ())}:
        value = abs(form.get((False, ()), Fraction(0)))
        yield _Guess(number(rational(value)), peaks)
    else:
        yield _Guess(FunctionValue(expression, factor, radicand).poly(), peaks)


def _surd_near(place: float) -> tuple[Fraction, Fraction] | None:
    """p, q with p root(q) near the place: 0, or +-1 times the root of a simple rational."""
    if abs(place) < NEAR:
        return Fraction(0), Fraction(1)
    square = Fraction(place * place).limit_denominator(MAX_DENOMINATOR)
    if square <= 0 or abs(float(square) - place * place) > 4 * NEAR * max(1.0, place * place):
        return None
    return Fraction(1 if place > 0 else -1), square


def _exact_values(expression: Expression, lower: Fraction | None, upper: Fraction | None) -> list[_Candidate]:
    """|value| and its square (where rational) at all candidates for the maximum.

    Empty where the expression is no ratio of polynomials in one generator of known range.
    """
    ratio = ratio_of(expression)
    values = None if ratio is None else generator_range(ratio.generator, lower, upper)
    if ratio is None or values is None:
        return []
    found = [_at_end(expression, ratio, end) for end in (values.lower, values.upper)]
    top, bottom = ratio.top, ratio.bottom
    slope = top.derivative() * bottom - top * bottom.derivative()
    for factor, _ in slope.factor()[1] if slope.degree() > 0 else []:
        exact = _square_at_root(top, bottom, factor)
        for root in _real_roots(factor):
            inside = (values.lower is None or _float(values.lower) <= root) and (
                values.upper is None or root <= _float(values.upper)
            )
            if inside:
                value = abs(_horner(top, root) / _horner(bottom, root))
                found.append(_Candidate(value, exact, expression, None))
    return found


def _at_end(expression: Expression, ratio: Ratio, end: fmpq | None) -> _Candidate:
    """The value at an end of the range, the limit at an infinite one."""
    top, bottom = ratio.top, ratio.bottom
    if end is None:
        if top.degree() > bottom.degree():
            return _Candidate(math.inf, None, expression, None)
        value = top[bottom.degree()] / bottom[bottom.degree()]
    elif bottom(end) == 0:
        return _Candidate(math.inf, None, expression, None)
    else:
        value = top(end) / bottom(end)
    return _Candidate(abs(_float(value)), value * value, expression, None)


def _square_at_root(top: fmpq_poly, bottom: fmpq_poly, factor: fmpq_poly) -> fmpq | None:
    """(top/bottom)^2 at the roots of an irreducible factor, if it is one rational number."""
    common, inverse, _ = (bottom % factor).xgcd(factor)
    if common.degree() != 0:
        return None
    quotient = (top * inverse) % factor
    square = (quotient * quotient) % factor
    return square[0] / (common[0] * common[0]) if square.degree() <= 0 else None


def _float(value: fmpq) -> float:
    return float(Fraction(int(value.p), int(value.q)))


def _horner(poly: fmpq_poly, point: float) -> float:
    return float(np.polyval([_float(c) for c in reversed(poly.coeffs())], point))


def _real_roots(poly: fmpq_poly) -> list[float]:
    roots = np.roots([_float(c) for c in reversed(poly.coeffs())])
    return [float(root.real) for root in roots if abs(root.imag) < 1e-9 * (1 + abs(root))]


def _search(expression: Expression, lower: Fraction | None, upper: Fraction | None) -> _Candidate:
    """The largest |value| found on a grid and by refinement around its best points.

    Infinite sides are searched as far as a tail bound may exceed what was found.
    """
    sides = [side for side, end in ((-1, lower), (1, upper)) if end is None]
    found = _Candidate(0.0, None, expression, None)
    for start in STARTS if sides else STARTS[:1]:
        low = -start if lower is None else lower
        high = start if upper is None else upper
        if low <= high:
            found = _search_between(expression, float(low), float(high))
        with ctx.workprec(128):
            outside = max((float(beyond(expression, side, start).upper()) for side in sides), default=0.0)
        if outside <= found.value * (1 + EXCESS[-1]):
            return found
        if math.isfinite(outside) and start == STARTS[-1]:
            return _Candidate(max(found.value, outside), None, expression, None)
    return _Candidate(math.inf, None, expression, None)


def _search_between(expression: Expression, low: float, high: float) -> _Candidate:
    best, place = 0.0, 0.0
    # An odd number of points: the middle, often a peak, is one of them.
    grid = np.linspace(low, high, 4001)
    for _ in range(12):
        values = np.abs(_float_values(expression, grid))
        values = np.where(np.isnan(values), np.inf, values)
        index = int(np.argmax(values))
        if float(values[index]) > best:
            best, place = float(values[index]), float(grid[index])
        grid = np.linspace(grid[max(index - 1, 0)], grid[min(index + 1, len(grid) - 1)], 41)
    return _Candidate(best, None, expression, place)


def _float_values(expression: Expression, t: np.ndarray) -> np.ndarray:
    total = np.zeros_like(t)
    with np.errstate(all="ignore"):
        for (degree, calls), coefficient in expression.terms:
            term = float(coefficient) * t**degree
            for inner, exponent in calls:
                term = term * _float_call(inner.name, _float_values(inner.argument, t)) ** exponent
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
        case "cos":
            return np.cos(x)
        case "inverse":
            return 1.0 / x
        case "sqrt":
            return np.sqrt(x)
        case "log":
            return np.log(x)
        case "pi":
            return np.full_like(x, math.pi)
        case _:
            raise KernelError(f"no float reading is known for {name!r}")
