"""Claims about sets of parameters, analyticity and maps of optimisers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flint import fmpq

from proofs.errors import KernelError

from .claims import Claim
from .dynamics import Dynamics
from .maps import AnyStep, Entry, Map, Opaque, ParameterBlock, StepSize, symbols_of
from .sets import Region
from .terms import Variable
from .univariate import Function, Univariate, Unspecified

__all__ = [
    "AlmostEverywhereAnalytic", "AvoidsExceptional", "ConstantEigenvalues", "EigenvaluesWithin",
    "Exceptional", "ForAlmostAllSteps", "Independent", "LocallyOneOf", "NonSingular", "NotWithin", "Null",
    "OuterAnalytic", "PiecewiseAnalytic", "Positive", "SetClaim", "Singular", "SomewhereEqual", "Within",
    "symbols_in",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class SetClaim(Claim):
    """The base of claims about sets and maps: no theta, sample or direction is free in them.

    They speak of Theta = R^P with P the number of parameters that occur; as null sets stay null when
    parameters that do not occur are added, P may be any larger number.
    """

    def _close(self) -> None:
        object.__setattr__(self, "free", frozenset[Variable]())


def _expect(value: object, *kinds: type) -> None:
    if not isinstance(value, kinds):
        raise KernelError(f"expected {' or '.join(kind.__name__ for kind in kinds)} but got {value!r}")


def _expect_scalar(value: object) -> None:
    if not isinstance(value, Map) or value.shape != ():
        raise KernelError("expected a scalar map")


@dataclass(frozen=True, eq=False)
class Null(SetClaim):
    """The set has Lebesgue measure 0."""

    region: Region

    def __post_init__(self) -> None:
        _expect(self.region, Region)
        self._close()


@dataclass(frozen=True, eq=False)
class Within(SetClaim):
    """inner is a subset of outer."""

    inner: Region
    outer: Region

    def __post_init__(self) -> None:
        _expect(self.inner, Region)
        _expect(self.outer, Region)
        self._close()


@dataclass(frozen=True, eq=False)
class NotWithin(SetClaim):
    """Some point of inner is not in outer."""

    inner: Region
    outer: Region

    def __post_init__(self) -> None:
        _expect(self.inner, Region)
        _expect(self.outer, Region)
        self._close()


@dataclass(frozen=True, eq=False)
class AlmostEverywhereAnalytic(SetClaim):
    """f is analytic on an open set whose complement is null; that is, S(f) is null."""

    of: Map

    def __post_init__(self) -> None:
        _expect(self.of, Map)
        self._close()


@dataclass(frozen=True, eq=False)
class PiecewiseAnalytic(SetClaim):
    """sigma: R -> R is analytic off its kinks, and every bounded interval has finitely many of them."""

    function: Function

    def __post_init__(self) -> None:
        _expect(self.function, Univariate, Unspecified)
        self._close()


@dataclass(frozen=True, eq=False)
class OuterAnalytic(SetClaim):
    """The function g: R^n -> R^k that is applied last in outer = g(p) is analytic on all of R^n.

    With `almost_everywhere`: on an open set whose complement is null.
    """

    outer: Map
    almost_everywhere: bool

    def __post_init__(self) -> None:
        _expect(self.outer, Entry, Opaque)
        _expect(self.almost_everywhere, bool)
        self._close()


@dataclass(frozen=True, eq=False)
class Positive(SetClaim):
    """All entries of f are > 0 at every theta; >= 0 where not `strict`."""

    of: Map
    strict: bool

    def __post_init__(self) -> None:
        _expect(self.of, Map)
        _expect(self.strict, bool)
        self._close()


@dataclass(frozen=True, eq=False)
class Independent(SetClaim):
    """The values of f do not depend on the block of theta."""

    of: Map
    block: ParameterBlock

    def __post_init__(self) -> None:
        _expect(self.of, Map)
        _expect(self.block, ParameterBlock)
        self._close()


@dataclass(frozen=True, eq=False)
class NonSingular(SetClaim):
    """Preimages of null sets under the map are null, where the map is defined."""

    of: Dynamics

    def __post_init__(self) -> None:
        _expect(self.of, Dynamics)
        self._close()


@dataclass(frozen=True, eq=False)
class Singular(SetClaim):
    """Some open set that is not empty, so not null, goes to a null set."""

    of: Dynamics

    def __post_init__(self) -> None:
        _expect(self.of, Dynamics)
        self._close()


@dataclass(frozen=True, eq=False)
class Exceptional(SetClaim):
    """eta is in E(L): there is a component of D(L), not empty, on all of which det(I - eta Hessian) = 0."""

    loss: Map
    step: StepSize

    def __post_init__(self) -> None:
        _expect_scalar(self.loss)
        _expect(self.step, StepSize)
        self._close()


@dataclass(frozen=True, eq=False)
class AvoidsExceptional(SetClaim):
    """eta is not in E(L): on every component of D(L), det(I - eta Hessian) is not 0 somewhere."""

    loss: Map
    step: StepSize

    def __post_init__(self) -> None:
        _expect_scalar(self.loss)
        _expect(self.step, StepSize)
        self._close()


@dataclass(frozen=True, eq=False)
class ForAlmostAllSteps(SetClaim):
    """The claim holds for all real eta but countably many; binds eta."""

    step: AnyStep
    claim: Claim

    def __post_init__(self) -> None:
        if type(self.step) is not AnyStep or not isinstance(self.claim, SetClaim):
            raise KernelError("expected an arbitrary step size and a claim about it")
        if self.step not in symbols_in(self.claim):
            raise KernelError("expected a claim about the step size")
        self._close()


@dataclass(frozen=True, eq=False)
class LocallyOneOf(SetClaim):
    """Every point in none of the sets `off` has a neighbourhood on which f equals one of the cases, q.

    There every entry that a `Chosen` in q reads lies strictly inside the piece that was chosen for
    it, or is the kink whose value was chosen, on all of the neighbourhood.
    """

    of: Map
    cases: tuple[Map, ...]
    off: tuple[Region, ...]

    def __post_init__(self) -> None:
        _expect(self.of, Map)
        if type(self.cases) is not tuple or len(set(self.cases)) != len(self.cases):  # pyright: ignore[reportUnnecessaryComparison]
            raise KernelError("expected distinct cases")
        for case in self.cases:
            _expect(case, Map)
            if case.shape != self.of.shape:
                raise KernelError("expected cases of the map's shape")
        for region in self.off:
            _expect(region, Region)
        self._close()


@dataclass(frozen=True, eq=False)
class SomewhereEqual(SetClaim):
    """There is an open set, not empty, on which f and the case are equal and the case is analytic."""

    of: Map
    case: Map

    def __post_init__(self) -> None:
        _expect(self.of, Map)
        _expect(self.case, Map)
        if self.of.shape != self.case.shape:
            raise KernelError("expected two maps of one shape")
        self._close()


@dataclass(frozen=True, eq=False)
class ConstantEigenvalues(SetClaim):
    """A lambda other than 0 that is an eigenvalue of the Hessian of f at every theta is a root of p.

    p = c_0 + c_1 t + ... with the integers of `coefficients`, not all 0.
    """

    of: Map
    coefficients: tuple[int, ...]

    def __post_init__(self) -> None:
        _expect_scalar(self.of)
        if not self.coefficients or self.coefficients[-1] == 0:
            raise KernelError("expected the coefficients of a polynomial other than 0")
        if any(type(c) is not int for c in self.coefficients):
            raise KernelError("expected integer coefficients")
        self._close()


@dataclass(frozen=True, eq=False)
class EigenvaluesWithin(SetClaim):
    """An eigenvalue of the Hessian of f at every theta lies in one of the closed intervals."""

    of: Map
    intervals: tuple[tuple[fmpq, fmpq], ...]

    def __post_init__(self) -> None:
        _expect_scalar(self.of)
        if any(lower > upper for lower, upper in self.intervals):
            raise KernelError("expected intervals from a lower to an upper end")
        self._close()


def symbols_in(claim: Claim) -> frozenset[Any]:
    """The arbitrary data, maps, numbers and step sizes that a claim speaks about; none of other claims."""
    match claim:
        case Null(region=region):
            return region.symbols
        case Within(inner=inner, outer=outer) | NotWithin(inner=inner, outer=outer):
            return inner.symbols | outer.symbols
        case AlmostEverywhereAnalytic(of=of) | Positive(of=of) | ConstantEigenvalues(of=of):
            return of.symbols
        case EigenvaluesWithin(of=of) | Independent(of=of):
            return of.symbols
        case OuterAnalytic(outer=outer):
            return outer.symbols
        case NonSingular(of=of) | Singular(of=of):
            return of.symbols
        case Exceptional(loss=loss, step=step) | AvoidsExceptional(loss=loss, step=step):
            return loss.symbols | symbols_of(step)
        case ForAlmostAllSteps(step=step, claim=inner):
            return symbols_in(inner) - {step}
        case LocallyOneOf(of=of, cases=cases, off=off):
            return of.symbols.union(*(case.symbols for case in cases), *(region.symbols for region in off))
        case SomewhereEqual(of=of, case=case):
            return of.symbols | case.symbols
        case SetClaim() if not isinstance(claim, PiecewiseAnalytic):
            raise KernelError(f"no symbols are known of {type(claim).__name__}")
        case _:
            return frozenset()


