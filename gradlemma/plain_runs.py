"""Claims about tasks and runs in plain characters."""

from __future__ import annotations

from typing import Protocol

from proofs.kernel.claims import Claim
from proofs.kernel.indices import Index
from proofs.kernel.scalars import Atom, Poly, number
from proofs.kernel.series import (
    AnyTask,
    Bend,
    BendAt,
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
    opened,
)
from proofs.kernel.task_scalars import (
    BallBounds,
    BendNorm,
    ForTasks,
    Larger,
    Length,
    Product,
    StepLength,
    TaskCount,
    TaskNumber,
    TaskSum,
    opened_at,
    tasks_of,
)

__all__ = ["run_atom_text", "run_claim_text"]

LETTERS = ("u", "v", "w", "p", "q", "t")


class _Writer(Protocol):
    def poly(self, poly: Poly) -> str: ...

    def index(self, index: Index) -> str: ...


def _letter(known: frozenset[AnyTask], letters: tuple[str, ...] = LETTERS) -> AnyTask:
    names = {task.name for task in known}
    return AnyTask(next((name for name in letters if name not in names), "s"))


def _task(task: Task) -> str:
    return task.name if isinstance(task, AnyTask) else "?"


def _point(run: Run, index: Index, writer: _Writer) -> str:
    name = "MT" if run.task is None else _task(run.task)
    return f"theta_{name}^({writer.index(index)})"


def _vector(vector: Vector, writer: _Writer, taken: frozenset[AnyTask]) -> str:
    match vector:
        case Origin():
            return "theta_0"
        case Slope(task=task):
            return f"g_{_task(task)}"
        case Bend(task=task, vector=inner):
            return f"H_{_task(task)} {_vector(inner, writer, taken)}"
        case Summed():
            letter = _letter(vector.tasks | taken)
            return f"(sum_{letter.name} {_vector(opened(vector, letter), writer, taken | {letter})})"
        case RunPoint(run=run, index=index):
            return _point(run, index, writer)
        case SlopeAt(task=task, run=run, index=index):
            return f"grad L_{_task(task)}({_point(run, index, writer)})"
        case BendAt(task=task, run=run, index=index, vector=inner):
            return f"Hess L_{_task(task)}({_point(run, index, writer)}) {_vector(inner, writer, taken)}"
        case DriftSum(task=task, index=index):
            return f"R_{{{writer.index(index)}}}({_task(task)})"
        case PathTerm(index=index):
            return f"C_{{{writer.index(index)}}}"
        case _:
            return type(vector).__name__.lower()


def _combination(combination: Combination, writer: _Writer, taken: frozenset[AnyTask]) -> str:
    parts: list[str] = []
    taken = taken | combination.tasks
    for coefficient, vector in combination.terms:
        body = _vector(vector, writer, taken)
        if coefficient == number(1):
            parts.append(body)
        elif coefficient == number(-1):
            parts.append(f"-{body}")
        else:
            size = writer.poly(coefficient)
            parts.append(f"({size}) {body}" if len(coefficient.terms) > 1 else f"{size} {body}")
    return " + ".join(parts) or "0"


def run_atom_text(inner: Atom, writer: _Writer) -> str | None:
    """A scalar about tasks and runs; None for any other."""
    match inner:
        case TaskCount():
            return "T"
        case StepLength():
            return "eta"
        case TaskNumber(name=name, task=task):
            return f"{name}_{_task(task)}"
        case Length(combination=combination):
            return f"||{_combination(combination, writer, frozenset())}||"
        case Product(left=left, right=right):
            taken = left.tasks | right.tasks
            return f"<{_vector(left, writer, taken)}, {_vector(right, writer, taken)}>"
        case BendNorm(task=task, run=run, index=index):
            return f"||Hess L_{_task(task)}({_point(run, index, writer)})||"
        case TaskSum(body=body):
            letter = _letter(tasks_of(body))
            return f"(sum_{letter.name} {writer.poly(opened_at(body, letter))})"
        case Larger(left=left, right=right):
            return f"max({writer.poly(left)}, {writer.poly(right)})"
        case _:
            return None


def run_claim_text(claim: Claim, writer: _Writer) -> str:
    """A claim about tasks and runs in one line."""
    match claim:
        case SmoothTasks():
            return "there are finitely many tasks, and every L_t is C^3 near theta_0"
        case Expansion(parts=parts, coefficients=coefficients, exact=exact):
            taken = frozenset[AnyTask]().union(*(c.tasks for c in (*parts, *coefficients)))
            right = _series(coefficients, writer, taken)
            if exact:
                return f"{_series(parts, writer, taken)} = {right}"
            order = f"O({_power(len(coefficients))})"
            return f"{_series(parts, writer, taken)} = {order if right == '0' else f'{right} + {order}'}"
        case ForTasks(left=left, right=right):
            task = _letter(tasks_of(left) | tasks_of(right), ("t", *LETTERS))
            sides = [writer.poly(opened_at(side, task)) for side in (left, right)]
            return f"{sides[0]} <= {sides[1]} for every task {task.name}"
        case BallBounds(radius=radius, slope=slope, bend=bend):
            where = f"for every task t and ||theta - theta_0|| <= {writer.poly(radius)}"
            first = f"||grad L_t(theta)|| <= {writer.poly(slope)}"
            return f"{first} and ||Hess L_t(theta)|| <= {writer.poly(bend)} {where}"
        case _:
            return type(claim).__name__


def _power(exponent: int) -> str:
    return "eta" if exponent == 1 else f"eta^{exponent}"


def _series(parts: tuple[Combination, ...], writer: _Writer, taken: frozenset[AnyTask]) -> str:
    shown: list[str] = []
    for exponent, part in enumerate(parts):
        if part.terms:
            text = _combination(part, writer, taken)
            shown.append(text if exponent == 0 else f"{_power(exponent)} ({text})")
    return " + ".join(shown) or "0"
