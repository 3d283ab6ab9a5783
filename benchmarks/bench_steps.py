"""Analyticity and exceptional step sizes: how long the derivations take, beside SymPy and floats.

Run:  python benchmarks/bench_steps.py
Each line in a fresh process, replay included.  The peers: SymPy's exact characteristic polynomial of
the same Hessian, and one Hessian with its spectrum by autograd in floats, which proves nothing.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from random import Random
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
REPEATS = 3


def loss_of(widths, activation, samples, loss="half_mse", seed=0):
    """The mean loss of a dense network over random rational data, as a map of the parameters."""
    from proofs.network import Architecture, Dense, Network, loss_named
    from proofs.network.lowering_losses import loss_on

    random = Random(seed)

    def rows(width):
        return [[Fraction(random.randint(-20, 20), 10) for _ in range(width)] for _ in range(samples)]

    layers = []
    for width in widths[1:-1]:
        layers += [Dense(width), activation]
    network = Network.of(widths[0], *layers, Dense(widths[-1]))
    targets = rows(widths[-1])
    if loss == "cross_entropy":
        targets = [[Fraction(int(i == n % widths[-1])) for i in range(widths[-1])] for n in range(samples)]
    return loss_on(Architecture.of_network(network), loss_named(loss), rows(widths[0]), targets)


def relu_121() -> dict:
    """All patterns of the 1-2-1 net, the exceptional steps and four verdicts, each replayed."""
    from flint import fmpq

    from proofs.kernel.core import replay
    from proofs.kernel.maps import StepNumber
    from proofs.theorems.step_sizes import StepSizes

    start = time.perf_counter()
    sizes = StepSizes(loss_of([1, 2, 1], "relu", 2))
    sizes.prove_analytic()
    sizes.find_patterns()
    sizes.find_spectra()
    found = [step.verdict.status.value for step in sizes.exceptional()]
    for step in (fmpq(1, 100), fmpq(1, 10), fmpq(1), fmpq(2)):
        theorem = sizes.verdict(StepNumber(step)).theorem
        if theorem is not None:
            replay(theorem)
    count = len(sizes.enumerated.patterns)
    return {"s": time.perf_counter() - start, "note": f"{count} patterns, exceptional: {found}"}


def pattern(widths) -> dict:
    """One activation pattern: exact Hessians at two points and what eigenvalues they share."""
    from proofs.kernel.map_values import coordinates
    from proofs.kernel.patterns import case_at
    from proofs.theorems.map_analyticity import Analyticity, Route
    from proofs.theorems.pattern_search import random_point
    from proofs.theorems.step_patterns import Occurrence, Pattern, equals_at, spectrum_of

    loss, random = loss_of(widths, "relu", 10), Random(1)
    point = random_point(loss, random, denominator=101)
    start = time.perf_counter()
    analyticity = Analyticity(Route.SCALAR)
    case = case_at(loss, point)
    known = Pattern(case, Occurrence.VISITED, point, equals_at(case, point, analyticity))
    found = spectrum_of(known, analyticity, random)
    shared = found.eigenvalues.claim.coefficients
    count = len(coordinates(loss))
    return {"s": time.perf_counter() - start, "note": f"{count} parameters, gcd {list(shared)}"}


def sympy_characteristic(widths) -> dict:
    """The peer: SymPy's characteristic polynomial of one of these Hessians, exactly."""
    from sympy.polys.domains import QQ
    from sympy.polys.matrices import DomainMatrix

    from proofs.kernel.map_hessians import exact_hessian
    from proofs.kernel.patterns import case_at
    from proofs.theorems.pattern_search import random_point

    loss = loss_of(widths, "relu", 10)
    point = random_point(loss, Random(1), denominator=101)
    hessian = exact_hessian(case_at(loss, point), point)[2]
    size = hessian.nrows()
    rows = [[QQ(int(hessian[i, j].p), int(hessian[i, j].q)) for j in range(size)] for i in range(size)]
    start = time.perf_counter()
    DomainMatrix(rows, (size, size), QQ).charpoly()
    return {"s": time.perf_counter() - start, "note": f"{size} parameters, one polynomial"}


def tanh_spectra(loss) -> dict:
    """Certified spectra of a tanh network at two points and a verdict, replayed."""
    from flint import fmpq

    from proofs.kernel.core import replay
    from proofs.kernel.maps import StepNumber
    from proofs.theorems.step_sizes import StepSizes

    start = time.perf_counter()
    sizes = StepSizes(loss_of([6, 8, 4, 2], "tanh", 4, loss))
    sizes.prove_analytic()
    sizes.find_patterns()
    sizes.find_spectra()
    verdict = sizes.verdict(StepNumber(fmpq(1, 10)))
    replay(verdict.theorem)
    return {"s": time.perf_counter() - start, "note": f"102 parameters, {loss}, 1/10 {verdict.status.value}"}


def float_spectrum() -> dict:
    """The peer of the certified spectra: one Hessian and its eigenvalues by autograd in float64."""
    import torch

    from numerics.maps import reading

    loss = reading(loss_of([6, 8, 4, 2], "tanh", 4))
    theta = torch.randn(102, dtype=torch.float64)
    hessian = torch.func.hessian(loss)
    hessian(theta)
    start = time.perf_counter()
    torch.linalg.eigvalsh(hessian(theta))
    return {"s": time.perf_counter() - start, "note": "102 parameters, one point"}


def conditions() -> dict:
    """Both routes of a 100-layer network with ReLU, layer by layer, replayed."""
    from gradlemma.analyticity import check_analyticity
    from gradlemma.problem import Problem
    from proofs.network import Dense, Network

    layers = [layer for _ in range(99) for layer in (Dense(16), "relu")]
    network = Network.of(16, *layers, Dense(4))
    problem = Problem.of(network, "cross_entropy", x=[[1] * 16], y=[0])
    start = time.perf_counter()
    section = check_analyticity(problem)
    return {"s": time.perf_counter() - start, "note": f"100 dense layers, {section.verdict}"}


LINES = {
    "relu 1-2-1, all patterns": ("relu_121", []),
    "one pattern, 199 parameters": ("pattern", [[7, 22, 1]]),
    "one pattern, 385 parameters": ("pattern", [[10, 32, 1]]),
    "  SymPy, 199 parameters": ("sympy_characteristic", [[7, 22, 1]]),
    "tanh, spectra at the origin": ("tanh_spectra", ["half_mse"]),
    "tanh, spectra in balls": ("tanh_spectra", ["cross_entropy"]),
    "  float Hessian and spectrum": ("float_spectrum", []),
    "conditions, 100 layers": ("conditions", []),
}


def fresh(what: str, arguments: list) -> dict:
    code = f"import json, sys; sys.path[:0] = [{str(ROOT / 'benchmarks')!r}, {str(ROOT)!r}]\n"
    code += "import resource, bench_steps as b\n"
    code += f"found = b.{what}(*json.loads({json.dumps(arguments)!r}))\n"
    code += "found['kib'] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; print(json.dumps(found))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    return json.loads(done.stdout)


def main() -> None:
    print(f"python {platform.python_version()}, {platform.machine()}; medians of {REPEATS} fresh processes")
    seconds: dict[str, float] = {}
    for line, (what, arguments) in LINES.items():
        runs = [fresh(what, arguments) for _ in range(REPEATS)]
        seconds[line] = median(run["s"] for run in runs)
        peak = max(run["kib"] for run in runs) / 1024
        print(f"{line:<30} {seconds[line]:8.3f} s   peak {peak:5.0f} MiB   {runs[0]['note']}", flush=True)
    exact = seconds["one pattern, 199 parameters"] / seconds["  SymPy, 199 parameters"]
    floats = seconds["tanh, spectra in balls"] / seconds["  float Hessian and spectrum"]
    print(f"two Hessians and what they share over one characteristic polynomial by SymPy: ratio {exact:.2f}")
    print(f"certified spectra at two points over one float spectrum: ratio {floats:.1f}")


if __name__ == "__main__":
    main()
