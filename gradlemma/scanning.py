"""A scan from Python or the command line: forecast, run or continue, figures, summary."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradlemma.errors import ProblemError
from gradlemma.progress import Progress
from gradlemma.resources import Stopwatch, children_peak_bytes, peak_memory_bytes
from gradlemma.scan_forecast import ScanForecast, forecast_of, refuse_what_cannot_fit
from gradlemma.scan_report import write_document
from gradlemma.scan_setup import ScanOptions, Setup, setup_of_module, setup_of_problem
from gradlemma.scan_summary import ScanSummary, summary_of
from numerics.scan import Spent, Store, StoreError, local_processes, run_plan
from numerics.scan.store import array_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from numerics.scan import Plan

__all__ = ["ScanOptions", "Scanned", "run_setup", "scan"]


@dataclass(frozen=True, slots=True)
class Scanned:
    """A scan that has run: where its arrays are, what they say, and what this run cost.

    `summary` is None for a scan that was interrupted; what it has finished is kept.
    """

    directory: Path
    plan: Plan
    forecast: ScanForecast
    summary: ScanSummary | None
    spent: Spent
    chunks: int
    chunks_before: int
    repaired: int
    figures: tuple[Path, ...]
    notes: tuple[str, ...]
    interrupted: bool
    elapsed_s: float
    peak_memory_bytes: int | None

    def array(self, name: str) -> Any:
        """An array of the result, `[eta, seed, step, ...]`, mapped into memory and not read.

        Raises:
            ProblemError: for a name that this mode does not record.
        """
        import numpy as np

        path = array_path(self.directory, name)
        if not path.exists():
            names = ", ".join(field.name for field in self.plan.fields)
            raise ProblemError(f"expected one of the arrays {names} but got {name}", kind="usage")
        return np.load(path, mmap_mode="r")


def scan(
    model: Any,
    out: str | Path,
    *,
    loss: Any = None,
    x: Any = None,
    y: Any = None,
    workers: int | None = None,
    executor: Executor | None = None,
    in_flight: int | None = None,
    figures: bool = True,
    progress: Progress | None = None,
    **options: Any,
) -> Scanned:
    """Run gradient descent for a grid of step sizes and seeds, following the Hessian's spectrum.

    Args:
        model: a `Problem`, or a `torch.nn.Module` with `loss`, `x` and `y`; a feed-forward Sequential
            gets Hessians in closed form, anything else goes through torch.func.
        out: the directory of the result; the same call continues what is there.
        loss: a name or a `Loss`, for a module.
        x: inputs, for a module.
        y: targets in the shape of the module's outputs, for a module.
        workers: processes; without it as many as are worth it.
        executor: anything with `submit` of `concurrent.futures`, in place of local processes.
        in_flight: chunks submitted to `executor` at a time.
        figures: whether to draw them.
        progress: where progress is shown.
        **options: fields of `ScanOptions`, such as `step_sizes=(0.1, 0.2)`.

    Returns:
        What the arrays say, and where they are.

    Raises:
        ProblemError: for options that do not fit, and for what memory or disk cannot hold.
        StoreError: if `out` holds another scan or cannot be written.
    """
    chosen = ScanOptions(**options)
    setup = _setup(model, loss, x, y, chosen)
    return run_setup(
        setup, Path(out), workers=workers, executor=executor, in_flight=in_flight, figures=figures,
        progress=progress or Progress(quiet=True),
    )  # fmt: skip


def _setup(model: Any, loss: Any, x: Any, y: Any, options: ScanOptions) -> Setup:
    from gradlemma.problem import Problem

    if isinstance(model, Problem):
        return setup_of_problem(model, options)
    import torch

    from proofs.network import Architecture, Network, loss_named

    if isinstance(model, Network | Architecture):
        return setup_of_problem(Problem.of(model, loss, x=x, y=y), options)
    if not isinstance(model, torch.nn.Module):
        raise ProblemError(
            f"expected a Problem, a Network or a torch.nn.Module but got {type(model).__name__}", kind="type"
        )
    inputs, targets = (torch.as_tensor(part, dtype=torch.float64) for part in (x, y))
    feed_forward = _as_problem(model, loss, inputs, targets)
    if feed_forward is not None:
        from dataclasses import replace

        return setup_of_problem(feed_forward, replace(options, start="weights"))
    return setup_of_module(model, loss_named(loss), inputs, targets, options)


def _as_problem(model: Any, loss: Any, x: Any, y: Any) -> Any:
    """The problem of a feed-forward module, None for any other module."""
    from gradlemma.problem import Problem
    from gradlemma.problem.from_torch import network_from_torch

    try:
        network, weights = network_from_torch(model)
    except ProblemError:
        return None
    return Problem.of(network, loss, x=x, y=y, weights=weights)


def run_setup(
    setup: Setup,
    out: Path,
    *,
    workers: int | None,
    executor: Executor | None = None,
    in_flight: int | None = None,
    figures: bool = True,
    progress: Progress,
) -> Scanned:
    """Forecast, refuse what cannot fit, run what is missing, seal, draw.  Ctrl-C keeps what is finished."""
    watch = Stopwatch()
    plan = setup.plan
    forecast = forecast_of(plan, setup.objective, setup.starts, workers)
    refuse_what_cannot_fit(plan, forecast, out, _existing_bytes(out, plan))
    progress.stage(forecast.sentence())
    store = Store.open(out, plan)
    spent, interrupted = Spent(), False
    before = store.finished
    total = plan.block_count * plan.segment_count
    try:
        stage = progress.stage("chunks", total=total)
        stage.update(before)

        def report(now: Store, so_far: Spent) -> None:
            nonlocal spent
            spent = so_far
            stage.update(now.finished)

        try:
            _run(setup, store, forecast.workers, executor, in_flight, report)
        except KeyboardInterrupt:
            interrupted = True
        complete = store.is_complete
        if complete:
            store.seal()
    finally:
        store.close()
    drawn: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    summary = None
    if complete:
        progress.stage("summary")
        summary = summary_of(out, plan)
        write_document(out, setup, summary)
        if figures:
            progress.stage("figures")
            drawn, notes = _figures(out)
    return Scanned(
        out, plan, forecast, summary, spent, total, before, store.repaired, drawn, notes, interrupted,
        watch.elapsed_s(), _peak(forecast.workers if executor is None else 1),
    )  # fmt: skip


def _run(
    setup: Setup,
    store: Store,
    workers: int,
    executor: Executor | None,
    in_flight: int | None,
    report: Callable[[Store, Spent], None],
) -> None:
    if store.is_complete:
        return
    if executor is not None:
        run_plan(setup.objective, setup.starts, store, executor, in_flight=in_flight or 2 * workers,
                 report=report)  # fmt: skip
        return
    with local_processes(workers) as pool:
        run_plan(setup.objective, setup.starts, store, pool, in_flight=in_flight or workers + (workers > 1),
                 report=report)  # fmt: skip


def _existing_bytes(out: Path, plan: Plan) -> int:
    paths = [array_path(out, field.name) for field in plan.fields]
    return sum(path.stat().st_size for path in paths if path.exists())


def _figures(out: Path) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    from gradlemma.figures._style import PlotsMissing
    from gradlemma.figures.scan_figure import write_scan_figures

    try:
        paths, left_out = write_scan_figures(out)
    except PlotsMissing as error:
        return (), (f"no figures: {error}",)
    except OSError as error:
        raise StoreError(
            f"expected to write the figures but got: {error.strerror}; the arrays are complete: free some "
            "space and run the same command again"
        ) from None
    return tuple(paths), tuple(left_out)


def _peak(workers: int) -> int | None:
    """Peak memory of this process and, at most, of all workers together."""
    own = peak_memory_bytes()
    if own is None or workers <= 1:
        return own
    return own + workers * children_peak_bytes()
