"""Lines of a derivation evaluated by autograd: they hold, and a false one is caught."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch

from gradlemma.instances import instances_of
from numerics.box import Box as FloatBox
from numerics.evidence import Instance, evaluate_lines
from numerics.measure import measure
from proofs.kernel.claims import Compare, Relation
from proofs.kernel.core import infer, steps_of
from proofs.kernel.rules import Assume
from proofs.network import CATALOGUE, LOSSES, Dense, Loss, Network
from proofs.theorems.bounds import Box, Derivation
from proofs.theorems.constants import supremum


def _bounded(name: str) -> bool:
    from proofs.network import activation

    return supremum(activation(name), 1) is not None


def _setting(activation: str, loss: Loss, seed: int = 0):
    network = Network.of(3, Dense(4), activation, Dense(3, bias=False), activation, Dense(2))
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    x = x / x.norm(dim=1, keepdim=True)
    y = torch.eye(2, dtype=torch.float64)[torch.arange(5) % 2]
    work = Derivation(network, loss)
    reading = work.worst_case(
        Box((Fraction(2), Fraction(3, 2), Fraction(1)), (Fraction(1), None, Fraction(1, 2))),
        Fraction(2),
        Fraction(1),
    )
    measured = measure(
        network, loss, x, y, box=FloatBox((2.0, 1.5, 1.0), (1.0, None, 0.5)), generator=generator,
        random_points=6, ascent_steps=4,
    )  # fmt: skip
    places = (measured.box_random, measured.box_ascent)
    return network, reading, instances_of(network, loss, places, None, generator)


@pytest.mark.parametrize("activation", [name for name in CATALOGUE if _bounded(name)])
@pytest.mark.parametrize("loss", LOSSES)
def test_every_line_of_the_worst_case_holds_on_instances(activation, loss):
    _, reading, instances = _setting(activation, loss)
    steps = steps_of(reading.gradient.theorem, reading.hessian.theorem)
    lines = evaluate_lines(steps, instances)
    evaluated = [line for line in lines.values() if line.instances]
    assert not any(line.refuted for line in lines.values())
    assert len(evaluated) > 0.9 * len(lines)
    assert all(line.ratio >= 1 - 1e-9 for line in evaluated)


def test_a_false_line_is_refuted():
    _, reading, instances = _setting("tanh", Loss.CROSS_ENTROPY)
    true = next(
        step for step in steps_of(reading.hessian.theorem)
        if isinstance(step.claim, Compare) and type(step.rule).__name__ == "ApplyBound"
    )  # fmt: skip
    false = infer(Assume(Compare(true.claim.left, Relation.LE, true.claim.right * Fraction(1, 1000))))
    lines = evaluate_lines([true, false], instances)
    assert not lines[id(true)].refuted
    assert lines[id(false)].refuted


def test_an_overflow_is_undecided_and_no_pass():
    _, reading, instances = _setting("tanh", Loss.CROSS_ENTROPY)
    broken = instances[0]
    huge = {name: block * float("inf") for name, block in broken.theta.items()}
    bad = Instance(huge, {}, broken.sample, broken.direction, broken.mean_along, broken.mean_norm)
    step = next(s for s in steps_of(reading.hessian.theorem) if type(s.rule).__name__ == "ApplyBound")
    line = evaluate_lines([step], [bad])[id(step)]
    assert line.instances == 0
    assert line.undecided == 1
