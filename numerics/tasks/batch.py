"""The losses of several tasks at many parameters at once: gradients and Hessian-vector products.

Tasks of one network and one loss whose sample counts are within a factor of 2 share a batch: the shorter
ones repeat their first sample with weight 0.  With weights w_i = 1/N_t of the samples (0 of repeated ones)

    grad L_t = sum_i w_i grad l_i        H_t v = sum_i w_i H_i v,

and both are linear in the cotangents c_i of the tape, so that w_i c_i in place of c_i is all it takes.
Other differentiable functions share a batch where function and sample count are the same.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from numerics import losses
from numerics.curvature.gradients import assemble
from numerics.curvature.products import Linearised
from numerics.curvature.rounding import absolute, roundings
from numerics.curvature.tape import Tape, chunks, record
from numerics.errors import NumericsError
from numerics.objective import (
    FUNCTION_ROUNDINGS,
    FunctionObjective,
    NetworkObjective,
    Objective,
    objective_of,
)
from proofs.network import Loss, Network

__all__ = ["Operator", "Tasks", "tasks_of"]

Operator = Callable[[Tensor], Tensor]
Function = Callable[[Tensor, Tensor, Tensor], Tensor]
# Tasks share a batch where the longest has at most this many times the samples of the shortest.
SPREAD = 2


@dataclass(frozen=True, eq=False)
class Tasks:
    """T mean losses of the same P parameters; T and P are at least 1.

    Every method takes parameters `[..., T, P]`, a row for each task, or `[..., 1, P]` for all of them.
    """

    objectives: tuple[Objective, ...]

    def __post_init__(self) -> None:
        if not self.objectives:
            raise NumericsError("expected at least one task but got none")
        counts = [objective.parameter_count for objective in self.objectives]
        if len(set(counts)) > 1:
            raise NumericsError(f"expected tasks of one parameter vector but got P={counts}")
        for number, objective in enumerate(self.objectives, 1):
            if {objective.x.dtype, objective.y.dtype} != {torch.float64}:
                raise NumericsError(f"expected float64 data but got {objective.x.dtype} in task {number}")
            if objective.x.device != self.objectives[0].x.device:
                raise NumericsError(f"expected all tasks on one device but task {number} is on another")

    @property
    def count(self) -> int:
        """T."""
        return len(self.objectives)

    @property
    def parameter_count(self) -> int:
        """P."""
        return self.objectives[0].parameter_count

    @property
    def work(self) -> int:
        """Numbers that a pass over all tasks keeps at one parameter vector."""
        return sum(task.sample_count * task.work_per_sample for task in self.objectives)

    @cached_property
    def groups(self) -> tuple[_Group, ...]:
        """The batches, each with the numbers of its tasks."""
        return tuple(_grouped(self.objectives))

    def gradients(self, theta: Tensor) -> Tensor:
        """The gradient of every L_t at its parameters: `[..., T or 1, P] -> [..., T, P]`."""
        return self._joined([group.gradients(self._part(theta, group)) for group in self.groups])

    def products(self, theta: Tensor) -> Operator:
        """The map v -> H_t v: `[..., T, P] -> [..., T, P]`; passes that v does not enter are run once."""
        return self._operator([group.products(self._part(theta, group)) for group in self.groups])

    def sizes(self, theta: Tensor) -> tuple[Tensor, Operator]:
        """The sizes of what `gradients` and `products` add up, entry by entry.

        Returns:
            G, `[..., T, P]`, and a map A of v >= 0: times `units`, G and A |v| estimate the errors of the
            gradient and of the product at v, and A bounds |H_t| entry by entry.  To first order in the
            unit roundoff, without the error that pre-activations carry into sigma'.
        """
        found = [group.sizes(self._part(theta, group)) for group in self.groups]
        return self._joined([slopes for slopes, _ in found]), self._operator([map_ for _, map_ in found])

    @cached_property
    def units(self) -> Tensor:
        """The rounding error of a task's sums over the size of their terms, [T, 1]."""
        parts = [self.objectives[0].x.new_full((len(g.members), 1), g.unit()) for g in self.groups]
        return self._joined(parts)

    def moved(self, device: torch.device | str) -> Tasks:
        """The same tasks on another device."""
        return Tasks(tuple(task.moved(device, torch.float64) for task in self.objectives))

    def _part(self, theta: Tensor, group: _Group) -> Tensor:
        rows, columns = theta.shape[-2:] if theta.ndim > 1 else (0, 0)
        if columns != self.parameter_count or rows not in {1, self.count}:
            raise NumericsError(
                f"expected parameters [..., {self.count} or 1, {self.parameter_count}] "
                f"but got shape={tuple(theta.shape)}"
            )
        if rows == 1 or (len(self.groups) == 1 and self.groups[0].members == tuple(range(rows))):
            return theta
        return theta[..., list(group.members), :]

    def _operator(self, maps: Sequence[Operator]) -> Operator:
        pairs = list(zip(self.groups, maps, strict=True))
        return lambda v: self._joined([part(self._part(v, group)) for group, part in pairs])

    def _joined(self, parts: Sequence[Tensor]) -> Tensor:
        """The rows of all groups in the order of the tasks."""
        order = [number for group in self.groups for number in group.members]
        if order == list(range(self.count)) and len(parts) == 1:
            return parts[0]
        back = torch.argsort(torch.tensor(order, device=parts[0].device))
        return torch.cat(list(parts), dim=-2)[..., back, :]


def tasks_of(model: object, loss: Loss, data: Sequence[tuple[Tensor, Tensor]]) -> Tasks:
    """Tasks with one model (a `Network` or a `torch.nn.Module`), one loss and the data (x, y) of each."""
    if isinstance(model, Network) or not data:
        return Tasks(tuple(objective_of(model, loss, x, y) for x, y in data))
    first = objective_of(model, loss, *data[0])
    if not isinstance(first, FunctionObjective):
        return Tasks(tuple(objective_of(model, loss, x, y) for x, y in data))
    return Tasks(tuple(replace(first, x=x, y=y) for x, y in data))


@dataclass(frozen=True, eq=False)
class _Group(ABC):
    """Tasks that share a batch: their numbers from 0, inputs [G, N, ...] and targets [G, N, ...]."""

    members: tuple[int, ...]
    x: Tensor
    y: Tensor

    @abstractmethod
    def gradients(self, theta: Tensor) -> Tensor: ...

    @abstractmethod
    def products(self, theta: Tensor) -> Operator: ...

    @abstractmethod
    def sizes(self, theta: Tensor) -> tuple[Tensor, Operator]: ...

    @abstractmethod
    def unit(self) -> float: ...


@dataclass(frozen=True, eq=False)
class _NetworkGroup(_Group):
    """Feed-forward networks; `weights` [G, N, 1]."""

    network: Network
    loss: Loss
    weights: Tensor

    def gradients(self, theta: Tensor) -> Tensor:
        with torch.no_grad():
            return _total(assemble(self._tape(theta, *part)) for part in self._parts(theta, 1))

    def products(self, theta: Tensor) -> Operator:
        with torch.no_grad():
            parts = [self._linearised(theta, *part) for part in self._parts(theta, 2)]
        return lambda v: _products(parts, v)

    def sizes(self, theta: Tensor) -> tuple[Tensor, Operator]:
        with torch.no_grad():
            parts = [self._absolute(theta, *part) for part in self._parts(theta, 2)]
            slopes = _total(assemble(part.tape) for part in parts)
        return slopes, lambda v: _products(parts, v)

    def unit(self) -> float:
        return torch.finfo(self.x.dtype).eps * roundings(self.network, self.x.shape[-2])

    def _parts(self, theta: Tensor, copies: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        copies *= len(self.members) * max(1, math.prod(theta.shape[:-2]))
        start = 0
        for x, y in chunks(self.network, self.x, self.y, copies):
            yield x, y, self.weights[:, start : start + x.shape[-2]]
            start += x.shape[-2]

    def _tape(self, theta: Tensor, x: Tensor, y: Tensor, w: Tensor, *, second: bool = False) -> Tape:
        return _weighted(record(self.network, self.loss, theta, x, y, second=second), w)

    def _linearised(self, theta: Tensor, x: Tensor, y: Tensor, w: Tensor) -> Linearised:
        tape = self._tape(theta, x, y, w, second=True)
        curvature = losses.hessian_map(self.loss, tape.values[-1], y)
        return Linearised(self.network, tape, lambda v: w * curvature(v))

    def _absolute(self, theta: Tensor, x: Tensor, y: Tensor, w: Tensor) -> Linearised:
        found = absolute(self.network, self.loss, theta, x, y)
        return Linearised(self.network, _weighted(found.tape, w), lambda v: w * found.curvature(v))


@dataclass(frozen=True, eq=False)
class _FunctionGroup(_Group):
    """Any function, by torch.func: theta [..., G, P] in rows of one vmap."""

    function: Function

    def gradients(self, theta: Tensor) -> Tensor:
        return self._mapped(torch.func.grad(self.function), theta)

    def products(self, theta: Tensor) -> Operator:
        slope = torch.func.grad(self.function)

        def product(point: Tensor, v: Tensor, x: Tensor, y: Tensor) -> Tensor:
            return torch.func.jvp(lambda theta: slope(theta, x, y), (point,), (v,))[1]

        return lambda v: self._mapped(product, theta, v)

    def sizes(self, theta: Tensor) -> tuple[Tensor, Operator]:
        """The norms of the results, spread over the entries: what the function adds up is not known."""
        product = self.products(theta)
        return _spread(self.gradients(theta)), lambda v: _spread(product(v))

    def unit(self) -> float:
        return FUNCTION_ROUNDINGS * torch.finfo(self.x.dtype).eps

    def _mapped(self, work: Callable[..., Tensor], *rows: Tensor) -> Tensor:
        shape = torch.broadcast_shapes(*(part.shape for part in rows), (len(self.members), rows[0].shape[-1]))
        flat = [part.expand(shape).reshape(-1, *shape[-2:]) for part in rows]
        over_tasks = torch.func.vmap(work)
        # Without autograd torch takes fused kernels, which have no second derivatives.
        with torch.enable_grad():
            found = torch.func.vmap(lambda *parts: over_tasks(*parts, self.x, self.y))(*flat)
        return found.detach().reshape(shape)


def _grouped(objectives: Sequence[Objective]) -> Iterator[_Group]:
    kinds: dict[object, list[int]] = {}
    for number, objective in enumerate(objectives):
        match objective:
            case NetworkObjective(network=network, loss=loss):
                key: object = (network, loss)
            case FunctionObjective(function=function, x=x, y=y):
                key = (id(function), x.shape, y.shape)
            case _:
                raise NumericsError(f"expected a network or a function but got {type(objective).__name__}")
        kinds.setdefault(key, []).append(number)
    for members in kinds.values():
        members.sort(key=lambda number: objectives[number].sample_count)
        start = 0
        for end in range(1, len(members) + 1):
            shortest = objectives[members[start]].sample_count
            if end == len(members) or objectives[members[end]].sample_count > SPREAD * shortest:
                yield _group(objectives, tuple(members[start:end]))
                start = end


def _group(objectives: Sequence[Objective], members: tuple[int, ...]) -> _Group:
    first = objectives[members[0]]
    some = [objectives[number] for number in members]
    longest = max(task.sample_count for task in some)
    x = torch.stack([_padded(task.x, longest) for task in some])
    y = torch.stack([_padded(task.y, longest) for task in some])
    match first:
        case NetworkObjective(network=network, loss=loss):
            weights = x.new_zeros(len(some), longest, 1)
            for row, task in zip(weights, some, strict=True):
                row[: task.sample_count] = 1.0 / task.sample_count
            return _NetworkGroup(members, x, y, network, loss, weights)
        case FunctionObjective(function=function):
            return _FunctionGroup(members, x, y, function)
        case _:
            raise NumericsError(f"expected a network or a function but got {type(first).__name__}")


def _padded(rows: Tensor, count: int) -> Tensor:
    missing = count - len(rows)
    return rows if not missing else torch.cat([rows, rows[:1].expand(missing, *rows.shape[1:])])


def _weighted(tape: Tape, w: Tensor) -> Tape:
    cotangents = tuple(None if c is None else c * w for c in tape.cotangents)
    bends = tuple(None if bend is None else bend * w for bend in tape.bends)
    return replace(tape, cotangents=cotangents, bends=bends)


def _spread(rows: Tensor) -> Tensor:
    """Rows of one number with the same norms."""
    return (rows.norm(dim=-1, keepdim=True) / math.sqrt(rows.shape[-1])).expand(rows.shape)


def _products(parts: Sequence[Linearised], v: Tensor) -> Tensor:
    with torch.no_grad():
        return _total(part.product(v) for part in parts)


def _total(parts: Iterator[Tensor]) -> Tensor:
    total = next(parts)
    for part in parts:
        total = total + part
    return total
