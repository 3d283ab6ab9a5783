"""Claims about sets of parameters, analyticity and maps of optimisers in plain characters."""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq

from proofs.kernel.claims import Claim
from proofs.kernel.dynamics import Composed, Descent, Dynamics, OnPosition, Proximal, Pushed, Sheared
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
)
from proofs.kernel.set_claims import (
    AlmostEverywhereAnalytic,
    AvoidsExceptional,
    ConstantEigenvalues,
    EigenvaluesWithin,
    Exceptional,
    ForAlmostAllSteps,
    Independent,
    LocallyOneOf,
    NonSingular,
    NotWithin,
    Null,
    OuterAnalytic,
    PiecewiseAnalytic,
    Positive,
    SetClaim,
    Singular,
    SomewhereEqual,
    Within,
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
from proofs.typeset.map_names import MapNames, map_names

__all__ = ["set_claim_text"]

MOST_PARTS = 6
SHOWN_PARTS = 3
MOST_DEFINITIONS = 4


def set_claim_text(claim: SetClaim, *, exact: bool = False) -> str:
    """The claim in one line, with what its names stand for; the first few, or with `exact` all.

    With `exact` nothing is left out: a hypothesis must be printed so.
    """
    names = map_names([claim])
    text = _SetText(names, exact)
    definitions = [f"{name} = {text.body(node)}" for node, name in names.names.items()]
    if len(definitions) > MOST_DEFINITIONS and not exact:
        definitions = [*definitions[:SHOWN_PARTS], "...", definitions[-1]]
    where = f" where {', '.join(definitions)}" if definitions else ""
    return text.claim(claim) + where


@dataclass(frozen=True)
class _SetText:
    names: MapNames
    exact: bool

    def claim(self, claim: Claim) -> str:
        match claim:
            case Null(region=region):
                return f"{self.region(region)} is null"
            case Within(inner=inner, outer=Empty()):
                return f"{self.region(inner)} is empty"
            case Within(inner=inner, outer=outer):
                return f"{self.region(inner)} lies in {self.region(outer)}"
            case NotWithin(inner=inner, outer=Empty()):
                return f"{self.region(inner)} is not empty"
            case NotWithin(inner=inner, outer=outer):
                return f"{self.region(inner)} does not lie in {self.region(outer)}"
            case AlmostEverywhereAnalytic(of=of):
                return f"{self.map(of)} is almost everywhere analytic"
            case PiecewiseAnalytic(function=function):
                return f"{function.label()} is piecewise analytic"
            case OuterAnalytic(outer=outer, almost_everywhere=almost):
                function = outer.function.label() if isinstance(outer, Entry) else getattr(outer, "name", "g")
                where = "almost everywhere analytic" if almost else "analytic"
                return f"the function {function} of {self.map(outer)} is {where}"
            case Positive(of=of, strict=strict):
                return f"the entries of {self.map(of)} are {'>' if strict else '>='} 0"
            case Independent(of=of, block=block):
                return f"{self.map(of)} does not depend on {block.name}"
            case NonSingular(of=of):
                return f"{self.dynamics(of)} is non-singular"
            case Singular(of=of):
                return f"{self.dynamics(of)} is singular"
            case Exceptional(loss=loss, step=step):
                return f"{self.step(step)} is in E({self.map(loss)})"
            case AvoidsExceptional(loss=loss, step=step):
                return f"{self.step(step)} is not in E({self.map(loss)})"
            case ForAlmostAllSteps(step=step, claim=inner):
                return f"{self.claim(inner)} for all {self.step(step)} != 0 but countably many"
            case LocallyOneOf(of=of, cases=cases, off=off):
                outside = f" outside of {self.region(Either(off))}" if off else ""
                listed = self._listed([self.map(case) for case in cases])
                return f"near every point{outside} {self.map(of)} equals one of {listed or 'no map'}"
            case SomewhereEqual(of=of, case=case):
                return f"{self.map(of)} equals {self.map(case)} on an open set that is not empty"
            case ConstantEigenvalues(of=of, coefficients=coefficients):
                subject = f"an eigenvalue other than 0 of Hess {self.map(of)} for every theta"
                return f"{subject} is a root of {_polynomial(coefficients)}"
            case EigenvaluesWithin(of=of, intervals=intervals):
                ends = " or ".join(f"[{lower}, {upper}]" for lower, upper in intervals)
                return f"an eigenvalue of Hess {self.map(of)} for every theta lies in {ends or 'no interval'}"
            case _:
                return type(claim).__name__

    # -- maps -------------------------------------------------------------------------------------

    def map(self, node: Map) -> str:
        return self.names.names.get(node) or self.body(node)

    def body(self, node: Map) -> str:
        """What the map is made of, even if it has a name."""
        match node:
            case ParameterBlock(name=name) | Given(name=name) | Unknown(name=name):
                return name
            case Fixed(extents=extents, entries=entries):
                listed = self._listed([str(entry) for entry in entries])
                return listed if extents == () else f"[{listed}]" + self._shape(extents)
            case At(of=of, place=place):
                return f"{self.map(of)}[{self.place(place)}]"
            case Pick(of=of, numbers=numbers, extents=extents):
                listed = self._listed(["zero" if n < 0 else str(n + 1) for n in numbers])
                return f"{self.map(of)}[{listed}]{self._shape(extents)}"
            case Join(parts=parts):
                return f"({self._listed([self.map(part) for part in parts])})"
            case Total(parts=parts):
                return f"({self._listed([self.map(part) for part in parts], ' + ')})"
            case Scaled(factor=factor, of=of):
                return f"{_factor(factor)} {self.map(of)}"
            case Contract():
                return self._contraction(node)
            case Entry(function=function, of=of):
                return f"{function.label()}({self.map(of)})"
            case Chosen(function=function, choices=choices, of=of):
                listed = self._listed([str(c + 1) if c >= 0 else f"kink{-c}" for c in choices])
                return f"{function.label()}<{listed}>({self.map(of)})"
            case Partial(name=name, of=of) | Opaque(name=name, of=of):
                return f"{name}({self.map(of)})"
            case MeanOf(data=data, body=body):
                return f"mean over {','.join(given.name for given in data)} of {self.map(body)}"
            case HessianDet(of=of, step=step):
                return f"det(I - {self.step(step)} Hess {self.map(of)})"
            case RankDet(of=of):
                return f"det(J J^T) of {self.map(of)}"
            case _:
                return type(node).__name__

    def _contraction(self, node: Contract) -> str:
        left, right = self.map(node.left), self.map(node.right)
        first, second, result = node.letters()
        if len(first) == 2 and second == first[1] and result == first[0]:
            return f"{left} {right}"
        return f"contract[{node.pattern}]({left}, {right})"

    def _shape(self, extents: tuple[int, ...]) -> str:
        return "" if len(extents) == 1 else " of shape " + "x".join(str(extent) for extent in extents)

    def _listed(self, texts: list[str], between: str = ", ") -> str:
        if len(texts) > MOST_PARTS and not self.exact:
            texts = [*texts[:SHOWN_PARTS], "...", texts[-1]]
        return between.join(texts)

    def place(self, place: Place) -> str:
        return str(place.number + 1) if isinstance(place, PlaceNumber) else getattr(place, "name", "?")

    def step(self, step: StepSize) -> str:
        match step:
            case AnyStep(name=name):
                return name
            case StepNumber(value=value):
                return str(value)
            case RootStep(coefficients=coefficients, number=number):
                return f"1/root{number + 1}({_polynomial(coefficients)})"
            case _:
                return "eta"

    # -- sets -------------------------------------------------------------------------------------

    def region(self, region: Region) -> str:
        match region:
            case Whole():
                return "Theta"
            case Empty():
                return "the empty set"
            case SingularPoints(of=of):
                return f"S({self.map(of)})"
            case Component(of=of, place=place):
                return f"component {self.place(place)} of D({self.map(of)})"
            case LevelSet(of=of, level=level):
                return f"{{{self.map(of)} = {self.level(level)}}}"
            case HitsSingular(outer=Entry(function=function, of=of)):
                return f"{{{self.map(of)} in S({function.label()})}}"
            case HitsSingular(outer=Opaque(name=name, of=of)):
                return f"{{{self.map(of)} in S({name})}}"
            case Interior(of=of):
                return f"interior({self.region(of)})"
            case Boundary(of=of):
                return f"boundary({self.region(of)})"
            case Meet(left=left, right=right):
                return f"({self.region(left)} and {self.region(right)})"
            case Without(left=left, right=right):
                return f"({self.region(left)} without {self.region(right)})"
            case Either(parts=parts):
                listed = self._listed([self.region(part) for part in parts], " or ")
                return listed if len(parts) == 1 else f"({listed})"
            case UnionOver(place=place, of=of):
                return f"(union over {place.name} of {self.region(of)})"
            case _:
                return type(region).__name__

    def level(self, level: Level) -> str:
        match level:
            case LevelNumber(value=value):
                return str(value)
            case KinkLevel(function=function, place=AnyPlace(name=name)):
                return f"kink {name} of {function.label()}"
            case KinkLevel(function=function, place=place):
                return f"kink {self.place(place)} of {function.label()}"
            case _:
                return type(level).__name__

    # -- maps of optimisers -----------------------------------------------------------------------

    def dynamics(self, found: Dynamics) -> str:
        match found:
            case Descent(loss=loss, step=step):
                return f"theta -> theta - {self.step(step)} grad {self.map(loss)}"
            case Proximal(loss=loss, step=step):
                return f"the proximal map of {self.step(step)} {self.map(loss)}"
            case Pushed(loss=loss, step=step, factor=factor):
                slope = f"{self.step(step)} grad {self.map(loss)}"
                return f"(theta, v) -> (theta, {_factor(factor)} v - {slope})"
            case Sheared(first=(a, b), second=(c, d)):
                return f"(theta, v) -> ({a} theta + {b} v, {c} theta + {d} v)"
            case OnPosition(of=of):
                return f"({self.dynamics(of)}, v kept)"
            case Composed(parts=parts):
                return " then ".join(f"({self.dynamics(part)})" for part in parts)
            case _:
                return type(found).__name__


def _factor(factor: fmpq) -> str:
    text = str(factor)
    return f"({text})" if factor < 0 else text


def _polynomial(coefficients: tuple[int, ...]) -> str:
    terms = [f"{c} t^{k}" if k else str(c) for k, c in enumerate(coefficients) if c]
    return " + ".join(reversed(terms))
