"""Rules that compute: suprema of functions and norms of given tensors.

Each carries its bound as a field and recomputes at replay that the bound holds, so that a
derivation found on one machine replays on another.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from flint import fmpq

from proofs.errors import KernelError

from ..claims import Compare, IsTensor, Relation, Sequent, SupBound
from ..core import Rule, register
from ..scalars import Norm, Poly, Root, number
from ..spectral import frobenius_above, spectral_above
from ..store import tensor_of
from ..suprema import certify_secant, certify_supremum
from ..terms import Variable
from ..univariate import Univariate
from .logic import no_premises

__all__ = ["SupOfFunction", "SupOfFunctionBall", "TensorNorm"]

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

    def _certify(self, *, balls: bool) -> SupBound:
        square, radius = _square_of(self.bound), _radius_of(self.radius)
        if self.order == -1:
            certify_secant(self.function, radius, square, balls=balls)
        elif self.order in (0, 1, 2, 3):
            certify_supremum(self.function, self.order, radius, square, balls=balls)
        else:
            raise KernelError("expected an order from -1 to 3")
        return SupBound(self.function, self.order, self.radius, self.bound)


@register
@dataclass(frozen=True)
class SupOfFunction(_Supremum):
    """
    ------------------------------------- SupOfFunction      decided by counting real roots of
    |- |sigma^(k)(t)| <= c on |t| <= R                        polynomials over Q; sigma continuous
    """

    def conclude(self, *premises: Sequent) -> SupBound:
        no_premises(premises)
        return self._certify(balls=False)


@register
@dataclass(frozen=True)
class SupOfFunctionBall(_Supremum):
    """
    ------------------------------------- SupOfFunctionBall      shown by ball arithmetic and a
    |- |sigma^(k)(t)| <= c on |t| <= R                            tail bound; sigma continuous
    """

    trust = "arb"

    def conclude(self, *premises: Sequent) -> SupBound:
        no_premises(premises)
        return self._certify(balls=True)


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
