"""Floats and exact numbers read both sides of every statement alike, attack by attack."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from numerics.exact.compare import compare
from numerics.search.attacks import ATTACKS
from numerics.search.batches import Batch, exact_instance
from proofs.errors import GradlemmaError

EXAMPLES = settings(max_examples=12, suppress_health_check=list(HealthCheck))


def readings(target, quantity, seed):
    """(margin in floats, exact comparison) of instances that satisfy the hypotheses."""
    batch = target.draw(torch.Generator().manual_seed(seed), 6, quantity)
    batch = target.refresh(batch, quantity, 2)
    for index in range(len(batch)):
        instance = target.restored(exact_instance(batch, index), quantity)
        if target.admits(instance, quantity):
            moved = Batch({n: torch.from_numpy(t.to_numpy()).unsqueeze(0) for n, t in instance.items()})
            yield float(target.margins(moved, quantity)[0]), instance


RATIOS = sorted(name for name, attack in ATTACKS.items() if attack(None).is_ratio)
STEPS = sorted(set(ATTACKS) - set(RATIOS))


@pytest.mark.parametrize("statement", RATIOS)
@given(data=st.data())
@EXAMPLES
def test_the_margin_is_the_same_in_floats_and_exactly(statement, data):
    attack = ATTACKS[statement](None)
    setting = data.draw(attack.settings())
    try:
        target = attack.prepare(setting)
    except GradlemmaError:
        return
    for quantity in target.quantities:
        for margin, instance in readings(target, quantity, 7):
            try:
                left, right = exact_sides(target, instance, quantity)
            except GradlemmaError:
                continue  # on a kink
            if right == 0.0:
                assert margin == -1.0 or margin > 1e290
            else:
                assert math.isclose(margin, left / right - 1.0, rel_tol=1e-7, abs_tol=1e-7)


@pytest.mark.parametrize("statement", STEPS)
@given(data=st.data())
@EXAMPLES
def test_the_margin_of_a_step_tells_whether_the_determinant_is_zero(statement, data):
    attack = ATTACKS[statement](None)
    try:
        target = attack.prepare(data.draw(attack.settings()))
    except GradlemmaError:
        return
    for quantity in target.quantities:
        for margin, instance in readings(target, quantity, 7):
            try:
                singular = determinant_is_zero(target, instance)
            except GradlemmaError:
                continue  # on a kink
            if quantity == "open":
                assert (margin > 0) == singular
            elif quantity == "stays" and margin >= 0:
                assert (margin < 1e-9) == singular


def determinant_is_zero(target, instance):
    from numerics.map_cases import case_at
    from numerics.search.step_target import embedded, identity
    from proofs.kernel.map_hessians import exact_hessian

    point = target.point(instance)
    case = case_at(target.loss, point)
    hessian = embedded(target.loss, case, exact_hessian(case, point)[2])
    return (identity(target.size) - hessian * target.step).det() == 0


def exact_sides(target, instance, quantity):
    """Both sides of the exact re-check as floats, taken on their way to the comparison."""
    seen = []

    def spy(left, right):
        seen.append((float(left), float(right)))
        return compare(left, right)

    module = __import__(type(target).recheck.__module__, fromlist=["compare"])
    original, module.compare = module.compare, spy
    try:
        target.recheck(instance, quantity)
    finally:
        module.compare = original
    return abs(seen[0][0]), seen[0][1]


@pytest.mark.parametrize("statement", sorted(ATTACKS))
@given(data=st.data())
@EXAMPLES
def test_drawn_instances_satisfy_the_hypotheses_after_rounding(statement, data):
    """Without a dropped hypothesis an instance moved into the exact range is admitted."""
    attack = ATTACKS[statement](None)
    try:
        target = attack.prepare(data.draw(attack.settings()))
    except GradlemmaError:
        return
    quantity = target.quantities[0]
    batch = target.draw(torch.Generator().manual_seed(1), 8, quantity)
    admitted = sum(
        target.admits(target.restored(exact_instance(batch, i), quantity), quantity) for i in range(8)
    )
    assert admitted >= (6 if statement != "ACT" else 1)


def test_the_comparison_refutes_only_what_is_shown():
    from flint import arb, fmpq

    assert compare(fmpq(3), fmpq(2)).refuted
    assert not compare(fmpq(2), fmpq(2)).refuted
    assert not compare(arb(2, 1), fmpq(2)).refuted
    assert not compare(arb("nan"), fmpq(2)).refuted
    assert not compare(arb("inf"), fmpq(2)).refuted
    assert compare(fmpq(-3), fmpq(2)).refuted  # |left|
    assert compare(fmpq(3), fmpq(2)).margin == 0.5


def test_rounding_keeps_short_numbers():
    from numerics.search.batches import rounded
    from proofs.kernel.tensors import ExactTensor

    tensor = ExactTensor.from_fractions((3,), (Fraction(1, 3), Fraction(-5, 2), Fraction(7)))
    assert rounded(tensor, 2).fractions() == (Fraction(1, 2), Fraction(-5, 2), Fraction(7))
