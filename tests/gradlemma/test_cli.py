"""The command line: exit codes, sentences, the JSON error document, no tracebacks."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gradlemma import cli
from gradlemma.errors import ProblemError

ROOT = Path(__file__).resolve().parents[2]
BAD = "schema: 1\nnetwork: []\nloss: mse\n"


def gradlemma(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gradlemma.cli", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | environment,
        check=False,
    )


def test_help_comes_within_a_second_and_imports_nothing_heavy() -> None:
    heavy = "('torch', 'sympy', 'numpy', 'rich')"
    code = f"import sys, gradlemma.cli\nprint([m for m in {heavy} if m in sys.modules])"
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert found.stdout.strip() == "[]"
    started = time.monotonic()
    shown = gradlemma("--help")
    assert shown.returncode == 0
    for verb in ("check", "derive", "list", "replay", "Exit codes"):
        assert verb in shown.stdout
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("verb", ["check", "derive", "list", "replay"])
def test_every_verb_has_help(verb: str) -> None:
    shown = gradlemma(verb, "--help")
    assert shown.returncode == 0 and "Usage" in shown.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["check"],
        ["check", "a.yaml", "--nonsense"],
        ["derive", "BND-1", "--depth", "x"],
        ["derive", "BND-1", "--depth", "0"],
        ["derive", "BND-1", "--format", "pdf"],
        ["replay"],
        ["\x1b[31m"],
        ["check", "a.yaml", "b.yaml"],
    ],
)
def test_wrong_usage_exits_with_2_and_a_sentence(arguments: list[str]) -> None:
    done = gradlemma(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr + done.stdout
    assert "\x1b" not in done.stderr
    assert (done.stderr or done.stdout).strip()


def test_wrong_usage_with_json_is_a_document() -> None:
    done = gradlemma("check", "a.yaml", "--json", "--nonsense")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["kind"] == "usage"


def test_a_bad_problem_file_exits_with_2_and_leaves_nothing(tmp_path: Path) -> None:
    pytest.importorskip("gradlemma.check")
    problem, report = tmp_path / "bad.yaml", tmp_path / "report"
    problem.write_text(BAD)
    done = gradlemma("check", str(problem), "--out", str(report))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert f"{problem}:2, key network" in done.stderr
    assert not report.exists()


def test_a_bad_problem_file_with_json_gives_the_error_document(tmp_path: Path) -> None:
    pytest.importorskip("gradlemma.check")
    problem = tmp_path / "bad.yaml"
    problem.write_text(BAD)
    done = gradlemma("check", str(problem), "--json", "--out", str(tmp_path / "report"))
    assert done.returncode == 2
    error = json.loads(done.stdout)["error"]
    assert set(error) == {"kind", "message", "file", "line", "key", "remedy"}
    assert (error["file"], error["line"], error["key"]) == (str(problem), 2, "network")


def failure(error: BaseException, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of the command line when the work raises `error`."""

    def broken(*given: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(cli, "app", broken)
    with pytest.raises(SystemExit) as left:
        cli.main(list(arguments))
    assert isinstance(left.value.code, int)
    return left.value.code


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (
            ProblemError("expected 1 but got 2", file="p.yaml", line=3, key="a", remedy="write 1"),
            2,
            "p.yaml:3, key a",
        ),
        (PermissionError(13, "Permission denied", "out/x"), 2, "out/x"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 3, "internal error: MemoryError"),
        (RuntimeError("[red]x[/red]\x1b[2J"), 3, "[red]x[/red]\\x1b[2J"),
        (RecursionError("deep"), 3, "internal error"),
    ],
)
def test_every_failure_is_a_sentence_with_its_exit_code(
    error: BaseException,
    code: int,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert failure(error, monkeypatch) == code
    shown = capsys.readouterr()
    assert words in shown.err and shown.out == ""
    assert "Traceback" not in shown.err and shown.err.count("\n") == 1


def test_a_traceback_comes_only_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRADLEMMA_DEBUG", "1")
    assert failure(RuntimeError("x"), monkeypatch) == 3
    assert "Traceback" in capsys.readouterr().err


def test_an_internal_error_with_json_is_a_document(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert failure(ZeroDivisionError("x"), monkeypatch, "check", "--json") == 3
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "internal"


QUICK = """
schema: 1
input: {dim: 2, norm: 1}
network: [{dense: {width: 2}}, {activation: tanh}, {dense: {width: 2}}]
loss: cross_entropy
box: {weight_norms: [1, 1], bias_norms: [1, 1]}
measure: {random_points: 1, ascent_steps: 1}
"""


def _stored(folder: Path) -> Path:
    gradlemma("derive", "BND-2", "--depth", "2", "--format", "json", "--out", str(folder / "d.json"))
    return folder / "d.json"


def _verbs(folder: Path) -> dict[str, list[str]]:
    (folder / "p.yaml").write_text(QUICK)
    return {
        "check": ["check", str(folder / "p.yaml"), "--quiet", "--out", str(folder / "report")],
        "replay": ["replay", str(_stored(folder))],
        "derive": ["derive", "BND-2", "--depth", "12"],
        "help": ["check", "--help"],
    }


@pytest.mark.skipif(not hasattr(signal, "SIGPIPE"), reason="needs SIGPIPE")
@pytest.mark.parametrize("verb", ["check", "replay", "derive", "help"])
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_that_leaves_ends_the_program_by_sigpipe(verb: str, stream: str, tmp_path: Path) -> None:
    if stream == "stderr" and verb != "replay":
        pytest.skip("nothing is printed there")
    command = [sys.executable, "-m", "gradlemma.cli", *_verbs(tmp_path)[verb]]
    reading, writing = os.pipe()
    os.close(reading)
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE} | {stream: writing}
    done = subprocess.run(command, cwd=ROOT, timeout=60, check=False, **streams)
    os.close(writing)
    assert done.returncode == -signal.SIGPIPE
    assert (done.stderr or b"").decode() in ("", "replaying\n")
    if verb == "check":
        assert json.loads((tmp_path / "report" / "report.json").read_text())["verdict"] == "proved"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("verb", ["check", "replay", "derive"])
def test_a_full_disk_behind_the_output_is_a_sentence(verb: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gradlemma.cli", *_verbs(tmp_path)[verb]]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert done.returncode == 2
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("gradlemma: ") and "No space left" in last
    assert "internal" not in done.stderr and "Exception" not in done.stderr


@pytest.mark.parametrize("verb", ["check", "replay", "derive"])
def test_an_interrupt_before_there_is_a_result_is_said(
    verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import gradlemma.check_command
    import gradlemma.derive
    import gradlemma.replay

    def stopped(*given: object, **options: object) -> None:
        raise KeyboardInterrupt

    modules = {"check": gradlemma.check_command, "replay": gradlemma.replay, "derive": gradlemma.derive}
    monkeypatch.setattr(modules[verb], f"run_{verb}", stopped)
    with pytest.raises(SystemExit) as left:
        cli.main([verb, "x"])
    assert left.value.code == 130
    assert capsys.readouterr().err == "gradlemma: interrupted\n"
