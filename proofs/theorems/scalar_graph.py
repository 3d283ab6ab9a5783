"""Scalars in shared form: sums, products and calls of functions as nodes of one graph.

Equal constructions are one node, so that what several entries share is held, differentiated and
printed once.  Nothing here is trusted: a graph is how results are written down, not what shows them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from flint import fmpq

from proofs.errors import GradlemmaError
from proofs.kernel.map_numbers import to_fraction
from proofs.kernel.map_values import read
from proofs.kernel.maps import Map
from proofs.kernel.univariate import Expression, Univariate, call

__all__ = ["CallNode", "Graph", "Linear", "Node", "Power", "Reading", "Value", "Variable", "map_graph"]

MOST_NODES = 200_000


@dataclass(frozen=True, slots=True)
class Variable:
    """A coordinate of theta, of a direction, alpha or eta."""

    name: str


@dataclass(frozen=True, slots=True)
class Linear:
    """constant + sum of coefficient * node."""

    constant: Fraction
    terms: tuple[tuple[int, Fraction], ...]


@dataclass(frozen=True, slots=True)
class Power:
    """A product of powers of nodes, exponents >= 1."""

    factors: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class CallNode:
    """A function of `univariate.CALLS` of a node."""

    name: str
    of: int


Node = Variable | Linear | Power | CallNode


class Reading(Protocol):
    """What the nodes are read as: numbers, polynomials, expressions, other nodes."""

    def variable(self, name: str) -> Any: ...

    def linear(self, constant: Fraction, terms: Sequence[tuple[Any, Fraction]]) -> Any: ...

    def product(self, factors: Sequence[tuple[Any, int]]) -> Any: ...

    def call(self, name: str, value: Any) -> Any: ...


class Graph:
    """Interned nodes by number; parts have smaller numbers than what is made of them."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._numbers: dict[Node, int] = {}

    def node(self, node: Node) -> int:
        if node not in self._numbers:
            if len(self.nodes) >= MOST_NODES:
                raise GradlemmaError(
                    f"the closed form has more than {MOST_NODES} subexpressions: take a smaller network, "
                    "fewer samples or fewer steps"
                )
            self._numbers[node] = len(self.nodes)
            self.nodes.append(node)
        return self._numbers[node]

    # -- construction, with numbers computed and multiples outside of products --------------------

    def variable(self, name: str) -> int:
        return self.node(Variable(name))

    def linear(self, constant: Fraction, terms: Sequence[tuple[int, Fraction]]) -> int:
        """Constant + sum of multiples; multiples of a multiple are one, other sums are kept apart."""
        found: dict[int, Fraction] = {}
        for number, factor in terms:
            scale, inner = self._multiple(number)
            if inner is None:
                constant += factor * scale
            else:
                found[inner] = found.get(inner, Fraction(0)) + factor * scale
        kept = tuple(sorted((inner, factor) for inner, factor in found.items() if factor))
        if not constant and len(kept) == 1 and kept[0][1] == 1:
            return kept[0][0]
        return self.node(Linear(constant, kept))

    def product(self, factors: Sequence[tuple[int, int]]) -> int:
        scale = Fraction(1)
        found: dict[int, int] = {}
        for number, exponent in factors:
            own, inner = self._multiple(number)
            scale *= own**exponent
            if inner is None:
                continue
            base = self.nodes[inner]
            for part, power in base.factors if isinstance(base, Power) else ((inner, 1),):
                found[part] = found.get(part, 0) + power * exponent
        kept = tuple(sorted(found.items()))
        if not scale or not kept:
            return self.linear(scale, ())
        whole = kept[0][0] if len(kept) == 1 and kept[0][1] == 1 else self.node(Power(kept))
        return self.linear(Fraction(0), [(whole, scale)])

    def call(self, name: str, value: int) -> int:
        return self.node(CallNode(name, value))

    def number(self, value: Fraction | int) -> int:
        return self.linear(Fraction(value), ())

    def add(self, *parts: int) -> int:
        return self.linear(Fraction(0), [(part, Fraction(1)) for part in parts])

    def times(self, *parts: int) -> int:
        return self.product([(part, 1) for part in parts])

    def constant(self, number: int) -> Fraction | None:
        """The number that a node is, or None."""
        node = self.nodes[number]
        return node.constant if isinstance(node, Linear) and not node.terms else None

    def _multiple(self, number: int) -> tuple[Fraction, int | None]:
        """The node as a multiple of another one, of nothing if it is a number."""
        node = self.nodes[number]
        if isinstance(node, Linear) and not node.terms:
            return node.constant, None
        if isinstance(node, Linear) and not node.constant and len(node.terms) == 1:
            ((inner, factor),) = node.terms
            return factor, inner
        return Fraction(1), number

    # -- walks ------------------------------------------------------------------------------------

    def below(self, roots: Iterable[int]) -> list[int]:
        """The numbers of all nodes that the roots are made of, parts first."""
        seen: set[int] = set()
        stack = list(roots)
        while stack:
            number = stack.pop()
            if number not in seen:
                seen.add(number)
                stack.extend(self.parts(number))
        return sorted(seen)

    def parts(self, number: int) -> tuple[int, ...]:
        match self.nodes[number]:
            case Variable():
                return ()
            case Linear(terms=terms):
                return tuple(inner for inner, _ in terms)
            case Power(factors=factors):
                return tuple(inner for inner, _ in factors)
            case CallNode(of=of):
                return (of,)

    def read(self, roots: Sequence[int], reading: Reading) -> list[Any]:
        """What the roots are in a reading."""
        found: dict[int, Any] = {}
        for number in self.below(roots):
            match self.nodes[number]:
                case Variable(name=name):
                    found[number] = reading.variable(name)
                case Linear(constant=constant, terms=terms):
                    found[number] = reading.linear(constant, [(found[inner], f) for inner, f in terms])
                case Power(factors=factors):
                    found[number] = reading.product([(found[inner], e) for inner, e in factors])
                case CallNode(name=name, of=of):
                    found[number] = reading.call(name, found[of])
        return [found[root] for root in roots]

    def replaced(self, roots: Sequence[int], images: Mapping[str, int]) -> list[int]:
        """The roots with variables replaced by nodes of this graph."""
        return self.read(roots, _Replacing(self, images))

    # -- derivatives ------------------------------------------------------------------------------

    def links(self, number: int) -> list[tuple[int, int]]:
        """The parts of a node with the derivatives of the node by them."""
        match self.nodes[number]:
            case Variable():
                return []
            case Linear(terms=terms):
                return [(inner, self.number(factor)) for inner, factor in terms]
            case Power(factors=factors):
                found: list[tuple[int, int]] = []
                for inner, exponent in factors:
                    lowered = [(i, e - (i == inner)) for i, e in factors if e > (i == inner)]
                    slope = self.linear(Fraction(0), [(self.product(lowered), Fraction(exponent))])
                    found.append((inner, slope))
                return found
            case CallNode(name=name, of=of):
                return [(of, self.expression(call(name).derivative(), of))]

    def gradient(self, root: int, names: Sequence[str]) -> list[int]:
        """The derivatives by the variables: adjoints handed on from the root to its parts."""
        adjoints: dict[int, list[int]] = {root: [self.number(1)]}
        for number in reversed(self.below([root])):
            given = adjoints.get(number)
            if not given:
                continue
            own = self.add(*given)
            adjoints[number] = [own]
            for inner, slope in self.links(number):
                adjoints.setdefault(inner, []).append(self.times(own, slope))
        found = (adjoints.get(self.variable(name)) for name in names)
        return [self.add(*given) if given else self.number(0) for given in found]

    def along(self, roots: Sequence[int], direction: Mapping[str, int]) -> list[int]:
        """The derivatives of the roots along a direction, given by variable."""
        moving: dict[int, int] = {}
        for number in self.below(roots):
            node = self.nodes[number]
            if isinstance(node, Variable):
                moving[number] = direction.get(node.name, self.number(0))
                continue
            parts = [self.times(slope, moving[inner]) for inner, slope in self.links(number)]
            moving[number] = self.add(*parts)
        return [moving[root] for root in roots]

    def expression(self, expression: Expression, x: int) -> int:
        """An expression at a node."""
        terms: list[tuple[int, Fraction]] = []
        constant = Fraction(0)
        for (degree, calls), coefficient in expression.terms:
            factors = [(x, degree)] if degree else []
            for inner, exponent in calls:
                factors.append((self.call(inner.name, self.expression(inner.argument, x)), exponent))
            if factors:
                terms.append((self.product(factors), coefficient))
            else:
                constant += coefficient
        return self.linear(constant, terms)


@dataclass(frozen=True, slots=True)
class _Replacing:
    graph: Graph
    images: Mapping[str, int]

    def variable(self, name: str) -> int:
        known = self.images.get(name)
        return self.graph.variable(name) if known is None else known

    def linear(self, constant: Fraction, terms: Sequence[tuple[int, Fraction]]) -> int:
        return self.graph.linear(constant, terms)

    def product(self, factors: Sequence[tuple[int, int]]) -> int:
        return self.graph.product(factors)

    def call(self, name: str, value: int) -> int:
        return self.graph.call(name, value)


# -- maps -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Value:
    """A node with the addition that readings of maps use."""

    graph: Graph
    number: int

    def __add__(self, other: Value) -> Value:
        return Value(self.graph, self.graph.add(self.number, other.number))


@dataclass(frozen=True, slots=True)
class _Numbers:
    """The nodes of a graph as the numbers in which maps are read."""

    graph: Graph

    @property
    def zero(self) -> Value:
        return self.lift(fmpq(0))

    def lift(self, value: fmpq) -> Value:
        return Value(self.graph, self.graph.number(to_fraction(value)))

    def times(self, first: Value, second: Value) -> Value:
        return Value(self.graph, self.graph.times(first.number, second.number))

    def checked(self, value: Value) -> Value:
        return value

    def expression(self, expression: Expression, x: Value) -> Value:
        return Value(self.graph, self.graph.expression(expression, x.number))

    def function(self, function: Univariate, x: Value) -> Value:
        if not function.is_analytic:
            raise GradlemmaError(f"expected no function with kinks but got {function.label()}")
        return self.expression(function.pieces[0].expression, x)

    def is_positive(self, x: Value) -> bool:
        # Where a partial function has no value, the closed form has none either.
        return True


def map_graph(
    graph: Graph, root: Map, name_of: Callable[[str, int], str], sizes: Mapping[str, int]
) -> dict[Map, list[int]]:
    """The entries of every map below the root as nodes, the coordinates as variables.

    Args:
        graph: the graph that gets the nodes.
        root: a map of parameters and numbers without kinks.
        name_of: the variable's name, from the block's name and the number of the entry.
        sizes: the number of entries of every block.
    """
    blocks = {
        block: [Value(graph, graph.variable(name_of(block, number))) for number in range(size)]
        for block, size in sizes.items()
    }
    found = read(root, _Numbers(graph), blocks)
    return {node: [value.number for value in values] for node, values in found.items()}
