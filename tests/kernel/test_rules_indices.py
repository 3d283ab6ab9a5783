"""Rules of natural numbers: induction, instances, ranges, powers, sums, norms of families."""

from __future__ import annotations

from fractions import Fraction

import pytest
from builders import EQ, LE, ONE, PHI, ZERO, eq, few, le, norm, real, refuses, scales, seeds, sup
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st
from meaning import Instance, check

from proofs.errors import KernelError
from proofs.kernel.claims import Claim, Compare, ForIndices, ForSamples, OperatorNorm, Smooth
from proofs.kernel.core import Theorem, infer
from proofs.kernel.families import Block, Indexed, Recursive
from proofs.kernel.indices import Index
from proofs.kernel.rules import (
    Assume,
    Certificate,
    Differentiate,
    EntryBound,
    FamilySplit,
    Induction,
    InRange,
    Instantiate,
    MeanValue,
    Monotone,
    Nonnegative,
    OperatorNormIntro,
    PowerStep,
    SmoothByParts,
    Subrange,
    SumStep,
    SupNormBound,
    Triangle,
)
from proofs.kernel.scalars import DirectionNorm, Let, Norm, Poly, Root, number
from proofs.kernel.sequences import FamilyNorm, Natural, PartialSum, Power
from proofs.kernel.substitution import body_of, claim_at, poly_at, term_at
from proofs.kernel.terms import (
    INDEX,
    Apply,
    Deriv,
    Entrywise,
    Hadamard,
    Inner,
    Mean,
    Named,
    Ones,
    Role,
    Sum,
    Variable,
    Zero,
)
from proofs.network import activation
from proofs.theorems.any_depth import INPUT, Constants, block
from proofs.theorems.layered import Layered
from proofs.theorems.tactics import compare_of

N, NEXT, FIRST = Index(0, True), Index(1, True), Index(1, False)
BEFORE = Index(-1, True)
n, q, r, s = Natural().poly(), real("q"), real("r"), real("s")
depths = st.integers(1, 5)


def fixed(value: int) -> Index:
    return Index(value, False)


def assume(claim: Claim) -> Theorem:
    return infer(Assume(claim))


def weights(end: Index) -> ForIndices:
    return ForIndices(end, Compare(norm(block(N)), LE, s))


def network(function: object = PHI) -> Layered:
    slope, bend = sup(function, 1, None, real("beta")), sup(function, 2, None, real("gamma"))
    signs = tuple(le(ZERO, real(name)) for name in ("s", "M", "beta", "gamma"))
    start = sup(function, 0, ZERO, ZERO)
    bounds = (real("beta"), real("gamma"), signs, start, infer(MeanValue(), slope), slope, bend)
    return Layered(function, Constants(s, real("M"), *bounds))  # type: ignore[arg-type]


NET = network()


def at_depth(seed: int, depth: int, scale: float = 1.0) -> Instance:
    """An instance of the hypotheses of the lemmas at n = depth; phi is tanh."""
    instance = Instance(seed, scale, n=depth)
    norms = [instance.atom(Norm(block(fixed(i)))) for i in range(1, depth + 3)]
    instance.reals |= {"s": max(norms), "beta": 1.0, "gamma": 0.7698003589195011}
    instance.reals["M"] = instance.atom(Norm(INPUT))
    return instance


# -- Index -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offset", "is_open"), [(-2, True), (-1, False), (10**7, True), (3.5, True), ("1", True)]
)
def test_an_index_is_a_natural_number(offset, is_open) -> None:
    with pytest.raises(KernelError):
        Index(offset, is_open)


def test_indices_compare_at_every_n_from_one() -> None:
    assert fixed(2).is_at_most(NEXT) and not fixed(3).is_at_most(NEXT)
    assert N.is_at_most(NEXT) and not NEXT.is_at_most(N)
    assert not N.is_at_most(fixed(1000))


@pytest.mark.parametrize("kind", [Ones, Zero])
def test_n_in_the_width_of_a_constant_is_free_and_replaced(kind: type) -> None:
    constant = kind((("d", N),))
    assert INDEX in constant.free
    assert term_at(constant, NEXT) is kind((("d", NEXT),))
    assert term_at(constant, fixed(3)) is kind((("d", fixed(3)),))
    assert not kind((("d", fixed(3)),)).free and not kind((3,)).free


@given(seeds, depths)
@few
def test_the_last_summand_holds_with_n_in_the_width_of_a_constant(seed: int, depth: int) -> None:
    """A width is the place of n that is easiest to miss."""
    theorem = infer(SumStep(n * norm(Ones((("d", N),))), N))
    check(theorem, Instance(seed, n=depth))


# -- Induction -------------------------------------------------------------------------------------


def _power_of_one() -> tuple[Compare, Theorem, Theorem]:
    """q = 1 gives q^n = 1: the claim, its base and its step."""
    claim = Compare(Power(q, N).poly(), EQ, ONE)
    one = eq(q, ONE)
    rule = Certificate(Power(q, NEXT).poly(), (), ((0, ONE), (1, q), (2, ONE)))
    return claim, one, infer(rule, infer(PowerStep(q, N)), assume(claim), one)


def test_induction_accepts_a_base_and_a_step() -> None:
    claim, base, step = _power_of_one()
    theorem = infer(Induction(claim), base, step)
    assert theorem.claim is claim
    assert theorem.hypotheses == {Compare(q, EQ, ONE)}


def test_induction_accepts_a_range_that_grows_with_n() -> None:
    assert weights(N) in NET.value.hypotheses
    assert not any(h.free & {INDEX} for h in NET.value.hypotheses - {weights(N)})


def test_induction_refuses_a_wrong_base() -> None:
    claim, _, step = _power_of_one()
    for wrong in (eq(ONE, q), le(q, ONE), eq(Power(q, N).poly(), ONE), eq(q * q, ONE)):
        refuses(Induction(claim), wrong, step, match="claim at n = 1")


def test_induction_refuses_a_missing_or_wrong_step() -> None:
    claim, base, step = _power_of_one()
    refuses(Induction(claim), base, match="expected 2 premises")
    refuses(Induction(claim), base, base, match="claim at n \\+ 1")
    refuses(Induction(claim), base, assume(claim), match="claim at n \\+ 1")
    refuses(Induction(claim), step, base, match="claim at n = 1")


def test_induction_refuses_a_claim_without_n() -> None:
    refuses(Induction(Compare(q, EQ, ONE)), eq(q, ONE), eq(q, ONE), match="claim about n")


def test_induction_refuses_n_in_another_hypothesis() -> None:
    # The step under n + 1 <= 5 would give n <= 5 at every n.
    bounded = Compare(n, LE, number(5))
    base = infer(Certificate(ONE, ((fmpq(4), (), ONE),), ()))
    refuses(Induction(bounded), base, assume(claim_at(bounded, NEXT)), match="no hypothesis but")
    claim, base, step = _power_of_one()
    tainted = infer(Certificate(Power(q, NEXT).poly(), (), ((0, ONE), (1, ZERO))), step, eq(n, r))
    refuses(Induction(claim), base, tainted, match="no hypothesis but")
    # n in the width of a constant counts as well.
    wide = eq(norm(Ones((("d", N),))), r)
    tainted = infer(Certificate(Power(q, NEXT).poly(), (), ((0, ONE), (1, ZERO))), step, wide)
    refuses(Induction(claim), base, tainted, match="no hypothesis but")


def test_induction_refuses_n_in_a_hypothesis_of_the_base() -> None:
    claim, _, step = _power_of_one()
    rule = Certificate(q, (), ((0, ONE), (1, ONE)))
    base = infer(rule, eq(q, n), eq(n, ONE))
    assert base.claim is claim_at(claim, FIRST)
    refuses(Induction(claim), base, step, match="no hypothesis of the first")


def test_induction_keeps_hypotheses_of_the_base() -> None:
    claim, one, step = _power_of_one()
    rule = Certificate(q, (), ((0, ONE), (1, ZERO)))
    for range_, kept in ((fixed(1), False), (fixed(2), True)):
        member = infer(InRange(FIRST), assume(ForIndices(range_, Compare(n, EQ, r))))
        base = infer(rule, one, member)
        grown = infer(InRange(N), assume(ForIndices(NEXT, Compare(n, EQ, r))))
        joined = infer(Certificate(Power(q, NEXT).poly(), (), ((0, ONE), (1, ZERO))), step, grown)
        found = infer(Induction(claim), base, joined).hypotheses
        assert ForIndices(N, Compare(n, EQ, r)) in found
        assert (ForIndices(range_, Compare(n, EQ, r)) in found) is kept


@few
@given(seeds, depths, scales)
def test_induction_holds_numerically(seed: int, depth: int, scale: float) -> None:
    instance = at_depth(seed, depth, scale)
    for lemma in (NET.value, NET.first, NET.second):
        check(lemma, instance)


# -- Instantiate -----------------------------------------------------------------------------------


def test_instantiate_accepts_numerals_and_later_indices() -> None:
    claim, base, step = _power_of_one()
    theorem = infer(Induction(claim), base, step)
    assert infer(Instantiate(fixed(3)), theorem).claim is Compare(q * q * q, EQ, ONE)
    assert infer(Instantiate(NEXT), theorem).claim is Compare(Power(q, NEXT).poly(), EQ, ONE)


def test_instantiate_replaces_n_in_hypotheses() -> None:
    theorem = infer(Instantiate(fixed(4)), NET.value)
    assert weights(fixed(4)) in theorem.hypotheses
    assert weights(N) not in theorem.hypotheses


def test_instantiate_computes_what_a_numeral_decides() -> None:
    body = n * Power(q, BEFORE).poly()
    poly = PartialSum(body, N).poly() + Root(n).poly() + Root(n + 1).poly()
    found = infer(Instantiate(fixed(4)), eq(poly, n)).claim
    assert found is Compare(ONE + 2 * q + 3 * q**2 + 4 * q**3 + 2 + Root(number(5)).poly(), EQ, number(4))


def test_instantiate_never_enters_a_binder() -> None:
    body = n * q
    inner = PartialSum(body, fixed(3)).poly()
    assert poly_at(inner * n, fixed(2)) == inner * 2
    assert claim_at(weights(fixed(3)), fixed(2)) is weights(fixed(3))
    assert claim_at(weights(NEXT), fixed(2)) is weights(fixed(3))
    z = NET.z(NEXT)
    moved = term_at(z, fixed(2))
    assert isinstance(moved, Recursive) and moved.step is z.step and moved.index is fixed(3)
    assert poly_at(FamilyNorm(block(N), N).poly(), fixed(3)) == FamilyNorm(block(N), fixed(3)).poly()


def test_instantiate_refuses_zero_and_less_than_n() -> None:
    theorem = eq(n, q)
    refuses(Instantiate(fixed(0)), theorem, match="index >= 1")
    refuses(Instantiate(BEFORE), theorem, match="index >= 1")


def test_instantiate_refuses_a_premise_without_n() -> None:
    refuses(Instantiate(fixed(2)), eq(q, r), match="premise about n")
    refuses(Instantiate(fixed(2)), match="expected 1 premises")


def test_instantiate_refuses_abbreviations_without_index() -> None:
    named = Named("loss", Inner(NET.z(N), NET.z(N)))
    refuses(Instantiate(fixed(2)), assume(Smooth(named, 2)), match="one body")
    refuses(Instantiate(fixed(2)), eq(Let("t", n).poly(), q), match="one body")
    refuses(Instantiate(fixed(2)), assume(Smooth(INDEX, 1)), match="recursions alone")


def test_instantiate_refuses_to_bind_a_free_sample() -> None:
    free, bound = (Variable("y", (("d", index),), Role.SAMPLE) for index in (fixed(2), N))
    claim = Compare(norm(free), LE, norm(bound))
    for captured in (ForSamples((bound,), claim), Smooth(Mean((bound,), Inner(free, free)), 1)):
        refuses(Instantiate(fixed(2)), assume(captured), match="free part of a sample")
        infer(Instantiate(fixed(3)), assume(captured))


@few
@given(seeds, depths, st.integers(1, 4))
def test_instantiate_holds_numerically(seed: int, depth: int, place: int) -> None:
    for lemma in (NET.value, NET.first, NET.second):
        check(infer(Instantiate(fixed(place)), lemma), at_depth(seed, place))
        if depth > 1:
            check(infer(Instantiate(NEXT), lemma), at_depth(seed, depth - 1))


# -- ranges ----------------------------------------------------------------------------------------


def test_in_range_accepts_members() -> None:
    assert infer(InRange(fixed(2)), assume(weights(NEXT))).claim is Compare(norm(block(fixed(2))), LE, s)
    assert infer(InRange(NEXT), assume(weights(NEXT))).claim is Compare(norm(block(NEXT)), LE, s)


@pytest.mark.parametrize("index", [fixed(3), Index(2, True)])
def test_in_range_refuses_what_may_lie_outside(index: Index) -> None:
    refuses(InRange(index), assume(weights(NEXT)), match="visibly in the range")


def test_in_range_refuses_an_open_index_below_a_numeral() -> None:
    refuses(InRange(N), assume(weights(fixed(1000))), match="visibly in the range")


def test_in_range_refuses_zero() -> None:
    refuses(InRange(fixed(0)), assume(weights(N)), match="index >= 1")
    refuses(InRange(BEFORE), assume(weights(N)), match="index >= 1")


def test_in_range_refuses_other_claims() -> None:
    refuses(InRange(N), eq(n, q), match="range of indices")


@few
@given(seeds, depths)
def test_in_range_holds_numerically(seed: int, depth: int) -> None:
    check(infer(InRange(NEXT), assume(weights(NEXT))), at_depth(seed, depth))


def test_subrange_accepts_a_smaller_range() -> None:
    assert infer(Subrange(N), assume(weights(NEXT))).claim is weights(N)
    assert infer(Subrange(fixed(2)), assume(weights(NEXT))).claim is weights(fixed(2))


def test_subrange_refuses_a_larger_range() -> None:
    refuses(Subrange(NEXT), assume(weights(N)), match="visibly contains")
    refuses(Subrange(N), assume(weights(fixed(9))), match="visibly contains")
    refuses(Subrange(N), eq(n, q), match="visibly contains")


@few
@given(seeds, depths)
def test_subrange_holds_numerically(seed: int, depth: int) -> None:
    check(infer(Subrange(N), assume(weights(NEXT))), at_depth(seed, depth))


def test_a_range_holds_a_claim_about_n_alone() -> None:
    for claim in (eq(q, r).claim, weights(N), ForSamples((INPUT,), Smooth(NET.h(N), 2))):
        with pytest.raises(KernelError, match="about one index"):
            ForIndices(N, claim)


# -- powers and sums -------------------------------------------------------------------------------


def test_power_step_accepts_every_index() -> None:
    assert infer(PowerStep(q, BEFORE)).claim is Compare(Power(q, N).poly(), EQ, q * Power(q, BEFORE).poly())
    assert infer(PowerStep(q, fixed(0))).claim is Compare(q, EQ, q)
    two = q + r
    assert infer(PowerStep(two, fixed(1))).claim is Compare(Power(two, fixed(2)).poly(), EQ, two * two)


def test_power_step_refuses_premises() -> None:
    refuses(PowerStep(q, N), eq(q, r), match="expected 0 premises")


@few
@given(seeds, depths)
def test_power_step_holds_numerically(seed: int, depth: int) -> None:
    for index in (BEFORE, N, fixed(0), fixed(3)):
        check(infer(PowerStep(q - r, index)), Instance(seed, n=depth))


def test_sum_step_accepts_every_index() -> None:
    body = n * q
    step = infer(SumStep(body, N)).claim
    assert step is Compare(PartialSum(body, NEXT).poly(), EQ, PartialSum(body, N).poly() + (n + 1) * q)
    assert infer(SumStep(body, fixed(1))).claim is Compare(3 * q, EQ, 3 * q)


def test_sum_step_refuses_premises_and_indices_below_one() -> None:
    refuses(SumStep(n, N), eq(q, r), match="expected 0 premises")


@few
@given(seeds, depths)
def test_sum_step_holds_numerically(seed: int, depth: int) -> None:
    for index in (BEFORE, N, fixed(0), fixed(3)):
        check(infer(SumStep(n * Power(q, BEFORE).poly() - r, index)), Instance(seed, n=depth))


def test_a_power_of_a_base_that_may_be_negative_has_no_sign() -> None:
    odd = Power(q, N).poly()
    refuses(Nonnegative(odd), match="visibly >= 0")
    refuses(Nonnegative(Power(-ONE, N).poly()), match="visibly >= 0")
    refuses(Nonnegative(Power(q - r, N).poly()), le(ZERO, q), le(ZERO, r), match="visibly >= 0")
    refuses(Nonnegative(odd), le(ZERO, r), match="0 <= r for reals r that occur")
    infer(Nonnegative(odd**2))
    infer(Nonnegative(odd), le(ZERO, q))
    infer(Nonnegative(Power(q**2, N).poly()))


def test_a_sum_of_what_may_be_negative_has_no_sign() -> None:
    refuses(Nonnegative(PartialSum(n - 3, N).poly()), match="visibly >= 0")
    refuses(Nonnegative(PartialSum(n * q, N).poly()), match="visibly >= 0")
    infer(Nonnegative(PartialSum(n * q, N).poly()), le(ZERO, q))
    refuses(Nonnegative(-n), match="visibly >= 0")
    refuses(Nonnegative(n - 1), match="visibly >= 0")


def test_insertion_looks_at_the_base_of_a_power() -> None:
    target = le(norm(block(N)), Power(q, N).poly() * Norm(block(NEXT)).poly())
    bound = le(norm(block(NEXT)), s)
    refuses(Monotone(), target, bound, le(ZERO, s), match="visibly >= 0")
    theorem = infer(Monotone(), target, bound, le(ZERO, s), le(ZERO, q))
    assert theorem.claim is Compare(norm(block(N)), LE, Power(q, N).poly() * s)


def test_insertion_puts_nothing_into_powers_and_sums() -> None:
    size = norm(block(FIRST))
    target = le(q, Power(size, N).poly() + size)
    assert infer(Monotone(), target, le(size, number(2))).claim is Compare(q, LE, Power(size, N).poly() + 2)
    hidden = le(q, PartialSum(n, N).poly())
    refuses(Monotone(), hidden, le(n, number(2)), match="every bound and every sign")


# -- norms of families -----------------------------------------------------------------------------


def test_family_split_accepts_the_next_block() -> None:
    found = infer(FamilySplit(block(N), N)).claim
    size = DirectionNorm((block(NEXT),)).poly()
    whole, part = FamilyNorm(block(N), NEXT).poly(), FamilyNorm(block(N), N).poly()
    assert found is Compare(whole**2, EQ, part**2 + size**2)
    first = [DirectionNorm((block(fixed(i)),)).poly() for i in (1, 2)]
    whole = FamilyNorm(block(N), fixed(2)).poly()
    assert infer(FamilySplit(block(N), FIRST)).claim is Compare(whole**2, EQ, first[0] ** 2 + first[1] ** 2)


def test_family_split_refuses_a_member_that_is_one_block() -> None:
    refuses(FamilySplit(block(fixed(1)), N), match="W_n of theta")
    refuses(FamilySplit(block(N).as_role(Role.DIRECTION), N), match="W_n of theta")
    refuses(FamilySplit(block(N), N), eq(q, r), match="expected 0 premises")


@few
@given(seeds, depths)
def test_family_split_holds_numerically(seed: int, depth: int) -> None:
    for index in (BEFORE, N, fixed(0), FIRST):
        check(infer(FamilySplit(block(N), index)), Instance(seed, n=depth))


@few
@given(seeds, depths)
def test_operator_norm_intro_holds_for_families(seed: int, depth: int) -> None:
    check(infer(OperatorNormIntro(), NET.first), at_depth(seed, depth))


def test_operator_norm_intro_refuses_another_family() -> None:
    other = Block("V", (("d", N), ("d", BEFORE)), Role.PARAMETER, N)
    # phi' = 0 gives ||D h_n[u]|| <= 0, to which the norm of any blocks may be added.
    flat = Hadamard(Entrywise(PHI, 1, NET.z(N)), Deriv(NET.z(N), 1))
    split = infer(Differentiate(NET.h(N), 1), assume(Smooth(NET.h(N), 2)), assume(Smooth(NET.z(N), 2)))
    slope = infer(SupNormBound(Entrywise(PHI, 1, NET.z(N))), sup(PHI, 1, None, ZERO))
    still = infer(Monotone(), infer(Triangle(Deriv(NET.h(N), 1)), split), infer(EntryBound(flat)), slope)
    left = compare_of(still).left
    assert compare_of(still).right == ZERO

    def with_norm(poly: Poly) -> Theorem:
        rule = Certificate(left, ((fmpq(1), (0,), ONE), (fmpq(1), (1,), ONE)), ())
        return infer(rule, still, infer(Nonnegative(poly)))

    own, later = FamilyNorm(block(N), N).poly(), FamilyNorm(block(N), NEXT).poly()
    assert infer(OperatorNormIntro(), with_norm(own)).claim is OperatorNorm(NET.h(N), 1, ONE)
    assert infer(OperatorNormIntro(), with_norm(later)).claim is OperatorNorm(NET.h(N), 1, ONE)
    refuses(OperatorNormIntro(), with_norm(FamilyNorm(other, N).poly()), match="one family")
    refuses(OperatorNormIntro(), with_norm(own + later), match="one family")
    refuses(OperatorNormIntro(), still, match="one family")


# -- recursions ------------------------------------------------------------------------------------


def test_a_recursion_unfolds_at_one_and_after_n_alone() -> None:
    assert body_of(NET.z(FIRST)) is Apply(block(FIRST), INPUT)
    assert body_of(NET.z(NEXT)) is Apply(block(NEXT), NET.h(N))
    assert body_of(NET.z(fixed(3))) is Apply(block(fixed(3)), NET.h(fixed(2)))
    with pytest.raises(KernelError, match="visibly above 1"):
        body_of(NET.z(N))
    refuses(Differentiate(NET.z(N), 1), assume(Smooth(NET.z(N), 2)), match="visibly above 1")
    refuses(SmoothByParts(NET.z(N), 2), match="visibly above 1")


def test_the_blocks_of_a_recursion_are_among_its_variables() -> None:
    assert NET.z(FIRST).free == {INPUT, block(FIRST)}
    assert {v.name for v in NET.z(fixed(2)).with_role(Role.PARAMETER)} == {"W"}
    assert INDEX in NET.z(N).free and INDEX not in NET.z(fixed(2)).free
    assert NET.z(N).space == (("d", N),) and NET.z(fixed(2)).space == (("d", fixed(2)),)


@pytest.mark.parametrize("kind", ["first with n", "step without the term before", "two terms before",
                                  "wrong space", "step with a direction",
        "step with data of n",
        "wrong next space", "index 0"])  # fmt: skip
def test_a_malformed_recursion_is_refused(kind: str) -> None:
    before = Variable("z", (("d", N),), Role.PREVIOUS)
    second = Variable("w", (("d", N),), Role.PREVIOUS)
    first, step, index = Apply(block(FIRST), INPUT), Apply(block(NEXT), before), N
    match kind:
        case "first with n":
            first = Apply(block(N), Variable("x", (("d", BEFORE),), Role.SAMPLE))
        case "step without the term before":
            step = Apply(block(NEXT), Variable("x", (("d", N),), Role.SAMPLE))
        case "two terms before":
            step = Apply(block(NEXT), Sum((before, second)))
        case "wrong space":
            step = Apply(block(N), Variable("z", (("d", BEFORE),), Role.PREVIOUS))
        case "wrong next space":
            step = Apply(Block("W", (("d", N), ("d", N)), Role.PARAMETER, N), before)
        case "step with data of n":
            step = Sum((step, Variable("x", (("d", NEXT),), Role.SAMPLE)))
        case "step with a direction":
            step = Apply(block(NEXT).as_role(Role.DIRECTION), before)
        case _:
            index = BEFORE
    with pytest.raises(KernelError):
        Recursive("z", first, step, index)


def test_what_hides_variables_is_refused_in_a_step() -> None:
    before = Variable("z", (("d", N),), Role.PREVIOUS)
    with pytest.raises(KernelError, match="in the step of a recursion"):
        Deriv(Apply(block(NEXT), before), 1)
    kinked = activation("relu")
    with pytest.raises(KernelError, match="in the step of a recursion"):
        Entrywise(kinked, 1, Apply(block(NEXT), before))
    Entrywise(kinked, 0, Apply(block(NEXT), before))
    with pytest.raises(KernelError, match="no mean"):
        Mean((INPUT,), Inner(before, before))
    with pytest.raises(KernelError, match="block of theta"):
        Block("x", (("d", N),), Role.SAMPLE, N)


def test_members_of_families_are_different_variables() -> None:
    shape = (3, 2)
    one, two = (Block("W", shape, Role.PARAMETER, fixed(i)) for i in (1, 2))
    plain = Variable("W", shape, Role.PARAMETER)
    assert len({one, two, plain}) == 3
    assert one.as_role(Role.DIRECTION).index is fixed(1)
    with pytest.raises(KernelError, match="distinct members"):
        DirectionNorm((one, two))


@few
@given(seeds, depths)
def test_a_recursion_means_its_unfolding(seed: int, depth: int) -> None:
    instance = Instance(seed, n=depth)
    for term in (NET.z(NEXT), Indexed("h", NEXT, Entrywise(PHI, 0, NET.z(NEXT)))):
        for order in (1, 2):
            left, right = Deriv(term, order), Deriv(Named("g", body_of(term)), order)
            assert instance.value(left) == pytest.approx(instance.value(right), rel=1e-9)


def test_a_bound_of_the_operator_norm_can_be_attacked_by_instances() -> None:
    """The meaning of claims about families is no tautology: a bound below the true one fails."""
    theorem = infer(OperatorNormIntro(), NET.first)
    bound: Poly = theorem.claim.bound * number(1)  # type: ignore[attr-defined]
    instance = at_depth(3, 1)
    low = OperatorNorm(NET.z(N), 1, bound * number(Fraction(1, 5)))
    assert instance.holds(theorem.claim) and not instance.holds(low)


def test_an_index_has_no_subclass() -> None:
    with pytest.raises(KernelError, match="outside the kernel"):

        class Sly(Index):  # pyright: ignore[reportUnusedClass]
            def is_at_most(self, end: Index) -> bool:
                return True


def test_an_index_does_not_change() -> None:
    with pytest.raises(KernelError, match="does not change"):
        N.__init__(5, True)  # type: ignore[misc]
    assert N.offset == 0
