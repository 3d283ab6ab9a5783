"""`gradlemma steps`: read the options, find the exceptional step sizes, print the verdicts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gradlemma.check_command import require_writable
from gradlemma.errors import ProblemError
from gradlemma.problem import load_problem
from gradlemma.progress import Progress

__all__ = ["run_steps"]


def run_steps(
    problem: Path,
    *,
    eta: str | None,
    schedule: str | None,
    out: Path | None,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> int:
    """Find what is known of the step sizes of a problem file; returns the exit code."""
    asked, planned = _list(eta, "--eta"), _list(schedule, "--schedule")
    loaded = load_problem(problem)
    if out is not None:
        from gradlemma.steps_report import REPORT_FILES

        require_writable(out, REPORT_FILES)
    progress = Progress(quiet=quiet)
    from gradlemma.stepping import steps
    from gradlemma.steps_report import document_of, print_report, write_report

    found = steps(loaded, asked, schedule=planned, progress=progress, **options)
    document = document_of(found)
    written = {} if out is None else write_report(found, document, out)
    if as_json:
        print(json.dumps(document, indent=2, allow_nan=False))
    else:
        print_report(found, written)
    return found.exit_code


def _list(text: str | None, key: str) -> list[str]:
    """The numbers of a list such as `1/100,1/10,1`."""
    if text is None:
        return []
    parts = [part.strip() for part in text.split(",")]
    if any(not part for part in parts):
        raise ProblemError(
            "expected step sizes with commas between them but got an empty one",
            kind="usage", key=key, remedy="write 1/100,1/10,1",
        )  # fmt: skip
    return parts
