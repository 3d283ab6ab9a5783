"""Softmax cross-entropy: g = ||p - y|| <= sqrt(2), h = 1/2."""

from __future__ import annotations

from dataclasses import dataclass

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
    Abbreviation,
    Deriv,
    Hadamard,
    Inner,
    LogSumExp,
    Role,
    Scale,
    Softmax,
    Sum,
    Term,
    Times,
    Variable,
)

from .jet import Jet
from .sample_loss import Constants, SampleLoss, jet_premises, loss_node, right_of
from .tactics import assume, insert, norm, replace

__all__ = [
    "SoftmaxTerms", "cross_entropy", "curvature_split", "residual_square",
]  # fmt: skip

MINUS, ONE = fmpq(-1), fmpq(1)
POLY_ONE = number(1)


@dataclass(frozen=True, slots=True)
class SoftmaxTerms:
    """The terms of cross-entropy on the output f: p, y, the residual p - y, v = D f[u], D^2 f[u,u].

    bend: <p o v - <p, v> p, v>, which is Var.
    """

    target: Variable
    probabilities: Softmax
    gap: Term
    first: Term
    second: Term
    bend: Inner
    node: Abbreviation

    @staticmethod
    def of(f: Term) -> SoftmaxTerms:
        y, p = Variable("y", f.space, Role.SAMPLE), Softmax(f)
        v, a = Deriv(f, 1), Deriv(f, 2)
        bend = Inner(Sum((Hadamard(p, v), Scale(MINUS, Times(Inner(p, v), p)))), v)
        node = loss_node(f, Sum((LogSumExp(f), Scale(MINUS, Inner(y, f)))))
        return SoftmaxTerms(y, p, Sum((p, Scale(MINUS, y))), v, a, bend, node)


def cross_entropy(output: Jet) -> SampleLoss:
    """The loss log sum exp f - <y, f> for a probability vector y."""
    smooth_f, first_f, second_f = jet_premises(output)
    t = SoftmaxTerms.of(output.node)
    smooth = infer(SmoothByParts(t.node, 2), smooth_f)
    # D l[u] = <p - y, D f[u]>.
    slope = infer(Differentiate(t.node, 1), smooth, smooth_f)
    slope = infer(LinearIdentity(right_of(slope), Inner(t.gap, t.first)), slope)
    first = insert(infer(InnerBound(Deriv(t.node, 1)), slope), first_f, signs=output.signs)
    split = curvature_split(t, smooth, smooth_f)
    variance = _variance(t.probabilities, t.first, t.bend)
    second = insert(split, variance, first_f, second_f, signs=output.signs)
    constants = Constants((_residual_bound(t),))
    return SampleLoss(t.node, t.target, smooth, first, second, (constants,))


def curvature_split(t: SoftmaxTerms, smooth: Theorem, smooth_f: Theorem) -> Theorem:
    """|D^2 l[u,u]| <= |Var| + ||p - y|| ||D^2 f[u,u]||."""
    # D^2 l[u,u] = <p o v - <p, v> p, v> + <p - y, D^2 f[u,u]>, v = D f[u].
    curve = infer(Differentiate(t.node, 2), smooth, smooth_f)
    parts = Sum((t.bend, Inner(t.gap, t.second)))
    curve = infer(LinearIdentity(right_of(curve), parts), curve)
    return replace(infer(Triangle(Deriv(t.node, 2)), curve), infer(InnerBound(parts.parts[1])))


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


def _residual_bound(t: SoftmaxTerms) -> Theorem:
    """||p - y|| <= sqrt(2) for probability vectors."""
    square = infer(RootSquared(number(2)))
    squares = infer(
        Certificate(norm(t.gap) ** 2, ((ONE, (0,), POLY_ONE),), ((1, -POLY_ONE),)), residual_square(t), square
    )
    return infer(SquareRoot(norm(t.gap), Root(number(2)).poly()), squares)


def residual_square(t: SoftmaxTerms) -> Theorem:
    """||p - y||^2 = ||p||^2 - 2 <p, y> + ||y||^2 <= 2: ||p||^2 <= 1, ||y||^2 <= 1, <p, y> >= 0."""
    simplex, target = infer(SoftmaxSimplex(t.probabilities.vector)), assume(Simplex(t.target))
    premises = (
        infer(SimplexInner(upper=True), simplex, simplex),
        infer(SimplexInner(upper=True), target, target),
        infer(SimplexInner(upper=False), simplex, target),
        infer(NormSquared(t.gap)),
    )
    products = ((ONE, (0,), POLY_ONE), (ONE, (1,), POLY_ONE), (fmpq(2), (2,), POLY_ONE))
    return infer(Certificate(norm(t.gap) ** 2, products, ((3, POLY_ONE),)), *premises)
