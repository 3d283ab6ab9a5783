"""The attacks by statement id: what can be dropped from each, and how an attack is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from numerics.search.attack import Attack

from .bnd1 import Bnd1

__all__ = ["ATTACKS", "Attackable", "drops_of"]


@dataclass(frozen=True, slots=True)
class Attackable:
    """A statement that can be attacked.

    drops: for every hypothesis or factor that can be dropped, how instances violate it alone.
    make: the attack, with a dropped hypothesis or None.
    """

    statement: str
    says: str
    drops: Mapping[str, str]
    make: Callable[[str | None], Attack]


_NETWORK_DROPS = {
    "weight-norms": "weights up to 4 times as large as the box allows",
    "bias-norms": "biases up to 4 times as large as the box allows",
    "input-norm": "inputs up to 4 times as long",
    "targets": "targets of cross-entropy that are no probability vectors",
    "target-norm": "targets up to 4 times as long",
    "factor-sqrt2": "the bound of the gradient for cross-entropy without its factor sqrt(2)",
}

_LISTED = (
    Attackable(
        "BND-1",
        "||grad L|| <= G_max and ||Hess L|| <= H_max over the box and all data in range",
        _NETWORK_DROPS,
        lambda dropped: Bnd1(dropped=dropped),
    ),
)

ATTACKS: dict[str, Attackable] = {listed.statement: listed for listed in _LISTED}


def drops_of(statement: str) -> tuple[str, ...]:
    """What can be dropped from the statement."""
    return tuple(ATTACKS[statement].drops)
