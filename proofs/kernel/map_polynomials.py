"""Maps whose entries are polynomials in the parameters, as polynomials over Q."""

from __future__ import annotations

from dataclasses import dataclass

from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx

from proofs.errors import KernelError

from .intervals import to_fmpq
from .map_numbers import RATIONALS
from .map_values import coordinates, read
from .maps import Map
from .univariate import Expression, Univariate

__all__ = ["MAX_TERMS", "polynomial_hessian", "polynomial_values"]

MAX_TERMS = 200_000
# Pairs of terms that one product of two polynomials multiplies.
MAX_PAIRS = 20_000_000


def polynomial_values(root: Map) -> dict[Map, list[fmpq_mpoly]]:
    """The entries, row by row, of every map below the root as polynomials in theta.

    Returns:
        Polynomials that equal the entries on all of Theta, with one generator for each coordinate,
        in the order of `coordinates`.  A function of an entry that is constant is a constant.

    Raises:
        KernelError: for an entry that is not visibly a polynomial, or one of more than 200,000 terms.
    """
    places = coordinates(root)
    context = fmpq_mpoly_ctx.get([f"x{number}" for number in range(len(places))], Ordering.degrevlex)
    blocks: dict[str, list[fmpq_mpoly]] = {}
    for (name, _), generator in zip(places, context.gens(), strict=True):
        blocks.setdefault(name, []).append(generator)
    return read(root, _Polynomials(context, context.constant(fmpq(0))), blocks)


def polynomial_hessian(polynomial: fmpq_mpoly) -> list[list[fmpq_mpoly]]:
    """The second derivatives by every two generators, row by row."""
    size = polynomial.context().nvars()
    rows: list[list[fmpq_mpoly]] = []
    for i in range(size):
        first = polynomial.derivative(i)
        known = [rows[j][i] for j in range(i)]
        rows.append([*known, *(first.derivative(j) for j in range(i, size))])
    return rows


@dataclass(frozen=True, slots=True)
class _Polynomials:
    """The ring Q[theta]."""

    context: fmpq_mpoly_ctx
    zero: fmpq_mpoly

    def lift(self, value: fmpq) -> fmpq_mpoly:
        return self.context.constant(value)

    def times(self, first: fmpq_mpoly, second: fmpq_mpoly) -> fmpq_mpoly:
        if len(first) * len(second) > MAX_PAIRS:
            raise KernelError(f"expected polynomials of at most {MAX_TERMS} terms")
        return self.checked(first * second)

    def checked(self, value: fmpq_mpoly) -> fmpq_mpoly:
        if len(value) > MAX_TERMS:
            raise KernelError(f"expected polynomials of at most {MAX_TERMS} terms but got {len(value)}")
        return value

    def expression(self, expression: Expression, x: fmpq_mpoly) -> fmpq_mpoly:
        if x.is_constant():
            return self.lift(RATIONALS.expression(expression, _number(x)))
        if expression.nesting:
            raise KernelError("expected a function that is a polynomial")
        coefficients = {degree: to_fmpq(value) for (degree, _), value in expression.terms}
        # Horner's rule, from the highest degree down.
        total = self.zero
        for degree in range(max(coefficients, default=0), -1, -1):
            total = self.checked(self.times(total, x) + self.lift(coefficients.get(degree, fmpq(0))))
        return total

    def function(self, function: Univariate, x: fmpq_mpoly) -> fmpq_mpoly:
        if x.is_constant():
            return self.lift(RATIONALS.function(function, _number(x)))
        if not function.is_analytic:
            raise KernelError(f"expected no function with kinks but got {function.label()}")
        return self.expression(function.pieces[0].expression, x)

    def is_positive(self, x: fmpq_mpoly) -> bool:
        return x.is_constant() and _number(x) > 0


def _number(constant: fmpq_mpoly) -> fmpq:
    return constant.leading_coefficient()
