"""Generated hostile problem files, in a process that is watched: see `sandbox` for what is forbidden."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hostile import LEAST

HERE = Path(__file__).resolve().parent
CI, NIGHTLY = 1_000, 10_000
MEMORY_MIB = 512
KINDS = {
    "syntax",
    "limit",
    "type",
    "value",
    "expression",
    "unknown-key",
    "duplicate-key",
    "missing-key",
    "file",
}


def watched(folder: Path, count: int, first: int = 0, before: str = "") -> dict[str, Any]:
    """What `sandbox` reports about that many cases; `before` is code that is run first."""
    code = f"""
import sys
sys.path[:0] = [{str(HERE)!r}, {str(HERE.parents[1])!r}]
import json, sandbox
from pathlib import Path
{before}
print(json.dumps(sandbox.main(Path({str(folder)!r}), {count}, {first})))
"""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout)


def check(report: dict[str, Any], count: int) -> None:
    assert report["failures"] == [], json.dumps(report["failures"], indent=1)
    assert sum(report["kinds"].values()) == count
    assert set(report["kinds"]) >= KINDS
    # Neither everything nor nothing is refused.
    assert 0.02 * count < report["kinds"]["accepted"] < 0.4 * count
    assert report["peak_mib"] < MEMORY_MIB
    assert set(report["occurred"]) == set(LEAST)
    rare = {kind: seen for kind, seen in report["occurred"].items() if seen * 1000 < LEAST[kind] * count}
    assert rare == {}


def test_a_thousand_hostile_problem_files_do_no_harm(tmp_path: Path) -> None:
    check(watched(tmp_path, CI), CI)


@pytest.mark.nightly
def test_ten_thousand_hostile_problem_files_do_no_harm(tmp_path: Path) -> None:
    check(watched(tmp_path, NIGHTLY, CI), NIGHTLY)


def test_a_link_that_is_followed_is_noticed_in_a_hundred_cases(tmp_path: Path) -> None:
    before = """
import gradlemma.problem._files as files
class Unchecked(type(Path())):
    def is_relative_to(self, *other):
        return True
files.Path = Unchecked
"""
    report = watched(tmp_path, 100, before=before)
    followed = [failure for failure in report["failures"] if "open /etc/passwd" in failure["wrong"]]
    assert len(followed) >= 3
    assert all(failure["case"] % 10 in (7, 8) for failure in report["failures"])


HARM = {
    "reads": ("open('/etc/passwd').close()", "open /etc/passwd"),
    "writes": ("open(path.parent.parent / 'x.txt', 'w').close()", "open "),
    "follows_a_link": ("open(path.parent / 'link.npz').close()", "open /etc/passwd"),
    "evaluates": ("eval('1 + 1')", "exec <string>"),
    "starts_a_process": ("__import__('subprocess').run(['true'])", "subprocess.Popen"),
    "runs_a_shell": ("__import__('os').system('true')", "os.system"),
    "unpickles": ("__import__('pickle').loads(b'\\x80\\x04cos\\nsystem\\n.')", "pickle.find_class"),
    "connects": ("__import__('socket').socket().connect_ex(('127.0.0.1', 9))", "socket."),
    "hangs": ("__import__('time').sleep(99)", "more than 0.2 s"),
    "eats_memory": ("bytearray(1 << 31)", "MemoryError"),
    "raises": ("1 / 0", "ZeroDivisionError"),
    "mumbles": ("raise ProblemError('no')", "no sentence"),
}


@pytest.mark.parametrize("name", HARM)
def test_the_watch_notices_harm(name: str, tmp_path: Path) -> None:
    code, words = HARM[name]
    before = f"""
import pickle, socket, subprocess
import gradlemma.problem
from gradlemma.errors import ProblemError
sandbox.SECONDS = 0.2
source = "def harm(path):\\n    " + {code!r}
space = dict(ProblemError=ProblemError)
exec(compile(source, sandbox.__file__, "exec"), space)
gradlemma.problem.load_problem = space["harm"]
"""
    (tmp_path / "job").mkdir()
    report = watched(tmp_path / "job", 1, 1, before)
    assert report["failed"] == 1
    assert words in json.dumps(report["failures"]), report
