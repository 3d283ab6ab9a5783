"""Certified suprema of the derivatives of functions given by pieces, exactly or in balls.

`certify_supremum` shows |sigma^(k)| <= c on |t| <= R.  Routes, each rigorous:
  exact: the expression is a rational function of one generator (t, tanh, sigmoid, exp, ...) with a
         known range: root counting over Q (`ratios`);
  balls: on a bounded interval, bisection with second-order enclosures (`bisection`), apart from
         peaks at which c is attained (`ceilings`);
  tails: on a half-line, a polynomial plus a bounded rest (`tails`).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from flint import arb, ctx, fmpq

from proofs.errors import KernelError

from .bisection import Interval, interval_of, is_bounded_between
from .ceilings import Attained, Ceiling, RootOf, ceiling_ball, peak_around
from .domains import PRECISION, STARTS, check_analytic, check_continuity, value_at
from .exact_values import SurdPoint
from .ratios import generator_range, ratio_is_bounded, ratio_of
from .tails import tail_bound, tail_of
from .univariate import Expression, Piece, Univariate, argument, call, constant

__all__ = [
    "beyond", "certify_range", "certify_secant", "certify_supremum", "clip", "is_bounded", "kink_values",
    "parts_of", "secant_parts",
]  # fmt: skip

Part = tuple[Expression, Fraction | None, Fraction | None]
NEAR_TURNS = 4
MAX_TURNS = 200


def clip(piece: Piece, radius: Fraction | None) -> tuple[Fraction | None, Fraction | None] | None:
    """The part of the piece in [-radius, radius]; None if there is none."""
    lower, upper = piece.lower, piece.upper
    if radius is not None:
        lower = -radius if lower is None else max(lower, -radius)
        upper = radius if upper is None else min(upper, radius)
        if lower > upper:
            return None
    return lower, upper


def parts_of(function: Univariate, order: int, radius: Fraction | None) -> Iterator[Part]:
    """The expressions of sigma^(order) with the intervals on which they count.

    A function with a period is looked at over a whole one; where it drifts, sigma itself over the
    copies within the radius.
    """
    period = function.period
    if period is not None and period.drift and order == 0:
        pieces = list(_copies(function, _turns_within(function, radius)))
    else:
        pieces = list(function.derivative_pieces(order))
        radius = None if period is not None else radius
    for piece in pieces:
        ends = clip(piece, radius)
        if ends is not None:
            yield piece.expression, *ends


def certify_supremum(
    function: Univariate,
    order: int,
    radius: Fraction | None,
    ceiling: Ceiling,
    *,
    balls: bool = True,
    peaks: tuple[SurdPoint, ...] = (),
) -> None:
    """Returns if |sigma^(order)(t)| <= the ceiling is shown for all |t| <= radius (None: all t).

    One-sided limits at kinks count, and for order 0 the values there.  Without `balls` by the
    exact route alone.

    Raises:
        KernelError: if it is false or could not be shown.
    """
    check_analytic(function)
    if order == 0 and not all(
        is_bounded(constant(value), Fraction(0), Fraction(0), ceiling, balls=balls)
        for value in kink_values(function, radius)
    ):
        raise KernelError(f"the value of {function.label()} at a kink could not be shown to be bounded")
    for expression, lower, upper in parts_of(function, order, radius):
        if not is_bounded(
            expression, lower, upper, ceiling, balls=balls, in_pi=function.in_pi, peaks=peaks
        ):
            raise KernelError(f"the bound of |{function.label()}^({order})| could not be shown")


def kink_values(function: Univariate, radius: Fraction | None) -> list[Fraction]:
    """The values listed at kinks with |kink| <= radius; without drift those of a whole period."""
    period = function.period
    if period is None:
        return [value for kink, value in function.values if radius is None or abs(kink) <= radius]
    if not period.drift:
        return [value for _, value in function.values]
    turns = _turns_within(function, radius)
    return [value for kink, value in _copied_values(function, turns) if radius is None or abs(kink) <= radius]


def certify_range(function: Univariate, order: int, lower: fmpq, upper: fmpq) -> None:
    """Returns if lower <= sigma^(order)(t) <= upper is shown for all t, by the exact route alone.

    Raises:
        KernelError: if it is false or could not be shown.
    """
    check_analytic(function)
    middle, half = (lower + upper) / 2, (upper - lower) / 2
    shift = constant(-Fraction(int(middle.p), int(middle.q)))
    listed = kink_values(function, None) if order == 0 else []
    values: list[Part] = [(constant(value), Fraction(0), Fraction(0)) for value in listed]
    ceiling = RootOf(half * half)
    for expression, start, end in [*parts_of(function, order, None), *values]:
        # |sigma^(k) - middle| <= half.
        moved = expression + shift
        if half < 0 or not is_bounded(moved, start, end, ceiling, balls=False, in_pi=function.in_pi):
            raise KernelError(f"the range of {function.label()}^({order}) could not be shown")


def certify_secant(
    function: Univariate, radius: Fraction | None, ceiling: Ceiling, *, balls: bool = True
) -> None:
    """Returns if |sigma(t) - sigma(0)| <= the ceiling * |t| is shown for all |t| <= radius.

    On each piece by a bound of (sigma(t) - sigma(0)) / t, where that is visible; otherwise by
    sup|sigma'| and the mean value theorem, sigma being continuous.

    Raises:
        KernelError: if it is false or could not be shown.
    """
    check_analytic(function)
    parts = secant_parts(function, radius)
    if parts is not None and all(
        is_bounded(expression, lower, upper, ceiling, balls=balls) for expression, lower, upper in parts
    ):
        return
    check_continuity(function)
    certify_supremum(function, 1, radius, ceiling, balls=balls)


def secant_parts(function: Univariate, radius: Fraction | None) -> list[Part] | None:
    """Expressions whose bounds on their intervals together bound the secant slope, or None.

    Values at kinks count as constants on single points.  With a period in rational units: the
    copies near 0, and far out |sigma(t) - sigma(0)| <= |m| |t| + |g(t)| with g = sigma - sigma(0) -
    m t periodic, so |g| / F is a part where |t| >= F.

    None if sigma(0) is not visibly rational, or a piece that reaches 0 has no visible factor t.
    """
    start = value_at(function, Fraction(0))
    if start is None or function.in_pi:
        return None
    found: list[Part] = []
    turns = _turns_near_zero(function)
    for piece in _copies(function, turns):
        ends = clip(piece, radius)
        if ends is None:
            continue
        quotient = _quotient(piece.expression + constant(-start), *ends)
        if quotient is None:
            return None
        found.append((quotient, *ends))
    for kink, value in _copied_values(function, turns):
        if kink != 0 and (radius is None or abs(kink) <= radius):
            found.append((constant((value - start) / kink), kink, kink))
    return [*found, *_far_parts(function, start)]


Turns = tuple[tuple[Fraction, Fraction], ...]


def _turns(function: Univariate, reach: int) -> Turns:
    """The shifts in t and in the value of the copy around 0 and of `reach` copies on each side."""
    period, first = function.period, function.pieces[0].lower
    if period is None or first is None:
        return ((Fraction(0), Fraction(0)),)
    at_zero = -first // period.length
    numbers = range(at_zero - reach, at_zero + reach + 1)
    return tuple((turn * period.length, turn * period.drift) for turn in numbers)


def _turns_near_zero(function: Univariate) -> Turns:
    return _turns(function, NEAR_TURNS)


def _turns_within(function: Univariate, radius: Fraction | None) -> Turns:
    """Turns whose copies cover |t| <= radius."""
    if function.period is None or function.period.in_pi or radius is None:
        raise KernelError(f"{function.label()} drifts, so it has no supremum")
    reach = -(-radius // function.period.length) + 1
    if reach > MAX_TURNS:
        raise KernelError(f"expected a radius of at most {MAX_TURNS} periods")
    return _turns(function, int(reach))


def _copies(function: Univariate, turns: Turns) -> Iterator[Piece]:
    for shift, drift in turns:
        for piece in function.pieces:
            if shift == 0:
                yield piece
            elif piece.lower is not None and piece.upper is not None:
                moved = piece.expression.at(argument() + constant(-shift)) + constant(drift)
                yield Piece(piece.lower + shift, piece.upper + shift, moved)


def _copied_values(function: Univariate, turns: Turns) -> Iterator[tuple[Fraction, Fraction]]:
    for shift, drift in turns:
        for kink, value in function.values:
            yield kink + shift, value + drift


def _far_parts(function: Univariate, start: Fraction) -> Iterator[Part]:
    """(|m| + |g| / F) on one period: bounds |sigma - sigma(0)| / |t| on all copies not looked at."""
    period, first = function.period, function.pieces[0].lower
    if period is None or first is None:
        return
    slope = period.drift / period.length
    # The copy around 0 and n on each side cover |t| <= n length.
    far = NEAR_TURNS * period.length
    for sign in (1, -1):
        for piece in function.pieces:
            gap = piece.expression + constant(-start) + argument().scaled(-slope)
            yield gap.scaled(Fraction(sign) / far) + constant(abs(slope)), piece.lower, piece.upper
        for kink, value in function.values:
            gap = (value - start - slope * kink) * sign / far + abs(slope)
            yield constant(gap), kink, kink


def _quotient(rest: Expression, lower: Fraction | None, upper: Fraction | None) -> Expression | None:
    """Rest / t where every monomial has the factor t, or where the interval does not reach 0."""
    if all(degree > 0 for (degree, _), _ in rest.terms):
        return Expression(tuple(((degree - 1, calls), c) for (degree, calls), c in rest.terms))
    beyond = (lower is not None and lower > 0) or (upper is not None and upper < 0)
    return rest * call("inverse", argument()) if beyond else None


def is_bounded(
    expression: Expression,
    lower: Fraction | None,
    upper: Fraction | None,
    ceiling: Ceiling,
    *,
    balls: bool = True,
    in_pi: bool = False,
    peaks: tuple[SurdPoint, ...] = (),
) -> bool:
    """Whether |expression| <= the ceiling is shown on the interval, on which it is analytic."""
    exact = _exact_route(expression, lower, upper, ceiling, balls=balls, in_pi=in_pi)
    if exact is not None or not balls:
        return exact is True
    with ctx.workprec(PRECISION):
        bound = ceiling_ball(ceiling)
        far = _far_enough(expression, lower, upper, bound)
        if far is None:
            return False
        inner = interval_of(lower, upper, far, in_pi)
        if inner is None:
            return True
        rest = _without_peaks(expression, inner, ceiling, bound, peaks)
        return all(is_bounded_between(expression, interval, bound) for interval in rest)


def _far_enough(
    expression: Expression, lower: Fraction | None, upper: Fraction | None, bound: arb
) -> Fraction | None:
    """The first of a few S such that |expression| <= bound is shown beyond it on the infinite sides."""
    sides = [side for side, end in ((-1, lower), (1, upper)) if end is None]
    for start in STARTS if sides else STARTS[:1]:
        if all(beyond(expression, side, start) <= bound for side in sides):
            return start
    return None


def beyond(expression: Expression, side: int, start: Fraction) -> arb:
    """A bound of |expression| for side * t >= start, infinite where none is known."""
    try:
        return tail_bound(tail_of(expression, side, start), start)
    except KernelError:
        return arb("inf")


def _exact_route(
    expression: Expression,
    lower: Fraction | None,
    upper: Fraction | None,
    ceiling: Ceiling,
    *,
    balls: bool,
    in_pi: bool,
) -> bool | None:
    """Whether |expression| <= the ceiling on the interval; None if this route does not apply."""
    ratio = ratio_of(expression)
    if ratio is None or isinstance(ceiling, Attained):
        return None
    if in_pi:
        # Ends in units of pi: only ranges over all of R are known.
        if any(degree for (degree, _), _ in expression.terms):
            return None
        lower, upper = None, None
    values = generator_range(ratio.generator, lower, upper, balls=balls)
    if values is None:
        return None
    # The range of a call whose argument is not c t may be larger than its values.
    inner = ratio.generator
    if ratio_is_bounded(ratio, values, ceiling.square):
        return True
    return None if inner is not None and inner.rate is None else False


def _without_peaks(
    expression: Expression, whole: Interval, ceiling: Ceiling, bound: arb, peaks: tuple[SurdPoint, ...]
) -> list[Interval]:
    """The parts of the interval outside the neighbourhoods of peaks at which the ceiling is attained."""
    found = [peak_around(expression, ceiling, point, bound) for point in peaks]
    covered = sorted((peak for peak in found if peak is not None), key=lambda peak: float(peak.lower))
    rest: list[Interval] = []
    start = whole.lower
    for peak in covered:
        if whole.lower < peak.upper and peak.lower < whole.upper:
            if start < peak.lower:
                rest.append(Interval(start, peak.lower))
            start = max(start, peak.upper)
    if start < whole.upper or not start > whole.lower:
        rest.append(Interval(start, whole.upper))
    return rest
