"""Claims of a user's own: both readings agree, verdicts, files, use as a test."""

from __future__ import annotations

import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from flint import arb, ctx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradlemma import cli
from gradlemma.claims import (
    Ball,
    BallNetwork,
    Data,
    FloatNetwork,
    ReadingError,
    Weights,
    absolute,
    attacks_of,
    claim,
    exp,
    load_claims,
    log,
    maximum,
    minimum,
    norm,
    sqrt,
    tanh,
)
from gradlemma.claims._network import exact_array
from gradlemma.claims._spectrum import largest_eigenvalue
from numerics import strategies as make
from numerics.exact import PRECISION
from numerics.search.cases import Cases
from numerics.search.engine import search
from numerics.search.outcome import PROFILES, Budget, Verdict
from proofs.errors import GradlemmaError, UnknownNameError
from proofs.theorems.bounds import Box

ROOT = Path(__file__).resolve().parents[3]
SMALL = Budget(examples=4, batch=32, climbers=4, steps=5)
QUANTITIES = ["loss", "gradient_norm", "sharpness", "smallest_eigenvalue", "trace"]


@st.composite
def instances(draw):
    network = draw(make.architectures(max_depth=2, max_width=3, max_parameters=12))
    loss = draw(make.losses())
    dense = [layer for layer in network.layers if hasattr(layer, "bias")]
    box = Box((2,) * len(dense), tuple(1 if layer.bias else None for layer in dense))
    weights = draw(make.weights(network, box))
    data = draw(make.data_sets(network, loss, input_norm=2, target_norm=2, max_samples=2))
    return network, loss, weights, data


def both(network, loss, weights, data):
    """(network, weights, data) in floats and in balls."""
    names = [p.name for p in network.parameters()]
    floats = Weights({n: torch.from_numpy(t.to_numpy()) for n, t in zip(names, weights, strict=True)})
    x, y = (torch.from_numpy(t.to_numpy()) for t in (data.inputs, data.targets))
    balls = Weights({n: exact_array(t) for n, t in zip(names, weights, strict=True)})
    exact = Data(exact_array(data.inputs), exact_array(data.targets))
    return (FloatNetwork(network, loss), floats, Data(x, y)), (BallNetwork(network, loss), balls, exact)


@given(instances())
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
def test_floats_lie_in_the_balls_up_to_rounding(instance):
    (floats, w, d), (balls, exact_w, exact_d) = both(*instance)
    with ctx.workprec(PRECISION):
        for name in QUANTITIES:
            try:
                ball = getattr(balls, name)(exact_w, exact_d).value
            except GradlemmaError:
                return  # on a kink
            value = float(getattr(floats, name)(w, d))
            scale = max(1.0, abs(float(floats.hessian(w, d).abs().max())), abs(value))
            assert abs(float(ball.mid()) - value) <= 1e-10 * scale
            assert float(ball.rad()) <= 1e-11 * scale
        outputs, exact_outputs = floats(w, d.x), balls(exact_w, exact_d.x)
        assert np.allclose(outputs.numpy(), _floats(exact_outputs), rtol=1e-11, atol=1e-11)
        slopes, exact_slopes = floats.gradient(w, d), balls.gradient(exact_w, exact_d)
        for key in w:
            assert np.allclose(slopes[key].numpy(), _floats(exact_slopes[key]), rtol=1e-10, atol=1e-10)
        matrix = _floats(balls.hessian(exact_w, exact_d))
        assert np.allclose(matrix, floats.hessian(w, d).numpy(), rtol=1e-9, atol=1e-9)


def _floats(array):
    return np.array([float(entry.value.mid()) for entry in array.ravel()]).reshape(array.shape)


@pytest.mark.parametrize("degenerate", [False, True])
def test_the_largest_eigenvalue_is_enclosed(degenerate):
    """A matrix Q diag(d) Q^T with rational Q: its largest eigenvalue is the largest d exactly."""
    from flint import fmpq

    q = [[Fraction(v, 9) for v in row] for row in ((1, 8, -4), (4, -4, -7), (8, 1, 4))]
    d = [Fraction(2), Fraction(2) if degenerate else Fraction(-5), Fraction(1, 3)]
    entry = lambda i, j: sum(q[i][k] * d[k] * q[j][k] for k in range(3))  # noqa: E731
    with ctx.workprec(PRECISION):
        matrix = [
            [arb(fmpq(entry(i, j).numerator, entry(i, j).denominator)) for j in range(3)] for i in range(3)
        ]
        found = largest_eigenvalue(matrix)
        assert found.contains(arb(2))
        assert float(found.rad()) < 1e-12
        wide = [[arb(0, 1)] * 2 for _ in range(2)]
        with pytest.raises(ReadingError):
            largest_eigenvalue(wide)


def test_comparisons_of_balls_are_decided_or_refused():
    one, near = Ball(1), Ball(arb(1, 0.5))
    assert one < 2 and one <= 1 and one >= 1 and one > 0.5 and one == 1 and one != 2
    for undecided in (lambda: one < near, lambda: near > one, lambda: near <= 1, lambda: near == 1):
        with pytest.raises(ReadingError):
            undecided()
    for lossy in (float, int, bool):
        with pytest.raises(ReadingError):
            lossy(one)
    for foreign in (torch.tensor(1.0), "1", None, True):
        with pytest.raises(ReadingError):
            one + foreign


def test_functions_read_both():
    with ctx.workprec(PRECISION):
        for function, reference in ((sqrt, np.sqrt), (exp, np.exp), (log, np.log), (tanh, np.tanh)):
            ball = function(Ball(2)).value
            assert float(ball.mid()) == pytest.approx(reference(2.0), rel=1e-14)
            assert float(function(torch.tensor(2.0, dtype=torch.float64))) == pytest.approx(reference(2.0))
            assert float(function(2)) == pytest.approx(reference(2.0))
        assert maximum(Ball(1), 2).value == 2 and minimum(Ball(1), 2).value == 1
        assert maximum(torch.tensor(1.0), 2) == 2 and maximum(1, 2) == 2
        joined = maximum(Ball(arb(1, 0.5)), Ball(arb(1.2, 0.1))).value
        assert joined.contains(arb(1.5)) and joined.contains(arb(1.1))
        assert norm(Weights({"W1": torch.tensor([[3.0]]), "b1": torch.tensor([4.0])})) == 5.0
        assert norm(np.array([Ball(3), Ball(4)], dtype=object)).value == 5
        assert absolute(Ball(-1)).value == 1
        with pytest.raises(ReadingError):
            sqrt(Ball(-1))
        with pytest.raises(ReadingError):
            norm("x")


def verdict_of(function, **scope):
    found = search(claim(losses=["half_mse"], max_depth=1, **scope)(function).attack(), SMALL)
    return found.verdict, found.sentence()


def _raises(network, weights, data):
    raise ValueError("no reason")


def _nan(network, weights, data):
    return network.loss(weights, data) * float("nan")


def _sometimes_nan(network, weights, data):
    loss = network.loss(weights, data)
    return -sqrt(loss - 0.1) - 1


def _text(network, weights, data):
    return "0"


def _nothing(network, weights, data):
    return None


def _truth(network, weights, data):
    return True


def _vector(network, weights, data):
    return network(weights, data.x).reshape(-1).repeat(2) - 100


def _random(network, weights, data):
    import random

    return -random.random()


def _random_violation(network, weights, data):
    import random

    return random.random()


def _torch_only(network, weights, data):
    return torch.relu(network.loss(weights, data))


def _floats_only(network, weights, data):
    loss = network.loss(weights, data)
    return float(loss.detach() if isinstance(loss, torch.Tensor) else loss)


def _exits(network, weights, data):
    raise SystemExit(0)


def _other_in_balls(network, weights, data):
    return -1.0 if isinstance(network.loss(weights, data), torch.Tensor) else 1.0


def _matrix(network, weights, data):
    return weights["W1"] - 100


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (_exits, "raised SystemExit"),
        (_other_in_balls, "not the same in both readings"),
        (_matrix, "instead of a number"),
        (_raises, "the function raised ValueError: no reason"),
        (_nan, "nan"),
        (_sometimes_nan, "nan|no finite number"),
        (_text, "returned str instead of a number"),
        (_nothing, "returned NoneType instead of a number"),
        (_truth, "returned bool instead of a number"),
        (_vector, "instead of a number"),
        (_random, "not deterministic"),
        (_random_violation, "not deterministic"),
        (_torch_only, "cannot be read in balls"),
        (_floats_only, "not shown exactly"),
    ],
)
def test_bad_functions_are_undecided(function, says):
    verdict, sentence = verdict_of(function)
    assert verdict is Verdict.UNDECIDED
    assert re.search(says, sentence)


def test_a_violation_outweighs_instances_without_a_number():
    def mixed(network, weights, data):
        loss = network.loss(weights, data)
        return sqrt(loss - Ball(0.5)) if isinstance(loss, Ball) else sqrt(loss - 0.5)

    verdict, _ = verdict_of(mixed)
    assert verdict is Verdict.REFUTED


def test_a_function_that_changes_what_it_gets_changes_nothing_else():
    def changing(network, weights, data):
        loss = network.loss(weights, data)
        if isinstance(loss, torch.Tensor):
            weights["W1"].zero_()
            data.y.fill_(100.0)
        return loss - 3

    verdict, _ = verdict_of(changing, weight_norm=1, input_norm=1, target_norm=1)
    assert verdict is Verdict.HOLDS
    assert verdict_of(changing, weight_norm=3, input_norm=3, target_norm=3)[0] is Verdict.REFUTED


def test_a_kept_case_outside_of_a_narrowed_scope_does_not_count(tmp_path):
    def convex(network, weights, data):
        return -network.smallest_eigenvalue(weights, data) - 0.01

    for depth, verdict in ((2, Verdict.REFUTED), (1, Verdict.HOLDS)):
        attack = claim(activations=["identity"], min_depth=1, max_depth=depth)(convex).attack()
        cases = Cases(tmp_path)
        found = search(attack, PROFILES["ci"], cases=cases)
        assert found.verdict is verdict, found.sentence()
    assert cases.unreadable == 1


def test_a_keyboard_interrupt_passes_through():
    def interrupted(network, weights, data):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verdict_of(interrupted)


def test_branches_on_numbers_are_called_one_by_one():
    def branching(network, weights, data):
        return 1 if network.loss(weights, data) > 1 else -1

    assert verdict_of(branching)[0] is Verdict.REFUTED
    assert verdict_of(branching, weight_norm="1/100", target_norm="1/100")[0] is Verdict.HOLDS


@pytest.mark.parametrize(
    "options",
    [
        {"max_depth": 0}, {"min_depth": 3, "max_depth": 2}, {"max_width": 1.5}, {"losses": []},
        {"losses": ["hubber"]}, {"activations": ["rleu"]}, {"activations": []}, {"weight_norm": 0.5},
        {"weight_norm": "1/0"}, {"weight_norm": -1}, {"input_norm": "x"}, {"max_parameters": 0},
    ],
)  # fmt: skip
def test_scopes_that_make_no_sense_are_refused(options):
    with pytest.raises(GradlemmaError):
        claim(**options)(_raises)


EXPECTED = {
    "sharpness.py": {
        "self_bounding_of_one_layer": None,
        "self_bounding": "0.0625",
        "sharpness_survives_rescaling": "2.999999999",
    },
    "descent.py": {
        "descent_with_the_sharpness_at_the_point": "",
        "relu_loss_survives_rescaling": None,
    },
}


@pytest.mark.parametrize("file", EXPECTED)
def test_the_examples_are_what_the_docs_say(file):
    claims = load_claims(ROOT / "examples/claims" / file)
    assert list(claims) == list(EXPECTED[file])
    for name, margin in EXPECTED[file].items():
        found = search(claims[name].attack(), PROFILES["ci"])
        assert found.verdict is (Verdict.HOLDS if margin is None else Verdict.REFUTED), found.sentence()
        if margin:
            assert found.witness.recheck.left.startswith(margin)


BAD_FILES = {
    "x = 1": "has none",
    "def f(:": "SyntaxError",
    "1/0": "ZeroDivisionError",
    "raise SystemExit(3)": "exit",
    "from gradlemma import claim\ndef f(n, w, d): return 0\na = claim(f)\nb = claim(f)\n": "got two",
    "from gradlemma import claim\n"
    "@claim\ndef f(n, w, d): return 1\n"
    "@claim\ndef f(n, w, d): return -1\n": "one claim called f but got two",
}


@pytest.mark.parametrize("text", BAD_FILES)
def test_files_without_usable_claims_are_refused(text, tmp_path, capsys):
    path = tmp_path / "my_claims.py"
    path.write_text(text)
    with pytest.raises(SystemExit) as left:
        cli.main(["refute", "--file", str(path), "--cases", str(tmp_path / "cases")])
    assert left.value.code == 2
    assert BAD_FILES[text] in capsys.readouterr().err


def test_missing_files_and_unknown_names(tmp_path):
    with pytest.raises(GradlemmaError, match="Python file"):
        load_claims(tmp_path / "none.py")
    with pytest.raises(UnknownNameError, match="self_bounding"):
        attacks_of(ROOT / "examples/claims/sharpness.py", ["self_bonding"])


def test_a_claim_is_a_test(tmp_path):
    (tmp_path / "test_mine.py").write_text(
        "from gradlemma import claim\n"
        "from hypothesis import given\n"
        "@claim(max_depth=1)\n"
        "def loss_at_least_zero(network, weights, data):\n"
        "    return -network.loss(weights, data)\n"
        "@claim(max_depth=1)\n"
        "def loss_at_most_one(network, weights, data):\n"
        "    return network.loss(weights, data) - 1\n"
        "test_zero = loss_at_least_zero.as_test(examples=3)\n"
        "test_one = loss_at_most_one.as_test(examples=3)\n"
        "@given(loss_at_least_zero.instances())\n"
        "def test_given(instance):\n"
        "    assert loss_at_least_zero(*instance) <= 0\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True, text=True, cwd=tmp_path, timeout=120, check=False,
    )  # fmt: skip
    assert "1 failed, 2 passed" in done.stdout
    assert "loss_at_most_one is refuted: 1-1, half_mse" in done.stdout


def test_the_command_refutes_a_claim(tmp_path):
    import contextlib
    import io
    import json

    stream = io.StringIO()
    arguments = ["refute", "self_bounding", "--file", str(ROOT / "examples/claims/sharpness.py"), "--json"]
    with contextlib.redirect_stdout(stream), pytest.raises(SystemExit) as left:
        cli.main([*arguments, "--quiet", "--profile", "ci", "--cases", str(tmp_path)])
    assert left.value.code == 1
    (found,) = json.loads(stream.getvalue())["statements"]
    assert found["largest_ratio"] is None and found["largest_margin"] > 0.06
    shown = subprocess.run(
        [sys.executable, "-c", found["witness"]["snippet"]], capture_output=True, text=True, check=True
    )
    assert shown.stdout == "margin 0.0625000000000 > 0 (balls of 256 bits)\n"
