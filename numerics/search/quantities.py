"""The inequalities of a statement as data: left and right side in terms of `Values`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from proofs.kernel.scalars import Atom, Poly

from .values import Scalar, Values, evaluate, no_atom

__all__ = ["Quantity", "of_loss", "of_node", "without"]

Side = Callable[[Values], Scalar]


@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """left <= right; the right side is a polynomial of the kernel, read off a theorem.

    says: the inequality in plain characters.  atom: the values of the atoms of `right`.
    order: of the derivative on the left.  is_loss: whether it is the mean loss's, else the output's.
    norm_order: where the left side is the norm of a derivative, largest over directions, and the right side
    does not depend on the direction, the order of that derivative; else 0.
    """

    name: str
    says: str
    left: Side
    right: Poly
    atom: Callable[[Values, Atom], Scalar]
    order: int
    is_loss: bool
    norm_order: int = 0

    def right_value(self, values: Values) -> Scalar:
        """The right side at an instance."""
        return evaluate(self.right, values, lambda inner: self.atom(values, inner))


def _none(values: Values, inner: Atom) -> Scalar:
    return no_atom(inner)


def of_loss(name: str, order: int, bound: Poly, atom: Callable[[Values, Atom], Scalar] = _none) -> Quantity:
    """||D^order L|| <= bound, as |D^order L[u, ...]| / ||u||^order for every direction u."""
    left = "||grad L||" if order == 1 else "||Hess L||"

    def along(values: Values) -> Scalar:
        return values.loss(order) / values.direction() ** order

    return Quantity(name, f"{left} <= {name}", along, bound, atom, order, True, order)


def of_node(name: str, order: int, bound: Poly, symbol: str) -> Quantity:
    """||D^order f|| <= bound for the network's output f."""

    def along(values: Values) -> Scalar:
        return values.node(-1, order) / values.direction() ** order

    left = "||D f||" if order == 1 else "||D^2 f||"
    return Quantity(name, f"{left} <= {symbol}", along, bound, _none, order, False, order)


def without(quantity: Quantity, change: Callable[[Poly], Poly], factor: str) -> Quantity:
    """The claim with a factor or term of the right side left out."""
    return replace(quantity, right=change(quantity.right), says=f"{quantity.says}, without {factor}")
