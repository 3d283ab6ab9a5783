"""Sets of parameters: immutable, interned expressions that denote subsets of Theta = R^P.

A function is analytic at a point if it is analytic on a neighbourhood of it; so the set D(f) where
f is analytic is open, and `SingularPoints(f)` is its complement, S(f).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flint import fmpq

from proofs.errors import KernelError

from .interning import Interned
from .maps import AnyPlace, Entry, Map, Opaque, Place, symbols_of
from .univariate import Function, Univariate, Unspecified

__all__ = [
    "Boundary", "Component", "Either", "Empty", "HitsSingular", "Interior", "KinkLevel", "Level",
    "LevelNumber", "LevelSet", "Meet", "Region", "SingularPoints", "UnionOver", "Whole", "Without",
    "level_symbols", "parts_of_set",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Level(metaclass=Interned):
    """The base of values that a level set is taken at."""

    def __reduce__(self) -> Any:
        raise KernelError("levels are not pickled; store a derivation instead")


@dataclass(frozen=True, eq=False)
class LevelNumber(Level):
    """A rational number."""

    value: fmpq

    def __post_init__(self) -> None:
        if type(self.value) is not fmpq:
            raise KernelError(f"expected a rational number but got {self.value!r}")


@dataclass(frozen=True, eq=False)
class KinkLevel(Level):
    """The kink of sigma of that number, in some enumeration; no number where there are fewer kinks."""

    function: Function
    place: Place

    def __post_init__(self) -> None:
        if type(self.function) not in (Univariate, Unspecified) or not isinstance(self.place, Place):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise KernelError("expected a function and the number of a kink")


def level_symbols(level: Level) -> frozenset[Any]:
    """What a level depends on."""
    return symbols_of(level.place) if isinstance(level, KinkLevel) else frozenset()


@dataclass(frozen=True, eq=False)
class Region(metaclass=Interned):
    """The base of sets; `symbols` are what the set depends on, as for maps."""

    symbols: frozenset[Any] = field(init=False, repr=False)
    key: bytes = field(init=False, repr=False)

    def _seal(self, *parts: frozenset[Any]) -> None:
        object.__setattr__(self, "symbols", frozenset[Any]().union(*parts))

    def __copy__(self) -> Region:
        return self

    def __deepcopy__(self, memo: object) -> Region:
        return self

    def __reduce__(self) -> Any:
        raise KernelError("sets are not pickled; store a derivation instead")


def _expect(value: object, *kinds: type) -> None:
    if not isinstance(value, kinds):
        raise KernelError(f"expected {' or '.join(kind.__name__ for kind in kinds)} but got {value!r}")


@dataclass(frozen=True, eq=False)
class Whole(Region):
    """Theta."""

    def __post_init__(self) -> None:
        self._seal()


@dataclass(frozen=True, eq=False)
class Empty(Region):
    """The empty set."""

    def __post_init__(self) -> None:
        self._seal()


@dataclass(frozen=True, eq=False)
class SingularPoints(Region):
    """S(f), the points at which f is not analytic; closed.  Its complement is D(f)."""

    of: Map

    def __post_init__(self) -> None:
        _expect(self.of, Map)
        self._seal(self.of.symbols)


@dataclass(frozen=True, eq=False)
class Component(Region):
    """One of the connected components of D(f), which are countably many, in some enumeration.

    Open and connected; empty where there are fewer components.
    """

    of: Map
    place: Place

    def __post_init__(self) -> None:
        _expect(self.of, Map)
        _expect(self.place, Place)
        self._seal(self.of.symbols, symbols_of(self.place))


@dataclass(frozen=True, eq=False)
class LevelSet(Region):
    """The points at which all entries of f equal the level; empty where the level is no number."""

    of: Map
    level: Level

    def __post_init__(self) -> None:
        _expect(self.of, Map)
        _expect(self.level, Level)
        self._seal(self.of.symbols, level_symbols(self.level))


@dataclass(frozen=True, eq=False)
class HitsSingular(Region):
    """The points at which the argument p of outer = g(p) lies in S(g), g: R^n -> R^k.

    g is the function that was applied last: sigma, entry by entry, or the function of an `Opaque`.
    """

    outer: Map

    def __post_init__(self) -> None:
        _expect(self.outer, Entry, Opaque)
        self._seal(self.outer.symbols)


@dataclass(frozen=True, eq=False)
class Interior(Region):
    """The interior of a set."""

    of: Region

    def __post_init__(self) -> None:
        _expect(self.of, Region)
        self._seal(self.of.symbols)


@dataclass(frozen=True, eq=False)
class Boundary(Region):
    """The closure of a set without its interior."""

    of: Region

    def __post_init__(self) -> None:
        _expect(self.of, Region)
        self._seal(self.of.symbols)


@dataclass(frozen=True, eq=False)
class Meet(Region):
    """The points of both sets."""

    left: Region
    right: Region

    def __post_init__(self) -> None:
        _expect(self.left, Region)
        _expect(self.right, Region)
        self._seal(self.left.symbols, self.right.symbols)


@dataclass(frozen=True, eq=False)
class Without(Region):
    """The points of the first set that are not in the second."""

    left: Region
    right: Region

    def __post_init__(self) -> None:
        _expect(self.left, Region)
        _expect(self.right, Region)
        self._seal(self.left.symbols, self.right.symbols)


@dataclass(frozen=True, eq=False)
class Either(Region):
    """The points of at least one of the sets."""

    parts: tuple[Region, ...]

    def __post_init__(self) -> None:
        if type(self.parts) is not tuple or not self.parts:  # pyright: ignore[reportUnnecessaryComparison]
            raise KernelError("expected sets to unite")
        for part in self.parts:
            _expect(part, Region)
        self._seal(*(part.symbols for part in self.parts))


@dataclass(frozen=True, eq=False)
class UnionOver(Region):
    """The union of S(i) over all numbers i = 0, 1, ...; binds i."""

    place: AnyPlace
    of: Region

    def __post_init__(self) -> None:
        _expect(self.of, Region)
        if type(self.place) is not AnyPlace:
            raise KernelError("expected an arbitrary number to unite over")
        self._seal(self.of.symbols - {self.place})


def parts_of_set(region: Region) -> tuple[Region, ...]:
    """The sets that a set is made of directly."""
    match region:
        case Interior(of=of) | Boundary(of=of) | UnionOver(of=of):
            return (of,)
        case Meet(left=left, right=right) | Without(left=left, right=right):
            return (left, right)
        case Either(parts=parts):
            return parts
        case _:
            return ()


