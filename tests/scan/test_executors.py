"""Every way of running a plan gives the same bytes."""

from __future__ import annotations

import pickle
import random
from concurrent.futures import Executor, Future, ThreadPoolExecutor

import numpy as np
import pytest

from numerics.dynamics import Momentum, Optimiser, Schedule, ScheduleKind
from numerics.scan import Cut, Mode, local_processes
from tests.scan.conftest import plan_of, tree


class Remote(Executor):
    """Pickles tasks and results as a cluster does, and finishes them in a random order."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.pool = ThreadPoolExecutor(1)
        self.held: list[tuple[bytes, Future]] = []

    def submit(self, fn, /, *args, **kwargs):
        future: Future = Future()
        self.held.append((pickle.dumps((fn, args, kwargs)), future))
        self.pool.submit(self._work)
        return future

    def _work(self) -> None:
        content, future = self.held.pop(self.random.randrange(len(self.held)))
        fn, args, kwargs = pickle.loads(content)
        future.set_result(pickle.loads(pickle.dumps(fn(*args, **kwargs))))


@pytest.mark.parametrize("mode", list(Mode))
def test_a_cluster_that_pickles_and_reorders_gives_the_same_bytes(mode, objective, run) -> None:
    plan = plan_of(objective, mode=mode)
    here = tree(run(objective, plan))
    for seed in range(3):
        assert tree(run(objective, plan, Remote(seed), in_flight=3)) == here


def test_threads_give_the_same_bytes(objective, run) -> None:
    plan = plan_of(objective, step_sizes=tuple(np.linspace(0.1, 1.0, 8)))
    with ThreadPoolExecutor(4) as pool:
        assert tree(run(objective, plan, pool, in_flight=4)) == tree(run(objective, plan))


def test_processes_give_the_same_bytes(objective, run) -> None:
    rule = Optimiser(Momentum.nesterov, 0.9, 0.01, batch=5, schedule=Schedule(ScheduleKind.cosine))
    plan = plan_of(objective, optimiser=rule, mode=Mode.extreme, step_sizes=(0.1, 0.2, 0.4, 0.8))
    with local_processes(2) as pool:
        assert tree(run(objective, plan, pool, in_flight=3)) == tree(run(objective, plan))


def test_the_cut_changes_nothing_beyond_rounding(objective, run) -> None:
    arrays = []
    for cut in (Cut(1, 1), Cut(6, 9)):
        directory = run(objective, plan_of(objective, cut=cut))
        arrays.append({p.name: np.load(p) for p in directory.glob("*.npy")})
    for name, array in arrays[0].items():
        np.testing.assert_allclose(array, arrays[1][name], rtol=1e-9, atol=1e-9, err_msg=name)
