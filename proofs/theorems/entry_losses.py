"""Losses that sum a function of one variable over the outputs: binary cross-entropy and Huber.

With sigma the function, v = f or v = f - y, and 1 the vector of ones:
    l = <1, sigma(v)> - <y, f>   (bce)          l = <1, sigma(v)>   (huber)
    D l[u]     = <sigma'(v) [- y], D f[u]>
    D^2 l[u,u] = <sigma''(v) o D f[u], D f[u]> + <sigma'(v) [- y], D^2 f[u,u]>
so g = ||sigma'(v) [- y]|| and h = max_i |sigma''(v_i)|.
"""

from __future__ import annotations

from fractions import Fraction

from flint import fmpq

from proofs.errors import GradlemmaError
from proofs.kernel.claims import EntriesIn, Smooth
from proofs.kernel.core import Theorem, infer
from proofs.kernel.rules import (
    Differentiate,
    EntryBound,
    GrowthBound,
    InnerBound,
    LinearIdentity,
    RangeDifference,
    RangeOfFunction,
    Rewrite,
    SmoothByParts,
    SupNormBound,
    Triangle,
    WideBound,
)
from proofs.kernel.terms import (
    Deriv,
    Entrywise,
    Hadamard,
    Inner,
    Named,
    Ones,
    Role,
    Scale,
    Sum,
    Term,
    Variable,
)
from proofs.kernel.univariate import Univariate
from proofs.network import Loss, entry_function

from .constants import supremum
from .jet import Jet
from .sample_loss import Constants, SampleLoss, jet_premises, right_of
from .tactics import assume, replace

__all__ = ["binary_cross_entropy", "huber"]

MINUS = fmpq(-1)
ZERO, ONE = fmpq(0), fmpq(1)


def binary_cross_entropy(output: Jet, loss: Loss) -> SampleLoss:
    """The sum of softplus over f, less <y, f>: g = ||sigmoid(f) - y|| <= root(d), h = sup sigmoid' = 1/4."""
    smooth_f, first_f, second_f = jet_premises(output)
    f, sigma = output.node, _function(loss)
    y = Variable("y", f.space, Role.SAMPLE)
    values = Named("s", Entrywise(sigma, 0, f))
    smooth_s = infer(SmoothByParts(values, 2), smooth_f)
    node = Named("loss", Sum((Inner(Ones(f.space), values), Scale(MINUS, Inner(y, f)))))
    smooth = infer(SmoothByParts(node, 2), smooth_s, smooth_f)
    slopes = Entrywise(sigma, 1, f)
    gap = Sum((slopes, Scale(MINUS, y)))
    inner = tuple(infer(Differentiate(values, k), smooth_s, smooth_f) for k in (1, 2))
    derivatives = tuple(infer(Differentiate(node, k), smooth, smooth_s, smooth_f) for k in (1, 2))
    first, second = _bounds(node, f, gap, Entrywise(sigma, 2, f), (inner[0], inner[1]), derivatives)
    # The entries of sigmoid(f) and of y lie in [0, 1], so their differences in [-1, 1].
    in_range = infer(RangeOfFunction(slopes, ZERO, ONE))
    residual = infer(RangeDifference(), in_range, assume(EntriesIn(y, ZERO, ONE)))
    constants = Constants((residual, _curvature(Entrywise(sigma, 2, f))))
    return SampleLoss(
        node, y, smooth, replace(first, first_f), replace(second, first_f, second_f), (constants,)
    )


def huber(output: Jet, loss: Loss) -> SampleLoss:
    """The sum of huber over f - y: g = ||huber'(f - y)|| <= min(root(d) delta, ||f - y||), h = 1.

    That huber(f - y) is twice differentiable is a hypothesis: huber'' jumps at +-delta.
    """
    smooth_f, first_f, second_f = jet_premises(output)
    f, sigma = output.node, _function(loss)
    y = Variable("y", f.space, Role.SAMPLE)
    r = Named("r", Sum((f, Scale(MINUS, y))))
    smooth_r = infer(SmoothByParts(r, 2), smooth_f)
    values = Named("s", Entrywise(sigma, 0, r))
    smooth_s = assume(Smooth(values, 2))
    node = Named("loss", Inner(Ones(f.space), values))
    smooth = infer(SmoothByParts(node, 2), smooth_s)
    # D r[u] = D f[u] and D^2 r[u,u] = D^2 f[u,u].
    moves = tuple(infer(Differentiate(r, k), smooth_r, smooth_f) for k in (1, 2))
    inner = (
        infer(Rewrite(), infer(Differentiate(values, 1), smooth_s, smooth_r), moves[0]),
        infer(Rewrite(), infer(Differentiate(values, 2), smooth_s, smooth_r), *moves),
    )
    derivatives = tuple(infer(Differentiate(node, k), smooth, smooth_s) for k in (1, 2))
    slopes, bends = Entrywise(sigma, 1, r), Entrywise(sigma, 2, r)
    first, second = _bounds(node, f, slopes, bends, inner, derivatives)
    curvature = _curvature(bends)
    wide = infer(WideBound(slopes), _known(supremum(sigma, 1)))
    growth = infer(GrowthBound(slopes), _known(supremum(sigma, 1, Fraction(0))), _known(supremum(sigma, 2)))
    alternatives = (
        Constants((wide, curvature)),
        Constants((growth, infer(Triangle(r)), curvature), needs_target_norm=True),
    )
    bounds = (replace(first, first_f), replace(second, first_f, second_f))
    return SampleLoss(node, y, smooth, *bounds, alternatives, ((values, smooth_r),))


def _bounds(
    node: Named,
    f: Term,
    gap: Term,
    bends: Entrywise,
    inner: tuple[Theorem, Theorem],
    derivatives: tuple[Theorem, ...],
) -> tuple[Theorem, Theorem]:
    """The bounds ||gap|| ||D f[u]|| of |D l[u]|, max|sigma''| ||D f[u]||^2 + ||gap|| ||D^2 f|| of |D^2 l|.

    inner: the derivatives of sigma(v); derivatives: those of the loss in terms of them.
    """
    v, a = Deriv(f, 1), Deriv(f, 2)
    slope = infer(Rewrite(), derivatives[0], inner[0])
    slope = infer(LinearIdentity(right_of(slope), Inner(gap, v)), slope)
    first = infer(InnerBound(Deriv(node, 1)), slope)

    square = Inner(Hadamard(bends, v), v)
    curve = infer(Rewrite(), derivatives[1], inner[1])
    curve = infer(LinearIdentity(right_of(curve), Sum((square, Inner(gap, a)))), curve)
    second = infer(Triangle(Deriv(node, 2)), curve)
    second = replace(
        second,
        infer(InnerBound(square)),
        infer(EntryBound(Hadamard(bends, v))),
        infer(InnerBound(Inner(gap, a))),
    )
    return first, second


def _curvature(bends: Entrywise) -> Theorem:
    """max_i |sigma''(v_i)| <= sup|sigma''|."""
    if not isinstance(bends.function, Univariate):
        raise TypeError("expected a function given by pieces")
    return infer(SupNormBound(bends), _known(supremum(bends.function, 2)))


def _function(loss: Loss) -> Univariate:
    function = entry_function(loss)
    if function is None:
        raise TypeError("expected a loss that sums a function over the outputs")
    return function


def _known(theorem: Theorem | None) -> Theorem:
    if theorem is None:
        raise GradlemmaError("a constant of the loss is infinite or could not be established")
    return theorem
