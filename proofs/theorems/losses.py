"""The loss of one sample: |D l[u]| <= g J and |D^2 l[u,u]| <= h J^2 + g K, derived per loss.

g bounds the norm of the gradient of the loss in the network's output, h its Hessian's:
softmax cross-entropy g = ||p - y|| <= sqrt(2), h = 1/2; half squared error g = ||f - y||, h = 1;
squared error twice that; sums over the outputs of a function of one variable: `entry_losses`.
"""

from __future__ import annotations

from typing import assert_never

from flint import fmpq

from proofs.kernel.claims import Simplex
from proofs.kernel.core import Theorem, infer
from proofs.kernel.rules import (
    AbsoluteValue,
    Certificate,
    Differentiate,
    InnerBound,
    LinearIdentity,
    NormSquared,
    PairSquares,
    RootSquared,
    SimplexInner,
    SmoothByParts,
    SoftmaxSimplex,
    SquareRoot,
    Triangle,
)
from proofs.kernel.scalars import Root, number, value_of
from proofs.kernel.terms import (
    Deriv,
    Hadamard,
    Inner,
    LogSumExp,
    Named,
    Role,
    Scale,
    Softmax,
    Sum,
    Term,
    Times,
    Variable,
)
from proofs.network import Loss, LossKind

from .entry_losses import binary_cross_entropy, huber
from .jet import Jet
from .sample_loss import Constants, SampleLoss, jet_premises, right_of
from .tactics import assume, norm, replace

__all__ = ["sample_loss"]

MINUS = fmpq(-1)


def sample_loss(loss: Loss, output: Jet) -> SampleLoss:
    """The derivation for a loss on the output node of a network."""
    match loss.kind:
        case LossKind.CROSS_ENTROPY:
            return _cross_entropy(output)
        case LossKind.MSE:
            return _squared_error(output, half=False)
        case LossKind.HALF_MSE:
            return _squared_error(output, half=True)
        case LossKind.BCE:
            return binary_cross_entropy(output, loss)
        case LossKind.HUBER:
            return huber(output, loss)
        case _:
            assert_never(loss.kind)


def _cross_entropy(output: Jet) -> SampleLoss:
    smooth_f, first_f, second_f = jet_premises(output)
    f = output.node
    y = Variable("y", f.space, Role.SAMPLE)
    p = Softmax(f)
    node = Named("loss", Sum((LogSumExp(f), Scale(MINUS, Inner(y, f)))))
    smooth = infer(SmoothByParts(node, 2), smooth_f)
    gap = Sum((p, Scale(MINUS, y)))
    v, a = Deriv(f, 1), Deriv(f, 2)

    # D l[u] = <p - y, D f[u]>.
    slope = infer(Differentiate(node, 1), smooth, smooth_f)
    slope = infer(LinearIdentity(right_of(slope), Inner(gap, v)), slope)
    first = replace(infer(InnerBound(Deriv(node, 1)), slope), first_f)

    # D^2 l[u,u] = <p o v - <p, v> p, v> + <p - y, D^2 f[u,u]>, v = D f[u].
    bend = Inner(Sum((Hadamard(p, v), Scale(MINUS, Times(Inner(p, v), p)))), v)
    curve = infer(Differentiate(node, 2), smooth, smooth_f)
    curve = infer(LinearIdentity(right_of(curve), Sum((bend, Inner(gap, a)))), curve)
    second = infer(Triangle(Deriv(node, 2)), curve)
    second = replace(second, _variance(p, v, bend), infer(InnerBound(Inner(gap, a))), first_f, second_f)
    return SampleLoss(node, y, smooth, first, second, (Constants((_gap_bound(p, y, gap),)),))


def _variance(p: Softmax, v: Term, bend: Inner) -> Theorem:
    """|sum p_i v_i^2 - (sum p_i v_i)^2| <= ||v||^2 / 2."""
    simplex = infer(SoftmaxSimplex(p.vector))
    one = number(1)
    # From above: ||v||^2/2 - Var = (1/2) sum_{i!=j} p_i p_j (v_i + v_j)^2 + 2 ||v/2 - p o v||^2.
    pairs = infer(PairSquares(v, 1), simplex)
    rest = Sum((Scale(fmpq(1, 2), v), Scale(MINUS, Hadamard(p, v))))
    square = infer(NormSquared(rest))
    above = infer(
        Certificate(
            value_of(bend),
            ((fmpq(1), (0,), one), (fmpq(2), (), norm(rest))),
            ((1, number(2)),),
        ),
        pairs,
        square,
    )
    # From below: Var = (1/2) sum_{i!=j} p_i p_j (v_i - v_j)^2 >= 0.
    spread = infer(PairSquares(v, -1), simplex)
    below = infer(Certificate(-value_of(bend), ((fmpq(1), (0,), one), (fmpq(1, 2), (), norm(v))), ()), spread)
    return infer(AbsoluteValue(bend), above, below)


def _gap_bound(p: Softmax, y: Variable, gap: Term) -> Theorem:
    """||p - y|| <= sqrt(2) for probability vectors: ||p||^2 <= 1, ||y||^2 <= 1, <p, y> >= 0."""
    simplex, target = infer(SoftmaxSimplex(p.vector)), assume(Simplex(y))
    two = number(2)
    premises = (
        infer(SimplexInner(upper=True), simplex, simplex),
        infer(SimplexInner(upper=True), target, target),
        infer(SimplexInner(upper=False), simplex, target),
        infer(NormSquared(gap)),
        infer(RootSquared(two)),
    )
    one = number(1)
    products = ((fmpq(1), (0,), one), (fmpq(1), (1,), one), (fmpq(2), (2,), one))
    # ||gap||^2 = ||p||^2 - 2 <p, y> + ||y||^2 <= 2 = root(2)^2.
    squares = infer(Certificate(norm(gap) ** 2, products, ((3, one), (4, number(-1)))), *premises)
    return infer(SquareRoot(norm(gap), Root(two).poly()), squares)


def _squared_error(output: Jet, *, half: bool) -> SampleLoss:
    smooth_f, first_f, second_f = jet_premises(output)
    f = output.node
    y = Variable("y", f.space, Role.SAMPLE)
    gap = Sum((f, Scale(MINUS, y)))
    square = Inner(gap, gap)
    node = Named("loss", Scale(fmpq(1, 2), square) if half else square)
    smooth = infer(SmoothByParts(node, 2), smooth_f)
    v, a = Deriv(f, 1), Deriv(f, 2)

    def weighted(term: Term) -> Term:
        return term if half else Scale(fmpq(2), term)

    # D l[u] = <f - y, v> (twice for mse), v = D f[u].
    slope = infer(Differentiate(node, 1), smooth, smooth_f)
    slope = infer(LinearIdentity(right_of(slope), weighted(Inner(gap, v))), slope)
    size = infer(InnerBound(Inner(gap, v)))
    first = replace(infer(Triangle(Deriv(node, 1)), slope), size, first_f)

    # D^2 l[u,u] = <v, v> + <f - y, D^2 f[u,u]> (twice for mse).
    curve = infer(Differentiate(node, 2), smooth, smooth_f)
    split = Sum((weighted(Inner(v, v)), weighted(Inner(gap, a))))
    curve = infer(LinearIdentity(right_of(curve), split), curve)
    second = infer(Triangle(Deriv(node, 2)), curve)
    second = replace(
        second, infer(InnerBound(Inner(v, v))), infer(InnerBound(Inner(gap, a))), first_f, second_f
    )
    return SampleLoss(
        node, y, smooth, first, second, (Constants((infer(Triangle(gap)),), needs_target_norm=True),)
    )
