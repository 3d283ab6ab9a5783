"""Certified suprema of univariate expressions, exactly or in balls.

`certify_supremum` decides whether |sigma^(k)| <= c on |t| <= R.  Three routes, each rigorous:
  exact: the expression is a polynomial in one generator with a known range (t, tanh, sigmoid,
         exp, normal_cdf, sin, cos): root counting over Q;
  balls: on a bounded interval, bisection with second-order enclosures;
  tails: on a half-line, sigmoid, tanh and the normal distribution are replaced by their limits
         plus an exponentially small rest, and every monomial t^a e^(-bt) falls beyond a/b.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache

from flint import arb, ctx, fmpq, fmpq_poly

from proofs.errors import KernelError

from .exact_sup import is_nonnegative_on
from .intervals import ball, call_value, evaluate, hull, to_fmpq
from .univariate import Call, Expression, Piece, Univariate, argument, call, constant

__all__ = [
    "certify_range", "certify_secant", "certify_supremum", "check_continuity", "clip", "divide_by_argument",
    "exact_value",
    "generator_range", "in_generator", "is_bounded", "value_at_zero",
]  # fmt: skip

PRECISION = 128
MAX_PIECES = 20_000
TAIL_START = Fraction(16)


@cache
def check_continuity(function: Univariate) -> None:
    """Refuses a function whose pieces are not shown to agree where they meet.

    Two values agree if both are given by rationals (polynomials in t and in exp(0), tanh(0), ...
    at t = 0) and are equal.
    """
    for left, right in zip(function.pieces, function.pieces[1:], strict=False):
        point = left.upper
        if point is None:
            raise KernelError("expected a finite kink")
        values = [exact_value(piece.expression, point) for piece in (left, right)]
        if values[0] is None or values[0] != values[1]:
            raise KernelError(f"expected {function.label()} to be shown continuous at t={point}")


AT_ZERO = {"exp": Fraction(1), "tanh": Fraction(0), "sigmoid": Fraction(1, 2), "normal_cdf": Fraction(1, 2),
           "sin": Fraction(0), "cos": Fraction(1)}  # fmt: skip


def exact_value(expression: Expression, point: Fraction) -> Fraction | None:
    """The value at a rational point where it is visibly rational, else None."""
    total = Fraction(0)
    for (degree, calls), coefficient in expression.terms:
        term = coefficient * point**degree
        for inner, exponent in calls:
            if point != 0 or inner.name not in AT_ZERO:
                return None
            term = term * AT_ZERO[inner.name] ** exponent
        total += term
    return total


# The range of a generator on a half-line or R: (limit at -oo, value at 0, limit at +oo) for a
# positive rate; sin and cos stay in [-1, 1]; t, exp and softplus are unbounded on one side.
RANGES = {"tanh": (-1, 0, 1), "sigmoid": (0, Fraction(1, 2), 1), "normal_cdf": (0, Fraction(1, 2), 1)}


def clip(piece: Piece, radius: Fraction | None) -> tuple[Fraction | None, Fraction | None] | None:
    """The part of the piece in [-radius, radius]; None if there is none."""
    lower, upper = piece.lower, piece.upper
    if radius is not None:
        lower = -radius if lower is None else max(lower, -radius)
        upper = radius if upper is None else min(upper, radius)
        if lower > upper:
            return None
    return lower, upper


def generator_range(
    generator: Call | None, lower: Fraction | None, upper: Fraction | None, *, balls: bool = True
) -> tuple[fmpq, fmpq] | None:
    """A rational interval that contains the generator's values, None if it is unbounded.

    Without `balls`, ends are limits or values at 0; otherwise ends of balls where these are sharper.
    """
    if generator is None:
        return None if lower is None or upper is None else (to_fmpq(lower), to_fmpq(upper))
    if lower == upper == 0 and generator.name in AT_ZERO:
        return to_fmpq(AT_ZERO[generator.name]), to_fmpq(AT_ZERO[generator.name])
    if generator.name in ("sin", "cos"):
        return fmpq(-1), fmpq(1)
    if generator.rate < 0:
        lower, upper = (None if upper is None else -upper), (None if lower is None else -lower)
        generator = Call(generator.name, -generator.rate)
    if not balls:
        if generator.name == "softplus":
            return None
        lower = lower if lower == 0 else Fraction(0) if lower is not None and lower > 0 else None
        upper = upper if upper == 0 else Fraction(0) if upper is not None and upper < 0 else None
    ends = [_generator_end(generator, lower, 0), _generator_end(generator, upper, 1)]
    if ends[0] is None or ends[1] is None:
        return None
    return ends[0], ends[1]


def _generator_end(generator: Call, point: Fraction | None, side: int) -> fmpq | None:
    """A rational beyond the value of an increasing generator at its end point."""
    if generator.name in RANGES:
        low, middle, high = RANGES[generator.name]
        if point is None:
            return to_fmpq(Fraction(high if side else low))
        if point == 0:
            return to_fmpq(Fraction(middle))
    elif generator.name in ("exp", "softplus"):
        if point is None:
            return None if side else fmpq(0)
        if point == 0 and generator.name == "exp":
            return fmpq(1)
    else:
        return None
    value = call_value(generator, ball(point))
    return _rational(value.upper() if side else value.lower())


def _rational(value: arb) -> fmpq:
    """The exact rational that a ball of radius zero is."""
    if not value.is_exact() or not value.is_finite():
        raise KernelError("expected a finite exact ball")
    mantissa, exponent = value.man_exp()
    return fmpq(mantissa) * fmpq(2) ** int(exponent)


def in_generator(expression: Expression, generator: Call | None) -> fmpq_poly:
    coefficients: dict[int, fmpq] = {}
    for (degree, calls), coefficient in expression.terms:
        exponent = degree if generator is None else (calls[0][1] if calls else 0)
        coefficients[exponent] = coefficients.get(exponent, fmpq(0)) + to_fmpq(coefficient)
    return fmpq_poly([coefficients.get(k, fmpq(0)) for k in range(max(coefficients, default=0) + 1)])


def _exact_route(
    expression: Expression, lower: Fraction | None, upper: Fraction | None, square: fmpq, balls: bool
) -> bool | None:
    """Whether |expression| <= sqrt(square) on the interval; None if this route does not apply."""
    generators = expression.indeterminates()
    if not generators:
        value = in_generator(expression, None)[0]
        return bool(value * value <= square)
    if len(generators) > 1:
        return None
    (generator,) = generators
    interval = generator_range(generator, lower, upper, balls=balls)
    if interval is None:
        return None
    poly = in_generator(expression, generator)
    return is_nonnegative_on(fmpq_poly([square]) - poly * poly, *interval)


def certify_supremum(
    function: Univariate, order: int, radius: Fraction | None, square: fmpq, *, balls: bool = True
) -> None:
    """Returns if |sigma^(order)(t)| <= sqrt(square) is shown for all |t| <= radius (None: all t).

    Without `balls` by the exact route alone.

    Raises:
        KernelError: if it is false or could not be shown.
    """
    check_continuity(function)
    for piece in function.derivative_pieces(order):
        ends = clip(piece, radius)
        if ends is not None and not is_bounded(piece.expression, *ends, square, balls):
            raise KernelError(f"the bound of |{function.label()}^({order})| could not be shown")


def certify_range(function: Univariate, order: int, lower: fmpq, upper: fmpq) -> None:
    """Returns if lower <= sigma^(order)(t) <= upper is shown for all t, by the exact route alone.

    Raises:
        KernelError: if it is false or could not be shown.
    """
    check_continuity(function)
    middle, half = (lower + upper) / 2, (upper - lower) / 2
    shift = constant(-Fraction(int(middle.p), int(middle.q)))
    for piece in function.derivative_pieces(order):
        # |sigma^(k) - middle| <= half.
        if half < 0 or not is_bounded(piece.expression + shift, piece.lower, piece.upper, half * half, False):
            raise KernelError(f"the range of {function.label()}^({order}) could not be shown")


def certify_secant(
    function: Univariate, radius: Fraction | None, square: fmpq, *, balls: bool = True
) -> None:
    """Returns if |sigma(t) - sigma(0)| <= sqrt(square) |t| is shown for all |t| <= radius.

    Where sigma(t) - sigma(0) is visibly t q(t), by sup|q|; otherwise by sup|sigma'| and the mean
    value theorem, sigma being continuous.
    """
    check_continuity(function)
    start = value_at_zero(function)
    quotients = [divide_by_argument(piece.expression, start) for piece in function.pieces]
    if start is None or any(quotient is None for quotient in quotients):
        certify_supremum(function, 1, radius, square, balls=balls)
        return
    for piece, quotient in zip(function.pieces, quotients, strict=True):
        ends = clip(piece, radius)
        if ends is not None and quotient is not None and not is_bounded(quotient, *ends, square, balls):
            certify_supremum(function, 1, radius, square, balls=balls)
            return


def value_at_zero(function: Univariate) -> Fraction | None:
    """sigma(0) where it is visibly rational."""
    for piece in function.pieces:
        if (piece.lower is None or piece.lower <= 0) and (piece.upper is None or piece.upper >= 0):
            return exact_value(piece.expression, Fraction(0))
    return None


def divide_by_argument(expression: Expression, start: Fraction | None) -> Expression | None:
    """(expression - start) / t where every monomial has the factor t."""
    rest = expression + constant(-(start or Fraction(0)))
    if any(degree == 0 for (degree, _), _ in rest.terms):
        return None
    return Expression(tuple(((degree - 1, calls), c) for (degree, calls), c in rest.terms))


def is_bounded(
    expression: Expression, lower: Fraction | None, upper: Fraction | None, square: fmpq, balls: bool = True
) -> bool:
    """Whether |expression| <= sqrt(square) is shown on the interval."""
    exact = _exact_route(expression, lower, upper, square, balls)
    if exact is not None or not balls:
        return exact is True
    with ctx.workprec(PRECISION):
        bound = arb(square).sqrt()
        inner_lower = -TAIL_START if lower is None else lower
        inner_upper = TAIL_START if upper is None else upper
        if lower is None and not _tail_is_bounded(expression, -1, bound):
            return False
        if upper is None and not _tail_is_bounded(expression, 1, bound):
            return False
        if inner_lower > inner_upper:
            return True
        return _bounded_on(expression, ball(inner_lower), ball(inner_upper), bound)


def _bounded_on(expression: Expression, lower: arb, upper: arb, bound: arb) -> bool:
    """Bisection: the plain enclosure, the ends where monotone, else second-order Taylor."""
    first, second = expression.derivative(), expression.derivative().derivative()
    pending = [(lower, upper)]
    for _ in range(MAX_PIECES):
        if not pending:
            return True
        low, high = pending.pop()
        whole = hull(low, high)
        if abs(evaluate(expression, whole)) <= bound:
            continue
        slope = evaluate(first, whole)
        monotone = slope.is_finite() and not slope.contains(0)
        if monotone and all(abs(evaluate(expression, end)) <= bound for end in (low, high)):
            continue
        middle = arb((low + high).mid()) / 2
        half = abs(whole - middle).upper()
        taylor = (
            abs(evaluate(expression, middle))
            + abs(evaluate(first, middle)) * half
            + abs(evaluate(second, whole)) * half * half / 2
        )
        if taylor <= bound:
            continue
        if half < arb(2) ** -60:
            return False
        pending.extend([(low, middle), (middle, high)])
    return False


def _tail_is_bounded(expression: Expression, side: int, bound: arb) -> bool:
    """Whether |expression| <= bound for side * t >= TAIL_START.

    With s = side * t > 0, every call is written with the small rests e_r(s) in (0, exp(-r s)]:
    sigmoid(rt) = 1 - e_r or e_|r|, tanh(rt) = +-(1 - 2 e_2|r|), exp(rt) = e_|r| for rt < 0,
    normal_cdf(rt) = 1 - d or d, normal_pdf(rt) = d', where d, d' <= exp(-|r| s) for |r| s >= 2.
    Then |c s^a e_{r_1} ... e_{r_n}| <= |c| S^a exp(-(r_1 + ... + r_n) S) for s >= S >= a / sum r.
    """
    start = ball(TAIL_START)
    total = arb(0)
    limit = arb(0)
    for degree, rates, coefficient in _tail_terms(expression, side):
        if not rates:
            if degree:
                return False
            limit = limit + ball(coefficient)
            continue
        rate = sum(rates, Fraction(0))
        if Fraction(degree) / rate > TAIL_START:
            return False
        total = total + ball(abs(coefficient)) * start**degree * (-ball(rate) * start).exp()
    return bool(abs(limit) + total <= bound)


def _tail_terms(expression: Expression, side: int) -> Iterator[tuple[int, tuple[Fraction, ...], Fraction]]:
    """The expression as a sum of c s^a e_{r_1} ... e_{r_n}; equal monomials gathered.

    The rests are written as calls that stand for themselves: sigmoid(-r s) for logistic rests,
    normal_cdf(-r s) and normal_pdf(r s) for normal ones, exp(-r s).
    """
    total = constant(0)
    for (degree, calls), coefficient in expression.terms:
        term = argument().power(degree).scaled(coefficient * Fraction(side) ** degree)
        for inner, exponent in calls:
            term = term * _tail_of_call(inner, side).power(exponent)
        total = total + term
    for (degree, calls), coefficient in total.terms:
        rates = [abs(inner.rate) for inner, exponent in calls for _ in range(exponent)]
        yield degree, tuple(rates), coefficient


def _tail_of_call(inner: Call, side: int) -> Expression:
    """The call in s = side * t as its limit plus rests."""
    rate = inner.rate * side
    size = abs(rate)
    small: Expression
    match inner.name:
        case "sigmoid" | "normal_cdf":
            small = call(inner.name, -size)
            known = small if rate < 0 else constant(1) + small.scaled(Fraction(-1))
        case "tanh":
            known = (constant(1) + call("sigmoid", -2 * size).scaled(Fraction(-2))).scaled(
                Fraction(1 if rate > 0 else -1)
            )
        case "exp" if rate < 0:
            known = call("exp", rate)
        case "normal_pdf":
            known = call("normal_pdf", size)
        case _:
            raise KernelError(f"no tail is known for {inner.name}({inner.rate} t)")
    if inner.name in ("normal_cdf", "normal_pdf") and size * TAIL_START < 2:
        raise KernelError("expected a normal rate of at least 1/8")
    return known
