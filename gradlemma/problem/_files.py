"""Files that a problem refers to: only regular files of bounded size inside its own directory."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from gradlemma.errors import ProblemError, printable

__all__ = ["MAX_DATA_BYTES", "read_beside", "read_problem"]

MAX_DATA_BYTES = 1 << 28
_INSIDE = "put the file beside the problem file and write its name, such as weights.safetensors"


def read_problem(path: Path, most: int) -> bytes:
    """The content of the problem file itself, at most `most + 1` bytes of it.

    Raises:
        ProblemError: if it is missing, no regular file, or not readable.
    """
    return _read(path, str(path), most, None)


def read_beside(directory: Path, name: str, key: str) -> bytes:
    """The content of the file `name` in the directory of the problem file.

    Raises:
        ProblemError: if the name is absolute, contains `..`, leads outside through a link, or names
            anything but a readable regular file of at most `MAX_DATA_BYTES`.
    """
    parts = name.replace("\\", "/").split("/")
    plain = name and all(c.isprintable() for c in name) and len(name) <= 255
    if not plain or ".." in parts or name[0] in "/\\~" or Path(name).is_absolute() or ":" in name:
        raise ProblemError(
            f"expected a path below the directory of the problem file but got {printable(repr(name))}",
            kind="file",
            key=key,
            remedy=_INSIDE,
        )
    home = Path(os.path.realpath(directory))
    target = Path(os.path.realpath(home / name))
    if not target.is_relative_to(home):
        raise ProblemError(
            "expected a file inside the directory of the problem file "
            f"but {printable(name)} is a link to the outside",
            kind="file",
            key=key,
            remedy="copy the file instead of linking to it",
        )
    return _read(target, name, MAX_DATA_BYTES, key)


def _read(path: Path, shown: str, most: int, key: str | None) -> bytes:
    # O_NONBLOCK: a named pipe without a writer must not block before its kind is known.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(path, flags)
        try:
            _bounded(os.fstat(handle), shown, most, key)
        except ProblemError:
            os.close(handle)
            raise
        with os.fdopen(handle, "rb") as stream:
            return stream.read(most + 1)
    except FileNotFoundError:
        raise _refusal(shown, "it does not exist", key) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _refusal(shown, f"it cannot be read ({reason})", key) from None


def _bounded(status: os.stat_result, shown: str, most: int, key: str | None) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _refusal(shown, "it is not a regular file", key)
    if status.st_size > most:
        raise _refusal(shown, f"it has {status.st_size} bytes, more than {most}", key, "limit")


def _refusal(shown: str, why: str, key: str | None, kind: str = "file") -> ProblemError:
    return ProblemError(
        f"expected a readable file {printable(repr(shown), 200)} but {why}",
        kind=kind,
        key=key,
        remedy="check the name and the permissions" if kind == "file" else "use a smaller file",
    )
