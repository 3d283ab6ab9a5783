"""Scalars about tasks and runs: norms and inner products of vectors, sums over all tasks, the step size.

A loss without a gradient or a Hessian at a point of a run has 0 there instead, so that every vector of
`series` has a value for every step size.  Scalars that depend on tasks, points of runs or the step
size have the mark `RUNS` among their variables; they are no coefficients of vectors.
"""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq

from proofs.errors import KernelError

from .claims import Claim, Compare, ForIndices
from .indices import Index
from .scalars import Atom, Composite, Poly, number, substitute
from .series import (
    RUNS,
    AnyTask,
    BoundTask,
    Combination,
    Expansion,
    Run,
    RunPoint,
    Task,
    Vector,
    basic,
    mapped,
    run_with,
    task_with,
    vector_with,
)
from .terms import INDEX

__all__ = [
    "BallBounds", "BendNorm", "ForTasks", "Larger", "Length", "Product", "StepLength", "TaskCount",
    "TaskNumber", "TaskSum", "length", "opened_at", "over_tasks", "product", "reach_of", "require_no_task",
    "squared", "task_sum", "tasks_of",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class TaskCount(Composite):
    """T, the number of tasks, at least 1."""

    def __post_init__(self) -> None:
        self._seal(frozenset())
        self._set_sign(number(1))


@dataclass(frozen=True, eq=False)
class StepLength(Composite):
    """eta > 0, the step size of the runs."""

    def __post_init__(self) -> None:
        self._seal(frozenset([RUNS]))
        self._set_sign(number(1))


@dataclass(frozen=True, eq=False)
class TaskNumber(Atom):
    """A real number of that name for every task, of which nothing else is known."""

    name: str
    task: Task

    def __post_init__(self) -> None:
        AnyTask(self.name)
        self._seal(frozenset([RUNS]))


@dataclass(frozen=True, eq=False)
class Length(Composite):
    """The norm of a linear combination of vectors."""

    combination: Combination

    def __post_init__(self) -> None:
        if type(self.combination) is not Combination:
            raise KernelError("expected a combination of vectors")
        self._seal(self.combination.free | {RUNS})
        self._set_sign(number(1))


@dataclass(frozen=True, eq=False)
class Product(Atom):
    """The inner product of two different vectors, in order."""

    left: Vector
    right: Vector

    def __post_init__(self) -> None:
        if not self.left.key < self.right.key:
            raise KernelError("expected two different vectors in order")
        self._seal(self.left.free | self.right.free | {RUNS})


@dataclass(frozen=True, eq=False)
class BendNorm(Composite):
    """The spectral norm of the Hessian of L_t at a point of a run."""

    task: Task
    run: Run
    index: Index

    def __post_init__(self) -> None:
        self._seal(RunPoint(self.run, self.index).free | {RUNS})
        self._set_sign(number(1))


@dataclass(frozen=True, eq=False)
class TaskSum(Composite):
    """The sum of the body over all tasks; binds one task, like `Summed`."""

    body: Poly

    def __post_init__(self) -> None:
        reach_of(self.body)
        self._seal(self.body.variables | {RUNS})
        self._set_sign(self.body)


@dataclass(frozen=True, eq=False)
class Larger(Composite):
    """max(left, right)."""

    left: Poly
    right: Poly

    def __post_init__(self) -> None:
        if type(self.left) is not Poly or type(self.right) is not Poly:
            raise KernelError("expected two polynomials")
        if RUNS in self.left.variables | self.right.variables:
            raise KernelError("expected polynomials that do not depend on tasks or on the step size")
        self._seal(self.left.variables | self.right.variables)
        self._set_sign(self.left)


def length(combination: Combination) -> Poly:
    """The norm; of no vector 0."""
    return Length(combination).poly() if combination.terms else number(0)


def product(left: Vector, right: Vector) -> Poly:
    """The inner product; of a vector with itself its squared norm."""
    if left is right:
        return Length(basic(left)).poly() ** 2
    first, second = (left, right) if left.key < right.key else (right, left)
    return Product(first, second).poly()


def squared(combination: Combination) -> Poly:
    """The inner product of a combination with itself, expanded."""
    pairs = [(a * b, v, w) for a, v in combination.terms for b, w in combination.terms]
    return sum((factor * product(v, w) for factor, v, w in pairs), number(0))


def _tasks(inner: Atom) -> tuple[frozenset[AnyTask], int]:
    """The arbitrary tasks in an atom, and how many sums around it it refers to."""
    match inner:
        case Length(combination=combination):
            return combination.tasks, combination.reach
        case Product(left=left, right=right):
            return left.tasks | right.tasks, max(left.reach, right.reach)
        case BendNorm(task=task, run=run):
            return _tasks_of_tasks(task, run.task)
        case TaskNumber(task=task):
            return _tasks_of_tasks(task)
        case TaskSum(body=body):
            return tasks_of(body), max(reach_of(body) - 1, 0)
        case StepLength():
            return frozenset(), 0
        case _:
            if RUNS in inner.variables:
                raise KernelError(f"no tasks are known of {type(inner).__name__}")
            return frozenset(), 0


def _tasks_of_tasks(*tasks: Task | None) -> tuple[frozenset[AnyTask], int]:
    reach = max((t.depth + 1 for t in tasks if isinstance(t, BoundTask)), default=0)
    return frozenset(t for t in tasks if isinstance(t, AnyTask)), reach


def tasks_of(poly: Poly) -> frozenset[AnyTask]:
    """The arbitrary tasks that the value depends on."""
    return frozenset[AnyTask]().union(*(_tasks(inner)[0] for inner in poly.atoms()))


def reach_of(poly: Poly) -> int:
    """How many sums around it the polynomial refers to; 0 if no task in it is bound outside."""
    return max((_tasks(inner)[1] for inner in poly.atoms()), default=0)


def _with(poly: Poly, old: Task, new: Task, depth: int = 0) -> Poly:
    """The polynomial with a task replaced; bound ones count the sums that are gone into."""

    def image(inner: Atom) -> Poly:
        match inner:
            case Length(combination=combination):
                return length(mapped(combination, lambda v: basic(vector_with(v, old, new, depth))))
            case Product(left=left, right=right):
                return product(vector_with(left, old, new, depth), vector_with(right, old, new, depth))
            case BendNorm(task=task, run=run, index=index):
                changed = run_with(run, old, new, depth)
                return BendNorm(task_with(task, old, new, depth), changed, index).poly()
            case TaskNumber(name=name, task=task):
                return TaskNumber(name, task_with(task, old, new, depth)).poly()
            case TaskSum(body=body):
                return task_sum(_with(body, old, new, depth + 1))
            case _:
                _tasks(inner)
                return inner.poly()

    return substitute(poly, image)


def task_sum(body: Poly) -> Poly:
    """The sum over all tasks of a body with a bound task, written term by term."""
    total = number(0)
    for monomial, coefficient in body.terms.items():
        single = Poly([(monomial, fmpq(1))])
        total = total + (TaskSum(single).poly() if monomial else TaskCount().poly()) * coefficient
    return total


def over_tasks(task: AnyTask, poly: Poly) -> Poly:
    """The sum over all tasks in place of the arbitrary one; factors without it stand outside."""
    if reach_of(poly):
        raise KernelError("expected no bound task outside of a sum")
    total = number(0)
    for monomial, coefficient in poly.terms.items():
        inside = tuple(pair for pair in monomial if task in _tasks(pair[0])[0])
        outside = Poly([(tuple(pair for pair in monomial if pair not in inside), coefficient)])
        total = total + outside * task_sum(_with(Poly([(inside, fmpq(1))]), task, BoundTask(0)))
    return total


def opened_at(body: Poly, task: AnyTask) -> Poly:
    """The body of a sum for the task."""
    if reach_of(body) > 1:
        raise KernelError("expected at most one bound task")
    return _with(body, BoundTask(0), task)


# -- claims ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ForTasks(Claim):
    """left <= right for every task, which is bound as by one sum."""

    left: Poly
    right: Poly

    def __post_init__(self) -> None:
        if type(self.left) is not Poly or type(self.right) is not Poly:
            raise KernelError("expected two polynomials")
        if max(reach_of(self.left), reach_of(self.right)) > 1:
            raise KernelError("expected at most one bound task")
        self._seal(self.left.variables | self.right.variables)


@dataclass(frozen=True, eq=False)
class BallBounds(Claim):
    """||grad L_t|| <= slope and ||Hess L_t|| <= bend for every t where ||theta - theta0|| <= radius."""

    radius: Poly
    slope: Poly
    bend: Poly

    def __post_init__(self) -> None:
        parts = (self.radius, self.slope, self.bend)
        if any(type(part) is not Poly for part in parts):
            raise KernelError("expected polynomials")
        free = frozenset[object]().union(*(part.variables for part in parts))
        if RUNS in free or INDEX in free:
            raise KernelError("expected numbers that do not depend on n, on tasks or on the step size")
        self._seal(self.radius.variables | self.slope.variables | self.bend.variables)


def require_no_task(claim: Claim, task: AnyTask) -> None:
    """Refuses a hypothesis that may speak of the task."""
    match claim:
        case Expansion(parts=parts, coefficients=coefficients):
            known = frozenset[AnyTask]().union(*(c.tasks for c in (*parts, *coefficients)))
        case Compare(left=left, right=right) | ForTasks(left=left, right=right):
            known = tasks_of(left) | tasks_of(right)
        case ForIndices(claim=inner):
            require_no_task(inner, task)
            return
        case _:
            if RUNS in claim.free:
                raise KernelError(f"no tasks are known of {type(claim).__name__}")
            return
    if task in known:
        raise KernelError(f"expected a hypothesis to say nothing about the task {task.name}")
