"""JET-1 and BND-1 in symbols, for the smallest network that shows them: two dense layers.

The linear form j_1 ||u_1|| + j_2 ||u_2|| and the quadratic form sum_gh K_gh ||u_g|| ||u_h|| come from
the rows of JET; their coefficients get the names j_g and K_gh.  Then, for f or the mean loss,
    ||D f|| <= root(j_1^2 + j_2^2),
    ||D^2 f|| <= lambda whenever K v <= lambda v for a vector v = (1, nu) with nu > 0.
`bounds` does the same with numbers for any network.
"""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq

from proofs.kernel.claims import Compare, Relation, SupBound
from proofs.kernel.core import Theorem, infer
from proofs.kernel.monotone import dependency_order
from proofs.kernel.rules import (
    Cauchy,
    Certificate,
    Definition,
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
from proofs.kernel.scalars import Atom, Let, Norm, Poly, Real, Root, number
from proofs.kernel.terms import Entrywise, Named, Term, Variable
from proofs.kernel.univariate import Function, Unspecified
from proofs.network import Loss

from .finish import whole_direction
from .jet import Group, Jet, activation_row, dense_row, group_of, input_jet
from .losses import sample_loss
from .tactics import assume, assume_at_most, compare_of, used_bounds
from .values import dense_value

__all__ = ["TwoLayers", "jet_one", "two_layer_bounds", "two_layers"]

PHI: Function = Unspecified("phi")
ONE = number(1)


@dataclass(frozen=True, slots=True)
class TwoLayers:
    """Z_2 = W_2 h_1 + b_2, h_1 = phi(z_1), z_1 = W_1 x + b_1 with the jets of the nodes."""

    jets: tuple[Jet, ...]
    groups: tuple[Group, Group]

    @property
    def sample(self) -> Variable:
        (found,) = (v for v in self.jets[0].node.free)
        return found

    @property
    def hidden(self) -> Jet:
        return self.jets[2]

    @property
    def output(self) -> Jet:
        return self.jets[-1]


def two_layers(widths: tuple[int | str, int | str, int | str], *, bias: bool = True) -> TwoLayers:
    """The network for a continuous, piecewise analytic phi with kinks allowed."""
    first, second = (group_of(i, widths[i], widths[i - 1], bias=bias) for i in (1, 2))
    jets = [input_jet(widths[0])]
    jets.append(dense_row(jets[-1], first))
    jets.append(activation_row(jets[-1], PHI, "h1"))
    jets.append(dense_row(jets[-1], second))
    return TwoLayers(tuple(jets), (first, second))


def jet_one(*, bias: bool = False) -> dict[str, Theorem]:
    """JET-1 for f = W_2 phi(W_1 x): no bound of a norm is needed, they stay symbols."""
    network = two_layers(("n0", "n1", "n2"), bias=bias)
    first, second = (
        infer(Monotone(None, unfold=True), _some(t)) for t in (network.output.first, network.output.second)
    )
    return {
        "first": _gradient(first, network.groups),
        "second": _hessian(second, network.groups, ()),
    }


def two_layer_bounds() -> dict[str, Theorem]:
    """BND-1 for widths 3, 5, 2, biases and cross-entropy, with the bounds of the box as symbols."""
    network = two_layers((3, 5, 2))
    loss = sample_loss(Loss.CROSS_ENTROPY, network.output)
    bounds, signs = _box(network)
    samples = (network.sample, loss.target)
    forms: list[Theorem] = []
    for target in (loss.first, loss.second):
        used = used_bounds(target, (*bounds, *loss.constants[0].theorems))
        needed = _needed(target, used)
        about = tuple(sign for sign in signs if compare_of(sign).right.atoms() <= needed)
        form = infer(Monotone(None, unfold=True), target, *used, *about)
        forms.append(infer(MeanBound(samples), form, loss.smooth))
    return {
        "G_max": _gradient(forms[0], network.groups),
        "H_max": _hessian(forms[1], network.groups, signs),
    }


def _box(network: TwoLayers) -> tuple[tuple[Theorem, ...], tuple[Theorem, ...]]:
    """Bounds of all norms in the symbols of the statement, and 0 <= r for these."""
    x, z, h, _ = (jet.node for jet in network.jets)
    if not isinstance(z, Named) or not isinstance(h, Named):
        raise TypeError("expected nodes with names")
    reals = {name: Real(name).poly() for name in ("s1", "c1", "s2", "M", "a", "beta", "gamma")}
    first, second = network.groups
    sizes: list[tuple[Term | None, str]] = [
        (x, "M"), (first.weight, "s1"), (first.bias, "c1"), (second.weight, "s2"),
    ]  # fmt: skip
    given = [assume_at_most(Norm(term), reals[name]) for term, name in sizes if term is not None]
    at_zero = assume(SupBound(PHI, 0, number(0), reals["a"]))
    slope = assume(SupBound(PHI, 1, None, reals["beta"]))
    bend = assume(SupBound(PHI, 2, None, reals["gamma"]))
    derived = (
        dense_value(z),
        infer(SecantBound(h), at_zero, infer(MeanValue(), slope)),
        infer(SupNormBound(Entrywise(PHI, 1, z)), slope),
        infer(SupNormBound(Entrywise(PHI, 2, z)), bend),
    )
    return (*given, *derived), tuple(assume(Compare(number(0), Relation.LE, r)) for r in reals.values())


def _needed(target: Theorem, used: tuple[Theorem, ...]) -> set[Atom]:
    by_atom, _ = bounds_of(tuple(bound.sequent for bound in used))
    return set(dependency_order(compare_of(target).right, by_atom))


def _some(theorem: Theorem | None) -> Theorem:
    if theorem is None:
        raise TypeError("expected a node that depends on parameters")
    return theorem


def _gradient(form: Theorem, groups: tuple[Group, Group]) -> Theorem:
    # sum_g j_g ||u_g|| <= ||j||_2 ||u||.
    sizes = [group.direction.poly() for group in groups]
    lets = [
        Let(f"j{g.layer}", _coefficient(compare_of(form).right, size))
        for g, size in zip(groups, sizes, strict=True)
    ]
    named = _named(form, tuple(zip(lets, sizes, strict=True)))
    cauchy = infer(Cauchy(tuple(let.poly() for let in lets), tuple(sizes)))
    split = infer(GroupSplit(whole_direction(groups), tuple(group.direction for group in groups)))
    products = tuple((fmpq(1), (i,), ONE) for i in range(2))
    norm = Root(sum((let.poly() ** 2 for let in lets), number(0))).poly()
    rule = Certificate(compare_of(form).left, products, ((2, norm),))
    return infer(OperatorNormIntro(), infer(rule, named, cauchy, split))


def _named(form: Theorem, parts: tuple[tuple[Let, Poly], ...]) -> Theorem:
    """X <= sum_i name_i q_i from x <= sum_i body_i q_i."""
    definitions = [infer(Definition(let)) for let, _ in parts]
    equations = tuple((i, -factor) for i, (_, factor) in enumerate(parts, start=1))
    rule = Certificate(compare_of(form).left, ((fmpq(1), (0,), ONE),), equations)
    return infer(rule, form, *definitions)


def _coefficient(form: Poly, factor: Poly) -> Poly:
    """The coefficient of a product of norms ||u_g|| in a form that is homogeneous in them."""
    ((wanted, _),) = factor.terms.items()
    powers = frozenset(wanted)
    return Poly(
        (tuple(pair for pair in monomial if pair not in powers), value)
        for monomial, value in form.terms.items()
        if powers <= frozenset(monomial)
    )


def _nonnegative(let: Let, signs: tuple[Theorem, ...]) -> Theorem:
    """0 <= name, from signs of the reals in its body."""
    used = (sign for sign in signs if compare_of(sign).right.atoms() <= let.body.atoms())
    body = infer(Nonnegative(let.body), *used)
    rule = Certificate(number(0), ((fmpq(1), (0,), ONE),), ((1, number(-1)),))
    return infer(rule, body, infer(Definition(let)))


def _hessian(form: Theorem, groups: tuple[Group, Group], signs: tuple[Theorem, ...]) -> Theorem:
    # With K v <= lambda v, v = (1, nu), rho = 1/nu, x_g = ||u_g||:
    # lambda (x_1^2 + x_2^2) - x^T K x = K_12 nu (x_1 - rho x_2)^2
    #     + (lambda - K_11 - K_12 nu) x_1^2 + rho (lambda nu - K_12 - K_22 nu) x_2^2.
    x, y = (group.direction.poly() for group in groups)
    right = compare_of(form).right
    entries = (
        ("K11", _coefficient(right, x * x), x * x),
        ("K12", _coefficient(right, x * y) * fmpq(1, 2), x * y * 2),
        ("K22", _coefficient(right, y * y), y * y),
    )
    cells = tuple((Let(name, body), factor) for name, body, factor in entries if body.terms)
    named = _named(form, cells)
    by_name = {let.name: let for let, _ in cells}
    k11, k12, k22 = (by_name[n].poly() if n in by_name else number(0) for n, _, _ in entries)
    size, ratio, inverse = Real("lambda").poly(), Real("nu").poly(), Real("rho").poly()
    whole = whole_direction(groups)
    squares = x * x + y * y
    total = Root(squares).poly()
    premises = (
        named,
        _nonnegative(by_name["K12"], signs),
        assume(Compare(number(0), Relation.LE, ratio)),
        assume(Compare(number(0), Relation.LE, inverse)),
        assume(Compare(k11 + k12 * ratio, Relation.LE, size)),
        assume(Compare(k12 + k22 * ratio, Relation.LE, size * ratio)),
        assume(Compare(ratio * inverse, Relation.EQ, ONE)),
        infer(RootSquared(squares)),
        infer(GroupSplit(whole, tuple(group.direction for group in groups))),
    )
    one = fmpq(1)
    products = ((one, (0,), ONE), (one, (1, 2), x - y * inverse), (one, (4,), x), (one, (3, 5), y))
    rest = k12 * x * y * 2 + (k22 - size - k12 * inverse) * y * y
    equations = ((6, -rest), (7, -size), (8, size * (total + whole.poly())))
    bounded = infer(Certificate(compare_of(form).left, products, equations), *premises)
    return infer(OperatorNormIntro(), bounded)
