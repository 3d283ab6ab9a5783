"""Rules of norms: triangle inequality, products, groups of blocks, entrywise functions."""

from __future__ import annotations

import pytest
from builders import (
    EQ,
    LE,
    ONE,
    PHI,
    PSI,
    TYPED,
    ZERO,
    B,
    C,
    H,
    V,
    W,
    X,
    Y,
    Z,
    assume,
    direction,
    eq,
    few,
    le,
    norm,
    parameter,
    real,
    refuses,
    scales,
    seeds,
    smooth,
    sup,
)
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st
from meaning import Instance, check

from proofs.kernel.claims import Compare, Equal, SupBound
from proofs.kernel.core import Rule, Theorem, infer
from proofs.kernel.rules import (
    ApplyBound,
    DifferenceBound,
    EntryBound,
    GroupSplit,
    HadamardBound,
    InnerBound,
    MapDistance,
    MeanValue,
    NormSquared,
    SecantBound,
    SubgroupBound,
    SupNormBound,
    Triangle,
    WideBound,
)
from proofs.kernel.rules.entrywise import minus
from proofs.kernel.scalars import DirectionNorm, DistanceNorm, Norm, Root, SupNorm, number, value_of
from proofs.kernel.terms import (
    Apply,
    Entrywise,
    Hadamard,
    Inner,
    Named,
    Role,
    Scale,
    Softmax,
    Sum,
    Term,
    Times,
    Variable,
    Zero,
)

MINUS = fmpq(-1)
UW, UB = direction(W), direction(B)
ANY = le(ZERO, norm(W))
vectors = st.sampled_from(
    [B, C, Y, UB, Z, H, Apply(W, X), Apply(UW, X), Hadamard(B, C), Scale(fmpq(-3, 2), B), Zero((3,)),
     Times(Inner(B, C), Y), Sum((B, Scale(MINUS, C), Y)), Softmax(B), Named("n", Sum((B, C))),
     Entrywise(PHI, 1, Z), Entrywise(PHI, 2, C), Sum((Apply(W, X), Times(Inner(X, X), B)))]
)  # fmt: skip


def rewrites(term: Term, to: Term) -> Theorem:
    return assume(Equal(term, to))


TAKE_NONE: list[Rule] = [
    ApplyBound(Apply(W, X)), HadamardBound(Hadamard(B, C)), EntryBound(Hadamard(B, C)), NormSquared(B),
    GroupSplit(DirectionNorm((B,)), (DirectionNorm((B,)),)), MapDistance(W),
    SubgroupBound(DirectionNorm((B,)), DirectionNorm((B,))),
]  # fmt: skip


@pytest.mark.parametrize("rule", TAKE_NONE, ids=lambda rule: type(rule).__name__)
def test_rules_without_premises_refuse_one(rule: Rule) -> None:
    refuses(rule, ANY, match="expected 0 premises")


# -- Triangle --------------------------------------------------------------------------------


def test_triangle_accepts_a_sum_with_multiples() -> None:
    term = Sum((B, Scale(fmpq(-3), C), Zero((3,)), Times(Inner(B, C), UB)))
    u = DirectionNorm((B,)).poly()
    right = norm(B) + norm(C) * 3 + norm(Inner(B, C)) * u
    assert infer(Triangle(term)).claim is Compare(norm(term), LE, right)
    assert infer(Triangle(Named("t", term))).claim is Compare(norm(Named("t", term)), LE, right)


def test_triangle_accepts_a_rewritten_term() -> None:
    premise = rewrites(Y, Sum((B, C)))
    theorem = infer(Triangle(Y), premise)
    assert theorem.claim is Compare(norm(Y), LE, norm(B) + norm(C))
    assert theorem.hypotheses == {premise.claim}


def test_triangle_refuses_premises_about_another_term() -> None:
    refuses(Triangle(Y), rewrites(B, C), match="rewrites the term")
    refuses(Triangle(Y), rewrites(B, Y), match="rewrites the term")
    refuses(Triangle(Y), ANY, match="rewrites the term")
    refuses(Triangle(Y), rewrites(Y, B), rewrites(Y, B), match="expected 1 premises")


def test_triangle_refuses_what_is_no_term() -> None:
    refuses(Triangle(ONE), match=TYPED)  # type: ignore[arg-type]


@few
@given(st.lists(vectors, min_size=2, max_size=4), seeds, scales)
def test_triangle_holds_numerically(parts: list[Term], seed: int, scale: float) -> None:
    check(infer(Triangle(Named("t", Sum(tuple(parts))))), Instance(seed, scale))
    check(infer(Triangle(Scale(fmpq(-2, 7), parts[0]))), Instance(seed, scale))
    maps = Sum((W, Scale(fmpq(-2), W.as_role(Role.REFERENCE)), UW))
    check(infer(Triangle(maps)), Instance(seed, scale))


# -- products --------------------------------------------------------------------------------


def test_apply_bound_accepts_maps_and_direction_blocks() -> None:
    assert infer(ApplyBound(Apply(W, X))).claim is Compare(norm(Apply(W, X)), LE, norm(W) * norm(X))
    free = infer(ApplyBound(Apply(UW, X))).claim
    assert free is Compare(norm(Apply(UW, X)), LE, DirectionNorm((W,)).poly() * norm(X))


def test_apply_bound_refuses_other_terms() -> None:
    refuses(ApplyBound(Hadamard(B, C)), match=f"linear map applied|{TYPED}")  # type: ignore[arg-type]
    refuses(ApplyBound(Named("a", Apply(W, X))), match=f"linear map applied|{TYPED}")  # type: ignore[arg-type]


@few
@given(
    st.sampled_from([V, direction(V), Sum((V, direction(V))), Named("m", Scale(MINUS, V))]),
    vectors,
    seeds,
    scales,
)
def test_apply_bound_holds_numerically(linear: Term, vector: Term, seed: int, scale: float) -> None:
    check(infer(ApplyBound(Apply(linear, vector))), Instance(seed, scale))


def test_hadamard_bound_accepts_a_product() -> None:
    term = Hadamard(B, Scale(fmpq(-2), UB))
    assert infer(HadamardBound(term)).claim is Compare(
        norm(term), LE, norm(B) * DirectionNorm((B,)).poly() * 2
    )


def test_hadamard_bound_refuses_other_terms() -> None:
    refuses(HadamardBound(Sum((B, C))), match=f"entrywise product|{TYPED}")  # type: ignore[arg-type]


@few
@given(vectors, vectors, seeds, scales)
def test_hadamard_bound_holds_numerically(left: Term, right: Term, seed: int, scale: float) -> None:
    check(infer(HadamardBound(Hadamard(left, right))), Instance(seed, scale))


def test_entry_bound_accepts_a_product() -> None:
    term = Hadamard(B, C)
    assert infer(EntryBound(term)).claim is Compare(norm(term), LE, SupNorm(B).poly() * norm(C))


def test_entry_bound_refuses_other_terms() -> None:
    refuses(EntryBound(Apply(W, X)), match=f"entrywise product|{TYPED}")  # type: ignore[arg-type]


@few
@given(vectors, vectors, seeds, scales)
def test_entry_bound_holds_numerically(left: Term, right: Term, seed: int, scale: float) -> None:
    check(infer(EntryBound(Hadamard(left, right))), Instance(seed, scale))


def test_inner_bound_accepts_inner_products_and_what_equals_them() -> None:
    t = Named("t", Inner(B, Scale(MINUS, C)))
    assert infer(InnerBound(t)).claim is Compare(norm(t), LE, norm(B) * norm(C))
    s = Variable("s", (), Role.SAMPLE)
    assert infer(InnerBound(s), rewrites(s, Inner(B, C))).claim is Compare(norm(s), LE, norm(B) * norm(C))


def test_inner_bound_refuses_other_terms() -> None:
    refuses(InnerBound(B), match="an inner product")
    refuses(InnerBound(Scale(fmpq(2), Inner(B, C))), match="an inner product")
    s = Variable("s", (), Role.SAMPLE)
    refuses(InnerBound(Inner(B, C)), rewrites(s, Inner(B, C)), match="rewrites the term")


@few
@given(vectors, vectors, seeds, scales)
def test_inner_bound_holds_numerically(left: Term, right: Term, seed: int, scale: float) -> None:
    check(infer(InnerBound(Inner(left, right))), Instance(seed, scale))


def test_norm_squared_accepts_and_expands_a_sum() -> None:
    term = Sum((B, Scale(fmpq(-2), C)))
    cross = value_of(Inner(B, C))
    assert infer(NormSquared(term)).claim is Compare(
        norm(term) ** 2, EQ, norm(B) ** 2 - cross * 4 + norm(C) ** 2 * 4
    )
    assert value_of(Inner(B, C)) == value_of(Inner(C, B))


def test_norm_squared_refuses_maps_and_scalars() -> None:
    refuses(NormSquared(W), match="two vectors")
    refuses(NormSquared(Inner(B, C)), match="two vectors")


@few
@given(st.lists(vectors, min_size=2, max_size=3), seeds, scales)
def test_norm_squared_holds_numerically(parts: list[Term], seed: int, scale: float) -> None:
    check(infer(NormSquared(Sum(tuple(parts)))), Instance(seed, scale))
    check(infer(NormSquared(Times(Inner(B, C), parts[0]))), Instance(seed, scale))


# -- groups ----------------------------------------------------------------------------------

PQ = (parameter("p", 2), parameter("q", 2, 3))
GROUPS = (DirectionNorm, DistanceNorm)


@pytest.mark.parametrize("kind", GROUPS)
def test_group_split_accepts_disjoint_groups(kind: type[DirectionNorm]) -> None:
    whole, parts = kind((W, *PQ)), (kind((W,)), kind(PQ))
    squares = parts[0].poly() ** 2 + parts[1].poly() ** 2
    assert infer(GroupSplit(whole, parts)).claim is Compare(Root(squares).poly(), EQ, whole.poly())


def test_group_split_refuses_other_groups() -> None:
    whole = DirectionNorm((W, *PQ))
    for parts in ((DirectionNorm((W,)),), (), (DirectionNorm((W, *PQ)), DirectionNorm((W,))),
                  (DirectionNorm((W,)), DirectionNorm(PQ), DirectionNorm((B,)))):  # fmt: skip
        refuses(GroupSplit(whole, parts), match="disjoint groups")
    refuses(GroupSplit(whole, (DirectionNorm((W,)), DistanceNorm(PQ))), match=f"one kind|{TYPED}")  # type: ignore[arg-type]
    refuses(GroupSplit(Norm(B), (DirectionNorm((B,)),)), match=f"one kind|{TYPED}")  # type: ignore[arg-type]
    same_name = DirectionNorm((parameter("W", 3, 3),))
    refuses(GroupSplit(DirectionNorm((W,)), (same_name,)), match="disjoint groups")


@few
@given(st.sampled_from(GROUPS), seeds, scales)
def test_group_split_holds_numerically(kind: type[DirectionNorm], seed: int, scale: float) -> None:
    check(infer(GroupSplit(kind((W, *PQ)), (kind((PQ[0],)), kind((W, PQ[1]))))), Instance(seed, scale))


def test_subgroup_bound_accepts_a_subset() -> None:
    part, whole = DirectionNorm((B,)), DirectionNorm((W, B))
    assert infer(SubgroupBound(part, whole)).claim is Compare(part.poly(), LE, whole.poly())


def test_subgroup_bound_refuses_other_groups() -> None:
    refuses(SubgroupBound(DirectionNorm((W, B)), DirectionNorm((B,))), match="inside the second")
    refuses(
        SubgroupBound(DirectionNorm((parameter("b", 4),)), DirectionNorm((B,))), match="inside the second"
    )
    refuses(SubgroupBound(DistanceNorm((B,)), DirectionNorm((W, B))), match=f"one kind|{TYPED}")
    refuses(SubgroupBound(Norm(B), Norm(B)), match=f"one kind|{TYPED}")  # type: ignore[arg-type]


@few
@given(st.sampled_from(GROUPS), seeds, scales)
def test_subgroup_bound_holds_numerically(kind: type[DirectionNorm], seed: int, scale: float) -> None:
    check(infer(SubgroupBound(kind((W,)), kind((W, *PQ)))), Instance(seed, scale))


def test_map_distance_accepts_parameters() -> None:
    claim = infer(MapDistance(W)).claim
    assert claim is Compare(norm(minus(W, W.as_role(Role.REFERENCE))), LE, DistanceNorm((W,)).poly())


@pytest.mark.parametrize("variable", [X, UW, W.as_role(Role.REFERENCE)])
def test_map_distance_refuses_other_blocks(variable: Variable) -> None:
    refuses(MapDistance(variable), match="parameters as members")


@few
@given(st.sampled_from([W, B, V]), seeds, scales)
def test_map_distance_holds_numerically(variable: Variable, seed: int, scale: float) -> None:
    check(infer(MapDistance(variable)), Instance(seed, scale))


# -- entrywise functions ---------------------------------------------------------------------

R, K = real("R"), real("k")
WITHIN = le(norm(Z), R)
PHI_Z = Entrywise(PHI, 0, Z)


def test_mean_value_accepts_a_bound_of_the_slope() -> None:
    theorem = infer(MeanValue(), sup(PHI, 1, R, K))
    assert theorem.claim is SupBound(PHI, -1, R, K)


@pytest.mark.parametrize("premise", [sup(PHI, 0, None, K), sup(PHI, 2, None, K), sup(PHI, -1, None, K), ANY])
def test_mean_value_refuses_other_premises(premise: Theorem) -> None:
    refuses(MeanValue(), premise, match="expected a premise on sup")


def test_mean_value_refuses_no_premise() -> None:
    refuses(MeanValue(), match="expected 1 premises")


@few
@given(st.sampled_from([PHI, PSI]), st.floats(0, 4), seeds)
def test_mean_value_holds_numerically(function: object, radius: float, seed: int) -> None:
    check(infer(MeanValue(), sup(function, 1, R, K)), Instance(seed, reals={"R": radius, "k": 1.0}))


def test_sup_norm_bound_accepts_bounds_everywhere_and_within() -> None:
    slope = Entrywise(PHI, 1, Z)
    assert infer(SupNormBound(slope), sup(PHI, 1, None, K)).claim is Compare(SupNorm(slope).poly(), LE, K)
    assert infer(SupNormBound(slope), sup(PHI, 1, R, K), WITHIN).claim is Compare(
        SupNorm(slope).poly(), LE, K
    )


SLOPE = SupNormBound(Entrywise(PHI, 1, Z))
WIDE, SECANT = WideBound(H), SecantBound(H)
AT_ZERO, RISE = sup(PHI, 0, ZERO, real("c")), sup(PHI, -1, None, K)


@pytest.mark.parametrize(
    ("rule", "premises", "match"),
    [
        (SLOPE, (sup(PHI, 2, None, K),), "premise on sup"),
        (SLOPE, (ANY,), "premise on sup"),
        (SLOPE, (), "does not apply"),
        (SLOPE, (sup(PSI, 1, None, K),), "the function of the term"),
        (SLOPE, (sup(PHI, 1, R, K),), "expected 1 premises"),
        (SLOPE, (sup(PHI, 1, None, K), WITHIN), "expected 0 premises"),
        (SLOPE, (sup(PHI, 1, R, K), le(norm(X), R)), "norm of the argument"),
        (SLOPE, (sup(PHI, 1, R, K), le(norm(Z), R + 1)), "norm of the argument"),
        (SLOPE, (sup(PHI, 1, R, K), sup(PHI, 1, R, K)), "compares two scalars"),
        (SupNormBound(H), (sup(PHI, 0, None, K),), TYPED),
        (SupNormBound(Hadamard(B, C)), (sup(PHI, 0, None, K),), TYPED),
        (WIDE, (sup(PHI, 1, None, K),), "premise on sup"),
        (WIDE, (sup(PSI, 0, None, K),), "the function of the term"),
        (WIDE, (sup(PHI, 0, R, K),), "expected 1 premises"),
        (WIDE, (sup(PHI, 0, R, K), le(norm(H), R)), "norm of the argument"),
        (WideBound(Entrywise(PHI, 1, Z)), (sup(PHI, 0, None, K),), r"premise on sup"),
        (WideBound(Z), (sup(PHI, 0, None, K),), r"sigma\^\(k\) applied"),
        (SECANT, (RISE, RISE), "premise on sup"),
        (SECANT, (AT_ZERO, sup(PHI, 1, None, K)), "premise on sup"),
        (SECANT, (sup(PSI, 0, ZERO, K), RISE), "premises on the function"),
        (SECANT, (AT_ZERO, sup(PSI, -1, None, K)), "premises on the function"),
        (SECANT, (sup(PHI, 0, R, K), RISE), "bound of"),
        (SECANT, (sup(PHI, 0, ONE, K), RISE), "bound of"),
        (SECANT, (AT_ZERO, sup(PHI, -1, R, K)), "expected 1 premises"),
        (SECANT, (AT_ZERO, sup(PHI, -1, R, K), le(norm(B), R)), "norm of the argument"),
        (SecantBound(Entrywise(PHI, 2, Z)), (AT_ZERO, RISE), r"sigma\^\(0\) applied"),
    ],
)  # fmt: skip
def test_sup_norm_bound_refuses_and_so_do_wide_and_secant(
    rule: Rule, premises: tuple[Theorem, ...], match: str
) -> None:
    refuses(rule, *premises, match=match)


SYMBOLIC = Variable("v", ("n",), Role.SAMPLE)


def test_wide_bound_refuses_a_symbolic_dimension() -> None:
    refuses(WideBound(Entrywise(PHI, 0, SYMBOLIC)), sup(PHI, 0, None, K), match="dimension is a number")


def test_secant_bound_refuses_a_symbolic_dimension_unless_nothing_depends_on_it() -> None:
    node = SecantBound(Entrywise(PHI, 0, SYMBOLIC))
    refuses(node, AT_ZERO, RISE, match="dimension is a number")
    assert infer(node, sup(PHI, 0, ZERO, ZERO), RISE).claim is Compare(
        norm(node.term), LE, K * norm(SYMBOLIC)
    )


@few
@given(st.integers(0, 2), seeds, scales)
def test_sup_norm_bound_holds_numerically(order: int, seed: int, scale: float) -> None:
    instance = Instance(seed, scale, reals={"k": 1.0})
    instance.reals["R"] = instance.scalar(norm(Z))
    premise = sup(PHI, order, R, K)
    check(infer(SupNormBound(Entrywise(PHI, order, Z)), premise, WITHIN), instance)


def test_secant_bound_accepts_bounds_at_zero_and_of_the_rise() -> None:
    claim = infer(SECANT, AT_ZERO, RISE).claim
    assert claim is Compare(norm(H), LE, Root(number(3)).poly() * real("c") + K * norm(Z))
    assert infer(SECANT, sup(PHI, 0, None, real("c")), sup(PHI, -1, R, K), WITHIN).claim is claim


@few
@given(seeds, scales)
def test_secant_bound_holds_numerically(seed: int, scale: float) -> None:
    instance = Instance(seed, scale, functions={"phi": "softplus"}, reals={"k": 1.0, "c": 0.6931471805599454})
    instance.reals["R"] = instance.scalar(norm(Z))
    check(infer(SECANT, AT_ZERO, sup(PHI, -1, R, K), WITHIN), instance)


def test_wide_bound_accepts_a_bound_of_the_function() -> None:
    assert infer(WIDE, sup(PHI, 0, None, K)).claim is Compare(norm(H), LE, Root(number(3)).poly() * K)


@few
@given(seeds, scales)
def test_wide_bound_holds_numerically(seed: int, scale: float) -> None:
    instance = Instance(seed, scale, reals={"k": 1.0})
    check(infer(WIDE, sup(PHI, 0, None, K)), instance)


def test_wide_bound_refuses_covered_above() -> None:
    refuses(WIDE, match="does not apply")


def test_secant_bound_refuses_one_premise() -> None:
    refuses(SECANT, AT_ZERO, match="does not apply")


OTHER = Named("h0", Entrywise(PHI, 0, C))


def test_difference_bound_accepts_a_slope_everywhere() -> None:
    claim = infer(DifferenceBound(H, OTHER), sup(PHI, 1, None, K)).claim
    assert claim is Compare(norm(minus(H, OTHER)), LE, K * norm(minus(Z, C)))


@pytest.mark.parametrize(
    ("left", "right", "premise", "match"),
    [
        (H, OTHER, sup(PHI, 1, R, K), "everywhere"),
        (H, OTHER, sup(PSI, 1, None, K), "one function"),
        (H, Entrywise(PSI, 0, C), sup(PHI, 1, None, K), "one function"),
        (H, OTHER, sup(PHI, -1, None, K), "premise on sup"),
        (H, Entrywise(PHI, 1, C), sup(PHI, 1, None, K), r"sigma\^\(0\) applied"),
        (Z, OTHER, sup(PHI, 1, None, K), r"sigma\^\(0\) applied"),
        (H, Entrywise(PHI, 0, X), sup(PHI, 1, None, K), "one space"),
    ],
)
def test_difference_bound_refuses(left: Term, right: Term, premise: Theorem, match: str) -> None:
    refuses(DifferenceBound(left, right), premise, match=match)


def test_difference_bound_refuses_no_premise() -> None:
    refuses(DifferenceBound(H, OTHER), match="expected 1 premises")


@few
@given(seeds, scales)
def test_difference_bound_holds_numerically(seed: int, scale: float) -> None:
    check(infer(DifferenceBound(H, OTHER), sup(PHI, 1, None, K)), Instance(seed, scale, reals={"k": 1.0}))


def test_equations_serve_as_bounds_of_the_argument() -> None:
    assert infer(SLOPE, sup(PHI, 1, R, K), eq(norm(Z), R)).hypotheses == {
        sup(PHI, 1, R, K).claim, eq(norm(Z), R).claim,
    }  # fmt: skip
    assert smooth(Z)
