"""`gradlemma steps`: exceptional steps against an independent computation, contract, refusals, interrupts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from fractions import Fraction
from random import Random
from typing import Any

import pytest
import sympy
from sympy.polys.matrices import DomainMatrix

import gradlemma
from gradlemma import Dense, Network, Problem, ProblemError, cli, stepping
from gradlemma.problem import load_problem
from gradlemma.step_results import StepsResult
from gradlemma.step_rules import read_rule
from gradlemma.step_values import enclosure, read_steps, step_as_json, step_text
from proofs.errors import KernelError
from proofs.kernel.maps import RootStep, StepNumber
from proofs.network import Architecture, Loss, activation
from proofs.network.architecture_layers import Linear
from proofs.network.layers import Activate
from proofs.theorems.step_sizes import StepSizes, StepStatus

F = Fraction
T = sympy.Symbol("t")
ZERO = F(0)
RELU_121 = """
schema: 1
name: relu-121
data: {inline: {x: [[9/10], [5/2]], y: [[9/10], [5/2]]}}
network: [{dense: {width: 2}}, {activation: relu}, {dense: {width: 1}}]
loss: half_mse
"""


# -- an independent computation of E ---------------------------------------------------------------


def slopes(name: str) -> Any:
    """For a number at a function's argument the piece there, as a function of the argument."""
    pieces = {
        "relu": lambda z: (lambda u: u) if z > 0 else (lambda u: 0 * u),
        "abs": lambda z: (lambda u: u) if z > 0 else (lambda u: -u),
        "leaky": lambda z: (lambda u: u) if z > 0 else (lambda u: 2 * u),
        "square": lambda z: lambda u: u * u,
        "linear": lambda z: lambda u: u,
    }
    return pieces[name]


class Reference:
    """A dense network with its loss, by sympy: local polynomials, and eigenvalues that are constant."""

    def __init__(
        self,
        widths: list[int],
        kinds: list[str],
        biases: list[bool],
        x: list,
        y: list,
        huber: bool = False,
        weight_decay: Fraction = ZERO,
    ):
        self.widths, self.kinds, self.biases = widths, kinds, biases
        self.x, self.y, self.huber, self.decay = x, y, huber, weight_decay
        self.symbols: list[sympy.Symbol] = []
        self.layers: list[tuple[list[list[Any]], list[Any]]] = []
        for n, (a, b) in enumerate(zip(widths, widths[1:], strict=False)):
            weights = [[self._new(f"w{n}_{i}_{j}") for j in range(a)] for i in range(b)]
            self.layers.append(
                (weights, [self._new(f"b{n}_{i}") for i in range(b)] if biases[n] else [0] * b)
            )

    def _new(self, name: str) -> Any:
        self.symbols.append(sympy.Symbol(name))
        return self.symbols[-1]

    def local_loss(self, values: dict[Any, Any]) -> Any:
        """The polynomial that the loss is near the point."""
        total = sympy.Integer(0)
        for row, target in zip(self.x, self.y, strict=True):
            h: list[Any] = [sympy.Rational(v.numerator, v.denominator) for v in row]
            for n, (weights, bias) in enumerate(self.layers):
                z = [
                    sum(w * u for w, u in zip(ws, h, strict=True)) + b
                    for ws, b in zip(weights, bias, strict=True)
                ]
                kind = slopes(self.kinds[n]) if n < len(self.kinds) else slopes("linear")
                h = [sympy.expand(kind(self._at(u, values))(u)) for u in z]
            for u, v in zip(h, target, strict=True):
                r = u - sympy.Rational(v.numerator, v.denominator)
                here = self._at(r, values)
                if self.huber and abs(here) > 1:
                    total += sympy.sign(here) * r - sympy.Rational(1, 2)
                else:
                    total += r**2 / 2
        decay = sympy.Rational(self.decay.numerator, self.decay.denominator) / 2
        return sympy.expand(total / len(self.x) + decay * sum(s**2 for s in self.symbols))

    @staticmethod
    def _at(expression: Any, values: dict[Any, Any]) -> Any:
        return sympy.sympify(expression).subs(values)

    def exceptional(self, tries: int = 45) -> set[Any]:
        """The primitive minimal polynomials of the eigenvalues > 0 that some piece has everywhere."""
        rnd, found, seen = Random(5), set(), set()
        for _ in range(tries):
            values = {s: sympy.Rational(rnd.choice((1, -1)) * rnd.randint(1, 40), 8) for s in self.symbols}
            if rnd.random() < 0.5:
                values = {s: -abs(v) for s, v in values.items()}
            loss = self.local_loss(values)
            if loss in seen:
                continue
            seen.add(loss)
            common: Any = None
            hessian = sympy.hessian(loss, self.symbols)
            for _ in range(4):
                point = {s: sympy.Rational(rnd.randint(-50, 50), 7) for s in self.symbols}
                matrix = DomainMatrix.from_Matrix(hessian.subs(point)).convert_to(sympy.QQ)
                polynomial = sympy.Poly(matrix.charpoly(), T, domain=sympy.QQ)
                common = polynomial if common is None else sympy.gcd(common, polynomial)
            for factor, _ in sympy.factor_list(common)[1]:
                if any(root > 0 for root in sympy.Poly(factor, T).nroots(n=30) if sympy.im(root) == 0):
                    found.add(sympy.Poly(factor, T).primitive()[1])
        return found


def polynomials(found: StepsResult) -> set[Any]:
    """The minimal polynomials of 1/eta over the singular eta, sympy's way."""
    made = set()
    for one in found.exceptional:
        assert one.status is StepStatus.SINGULAR
        match one.step:
            case StepNumber(value=value):
                made.add(sympy.Poly(int(value.p) * T - int(value.q), T, domain=sympy.QQ))
            case RootStep(coefficients=coefficients):
                made.add(sympy.Poly(list(reversed(coefficients)), T, domain=sympy.QQ))
            case _:
                raise AssertionError(one.step)
    return made


def problem_of(
    widths: list[int], kinds: list[str], biases: list[bool], x: Any, y: Any, loss: Any = "half_mse"
) -> Problem:
    layers: list[Any] = []
    for n, width in enumerate(widths[1:]):
        layers.append(Dense(width, bias=biases[n]))
        if n < len(kinds) and kinds[n] != "linear":
            leaky = kinds[n] == "leaky"
            layers.append(activation("leaky_relu", slope=2) if leaky else activation(kinds[n]))
    return Problem.of(Network.of(widths[0], *layers), loss, x=x, y=y)


ONE = [[F(9, 10)], [F(5, 2)]]
CASES = {
    "relu with biases": ([1, 2, 1], ["relu"], [True, True], ONE, ONE, {1}),
    "no hidden bias, data on one side": ([1, 2, 1], ["relu"], [False, True], ONE, ONE, {1}),
    "no hidden bias, data on both sides": (
        [1, 2, 1], ["relu"], [False, True], [[F(1)], [F(-2)]], [[F(1)], [F(1, 2)]], set(),
    ),
    "two outputs": ([1, 1, 2], ["relu"], [True, True], ONE, [[F(1), F(0)], [F(3), F(1)]], {1}),
    "two hidden layers": ([1, 1, 1, 1], ["relu", "relu"], [False, False, True], ONE, ONE, {1}),
    "leaky": ([1, 2, 1], ["leaky"], [True, True], ONE, [[F(1)], [F(3)]], set()),
    "deep linear": ([1, 2, 1], ["linear"], [True, True], ONE, [[F(1)], [F(3)]], set()),
    "square": ([1, 1, 1], ["square"], [True, True], ONE, [[F(1)], [F(3)]], set()),
    "abs": ([1, 1], ["abs"], [False], [[F(1)]], [[F(1)]], {1}),
    "piecewise quadratic": ([1, 1], ["leaky"], [False], [[F(1)]], [[F(0)]], {F(1), F(1, 4)}),
    "irrational": ([2, 1], [], [False], [[F(1), F(2)], [F(3), F(1)]], [[F(1)], [F(2)]], None),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_exceptional_step_sizes_are_those_of_an_independent_computation(name):
    widths, kinds, biases, x, y, expected = CASES[name]
    found = gradlemma.steps(problem_of(widths, kinds, biases, x, y))
    assert found.coverage.complete and found.coverage.determined and found.exit_code == 0
    assert polynomials(found) == Reference(widths, kinds, biases, x, y).exceptional()
    if expected is not None:
        assert {F(str(one.step.value)) for one in found.exceptional} == expected  # type: ignore[attr-defined]
    assert found.numeric is not None and found.numeric.determinants is not None
    assert found.numeric.determinants.within and found.numeric.determinants.agrees
    assert len(found.numeric.collapses) == len(found.exceptional)
    assert all(seen.seen and seen.rank_after < seen.rank_beside for seen in found.numeric.collapses)


def test_all_units_dead_cannot_be_with_data_on_both_sides_so_that_1_is_nonsingular():
    widths, kinds, biases, x, y, _ = CASES["no hidden bias, data on both sides"]
    found = gradlemma.steps(problem_of(widths, kinds, biases, x, y), [1])
    assert found.coverage.infeasible == 12 and found.coverage.visited == 4
    assert found.verdicts[0].status is StepStatus.NON_SINGULAR and found.exit_code == 0


def test_the_huber_loss_has_its_own_patterns():
    x, y = [[F(1)], [F(2)]], [[F(1)], [F(3)]]
    found = gradlemma.steps(problem_of([1, 1], [], [True], x, y, Loss.HUBER))
    assert polynomials(found) == Reference([1, 1], [], [True], x, y, huber=True).exceptional(150)
    assert found.coverage.possible == 9 and len(found.exceptional) == 4


def test_shared_weights_are_one_block():
    tied = Architecture(
        (1,), (Linear(1, True, shared=(("W", "w"),)), Activate(activation("relu")),
               Linear(1, True, shared=(("W", "w"),))),
    )  # fmt: skip
    found = gradlemma.steps(Problem.of(tied, "half_mse", x=ONE, y=ONE), ["1", "1/2"])
    assert [one.status for one in found.verdicts] == [StepStatus.SINGULAR, StepStatus.NON_SINGULAR]
    assert found.coverage.determined and found.forecast.parameters == 3
    assert found.exceptional[0].collapsing is not None
    assert found.exceptional[0].collapsing.text == "b2[0] = 17/10"


def test_relu_121_has_16_patterns_and_1_takes_the_dead_ones_to_a_plane(tmp_path):
    (tmp_path / "p.yaml").write_text(RELU_121)
    found = gradlemma.steps(load_problem(tmp_path / "p.yaml"), ["1/100", "999/1000", 1, "1001/1000"])
    assert (found.coverage.possible, found.coverage.infeasible, found.coverage.visited) == (16, 0, 16)
    assert [one.status.value for one in found.verdicts] == [
        "nonsingular", "nonsingular", "singular", "nonsingular",
    ]  # fmt: skip
    (one,) = found.exceptional
    assert one.collapsing is not None and one.collapsing.text == "b2[0] = 17/10"
    assert one.collapsing.open_set.conditions[0] == "9/10*W1[0,0] + b1[0] < 0"
    point = dict(one.collapsing.open_set.point or ())
    assert all(F(9, 10) * F(str(w)) + F(str(b)) < 0 for w, b in zip(point["W1"], point["b1"], strict=True))
    assert found.singular_set is not None and len(found.singular_set) == 4
    assert {level.text for level in found.singular_set} >= {"5/2*W1[1,0] + b1[1] = 0"}
    assert all(level.witness is not None for level in found.singular_set)


def test_weight_decay_moves_exceptional_steps_and_adds_one():
    widths, kinds, biases, x, y, _ = CASES["relu with biases"]
    found = gradlemma.steps(problem_of(widths, kinds, biases, x, y), [1, "10/11", 10], weight_decay="1/10")
    assert [one.status.value for one in found.verdicts] == ["nonsingular", "singular", "singular"]
    assert polynomials(found) == Reference(widths, kinds, biases, x, y, weight_decay=F(1, 10)).exceptional()


def test_a_tanh_net_of_three_layers_without_biases_has_no_exceptional_step():
    net = Network.of(2, Dense(2, bias=False), "tanh", Dense(2, bias=False), "tanh", Dense(1, bias=False))
    found = gradlemma.steps(Problem.of(net, "half_mse", x=[[1, F(1, 2)], [2, -1]], y=[[1], [3]]), [1])
    assert found.coverage.determined and not found.exceptional and found.exit_code == 0


def test_intervals_exclude_all_small_steps():
    net = Network.of(2, Dense(3), "tanh", Dense(2))
    found = gradlemma.steps(Problem.of(net, "cross_entropy", x=[[1, 2], [0, -1], [F(1, 3), 1]], y=[0, 1, 1]))
    assert not found.coverage.determined and found.exit_code == 3
    assert found.coverage.least_unexcluded is not None and found.coverage.least_unexcluded > 1000


# -- optimisers -----------------------------------------------------------------------------------


def relu_121() -> Problem:
    widths, kinds, biases, x, y, _ = CASES["relu with biases"]
    return problem_of(widths, kinds, biases, x, y)


@pytest.mark.parametrize(
    ("optimiser", "problem", "statuses", "code"),
    [
        ("heavy-ball:1/2", "relu", ["nonsingular", "nonsingular"], 0),
        ("nesterov:1/2", "relu", ["nonsingular", "singular"], 1),
        ("proximal", "relu", ["undecided", "undecided"], 3),
        ("proximal", "linear", ["nonsingular", "nonsingular"], 0),
        ("sgd:1", "relu", ["nonsingular", "singular"], 1),
        ("adam", "relu", ["undecided", "undecided"], 3),
        ("line-search", "relu", ["undecided", "undecided"], 3),
    ],
)
def test_optimisers_are_answered_by_their_own_theorems(optimiser, problem, statuses, code):
    widths, kinds, biases, x, y, _ = CASES["irrational"]
    given = relu_121() if problem == "relu" else problem_of(widths, kinds, biases, x, y)
    found = gradlemma.steps(given, ["1/2", 1], optimiser=optimiser)
    assert [one.status.value for one in found.verdicts] == statuses and found.exit_code == code
    assert all(one.goals for one in found.verdicts if one.status is not StepStatus.UNDECIDED)
    if code == 3:
        assert "not covered" in found.verdicts[0].reason


def test_runs_with_momentum_start_on_a_null_set():
    found = gradlemma.steps(relu_121(), [1], optimiser="heavy-ball:1/2")
    assert "v = 0" in (found.rule.caveat or "") and any("eta = 1 is in E" in note for note in found.notes)


def test_batches_have_their_own_exceptional_steps():
    x, y = [[F(1)], [F(2)]], [[F(1)], [F(1)]]
    found = gradlemma.steps(problem_of([1, 1], [], [False], x, y), [1, "1/4", "2/5"], optimiser="sgd:1")
    assert [one.status.value for one in found.verdicts] == ["singular", "singular", "nonsingular"]
    assert {(one.batch, str(one.step.value)) for one in found.exceptional} == {((0,), "1"), ((1,), "1/4")}  # type: ignore[attr-defined]
    whole = gradlemma.steps(problem_of([1, 1], [], [False], x, y), [1, "1/4", "2/5"])
    assert [one.status.value for one in whole.verdicts] == ["nonsingular", "nonsingular", "singular"]


def test_a_schedule_is_nonsingular_if_its_steps_are():
    good = gradlemma.steps(relu_121(), schedule=["1/10", "1/100", "1/10"])
    assert good.schedule is not None and good.schedule.status is StepStatus.NON_SINGULAR
    assert good.exit_code == 0 and "schedule" in good.goals
    bad = gradlemma.steps(relu_121(), schedule=["1/10", "1"])
    assert bad.schedule is not None and bad.schedule.status is StepStatus.UNDECIDED
    assert bad.exit_code == 1 and bad.schedule.reason.endswith(": 1")
    with pytest.raises(ProblemError, match="sgd"):
        gradlemma.steps(relu_121(), schedule=["1/10"], optimiser="sgd:1")


def test_only_some_patterns_make_everything_but_singular_undecided():
    found = gradlemma.steps(relu_121(), ["1/2", 1], patterns=4)
    assert [one.status.value for one in found.verdicts] == ["undecided", "singular"]
    assert not found.coverage.complete and "limit 4" in (found.coverage.reason or "")
    assert found.singular_set is None and found.exit_code == 1


def test_many_samples_are_no_obstacle():
    x = [[F(k, 7)] for k in range(1, 31)]
    found = gradlemma.steps(problem_of([1, 1], [], [True], x, x), [1], weight_decay="1/3")
    assert found.verdicts[0].status is StepStatus.NON_SINGULAR and found.coverage.determined
    assert polynomials(found) == Reference([1, 1], [], [True], x, x, weight_decay=F(1, 3)).exceptional(2)


# -- replay ---------------------------------------------------------------------------------------


def test_nothing_is_said_without_a_replay(monkeypatch):
    def refuse(*given: object, **options: object) -> None:
        raise KernelError("step 3 does not recompute")

    monkeypatch.setattr("gradlemma.step_replay.decode", refuse)
    found = gradlemma.steps(relu_121(), ["1/2", 1])
    assert {one.status for one in (*found.verdicts, *found.exceptional)} == {StepStatus.UNDECIDED}
    assert not found.coverage.complete and found.analytic.verdict != "proved" and found.singular_set is None
    assert "does not recompute" in found.verdicts[0].reason and found.exit_code == 3 and not found.goals


def test_a_replayed_theorem_about_another_loss_is_refused(monkeypatch):
    from gradlemma import step_replay

    other = gradlemma.steps(relu_121(), ["1/2", 1])
    again = step_replay.decode

    def exchanged(document: Any, **options: Any) -> Any:
        found = again(document, **options)
        return {name: other.goals.get(name, theorem) for name, theorem in found.items()}

    monkeypatch.setattr(step_replay, "decode", exchanged)
    widths, kinds, biases, x, _, _ = CASES["relu with biases"]
    found = gradlemma.steps(problem_of(widths, kinds, biases, x, [[F(1)], [F(2)]]), ["1/2", 1])
    assert {one.status for one in found.verdicts} == {StepStatus.UNDECIDED}
    assert "another statement" in found.verdicts[0].reason


# -- the command line -----------------------------------------------------------------------------


def outcome(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        cli.main(["steps", *arguments])
    assert isinstance(left.value.code, int)
    return left.value.code


def written(folder, text: str = RELU_121) -> str:
    (folder / "p.yaml").write_text(text)
    return str(folder / "p.yaml")


def test_the_document_keeps_its_contract(tmp_path, capsys):
    out = tmp_path / "out"
    code = outcome(written(tmp_path), "--eta", "1/100,0.1,1", "--json", "--out", str(out))
    shown = capsys.readouterr()
    document = json.loads(shown.out)
    assert code == 1 and document["schema_version"] == 1 and "patterns" in shown.err
    assert document["problem"]["name"] == "relu-121" and document["problem"]["parameters"] == 7
    coverage = document["coverage"]
    assert [coverage[f"patterns_{name}"] for name in ("possible", "infeasible", "visited", "unknown")] == [
        16,
        0,
        16,
        0,
    ]
    assert coverage["complete"] and coverage["exceptional_known"] and coverage["reason"] is None
    (one,) = document["exceptional"]
    assert (one["eta"], one["status"], one["pattern"]) == ("1", "singular", "00|00")
    assert one["collapses_to"]["text"] == "b2[0] = 17/10"
    assert one["collapses_to"]["constants"] == [{"text": "b2[0] = 17/10", "value": "17/10"}]
    assert [v["eta"] for v in document["verdicts"]] == ["1/100", "1/10", "1"]
    assert [v["verdict"] for v in document["verdicts"]] == ["nonsingular", "nonsingular", "singular"]
    assert all(v["reason"] and v["trust"] for v in document["verdicts"])
    assert document["analytic"]["verdict"] == "proved"
    assert all(level["not_everywhere_at"] for level in document["singular_set"])
    assert document["numeric"]["determinants"]["relative_error_max"] <= 1e-9
    assert document["numeric"]["collapses"][0]["dimensions_after"] == 6
    assert json.loads((out / "steps.json").read_text()) == document
    assert (out / "derivation.json").exists() and (out / "derivation.tex").exists()
    from gradlemma.replay import load_derivation

    replayed = load_derivation(out / "derivation.json")
    assert sorted(replayed) == document["theorems"]


def test_the_table_says_what_collapses(tmp_path, capsys):
    assert outcome(written(tmp_path), "--eta", "1", "--quiet") == 1
    shown = capsys.readouterr()
    for words in (
        "E = {1}",
        "16 possible, 0 infeasible, 16 visited",
        "b2[0] = 17/10",
        "singular",
        "cited:sard",
    ):
        assert words in shown.out
    assert not shown.err


def test_exit_codes(tmp_path, capsys):
    path = written(tmp_path)
    assert outcome(path, "--quiet") == 0
    assert outcome(path, "--eta", "1/10", "--quiet") == 0
    assert outcome(path, "--eta", "1/10", "--patterns", "4", "--quiet") == 3
    assert outcome(path, "--patterns", "4", "--quiet") == 3
    assert outcome(path, "--optimiser", "rmsprop", "--quiet") == 3
    capsys.readouterr()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--eta", "0"], ["--eta=-1/2"], ["--eta", "nan"], ["--eta", "1e400"], ["--eta", "one"],
        ["--eta", "1,,2"], ["--eta", "1/0"], ["--schedule", "0"], ["--optimiser", "sgd"],
        ["--optimiser", "sgd:3"],
        ["--optimiser", "heavy-ball:0"], ["--optimiser", "newton"], ["--weight-decay=-1"],
        ["--weight-decay", "x"], ["--patterns", "0"], ["--denominator", "0"], ["--samples", "0"],
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_one_sentence(arguments, tmp_path, capsys):
    assert outcome(written(tmp_path), *arguments, "--quiet") == 2
    shown = capsys.readouterr()
    assert shown.err.startswith("gradlemma: ") and shown.err.count("\n") == 1 and "internal" not in shown.err
    assert ";" in shown.err and not shown.out
    assert outcome(written(tmp_path), *arguments, "--json") == 2
    assert json.loads(capsys.readouterr().out)["error"]["remedy"]


def test_data_and_frozen_values_are_needed(tmp_path, capsys):
    text = RELU_121.replace(
        "data: {inline: {x: [[9/10], [5/2]], y: [[9/10], [5/2]]}}", "input: {dim: 1, norm: 1}"
    )
    text += "targets: {norm: 1}\nbox: {weight_norms: [1, 1], bias_norms: [1, 1]}\n"
    assert outcome(written(tmp_path, text), "--quiet") == 2
    assert "expected data" in capsys.readouterr().err
    frozen = Architecture((1,), (Linear(1, True, frozen=True), Activate(activation("relu")), Linear(1, True)))
    with pytest.raises(ProblemError, match="frozen tensors"):
        gradlemma.steps(Problem.of(frozen, "half_mse", x=ONE, y=ONE))
    given = Problem.of(frozen, "half_mse", x=ONE, y=ONE, frozen={"W1": [[1]], "b1": [0]})
    assert gradlemma.steps(given).coverage.determined


def test_data_of_floating_point_are_taken_only_if_that_is_said(tmp_path, capsys):
    (tmp_path / "d.csv").write_text("x,y\n0.1,0.3\n0.25,0.5\n")
    csv = "{csv: {path: d.csv, features: [x], target: y}}"
    text = RELU_121.replace("{inline: {x: [[9/10], [5/2]], y: [[9/10], [5/2]]}}", csv)
    path = written(tmp_path, text)
    assert outcome(path, "--quiet") == 2
    assert "--rationalise" in capsys.readouterr().err
    assert outcome(path, "--quiet", "--rationalise", "--json", "--eta", "1/10") == 0
    document = json.loads(capsys.readouterr().out)
    assert "rationalised data: the stored float64 numbers" in document["notes"][0]
    assert outcome(path, "--quiet", "--denominator", "20") == 0
    shown = capsys.readouterr().out
    assert "rationalised data: rounded to multiples of 1/20" in shown and "b2[0] = 2/5" in shown
    (tmp_path / "d.csv").write_text("x,y\n0.5,0.25\n0.25,0.5\n")
    assert outcome(path, "--quiet") == 0
    assert "rationalised" not in capsys.readouterr().out


def test_a_problem_that_is_too_large_is_refused_with_a_remedy(capsys):
    assert outcome("examples/digits_relu.yaml", "--quiet") == 2
    assert "data.limit" in capsys.readouterr().err


def test_functions_with_infinitely_many_pieces_are_undecided(tmp_path, capsys):
    path = written(tmp_path, RELU_121.replace("activation: relu", "activation: triangle"))
    assert outcome(path, "--quiet", "--eta", "1", "--json") == 3
    document = json.loads(capsys.readouterr().out)
    assert document["verdicts"][0]["verdict"] == "undecided" and not document["coverage"]["complete"]


# -- interrupts -----------------------------------------------------------------------------------


def interrupt(*given: object, **options: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "stage", ["prove_analytic", "find_patterns", "find_spectra", "verdict", "singular_set"]
)
def test_an_interrupt_keeps_what_is_known(stage, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(StepSizes, stage, interrupt)
    assert outcome(written(tmp_path), "--eta", "1", "--json", "--quiet") == 130
    document = json.loads(capsys.readouterr().out)
    assert document["interrupted"] and document["verdicts"][0]["verdict"] == "undecided"
    assert any("interrupted" in note for note in document["notes"])
    assert document["analytic"]["verdict"] == ("undecided" if stage == "prove_analytic" else "proved")
    known = stage in ("verdict", "singular_set")
    assert [one["status"] for one in document["exceptional"]] == (["singular"] if known else [])


def test_an_interrupt_inside_the_spectra_keeps_those_found(monkeypatch):
    from proofs.theorems import step_sizes

    spectrum, count = step_sizes.spectrum_of, 0

    def few(*given: Any) -> Any:
        nonlocal count
        count += 1
        if count > 3:
            raise KeyboardInterrupt
        return spectrum(*given)

    monkeypatch.setattr(step_sizes, "spectrum_of", few)
    found = gradlemma.steps(relu_121(), [1])
    assert found.exit_code == 130 and not found.coverage.determined and found.coverage.complete
    assert [one.pattern for one in found.exceptional] == ["00|00"]


def test_an_interrupt_while_replaying_says_nothing(monkeypatch):
    monkeypatch.setattr("gradlemma.step_replay.decode", interrupt)
    found = gradlemma.steps(relu_121(), ["1/2", 1])
    assert found.exit_code == 130
    assert {one.status for one in (*found.verdicts, *found.exceptional)} == {StepStatus.UNDECIDED}


def test_sigint_ends_a_run_with_its_document(tmp_path):
    text = RELU_121.replace("width: 2", "width: 6")
    arguments = [
        sys.executable,
        "-m",
        "gradlemma.cli",
        "steps",
        written(tmp_path, text),
        "--eta",
        "1",
        "--json",
    ]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    deadline = time.monotonic() + 60
    while "patterns" not in (line := process.stderr.readline()) or "forecast" in line:
        assert line and time.monotonic() < deadline
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    document = json.loads(out)
    assert process.returncode == 130 and document["interrupted"]
    assert document["verdicts"][0]["verdict"] == "undecided"


# -- step sizes as values -------------------------------------------------------------------------


def test_irrational_steps_are_roots_with_an_enclosure():
    # lambda^2 - 14 lambda/4 + 1 has the roots (7 -+ sqrt(33))/4; eta = 1/lambda has them too.
    first, second = RootStep((2, -7, 2), 0), RootStep((2, -7, 2), 1)
    assert step_as_json(first)["root_of"] == [2, -7, 2]
    assert [step_as_json(step)["number"] for step in (first, second)] == [1, 0]
    lower, upper = enclosure(second)
    assert lower < F(7) / 4 - F("1.4361406616345071") < upper + F(1, 10**15) and upper - lower < F(1, 10**20)
    assert step_text(first).endswith("(root of 2x^2 - 7x + 2)")


def test_the_number_of_a_root_counts_the_negative_ones():
    # (lambda^2 - 2)(...) alone: roots -sqrt 2, sqrt 2; inverses -1/sqrt 2, 1/sqrt 2 of 2 x^2 - 1.
    found = step_as_json(RootStep((-2, 0, 1), 1))
    assert found["root_of"] == [-1, 0, 2] and found["number"] == 1
    assert F(found["interval"][0]) ** 2 < F(1, 2) < F(found["interval"][1]) ** 2


def test_steps_are_exact():
    assert [str(step.value) for step in read_steps(["0.1", F(1, 3), 2, "1/10"])] == ["1/10", "1/3", "2"]
    with pytest.raises(ProblemError):
        read_steps([0.1])
    assert read_rule("nesterov:1/2").momentum is not None and stepping.DEFAULT_PATTERNS == 4096


SQRT_COMPONENTS = """\
schema: 1
data: {inline: {x: [[1]], y: [[3]]}}
network:
  - dense: {width: 1, bias: false}
  - residual:
    - activation: square
    - activation: {name: myroot, pieces: [{to: 1, is: "(t+1)/2"}, {is: "sqrt(t)"}]}
loss: half_mse
"""


def test_a_pattern_of_several_parts_with_a_branch_point_leaves_E_open(tmp_path):
    # On w > 1 the loss is (2 w - 3)^2 / 2 and 1/4 is exceptional; on w < -1 it is 9/2.
    (tmp_path / "p.yaml").write_text(SQRT_COMPONENTS)
    found = gradlemma.steps(load_problem(tmp_path / "p.yaml"), ["1/4"])
    assert not found.coverage.determined and "parts" in found.coverage.reason
    assert [answer.status for answer in found.verdicts] == [StepStatus.UNDECIDED]


def test_numbers_beyond_float64_leave_the_exact_result(tmp_path):
    (tmp_path / "p.yaml").write_text(
        "schema: 1\ndata: {inline: {x: [[1e300]], y: [[1]]}}\n"
        "network:\n  - dense: {width: 1}\nloss: half_mse\n"
    )
    found = gradlemma.steps(load_problem(tmp_path / "p.yaml"), [1])
    assert [answer.status for answer in found.verdicts] == [StepStatus.NON_SINGULAR]
