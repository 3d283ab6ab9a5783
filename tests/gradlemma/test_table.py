"""The table of a check: whole numbers at every width, and what the bounds assume."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest

from gradlemma import Dense, Network, Problem, check_problem
from gradlemma.check import Checked, Verdict
from gradlemma.problem import Measure
from gradlemma.table import print_table

RELU = Network.of(2, Dense(2), "relu", Dense(2), "tanh", Dense(2))


def checked(network: Network = RELU, **settings: object) -> Checked:
    given = {"input_norm": 1, "weight_norms": [1, 1, 1], "bias_norms": [1, 1, 1]} | settings
    return check_problem(Problem.of(network, "cross_entropy", measure=Measure(1, 1), **given))


@pytest.mark.parametrize("columns", [1, 40, 80, 200])
@pytest.mark.parametrize("size", ["1e150", "1e-150"])
def test_numbers_are_whole_at_every_width(columns, size, monkeypatch, capsys):
    found = checked(input_norm=size, weight_norms=[size] * 3, bias_norms=[size] * 3)
    monkeypatch.setenv("COLUMNS", str(columns))
    print_table(found, {})
    text = capsys.readouterr().out
    assert "…" not in text
    rows = [line for line in text.splitlines() if " │ G_max │ " in line or " │ H_max │ " in line]
    assert len(rows) == 2
    for row, bound in zip(rows, (found.bounds.gradient, found.bounds.hessian), strict=True):
        (number,) = re.findall(r"max │ +(\S+) │ (?:ball|exact) │", row)
        assert 0 <= Fraction(number) / bound.value - 1 < Fraction(1, 10**5)
    assert "bound/measured" in text and "where slack enters" in text
    for line in found.slack.values():
        assert line.instances == 0 or "right/left" in text


def test_what_the_bounds_assume_is_printed_under_the_table(capsys):
    print_table(checked(), {})
    expected = (
        "worst case over the box: at weights where the outputs of relu are twice differentiable "
        "for every sample (all but a null set)"
    )
    assert expected in capsys.readouterr().out.splitlines()
    print_table(checked(Network.of(2, Dense(2), "tanh", Dense(2), "tanh", Dense(2))), {})
    assert "differentiable" not in capsys.readouterr().out


def test_a_smoothness_hypothesis_at_given_weights_is_said_to_be_open(capsys):
    found = checked(
        Network.of(1, Dense(1), "relu", Dense(2)), x=[[0]], y=[1], weights=[[[1]], [0], [[1], [1]], [0, 0]],
        weight_norms=None, bias_norms=None,
    )  # fmt: skip
    print_table(found, {})
    assert "for every sample, which is not shown" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("norms", "words"),
    [
        ({"bias_norms": [0, 1, 1]}, "only b1 = 0"),
        ({"weight_norms": [0, 1, 1]}, "only W1 = 0"),
    ],
)
def test_a_box_that_may_consist_of_kinks_proves_nothing(norms, words, capsys):
    found = checked(**norms)
    assert found.verdict is Verdict.UNDECIDED
    assert len(found.reasons) == 2
    assert all(words in reason and "positive norm" in reason for reason in found.reasons)
    print_table(found, {})
    assert "which is not shown" in capsys.readouterr().out


@pytest.mark.parametrize("norms", [
    {"bias_norms": [1, 0, 1]}, {"bias_norms": [1, 1, 0]},
    {"weight_norms": [1, 0, 1]}, {"weight_norms": [1, 1, 0]},
])  # fmt: skip
def test_weights_fixed_behind_the_last_kink_do_no_harm(norms, capsys):
    found = checked(**norms)
    assert found.verdict is not Verdict.UNDECIDED
    print_table(found, {})
    assert "(all but a null set)" in capsys.readouterr().out


def test_a_box_of_volume_0_does_no_harm_without_kinks():
    network = Network.of(2, Dense(2), "tanh", Dense(2), "sigmoid", Dense(2))
    assert checked(network, bias_norms=[0, 0, 0]).verdict is not Verdict.UNDECIDED


def test_a_ball_of_radius_0_that_may_be_a_kink_proves_nothing():
    weights = [[[1, 0], [0, 1]], [1, 1]] * 3
    settings = {"x": [[1, 2]], "y": [0], "weights": weights, "weight_norms": None, "bias_norms": None}
    found = checked(**settings, input_norm=3, radius=0)
    assert found.verdict is Verdict.UNDECIDED
    assert all(reason.startswith("ball.") and "radius 0" in reason for reason in found.reasons)
    assert checked(**settings, input_norm=3, radius="1/10").verdict is not Verdict.UNDECIDED
