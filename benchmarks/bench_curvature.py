"""Hessians, spectra, verdicts and extreme eigenvalues, beside other ways to compute them.

Run:  python benchmarks/bench_curvature.py [hessians] [verdicts] [extremes]
Three networks at many parameters each: A 2-16-16-1 tanh, R 8-8-8-1 relu, C 10-32-32-10 tanh with
cross-entropy; and 64-256-256-10 tanh with cross-entropy on scikit-learn's digits.  Everyone may use all
cores.  Peers that are missing print a line that says so; results are compared before they are timed.
"""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from threading import local

import curvature_peers as peers
import numpy as np
import torch
from curvature_peers import CORES, Problem
from scipy.sparse.linalg import LinearOperator, eigsh
from threadpoolctl import threadpool_info, threadpool_limits

from numerics.curvature import gradient, hessian_vector_product, hessians
from numerics.spectrum import extremes, full_spectra, verdicts, verdicts_of_spectra
from proofs.network import Dense, Loss, Network

# Numbers in the Hessians that a thread holds at once.
PART_ENTRIES = 1 << 20
SECONDS, ROUNDS = 8.0, 7
# A call that takes longer than this many seconds is timed once.
SLOW = 5.0
LOSSES = {"mse": Loss.MSE, "cross-entropy": Loss.CROSS_ENTROPY}


def network_of(problem: Problem) -> Network:
    inner = [part for width in problem.widths[1:-1] for part in (Dense(width), problem.activation)]
    return Network.of(problem.widths[0], *inner, Dense(problem.widths[-1]))


def random_problem(
    name: str, widths: tuple[int, ...], activation: str, loss: str, m: int, batch: int
) -> Problem:
    generator = torch.Generator().manual_seed(0)
    scales = torch.cat([
        torch.full((width * (incoming + 1),), incoming**-0.5, dtype=torch.float64)
        for incoming, width in zip(widths, widths[1:], strict=False)
    ])  # fmt: skip
    theta = scales * torch.randn(batch, len(scales), generator=generator, dtype=torch.float64)
    x = torch.randn(m, widths[0], generator=generator, dtype=torch.float64)
    y = torch.randn(m, widths[-1], generator=generator, dtype=torch.float64)
    y = torch.softmax(3.0 * y, -1) if loss == "cross-entropy" else y
    return Problem(name, widths, activation, loss, theta, x, y)


def digits_problem() -> Problem:
    from sklearn.datasets import load_digits

    digits = load_digits()
    small = random_problem("digits", (64, 256, 256, 10), "tanh", "cross-entropy", 1, 1)
    x = torch.from_numpy(digits.data / 16.0)
    y = torch.nn.functional.one_hot(torch.from_numpy(digits.target).long(), 10).double()
    whole = Problem("digits", small.widths, small.activation, small.loss, small.theta, x, y)
    return descended(whole, 100, 0.5)


def descended(problem: Problem, steps: int, rate: float) -> Problem:
    network, theta = network_of(problem), problem.theta
    with torch.no_grad():
        for _ in range(steps):
            theta = theta - rate * gradient(network, LOSSES[problem.loss], theta, problem.x, problem.y)
    return Problem(
        problem.name, problem.widths, problem.activation, problem.loss, theta, problem.x, problem.y
    )


def in_threads(part: Callable[[slice], torch.Tensor], batch: int, size: int) -> torch.Tensor:
    """A part of the batch at a time, as many at once as there are cores, each with one thread."""
    rows = min(max(1, PART_ENTRIES // size**2), -(-batch // CORES))
    parts = [slice(start, min(start + rows, batch)) for start in range(0, batch, rows)]
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with (
            threadpool_limits(1),
            ThreadPoolExecutor(CORES, initializer=torch.set_num_threads, initargs=(1,)) as pool,
        ):
            return torch.cat(list(pool.map(part, parts)))
    finally:
        torch.set_num_threads(before)


def own_hessians(problem: Problem, out: torch.Tensor | None = None) -> torch.Tensor:
    network, loss, theta = network_of(problem), LOSSES[problem.loss], problem.theta
    found = torch.zeros(*theta.shape, theta.shape[1], dtype=theta.dtype) if out is None else out

    def part(rows: slice) -> torch.Tensor:
        hessians(network, loss, theta[rows], problem.x, problem.y, lower=True, out=found[rows])
        return found[rows, 0, :1]

    in_threads(part, *theta.shape)
    return found


def own_spectra(problem: Problem) -> torch.Tensor:
    """Each thread assembles a few Hessians in tables of its own, which stay in or near the cache."""
    network, loss, theta = network_of(problem), LOSSES[problem.loss], problem.theta
    size = theta.shape[1]
    own = local()

    def part(rows: slice) -> torch.Tensor:
        count = rows.stop - rows.start
        if not hasattr(own, "tables"):
            own.tables = torch.zeros(count, size, size, dtype=theta.dtype)
        tables = own.tables[:count]
        hessians(network, loss, theta[rows], problem.x, problem.y, lower=True, out=tables)
        return full_spectra(tables, lower=True, threads=1).values

    return in_threads(part, *theta.shape)


def timed(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median seconds of each, in turns and in changing order; fewer rounds if one takes long."""
    spent: dict[str, list[float]] = {name: [] for name in calls}
    order, start, rounds = np.random.default_rng(0), time.perf_counter(), 0
    while rounds < 3 or (rounds < ROUNDS and time.perf_counter() - start < SECONDS):
        for name in order.permutation([name for name in calls if not spent[name] or spent[name][0] < SLOW]):
            begin = time.perf_counter()
            calls[name]()
            spent[name].append(time.perf_counter() - begin)
        rounds += 1
    return {name: median(times) for name, times in spent.items()}


def ready(
    makers: dict[str, Callable[[], Callable]], *arguments: object
) -> dict[str, tuple[Callable, object]]:
    """The peers that can run here with a first result of each; prints why others cannot."""
    found: dict[str, tuple[Callable, object]] = {}
    for name, make in makers.items():
        try:
            call = make()
            found[name] = call, call(*arguments)
        except Exception as error:  # a peer that is not installed or does not run
            reason = "not installed" if isinstance(error, ImportError) else f"failed: {str(error)[:90]!r}"
            print(f"  {name:<44} {reason}")
    return found


def show(name: str, seconds: float, own: float, note: str = "") -> None:
    print(f"  {name:<44} {1000 * seconds:10.2f} ms {seconds / own:8.2f} x ours{note}")


def target(name: str, ratio: float, limit: float) -> None:
    print(
        f"  target {name:<50} {ratio:6.3f}  (at most {limit:.3f})  {'met' if ratio <= limit else 'NOT met'}"
    )


def bench_hessians(problem: Problem, limit: float) -> None:
    batch, size = problem.theta.shape
    print(f"{problem.name}  {'-'.join(map(str, problem.widths))} {problem.activation}, {problem.loss}, "
          f"P = {size}, m = {len(problem.x)}, B = {batch}")  # fmt: skip
    own = own_hessians(problem)
    # Memory for all Hessians is taken once, as the spectra below need none.
    calls: dict[str, Callable[[], object]] = {"hessians": lambda: own_hessians(problem, own)}
    found = ready({
        "jax jit lax.map(hessian)": lambda: peers.jax_hessians(problem, True),
        "jax jit vmap(hessian)": lambda: peers.jax_hessians(problem, False),
        "torch.func vmap(hessian)": lambda: peers.torch_hessians(problem),
    })  # fmt: skip
    lower = np.tril(np.ones((size, size), dtype=bool))
    for name, (call, value) in found.items():
        difference = np.abs(np.where(lower, value - own.numpy(), 0.0)).max()
        print(f"  {name:<44} differs by at most {difference:.1e} from ours")
        calls[name] = call
    matrices = hessians(
        network_of(problem), LOSSES[problem.loss], problem.theta, problem.x, problem.y
    ).numpy()
    seconds = timed(calls)
    for name, value in seconds.items():
        show(name, value, seconds["hessians"])
    mapped = "jax jit lax.map(hessian)"
    if mapped in seconds:
        target("Hessians / jax lax.map", seconds["hessians"] / seconds[mapped], 0.2)
    bench_spectra(problem, limit, matrices, {name: call for name, (call, _) in found.items()})


def bench_spectra(problem: Problem, limit: float, matrices: np.ndarray, found: dict[str, Callable]) -> None:
    alone = timed(
        {str(whole): lambda whole=whole: peers.eigenvalues(matrices, whole) for whole in (True, False)}
    )
    whole = alone["True"] < alone["False"]
    expected, own = peers.eigenvalues(matrices, whole), own_spectra(problem).numpy()
    how = "all threads a matrix" if whole else "a matrix a thread"
    print(f"  spectra differ by at most {np.abs(own - expected).max():.1e} from numpy's ({how})")
    calls: dict[str, Callable[[], object]] = {
        "hessians + full_spectra": lambda: own_spectra(problem),
        "eigenvalues alone, numpy": lambda: peers.eigenvalues(matrices, whole),
    }
    for name, call in found.items():
        if "torch" not in name:
            calls[f"{name} + numpy"] = lambda call=call: peers.eigenvalues(call(), whole)
    seconds = timed(calls)
    mine = seconds["hessians + full_spectra"]
    for name, value in seconds.items():
        show(name, value, mine)
    others = [value for name, value in seconds.items() if name.startswith("jax")]
    if others:
        target("Hessians + spectra / strongest peer", mine / min(others), limit)
    target("Hessians + spectra / eigenvalues alone", mine / seconds["eigenvalues alone, numpy"], 1.3)


def bench_verdicts(problem: Problem, steps: int, rate: float) -> None:
    problem = descended(problem, steps, rate)
    matrices = hessians(network_of(problem), LOSSES[problem.loss], problem.theta, problem.x, problem.y)
    batch, size = matrices.shape[:2]
    print(f"{problem.name}  verdicts of {batch} Hessians, P = {size}, after {steps} steps of descent")
    arrays = matrices.numpy()
    alone = timed(
        {str(whole): lambda whole=whole: peers.eigenvalues(arrays, whole) for whole in (True, False)}
    )
    whole = alone["True"] < alone["False"]
    spectra = full_spectra(matrices)
    top = spectra.values[:, -1]
    for name, low, high, limit in (("Lanczos bounds alone", 0.3, 0.9, 0.25), ("counts above", 1.1, 3.0, 0.5)):
        rates = torch.linspace(low, high, batch, dtype=torch.float64) / top
        mine = lambda rates=rates: verdicts(  # noqa: E731
            matrices, rates, torch.Generator().manual_seed(0), determinants=False
        )
        found, expected = mine(), verdicts_of_spectra(spectra, rates)
        undecided = int((found.above_1 < 0).sum() + (found.above_2 < 0).sum())
        same = all(
            torch.equal(getattr(found, field).long(), getattr(expected, field).long())
            for field in ("above_1", "above_2", "sign")
        )
        inside = bool(((found.largest - top).abs() <= found.largest_error + spectra.error).all())
        away = bool(
            ((found.distance - expected.distance).abs() <= found.distance_error + spectra.error).all()
        )
        print(f"  eta = {low}..{high} / lambda_max: counts and signs {'the same' if same else 'DIFFERENT'}, "
              f"{undecided} undecided; lambda_max {'within' if inside else 'OUTSIDE'} and "
              f"distance {'within' if away else 'OUTSIDE'} the error")  # fmt: skip
        seconds = timed({"verdicts": mine, "numpy": lambda: peers.eigenvalues(arrays, whole)})
        show("verdicts", seconds["verdicts"], seconds["verdicts"])
        show("full spectra, numpy eigvalsh", seconds["numpy"], seconds["verdicts"])
        target(f"verdicts / full spectra ({name})", seconds["verdicts"] / seconds["numpy"], limit)


def own_top(problem: Problem, count: int, tolerance: float, copies: bool) -> np.ndarray:
    operator = hessian_vector_product(
        network_of(problem), LOSSES[problem.loss], problem.theta[0], problem.x, problem.y
    )
    found = extremes(
        lambda v: operator(v[0])[None], (1, problem.theta.shape[1]), largest=count, smallest=0,
        tolerance=tolerance, relative_to_norm=False, copies=copies,
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    return found.largest[0].numpy()


def bench_extremes(problem: Problem, tolerance: float = 1e-6) -> None:
    size = problem.theta.shape[1]
    print(f"digits  {'-'.join(map(str, problem.widths))}, P = {size}, m = {len(problem.x)}")
    network, loss = network_of(problem), LOSSES[problem.loss]
    operator = hessian_vector_product(network, loss, problem.theta[0], problem.x, problem.y)
    v = torch.randn(size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    calls: dict[str, Callable[[], object]] = {"hessian_vector_product": lambda: operator(v)}
    for name, (call, value) in ready({"jax jit": lambda: peers.jax_product(problem)}, v.numpy()).items():
        print(f"  {name:<44} differs by at most {np.abs(value - operator(v).numpy()).max():.1e} from ours")
        calls[name] = lambda call=call: call(v.numpy())
    calls["set-up of hessian_vector_product"] = lambda: hessian_vector_product(
        network, loss, problem.theta[0], problem.x, problem.y
    )
    seconds = timed(calls)
    for name, value in seconds.items():
        show(name, value, seconds["hessian_vector_product"])
    if "jax jit" in seconds:
        target("product / jax", seconds["hessian_vector_product"] / seconds["jax jit"], 1.0)
    linear = LinearOperator(
        (size, size), matvec=lambda u: operator(torch.from_numpy(u.reshape(-1))).numpy(), dtype=np.float64
    )
    truth = np.sort(eigsh(linear, k=6, which="LA", tol=1e-12, ncv=60, return_eigenvectors=False))[::-1]
    print(f"  reference, to 1e-10: {' '.join(f'{value:.8g}' for value in truth)}")
    for count in (1, 5):
        bench_top(problem, count, tolerance, truth)


def bench_top(problem: Problem, count: int, tolerance: float, truth: np.ndarray) -> None:
    makers = {
        "ours": lambda: lambda: own_top(problem, count, tolerance, False),
        "ours, copies": lambda: lambda: own_top(problem, count, tolerance, True),
        "PyHessian": lambda: lambda: peers.pyhessian_top(problem, count, tolerance),
        "curvlinops + eigsh": lambda: lambda: peers.curvlinops_top(problem, count, tolerance),
    }
    found = ready(makers if count > 1 else {k: m for k, m in makers.items() if k != "ours, copies"})
    seconds = timed({name: call for name, (call, _) in found.items()})
    for name, (_, values) in found.items():
        error = np.abs(values / truth[:count] - 1.0).max()
        show(f"top {count}, {name}", seconds[name], seconds["ours"], f"   relative error {error:.1e}")
    for name, limit in (("PyHessian", 0.5), ("curvlinops + eigsh", 0.2)):
        if name in seconds:
            target(f"top {count}: ours / {name}", seconds["ours"] / seconds[name], limit)


def header() -> None:
    kinds = sorted(
        {f"{info['internal_api']} {info.get('architecture', '')}".strip() for info in threadpool_info()}
    )
    versions: list[str] = []
    for package in ("numpy", "scipy", "torch", "jax", "pyhessian", "curvlinops-for-pytorch"):
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"{package} not installed")
    print(f"python {platform.python_version()}, {platform.machine()}, {CORES} cores, {', '.join(kinds)}")
    blas = "mkl" if torch.backends.mkl.is_available() else "other"
    print(f"torch: {blas}, {torch.backends.cpu.get_cpu_capability()}")
    print(", ".join(versions))


def main() -> None:
    header()
    torch.set_num_threads(CORES)
    chosen = set(sys.argv[1:]) or {"hessians", "verdicts", "extremes"}
    a = random_problem("A", (2, 16, 16, 1), "tanh", "mse", 32, 256)
    r = random_problem("R", (8, 8, 8, 1), "relu", "mse", 32, 256)
    c = random_problem("C", (10, 32, 32, 10), "tanh", "cross-entropy", 64, 16)
    if "hessians" in chosen:
        for problem, limit in ((a, 1 / 2), (r, 1 / 1.7), (c, 1 / 1.4)):
            bench_hessians(problem, limit)
    if "verdicts" in chosen:
        bench_verdicts(a, 200, 0.05)
        bench_verdicts(c, 200, 0.5)
    if "extremes" in chosen:
        bench_extremes(digits_problem())


if __name__ == "__main__":
    main()
