"""Rules of differentiation, and of rewriting linear expressions."""

from __future__ import annotations

import pytest
from builders import (
    LE,
    LOSS,
    ONE,
    PHI,
    PSI,
    TYPED,
    B,
    C,
    H,
    Q,
    V,
    W,
    X,
    Y,
    Z,
    assume,
    direction,
    few,
    le,
    norm,
    parameter,
    refuses,
    scales,
    seeds,
    smooth,
)
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st
from meaning import Instance, check

from proofs.kernel.claims import Equal, Smooth
from proofs.kernel.core import Theorem, infer
from proofs.kernel.rules import Differentiate, LinearIdentity, SmoothByParts
from proofs.kernel.terms import (
    Apply,
    Deriv,
    Entrywise,
    Hadamard,
    Inner,
    LogSumExp,
    Mean,
    Named,
    Role,
    Scale,
    Softmax,
    Sum,
    Term,
    Times,
    Variable,
)
from proofs.kernel.univariate import argument, call, piecewise
from proofs.network import activation

MINUS = fmpq(-1)
CE = Named("ce", Sum((LogSumExp(Q), Scale(MINUS, Inner(Y, Q)))))
ROWS = Named("m", Apply(W, X))
PRODUCT = Named("n", Hadamard(Named("z1", Sum((Apply(V, Y), B))), Scale(fmpq(3), H)))
MAPS = Named("o", Apply(Sum((V, Scale(fmpq(-2), V.as_role(Role.REFERENCE)))), H))
PROB = Named("prob", Softmax(Q))
NODES: list[tuple[Named, tuple[Named, ...]]] = [
    (ROWS, ()), (Z, ()), (H, (Z,)), (Q, (H,)), (LOSS, (Q,)), (CE, (Q,)), (MAPS, (H,)), (PROB, (Q,)),
    (PRODUCT, (PRODUCT.body.left, H)),  # type: ignore[attr-defined]
    (Named("s", Inner(Z, H)), (Z, H)), (Named("k", Entrywise(PSI, 0, Z)), (Z,)),
]  # fmt: skip
POLE = piecewise("pole", {}, [], [call("inverse", argument())])


def premises(node: Named, parts: tuple[Named, ...], order: int = 2) -> list[Theorem]:
    return [smooth(node, order), *(smooth(part, order) for part in parts)]


def test_differentiate_accepts_a_dense_node() -> None:
    claim = infer(Differentiate(Q, 1), *premises(Q, (H,))).claim
    u = direction(V)
    right = Sum((Apply(u, H), Apply(V, Deriv(H, 1)), direction(C)))
    assert claim is Equal(Deriv(Q, 1), right)
    second = infer(Differentiate(Q, 2), *premises(Q, (H,))).claim
    assert second is Equal(Deriv(Q, 2), Sum((Scale(fmpq(2), Apply(u, Deriv(H, 1))), Apply(V, Deriv(H, 2)))))


def test_differentiate_accepts_first_order_smoothness_for_the_first_derivative() -> None:
    assert infer(Differentiate(H, 1), *premises(H, (Z,), 1)).hypotheses == {Smooth(H, 1), Smooth(Z, 1)}


@pytest.mark.parametrize(
    ("node", "order", "given_premises", "match"),
    [
        (H, 3, premises(H, (Z,)), "order 1 or 2"),
        (H, 0, premises(H, (Z,)), "order 1 or 2"),
        (Entrywise(PHI, 0, Z), 1, premises(H, (Z,)), TYPED),
        (H, 1, [smooth(H)], "the term and its parts"),
        (H, 1, [smooth(Z)], "the term and its parts"),
        (H, 1, [], "the term and its parts"),
        (H, 1, [*premises(H, (Z,)), smooth(Q)], "the term and its parts"),
        (H, 1, [*premises(H, (Z,)), smooth(Z)], "the term and its parts"),
        (H, 2, premises(H, (Z,), 1), "2 times differentiable"),
        (H, 1, [smooth(H), le(norm(W), ONE)], "1 times differentiable"),
        (Named("t", Entrywise(PHI, 0, Apply(W, X))), 1, [], "abbreviations of their own"),
        (Named("t", Sum((H.body, B))), 1, [], "abbreviations of their own"),
        (Named("t", Entrywise(PHI, 1, Z)), 1, [], "abbreviations of their own"),
        (Named("t", Entrywise(POLE, 0, Z)), 1, None, "analytic"),
        (Named("t", Times(Inner(B, C), B)), 1, None, "no rule differentiates Times"),
        (Named("t", Mean((X,), Inner(Z, Z))), 1, None, "no rule differentiates Mean"),
        (Named("t", Deriv(Z, 1)), 1, None, "no rule differentiates Deriv"),
    ],
)  # fmt: skip
def test_differentiate_refuses(
    node: Term, order: int, given_premises: list[Theorem] | None, match: str
) -> None:
    if given_premises is None:
        given_premises = [smooth(node), smooth(Z)] if "pole" in repr(node) else [smooth(node)]
    refuses(Differentiate(node, order), *given_premises, match=match)  # type: ignore[arg-type]


def test_differentiate_accepts_a_function_that_jumps() -> None:
    node = Named("t", Entrywise(activation("sign"), 0, Z))
    claim = infer(Differentiate(node, 1), smooth(node), smooth(Z)).claim
    assert claim == Equal(Deriv(node, 1), Hadamard(Entrywise(activation("sign"), 1, Z), Deriv(Z, 1)))


def test_differentiate_refuses_a_second_derivative_of_softmax() -> None:
    refuses(Differentiate(PROB, 2), *premises(PROB, (Q,)), match="no rule differentiates Times")


@few
@given(st.sampled_from(NODES), st.sampled_from([1, 2]), seeds, scales)
def test_differentiate_holds_numerically(
    entry: tuple[Named, tuple[Named, ...]], order: int, seed: int, scale: float
) -> None:
    node, parts = entry
    if isinstance(node.body, Softmax):
        order = 1
    functions = {"phi": "gelu", "psi": "selu"}
    check(
        infer(Differentiate(node, order), *premises(node, parts)), Instance(seed, scale, functions=functions)
    )


def test_smooth_by_parts_accepts_analytic_parts() -> None:
    theorem = infer(SmoothByParts(H, 2), smooth(Z))
    assert theorem.claim is Smooth(H, 2)
    assert infer(SmoothByParts(Z, 2)).claim is Smooth(Z, 2)
    sigmoid = Named("g", Entrywise(activation("sigmoid"), 0, Z))
    assert infer(SmoothByParts(sigmoid, 1), smooth(Z)).claim is Smooth(sigmoid, 1)


@pytest.mark.parametrize(
    ("node", "order", "given_premises", "match"),
    [
        (Named("r", Entrywise(activation("relu"), 0, Z)), 2, [smooth(Z)], "without kinks"),
        (Named("r", Entrywise(PSI, 0, Z)), 1, [smooth(Z)], "without kinks"),
        (Named("r", Sum((Entrywise(PSI, 0, Z), B))), 1, [smooth(Z)], "without kinks"),
        (H, 2, [], "parts are smooth"),
        (H, 2, [smooth(H)], "parts are smooth"),
        (H, 2, [smooth(Z), smooth(Z)], "parts are smooth"),
        (H, 2, [smooth(Z), smooth(Q)], "parts are smooth"),
        (H, 2, [smooth(Z, 1)], "2 times differentiable"),
        (H, 3, [], "parts are smooth"),
        (Z, 3, [], "from 1 to 2"),
        (Named("t", Mean((X,), Inner(Z, Z))), 1, [smooth(Z)], "no rule differentiates Mean"),
        (Named("t", Deriv(Z, 1)), 1, [smooth(Z)], "no rule differentiates Deriv"),
        (B, 1, [], TYPED),
    ],
)
def test_smooth_by_parts_refuses(node: Named, order: int, given_premises: list[Theorem], match: str) -> None:
    refuses(SmoothByParts(node, order), *given_premises, match=match)


@few
@given(st.sampled_from(NODES[:8]), seeds)
def test_smooth_by_parts_holds_numerically(entry: tuple[Named, tuple[Named, ...]], seed: int) -> None:
    # Differentiability is seen as agreement of the difference quotient with the jet.
    node, parts = entry
    theorem = infer(SmoothByParts(node, 2), *(smooth(part) for part in parts))
    instance = Instance(seed)
    check(theorem, instance)
    value, first, second = instance.jet(node, moving=True)
    step = 1e-4
    moved = Instance(seed, values=dict(instance.values), data=instance.data)
    for variable in [v for v in moved.values if v.role is Role.PARAMETER]:
        moved.values[variable] = moved.values[variable] + step * moved.values[direction(variable)]
    predicted = value + step * first + step**2 * second
    assert abs(moved.value(node) - predicted).max() <= 1e-8 * (1 + abs(value).max()) ** 2 * 50


A1, A2 = Variable("a", (3,), Role.SAMPLE), parameter("d", 3)


def test_linear_identity_accepts_expansions() -> None:
    left = Apply(V, Sum((B, Scale(fmpq(2), C))))
    right = Sum((Scale(fmpq(2), Apply(V, C)), Apply(V, B)))
    assert infer(LinearIdentity(left, right)).claim is Equal(left, right)
    swapped = Inner(Sum((B, C)), A1), Sum((Inner(A1, C), Inner(A1, B)))
    assert infer(LinearIdentity(*swapped)).claim is Equal(*swapped)
    premise = assume(Equal(A1, left))
    assert infer(LinearIdentity(left, right), premise).claim is Equal(A1, right)
    opened = LinearIdentity(Sum((Z, Scale(MINUS, B))), Apply(W, X), (Z,))
    assert infer(opened).claim is Equal(opened.left, opened.right)


@pytest.mark.parametrize(
    ("left", "right", "unfold"),
    [
        (Sum((B, C)), Sum((B, Scale(fmpq(2), C))), ()),
        (Hadamard(Sum((B, C)), B), Sum((Hadamard(B, B), Hadamard(C, B))), ()),
        (Z, Sum((Apply(W, X), B)), ()),
        (Sum((Apply(W, X), B)), Z, (Z,)),
        (H, Sum((B, C)), (H,)),
        (Deriv(Z, 1), Sum((Deriv(ROWS, 1), direction(B))), ()),
        (Entrywise(PHI, 0, Sum((B, C))), Sum((Entrywise(PHI, 0, B), Entrywise(PHI, 0, C))), ()),
        (Apply(V, B), Apply(V, C), ()),
        (Inner(B, B), Inner(B, C), ()),
    ],
)
def test_linear_identity_refuses_other_terms(left: Term, right: Term, unfold: tuple[Named, ...]) -> None:
    refuses(LinearIdentity(left, right, unfold), match="one linear combination")


def test_linear_identity_refuses_other_premises() -> None:
    rule = LinearIdentity(Sum((B, C)), Sum((C, B)))
    for premise in (assume(Equal(A1, Sum((C, B)))), assume(Equal(Sum((B, C)), A1)), le(norm(B), ONE)):
        refuses(rule, premise, match="right side is the left side")
    good = assume(Equal(A1, Sum((B, C))))
    refuses(rule, good, good, match="expected 1 premises")


def test_linear_identity_refuses_terms_of_two_spaces() -> None:
    empty, other = Sum((B, Scale(MINUS, B))), Sum((X, Scale(MINUS, X)))
    refuses(LinearIdentity(empty, other), match="one space")


leaves = st.sampled_from([B, C, A1, Z, H, Apply(W, X)])


@st.composite
def combinations(draw: st.DrawFn) -> list[tuple[fmpq, Term]]:
    """Linear combinations of vectors; shrink to few of them."""
    return [(fmpq(draw(st.integers(-3, 3)), 2), draw(leaves)) for _ in range(draw(st.integers(2, 4)))]


@few
@given(combinations(), seeds, scales)
def test_linear_identity_holds_numerically(parts: list[tuple[fmpq, Term]], seed: int, scale: float) -> None:
    left = Apply(V, Sum(tuple(Scale(factor, leaf) for factor, leaf in parts)))
    right = Sum(tuple(Scale(factor, Apply(V, leaf)) for factor, leaf in reversed(parts)))
    check(infer(LinearIdentity(left, right)), Instance(seed, scale))
    inner = Inner(Sum(tuple(Scale(factor, leaf) for factor, leaf in parts)), A1)
    spread = Sum(tuple(Scale(factor, Inner(A1, leaf)) for factor, leaf in parts))
    check(infer(LinearIdentity(inner, spread)), Instance(seed, scale))
    assert LE.value == "<="
