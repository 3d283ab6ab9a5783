"""Attacks on BND-2: the closed form for uniform weight norms at depths 1 to 4."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from numerics import strategies as make
from numerics.search.attack import Attack
from numerics.search.network_target import BoxTarget
from numerics.search.quantities import Quantity, of_loss
from numerics.search.settings import NetworkSetting
from numerics.search.values import Scalar, Values, evaluate, no_atom
from proofs.errors import GradlemmaError
from proofs.kernel.scalars import Atom, Poly, Real, number
from proofs.kernel.univariate import Univariate
from proofs.network import CATALOGUE, Activate, Dense, Layer, Loss, Network, activation
from proofs.theorems.bnd2 import UniformBounds, uniform_bounds

from ._bounds_of import bound_of, constant_of
from ._settings import network_settings
from .bnd1 import dropped_factor

__all__ = ["Bnd2"]

MAX_DEPTH = 4
_NEEDED: tuple[tuple[int, Fraction | None], ...] = ((0, Fraction(0)), (1, None), (2, None))


@cache
def _vanishing() -> tuple[Univariate, ...]:
    """The rows of the catalogue with phi(0) = 0 and finite constants that do not jump, identity first."""
    names = ["identity", *(name for name in CATALOGUE if name not in ("identity", "sign", "round"))]
    return tuple(function for function in map(activation, names) if _is_covered(function))


def _is_covered(function: Univariate) -> bool:
    try:
        at_zero, _, _ = (constant_of(function, order, radius) for order, radius in _NEEDED)
    except GradlemmaError:
        return False
    return at_zero == number(0)


@st.composite
def _networks(draw: DrawFn, *, tied: bool, least_output: int) -> Network:
    """One activation in all layers, no biases; square layers where they share a weight."""
    function = draw(st.sampled_from(_vanishing()))
    depth = draw(st.integers(2 if tied else 1, MAX_DEPTH))
    narrow = draw(st.integers(least_output, 3))
    layers: list[Layer] = []
    for index in range(depth):
        last = index == depth - 1
        layers.append(Dense(narrow if tied or last else draw(st.integers(1, 3)), bias=False))
        if not last:
            layers.append(Activate(function))
    return Network(narrow if tied else draw(st.integers(1, 3)), tuple(layers))


@dataclass(frozen=True, slots=True)
class Bnd2(Attack):
    """BND-2, or without one of its hypotheses."""

    dropped: str | None = None
    statement: str = "BND-2"

    def covers(self, setting: Any) -> bool:
        layers = setting.network.layers
        functions = {layer.activation for layer in layers if isinstance(layer, Activate)}
        plain = not any(isinstance(layer, Dense) and layer.bias for layer in layers)
        uniform = len(set(setting.box.weight_norms)) == 1 and len(functions) <= 1
        return Attack.covers(self, setting) and plain and uniform and setting.loss == Loss.CROSS_ENTROPY

    def settings(self) -> SearchStrategy[Any]:
        tied = self.dropped == "fresh-parameters"
        networks = _networks(tied=tied, least_output=1 if tied else 2)
        return network_settings(
            losses=make.losses(among=[Loss.CROSS_ENTROPY]), networks=networks, uniform=True, tied=tied
        )

    def prepare(self, setting: Any) -> BoxTarget:
        functions = [layer.activation for layer in setting.network.layers if isinstance(layer, Activate)]
        function = functions[0] if functions else activation("identity")
        quantities = dropped_factor(_own(setting, function), self.dropped)
        if function.is_analytic:
            quantities += dropped_factor(_of_any_smooth(setting, function), self.dropped)
        return BoxTarget(setting, self.dropped, quantities)


def _own(setting: NetworkSetting, function: Univariate) -> list[Quantity]:
    """The bounds that are derived for the activation itself."""
    return _bounds("", _uniform(setting.network.depth, function.name), _sizes(setting))


def _of_any_smooth(setting: NetworkSetting, function: Univariate) -> list[Quantity]:
    """The bounds for any smooth activation, with the constants of this one."""
    symbols = _sizes(setting) | {"beta": constant_of(function, 1), "gamma": constant_of(function, 2)}
    return _bounds("smooth.", _uniform(setting.network.depth, None), symbols)


def _sizes(setting: NetworkSetting) -> dict[str, Poly]:
    return {"s": number(setting.box.weight_norms[0]), "M": number(setting.input_norm)}


def _bounds(prefix: str, found: UniformBounds, symbols: dict[str, Poly]) -> list[Quantity]:
    def atom(values: Values, inner: Atom) -> Scalar:
        if isinstance(inner, Real) and inner.name in symbols:
            return evaluate(symbols[inner.name], values, no_atom)
        raise GradlemmaError(f"expected an atom of BND-2 but got {inner!r}")

    return [
        of_loss(f"{prefix}G_max", 1, bound_of(found.gradient), atom),
        of_loss(f"{prefix}H_max", 2, bound_of(found.hessian), atom),
    ]


@cache
def _uniform(depth: int, name: str | None) -> UniformBounds:
    return uniform_bounds(depth, name)
