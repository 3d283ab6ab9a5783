"""The attacks by statement id."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from numerics.search.attack import Attack
from proofs.network import LossKind

from .act import Act
from .bnd1 import Bnd1, Bnd1Joint
from .bnd2 import Bnd2
from .bnd3 import Bnd3
from .dead import Dead
from .jet import JetActivation, JetAffine, JetOne
from .loss import LossRow
from .momentum import Momentum
from .steps import EveryStep, ExceptionalStep

__all__ = ["ATTACKS"]


def _loss(kind: LossKind) -> Callable[[str | None], Attack]:
    return lambda dropped: LossRow(kind, f"LOSS-{kind.value}", dropped)


# What makes the attack on a statement, without a hypothesis or with all (None).
ATTACKS: Mapping[str, Callable[[str | None], Attack]] = {
    "ACT": Act,
    "JET-affine": JetAffine,
    "JET-activation": JetActivation,
    "JET-1": JetOne,
    **{f"LOSS-{kind.value}": _loss(kind) for kind in LossKind},
    "BND-1": Bnd1,
    "BND-1-joint": Bnd1Joint,
    "BND-2": Bnd2,
    "BND-3": Bnd3,
    "NSG-1": EveryStep,
    "NSG-2": ExceptionalStep,
    "NSG-2-dead": Dead,
    "NSG-3": Momentum,
}
