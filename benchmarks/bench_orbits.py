"""Orbits of a ReLU model with two parameters for many step sizes, beside other ways to take the steps.

Run:  python benchmarks/bench_orbits.py
4096 step sizes, 5000 steps, the last 256 points of each kept: f = v relu(u x), one sample x = y = sqrt(3.53),
half_mse.  Peers that are missing print a line that says so; the python loop takes 8 of the 4096 runs.
Every peer's points are compared with those of `orbits` where the step size is small enough to converge.
"""

from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

import numpy as np
import torch
from threadpoolctl import threadpool_info

from numerics.dynamics.orbits import orbits
from proofs.network import Dense, Loss, Network

RUNS, STEPS, KEEP = 4096, 5000, 256
SIDE = 3.53**0.5
START = (0.9, 1.1)
RATES = np.linspace(0.2, 0.42, RUNS)
# Below 2 / (2 * 3.53) a run converges.
CONVERGING = RATES < 0.25
ROUNDS = 9
LOOPED = 8
CHUNK = 8
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

Points = np.ndarray  # [KEEP, 2, RUNS]
Peer = Callable[[], Points]

C_SOURCE = r"""
#include <string.h>
#define LANES 64
void run(double side, long runs, long steps, long keep, long first, long last,
         const double *rates, double u0, double v0, double *points) {
  for (long block = first; block < last; block++) {
    double u[LANES], v[LANES], eta[LANES];
    memcpy(eta, rates + block * LANES, sizeof eta);
    for (int i = 0; i < LANES; i++) { u[i] = u0; v[i] = v0; }
    for (long t = 0; t < steps; t++) {
      for (int i = 0; i < LANES; i++) {
        double z = u[i] * side, open = z >= 0 ? 1.0 : 0.0, h = z >= 0 ? z : 0.0;
        double r = v[i] * h - side;
        double gu = r * v[i] * open * side, gv = r * h;
        u[i] -= eta[i] * gu;
        v[i] -= eta[i] * gv;
      }
      if (t >= steps - keep) {
        double *row = points + (t - (steps - keep)) * 2 * runs + block * LANES;
        memcpy(row, u, sizeof u);
        memcpy(row + runs, v, sizeof v);
      }
    }
  }
}
"""


def compiled_orbits(threads: int | None = None) -> Points:
    network = Network.of(1, Dense(1, bias=False), "relu", Dense(1, bias=False))
    side = np.full((1, 1), SIDE)
    starts = np.tile(START, (RUNS, 1))
    found = orbits(
        network, Loss.HALF_MSE, side, side, starts, RATES, steps=STEPS, keep=KEEP, threads=threads
    )  # fmt: skip
    return found.points.transpose(1, 2, 0)


def python_loop() -> Points:
    points = np.full((KEEP, 2, RUNS), np.nan)
    for run in range(0, RUNS, RUNS // LOOPED):
        (u, v), rate = START, float(RATES[run])
        for t in range(STEPS):
            z = u * SIDE
            h, slope = (z, 1.0) if z >= 0.0 else (0.0, 0.0)
            r = v * h - SIDE
            u, v = u - rate * (r * v * slope * SIDE), v - rate * (r * h)
            if t >= STEPS - KEEP:
                points[t - (STEPS - KEEP), :, run] = u, v
    return points


def numpy_arrays() -> Points:
    points = np.empty((KEEP, 2, RUNS))
    u, v = np.full(RUNS, START[0]), np.full(RUNS, START[1])
    for t in range(STEPS):
        z = u * SIDE
        h = np.maximum(z, 0.0)
        r = v * h - SIDE
        u, v = u - RATES * (r * v * (z >= 0.0) * SIDE), v - RATES * (r * h)
        if t >= STEPS - KEEP:
            points[t - (STEPS - KEEP)] = u, v
    return points


def torch_step(u: torch.Tensor, v: torch.Tensor, rates: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    z = u * SIDE
    h = torch.relu(z)
    r = v * h - SIDE
    return u - rates * (r * v * (z >= 0.0) * SIDE), v - rates * (r * h)


def torch_arrays() -> Points:
    rates = torch.from_numpy(RATES)
    u, v = (torch.full((RUNS,), number, dtype=torch.float64) for number in START)
    points = torch.empty(KEEP, 2, RUNS, dtype=torch.float64)
    for t in range(STEPS):
        u, v = torch_step(u, v, rates)
        if t >= STEPS - KEEP:
            points[t - (STEPS - KEEP), 0], points[t - (STEPS - KEEP), 1] = u, v
    return points.numpy()


def torch_compiled() -> Peer:
    """Chunks of 8 unrolled steps; those at the end return all their points."""

    @torch.compile(dynamic=False)
    def chunk(u: torch.Tensor, v: torch.Tensor, rates: torch.Tensor):
        for _ in range(CHUNK):
            u, v = torch_step(u, v, rates)
        return u, v

    @torch.compile(dynamic=False)
    def kept_chunk(u: torch.Tensor, v: torch.Tensor, rates: torch.Tensor):
        found = []
        for _ in range(CHUNK):
            u, v = torch_step(u, v, rates)
            found += [u, v]
        return u, v, torch.stack(found).reshape(CHUNK, 2, -1)

    def run() -> Points:
        rates = torch.from_numpy(RATES)
        u, v = (torch.full((RUNS,), number, dtype=torch.float64) for number in START)
        parts = []
        for _ in range((STEPS - KEEP) // CHUNK):
            u, v = chunk(u, v, rates)
        for _ in range(KEEP // CHUNK):
            u, v, found = kept_chunk(u, v, rates)
            parts.append(found)
        return torch.cat(parts).numpy()

    return run


def jax_scan() -> Peer:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    rates = jnp.asarray(RATES)

    def step(point, _):
        u, v = point
        z = u * SIDE
        h = jnp.maximum(z, 0.0)
        r = v * h - SIDE
        return u - rates * (r * v * (z >= 0.0) * SIDE), v - rates * (r * h)

    @jax.jit
    def run():
        point = tuple(jnp.full(RUNS, number) for number in START)
        point, _ = jax.lax.scan(lambda p, _: (step(p, None), None), point, None, length=STEPS - KEEP)

        def kept(p, _):
            p = step(p, None)
            return p, jnp.stack(p)

        return jax.lax.scan(kept, point, None, length=KEEP)[1]

    return lambda: np.asarray(run().block_until_ready())


def c_kernel(folder: Path, threads: int) -> Peer:
    source, library = folder / "orbits.c", folder / f"orbits{threads}.so"
    source.write_text(C_SOURCE)
    command = ["cc", "-O3", "-march=native", "-shared", "-fPIC", "-o", str(library), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    function = ctypes.CDLL(str(library)).run
    pointer, integer, number = ctypes.c_void_p, ctypes.c_long, ctypes.c_double
    function.argtypes = [number, *[integer] * 5, pointer, number, number, pointer]
    blocks = RUNS // 64
    # As many parts as `orbits` makes.
    parts = 4 * threads if threads > 1 else 1

    def run() -> Points:
        points = np.empty((KEEP, 2, RUNS))

        def part(k: int) -> None:
            first, last = k * blocks // parts, (k + 1) * blocks // parts
            function(
                SIDE, RUNS, STEPS, KEEP, first, last, RATES.ctypes.data, *START, points.ctypes.data
            )  # fmt: skip

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(part, range(parts)))
        return points

    return run


def prepared(folder: Path) -> dict[str, Peer]:
    """The peers that can run here, each run once; prints what it took and why others cannot."""
    makers: dict[str, Callable[[], Peer]] = {
        "orbits": lambda: compiled_orbits,
        "C, cc -O3 -march=native": lambda: c_kernel(folder, CORES),
        "orbits, one thread": lambda: lambda: compiled_orbits(1),
        "C, one thread": lambda: c_kernel(folder, 1),
        "jax jit scan": jax_scan,
        "torch.compile": torch_compiled,
        "numpy": lambda: numpy_arrays,
        "torch": lambda: torch_arrays,
        "python loop": lambda: python_loop,
    }
    ready: dict[str, Peer] = {}
    expected = None
    for name, make in makers.items():
        start = time.perf_counter()
        try:
            peer = make()
            found = peer()
        except Exception as error:  # a peer that is not installed or cannot be compiled
            reason = "not installed" if isinstance(error, ImportError) else f"failed: {str(error)[:80]!r}"
            print(f"{name:<26} {reason}")
            continue
        print(f"{name:<26} first call, compilation included: {time.perf_counter() - start:8.3f} s")
        expected = found if expected is None else expected
        where = CONVERGING & np.isfinite(found[-1, 0])
        np.testing.assert_allclose(found[:, :, where], expected[:, :, where], rtol=1e-9)
        ready[name] = peer
    return ready


def main() -> None:
    cores = sorted(
        {f"{info['internal_api']} {info.get('architecture', '')}".strip() for info in threadpool_info()}
    )
    versions = []
    for package in ("numba", "llvmlite", "numpy", "torch", "jax"):
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"{package} not installed")
    print(f"python {platform.python_version()}, {platform.machine()}, {CORES} cores, {', '.join(cores)}")
    print(", ".join(versions))
    # One thread is as fast as two on 4096 entries, and stays so when other programs use the cores.
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        ready = prepared(Path(folder))
        seconds: dict[str, list[float]] = {name: [] for name in ready}
        # In turns and in changing order, so that what else the machine does meets all of them alike.
        order = np.random.default_rng(0)
        for _ in range(ROUNDS):
            for name, peer in order.permutation(np.array(list(ready.items()), dtype=object)):
                start = time.perf_counter()
                peer()
                scale = RUNS / LOOPED if name == "python loop" else 1.0
                seconds[name].append(scale * (time.perf_counter() - start))
    print(f"{RUNS} step sizes, {STEPS} steps, last {KEEP} kept; medians (least) of {ROUNDS} rounds in turns")
    own = median(seconds["orbits"])
    for name, times in seconds.items():
        note = f"   {LOOPED} runs, extrapolated" if name == "python loop" else ""
        middle = median(times)
        print(f"{name:<26} {middle:9.4f} s ({min(times):9.4f} s)   {middle / own:8.2f} x orbits{note}")


if __name__ == "__main__":
    main()
