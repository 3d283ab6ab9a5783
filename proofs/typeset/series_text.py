"""Tasks, runs of gradient descent and power series in the step size as LaTeX."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from proofs.kernel.claims import Claim
from proofs.kernel.scalars import Atom, Poly, Real, Root, is_nonnegative, number
from proofs.kernel.series import (
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
    combined,
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

from .layout import Inline, Math, Piece, math

if TYPE_CHECKING:
    from .expressions import Writer

__all__ = [
    "absolute_root",
    "combination_pieces",
    "is_run_claim",
    "positive_part",
    "run_claim",
    "series_atom",
    "vector_latex",
]

# The letters of bound tasks; an arbitrary one is mostly t.
LETTERS = ("u", "v", "w", "p", "q", "t")
MERGED = r"\theta_{\mathrm{TA}}"
JOINT = r"\theta_{\mathrm{MT}}"
ONE = number(1)


def _letter(known: frozenset[AnyTask], letters: tuple[str, ...] = LETTERS) -> AnyTask:
    names = {task.name for task in known}
    return AnyTask(next((name for name in letters if name not in names), "s"))


# -- vectors ----------------------------------------------------------------------------------------


def _task(task: Task) -> str:
    return (
        task.name
        if isinstance(task, AnyTask)
        else f"t_{{{task.depth}}}"
        if isinstance(task, BoundTask)
        else "?"
    )


def _run(run: Run) -> str:
    """theta_MT, or theta_t; the factor of a run on one loss is shown unless it is 1."""
    if run.task is None:
        return JOINT
    return rf"\theta_{{{_task(run.task)}}}" if run.factor == ONE else rf"\theta_{{{_task(run.task)},*}}"


def _point(run: Run, index: str) -> str:
    return f"{_run(run)}^{{({index})}}"


def vector_latex(vector: Vector, writer: Writer, taken: frozenset[AnyTask] = frozenset()) -> str:
    """A basic vector; letters of `taken` are not used for bound tasks."""
    match vector:
        case Origin():
            return r"\theta_{0}"
        case Slope(task=task):
            return f"g_{{{_task(task)}}}"
        case Bend(task=task, vector=inner):
            return rf"H_{{{_task(task)}}}{_argument(inner, writer, taken)}"
        case Summed():
            letter = _letter(vector.tasks | taken)
            inside = vector_latex(opened(vector, letter), writer, taken | {letter})
            return rf"{{\textstyle\sum_{{{letter.name}}}}}\, {inside}"
        case RunPoint(run=run, index=index):
            return _point(run, writer.index(index))
        case SlopeAt(task=task, run=run, index=index):
            return rf"\nabla L_{{{_task(task)}}}({_point(run, writer.index(index))})"
        case BendAt(task=task, run=run, index=index, vector=inner):
            hessian = rf"\nabla^{{2}}L_{{{_task(task)}}}({_point(run, writer.index(index))})"
            return hessian + _argument(inner, writer, taken)
        case DriftSum(task=task, index=index):
            return f"R_{{{writer.index(index)}}}({_task(task)})"
        case PathTerm(index=index):
            return f"C_{{{writer.index(index)}}}"
        case _:
            raise TypeError(f"no way is known to print {type(vector).__name__}")


def _argument(vector: Vector, writer: Writer, taken: frozenset[AnyTask]) -> str:
    text = vector_latex(vector, writer, taken)
    return rf"\,({text})" if isinstance(vector, Summed) else rf"\,{text}"


def _difference(combination: Combination) -> tuple[Run, Combination] | None:
    """The joint run, and theta0 + alpha sum_t (theta_t - theta0) - theta_MT if the combination is that."""
    for coefficient, vector in combination.terms:
        if isinstance(vector, RunPoint) and vector.run.task is None and coefficient == -ONE:
            alpha, index, task = vector.run.factor, vector.index, BoundTask(0)
            ends = basic(Summed(RunPoint(Run(task, ONE), index)))
            starts = basic(Summed(Origin()))
            moved = combined([(ONE, basic(Origin())), (alpha, ends), (-alpha, starts), (-ONE, basic(vector))])
            if moved is combination:
                return vector.run, moved
    return None


def combination_pieces(
    combination: Combination, writer: Writer, *, factor: str = "", taken: frozenset[AnyTask] = frozenset()
) -> list[Piece]:
    """A linear combination, breakable at its signs; `factor` stands before it."""
    if not combination.terms:
        return [Piece("0")]
    if _difference(combination) is not None:
        index = next(v.index for _, v in combination.terms if isinstance(v, RunPoint))
        text = rf"{MERGED}^{{({writer.index(index)})}}"
        pieces = [Piece(text), Piece(rf"- {JOINT}^{{({writer.index(index)})}}")]
        return _within_factor(pieces, factor)
    taken = taken | combination.tasks
    signs = {vector: _sized(coefficient, writer) for coefficient, vector in combination.terms}
    vectors = sorted(
        signs, key=lambda v: (_order(v, signs[v][0]), -signs[v][0], vector_latex(v, writer, taken))
    )
    pieces: list[Piece] = []
    for vector in vectors:
        sign, size = signs[vector]
        body = vector_latex(vector, writer, taken)
        text = body if size == "1" else rf"{size}\, {body}"
        lead = "-" if sign < 0 else "+" if pieces else ""
        pieces.append(Piece(f"{lead} {text}".strip()))
    return _within_factor(pieces, factor)


def _within_factor(pieces: list[Piece], factor: str) -> list[Piece]:
    if not factor:
        return pieces
    if len(pieces) == 1:
        text = pieces[0].text
        sign = "- " if text.startswith("-") else ""
        return [Piece(rf"{sign}{factor}\, {text.removeprefix('-').strip()}")]
    first = Piece(rf"{factor}\bigl({pieces[0].text}")
    return [first, *pieces[1:-1], Piece(pieces[-1].text + r"\bigr)")]


def _order(vector: Vector, sign: int = 1) -> int:
    """Points first, then sums, gradients and Hessians; theta0 last of the points where it is subtracted."""
    kinds = (RunPoint, Origin, DriftSum, PathTerm, Summed, SlopeAt, Slope, BendAt, Bend)
    return -1 if isinstance(vector, Origin) and sign > 0 else kinds.index(type(vector))


def _sized(coefficient: Poly, writer: Writer) -> tuple[int, str]:
    """The sign before a coefficient, and its size."""
    text = writer.poly(coefficient)
    if len(writer.pieces(coefficient)) > 1:
        return 1, f"({text})"
    return (-1, text[1:].strip()) if text.startswith("-") else (1, text)


# -- scalars ----------------------------------------------------------------------------------------


def absolute_root(inner: Root, writer: Writer) -> str | None:
    """|p| for root(p^2) with p a multiple of one real or such a multiple less 1."""
    terms = inner.radicand.terms
    if len(terms) == 1:
        ((monomial, coefficient),) = terms.items()
        if coefficient == 1 and monomial and all(e == 2 and isinstance(a, Real) for a, e in monomial):
            half = Poly([(tuple((a, 1) for a, _ in monomial), coefficient)])
            return rf"\lvert {writer.poly(half)}\rvert"
    for monomial, coefficient in terms.items():
        part = Poly([(monomial, coefficient * -1 / 2)])
        if len(terms) == 3 and monomial and (part - 1) ** 2 == inner.radicand and _is_plain(part):
            return rf"\lvert {writer.poly(part)} - 1\rvert"
    return None


def positive_part(inner: Root, writer: Writer) -> str | None:
    """max(0, e) for the square of the root of an e about tasks that may be negative."""
    atoms = inner.radicand.atoms()
    is_about_tasks = TaskCount() in atoms and _is_plain(inner.radicand)
    if not is_about_tasks or is_nonnegative(inner.radicand) or absolute_root(inner, writer) is not None:
        return None
    return rf"\max(0,\, {writer.poly(inner.radicand)})"


def _is_plain(poly: Poly) -> bool:
    return all(isinstance(inner, Real | TaskCount) for inner in poly.atoms())


def series_atom(inner: Atom, writer: Writer) -> str:
    """A scalar about tasks and runs."""
    match inner:
        case TaskCount():
            return "T"
        case StepLength():
            return r"\eta"
        case TaskNumber(name=name, task=task):
            return f"{name}_{{{_task(task)}}}"
        case Length(combination=combination):
            inside = " ".join(piece.text for piece in combination_pieces(combination, writer))
            return rf"\lVert {inside}\rVert"
        case Product(left=left, right=right):
            taken = left.tasks | right.tasks
            sides = sorted((left, right), key=lambda v: (_order(v), vector_latex(v, writer, taken)))
            first, second = (vector_latex(side, writer, taken) for side in sides)
            return rf"\langle {first},\, {second}\rangle"
        case BendNorm(task=task, run=run, index=index):
            return rf"\lVert\nabla^{{2}}L_{{{_task(task)}}}({_point(run, writer.index(index))})\rVert"
        case TaskSum(body=body):
            letter = _letter(tasks_of(body))
            inside = writer.poly(opened_at(body, letter))
            return rf"{{\textstyle\sum_{{{letter.name}}}}}\, {inside}"
        case Larger(left=left, right=right):
            return rf"\max({writer.poly(left)},\, {writer.poly(right)})"
        case _:
            raise TypeError(f"no way is known to print {type(inner).__name__}")


# -- claims -----------------------------------------------------------------------------------------


def is_run_claim(claim: Claim) -> bool:
    return isinstance(claim, SmoothTasks | Expansion | ForTasks | BallBounds)


def run_claim(claim: Claim, writer: Writer) -> tuple[Inline, ...]:
    """A claim about tasks and runs."""
    match claim:
        case SmoothTasks():
            start = ("there are finitely many tasks, and every ", math("L_{t}"))
            return (*start, " is three times continuously differentiable near ", math(r"\theta_{0}"))
        case Expansion():
            return (_expansion(claim, writer),)
        case ForTasks(left=left, right=right):
            task = _letter(tasks_of(left) | tasks_of(right), ("t", *LETTERS))
            sides = [writer.pieces(opened_at(side, task)) for side in (left, right)]
            first = Piece(rf"\le {sides[1][0].text}", is_relation=True)
            return (Math((*sides[0], first, *sides[1][1:])), " for every task ", math(task.name))
        case BallBounds(radius=radius, slope=slope, bend=bend):
            return (
                math(rf"\lVert\nabla L_{{t}}(\theta)\rVert\le {writer.poly(slope)}"),
                " and ",
                math(rf"\lVert\nabla^{{2}}L_{{t}}(\theta)\rVert\le {writer.poly(bend)}"),
                " for every task ",
                math("t"),
                " and every ",
                math(r"\theta"),
                " with ",
                math(rf"\lVert\theta-\theta_{{0}}\rVert\le {writer.poly(radius)}"),
            )
        case _:
            raise TypeError(f"no way is known to print {type(claim).__name__}")


def _step_power(exponent: int) -> str:
    return "" if exponent == 0 else r"\eta" if exponent == 1 else rf"\eta^{{{exponent}}}"


def _expansion(claim: Expansion, writer: Writer) -> Math:
    everything = (*claim.parts, *claim.coefficients)
    taken = frozenset[AnyTask]().union(*(c.tasks for c in everything))
    left, right = (_series(side, writer, taken) for side in (claim.parts, claim.coefficients))
    if not claim.exact:
        order = rf"O({_step_power(len(claim.coefficients)) or '1'})"
        right = [Piece(order)] if [p.text for p in right] == ["0"] else [*right, Piece(f"+ {order}")]
    first = Piece(f"= {right[0].text}", is_relation=True)
    return Math((*left, first, *right[1:]))


def _series(parts: tuple[Combination, ...], writer: Writer, taken: frozenset[AnyTask]) -> list[Piece]:
    pieces: list[Piece] = []
    for exponent, part in enumerate(parts):
        if part.terms:
            found = combination_pieces(part, writer, factor=_step_power(exponent), taken=taken)
            if pieces and not found[0].text.startswith("-"):
                found[0] = replace(found[0], text=f"+ {found[0].text}")
            pieces += found
    return pieces or [Piece("0")]
