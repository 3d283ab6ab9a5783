"""Distances in a ball: how far norms of weights and nodes move when theta does, derived.

With theta in the ball ||theta - theta0|| <= rho and E_l the distance in the blocks up to layer l:
    ||z_l - z_l(theta0)|| <= kappa_l E_l,   kappa_l = root(||W_l^0||^2 kappa^2 + ||h||^2 + [b]),
    ||h_l - h_l(theta0)|| <= beta kappa_l E_l,      ||h_l|| <= ||h_l(theta0)|| + beta kappa_l rho,
    ||W_l|| <= ||W_l^0|| + rho.
No derivative is used, so kinks do no harm.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from flint import fmpq

from proofs.errors import GradlemmaError
from proofs.kernel.core import Theorem, infer
from proofs.kernel.rules import (
    ApplyBound,
    Cauchy,
    Certificate,
    Definition,
    DifferenceBound,
    GroupSplit,
    LinearIdentity,
    MapDistance,
    SubgroupBound,
    Triangle,
)
from proofs.kernel.rules.entrywise import minus
from proofs.kernel.rules.groups import shift_of
from proofs.kernel.scalars import DistanceNorm, Let, Poly, number
from proofs.kernel.terms import (
    Apply,
    Entrywise,
    Named,
    Role,
    Sum,
    Term,
    Variable,
)

from .constants import supremum
from .jet import Group
from .tactics import assume_at_most, combine, compare_of, norm, replace
from .values import slope_bounds

if TYPE_CHECKING:
    from .bounds import Derivation

__all__ = ["ball_bounds", "reference_node"]


@dataclass(frozen=True, slots=True)
class _Moved:
    """A node, the same node at theta0, and ||node - node0|| <= factor * distance (None: equal)."""

    node: Term
    at_reference: Term
    distance: Theorem | None
    factor: Poly | None
    group: DistanceNorm | None


def _distance(*parameters: Variable) -> DistanceNorm:
    return DistanceNorm(tuple(sorted(set(parameters), key=lambda v: v.name)))


def reference_node(node: Named, before: Term, group: Group | None) -> Named:
    """The node with parameters replaced by the reference blocks, on the reference node before."""
    name = f"{node.name}_0"
    if group is None:
        if not isinstance(node.body, Entrywise):
            raise TypeError("expected an activation node")
        return Named(name, Entrywise(node.body.function, 0, before))
    product = Apply(group.weight.as_role(Role.REFERENCE), before)
    if group.bias is None:
        return Named(name, product)
    return Named(name, Sum((product, group.bias.as_role(Role.REFERENCE))))


def ball_bounds(
    work: Derivation, reference_norms: tuple[Theorem, ...], radius: Fraction
) -> tuple[Theorem, ...]:
    """Bounds of the norms of all weights and nodes and of all slopes, for theta in the ball.

    Raises:
        GradlemmaError: if an activation's slope is not bounded everywhere.
    """
    everything = _distance(*work.jet.parameters)
    within = assume_at_most(everything, number(radius))
    norms = {compare_of(theorem).left: theorem for theorem in reference_norms}
    found: list[Theorem] = []
    moved = _Moved(work.jet.sample, work.jet.sample, None, None, None)
    groups = iter(work.jet.groups)
    for entry in work.jet.jets[1:]:
        node = entry.node
        if not isinstance(node, Named):
            raise TypeError("expected a node with a name")
        if isinstance(node.body, Entrywise):
            moved = _after_activation(node, moved)
            found.extend(slope_bounds(node, None))
        else:
            group = next(groups)
            found.append(_weight_norm(group.weight, norms, within))
            moved = _after_dense(node, group, moved)
            found.append(norms[norm(group.weight.as_role(Role.REFERENCE))])
        if moved.distance is not None:
            found.append(_node_norm(moved, within, everything))
    return tuple(dict.fromkeys(found))


def _weight_norm(weight: Variable, norms: dict[Poly, Theorem], within: Theorem) -> Theorem:
    # W = W0 + (W - W0).
    start = weight.as_role(Role.REFERENCE)
    split = infer(LinearIdentity(weight, Sum((start, shift_of(weight)))))
    everything = next(iter(compare_of(within).left.atoms()))
    if not isinstance(everything, DistanceNorm):
        raise TypeError("expected a bound of a distance")
    steps = [norms[norm(start)], infer(MapDistance(weight))]
    single = _distance(weight)
    if single is not everything:
        steps.append(infer(SubgroupBound(single, everything)))
    return replace(infer(Triangle(weight), split), *steps, within)


def _after_dense(node: Named, group: Group, before: _Moved) -> _Moved:
    # z - z0 = W0 (h - h0) + (W - W0) h + (b - b0).
    start = reference_node(node, before.at_reference, group)
    parts: list[Term] = [Apply(shift_of(group.weight), before.node)]
    still = before.distance is None
    if not still:
        parts.insert(0, Apply(group.weight.as_role(Role.REFERENCE), minus(before.node, before.at_reference)))
    if group.bias is not None:
        parts.append(shift_of(group.bias))
    right = parts[0] if len(parts) == 1 else Sum(tuple(parts))
    difference = minus(node, start)
    split = infer(LinearIdentity(difference, right, (node, start)))
    steps = [infer(ApplyBound(part)) for part in parts if isinstance(part, Apply)]
    steps += [infer(MapDistance(member)) for member in group.members]
    if before.distance is not None:
        steps.append(before.distance)
    bound = replace(infer(Triangle(difference), split), *steps)
    return _joined(node, start, bound, group, before)


def _joined(node: Named, start: Named, bound: Theorem, group: Group, before: _Moved) -> _Moved:
    # Cauchy-Schwarz joins ||W0|| kappa E + ||h|| d_W + d_b into one multiple of the joint distance.
    sizes: list[DistanceNorm] = [_distance(group.weight)]
    factors: list[Poly] = [norm(before.node)]
    if before.group is not None and before.factor is not None:
        sizes.insert(0, before.group)
        factors.insert(0, norm(group.weight.as_role(Role.REFERENCE)) * before.factor)
    if group.bias is not None:
        sizes.append(_distance(group.bias))
        factors.append(number(1))
    whole = _distance(*(member for size in sizes for member in size.members))
    if len(sizes) > 1:
        cauchy = infer(Cauchy(tuple(factors), tuple(size.poly() for size in sizes)))
        bound = combine(bound, replace(cauchy, infer(GroupSplit(whole, tuple(sizes)))))
    factor = _quotient(compare_of(bound).right, whole)
    let = Let(f"kappa_{node.name}", factor)
    folded = _fold_factor(bound, let, whole)
    return _Moved(node, start, folded, let.poly(), whole)


def _quotient(right: Poly, whole: DistanceNorm) -> Poly:
    return Poly((tuple(pair for pair in m if pair[0] is not whole), c) for m, c in right.terms.items())


def _fold_factor(bound: Theorem, let: Let, whole: DistanceNorm) -> Theorem:
    """X <= body * d as x <= name * d."""
    opened = infer(Definition(let))
    left = compare_of(bound).left
    certificate = Certificate(left, ((fmpq(1), (0,), number(1)),), ((1, -whole.poly()),))
    return infer(certificate, bound, opened)


def _after_activation(node: Named, before: _Moved) -> _Moved:
    # ||sigma(z) - sigma(z0)|| <= beta ||z - z0||.
    start = reference_node(node, before.at_reference, None)
    if before.distance is None or before.factor is None:
        return _Moved(node, node, None, None, None)
    function = node.body.function if isinstance(node.body, Entrywise) else None
    slope = None if function is None else supremum(function, 1)
    if function is None or slope is None:
        label = "an activation" if function is None else function.label()
        raise GradlemmaError(
            f"the slope of {label} is not bounded on R, so no distance bound follows in a ball"
        )
    step = infer(DifferenceBound(node, start), slope)
    distance = replace(step, before.distance)
    factor = _quotient(compare_of(distance).right, before.group) if before.group is not None else None
    return _Moved(node, start, distance, factor, before.group)


def _node_norm(moved: _Moved, within: Theorem, everything: DistanceNorm) -> Theorem:
    # h = h0 + (h - h0).
    split = infer(
        LinearIdentity(moved.node, Sum((moved.at_reference, minus(moved.node, moved.at_reference))))
    )
    steps = [] if moved.distance is None else [moved.distance]
    if moved.group is not None and moved.group is not everything:
        steps.append(infer(SubgroupBound(moved.group, everything)))
    return replace(infer(Triangle(moved.node), split), *steps, within)
