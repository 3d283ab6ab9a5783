"""`gradlemma list`: the table, one statement, JSON, unknown ids; what it says to run does run."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from gradlemma import cli
from gradlemma.list_command import run_list
from gradlemma.list_page import statements_page
from proofs.registry import registry, statement

ROOT = Path(__file__).resolve().parents[2]
EVERY = pytest.mark.parametrize("identifier", [found.id for found in registry()])


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_table_names_every_statement(capsys):
    assert run_list(None, as_json=False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:-1]] == [found.id for found in registry()]
    assert lines[0].split() == ["id", "title", "sampled", "established"]


def test_the_table_is_light():
    done = run(
        "import sys\nfrom gradlemma.list_command import run_list\nrun_list(None, as_json=False)\n"
        "print([m for m in ('torch', 'sympy', 'numpy', 'rich') if m in sys.modules])"
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_one_statement_does_not_import_torch():
    done = run(
        "import sys\nfrom gradlemma.list_command import run_list\nrun_list('BND-3', as_json=True)\n"
        "print('torch' in sys.modules)"
    )
    assert done.stdout.splitlines()[-1] == "False", done.stderr


@EVERY
def test_one_statement_is_printed_in_full(identifier, capsys):
    run_list(identifier, as_json=False)
    shown = capsys.readouterr().out
    found = statement(identifier)
    assert shown.startswith(f"{found.id}: {found.title}\n")
    for hypothesis in found.hypotheses:
        assert f"\n  {hypothesis.name}" in shown
    for name in found.theorems():
        assert f"\n{name}: " in shown
    assert found.instantiate.command in shown
    assert re.search(r"\n    \$.*\\.*\$\n", shown) and found.source in shown
    assert shown.count("\n  without ") == len(found.counterexamples)


def test_json_holds_the_whole_registry(capsys):
    run_list(None, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert document["schema_version"] == 1
    assert [entry["id"] for entry in document["statements"]] == [found.id for found in registry()]
    for entry, found in zip(document["statements"], registry(), strict=True):
        assert [h["name"] for h in entry["hypotheses"]] == [h.name for h in found.hypotheses]
        assert entry["established"]["rules"] and entry["established"]["steps"] > 0
        assert set(entry["sampling"]) == {"sampled", "margin", "reason", "instead"}
        for theorem in entry["theorems"].values():
            assert set(theorem) == {"latex", "plain", "where", "hypotheses"}
            assert theorem["latex"] and "Let" not in theorem["plain"]
    trust = {entry["id"]: entry["established"]["trust"] for entry in document["statements"]}
    assert trust["BND-3"] == ["arb"] and trust["BND-1"] == []


def test_json_of_one_statement_is_that_of_the_list(capsys):
    run_list("JET-1", as_json=True)
    one = json.loads(capsys.readouterr().out)["statement"]
    run_list(None, as_json=True)
    everything = json.loads(capsys.readouterr().out)["statements"]
    assert one in everything


def test_every_key_is_documented():
    text = (ROOT / "docs/json.md").read_text().partition("## `gradlemma list --json`")[2]
    run = ["id", "title", "says", "source", "theorems", "hypotheses", "established", "instantiate",
           "sampling", "counterexamples", "why_not", "instead", "is_factor", "can_be_dropped"]  # fmt: skip
    assert [key for key in run if f"`{key}" not in text] == []


@pytest.mark.parametrize("extra", [[], ["--json"]])
def test_an_unknown_id_exits_with_2_and_the_nearest_one(extra, capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["list", "bnd1", *extra])
    assert left.value.code == 2
    shown = capsys.readouterr()
    if extra:
        error = json.loads(shown.out)["error"]
        assert error["kind"] == "unknown-name"
        assert error["remedy"] == "did you mean BND-1?"
        assert "bnd1" in error["message"]
    else:
        assert shown.out == "" and "did you mean BND-1?" in shown.err and shown.err.count("\n") == 1


@EVERY
def test_the_command_of_every_statement_runs(identifier, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    program, *arguments = shlex.split(statement(identifier).instantiate.command)
    assert program == "gradlemma"
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    assert left.value.code == 0
    assert "\\vdash" in capsys.readouterr().out


@EVERY
def test_the_snippet_of_every_statement_runs(identifier):
    done = run(statement(identifier).instantiate.python)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_page_of_statements_is_up_to_date():
    assert (ROOT / "docs/statements.md").read_text() == statements_page(), "run `make docs`"


def test_every_link_of_the_page_has_its_heading():
    text = statements_page()
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    anchors = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    assert re.findall(r"\(#([^)]+)\)", text) == anchors
