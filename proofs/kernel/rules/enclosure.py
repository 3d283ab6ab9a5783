"""Rules that compute: suprema of functions and norms of given tensors.

Each carries its bound as a field and recomputes at replay that the bound holds, so that a
derivation found on one machine replays on another.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from flint import arb, ctx, fmpq

from proofs.errors import KernelError

from ..ceilings import Attained, Ceiling, RootOf, ceiling_ball
from ..claims import Compare, IsTensor, Relation, Sequent, SupBound
from ..core import Rule, register
from ..domains import PRECISION
from ..exact_values import SurdPoint
from ..scalars import FunctionValue, Norm, Poly, Root, number
from ..spectral import frobenius_above, spectral_above
from ..store import tensor_of
from ..suprema import certify_secant, certify_supremum
from ..terms import Variable
from ..univariate import Univariate
from .logic import no_premises

__all__ = ["FunctionValueBound", "SupOfFunction", "SupOfFunctionBall", "TensorNorm", "ceiling_of"]

LE = Relation.LE


def _square_of(bound: Poly) -> fmpq:
    """The square of a bound that is a rational c or c root(q), q rational; c >= 0."""
    if len(bound.terms) > 1:
        raise KernelError("expected a bound c or c root(q)")
    for monomial, coefficient in bound.terms.items():
        if coefficient < 0:
            raise KernelError("expected a bound >= 0")
        if not monomial:
            return coefficient * coefficient
        ((inner, exponent),) = monomial
        radicand = inner.radicand.constant() if isinstance(inner, Root) else None
        if radicand is None or exponent != 1 or radicand < 0:
            raise KernelError("expected a bound c or c root(q)")
        return coefficient * coefficient * radicand
    return fmpq(0)


def ceiling_of(bound: Poly) -> Ceiling:
    """The bound as a ceiling: the value of an expression at a point, or c or c root(q)."""
    atoms = bound.atoms()
    if len(atoms) == 1:
        (inner,) = atoms
        if isinstance(inner, FunctionValue) and bound == inner.poly():
            return Attained(inner.expression, SurdPoint(inner.factor, inner.radicand))
    return RootOf(_square_of(bound))


def _radius_of(radius: Poly | None) -> Fraction | None:
    if radius is None:
        return None
    value = radius.constant()
    if value is None or value < 0:
        raise KernelError("expected a radius that is a number >= 0")
    return Fraction(int(value.p), int(value.q))


@dataclass(frozen=True)
class _Supremum(Rule):
    function: Univariate
    order: int
    radius: Poly | None
    bound: Poly

    def _certify(self, *, balls: bool, peaks: tuple[SurdPoint, ...] = ()) -> SupBound:
        ceiling, radius = ceiling_of(self.bound), _radius_of(self.radius)
        if self.order == -1:
            certify_secant(self.function, radius, ceiling, balls=balls)
        elif self.order in (0, 1, 2, 3):
            certify_supremum(self.function, self.order, radius, ceiling, balls=balls, peaks=peaks)
        else:
            raise KernelError("expected an order from -1 to 3")
        return SupBound(self.function, self.order, self.radius, self.bound)


@register
@dataclass(frozen=True)
class SupOfFunction(_Supremum):
    """
    ------------------------------------- SupOfFunction      decided by counting real roots of
    |- |sigma^(k)(t)| <= c on |t| <= R                        polynomials over Q; pieces analytic
    """

    def conclude(self, *premises: Sequent) -> SupBound:
        no_premises(premises)
        return self._certify(balls=False)


@register
@dataclass(frozen=True)
class SupOfFunctionBall(_Supremum):
    """
    ------------------------------------- SupOfFunctionBall      shown by ball arithmetic and a
    |- |sigma^(k)(t)| <= c on |t| <= R                            tail bound; pieces analytic

    `peaks` are points p root(q) at which |sigma^(k)| is exactly c with slope 0; around them the
    sign of the second derivative is used.
    """

    trust = "arb"

    peaks: tuple[tuple[Fraction, Fraction], ...] = ()

    def conclude(self, *premises: Sequent) -> SupBound:
        no_premises(premises)
        if any(radicand <= 0 for _, radicand in self.peaks) or (self.peaks and self.order < 0):
            raise KernelError("expected peaks p root(q), q > 0, of a derivative of order >= 0")
        return self._certify(balls=True, peaks=tuple(SurdPoint(*pair) for pair in self.peaks))


@register
@dataclass(frozen=True)
class FunctionValueBound(Rule):
    """
    --------------------- FunctionValueBound      shown by ball arithmetic
    |- |e(p root(q))| <= c
    """

    trust = "arb"

    value: FunctionValue
    bound: fmpq

    def conclude(self, *premises: Sequent) -> Compare:
        no_premises(premises)
        with ctx.workprec(PRECISION):
            ceiling = Attained(self.value.expression, SurdPoint(self.value.factor, self.value.radicand))
            if not ceiling_ball(ceiling) <= arb(self.bound):
                raise KernelError(f"the value could not be shown to be <= {self.bound}")
        return Compare(self.value.poly(), LE, number(self.bound))


@register
@dataclass(frozen=True)
class TensorNorm(Rule):
    """
    ------------------------------ TensorNorm      ||A|| <= c shown in integer arithmetic
    v = tensor A |- ||v|| <= c
    """

    variable: Variable
    digest: str
    bound: fmpq

    def conclude(self, *premises: Sequent) -> Sequent:
        no_premises(premises)
        tensor = tensor_of(self.digest)
        if tensor.shape != self.variable.shape:
            raise KernelError(f"expected a tensor of shape {self.variable.shape} but got {tensor.shape}")
        size = spectral_above(tensor) if len(tensor.shape) == 2 else frobenius_above(tensor)
        if fmpq(size.numerator, size.denominator) > self.bound:
            raise KernelError(f"the norm of {self.variable.name} could not be shown to be <= {self.bound}")
        claim = Compare(Norm(self.variable).poly(), LE, number(self.bound))
        return Sequent(frozenset([IsTensor(self.variable, self.digest)]), claim)
