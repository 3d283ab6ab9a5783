"""The rule of ranks at a point."""

from __future__ import annotations

import numpy as np
import pytest
from flint import fmpq

from proofs.errors import KernelError
from proofs.kernel.core import infer, replay
from proofs.kernel.maps import Contract, Entry, Fixed, ParameterBlock, RankDet, Total
from proofs.kernel.rules.ranks import RankAt, jacobian_at
from proofs.kernel.rules.zeros import ZERO
from proofs.kernel.set_claims import NotWithin
from proofs.kernel.sets import LevelSet, Whole
from proofs.network import activation
from proofs.theorems.analyticity_instances import convolution

W, H = ParameterBlock("W", (2, 2)), ParameterBlock("h", (2,))
PRODUCT = Contract("ij,j->i", W, H)


def point(**entries):
    return tuple(sorted((name, tuple(fmpq(q) for q in values)) for name, values in entries.items()))


def test_rank_at_accepts_a_point_of_full_rank():
    theorem = infer(RankAt(PRODUCT, point(W=(0, 0, 0, 0), h=(1, 0))))
    assert theorem.claim is NotWithin(Whole(), LevelSet(RankDet(PRODUCT), ZERO))
    assert not theorem.hypotheses and not theorem.trust
    assert replay(theorem).sequent == theorem.sequent


@pytest.mark.parametrize(
    ("node", "at"),
    [
        (PRODUCT, point(W=(1, 1, 1, 1), h=(0, 0))),
        (PRODUCT, point(W=(1, 1, 1, 1))),
        (PRODUCT, point(W=(1, 1, 1, 1), h=(1,))),
        (PRODUCT, point(W=(1, 1, 1, 1), h=())),
        (convolution((1, 0, 0)), point(k=(1, 1))),
        (Total((PRODUCT, Fixed((2,), (fmpq(1), fmpq(1))))), point(W=(0, 0, 0, 0), h=(0, 0))),
        (Entry(activation("relu"), H), point(h=(1, 1))),
        (Fixed((1,), (fmpq(1),)), ()),
    ],
)
def test_rank_at_refuses(node, at):
    with pytest.raises(KernelError):
        infer(RankAt(node, at))


def test_rank_at_refuses_a_premise():
    theorem = infer(RankAt(PRODUCT, point(W=(0, 0, 0, 0), h=(1, 0))))
    with pytest.raises(KernelError):
        infer(RankAt(PRODUCT, point(W=(0, 0, 0, 0), h=(1, 0))), theorem)


def test_rank_at_holds_as_the_jacobian_is_that_of_differences():
    rng = np.random.default_rng(5)
    numbers = rng.integers(-4, 5, 6).tolist()
    exact = jacobian_at(PRODUCT, point(W=numbers[:4], h=numbers[4:]))

    def product(theta):
        return theta[:4].reshape(2, 2) @ theta[4:]

    theta, step = np.array(numbers, dtype=float), 1e-6
    for k in range(6):
        away = step * np.eye(6)[k]
        slope = (product(theta + away) - product(theta - away)) / (2 * step)
        assert slope == pytest.approx([as_float(exact[i, k]) for i in range(2)], abs=1e-8)


def as_float(value):
    return int(value.p) / int(value.q)
