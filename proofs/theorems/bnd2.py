"""BND-2: the bounds in closed form for a network of any depth, without biases, of uniform weight norms.

L dense layers without bias, an activation phi with phi(0) = 0, |phi'| <= beta, |phi''| <= gamma
between them, softmax cross-entropy, ||W_l|| <= s, ||x_i|| <= M:
    G = sqrt(2) M (beta s)^(L-1) sqrt(L),
    H = (1/2) M^2 (beta s)^(2L-2) L + sqrt(2) M beta^(L-1) s^(L-2) (L-1)
        + sqrt(2) gamma M^2 sum_{m=1}^{L-1} m beta^(L+m-3) s^(L+m-2).
Nothing of this is typed in: the bounds of the nodes are derived by induction over the layers
(`layered`), those of the loss follow from them.  A given depth is an instance.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from flint import fmpq

from proofs.errors import GradlemmaError
from proofs.kernel.claims import Compare, Relation, SupBound
from proofs.kernel.core import Theorem, infer
from proofs.kernel.indices import Index
from proofs.kernel.rules import (
    Instantiate,
    MeanBound,
    MeanValue,
    OperatorNormIntro,
    RootSquared,
)
from proofs.kernel.scalars import Poly, Real, Root, number
from proofs.kernel.sequences import index_value
from proofs.kernel.univariate import Function, Univariate, Unspecified
from proofs.network import Loss, activation

from .any_depth import INPUT, NEXT, ONE, Constants, at
from .constants import supremum
from .geometric import sum_at_one, sum_in_closed_form
from .jet import Jet
from .layered import Layered
from .losses import sample_loss
from .sample_loss import SampleLoss
from .tactics import assume, insert, rewrite, used_bounds

__all__ = ["SymbolicBounds", "UniformBounds", "symbolic_bounds", "uniform_bounds"]

MAX_DEPTH = 200


@dataclass(frozen=True, slots=True)
class UniformBounds:
    """The two theorems of BND-2 at one depth: ||grad L|| <= G and ||Hess L|| <= H."""

    depth: int
    gradient: Theorem
    hessian: Theorem


@dataclass(frozen=True, slots=True)
class SymbolicBounds:
    """BND-2 for L = n + 1 layers at every n >= 1, and the sum in H where gamma is not 0.

    closed_sum: (1 - q)^2 sum_{m=1}^n m q^(m-1) = 1 - (n + 1) q^n + n q^(n+1), q = beta s;
    sum_at_one: 2 sum_{m=1}^n m q^(m-1) = n (n + 1) if q = 1.
    """

    gradient: Theorem
    hessian: Theorem
    closed_sum: Theorem | None
    sum_at_one: Theorem | None


def uniform_bounds(depth: int, name: str | None = None) -> UniformBounds:
    """BND-2 at the given depth L, for an unspecified smooth phi or a catalogue activation.

    Args:
        depth: the number L >= 1 of dense layers.
        name: None for a smooth phi with constants beta and gamma, or an activation of the
            catalogue with phi(0) = 0 and bounded slopes, whose constants are derived.

    Raises:
        GradlemmaError: for a depth outside 1..200, or an activation with phi(0) != 0 or an
            infinite constant.
    """
    if type(depth) is not int or not 1 <= depth <= MAX_DEPTH:
        raise GradlemmaError(f"expected a depth from 1 to {MAX_DEPTH} but got depth={depth!r}")
    if depth == 1:
        return UniformBounds(1, *_single_layer(_layered(name)))
    found, place = symbolic_bounds(name), Index(depth - 1, is_open=False)
    gradient, hessian = (infer(Instantiate(place), t) for t in (found.gradient, found.hessian))
    return UniformBounds(depth, gradient, hessian)


@cache
def symbolic_bounds(name: str | None = None) -> SymbolicBounds:
    """BND-2 for every depth L >= 2; the activation as in `uniform_bounds`.

    Raises:
        GradlemmaError: for an activation with phi(0) != 0 or an infinite constant.
    """
    network = _layered(name)
    given = network.constants
    output = Jet(
        network.z(NEXT),
        network.smooth_z(NEXT),
        at(network.first, NEXT),
        network.second,
        given.positive,
    )
    gradient, hessian = _bounds(network, output, infer(RootSquared(index_value(NEXT))))
    if given.gamma == number(0):
        return SymbolicBounds(gradient, hessian, None, None)
    return SymbolicBounds(gradient, hessian, sum_in_closed_form(given), sum_at_one(given))


def _single_layer(network: Layered) -> tuple[Theorem, Theorem]:
    """G = sqrt(2) M and H = M^2 / 2 for f = W_1 x."""
    signs = network.constants.positive
    jet = Jet(network.z(ONE), network.smooth_z(ONE), network.first_base, None, signs)
    return _bounds(network, jet, None)


def _bounds(network: Layered, output: Jet, square: Theorem | None) -> tuple[Theorem, Theorem]:
    """||grad L|| <= G and ||Hess L|| <= H; `square` is root(L)^2 = L."""
    loss = sample_loss(Loss.CROSS_ENTROPY, output)
    signs = network.constants.positive
    first, second = (
        insert(t, *used_bounds(t, loss.constants[0].theorems), signs=signs) for t in (loss.first, loss.second)
    )
    if square is not None:
        second = rewrite(second, _whole_hessian(network), square)
    return _operator_norm(first, loss), _operator_norm(second, loss)


def _whole_hessian(network: Layered) -> Poly:
    """(J^2 / 2 + sqrt(2) k) with J^2 = M^2 q^(2L-2) L ||u||^2 and k the bound of the output's D^2."""
    given = network.constants
    slope = given.inputs * given.power(NEXT.shifted(-1)) * network.along(NEXT)
    first = slope**2 * index_value(NEXT) * fmpq(1, 2)
    return first + Root(number(2)).poly() * network.second_bound(NEXT.shifted(-1))


def _operator_norm(bound: Theorem, loss: SampleLoss) -> Theorem:
    mean = infer(MeanBound((INPUT, loss.target)), bound, loss.smooth)
    return infer(OperatorNormIntro(), mean)


_ORDERS: tuple[tuple[int, Fraction | None], ...] = ((0, Fraction(0)), (1, None), (2, None))


@cache
def _layered(name: str | None) -> Layered:
    function: Function = Unspecified("phi", is_analytic=True) if name is None else activation(name)
    reals = [Real("s"), Real("M")]
    if isinstance(function, Univariate):
        at_zero, slope, bend = (supremum(function, k, r) for k, r in _ORDERS)
        if at_zero is None or slope is None or bend is None:
            raise GradlemmaError(f"expected an activation with bounded slopes but got {function.label()}")
        if _bound_in(at_zero) != number(0):
            raise GradlemmaError(f"expected an activation with phi(0) = 0 but got {function.label()}")
    else:
        beta, gamma = Real("beta"), Real("gamma")
        reals += [beta, gamma]
        at_zero = assume(SupBound(function, 0, number(0), number(0)))
        slope = assume(SupBound(function, 1, None, beta.poly()))
        bend = assume(SupBound(function, 2, None, gamma.poly()))
    # |phi(t)| <= beta |t|, so that one constant enters values and derivatives.
    secant = infer(MeanValue(), slope)
    positive = tuple(assume(Compare(number(0), Relation.LE, real.poly())) for real in reals)
    symbols = (reals[0].poly(), reals[1].poly(), _bound_in(slope), _bound_in(bend))
    return Layered(function, Constants(*symbols, positive, at_zero, secant, slope, bend))


def _bound_in(theorem: Theorem) -> Poly:
    if not isinstance(theorem.claim, SupBound):
        raise TypeError("expected a theorem on a supremum")
    return theorem.claim.bound
