"""`gradlemma scan`: read the options, run the scan, print its report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gradlemma.errors import ProblemError, printable
from gradlemma.problem import load_problem
from gradlemma.problem._numerals import read_number
from gradlemma.progress import Progress
from gradlemma.step_grid import step_grid

__all__ = ["run_scan"]

INTERRUPTED = 130


def run_scan(
    problem: Path,
    *,
    eta: str,
    out: Path,
    workers: int | None,
    figures: bool,
    profile: bool,
    as_json: bool,
    quiet: bool,
    optimiser: dict[str, Any],
    **options: Any,
) -> int:
    """Scan a problem file; returns the exit code."""
    step_sizes = step_grid(eta)
    loaded = load_problem(problem)
    if out.exists() and not out.is_dir():
        raise ProblemError(
            f"expected a directory for --out but {printable(out)} is a file",
            kind="file",
            remedy="choose another path",
        )
    with Progress(quiet=quiet) as progress:
        progress.stage(f"reading {printable(loaded.describe(), 200)}")
        from gradlemma.scan_report import document_of, print_report
        from gradlemma.scan_setup import ScanOptions, setup_of_problem
        from gradlemma.scanning import run_setup

        chosen = ScanOptions(step_sizes=step_sizes, optimiser=_optimiser(**optimiser), **_numbers(options))
        setup = setup_of_problem(loaded, chosen)
        found = run_setup(setup, out, workers=workers, figures=figures, progress=progress)
    if as_json:
        print(json.dumps(document_of(found), indent=2, allow_nan=False))
    else:
        print(loaded.describe())
        print_report(found, profile)
    return INTERRUPTED if found.interrupted else 0


def _numbers(options: dict[str, Any]) -> dict[str, Any]:
    found = dict(options)
    for name in ("radius", "tolerance", "checkpoint"):
        if found.get(name) is not None:
            found[name] = _number(found[name], name)
    return found


def _number(text: str, name: str) -> float:
    try:
        return float(read_number(text))
    except ProblemError as error:
        raise ProblemError(error.message, kind="usage", key=f"--{name}", remedy=error.remedy) from None
    except OverflowError:
        raise ProblemError(f"expected a number that float64 can hold but got {printable(text)}",
                           kind="usage", key=f"--{name}") from None  # fmt: skip


def _optimiser(*, momentum: str, beta: str, weight_decay: str, batch: int | None, schedule: str) -> Any:
    """The update rule of the options.

    Raises:
        ProblemError: for names and numbers that do not fit together.
    """
    from numerics.dynamics import Momentum, Optimiser, Schedule, ScheduleKind
    from numerics.errors import NumericsError

    name, _, length = schedule.partition(":")
    try:
        if length and not length.isdecimal():
            raise NumericsError(f"expected a schedule such as warmup:100 but got {printable(schedule)}")
        return Optimiser(
            Momentum.none if momentum == "gd" else _member(Momentum, momentum, "--optimiser"),
            _number(beta, "beta"), _number(weight_decay, "weight-decay"), batch,
            Schedule(_member(ScheduleKind, name, "--schedule"), int(length or 0)),
        )  # fmt: skip
    except NumericsError as error:
        raise ProblemError(str(error), kind="usage", remedy="see gradlemma scan --help") from None


def _member(kind: Any, name: str, key: str) -> Any:
    try:
        return kind(name)
    except ValueError:
        known = ", ".join("gd" if member.value == "none" else member.value for member in kind)
        raise ProblemError(f"expected one of {known} but got {printable(name)}", kind="usage", key=key,
                           remedy="choose one of them") from None  # fmt: skip
