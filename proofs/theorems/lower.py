"""Lower ends of the closed forms behind a bound: how much of a bound is rounding.

The closed form G_max = ||j||_2 or H_max = lambda_max(K) is evaluated again with every operation
rounded down, at the same certified inputs.  Not part of a proof: it says how tight the printed
number is to its formula.
"""

from __future__ import annotations

from flint import ctx, fmpq

from proofs.kernel.balls import TermBalls
from proofs.kernel.core import Theorem
from proofs.kernel.per_sample import evaluate_per_sample, mean_form
from proofs.kernel.rules.algebra import bounds_of
from proofs.kernel.rules.data import WORK_PRECISION
from proofs.kernel.scalars import Poly
from proofs.kernel.upward import Side

from .finish import hessian_matrix, linear_coefficients, lower_perron, lower_root
from .jet import Group

__all__ = ["closed_form", "lower_end", "lower_form"]


def lower_end(
    right: Poly, bounds: tuple[Theorem, ...], groups: tuple[Group, ...], balls: TermBalls | None
) -> fmpq:
    """A rational lower bound of ||j||_2 or lambda_max(K) for the form that `right` unfolds to."""
    return closed_form(lower_form(right, bounds, balls), groups)


def lower_form(right: Poly, bounds: tuple[Theorem, ...], balls: TermBalls | None) -> Poly:
    """The form that `right` unfolds to, every operation rounded down."""
    by_atom, _ = bounds_of(tuple(bound.sequent for bound in bounds))
    with ctx.workprec(WORK_PRECISION):
        return Poly(mean_form(evaluate_per_sample(right, by_atom, balls, Side.BELOW), Side.BELOW).items())


def closed_form(form: Poly, groups: tuple[Group, ...]) -> fmpq:
    """A rational lower bound of ||j||_2 or lambda_max(K) of a numeric form, exact where rational."""
    if any(sum(exponent for _, exponent in monomial) == 2 for monomial in form.terms):
        return lower_perron(hessian_matrix(form, groups))
    squares = sum((j * j for j in linear_coefficients(form, groups)), fmpq(0))
    return lower_root(squares)
