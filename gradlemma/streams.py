"""Output streams whose failures reach the command line: a reader that left, a full disk."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["BROKEN_PIPE", "OutputFailed", "ReaderLeft", "drop_output", "end_by_broken_pipe", "watched_output"]

# What a shell shows for a program that SIGPIPE ended.
BROKEN_PIPE = 141


class ReaderLeft(BaseException):
    """The reader of a pipe left.  No `Exception`: no handler on the way may take it for its own."""


class OutputFailed(BaseException):
    """Standard output or the error stream cannot be written; the text says why."""


class _Watched:
    """A stream that reports its failures as ReaderLeft and OutputFailed."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with _translated():
            return self._stream.write(text)

    def flush(self) -> None:
        with _translated():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # Windows reports a pipe without reader as EINVAL.
        if isinstance(error, BrokenPipeError) or (os.name == "nt" and error.errno == errno.EINVAL):
            raise ReaderLeft from None
        raise OutputFailed(error.strerror or type(error).__name__) from None


def _nowhere() -> Any:
    return Path(os.devnull).open("w", encoding="utf-8")


@contextmanager
def watched_output() -> Iterator[None]:
    """Standard output and error stream watched inside the block; a closed one swallows its text."""
    before = sys.stdout, sys.stderr
    out, err = (_nowhere() if stream is None else stream for stream in before)
    sys.stdout, sys.stderr = _Watched(out), _Watched(err)  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.stdout, sys.stderr = out, err


def drop_output() -> None:
    """Send what is left in the buffers of both streams to nowhere, so that it cannot fail again."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def end_by_broken_pipe() -> NoReturn:
    """End the process as Unix programs do when their reader left: by SIGPIPE, else with exit code 141."""
    drop_output()
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGPIPE])
        os.kill(os.getpid(), signal.SIGPIPE)
    sys.exit(BROKEN_PIPE)
