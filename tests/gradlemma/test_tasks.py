"""`gradlemma tasks`: numbers against an independent computation, contract, refusals, kinks, interrupts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from fractions import Fraction
from typing import Any

import mpmath
import pytest

import gradlemma
from gradlemma import ProblemError, cli, tasking
from gradlemma.problem import TaskSplit, load_problem
from gradlemma.task_limits import BY_STEPS, limit_of
from gradlemma.task_results import KinkStatus, TaskVerdict
from gradlemma.task_setup import task_setup

F = Fraction
EXAMPLE = "examples/tasks_121.yaml"
KINK = """
schema: 1
network:
  - dense: {width: 1, bias: false}
  - activation: relu
  - dense: {width: 1, bias: false}
loss: half_mse
weights: {values: [[[START]], [[1]]]}
tasks: {step: 1/256, alpha: 1/2, steps: 3, split: [{x: [[1]], y: [[-1]]}, {x: [[1]], y: [[3]]}]}
"""
CROSSED, CERTIFIED = (KINK.replace("START", start) for start in ("1/1099511627776", "1/4"))
SMALL = """
schema: 1
network: [{dense: {width: 1}}]
loss: half_mse
weights: {values: [[[1]], [0]]}
tasks: {step: 1/10, alpha: 1/2, steps: 3, SPLIT}
"""
WRITTEN = "split: [{x: [[1], [2]], y: [[1], [0]]}, {x: [[3]], y: [[-1]]}]"


def outcome(*arguments: object) -> int:
    with pytest.raises(SystemExit) as left:
        cli.main(["tasks", *map(str, arguments)])
    assert isinstance(left.value.code, int)
    return left.value.code


def written(tmp_path: Any, text: str) -> Any:
    path = tmp_path / "p.yaml"
    path.write_text(text)
    return path


def small(tmp_path: Any, split: str = WRITTEN, **numbers: str) -> Any:
    text = SMALL.replace("SPLIT", split)
    for key, value in numbers.items():
        before = {"step": "step: 1/10", "alpha": "alpha: 1/2", "steps": "steps: 3"}[key]
        text = text.replace(before, f"{key}: {value}" if value else "")
    return written(tmp_path, text.replace("{, ", "{").replace(", ,", ","))


# -- numbers --------------------------------------------------------------------------------------


def reference() -> tuple[float, ...]:
    """d, C along the run and at theta0 of the example, by mpmath and central differences alone."""
    mpmath.mp.dps = 60
    mpf = mpmath.mpf
    data = [
        [((-1,), (mpf(-1) / 2,)), ((0,), (mpf(1) / 4,)), ((1,), (1,))],
        [((mpf(1) / 2,), (1,)), ((1,), (mpf(-1) / 2,)), ((mpf(3) / 2,), (-1,))],
    ]
    start = mpmath.matrix([mpf(1) / 2, mpf(-3) / 4, mpf(1) / 4, mpf(1) / 8, 1, mpf(-1) / 2, mpf(1) / 10])
    eta, alpha, steps, h = mpf(1) / 20, mpf(1) / 2, 3, mpf(10) ** -20

    def loss(task: int, t: Any) -> Any:
        total = mpf(0)
        for (x,), (y,) in data[task]:
            f = t[4] * mpmath.tanh(t[0] * x + t[2]) + t[5] * mpmath.tanh(t[1] * x + t[3]) + t[6]
            total += (f - y) ** 2 / 2
        return total / 3

    def shifted(t: Any, direction: Any, size: Any) -> Any:
        return mpmath.matrix([a + size * b for a, b in zip(t, direction, strict=True)])

    def gradient(task: int, t: Any) -> Any:
        units = [[int(i == k) for i in range(7)] for k in range(7)]
        return mpmath.matrix(
            [(loss(task, shifted(t, u, h)) - loss(task, shifted(t, u, -h))) / (2 * h) for u in units]
        )

    def bent(task: int, t: Any, v: Any) -> Any:
        wide = mpf(10) ** -10
        return (gradient(task, shifted(t, v, wide)) - gradient(task, shifted(t, v, -wide))) / (2 * wide)

    own, joint = [start, start], [start]
    for _ in range(steps):
        own = [t - eta * gradient(n, t) for n, t in enumerate(own)]
        joint.append(joint[-1] - alpha * eta * (gradient(0, joint[-1]) + gradient(1, joint[-1])))
    difference = start + alpha * (own[0] + own[1] - 2 * start) - joint[-1]

    def rest(task: int, t: Any) -> Any:
        return alpha * (gradient(0, t) + gradient(1, t)) - gradient(task, t)

    c = mpmath.zeros(7, 1)
    for task in range(2):
        for e in range(1, steps):
            for m in range(e):
                c += bent(task, joint[e], rest(task, joint[m]))
    leading = 3 * (bent(0, start, rest(0, start)) + bent(1, start, rest(1, start)))
    return tuple(float(mpmath.norm(vector)) for vector in (difference, c, leading))


def test_the_example_agrees_with_an_independent_computation():
    found = gradlemma.tasks(load_problem(EXAMPLE), order=False)
    assert found.measured is not None and found.limit.value is not None
    difference, c, leading = reference()
    assert found.measured.difference == pytest.approx(difference, rel=1e-9)
    assert float(found.measured.path.vector.norm()) == pytest.approx(c, rel=1e-9)
    assert float(found.measured.leading.vector.norm()) == pytest.approx(leading, rel=1e-9)
    assert c < float(found.limit.value.value) and 0.5 < found.measured.explained.share < 1


def test_one_step_has_no_difference():
    found = gradlemma.tasks(load_problem(EXAMPLE), steps=1)
    assert found.measured is not None and found.verdict is TaskVerdict.HOLDS and found.ratio is None
    assert found.measured.difference <= found.measured.rounding and found.limit.value is not None
    assert found.limit.value.value == 0 and any("TSK-1" in note for note in found.notes)
    assert found.order.value is not None and "k = 1" in found.order.value.outcome.value


def test_the_ball_that_the_step_formula_gives_contains_the_run(monkeypatch):
    monkeypatch.setattr("gradlemma.task_setup.SMALL_WORK", 0)
    setup = task_setup(load_problem(EXAMPLE), "1/200", None, None)
    limit = limit_of(setup)
    assert limit.contained == BY_STEPS and "TSK3.ball" in limit.theorems
    assert 2 * setup.alpha * setup.step * 2 * limit.slope <= limit.radius
    assert limit.value == 2 * 3 * limit.slope * limit.bend
    found = gradlemma.tasks(load_problem(EXAMPLE), eta="1/200")
    assert found.order.value is None and "256 bits" in (found.order.reason or "")
    assert found.verdict is TaskVerdict.HOLDS


def test_a_step_size_without_a_ball_leaves_the_bound_out(monkeypatch):
    monkeypatch.setattr("gradlemma.task_setup.SMALL_WORK", 0)
    found = gradlemma.tasks(load_problem(EXAMPLE), eta=1)
    assert found.limit.value is None and any("no bound of C: no ball" in one for one in found.reasons)
    assert found.measured is not None


# -- the document ---------------------------------------------------------------------------------


def test_the_document_is_as_written_down(capsys, tmp_path):
    assert outcome(EXAMPLE, "--json", "--quiet", "--out", tmp_path / "out") == 0
    text, err = capsys.readouterr()
    document = json.loads(text)
    assert err == "" and document == json.loads((tmp_path / "out" / "tasks.json").read_text())
    assert set(document) == {
        "schema_version", "problem", "tasks", "eta", "alpha", "steps", "verdict", "reasons", "notes",
        "steps_done", "diverged", "difference_norm", "difference_rounding", "multi_task_distance", "losses",
        "C", "order", "bound", "kinks", "theorem", "hypotheses", "trust", "kernel_steps", "forecast",
        "interrupted", "elapsed_s", "peak_memory_bytes", "versions",
    }  # fmt: skip
    assert document["schema_version"] == 1 and document["verdict"] == "holds"
    assert (document["eta"], document["alpha"], document["steps"]) == ("1/20", "1/2", 3)
    assert {"norm", "leading_norm", "explained_share", "latex"} <= set(document["C"])
    assert document["order"]["corrected"] == pytest.approx(3, abs=0.01)
    assert document["order"]["printed"] == pytest.approx(2, abs=0.01)
    bound = document["bound"]
    assert bound["ratio"] == pytest.approx(float(bound["value"]) / bound["measured"]) and bound["ratio"] > 1
    assert bound["reading"] == "ball" and bound["measured"] == document["C"]["norm"]
    assert document["kinks"] == {
        "status": "analytic", "crossed": None, "where": None, "seen": None,
        "sentence": "Network and loss have no kinks: the expansion holds.",
    }  # fmt: skip
    assert set(document["theorem"]) == {
        "TSK1.one_step", "TSK2.leading", "TSK2.path", "TSK3.bound",
        *(f"task{n}.{size}_max" for n in (1, 2) for size in "GH"),
    }  # fmt: skip
    assert set(document["hypotheses"]) == set(document["theorem"])
    for name in ("derivation.json", "derivation.tex", "order.svg", "order.json", "closed_form.tex"):
        assert (tmp_path / "out" / name).exists()
    assert "C_{b_{2;1}}=" in (tmp_path / "out" / "closed_form.tex").read_text()
    with pytest.raises(SystemExit) as left:
        cli.main(["replay", str(tmp_path / "out" / "derivation.json"), "--quiet"])
    assert left.value.code == 0


def test_the_table_says_what_holds(capsys):
    assert outcome(EXAMPLE, "--quiet", "--alpha", "-1/2", "--eta", "1/50", "--steps", "4") == 0
    text = capsys.readouterr().out
    for part in ("k = 4", "eta = 1/50", "alpha = -1/2", "explains", "bound (TSK-3)", "gradlemma list TSK-3"):
        assert part in text


def test_steps_that_are_too_long_explain_nothing(capsys):
    assert outcome(EXAMPLE, "--quiet", "--no-order", "--eta", "2", "--steps", "9") == 0
    text = capsys.readouterr().out
    assert "the remainder is larger than the difference" in text and "nothing" in text


def test_the_digits_run(capsys):
    assert outcome("examples/digits_tasks.yaml", "--json", "--quiet") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["problem"]["samples"] == [537, 727, 533] and document["order"]["corrected"] is None
    assert document["C"]["explained_share"] > 0.95 and document["bound"]["ratio"] > 1
    assert "TSK3.ball" in document["theorem"] and document["C"]["closed_form"] is None


def test_what_a_replay_does_not_give_is_not_said(monkeypatch):
    def refuse(*given: object, **options: object) -> None:
        raise tasking.KernelError("broken")

    monkeypatch.setattr(tasking, "decode", refuse)
    found = gradlemma.tasks(load_problem(EXAMPLE), order=False)
    assert found.exit_code == 3 and found.limit.value is None and not found.goals
    assert found.derivation is None and any("do not replay: broken" in one for one in found.reasons)


def test_a_bound_below_the_measured_norm_is_refuted(monkeypatch):
    def halved(setup: Any) -> Any:
        from dataclasses import replace

        return replace(limit_of(setup), value=F(1, 10))

    monkeypatch.setattr(tasking, "limit_of", halved)
    found = gradlemma.tasks(load_problem(EXAMPLE), order=False)
    assert found.exit_code == 1 and found.verdict is TaskVerdict.REFUTED


# -- kinks and divergence -------------------------------------------------------------------------


def test_a_crossed_kink_takes_the_claim_away(tmp_path, capsys):
    assert outcome(written(tmp_path, CROSSED), "--json", "--quiet") == 3
    document = json.loads(capsys.readouterr().out)
    assert document["kinks"]["status"] == "crossed" and document["kinks"]["crossed"] is True
    where = document["kinks"]["where"]
    assert (where["task"], where["step"], where["run"], where["unit"], where["sample"]) == (
        1,
        1,
        "task",
        1,
        1,
    )
    assert any("no O(eta^3) remainder is claimed" in reason for reason in document["reasons"])
    assert not any(name.startswith("TSK2") for name in document["theorem"])
    assert document["order"]["corrected"] is None or document["order"]["corrected"] < 1.1


def test_certified_pieces_keep_the_claim(tmp_path):
    found = gradlemma.tasks(load_problem(written(tmp_path, CERTIFIED)))
    assert found.kinks.status is KinkStatus.CERTIFIED and found.exit_code == 0
    assert "TSK2.path" in found.goals and found.closed_form.value is not None


def test_a_large_network_with_kinks_is_not_certified(tmp_path, monkeypatch):
    monkeypatch.setattr("gradlemma.task_setup.SMALL_WORK", 0)
    for text, changed in ((CERTIFIED, 0), (CROSSED, 1)):
        found = gradlemma.tasks(load_problem(written(tmp_path, text)))
        assert found.kinks.status is KinkStatus.NOT_CHECKED and found.exit_code == 3
        seen = found.kinks.seen
        assert seen is not None and (seen.changed, seen.total) == (changed, 2)
        assert (seen.task, seen.step, seen.joint) == ((0, 1, False) if changed else (None, None, False))


def test_a_run_that_diverges_says_where_and_keeps_what_was_done(tmp_path, capsys):
    path = small(tmp_path)
    assert outcome(path, "--eta", "1000", "--steps", "9", "--json", "--quiet") == 3
    document = json.loads(capsys.readouterr().out)
    assert "diverged at step" in document["diverged"] and document["diverged"] in document["reasons"]
    assert 0 < document["steps_done"] < 9 and document["difference_norm"] > 0
    assert document["bound"]["value"] is None and document["bound"]["reason"] == "a run diverged"
    assert outcome(path, "--eta", "1" + "0" * 30, "--quiet") == 3
    assert "diverged at step 1" in capsys.readouterr().out


# -- refusals -------------------------------------------------------------------------------------

REFUSED = {
    "an empty task": ("split: [{x: [], y: []}]", "split[0].x", "at least one sample in task 1"),
    "no tasks": ("split: []", "tasks.split", "a list of tasks"),
    "another width": (
        "split: [{x: [[1]], y: [[1]]}, {x: [[1, 2]], y: [[1]]}]", "split[1].x", "width 1 as in task 1",
    ),
    "other targets": ("split: [{x: [[1]], y: [[1]]}, {x: [[1]], y: [1]}]", "split[1].y", "targets as in"),
    "ragged rows": ("split: [{x: [[1], [1, 2]], y: [[1], [1]]}]", "split[0].x[1]", "rows of 1 numbers"),
    "missing targets": ("split: [{x: [[1], [2]], y: [[1]]}]", "split[0].y", "as many targets"),
    "another key": ("split: [{x: [[1]], z: [[1]]}]", "split[0]", "the keys x and y"),
    "two splits": (f"{WRITTEN}, by_range: [[0, 1]]", "tasks", "exactly one of"),
    "no split": ("by_rang: [[0, 1]]", "by_rang", "by_range"),
    "ranges without data": ("by_range: [[0, 1]]", "tasks", "expected data"),
    "an empty range": ("by_range: [[1, 1]]", "by_range[0]", "at least one sample"),
    "a label twice": ("by_label: [[1, 1]]", "by_label[0]", "once"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_tasks_that_do_not_fit_are_refused(name, tmp_path, capsys):
    split, key, text = REFUSED[name]
    assert outcome(small(tmp_path, split), "--json") == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert text in error["message"] + error["remedy"] and key in error["key"] and error["remedy"]
    assert error["line"] is not None and error["file"]


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ({"step": "0"}, "step size > 0"),
        ({"step": "-1/10"}, "step size > 0"),
        ({"steps": "0"}, "from 1 to"),
        ({"steps": "1/2"}, "whole number"),
        ({"alpha": "x"}, "finite number"),
        ({"step": ""}, "expected step"),
        ({"steps": ""}, "expected steps"),
        ({"alpha": ""}, "expected alpha"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(numbers, text, tmp_path, capsys):
    assert outcome(small(tmp_path, **numbers), "--quiet") == 2
    err = capsys.readouterr().err
    assert text in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--eta", "0"], "step size > 0"),
        (["--eta", "nan"], "--eta"),
        (["--alpha", "a"], "--alpha"),
        (["--steps", "0"], "--steps"),
        (["--eta", "1e400"], "double precision"),
        (["--steps", "1000000"], "--steps"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, text, capsys):
    assert outcome(EXAMPLE, *options, "--quiet") == 2
    err = capsys.readouterr().err
    assert text in err and err.count("\n") == 1


LABELS = "data: {inline: {x: [[1], [2], [3]], y: [0, 1, 0]}}\nloss: cross_entropy\n"


@pytest.mark.parametrize(
    ("tasks", "text"),
    [
        ("by_label: [[0], [7]]", "but got 7"),
        ("by_range: [[0, 2], [2, 4]]", "goes to sample 3"),
        ("by_label: [[0], []]", "the labels of task 2"),
    ],
)
def test_parts_that_the_data_lack_are_refused(tasks, text, tmp_path, capsys):
    path = written(tmp_path, f"schema: 1\nnetwork: [{{dense: {{width: 2}}}}]\n{LABELS}tasks: {{{tasks}}}\n")
    assert outcome(path, "--quiet") == 2
    assert text in capsys.readouterr().err


def test_labels_and_ranges_choose_the_samples(tmp_path):
    text = f"schema: 1\nnetwork: [{{dense: {{width: 2}}}}]\n{LABELS}tasks: "
    for tasks in ("{by_label: [[0], [1]]}", "{by_range: [[0, 2], [2, 3]]}"):
        problem = load_problem(written(tmp_path, text + tasks + "\n"))
        assert problem.tasks is not None
        assert problem.tasks.members == (((0, 2), (1,)) if "label" in tasks else ((0, 1), (2,)))


def test_a_problem_without_tasks_or_weights_is_refused(tmp_path, capsys):
    assert outcome("examples/regression.yaml", "--quiet") == 2
    assert "expected tasks" in capsys.readouterr().err
    text = SMALL.replace("SPLIT", WRITTEN).replace("weights: {values: [[[1]], [0]]}\n", "")
    assert outcome(written(tmp_path, text), "--quiet") == 2
    assert "expected weights" in capsys.readouterr().err


def test_python_states_tasks_by_the_numbers_of_samples():
    from gradlemma import Dense, Network, Problem

    settings: dict[str, Any] = {"x": [[1], [2], [3]], "y": [[1], [0], [1]], "weights": [[[1]], [0]]}
    net, split = Network.of(1, Dense(1)), TaskSplit(((0, 1), (2,)), F(1, 10), F(1, 2), 2)
    found = gradlemma.tasks(Problem.of(net, "half_mse", tasks=split, **settings))
    assert found.exit_code == 0 and found.order.value is not None
    assert "no order" in found.order.value.outcome.value
    with pytest.raises(ProblemError, match=r"samples 0, \.\.\., 2"):
        Problem.of(net, "half_mse", tasks=TaskSplit(((0, 3),)), **settings)


# -- interrupts -----------------------------------------------------------------------------------


def interrupt(*given: object, **options: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("stage", ["_measure", "_bound", "_observe", "_write_out", "_derive"])
def test_an_interrupt_keeps_what_is_known(stage, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(tasking._Work, stage, interrupt)
    assert outcome(EXAMPLE, "--json", "--quiet", "--out", tmp_path / "out") == 130
    document = json.loads(capsys.readouterr().out)
    assert document["interrupted"] and document["verdict"] == "undecided" and document["theorem"] == {}
    assert any("interrupted at" in reason for reason in document["reasons"])
    assert (document["C"]["norm"] is None) == (stage == "_measure")
    assert document["bound"]["value"] is None and not (tmp_path / "out" / "derivation.json").exists()


def test_sigint_ends_a_run_with_its_document():
    command = [sys.executable, "-m", "gradlemma.cli", "tasks", EXAMPLE, "--steps", "700", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None and process.stdout is not None
        for line in process.stderr:
            if "kinks" in line:
                break
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        document = json.loads(process.stdout.read())
        assert process.wait(60) == 130
    assert document["interrupted"] and document["difference_norm"] > 0


WIDE = """\
schema: 1
network:
  - dense: {width: 2}
  - activation: relu
  - dense: {width: 2}
loss: huber
weights:
  values:
    - [[-1/16, -5/8], [5/16, -1/16]]
    - [-239/304, -257/624]
    - [[1/8, -3/4], [7/16, 5/16]]
    - [-3/5, -435/656]
tasks:
  step: 1/8
  alpha: -1/3
  steps: 4
  split:
    - {x: [[13/8, 9/8], [-9/8, 3/8], [7/8, 11/8]], y: [[13/8, -1/4], [7/4, -1/4], [5/8, 3/8]]}
"""


def test_norms_that_balls_do_not_tell_from_zero_are_not_called_zero(tmp_path):
    # The difference is 1.9e-5 at 1/256; a rational residual lies on a kink of the loss.
    (tmp_path / "p.yaml").write_text(WIDE)
    found = gradlemma.tasks(load_problem(tmp_path / "p.yaml"))
    assert found.order.value is not None
    assert "not enclosed well enough" in found.order.value.outcome.value
