"""Claims about sets of parameters, analyticity and maps of optimisers as running text."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

from proofs.kernel.maps import Entry, Map, Opaque, size_of
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
from proofs.kernel.sets import Component, Either, Empty, LevelSet, Region, Whole

from .layout import Inline, Math, Piece, math
from .map_writer import MapWriter, polynomial_latex
from .names import function_latex

__all__ = ["set_claim_inlines"]

MOST_CASES = 4
ON_OPEN = " on an open set that is not empty"


def set_claim_inlines(claim: SetClaim, writer: MapWriter) -> tuple[Inline, ...]:
    """The claim in the words of a theorem."""
    match claim:
        case Null(region=region):
            return (Math(tuple(writer.region_pieces(region))), " is null")
        case Within(inner=inner, outer=outer):
            return _within(inner, outer, writer)
        case NotWithin(inner=inner, outer=outer):
            return _not_within(inner, outer, writer)
        case AlmostEverywhereAnalytic(of=of):
            return (math(writer.map(of)), " is almost everywhere analytic")
        case PiecewiseAnalytic(function=function):
            return (math(function_latex(function)), " is piecewise analytic")
        case OuterAnalytic():
            return _outer(claim, writer)
        case Positive(of=of, strict=strict):
            sign = ">0" if strict else r"\ge 0"
            entry = "" if of.shape == () else "every entry of "
            return (entry, math(writer.map(of)), " is ", math(sign), " on ", math(r"\Theta"))
        case Independent(of=of, block=block):
            return (math(writer.map(of)), " does not depend on ", math(writer.map(block)))
        case NonSingular(of=of):
            return (math(writer.dynamics(of)), " is non-singular")
        case Singular(of=of):
            return (math(writer.dynamics(of)), " is singular")
        case Exceptional(loss=loss, step=step):
            return (math(rf"{writer.step(step)}\in E({writer.map(loss)})"),)
        case AvoidsExceptional(loss=loss, step=step):
            return (math(rf"{writer.step(step)}\notin E({writer.map(loss)})"),)
        case ForAlmostAllSteps(step=step, claim=inner):
            if not isinstance(inner, SetClaim):
                raise TypeError(f"no way is known to print {type(inner).__name__}")
            but = (" for all ", math(rf"{writer.step(step)}\ne 0"), " but countably many")
            return (*set_claim_inlines(inner, writer), *but)
        case LocallyOneOf(of=of, cases=cases, off=off):
            return _locally(of, cases, off, writer)
        case SomewhereEqual(of=of, case=case):
            return (math(f"{writer.map(of)}={writer.map(case)}"), ON_OPEN)
        case ConstantEigenvalues(of=of, coefficients=coefficients):
            return _eigenvalues(of, coefficients, writer)
        case EigenvaluesWithin(of=of, intervals=intervals):
            return _intervals(of, intervals, writer)
        case _:
            raise TypeError(f"no way is known to print {type(claim).__name__}")


def _related(inner: Region, relation: str, outer: Region, writer: MapWriter) -> Math:
    left, right = writer.region_pieces(inner), writer.region_pieces(outer)
    first = Piece(f"{relation} {right[0].text}", is_relation=True)
    return Math((*left, first, *right[1:]))


def _is_domain(region: Region) -> bool:
    return isinstance(region, Component | Whole)


def _within(inner: Region, outer: Region, writer: MapWriter) -> tuple[Inline, ...]:
    if isinstance(outer, Empty):
        return (_related(inner, "=", outer, writer),)
    if _is_domain(inner) and isinstance(outer, LevelSet):
        return (math(writer.equation(outer)), " on all of ", math(writer.region(inner)))
    return (_related(inner, r"\subset", outer, writer),)


def _not_within(inner: Region, outer: Region, writer: MapWriter) -> tuple[Inline, ...]:
    if isinstance(outer, Empty):
        return (_related(inner, r"\ne", outer, writer),)
    if _is_domain(inner) and isinstance(outer, LevelSet):
        return (math(writer.equation(outer, r"\ne ")), " somewhere in ", math(writer.region(inner)))
    return (_related(inner, r"\not\subset", outer, writer),)


def _outer(claim: OuterAnalytic, writer: MapWriter) -> tuple[Inline, ...]:
    outer = claim.outer
    if not isinstance(outer, Entry | Opaque):
        raise TypeError(f"no way is known to print {type(outer).__name__}")
    kind = " almost everywhere" if claim.almost_everywhere else ""
    if isinstance(outer, Opaque):
        shape = outer.of.shape
        space = rf"\mathbb{{R}}^{{{'n' if shape is None else size_of(shape)}}}"
        return (math(writer.name(outer.name)), f" is{kind} analytic on ", math(space))
    shape = outer.of.shape
    name = math(function_latex(outer.function))
    if shape == ():
        return (name, f" is{kind} analytic on ", math(r"\mathbb{R}"))
    space = rf"\mathbb{{R}}^{{{'n' if shape is None else size_of(shape)}}}"
    return (name, f", entry by entry, is{kind} analytic on ", math(space))


def _locally(
    of: Map, cases: tuple[Map, ...], off: tuple[Region, ...], writer: MapWriter
) -> tuple[Inline, ...]:
    if not cases:
        return ("no point is outside of ", Math(tuple(writer.region_pieces(Either(off)))))
    where: tuple[Inline, ...] = ("every point",)
    if off:
        where = ("every point outside of ", Math(tuple(writer.region_pieces(Either(off)))))
    shown = [writer.map(case) for case in cases]
    if len(shown) > MOST_CASES and not writer.notation.is_exact:
        shown = [*shown[:2], r"\ldots", shown[-1]]
    listed = (Piece(shown[0]), *(Piece(f", {text}") for text in shown[1:]))
    one = " equals " if len(cases) == 1 else f" equals one of the {len(cases)} maps "
    return (*where, " has a neighbourhood on which ", math(writer.map(of)), one, Math(listed))


def _eigenvalues(of: Map, coefficients: tuple[int, ...], writer: MapWriter) -> tuple[Inline, ...]:
    hessian = math(rf"\nabla^{{2}}{writer.map(of, 2)}(\theta)")
    if len(coefficients) == 1:
        return ("no number other than 0 is an eigenvalue of ", hessian, " for every ", math(r"\theta"))
    start = ("a number other than 0 that is an eigenvalue of ", hessian, " for every ", math(r"\theta"))
    return (*start, " is a root of ", math(polynomial_latex(coefficients)))


def _intervals(
    of: Map, intervals: tuple[tuple[object, object], ...], writer: MapWriter
) -> tuple[Inline, ...]:
    hessian = math(rf"\nabla^{{2}}{writer.map(of, 2)}(\theta)")
    if not intervals:
        return ("no number is an eigenvalue of ", hessian, " for every ", math(r"\theta"))
    start = ("a number that is an eigenvalue of ", hessian, " for every ", math(r"\theta"), " lies in ")
    ends = [f"[{_rounded(lower, -1)},\\ {_rounded(upper, 1)}]" for lower, upper in intervals]
    return (*start, Math((Piece(ends[0]), *(Piece(rf"\cup {end}") for end in ends[1:]))))


def _rounded(value: object, side: int) -> str:
    """An end of an interval, rounded outward to twelve digits."""
    exact = Fraction(str(value))
    scale = 10**12
    digits = ceil(exact * scale) if side > 0 else floor(exact * scale)
    sign, size = ("-" if digits < 0 else ""), abs(digits)
    text = f"{size // scale}.{size % scale:012d}".rstrip("0").rstrip(".")
    return sign + text
