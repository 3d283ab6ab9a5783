"""`gradlemma refute`: verdicts and exit codes, witnesses that run, JSON, interrupts, bad input."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from expression_trees import formulas
from hypothesis import given, settings

from gradlemma import cli, load_problem
from gradlemma.problem import activation_from_pieces
from gradlemma.problem.expression import expression_text, parse_expression
from gradlemma.problem_text import ProblemParts, problem_text
from gradlemma.refute import registered
from gradlemma.witness_text import problem_file, sentence, snippet
from numerics.search import engine
from numerics.search.attacks import ATTACKS
from numerics.search.engine import search
from numerics.search.outcome import PROFILES
from numerics.strategies import activations
from proofs.errors import UnknownNameError
from proofs.network import Dense, Loss, Network
from proofs.registry import Sampled, registry

CI = PROFILES["ci"]
DROPPABLE = [(s.id, h.name) for s in registry() for h in s.hypotheses if h.can_be_dropped]


def run(tmp_path, *arguments):
    """(exit code, stdout) of the command, with cases kept below tmp_path."""
    import contextlib
    import io

    stream = io.StringIO()
    with contextlib.redirect_stdout(stream), pytest.raises(SystemExit) as left:
        cli.main(["refute", *arguments, "--cases", str(tmp_path / "cases")])
    return left.value.code, stream.getvalue()


def test_every_statement_that_can_be_sampled_has_an_attack():
    assert set(ATTACKS) == {s.id for s in registry() if isinstance(s.sampling, Sampled)}
    sampled = [s.id for s in registry() if isinstance(s.sampling, Sampled)]
    assert [a.statement for a in registered([], None)] == sampled


def test_a_true_statement_holds(tmp_path):
    code, text = run(tmp_path, "JET-1", "--examples", "3", "--profile", "ci", "--quiet")
    assert code == 0
    assert "JET-1" in text and "holds on" in text


def test_a_dropped_hypothesis_is_refuted_and_shown(tmp_path):
    out = tmp_path / "out"
    code, text = run(
        tmp_path, "BND-1", "--drop", "weight-norms", "--profile", "ci", "--quiet", "--out", str(out)
    )
    assert code == 1
    assert "W1 = [[2]], x = [[1]], y = [[-1]]: ||grad L|| <= G_max fails, as 3 > 2" in text
    shown = subprocess.run(
        [sys.executable, out / "BND-1--weight-norms.py"], capture_output=True, text=True, check=True
    )
    assert shown.stdout.splitlines() == ["3 > 2 (exact rationals, margin at least 0.5)", "in float64: 3"]
    problem = load_problem(out / "BND-1--weight-norms.yaml")
    assert problem.weights is not None and problem.box is None


@pytest.mark.parametrize(("identifier", "dropped"), DROPPABLE)
def test_snippet_and_problem_file_of_every_witness(identifier, dropped, tmp_path, capsys):
    attack = ATTACKS[identifier](dropped)
    witness = search(attack, CI, seed=0).witness
    target = attack.prepare(witness.setting)
    assert target.says(witness.quantity) in sentence(witness, target)
    exec(compile(snippet(witness, target), "snippet", "exec"), {"__name__": "snippet"})
    exact, near = capsys.readouterr().out.splitlines()
    left, right = exact.partition(" (")[0].split(" > ")
    # Of a map that collapses the rank, which stands on the right, is computed once more.
    again = right if witness.quantity in ("open", "rank", "at_rest") else left
    assert float(near.removeprefix("in float64: ")) == pytest.approx(_number(again), rel=1e-9)
    path = tmp_path / "witness.yaml"
    path.write_text(problem_file(witness, target))
    if dropped in ("targets", "target-range"):
        with pytest.raises(cli.GradlemmaError, match=r"probabilities|\[0, 1\]"):
            load_problem(path)
    else:
        loaded = load_problem(path)
        assert loaded.weights is not None and loaded.samples is not None


def _number(text):
    from fractions import Fraction

    return float(Fraction(text))


def test_json_of_a_refutation(tmp_path):
    code, text = run(tmp_path, "ACT", "--drop", "continuity", "--json", "--quiet", "--profile", "ci")
    document = json.loads(text)
    assert code == 1 and document["verdict"] == "refuted" and document["seed"] == 0
    (found,) = document["statements"]
    assert (found["statement"], found["dropped"], found["verdict"]) == ("ACT", "continuity", "refuted")
    assert set(found) >= {"instances", "largest_ratio", "witness", "seed", "reasons", "ratios", "settings"}
    witness = found["witness"]
    assert witness["numbers"] == {"t": ["1"]}
    assert (witness["left"], witness["right"], witness["recheck"]) == ("1", "0", "exact rationals")
    assert witness["problem"].startswith("# ACT without continuity")
    assert "recheck(case)" in witness["snippet"]


def test_json_where_nothing_is_refuted(tmp_path):
    code, text = run(tmp_path, "JET-1", "ACT", "--json", "--quiet", "--examples", "2", "--profile", "ci")
    document = json.loads(text)
    assert code == 0 and document["verdict"] == "holds"
    assert [s["statement"] for s in document["statements"]] == ["JET-1", "ACT"]
    assert all(s["witness"] is None and s["instances"] > 0 for s in document["statements"])


def test_the_verdict_of_a_run_is_its_weakest(tmp_path, monkeypatch):
    true_search = engine.search

    def mixed(attack, budget, **options):
        found = true_search(attack, budget, **options)
        if attack.statement == "ACT":
            found.reasons.append("made undecided")
        return found

    monkeypatch.setattr(engine, "search", mixed)
    code, text = run(tmp_path, "JET-1", "ACT", "--quiet", "--examples", "1", "--profile", "ci")
    assert code == 3 and "undecided: made undecided" in text


def test_interrupts_keep_what_is_known(tmp_path, monkeypatch):
    true_search = engine.search

    def interrupted(attack, budget, **options):
        if attack.statement == "ACT":
            raise KeyboardInterrupt
        return true_search(attack, budget, **options)

    monkeypatch.setattr(engine, "search", interrupted)
    code, text = run(tmp_path, "JET-1", "ACT", "BND-1", "--quiet", "--examples", "1", "--profile", "ci")
    assert code == 130
    assert "holds on" in text and "interrupted" in text and "BND-1" not in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["BDN-1"], "did you mean BND-1?"),
        (["BND-1", "--drop", "weigth-norms"], "did you mean weight-norms?"),
        (["--drop", "wieght-norms"], "did you mean weight-norms?"),
        (["BND-1", "--drop", "off-kinks"], "attack instead: weight-norms"),
        (["BND-1", "--drop", "eigenvector"], "can be dropped"),
        (["BND-1", "--profile", "cu"], "did you mean ci?"),
        (["BND-1", "--examples", "0"], "greater than or equal to 1"),
        (["BND-1", "--minutes", "-1"], "greater than or equal to 0.001"),
        (["BND-1", "--seed", "-1"], "greater than or equal to 0"),
        (["--drop", "continuity", "--file", "x.py"], "leave out --drop"),
    ],
)
def test_bad_input_is_a_sentence(arguments, says, tmp_path, capsys):
    code, _ = run(tmp_path, *arguments)
    assert code == 2
    assert says in capsys.readouterr().err


def test_drop_without_ids_attacks_all_that_have_it():
    found = [attack.statement for attack in registered([], "weight-norms")]
    assert found == ["JET-affine", "BND-1", "BND-1-joint", "BND-2"]
    assert [attack.statement for attack in registered([], "continuity")] == ["ACT"]
    with pytest.raises(UnknownNameError):
        registered(["ACT"], "weight-norms")


def test_minutes_bound_the_time(tmp_path):
    code, text = run(tmp_path, "BND-3", "--minutes", "0.02", "--examples", "100000", "--quiet")
    assert code == 0
    assert float(text.splitlines()[-1].split()[-2]) < 10


@given(formulas)
@settings(max_examples=80)
def test_printed_expressions_read_back(formula):
    try:
        expression = parse_expression(formula.text)
    except cli.GradlemmaError:
        return
    assert parse_expression(expression_text(expression)) == expression


@given(activations(continuous=False, bounded_slopes=False))
@settings(max_examples=60)
def test_problem_files_state_any_activation(tmp_path_factory, function):
    network = Network.of(1, Dense(1, bias=False), function)
    path = tmp_path_factory.mktemp("problem") / "p.yaml"
    path.write_text(problem_text(ProblemParts(network, Loss.HALF_MSE, [[["1/3"]]], [["1"]], [["0"]])))
    assert load_problem(path).network == network


def test_periodic_activations_in_problem_files(tmp_path):
    pieces = [{"from": 0, "to": 1, "is": "t^2"}, {"to": 2, "is": "1 - (t - 1)/2"}]
    stair = activation_from_pieces("stair", pieces, period=2, drift="1/2", values={1: "3/4"})
    network = Network.of(1, Dense(1), stair, Dense(1), "abs_sin")
    path = tmp_path / "p.yaml"
    parts = ProblemParts(network, Loss.huber(2), [[[1]], [0], [[1]], [0]], [[1]], [[0]])
    path.write_text(problem_text(parts, ["a comment"]))
    assert load_problem(path).network == network
    assert load_problem(path).loss == Loss.huber(2)
