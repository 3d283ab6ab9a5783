"""What a singular step does: the open set that collapses, and constants that its image satisfies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flint import fmpq, fmpq_mat, fmpq_mpoly

from gradlemma.polynomial_text import condition_text, entry_name, polynomial_text, shapes_of
from gradlemma.step_values import fraction_of
from proofs.errors import KernelError
from proofs.kernel.map_polynomials import polynomial_values
from proofs.kernel.map_values import coordinates
from proofs.kernel.maps import Map, Shape, StepNumber, StepSize
from proofs.kernel.patterns import Condition, conditions_of, without_constants
from proofs.kernel.rules.spectra import hessian_blocks
from proofs.theorems.step_patterns import Pattern

__all__ = ["Collapsing", "Constant", "OpenSet", "collapsing_of", "open_set_of"]

NULL_SET = "a null set (the determinant of a block is 0 identically)"


@dataclass(frozen=True, slots=True)
class Constant:
    """v . (theta - eta grad q) = value at every theta of the open set."""

    text: str
    value: fmpq


@dataclass(frozen=True, slots=True)
class OpenSet:
    """The part of Theta on which a pattern is taken.

    conditions: inequalities, each with one entry of one function's argument.
    point: a rational point in it, by name of the block, entries row by row; None if none is known.
    """

    conditions: tuple[str, ...]
    point: tuple[tuple[str, tuple[fmpq, ...]], ...] | None


@dataclass(frozen=True, slots=True)
class Collapsing:
    """An open set, and where a step takes it.

    constants: linear functions of theta that are constant after the step; where there are none the
        image is null and no more is said.
    """

    open_set: OpenSet
    constants: tuple[Constant, ...]

    @property
    def text(self) -> str:
        """The image in words."""
        return ", ".join(constant.text for constant in self.constants) or NULL_SET


def open_set_of(pattern: Pattern, shapes: Mapping[str, Shape]) -> OpenSet:
    """The open set of a pattern that occurs."""
    conditions = tuple(dict.fromkeys(_condition(one, shapes) for one in conditions_of(pattern.case)))
    point = None if pattern.point is None else tuple(sorted((n, tuple(e)) for n, e in pattern.point.items()))
    return OpenSet(conditions, point)


def _condition(condition: Condition, shapes: Mapping[str, Shape]) -> str:
    try:
        return condition_text(condition, shapes)
    except KernelError:
        side = ">" if condition.sign > 0 else "<"
        return f"entry {condition.number} of an argument that is no polynomial {side} {condition.end}"


def collapsing_of(pattern: Pattern, step: StepSize) -> Collapsing:
    """The open set of a pattern whose determinant is 0 identically, and the constants of its image."""
    shapes = shapes_of(pattern.case)
    constants = _constants(pattern.case, step, shapes) if isinstance(step, StepNumber) else ()
    return Collapsing(open_set_of(pattern, shapes), constants)


def _constants(case: Map, step: StepNumber, shapes: Mapping[str, Shape]) -> tuple[Constant, ...]:
    """A basis of the v with v . (theta - eta grad q) constant, block by block.

    The derivative of that function is v^T (I - eta H): it is constant exactly where v is in the kernel
    of the matrix of every monomial of I - eta H.
    """
    try:
        groups, rows = hessian_blocks(case)
        used = without_constants(case)
        (polynomial,) = polynomial_values(used)[used]
    except KernelError:
        return ()
    places = coordinates(used)
    found: list[Constant] = []
    for group in groups:
        for vector in _kernel(group, rows, step.value):
            moved = _moved(polynomial, group, vector, step.value)
            value = _value(moved)
            if value is not None:
                found.append(_named(group, vector, value, places, shapes))
    return tuple(found)


def _kernel(
    group: tuple[int, ...], rows: tuple[tuple[fmpq_mpoly, ...], ...], eta: fmpq
) -> list[tuple[fmpq, ...]]:
    """A basis of the constant v with (I - eta B) v = 0 at every theta, B the block of the Hessian."""
    size = len(group)
    tables: dict[tuple[int, ...], list[fmpq]] = {}
    still = (0,) * rows[0][0].context().nvars()
    for i in range(size):
        for j in range(size):
            for monomial, coefficient in rows[group[i]][group[j]].terms():
                key = tuple(int(e) for e in monomial)
                table = tables.setdefault(key, [fmpq(0)] * (size * size))
                table[i * size + j] -= eta * coefficient
    constant = tables.setdefault(still, [fmpq(0)] * (size * size))
    for i in range(size):
        constant[i * size + i] += 1
    stacked = [entry for table in tables.values() for entry in table]
    reduced, rank = fmpq_mat(size * len(tables), size, stacked).rref()
    return _null_vectors(reduced, int(rank), size)


def _null_vectors(reduced: fmpq_mat, rank: int, size: int) -> list[tuple[fmpq, ...]]:
    pivots = [next(j for j in range(size) if reduced[i, j] != 0) for i in range(rank)]
    found: list[tuple[fmpq, ...]] = []
    for free in (j for j in range(size) if j not in pivots):
        vector = [fmpq(0)] * size
        vector[free] = fmpq(1)
        for i, pivot in enumerate(pivots):
            vector[pivot] = -reduced[i, free]
        found.append(tuple(vector))
    return found


def _moved(polynomial: fmpq_mpoly, group: tuple[int, ...], vector: tuple[fmpq, ...], eta: fmpq) -> fmpq_mpoly:
    """V . (theta - eta grad q)."""
    generators = polynomial.context().gens()
    total = polynomial.context().constant(fmpq(0))
    for place, weight in zip(group, vector, strict=True):
        if weight != 0:
            total = total + weight * (generators[place] - eta * polynomial.derivative(place))
    return total


def _value(polynomial: fmpq_mpoly) -> fmpq | None:
    """The constant that a polynomial is; None where it is none."""
    if len(polynomial) == 0:
        return fmpq(0)
    return polynomial.leading_coefficient() if polynomial.is_constant() else None


def _named(
    group: tuple[int, ...],
    vector: tuple[fmpq, ...],
    value: fmpq,
    places: list[tuple[str, int]],
    shapes: Mapping[str, Shape],
) -> Constant:
    named = {
        frozenset([(places[place], 1)]): weight
        for place, weight in zip(group, vector, strict=True)
        if weight != 0
    }
    if len(named) == 1:
        ((name, number),) = [place for key in named for place, _ in key]
        (weight,) = named.values()
        return Constant(f"{entry_name(name, number, shapes[name])} = {value / weight}", value / weight)
    return Constant(f"{polynomial_text(named, shapes)} = {fraction_of(value)}", value)
