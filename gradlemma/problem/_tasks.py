"""The tasks of a problem: which samples each of them has."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from gradlemma.errors import ProblemError, printable
from proofs.errors import KernelError
from proofs.kernel.tensors import ExactTensor

if TYPE_CHECKING:
    from ._model import ProblemFile
    from ._tasks_model import TasksSection

__all__ = ["TaskSplit", "joined_tasks", "tasks_of_section"]


@dataclass(frozen=True, slots=True)
class TaskSplit:
    """The tasks and how they are trained; None for what a problem does not state.

    members: for every task the numbers of its samples from 0, at least one each.
    """

    members: tuple[tuple[int, ...], ...]
    step: Fraction | None = None
    alpha: Fraction | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        if not self.members:
            raise _empty("tasks", "expected at least one task but got none")
        for number, task in enumerate(self.members):
            if not task:
                raise _empty("tasks", f"expected at least one sample in task {number + 1} but got none")
        if self.step is not None and self.step <= 0:
            raise ProblemError(
                f"expected a step size > 0 but got {printable(self.step)}",
                key="tasks.step",
                remedy="use 1/10",
            )
        if self.steps is not None and self.steps < 1:
            raise ProblemError(
                f"expected at least one step but got steps={self.steps}", key="tasks.steps", remedy="use 3"
            )


def joined_tasks(spec: ProblemFile) -> tuple[ExactTensor, ExactTensor] | None:
    """The samples of tasks that are written out, one task after the other; None for other splits.

    Raises:
        ProblemError: for samples beside `data`, none at all, or tasks of different widths.
    """
    if spec.tasks is None:
        return None
    if spec.tasks.split is None:
        if spec.data is None:
            raise ProblemError(
                "expected data, which the tasks are parts of, but the problem has none",
                kind="missing-key", key="tasks", remedy="add `data`, or write the tasks out with `split`",
            )  # fmt: skip
        return None
    if spec.data is not None:
        raise ProblemError(
            "expected no data beside tasks that are written out but got both",
            key="tasks.split", remedy="remove `data`, or use by_label or by_range",
        )  # fmt: skip
    split = spec.tasks.split
    width, first = len(split[0][0][0]), split[0][1][0]
    kind = len(first) if isinstance(first, tuple) else None
    for number, (x, y) in enumerate(split):
        if len(x[0]) != width:
            raise _shape(number, "x", f"inputs of width {width} as in task 1 but got width {len(x[0])}")
        own = len(y[0]) if isinstance(y[0], tuple) else None
        if own != kind:
            raise _shape(number, "y", f"targets as in task 1, {_kind(kind)}, but got {_kind(own)}")
    xs = [entry for x, _ in split for row in x for entry in row]
    rows = [row for _, y in split for row in y]
    shape = (len(rows),) if kind is None else (len(rows), kind)
    ys = rows if kind is None else [entry for row in rows for entry in row]
    try:
        return (
            ExactTensor.from_fractions((len(rows), width), tuple(map(Fraction, xs))),
            ExactTensor.from_fractions(shape, tuple(map(Fraction, ys))),
        )
    except KernelError as error:
        raise ProblemError(str(error), kind="data", key="tasks.split", remedy="rescale the data") from None


def tasks_of_section(section: TasksSection, targets: ExactTensor) -> TaskSplit:
    """The tasks by the numbers of their samples.

    Args:
        section: the section of the file.
        targets: of all samples as they were given, [N] or [N, out].

    Raises:
        ProblemError: for labels where the targets are rows, and for samples that there are not.
    """
    if section.split is not None:
        members: list[tuple[int, ...]] = []
        start = 0
        for x, _ in section.split:
            members.append(tuple(range(start, start + len(x))))
            start += len(x)
    elif section.by_label is not None:
        members = _by_label(section.by_label, targets)
    else:
        members = _by_range(section.by_range, targets.shape[0])
    return TaskSplit(tuple(members), section.step, section.alpha, section.steps)


def _by_label(tasks: tuple[tuple[int, ...], ...], targets: ExactTensor) -> list[tuple[int, ...]]:
    if len(targets.shape) != 1:
        raise ProblemError(
            "expected class labels, one number a sample, but got targets in rows",
            kind="data", key="tasks.by_label", remedy="use by_range, or give labels",
        )  # fmt: skip
    places: dict[Fraction, list[int]] = {}
    for number, label in enumerate(targets.fractions()):
        places.setdefault(Fraction(label), []).append(number)
    known = ", ".join(str(label) for label in sorted(places)[:20])
    for number, labels in enumerate(tasks):
        for place, label in enumerate(labels):
            if label not in places:
                raise ProblemError(
                    f"expected a label of the data ({printable(known)}) but got {label}, of which there is "
                    "no sample",
                    kind="data", key=f"tasks.by_label[{number}][{place}]", remedy="use labels of the data",
                )  # fmt: skip
    return [tuple(sorted(n for label in labels for n in places[Fraction(label)])) for labels in tasks]


def _by_range(ranges: tuple[tuple[int, int], ...], count: int) -> list[tuple[int, ...]]:
    for number, (_, after) in enumerate(ranges):
        if after > count:
            raise ProblemError(
                f"expected samples 0, ..., {count - 1} but task {number + 1} goes to sample {after - 1}",
                kind="data", key=f"tasks.by_range[{number}]", remedy=f"end the range at {count} at most",
            )  # fmt: skip
    return [tuple(range(first, after)) for first, after in ranges]


def _kind(width: int | None) -> str:
    return "one number a sample" if width is None else f"rows of width {width}"


def _shape(number: int, key: str, what: str) -> ProblemError:
    return ProblemError(
        f"expected {what} in task {number + 1}",
        kind="shape", key=f"tasks.split[{number}].{key}", remedy="give all tasks the same widths",
    )  # fmt: skip


def _empty(key: str, what: str) -> ProblemError:
    return ProblemError(what, kind="data", key=key, remedy="give every task samples")
