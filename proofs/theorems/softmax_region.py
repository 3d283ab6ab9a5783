"""Softmax cross-entropy: how the curvature h falls where the residual g is large.

With v = D f[u], N = ||p - y|| and Var = <p o v, v> - <p, v>^2, at every theta and for every u
    |D^2 l[u,u]| <= Var + N ||D^2 f[u,u]||,     Var <= (1 - ||p||^2) ||v||^2,
since the trace of diag p - p p^T bounds its largest eigenvalue.  For all probability vectors y,
    two classes, x = ||p - 1/2||:   1 - ||p||^2 = 1/2 - x^2 and N <= x + root(1/2);
    more classes, x = N:            1 - ||p||^2 <= 2 - x^2, by ||y|| <= 1 and <p, y> >= 0.
So |D^2 l[u,u]| <= (c - x^2) J_f^2 + (x + r) K_f with x^2 <= c, c = 1/2, r = root(1/2) or c = 2, r = 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq

from proofs.kernel.claims import Simplex
from proofs.kernel.core import Theorem, infer
from proofs.kernel.rules import (
    AbsoluteValue,
    Certificate,
    LinearIdentity,
    Nonnegative,
    NormSquared,
    PairSpread,
    PairSquares,
    RootSquared,
    SimplexCentre,
    SimplexInner,
    SoftmaxSimplex,
    SquareRoot,
    Triangle,
)
from proofs.kernel.rules.simplex import centred
from proofs.kernel.scalars import Norm, Poly, Root, number, value_of
from proofs.kernel.terms import Scale, Sum, Term

from .cross_entropy import SoftmaxTerms, curvature_split, residual_square
from .jet import Jet
from .sample_loss import SampleLoss, jet_premises
from .tactics import assume, at_most_itself, compare_of, norm, replace

__all__ = ["Region", "softmax_region"]

ONE, HALF = fmpq(1), fmpq(1, 2)
POLY_ONE = number(1)


@dataclass(frozen=True, slots=True)
class Region:
    """|D^2 l[u,u]| <= (c - x^2) J_f^2 + (x + r) K_f, and x at most `end`.

    curve: that theorem, x the norm `place`; square: x^2 <= c; end: x <= root(c); shift: r.
    flat: |D^2 l[u,u]| <= J_f^2 / 2 + x K_f where that is no part of the curve, else None.
    """

    place: Norm
    height: fmpq
    shift: Poly
    curve: Theorem
    square: Theorem
    end: Theorem
    flat: Theorem | None


def softmax_region(sample: SampleLoss, output: Jet) -> Region:
    """The region that the pairs (h, g) of cross-entropy on this output lie in."""
    smooth_f, first_f, second_f = jet_premises(output)
    t = SoftmaxTerms.of(output.node)
    split = replace(curvature_split(t, sample.smooth, smooth_f), second_f)
    if output.node.space == (2,):
        place, square, end = _centre(t.probabilities, infer(SoftmaxSimplex(output.node)))
        shift, residual, flat = Root(number(HALF)).poly(), _residual_by_centre(t), None
        spread = _spread_by_centre(t)
    else:
        place, square, end = Norm(t.gap), residual_square(t), sample.constants[0].theorems[0]
        shift, residual, flat = number(0), None, sample.second
        spread = _spread_by_residual(t)
    curve = _curve(split, spread, square, residual, first_f)
    return Region(place, compare_of(square).right.terms[()], shift, curve, square, end, flat)


def _curve(
    split: Theorem, spread: Theorem, square: Theorem, residual: Theorem | None, first_f: Theorem
) -> Theorem:
    """From |D^2 l| <= |Var| + N K, |Var| <= (c - x^2) ||v||^2 and N <= x + r, with ||v|| <= J."""
    # ||v||^2 <= J^2.
    size = at_most_itself(compare_of(first_f).left ** 2)
    premises = [split, spread, square, replace(size, first_f)]
    products = [(ONE, (0,), POLY_ONE), (ONE, (1,), POLY_ONE), (ONE, (2, 3), POLY_ONE)]
    if residual is not None:
        curvature = _curvature_of(split, residual)
        premises += [residual, infer(Nonnegative(curvature))]
        products.append((ONE, (4, 5), POLY_ONE))
    return infer(Certificate(compare_of(split).left, tuple(products), ()), *premises)


def _curvature_of(split: Theorem, residual: Theorem) -> Poly:
    """K in |D^2 l| <= |Var| + N K."""
    (gap,) = compare_of(residual).left.atoms()
    found = [
        Poly([(tuple(pair for pair in m if pair[0] is not gap), c)])
        for m, c in compare_of(split).right.terms.items()
        if any(inner is gap for inner, _ in m)
    ]
    return sum(found, number(0))


def _spread_by_residual(t: SoftmaxTerms) -> Theorem:
    """|Var| <= (2 - ||p - y||^2) ||v||^2."""
    simplex, target = infer(SoftmaxSimplex(t.probabilities.vector)), assume(Simplex(t.target))
    size = norm(t.first)
    known = (
        infer(SimplexInner(upper=True), target, target),
        infer(SimplexInner(upper=False), simplex, target),
        infer(NormSquared(t.gap)),
    )
    # 2 - ||p - y||^2 = (1 - ||p||^2) + (1 - ||y||^2) + 2 <p, y>.
    above = infer(
        Certificate(
            value_of(t.bend),
            ((ONE, (0,), POLY_ONE), (ONE, (1,), size), (fmpq(2), (2,), size)),
            ((3, size**2),),
        ),
        infer(PairSpread(t.first), simplex),
        *known,
    )
    below = infer(
        Certificate(
            -value_of(t.bend),
            ((ONE, (0,), POLY_ONE), (ONE, (1,), size), (fmpq(2), (2,), size), (ONE, (4,), size)),
            ((3, size**2),),
        ),
        infer(PairSquares(t.first, -1), simplex),
        *known,
        infer(SimplexInner(upper=True), simplex, simplex),
    )
    return infer(AbsoluteValue(t.bend), above, below)


def _spread_by_centre(t: SoftmaxTerms) -> Theorem:
    """|Var| <= (1/2 - ||p - 1/2||^2) ||v||^2 for two classes."""
    simplex, size = infer(SoftmaxSimplex(t.probabilities.vector)), norm(t.first)
    centre = infer(SimplexCentre(), simplex)
    above = infer(
        Certificate(value_of(t.bend), ((ONE, (0,), POLY_ONE),), ((1, size**2),)),
        infer(PairSpread(t.first), simplex),
        centre,
    )
    below = infer(
        Certificate(-value_of(t.bend), ((ONE, (0,), POLY_ONE), (ONE, (2,), size)), ((1, size**2),)),
        infer(PairSquares(t.first, -1), simplex),
        centre,
        infer(SimplexInner(upper=True), simplex, simplex),
    )
    return infer(AbsoluteValue(t.bend), above, below)


def _centre(weights: Term, simplex: Theorem) -> tuple[Norm, Theorem, Theorem]:
    """The atom ||p - 1/2||, its square at most 1/2, and itself at most root(1/2), for two classes."""
    place = Norm(centred(weights))
    square = infer(
        Certificate(place.poly() ** 2, ((ONE, (0,), POLY_ONE),), ((1, POLY_ONE),)),
        infer(SimplexInner(upper=True), simplex, simplex),
        infer(SimplexCentre(), simplex),
    )
    root = infer(RootSquared(number(HALF)))
    squares = infer(Certificate(place.poly() ** 2, ((ONE, (0,), POLY_ONE),), ((1, -POLY_ONE),)), square, root)
    return place, square, infer(SquareRoot(place.poly(), Root(number(HALF)).poly()), squares)


def _residual_by_centre(t: SoftmaxTerms) -> Theorem:
    """||p - y|| <= ||p - 1/2|| + root(1/2) for two classes."""
    p, y = centred(t.probabilities), centred(t.target)
    split = infer(LinearIdentity(t.gap, Sum((p, Scale(fmpq(-1), y)))))
    _, _, end = _centre(t.target, assume(Simplex(t.target)))
    return replace(infer(Triangle(t.gap), split), end)
