"""The rule of ranks at a point: where a given map is a submersion somewhere."""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq, fmpq_mat, fmpq_mpoly

from proofs.errors import KernelError

from ..claims import Sequent
from ..core import Rule, register
from ..map_polynomials import polynomial_values
from ..map_values import coordinates
from ..maps import Map, RankDet, size_of
from ..set_claims import NotWithin
from ..sets import LevelSet, Whole
from .logic import no_premises
from .patterns import StoredPoint, point_of
from .zeros import ZERO

__all__ = ["RankAt", "jacobian_at"]


@register
@dataclass(frozen=True)
class RankAt(Rule):
    """
    ------------------------------------- RankAt      the entries of f are polynomials in theta
    |- Theta not in {det(J J^T) = 0}

    J is the Jacobian of f; at the point, whose coordinates are rational, its rank is the number of
    entries of f, so that J J^T is invertible there.
    """

    map: Map
    point: StoredPoint

    def conclude(self, *premises: Sequent) -> NotWithin:
        no_premises(premises)
        if jacobian_at(self.map, self.point).rank() != size_of(self.map.require_shape()):
            raise KernelError("expected a point at which the Jacobian is onto")
        return NotWithin(Whole(), LevelSet(RankDet(self.map), ZERO))


def jacobian_at(node: Map, stored: StoredPoint) -> fmpq_mat:
    """The Jacobian, one row for each entry, of a map whose entries are polynomials, at a rational point.

    Raises:
        KernelError: for another map, or a point that lacks a coordinate.
    """
    point = point_of(stored)
    places = coordinates(node)
    if any(name not in point or number >= len(point[name]) for name, number in places):
        raise KernelError("expected a point with all coordinates")
    numbers = [point[name][number] for name, number in places]
    if not numbers or any(type(number) is not fmpq for number in numbers):
        raise KernelError("expected a point with rational coordinates")
    rows = [
        [_at(entry.derivative(k), numbers) for k in range(len(numbers))]
        for entry in polynomial_values(node)[node]
    ]
    return fmpq_mat(len(rows), len(numbers), [value for row in rows for value in row])


def _at(polynomial: fmpq_mpoly, numbers: list[fmpq]) -> fmpq:
    total = fmpq(0)
    for monomial, coefficient in polynomial.terms():
        term = coefficient
        for number, exponent in zip(numbers, monomial, strict=True):
            term *= number ** int(exponent)
        total += term
    return total
