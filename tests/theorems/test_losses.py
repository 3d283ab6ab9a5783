"""The constants of the losses are attained: chains of width 1 and layers whose bound is met exactly."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from nets import Case, measured, random_case

from proofs.errors import GradlemmaError, NetworkError
from proofs.kernel.claims import EntriesIn, ForSamples, Smooth
from proofs.kernel.core import replay, steps_of
from proofs.kernel.rules import GrowthBound, WideBound
from proofs.network import Dense, Loss, LossKind, Network, entry_function, loss_named
from proofs.theorems.bounds import Bound, Box, Derivation
from proofs.theorems.readings import at_residuals, at_weights, in_ball

EXACT = 1e-9


def layer(width: int, size: Fraction, loss: Loss, target: Fraction | None = None):
    """G_max and H_max of one dense layer x -> W x, ||W|| <= size, |x| <= 2."""
    work = Derivation(Network.of(1, Dense(width, bias=False)), loss)
    return work.worst_case(Box((size,), (None,)), Fraction(2), target)


def at(width: int, loss: Loss, weight: float, y: float) -> tuple[float, float]:
    """The norms of gradient and Hessian at equal weights and targets, x = 2."""
    network = Network.of(1, Dense(width, bias=False))
    rows = np.full((1, width), y)
    return measured(Case(network, loss, [np.full((width, 1), weight)], np.array([[2.0]]), rows))


def close(bound: Bound, found: float) -> None:
    assert found * (1 - EXACT) <= float(bound.value) <= found * (1 + EXACT)


@pytest.mark.parametrize("width", [1, 3])
def test_binary_cross_entropy_attains_its_constants(width: int) -> None:
    reading = layer(width, Fraction(100), Loss.BCE)
    # sigmoid(-40) - 1 is -1 in double precision; sigmoid' is 1/4 at 0.
    close(reading.gradient, at(width, Loss.BCE, -20.0, 1.0)[0])
    close(reading.hessian, at(width, Loss.BCE, 0.0, 0.5)[1])
    assert float(reading.gradient.value) == pytest.approx(2 * math.sqrt(width), rel=EXACT)
    assert reading.hessian.value == 1


@pytest.mark.parametrize("delta", [Fraction(1, 3), Fraction(1), Fraction(5)])
@pytest.mark.parametrize("width", [1, 3])
def test_huber_attains_its_constants_without_a_bound_on_the_targets(width: int, delta: Fraction) -> None:
    loss = Loss.huber(delta)
    reading = layer(width, Fraction(1), loss)
    close(reading.gradient, at(width, loss, 0.1, 50.0)[0])
    close(reading.hessian, at(width, loss, 0.1, 0.3)[1])
    assert reading.hessian.value == 4


def test_huber_takes_the_smaller_of_its_two_constants() -> None:
    near = layer(1, Fraction(1, 10), Loss.huber(1), Fraction(1, 5))
    close(near.gradient, at(1, Loss.huber(1), 0.1, -0.2)[0])
    far = layer(1, Fraction(1, 10), Loss.huber(1), Fraction(9))
    close(far.gradient, 2.0)
    rules = [{type(s.rule) for s in steps_of(r.gradient.theorem)} for r in (near, far)]
    assert GrowthBound in rules[0] and GrowthBound not in rules[1]
    assert WideBound in rules[1] and WideBound not in rules[0]


def test_a_linear_chain_attains_both_derivatives_of_huber_inside_delta() -> None:
    # f = w2 w1 x at w = s, x = M, y = -M_y: a scaled half squared error, whose bound is met.
    network = Network.of(1, Dense(1, bias=False), "identity", Dense(1, bias=False))
    loss = Loss.huber(10)
    reading = Derivation(network, loss).worst_case(
        Box((Fraction(1), Fraction(1)), (None, None)), Fraction(2), Fraction(3)
    )
    one = np.array([[1.0]])
    found = measured(Case(network, loss, [one, one], np.array([[2.0]]), np.array([[-3.0]])))
    close(reading.gradient, found[0])
    close(reading.hessian, found[1])


def test_a_linear_chain_attains_the_gradient_of_binary_cross_entropy() -> None:
    network = Network.of(1, Dense(1, bias=False), "identity", Dense(1, bias=False))
    reading = Derivation(network, Loss.BCE).worst_case(
        Box((Fraction(7), Fraction(7)), (None, None)), Fraction(2)
    )
    seven = np.array([[7.0]])
    found = measured(Case(network, Loss.BCE, [seven, -seven], np.array([[2.0]]), np.array([[1.0]])))
    close(reading.gradient, found[0])


@pytest.mark.parametrize("delta", [Fraction(1, 10), Fraction(3)])
@pytest.mark.parametrize("seed", range(3))
def test_readings_of_huber_hold_for_other_deltas(delta: Fraction, seed: int) -> None:
    case = random_case(200 + seed, Loss.huber(delta), "tanh")
    work = case.derivation()
    for reading in (
        work.worst_case(case.box(), case.input_norm()),
        work.worst_case(case.box(), case.input_norm(), case.target_norm()),
        at_weights(work, case.tensors, case.data),
        at_residuals(work, case.tensors, case.data),
        in_ball(work, case.tensors, case.data, Fraction(1, 100)),
    ):
        gradient, hessian = measured(case)
        assert gradient <= float(reading.gradient.value) * (1 + EXACT)
        assert hessian <= float(reading.hessian.value) * (1 + EXACT)
        assert replay(reading.hessian.theorem).claim is reading.hessian.theorem.claim


def test_smoothness_of_huber_is_a_hypothesis_that_data_off_its_kinks_discharge() -> None:
    network = Network.of(1, Dense(1, bias=False))
    work = Derivation(network, Loss.HUBER)
    ((values, _),) = work.sample.kinks
    claim = ForSamples(work.samples, Smooth(values, 2))
    worst = work.worst_case(Box((Fraction(1),), (None,)), Fraction(1))
    assert claim in worst.hessian.theorem.hypotheses
    inside = Case(network, Loss.HUBER, [np.array([[1.0]])], np.array([[2.0]]), np.array([[1.5]]))
    assert claim not in at_weights(work, inside.tensors, inside.data).hessian.theorem.hypotheses
    # r = 2 - 1 = 1 lies on the kink.
    on = Case(network, Loss.HUBER, [np.array([[1.0]])], np.array([[2.0]]), np.array([[1.0]]))
    assert claim in at_weights(work, on.tensors, on.data).hessian.theorem.hypotheses
    assert claim in in_ball(work, inside.tensors, inside.data, Fraction(0)).hessian.theorem.hypotheses


def test_the_range_of_the_targets_is_a_hypothesis_that_data_discharge() -> None:
    case = random_case(5, Loss.BCE, "tanh")
    work = case.derivation()
    worst = work.worst_case(case.box(), case.input_norm())
    kinds = {type(h.claim) for h in worst.gradient.theorem.hypotheses if isinstance(h, ForSamples)}
    assert EntriesIn in kinds
    given = at_weights(work, case.tensors, case.data).gradient.theorem
    assert not any(isinstance(h, ForSamples) for h in given.hypotheses)
    assert set(work.data_facts(case.data, case.input_norm())) == {"data.inputs", "data.targets"}


def test_a_squared_error_needs_a_bound_of_the_targets() -> None:
    with pytest.raises(GradlemmaError, match="targets' norms"):
        layer(1, Fraction(1), Loss.MSE)


# -- the losses themselves ------------------------------------------------------------------------


def test_losses_have_names_and_parameters() -> None:
    assert loss_named("huber") is Loss.HUBER and loss_named(Loss.MSE) is Loss.MSE
    assert all(loss_named(kind.value).kind is kind for kind in LossKind)
    assert loss_named("huber", delta="1/2").label() == "huber(delta=1/2)"
    assert entry_function(Loss.MSE) is None


@pytest.mark.parametrize(
    ("name", "parameters", "match"),
    [
        ("huber", {"delta": 0}, "delta > 0"),
        ("huber", {"delta": Fraction(-1, 2)}, "delta > 0"),
        ("huber", {"delta": 0.5}, "exact number"),
        ("huber", {"delta": True}, "exact number"),
        ("huber", {"delta": "half"}, "exact number"),
        ("huber", {"delta": "1/0"}, "exact number"),
        ("huber", {"beta": 1}, "among: delta"),
        ("mse", {"delta": 1}, "among: none"),
        ("logistic", {}, "did you mean 'bce'"),
        ("binary_cross_entropy", {}, "did you mean 'bce'"),
        ("smooth_l1", {}, "did you mean 'huber'"),
        ("crossentropy", {}, "did you mean 'cross_entropy'"),
        (3, {}, "among"),
        (Loss.HUBER, {"delta": 2}, "with the name"),
    ],
)
def test_other_names_and_parameters_are_refused(name, parameters, match: str) -> None:
    with pytest.raises(NetworkError, match=match):
        loss_named(name, **parameters)


def test_a_loss_checks_its_own_parameters() -> None:
    for parameters in ((), (("delta", 1),), (("gamma", Fraction(1)),)):
        with pytest.raises(NetworkError):
            Loss(LossKind.HUBER, parameters)  # type: ignore[arg-type]
    with pytest.raises(NetworkError):
        Loss(LossKind.MSE, (("delta", Fraction(1)),))


def test_a_float_delta_is_refused_and_not_taken_for_a_rational() -> None:
    with pytest.raises(NetworkError, match="exact"):
        Loss.huber(0.1)  # type: ignore[arg-type]
    assert Loss.huber(Fraction(1, 10)).label() == "huber(delta=1/10)"
