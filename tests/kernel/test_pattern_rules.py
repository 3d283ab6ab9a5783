"""Rules of activation patterns: conclusions, side conditions, and their truth at sampled points."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest
from flint import fmpq
from set_builders import (
    HALF,
    ONE,
    RELU,
    SIGN,
    TANH,
    ZERO,
    P,
    S,
    V,
    X,
    assume,
    at,
    concluded,
    entry,
    fuzz,
    letter,
    number,
    refused,
    round_trip,
    square,
)

from proofs.errors import KernelError
from proofs.kernel.claims import Claim
from proofs.kernel.core import Theorem, infer
from proofs.kernel.map_values import exact_values
from proofs.kernel.maps import (
    At,
    Chosen,
    Contract,
    Entry,
    Given,
    Map,
    MeanOf,
    Opaque,
    ParameterBlock,
    PlaceNumber,
    RootStep,
    Scaled,
    Total,
)
from proofs.kernel.patterns import (
    case_at,
    chosen_in,
    conditions_of,
    first_kinked,
    place_of,
    unchosen,
    without_constants,
)
from proofs.kernel.rules.patterns import (
    CasesCritical,
    CasesSingular,
    DiffersAt,
    DiffersInBallsAt,
    DropCases,
    EqualsAt,
    EqualsInBallsAt,
    LocallyItself,
    SplitAnalytic,
    SplitPolynomial,
)
from proofs.kernel.rules.steps import critical_set
from proofs.kernel.set_claims import LocallyOneOf, NotWithin, Null, SomewhereEqual, Within
from proofs.kernel.sets import Either, Empty, LevelNumber, LevelSet, Meet, SingularPoints, Whole, Without
from proofs.kernel.univariate import argument, call, constant, piecewise
from proofs.network import activation
from proofs.theorems.map_analyticity import Analyticity, Route

RELU_S = Entry(RELU, S)
NET = square(Total((Contract(",->", S, Entry(RELU, entry(V, 0))), number(-1))))
POS, NEG = Chosen(RELU, (1,), S), Chosen(RELU, (0,), S)
HARDTANH = activation("hardtanh")
HUBER = piecewise("huber", {}, [-1, 1], [argument(), argument() * argument(), argument()])


def everywhere(node: Map) -> Theorem:
    return Analyticity(Route.SCALAR).everywhere(node)


def split(node: Map) -> Theorem:
    """Split polynomial by polynomial to the end."""
    found = infer(LocallyItself(node))
    while any(first_kinked(case) is not None for case in cases(found)):
        found = infer(SplitPolynomial(), found)
    return found


def cases(theorem: Theorem) -> tuple[Map, ...]:
    claim = theorem.claim
    assert isinstance(claim, LocallyOneOf)
    return claim.cases


def test_locally_itself_accepts() -> None:
    assert concluded(LocallyItself(NET)) is LocallyOneOf(NET, (NET,), ())


def test_locally_itself_refuses_chosen_expressions() -> None:
    refused(LocallyItself(POS), match="no expression")
    refused(LocallyItself(MeanOf((X,), square(POS))), match="no expression")


def test_split_polynomial_accepts_and_names_the_kinks() -> None:
    theorem = infer(SplitPolynomial(), infer(LocallyItself(RELU_S)))
    kink = LevelSet(At(S, PlaceNumber(0)), ZERO)
    assert theorem.claim is LocallyOneOf(RELU_S, (NEG, POS), (kink,))


def test_split_polynomial_finds_constant_entries_exactly() -> None:
    for value, choice in ((3, 1), (-2, 0), (0, -1)):
        root = Entry(SIGN, Total((Scaled(fmpq(0), S), number(value))))
        claim = infer(SplitPolynomial(), infer(LocallyItself(root))).claim
        assert claim is LocallyOneOf(root, (Chosen(SIGN, (choice,), root.of),), ())


def test_split_polynomial_refuses_what_is_no_polynomial_or_has_no_pieces() -> None:
    refused(SplitPolynomial(), infer(LocallyItself(Entry(RELU, Entry(TANH, S)))), match="polynomial")
    refused(SplitPolynomial(), infer(LocallyItself(Entry(activation("round"), S))), match="finitely many")
    refused(SplitPolynomial(), infer(LocallyItself(Entry(TANH, S))), match="kinks")
    for node in (Entry(RELU, P), Entry(RELU, Given("y", ())), Entry(RELU, Opaque("g", S, ()))):
        refused(SplitPolynomial(), infer(LocallyItself(node)))
    refused(SplitPolynomial(), assume(Null(letter("a"))), match="locally")


RELU_TANH = Entry(RELU, Entry(TANH, S))


def test_split_analytic_accepts() -> None:
    known, shown = infer(LocallyItself(RELU_TANH)), everywhere(Entry(TANH, S))
    claim = infer(SplitAnalytic(0, at(s=1), 64), known, shown).claim
    assert isinstance(claim, LocallyOneOf)
    assert claim.cases == tuple(Chosen(RELU, (k,), Entry(TANH, S)) for k in (0, 1))
    assert len(claim.off) == 1


def test_split_analytic_refuses_kinks_at_the_point_and_arguments_with_kinks() -> None:
    known, shown = infer(LocallyItself(RELU_TANH)), everywhere(Entry(TANH, S))
    refused(SplitAnalytic(0, at(s=0), 64), known, shown, match="near a kink")
    refused(SplitAnalytic(0, at(s=1), 64), known, everywhere(S), match="analytic")
    refused(SplitAnalytic(1, at(s=1), 64), known, shown, match="number")
    refused(SplitAnalytic(-1, at(s=1), 64), known, shown, match="number")
    refused(SplitAnalytic(0, at(s=1), 1), known, shown)
    refused(SplitAnalytic(0, at(t=1), 64), known, shown)
    almost = assume(Within(SingularPoints(Entry(TANH, S)), SingularPoints(P)))
    refused(SplitAnalytic(0, at(s=1), 64), known, almost, match="analytic")
    smooth = infer(LocallyItself(Entry(TANH, S)))
    refused(SplitAnalytic(0, at(s=1), 64), smooth, everywhere(S))


BOTH = Total((Entry(RELU, S), Entry(RELU, Scaled(fmpq(-1), S))))


def test_drop_cases_accepts_a_sum_that_is_not_positive() -> None:
    theorem = split(BOTH)
    found = cases(theorem)
    assert len(found) == 4
    feasible = []
    for k, case in enumerate(found):
        numbers = tuple((fmpq(1), (n,)) for n in range(len(conditions_of(case))))
        try:
            infer(DropCases(((k, numbers),)), theorem)
        except KernelError:
            feasible.append([node.choices for node in chosen_in(case)])
    assert feasible == [[(0,), (1,)], [(1,), (0,)]]


@pytest.mark.parametrize(
    "drops",
    [
        (),
        ((4, ((fmpq(1), (0,)),)),),
        ((-1, ((fmpq(1), (0,)),)),),
        ((0, ()),),
        ((0, ((fmpq(1), ()),)),),
        ((0, ((fmpq(0), (0,)), (fmpq(0), (1,)))),),
        ((0, ((fmpq(-1), (0,)), (fmpq(-1), (1,)))),),
        ((0, ((fmpq(1), (0,)),)),),
        ((0, ((fmpq(1), (0,)), (fmpq(1), (2,)))),),
        ((0, ((fmpq(1), (0,)), (fmpq(1), (-1,)))),),
        ((0, ((fmpq(1), (0, 1)),)),),
        ((1, ((fmpq(1), (0,)), (fmpq(-1), (1,)))),),
    ],
)
def test_drop_cases_refuses_other_certificates(drops) -> None:
    refused(DropCases(drops), split(BOTH))


def test_drop_cases_refuses_a_positive_constant_and_two_blocks_of_one_name() -> None:
    shifted = Total(
        (Entry(RELU, Total((S, number(1)))), Entry(RELU, Total((Scaled(fmpq(-1), S), number(1)))))
    )
    refused(DropCases(((3, ((fmpq(1), (0,)), (fmpq(1), (1,)))),)), split(shifted), match="not positive")
    first = entry(ParameterBlock("W", (2,)), 0)
    second = entry(ParameterBlock("W", (3,)), 0)
    two = split(Total((Entry(RELU, first), Entry(RELU, Scaled(fmpq(-1), second)))))
    refused(DropCases(((0, ((fmpq(1), (0,)), (fmpq(1), (1,)))),)), two, match="one parameter of the name")


@pytest.mark.parametrize("seed", range(8))
def test_drop_cases_holds_and_split_polynomial_holds_at_random_points(seed) -> None:
    """Every sampled point lies on a kink set, or in exactly one case whose value is the map's."""
    source = random.Random(seed)
    inner = Entry(source.choice((RELU, HARDTANH, SIGN)), Total((Contract(",->", S, entry(V, 0)), number(-1))))
    root = Total((inner, Entry(source.choice((RELU, HUBER)), Total((inner, Scaled(fmpq(-1), entry(V, 1)))))))
    theorem = split(root)
    claim = theorem.claim
    assert isinstance(claim, LocallyOneOf)
    for _ in range(12):
        point = {n: tuple(fmpq(source.randint(-8, 8), 4) for _ in range(k)) for n, k in (("s", 1), ("v", 2))}
        if any(exact_values(r.of, point)[r.of][0] == r.level.value for r in claim.off):  # type: ignore[attr-defined]
            continue
        fitting = [case for case in claim.cases if _fits(case, point)]
        assert len(fitting) == 1
        assert exact_values(fitting[0], point)[fitting[0]] == exact_values(root, point)[root]
        assert case_at(root, point) is fitting[0]


def _fits(case: Map, point: dict[str, tuple[fmpq, ...]]) -> bool:
    values = exact_values(case, point)
    return all(
        place_of(node.function, values[node.of][k]) == choice
        for node in chosen_in(case)
        for k, choice in enumerate(node.choices)
    )


def test_equals_at_accepts() -> None:
    theorem = infer(EqualsAt(POS, at(s=2)), everywhere(POS))
    assert theorem.claim is SomewhereEqual(RELU_S, POS)
    still = Chosen(SIGN, (-1,), Scaled(fmpq(0), S))
    assert concluded(EqualsAt(still, at(s=2)), everywhere(still)) is SomewhereEqual(unchosen(still), still)


@pytest.mark.parametrize("point", [at(s=-1), at(s=0), at(t=1), at(s=(1, 1)), (), (*at(s=1), *at(s=1))])
def test_equals_at_refuses_points_outside_the_pieces(point) -> None:
    refused(EqualsAt(POS, point), everywhere(POS))


def test_equals_at_refuses_kinks_that_are_met_at_the_point_alone() -> None:
    met = Chosen(SIGN, (-1,), S)
    refused(EqualsAt(met, at(s=0)), everywhere(met), match="identically")
    refused(EqualsInBallsAt(met, at(s=0), 64), everywhere(met), match="identically")


def test_equals_at_refuses_cases_that_may_have_kinks_or_singular_points() -> None:
    refused(EqualsAt(RELU_S, at(s=1)), assume(Within(SingularPoints(RELU_S), Empty())), match="kinks")
    refused(EqualsAt(POS, at(s=1)), everywhere(S), match="analytic")
    refused(EqualsAt(POS, at(s=1)), assume(Within(SingularPoints(POS), letter("a"))), match="analytic")


def test_equals_in_balls_at_accepts() -> None:
    case = Chosen(RELU, (1,), Entry(TANH, S))
    claim = concluded(EqualsInBallsAt(case, at(s=Fraction(1, 9)), 64), everywhere(case))
    assert claim is SomewhereEqual(RELU_TANH, case)


@pytest.mark.parametrize("value", [0, -1, Fraction(-1, 10**30)])
def test_equals_in_balls_at_refuses_points_outside_the_pieces(value) -> None:
    case = Chosen(RELU, (1,), Entry(TANH, S))
    refused(EqualsInBallsAt(case, at(s=value), 64), everywhere(case), match="chosen piece")


def null_case(case: Map, step: Any) -> Theorem:
    return assume(Null(Meet(critical_set(case, step), Whole())))


def test_cases_critical_accepts() -> None:
    known = infer(SplitPolynomial(), infer(LocallyItself(RELU_S)))
    claim = known.claim
    assert isinstance(claim, LocallyOneOf)
    off = assume(Null(Either(claim.off)))
    found = concluded(CasesCritical(ONE), known, off, null_case(NEG, ONE), null_case(POS, ONE))
    assert found is Null(Without(critical_set(RELU_S, ONE), SingularPoints(RELU_S)))
    itself = infer(LocallyItself(P))
    assert concluded(CasesCritical(ONE), itself, null_case(P, ONE))


def test_cases_critical_refuses_missing_cases_sets_and_steps() -> None:
    known = infer(SplitPolynomial(), infer(LocallyItself(RELU_S)))
    claim = known.claim
    assert isinstance(claim, LocallyOneOf)
    off, one, two = assume(Null(Either(claim.off))), null_case(NEG, ONE), null_case(POS, ONE)
    refused(CasesCritical(ONE), known, off, one)
    refused(CasesCritical(ONE), known, one, two)
    refused(CasesCritical(ONE), known, off, two, one)
    refused(CasesCritical(HALF), known, off, one, two)
    refused(CasesCritical(ONE), known, assume(Null(letter("a"))), one, two)
    refused(CasesCritical(ONE), known, off, one, assume(Null(critical_set(POS, ONE))))
    refused(CasesCritical(ONE), known, off, one, two, two)


def test_cases_singular_accepts() -> None:
    known = infer(SplitPolynomial(), infer(LocallyItself(RELU_S)))
    claim = known.claim
    assert isinstance(claim, LocallyOneOf)
    found = concluded(CasesSingular(), known, everywhere(NEG), everywhere(POS))
    assert found is Within(SingularPoints(RELU_S), Either(claim.off))
    assert concluded(CasesSingular(), infer(LocallyItself(S)), everywhere(S)) is Within(
        SingularPoints(S), Empty()
    )


def test_cases_singular_refuses_missing_and_singular_cases() -> None:
    known = infer(SplitPolynomial(), infer(LocallyItself(RELU_S)))
    refused(CasesSingular(), known, everywhere(NEG))
    refused(CasesSingular(), known, everywhere(POS), everywhere(NEG))
    refused(CasesSingular(), known, everywhere(NEG), assume(Within(SingularPoints(POS), letter("a"))))


def test_a_piece_with_a_pole_inside_is_no_analytic_case() -> None:
    pole = piecewise("bad", {}, [1], [call("inverse", argument()), constant(0)])
    theorem = infer(SplitPolynomial(), infer(LocallyItself(Entry(pole, S))))
    with pytest.raises(KernelError, match="all of R"):
        everywhere(cases(theorem)[0])


def test_differs_at_accepts() -> None:
    level = LevelNumber(fmpq(4))
    assert concluded(DiffersAt(square(S), level, at(s=1))) is NotWithin(Whole(), LevelSet(square(S), level))
    assert concluded(DiffersAt(Entry(SIGN, S), LevelNumber(fmpq(1)), at(s=0)))


def test_differs_at_refuses_the_level_vectors_and_values_that_are_not_known() -> None:
    refused(DiffersAt(square(S), LevelNumber(fmpq(4)), at(s=-2)), match="differs")
    refused(DiffersAt(Entry(SIGN, S), ZERO, at(s=0)))
    refused(DiffersAt(V, ZERO, at(v=(1, 0))))
    refused(DiffersAt(Entry(TANH, S), ZERO, at(s=1)), match="rational")
    refused(DiffersAt(P, ZERO, ()))
    refused(DiffersAt(X, ZERO, ()))  # data are arbitrary


def test_differs_in_balls_at_accepts() -> None:
    assert concluded(DiffersInBallsAt(Entry(TANH, S), ZERO, at(s=1), 64))


def test_differs_in_balls_at_refuses_balls_that_meet_the_level() -> None:
    refused(DiffersInBallsAt(Entry(TANH, S), ZERO, at(s=0), 64), match="avoids")
    refused(DiffersInBallsAt(Entry(SIGN, S), LevelNumber(fmpq(1)), at(s=0), 64), match="avoids")
    tiny = Scaled(fmpq(1, 2**200), Entry(TANH, S))
    refused(DiffersInBallsAt(Total((tiny, number(1))), LevelNumber(fmpq(1)), at(s=1), 64), match="avoids")


def test_without_constants_the_values_are_the_same() -> None:
    root = Total((Contract(",->", Chosen(RELU, (0,), S), S), Chosen(SIGN, (-1,), S), square(S)))
    plain = without_constants(root)
    assert not chosen_in(plain)
    point = {"s": (fmpq(-3),)}
    assert exact_values(root, point)[root] == exact_values(plain, point)[plain]


def test_a_stored_split_comes_back_and_altered_ones_are_refused() -> None:
    theorem = infer(CasesSingular(), split(BOTH), *(everywhere(case) for case in cases(split(BOTH))))
    round_trip(theorem)
    assert fuzz(theorem, 150, 1, _only_other_maps(theorem.claim)) > 75


def _only_other_maps(claim: Claim) -> Any:
    """Altered derivations may speak of other maps: never of this one with a smaller set."""

    def known(found: Theorem) -> bool:
        other = found.claim
        return not (
            isinstance(claim, Within) and isinstance(other, Within) and other.inner is claim.inner
            and not found.hypotheses
        )  # fmt: skip

    return known


def test_steps_at_roots_are_those_of_irreducible_polynomials() -> None:
    assert RootStep((-2, 0, 1), 1) is RootStep((-2, 0, 1), 1)
    for coefficients, place in (
        ((-4, 0, 1), 0),
        ((-2, 0, 1), 2),
        ((2, 0, 1), 0),
        ((-4, 0, 2), 0),
        ((-2, 1), 0),
    ):
        with pytest.raises(KernelError, match="expected"):
            RootStep(coefficients, place)
