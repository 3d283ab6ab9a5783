"""Attacks on LOSS: |D l[u]| <= g J_f and |D^2 l[u,u]| <= h J_f^2 + g K_f along random directions.

g and h are read off the theorems in symbols; a is a proved bound of ||f|| over the box, J_f and K_f are
the actual ||D f[u]|| and ||D^2 f[u,u]||.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from hypothesis.strategies import SearchStrategy

from numerics import strategies as make
from numerics.search.attack import Attack
from numerics.search.network_target import BoxTarget
from numerics.search.quantities import Quantity, without
from numerics.search.right_side import half, over_root_two
from numerics.search.settings import NetworkSetting
from numerics.search.values import Scalar, Values
from proofs.errors import GradlemmaError
from proofs.kernel.core import Theorem
from proofs.kernel.scalars import Atom, Let, Real
from proofs.network import Loss, LossKind
from proofs.theorems.node_norms import node_norm
from proofs.theorems.rows import loss_in_symbols

from ._bounds_of import right_of
from ._settings import network_settings, wild_functions

__all__ = ["LossRow"]

LEFT = {"first": "|D l[u]|", "second": "|D^2 l[u,u]|"}


@dataclass(frozen=True, slots=True)
class LossRow(Attack):
    """LOSS of one kind, at the output f of a network."""

    kind: LossKind
    statement: str
    dropped: str | None = None

    def covers(self, setting: Any) -> bool:
        return Attack.covers(self, setting) and setting.loss is not None and setting.loss.kind is self.kind

    def settings(self) -> SearchStrategy[Any]:
        losses = make.losses().filter(lambda loss: loss.kind is self.kind)
        if self.dropped is not None and self.kind is LossKind.HUBER:
            # Residuals stay where the loss is quadratic, so that norms enter its gradient.
            losses = make.losses(among=[Loss.huber(16)])
        wide = self.dropped in ("targets", "factor-sqrt2")
        networks = make.architectures(activations=wild_functions(), max_depth=2, min_output=2 if wide else 1)
        return network_settings(losses=losses, networks=networks, max_samples=1)

    def prepare(self, setting: Any) -> BoxTarget:
        quantities = _rows(setting)
        if self.dropped == "factor-2":
            quantities = [without(quantity, half, "the factor 2") for quantity in quantities]
        if self.dropped == "factor-sqrt2":
            quantities = [without(quantities[0], over_root_two, "sqrt(2)")]
        return BoxTarget(setting, self.dropped, quantities)


def _rows(setting: NetworkSetting) -> list[Quantity]:
    network, loss = setting.network, setting.loss
    if loss is None:
        raise GradlemmaError("expected a setting with a loss")
    theorems = dict(_theorems(loss, network.output_dim))
    symbols = {
        "a": right_of(node_norm(network, len(network.layers), setting.box, setting.input_norm)).constant(),
        "m": setting.target_norm,
    }

    def atom(values: Values, inner: Atom) -> Scalar:
        match inner:
            case Real(name=name) if symbols.get(name) is not None:
                return values.number(symbols[name])
            case Let(name=name):
                return values.node(-1, 1 if name.startswith("J") else 2)
            case _:
                raise GradlemmaError(f"expected an atom of the loss's row but got {inner!r}")

    found: list[Quantity] = []
    for name, theorem in theorems.items():
        order = 1 if name.startswith("first") else 2
        right = "g J_f" if order == 1 else "h J_f^2 + g K_f"
        says = f"{LEFT[name.removesuffix('_by_target')]} <= {right}"
        found.append(Quantity(name, says, _left(order), right_of(theorem), atom, order, True))
    return found


def _left(order: int) -> Any:
    return lambda values: values.loss(order)


@cache
def _theorems(loss: Loss, outputs: int) -> tuple[tuple[str, Theorem], ...]:
    return tuple(loss_in_symbols(loss, outputs).items())
