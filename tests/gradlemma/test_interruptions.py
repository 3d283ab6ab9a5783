"""Ctrl-C, failing measurements and places that cannot be written: sentences, and what is known so far."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gradlemma import Dense, Network, Problem, check_problem, cli, measuring, proved
from gradlemma import check as check_module
from gradlemma import report as report_module
from gradlemma.check import Verdict
from gradlemma.problem import Measure

PROBLEM = """
schema: 1
data: {inline: {x: [[1, 2]], y: [[0, 1]]}}
network: [{dense: {width: 2}}, {activation: tanh}, {dense: {width: 2}}]
loss: cross_entropy
weights: {values: [[[1, 0], [0, 1]], [0, 0], [[1, 0], [0, 1]], [0, 0]]}
box: {weight_norms: [2, 2], bias_norms: [1, 1]}
ball: {radius: 1/10}
measure: {random_points: 1, ascent_steps: 1}
"""
HUGE = """
input: {dim: 1000000, norm: 1}
network: [ {dense: {width: 1000000}}, {activation: tanh}, {dense: {width: 2}} ]
loss: cross_entropy
box: {weight_norms: [1,1], bias_norms: [1,1]}
"""


def small() -> Problem:
    network = Network.of(2, Dense(2), "tanh", Dense(2))
    settings = {"input_norm": 1, "weight_norms": [1, 1], "bias_norms": [1, 1], "measure": Measure(1, 1)}
    return Problem.of(network, "cross_entropy", **settings)


def interrupt(*given: object, **options: object) -> None:
    raise KeyboardInterrupt


def must_not_run(*given: object, **options: object) -> None:
    raise AssertionError("a long stage began after Ctrl-C")


def outcome(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        cli.main(list(arguments))
    assert isinstance(left.value.code, int)
    return left.value.code


def test_an_interrupt_while_deriving_starts_no_other_stage(tmp_path, monkeypatch, capsys):
    (tmp_path / "p.yaml").write_text(PROBLEM)
    monkeypatch.setattr(proved, "at_residuals", interrupt)
    monkeypatch.setattr(proved, "in_ball", must_not_run)
    monkeypatch.setattr(check_module, "decode", must_not_run)
    monkeypatch.setattr(check_module, "measure_problem", must_not_run)
    monkeypatch.setattr(check_module, "measure_lines", must_not_run)
    monkeypatch.setattr(report_module, "compile_pdf", must_not_run)
    assert outcome("check", str(tmp_path / "p.yaml"), "--quiet", "--out", str(tmp_path / "r")) == 130
    text = capsys.readouterr().out
    assert "verdict: undecided" in text and "not replayed" in text
    assert "interrupted while deriving: at_residuals, ball not derived" in text
    assert "at the weights" in text and "worst case over the box" in text
    report = json.loads((tmp_path / "r" / "report.json").read_text())
    assert report["verdict"] == "undecided"
    assert report["bounds"]["at_weights"]["G_max"] is not None
    assert report["bounds"]["ball"]["reason"] == "interrupted"
    assert (tmp_path / "r" / "derivation.json").exists() and (tmp_path / "r" / "derivation.tex").exists()


@pytest.mark.parametrize(
    ("name", "stage"),
    [("_replayed", "replaying"), ("measure_problem", "measuring"), ("measure_lines", "evaluating the lines")],
)
def test_an_interrupt_in_a_later_stage_is_named_and_undecided(name, stage, monkeypatch):
    monkeypatch.setattr(check_module, name, interrupt)
    order = ["_replayed", "measure_problem", "measure_lines"]
    for later in order[order.index(name) + 1 :]:
        monkeypatch.setattr(check_module, later, must_not_run)
    checked = check_problem(small())
    assert checked.interrupted and checked.verdict is Verdict.UNDECIDED
    assert checked.replayed is (name != "_replayed")
    assert checked.reasons[0].startswith(f"interrupted while {stage}: ")


def test_an_interrupt_with_nothing_derived_is_an_interrupt(monkeypatch):
    monkeypatch.setattr(proved.Derivation, "worst_case", interrupt)
    with pytest.raises(KeyboardInterrupt):
        check_problem(small())


def test_a_network_too_large_to_measure_is_undecided_with_its_bound(tmp_path, capsys):
    (tmp_path / "p.yaml").write_text(HUGE)
    assert outcome("check", str(tmp_path / "p.yaml"), "--quiet", "--out", str(tmp_path / "r")) == 3
    text = capsys.readouterr()
    assert "nothing could be measured: not enough memory" in text.out
    assert "internal" not in text.err
    assert json.loads((tmp_path / "r" / "report.json").read_text())["bounds"]["worst_case"]["H_max"]["proved"]


@pytest.mark.parametrize("stage", ["_measure", "_slack"])
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "not enough memory"),
        (MemoryError(), "not enough memory"),
        (OverflowError(), "double precision"),
        (ValueError("odd\nsecond line"), "ValueError: odd"),
    ],
)
def test_whatever_fails_while_measuring_is_undecided(stage, error, words, monkeypatch):
    def broken(*given: object) -> None:
        raise error

    monkeypatch.setattr(measuring, stage, broken)
    checked = check_problem(small())
    assert checked.verdict is Verdict.UNDECIDED and not checked.interrupted
    (reason,) = checked.reasons
    assert reason.endswith(words)


@pytest.mark.parametrize("out", ["", ".", "folder", "absent/x.tex"])
def test_derive_refuses_a_place_where_no_file_can_be_written(out, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    assert outcome("derive", "BND-2", "--depth", "2", "--out", out) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("gradlemma: ") and shown.count("\n") == 1
    assert "--out" in shown and "internal" not in shown


def test_check_refuses_an_empty_place_and_a_directory_of_the_reports_name(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text(PROBLEM)
    (tmp_path / "r" / "derivation.tex").mkdir(parents=True)
    monkeypatch.setattr("gradlemma.check_command.check_problem", must_not_run)
    for out in ("", "r"):
        assert outcome("check", "p.yaml", "--quiet", "--out", out) == 2
        shown = capsys.readouterr().err
        assert shown.count("\n") == 1 and "internal" not in shown
    assert "r/derivation.tex" in shown
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.yaml", "r"]


def test_a_file_that_cannot_be_written_is_named_as_it_was_given(tmp_path, monkeypatch):
    from gradlemma.derive import write_text
    from proofs.errors import GradlemmaError

    def refuse(*given: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied", "x.partial")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(GradlemmaError, match="Permission denied") as refused:
        write_text(tmp_path / "d.tex", "x")
    assert "partial" not in str(refused.value) and "d.tex" in str(refused.value)
