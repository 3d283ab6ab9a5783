"""Rules of constant eigenvalues: at which step sizes det(I - eta Hessian) is 0 everywhere, and where not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from flint import arb, arb_mat, ctx, fmpq, fmpq_mat, fmpq_mpoly, fmpz_poly

from proofs.errors import KernelError

from ..ball_spectra import enclosed_spectrum, joined
from ..claims import Sequent
from ..core import Rule, register
from ..eigenvalues import (
    blocks_of_matrix,
    characteristic,
    common_eigenvalues,
    content_in_t,
    determinant_in_t,
    is_root,
    primitive,
    with_t,
)
from ..map_hessians import ball_hessian, exact_hessian
from ..map_polynomials import polynomial_hessian, polynomial_values
from ..maps import Map, RootStep, StepNumber, StepSize
from ..patterns import without_constants
from ..set_claims import ConstantEigenvalues, EigenvaluesWithin, NotWithin, Within
from ..sets import Empty, SingularPoints, Whole
from .logic import expect_premises, no_premises
from .patterns import StoredPoint, point_of
from .steps import critical_set

__all__ = [
    "DeterminantVanishes", "FactorExcluded", "NonzeroDeterminant", "OffConstantEigenvalues", "OffIntervals",
    "SharedEigenvalues",
    "SpectraInBalls", "block_content", "hessian_blocks",
]  # fmt: skip

LARGEST_BLOCK = 12


@register
@dataclass(frozen=True)
class SharedEigenvalues(Rule):
    """
    ---------------------------------------------------------------------- SharedEigenvalues
    |- eigenvalues other than 0 of the Hessian of q at every theta are roots of p

    p is the greatest common divisor of the characteristic polynomials of the exact Hessians at the
    points, without powers of t.
    """

    case: Map
    points: tuple[StoredPoint, ...]

    def conclude(self, *premises: Sequent) -> ConstantEigenvalues:
        no_premises(premises)
        hessians = [exact_hessian(self.case, point_of(point))[2] for point in self.points]
        shared = common_eigenvalues(hessians)
        return ConstantEigenvalues(self.case, tuple(int(c) for c in shared.coeffs()))


@register
@dataclass(frozen=True)
class OffConstantEigenvalues(Rule):
    """
    G |- eigenvalues other than 0 of the Hessian of q at every theta are roots of p
    --------------------------------------------------------------------------------
    G |- Theta not in {det(I - eta Hessian q) = 0}      p(1/eta) != 0    OffConstantEigenvalues
    """

    step: StepSize

    def conclude(self, *premises: Sequent) -> NotWithin:
        expect_premises(premises, 1)
        claim = premises[0].claim
        if not isinstance(claim, ConstantEigenvalues):
            raise KernelError("expected a premise about constant eigenvalues")
        if vanishes_at(fmpz_poly(list(claim.coefficients)), self.step):
            raise KernelError("expected a step size whose inverse is no root of the polynomial")
        return NotWithin(Whole(), critical_set(claim.of, self.step))


def vanishes_at(polynomial: fmpz_poly, step: StepSize) -> bool:
    """Whether a polynomial over Z is 0 at 1/eta."""
    match step:
        case StepNumber(value=value):
            return is_root(polynomial, int(value.q), int(value.p))
        case RootStep(coefficients=coefficients):
            # 1/eta is a root of an irreducible polynomial: it is one of p exactly if that divides p.
            return polynomial.gcd(fmpz_poly(list(coefficients))).degree() > 0
        case _:
            raise KernelError("expected a step size that is a number")


@lru_cache(maxsize=64)
def hessian_blocks(case: Map) -> tuple[tuple[tuple[int, ...], ...], tuple[tuple[fmpq_mpoly, ...], ...]]:
    """The coordinates in groups between which all second derivatives are 0, and the second derivatives.

    The coordinates are those of `without_constants(case)`: all second derivatives by others are 0.

    Raises:
        KernelError: for a map that is no polynomial.
    """
    used = without_constants(case)
    (polynomial,) = polynomial_values(used)[used]
    rows = polynomial_hessian(polynomial)
    groups = blocks_of_matrix(len(rows), lambda i, j: len(rows[i][j]) == 0)
    return tuple(tuple(group) for group in groups), tuple(tuple(row) for row in rows)


@lru_cache(maxsize=512)
def block_content(case: Map, number: int) -> fmpz_poly:
    """A polynomial whose roots are the eigenvalues that a block of the Hessian has at every theta.

    Raises:
        KernelError: for a block of more than 12 coordinates that is not constant, or too many terms.
    """
    groups, rows = hessian_blocks(case)
    group = groups[number]
    if all(rows[i][j].is_constant() for i in group for j in group):
        numbers = [_number(rows[i][j]) for i in group for j in group]
        return characteristic(fmpq_mat(len(group), len(group), numbers))
    if len(group) > LARGEST_BLOCK:
        raise KernelError(f"expected a block of at most {LARGEST_BLOCK} coordinates but got {len(group)}")
    context = with_t(len(rows))
    lifted = [[_with_t(rows[i][j], context) for j in group] for i in group]
    return content_in_t(determinant_in_t(lifted, context))


def _number(constant: fmpq_mpoly) -> fmpq:
    return constant.leading_coefficient() if len(constant) else fmpq(0)


def _with_t(polynomial: fmpq_mpoly, context: object) -> fmpq_mpoly:
    terms = {(*(int(e) for e in monomial), 0): c for monomial, c in polynomial.terms()}
    return context.from_dict(terms)  # type: ignore[attr-defined, no-any-return]


@register
@dataclass(frozen=True)
class FactorExcluded(Rule):
    """
    G |- eigenvalues other than 0 of the Hessian of q at every theta are roots of f p
    ---------------------------------------------------------------------------------- FactorExcluded
    G |- eigenvalues other than 0 of the Hessian of q at every theta are roots of p

    The Hessian H at the point is enclosed in balls, and the ball of det(f(H)) excludes 0: no eigenvalue
    of H is a root of f.
    """

    trust = "arb"

    factor: tuple[int, ...]
    point: StoredPoint
    bits: int

    def conclude(self, *premises: Sequent) -> ConstantEigenvalues:
        expect_premises(premises, 1)
        claim = premises[0].claim
        if not isinstance(claim, ConstantEigenvalues):
            raise KernelError("expected a premise about constant eigenvalues")
        whole, factor = fmpz_poly(list(claim.coefficients)), fmpz_poly(list(self.factor))
        if factor.degree() < 1 or whole.gcd(factor) != primitive(factor) or primitive(factor) != factor:
            raise KernelError("expected a primitive factor of the polynomial")
        hessian = ball_hessian(claim.of, point_of(self.point), self.bits)[2]
        with ctx.workprec(self.bits):
            size = hessian.nrows()
            value = arb_mat(size, size)
            for c in reversed(self.factor):
                identity = [c if i == j else 0 for i in range(size) for j in range(size)]
                value = value * hessian + arb_mat(size, size, identity)
            determinant = value.det()
            if not (determinant > 0 or determinant < 0):
                raise KernelError("expected the ball of the determinant to exclude 0; try another point")
        rest = whole
        while rest.gcd(factor).degree() == factor.degree():
            rest = rest // factor
        return ConstantEigenvalues(claim.of, tuple(int(c) for c in rest.coeffs()))


@register
@dataclass(frozen=True)
class DeterminantVanishes(Rule):
    """
    -------------------------------------------------- DeterminantVanishes      q a polynomial
    |- Theta in {det(I - eta Hessian q) = 0}

    The Hessian falls into blocks.  det(t I - B) of the block of that number is computed as a polynomial
    in theta and t; all its coefficients, polynomials in t, are 0 at t = 1/eta.
    """

    case: Map
    step: StepSize
    block: int

    def conclude(self, *premises: Sequent) -> Within:
        no_premises(premises)
        groups, _ = hessian_blocks(self.case)
        if not 0 <= self.block < len(groups):
            raise KernelError(f"expected the number of one of {len(groups)} blocks")
        if not vanishes_at(block_content(self.case, self.block), self.step):
            raise KernelError("expected a determinant that is 0 at every theta")
        return Within(Whole(), critical_set(self.case, self.step))


@register
@dataclass(frozen=True)
class NonzeroDeterminant(Rule):
    """
    ------------------------------------------------------ NonzeroDeterminant     eta rational
    |- Theta not in {det(I - eta Hessian q) = 0}

    The Hessian at the point is enclosed in balls, and the ball of the determinant excludes 0.
    """

    trust = "arb"

    case: Map
    step: StepNumber
    point: StoredPoint
    bits: int

    def conclude(self, *premises: Sequent) -> NotWithin:
        no_premises(premises)
        hessian = ball_hessian(self.case, point_of(self.point), self.bits)[2]
        with ctx.workprec(self.bits):
            size = hessian.nrows()
            eta = arb(self.step.value)
            matrix = arb_mat(size, size, [int(i == j) for i in range(size) for j in range(size)])
            determinant = (matrix - hessian * eta).det()
            if not (determinant > 0 or determinant < 0):
                raise KernelError("expected the ball of the determinant to exclude 0; try another point")
        return NotWithin(Whole(), critical_set(self.case, self.step))


@register
@dataclass(frozen=True)
class SpectraInBalls(Rule):
    """
    G |- S(q) in empty
    -------------------------------------------------------------------------- SpectraInBalls
    G |- eigenvalues of the Hessian of q at every theta lie in the intervals

    The spectra of the Hessians at the points are enclosed in balls; an eigenvalue at every theta
    lies in a ball of each of them.
    """

    trust = "arb"

    case: Map
    points: tuple[StoredPoint, ...]
    bits: int

    def conclude(self, *premises: Sequent) -> EigenvaluesWithin:
        expect_premises(premises, 1)
        if premises[0].claim is not Within(SingularPoints(self.case), Empty()) or not self.points:
            raise KernelError("expected points and a premise that the map is analytic")
        common: list[tuple[fmpq, fmpq]] | None = None
        for point in self.points:
            found = _spectrum(self.case, point_of(point), self.bits)
            common = found if common is None else _overlaps(common, found)
        return EigenvaluesWithin(self.case, tuple(common or ()))


def _spectrum(case: Map, point: dict[str, tuple[fmpq, ...]], bits: int) -> list[tuple[fmpq, fmpq]]:
    return enclosed_spectrum(ball_hessian(case, point, bits)[2], bits)


def _overlaps(first: list[tuple[fmpq, fmpq]], second: list[tuple[fmpq, fmpq]]) -> list[tuple[fmpq, fmpq]]:
    found = [(max(a, c), min(b, d)) for a, b in first for c, d in second if max(a, c) <= min(b, d)]
    return joined(found)


@register
@dataclass(frozen=True)
class OffIntervals(Rule):
    """
    G |- eigenvalues of the Hessian of q at every theta lie in the intervals
    ------------------------------------------------------------------------- OffIntervals
    G |- Theta not in {det(I - eta Hessian q) = 0}      1/eta in no interval, eta rational
    """

    step: StepNumber

    def conclude(self, *premises: Sequent) -> NotWithin:
        expect_premises(premises, 1)
        claim = premises[0].claim
        if not isinstance(claim, EigenvaluesWithin):
            raise KernelError("expected a premise about constant eigenvalues")
        inverse = 1 / self.step.value
        if any(lower <= inverse <= upper for lower, upper in claim.intervals):
            raise KernelError("expected a step size whose inverse is in no interval")
        return NotWithin(Whole(), critical_set(claim.of, self.step))
