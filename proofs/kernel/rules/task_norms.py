"""Rules of norms and inner products of vectors, and of sums over all tasks of scalars."""

from __future__ import annotations

from dataclasses import dataclass

from proofs.errors import KernelError

from ..claims import Compare, Relation, Sequent
from ..core import Rule, register
from ..indices import Index
from ..scalars import Poly, Root, number
from ..series import AnyTask, BendAt, Combination, Run, Task, Vector, basic, combined, summed
from ..task_scalars import (
    BendNorm,
    ForTasks,
    Larger,
    TaskCount,
    length,
    opened_at,
    over_tasks,
    product,
    require_no_task,
    squared,
)
from .logic import at_most, equation, expect_premises, no_premises
from .series import definition_of

__all__ = [
    "BendBound", "CountPositive", "DefinedLength", "EveryTask", "LargerThanEach", "LengthSquared",
    "LengthTriangle", "OneTaskLength", "OneTaskProduct", "ProductOverTasks", "RootAbove", "SumLength",
    "SumOverTasks", "TaskCauchy",
]  # fmt: skip

LE, EQ = Relation.LE, Relation.EQ


def require_closed(*parts: Combination | Vector) -> None:
    """Refuses a bound task outside of a sum."""
    if any(part.reach for part in parts):
        raise KernelError("expected no bound task outside of a sum")


@register
@dataclass(frozen=True)
class LengthTriangle(Rule):
    """
    ---------------------------------------------- LengthTriangle
    |- ||v_1 + ... + v_n|| <= ||v_1|| + ... + ||v_n||
    """

    parts: tuple[Combination, ...]

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        whole = combined((number(1), part) for part in self.parts)
        return Compare(length(whole), LE, sum((length(part) for part in self.parts), number(0)))


@register
@dataclass(frozen=True)
class SumLength(Rule):
    """
    ------------------------------------ SumLength      there are finitely many tasks
    |- ||sum_t v(t)|| <= sum_t ||v(t)||
    """

    task: AnyTask
    combination: Combination

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        require_closed(self.combination)
        left = length(summed(self.task, self.combination))
        return Compare(left, LE, over_tasks(self.task, length(self.combination)))


@register
@dataclass(frozen=True)
class BendBound(Rule):
    """
    ----------------------------------------------- BendBound      H the Hessian of L_t at x_i
    |- ||H v|| <= ||H|| ||v||
    """

    task: Task
    run: Run
    index: Index
    vector: Vector

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        left = length(basic(BendAt(self.task, self.run, self.index, self.vector)))
        norm = BendNorm(self.task, self.run, self.index).poly()
        return Compare(left, LE, norm * length(basic(self.vector)))


@register
@dataclass(frozen=True)
class TaskCauchy(Rule):
    """
    ----------------------------------------- TaskCauchy      Cauchy-Schwarz with (1, ..., 1)
    |- (sum_t p(t))^2 <= T sum_t p(t)^2
    """

    task: AnyTask
    poly: Poly

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        right = TaskCount().poly() * over_tasks(self.task, self.poly**2)
        return Compare(over_tasks(self.task, self.poly) ** 2, LE, right)


@register
@dataclass(frozen=True)
class SumOverTasks(Rule):
    """
    G |- p(t) <= q(t)                 or =, kept
    ------------------------------- SumOverTasks      t occurs in no hypothesis
    G |- sum_t p(t) <= sum_t q(t)
    """

    task: AnyTask

    def conclude(self, *premises: Sequent) -> Compare:
        expect_premises(premises, 1)
        for claim in premises[0].hypotheses:
            require_no_task(claim, self.task)
        compared = at_most(premises[0])
        left, right = (over_tasks(self.task, side) for side in (compared.left, compared.right))
        return Compare(left, compared.relation, right)


@register
@dataclass(frozen=True)
class LengthSquared(Rule):
    """
    --------------------------------------------------- LengthSquared
    |- ||sum_i a_i v_i||^2 = sum_ij a_i a_j <v_i, v_j>
    """

    combination: Combination

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        return Compare(length(self.combination) ** 2, EQ, squared(self.combination))


@register
@dataclass(frozen=True)
class ProductOverTasks(Rule):
    """
    ----------------------------------------- ProductOverTasks      t does not occur in v
    |- sum_t <v, w(t)> = <v, sum_t w(t)>
    """

    task: AnyTask
    vector: Vector
    summand: Vector

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        require_closed(self.vector, self.summand)
        if self.task in self.vector.tasks:
            raise KernelError("expected a vector without the task beside the sum")
        ((_, total),) = summed(self.task, basic(self.summand)).terms
        left = over_tasks(self.task, product(self.vector, self.summand))
        return Compare(left, EQ, product(self.vector, total))


@register
@dataclass(frozen=True)
class DefinedLength(Rule):
    """
    -------------------------------------- DefinedLength      v = R_i(t) or C_i, by the sum before
    |- ||v|| = ||the definition of v||
    """

    vector: Vector

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        return Compare(length(basic(self.vector)), EQ, length(definition_of(self.vector)))


@register
@dataclass(frozen=True)
class EveryTask(Rule):
    """
    G |- p(t) <= q(t) for every task t
    ----------------------------------- EveryTask
    G |- p(t) <= q(t)
    """

    task: AnyTask

    def conclude(self, *premises: Sequent) -> Compare:
        expect_premises(premises, 1)
        claim = premises[0].claim
        if not isinstance(claim, ForTasks):
            raise KernelError("expected a premise about every task")
        return Compare(opened_at(claim.left, self.task), LE, opened_at(claim.right, self.task))


@register
@dataclass(frozen=True)
class CountPositive(Rule):
    """
    ---------- CountPositive
    |- 1 <= T
    """

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        return Compare(number(1), LE, TaskCount().poly())


def _require_one(premise: Sequent) -> None:
    compared = equation(premise)
    if compared.left != TaskCount().poly() or compared.right != number(1):
        raise KernelError("expected a premise T = 1")


@register
@dataclass(frozen=True)
class OneTaskLength(Rule):
    """
    G |- T = 1
    --------------------------------------- OneTaskLength
    G |- ||sum_t v(t)|| = sum_t ||v(t)||
    """

    task: AnyTask
    combination: Combination

    def conclude(self, *premises: Sequent) -> Compare:
        expect_premises(premises, 1)
        _require_one(premises[0])
        require_closed(self.combination)
        left = length(summed(self.task, self.combination))
        return Compare(left, EQ, over_tasks(self.task, length(self.combination)))


@register
@dataclass(frozen=True)
class OneTaskProduct(Rule):
    """
    G |- T = 1
    ----------------------------------------------- OneTaskProduct
    G |- sum_t p(t) q(t) = sum_t p(t) sum_t q(t)
    """

    task: AnyTask
    left: Poly
    right: Poly

    def conclude(self, *premises: Sequent) -> Compare:
        expect_premises(premises, 1)
        _require_one(premises[0])
        whole = over_tasks(self.task, self.left * self.right)
        return Compare(whole, EQ, over_tasks(self.task, self.left) * over_tasks(self.task, self.right))


@register
@dataclass(frozen=True)
class RootAbove(Rule):
    """
    ------------------- RootAbove      root(e) = sqrt(max(e, 0))
    |- e <= root(e)^2
    """

    radicand: Poly

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        return Compare(self.radicand, LE, Root(self.radicand).poly() ** 2)


@register
@dataclass(frozen=True)
class LargerThanEach(Rule):
    """
    ----------------- LargerThanEach      the left one of a and b, or the right one
    |- a <= max(a, b)
    """

    larger: Larger
    is_left: bool

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        side = self.larger.left if self.is_left else self.larger.right
        return Compare(side, LE, self.larger.poly())
