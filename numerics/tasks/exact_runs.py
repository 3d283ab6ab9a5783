"""Task arithmetic at exact data: the runs and the second-order term in balls, or exactly in rationals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from flint import arb, fmpq

from numerics.errors import NumericsError
from proofs.kernel.intervals import to_fmpq
from proofs.network import Architecture, Loss
from proofs.network.lowering_losses import loss_on

from .sweeps import BALLS, Field, Number, Sweep, lifted

__all__ = [
    "ExactRuns", "ExactTask", "ExactTasks", "Rational", "Vector", "advance_all", "begun",
    "exact_leading_term", "exact_path_term", "exact_runs", "norm",
]  # fmt: skip

Rational = Fraction | int
Vector = list[Number]
Start = Mapping[str, Sequence[Rational]]
ONE = fmpq(1)


@dataclass(frozen=True)
class ExactTask:
    """A network, a loss and N rational samples: `inputs` and `targets`, a row each."""

    architecture: Architecture
    loss: Loss
    inputs: tuple[tuple[Rational, ...], ...]
    targets: tuple[tuple[Rational, ...], ...]

    @cached_property
    def sweep(self) -> Sweep:
        """The mean loss, unrolled."""
        return Sweep(loss_on(self.architecture, self.loss, self.inputs, self.targets))


@dataclass(frozen=True)
class ExactTasks:
    """Tasks of the same parameters, a step size > 0 being given later.

    `start` holds the entries of every tensor of theta0 by name, row by row.
    """

    tasks: tuple[ExactTask, ...]
    start: Start

    def __post_init__(self) -> None:
        if not self.tasks:
            raise NumericsError("expected at least one task but got none")
        places = [task.sweep.coordinates for task in self.tasks]
        if any(other != places[0] for other in places):
            raise NumericsError("expected tasks of the same parameters")
        wanted = {name: number + 1 for name, number in places[0]}
        given = {name: len(entries) for name, entries in self.start.items()}
        if given != wanted:
            raise NumericsError(f"expected theta0 with the entries {wanted} but got {given}")

    @cached_property
    def point(self) -> list[fmpq]:
        """Theta0 in the order of the coordinates: tensors by name."""
        return [to_fmpq(Fraction(self.start[name][k])) for name, k in self.tasks[0].sweep.coordinates]


@dataclass(frozen=True, slots=True)
class ExactRuns:
    """As `TaskRuns`: moves theta - theta0 of every task and of the multi-task run, and its gradients.

    own[e][t] and joint[e] for e = 0..k, slopes[e][t] for e = 0..k-1.
    """

    tasks: ExactTasks
    field: Field
    step_size: fmpq
    alpha: fmpq
    own: list[list[Vector]]
    joint: list[Vector]
    slopes: list[list[Vector]]

    @property
    def steps(self) -> int:
        return len(self.joint) - 1

    def at(self, move: Vector) -> Vector:
        """Theta0 + move."""
        return [entry + step for entry, step in zip(self.tasks.point, move, strict=True)]

    def difference(self) -> Vector:
        """The vector theta_TA - theta_MT."""
        total = _total(self.own[-1])
        return [self.alpha * entry - other for entry, other in zip(total, self.joint[-1], strict=True)]


def exact_runs(
    tasks: ExactTasks, step_size: Rational, alpha: Rational, steps: int, field: Field = BALLS
) -> ExactRuns:
    """The runs of k = `steps` steps; in balls, inside `ctx.workprec(bits)`.

    Raises:
        KinkMet: where a point is not shown to be off the kinks.
        NumericsError: for a step size that is not positive or fewer than one step.
    """
    if step_size <= 0 or steps < 1:
        raise NumericsError(f"expected a step size > 0 and steps >= 1 but got {step_size}, {steps}")
    runs = begun(tasks, step_size, alpha, field)
    for _ in range(steps):
        advance_all(runs)
    return runs


def begun(tasks: ExactTasks, step_size: Rational, alpha: Rational, field: Field) -> ExactRuns:
    """The runs before the first step."""
    still = [lifted(field, fmpq(0))] * len(tasks.point)
    eta, factor = to_fmpq(Fraction(step_size)), to_fmpq(Fraction(alpha))
    return ExactRuns(tasks, field, eta, factor, [[still] * len(tasks.tasks)], [still], [])


def advance_all(runs: ExactRuns) -> None:
    """One more step of every run, added to the lists; raises as `exact_runs`."""
    sweeps, here = [task.sweep for task in runs.tasks.tasks], runs.at(runs.joint[-1])
    slopes = [sweep.gradient(runs.field, here) for sweep in sweeps]
    alone = [
        _moved(move, -runs.step_size, sweep.gradient(runs.field, runs.at(move)))
        for sweep, move in zip(sweeps, runs.own[-1], strict=True)
    ]
    runs.slopes.append(slopes)
    runs.own.append(alone)
    runs.joint.append(_moved(runs.joint[-1], -runs.alpha * runs.step_size, _total(slopes)))


def exact_path_term(runs: ExactRuns) -> Vector:
    """C along the multi-task run."""
    total = [lifted(runs.field, fmpq(0))] * len(runs.tasks.point)
    drifts = [list(total) for _ in runs.tasks.tasks]
    for step in range(1, runs.steps):
        drifts = [
            _moved(drift, ONE, residual)
            for drift, residual in zip(drifts, _residuals(runs, step - 1), strict=True)
        ]
        here = runs.at(runs.joint[step])
        for task, drift in zip(runs.tasks.tasks, drifts, strict=True):
            total = _moved(total, ONE, task.sweep.product(runs.field, here, drift))
    return total


def exact_leading_term(runs: ExactRuns) -> Vector:
    """The leading form k (k - 1)/2 sum_t Hess L_t(theta0) r_t(theta0)."""
    factor = fmpq(runs.steps * (runs.steps - 1), 2)
    here = runs.at(runs.joint[0])
    pairs = zip(runs.tasks.tasks, _residuals(runs, 0), strict=True)
    return [factor * x for x in _total([task.sweep.product(runs.field, here, r) for task, r in pairs])]


def norm(vector: Vector) -> arb:
    """The Euclidean norm as a ball; its lower end is not below 0."""
    square = sum((arb(entry) ** 2 for entry in vector), arb(0))
    return square.nonnegative_part().sqrt()


def _residuals(runs: ExactRuns, step: int) -> list[Vector]:
    slopes = runs.slopes[step]
    total = _total(slopes)
    return [[runs.alpha * a - b for a, b in zip(total, slope, strict=True)] for slope in slopes]


def _total(vectors: Sequence[Vector]) -> Vector:
    return [sum(column[1:], column[0]) for column in zip(*vectors, strict=True)]


def _moved(vector: Vector, factor: fmpq, direction: Vector) -> Vector:
    return [a + factor * b for a, b in zip(vector, direction, strict=True)]
