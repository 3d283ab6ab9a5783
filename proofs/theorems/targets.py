"""What is known of the targets: the range that the worst case assumes, and that given data are in it."""

from __future__ import annotations

from fractions import Fraction
from typing import assert_never

from flint import fmpq

from proofs.errors import GradlemmaError
from proofs.kernel.claims import Claim, Compare, EntriesIn, Relation, Simplex
from proofs.kernel.core import Rule
from proofs.kernel.rules import DataNorm, DataRange, DataSimplex
from proofs.kernel.scalars import Norm, number
from proofs.kernel.terms import Variable
from proofs.network import Loss, LossKind

from .tactics import rational

__all__ = ["data_rule", "target_range"]

ZERO, ONE = fmpq(0), fmpq(1)


def target_range(loss: Loss, target: Variable, target_norm: Fraction | None) -> Claim | None:
    """The claim about one sample's target that the worst case may use; None where it needs none.

    Raises:
        GradlemmaError: if the loss needs a bound of the targets' norms and there is none.
    """
    match loss.kind:
        case LossKind.CROSS_ENTROPY:
            return Simplex(target)
        case LossKind.BCE:
            return EntriesIn(target, ZERO, ONE)
        case LossKind.MSE | LossKind.HALF_MSE:
            if target_norm is None:
                raise GradlemmaError("expected a bound of the targets' norms for a squared loss")
        case LossKind.HUBER:
            if target_norm is None:
                return None
        case _:
            assert_never(loss.kind)
    return Compare(Norm(target).poly(), Relation.LE, number(target_norm))


def data_rule(
    loss: Loss,
    samples: tuple[Variable, ...],
    digests: tuple[str, ...],
    target: Variable,
    target_norm: Fraction | None,
) -> Rule | None:
    """The rule that shows `target_range` for every sample of given data; None where there is no range."""
    match loss.kind:
        case LossKind.CROSS_ENTROPY:
            return DataSimplex(samples, digests, target)
        case LossKind.BCE:
            return DataRange(samples, digests, target, ZERO, ONE)
        case LossKind.MSE | LossKind.HALF_MSE | LossKind.HUBER:
            if target_norm is None:
                return None
            return DataNorm(samples, digests, target, rational(target_norm))
        case _:
            assert_never(loss.kind)
