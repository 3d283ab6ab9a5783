"""Maps of the parameters, sets of them and maps of optimisers as LaTeX."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from flint import fmpq

from proofs.kernel.dynamics import Composed, Descent, Dynamics, OnPosition, Proximal, Pushed, Sheared
from proofs.kernel.map_substitution import region_with
from proofs.kernel.maps import (
    AnyPlace,
    AnyStep,
    At,
    Chosen,
    Contract,
    Entry,
    Fixed,
    Given,
    HessianDet,
    Join,
    Map,
    MeanOf,
    Opaque,
    ParameterBlock,
    Partial,
    Pick,
    Place,
    PlaceNumber,
    RankDet,
    RootStep,
    Scaled,
    StepNumber,
    StepSize,
    Total,
    Unknown,
    size_of,
)
from proofs.kernel.sets import (
    Boundary,
    Component,
    Either,
    Empty,
    HitsSingular,
    Interior,
    KinkLevel,
    Level,
    LevelNumber,
    LevelSet,
    Meet,
    Region,
    SingularPoints,
    UnionOver,
    Whole,
    Without,
)

from .contractions import contraction_latex, indexed, raised
from .expressions import Notation, numeral
from .layout import Piece
from .map_names import MapNames
from .names import function_latex, name_latex

__all__ = ["MapWriter", "polynomial_latex"]

MOST_PARTS = 6
SHOWN_PARTS = 3
MOST_ENTRIES = 8
# How tightly parts of a formula bind: sums, products, what needs no brackets.
SUM, PRODUCT, TIGHT = 0, 1, 2


def polynomial_latex(coefficients: tuple[int, ...], variable: str = "t") -> str:
    """C_0 + c_1 t + ..., the highest power first."""
    text = ""
    for degree in range(len(coefficients) - 1, -1, -1):
        value = coefficients[degree]
        if value == 0:
            continue
        power = "" if degree == 0 else variable if degree == 1 else f"{variable}^{{{degree}}}"
        size = "" if abs(value) == 1 and power else str(abs(value))
        text += ("-" if value < 0 else "+" if text else "") + size + power
    return text or "0"


@dataclass
class MapWriter:
    """Writes in one notation, with names for long maps.

    is_defined: maps of optimisers have names, too; free: numbers that a union must not seem to bind.
    """

    names: MapNames
    notation: Notation = field(default_factory=Notation)
    is_defined: bool = False
    free: frozenset[object] = frozenset()
    _known: dict[Map, tuple[str, int]] = field(default_factory=dict[Map, tuple[str, int]])

    def name(self, name: str, entry: str | None = None) -> str:
        return name_latex(name, self.notation.layer, entry)

    # -- maps -------------------------------------------------------------------------------------

    def map(self, node: Map, tightness: int = SUM) -> str:
        """The map, by its name if it has one; in brackets where it binds less than `tightness`."""
        if node not in self._known:
            known = self.names.names.get(node)
            self._known[node] = (self.name(known), TIGHT) if known is not None else self._body(node)
        text, own = self._known[node]
        return text if own >= tightness else f"({text})"

    def body(self, node: Map) -> list[Piece]:
        """What the map is made of, even if it has a name."""
        if isinstance(node, Total):
            return self._total(node)
        return [Piece(self._body(node)[0])]

    def _body(self, node: Map) -> tuple[str, int]:
        match node:
            case ParameterBlock(name=name) | Given(name=name) | Unknown(name=name):
                return self.name(name), TIGHT
            case Fixed():
                return self._fixed(node)
            case At(of=of, place=place):
                return self._entry(of, self._place_in(of, place)), TIGHT
            case Pick():
                return self._pick(node), TIGHT
            case Join(parts=parts):
                return "(" + self._listed([self.map(part) for part in parts], ", ") + ")", TIGHT
            case Total():
                return " ".join(piece.text for piece in self._total(node)), SUM
            case Scaled(factor=factor, of=of):
                return self._factor(factor) + self.map(of, PRODUCT), SUM if factor < 0 else PRODUCT
            case Contract(pattern=pattern, left=left, right=right):
                sides = self.map(left, PRODUCT), self.map(right, PRODUCT)
                return contraction_latex(pattern, *sides, is_square=left is right)
            case Entry(function=function, of=of):
                return f"{function_latex(function)}({self.map(of)})", TIGHT
            case Chosen(function=function, choices=choices, of=of):
                listed = self._listed([str(c + 1) if c >= 0 else rf"\kappa_{{{-c}}}" for c in choices], ",")
                return f"{function_latex(function)}_{{[{listed}]}}({self.map(of)})", TIGHT
            case Partial(name=name, of=of):
                return self._partial(name, of)
            case Opaque(name=name, of=of):
                return f"{self.name(name)}({self.map(of)})", TIGHT
            case MeanOf(data=data, body=body):
                over = ",".join(self.name(given.name) for given in data)
                return rf"\operatorname{{mean}}_{{{over}}}\, {self.map(body, PRODUCT)}", SUM
            case HessianDet(of=of, step=step):
                return rf"\det(I-{self.step(step)}\nabla^{{2}}{self.map(of, TIGHT)})", TIGHT
            case RankDet(of=of):
                inner = self.map(of)
                return rf"\det(J_{{{inner}}}J_{{{inner}}}^{{\top}})", TIGHT
            case _:
                raise TypeError(f"no way is known to print {type(node).__name__}")

    def _listed(self, texts: list[str], between: str) -> str:
        if len(texts) > MOST_ENTRIES and not self.notation.is_exact:
            texts = [*texts[:SHOWN_PARTS], r"\ldots", texts[-1]]
        return between.join(texts)

    def number(self, value: fmpq) -> str:
        sign = "-" if value < 0 else ""
        return sign + (str(abs(value)) if self.notation.is_exact else numeral(abs(value), up=False))

    def _factor(self, factor: fmpq) -> str:
        if abs(factor) == 1:
            return "-" if factor < 0 else ""
        return self.number(factor) + r"\,"

    def _fixed(self, node: Fixed) -> tuple[str, int]:
        entries = node.entries
        if node.extents == ():
            return self.number(entries[0]), SUM if entries[0] < 0 else TIGHT
        if all(entry == 0 for entry in entries):
            return "0", TIGHT
        if len(node.extents) == 1:
            return "(" + self._listed([self.number(entry) for entry in entries], ", ") + ")", TIGHT
        rows = size_of(node.extents[:-1])
        width = node.extents[-1]
        if len(node.extents) == 2 and max(rows, width) <= MOST_ENTRIES:
            numbers = [self.number(entry) for entry in entries]
            inside = r" \\ ".join(" & ".join(numbers[r * width : (r + 1) * width]) for r in range(rows))
            return rf"\bigl(\begin{{smallmatrix}} {inside} \end{{smallmatrix}}\bigr)", TIGHT
        lines = [
            "[" + self._listed([self.number(e) for e in entries[r * width : (r + 1) * width]], ", ") + "]"
            for r in range(rows)
        ]
        return "[" + self._listed(lines, ", ") + "]", TIGHT

    def _entry(self, of: Map, place: str) -> str:
        known = self.names.names.get(of)
        if known is not None:
            return self.name(known, place)
        if isinstance(of, ParameterBlock | Given | Unknown):
            return self.name(of.name, place)
        return f"{indexed(self.map(of))}_{{{place}}}"

    def _place_in(self, of: Map, place: Place) -> str:
        """The entry's index, counted from 1; a row and a column for an entry of a matrix."""
        if not isinstance(place, PlaceNumber) or of.shape is None or len(of.shape) < 2:
            return self.place(place)
        found: list[str] = []
        rest = place.number
        for extent in reversed(of.shape):
            found.append(str(rest % extent + 1))
            rest //= extent
        return ",".join(reversed(found))

    def _pick(self, node: Pick) -> str:
        inner, numbers = node.of, node.numbers
        if numbers == tuple(range(size_of(inner.require_shape()))):
            shape = r"\times ".join(str(extent) for extent in node.extents) or "1"
            return rf"\operatorname{{reshape}}_{{{shape}}}({self.map(inner)})"
        if len(numbers) == 1 and numbers[0] >= 0:
            return self._entry(inner, self._place_in(inner, PlaceNumber(numbers[0])))
        if numbers[0] >= 0 and all(b == a + 1 for a, b in pairwise(numbers)) and len(node.extents) == 1:
            return self._entry(inner, f"{numbers[0] + 1}:{numbers[-1] + 1}")
        if not self.is_defined:
            listed = self._listed(["0" if n < 0 else str(n + 1) for n in numbers], ",")
            shape = r"\times ".join(str(extent) for extent in node.extents) or "1"
            return rf"P_{{[{listed}],\,{shape}}}{self.map(inner, TIGHT)}"
        key = (numbers, node.extents, size_of(inner.require_shape()))
        return rf"P_{{{self.names.selections.get(key, 0)}}}{self.map(inner, TIGHT)}"

    def _total(self, node: Total) -> list[Piece]:
        parts = list(node.parts)
        is_long = len(parts) > MOST_PARTS and not self.notation.is_exact
        shown = [*parts[:SHOWN_PARTS], parts[-1]] if is_long else parts
        pieces: list[Piece] = []
        for position, part in enumerate(shown):
            if is_long and position == SHOWN_PARTS:
                left_out = len(parts) - len(shown)
                pieces.append(Piece(rf"+ \overset{{\text{{{left_out} more}}}}{{\cdots}}"))
            is_negative = isinstance(part, Scaled) and part.factor < 0 and part not in self.names.names
            text = self.map(part, SUM if is_negative else PRODUCT)
            pieces.append(Piece(text if not pieces or is_negative else f"+ {text}"))
        return pieces

    def _partial(self, name: str, of: Map) -> tuple[str, int]:
        if name == "inverse":
            return f"{raised(self.map(of, TIGHT))}^{{-1}}", TIGHT
        if name == "sqrt":
            return rf"\sqrt{{{self.map(of)}}}", TIGHT
        return rf"\{name}({self.map(of)})", TIGHT

    # -- places, step sizes, levels ---------------------------------------------------------------

    def place(self, place: Place) -> str:
        return (
            str(place.number + 1)
            if isinstance(place, PlaceNumber)
            else self.name(place.name)
            if isinstance(place, AnyPlace)
            else "?"
        )

    def step(self, step: StepSize) -> str:
        match step:
            case AnyStep(name=name):
                return self.name(name)
            case StepNumber(value=value):
                text = self.number(value)
                return f"({text})" if value < 0 else text
            case RootStep(coefficients=coefficients, number=number):
                return rf"\lambda_{{{number + 1}}}({polynomial_latex(coefficients)})^{{-1}}"
            case _:
                raise TypeError(f"no way is known to print {type(step).__name__}")

    def level(self, level: Level) -> str:
        match level:
            case LevelNumber(value=value):
                return self.number(value)
            case KinkLevel(function=function, place=place):
                kink = rf"\kappa_{{{self.place(place)}}}"
                return kink if len(self.names.functions) <= 1 else f"{kink}({function_latex(function)})"
            case _:
                raise TypeError(f"no way is known to print {type(level).__name__}")

    # -- sets -------------------------------------------------------------------------------------

    def region(self, region: Region, *, tight: bool = False) -> str:
        """The set; with `tight` in brackets unless it is one symbol or one pair of braces."""
        text = " ".join(piece.text for piece in self.region_pieces(region))
        is_loose = isinstance(region, Meet | Without | UnionOver) or (
            isinstance(region, Either) and len(region.parts) > 1
        )
        return rf"\bigl({text}\bigr)" if tight and is_loose else text

    def region_pieces(self, region: Region) -> list[Piece]:
        """The set, breakable at unions."""
        match region:
            case Either(parts=parts):
                return self._union(parts)
            case Meet(left=left, right=right):
                return [Piece(self._meeting(left)), Piece(rf"\cap {self._meeting(right)}")]
            case Without(left=left, right=right):
                return [
                    Piece(self.region(left, tight=True)),
                    Piece(rf"\setminus {self.region(right, tight=True)}"),
                ]
            case _:
                return [Piece(self._set(region))]

    def _union(self, parts: tuple[Region, ...]) -> list[Piece]:
        """A union; one of many sets by its first ones and its last one."""
        is_long = len(parts) > MOST_PARTS and not self.notation.is_exact
        shown = [*parts[:SHOWN_PARTS], parts[-1]] if is_long else list(parts)
        texts = [
            self.region(part, tight=not (place == len(shown) - 1 and isinstance(part, UnionOver)))
            for place, part in enumerate(shown)
        ]
        if is_long:
            texts.insert(SHOWN_PARTS, rf"\overset{{\text{{{len(parts) - len(shown)} more}}}}{{\cdots}}")
        return [Piece(texts[0]), *(Piece(rf"\cup {text}") for text in texts[1:])]

    def _meeting(self, region: Region) -> str:
        return self.region(region, tight=not isinstance(region, Meet))

    def _set(self, region: Region) -> str:
        match region:
            case Whole():
                return r"\Theta"
            case Empty():
                return r"\emptyset"
            case SingularPoints(of=of):
                return f"S({self.map(of)})"
            case Component(of=of, place=place):
                whole = "" if len(self.names.components) <= 1 else f"({self.map(of)})"
                return f"U_{{{self.place(place)}}}{whole}"
            case LevelSet():
                return rf"\{{{self.equation(region)}\}}"
            case HitsSingular(outer=Entry(function=function, of=of)):
                return rf"\{{{self.map(of)}\in S({function_latex(function)})\}}"
            case HitsSingular(outer=Opaque(name=name, of=of)):
                return rf"\{{{self.map(of)}\in S({self.name(name)})\}}"
            case Interior(of=of):
                return rf"\operatorname{{int}}{self._braced(of)}"
            case Boundary(of=of):
                return rf"\partial{self._braced(of)}"
            case UnionOver(place=place, of=of):
                if place in self.free:
                    other = next(AnyPlace(letter) for letter in "jlmr" if AnyPlace(letter) not in of.symbols)
                    place, of = other, region_with(of, {place: other})
                return rf"{{\textstyle\bigcup_{{{self.place(place)}}}}}\, {self.region(of, tight=True)}"
            case _:
                raise TypeError(f"no way is known to print {type(region).__name__}")

    def _braced(self, region: Region) -> str:
        if isinstance(region, LevelSet):
            return self.region(region)
        return rf"\,{self.region(region, tight=True)}"

    def equation(self, region: LevelSet, relation: str = "=") -> str:
        """F = level."""
        return f"{self.map(region.of)}{relation}{self.level(region.level)}"

    # -- maps of optimisers -----------------------------------------------------------------------

    def dynamics(self, found: Dynamics) -> str:
        """The name of the map where the document defines it, else what it does."""
        if not self.is_defined:
            return self.assignment(found)
        match found:
            case Descent(step=step):
                return f"G_{{{self._subscript(step)}}}" + self._of_loss(found)
            case Proximal(step=step):
                return rf"\operatorname{{prox}}_{{{self._subscript(step)}}}" + self._of_loss(found)
            case Pushed() | Sheared():
                kinds = [other for other in self.names.dynamics if type(other) is type(found)]
                letter = "F" if isinstance(found, Pushed) else "T"
                return letter if len(kinds) < 2 else f"{letter}_{{{kinds.index(found) + 1}}}"
            case OnPosition(of=of):
                return rf"{self.dynamics(of)}\times\mathrm{{id}}"
            case Composed(parts=parts):
                return r"\circ ".join(self._composable(part) for part in reversed(parts))
            case _:
                raise TypeError(f"no way is known to print {type(found).__name__}")

    def _subscript(self, step: StepSize) -> str:
        """The step size without fractions one above the other."""
        return str(step.value) if isinstance(step, StepNumber) else self.step(step)

    def _composable(self, found: Dynamics) -> str:
        text = self.dynamics(found)
        return f"({text})" if isinstance(found, OnPosition) or not self.is_defined else text

    def _of_loss(self, found: Descent | Proximal) -> str:
        """The loss, where the document has several."""
        losses = {o.loss for o in self.names.dynamics if isinstance(o, Descent | Proximal | Pushed)}
        return "" if len(losses) < 2 else f"^{{{self.map(found.loss)}}}"

    def value(self, found: Dynamics) -> str:
        """The value at theta, or at (theta, v)."""
        match found:
            case Descent(loss=loss, step=step):
                return rf"\theta-{self._times(step)}\nabla {self.map(loss, TIGHT)}(\theta)"
            case Pushed(loss=loss, step=step, factor=factor):
                slope = rf"{self._times(step)}\nabla {self.map(loss, TIGHT)}(\theta)"
                return rf"(\theta,\ {self._factor(factor)}v-{slope})"
            case Sheared(first=first, second=second):
                return rf"({self._combined(*first)},\ {self._combined(*second)})"
            case _:
                return ""

    def _times(self, step: StepSize) -> str:
        if isinstance(step, StepNumber) and step.value == 1:
            return ""
        return self.step(step) + (r"\," if not isinstance(step, AnyStep) else "")

    def _combined(self, first: fmpq, second: fmpq) -> str:
        parts = [(first, r"\theta"), (second, "v")]
        shown = [self._factor(factor) + letter for factor, letter in parts if factor != 0]
        return "0" if not shown else "+".join(shown).replace("+-", "-")

    def assignment(self, found: Dynamics) -> str:
        """What the map does: theta -> ..."""
        match found:
            case Descent():
                return rf"\theta\mapsto {self.value(found)}"
            case Pushed() | Sheared():
                return rf"(\theta,v)\mapsto {self.value(found)}"
            case Proximal(loss=loss, step=step):
                return rf"\operatorname{{prox}}_{{{self._times(step)}{self.map(loss, TIGHT)}}}"
            case OnPosition(of=of):
                return rf"({self.assignment(of)})\times\mathrm{{id}}"
            case Composed(parts=parts):
                return r"\circ ".join(self._composable(part) for part in reversed(parts))
            case _:
                raise TypeError(f"no way is known to print {type(found).__name__}")
