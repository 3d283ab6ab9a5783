"""JET: the rows of the block-jet norm calculus for dense layers and activations, derived.

For a node F of the network the derivations give, at every theta where all nodes are twice
differentiable and for every direction u,
    ||D F[u]|| <= J_F,      ||D^2 F[u, u]|| <= K_F,
J_F a linear and K_F a quadratic form in the norms ||u_g|| of the groups g = (W_l, b_l), as
abbreviations that refer to the node before.  Norms of weights and nodes and the largest entries
of sigma'(z), sigma''(z) stay symbols; the readings of BND-3 put numbers in.
"""

from __future__ import annotations

from dataclasses import dataclass

from proofs.kernel.claims import Smooth
from proofs.kernel.core import Theorem, infer
from proofs.kernel.rules import (
    ApplyBound,
    Cauchy,
    Differentiate,
    EntryBound,
    Fold,
    GroupSplit,
    HadamardBound,
    SmoothByParts,
    SubgroupBound,
    Triangle,
)
from proofs.kernel.scalars import DirectionNorm, Let, number
from proofs.kernel.terms import (
    Abbreviation,
    Apply,
    Deriv,
    Entrywise,
    Hadamard,
    Named,
    Role,
    Sum,
    Term,
    Variable,
)
from proofs.kernel.univariate import Function
from proofs.network import Activate, Dense, Network

from .tactics import assume, combine, compare_of, norm, replace

__all__ = ["Group", "Jet", "NetworkJet", "activation_row", "dense_row", "input_jet", "network_jet"]


@dataclass(frozen=True, slots=True)
class Group:
    """The trained blocks of one dense layer: W_l and, if there is a bias, b_l."""

    layer: int
    weight: Variable
    bias: Variable | None

    @property
    def members(self) -> tuple[Variable, ...]:
        return (self.weight,) if self.bias is None else (self.weight, self.bias)

    @property
    def direction(self) -> DirectionNorm:
        return DirectionNorm(self.members)


@dataclass(frozen=True, slots=True)
class Jet:
    """A node with what is proved of its derivatives; None where it does not depend on theta.

    smooth: node is twice differentiable; first: ||D node[u]|| <= J; second: ||D^2 node|| <= K;
    signs: theorems 0 <= r for reals r in J and K.
    """

    node: Term
    smooth: Theorem | None
    first: Theorem | None
    second: Theorem | None
    signs: tuple[Theorem, ...] = ()

    def smooth_premises(self) -> tuple[Theorem, ...]:
        return () if self.smooth is None else (self.smooth,)


@dataclass(frozen=True, slots=True)
class NetworkJet:
    """The jets of all nodes: `jets[0]` is the input, `jets[i]` the output of layer i."""

    network: Network
    sample: Variable
    jets: tuple[Jet, ...]
    groups: tuple[Group, ...]

    @property
    def output(self) -> Jet:
        return self.jets[-1]

    @property
    def parameters(self) -> tuple[Variable, ...]:
        return tuple(member for group in self.groups for member in group.members)


def input_jet(dimension: int | str) -> Jet:
    """The input x: its derivatives vanish."""
    return Jet(Variable("x", (dimension,), Role.SAMPLE), None, None, None)


def group_of(layer: int, width: int | str, incoming: int | str, *, bias: bool) -> Group:
    weight = Variable(f"W{layer}", (width, incoming), Role.PARAMETER)
    return Group(layer, weight, Variable(f"b{layer}", (width,), Role.PARAMETER) if bias else None)


def dense_row(before: Jet, group: Group) -> Jet:
    """Z = W h + b with (W, b) fresh:  J_z = ||W|| J_h + root(||h||^2 + [b]) ||u_g||,
    K_z = ||W|| K_h + 2 ||u_g|| J_h.
    """
    product = Apply(group.weight, before.node)
    node = Named(f"z{group.layer}", product if group.bias is None else Sum((product, group.bias)))
    smooth = infer(SmoothByParts(node, 2), *before.smooth_premises())
    return Jet(
        node, smooth, _dense_first(node, smooth, before, group), _dense_second(node, smooth, before, group)
    )


def _dense_first(node: Named, smooth: Theorem, before: Jet, group: Group) -> Theorem:
    # D z[u] = W D h[u] + U h + u_b; the last two together are at most
    # ||U||_F ||h|| + ||u_b|| <= root(||h||^2 + 1) root(||U||_F^2 + ||u_b||^2).
    split = infer(Differentiate(node, 1), smooth, *before.smooth_premises())
    bound = infer(Triangle(Deriv(node, 1)), split)
    direction = group.weight.as_role(Role.DIRECTION)
    steps = [infer(ApplyBound(Apply(direction, before.node)))]
    if before.first is not None:
        steps.append(infer(ApplyBound(Apply(group.weight, Deriv(before.node, 1)))))
        steps.append(before.first)
    bound = replace(bound, *steps)
    if group.bias is not None:
        parts = (DirectionNorm((group.weight,)), DirectionNorm((group.bias,)))
        sizes = tuple(part.poly() for part in parts)
        cauchy = infer(Cauchy((norm(before.node), number(1)), sizes))
        joined = replace(cauchy, infer(GroupSplit(group.direction, parts)))
        bound = combine(bound, joined)
    return infer(Fold(Let(f"J_{node.name}", compare_of(bound).right)), bound)


def _dense_second(node: Named, smooth: Theorem, before: Jet, group: Group) -> Theorem | None:
    # D^2 z[u,u] = W D^2 h[u,u] + 2 U D h[u].
    if before.first is None:
        return None
    split = infer(Differentiate(node, 2), smooth, *before.smooth_premises())
    bound = infer(Triangle(Deriv(node, 2)), split)
    direction = group.weight.as_role(Role.DIRECTION)
    steps = [infer(ApplyBound(Apply(direction, Deriv(before.node, 1)))), before.first]
    steps.append(infer(ApplyBound(Apply(group.weight, Deriv(before.node, 2)))))
    steps.append(before.second or vanishing_second(before))
    if group.bias is not None:
        steps.append(infer(SubgroupBound(DirectionNorm((group.weight,)), group.direction)))
    bound = replace(bound, *steps)
    return infer(Fold(Let(f"K_{node.name}", compare_of(bound).right)), bound)


def activation_row(before: Jet, function: Function, name: str) -> Jet:
    """H = sigma(z):  J_h = max|sigma'(z_i)| J_z,  K_h = max|sigma'(z_i)| K_z + max|sigma''(z_i)| J_z^2."""
    node = Named(name, Entrywise(function, 0, before.node))
    if before.first is None:
        return Jet(node, None, None, None)
    if function.is_analytic:
        smooth = infer(SmoothByParts(node, 2), *before.smooth_premises())
    else:
        smooth = assume(Smooth(node, 2))
    first, second = _activation_first(node, smooth, before), _activation_second(node, smooth, before)
    return Jet(node, smooth, first, second)


def _activation_first(node: Named, smooth: Theorem, before: Jet) -> Theorem:
    # D h[u] = sigma'(z) o D z[u].
    split = infer(Differentiate(node, 1), smooth, *before.smooth_premises())
    slope = Hadamard(Entrywise(_function(node), 1, before.node), Deriv(before.node, 1))
    bound = infer(Triangle(Deriv(node, 1)), split)
    bound = replace(bound, infer(EntryBound(slope)), _known(before.first))
    return infer(Fold(Let(f"J_{node.name}", compare_of(bound).right)), bound)


def _activation_second(node: Named, smooth: Theorem, before: Jet) -> Theorem:
    # D^2 h[u,u] = sigma''(z) o D z[u] o D z[u] + sigma'(z) o D^2 z[u,u].
    split = infer(Differentiate(node, 2), smooth, *before.smooth_premises())
    bend = Hadamard(Entrywise(_function(node), 2, before.node), Deriv(before.node, 1))
    square = Hadamard(bend, Deriv(before.node, 1))
    bound = infer(Triangle(Deriv(node, 2)), split)
    steps = [infer(HadamardBound(square)), infer(EntryBound(bend)), _known(before.first)]
    slope = Hadamard(Entrywise(_function(node), 1, before.node), Deriv(before.node, 2))
    steps.append(infer(EntryBound(slope)))
    if before.second is not None:
        steps.append(before.second)
    else:
        steps.append(vanishing_second(before))
    bound = replace(bound, *steps)
    return infer(Fold(Let(f"K_{node.name}", compare_of(bound).right)), bound)


def vanishing_second(jet: Jet) -> Theorem:
    """||D^2 z[u, u]|| <= 0 for a node that is affine in theta."""
    if not isinstance(jet.node, Abbreviation):
        raise TypeError("expected a node with a name")
    split = infer(Differentiate(jet.node, 2), _known(jet.smooth))
    return infer(Triangle(Deriv(jet.node, 2)), split)


def _function(node: Named) -> Function:
    if not isinstance(node.body, Entrywise):
        raise TypeError("expected an activation node")
    return node.body.function


def _known(theorem: Theorem | None) -> Theorem:
    if theorem is None:
        raise TypeError("expected a theorem")
    return theorem


def network_jet(network: Network) -> NetworkJet:
    """The jets of all nodes of a feed-forward network.

    Returns:
        For every node the theorems ||D F[u]|| <= J_F and ||D^2 F[u,u]|| <= K_F; for an
        activation with kinks under the hypothesis that its output is twice differentiable.
    """
    jets = [input_jet(network.input_dim)]
    groups: list[Group] = []
    since_dense = 0
    for layer, incoming in zip(network.layers, network.widths(), strict=False):
        match layer:
            case Dense(width=width, bias=bias):
                group = group_of(len(groups) + 1, width, incoming, bias=bias)
                groups.append(group)
                since_dense = 0
                jets.append(dense_row(jets[-1], group))
            case Activate(activation=function):
                since_dense += 1
                suffix = "" if since_dense == 1 else f"_{since_dense}"
                jets.append(activation_row(jets[-1], function, f"h{len(groups)}{suffix}"))
    sample = jets[0].node
    if not isinstance(sample, Variable):
        raise TypeError("expected the input to be a variable")
    return NetworkJet(network, sample, tuple(jets), tuple(groups))
