"""Whole scans: seconds, share of matrix products and eigenvalue solvers, memory; CPU and GPU side by side.

Run:  python benchmarks/bench_scan.py
Each scan in a process of its own; the forecast is printed beside what was used.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent
# name: input width, widths and activations, outputs, loss, samples, options.
SCANS = {
    "A 2-16-16-1 tanh, full": ((2, 16, 16, 1), "tanh", "half_mse", 32, ("--spectrum", "full")),
    "A 2-16-16-1 tanh, verdict": ((2, 16, 16, 1), "tanh", "half_mse", 32, ("--spectrum", "verdict")),
    "A 2-16-16-1 tanh, extreme": ((2, 16, 16, 1), "tanh", "half_mse", 32, ("--spectrum", "extreme")),
    "R 8-8-8-1 relu, full": ((8, 8, 8, 1), "relu", "half_mse", 32, ("--spectrum", "full")),
    "C 10-32-32-10 tanh, full": (
        (10, 32, 32, 10), "tanh", "cross_entropy", 64,
        ("--spectrum", "full", "--seeds", "2", "--steps", "40"),
    ),
}  # fmt: skip
OPTIONS = ("--eta", "1/20:1:16", "--seeds", "8", "--steps", "200", "--every", "20")
DIGITS = ("--eta", "1/20:1/2:4", "--seeds", "4", "--steps", "200", "--every", "20", "--spectrum", "extreme")


def problem_file(folder: Path, widths: tuple[int, ...], activation: str, loss: str, samples: int) -> Path:
    """A problem with random data, written to a file."""
    import numpy as np

    generator = np.random.default_rng(0)
    x = generator.standard_normal((samples, widths[0]))
    y = generator.standard_normal((samples, widths[-1]))
    if loss == "cross_entropy":
        y = np.eye(widths[-1])[generator.integers(0, widths[-1], samples)]
    np.savez(folder / "data.npz", x=x, y=y)
    lines = ["schema: 1", "data:", "  npz: {path: data.npz}", "network:"]
    for index, width in enumerate(widths[1:]):
        lines += [f"  - activation: {activation}"] if index else []
        lines += [f"  - dense: {{width: {width}}}"]
    path = folder / "problem.yaml"
    path.write_text("\n".join([*lines, f"loss: {loss}", ""]))
    return path


def scan(problem: Path, options: tuple[str, ...], device: str) -> dict | None:
    """The document of a scan, None if there is no such device."""
    if device == "cuda" and not torch.cuda.is_available():
        return None
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable, "-m", "gradlemma.cli", "scan", str(problem), "--out", folder, "--json", "--quiet",
            "--no-figures", "--device", device, *options,
        ]  # fmt: skip
        run = subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return json.loads(run.stdout)


def line(name: str, device: str, found: dict | None) -> None:
    if found is None:
        print(f"{name:26s} {device:5s} not run")
        return
    profile, forecast = found["profile"], found["forecast"]
    inside = profile["gemm"] + profile["eigen"]
    records = found["runs"]
    print(
        f"{name:26s} {device:5s} {found['elapsed_s']:7.1f} s (forecast {forecast['seconds']:.1f} s, "
        f"{forecast['workers']} processes)   products {profile['gemm']:.0%} "
        f"+ eigenvalues {profile['eigen']:.0%} = {inside:.0%}   "
        f"peak {found['peak_memory_bytes'] / 2**20:.0f} MiB (forecast "
        f"{forecast['bytes'] / 2**20:.0f})   {records} runs"
    )


def memory_by_records() -> None:
    """Peak memory of 10^4 and of 10^6 recorded points, a point being a record of a run."""
    peaks = []
    for seeds, steps in ((10, 99), (100, 999)):
        options = ("--eta", "1/100:1/10:10", "--seeds", str(seeds), "--steps", str(steps), "--every", "1",
                   "--spectrum", "full")  # fmt: skip
        found = scan(ROOT / "examples/toy_relu.yaml", options, "cpu")
        assert found is not None
        peaks.append(found["peak_memory_bytes"])
        points = 10 * seeds * (steps + 1)
        print(f"{points:9d} recorded points: {found['elapsed_s']:6.1f} s, peak {peaks[-1] / 2**20:.0f} MiB")
    print(f"memory of the larger / the smaller: {peaks[1] / peaks[0]:.2f}")


def operations_per_step() -> None:
    """Operations that torch dispatches (and kernels that a device starts) for a step of R runs."""
    from torch.utils._python_dispatch import TorchDispatchMode

    from numerics.dynamics import Optimiser, Runs, advance, random_starts
    from numerics.objective import NetworkObjective
    from proofs.network import Dense, Loss, Network

    class Count(TorchDispatchMode):
        def __init__(self) -> None:
            super().__init__()
            self.count = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            self.count += 1
            return func(*args, **(kwargs or {}))

    network = Network.of(2, Dense(16), "tanh", Dense(16), "tanh", Dense(1))
    x, y = torch.randn(32, 2, dtype=torch.float64), torch.randn(32, 1, dtype=torch.float64)
    objective = NetworkObjective(network, Loss.HALF_MSE, x, y)
    counts = []
    for runs in (2, 256):
        theta = random_starts(network, runs, 0)
        rates = torch.full((runs,), 0.1, dtype=torch.float64)
        with Count() as found:
            advance(objective, Optimiser(), Runs.at(theta), rates, until=1, steps=1)
        counts.append(found.count)
    print(f"operations a step: {counts[0]} for 2 runs, {counts[1]} for 256 runs (products by numpy besides)")
    if not torch.cuda.is_available():
        print("kernels a step on a CUDA device: not run")
        return
    from torch.profiler import ProfilerActivity, profile

    moved = objective.moved("cuda", torch.float64)
    theta, rates = random_starts(network, 256, 0).cuda(), torch.full((256,), 0.1, dtype=torch.float64).cuda()
    advance(moved, Optimiser(), Runs.at(theta), rates, until=1, steps=1)
    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        advance(moved, Optimiser(), Runs.at(theta), rates, until=1, steps=1)
        torch.cuda.synchronize()
    kernels = sum(event.count for event in seen.key_averages() if event.device_type.name == "CUDA")
    print(f"kernels a step for 256 runs on {torch.cuda.get_device_name()}: {kernels}")


def main() -> None:
    print(f"python {platform.python_version()}, {platform.machine()}, torch {torch.__version__}")
    for name, (widths, activation, loss, samples, options) in SCANS.items():
        with tempfile.TemporaryDirectory() as folder:
            problem = problem_file(Path(folder), widths, activation, loss, samples)
            for device in ("cpu", "cuda"):
                line(name, device, scan(problem, (*OPTIONS, *options), device))
    for device in ("cpu", "cuda"):
        line("digits 64-32-16-10, extreme", device, scan(ROOT / "examples/digits_mlp.yaml", DIGITS, device))
    memory_by_records()
    operations_per_step()


if __name__ == "__main__":
    main()
