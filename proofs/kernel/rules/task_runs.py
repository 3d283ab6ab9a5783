"""Rules of runs in a ball around theta0: lengths of steps, and bounds that hold in the ball."""

from __future__ import annotations

from dataclasses import dataclass

from proofs.errors import KernelError

from ..claims import Compare, ForIndices, Relation, Sequent
from ..core import Rule, register
from ..indices import Index
from ..scalars import Poly, Root, is_nonnegative, number
from ..sequences import Natural, index_value
from ..series import BoundTask, Origin, Run, RunPoint, SlopeAt, Summed, basic, combined
from ..task_scalars import BallBounds, BendNorm, ForTasks, StepLength, length
from ..terms import INDEX
from .logic import at_most, expect_premises, no_premises

__all__ = ["BallBend", "BallSlope", "MultiplesAtMost", "StartLength", "StepNorm", "distance"]

LE, EQ = Relation.LE, Relation.EQ


def distance(run: Run, index: Index) -> Poly:
    """||x_i - theta0||."""
    return length(combined([(number(1), basic(RunPoint(run, index))), (number(-1), basic(Origin()))]))


@register
@dataclass(frozen=True)
class StartLength(Rule):
    """
    ------------------------ StartLength      x_0 = theta0
    |- ||x_0 - theta0|| = 0
    """

    run: Run

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        return Compare(distance(self.run, Index(0, False)), EQ, number(0))


@register
@dataclass(frozen=True)
class StepNorm(Rule):
    """
    -------------------------------------------------- StepNorm      x_{i+1} = x_i - s eta grad F(x_i)
    |- ||x_{i+1} - x_i|| = |s| eta ||grad F(x_i)||        F the loss of the run, |s| = root(s^2)
    """

    run: Run
    index: Index

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        run, before = self.run, basic(RunPoint(self.run, self.index))
        after = basic(RunPoint(run, self.index.shifted(1)))
        slope = SlopeAt(BoundTask(0) if run.task is None else run.task, run, self.index)
        whole = basic(Summed(slope)) if run.task is None else basic(slope)
        left = length(combined([(number(1), after), (number(-1), before)]))
        return Compare(left, EQ, Root(run.factor**2).poly() * StepLength().poly() * length(whole))


def _in_ball(premises: tuple[Sequent, ...], run: Run, index: Index) -> BallBounds:
    expect_premises(premises, 2)
    claim, near = premises[0].claim, at_most(premises[1])
    if not isinstance(claim, BallBounds):
        raise KernelError("expected as first premise bounds in a ball")
    if RunPoint(run, index).reach or near.left != distance(run, index) or near.right != claim.radius:
        raise KernelError("expected as second premise that the point lies in the ball")
    return claim


@register
@dataclass(frozen=True)
class BallSlope(Rule):
    """
    G |- ||grad L_t|| <= c and ||Hess L_t|| <= d in the ball    D |- ||x_i - theta0|| <= rho
    ----------------------------------------------------------------------------------------- BallSlope
    G, D |- ||grad L_t(x_i)|| <= c for every task t
    """

    run: Run
    index: Index

    def conclude(self, *premises: Sequent) -> ForTasks:
        claim = _in_ball(premises, self.run, self.index)
        return ForTasks(length(basic(SlopeAt(BoundTask(0), self.run, self.index))), claim.slope)


@register
@dataclass(frozen=True)
class BallBend(Rule):
    """
    G |- ||grad L_t|| <= c and ||Hess L_t|| <= d in the ball    D |- ||x_i - theta0|| <= rho
    ----------------------------------------------------------------------------------------- BallBend
    G, D |- ||Hess L_t(x_i)|| <= d for every task t
    """

    run: Run
    index: Index

    def conclude(self, *premises: Sequent) -> ForTasks:
        claim = _in_ball(premises, self.run, self.index)
        return ForTasks(BendNorm(BoundTask(0), self.run, self.index).poly(), claim.bend)


@register
@dataclass(frozen=True)
class MultiplesAtMost(Rule):
    """
    G |- e a <= b    D |- 0 <= a
    ----------------------------------- MultiplesAtMost      n occurs neither in a nor in b; the second
    G, D |- n a <= b for n = 1, ..., e                        premise is left out where a is visibly >= 0
    """

    end: Index
    factor: Poly

    def conclude(self, *premises: Sequent) -> ForIndices:
        visible = is_nonnegative(self.factor)
        expect_premises(premises, 1 if visible else 2)
        compared = at_most(premises[0])
        if compared.left != index_value(self.end) * self.factor:
            raise KernelError("expected a premise about the last multiple")
        if INDEX in self.factor.variables | compared.right.variables:
            raise KernelError("expected no n in the factor and in the bound")
        if not visible and premises[1].claim is not Compare(number(0), LE, self.factor):
            raise KernelError("expected a factor that is visibly >= 0, or shown to be")
        return ForIndices(self.end, Compare(Natural().poly() * self.factor, LE, compared.right))
