"""The command killed at any moment and started again ends with the bytes of a run that was never killed."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.scan.conftest import tree

PROBLEM = """
schema: 1
data:
  inline:
    x: [[1/2, 0], [0, 1/2], [-1/2, 1/4], [1/4, -3/4], [3/4, 1/2], [-1/4, -1/4]]
    y: [[1], [0], [1], [1/2], [3/4], [0]]
network:
  - dense: {width: 5}
  - activation: tanh
  - dense: {width: 1}
loss: half_mse
"""
OPTIONS = (
    "--eta", "1/10:2:6", "--seeds", "3", "--steps", "3000", "--every", "20", "--checkpoint", "0.03",
    "--quiet", "--json", "--no-figures", "--spectrum", "full", "--optimiser", "heavy-ball",
    "--beta", "1/2", "--batch", "4",
)  # fmt: skip
# Seconds until the interpreter has loaded what a scan needs, and after which the scan is nearly done.
EARLIEST, LATEST = 0.3, 4.5


def command(problem: Path, out: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "gradlemma.cli", "scan", str(problem), "--out", str(out), *OPTIONS, *more]


def finished_chunks(out: Path) -> set[tuple[int, int]]:
    """The chunks in the ledger, read as a process that comes later does."""
    if not (out / "ledger.sqlite").exists():
        return set()
    connection = sqlite3.connect(f"file:{out / 'ledger.sqlite'}?mode=ro", uri=True)
    try:
        return set(connection.execute("SELECT block, segment FROM chunks").fetchall())
    except sqlite3.OperationalError:
        return set()
    finally:
        connection.close()


def kill_and_resume(tmp_path: Path, kills: int, seed: int, *more: str) -> tuple[int, int]:
    """Kill so many times, finish, compare; gives (kills inside the work, chunks in all)."""
    problem = tmp_path / "problem.yaml"
    problem.write_text(PROBLEM)
    whole, part = tmp_path / "whole", tmp_path / "part"
    subprocess.run(command(problem, whole), check=True, capture_output=True)
    draw, inside = random.Random(seed), 0
    before: set[tuple[int, int]] = set()
    latest = LATEST
    for _ in range(kills):
        process = subprocess.Popen(
            command(problem, part, *more), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        time.sleep(draw.uniform(EARLIEST, latest))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        now = finished_chunks(part)
        assert before <= now
        if len(now) > len(before):
            inside += 1
            # What is left is shared among the kills that are left.
            latest = max(2.0, latest * 0.97)
        before = now
    wait_for_workers(part)
    done = subprocess.run(command(problem, part, *more), check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)["chunks"]
    assert found["computed"] == found["total"] - len(before)
    assert found["found_finished"] == len(before)
    assert tree(part) == tree(whole)
    return inside, found["total"]


def wait_for_workers(out: Path) -> None:
    """Workers of a killed parent end by themselves."""
    deadline = time.monotonic() + 10.0
    while time.monotonic() < deadline:
        lines = subprocess.run(["ps", "-eo", "ppid,args"], check=True, capture_output=True, text=True).stdout
        orphans = [
            line for line in lines.splitlines() if line.split()[0] == "1" and "multiprocessing" in line
        ]
        if not orphans:
            return
        time.sleep(0.2)
    raise AssertionError(f"workers of {out.name} are still alive")


def test_ten_kills_change_no_byte(tmp_path: Path) -> None:
    inside, total = kill_and_resume(tmp_path, 10, 0)
    assert total >= 20 and inside >= 2


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(4))
def test_hundred_kills_change_no_byte(seed: int, tmp_path: Path) -> None:
    more = ("--workers", "2") if seed % 2 else ()
    kill_and_resume(tmp_path, 30, seed + 1, *more)


def test_a_changed_problem_is_refused_and_nothing_is_lost(tmp_path: Path) -> None:
    problem, out = tmp_path / "problem.yaml", tmp_path / "scan"
    problem.write_text(PROBLEM)
    subprocess.run([*command(problem, out), "--steps", "60"], check=True, capture_output=True)
    before = tree(out)
    problem.write_text(PROBLEM.replace("[3/4]", "[2/3]"))
    done = subprocess.run([*command(problem, out), "--steps", "60"], capture_output=True, text=True)
    assert done.returncode == 2
    message = json.loads(done.stdout)["error"]["message"]
    assert "differs in the problem file, its data or its starts" in message and "another --out" in message
    assert tree(out) == before


def test_a_limit_on_file_sizes_is_a_full_disk(tmp_path: Path) -> None:
    problem, out = tmp_path / "problem.yaml", tmp_path / "scan"
    problem.write_text(PROBLEM)
    limited = ["bash", "-c", 'ulimit -f 20; trap "" XFSZ; exec "$@"', "-", *command(problem, out)]
    done = subprocess.run(limited, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "what was finished is kept" in json.loads(done.stdout)["error"]["message"]
    subprocess.run(command(problem, out), check=True, capture_output=True)
