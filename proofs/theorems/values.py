"""Bounds of node values and of activation slopes: the premises that the worst case puts in.

For every node, with a the bound of its norm:
  dense:       ||z|| <= ||W|| ||h|| + ||b||
  activation:  ||sigma(z)|| <= root(n) |sigma(0)| + l ||z||, or root(n) sup|sigma| if smaller;
               max|sigma^(k)(z_i)| <= sup over all t, or over |t| <= R where that is infinite.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from proofs.errors import GradlemmaError
from proofs.kernel.core import Theorem, infer
from proofs.kernel.monotone import dependency_order
from proofs.kernel.rules import (
    ApplyBound,
    Monotone,
    SecantBound,
    SupNormBound,
    Triangle,
    WideBound,
)
from proofs.kernel.rules.algebra import bounds_of
from proofs.kernel.scalars import FunctionValue, Norm
from proofs.kernel.terms import Apply, Entrywise, Named, Sum, Term
from proofs.kernel.univariate import Function, Univariate

from .constants import enclosing_number, supremum
from .jet import NetworkJet
from .tactics import compare_of, replace

__all__ = ["Values", "dense_value", "slope_bounds", "worst_case_values"]

BITS = 64
CONSTANTS = {-1: "l = sup|f(t) - f(0)|/|t|", 0: "sup|f|", 1: "beta = sup|f'|", 2: "gamma = sup|f''|"}


@dataclass(frozen=True, slots=True)
class Values:
    """Theorems `symbol <= bound`: what was given, norms of nodes, largest slopes of activations."""

    given: tuple[Theorem, ...]
    nodes: tuple[Theorem, ...]
    slopes: tuple[Theorem, ...]

    def all_bounds(self) -> tuple[Theorem, ...]:
        return (*self.given, *self.nodes, *self.slopes)


def dense_value(node: Named) -> Theorem:
    """||z|| <= ||W|| ||h|| + ||b||."""
    body = node.body
    product = body.parts[0] if isinstance(body, Sum) else body
    if not isinstance(product, Apply):
        raise TypeError("expected a dense node")
    return replace(infer(Triangle(node)), infer(ApplyBound(product)))


def worst_case_values(jet: NetworkJet, given: list[Theorem]) -> Values:
    """The bounds of all nodes and slopes that follow from those of weights, biases and data.

    Raises:
        GradlemmaError: if a constant of an activation is infinite on the range that it meets.
    """
    nodes: list[Theorem] = []
    slopes: list[Theorem] = []
    for entry in jet.jets[1:]:
        node = entry.node
        if not isinstance(node, Named):
            raise TypeError("expected a node with a name")
        if isinstance(node.body, Entrywise):
            radius = _Radius(node.body.vector, [*given, *nodes])
            value = activation_value(node, radius)
            nodes.append(value)
            slopes.extend([*slope_bounds(node, radius), *_numbers_in(value)])
        else:
            nodes.append(dense_value(node))
    return Values(tuple(given), tuple(nodes), tuple(dict.fromkeys(slopes)))


class _Radius:
    """A number that bounds the norm of an activation's argument, computed when first needed."""

    def __init__(self, argument: Term, known: list[Theorem]) -> None:
        self._argument, self._known = argument, known
        self._theorem: Theorem | None = None

    def theorem(self) -> Theorem:
        """||z|| <= R, R a number."""
        if self._theorem is None:
            target = next(t for t in self._known if compare_of(t).left == Norm(self._argument).poly())
            by_atom, _ = bounds_of(tuple(t.sequent for t in self._known if t is not target))
            needed = set(dependency_order(compare_of(target).right, by_atom))
            rest = [t for t in self._known if t is not target and compare_of(t).left.atoms() <= needed]
            self._theorem = infer(Monotone(BITS, unfold=True), target, *rest)
        return self._theorem

    def number(self) -> Fraction:
        value = compare_of(self.theorem()).right.constant()
        if value is None:
            raise TypeError("expected a number")
        return Fraction(int(value.p), int(value.q))


def _everywhere_or_within(function: Function, order: int, radius: _Radius | None) -> tuple[Theorem, ...]:
    """The premises of a bound on |sigma^(order)|: everywhere, or within the radius."""
    if not isinstance(function, Univariate):
        raise GradlemmaError(f"expected a function given by pieces but got {function.label()}")
    everywhere = supremum(function, order)
    if everywhere is not None:
        return (everywhere,)
    within = None if radius is None else supremum(function, order, radius.number())
    if within is None or radius is None:
        wanted = CONSTANTS[order].replace("f", function.label())
        raise GradlemmaError(
            f"{wanted} is infinite or not established on the range that it meets, so no bound follows; "
            "try an activation with bounded slopes"
        )
    return (within, radius.theorem())


def activation_value(node: Named, radius: _Radius) -> Theorem:
    """||sigma(z)|| <= root(n) |sigma(0)| + l ||z||, or root(n) sup|sigma| where that is smaller."""
    body = node.body
    if not isinstance(body, Entrywise):
        raise TypeError("expected an activation node")
    function = body.function
    if not isinstance(function, Univariate):
        raise GradlemmaError(f"expected a function given by pieces but got {function.label()}")
    at_zero = supremum(function, 0, Fraction(0))
    if at_zero is None:
        raise GradlemmaError(f"expected |{function.label()}(0)| to be finite")
    whole = supremum(function, 0)
    wide = None if whole is None else infer(WideBound(node), whole)
    try:
        secant = infer(SecantBound(node), at_zero, *_everywhere_or_within(function, -1, radius))
    except GradlemmaError:
        # A function that jumps at 0 has no secant slope there.
        if wide is None:
            raise
        return wide
    if wide is None:
        return secant
    known = radius.theorem()
    sizes = [
        compare_of(infer(Monotone(BITS, unfold=True), bound, *_numbers_in(bound), *extra)).right.constant()
        for bound, extra in ((secant, (known,)), (wide, ()))
    ]
    if sizes[0] is None or sizes[1] is None:
        return secant
    return wide if sizes[1] < sizes[0] else secant


def slope_bounds(node: Named, radius: _Radius | None) -> list[Theorem]:
    """max|sigma'(z_i)| <= beta and max|sigma''(z_i)| <= gamma, and numbers for what stands in them."""
    body = node.body
    if not isinstance(body, Entrywise):
        raise TypeError("expected an activation node")
    found = [
        infer(SupNormBound(Entrywise(body.function, order, body.vector)),
              *_everywhere_or_within(body.function, order, radius))
        for order in (1, 2)
    ]  # fmt: skip
    return [*found, *_numbers_in(*found)]


def _numbers_in(*bounds: Theorem) -> list[Theorem]:
    """Bounds by numbers of the values of functions that stand in these bounds."""
    atoms = dict.fromkeys(inner for bound in bounds for inner in compare_of(bound).right.atoms())
    return [enclosing_number(inner) for inner in atoms if isinstance(inner, FunctionValue)]
