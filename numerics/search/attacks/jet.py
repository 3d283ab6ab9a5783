"""Attacks on the rows of JET and on JET-1: a node and its derivatives along random directions.

The rows are read off their theorems in symbols; s, c and a take the values of the setting, J and K the
actual ||D h[u]|| and ||D^2 h[u,u]|| of the node before, so that they bound them with equality.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from numerics import strategies as make
from numerics.search.attack import Attack
from numerics.search.network_target import BoxTarget
from numerics.search.quantities import Quantity, of_node, without
from numerics.search.right_side import without_bias_one, without_cross_factor, without_term
from numerics.search.settings import NetworkSetting
from numerics.search.values import Scalar, Values, evaluate
from proofs.errors import GradlemmaError
from proofs.kernel.core import Theorem
from proofs.kernel.scalars import Atom, DirectionNorm, Let, Norm, Poly, Real
from proofs.network import Activate, Dense, Network
from proofs.theorems.node_norms import node_norm, output_norms
from proofs.theorems.rows import activation_in_symbols, affine_in_symbols

from ._bounds_of import bound_of, constant_of, right_of
from ._settings import network_settings, tied_networks, wild_functions

__all__ = ["JetActivation", "JetAffine", "JetOne"]

ROWS = {"value": 0, "first": 1, "second": 2}
LEFT = ("||{0}||", "||D {0}[u]||", "||D^2 {0}[u,u]||")


def _row(
    name: str, node: str, theorem: Theorem, right: str, atom: Callable[[Values, Atom], Scalar]
) -> Quantity:
    order = ROWS[name]
    says = f"{LEFT[order].format(node)} <= {right}"
    return Quantity(name, says, lambda values: values.node(-1, order), right_of(theorem), atom, order, False)


@dataclass(frozen=True, slots=True)
class JetAffine(Attack):
    """The row of an affine layer, which is the last layer of the network; then ||D z|| <= ||j||_2."""

    dropped: str | None = None
    statement: str = "JET-affine"

    def settings(self) -> SearchStrategy[Any]:
        if self.dropped == "fresh-parameters":
            return network_settings(losses=None, networks=tied_networks(), max_samples=1, tied=True)
        bias = True if self.dropped in ("bias-norms", "bias-one") else None
        networks = make.architectures(activations=wild_functions(), bias=bias)
        return network_settings(losses=None, networks=networks, max_samples=1)

    def prepare(self, setting: Any) -> BoxTarget:
        output = output_norms(setting.network, setting.box, setting.input_norm)["first"]
        blocks = of_node("blocks", 1, bound_of(output), "||j||_2")
        if self.dropped == "fresh-parameters":
            return BoxTarget(setting, self.dropped, [blocks])
        rows = _affine_rows(setting)
        match self.dropped:
            case "factor-2":
                rows = [without(rows[2], without_cross_factor, "the factor 2")]
            case "bias-one":
                rows = [without(rows[1], without_bias_one, "the 1 under the root")]
            case "weight-norms" | "bias-norms" | "node-norm":
                pass
            case _:
                rows = [*rows, blocks]
        return BoxTarget(setting, self.dropped, rows)


def _affine_rows(setting: NetworkSetting) -> list[Quantity]:
    """The three inequalities of the row for the last layer."""
    network = setting.network
    last = network.layers[-1]
    if not isinstance(last, Dense):
        raise GradlemmaError("expected a network that ends with a dense layer")
    before = right_of(node_norm(network, len(network.layers) - 1, setting.box, setting.input_norm))
    symbols = {
        "s": setting.box.weight_norms[-1],
        "c": setting.box.bias_norms[-1] or 0 * setting.input_norm,
        "a": before.constant(),
    }
    names = tuple(p.name for p in network.parameters() if p.layer == network.depth)

    def atom(values: Values, inner: Atom) -> Scalar:
        match inner:
            case Real(name=name) if symbols.get(name) is not None:
                return values.number(symbols[name])
            case Let(name=name):
                return values.node(-2, 1 if name.startswith("J") else 2)
            case DirectionNorm():
                return values.direction(*names)
            case _:
                raise GradlemmaError(f"expected an atom of the affine row but got {inner!r}")

    right = {"value": "s a + c", "first": "s J_h + root(1 + a^2) ||u_g||", "second": "s K_h + 2 J_h ||u_g||"}
    theorems = dict(_affine())
    return [_row(name, "z", theorems[name], right[name], atom) for name in ROWS]


@cache
def _affine() -> tuple[tuple[str, Theorem], ...]:
    # A layer without bias has the row of one with b = 0 and u_b = 0.
    return tuple(affine_in_symbols().items())


@st.composite
def _ending_in_activation(draw: DrawFn) -> Network:
    functions = make.activations(bounded_slopes=False)
    inner = draw(make.architectures(activations=functions, max_depth=2))
    return Network(inner.input_dim, (*inner.layers, Activate(draw(functions))))


@dataclass(frozen=True, slots=True)
class JetActivation(Attack):
    """The row of an entrywise activation, which is the last layer of the network."""

    dropped: str | None = None
    statement: str = "JET-activation"

    def settings(self) -> SearchStrategy[Any]:
        return network_settings(losses=None, networks=_ending_in_activation(), max_samples=1)

    def prepare(self, setting: Any) -> BoxTarget:
        rows = _activation_rows(setting)
        if self.dropped == "bend-term":
            rows = [without(rows[2], lambda form: without_term(form, "gamma"), "the term gamma J_z^2")]
        return BoxTarget(setting, self.dropped, rows)


def _activation_rows(setting: NetworkSetting) -> list[Quantity]:
    """The three inequalities of the row, with the derived constants of the activation on all of R."""
    network, last = setting.network, setting.network.layers[-1]
    if not isinstance(last, Activate):
        raise GradlemmaError("expected a network that ends with an activation")
    function = last.activation
    # The value's bound needs continuity: it is refused with the secant slope.
    constant_of(function, -1)
    symbols: dict[str, Poly] = {
        "a": constant_of(function, 0, 0 * setting.input_norm),
        "beta": constant_of(function, 1),
        "gamma": constant_of(function, 2),
    }

    def atom(values: Values, inner: Atom) -> Scalar:
        match inner:
            case Real(name=name) if name in symbols:
                return evaluate(symbols[name], values, lambda other: atom(values, other))
            case Let(name=name):
                return values.node(-2, 1 if name.startswith("J") else 2)
            case Norm():
                return values.node(-2, 0)
            case _:
                raise GradlemmaError(f"expected an atom of the activation's row but got {inner!r}")

    right = {
        "value": "root(n) |phi(0)| + beta ||z||",
        "first": "beta J_z",
        "second": "beta K_z + gamma J_z^2",
    }
    theorems = dict(_entrywise(network.output_dim))
    return [_row(name, "h", theorems[name], right[name], atom) for name in ROWS]


@cache
def _entrywise(entries: int) -> tuple[tuple[str, Theorem], ...]:
    return tuple(activation_in_symbols(entries).items())


@dataclass(frozen=True, slots=True)
class JetOne(Attack):
    """||D f|| <= ||j||_2 and ||D^2 f|| <= lambda for the network's output f."""

    dropped: str | None = None
    statement: str = "JET-1"

    def settings(self) -> SearchStrategy[Any]:
        tied = self.dropped == "fresh-parameters"
        networks = tied_networks() if tied else make.architectures(activations=wild_functions())
        return network_settings(losses=None, networks=networks, max_samples=1, tied=tied)

    def prepare(self, setting: Any) -> BoxTarget:
        found = output_norms(setting.network, setting.box, setting.input_norm)
        quantities = [of_node("first", 1, bound_of(found["first"]), "||j||_2")]
        if "second" in found:
            quantities.append(of_node("second", 2, bound_of(found["second"]), "lambda"))
        return BoxTarget(setting, self.dropped, quantities)
