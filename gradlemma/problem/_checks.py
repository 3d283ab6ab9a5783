"""The agreements between the parts of a problem: sizes, norms, and what needs what."""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from typing import assert_never

import numpy as np

from gradlemma.errors import ProblemError, printable
from proofs.kernel.tensors import ExactTensor
from proofs.network import Architecture, LossKind, Network

from ._feed_forward import bounds_refusal
from ._frozen import check_frozen
from ._parts import NAME, Parts
from ._tokens import check_tokens
from ._weights import kept_shape, tensor_text

__all__ = ["check_problem"]


def check_problem(problem: Parts) -> None:
    """Refuse a problem whose parts do not agree.

    Raises:
        ProblemError: naming the key, what was expected and what was found.
    """
    _scalars(problem)
    _samples(problem)
    _weights(problem)
    _tasks(problem)
    check_frozen(problem.frozen, problem.network)
    if isinstance(problem.network, Architecture):
        _no_bounds(problem, problem.network)
        return
    _box(problem, problem.network)
    _inputs(problem)
    _targets(problem)
    if problem.radius is not None and problem.weights is None:
        raise _missing("weights", "the ball is centred at the given weights", "ball")
    if problem.box is None and problem.weights is None and problem.samples is None:
        raise _missing("box", "without a box, weights and data there is nothing to work on", None)


def _scalars(problem: Parts) -> None:
    if not isinstance(problem.name, str) or not NAME.fullmatch(problem.name):
        raise ProblemError(
            f"expected a name of letters, digits, _ and - but got {printable(repr(problem.name))}",
            key="name",
            remedy="start with a letter",
        )
    if type(problem.seed) is not int or not 0 <= problem.seed < 2**63:
        raise ProblemError(
            f"expected 0 <= seed < 2^63 but got seed={problem.seed}", key="seed", remedy="use 0"
        )
    if type(problem.refine) is not bool:
        raise ProblemError(
            f"expected refine as true or false but got {printable(problem.refine)}",
            kind="type",
            key="refine",
            remedy="write true",
        )
    if problem.refine and problem.loss.kind is not LossKind.CROSS_ENTROPY:
        raise ProblemError(
            f"expected refine with cross_entropy alone but got {problem.loss.label()}",
            key="refine",
            remedy="remove `refine`",
        )
    for key, value in (
        ("input.norm", problem.input_norm),
        ("targets.norm", problem.target_norm),
        ("ball.radius", problem.radius),
    ):
        _norm(key, value)


def _norm(key: str, value: Fraction | None) -> None:
    if value is None:
        return
    if not isinstance(value, Fraction):
        message = f"expected an exact number but got {key}={printable(value)} of type {type(value).__name__}"
        raise ProblemError(message, kind="type", key=key, remedy="write Fraction(1, 10)")
    if value < 0:
        raise ProblemError(
            f"expected a number >= 0 but got {printable(value)}", key=key, remedy="a norm is never negative"
        )


def _samples(problem: Parts) -> None:
    samples, network = problem.samples, problem.network
    if samples is None:
        return
    if len(samples.x.shape) != 2 or len(samples.y.shape) != 2:
        raise _shape(
            "data",
            f"x and y with rows, shapes [N, d] and [N, out], but got {samples.x.shape} and {samples.y.shape}",
        )
    (count, dim), (targets, out) = samples.x.shape, samples.y.shape
    if count != targets:
        raise _shape("data", f"as many targets as inputs but got {count} inputs and {targets} targets")
    if count == 0:
        raise ProblemError(
            "expected at least one sample but got N=0", kind="data", key="data", remedy="add samples"
        )
    if dim != network.input_dim:
        raise _shape("input.dim", f"inputs of width {network.input_dim} but got data of width {dim}")
    if out != network.output_dim:
        raise _shape("data", f"targets of width {network.output_dim}, the last layer's, but got width {out}")
    match problem.loss.kind:
        case LossKind.CROSS_ENTROPY:
            _probabilities(samples.y)
        case LossKind.BCE:
            _fractions(samples.y)
        case LossKind.MSE | LossKind.HALF_MSE | LossKind.HUBER:
            pass
        case _:
            assert_never(problem.loss.kind)


def _fractions(y: ExactTensor) -> None:
    """Entries of y must lie in [0, 1] exactly: the gradient bound of bce needs it."""
    rows = y.to_numpy()
    if bool(((rows > 0) & (rows < 1)).all()):
        return
    for index, entry in enumerate(y.fractions()):
        if not 0 <= entry <= 1:
            raise ProblemError(
                f"expected targets of bce in [0, 1] but got {printable(entry, 40)} "
                f"at sample {index // y.shape[1]}",
                kind="data",
                key="data",
                remedy="use entries in [0, 1], such as labels 0 and 1",
            )


def _probabilities(y: ExactTensor) -> None:
    """Rows of y must be probability vectors exactly: the gradient bound sqrt(2) needs it."""
    rows = y.to_numpy()
    one_hot = ((rows == 0) | (rows == 1)).all(axis=1) & (rows.sum(axis=1) == 1) if y.is_dyadic else None
    if one_hot is not None and one_hot.all():
        return
    width, entries = y.shape[1], y.fractions()
    for index in range(y.shape[0]):
        row = entries[index * width : (index + 1) * width]
        if min(row) < 0 or sum(row) != 1:
            raise ProblemError(
                f"expected probabilities that are >= 0 and add up to exactly 1 but got row {index} with sum "
                f"{float(sum(row))} and least entry {float(min(row))}",
                kind="data",
                key="data.y",
                remedy="give class labels, or exact probabilities such as 1/3 inline",
            )


def _weights(problem: Parts) -> None:
    if problem.weights is None:
        return
    parameters = problem.network.parameters()
    if len(problem.weights) != len(parameters):
        names = ", ".join(parameter.name for parameter in parameters[:8])
        raise _shape("weights", f"{len(parameters)} tensors ({names}) but got {len(problem.weights)}")
    for parameter, tensor in zip(parameters, problem.weights, strict=True):
        if tensor.shape != kept_shape(parameter):
            raise _shape(
                "weights",
                f"{tensor_text(problem.network, parameter)} with shape {list(kept_shape(parameter))} "
                f"but got shape {list(tensor.shape)}",
            )


def _tasks(problem: Parts) -> None:
    """The tasks are parts of the data."""
    if problem.tasks is None:
        return
    if problem.samples is None:
        raise _missing("data", "the tasks are parts of the data", "tasks")
    count = problem.samples.count
    for number, members in enumerate(problem.tasks.members):
        if not all(0 <= member < count for member in members):
            raise ProblemError(
                f"expected samples 0, ..., {count - 1} in task {number + 1} but got others",
                kind="data",
                key="tasks",
                remedy="count samples from 0",
            )


def _no_bounds(problem: Parts, architecture: Architecture) -> None:
    """An architecture has no box, no ball and no refinement; stated norms must hold all the same."""
    reason = bounds_refusal(problem)
    for key, given in (("box", problem.box), ("ball", problem.radius)):
        if given is not None:
            raise ProblemError(f"expected no {key} because there is {reason}", key=key, remedy="remove it")
    if architecture.vocabulary is not None and problem.samples is not None:
        check_tokens(problem.samples.x, architecture.vocabulary)
    if problem.samples is not None:
        _inputs(problem)
    if problem.samples is not None or problem.loss.has_range:
        _targets(problem)


def _box(problem: Parts, network: Network) -> None:
    box = problem.box
    if box is None:
        return
    _norm("box.factor", box.factor)
    if (box.weight_norms is None or box.bias_norms is None) and problem.weights is None:
        raise _missing("weights", "the box takes its norms from the weights", "box")
    if box.factor < 1:
        raise ProblemError(
            f"expected a factor >= 1 but got {box.factor}, so that the weights lie in the box",
            key="box.factor",
            remedy="use 1 or 11/10",
        )
    depth = network.depth
    for key, norms in (("box.weight_norms", box.weight_norms), ("box.bias_norms", box.bias_norms)):
        if norms is None:
            continue
        if len(norms) != depth:
            raise _shape(key, f"one norm for each of the {depth} dense layers but got {len(norms)}")
        for index, norm in enumerate(norms):
            _norm(f"{key}[{index}]", norm)
    for index, (layer, norm) in enumerate(zip(problem.dense_layers, box.bias_norms or (), strict=False)):
        if norm and not layer.bias:
            raise ProblemError(
                f"expected 0 because dense layer {index + 1} has no bias but got {norm}",
                key=f"box.bias_norms[{index}]",
                remedy="write 0, or give the layer a bias",
            )


def _inputs(problem: Parts) -> None:
    if problem.samples is None:
        if problem.input_norm is None:
            raise _missing("input.norm", "without data the bound M on the inputs must be given", "input")
        return
    if problem.input_norm is not None:
        _covers(problem.samples.x, problem.input_norm, "input.norm", "input")


def _targets(problem: Parts) -> None:
    if problem.loss.has_range:
        if problem.target_norm is not None:
            name = problem.loss.kind.value
            what = "have entries in [0, 1]" if problem.loss.kind is LossKind.BCE else "are probabilities"
            raise ProblemError(
                f"expected no targets for {name}, whose targets {what}, but got some",
                key="targets",
                remedy="remove `targets`",
            )
        return
    # The gradient of huber is bounded whatever the target is.
    is_bounded = problem.loss.kind is LossKind.HUBER
    if problem.samples is None and problem.target_norm is None and not is_bounded:
        raise _missing(
            "targets.norm", f"{problem.loss.kind.value} without data needs a bound on the targets", "loss"
        )
    if problem.samples is not None and problem.target_norm is not None:
        _covers(problem.samples.y, problem.target_norm, "targets.norm", "target")


def _covers(tensor: ExactTensor, norm: Fraction, key: str, what: str) -> None:
    """Every row has 2-norm <= norm: by floats where the margin is wide, else exactly."""
    rows = tensor.to_numpy()
    with np.errstate(over="ignore", under="ignore"):
        squares = (rows * rows).sum(axis=1)
    limit = norm * norm
    safe = float(limit) * (1 - 1e-9) if limit < 10**300 else 1e300
    entries, width = None, tensor.shape[1]
    for index in np.flatnonzero(~(squares < safe)).tolist():
        entries = tensor.fractions() if entries is None else entries
        row = entries[index * width : (index + 1) * width]
        square = sum((entry * entry for entry in row), Fraction(0))
        if square > limit:
            raise ProblemError(
                f"expected every {what} to have norm at most {printable(norm)} "
                f"but got norm {_root_above(square, norm)} at sample {index}",
                kind="data",
                key=key,
                remedy="raise the number, or write from-data"
                if key == "input.norm"
                else "raise the number or remove it",
            )


def _root_above(square: Fraction, norm: Fraction) -> str:
    """The root of `square`, rounded down to so many digits that it still exceeds the smaller `norm`."""
    digits = 6
    while True:
        context = Context(prec=digits, rounding=ROUND_FLOOR, Emax=MAX_EMAX, Emin=MIN_EMIN)
        quotient = context.divide(Decimal(square.numerator), Decimal(square.denominator))
        root = context.sqrt(quotient)
        # The square root rounds to nearest: step below it.
        lower = context.next_minus(root) if Fraction(root) ** 2 > square else root
        if Fraction(lower) > norm:
            return f"{lower:g}"
        digits *= 2


def _shape(key: str, what: str) -> ProblemError:
    return ProblemError(
        f"expected {what}", kind="shape", key=key, remedy="make the shapes agree with `network`"
    )


def _missing(name: str, why: str, key: str | None) -> ProblemError:
    text = f"expected the key {name} because {why}, but it is missing"
    return ProblemError(text, kind="missing-key", key=key, remedy=f"add `{name}`")
