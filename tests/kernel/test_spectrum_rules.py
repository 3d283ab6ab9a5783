"""Rules of constant eigenvalues: conclusions, side conditions, and determinants computed otherwise."""

from __future__ import annotations

import random
from typing import Any

import pytest
import sympy
from flint import fmpq, fmpq_mat, fmpz_poly
from set_builders import (
    HALF,
    ONE,
    RELU,
    TANH,
    P,
    S,
    V,
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
from proofs.kernel.core import Theorem, infer
from proofs.kernel.eigenvalues import (
    blocks_of_matrix,
    characteristic,
    common_eigenvalues,
    content_in_t,
    determinant_in_t,
    with_t,
)
from proofs.kernel.map_hessians import exact_hessian
from proofs.kernel.maps import (
    AnyStep,
    Chosen,
    Contract,
    Entry,
    Map,
    RootStep,
    Scaled,
    StepNumber,
    StepSize,
    Total,
)
from proofs.kernel.rules.patterns import EqualsAt
from proofs.kernel.rules.spectra import (
    DeterminantVanishes,
    FactorExcluded,
    NonzeroDeterminant,
    OffConstantEigenvalues,
    OffIntervals,
    SharedEigenvalues,
    SpectraInBalls,
)
from proofs.kernel.rules.steps import CollapsingCase, critical_set
from proofs.kernel.set_claims import ConstantEigenvalues, EigenvaluesWithin, NotWithin, Singular, Within
from proofs.kernel.sets import Empty, SingularPoints, Whole
from proofs.theorems.map_analyticity import Analyticity, Route

HALF_SQUARE = Scaled(fmpq(1, 2), square(S))
QUARTIC = square(square(S))
# v_0^2 / 2 + v_1^4: the eigenvalue 1 everywhere, another that moves.
MIXED = Total((Scaled(fmpq(1, 2), square(entry(V, 0))), square(square(entry(V, 1)))))
# v_0 v_1 + v_0^2 / 2: eigenvalues (1 +- sqrt 5) / 2, roots of t^2 - t - 1.
GOLDEN = Total((Contract(",->", entry(V, 0), entry(V, 1)), Scaled(fmpq(1, 2), square(entry(V, 0)))))
SMOOTH = Total((square(Entry(TANH, S)), HALF_SQUARE))


def everywhere(node: Map) -> Theorem:
    return Analyticity(Route.SCALAR).everywhere(node)


def step(p: int, q: int = 1) -> StepNumber:
    return StepNumber(fmpq(p, q))


def shared(case: Map, *points: Any) -> Theorem:
    return infer(SharedEigenvalues(case, tuple(points)))


def test_shared_eigenvalues_accepts() -> None:
    assert shared(HALF_SQUARE, at(s=0)).claim is ConstantEigenvalues(HALF_SQUARE, (-1, 1))
    assert shared(QUARTIC, at(s=1), at(s=2)).claim is ConstantEigenvalues(QUARTIC, (1,))
    found = shared(MIXED, at(v=(0, 1)), at(v=(3, 2)))
    assert found.claim is ConstantEigenvalues(MIXED, (-1, 1))
    assert shared(GOLDEN, at(v=(0, 0))).claim is ConstantEigenvalues(GOLDEN, (-1, -1, 1))


def test_shared_eigenvalues_counts_second_derivatives_where_first_ones_are_0() -> None:
    root = Contract(",->", square(S), number(1))
    assert shared(root, at(s=0)).claim is ConstantEigenvalues(root, (-2, 1))


def test_shared_eigenvalues_refuses_no_points_kinks_and_irrational_values() -> None:
    refused(SharedEigenvalues(HALF_SQUARE, ()))
    refused(SharedEigenvalues(square(Entry(RELU, S)), (at(s=1),)), match="kinks")
    refused(SharedEigenvalues(square(Entry(TANH, S)), (at(s=1),)), match="rational")
    refused(SharedEigenvalues(V, (at(v=(1, 1)),)))
    refused(SharedEigenvalues(HALF_SQUARE, (at(t=1),)))
    refused(SharedEigenvalues(P, ((),)))


@pytest.mark.parametrize("seed", range(10))
def test_shared_eigenvalues_holds_for_the_common_divisor_that_sympy_finds(seed) -> None:
    source = random.Random(seed)
    size = source.randint(1, 4)
    known = source.choice(([[1]], [[2, 1], [1, 1]], [[0]], [[3, 0], [0, 3]]))
    matrices = []
    for _ in range(3):
        rows = [[fmpq(0)] * (size + len(known)) for _ in range(size + len(known))]
        for i, row in enumerate(known):
            rows[i][: len(row)] = [fmpq(e) for e in row]
        for i in range(size):
            for j in range(i, size):
                rows[len(known) + i][len(known) + j] = fmpq(source.randint(-3, 3), source.randint(1, 3))
                rows[len(known) + j][len(known) + i] = rows[len(known) + i][len(known) + j]
        matrices.append(rows)
    t = sympy.symbols("t")
    common = sympy.Integer(0)
    for rows in matrices:
        exact = sympy.Matrix([[sympy.Rational(int(e.p), int(e.q)) for e in row] for row in rows])
        common = sympy.gcd(common, exact.charpoly(t).as_expr())
    while sympy.rem(common, t, t) == 0:
        common = sympy.quo(common, t, t)
    _, wanted = sympy.Poly(common, t).primitive()
    flat = [fmpq_mat(len(r), len(r), [e for row in r for e in row]) for r in matrices]
    found = common_eigenvalues(flat)
    assert [int(c) for c in found.coeffs()] == [
        int(c) for c in reversed(wanted.clear_denoms()[1].primitive()[1].all_coeffs())
    ]
    assert common_eigenvalues(flat[:1]).degree() >= found.degree()


def test_off_constant_eigenvalues_accepts() -> None:
    found = concluded(OffConstantEigenvalues(HALF), shared(HALF_SQUARE, at(s=0)))
    assert found is NotWithin(Whole(), critical_set(HALF_SQUARE, HALF))
    assert concluded(OffConstantEigenvalues(RootStep((-2, 0, 1), 1)), shared(GOLDEN, at(v=(0, 0))))
    assert concluded(OffConstantEigenvalues(step(-1)), shared(HALF_SQUARE, at(s=0)))


@pytest.mark.parametrize(
    ("case", "size"),
    [
        (HALF_SQUARE, ONE),
        (Scaled(fmpq(-1, 2), square(S)), step(-1)),
        (Scaled(fmpq(3), square(S)), step(1, 6)),
    ],
)
def test_off_constant_eigenvalues_refuses_inverses_of_roots(case: Map, size: StepSize) -> None:
    refused(OffConstantEigenvalues(size), shared(case, at(s=0)), match="no root")


def test_off_constant_eigenvalues_refuses_irrational_roots_and_arbitrary_steps() -> None:
    golden = shared(GOLDEN, at(v=(0, 0)))
    for place in (0, 1):
        refused(OffConstantEigenvalues(RootStep((-1, -1, 1), place)), golden, match="no root")
    # One of several factors.
    product = assume(ConstantEigenvalues(GOLDEN, (1, 0, -2, 1)))
    refused(OffConstantEigenvalues(RootStep((-1, -1, 1), 0)), product, match="no root")
    refused(OffConstantEigenvalues(ONE), product, match="no root")
    refused(OffConstantEigenvalues(AnyStep("eta")), golden, match="number")
    refused(OffConstantEigenvalues(ONE), assume(Within(Whole(), letter("a"))))


def test_factor_excluded_accepts() -> None:
    known = assume(ConstantEigenvalues(SMOOTH, (3, -4, 1)))
    found = concluded(FactorExcluded((-3, 1), at(s=1), 128), known)
    assert found is ConstantEigenvalues(SMOOTH, (-1, 1))
    golden = assume(ConstantEigenvalues(QUARTIC, (2, 0, -1)))
    assert concluded(FactorExcluded((-2, 0, 1), at(s=0), 64), golden) is ConstantEigenvalues(QUARTIC, (-1,))


@pytest.mark.parametrize(
    ("factor", "bits"), [((-2, 1), 64), ((-6, 2), 64), ((3, -1), 64), ((1,), 64), ((), 64), ((-3, 1), 1)]
)
def test_factor_excluded_refuses_what_is_no_primitive_factor(factor, bits) -> None:
    refused(FactorExcluded(factor, at(s=1), bits), assume(ConstantEigenvalues(SMOOTH, (3, -4, 1))))


def test_factor_excluded_refuses_a_factor_with_an_eigenvalue_there() -> None:
    known = assume(ConstantEigenvalues(HALF_SQUARE, (3, -4, 1)))
    refused(FactorExcluded((-1, 1), at(s=1), 64), known, match="exclude 0")
    assert concluded(FactorExcluded((-3, 1), at(s=1), 64), known) is ConstantEigenvalues(HALF_SQUARE, (-1, 1))


def test_determinant_vanishes_accepts() -> None:
    assert concluded(DeterminantVanishes(HALF_SQUARE, ONE, 0)) is Within(
        Whole(), critical_set(HALF_SQUARE, ONE)
    )
    assert concluded(DeterminantVanishes(MIXED, ONE, 0))
    for place in (0, 1):
        assert concluded(DeterminantVanishes(GOLDEN, RootStep((-1, -1, 1), place), 0))


def test_determinant_vanishes_refuses_other_steps_blocks_and_maps() -> None:
    refused(DeterminantVanishes(HALF_SQUARE, HALF, 0), match="every theta")
    refused(DeterminantVanishes(QUARTIC, ONE, 0), match="every theta")
    refused(DeterminantVanishes(MIXED, ONE, 1), match="every theta")
    refused(DeterminantVanishes(MIXED, ONE, 2), match="blocks")
    refused(DeterminantVanishes(MIXED, ONE, -1), match="blocks")
    refused(DeterminantVanishes(GOLDEN, RootStep((-2, 0, 1), 0), 0))
    refused(DeterminantVanishes(Entry(TANH, S), ONE, 0), match="polynomial")
    refused(DeterminantVanishes(number(1), ONE, 0))
    refused(DeterminantVanishes(square(Entry(RELU, S)), ONE, 0), match="kinks")
    refused(DeterminantVanishes(HALF_SQUARE, AnyStep("eta"), 0))


def test_determinant_vanishes_leaves_out_dead_coordinates() -> None:
    dead = Total((HALF_SQUARE, Contract(",->", entry(V, 0), Chosen(RELU, (0,), entry(V, 1)))))
    assert concluded(DeterminantVanishes(dead, ONE, 0))


def random_polynomial(source: random.Random) -> Map:
    entries: list[Map] = [S, entry(V, 0), entry(V, 1), number(source.randint(-2, 2))]
    for _ in range(4):
        a, b = source.choice(entries), source.choice(entries)
        entries.append(source.choice((Total((a, b)), Contract(",->", a, b), Scaled(fmpq(1, 2), square(a)))))
    return Total((*source.sample(entries, 3), Scaled(fmpq(1, 2), square(S)), Scaled(fmpq(1), entry(V, 0))))


@pytest.mark.parametrize("seed", range(12))
def test_determinant_vanishes_holds_and_nonzero_determinant_holds_at_random_points(seed) -> None:
    source = random.Random(seed)
    case = random_polynomial(source)
    names = {"s": 1, "v": 2}
    for size in (ONE, HALF, step(1, 3)):
        flat = False
        for block in range(3):
            try:
                infer(DeterminantVanishes(case, size, block))
                flat = True
            except KernelError:
                continue
        values = []
        for _ in range(4):
            point = {n: tuple(fmpq(source.randint(-9, 9), 3) for _ in range(k)) for n, k in names.items()}
            hessian = exact_hessian(case, point)[2]
            count = hessian.nrows()
            unit = fmpq_mat(count, count, [fmpq(int(i == j)) for i in range(count) for j in range(count)])
            values.append((unit - size.value * hessian).det())
            stored = tuple(sorted(point.items()))
            if values[-1] == 0:
                refused(NonzeroDeterminant(case, size, stored, 128))
            else:
                assert concluded(NonzeroDeterminant(case, size, stored, 256))
        assert flat == (not any(values))


def test_nonzero_determinant_accepts() -> None:
    found = concluded(NonzeroDeterminant(SMOOTH, HALF, at(s=1), 64))
    assert found is NotWithin(Whole(), critical_set(SMOOTH, HALF))


def test_nonzero_determinant_refuses_zero_kinks_and_few_bits() -> None:
    refused(NonzeroDeterminant(HALF_SQUARE, ONE, at(s=1), 64), match="exclude 0")
    refused(NonzeroDeterminant(square(Entry(RELU, S)), ONE, at(s=1), 64), match="kinks")
    refused(NonzeroDeterminant(SMOOTH, ONE, at(s=1), 1), match="bits")
    refused(NonzeroDeterminant(SMOOTH, RootStep((-2, 0, 1), 0), at(s=1), 64))  # type: ignore[arg-type]


def test_spectra_in_balls_accepts_and_holds_a_constant_eigenvalue() -> None:
    found = infer(SpectraInBalls(MIXED, (at(v=(0, 1)), at(v=(0, 2))), 128), everywhere(MIXED)).claim
    assert isinstance(found, EigenvaluesWithin)
    ((lower, upper),) = found.intervals
    assert lower <= 1 <= upper
    assert upper - lower < fmpq(1, 10**6)


def test_spectra_in_balls_refuses_maps_that_may_have_kinks_and_no_points() -> None:
    refused(SpectraInBalls(MIXED, (), 128), everywhere(MIXED))
    refused(SpectraInBalls(MIXED, (at(v=(0, 1)),), 128), everywhere(SMOOTH))
    refused(SpectraInBalls(MIXED, (at(v=(0, 1)),), 128), assume(Within(SingularPoints(MIXED), letter("a"))))
    kinked = square(Entry(RELU, S))
    refused(SpectraInBalls(kinked, (at(s=1),), 128), assume(Within(SingularPoints(kinked), Empty())))


def test_off_intervals_accepts_and_refuses() -> None:
    known = assume(EigenvaluesWithin(SMOOTH, ((fmpq(1), fmpq(2)), (fmpq(4), fmpq(4)))))
    assert concluded(OffIntervals(step(1, 3)), known) is NotWithin(Whole(), critical_set(SMOOTH, step(1, 3)))


@pytest.mark.parametrize("size", [step(1), step(1, 2), step(2, 3), step(1, 4)])
def test_off_intervals_refuses_inverses_inside(size) -> None:
    known = assume(EigenvaluesWithin(SMOOTH, ((fmpq(1), fmpq(2)), (fmpq(4), fmpq(4)))))
    refused(OffIntervals(size), known, match="no interval")
    refused(OffIntervals(step(1, 3)), assume(ConstantEigenvalues(SMOOTH, (1,))))


# -- the algebra below ----------------------------------------------------------------------------


def test_the_content_has_the_eigenvalues_that_do_not_move() -> None:
    context = with_t(1)
    x, _ = context.gens()
    one = context.constant(1)
    found = content_in_t(determinant_in_t([[one, x * 0], [x * 0, x * x]], context))
    assert found == fmpz_poly([-1, 1])
    assert content_in_t(determinant_in_t([[x * 0, x], [x, x * 0]], context)) == fmpz_poly([1])


def test_blocks_of_a_matrix_have_zeros_between_them() -> None:
    table = [[1, 0, 2], [0, 3, 0], [2, 0, 0]]
    assert blocks_of_matrix(3, lambda i, j: table[i][j] == 0) == [[0, 2], [1]]
    lopsided = [[0, 1], [0, 0]]
    assert blocks_of_matrix(2, lambda i, j: lopsided[i][j] == 0) == [[0, 1]]


def test_a_characteristic_polynomial_with_denominators() -> None:
    matrix = fmpq_mat(2, 2, [fmpq(1, 2), fmpq(0), fmpq(0), fmpq(-2, 3)])
    assert characteristic(matrix) == fmpz_poly([-2, 1, 6])


def test_eigenvalues_shared_modulo_the_prime_alone_are_not_shared() -> None:
    from proofs.kernel.eigenvalues import PRIME

    first, second = fmpq_mat(1, 1, [fmpq(1)]), fmpq_mat(1, 1, [fmpq(PRIME + 1)])
    assert common_eigenvalues([first, second]) == fmpz_poly([1])
    assert common_eigenvalues([first, fmpq_mat(1, 1, [fmpq(1, PRIME)])]) == fmpz_poly([1])
    assert common_eigenvalues([fmpq_mat(1, 1, [fmpq(1, PRIME)])] * 2) == fmpz_poly([-1, PRIME])
    assert common_eigenvalues([fmpq_mat(2, 2, [fmpq(0), fmpq(0), fmpq(0), fmpq(PRIME)])] * 2).degree() == 1


def test_a_stored_collapse_comes_back_and_altered_ones_say_nothing_else_about_the_loss() -> None:
    case = Total((HALF_SQUARE, Contract(",->", entry(V, 0), Chosen(RELU, (0,), entry(V, 1)))))
    equal = infer(EqualsAt(case, at(s=1, v=(1, -1))), everywhere(case))
    theorem = infer(CollapsingCase(), equal, infer(DeterminantVanishes(case, ONE, 0)))
    loss = theorem.claim.of.loss  # type: ignore[attr-defined]

    def known(found: Theorem) -> bool:
        # Other steps of this loss are not exceptional; other maps are another matter.
        claim = found.claim
        return not (isinstance(claim, Singular) and claim.of.loss is loss and claim.of.step is not ONE)  # type: ignore[attr-defined]

    round_trip(theorem)
    assert fuzz(theorem, 150, 2, known) > 75
