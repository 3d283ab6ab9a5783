"""The check end to end on small problems: numbers, verdicts, files."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import jsonschema  # noqa: F401  (installed for the schema tests; its absence should fail early)
import numpy as np
import pytest
import torch

from gradlemma import Dense, Network, Problem, ProblemError, bounds, check_problem, load_problem
from gradlemma.check import Verdict
from gradlemma.compare import differences
from gradlemma.decimals import decimal_text
from gradlemma.problem._python import exact_tensor
from gradlemma.proved import derive_bounds
from gradlemma.report import document_of

ROOT = Path(__file__).resolve().parents[2]

TOY = """
schema: 1
name: toy
input: {dim: 1}
data: {inline: {x: [[9/10], [5/2]], y: [[9/10], [5/2]]}}
network:
  - dense: {width: 1, bias: false}
  - activation: relu
  - dense: {width: 1, bias: false}
loss: half_mse
weights: {values: [[[1]], [[1]]]}
box: {weight_norms: [2, 2]}
ball: {radius: 1/10}
measure: {random_points: 4, ascent_steps: 5}
"""


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gradlemma.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False, env=_environment())


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    (folder / "toy.yaml").write_text(TOY)
    done = run("check", "toy.yaml", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def test_the_toy_model_has_the_bounds_computed_by_hand(toy):
    _, document = toy
    # At weights 1, 1: the residuals vanish but at_weights uses g = |f| + |y| = 2|x|, j = (|x|, |x|),
    # K = |x| [[0, 1], [1, 0]], so H = mean(2 x^2 + 2 x^2) and G = mean(2 x^2) sqrt(2).
    square = (0.9**2 + 2.5**2) / 2
    at_weights = document["bounds"]["at_weights"]
    assert float(at_weights["H_max"]["value"]["upper"]) == pytest.approx(4 * square, rel=1e-6)
    assert float(at_weights["G_max"]["value"]["upper"]) == pytest.approx(2 * math.sqrt(2) * square, rel=1e-6)
    # With the residuals 0 the Hessian bound is the exact Hessian x^2 [[1, 1], [1, 1]], norm 2 x^2.
    residual = document["bounds"]["at_residuals"]
    assert float(residual["H_max"]["value"]["upper"]) == pytest.approx(2 * square, rel=1e-6)
    assert document["ratios"]["at_residuals"]["hessian_norm"] == pytest.approx(1, rel=1e-6)
    # Worst case, s = 2, M = M_y = 5/2: j = (5, 5), g = 10 + 5/2, K = (5/2) [[0, 1], [1, 0]].
    worst = document["bounds"]["worst_case"]
    assert worst["H_max"]["value"] == str(Fraction(50) + Fraction(25, 2) * Fraction(5, 2))
    assert worst["H_max"]["tier"] == "exact"


def test_the_contract_of_the_document_is_kept(toy):
    folder, document = toy
    assert document["schema_version"] == 1
    assert document["verdict"] == "certified"
    for name in ("worst_case", "at_weights", "ball"):
        for symbol in ("G_max", "H_max"):
            assert {"value", "tier", "latex"} <= set(document["bounds"][name][symbol])
    for place in ("at_weights", "box_random", "box_ascent"):
        for quantity in ("gradient_norm", "hessian_norm"):
            assert {"value", "error"} <= set(document["measured"][place][quantity])
            assert (
                document["ratios"][place][quantity] is None or document["ratios"][place][quantity] >= 1 - 1e-9
            )
    assert all({"step", "rule", "claim", "ratio"} <= set(row) for row in document["slack"])
    assert all(row["ratio"] is None or row["ratio"] >= 1 - 1e-9 for row in document["slack"])
    assert {"theorem", "trust", "elapsed_s", "peak_memory_bytes"} <= set(document)
    assert json.loads((folder / "report" / "report.json").read_text())["bounds"] == document["bounds"]


def test_the_stored_derivation_replays_and_fits_its_problem(toy):
    folder, _ = toy
    done = run("replay", "report/derivation.json", "--problem", "toy.yaml", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "steps recomputed" in done.stdout


def test_a_derivation_of_another_problem_does_not_fit(toy):
    folder, _ = toy
    (folder / "other.yaml").write_text(TOY.replace("weight_norms: [2, 2]", "weight_norms: [2, 1]"))
    done = run("replay", "report/derivation.json", "--problem", "other.yaml", cwd=folder)
    assert done.returncode == 1
    assert "worst_case.H_max rests on" in done.stdout


@pytest.mark.parametrize("change", ["constant", "hypothesis", "relation", "tensor"])
def test_replay_refuses_an_altered_file_naming_the_step(toy, change):
    folder, _ = toy
    document = json.loads((folder / "report" / "derivation.json").read_text())
    steps, nodes = document["derivation"]["steps"], document["derivation"]["nodes"]
    goal = document["derivation"]["goals"]["worst_case.H_max"]
    match change:
        case "constant":
            place = nodes[nodes[steps[goal]["conclusion"]][-1]]
            place[1][0][0] = "1"
        case "hypothesis":
            steps[goal]["hypotheses"].pop()
        case "relation":
            next(node for node in nodes if node[0] == "Compare" and node[2] == "=")[2] = "<="
        case _:
            tensors = document["tensors"]
            first, second = sorted(tensors)[:2]
            tensors[first], tensors[second] = tensors[second], tensors[first]
    (folder / "altered.json").write_text(json.dumps(document))
    done = run("replay", "altered.json", cwd=folder)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert ("step" in done.stderr) or (change == "tensor" and "digest" in done.stderr)


def test_weights_outside_the_box_are_refused_naming_layer_and_excess(toy):
    folder, _ = toy
    (folder / "outside.yaml").write_text(TOY.replace("weight_norms: [2, 2]", "weight_norms: [2, 1/2]"))
    done = run("check", "outside.yaml", "--out", "never", cwd=folder)
    assert done.returncode == 2
    assert "layer 2" in done.stderr
    assert "0.5 too much" in done.stderr
    assert not (folder / "never").exists()


def test_a_problem_without_data_is_bounded_in_the_worst_case():
    network = Network.of(2, Dense(3), "gelu", Dense(2))
    problem = Problem.of(network, "cross_entropy", input_norm=1, weight_norms=[1, 1], bias_norms=[1, 1])
    checked = check_problem(problem)
    assert checked.verdict is Verdict.CERTIFIED  # the constants of gelu come from balls
    assert checked.bounds.at_weights is None
    document = document_of(checked)
    assert document["measured"]["at_weights"] is None
    assert document["ratios"]["box_ascent"]["hessian_norm"] >= 1


def test_a_bound_below_the_measured_value_is_refuted(monkeypatch):
    from gradlemma import check

    network = Network.of(2, Dense(3), "tanh", Dense(2))
    problem = Problem.of(network, "cross_entropy", input_norm=1, weight_norms=[1, 1], bias_norms=[1, 1])
    real = check._ratio
    monkeypatch.setattr(check, "_ratio", lambda p, q, r, bound, found: real(p, q, r, bound / 1000, found))
    assert check_problem(problem).verdict is Verdict.REFUTED


def test_a_measurement_that_is_not_finite_is_undecided(monkeypatch):
    from gradlemma import check
    from numerics.records import Estimate

    network = Network.of(2, Dense(3), "tanh", Dense(2))
    problem = Problem.of(network, "cross_entropy", input_norm=1, weight_norms=[1, 1], bias_norms=[1, 1])
    real = check._ratio
    nothing = Estimate(math.nan, math.inf, "float64", "cpu")
    monkeypatch.setattr(check, "_ratio", lambda p, q, r, bound, found: real(p, q, r, bound, nothing))
    assert check_problem(problem).verdict is Verdict.UNDECIDED


def test_a_torch_sequential_gets_the_bounds_of_its_own_weights():
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)).double()
    x = torch.randn(6, 3, dtype=torch.float64)
    found = bounds(module, "cross_entropy", x=x, y=[0, 1, 0, 1, 0, 1])
    assert found.at_weights is not None
    loss = torch.nn.CrossEntropyLoss()(module(x), torch.tensor([0, 1, 0, 1, 0, 1]))
    gradients = torch.autograd.grad(loss, list(module.parameters()))
    norm = math.sqrt(sum(float((g * g).sum()) for g in gradients))
    assert norm <= float(found.at_weights.gradient.value)
    assert "\\max" in found.at_weights.hessian.latex()


def test_the_bound_holds_inside_the_whole_ball():
    rng = np.random.default_rng(0)
    network = Network.of(2, Dense(3), "relu", Dense(2))
    weights = [rng.normal(size=p.shape) for p in network.parameters()]
    x, y = rng.normal(size=(5, 2)), rng.normal(size=(5, 2))
    found = bounds(network, "half_mse", x=x, y=y, weights=weights, radius="1/2")
    assert found.ball is not None and found.at_weights is not None
    from numerics.curvature import gradient
    from numerics.evaluate import pack

    names = [p.name for p in network.parameters()]
    start = pack(network, dict(zip(names, map(torch.from_numpy, weights), strict=True)))
    generator = torch.Generator().manual_seed(0)
    for _ in range(200):
        step = torch.randn(start.shape[0], generator=generator, dtype=torch.float64)
        theta = start + 0.5 * step / step.norm()
        slope = gradient(
            network, found.resolved.problem.loss, theta, torch.from_numpy(x), torch.from_numpy(y)
        )
        assert float(slope.norm()) <= float(found.ball.gradient.value)
    assert found.ball.hessian.value >= found.at_weights.hessian.value * (1 - Fraction(1, 10**6))


def test_decimals_are_rounded_outward():
    for value in (Fraction(1, 3), Fraction(10**30 + 1), Fraction(1, 10**30), Fraction(999999, 1000)):
        assert Fraction(decimal_text(value, up=True)) >= value >= Fraction(decimal_text(value, up=False))


def test_dense_layers_in_a_row_are_bounded():
    rng = np.random.default_rng(1)
    network = Network.of(2, Dense(3), Dense(4, bias=False), "identity", Dense(2), Dense(2))
    weights = [rng.normal(size=p.shape) for p in network.parameters()]
    problem = Problem.of(
        network, "cross_entropy", x=rng.normal(size=(4, 2)), y=[0, 1, 1, 0], weights=weights,
        weight_norms="from-weights", bias_norms="from-weights", factor=2, radius="1/10",
    )  # fmt: skip
    checked = check_problem(problem)
    assert checked.verdict is Verdict.CERTIFIED
    assert len(checked.bounds.readings) == 4


def test_an_activation_without_bounded_slope_after_a_bounded_one_is_bounded_in_the_box():
    network = Network.of(2, Dense(2), "sigmoid", "square", Dense(2))
    found = bounds(network, "half_mse", input_norm=1, target_norm=1, weight_norms=[1, 1], bias_norms=[1, 1])
    assert found.worst_case is not None


@pytest.mark.parametrize("seed", range(6))
def test_rounding_errors_do_not_refute_a_true_line(seed):
    rng = np.random.default_rng(seed)
    network = Network.of(2, Dense(2), "relu", Dense(2))
    problem = Problem.of(
        network, "cross_entropy", x=rng.normal(size=(2, 2)), y=[0, 1],
        weights=[rng.normal(size=p.shape) for p in network.parameters()],
        weight_norms="from-weights", bias_norms="from-weights", seed=seed,
    )  # fmt: skip
    assert check_problem(problem).verdict is Verdict.CERTIFIED


def test_numbers_beyond_double_precision_are_undecided_with_a_reason():
    network = Network.of(1, Dense(1, bias=False))
    problem = Problem.of(
        network, "half_mse", input_norm=10**400, target_norm=1, weight_norms=[1], bias_norms=[0]
    )
    checked = check_problem(problem)
    assert checked.verdict is Verdict.UNDECIDED
    assert "double precision" in checked.reasons[0]
    assert document_of(checked)["verdict"] == "undecided"


def test_hypotheses_are_printed_exactly():
    from gradlemma.plain import claim_text
    from proofs.typeset import claim_latex

    bound = Fraction(100000000001, 100000000000)
    network = Network.of(1, Dense(1, bias=False), Dense(1, bias=False))
    norms = [bound, bound]
    found = bounds(network, "half_mse", input_norm=1, target_norm=1, weight_norms=norms, bias_norms=[0, 0])
    texts = [claim_text(claim, exact=True) for claim in found.hessian.theorem.hypotheses]
    assert f"||W1|| <= {bound}" in texts
    latex = [claim_latex(claim, exact=True) for claim in found.hessian.theorem.hypotheses]
    assert any("1.00000000001" in text or str(bound) in text for text in latex)
    assert "1.00000000001" in found.hessian.derivation()


def test_the_closed_form_of_a_reading_is_its_own(toy):
    _, document = toy
    forms = {name: document["bounds"][name]["G_max"]["latex"] for name in document["bounds"]}
    assert len(set(forms.values())) == 4
    assert "M_{y}" not in forms["at_residuals"]
    assert r"\tfrac{1}{N}" in forms["at_weights"]


def test_goals_with_swapped_names_do_not_fit_the_problem(toy):
    folder, _ = toy
    document = json.loads((folder / "report" / "derivation.json").read_text())
    goals = document["derivation"]["goals"]
    swapped = {"worst_case.G_max": "at_residuals.G_max", "at_residuals.G_max": "worst_case.G_max"}
    document["derivation"]["goals"] = {swapped.get(name, name): number for name, number in goals.items()}
    (folder / "swapped.json").write_text(json.dumps(document))
    done = run("replay", "swapped.json", "--problem", "toy.yaml", cwd=folder)
    assert done.returncode == 1


def test_a_report_place_that_cannot_be_written_is_refused_at_once(toy):
    folder, _ = toy
    (folder / "taken").write_text("")
    done = run("check", "toy.yaml", "--out", "taken", cwd=folder)
    assert done.returncode == 2
    assert "--out" in done.stderr
    assert (folder / "taken").read_text() == ""


def test_a_reading_that_was_asked_for_but_not_derived_is_undecided():
    network = Network.of(1, Dense(1, bias=False), "square", Dense(1, bias=False))
    problem = Problem.of(
        network, "half_mse", x=[[1]], y=[[1]], weights=[[[1]], [[1]]],
        weight_norms=[1, 1], bias_norms=[0, 0], radius="1/10",
    )  # fmt: skip
    checked = check_problem(problem)
    assert checked.bounds.worst_case is not None and checked.bounds.ball is None
    assert checked.verdict is Verdict.UNDECIDED
    assert "ball could not be derived" in checked.reasons


def test_given_weights_with_a_sample_on_a_kink_are_undecided_and_say_so():
    # z1 = 0 exactly: the loss is not differentiable in b1 there.
    network = Network.of(1, Dense(1), "relu", Dense(1, bias=False))
    problem = Problem.of(
        network, "half_mse", x=[[0]], y=[[1]], weights=[[[1]], [0], [[1]]],
        weight_norms=[1, 1], bias_norms=[1, 0], input_norm=1, target_norm=1,
    )  # fmt: skip
    checked = check_problem(problem)
    assert checked.verdict is Verdict.UNDECIDED
    assert any("at_weights.G_max" in reason and "kink" in reason for reason in checked.reasons)


def test_an_empty_derivation_proves_nothing(tmp_path):
    empty = {"format": "gradlemma-derivation-1", "nodes": [], "steps": [], "goals": {}}
    (tmp_path / "empty.json").write_text(json.dumps({"derivation": empty, "tensors": {}}))
    done = run("replay", "empty.json", cwd=tmp_path)
    assert done.returncode == 1
    assert "at least one goal" in done.stderr


def test_a_derivation_without_bounds_does_not_fit_a_problem(toy):
    folder, _ = toy
    problem = load_problem(folder / "toy.yaml")
    bounds = derive_bounds(problem)
    facts = {name: theorem for name, theorem in bounds.goals().items() if name.startswith("data.")}
    assert facts
    assert differences(facts, bounds.work, bounds.resolved) == [
        "there is no bound of a gradient or a Hessian"
    ]


def test_integers_beyond_double_precision_are_refused_and_not_rounded():
    for value in (np.array([[2**53 + 1]]), torch.tensor([[2**53 + 1]])):
        with pytest.raises(ProblemError, match="2\\^53"):
            exact_tensor(value, "data.x")
