"""AEA-1 of one layer and the rank lemma: what they assume, what they say, and what they do not give."""

from __future__ import annotations

import pytest
from flint import fmpq

from proofs.errors import KernelError
from proofs.kernel.core import infer, replay
from proofs.kernel.maps import Contract, Opaque, ParameterBlock
from proofs.kernel.rules.logic import Cut
from proofs.kernel.rules.sets import PutIn
from proofs.kernel.rules.zeros import ZERO, IndependentByForm
from proofs.kernel.set_claims import (
    AlmostEverywhereAnalytic,
    Independent,
    NonSingular,
    NotWithin,
    Null,
    OuterAnalytic,
    Singular,
    Within,
)
from proofs.kernel.sets import Boundary, Empty, LevelSet
from proofs.theorems.analyticity_instances import (
    attention_analytic,
    convolution_analytic,
    empirical_loss_analytic,
    relu_121,
    singular_set,
)
from proofs.theorems.layer_analyticity import (
    INNER,
    WEIGHT,
    biased_layer,
    layer_map,
    rank_lemma,
    split_layer,
    zero_boundary,
)
from proofs.theorems.map_analyticity import Analyticity, Route
from proofs.theorems.step_instances import (
    decayed,
    optimisers,
    scalar_loss,
    studied,
    two_wells,
    weight_decay,
)


def kinds(theorem):
    return sorted(type(claim).__name__ for claim in theorem.hypotheses)


def test_a_layer_is_analytic_under_three_hypotheses():
    split = split_layer()
    assert split.analytic.claim is AlmostEverywhereAnalytic(layer_map())
    assert kinds(split.analytic) == ["AlmostEverywhereAnalytic", "Independent", "OuterAnalytic"]
    assert isinstance(split.nice_zeros.claim, Within) and isinstance(split.nice_zeros.claim.outer, Empty)
    assert not split.nice_zeros.hypotheses
    assert zero_boundary(split.analytic).claim is Null(Boundary(LevelSet(layer_map(), ZERO)))
    for theorem in (split.bad, split.nice_zeros, split.nice_nonzeros, split.analytic, biased_layer()):
        assert replay(theorem).sequent == theorem.sequent


def test_a_layer_of_a_layer_is_an_instance():
    """Induction: W is put beside another matrix, of which it is independent by form."""
    inner = Opaque("rho", Contract("ij,j->i", ParameterBlock("V", (2, 2)), ParameterBlock("c", (2,))), (2,))
    found = infer(PutIn(((INNER, inner),), (), ()), split_layer().analytic)
    analytic = Analyticity(Route.LAYERED).almost_everywhere(inner)
    for shown in (infer(IndependentByForm(inner, WEIGHT)), analytic):
        found = infer(Cut(), shown, found)
    assert kinds(found) == ["OuterAnalytic", "OuterAnalytic"]


def test_a_matrix_that_is_used_twice_keeps_its_hypothesis():
    inner = Contract("ij,j->i", WEIGHT, ParameterBlock("c", (2,)))
    found = infer(PutIn(((INNER, inner),), (), ()), split_layer().analytic)
    assert Independent(inner, WEIGHT) in found.hypotheses
    with pytest.raises(KernelError, match="used twice"):
        infer(IndependentByForm(inner, WEIGHT))


def test_the_rank_lemma_says_what_it_assumes():
    lemma = rank_lemma()
    assert kinds(lemma.component) == ["NotWithin", "OuterAnalytic"]
    assert kinds(lemma.off_null) == ["AlmostEverywhereAnalytic", "Null", "OuterAnalytic"]
    assert kinds(lemma.analytic) == ["NotWithin", "OuterAnalytic", "Within"]
    assert isinstance(lemma.component.claim, Null)
    assert any(isinstance(claim, NotWithin) for claim in lemma.component.hypotheses)


@pytest.mark.parametrize("data", [(1, 2, 5), (0, 1, 0), (3, 1, 1)])
def test_convolutions_of_generic_data(data):
    (claim,) = convolution_analytic(data).hypotheses
    assert isinstance(claim, OuterAnalytic)


@pytest.mark.parametrize("data", [(1, 0, 0), (0, 0, 0), (1, 2, 4)])
def test_convolutions_of_special_data_are_refused(data):
    with pytest.raises(KernelError, match="onto"):
        convolution_analytic(data)


def test_attention_assumes_nothing_of_its_matrices():
    assert kinds(attention_analytic()) == ["AlmostEverywhereAnalytic"]


def test_losses_are_analytic_without_hypotheses():
    for theorem in empirical_loss_analytic().values():
        assert not theorem.hypotheses and isinstance(theorem.claim, AlmostEverywhereAnalytic)


def test_the_singular_set_of_1_2_1_is_named_and_null():
    found = singular_set()
    covered, null = found["covered"].claim, found["null"].claim
    assert isinstance(covered, Within) and covered.outer is null.region


def test_other_optimisers_speak_of_every_step_or_of_those_that_are_not_exceptional():
    found = optimisers()
    assert kinds(found["heavy_ball"]) == ["AlmostEverywhereAnalytic"]
    assert kinds(found["nesterov"]) == ["AlmostEverywhereAnalytic", "AvoidsExceptional"]
    assert kinds(found["schedule"]) == ["AlmostEverywhereAnalytic", "AvoidsExceptional", "AvoidsExceptional"]
    assert kinds(found["proximal"]) == ["Within"]


def test_weight_decay_moves_the_exceptional_steps():
    found = weight_decay()
    assert [type(found[name].claim) for name in ("half", "one", "third")] == [Singular, Singular, NonSingular]


def test_decay_adds_its_square_to_the_loss():
    from proofs.kernel.map_values import exact_values

    loss = relu_121()
    point = {b: (fmpq(1),) * n for b, n in (("W1", 2), ("b1", 2), ("W2", 2), ("b2", 1))}
    more = decayed(loss, fmpq(1, 3))
    assert exact_values(more, point)[more][0] - exact_values(loss, point)[loss][0] == fmpq(7, 6)


def test_two_wells_have_one_exceptional_step():
    found = studied(scalar_loss(two_wells()))
    assert {step.step.value for step in found.exceptional()} == {fmpq(1, 2)}
