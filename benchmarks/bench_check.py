"""Start-up, depth-50 derivation, BND-2 for any depth and the digits check, the first two beside a peer.

Run:  python benchmarks/bench_check.py
Absolute times depend on the machine; the ratios are the figures to quote.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
REPEATS = 5


def seconds(command: list[str]) -> float:
    """The median wall time of a command after one warm-up."""
    times = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
        times.append(time.perf_counter() - start)
    return median(times[1:])


def start_up() -> None:
    python = [sys.executable, "-c"]
    light = seconds([*python, "import proofs, proofs.theorems.readings, proofs.kernel.rules"])
    peer = seconds([*python, "import sympy"])
    print(
        f"import proofs               {light:7.3f} s   import sympy {peer:.3f} s   ratio {light / peer:.2f}"
    )
    helps = seconds([sys.executable, "-m", "gradlemma.cli", "--help"])
    torch = seconds([*python, "import torch"])
    print(
        f"gradlemma --help            {helps:7.3f} s   import torch {torch:.3f} s   ratio {helps / torch:.2f}"
    )


def deep(depth: int = 50) -> None:
    """Derive, replay from the stored form, and typeset; beside SymPy expanding the last form."""
    from proofs.kernel.codec import decode, encode
    from proofs.network import Dense, Loss, Network
    from proofs.theorems.bounds import Box, Derivation
    from proofs.typeset import Goal, to_latex

    layers: list[object] = [Dense(64)]
    for _ in range(depth - 1):
        layers += ["tanh", Dense(64)]
    network = Network.of(64, *layers)  # type: ignore[arg-type]
    marks = [time.perf_counter()]
    reading = Derivation(network, Loss.CROSS_ENTROPY).worst_case(
        Box((Fraction(11, 10),) * depth, (Fraction(1),) * depth), Fraction(4)
    )
    marks.append(time.perf_counter())
    goals = {"G_max": reading.gradient.theorem, "H_max": reading.hessian.theorem}
    text = json.dumps(encode(goals))
    marks.append(time.perf_counter())
    decode(json.loads(text))
    marks.append(time.perf_counter())
    to_latex(*(Goal(name, theorem) for name, theorem in goals.items()))
    marks.append(time.perf_counter())
    parts = [after - before for before, after in zip(marks, marks[1:], strict=False)]
    total = marks[-1] - marks[0]
    print(
        f"depth {depth}: derive {parts[0]:.2f} s, encode {parts[1]:.2f} s ({len(text) / 1e6:.2f} MB), "
        f"replay {parts[2]:.2f} s, typeset {parts[3]:.2f} s, all {total:.2f} s"
    )
    peer = sympy_square(depth)
    print(
        f"depth {depth}: SymPy expands one identity of {depth} groups: {peer:.2f} s, ratio {total / peer:.2f}"
    )


def any_depth() -> None:
    """BND-2 for every depth: derive, replay from the stored form, typeset; and its instance at depth 200."""
    from proofs.kernel.codec import decode, encode
    from proofs.theorems.bnd2 import symbolic_bounds, uniform_bounds
    from proofs.typeset import Goal, to_latex

    for name in (None, "relu"):
        marks = [time.perf_counter()]
        found = symbolic_bounds(name)
        marks.append(time.perf_counter())
        document = json.loads(json.dumps(encode({"G": found.gradient, "H": found.hessian})))
        decode(document)
        marks.append(time.perf_counter())
        to_latex(Goal("G", found.gradient), Goal("H", found.hessian))
        marks.append(time.perf_counter())
        uniform_bounds(200, name)
        marks.append(time.perf_counter())
        derive, again, typeset, instance = (b - a for a, b in zip(marks, marks[1:], strict=False))
        print(
            f"BND-2 for any depth, {name or 'smooth phi'}: {len(document['steps'])} steps, "
            f"derive {derive:.3f} s, "
            f"replay {again:.3f} s, typeset {typeset:.3f} s, instance at depth 200 {instance:.3f} s"
        )


def sympy_square(groups: int) -> float:
    """The time SymPy takes to expand sum_{g<h} K (x_g - x_h)^2 with symbolic weights."""
    import sympy

    x = sympy.symbols(f"x0:{groups}", real=True)
    w = sympy.symbols(f"w0:{groups}", real=True)
    start = time.perf_counter()
    sympy.expand(sum(w[g] * w[h] * (x[g] - x[h]) ** 2 for g in range(groups) for h in range(g)))
    return time.perf_counter() - start


def digits() -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "gradlemma.cli",
            "check",
            "examples/digits_mlp.yaml",
            "--out",
            folder,
            "--json",
        ]
        start = time.perf_counter()
        run = subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
        wall = time.perf_counter() - start
    found = json.loads(run.stdout)
    print(
        f"digits check: {wall:.1f} s, peak {found['peak_memory_bytes'] / 2**20:.0f} MiB, {found['verdict']}"
    )


def main() -> None:
    import numpy

    blas = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]
    print(
        f"python {platform.python_version()}, {platform.machine()}, {blas['name']} {blas.get('version', '')}"
    )
    start_up()
    deep()
    any_depth()
    digits()


if __name__ == "__main__":
    main()
