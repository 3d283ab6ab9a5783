"""The second-order term of task arithmetic, beside the double sum with a product for every (t, e, m).

Run:  python benchmarks/bench_tasks.py [samples]
T = 8 tasks, k = 10 steps, MLP 64-112-24-10 tanh with cross-entropy (about 10,000 parameters).  The double sum
is timed as it is written, and with every L_t linearised once at every point.  Results are compared first.
"""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable
from statistics import median

import torch
from threadpoolctl import threadpool_info, threadpool_limits

from numerics.dynamics import random_starts
from numerics.tasks import leading_term, naive_path_term, path_term, run_tasks, tasks_of
from proofs.network import Dense, Loss, Network

NETWORK = Network.of(64, Dense(112), "tanh", Dense(24), "tanh", Dense(10))
TASKS, STEPS, ROUNDS = 8, 10, 3


def seconds(work: Callable[[], object]) -> float:
    times: list[float] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return median(times)


def main(samples: int) -> None:
    # Several threads slow down matrices as small as these.
    torch.set_num_threads(1)
    threadpool_limits(1)
    generator = torch.Generator().manual_seed(0)
    data: list[tuple[torch.Tensor, torch.Tensor]] = []
    for number in range(TASKS):
        count = samples + number * samples // 16
        x = torch.randn(count, 64, generator=generator, dtype=torch.float64)
        y = (3.0 * torch.randn(count, 10, generator=generator, dtype=torch.float64)).softmax(-1)
        data.append((x, y))
    tasks = tasks_of(NETWORK, Loss.CROSS_ENTROPY, data)
    runs = run_tasks(tasks, random_starts(NETWORK, 1, 0)[0], 0.05, 0.3, STEPS)
    own = path_term(runs)
    theirs, count = naive_path_term(runs)
    gap = float((own.vector - theirs).norm() / theirs.norm())
    libraries = [info["internal_api"] for info in threadpool_info()]
    print(f"{platform.processor() or platform.machine()}, torch {torch.__version__}, 1 thread, {libraries}")
    print(f"T = {TASKS}, k = {STEPS}, P = {tasks.parameter_count}, {samples} samples or a few more each")
    print(f"products: {own.products} in {own.batches} batches, double sum {count}; relative gap {gap:.1e}, "
          f"estimated {own.rounding / float(theirs.norm()):.1e}")  # fmt: skip
    bare = seconds(lambda: path_term(runs))
    table = {
        "C with its rounding estimate": bare,
        "leading form with its estimate": seconds(lambda: leading_term(runs)),
        "double sum as written": seconds(lambda: naive_path_term(runs)),
        "double sum, linearised once per point": seconds(lambda: naive_path_term(runs, cached=True)),
        "the runs themselves": seconds(
            lambda: run_tasks(tasks, runs.start, runs.step_size, runs.alpha, STEPS)
        ),
    }
    for name, value in table.items():
        print(f"{name:40s} {1e3 * value:9.1f} ms   {value / bare:6.2f} x C")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 64)
