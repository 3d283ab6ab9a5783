"""Maps of the parameters: immutable, interned expressions, functions Theta -> R^shape.

Theta is R^P, P the number of entries of all parameter blocks.  A map is total: where an operation
has no value (an inverse at 0) it has some fixed one, about which nothing is ever concluded.  `Given`
stands for arbitrary fixed data, `Unknown` for an arbitrary map, `AnyPlace` for an arbitrary entry:
theorems about them hold for whatever is put in.  Equal maps are the same object.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from flint import fmpq

from proofs.errors import KernelError

from .interning import Interned
from .terms import check_name
from .univariate import Function, Univariate, Unspecified

__all__ = [
    "PARTIALS", "AnyPlace", "AnyStep", "At", "Chosen", "Contract", "Entry", "Fixed", "Given", "HessianDet",
    "Join", "Map", "MeanOf", "Opaque", "ParameterBlock", "Partial", "Pick", "Place", "PlaceNumber", "RankDet",
    "RootStep", "Scaled", "Shape", "StepNumber", "StepSize", "Total", "Unknown", "blocks_of", "maps_below",
    "parts_of", "size_of", "symbols_of",
]  # fmt: skip

Shape = tuple[int, ...]
MAX_ENTRIES = 50_000_000
# Functions that are analytic where their argument is positive.
PARTIALS = ("inverse", "log", "sqrt")


def size_of(shape: Shape) -> int:
    return math.prod(shape)


def check_shape(shape: Any) -> None:
    """Refuses anything but a tuple of positive integers of a moderate product."""
    if type(shape) is not tuple or any(type(extent) is not int or extent < 1 for extent in shape):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        raise KernelError(f"expected a shape of positive integers but got {shape!r}")
    if size_of(shape) > MAX_ENTRIES:  # pyright: ignore[reportUnknownArgumentType]
        raise KernelError(f"expected at most {MAX_ENTRIES} entries but got shape={shape!r}")


# -- places and step sizes ------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Place(metaclass=Interned):
    """The base of positions of an entry in a flattened map; also a number of a countable family."""

    def __reduce__(self) -> Any:
        raise KernelError("places are not pickled; store a derivation instead")


@dataclass(frozen=True, eq=False)
class PlaceNumber(Place):
    """The entry of that number, from 0."""

    number: int

    def __post_init__(self) -> None:
        if type(self.number) is not int or self.number < 0:
            raise KernelError(f"expected a number >= 0 but got {self.number!r}")


@dataclass(frozen=True, eq=False)
class AnyPlace(Place):
    """An arbitrary number; what is proved with it free in no hypothesis holds for every one."""

    name: str

    def __post_init__(self) -> None:
        check_name(self.name)


@dataclass(frozen=True, eq=False)
class StepSize(metaclass=Interned):
    """The base of step sizes eta of gradient descent, real numbers other than 0."""

    def __reduce__(self) -> Any:
        raise KernelError("step sizes are not pickled; store a derivation instead")


@dataclass(frozen=True, eq=False)
class StepNumber(StepSize):
    """A rational step size."""

    value: fmpq

    def __post_init__(self) -> None:
        if type(self.value) is not fmpq or self.value == 0:
            raise KernelError(f"expected a rational step size other than 0 but got {self.value!r}")


@dataclass(frozen=True, eq=False)
class AnyStep(StepSize):
    """An arbitrary step size other than 0."""

    name: str

    def __post_init__(self) -> None:
        check_name(self.name)


@dataclass(frozen=True, eq=False)
class RootStep(StepSize):
    """eta = 1/lambda, lambda a real root of an irreducible polynomial over Q of degree >= 2.

    coefficients: c_0, ..., c_d integers without common factor, c_d > 0, degree upward;
    number: which real root, counted from the smallest, from 0.
    """

    coefficients: tuple[int, ...]
    number: int

    def __post_init__(self) -> None:
        from .polynomials import real_root_count_of_irreducible

        if type(self.coefficients) is not tuple or any(type(c) is not int for c in self.coefficients):  # pyright: ignore[reportUnnecessaryComparison]
            raise KernelError("expected integer coefficients")
        count = real_root_count_of_irreducible(self.coefficients)
        if type(self.number) is not int or not 0 <= self.number < count:
            raise KernelError(f"expected one of {count} real roots but got number={self.number!r}")


# -- maps -----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Map(metaclass=Interned):
    """The base of all maps.

    shape: of the values; None where it is not known (maps made of an `Unknown` without shape).
    symbols: the `Given`, `Unknown`, `AnyPlace` and `AnyStep` that the map depends on.
    """

    shape: Shape | None = field(init=False, repr=False)
    symbols: frozenset[Any] = field(init=False, repr=False)
    key: bytes = field(init=False, repr=False)

    def _seal(self, shape: Shape | None, *children: Any) -> None:
        symbols: frozenset[Any] = frozenset()
        for child in children:
            found = symbols_of(child)
            symbols = found if symbols <= found else symbols if found <= symbols else symbols | found
        if shape is not None:
            check_shape(shape)
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "symbols", symbols)

    def __copy__(self) -> Map:
        return self

    def __deepcopy__(self, memo: object) -> Map:
        return self

    def __reduce__(self) -> Any:
        raise KernelError("maps are not pickled; store a derivation instead")

    def require_shape(self) -> Shape:
        """The shape, refusing a map whose shape is not known."""
        if self.shape is None:
            raise KernelError("expected a map whose shape is known")
        return self.shape


def symbols_of(part: Any) -> frozenset[Any]:
    """What a map, a place or a step size depends on."""
    if isinstance(part, Map):
        return part.symbols
    if isinstance(part, AnyPlace | AnyStep):
        return frozenset([part])
    if isinstance(part, Place | StepSize):
        return frozenset()
    raise KernelError(f"expected a map, a place or a step size but got {part!r}")


def _check_map(value: object) -> None:
    if not isinstance(value, Map):
        raise KernelError(f"expected a map but got {value!r}")


@dataclass(frozen=True, eq=False)
class ParameterBlock(Map):
    """A trained tensor: the block of theta of that name."""

    name: str
    extents: Shape

    def __post_init__(self) -> None:
        check_name(self.name)
        self._seal(self.extents)


@dataclass(frozen=True, eq=False)
class Given(Map):
    """An arbitrary fixed tensor that does not depend on theta: data."""

    name: str
    extents: Shape

    def __post_init__(self) -> None:
        check_name(self.name)
        self._seal(self.extents)
        object.__setattr__(self, "symbols", frozenset([self]))


@dataclass(frozen=True, eq=False)
class Fixed(Map):
    """The constant tensor with these entries, row by row."""

    extents: Shape
    entries: tuple[fmpq, ...]

    def __post_init__(self) -> None:
        self._seal(self.extents)
        if type(self.entries) is not tuple or any(type(entry) is not fmpq for entry in self.entries):  # pyright: ignore[reportUnnecessaryComparison]
            raise KernelError("expected rational entries")
        if len(self.entries) != size_of(self.extents):
            raise KernelError(f"expected {size_of(self.extents)} entries but got {len(self.entries)}")


@dataclass(frozen=True, eq=False)
class Unknown(Map):
    """An arbitrary map Theta -> R^extents, of any shape where `extents` is None."""

    name: str
    extents: Shape | None

    def __post_init__(self) -> None:
        check_name(self.name)
        self._seal(self.extents)
        object.__setattr__(self, "symbols", frozenset([self]))


@dataclass(frozen=True, eq=False)
class At(Map):
    """One entry of a map, a scalar; the entry of a place beyond the last one is 0."""

    of: Map
    place: Place

    def __post_init__(self) -> None:
        _check_map(self.of)
        limit = None if self.of.shape is None else size_of(self.of.shape)
        if limit is not None and isinstance(self.place, PlaceNumber) and self.place.number >= limit:
            raise KernelError(f"expected a place below {limit}")
        self._seal((), self.of, self.place)


@dataclass(frozen=True, eq=False)
class Pick(Map):
    """Entries of a flattened map, by number, in a new shape; the number -1 stands for 0."""

    of: Map
    numbers: tuple[int, ...]
    extents: Shape

    def __post_init__(self) -> None:
        _check_map(self.of)
        limit = size_of(self.of.require_shape())
        self._seal(self.extents, self.of)
        if type(self.numbers) is not tuple or len(self.numbers) != size_of(self.extents):  # pyright: ignore[reportUnnecessaryComparison]
            raise KernelError(f"expected {size_of(self.extents)} numbers of entries")
        if any(type(number) is not int or not -1 <= number < limit for number in self.numbers):
            raise KernelError(f"expected numbers of entries from -1 to {limit - 1}")


@dataclass(frozen=True, eq=False)
class Join(Map):
    """The flattened maps one after the other, a vector."""

    parts: tuple[Map, ...]

    def __post_init__(self) -> None:
        if type(self.parts) is not tuple or not self.parts:  # pyright: ignore[reportUnnecessaryComparison]
            raise KernelError("expected maps to join")
        for part in self.parts:
            _check_map(part)
        self._seal((sum(size_of(part.require_shape()) for part in self.parts),), *self.parts)


@dataclass(frozen=True, eq=False)
class Total(Map):
    """The sum of maps of one shape."""

    parts: tuple[Map, ...]

    def __post_init__(self) -> None:
        if type(self.parts) is not tuple or not self.parts:  # pyright: ignore[reportUnnecessaryComparison]
            raise KernelError("expected maps to add")
        for part in self.parts:
            _check_map(part)
        if len({part.require_shape() for part in self.parts}) != 1:
            raise KernelError("expected maps of one shape")
        self._seal(self.parts[0].shape, *self.parts)


@dataclass(frozen=True, eq=False)
class Scaled(Map):
    """factor * map with a rational factor."""

    factor: fmpq
    of: Map

    def __post_init__(self) -> None:
        _check_map(self.of)
        if type(self.factor) is not fmpq:
            raise KernelError(f"expected a rational factor but got {self.factor!r}")
        self._seal(self.of.shape, self.of)


@dataclass(frozen=True, eq=False)
class Contract(Map):
    """The sum of products of entries: `ij,j->i` is a matrix applied to a vector.

    Each side's letters name its dimensions and differ from each other; a letter on the left of
    the arrow alone is summed over.
    """

    pattern: str
    left: Map
    right: Map

    def __post_init__(self) -> None:
        _check_map(self.left)
        _check_map(self.right)
        self._seal(self._result(), self.left, self.right)

    def letters(self) -> tuple[str, str, str]:
        """The letters of the left, of the right and of the result."""
        inputs, arrow, result = self.pattern.partition("->")
        first, comma, second = inputs.partition(",")
        if not arrow or not comma:
            raise KernelError(f"expected a pattern such as ij,j->i but got {self.pattern!r}")
        return first, second, result

    def extents_of(self) -> dict[str, int]:
        """The extent that every letter runs over."""
        first, second, _ = self.letters()
        found: dict[str, int] = {}
        for letters, side in ((first, self.left), (second, self.right)):
            shape = side.require_shape()
            if len(letters) != len(shape):
                raise KernelError(f"expected a letter for each dimension of {shape} but got {letters!r}")
            for letter, extent in zip(letters, shape, strict=True):
                if found.setdefault(letter, extent) != extent:
                    raise KernelError(f"expected one extent of {letter!r}")
        return found

    def _result(self) -> Shape:
        if type(self.pattern) is not str or len(self.pattern) > 64:
            raise KernelError("expected a pattern such as ij,j->i")
        sides = self.letters()
        for letters in sides:
            if not all("a" <= letter <= "z" for letter in letters) or len(set(letters)) != len(letters):
                raise KernelError(f"expected distinct letters a to z but got {letters!r}")
        found = self.extents_of()
        if not set(sides[2]) <= set(found):
            raise KernelError("expected the letters of the result among those of the factors")
        return tuple(found[letter] for letter in sides[2])


@dataclass(frozen=True, eq=False)
class Entry(Map):
    """sigma applied to every entry."""

    function: Function
    of: Map

    def __post_init__(self) -> None:
        _check_map(self.of)
        if type(self.function) not in (Univariate, Unspecified):
            raise KernelError("expected a function")
        self._seal(self.of.shape, self.of)


@dataclass(frozen=True, eq=False)
class Chosen(Map):
    """One expression of sigma for each entry, whatever side of the kinks the entry is on.

    choices: for every entry the number of a piece, or -1 - k for the constant sigma(kink k).
    """

    function: Univariate
    choices: tuple[int, ...]
    of: Map

    def __post_init__(self) -> None:
        _check_map(self.of)
        if type(self.function) is not Univariate or self.function.period is not None:
            raise KernelError("expected a function with finitely many pieces")
        if type(self.choices) is not tuple or len(self.choices) != size_of(self.of.require_shape()):  # pyright: ignore[reportUnnecessaryComparison]
            raise KernelError("expected a choice for every entry")
        pieces, kinks = len(self.function.pieces), len(self.function.kinks)
        if any(type(choice) is not int or not -kinks <= choice < pieces for choice in self.choices):
            raise KernelError(f"expected choices from {-kinks} to {pieces - 1}")
        self._seal(self.of.shape, self.of)


@dataclass(frozen=True, eq=False)
class Partial(Map):
    """One of `PARTIALS` applied to every entry; nothing is known where an entry is not positive."""

    name: str
    of: Map

    def __post_init__(self) -> None:
        _check_map(self.of)
        if type(self.name) is not str or self.name not in PARTIALS:
            raise KernelError(f"expected one of {', '.join(PARTIALS)} but got {self.name!r}")
        self._seal(self.of.shape, self.of)


@dataclass(frozen=True, eq=False)
class Opaque(Map):
    """An arbitrary fixed function R^n -> R^extents of that name, applied to a flattened map."""

    name: str
    of: Map
    extents: Shape

    def __post_init__(self) -> None:
        check_name(self.name)
        _check_map(self.of)
        self._seal(self.extents, self.of)


@dataclass(frozen=True, eq=False)
class MeanOf(Map):
    """The mean of a scalar over finitely many values of the data, at least one; binds the data."""

    data: tuple[Given, ...]
    body: Map

    def __post_init__(self) -> None:
        _check_map(self.body)
        if self.body.shape != ():
            raise KernelError("expected the mean of a scalar")
        if type(self.data) is not tuple or not self.data or any(type(d) is not Given for d in self.data):  # pyright: ignore[reportUnnecessaryComparison]
            raise KernelError("expected data to average over")
        self._seal((), self.body)
        object.__setattr__(self, "symbols", self.body.symbols - frozenset(self.data))


@dataclass(frozen=True, eq=False)
class HessianDet(Map):
    """theta -> det(I - eta Hessian(f)(theta)) where f is twice differentiable, f a scalar."""

    of: Map
    step: StepSize

    def __post_init__(self) -> None:
        _check_map(self.of)
        if self.of.shape != () or not isinstance(self.step, StepSize):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise KernelError("expected a scalar and a step size")
        self._seal((), self.of, self.step)


@dataclass(frozen=True, eq=False)
class RankDet(Map):
    """theta -> det(J J^T), J the Jacobian of f in theta: not 0 where J is onto R^n."""

    of: Map

    def __post_init__(self) -> None:
        _check_map(self.of)
        self._seal((), self.of)


# -- walks ----------------------------------------------------------------------------------------


def parts_of(node: Map) -> tuple[Map, ...]:
    """The maps that a map is made of directly."""
    match node:
        case Total(parts=parts) | Join(parts=parts):
            return parts
        case Contract(left=left, right=right):
            return (left, right)
        case (
            At(of=of) | Pick(of=of) | Scaled(of=of) | Entry(of=of) | Chosen(of=of) | Partial(of=of)
            | Opaque(of=of) | HessianDet(of=of) | RankDet(of=of)
        ):  # fmt: skip
            return (of,)
        case MeanOf(body=body):
            return (body,)
        case ParameterBlock() | Given() | Fixed() | Unknown():
            return ()
        case _:
            raise KernelError(f"no parts are known of {type(node).__name__}")


def maps_below(*roots: Map) -> list[Map]:
    """All maps that these are made of and themselves, parts first (an iterative walk)."""
    order: list[Map] = []
    seen: set[Map] = set()
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((part, False) for part in reversed(parts_of(node)))
    return order


def blocks_of(node: Map) -> tuple[ParameterBlock, ...]:
    """The parameter blocks that occur, by name.

    Raises:
        KernelError: for a map made of an `Unknown` one, or two blocks of one name.
    """
    found: dict[str, ParameterBlock] = {}
    for part in maps_below(node):
        if isinstance(part, Unknown):
            raise KernelError("expected a map whose parameters are known")
        if isinstance(part, ParameterBlock) and found.setdefault(part.name, part) is not part:
            raise KernelError(f"expected one parameter of the name {part.name}")
    return tuple(found[name] for name in sorted(found))
