"""`gradlemma check`: check a problem file, write its report, print the table."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from gradlemma.check import check_problem
from gradlemma.errors import ProblemError, printable
from gradlemma.forecast import forecast
from gradlemma.problem import load_problem
from gradlemma.progress import Progress
from gradlemma.report import REPORT_FILES, document_of, write_report
from gradlemma.table import print_table

__all__ = ["require_writable", "run_check"]

INTERRUPTED = 130


def require_writable(out: Path, names: Sequence[str] = REPORT_FILES) -> None:
    """Refuses a report directory that cannot be written, before the work starts."""
    place = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise ProblemError(
            f"expected a directory that can be written for --out but got {printable(out)}",
            kind="file",
            remedy="choose another path",
        )
    for name in names:
        if (out / name).is_dir():
            raise ProblemError(
                f"expected to write the file {printable(out / name)} but it is a directory",
                kind="file",
                remedy="choose another path for --out",
            )


def run_check(problem: Path, *, out: Path, as_json: bool, quiet: bool) -> int:
    """Check a problem file, write the report directory, print the table; returns the exit code."""
    loaded = load_problem(problem)
    require_writable(out)
    with Progress(quiet=quiet) as progress:
        progress.stage(forecast(loaded).sentence())
        checked = check_problem(loaded, progress)
        progress.stage("writing the report")
        document = document_of(checked)
        written = write_report(checked, document, out)
    if as_json:
        print(json.dumps(document, indent=2))
    else:
        print_table(checked, written)
        for reason in checked.reasons:
            print(printable(reason, 400))
    return INTERRUPTED if checked.interrupted else checked.verdict.exit_code
