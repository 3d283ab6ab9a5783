"""The Python interface: what objects look like, and mistakes in calls."""

from __future__ import annotations

import pytest

from gradlemma import Dense, Network, bounds
from proofs.errors import GradlemmaError

NETWORK = Network.of(2, Dense(3), "gelu", Dense(2))
BOX = {"input_norm": 1, "weight_norms": [1, 1], "bias_norms": [1, 1]}
DATA = {"x": [[1, 2]], "y": [0], "weights": [[[1, 0]] * 3, [0, 0, 0], [[1, 1, 1]] * 2, [0, 0]]}


def test_objects_are_shown_in_one_short_line():
    found = bounds(NETWORK, "cross_entropy", **DATA, radius="1/10", weight_norms="from-weights")
    problem = found.resolved.problem
    assert problem.weights is not None
    objects = [found, found.hessian, found.hessian.theorem, problem, problem.weights[0], found.ball]
    for shown in map(repr, objects):
        assert len(shown) < 600 and "\n" not in shown
    assert repr(problem) == "<Problem problem: 2-3-2 gelu, cross_entropy, 1 samples>"
    assert repr(problem.weights[0]).startswith("<ExactTensor [3, 2], sha256 ")
    assert repr(found.hessian).startswith("<worst_case.H_max <= ")
    assert "relying on arb" in repr(found.hessian) and "relying on arb" in repr(found.hessian.theorem)
    for name in ("worst_case", "at_weights", "at_residuals", "ball"):
        assert f"{name}.G_max <= " in repr(found)


def test_the_hessian_is_that_of_the_worst_case_and_of_nothing_else():
    assert bounds(NETWORK, "cross_entropy", **BOX).hessian.name == "worst_case.H_max"
    found = bounds(NETWORK, "cross_entropy", **DATA)
    assert found.at_weights is not None and found.at_weights.hessian.name == "at_weights.H_max"
    for what in ("gradient", "hessian"):
        with pytest.raises(GradlemmaError, match=rf"states no box; use \.at_weights\.{what}"):
            getattr(found, what)


@pytest.mark.parametrize(
    ("keyword", "hint"), [("weight_norm", "did you mean weight_norms"), ("zzz", "choose among name, x, y")]
)
def test_an_unknown_keyword_of_bounds_is_named(keyword, hint):
    with pytest.raises(
        TypeError, match=rf"bounds\(\) got an unexpected keyword argument '{keyword}'; {hint}"
    ):
        bounds(NETWORK, "cross_entropy", **BOX, **{keyword: 1})
