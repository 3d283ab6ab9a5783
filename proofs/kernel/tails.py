"""Expressions far out: a polynomial in s = |t| plus a rest that is bounded for all s >= S.

A tail says that for all s >= S the value is sum_a c_a s^a + theta with
|theta| <= sum C s^a exp(-r s), over finitely many (a, r, C), a an integer and r >= 0 rational.
Calls of an argument whose polynomial grows have their limits, up to an exponentially small rest:
    sigmoid(x) = 1 - e or e, tanh(x) = +-(1 - 2 e'), softplus(x) = x + e or e, normal_cdf(x) = 1 - d
    or d, normal_pdf(x) = d', exp(x) = e for x -> -oo,
with e = sigmoid(-|x|) <= exp(-|x|), e' <= exp(-2|x|), d, d' <= exp(-|x|), log(1 + exp(-|x|)) <=
exp(-|x|); and |x| >= r s is checked.  Calls of an argument that stays near a constant c stay near
their value at c by a Lipschitz constant.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from flint import arb, fmpq

from proofs.errors import KernelError

from .exact_values import AT_ZERO, exact_value
from .intervals import evaluate
from .univariate import Call, Expression, call, constant, number_pi

__all__ = ["Tail", "tail_bound", "tail_is_positive", "tail_of"]

ZERO = constant(0)


def _ball(value: Fraction) -> arb:
    return arb(fmpq(value.numerator, value.denominator))


def _value(number: Expression) -> arb:
    """A ball around an expression without t."""
    return evaluate(number, arb(0))


@dataclass(frozen=True, slots=True)
class Tail:
    """main[a] is the coefficient of s^a, an expression without t, so that equal ones cancel exactly;
    rest[a, r] >= 0 is that of s^a exp(-r s) in the bound.
    """

    main: dict[int, Expression]
    rest: dict[tuple[int, Fraction], arb]

    def __add__(self, other: Tail) -> Tail:
        main = dict(self.main)
        for power, value in other.main.items():
            main[power] = main.get(power, ZERO) + value
        rest = dict(self.rest)
        for key, size in other.rest.items():
            rest[key] = rest.get(key, arb(0)) + size
        return _tail(main, rest)

    def __mul__(self, other: Tail) -> Tail:
        main: dict[int, Expression] = {}
        rest: dict[tuple[int, Fraction], arb] = {}

        def gather(power: int, rate: Fraction, size: arb) -> None:
            rest[power, rate] = rest.get((power, rate), arb(0)) + size

        for p, a in self.main.items():
            for q, b in other.main.items():
                main[p + q] = main.get(p + q, ZERO) + a * b
            for (q, rate), size in other.rest.items():
                gather(p + q, rate, abs(_value(a)) * size)
        for (p, rate), size in self.rest.items():
            for q, b in other.main.items():
                gather(p + q, rate, abs(_value(b)) * size)
            for (q, other_rate), other_size in other.rest.items():
                gather(p + q, rate + other_rate, size * other_size)
        return _tail(main, rest)

    def negative(self) -> Tail:
        return Tail({power: value.scaled(Fraction(-1)) for power, value in self.main.items()}, self.rest)


MAX_RESTS = 4_000


def _tail(main: dict[int, Expression], rest: dict[tuple[int, Fraction], arb]) -> Tail:
    if len(rest) > MAX_RESTS:
        raise KernelError(f"expected a tail of at most {MAX_RESTS} terms")
    kept = {power: value for power, value in main.items() if value.terms}
    return Tail(kept, {key: size for key, size in rest.items() if not size.is_zero()})


def tail_of(expression: Expression, side: int, start: Fraction) -> Tail:
    """The tail of the expression for side * t >= start, side 1 or -1.

    Raises:
        KernelError: if a call has no known tail.
    """
    known: dict[Call, Tail] = {}
    total = _tail({}, {})
    for (degree, calls), coefficient in expression.terms:
        term = _tail({degree: constant(coefficient * side**degree)}, {})
        for inner, exponent in calls:
            if inner not in known:
                known[inner] = _call_tail(inner, side, start)
            for _ in range(exponent):
                term = term * known[inner]
        total = total + term
    return total


def rest_bound(tail: Tail, start: Fraction) -> arb:
    """A bound of the rest for all s >= start; infinite where there is none."""
    return sum((size * _largest(power, rate, start) for (power, rate), size in tail.rest.items()), arb(0))


def _largest(power: int, rate: Fraction, start: Fraction) -> arb:
    """Sup of s^a exp(-r s) over s >= S: at S if a <= r S, else at a/r."""
    if rate == 0:
        return arb("inf") if power > 0 else _ball(start) ** power
    at = max(start, power / rate)
    return _ball(at) ** power * (-_ball(rate * at)).exp()


def tail_bound(tail: Tail, start: Fraction) -> arb:
    """A bound of |value| for all s >= start; infinite where the polynomial grows."""
    if any(power > 0 for power in tail.main):
        return arb("inf")
    limit = sum((abs(_value(value)) for value in tail.main.values()), arb(0))
    return limit + rest_bound(tail, start)


def tail_is_positive(tail: Tail, start: Fraction, slope: Fraction = Fraction(0)) -> bool:
    """Whether value >= slope * s, and value > 0, is shown for all s >= start.

    The polynomial minus slope * s and minus the rest's bound is written in s - start; if all its
    coefficients are >= 0 and the first is > 0, it is positive for all s >= start.
    """
    rest = rest_bound(tail, start)
    if not rest.is_finite():
        return False
    degree = max(tail.main, default=0)
    coefficients = [_value(tail.main.get(power, ZERO)) for power in range(degree + 2)]
    coefficients[0] = coefficients[0] - rest
    coefficients[1] = coefficients[1] - _ball(slope)
    shifted = _shifted(coefficients, _ball(start))
    return bool(shifted[0] > 0) and all(bool(c >= 0) for c in shifted[1:])


def _shifted(coefficients: list[arb], start: arb) -> list[arb]:
    """The coefficients of p(start + x) by repeated synthetic division."""
    found = list(coefficients)
    for first in range(len(found) - 1):
        for place in range(len(found) - 2, first - 1, -1):
            found[place] = found[place] + start * found[place + 1]
    return found


# Lipschitz constants on all of R, rounded up.
LIPSCHITZ = {"tanh": Fraction(1), "sigmoid": Fraction(1, 4), "softplus": Fraction(1),
             "normal_cdf": Fraction(2, 5), "normal_pdf": Fraction(1, 4), "sin": Fraction(1),
             "cos": Fraction(1)}  # fmt: skip


def _call_tail(inner: Call, side: int, start: Fraction) -> Tail:
    argument = tail_of(inner.argument, side, start)
    if not any(power > 0 for power in argument.main):
        return _near_constant(inner.name, argument, start)
    if inner.name in ("sin", "cos"):
        return _tail({}, {(0, Fraction(0)): arb(1)})
    sign, rate = _growth(argument, start, inner.name)
    small = {(0, rate): arb(1)}
    match inner.name, sign:
        case ("sigmoid" | "normal_cdf", 1):
            return _tail({0: constant(1)}, small)
        case ("sigmoid" | "normal_cdf" | "softplus" | "exp", -1):
            return _tail({}, small)
        case ("normal_pdf", _):
            return _tail({}, small)
        case ("tanh", _):
            return _tail({0: constant(sign)}, {(0, 2 * rate): arb(2)})
        case ("softplus", 1):
            return argument + _tail({}, small)
        case ("inverse", _):
            return _tail({}, {(-1, Fraction(0)): 1 / _ball(rate)})
        case _:
            raise KernelError(f"no tail is known for {inner.name} of an unbounded argument")


def _growth(argument: Tail, start: Fraction, name: str) -> tuple[int, Fraction]:
    """The sign of the argument and r > 0 with |argument| >= r s for all s >= start."""
    degree = max(argument.main)
    lead = _value(argument.main[degree])
    sign = 1 if lead > 0 else -1
    near = float(abs(lead).lower()) * float(start) ** (degree - 1)
    directed = argument if sign > 0 else argument.negative()
    for share in (Fraction(1), Fraction(9, 10), Fraction(1, 2), Fraction(1, 8)):
        rate = (Fraction(near) * share).limit_denominator(1 << 10)
        if rate > 0 and tail_is_positive(directed, start, rate):
            return sign, rate
    raise KernelError(f"the argument of {name} could not be shown to grow")


def _near_constant(name: str, argument: Tail, start: Fraction) -> Tail:
    """name(c + rest), |rest| <= b: the value at c, up to a Lipschitz constant on [c - b, c + b]."""
    centre = argument.main.get(0, ZERO)
    steep = _steepness(name, _value(centre) + arb(0, 1) * rest_bound(argument, start))
    limit = _at_constant(name, centre)
    if not (steep.is_finite() and _value(limit).is_finite()):
        raise KernelError(f"no tail is known for {name} near a constant")
    return _tail({0: limit}, {key: size * steep for key, size in argument.rest.items()})


def _at_constant(name: str, centre: Expression) -> Expression:
    """name(c) as an expression without t, a number where it is visibly rational."""
    rational = exact_value(centre, Fraction(0))
    if rational is not None:
        if name == "inverse" and rational != 0:
            return constant(1 / rational)
        if rational == 0 and name in AT_ZERO:
            return constant(AT_ZERO[name])
    if not centre.terms:
        return _zero_of(name)
    return call(name, centre)


def _zero_of(name: str) -> Expression:
    """name(0) for the functions whose value there is irrational or none."""
    if name == "sqrt":
        return ZERO
    if name in ("softplus", "normal_pdf"):
        # log 2 = log(2), 1/sqrt(2 pi).
        two_pi = number_pi().scaled(Fraction(2))
        return call("log", constant(2)) if name == "softplus" else call("inverse", call("sqrt", two_pi))
    raise KernelError(f"{name} has no value at 0")


def _steepness(name: str, ball: arb) -> arb:
    """A bound of |name'| on the ball."""
    match name:
        case "exp":
            return ball.exp().abs_upper()
        case "inverse":
            return (1 / (ball * ball)).abs_upper() if not ball.contains(0) else arb("inf")
        case "sqrt":
            return (1 / (2 * ball.sqrt())).abs_upper() if ball > 0 else arb("inf")
        case "log":
            return (1 / ball).abs_upper() if ball > 0 else arb("inf")
        case "pi":
            return arb(0)
        case _:
            return _ball(LIPSCHITZ[name])
