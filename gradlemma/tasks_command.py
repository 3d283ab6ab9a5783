"""`gradlemma tasks`: read the options, run and bound task arithmetic, print what was found."""

from __future__ import annotations

import json
from pathlib import Path

from gradlemma.check_command import require_writable
from gradlemma.problem import load_problem
from gradlemma.progress import Progress

__all__ = ["run_tasks_command"]


def run_tasks_command(
    problem: Path,
    *,
    eta: str | None,
    alpha: str | None,
    steps: int | None,
    out: Path | None,
    order: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Compare task arithmetic with multi-task training on a problem file; returns the exit code."""
    loaded = load_problem(problem)
    if out is not None:
        from gradlemma.tasks_report import REPORT_FILES

        require_writable(out, REPORT_FILES)
    from gradlemma.tasking import tasks
    from gradlemma.tasks_report import document_of, write_report
    from gradlemma.tasks_table import print_report

    found = tasks(loaded, eta=eta, alpha=alpha, steps=steps, order=order, progress=Progress(quiet=quiet))
    document = document_of(found)
    written = {} if out is None else write_report(found, document, out)
    if as_json:
        print(json.dumps(document, indent=2, allow_nan=False))
    else:
        print_report(found, written)
    return found.exit_code
