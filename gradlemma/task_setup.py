"""From a problem with tasks to what is run: losses in double precision and, for small networks, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from gradlemma.errors import ProblemError, printable
from gradlemma.forecast import duration
from gradlemma.problem import Problem, Samples, feed_forward, with_line
from gradlemma.problem._python import exact_number
from gradlemma.problem._tasks_model import MAX_TASK_STEPS
from gradlemma.resources import available_memory_bytes
from proofs.kernel.intervals import to_fmpq
from proofs.kernel.map_values import Point
from proofs.kernel.patterns import first_kinked
from proofs.kernel.tensors import ExactTensor
from proofs.network import Architecture, Network
from proofs.network.lowering_losses import loss_on
from proofs.theorems.bounds import Data

if TYPE_CHECKING:
    from torch import Tensor

    from numerics.tasks import ExactTasks, Tasks

__all__ = ["TaskForecast", "TaskSetup", "task_forecast", "task_setup"]

# Samples times parameters times steps up to which runs are also done in balls of 256 bits.
SMALL_WORK = 100_000
# Samples times parameters up to which C is written out, and parameters.
CLOSED_WORK, CLOSED_PARAMETERS = 200, 16
LARGEST_FLOAT = 2**1000


@dataclass(frozen=True, eq=False)
class TaskSetup:
    """T tasks of a network, theta0, and eta > 0, alpha and k >= 1 of the runs."""

    problem: Problem
    given: Samples
    network: Network
    members: tuple[tuple[int, ...], ...]
    weights: tuple[ExactTensor, ...]
    step: Fraction
    alpha: Fraction
    steps: int

    @property
    def count(self) -> int:
        """T."""
        return len(self.members)

    @property
    def samples(self) -> int:
        """The samples of all tasks together."""
        return sum(map(len, self.members))

    @property
    def is_small(self) -> bool:
        """Whether the runs are done exactly as well."""
        return self.samples * self.network.parameter_count * self.steps <= SMALL_WORK

    @property
    def has_closed_form(self) -> bool:
        """Whether C is written out."""
        parameters = self.network.parameter_count
        return parameters <= CLOSED_PARAMETERS and self.samples * parameters <= CLOSED_WORK

    @cached_property
    def data(self) -> tuple[Data, ...]:
        """The samples of every task."""
        return tuple(Data(_chosen(self.given.x, m), _chosen(self.given.y, m)) for m in self.members)

    @cached_property
    def has_kinks(self) -> bool:
        """Whether a function with kinks occurs, in the network or in the loss."""
        one = self.data[0]
        xs, ys = ([_rows(part)[0]] for part in (one.inputs, one.targets))
        return first_kinked(loss_on(self.architecture, self.problem.loss, xs, ys)) is not None

    @property
    def architecture(self) -> Architecture:
        return Architecture.of_network(self.network)

    def start(self) -> Tensor:
        """Theta0, [P]."""
        import torch

        return torch.from_numpy(np.concatenate([w.to_numpy().reshape(-1) for w in self.weights]))

    def tasks(self) -> Tasks:
        """The losses in double precision."""
        import torch

        from numerics.tasks import tasks_of

        def tensor(part: ExactTensor) -> Tensor:
            return torch.from_numpy(part.to_numpy())

        pairs = [(tensor(one.inputs), tensor(one.targets)) for one in self.data]
        return tasks_of(self.network, self.problem.loss, pairs)

    @cached_property
    def exact(self) -> ExactTasks:
        """The losses at their exact data and weights."""
        from numerics.tasks import ExactTask, ExactTasks

        architecture, loss = self.architecture, self.problem.loss
        tasks = [ExactTask(architecture, loss, _rows(d.inputs), _rows(d.targets)) for d in self.data]
        return ExactTasks(tuple(tasks), self.exact_start)

    @property
    def exact_start(self) -> dict[str, tuple[Fraction, ...]]:
        """The entries of theta0 by tensor."""
        pairs = zip(self.network.parameters(), self.weights, strict=True)
        return {parameter.name: tuple(tensor.fractions()) for parameter, tensor in pairs}

    @property
    def exact_point(self) -> Point:
        """The same in the kernel's numbers."""
        return {name: tuple(map(to_fmpq, entries)) for name, entries in self.exact_start.items()}


def task_setup(problem: Problem, eta: Any, alpha: Any, steps: Any) -> TaskSetup:
    """The tasks of a problem with the options that replace what its file says.

    Raises:
        ProblemError: without tasks, weights, or one of the numbers, and for numbers that do not fit.
    """
    try:
        return _setup(problem, eta, alpha, steps)
    except ProblemError as error:
        is_key = error.key is not None and not error.key.startswith("--")
        raise with_line(error, problem.path) if is_key and problem.path is not None else error from None


def _setup(problem: Problem, eta: Any, alpha: Any, steps: Any) -> TaskSetup:
    split = problem.tasks
    if split is None or problem.samples is None:
        raise ProblemError(
            "expected tasks but the problem has none",
            kind="missing-key", key="tasks", remedy="add a section `tasks`; see docs/problem-file.md",
        )  # fmt: skip
    network = feed_forward(problem, "run of task arithmetic")
    limit = 10**12
    if problem.weights is not None and any(abs(w.to_numpy()).max(initial=0) > limit for w in problem.weights):
        raise ProblemError(
            "expected weights of at most 10^12 in size but got larger ones",
            kind="weights", key="weights", remedy="rescale the weights",
        )  # fmt: skip
    if problem.weights is None:
        raise ProblemError(
            "expected weights, at which all runs start, but the problem has none",
            kind="missing-key", key="weights", remedy="add a section `weights`",
        )  # fmt: skip
    step = _number(eta, "--eta", split.step, "step")
    factor = _number(alpha, "--alpha", split.alpha, "alpha")
    if step <= 0:
        raise ProblemError(
            f"expected a step size > 0 but got {printable(step)}",
            kind="usage",
            key="--eta",
            remedy="use 1/10",
        )
    if step > LARGEST_FLOAT or abs(factor) > LARGEST_FLOAT or step * LARGEST_FLOAT < 1:
        raise ProblemError(
            "expected a step size and an alpha in the range of double precision",
            kind="usage", remedy="use numbers such as 1/10",
        )  # fmt: skip
    count = _count(steps, split.steps)
    return TaskSetup(problem, problem.samples, network, split.members, problem.weights, step, factor, count)


def _number(given: Any, option: str, stated: Fraction | None, key: str) -> Fraction:
    if given is not None:
        try:
            return exact_number(given, option)
        except ProblemError as error:
            raise ProblemError(error.message, kind="usage", key=option, remedy=error.remedy) from None
    if stated is None:
        raise ProblemError(
            f"expected {key} but neither the problem file nor {option} gives it",
            kind="missing-key", key="tasks", remedy=f"add `{key}: 1/10`, or use {option}",
        )  # fmt: skip
    return stated


def _count(given: Any, stated: int | None) -> int:
    found = stated if given is None else given
    if found is None:
        raise ProblemError(
            "expected steps but neither the problem file nor --steps gives it",
            kind="missing-key", key="tasks", remedy="add `steps: 3`, or use --steps",
        )  # fmt: skip
    if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= MAX_TASK_STEPS:
        raise ProblemError(
            f"expected a number of steps from 1 to {MAX_TASK_STEPS} but got {printable(found)}",
            kind="usage", key="--steps", remedy="use 3",
        )  # fmt: skip
    return found


def _chosen(tensor: ExactTensor, members: Sequence[int]) -> ExactTensor:
    if tensor.is_dyadic:
        return ExactTensor.from_floats(tensor.to_numpy()[list(members)])
    rows = _rows(tensor)
    entries = tuple(entry for member in members for entry in rows[member])
    return ExactTensor.from_fractions((len(members), tensor.shape[1]), entries)


def _rows(tensor: ExactTensor) -> tuple[tuple[Fraction, ...], ...]:
    entries, width = tensor.fractions(), tensor.shape[1]
    return tuple(tuple(entries[n * width : (n + 1) * width]) for n in range(tensor.shape[0]))


# -- what is to be expected -------------------------------------------------------------------------

BASE_S, BASE_MIB = 4.0, 400.0
SECONDS_PER_PASS = 1e-8
SECONDS_PER_EXACT = 4e-5
SECONDS_PER_NODE_VALUE = 1e-5
LONGEST_S = 6 * 3600.0
# Step sizes at which orders are observed.
RUNGS = 7


@dataclass(frozen=True, slots=True)
class TaskForecast:
    """Estimates, good to a factor of 4."""

    parameters: int
    seconds: float
    memory_mib: float

    def sentence(self) -> str:
        """A line for people."""
        return (
            f"forecast: {self.parameters} parameters, about {duration(self.seconds)} "
            f"and {self.memory_mib / 1024:.1f} GiB"
        )


def task_forecast(setup: TaskSetup, order: bool) -> TaskForecast:
    """An estimate from the sizes alone.

    Raises:
        ProblemError: for more work than a few hours, or more memory than there is.
    """
    parameters, steps = setup.network.parameter_count, setup.steps
    work = setup.samples * parameters * steps
    seconds = BASE_S + SECONDS_PER_PASS * work * 12
    seconds += SECONDS_PER_NODE_VALUE * setup.samples * sum(setup.network.widths()) * 4
    if setup.is_small:
        seconds += SECONDS_PER_EXACT * work * (RUNGS + 1 if order else 1)
    points = 2 * (steps + 1) * (setup.count + 1) * parameters * 8
    memory = BASE_MIB + (points + 40 * setup.samples * sum(setup.network.widths())) / 2**20
    room = available_memory_bytes()
    if seconds > LONGEST_S or (room is not None and memory * 2**20 > room):
        raise ProblemError(
            f"expected at most {duration(LONGEST_S)} and the memory that is free, but {steps} steps of "
            f"{setup.count} tasks with {parameters} parameters take about {duration(seconds)} and "
            f"{memory / 1024:.1f} GiB",
            kind="limit", remedy="use fewer steps, fewer samples or a smaller network",
        )  # fmt: skip
    return TaskForecast(parameters, seconds, memory)
