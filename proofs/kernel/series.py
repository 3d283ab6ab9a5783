"""Runs of gradient descent as power series in the step size, for any number of tasks and of steps.

Tasks t have losses L_t; theta0 is fixed.  A *run* takes steps of size factor * eta on one L_t, or on
the sum of all, from theta0.  Vectors of R^P are linear combinations, with polynomials as
coefficients, of basic vectors: gradients, Hessians applied to vectors, points of runs, and sums
over all tasks, in which the bound task is counted by the sums around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from proofs.errors import KernelError

from .claims import Claim
from .indices import Index
from .interning import Interned
from .scalars import Poly, number
from .terms import INDEX, Role, Variable, check_name

__all__ = [
    "RUNS",
    "AnyTask",
    "Bend",
    "BendAt",
    "BoundTask",
    "Combination",
    "DriftSum",
    "Expansion",
    "Origin",
    "PathTerm",
    "Run",
    "RunPoint",
    "Slope",
    "SlopeAt",
    "SmoothTasks",
    "Summed",
    "Task",
    "Vector",
    "basic",
    "bent",
    "combined",
    "is_constant",
    "mapped",
    "opened",
    "run_with",
    "summed",
    "task_with",
    "vector_at",
    "vector_with",
    "zero",
]  # fmt: skip

# A mark among the variables of scalars that depend on tasks, on points of runs or on the step size.
RUNS = Variable("runs", (), Role.INDEX)


@dataclass(frozen=True, eq=False)
class Task(metaclass=Interned):
    """The base of tasks."""

    def __reduce__(self) -> Any:
        raise KernelError("tasks are not pickled; store a derivation instead")


@dataclass(frozen=True, eq=False)
class AnyTask(Task):
    """An arbitrary task; what is proved of it holds for every one."""

    name: str

    def __post_init__(self) -> None:
        check_name(self.name)


@dataclass(frozen=True, eq=False)
class BoundTask(Task):
    """The task of the sum that is `depth` sums further out than the innermost one."""

    depth: int

    def __post_init__(self) -> None:
        if type(self.depth) is not int or self.depth < 0:
            raise KernelError(f"expected a depth >= 0 but got {self.depth!r}")


@dataclass(frozen=True, eq=False)
class Run(metaclass=Interned):
    """Gradient descent from theta0 with steps of size factor * eta on L_task; on sum_t L_t if None."""

    task: Task | None
    factor: Poly

    def __post_init__(self) -> None:
        if type(self.factor) is not Poly:
            raise KernelError("expected a task or none, and a factor of the step size")
        if not self.factor.variables.isdisjoint((INDEX, RUNS)):
            raise KernelError("expected a factor that does not depend on n, on tasks or on the step size")


@dataclass(frozen=True, eq=False)
class Vector(metaclass=Interned):
    """The base of basic vectors.

    tasks: the arbitrary tasks that occur; reach: how many sums around it the vector refers to;
    free: holds n if the vector depends on it.
    """

    tasks: frozenset[AnyTask] = field(init=False, repr=False)
    reach: int = field(init=False, repr=False)
    free: frozenset[Variable] = field(init=False, repr=False)
    key: bytes = field(init=False, repr=False)

    def _seal(self, tasks: list[Task | None], vectors: list[Vector], indices: list[Index]) -> None:
        known = frozenset(t for t in tasks if isinstance(t, AnyTask))
        reach = max((t.depth + 1 for t in tasks if isinstance(t, BoundTask)), default=0)
        free: frozenset[Variable] = frozenset()
        for vector in vectors:
            known, free, reach = known | vector.tasks, free | vector.free, max(reach, vector.reach)
        for index in indices:
            if type(index) is not Index:
                raise KernelError(f"expected an index but got {index!r}")
            free = free | {INDEX} if index.is_open else free
        object.__setattr__(self, "tasks", known)
        object.__setattr__(self, "reach", reach)
        object.__setattr__(self, "free", free)

    def __reduce__(self) -> Any:
        raise KernelError("vectors are not pickled; store a derivation instead")


@dataclass(frozen=True, eq=False)
class Origin(Vector):
    """theta0."""

    def __post_init__(self) -> None:
        self._seal([], [], [])


@dataclass(frozen=True, eq=False)
class Slope(Vector):
    """The gradient of L_t at theta0."""

    task: Task

    def __post_init__(self) -> None:
        self._seal([self.task], [], [])


@dataclass(frozen=True, eq=False)
class Bend(Vector):
    """The Hessian of L_t at theta0, applied to a vector."""

    task: Task
    vector: Vector

    def __post_init__(self) -> None:
        self._seal([self.task], [self.vector], [])


@dataclass(frozen=True, eq=False)
class Summed(Vector):
    """The sum of a vector over all tasks, of which there are finitely many, at least one; binds one task."""

    vector: Vector

    def __post_init__(self) -> None:
        self._seal([], [self.vector], [])
        object.__setattr__(self, "reach", max(self.vector.reach - 1, 0))


@dataclass(frozen=True, eq=False)
class RunPoint(Vector):
    """The point of a run after that many steps."""

    run: Run
    index: Index

    def __post_init__(self) -> None:
        self._seal([self.run.task], [], [self.index])


@dataclass(frozen=True, eq=False)
class SlopeAt(Vector):
    """The gradient of L_t at a point of a run."""

    task: Task
    run: Run
    index: Index

    def __post_init__(self) -> None:
        self._seal([self.task, self.run.task], [], [self.index])


@dataclass(frozen=True, eq=False)
class BendAt(Vector):
    """The Hessian of L_t at a point of a run, applied to a vector."""

    task: Task
    run: Run
    index: Index
    vector: Vector

    def __post_init__(self) -> None:
        self._seal([self.task, self.run.task], [self.vector], [self.index])


@dataclass(frozen=True, eq=False)
class DriftSum(Vector):
    """R_n(t) = sum_{m=0}^{n-1} r_t(x_m), r_t = alpha sum_u grad L_u - grad L_t.

    x_m are the points of the run on sum_u L_u with steps alpha * eta.
    """

    task: Task
    alpha: Poly
    index: Index

    def __post_init__(self) -> None:
        Run(None, self.alpha)
        self._seal([self.task], [], [self.index])


@dataclass(frozen=True, eq=False)
class PathTerm(Vector):
    """C_n = sum_t sum_{e=1}^{n-1} (Hessian of L_t at x_e) R_e(t), with R and x as in `DriftSum`; n >= 1."""

    alpha: Poly
    index: Index

    def __post_init__(self) -> None:
        Run(None, self.alpha)
        self._seal([], [], [self.index])
        if not self.index.is_positive:
            raise KernelError("expected an index >= 1")


@dataclass(frozen=True, eq=False)
class Combination(metaclass=Interned):
    """A linear combination of basic vectors in normal form: sorted, without zeros."""

    terms: tuple[tuple[Poly, Vector], ...]
    free: frozenset[Variable] = field(init=False, repr=False)
    key: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for coefficient, vector in self.terms:
            if type(coefficient) is not Poly or not isinstance(vector, Vector) or not coefficient.terms:  # pyright: ignore[reportUnnecessaryIsInstance]
                raise KernelError("expected polynomials other than 0 and vectors")
            if RUNS in coefficient.variables:
                raise KernelError("expected coefficients that do not depend on tasks or on the step size")
        keys = [vector.key for _, vector in self.terms]
        if keys != sorted(set(keys)):
            raise KernelError("expected distinct vectors in order")
        free = frozenset[Variable]().union(*(c.variables | v.free for c, v in self.terms))
        object.__setattr__(self, "free", free)

    def __reduce__(self) -> Any:
        raise KernelError("combinations are not pickled; store a derivation instead")

    @property
    def tasks(self) -> frozenset[AnyTask]:
        return frozenset[AnyTask]().union(*(vector.tasks for _, vector in self.terms))

    @property
    def reach(self) -> int:
        return max((vector.reach for _, vector in self.terms), default=0)


def combined(parts: Iterable[tuple[Poly, Combination]]) -> Combination:
    """The sum of multiples of combinations."""
    found: dict[Vector, Poly] = {}
    for factor, combination in parts:
        for coefficient, vector in combination.terms:
            found[vector] = found.get(vector, number(0)) + factor * coefficient
    kept = [(coefficient, vector) for vector, coefficient in found.items() if coefficient.terms]
    return Combination(tuple(sorted(kept, key=lambda pair: pair[1].key)))


def zero() -> Combination:
    return Combination(())


def basic(vector: Vector) -> Combination:
    """The basic vector as a combination."""
    return Combination(((number(1), vector),))


def mapped(combination: Combination, image: Callable[[Vector], Combination]) -> Combination:
    """The combination with every basic vector replaced by a combination."""
    return combined((coefficient, image(vector)) for coefficient, vector in combination.terms)


def bent(task: Task, combination: Combination) -> Combination:
    """The Hessian of L_t at theta0 applied to a combination."""
    return mapped(combination, lambda vector: basic(Bend(task, vector)))


def summed(task: AnyTask, combination: Combination) -> Combination:
    """The sum over all tasks in place of the arbitrary one."""
    return mapped(combination, lambda vector: basic(Summed(vector_with(vector, task, BoundTask(0)))))


def opened(vector: Summed, task: AnyTask) -> Vector:
    """The summand for an arbitrary task that does not occur in it."""
    if task in vector.tasks:
        raise KernelError("expected a task that does not occur in the sum")
    return vector_with(vector.vector, BoundTask(0), task)


def task_with(task: Task, old: Task, new: Task, depth: int) -> Task:
    """The task with `old` replaced, below that many sums."""
    wanted = BoundTask(old.depth + depth) if isinstance(old, BoundTask) else old
    put = BoundTask(new.depth + depth) if isinstance(new, BoundTask) else new
    return put if task is wanted else task


def run_with(run: Run, old: Task, new: Task, depth: int) -> Run:
    """The run with its task replaced, below that many sums."""
    return run if run.task is None else Run(task_with(run.task, old, new, depth), run.factor)


def vector_with(vector: Vector, old: Task, new: Task, depth: int = 0) -> Vector:
    """The vector with a task replaced; bound ones count the sums that are gone into."""
    match vector:
        case Origin() | PathTerm():
            return vector
        case Slope(task=task):
            return Slope(task_with(task, old, new, depth))
        case Bend(task=task, vector=inner):
            return Bend(task_with(task, old, new, depth), vector_with(inner, old, new, depth))
        case Summed(vector=inner):
            return Summed(vector_with(inner, old, new, depth + 1))
        case RunPoint(run=run, index=index):
            return RunPoint(run_with(run, old, new, depth), index)
        case SlopeAt(task=task, run=run, index=index):
            return SlopeAt(task_with(task, old, new, depth), run_with(run, old, new, depth), index)
        case BendAt(task=task, run=run, index=index, vector=inner):
            changed = run_with(run, old, new, depth)
            return BendAt(
                task_with(task, old, new, depth), changed, index, vector_with(inner, old, new, depth)
            )
        case DriftSum(task=task, alpha=alpha, index=index):
            return DriftSum(task_with(task, old, new, depth), alpha, index)
        case _:
            raise KernelError(f"no tasks are known of {type(vector).__name__}")


def vector_at(vector: Vector, index: Index) -> Vector:
    """The vector with n replaced."""
    match vector:
        case Bend(task=task, vector=inner):
            return Bend(task, vector_at(inner, index))
        case Summed(vector=inner):
            return Summed(vector_at(inner, index))
        case RunPoint(run=run, index=own):
            return RunPoint(run, own.at(index))
        case SlopeAt(task=task, run=run, index=own):
            return SlopeAt(task, run, own.at(index))
        case BendAt(task=task, run=run, index=own, vector=inner):
            return BendAt(task, run, own.at(index), vector_at(inner, index))
        case DriftSum(task=task, alpha=alpha, index=own):
            return DriftSum(task, alpha, own.at(index))
        case PathTerm(alpha=alpha, index=own):
            return PathTerm(alpha, own.at(index))
        case Origin() | Slope():
            return vector
        case _:
            raise KernelError(f"no index is known of {type(vector).__name__}")


# -- claims ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class SmoothTasks(Claim):
    """There are finitely many tasks; every L_t is three times continuously differentiable near theta0."""

    def __post_init__(self) -> None:
        self._seal(frozenset())


@dataclass(frozen=True, eq=False)
class Expansion(Claim):
    """sum_j eta^j parts_j = sum_{i<N} eta^i c_i + O(eta^N) as eta -> 0, N the number of coefficients.

    For fixed theta0, losses, n and other numbers in it.  With `exact` there is no remainder, for
    every eta.  The c_i do not depend on eta: they hold no points of runs.
    """

    parts: tuple[Combination, ...]
    coefficients: tuple[Combination, ...]
    exact: bool

    def __post_init__(self) -> None:
        everything = (*self.parts, *self.coefficients)
        if not self.parts or not self.coefficients or any(type(c) is not Combination for c in everything):
            raise KernelError("expected combinations of vectors")
        if any(c.reach for c in everything):
            raise KernelError("expected no bound task outside of a sum")
        if any(not is_constant(vector) for c in self.coefficients for _, vector in c.terms):
            raise KernelError("expected coefficients that do not depend on the step size")
        self._seal(frozenset[Variable]().union(*(c.free for c in everything)))


def is_constant(vector: Vector) -> bool:
    """Whether the vector does not depend on eta by its form."""
    match vector:
        case Origin() | Slope():
            return True
        case Bend(vector=inner) | Summed(vector=inner):
            return is_constant(inner)
        case _:
            return False
