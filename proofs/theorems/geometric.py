"""The sum S_n = sum_{m=1}^n m q^(m-1) of BND-2 in closed form, by induction.

(1 - q)^2 S_n = 1 - (n + 1) q^n + n q^(n+1),        2 S_n = n (n + 1) if q = 1.
"""

from __future__ import annotations

from proofs.kernel.claims import Compare, Relation
from proofs.kernel.core import Theorem, infer
from proofs.kernel.rules import Certificate, Induction, SumStep
from proofs.kernel.scalars import number
from proofs.kernel.sequences import index_value
from proofs.kernel.substitution import poly_at

from .any_depth import HERE, NEXT, ONE, Constants
from .tactics import assume

__all__ = ["sum_at_one", "sum_in_closed_form"]

EQ = Relation.EQ


def sum_in_closed_form(given: Constants) -> Theorem:
    """(1 - q)^2 S_n = 1 - (n + 1) q^n + n q^(n+1)."""
    n, q, rest = index_value(HERE), given.rate, (number(1) - given.rate) ** 2
    claim = Compare(
        rest * given.total(HERE), EQ, number(1) - (n + 1) * given.power(HERE) + n * given.power(NEXT)
    )
    premises = (
        infer(SumStep(given.summand, HERE)),
        assume(claim),
        given.power_step(HERE),
        given.power_step(NEXT),
    )
    # (1-q)^2 S_{n+1} = (1-q)^2 S_n + (n+1) (1 - 2q + q^2) q^n, with q q^n = q^(n+1), q q^(n+1) = q^(n+2).
    multipliers = (rest, number(1), (n + 1) * (number(2) - q), -(n + 1))
    step = infer(Certificate(rest * given.total(NEXT), (), tuple(enumerate(multipliers))), *premises)
    return infer(Induction(claim), _itself(claim), step)


def sum_at_one(given: Constants) -> Theorem:
    """2 S_n = n (n + 1), from beta s = 1."""
    n, q = index_value(HERE), given.rate
    power = Compare(given.power(HERE), EQ, number(1))
    one = assume(Compare(q, EQ, number(1)))
    # q^(n+1) = q q^n = q = 1.
    next_power = infer(
        Certificate(given.power(NEXT), (), ((0, number(1)), (1, q), (2, number(1)))),
        given.power_step(HERE),
        assume(power),
        one,
    )
    powers = infer(Induction(power), one, next_power)
    claim = Compare(given.total(HERE) * 2, EQ, n * (n + 1))
    # 2 S_{n+1} = 2 S_n + 2 (n+1) q^n = n (n+1) + 2 (n+1).
    step = infer(
        Certificate(given.total(NEXT) * 2, (), ((0, number(2)), (1, number(1)), (2, (n + 1) * 2))),
        infer(SumStep(given.summand, HERE)),
        assume(claim),
        powers,
    )
    return infer(Induction(claim), _itself(claim), step)


def _itself(claim: Compare) -> Theorem:
    """The claim at n = 1, where both sides are one polynomial."""
    return infer(Certificate(poly_at(claim.left, ONE), (), ()))
