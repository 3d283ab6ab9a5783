"""The losses whose gradient steps are asked for: exact data, batches, weight decay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import comb

from gradlemma.errors import ProblemError, printable
from gradlemma.problem import Problem
from gradlemma.problem_maps import architecture_of, fixed_tensors
from gradlemma.step_values import rational
from proofs.kernel.maps import Contract, Map, ParameterBlock, Scaled, Total
from proofs.kernel.tensors import ExactTensor
from proofs.network.lowering_losses import loss_on

__all__ = ["MAX_BATCHES", "StepLoss", "batches_of", "count_batches", "data_note", "losses_of"]

MAX_BATCHES = 256
Rows = list[Sequence[Fraction]]


@dataclass(frozen=True, slots=True)
class StepLoss:
    """A loss as a map of the parameters.

    batch: the numbers of its samples, from 0; None for all of them.
    """

    map: Map
    batch: tuple[int, ...] | None = None


def losses_of(
    problem: Problem, *, batch: int | None, weight_decay: Fraction, rationalise: bool, denominator: int | None
) -> tuple[StepLoss, ...]:
    """The loss on all samples, or one on every batch of that size.

    Raises:
        ProblemError: without data, for data of floating point without `rationalise`, frozen tensors
            without values, or too many batches.
    """
    if problem.samples is None:
        raise ProblemError(
            "expected data, which the loss is a mean over, but the problem has none",
            kind="missing-key", file=_file(problem), key="data", remedy="add `data`",
        )  # fmt: skip
    xs = _rows(problem, problem.samples.x, rationalise, denominator)
    ys = _rows(problem, problem.samples.y, rationalise, denominator)
    _require_frozen(problem)
    chosen = [None] if batch is None else batches_of(len(xs), batch)
    return tuple(_loss(problem, xs, ys, numbers, weight_decay) for numbers in chosen)


def _file(problem: Problem) -> str | None:
    return None if problem.path is None else str(problem.path)


def _require_frozen(problem: Problem) -> None:
    known = {name for name, _ in problem.frozen}
    missing = [p.name for p in architecture_of(problem).frozen() if p.name not in known]
    if missing:
        raise ProblemError(
            f"expected values of the frozen tensors but got none of {', '.join(missing[:8])}",
            kind="missing-key", file=_file(problem), key="frozen", remedy="write `frozen: {NAME: VALUES}`",
        )  # fmt: skip


def _loss(
    problem: Problem, xs: Rows, ys: Rows, numbers: tuple[int, ...] | None, weight_decay: Fraction
) -> StepLoss:
    if numbers is not None:
        xs, ys = [xs[n] for n in numbers], [ys[n] for n in numbers]
    architecture = architecture_of(problem)
    found = loss_on(architecture, problem.loss, xs, ys, fixed_tensors(problem))
    if weight_decay:
        squares = [_square(ParameterBlock(p.name, p.shape)) for p in architecture.parameters()]
        found = Total((found, Scaled(rational(weight_decay / 2), Total(tuple(squares)))))
    return StepLoss(found, numbers)


def _square(block: ParameterBlock) -> Map:
    """The sum of the squares of a block's entries."""
    letters = "abcdefgh"[: len(block.extents)]
    return Contract(f"{letters},{letters}->", block, block)


def batches_of(count: int, size: int) -> list[tuple[int, ...]]:
    """All sets of `size` of the samples 0, ..., count - 1.

    Raises:
        ProblemError: for a size that no batch has, or more than 256 batches.
    """
    if not 1 <= size <= count:
        raise ProblemError(
            f"expected a batch of 1 to {count} samples but got {size}",
            kind="usage", key="--optimiser", remedy="write sgd:1",
        )  # fmt: skip
    if comb(count, size) > MAX_BATCHES:
        raise ProblemError(
            f"expected at most {MAX_BATCHES} batches but {size} of {count} samples can be chosen in "
            f"{printable(comb(count, size), 30)} ways",
            kind="limit", key="--optimiser",
            remedy="use fewer samples with `data.limit`, or another batch size",
        )  # fmt: skip
    return list(combinations(range(count), size))


# -- exact data -----------------------------------------------------------------------------------


def _rows(problem: Problem, tensor: ExactTensor, rationalise: bool, denominator: int | None) -> Rows:
    entries = tensor.fractions()
    if not rationalise and (found := _unwritten(tensor)) is not None:
        raise ProblemError(
            f"expected exact data but the data are of floating point: {found} is stored as "
            f"{printable(Fraction(found), 40)}",
            kind="data", file=_file(problem), key="data",
            remedy="use --rationalise to take the stored values exactly, --denominator 1000 to round them to "
            "multiples of 1/1000, or write the data inline",
        )  # fmt: skip
    if denominator is not None:
        entries = tuple(Fraction(round(entry * denominator), denominator) for entry in entries)
    width = tensor.shape[1]
    return [entries[start : start + width] for start in range(0, len(entries), width)]


def _unwritten(tensor: ExactTensor) -> float | None:
    """A float64 entry whose shortest decimal form is another number than the one that is stored."""
    for entry in tensor.fractions():
        near = float(entry)
        if Fraction(near) == entry and Fraction(repr(near)) != entry:
            return near
    return None


def data_note(problem: Problem, rationalise: bool, denominator: int | None) -> str | None:
    """What every output says where the data were changed, or taken as they are stored."""
    if problem.samples is None or not rationalise:
        return None
    if denominator is not None:
        return f"all theorems are about the rationalised data: rounded to multiples of 1/{denominator}"
    if _unwritten(problem.samples.x) is None and _unwritten(problem.samples.y) is None:
        return None
    return "all theorems are about the rationalised data: the stored float64 numbers, exactly"


def count_batches(problem: Problem, size: int | None) -> int:
    """How many batches of that size there are; 1 for None.

    Raises:
        ProblemError: as `batches_of`.
    """
    if size is None or problem.samples is None:
        return 1
    return len(batches_of(problem.samples.count, size))
