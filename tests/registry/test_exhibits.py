"""Exhibits: every false form fails and every true one holds, by a computation that can fail."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import arb, fmpq, fmpq_mat

import proofs.exhibits.analyticity as analytic
from proofs.exhibits import EVERY_STEP, GENERIC_DATA, OTHER_ORDER, ExhibitFailed
from proofs.exhibits.steps import one_step, two_steps_at_rest
from proofs.exhibits.weierstrass import quotients, value
from proofs.kernel.core import replay
from proofs.kernel.set_claims import AlmostEverywhereAnalytic, NonSingular, Null, Singular
from proofs.registry import registry

EXHIBITS = list({e.name: e for s in registry() for e in s.exhibits}.values())


@pytest.mark.parametrize("exhibit", EXHIBITS, ids=lambda e: e.name)
def test_an_exhibit_is_computed_and_its_theorems_replay(exhibit):
    shown = exhibit.show()
    assert shown.fails and shown.holds and shown.theorems
    for theorem in shown.theorems.values():
        assert replay(theorem).sequent == theorem.sequent


def test_all_errata_of_activations_analyticity_and_steps_are_there():
    by_statement = {s.id: {e.name for e in s.exhibits} for s in registry()}
    assert by_statement["ACT"] == {"bounded-kinks", "gelu"}
    assert "other-order" in by_statement["AEA-3"] and "generic-data" in by_statement["AEA-4"]
    assert {"every-step", "two-wells"} <= by_statement["NSG-1"]
    assert by_statement["NSG-3"] == {"start-at-rest", "proximal-kinks", "adaptive"}


def test_difference_quotients_that_settle_are_not_shown(monkeypatch):
    from proofs.exhibits import weierstrass

    monkeypatch.setattr(weierstrass, "value", lambda x: arb(fmpq(x.numerator, x.denominator)).cos_pi())
    with pytest.raises(ExhibitFailed):
        OTHER_ORDER.show()


def test_the_weierstrass_function_is_enclosed():
    assert value(Fraction(0)).contains(2)
    assert value(Fraction(1)).contains(-2)
    assert value(Fraction(1, 2)).overlaps(0)
    assert float(value(Fraction(1, 3)).rad()) < 1e-30


def test_difference_quotients_grow_on_both_sides_with_opposite_signs():
    found = quotients(Fraction(1, 7), 6)
    sizes = [min(side.size_at_least for side in pair) for pair in found]
    assert all(bool(left.ball * right.ball < 0) for left, right in found)
    assert all(left.h < 0 < right.h for left, right in found)
    assert sizes[-1] > 1000 * sizes[0] > 0


def test_special_data_are_refused_and_generic_ones_are_not():
    shown = GENERIC_DATA.show()
    assert isinstance(shown.theorems["entrywise"].claim, AlmostEverywhereAnalytic)
    assert not shown.theorems["entrywise"].hypotheses
    assert len(shown.theorems["generic"].hypotheses) == 1


def test_the_two_verdicts_about_1_2_1():
    theorems = EVERY_STEP.show().theorems
    assert isinstance(theorems["singular"].claim, Singular)
    assert isinstance(theorems["non_singular"].claim, NonSingular)


def test_two_steps_from_rest_collapse_at_a_half_alone():
    hessian = fmpq_mat(2, 2, [fmpq(1), fmpq(0), fmpq(0), fmpq(0)])
    half, third = fmpq(1, 2), fmpq(1, 3)
    assert two_steps_at_rest(hessian, half, half).det() == 0
    assert two_steps_at_rest(hessian, third, half).det() != 0
    assert two_steps_at_rest(hessian, half, third).det() != 0
    assert one_step(hessian, half).det() == half


def test_the_line_of_the_counterexample_is_null():
    assert isinstance(OTHER_ORDER.show().theorems["line"].claim, Null)


def test_a_kink_beyond_the_bound_is_noticed(monkeypatch):
    monkeypatch.setattr(analytic, "MOST_KINKS", 3)
    with pytest.raises(ExhibitFailed):
        analytic.KINKS.show()
