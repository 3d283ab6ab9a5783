"""Rules of power series in the step size: steps of runs, gradients and Hessians along them, and sums."""

from __future__ import annotations

from dataclasses import dataclass

from proofs.errors import KernelError

from ..claims import Sequent
from ..core import Rule, register
from ..indices import Index
from ..scalars import number
from ..series import (
    AnyTask,
    Bend,
    BendAt,
    BoundTask,
    Combination,
    DriftSum,
    Expansion,
    Origin,
    PathTerm,
    Run,
    RunPoint,
    Slope,
    SlopeAt,
    SmoothTasks,
    Summed,
    Task,
    Vector,
    basic,
    bent,
    combined,
    is_constant,
    mapped,
    opened,
    summed,
    zero,
)
from ..task_scalars import require_no_task
from .logic import expect_premises, no_premises

__all__ = [
    "BendLimit", "DefinedSum", "ExpandLinear", "FirstStep", "NextStep", "RunStart", "SlopeLimit", "Truncate",
]  # fmt: skip

MINUS = number(-1)


def expansion(premise: Sequent) -> Expansion:
    if not isinstance(premise.claim, Expansion):
        raise KernelError("expected a premise that expands a vector")
    return premise.claim


def _require_smooth(premise: Sequent) -> None:
    if premise.claim is not SmoothTasks():
        raise KernelError("expected a premise that the losses are smooth")


def _vector_of(claim: Expansion) -> Vector:
    """The one basic vector that is expanded."""
    if len(claim.parts) != 1 or len(claim.parts[0].terms) != 1 or claim.parts[0].terms[0][0] != number(1):
        raise KernelError("expected a premise that expands one basic vector")
    return claim.parts[0].terms[0][1]


def _point_of(claim: Expansion) -> RunPoint:
    vector = _vector_of(claim)
    if not isinstance(vector, RunPoint) or claim.coefficients[0] is not basic(Origin()):
        raise KernelError("expected a premise that expands a point of a run around theta0")
    return vector


def slope_of(run: Run) -> Combination:
    """The gradient of a run's loss at theta0."""
    return basic(Slope(run.task)) if run.task is not None else basic(Summed(Slope(BoundTask(0))))


def bend_of(run: Run, vector: Combination) -> Combination:
    """The Hessian of a run's loss at theta0 applied to a vector."""
    if run.task is not None:
        return bent(run.task, vector)
    return mapped(vector, lambda v: basic(Summed(Bend(BoundTask(0), v))))


@register
@dataclass(frozen=True)
class RunStart(Rule):
    """
    --------------- RunStart
    |- x_0 = theta0
    """

    run: Run

    def conclude(self, *premises: Sequent) -> Expansion:
        no_premises(premises)
        return Expansion((basic(RunPoint(self.run, Index(0, False))),), (basic(Origin()),), True)


@register
@dataclass(frozen=True)
class FirstStep(Rule):
    """
    G |- the losses are C^3 near theta0    D |- x_0 = theta0
    ---------------------------------------------------------- FirstStep
    G, D |- x_1 = theta0 - eta s grad F(theta0)      F the loss of the run, s its factor
    """

    def conclude(self, *premises: Sequent) -> Expansion:
        expect_premises(premises, 2)
        _require_smooth(premises[0])
        claim = expansion(premises[1])
        point = _point_of(claim)
        if not claim.exact or len(claim.coefficients) != 1 or point.index is not Index(0, False):
            raise KernelError("expected as second premise that the run starts at theta0")
        slope = combined([(MINUS * point.run.factor, slope_of(point.run))])
        after = basic(RunPoint(point.run, point.index.shifted(1)))
        return Expansion((after,), (basic(Origin()), slope), True)


@register
@dataclass(frozen=True)
class NextStep(Rule):
    """
    G |- the losses are C^3 near theta0    D |- x_i = theta0 + eta c_1 + eta^2 c_2 + O(eta^3)
    ------------------------------------------------------------------------------------------ NextStep
    G, D |- x_{i+1} = theta0 + eta (c_1 - s g) + eta^2 (c_2 - s H c_1) + O(eta^3)

    g and H are gradient and Hessian of the run's loss at theta0, s its factor: by Taylor's theorem
    grad F(theta0 + eta c_1 + O(eta^2)) = g + eta H c_1 + O(eta^2).
    """

    def conclude(self, *premises: Sequent) -> Expansion:
        expect_premises(premises, 2)
        _require_smooth(premises[0])
        claim = expansion(premises[1])
        point = _point_of(claim)
        if len(claim.coefficients) != 3:
            raise KernelError("expected a premise with three coefficients")
        start, first, second = claim.coefficients
        factor = MINUS * point.run.factor
        first_after = combined([(number(1), first), (factor, slope_of(point.run))])
        second_after = combined([(number(1), second), (factor, bend_of(point.run, first))])
        after = basic(RunPoint(point.run, point.index.shifted(1)))
        return Expansion((after,), (start, first_after, second_after), False)


@register
@dataclass(frozen=True)
class Truncate(Rule):
    """
    G |- v = sum_{i<M} eta^i c_i [+ O(eta^M)]
    ------------------------------------------- Truncate      N <= M, or any N without remainder, c_i = 0
    G |- v = sum_{i<N} eta^i c_i + O(eta^N)                    from M on
    """

    length: int

    def conclude(self, *premises: Sequent) -> Expansion:
        expect_premises(premises, 1)
        claim = expansion(premises[0])
        known = claim.coefficients
        if self.length < 1 or (self.length > len(known) and not claim.exact):
            raise KernelError("expected a number of coefficients that the premise has")
        padded = (*known, *(zero() for _ in range(self.length - len(known))))
        return Expansion(claim.parts, padded[: self.length], False)


@register
@dataclass(frozen=True)
class SlopeLimit(Rule):
    """
    G |- the losses are C^3 near theta0    D |- x_i = theta0 + O(eta)
    ------------------------------------------------------------------ SlopeLimit
    G, D |- grad L_t(x_i) = grad L_t(theta0) + O(eta)
    """

    task: Task

    def conclude(self, *premises: Sequent) -> Expansion:
        expect_premises(premises, 2)
        _require_smooth(premises[0])
        point = _point_of(expansion(premises[1]))
        vector = SlopeAt(self.task, point.run, point.index)
        return Expansion((basic(vector),), (basic(Slope(self.task)),), False)


@register
@dataclass(frozen=True)
class BendLimit(Rule):
    """
    G |- the losses are C^3 near theta0   D |- x_i = theta0 + O(eta)   E |- v = c + O(eta)
    --------------------------------------------------------------------------------------- BendLimit
    G, D, E |- Hessian L_t(x_i) v = Hessian L_t(theta0) c + O(eta)
    """

    task: Task

    def conclude(self, *premises: Sequent) -> Expansion:
        expect_premises(premises, 3)
        _require_smooth(premises[0])
        point, claim = _point_of(expansion(premises[1])), expansion(premises[2])
        vector = BendAt(self.task, point.run, point.index, _vector_of(claim))
        return Expansion((basic(vector),), (bent(self.task, claim.coefficients[0]),), False)


@register
@dataclass(frozen=True)
class DefinedSum(Rule):
    """
    G |- (the definition of v) = sum_i eta^i c_i + O(eta^N)
    -------------------------------------------------------- DefinedSum
    G |- v = sum_i eta^i c_i + O(eta^N)

    R_0(t) = 0,  R_{i+1}(t) = R_i(t) + alpha sum_u grad L_u(x_i) - grad L_t(x_i);
    C_1 = 0,  C_{i+1} = C_i + sum_t (Hessian of L_t at x_i) R_i(t).
    """

    vector: Vector

    def conclude(self, *premises: Sequent) -> Expansion:
        expect_premises(premises, 1)
        claim = expansion(premises[0])
        if claim.parts != (definition_of(self.vector),):
            raise KernelError("expected a premise that expands the definition of the vector")
        return Expansion((basic(self.vector),), claim.coefficients, claim.exact)


def definition_of(vector: Vector) -> Combination:
    """The combination that a sum along a run stands for, in terms of the sum before."""
    one = number(1)
    match vector:
        case DriftSum(index=index) if index is Index(0, False):
            return zero()
        case DriftSum(task=task, alpha=alpha, index=index) if index.is_positive:
            before, joint = index.shifted(-1), Run(None, alpha)
            every = basic(Summed(SlopeAt(BoundTask(0), joint, before)))
            own = basic(SlopeAt(task, joint, before))
            return combined([(one, basic(DriftSum(task, alpha, before))), (alpha, every), (MINUS, own)])
        case PathTerm(index=index) if index is Index(1, False):
            return zero()
        case PathTerm(alpha=alpha, index=index) if index.least >= 2:
            before, joint = index.shifted(-1), Run(None, alpha)
            drift = DriftSum(BoundTask(0), alpha, before)
            bends = basic(Summed(BendAt(BoundTask(0), joint, before, drift)))
            return combined([(one, basic(PathTerm(alpha, before))), (one, bends)])
        case _:
            raise KernelError("expected a sum along a run at an index that is visibly in its range")


@register
@dataclass(frozen=True)
class ExpandLinear(Rule):
    """
    G_1 |- v_1 = ...   ...   G_n |- v_n = ...
    ----------------------------------------------------- ExpandLinear
    G_1, ..., G_n |- sum_j eta^j parts_j = ...

    The parts are linear combinations of the v_i, of constant vectors, and of sums over tasks of
    such; in a sum the premise is about an arbitrary task, the field's, that occurs in no hypothesis.  The
    remainder is the largest of all; finitely many are added.
    """

    parts: tuple[Combination, ...]
    task: AnyTask

    def conclude(self, *premises: Sequent) -> Expansion:
        known: dict[Vector, Expansion] = {}
        for premise in premises:
            for claim in premise.hypotheses:
                require_no_task(claim, self.task)
            known[_vector_of(expansion(premise))] = expansion(premise)
        used: set[Vector] = set()
        columns: list[list[Combination]] = []
        order: int | None = None
        for shift, part in enumerate(self.parts):
            coefficients, length = self._expand(part, known, used)
            columns.append([zero()] * shift + coefficients)
            if length is not None:
                order = length + shift if order is None else min(order, length + shift)
        if used != set(known):
            raise KernelError("expected premises that are all used")
        if order is None:
            order = max(len(column) for column in columns) or 1
            exact = True
        else:
            exact = False
        rows = [
            combined([(number(1), column[i]) for column in columns if i < len(column)]) for i in range(order)
        ]
        return Expansion(self.parts, tuple(rows), exact)

    def _expand(
        self, part: Combination, known: dict[Vector, Expansion], used: set[Vector]
    ) -> tuple[list[Combination], int | None]:
        """The coefficients of a combination, and how many are known (None: all)."""
        rows: list[Combination] = []
        order: int | None = None
        for coefficient, vector in part.terms:
            found, length = self._vector(vector, known, used)
            rows += [zero()] * (len(found) - len(rows))
            for i, row in enumerate(found):
                rows[i] = combined([(number(1), rows[i]), (coefficient, row)])
            if length is not None:
                order = length if order is None else min(order, length)
        return rows if order is None else rows[:order], order

    def _vector(
        self, vector: Vector, known: dict[Vector, Expansion], used: set[Vector]
    ) -> tuple[list[Combination], int | None]:
        if vector in known:
            used.add(vector)
            claim = known[vector]
            return list(claim.coefficients), None if claim.exact else len(claim.coefficients)
        if is_constant(vector):
            return [basic(vector)], None
        if isinstance(vector, Summed):
            inner, length = self._vector(opened(vector, self.task), known, used)
            return [summed(self.task, row) for row in inner], length
        raise KernelError("expected a premise for every vector that depends on the step size")
