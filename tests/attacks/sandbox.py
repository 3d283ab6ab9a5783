"""Runs generated hostile cases in this process under watch: `python sandbox.py FOLDER COUNT [FIRST]`.

Watched are: what is opened (only files inside the folder, and modules), what is executed (only
code of modules), processes and sockets (none), the time of each case, and the address space.
Prints one JSON document: how often each kind of refusal and of hostile input occurred, and what went wrong.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import signal
import sys
import sysconfig
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SECONDS = 10
MEMORY = 1 << 30
CODE_PLACES = tuple(
    {os.path.realpath(path) for path in (*sysconfig.get_paths().values(), HERE.parents[1])} | {"<frozen "}
)
MODULE_ENDINGS = (".py", ".pyc", ".so")
NEVER = (
    "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.spawn", "pty.", "socket.",
    "http.", "urllib.", "ftplib.", "webbrowser.", "pickle.find_class", "ctypes.", "sqlite3.", "code.",
    "shutil.", "os.remove", "os.rename", "os.rmdir", "os.chmod", "os.link", "os.symlink",
)  # fmt: skip


class Watch:
    """Notes forbidden events while it is armed."""

    def __init__(self, folder: Path) -> None:
        self.folder = os.path.realpath(folder)
        self.armed = False
        self.seen: list[str] = []
        sys.addaudithook(self._event)

    def _event(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.armed:
            return
        if event == "open":
            self._opened(arguments[0])
        elif event == "exec":
            self._executed(arguments[0])
        elif event.startswith(NEVER):
            self.seen.append(f"{event} {arguments!r:.200}")

    def _opened(self, path: Any) -> None:
        if isinstance(path, int):
            return
        real = os.path.realpath(os.fsdecode(path))
        inside = real == self.folder or real.startswith(self.folder + os.sep)
        is_module = real.startswith(CODE_PLACES) and real.endswith(MODULE_ENDINGS)
        if not inside and not is_module:
            self.seen.append(f"open {real}")

    def _executed(self, code: Any) -> None:
        if not str(code.co_filename).startswith(CODE_PLACES):
            self.seen.append(f"exec {code.co_filename}")


class TooSlow(BaseException):
    """The time of a case is over."""


def _alarm(*_: object) -> None:
    raise TooSlow


def run_case(number: int, folder: Path, watch: Watch) -> tuple[str, list[str]]:
    """The kind of refusal, or `accepted`; and what went wrong."""
    from hostile import write_case

    from gradlemma.errors import ProblemError
    from gradlemma.problem import load_problem

    path = write_case(number, folder)
    watch.seen.clear()
    wrong: list[str] = []
    kind = "accepted"
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    watch.armed = True
    try:
        load_problem(path)
    except ProblemError as error:
        kind = error.kind
        wrong += _unlike_a_sentence(error, path)
    except TooSlow:
        wrong.append(f"more than {SECONDS} s")
    except BaseException:
        wrong.append("traceback: " + traceback.format_exc()[-600:])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        watch.armed = False
    if number % 10 == 0 and kind != "accepted":
        wrong += _on_the_command_line(path)
    return kind, wrong + watch.seen


def _unlike_a_sentence(error: Any, path: Path) -> list[str]:
    text = str(error)
    good = text.isprintable() and len(text) < 2000 and error.remedy and text.startswith(str(path))
    return [] if good else [f"no sentence with place and remedy: {text!r:.300}"]


def _on_the_command_line(path: Path) -> list[str]:
    """What is wrong with `gradlemma check --json` of a refused file."""
    from gradlemma.cli import main

    out, err = io.StringIO(), io.StringIO()
    code: Any = None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(["check", str(path), "--json"])
        except SystemExit as stop:
            code = stop.code
    try:
        document = json.loads(out.getvalue())
    except ValueError:
        document = {}
    good = code == 2 and set(document) == {"error"} and "Traceback" not in err.getvalue()
    return [] if good else [f"the command line: exit code {code}, {out.getvalue()!r:.200}"]


def main(folder: Path, count: int, first: int = 0) -> dict[str, Any]:
    from hostile import OCCURRED

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, _alarm)
    watch = Watch(folder)
    kinds: Counter[str] = Counter()
    failures: list[dict[str, Any]] = []
    slowest = 0.0
    for number in range(first, first + count):
        start = time.monotonic()
        kind, wrong = run_case(number, folder, watch)
        slowest = max(slowest, time.monotonic() - start)
        kinds[kind] += 1
        if wrong:
            failures.append({"case": number, "wrong": wrong})
    return {
        "kinds": dict(kinds.most_common()),
        "occurred": dict(OCCURRED),
        "failures": failures[:20],
        "failed": len(failures),
        "slowest_s": round(slowest, 3),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


if __name__ == "__main__":
    sys.path[:0] = [str(HERE), str(HERE.parents[1])]
    given = sys.argv[1:]
    print(json.dumps(main(Path(given[0]), int(given[1]), int(given[2]) if given[2:] else 0)))
