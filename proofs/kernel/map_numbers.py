"""The numbers in which maps are read: rationals and balls, each with the values of univariate expressions.

A value is given only where the function has one for certain: an expression is evaluated where all
denominators are shown to be other than 0 and all arguments of roots and logarithms to be positive.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, Protocol

from flint import arb, ctx, fmpq

from proofs.errors import KernelError

from .domains import check_analytic, partial_calls, value_at
from .exact_values import exact_value
from .intervals import evaluate, to_fmpq
from .kinks import PieceReading
from .univariate import Expression, Univariate, call

__all__ = ["BALLS", "RATIONALS", "Numbers", "chosen_value", "kink_value", "partial_expression", "to_fraction"]

DOMAIN_BITS = 128


class Numbers(Protocol):
    """A ring that holds the rationals, with the values of functions on it."""

    @property
    def zero(self) -> Any: ...

    def lift(self, value: fmpq) -> Any:
        """The rational as a member of the ring."""
        ...

    def times(self, first: Any, second: Any) -> Any:
        """The product, refusing one that is too large to be computed."""
        ...

    def checked(self, value: Any) -> Any:
        """The value itself, refusing one that says nothing or is too large."""
        ...

    def expression(self, expression: Expression, x: Any) -> Any:
        """The expression's value at x, refusing x where it may have none."""
        ...

    def function(self, function: Univariate, x: Any) -> Any:
        """The function's value at x, at a kink the one that it has there."""
        ...

    def is_positive(self, x: Any) -> bool:
        """Whether x is shown to be > 0."""
        ...


def to_fraction(value: fmpq) -> Fraction:
    return Fraction(int(value.p), int(value.q))


@lru_cache(maxsize=4096)
def _restrictions(expression: Expression) -> tuple[tuple[str, Expression], ...]:
    return tuple(partial_calls(expression))


def _check_in_domain(expression: Expression, x: arb) -> None:
    """Refuses a ball on which a call of the expression may leave its domain."""
    for name, inside in _restrictions(expression):
        value = evaluate(inside, x)
        if not (value > 0 or (name == "inverse" and value < 0)):
            raise KernelError(f"{name} may leave its domain at {x}")


@dataclass(frozen=True, slots=True)
class Rationals:
    """The ring Q; values that are not visibly rational are refused."""

    zero: fmpq

    def lift(self, value: fmpq) -> fmpq:
        return value

    def times(self, first: fmpq, second: fmpq) -> fmpq:
        return first * second

    def checked(self, value: fmpq) -> fmpq:
        return value

    def expression(self, expression: Expression, x: fmpq) -> fmpq:
        if _restrictions(expression):
            with ctx.workprec(DOMAIN_BITS):
                _check_in_domain(expression, arb(x))
        return _rational(exact_value(expression, to_fraction(x)), x)

    def function(self, function: Univariate, x: fmpq) -> fmpq:
        check_analytic(function)
        return _rational(value_at(function, to_fraction(x)), x)

    def is_positive(self, x: fmpq) -> bool:
        return x > 0


def _rational(value: Fraction | None, x: fmpq) -> fmpq:
    if value is None:
        raise KernelError(f"expected a value that is visibly rational at {x}")
    return to_fmpq(value)


@dataclass(frozen=True, slots=True)
class Balls:
    """Real balls at the precision of the context, rounded outward; used inside `ctx.workprec`."""

    zero: arb

    def lift(self, value: fmpq) -> arb:
        return arb(value)

    def times(self, first: arb, second: arb) -> arb:
        return first * second

    def checked(self, value: arb) -> arb:
        if not value.is_finite():
            raise KernelError("expected finite balls; try more bits")
        return value

    def expression(self, expression: Expression, x: arb) -> arb:
        _check_in_domain(expression, x)
        return self.checked(evaluate(expression, x))

    def function(self, function: Univariate, x: arb) -> arb:
        check_analytic(function)
        if function.is_analytic:
            return self.expression(function.pieces[0].expression, x)
        return self.checked(_piece_reading(function, ctx.prec).value(x))

    def is_positive(self, x: arb) -> bool:
        return x > 0


@lru_cache(maxsize=64)
def _piece_reading(function: Univariate, bits: int) -> PieceReading:
    with ctx.workprec(bits):
        return PieceReading(function, 0)


RATIONALS = Rationals(fmpq(0))
BALLS = Balls(arb(0))


def kink_value(numbers: Numbers, function: Univariate, number: int) -> Any:
    """sigma(kink of that number) of a function without a period, the value listed there or from the right."""
    kink = function.kinks[number]
    listed = dict(function.values)
    if kink in listed:
        return numbers.lift(to_fmpq(listed[kink]))
    # Without a period the kink of number k is the lower end of the piece k + 1.
    return numbers.expression(function.pieces[number + 1].expression, numbers.lift(to_fmpq(kink)))


def chosen_value(numbers: Numbers, function: Univariate, choice: int, x: Any) -> Any:
    """The value of the chosen expression at x: a piece's, or the constant of a kink (-1 - k)."""
    if choice < 0:
        return kink_value(numbers, function, -1 - choice)
    return numbers.expression(function.pieces[choice].expression, x)


def partial_expression(numbers: Numbers, name: str, x: Any) -> Expression:
    """The partial function of that name as an expression, refusing x that is not shown to be > 0."""
    if not numbers.is_positive(x):
        raise KernelError(f"expected a positive argument of {name}")
    return call(name)
