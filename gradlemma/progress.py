"""Progress on the error stream: bars on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, TextIO

from gradlemma.errors import printable

__all__ = ["Progress", "Stage"]

INTERVAL_S = 2.0


class Stage:
    """One piece of work that advances to its total."""

    def __init__(self, owner: Progress, title: str, total: int | None, task: Any) -> None:
        self.title = printable(title)
        self.total = total
        self.done = 0
        self._owner = owner
        self._task = task

    def advance(self, n: int = 1) -> None:
        """Count `n` more."""
        self.update(self.done + n)

    def update(self, done: int) -> None:
        """Set the count."""
        self.done = done
        self._owner._show(self, self._task)

    def line(self) -> str:
        """The stage as plain text: `ascent: 12/30`."""
        if self.total is None:
            return f"{self.title}: {self.done}" if self.done else self.title
        return f"{self.title}: {self.done}/{self.total}"


class Progress:
    """Reports stages of work; use it as a context manager.

    Standard output is never touched.  Plain lines come at most every two seconds, apart from the
    first line of each stage.

    >>> import io
    >>> stream = io.StringIO()
    >>> with Progress(stream=stream) as progress:
    ...     stage = progress.stage("ascent", total=3)
    ...     stage.advance()
    >>> stream.getvalue()
    'ascent: 0/3\\n'
    """

    def __init__(self, quiet: bool = False, stream: TextIO | None = None) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.quiet = quiet
        self._bars: Any = None
        self._spoken = 0.0

    def __enter__(self) -> Progress:
        if not self.quiet and self.stream.isatty():
            self._bars = _bars(self.stream)
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def stage(self, title: str, total: int | None = None) -> Stage:
        """Begin a stage; the one before counts as finished."""
        task = None
        if self._bars is not None:
            for earlier in self._bars.tasks:
                self._bars.update(earlier.id, completed=earlier.total or 1, total=earlier.total or 1)
            task = self._bars.add_task(printable(title), total=total)
        stage = Stage(self, title, total, task)
        if self._bars is None:
            self._say(stage)
        return stage

    def _show(self, stage: Stage, task: Any) -> None:
        if self._bars is not None and task is not None:
            self._bars.update(task, completed=stage.done)
        elif self._bars is None and time.monotonic() - self._spoken >= INTERVAL_S:
            self._say(stage)

    def _say(self, stage: Stage) -> None:
        if not self.quiet:
            self._spoken = time.monotonic()
            print(stage.line(), file=self.stream, flush=True)


def _bars(stream: TextIO) -> Any:
    """Bars without markup, so that titles appear as they are."""
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    return Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(file=stream, markup=False, highlight=False),
        transient=True,
    )
