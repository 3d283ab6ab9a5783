"""Rows of JET and losses in symbols: the norm calculus as one reads it, for one node.

A row is derived on z_2 = W_2 h_1 + b_2, h_1 = phi(z_1), z_1 = W_1 x + b_1 with symbolic widths; J_F
and K_F abbreviate what the rows before give for ||D F[u]|| and ||D^2 F[u,u]||.
"""

from __future__ import annotations

from fractions import Fraction

from flint import fmpq

from proofs.errors import GradlemmaError
from proofs.kernel.claims import Compare, Relation, SupBound
from proofs.kernel.core import Theorem, infer
from proofs.kernel.rules import Certificate, Definition, MeanValue, Monotone, SecantBound, SupNormBound
from proofs.kernel.scalars import Let, Norm, Poly, Real, number
from proofs.kernel.terms import Entrywise, Named, Term
from proofs.kernel.univariate import Univariate
from proofs.network import Loss, entry_function

from .constants import supremum
from .jet import activation_row
from .losses import sample_loss
from .tactics import assume, assume_at_most, compare_of, used_bounds
from .two_layers import PHI, two_layers
from .values import dense_value

__all__ = ["activation_constants", "activation_in_symbols", "affine_in_symbols", "loss_in_symbols", "secant"]

WIDTHS = ("n0", "n1", "n2")
# Orders of derivatives by the names of their constants; -1 is the secant slope.
CONSTANTS = {"sup": 0, "secant": -1, "slope": 1, "bend": 2, "third": 3}


def affine_in_symbols() -> dict[str, Theorem]:
    """The affine row, with ||W_2|| <= s, ||b_2|| <= c, ||h_1|| <= a.

    ||z_2|| <= s a + c,   ||D z_2[u]|| <= s J_h1 + root(1 + a^2) ||u_2||,
    ||D^2 z_2[u,u]|| <= s K_h1 + 2 J_h1 ||u_2||.
    """
    network = two_layers(WIDTHS)
    node, group = network.output.node, network.groups[1]
    if not isinstance(node, Named):
        raise TypeError("expected a node with a name")
    sizes = {"s": group.weight, "c": group.bias, "a": network.hidden.node}
    known = _at_most(sizes)
    return {
        "value": _inserted(dense_value(node), known),
        "first": _inserted(_opened(network.output.first), known),
        "second": _inserted(_opened(network.output.second), known),
    }


def activation_in_symbols(entries: int = 5) -> dict[str, Theorem]:
    """The entrywise row, with |phi'| <= beta, |phi''| <= gamma, |phi(0)| <= a and so many entries of h_2.

    ||h_2|| <= root(entries) a + beta ||z_2||,   ||D h_2[u]|| <= beta J_z2,
    ||D^2 h_2[u,u]|| <= beta K_z2 + gamma J_z2^2.
    """
    network = two_layers((3, 4, entries))
    z, h = network.output.node, activation_row(network.output, PHI, "h2")
    at_zero = assume(SupBound(PHI, 0, number(0), Real("a").poly()))
    slope = assume(SupBound(PHI, 1, None, Real("beta").poly()))
    bend = assume(SupBound(PHI, 2, None, Real("gamma").poly()))
    known = (
        infer(SupNormBound(Entrywise(PHI, 1, z)), slope),
        infer(SupNormBound(Entrywise(PHI, 2, z)), bend),
        *(_nonnegative(name) for name in ("beta", "gamma")),
    )
    return {
        "value": infer(SecantBound(h.node), at_zero, infer(MeanValue(), slope)),
        "first": _inserted(_opened(h.first), known),
        "second": _inserted(_opened(h.second), known),
    }


def loss_in_symbols(loss: Loss, outputs: int = 3) -> dict[str, Theorem]:
    """|D l[u]| <= g J_f and |D^2 l[u,u]| <= h J_f^2 + g K_f for f = z_2, with the bounds of ||f||, ||y||.

    A loss that sums a function over the outputs has so many of them.  Where a bound of ||y|| gives another g,
    these are `first_by_target` and `second_by_target`.
    """
    network = two_layers(WIDTHS if entry_function(loss) is None else (*WIDTHS[:2], outputs))
    sample = sample_loss(loss, network.output)
    sizes: dict[str, Term | None] = {"a": network.output.node, "m": sample.target}
    found: dict[str, Theorem] = {}
    for constants in sample.constants:
        suffix = "_by_target" if constants.needs_target_norm and found else ""
        known = (*constants.theorems, *_at_most(sizes))
        found[f"first{suffix}"] = _inserted(sample.first, known)
        found[f"second{suffix}"] = _inserted(sample.second, known)
    return found


def secant() -> Theorem:
    """{|phi'| <= beta} |- |phi(t) - phi(0)| <= beta |t| for a continuous piecewise analytic phi."""
    return infer(MeanValue(), assume(SupBound(PHI, 1, None, Real("beta").poly())))


def activation_constants(function: Univariate, radius: Fraction | None = None) -> dict[str, Theorem]:
    """The constants of an activation that are finite: sup, secant, slope, bend, third.

    Raises:
        GradlemmaError: if none is finite or could be established.
    """
    found = {name: supremum(function, order, radius) for name, order in CONSTANTS.items()}
    proved = {name: theorem for name, theorem in found.items() if theorem is not None}
    if not proved:
        raise GradlemmaError(f"expected an activation with a finite constant but got {function.label()}")
    return proved


def _at_most(sizes: dict[str, Term | None]) -> tuple[Theorem, ...]:
    """{||t|| <= r} |- ||t|| <= r and {0 <= r} |- 0 <= r for each symbol r and term t."""
    terms = {name: term for name, term in sizes.items() if term is not None}
    bounds = [assume_at_most(Norm(term), Real(name).poly()) for name, term in terms.items()]
    return (*bounds, *(_nonnegative(name) for name in terms))


def _nonnegative(name: str) -> Theorem:
    return assume(Compare(number(0), Relation.LE, Real(name).poly()))


def _opened(folded: Theorem | None) -> Theorem:
    """X <= body from x <= name; abbreviations in the body stay."""
    if folded is None:
        raise TypeError("expected a node that depends on parameters")
    compared = compare_of(folded)
    (inner,) = compared.right.atoms()
    if not isinstance(inner, Let):
        raise TypeError("expected an abbreviation")
    rule = Certificate(compared.left, ((fmpq(1), (0,), number(1)),), ((1, number(1)),))
    return infer(rule, folded, infer(Definition(inner)))


def _inserted(target: Theorem, known: tuple[Theorem, ...]) -> Theorem:
    """The target with the symbols' bounds put in, abbreviations kept."""
    bounds = tuple(t for t in known if not _is_sign(t))
    used = used_bounds(target, bounds)
    reached = _reals(compare_of(target).right, *(compare_of(t).right for t in used))
    signs = (t for t in known if _is_sign(t) and compare_of(t).right.atoms() <= reached)
    return infer(Monotone(), target, *used, *signs)


def _is_sign(theorem: Theorem) -> bool:
    return compare_of(theorem).left == number(0)


def _reals(*polys: Poly) -> frozenset[Real]:
    return frozenset(inner for poly in polys for inner in poly.atoms() if isinstance(inner, Real))
