"""Bounds read off theorems."""

from __future__ import annotations

from fractions import Fraction

from proofs.errors import GradlemmaError
from proofs.kernel.claims import OperatorNorm, SupBound
from proofs.kernel.core import Theorem
from proofs.kernel.scalars import Atom, FunctionValue, Poly, substitute
from proofs.kernel.univariate import Univariate
from proofs.theorems.constants import enclosing_number, supremum
from proofs.theorems.tactics import compare_of

__all__ = ["bound_of", "constant_of", "right_of"]


def bound_of(theorem: Theorem) -> Poly:
    """The c of a theorem ||D^k F|| <= c or sup|sigma^(k)| <= c; values of functions in it rounded up."""
    match theorem.claim:
        case OperatorNorm(bound=bound) | SupBound(bound=bound):
            return substitute(bound, _rounded)
        case _:
            raise GradlemmaError(f"expected a bound but got {type(theorem.claim).__name__}")


def right_of(theorem: Theorem) -> Poly:
    """The right side of a theorem left <= right."""
    return compare_of(theorem).right


def constant_of(function: Univariate, order: int, radius: Fraction | None = None) -> Poly:
    """The derived bound of |sigma^(order)|, a rational or a root; -1 is the secant slope.

    Raises:
        GradlemmaError: if it is infinite.
    """
    theorem = supremum(function, order, radius)
    if theorem is None:
        raise GradlemmaError(f"expected a finite constant of order {order} of {function.label()}")
    return bound_of(theorem)


def _rounded(inner: Atom) -> Poly:
    """A value of a function as a rational above it of 60 bits, other atoms as they are."""
    return right_of(enclosing_number(inner)) if isinstance(inner, FunctionValue) else inner.poly()
