"""Running a plan: chunks through an executor, one writer, at most a few chunks in flight."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from numerics.objective import Objective

from .chunk import ChunkResult, ChunkTask, State, run_chunk
from .plan import Plan
from .store import Store

__all__ = ["Here", "Spent", "local_processes", "run_plan"]


@dataclass(slots=True)
class Spent:
    """What this run has done: chunks, and seconds of all workers in each kind of work."""

    chunks: int = 0
    gemm: float = 0.0
    eigen: float = 0.0
    seconds: float = 0.0
    segments: list[tuple[int, int]] = field(default_factory=list)

    def add(self, result: ChunkResult) -> None:
        """Count a chunk."""
        self.chunks += 1
        self.gemm += result.gemm_s
        self.eigen += result.eigen_s
        self.seconds += result.seconds
        self.segments.append((result.chunk.block, result.chunk.segment))


class Here(Executor):
    """An executor that computes in this process, when the task is submitted."""

    def submit(self, fn, /, *args, **kwargs):
        """Compute now; the future that is returned is done."""
        future: Future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            if not isinstance(error, Exception):
                raise
            future.set_exception(error)
        return future


@contextmanager
def local_processes(workers: int) -> Iterator[Executor]:
    """An executor of so many processes of this machine; with one worker this process itself."""
    if workers <= 1:
        yield Here()
        return
    context = multiprocessing.get_context("spawn")
    saved = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_worker)
    try:
        yield pool
    except BaseException:
        # Nobody waits for what they are computing.
        pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for name, value in saved.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def _begin_worker() -> None:
    """In a worker: leave Ctrl-C to the parent, and end when the parent does, however it ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()


def _follow(sentinel: int) -> None:
    from multiprocessing.connection import wait as wait_for

    wait_for([sentinel])
    os._exit(1)


def run_plan(
    objective: Objective,
    starts: np.ndarray,
    store: Store,
    executor: Executor,
    *,
    in_flight: int = 1,
    report: Callable[[Store, Spent], None] | None = None,
) -> Spent:
    """Run what is missing in the store; the result does not depend on the executor.

    Args:
        objective: of the plan's parameter count.
        starts: parameters of every seed at step 0, [S, P].
        store: open, for the same plan.
        executor: anything with `submit` of `concurrent.futures`.
        in_flight: how many chunks may be submitted and not yet stored.
        report: called after every chunk that was stored.

    Raises:
        StoreError: if the store cannot be written.
        NumericsError: what a chunk raised; finished chunks stay.
    """
    spent = Spent()
    waiting = iter(range(store.plan.block_count))
    running: dict[Future, tuple[int, tuple[int, ...]]] = {}

    def submit(block: int, segments: tuple[int, ...], state: State) -> None:
        task = ChunkTask(objective, store.plan, store.plan.chunk(block, segments[0]), state)
        running[executor.submit(run_chunk, task)] = (block, segments[1:])

    def fill() -> None:
        while len(running) < in_flight:
            block = next(waiting, None)
            if block is None:
                return
            segments = store.pending(block)
            if segments:
                state = store.state(block, segments[0]) or first_state(store.plan, starts, block)
                submit(block, segments, state)

    fill()
    try:
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                block, segments = running.pop(future)
                result = future.result()
                store.add(result)
                spent.add(result)
                if segments:
                    submit(block, segments, result.state)
                if report is not None:
                    report(store, spent)
            fill()
    finally:
        for future in running:
            future.cancel()
    return spent


def first_state(plan: Plan, starts: np.ndarray, block: int) -> State:
    """The runs of a block at step 0."""
    chunk = plan.chunk(block, 0)
    rows = np.arange(chunk.first_run, chunk.last_run) % plan.seeds
    theta = starts[rows].astype(plan.dtype)
    return State(theta, np.zeros_like(theta), np.full(len(rows), -1, dtype=np.int64), 0)
