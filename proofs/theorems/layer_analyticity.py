"""Almost everywhere analyticity of one layer sigma(W h) (AEA-1), and by the rank of p (AEA-4, AEA-6).

h, p and sigma are arbitrary.  What is known of them are hypotheses of the theorems.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from proofs.kernel.core import Theorem, infer
from proofs.kernel.maps import Contract, Map, Opaque, ParameterBlock, RankDet, Total, Unknown
from proofs.kernel.rules.analytic import (
    AlmostEverywhereElim,
    AlmostEverywhereIntro,
    ComponentRegular,
    CompositionSingular,
    ConstantOuter,
    OperationSingular,
)
from proofs.kernel.rules.logic import Assume
from proofs.kernel.rules.sets import (
    BoundaryCovers,
    Inclusion,
    InteriorMonotone,
    NullUnion,
)
from proofs.kernel.rules.zeros import (
    ZERO,
    FreshBias,
    FreshRank,
    LinearZero,
    SubmersionNull,
    ZeroSetNull,
)
from proofs.kernel.set_claims import (
    AlmostEverywhereAnalytic,
    Independent,
    NotWithin,
    Null,
    OuterAnalytic,
    Within,
)
from proofs.kernel.sets import (
    Component,
    Either,
    Empty,
    Interior,
    LevelSet,
    Meet,
    SingularPoints,
    Whole,
    Without,
)

from .analyticity import COMPONENT, level_boundary, subset_null

__all__ = [
    "ARGUMENT", "INNER", "RankLemma", "SplitLayer", "biased_layer", "layer_map", "rank_lemma", "split_layer",
    "zero_boundary",
]  # fmt: skip

INNER = Unknown("h", (2,))
ARGUMENT = Unknown("p", (2,))
WEIGHT, BIAS = ParameterBlock("W", (2, 2)), ParameterBlock("b", (2,))


def layer_map(*, bias: bool = False) -> Opaque:
    """sigma(W h), or sigma(W h + b), for arbitrary h and sigma: R^2 -> R^2."""
    product = Contract("ij,j->i", WEIGHT, INNER)
    return Opaque("sigma", Total((product, BIAS)) if bias else product, (2,))


@dataclass(frozen=True, slots=True)
class SplitLayer:
    """The three parts of Theta at the layer sigma(W h), and what follows from them.

    bad: S(h) and the boundary of {h = 0} are null.
    nice_zeros: in the interior of {h = 0} the layer is analytic, because it is constant there.
    nice_nonzeros: off S(h) and {h = 0}, where W -> W h is onto, the layer is not analytic on a null set.
    analytic: the layer is almost everywhere analytic.
    """

    bad: Theorem
    nice_zeros: Theorem
    nice_nonzeros: Theorem
    analytic: Theorem


def _given(node: Map) -> Theorem:
    return infer(AlmostEverywhereElim(), infer(Assume(AlmostEverywhereAnalytic(node))))


def _affine_singular(argument: Map) -> list[Theorem]:
    """S(W h) in S(h), and S(W h + b) too, step by step."""
    product = argument.parts[0] if isinstance(argument, Total) else argument
    found = [infer(OperationSingular(product)), infer(OperationSingular(WEIGHT))]
    if isinstance(argument, Total):
        found += [infer(OperationSingular(argument)), infer(OperationSingular(BIAS))]
    return found


@cache
def split_layer() -> SplitLayer:
    """AEA-1 for a layer without bias.

    Hypotheses: h almost everywhere analytic; not depending on W; sigma almost everywhere analytic.
    """
    layer = layer_map()
    product, zeros = layer.of, LevelSet(INNER, ZERO)
    singular, layer_singular = SingularPoints(INNER), SingularPoints(layer)
    given = _given(INNER)
    bad = infer(NullUnion(), given, level_boundary(given, ZERO))
    # h = 0 on an open set, and W h = 0 there
    inside = infer(InteriorMonotone(), infer(LinearZero(product)))
    constant = infer(ConstantOuter(layer, ZERO))
    nice_zeros = infer(Inclusion(Meet(layer_singular, Interior(zeros)), Empty()), inside, constant)
    # h is analytic and not 0
    outer = infer(Assume(OuterAnalytic(layer, True)))
    rank = infer(FreshRank(product), infer(Assume(Independent(INNER, WEIGHT))))
    splits = infer(CompositionSingular(layer))
    off = Without(layer_singular, Either((singular, zeros)))
    known = (splits, rank, *_affine_singular(product))
    nice_nonzeros = subset_null(off, infer(SubmersionNull(), outer), *known)
    # all of Theta
    cover = infer(BoundaryCovers(zeros))
    whole = infer(NullUnion(), bad, nice_nonzeros)
    analytic = infer(AlmostEverywhereIntro(), subset_null(layer_singular, whole, nice_zeros, cover))
    return SplitLayer(bad, nice_zeros, nice_nonzeros, analytic)


@cache
def biased_layer() -> Theorem:
    """AEA-1 for a layer with a trained bias, which is onto everywhere: h may depend on W.

    Hypotheses: h almost everywhere analytic; W h does not depend on b; sigma almost everywhere analytic.
    """
    layer = layer_map(bias=True)
    argument = layer.of
    product = argument.parts[0] if isinstance(argument, Total) else argument
    rank = infer(FreshBias(argument), infer(Assume(Independent(product, BIAS))))
    hits = infer(SubmersionNull(), infer(Assume(OuterAnalytic(layer, True))))
    whole = infer(NullUnion(), _given(INNER), hits)
    known = (infer(CompositionSingular(layer)), rank, *_affine_singular(argument))
    return infer(AlmostEverywhereIntro(), subset_null(SingularPoints(layer), whole, *known))


def zero_boundary(analytic: Theorem) -> Theorem:
    """The boundary of {f = 0} is null, f the map that the theorem says is almost everywhere analytic."""
    return level_boundary(infer(AlmostEverywhereElim(), analytic), ZERO)


@dataclass(frozen=True, slots=True)
class RankLemma:
    """Sigma(p) for every almost everywhere analytic sigma: R^2 -> R^2, by the rank of p.

    component: on a component of D(p), if p has full rank at one point of it.
    off_null: if the set of points where p is analytic but not of full rank is null.
    analytic: if p is analytic on all of Theta and has full rank at one point.
    """

    component: Theorem
    off_null: Theorem
    analytic: Theorem


@cache
def rank_lemma() -> RankLemma:
    """AEA-6+ (b), and AEA-4, where p is a convolution of data that are not special.

    Hypotheses: sigma almost everywhere analytic on R^2, and what `RankLemma` says of p.
    """
    composed = Opaque("sigma", ARGUMENT, (2,))
    singular, bad = SingularPoints(ARGUMENT), SingularPoints(composed)
    flat = LevelSet(RankDet(ARGUMENT), ZERO)
    splits = infer(CompositionSingular(composed))
    hits = infer(SubmersionNull(), infer(Assume(OuterAnalytic(composed, True))))
    determinant = infer(OperationSingular(RankDet(ARGUMENT)))
    # on one component
    component = Component(ARGUMENT, COMPONENT)
    zeros = infer(ZeroSetNull(), determinant, infer(Assume(NotWithin(component, flat))))
    regular = infer(ComponentRegular(ARGUMENT, COMPONENT))
    here = infer(NullUnion(), hits, zeros)
    on_component = subset_null(Meet(bad, component), here, splits, regular)
    # off a null set
    rank_null = infer(Assume(Null(Without(flat, singular))))
    whole = infer(NullUnion(), _given(ARGUMENT), hits, rank_null)
    off_null = infer(AlmostEverywhereIntro(), subset_null(bad, whole, splits))
    # analytic on all of Theta
    everywhere = infer(Assume(Within(singular, Empty())))
    smooth = infer(Inclusion(SingularPoints(RankDet(ARGUMENT)), Empty()), determinant, everywhere)
    somewhere = infer(ZeroSetNull(), smooth, infer(Assume(NotWithin(Whole(), flat))))
    both = infer(NullUnion(), hits, somewhere)
    analytic = infer(AlmostEverywhereIntro(), subset_null(bad, both, splits, everywhere))
    return RankLemma(on_component, off_null, analytic)
