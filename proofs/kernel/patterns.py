"""Activation patterns: a map with one expression chosen for every entry of every function with kinks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from flint import arb, fmpq, fmpq_mpoly

from proofs.errors import KernelError

from .intervals import to_fmpq
from .map_numbers import RATIONALS, kink_value
from .map_polynomials import polynomial_values
from .map_substitution import with_nodes, with_parts
from .map_values import Point, ball_values, coordinates
from .maps import Chosen, Entry, Fixed, Map, MeanOf, Opaque, Unknown, maps_below, parts_of
from .univariate import Univariate

__all__ = [
    "Condition", "Named", "ball_options", "case_at", "chosen_in", "conditions_of", "constant_of",
    "first_kinked", "options_of", "place_of", "polynomials_of", "product_of", "split", "unchosen",
    "without_constants",
]  # fmt: skip

MOST_CHOICES = 65_536
# A polynomial as coefficients of sets of (entry of a block, exponent): the arguments in one map may
# hold different blocks.
Named = dict[frozenset[tuple[tuple[str, int], int]], fmpq]


def first_kinked(root: Map) -> Entry | None:
    """The first function with kinks whose argument holds none; None if the map has none."""
    for node in maps_below(root):
        if isinstance(node, MeanOf | Opaque | Unknown):
            kind = f"the map {node.name}, given by name alone" if isinstance(node, Opaque) else "an open one"
            raise KernelError(f"expected a map of parameters and numbers but got {kind}")
        if isinstance(node, Entry) and not node.function.is_analytic:
            return node
    return None


def chosen_in(root: Map) -> list[Chosen]:
    """The maps for whose entries expressions were chosen, arguments first."""
    return [node for node in maps_below(root) if isinstance(node, Chosen)]


def require_pieces(node: Entry) -> Univariate:
    """The function, refusing one with infinitely many pieces or without formula."""
    function = node.function
    if not isinstance(function, Univariate) or function.period is not None:
        raise KernelError(f"expected a function with finitely many pieces but got {function.label()}")
    return function


@lru_cache(maxsize=256)
def polynomials_of(root: Map) -> tuple[fmpq_mpoly, ...]:
    """The entries of a map as polynomials in theta."""
    return tuple(polynomial_values(root)[root])


def constant_of(polynomial: fmpq_mpoly) -> fmpq | None:
    if len(polynomial) == 0:
        return fmpq(0)
    return polynomial.leading_coefficient() if polynomial.is_constant() else None


def options_of(node: Entry) -> list[tuple[int, ...]]:
    """For every entry of the argument, a polynomial, which choices it may need off a null set.

    An entry that is not constant equals a kink on a null set alone; a constant one lies in one
    piece, or is a kink.
    """
    function = require_pieces(node)
    found: list[tuple[int, ...]] = []
    for polynomial in polynomials_of(node.of):
        value = constant_of(polynomial)
        found.append(tuple(range(len(function.pieces))) if value is None else (place_of(function, value),))
    return found


def place_of(function: Univariate, value: fmpq) -> int:
    """The choice that a constant argument needs: -1 - k at the kink k, else the number of its piece."""
    kinks = [to_fmpq(kink) for kink in function.kinks]
    if value in kinks:
        return -1 - kinks.index(value)
    return sum(kink < value for kink in kinks)


def ball_options(node: Entry, point: Point, bits: int) -> list[tuple[int, ...]]:
    """As `options_of` for an argument that is analytic everywhere: all pieces for every entry.

    Raises:
        KernelError: where the ball of an entry at the point meets a kink.
    """
    function = require_pieces(node)
    kinks = [arb(to_fmpq(kink)) for kink in function.kinks]
    pieces = tuple(range(len(function.pieces)))
    balls = ball_values(node.of, point, bits)[node.of]
    if any(ball.overlaps(kink) for ball in balls for kink in kinks):
        raise KernelError("expected a point at which no entry is near a kink")
    return [pieces] * len(balls)


def split(root: Map, node: Entry, options: list[tuple[int, ...]]) -> list[Map]:
    """The map once for every way to choose, with the choices in place of the function."""
    count = 1
    for entry in options:
        count *= len(entry)
    if count > MOST_CHOICES:
        raise KernelError(f"expected at most {MOST_CHOICES} ways to choose but got {count}")
    function = require_pieces(node)
    return [with_nodes(root, {node: Chosen(function, tuple(way), node.of)}) for way in product(*options)]


def case_at(root: Map, point: Point, bits: int = 128) -> Map:
    """The map with the expressions chosen that count at the point; untrusted, rules check it again.

    Raises:
        KernelError: where an entry that is not constant is too near a kink to tell.
    """
    case = root
    while (node := first_kinked(case)) is not None:
        function = require_pieces(node)
        kinks = [arb(to_fmpq(kink)) for kink in function.kinks]
        found: list[int] = []
        for number, ball in enumerate(ball_values(node.of, point, bits)[node.of]):
            if any(ball.overlaps(kink) for kink in kinks):
                value = constant_of(polynomials_of(node.of)[number])
                if value is None:
                    raise KernelError("expected a point off the kinks")
                found.append(place_of(function, value))
            else:
                found.append(sum(bool(ball > kink) for kink in kinks))
        case = with_nodes(case, {node: Chosen(function, tuple(found), node.of)})
    return case


def unchosen(root: Map) -> Map:
    """The map with the functions themselves in place of what was chosen of them."""
    found: dict[Map, Map] = {}
    for node in maps_below(root):
        parts = tuple(found[part] for part in parts_of(node))
        if isinstance(node, Chosen):
            found[node] = Entry(node.function, parts[0])
        else:
            found[node] = with_parts(node, parts, {}) if parts != parts_of(node) else node
    return found[root]


def without_constants(root: Map) -> Map:
    """The same map, with numbers in place of every `Chosen` whose chosen expressions are all numbers."""
    images: dict[Map, Map] = {}
    for node in chosen_in(root):
        values = _numbers(node)
        if values is not None:
            images[node] = Fixed(node.require_shape(), values)
    found: dict[Map, Map] = {}
    for node in maps_below(root):
        parts = tuple(found[part] for part in parts_of(node))
        found[node] = images.get(node) or (with_parts(node, parts, {}) if parts != parts_of(node) else node)
    return found[root]


def _numbers(node: Chosen) -> tuple[fmpq, ...] | None:
    """The values of the chosen expressions where all are rational numbers."""
    found: list[fmpq] = []
    for choice in node.choices:
        if choice < 0:
            found.append(kink_value(RATIONALS, node.function, -1 - choice))
            continue
        terms = node.function.pieces[choice].expression.terms
        if any(monomial != (0, ()) for monomial, _ in terms):
            return None
        found.append(to_fmpq(terms[0][1]) if terms else fmpq(0))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Condition:
    """sign * (entry `number` of `argument` - end) > 0."""

    argument: Map
    number: int
    sign: int
    end: fmpq

    def polynomial(self) -> Named:
        """The left side as a polynomial in the entries of the blocks."""
        found = polynomials_of(self.argument)[self.number]
        left = self.sign * (found - found.context().constant(self.end))
        places = coordinates(self.argument)
        return {
            frozenset((places[k], int(e)) for k, e in enumerate(monomial) if e): coefficient
            for monomial, coefficient in left.terms()
        }


def conditions_of(root: Map) -> list[Condition]:
    """What holds near a point at which the choices are right: entries strictly inside their pieces."""
    found: dict[Condition, None] = {}
    for node in chosen_in(root):
        for number, choice in enumerate(node.choices):
            if choice < 0:
                continue
            piece = node.function.pieces[choice]
            if piece.lower is not None:
                found[Condition(node.of, number, 1, to_fmpq(piece.lower))] = None
            if piece.upper is not None:
                found[Condition(node.of, number, -1, to_fmpq(piece.upper))] = None
    return list(found)


def product_of(first: Named, second: Named) -> Named:
    """The product of two polynomials."""
    found: Named = {}
    for a, c in first.items():
        for b, d in second.items():
            powers = dict(a)
            for place, exponent in b:
                powers[place] = powers.get(place, 0) + exponent
            key = frozenset(powers.items())
            found[key] = found.get(key, fmpq(0)) + c * d
    return {key: value for key, value in found.items() if value != 0}
