"""The constants of all activations: certified cold and cached, beside a float search that shows nothing.

Run:  python benchmarks/bench_activations.py
Each run in a fresh process.  The peer finds the same maxima on a dense grid and by `scipy.optimize`.
"""

from __future__ import annotations

import json
import math
import platform
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
REPEATS = 3
GRID = 20_001
REACH = 20.0
ORDERS = (0, -1, 1, 2, 3)


def certified() -> dict[str, object]:
    """Seconds of importing, of each row cold, and of all rows a second time."""
    start = time.perf_counter()
    from proofs.network.activations import CATALOGUE, activation
    from proofs.theorems.rows import activation_constants

    imported = time.perf_counter()
    cold: dict[str, float] = {}
    for name in CATALOGUE:
        before = time.perf_counter()
        activation_constants(activation(name))
        cold[name] = time.perf_counter() - before
    done = time.perf_counter()
    values = {name: activation_constants(activation(name)) for name in CATALOGUE}
    again = time.perf_counter() - done
    count = sum(len(found) for found in values.values())
    return {"import": imported - start, "cold": cold, "again": again, "constants": count}


def searched() -> dict[str, float]:
    """Seconds per row of the peer: a grid of numpy floats, then `minimize_scalar` around its maximum."""
    import numpy as np
    from scipy.optimize import minimize_scalar

    import proofs.theorems.constants  # noqa: F401 -- its import is not timed
    from proofs.network.activations import CATALOGUE, activation

    grid = np.linspace(-REACH, REACH, GRID)
    minimize_scalar(lambda t: t * t, bounds=(-1, 1), method="bounded")
    seconds: dict[str, float] = {}
    for name in CATALOGUE:
        start = time.perf_counter()
        function = activation(name)
        unit = math.pi if function.in_pi else 1.0
        for order in ORDERS:
            for piece in function.derivative_pieces(max(order, 0)):
                low = -REACH if piece.lower is None else float(piece.lower) * unit
                high = REACH if piece.upper is None else float(piece.upper) * unit
                inside = grid[(grid >= low) & (grid <= high)]
                sizes = size_of(piece.expression, order, inside)
                place = float(inside[int(np.argmax(sizes))])
                step = 2 * REACH / GRID
                minimize_scalar(
                    lambda t, e=piece.expression, k=order: -float(size_of(e, k, np.array([t]))[0]),
                    bounds=(max(low, place - step), min(high, place + step)), method="bounded",
                    options={"xatol": 1e-12},
                )  # fmt: skip
        seconds[name] = time.perf_counter() - start
    return seconds


def size_of(expression, order, t):
    """|expression|, or the secant slope where order is -1, in floats."""
    import numpy as np

    # The float reading that the search for guesses uses.
    from proofs.theorems.constants import _float_values

    values = np.abs(_float_values(expression, t))
    if order == -1:
        start = _float_values(expression, np.zeros(1))
        values = np.abs(_float_values(expression, t) - start) / np.where(np.abs(t) < 1e-3, np.inf, np.abs(t))
    return values


def fresh(what: str) -> list[dict]:
    runs = []
    for _ in range(REPEATS):
        code = f"import json, sys; sys.path.insert(0, {str(ROOT / 'benchmarks')!r})\n"
        code += f"import bench_activations as b; print(json.dumps(b.{what}()))"
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
        runs.append(json.loads(done.stdout))
    return runs


def main() -> None:
    print(f"python {platform.python_version()}, {platform.machine()}; medians of {REPEATS} fresh processes")
    runs, peers = fresh("certified"), fresh("searched")
    names = list(runs[0]["cold"])
    cold = {name: median(run["cold"][name] for run in runs) for name in names}
    peer = {name: median(run[name] for run in peers) for name in names}
    for name in sorted(names, key=lambda name: -cold[name]):
        print(f"{name:<12} certified {cold[name]:7.4f} s   searched {peer[name]:7.4f} s")
    total = median(sum(run["cold"].values()) for run in runs)
    found = median(sum(run.values()) for run in peers)
    again, light = median(run["again"] for run in runs), median(run["import"] for run in runs)
    print(
        f"{len(names)} activations, {runs[0]['constants']} finite constants: certified cold {total:.2f} s "
        f"(and {light:.2f} s of imports), again {again:.4f} s; float search {found:.2f} s, "
        f"ratio {total / found:.2f}"
    )


if __name__ == "__main__":
    main()
