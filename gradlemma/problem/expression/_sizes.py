"""Sums and products within limits that are known before anything is multiplied out.

The weight of an expression is the number of its terms, with the arguments of calls counted in every
term they stand in.  It bounds the time that comparing, differentiating and printing it takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from proofs.errors import KernelError
from proofs.kernel.univariate import Expression, constant

from ._tokens import Token, refusal

__all__ = ["Sized", "check_numbers", "check_weight", "minus", "plus", "power", "sized", "times", "weight_of"]

MAX_WEIGHT = 400
MAX_BITS = 2_000
LARGEST = 10**100


@dataclass(frozen=True, slots=True)
class Sized:
    """An expression and a bound of its weight."""

    expression: Expression
    weight: int


def sized(expression: Expression) -> Sized:
    """The expression with its weight, which is counted."""
    return Sized(expression, weight_of(expression))


def minus(value: Sized) -> Sized:
    return Sized(value.expression.scaled(Fraction(-1)), value.weight)


def plus(one: Sized, two: Sized, at: Token) -> Sized:
    check_weight(one.weight + two.weight, at)
    return _checked(one.expression + two.expression, one.weight + two.weight, at)


def times(one: Sized, two: Sized, at: Token) -> Sized:
    """The product, multiplied out."""
    first, second = len(one.expression.terms), len(two.expression.terms)
    weight = one.weight * max(second, 1) + two.weight * max(first, 1)
    check_weight(weight, at)
    try:
        product = one.expression * two.expression
    except KernelError as error:
        raise refusal(at.column, str(error), "lower the powers", "limit") from None
    return _checked(product, weight, at)


def power(base: Sized, exponent: int, at: Token) -> Sized:
    result = Sized(constant(1), 1)
    for _ in range(exponent):
        result = times(result, base, at)
    return result


def _checked(expression: Expression, weight: int, at: Token) -> Sized:
    for _, value in expression.terms:
        if value.numerator.bit_length() + value.denominator.bit_length() > MAX_BITS:
            raise refusal(at.column, f"expected numbers of at most {MAX_BITS} bits", "rescale t", "limit")
    # Terms that were equal or cancelled weigh nothing any more.
    return Sized(expression, min(weight, weight_of(expression)))


def weight_of(expression: Expression) -> int:
    """The number of terms, arguments of calls counted wherever they stand."""
    return sum(1 + sum(weight_of(inner.argument) for inner, _ in calls) for (_, calls), _ in expression.terms)


def check_weight(weight: int, at: Token) -> None:
    if weight > MAX_WEIGHT:
        message = f"expected an expression of at most {MAX_WEIGHT} terms when multiplied out but got more"
        raise refusal(at.column, message, "simplify it, or lower the powers", "limit")


def check_numbers(expression: Expression) -> None:
    """Refuse coefficients that are out of proportion, in the expression and in its calls."""
    for (_, calls), value in expression.terms:
        if not 1 / Fraction(LARGEST) <= abs(value) <= LARGEST:
            message = "expected coefficients between 1e-100 and 1e100"
            raise refusal(1, message, "rescale t", "limit")
        for inner, _ in calls:
            check_numbers(inner.argument)
