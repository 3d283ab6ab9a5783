"""Memory and time of a scan before it starts, and the refusal of what cannot fit."""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from gradlemma.errors import ProblemError
from gradlemma.forecast import duration
from gradlemma.resources import available_memory_bytes, free_disk_bytes
from numerics.dynamics import Runs, advance
from numerics.metering import METER
from numerics.objective import Objective
from numerics.scan import Chunk, ChunkTask, Cut, Mode, Plan, State, run_chunk
from numerics.scan.plan import run_table_bytes
from numerics.scan.record import HESSIAN_ENTRIES

__all__ = ["ScanForecast", "forecast_of", "refuse_what_cannot_fit", "workers_for"]

# Resident memory of a process after its imports, and of a worker; measured.
BASE_BYTES, WORKER_BYTES = 420 << 20, 380 << 20
# Matrices of P x P that a record holds at once: the Hessian, what the solver copies, its tables.
FULL_COPIES, VERDICT_COPIES = 3.5, 4.5
# Share of the free memory and disk that a scan may take.
SHARE = 0.8
# A scan that takes less than this on one core is not worth starting processes for.
WORTH_PROCESSES_S = 20.0
# How long the sample of the work that the forecast times may take, about.
SAMPLE_S = 1.5
# Runs whose record is timed at first, and parameters from which a Hessian is too long to be timed.
SAMPLE_RUNS, LARGE_HESSIAN = 2, 1200


@dataclass(frozen=True, slots=True)
class ScanForecast:
    """Estimates: peak memory of all processes, seconds, bytes of the result, and processes."""

    memory_bytes: int
    chunk_bytes: int
    seconds: float
    result_bytes: int
    workers: int

    def sentence(self) -> str:
        """A line for people.

        >>> ScanForecast(2**30, 2**27, 75.0, 2**20, 2).sentence()
        'forecast: about 1.2 min with 2 processes, 1.0 GiB of memory (128 MiB a chunk), 1.0 MiB on disk'
        """
        processes = "1 process" if self.workers == 1 else f"{self.workers} processes"
        return (
            f"forecast: about {duration(self.seconds)} with {processes}, "
            f"{self.memory_bytes / 2**30:.1f} GiB of memory ({self.chunk_bytes / 2**20:.0f} MiB a chunk), "
            f"{self.result_bytes / 2**20:.1f} MiB on disk"
        )


def chunk_bytes(plan: Plan) -> int:
    """Bytes that one chunk holds at its peak."""
    p = plan.parameter_count
    tables = plan.cut.runs * run_table_bytes(p, plan.sample_count, plan.work_per_sample, plan.mode)
    records = 2 * plan.cut.runs * plan.cut.records * plan.record_bytes
    data = 8 * 2 * plan.sample_count * plan.work_per_sample
    hessians = 0.0
    if plan.mode.holds_hessians:
        copies = FULL_COPIES if plan.mode is Mode.full else VERDICT_COPIES
        rows = min(plan.cut.runs, max(1, HESSIAN_ENTRIES[plan.device] // p**2))
        hessians = copies * 8 * rows * p**2 + (64 << 20)
    basis = 8 * plan.cut.runs * p * 200 if plan.mode is Mode.extreme else 0
    return int(tables + records + data + hessians + basis)


def forecast_of(plan: Plan, objective: Objective, starts: np.ndarray, workers: int | None) -> ScanForecast:
    """The forecast: memory from the sizes, time from a timed sample of the work itself."""
    each = chunk_bytes(plan)
    alone = _seconds(plan, objective, starts)
    count = workers_for(plan, alone) if workers is None else workers
    memory = BASE_BYTES + (each if count == 1 else count * (WORKER_BYTES + each))
    return ScanForecast(memory, each, alone / min(count, plan.block_count) + (2.5 if count > 1 else 0.0),
                        plan.result_bytes, count)  # fmt: skip


def workers_for(plan: Plan, alone_s: float) -> int:
    """Processes for a scan of so many seconds on one core; results do not depend on them."""
    if plan.device != "cpu" or alone_s < WORTH_PROCESSES_S:
        return 1
    return max(1, min(len(os.sched_getaffinity(0)), plan.block_count))


def _seconds(plan: Plan, objective: Objective, starts: np.ndarray) -> float:
    """Seconds of the whole scan on one core, from some steps and one record of a part of a block."""
    rows = np.arange(plan.cut.runs) % plan.seeds
    step = _timed_steps(plan, objective, starts, rows)
    blocks = plan.run_count / plan.cut.runs
    if plan.mode.holds_hessians and plan.parameter_count > LARGE_HESSIAN:
        record = _large_hessian_s(plan) * plan.cut.runs
    else:
        # The first record brings what is loaded at the first use.
        small = rows[: min(len(rows), SAMPLE_RUNS)]
        first = _timed_record(plan, objective, starts[small])
        record = first if first > SAMPLE_S else _timed_record(plan, objective, starts[small])
        record = _scaled(plan, objective, starts, rows, record, len(small))
    return blocks * (step * plan.steps + record * len(plan.record_steps))


def _timed_steps(plan: Plan, objective: Objective, starts: np.ndarray, rows: np.ndarray) -> float:
    """Seconds of one step of one block."""
    runs = Runs.at(torch.from_numpy(starts[rows]))
    rates = torch.full((len(rows),), plan.step_sizes[0], dtype=torch.float64)
    streams = torch.from_numpy(rows)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        done, start = 0, time.perf_counter()
        while time.perf_counter() - start < SAMPLE_S / 4 and done < 32:
            if done == 1:
                start = time.perf_counter()
            runs = advance(objective, plan.optimiser, runs, rates, until=done + 1, steps=plan.steps,
                           streams=streams, stream_count=plan.seeds, seed=plan.seed)  # fmt: skip
            done += 1
        return (time.perf_counter() - start) / max(done - 1, 1)
    finally:
        torch.set_num_threads(threads)


def _scaled(
    plan: Plan, objective: Objective, starts: np.ndarray, rows: np.ndarray, seconds: float, count: int
) -> float:
    """Seconds of a record of a whole block: timed if that is short, else in proportion to its runs."""
    if count < len(rows) and seconds * len(rows) / count < SAMPLE_S:
        return _timed_record(plan, objective, starts[rows])
    return seconds * len(rows) / count


def _timed_record(plan: Plan, objective: Objective, starts: np.ndarray) -> float:
    """Seconds of one record of these runs."""
    count = len(starts)
    sample = replace(plan, step_sizes=plan.step_sizes[:1], seeds=count, steps=1, every=1, cut=Cut(count, 2))
    chunk = Chunk(0, 0, 0, count, 0, 1)
    state = State(starts.astype(plan.dtype), np.zeros_like(starts, dtype=plan.dtype),
                  np.full(count, -1, dtype=np.int64), 0)  # fmt: skip
    before = METER.read()
    seconds = run_chunk(ChunkTask(objective, sample, chunk, state)).seconds
    METER.gemm, METER.eigen = before
    return seconds


def _large_hessian_s(plan: Plan) -> float:
    """From the time of a spectrum of 400 rows: the eigenvalues grow like P^3, and are nearly all."""
    matrix = np.random.default_rng(0).standard_normal((400, 400))
    np.linalg.eigvalsh(matrix)
    start = time.perf_counter()
    np.linalg.eigvalsh(matrix)
    one = time.perf_counter() - start
    share = 1.3 if plan.mode is Mode.full else 0.6
    return share * one * (plan.parameter_count / 400) ** 3


def refuse_what_cannot_fit(plan: Plan, forecast: ScanForecast, out: Path, existing: int) -> None:
    """Refuse a scan that memory or disk cannot hold, with the limit and what to do.

    Args:
        plan: the scan.
        forecast: of it.
        out: where the result goes.
        existing: bytes of it that are there already.

    Raises:
        ProblemError: naming the limit and a remedy.
    """
    free = available_memory_bytes()
    if free is not None and forecast.memory_bytes > SHARE * free:
        raise ProblemError(
            _memory_sentence(plan, forecast, free), kind="limit", remedy=_remedy(plan, forecast)
        )
    needed, room = plan.result_bytes - existing, free_disk_bytes(out)
    if needed > 0.95 * room:
        raise ProblemError(
            f"expected room for {plan.result_bytes / 2**30:.1f} GiB of results but "
            f"{room / 2**30:.1f} GiB are free",
            kind="limit", remedy="use a larger --every, fewer step sizes or seeds, or --spectrum extreme",
        )  # fmt: skip


def _memory_sentence(plan: Plan, forecast: ScanForecast, free: int) -> str:
    text = (
        f"expected at most {SHARE * free / 2**30:.1f} GiB of memory, {SHARE:.0%} of what is free, but this "
        f"scan needs {forecast.memory_bytes / 2**30:.1f} GiB"
    )
    if not plan.mode.holds_hessians:
        return text
    copies = FULL_COPIES if plan.mode is Mode.full else VERDICT_COPIES
    limit = math.isqrt(int(max(SHARE * free - BASE_BYTES, 0) / (8 * copies)))
    return (
        f"{text}; the mode {plan.mode.value} can hold {limit} parameters here and this network has "
        f"{plan.parameter_count}"
    )


def _remedy(plan: Plan, forecast: ScanForecast) -> str:
    if plan.mode.holds_hessians:
        return "use --spectrum extreme" + (", or fewer --workers" if forecast.workers > 1 else "")
    return "use fewer --workers" if forecast.workers > 1 else "use fewer samples (data.limit)"
