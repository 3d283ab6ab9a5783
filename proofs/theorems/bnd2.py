"""BND-2: the bounds in closed form for a network without biases and uniform weight norms.

L dense layers without bias, an activation phi with phi(0) = 0, |phi'| <= beta, |phi''| <= gamma
between them, softmax cross-entropy, ||W_l|| <= s, ||x_i|| <= M:
    G = sqrt(2) M (beta s)^(L-1) sqrt(L),
    H = (1/2) M^2 (beta s)^(2L-2) L + sqrt(2) M beta^(L-1) s^(L-2) (L-1)
        + sqrt(2) gamma M^2 sum_{m=1}^{L-1} m beta^(L+m-3) s^(L+m-2).
Nothing of this is typed in: the forms come from the JET derivation with s, beta, gamma, M put in,
and the numbers from sum_g (K 1)_g-type certificates with the all-ones vector.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from flint import fmpq

from proofs.errors import GradlemmaError
from proofs.kernel.claims import Compare, Relation, SupBound
from proofs.kernel.core import Theorem, infer
from proofs.kernel.monotone import dependency_order
from proofs.kernel.rules import (
    Cauchy,
    Certificate,
    GroupSplit,
    MeanBound,
    MeanValue,
    Monotone,
    Nonnegative,
    OperatorNormIntro,
    RootSquared,
    SecantBound,
    SupNormBound,
)
from proofs.kernel.rules.algebra import bounds_of
from proofs.kernel.scalars import DirectionNorm, Norm, Poly, Real, Root, number
from proofs.kernel.terms import Entrywise, Named
from proofs.kernel.univariate import Function, Univariate, Unspecified
from proofs.network import Loss, activation

from .bounds import used_bounds
from .constants import supremum
from .finish import whole_direction
from .jet import Group, Jet, activation_row, dense_row, group_of, input_jet
from .losses import sample_loss
from .tactics import assume, assume_at_most, compare_of
from .values import dense_value

__all__ = ["UniformBounds", "uniform_bounds"]

MAX_DEPTH = 200


@dataclass(frozen=True, slots=True)
class UniformBounds:
    """The two theorems of BND-2 at one depth: ||grad L|| <= G and ||Hess L|| <= H."""

    depth: int
    gradient: Theorem
    hessian: Theorem


@dataclass(frozen=True, slots=True)
class _Symbols:
    """The reals of the statement with their hypotheses `0 <= r`, and bounds of phi, phi'."""

    weight: Poly
    inputs: Poly
    positive: tuple[Theorem, ...]
    at_zero: Theorem
    secant: Theorem
    slope: Theorem
    bend: Theorem


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
    function: Function = Unspecified("phi", is_analytic=True) if name is None else activation(name)
    symbols = _symbols(function)
    jets, groups = _network(depth, function)
    loss = sample_loss(Loss.CROSS_ENTROPY, jets[-1])
    bounds = (*_bounds(jets, groups, symbols), *loss.constants[0].theorems)
    samples = (next(iter(jets[0].node.free)), loss.target)
    forms: list[Theorem] = []
    for target in (loss.first, loss.second):
        used = used_bounds(target, bounds)
        signs = _occurring(target, used, symbols.positive)
        form = infer(Monotone(None, unfold=True), target, *used, *signs)
        forms.append(infer(MeanBound(samples), form, loss.smooth))
    return UniformBounds(
        depth, _gradient(forms[0], groups, symbols.positive), _hessian(forms[1], groups, symbols.positive)
    )


def _symbols(function: Function) -> _Symbols:
    weight, inputs = Real("s"), Real("M")
    reals = [weight, inputs]
    if isinstance(function, Univariate):
        at_zero, slope, bend = (supremum(function, k, r) for k, r in _ORDERS)
        if at_zero is None or slope is None or bend is None:
            raise GradlemmaError(f"expected an activation with bounded slopes but got {function.label()}")
        if at_zero.claim.bound != number(0):  # type: ignore[attr-defined]
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
    return _Symbols(weight.poly(), inputs.poly(), positive, at_zero, secant, slope, bend)


_ORDERS: tuple[tuple[int, Fraction | None], ...] = ((0, Fraction(0)), (1, None), (2, None))


def _network(depth: int, function: Function) -> tuple[list[Jet], tuple[Group, ...]]:
    jets = [input_jet("n0")]
    groups: list[Group] = []
    for layer in range(1, depth + 1):
        groups.append(group_of(layer, f"n{layer}", f"n{layer - 1}", bias=False))
        jets.append(dense_row(jets[-1], groups[-1]))
        if layer < depth:
            jets.append(activation_row(jets[-1], function, f"h{layer}"))
    return jets, tuple(groups)


def _bounds(jets: list[Jet], groups: tuple[Group, ...], symbols: _Symbols) -> list[Theorem]:
    found = [assume_at_most(Norm(jets[0].node), symbols.inputs)]
    found += [assume_at_most(Norm(group.weight), symbols.weight) for group in groups]
    for jet in jets[1:]:
        node = jet.node
        if not isinstance(node, Named):
            continue
        if isinstance(node.body, Entrywise):
            found.append(_value(node, symbols))
            found.append(
                infer(SupNormBound(Entrywise(node.body.function, 1, node.body.vector)), symbols.slope)
            )
            found.append(
                infer(SupNormBound(Entrywise(node.body.function, 2, node.body.vector)), symbols.bend)
            )
        else:
            found.append(dense_value(node))
    return found


def _value(node: Named, symbols: _Symbols) -> Theorem:
    return infer(SecantBound(node), symbols.at_zero, symbols.secant)


def _gradient(form: Theorem, groups: tuple[Group, ...], positive: tuple[Theorem, ...]) -> Theorem:
    # |D L[u]| <= sum_g c_g ||u_g|| <= root(sum_g c_g^2) ||u||; here all c_g are one c.
    right = compare_of(form).right
    sizes = [group.direction.poly() for group in groups]
    common = _coefficient(right, groups[0])
    if right != sum((common * size for size in sizes), number(0)):
        raise GradlemmaError("expected one coefficient for all layers")
    if len(groups) > 1:
        cauchy = infer(Cauchy((number(1),) * len(sizes), tuple(sizes)))
        sign = infer(Nonnegative(common), *_about(common, positive))
        one = number(1)
        rule = Certificate(compare_of(form).left, ((fmpq(1), (0,), one), (fmpq(1), (1, 2), one)), ())
        joined = infer(rule, form, sign, cauchy)
        split = infer(GroupSplit(whole_direction(groups), tuple(group.direction for group in groups)))
        used = _about(compare_of(joined).right, positive)
        form = infer(Monotone(), joined, split, *used)
    return infer(OperatorNormIntro(), form)


def _coefficient(form: Poly, group: Group) -> Poly:
    """The coefficient of ||u_g|| in a linear form."""
    atom = group.direction
    return Poly(
        (tuple(pair for pair in monomial if pair[0] is not atom), value)
        for monomial, value in form.terms.items()
        if (atom, 1) in monomial
    )


def _occurring(
    target: Theorem, used: tuple[Theorem, ...], positive: tuple[Theorem, ...]
) -> tuple[Theorem, ...]:
    """Those hypotheses `0 <= r` whose real the target needs."""
    by_atom, _ = bounds_of(tuple(bound.sequent for bound in used))
    needed = set(dependency_order(compare_of(target).right, by_atom))
    return tuple(t for t in positive if compare_of(t).right.atoms() <= needed)


def _about(poly: Poly, positive: tuple[Theorem, ...]) -> tuple[Theorem, ...]:
    """Those hypotheses `0 <= r` whose real occurs."""
    return tuple(t for t in positive if compare_of(t).right.atoms() <= poly.atoms())


def _hessian(form: Theorem, groups: tuple[Group, ...], positive: tuple[Theorem, ...]) -> Theorem:
    # lambda sum x^2 - x^T K x = sum_{g<h} K_gh (x_g - x_h)^2 + sum_g (lambda - (K 1)_g) x_g^2
    # with lambda = (K 1)_1, the largest row sum.
    if len(groups) == 1:
        return infer(OperatorNormIntro(), form)
    matrix = symbolic_matrix(compare_of(form).right, groups)
    norms = [group.direction.poly() for group in groups]
    rows = [sum(row, number(0)) for row in matrix]
    premises: list[Theorem] = [form]
    index: dict[Poly, int] = {}

    def sign_of(poly: Poly) -> int:
        if poly not in index:
            index[poly] = len(premises)
            premises.append(infer(Nonnegative(poly), *_about(poly, positive)))
        return index[poly]

    products: list[tuple[fmpq, tuple[int, ...], Poly]] = [(fmpq(1), (0,), number(1))]
    for g, x in enumerate(norms):
        rest = rows[0] - rows[g]
        if rest.terms:
            products.append((fmpq(1), (sign_of(rest),), x))
        for h in range(g + 1, len(norms)):
            products.append((fmpq(1), (sign_of(matrix[g][h]),), x - norms[h]))
    squares = sum((x**2 for x in norms), number(0))
    total, whole = Root(squares).poly(), whole_direction(groups)
    first = len(premises)
    premises.append(infer(RootSquared(squares)))
    premises.append(infer(GroupSplit(whole, tuple(group.direction for group in groups))))
    equations = ((first, -rows[0]), (first + 1, rows[0] * (total + whole.poly())))
    bounded = infer(Certificate(compare_of(form).left, tuple(products), equations), *premises)
    return infer(OperatorNormIntro(), bounded)


def symbolic_matrix(form: Poly, groups: tuple[Group, ...]) -> list[list[Poly]]:
    """K_gh as polynomials in the reals of the statement."""
    place = {group.direction: i for i, group in enumerate(groups)}
    size = len(groups)
    cells: dict[tuple[int, int], list[tuple[object, fmpq]]] = {}
    for monomial, value in form.terms.items():
        at = [place[a] for a, e in monomial if isinstance(a, DirectionNorm) for _ in range(e)]
        rest = tuple(pair for pair in monomial if pair[0] not in place)
        cells.setdefault((min(at), max(at)), []).append((rest, value))
    matrix = [[number(0)] * size for _ in range(size)]
    for (i, k), terms in cells.items():
        poly = Poly(terms)  # type: ignore[arg-type]
        matrix[i][k] = matrix[k][i] = poly if i == k else poly * fmpq(1, 2)
    return matrix
