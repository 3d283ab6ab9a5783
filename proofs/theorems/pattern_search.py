"""Untrusted search for activation patterns: a rational point that realises one, or products that exclude it.

What is found here is checked by the rules `EqualsAt` and `DropCases`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations_with_replacement
from random import Random
from typing import Any

from flint import fmpq, fmpq_mat

from proofs.kernel.map_values import Point
from proofs.kernel.maps import Map, blocks_of, size_of
from proofs.kernel.patterns import Named, conditions_of, product_of

__all__ = ["certificate", "random_point", "witness"]

Place = tuple[str, int]
RESTARTS = 24
# How far from 0 coordinates are looked for.
REACHES = (3, 10, 1, 40)
DENOMINATOR = 64
MOST_PAIRS = 400


def random_point(root: Map, random: Random, *, reach: int = 2, denominator: int = 7) -> Point:
    """A point with small rational coordinates."""
    bound = reach * denominator

    def drawn(size: int) -> tuple[fmpq, ...]:
        return tuple(fmpq(random.randint(-bound, bound), denominator) for _ in range(size))

    return {block.name: drawn(size_of(block.extents)) for block in blocks_of(root)}


def witness(case: Map, random: Random, root: Map | None = None) -> Point | None:
    """A point at which all conditions of the case hold strictly, or None if none was found.

    Coordinate by coordinate of the conditions' order: with the coordinates of earlier conditions
    fixed at random values, the next ones are linear in the rest wherever a network is layered.
    """
    conditions = [condition.polynomial() for condition in conditions_of(case)]
    whole = case if root is None else root
    for restart in range(RESTARTS if conditions else 1):
        values = _fit(conditions, random, REACHES[restart % len(REACHES)])
        if values is None:
            continue
        point = _filled(whole, values, random)
        if all(_value(condition, point) > 0 for condition in conditions):
            return point
    return None


def _filled(root: Map, values: Mapping[Place, fmpq], random: Random) -> Point:
    """A point with the given coordinates; the others are random."""
    drawn = random_point(root, random)
    return {
        name: tuple(values.get((name, k), value) for k, value in enumerate(entries))
        for name, entries in drawn.items()
    }


def _value(condition: Named, point: Point) -> fmpq:
    total = fmpq(0)
    for monomial, coefficient in condition.items():
        term = coefficient
        for (name, k), exponent in monomial:
            term *= point[name][k] ** exponent
        total += term
    return total


def _fit(conditions: Sequence[Named], random: Random, reach: int) -> dict[Place, fmpq] | None:
    """Coordinates that satisfy the conditions, found by linear programs one after the other."""
    fixed: dict[Place, fmpq] = {}
    left: list[Named] = list(conditions)
    while left:
        reduced = [_substitute(condition, fixed) for condition in left]
        linear = [c for c in reduced if _is_linear(c)]
        if not linear:
            # Fix half of the coordinates of the first condition at random and go on.
            places = sorted({place for monomial in reduced[0] for place, _ in monomial})
            for place in random.sample(places, max(1, len(places) // 2)):
                fixed[place] = fmpq(random.randint(-reach * DENOMINATOR, reach * DENOMINATOR), DENOMINATOR)
            continue
        solution = _solve(linear, random, reach)
        if solution is None:
            return None
        fixed |= solution
        left = [c for c, r in zip(left, reduced, strict=True) if not _is_linear(r)]
    return fixed


def _substitute(condition: Named, fixed: Mapping[Place, fmpq]) -> Named:
    found: Named = {}
    for monomial, coefficient in condition.items():
        value = coefficient
        rest: list[tuple[Place, int]] = []
        for place, exponent in monomial:
            if place in fixed:
                value *= fixed[place] ** exponent
            else:
                rest.append((place, exponent))
        key = frozenset(rest)
        found[key] = found.get(key, fmpq(0)) + value
    return {key: value for key, value in found.items() if value != 0}


def _is_linear(condition: Named) -> bool:
    return all(sum(exponent for _, exponent in monomial) <= 1 for monomial in condition)


def _solve(linear: list[Named], random: Random, reach: int) -> dict[Place, fmpq] | None:
    """A rational point strictly inside the half-spaces, by a linear program in floats with a random aim."""
    from scipy.optimize import linprog  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

    places = sorted({place for condition in linear for monomial in condition for place, _ in monomial})
    if not places:
        return {} if all(condition.get(frozenset(), fmpq(0)) > 0 for condition in linear) else None
    rows: list[list[float]] = []
    limits: list[float] = []
    for condition in linear:
        row = [_as_float(condition.get(frozenset([(place, 1)]), fmpq(0))) for place in places]
        size = max(1e-9, sum(abs(entry) for entry in row))
        rows.append([-entry / size for entry in row] + [1.0])
        limits.append(_as_float(condition.get(frozenset(), fmpq(0))) / size)
    aim = [random.uniform(-0.02, 0.02) for _ in places] + [-1.0]
    box: list[tuple[float, float]] = [(-reach, reach)] * len(places) + [(0.0, 1.0)]
    found: Any = linprog(aim, A_ub=rows, b_ub=limits, bounds=box, method="highs")
    if found.status != 0 or found.x[-1] <= 1e-7:
        return None
    for denominator in (DENOMINATOR, DENOMINATOR**2, DENOMINATOR**4):
        rounded = {
            place: fmpq(round(value * denominator), denominator)
            for place, value in zip(places, found.x, strict=False)
        }
        if all(_inside(condition, rounded) for condition in linear):
            return rounded
    return None


def _inside(condition: Named, values: Mapping[Place, fmpq]) -> bool:
    return _substitute(condition, values).get(frozenset(), fmpq(0)) > 0


def _as_float(value: fmpq) -> float:
    return int(value.p) / int(value.q)


def certificate(case: Map) -> tuple[tuple[fmpq, tuple[int, ...]], ...] | None:
    """Products of conditions with positive factors whose sum is a constant <= 0; None if none was found.

    First sums of conditions (Farkas), then sums of conditions and of products of two.
    """
    conditions = [condition.polynomial() for condition in conditions_of(case)]
    for products in _candidates(conditions):
        found = _combine(products)
        if found is not None:
            return found
    return None


Numbered = list[tuple[tuple[int, ...], Named]]


def _candidates(conditions: Sequence[Named]) -> Iterator[Numbered]:
    single: Numbered = [((number,), condition) for number, condition in enumerate(conditions)]
    yield single
    pairs = list(combinations_with_replacement(range(len(conditions)), 2))
    if 0 < len(pairs) <= MOST_PAIRS:
        yield [*single, *(((i, j), product_of(conditions[i], conditions[j])) for i, j in pairs)]


def _combine(products: Numbered) -> tuple[tuple[fmpq, tuple[int, ...]], ...] | None:
    """Factors >= 0, found in floats and made exact on their support."""
    from scipy.optimize import linprog  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

    if not products:
        return None
    keys = sorted({key for _, p in products for key in p if key}, key=sorted)
    table = [[_as_float(p.get(key, fmpq(0))) for _, p in products] for key in keys]
    constants = [_as_float(p.get(frozenset(), fmpq(0))) for _, p in products]
    rows = [*table, [1.0] * len(products)]
    totals = [0.0] * len(keys) + [1.0]
    bounds = [(0, None)] * len(products)
    found: Any = linprog(constants, A_eq=rows, b_eq=totals, bounds=bounds, method="highs")
    if found.status != 0 or found.fun > 1e-9:
        return None
    support = [k for k, value in enumerate(found.x) if value > 1e-9]
    return _exact_on([products[k] for k in support])


def _exact_on(chosen: Numbered) -> tuple[tuple[fmpq, tuple[int, ...]], ...] | None:
    """Exact factors > 0 on the support of a basic solution, where they are unique up to a multiple."""
    keys = sorted({key for _, p in chosen for key in p if key}, key=sorted)
    size, height = len(chosen), len(keys) + 1
    rows = [[p.get(key, fmpq(0)) for _, p in chosen] + [fmpq(0)] for key in keys]
    rows.append([fmpq(1)] * (size + 1))
    reduced, rank = fmpq_mat(height, size + 1, [entry for row in rows for entry in row]).rref()
    if rank != size or any(reduced[i, i] != 1 for i in range(size)):
        return None
    factors = [reduced[i, size] for i in range(size)]
    if any(factor <= 0 for factor in factors):
        return None
    return tuple((factor, numbers) for factor, (numbers, _) in zip(factors, chosen, strict=True))
