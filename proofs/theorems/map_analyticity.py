"""Where a given map is analytic: a theorem for every map that it is made of, by one of two routes.

The scalar route (AEA-6) takes every function entry by entry.  The layered route (AEA-1) takes
functions of a trained affine map W h + b, W and b used nowhere in h, as functions R^n -> R^k.
Both take analytic operations by AEA-2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from proofs.errors import KernelError
from proofs.kernel.core import Theorem, infer
from proofs.kernel.maps import (
    Contract,
    Entry,
    Map,
    MeanOf,
    Opaque,
    ParameterBlock,
    Partial,
    Total,
    Unknown,
    maps_below,
    parts_of,
)
from proofs.kernel.positivity import signs_needed
from proofs.kernel.rules.analytic import (
    AlmostEverywhereElim,
    AlmostEverywhereIntro,
    AnalyticOuter,
    CompositionSingular,
    ConstantOuter,
    MeanAnalytic,
    NoHits,
    OperationSingular,
    PiecewiseByPieces,
)
from proofs.kernel.rules.logic import Assume
from proofs.kernel.rules.positive import PositiveByForm
from proofs.kernel.rules.sets import BoundaryCovers, Inclusion, InteriorMonotone, NullUnion, Subset
from proofs.kernel.rules.zeros import (
    ZERO,
    FreshBias,
    FreshRank,
    IndependentByForm,
    LinearZero,
    SubmersionNull,
)
from proofs.kernel.set_claims import AlmostEverywhereAnalytic, OuterAnalytic, Positive
from proofs.kernel.sets import Empty, LevelSet, SingularPoints

from .analyticity import (
    VECTOR,
    entrywise_composition,
    level_boundary,
    put_in,
    subset_null,
)

__all__ = ["Affine", "Analyticity", "NotCovered", "Route", "affine_of", "opaque_reason"]


class Route(Enum):
    """How functions with kinks, and functions given without formula, are taken."""

    LAYERED = "layered"
    SCALAR = "scalar"


class NotCovered(KernelError):
    """No derivation by this route: which map stands in the way, and why."""

    def __init__(self, node: Map, reason: str) -> None:
        super().__init__(reason)
        self.node = node
        self.reason = reason


@dataclass(slots=True)
class Analyticity:
    """Derives that maps are almost everywhere analytic; every map once.

    assumed: almost everywhere analyticity of these maps' functions (`Opaque`) is a hypothesis.
    """

    route: Route
    _null: dict[Map, Theorem] = field(default_factory=dict[Map, Theorem])
    _everywhere: dict[Map, Theorem] = field(default_factory=dict[Map, Theorem])
    _signs: dict[Positive, Theorem] = field(default_factory=dict[Positive, Theorem])

    def almost_everywhere(self, root: Map) -> Theorem:
        """The theorem that `root` is almost everywhere analytic.

        Raises:
            NotCovered: naming the first map that the route does not cover.
        """
        return infer(AlmostEverywhereIntro(), self.singular_null(root))

    def singular_null(self, root: Map) -> Theorem:
        """The theorem that S(root) is null."""
        for node in maps_below(root):
            if node not in self._null:
                self._null[node] = self._derive(node)
        return self._null[root]

    def everywhere(self, root: Map) -> Theorem:
        """The theorem that S(root) is empty: root is analytic on all of Theta.

        Raises:
            NotCovered: naming the first map with kinks.
        """
        for node in maps_below(root):
            if node not in self._everywhere:
                self._everywhere[node] = self._derive_everywhere(node)
        return self._everywhere[root]

    def positive(self, node: Map, strict: bool = True) -> Theorem:
        """The theorem that all entries are > 0 (>= 0 where not strict), by the form of the map."""
        claim = Positive(node, strict)
        if claim not in self._signs:
            try:
                needed = signs_needed(node, strict)
            except KernelError as error:
                raise NotCovered(node, f"an argument is not shown to be positive: {error}") from error
            shown = (self.positive(part, part_strict) for part, part_strict in needed)
            self._signs[claim] = infer(PositiveByForm(node, strict), *shown)
        return self._signs[claim]

    # -- one map ----------------------------------------------------------------------------------

    def _derive(self, node: Map) -> Theorem:
        match node:
            case Entry(function=function) if function.is_analytic and not self._is_layer(node):
                return infer(Subset(), self._entry_singular(node), self._null[node.of])
            case Entry() | Opaque():
                return self._layer(node) if self.route is Route.LAYERED else self._composition(node)
            case MeanOf(data=data, body=body):
                whole = infer(MeanAnalytic(data), infer(AlmostEverywhereIntro(), self._null[body]))
                return infer(AlmostEverywhereElim(), whole)
            case Unknown():
                return infer(AlmostEverywhereElim(), infer(Assume(AlmostEverywhereAnalytic(node))))
            case _:
                return self._operation(node)

    def _is_layer(self, node: Entry) -> bool:
        return self.route is Route.LAYERED and affine_of(node.of) is not None

    def _operation(self, node: Map) -> Theorem:
        lies = infer(OperationSingular(node), *self._premises(node))
        parts = tuple(dict.fromkeys(parts_of(node)))
        if not parts:
            return infer(Subset(), lies)
        nulls = [self._null[part] for part in parts]
        return infer(Subset(), lies, nulls[0] if len(nulls) == 1 else infer(NullUnion(), *nulls))

    def _premises(self, node: Map) -> tuple[Theorem, ...]:
        return (self.positive(node.of),) if isinstance(node, Partial) else ()

    def _entry_singular(self, node: Entry) -> Theorem:
        """S(sigma(p)) in S(p), sigma analytic."""
        outer = infer(AnalyticOuter(node, False), self._piecewise(node))
        parts = (infer(CompositionSingular(node)), infer(NoHits(), outer))
        return infer(Inclusion(SingularPoints(node), SingularPoints(node.of)), *parts)

    def _piecewise(self, node: Entry) -> Theorem:
        try:
            return infer(PiecewiseByPieces(node.function))
        except KernelError as error:
            reason = f"{node.function.label()} is not shown to be piecewise analytic: {error}"
            raise NotCovered(node, reason) from error

    def _composition(self, node: Entry | Opaque) -> Theorem:
        if isinstance(node, Opaque):
            raise NotCovered(node, opaque_reason(node))
        self._piecewise(node)
        given = infer(AlmostEverywhereIntro(), self._null[node.of])
        composed = put_in(entrywise_composition(node.function), VECTOR, node.of, given)
        return infer(AlmostEverywhereElim(), composed)

    # -- AEA-1 ------------------------------------------------------------------------------------

    def outer_analytic(self, node: Entry | Opaque) -> Theorem:
        """(c1): the function is almost everywhere analytic; a hypothesis where it has no formula."""
        if isinstance(node, Opaque):
            return infer(Assume(OuterAnalytic(node, True)))
        return infer(AnalyticOuter(node, True), self._piecewise(node))

    def rank(self, node: Entry | Opaque) -> Theorem:
        """(c2): where det(J J^T) of the argument W h or W h + b may be 0.

        Raises:
            NotCovered: where the argument has another form or a parameter is used twice.
        """
        affine = affine_of(node.of)
        if affine is None:
            raise NotCovered(node, "its argument is not W h or W h + b, W a trained matrix, h a vector")
        try:
            if affine.bias is not None:
                return infer(FreshBias(node.of), infer(IndependentByForm(affine.product, affine.bias)))
            return infer(FreshRank(node.of), infer(IndependentByForm(affine.inner, affine.weight)))
        except KernelError as error:
            used = affine.weight if affine.bias is None else affine.bias
            raise NotCovered(node, f"parameter {used.name} is used twice") from error

    def _layer(self, node: Entry | Opaque) -> Theorem:
        """AEA-1 for one layer g(p), p = W h (+ b): bad points, nice zeros, nice non-zeros."""
        outer, rank = self.outer_analytic(node), self.rank(node)
        affine = affine_of(node.of)
        if affine is None:
            raise NotCovered(node, "its argument is not W h or W h + b")
        if affine.bias is not None:
            self._require_fresh_weight(node, affine)
        hits_null = infer(SubmersionNull(), outer)
        splits = infer(CompositionSingular(node))
        h, p = affine.inner, node.of
        known = [splits, rank, *self._affine_singular(affine, p)]
        nulls = [self._null[h], hits_null]
        if affine.bias is None:
            zeros = LevelSet(h, ZERO)
            inside = infer(InteriorMonotone(), infer(LinearZero(p)))
            known += [infer(BoundaryCovers(zeros)), inside, infer(ConstantOuter(node, ZERO))]
            nulls.append(level_boundary(self._null[h], ZERO))
        return subset_null(SingularPoints(node), infer(NullUnion(), *nulls), *known)

    def _require_fresh_weight(self, node: Map, affine: Affine) -> None:
        try:
            infer(IndependentByForm(affine.inner, affine.weight))
        except KernelError as error:
            raise NotCovered(node, f"parameter {affine.weight.name} is used twice") from error

    def _affine_singular(self, affine: Affine, p: Map) -> list[Theorem]:
        """S(p) in S(h), step by step."""
        found = [infer(OperationSingular(affine.product)), infer(OperationSingular(affine.weight))]
        if affine.bias is not None:
            found += [infer(OperationSingular(p)), infer(OperationSingular(affine.bias))]
        return found

    # -- analytic everywhere ----------------------------------------------------------------------

    def _derive_everywhere(self, node: Map) -> Theorem:
        match node:
            case Entry(function=function) if function.is_analytic:
                lies = [self._entry_singular(node)]
            case Entry() | Opaque() | Unknown():
                raise NotCovered(node, "it has kinks or no formula")
            case MeanOf(data=data, body=body):
                return infer(MeanAnalytic(data), self._everywhere[body])
            case _:
                lies = [infer(OperationSingular(node), *self._premises(node))]
        parts = dict.fromkeys(parts_of(node))
        if not parts:
            return lies[0]
        return infer(Inclusion(SingularPoints(node), Empty()), *lies, *(self._everywhere[p] for p in parts))


def opaque_reason(node: Opaque) -> str:
    """Why the scalar route does not cover a function that is given without formula."""
    return (
        f"{node.name} is a map of several variables without tests of single numbers; "
        "that it is almost everywhere analytic is not enough (AEA-3)"
    )


@dataclass(frozen=True, slots=True)
class Affine:
    """W h or W h + b: the product, its matrix and vector, and the bias if there is one."""

    product: Contract
    weight: ParameterBlock
    inner: Map
    bias: ParameterBlock | None


def affine_of(node: Map) -> Affine | None:
    """The parts of W h or W h + b with trained W (and b) and a vector h; None for another form."""
    product: Map = node
    bias: ParameterBlock | None = None
    if isinstance(node, Total) and len(node.parts) == 2:
        last = node.parts[1]
        if isinstance(last, ParameterBlock):
            product, bias = node.parts[0], last
    if not isinstance(product, Contract) or not isinstance(product.left, ParameterBlock):
        return None
    first, second, result = product.letters()
    if len(first) != 2 or second != first[1] or result != first[0]:
        return None
    return Affine(product, product.left, product.right, bias)
