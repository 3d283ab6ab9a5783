"""Names for the maps of a derivation: z_1, h_1, ..., L, so that every claim about a network is one line.

Pre-activations are z, values of functions h, each with the layer's number; a loss is L, a case q.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from proofs.kernel.claims import Claim
from proofs.kernel.dynamics import Descent, Dynamics, Proximal, Pushed
from proofs.kernel.maps import (
    At,
    Chosen,
    Contract,
    Entry,
    Fixed,
    Given,
    HessianDet,
    Map,
    MeanOf,
    Opaque,
    ParameterBlock,
    Pick,
    RankDet,
    Scaled,
    Total,
    Unknown,
    maps_below,
    parts_of,
    size_of,
    symbols_of,
)
from proofs.kernel.set_claims import (
    AvoidsExceptional,
    ConstantEigenvalues,
    EigenvaluesWithin,
    Exceptional,
    LocallyOneOf,
    SetClaim,
    SomewhereEqual,
)
from proofs.kernel.sets import Component, KinkLevel, Region
from proofs.kernel.univariate import Function

from .names import layer_of

__all__ = ["MapNames", "layer_of_name", "map_names", "values_in"]

# A map of more operations than this is named.
MOST_OPERATIONS = 8


def values_in(*claims: Claim) -> Iterator[Any]:
    """The maps, sets, levels and maps of optimisers in claims, outer ones first; each once."""
    seen: set[int] = set()
    stack: list[Any] = list(reversed(claims))
    while stack:
        value = stack.pop()
        if isinstance(value, tuple):
            stack.extend(reversed(value))  # pyright: ignore[reportUnknownArgumentType]
        elif id(value) not in seen and isinstance(value, SetClaim | Region | KinkLevel | Dynamics | Map):
            seen.add(id(value))
            yield value
            if not isinstance(value, Map):
                stack.extend(getattr(value, name) for name in reversed(type(value).__match_args__))


@dataclass(frozen=True, eq=False)
class MapNames:
    """The names of maps in one document.

    names: of the named maps, each after those in its definition;
    owners: for every map the place in `names` of the named map that it is, or is first used for;
    selections: the numbers of selections of entries; functions: those with kinks that levels name;
    components: the maps whose components of D(f) occur; pushes: the numbers of maps with a velocity.
    """

    names: dict[Map, str] = field(default_factory=dict[Map, str])
    owners: dict[Map, int] = field(default_factory=dict[Map, int])
    selections: dict[tuple[Any, ...], int] = field(default_factory=dict[tuple[Any, ...], int])
    functions: dict[Function, None] = field(default_factory=dict[Function, None])
    components: dict[Map, None] = field(default_factory=dict[Map, None])
    dynamics: dict[Dynamics, None] = field(default_factory=dict[Dynamics, None])
    roots: dict[Map, None] = field(default_factory=dict[Map, None])

    @property
    def order(self) -> tuple[Map, ...]:
        return tuple(self.names)

    def layer_of_place(self, place: int) -> int | None:
        """The layer that the named map of that place belongs to."""
        order = list(self.names.values())
        return layer_of_name(order[place]) if place < len(order) else None


def layer_of_name(name: str) -> int | None:
    """The layer of a pre-activation or of a function's value, None for other names."""
    return layer_of(name) if name[0] in "zh" else None


def map_names(claims: Iterable[Claim]) -> MapNames:
    """Names for the maps in the claims; none for what is made of arbitrary maps alone."""
    claims = [claim for claim in claims if isinstance(claim, SetClaim)]
    found = MapNames()
    losses: set[Map] = set()
    cases: dict[Map, None] = {}
    # Cases of which more is said than that they occur.
    studied: dict[Map, None] = {}
    for value in values_in(*claims):
        match value:
            case Component(of=of):
                found.components[of] = None
            case KinkLevel(function=function):
                found.functions[function] = None
            case LocallyOneOf(of=of, cases=parts):
                losses.add(of)
                cases.update(dict.fromkeys(parts))
            case SomewhereEqual(of=of, case=case):
                losses.add(of)
                cases[case] = None
            case Descent(loss=loss) | Proximal(loss=loss) | Pushed(loss=loss):
                losses.add(loss)
            case Exceptional(loss=loss) | AvoidsExceptional(loss=loss):
                losses.add(loss)
            case ConstantEigenvalues(of=of) | EigenvaluesWithin(of=of):
                studied[of] = None
            case HessianDet(of=of):
                studied[of] = None
                found.roots[value] = None
            case Map():
                found.roots[value] = None
            case _:
                pass
        if isinstance(value, Dynamics):
            found.dynamics[value] = None
    losses |= studied.keys() - cases.keys()
    ordered = [*(case for case in cases if case in studied), *cases]
    _Namer(found, losses, dict.fromkeys(case for case in ordered if case not in losses)).run()
    return found


@dataclass
class _Namer:
    found: MapNames
    losses: set[Map]
    cases: dict[Map, None]
    taken: set[str] = field(default_factory=set[str])
    counts: dict[str, int] = field(default_factory=dict[str, int])
    sizes: dict[Map, int] = field(default_factory=dict[Map, int])
    given: set[Map] = field(default_factory=set[Map])
    within: dict[Map, list[Map]] = field(default_factory=dict[Map, list[Map]])
    concrete: set[Map] = field(default_factory=set[Map])
    top: Map | None = None

    def run(self) -> None:
        nodes = self._nodes()
        self._scan(nodes)
        owners = self.found.owners
        for node in nodes:
            letter = self._letter(node)
            self.sizes[node] = self._size(node, letter is not None)
            if letter is not None:
                self.found.names[node] = self._name(letter, node)
                if letter not in "cC":
                    self._own(node, len(self.found.names) - 1)
        self._give_to_cases()
        for node in nodes:
            if node not in owners:
                below = [owners[part] for part in parts_of(node) if part in owners]
                owners[node] = max(below, default=len(self.found.names))

    def _nodes(self) -> list[Map]:
        """All maps, parts first, so that those of the deepest root stand together."""
        height: dict[Map, int] = {}
        for node in maps_below(*self.found.roots):
            height[node] = 1 + max((height[part] for part in parts_of(node)), default=0)
        roots = [*self.cases, *sorted(self.found.roots, key=lambda root: -height[root])]
        roots.sort(key=lambda root: root not in self.losses)
        scalars = (
            root for root in roots if root.shape == () and not isinstance(root, HessianDet | RankDet | At)
        )
        self.top = next(scalars, None)
        return maps_below(*roots)

    def _own(self, node: Map, place: int) -> None:
        """What the named map is made of and no other one before is printed with it."""
        stack = [node]
        while stack:
            part = stack.pop()
            if part not in self.found.owners:
                self.found.owners[part] = place
                stack.extend(parts_of(part))

    def _give_to_cases(self) -> None:
        """What is in one case alone is printed with it."""
        places = {node: place for place, node in enumerate(self.found.names)}
        cases = [case for case in self.cases if case in places]
        shared = set(maps_below(*self.losses)) if self.losses else set[Map]()
        first: dict[Map, Map] = {}
        for case in cases:
            for part in maps_below(case):
                if first.setdefault(part, case) is not case:
                    shared.add(part)
        for part, case in first.items():
            if part not in shared:
                self.found.owners[part] = places[case]

    def _scan(self, nodes: list[Map]) -> None:
        for node in nodes:
            parts = parts_of(node)
            for part in parts:
                self.within.setdefault(part, []).append(node)
            if isinstance(node, ParameterBlock | Given) or not self.concrete.isdisjoint(parts):
                self.concrete.add(node)
            match node:
                case ParameterBlock(name=name) | Given(name=name) | Unknown(name=name) | Opaque(name=name):
                    self.taken.add(name)
                case HessianDet(of=of):
                    self.losses.add(of)
                case Pick(numbers=numbers, extents=extents, of=of):
                    key = (numbers, extents, size_of(of.require_shape()))
                    self.found.selections.setdefault(key, len(self.found.selections) + 1)
                case _:
                    pass
            if isinstance(node, Entry | Chosen | Opaque):
                self.given.add(node.of)
            self.taken |= {getattr(symbol, "name", "") for symbol in symbols_of(node)}

    def _size(self, node: Map, is_named: bool) -> int:
        """How many operations are printed where the map is."""
        if is_named or not parts_of(node):
            return 1
        return 1 + sum(self.sizes[part] for part in set(parts_of(node)))

    def _letter(self, node: Map) -> str | None:
        if isinstance(node, Fixed):
            return _constant_letter(node)
        if isinstance(node, ParameterBlock | Given | Unknown | At | HessianDet | RankDet):
            return None
        if node in self.cases:
            return "q"
        if node not in self.concrete:
            return "f" if self._size(node, False) > MOST_OPERATIONS else None
        if node in self.losses or isinstance(node, MeanOf):
            return "L"
        if any(isinstance(outer, MeanOf) for outer in self.within.get(node, ())):
            return "l"
        if isinstance(node, Entry | Chosen | Opaque):
            return "h"
        if node in self.given or self._is_affine(node):
            return "z"
        if node is self.top:
            return "L"
        if all(isinstance(outer, Scaled) for outer in self.within.get(node, ())):
            return None
        return "f" if self._size(node, False) > MOST_OPERATIONS else None

    def _is_affine(self, node: Map) -> bool:
        """W h + b, or W h that is no summand."""
        if isinstance(node, Total):
            return any(_is_product(part) for part in node.parts)
        outer = self.within.get(node, [])
        return _is_product(node) and bool(outer) and not any(isinstance(o, Total) for o in outer)

    def _name(self, letter: str, node: Map) -> str:
        if letter == "l":
            names = itertools.chain(("loss",), self._numbered("loss"))
            return next(name for name in names if self._take(name))
        if letter == "L":
            names = itertools.chain(("L",), self._numbered("L"))
            return next(name for name in names if self._take(name))
        if letter in "Ccfq":
            return next(name for name in self._numbered(letter) if self._take(name))
        index = self._index(letter, node)
        if index is None:
            return next(name for name in self._numbered(letter) if self._take(name))
        candidates = (f"{letter}{index}" + (f"_{k}" if k > 1 else "") for k in range(1, 10**9))
        return next(name for name in candidates if self._take(name))

    def _index(self, letter: str, node: Map) -> int | None:
        """The layer's number: that of the argument for h, of the parameters used for z."""
        if letter == "h":
            (inner,) = parts_of(node)
            name = self.found.names.get(inner, "")
            return layer_of(name) if name.startswith("z") else None
        blocks = [part for part in self._parts(node) if isinstance(part, ParameterBlock)]
        numbers = [number for block in blocks if (number := layer_of(block.name)) is not None]
        return max(numbers, default=None)

    def _parts(self, node: Map) -> list[Map]:
        found: list[Map] = []
        stack = list(parts_of(node))
        while stack:
            top = stack.pop()
            found.append(top)
            if top not in self.found.names:
                stack.extend(parts_of(top))
        return found

    def _numbered(self, letter: str) -> Iterator[str]:
        while True:
            self.counts[letter] = self.counts.get(letter, 0) + 1
            yield f"{letter}{self.counts[letter]}"

    def _take(self, name: str) -> bool:
        if name in self.taken:
            return False
        self.taken.add(name)
        return True


def _is_product(node: Map) -> bool:
    """Whether the map is a product with parameters."""
    sides = (node.left, node.right) if isinstance(node, Contract) else ()
    return any(isinstance(side, ParameterBlock) for side in sides)


def _constant_letter(node: Fixed) -> str | None:
    """C for a matrix of numbers, c for a vector; numbers and zeros stand as they are."""
    if node.extents == () or not any(node.entries):
        return None
    return "c" if len(node.extents) == 1 else "C"
