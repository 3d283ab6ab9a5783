"""Which order the forms of TSK-2 have, on a ladder of step sizes eta0 2^-j, in balls.

With d = theta_TA - theta_MT and C along the multi-task run or at theta0, the remainders are

    d                  order 2, unless C = 0
    d + alpha eta^2 C  order 3: the statement of TSK-2
    d - eta^2 C        order 2: the form once printed, which lacks the factor -alpha

and the observed order between two rungs is log2 of the ratio of their norms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction

from flint import arb, ctx

from numerics.errors import NumericsError

from .exact_runs import (
    ExactRuns,
    ExactTasks,
    Rational,
    Vector,
    exact_leading_term,
    exact_path_term,
    exact_runs,
    norm,
)

__all__ = ["FORMS", "OrderOutcome", "OrderTable", "Rung", "order_table"]

DIGITS, BITS = 60, 256
# An observed order counts as the whole number that it is this near to, on the last rungs.
NEAR, LAST = 0.05, 2

# The remainders in the order of a rung's norms.
FORMS = ("difference", "corrected_path", "corrected_leading", "printed_path", "printed_leading")
ORDERS = (2, 3, 3, 2, 2)


class OrderOutcome(Enum):
    """What the ladder shows; every value is a sentence."""

    AS_STATED = "The corrected form has order 3 on the last rungs, the printed one order 2."
    ONE_STEP = "With k = 1 the difference is 0: there is no order to observe."
    FORMS_AGREE = "With alpha = -1 the printed form is the corrected one: the ladder cannot tell them apart."
    NO_MOVE = "With alpha = 0 both models are theta0: there is no order to observe."
    VANISHES = "C is not told from 0 at theta0: the difference itself has order 3 or more."
    NO_REMAINDER = "The remainder is not told from 0, as for quadratic losses with k = 2: it has no order."
    UNCLEAR = "The norms are not enclosed well enough to observe an order, though they may not be 0."
    OTHERWISE = "The observed orders are not those of the expansion; look for kinks or smaller step sizes."


@dataclass(frozen=True, slots=True)
class Rung:
    """A step size and the norms of the `FORMS` there: 60 digits each, None where not told from 0."""

    step_size: Fraction
    norms: tuple[str | None, ...]
    orders: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class OrderTable:
    """The ladder of T tasks and k steps; `rungs` from the largest step size down.

    The orders of a rung are against the rung before, None on the first one.
    """

    tasks: int
    steps: int
    alpha: Fraction
    bits: int
    rungs: tuple[Rung, ...]
    outcome: OrderOutcome

    def observed(self, form: str) -> float | None:
        """The order of that form on the last rung."""
        return self.rungs[-1].orders[FORMS.index(form)]

    def norms(self, form: str) -> list[float | None]:
        """The norms of that form by rung, as floats."""
        column = [rung.norms[FORMS.index(form)] for rung in self.rungs]
        return [None if text is None else float(text) for text in column]


def order_table(
    tasks: ExactTasks,
    alpha: Rational,
    steps: int,
    *,
    largest: Rational = Fraction(1, 256),
    halvings: int = 6,
    bits: int = BITS,
) -> OrderTable:
    """The norms of the remainders at the step sizes largest * 2^-j, j = 0..halvings, in balls.

    Args:
        tasks: the losses and theta0.
        alpha: of either sign.
        steps: k >= 1.
        largest: the largest step size, > 0.
        halvings: the number of rungs after the first, >= 1.
        bits: the precision, at least 256: norms are given in 60 digits.

    Returns:
        The table; a norm is given where its ball excludes 0 and holds 60 digits.

    Raises:
        KinkMet: where a point of a run is not shown to be off the kinks.
        NumericsError: for arguments that are not of this kind.
    """
    if bits < BITS or halvings < 1:
        raise NumericsError(f"expected bits >= {BITS} and halvings >= 1 but got bits={bits}, {halvings}")
    table, is_certain = _ladder(tasks, Fraction(alpha), steps, Fraction(largest), halvings, bits)
    if is_certain or table.outcome is not OrderOutcome.NO_REMAINDER:
        return table
    return replace(table, outcome=OrderOutcome.UNCLEAR)


def _ladder(
    tasks: ExactTasks, alpha: Fraction, steps: int, largest: Fraction, halvings: int, bits: int
) -> tuple[OrderTable, bool]:
    """The table, and whether every norm is told from 0, or is 0 as far as the bits go."""
    with ctx.workprec(bits):
        found: list[tuple[Fraction, list[arb]]] = []
        vanishes = False
        for number in range(halvings + 1):
            eta = largest / 2**number
            runs = exact_runs(tasks, eta, alpha, steps)
            leading = exact_leading_term(runs)
            vanishes = vanishes or not _is_told_from_zero(norm(leading))
            found.append((eta, _norms(runs, leading)))
        rungs = tuple(_rung(eta, row, found[n - 1][1] if n else None) for n, (eta, row) in enumerate(found))
        # The norm of a vector that is 0 up to rounding is a root, so that half of the bits are lost.
        tiny = arb(2) ** (-bits // 3)
        is_certain = all(_is_told_from_zero(x) or x < tiny for _, row in found for x in row)
    outcome = _outcome(alpha, steps, vanishes, rungs)
    return OrderTable(len(tasks.tasks), steps, alpha, bits, rungs, outcome), is_certain


def _norms(runs: ExactRuns, leading: Vector) -> list[arb]:
    difference, square = runs.difference(), runs.step_size**2
    path = exact_path_term(runs)

    def remainder(factor: object, term: Vector) -> arb:
        return norm([a + factor * b for a, b in zip(difference, term, strict=True)])

    corrected = [remainder(runs.alpha * square, term) for term in (path, leading)]
    return [norm(difference), *corrected, *(remainder(-square, term) for term in (path, leading))]


def _is_told_from_zero(ball: arb) -> bool:
    """Whether the ball excludes 0 and its 60 digits are certain."""
    return bool(ball > 0) and ball.rel_accuracy_bits() >= math.ceil(DIGITS * math.log2(10))


def _rung(eta: Fraction, row: list[arb], before: list[arb] | None) -> Rung:
    norms = tuple(x.str(DIGITS, radius=False) if _is_told_from_zero(x) else None for x in row)
    orders: list[float | None] = [None] * len(row)
    for number, ball in enumerate(row):
        if before is not None and _is_told_from_zero(ball) and _is_told_from_zero(before[number]):
            orders[number] = float(((before[number] / ball).log() / arb(2).log()).mid())
    return Rung(eta, norms, tuple(orders))


def _outcome(alpha: Fraction, steps: int, vanishes: bool, rungs: tuple[Rung, ...]) -> OrderOutcome:
    if steps == 1:
        return OrderOutcome.ONE_STEP
    if alpha == 0:
        return OrderOutcome.NO_MOVE
    if vanishes:
        return OrderOutcome.VANISHES
    if alpha == -1:
        return OrderOutcome.FORMS_AGREE
    if any(order is None for order in rungs[-1].orders[1:3]):
        return OrderOutcome.NO_REMAINDER
    orders = [order for rung in rungs[1:][-LAST:] for order in zip(rung.orders, ORDERS, strict=True)]
    if all(seen is not None and abs(seen - stated) < NEAR for seen, stated in orders):
        return OrderOutcome.AS_STATED
    return OrderOutcome.OTHERWISE
