"""One chunk of a scan as a function of its task: the same bytes wherever it runs."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import torch
from threadpoolctl import ThreadpoolController
from torch import Tensor

from numerics.dynamics import Runs, advance
from numerics.metering import METER
from numerics.objective import Objective

from .fields import Field
from .plan import Chunk, Plan
from .record import record

__all__ = ["ChunkResult", "ChunkTask", "State", "run_chunk"]

Array = np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The runs of a block between two segments: [R, P], [R, P], [R], and the step they have reached."""

    theta: Array
    velocity: Array
    diverged_at: Array
    step: int


@dataclass(frozen=True, slots=True, eq=False)
class ChunkTask:
    """Everything a chunk needs; it can be sent to another process or machine."""

    objective: Objective
    plan: Plan
    chunk: Chunk
    state: State


@dataclass(frozen=True, slots=True, eq=False)
class ChunkResult:
    """The arrays of a chunk, `[runs, records, ...]` or `[runs, ...]`, and the state after it.

    `gemm_s` and `eigen_s` are seconds inside matrix products and eigenvalue solvers, of `seconds` in all.
    """

    chunk: Chunk
    arrays: dict[str, Array]
    state: State
    gemm_s: float
    eigen_s: float
    seconds: float


def run_chunk(task: ChunkTask) -> ChunkResult:
    """Advance a block of runs to a segment and through it, and record what the plan asks for.

    Computes with one thread, so that the result depends neither on other work nor on the machine's
    number of cores.
    """
    start, before = time.perf_counter(), METER.read()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with _one_blas_thread(), torch.no_grad():
            arrays, state = _computed(task)
    finally:
        torch.set_num_threads(threads)
    after = METER.read()
    seconds = time.perf_counter() - start
    return ChunkResult(task.chunk, arrays, state, after[0] - before[0], after[1] - before[1], seconds)


def _one_blas_thread() -> AbstractContextManager[object]:
    # SciPy's own LAPACK is loaded first, so that it is among those that are limited.
    import scipy.linalg.lapack  # noqa: F401

    return ThreadpoolController().limit(limits=1)


def _computed(task: ChunkTask) -> tuple[dict[str, Array], State]:
    plan, chunk = task.plan, task.chunk
    dtype = getattr(torch, plan.dtype)
    objective = task.objective.moved(plan.device, dtype)
    numbers = torch.arange(chunk.first_run, chunk.last_run)
    step_sizes = torch.tensor(plan.step_sizes, dtype=torch.float64)[numbers // plan.seeds]
    runs = Runs(
        torch.from_numpy(task.state.theta.copy()).to(plan.device, dtype),
        torch.from_numpy(task.state.velocity.copy()).to(plan.device, dtype),
        torch.from_numpy(task.state.diverged_at.copy()).to(plan.device),
        task.state.step,
    )
    streams = (numbers % plan.seeds).to(plan.device)
    fields = [field for field in plan.fields if field.per_record]
    arrays = {f.name: _empty(f, chunk.runs, chunk.records) for f in fields}
    for index, until in enumerate(plan.record_steps[chunk.first_record : chunk.last_record]):
        if until > runs.step:
            runs = advance(
                objective, plan.optimiser, runs, step_sizes.to(plan.device), until=until, steps=plan.steps,
                streams=streams, stream_count=plan.seeds, seed=plan.seed,
            )  # fmt: skip
        factor = plan.optimiser.schedule.factor(until, plan.steps)
        _keep(arrays, index, objective, plan, runs, step_sizes.to(plan.device) * factor)
    state = State(
        runs.theta.cpu().numpy(), runs.velocity.cpu().numpy(), runs.diverged_at.cpu().numpy(), runs.step
    )
    if chunk.last_record == len(plan.record_steps):
        arrays["diverged_at"] = state.diverged_at
        arrays["final_parameters"] = state.theta.astype(np.float64)
    return arrays, state


def _empty(field: Field, runs: int, records: int) -> Array:
    return np.full((runs, records, *field.inner_shape), field.missing, dtype=field.dtype)


def _keep(
    arrays: dict[str, Array], index: int, objective: Objective, plan: Plan, runs: Runs, step_sizes: Tensor
) -> None:
    """Record the runs that have not diverged; the others keep what stands for them."""
    alive = torch.isfinite(runs.theta).all(-1).nonzero().flatten()
    if not len(alive):
        return
    found = record(objective, plan, runs.theta[alive], step_sizes[alive])
    rows = alive.cpu().numpy()
    for name, array in arrays.items():
        values = found[name].detach().cpu().numpy()
        array[rows, index] = values.astype(array.dtype)
