"""From a problem to the numbers of its bounds: certified norms, the box, and what is inside it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from gradlemma.errors import ProblemError
from gradlemma.problem import Problem, feed_forward, with_line
from proofs.kernel.tensors import ExactTensor
from proofs.network import LossKind
from proofs.theorems.bounds import Box, Data
from proofs.theorems.sizes import ceil_decimal, largest_row_norm, operator_norm_above

__all__ = ["Resolved", "resolve"]

ROUNDING = Fraction(1, 10**6)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A problem with every number certified: ||x_i|| <= input_norm, ||y_i|| <= target_norm.

    box is None where the problem states none; weights_in_box is None without weights or box, True
    where it is certified, False where it holds up to a relative 1e-6 of certification only.
    """

    problem: Problem
    input_norm: Fraction
    target_norm: Fraction | None
    data: Data | None
    weights: tuple[ExactTensor, ...] | None
    box: Box | None
    weights_in_box: bool | None


def resolve(problem: Problem) -> Resolved:
    """The certified numbers of a problem.

    Raises:
        ProblemError: if the given weights lie outside the stated box, naming layer and excess.
    """
    try:
        return _resolved(problem)
    except ProblemError as error:
        raise error if problem.path is None else with_line(error, problem.path) from None


def _resolved(problem: Problem) -> Resolved:
    feed_forward(problem)
    if problem.box is None and problem.weights is None:
        raise ProblemError(
            "expected a box or weights, without which there is nothing to bound",
            kind="missing-key",
            key="box",
            remedy="add a section `box` or `weights`",
        )
    data = None if problem.samples is None else Data(problem.samples.x, problem.samples.y)
    sizes = _parameter_norms(problem)
    box = _box(problem, sizes)
    return Resolved(
        problem,
        _input_norm(problem, data),
        _target_norm(problem, data),
        data,
        problem.weights,
        box,
        None if box is None or sizes is None else _check_inside(problem, sizes, box),
    )


def _readable(value: Fraction) -> Fraction:
    """The number itself if it is short, else rounded up to nine decimals."""
    return value if value.denominator < 10**6 else ceil_decimal(value)


def _input_norm(problem: Problem, data: Data | None) -> Fraction:
    if problem.input_norm is not None:
        return problem.input_norm
    if data is None:
        raise ProblemError(
            "expected input.norm or data",
            kind="missing-key",
            key="input.norm",
            remedy="state a bound on ||x||",
        )
    return _readable(largest_row_norm(data.inputs))


def _target_norm(problem: Problem, data: Data | None) -> Fraction | None:
    if problem.loss.has_range:
        return None
    if problem.target_norm is not None:
        return problem.target_norm
    if data is None:
        if problem.loss.kind is LossKind.HUBER:
            return None
        raise ProblemError(
            "expected targets.norm or data for a squared loss",
            kind="missing-key",
            key="targets.norm",
            remedy="state a bound on ||y||",
        )
    return _readable(largest_row_norm(data.targets))


def _parameter_norms(problem: Problem) -> dict[str, Fraction] | None:
    if problem.weights is None:
        return None
    names = [parameter.name for parameter in problem.network.parameters()]
    return {n: operator_norm_above(t) for n, t in zip(names, problem.weights, strict=True)}


def _box(problem: Problem, sizes: dict[str, Fraction] | None) -> Box | None:
    spec = problem.box
    if spec is None:
        return None
    weights: list[Fraction] = []
    biases: list[Fraction | None] = []
    for index, layer in enumerate(problem.dense_layers):
        weights.append(_size(spec.weight_norms, index, f"W{index + 1}", sizes, spec.factor))
        bias = None
        if layer.bias:
            bias = _size(spec.bias_norms, index, f"b{index + 1}", sizes, spec.factor)
        biases.append(bias)
    return Box(tuple(weights), tuple(biases))


def _size(
    stated: tuple[Fraction, ...] | None,
    index: int,
    name: str,
    sizes: dict[str, Fraction] | None,
    factor: Fraction,
) -> Fraction:
    if stated is not None:
        return stated[index]
    if sizes is None:
        raise ProblemError(
            "expected weights for a box that is made from them",
            kind="missing-key",
            key="weights",
            remedy="add weights",
        )
    return ceil_decimal(sizes[name] * factor)


def _check_inside(problem: Problem, sizes: dict[str, Fraction], box: Box) -> bool:
    """Whether all norms are certified to be in the box; refuses weights that clearly are not."""
    stated = {f"W{i}": size for i, size in enumerate(box.weight_norms, start=1)}
    stated |= {f"b{i}": size for i, size in enumerate(box.bias_norms, start=1) if size is not None}
    certified = True
    for name, size in sizes.items():
        if size <= stated[name]:
            continue
        # A certified norm exceeds the true one by a relative 1e-7 or so.
        if size > stated[name] * (1 + ROUNDING):
            excess = float(size - stated[name])
            raise ProblemError(
                f"expected ||{name}|| <= {float(stated[name]):.9g} (layer {name[1:]}) "
                f"but got {float(size):.9g}, "
                f"{excess:.3g} too much, so the worst case does not apply to these weights",
                kind="weights",
                file=None if problem.path is None else str(problem.path),
                key="box.weight_norms" if name.startswith("W") else "box.bias_norms",
                remedy="enlarge the box or use from-weights",
            )
        certified = False
    return certified
