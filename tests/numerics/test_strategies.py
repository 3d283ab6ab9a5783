"""What the strategies draw satisfies the hypotheses by construction, and shrinks to the smallest case."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.vendor.pretty import pretty

from numerics import strategies as make
from numerics.exact.norms import norm_at_most
from numerics.strategies._activations import SMOOTH
from proofs.kernel.domains import check_analytic, check_continuity, jumps
from proofs.kernel.univariate import Univariate, argument, constant
from proofs.network import Activate, Dense, Loss, LossKind, Network
from proofs.theorems.constants import supremum

EXAMPLES = settings(max_examples=60)
# Shrinking is slow where what is asked for is not the smallest case.
UNSHRUNK = settings(max_examples=2000, phases=[Phase.generate])


@st.composite
def boxed_networks(draw):
    network = draw(make.architectures())
    return network, draw(make.boxes(network))


@given(st.data())
@EXAMPLES
def test_weights_lie_in_their_box_exactly(data):
    network, box = data.draw(boxed_networks())
    tensors = data.draw(make.weights(network, box))
    for parameter, tensor in zip(network.parameters(), tensors, strict=True):
        bounds = box.weight_norms if parameter.is_weight else box.bias_norms
        assert tensor.shape == parameter.shape
        assert norm_at_most(tensor, bounds[parameter.layer - 1])


@given(st.data())
@EXAMPLES
def test_data_are_in_range_exactly(data):
    network, loss = data.draw(make.architectures()), data.draw(make.losses())
    size, reach = data.draw(make.norms()), data.draw(make.norms())
    found = data.draw(make.data_sets(network, loss, input_norm=size, target_norm=reach))
    x, y = found.inputs.fractions(), found.targets.fractions()
    d, out = network.input_dim, network.output_dim
    for i in range(found.inputs.shape[0]):
        assert sum(e * e for e in x[i * d : (i + 1) * d]) <= size**2
        row = y[i * out : (i + 1) * out]
        if loss == Loss.CROSS_ENTROPY:
            assert min(row) >= 0 and sum(row) == 1
        elif loss == Loss.BCE:
            assert min(row) >= 0 and max(row) <= 1
        else:
            assert sum(e * e for e in row) <= reach**2


@given(make.architectures(max_depth=4, max_width=20, max_parameters=150))
@EXAMPLES
def test_architectures_keep_to_their_limits(network):
    assert network.depth <= 4
    assert network.parameter_count <= 150


@given(make.activations(continuous=True, bounded_slopes=True))
@EXAMPLES
def test_continuous_activations_are_continuous_and_have_bounded_slopes(function):
    check_continuity(function)
    assert supremum(function, 1) is not None


def calls_in(function: Univariate) -> set[str]:
    return {inner.name for piece in function.pieces for inner in piece.expression.indeterminates() if inner}


@given(make.piecewise_activations(smooth_pieces=True))
@settings(max_examples=150)
def test_continuous_smooth_pieces_are_analytic_continuous_and_have_bounded_slopes(function):
    check_continuity(function)
    assert supremum(function, 1) is not None
    assert supremum(function, 2) is not None


@given(make.piecewise_activations(smooth_pieces=True, continuous=False, bounded_slopes=False))
@EXAMPLES
def test_smooth_pieces_that_may_jump_are_analytic(function):
    check_analytic(function)


@pytest.mark.parametrize("name", SMOOTH)
def test_every_function_of_the_language_that_is_rational_at_0_occurs_beside_a_kink(name):
    drawn = make.piecewise_activations(smooth_pieces=True)
    condition = lambda function: name in calls_in(function) and bool(function.kinks)  # noqa: E731
    check_continuity(find(drawn, condition, settings=UNSHRUNK))


def test_smooth_pieces_stand_between_kinks_where_jumps_are_allowed():
    drawn = make.piecewise_activations(smooth_pieces=True, continuous=False)
    find(drawn, lambda f: any(p.expression.nesting for p in f.pieces[1:-1]), settings=UNSHRUNK)


@pytest.mark.parametrize("smooth", [False, True])
def test_pieces_shrink_to_the_zero_function(smooth):
    zero = find(make.piecewise_activations(smooth_pieces=smooth), lambda _: True)
    assert len(zero.pieces) == 1 and zero.pieces[0].expression == constant(0)
    assert find(make.activations(smooth_pieces=smooth), lambda _: True).pieces[0].expression == argument()


@given(make.piecewise_activations())
@EXAMPLES
def test_pieces_are_polynomials_unless_asked(function):
    assert not calls_in(function)


@given(make.step_sizes(max_value=Fraction(1, 2)))
@EXAMPLES
def test_step_sizes_are_positive_and_bounded(eta):
    assert 0 < eta <= Fraction(1, 2)


def test_pieces_with_jumps_are_found_among_those_that_may_jump():
    function = find(make.piecewise_activations(continuous=False), jumps)
    assert len(function.kinks) == 1


def test_everything_shrinks_to_the_smallest_case():
    network = find(make.architectures(), lambda _: True)
    assert network == Network(1, (Dense(1, bias=False),))
    deep = find(make.architectures(), lambda n: any(isinstance(x, Activate) for x in n.layers))
    assert deep == Network.of(1, Dense(1, bias=False), "identity", Dense(1, bias=False))
    box = find(make.boxes(network), lambda _: True)
    assert box.weight_norms == (1,)
    assert all(not any(w.fractions()) for w in find(make.weights(network, box), lambda _: True))
    data = find(make.data_sets(network, Loss.HALF_MSE, input_norm=Fraction(1)), lambda _: True)
    assert data.inputs.shape == (1, 1) and data.inputs.fractions() == (0,)
    assert find(make.losses(), lambda _: True) == Loss.HALF_MSE
    assert find(make.activations(), lambda _: True).pieces[0].expression == argument()
    assert find(make.step_sizes(), lambda _: True) == 2


@pytest.mark.parametrize("denominator", [1, 3])
def test_the_exact_norm_check_sees_a_norm_that_is_too_large(denominator):
    from proofs.kernel.tensors import ExactTensor

    # [[1, 1], [1, 1]] has the spectral norm 2 exactly.
    ones = ExactTensor.from_fractions((2, 2), (Fraction(1, denominator),) * 4)
    assert norm_at_most(ones, Fraction(2, denominator))
    assert not norm_at_most(ones, Fraction(2, denominator) - Fraction(1, 10**9))


@pytest.mark.parametrize("loss", [Loss.BCE, Loss.HUBER, Loss.huber(Fraction(1, 8)), Loss.MSE])
def test_targets_shrink_to_zeros_and_those_of_cross_entropy_to_the_first_class(loss: Loss) -> None:
    assert find(make.targets(loss=loss, count=2, width=2), lambda _: True).fractions() == (0, 0, 0, 0)
    classes = find(make.targets(loss=Loss.CROSS_ENTROPY, count=1, width=3), lambda _: True)
    assert classes.fractions() == (1, 0, 0)


def test_targets_of_bce_are_labels_and_fractions_between_them() -> None:
    drawn = make.targets(loss=Loss.BCE, count=1, width=2)
    assert find(drawn, lambda y: 1 in y.fractions()).fractions() in [(0, 1), (1, 0)]
    assert any(
        0 < entry < 1
        for entry in find(drawn, lambda y: 1 not in y.fractions() and any(y.fractions())).fractions()
    )


def test_losses_of_every_kind_are_drawn_and_huber_shrinks_to_delta_one() -> None:
    found: set[LossKind] = set()

    @given(make.losses())
    @EXAMPLES
    def collect(loss):
        found.add(loss.kind)

    collect()
    assert found == set(LossKind)
    assert find(make.losses(), lambda loss: loss.kind is LossKind.HUBER) == Loss.HUBER
    small = find(make.losses(), lambda loss: loss.kind is LossKind.HUBER and loss != Loss.HUBER)
    assert small == Loss.huber(Fraction(1, 2))
    assert find(make.losses(among=[Loss.BCE]), lambda _: True) == Loss.BCE


def test_losses_are_printed_in_short_as_what_makes_them() -> None:
    assert pretty(Loss.huber(Fraction(1, 2))) == "Loss.huber(Fraction(1, 2))"
    assert pretty([Loss.CROSS_ENTROPY, Loss.HALF_MSE]) == "[Loss.CROSS_ENTROPY, Loss.HALF_MSE]"
