"""Sets as unions of cells of the line, points and the open intervals between them: claims are decided.

Cell 2k is an open interval, cell 2k + 1 the point to its right.  Arbitrary maps have random level sets.
"""

from __future__ import annotations

import random

from proofs.kernel.claims import Claim
from proofs.kernel.maps import AnyPlace, PlaceNumber
from proofs.kernel.set_claims import NotWithin, Null, Within
from proofs.kernel.sets import (
    Boundary,
    Component,
    Either,
    Empty,
    Interior,
    Meet,
    Region,
    UnionOver,
    Whole,
    Without,
)

CELLS = 9
FAMILY = 4
Cells = frozenset[int]
ALL: Cells = frozenset(range(CELLS))


def interior(cells: Cells) -> Cells:
    return frozenset(c for c in cells if c % 2 == 0 or {c - 1, c + 1} <= cells)


def closure(cells: Cells) -> Cells:
    return ALL - interior(ALL - cells)


class Model:
    """A random meaning of the sets that are letters; components are open."""

    def __init__(self, seed: int) -> None:
        self._source = random.Random(seed)
        self._letters: dict[tuple[Region, int | None], Cells] = {}
        self.places: dict[AnyPlace, int] = {}

    def cells(self, region: Region) -> Cells:
        match region:
            case Whole():
                return ALL
            case Empty():
                return frozenset()
            case Meet(left=left, right=right):
                return self.cells(left) & self.cells(right)
            case Without(left=left, right=right):
                return self.cells(left) - self.cells(right)
            case Either(parts=parts):
                return frozenset().union(*(self.cells(part) for part in parts))
            case Interior(of=of):
                return interior(self.cells(of))
            case Boundary(of=of):
                return closure(self.cells(of)) - interior(self.cells(of))
            case UnionOver(place=place, of=of):
                return self._union(place, of)
            case _:
                return self._letter(region)

    def _union(self, place: AnyPlace, of: Region) -> Cells:
        kept = self.places.get(place)
        found: Cells = frozenset()
        for number in range(FAMILY):
            self.places[place] = number
            found |= self.cells(of)
        if kept is None:
            del self.places[place]
        else:
            self.places[place] = kept
        return found

    def _letter(self, region: Region) -> Cells:
        """A letter, or the member of a family of letters that `places` says."""
        number: int | None = None
        base = region
        if isinstance(region, Component):
            place = region.place
            if isinstance(place, AnyPlace):
                number = self.places.setdefault(place, self._source.randrange(FAMILY))
            elif isinstance(place, PlaceNumber):
                number = place.number
            base = Component(region.of, PlaceNumber(0))
        key = (base, number)
        if key not in self._letters:
            # Small, large and thin sets, so that null sets and inclusions occur.
            share, thin = self._source.choice((0.0, 0.2, 0.5, 0.9)), self._source.random() < 0.3
            cells = frozenset(c for c in ALL if self._source.random() < share and not (thin and c % 2 == 0))
            self._letters[key] = interior(cells) if isinstance(region, Component) else cells
        return self._letters[key]

    def is_true(self, claim: Claim) -> bool:
        match claim:
            case Within(inner=inner, outer=outer):
                return self.cells(inner) <= self.cells(outer)
            case NotWithin(inner=inner, outer=outer):
                return not self.cells(inner) <= self.cells(outer)
            case Null(region=region):
                return all(cell % 2 for cell in self.cells(region))
            case _:
                raise ValueError(f"no meaning of {claim!r}")
