"""Exceptional step sizes of given losses: against known sets and against an independent computation."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest
from exact_jets import Jet, Signature, jet_at
from flint import fmpq, fmpq_mat, fmpq_poly

from proofs.kernel.maps import (
    At,
    Contract,
    Entry,
    Fixed,
    Join,
    Map,
    ParameterBlock,
    Pick,
    PlaceNumber,
    RootStep,
    Scaled,
    StepNumber,
    Total,
    blocks_of,
    size_of,
)
from proofs.kernel.set_claims import NonSingular, Null, Singular, Within
from proofs.kernel.univariate import argument, constant, piecewise
from proofs.network import activation
from proofs.theorems.step_patterns import Occurrence
from proofs.theorems.step_sizes import StepSizes, StepStatus

T = argument()
S = ParameterBlock("s", ())
RELU, TANH, SQUARE, ABS = (activation(name) for name in ("relu", "tanh", "square", "abs"))
LEAKY = piecewise("leaky", {}, [0], [T.scaled(Fraction(1, 4)), T])
JUMP = piecewise("jump", {}, [0], [constant(-1), constant(1)], {Fraction(0): Fraction(0)})
PARABOLA = piecewise("parabola", {}, [0], [T * T, T])
HALF_SQUARE = piecewise("halfsquare", {}, [], [(T * T).scaled(Fraction(1, 2))])
HUBER = piecewise(
    "huber",
    {},
    [-1, 1],
    [
        constant(Fraction(-1, 2)) + T.scaled(Fraction(-1)),
        (T * T).scaled(Fraction(1, 2)),
        T + constant(Fraction(-1, 2)),
    ],
)


def ready(loss: Map, **options: int) -> StepSizes:
    found = StepSizes(loss, **options)
    found.prove_analytic()
    found.find_patterns()
    found.find_spectra()
    return found


def step(value: Fraction | int) -> StepNumber:
    exact = Fraction(value)
    return StepNumber(fmpq(exact.numerator, exact.denominator))


def singular_steps(found: StepSizes) -> set[Fraction]:
    return {
        Fraction(int(one.step.value.p), int(one.step.value.q))
        for one in found.exceptional()
        if one.verdict.status is StepStatus.SINGULAR and isinstance(one.step, StepNumber)
    }


def status(found: StepSizes, value: Fraction | int) -> StepStatus:
    verdict = found.verdict(step(value))
    if verdict.theorem is not None:
        kind = Singular if verdict.status is StepStatus.SINGULAR else NonSingular
        assert isinstance(verdict.theorem.claim, kind)
        assert not verdict.theorem.hypotheses
        assert verdict.theorem.claim.of.loss is found.loss  # type: ignore[union-attr]
        assert verdict.theorem.claim.of.step is step(value)  # type: ignore[union-attr]
    return verdict.status


def fixed(*values: int) -> Fixed:
    return Fixed((len(values),), tuple(fmpq(v) for v in values))


def network(*widths: int, bias: bool, inner=RELU, loss=HALF_SQUARE, x: int = 1, y: int = 1) -> Map:
    h: Map = fixed(*(x + k for k in range(widths[0])))
    for number, (d, w) in enumerate(zip(widths, widths[1:], strict=False), start=1):
        h = Contract("ij,j->i", ParameterBlock(f"W{number}", (w, d)), h)
        if bias:
            h = Total((h, ParameterBlock(f"b{number}", (w,))))
        if number < len(widths) - 1:
            h = Entry(inner, h)
    return Entry(loss, At(Total((h, fixed(-y))), PlaceNumber(0)))


def test_the_loss_of_one_parameter_with_a_quadratic_outside_has_one_exceptional_step() -> None:
    well = (T.power(4)).scaled(Fraction(1, 2)) + (T * T).scaled(Fraction(-3)) + constant(8)
    found = ready(Entry(piecewise("well", {}, [-2, 2], [T * T, well, T * T]), S))
    assert singular_steps(found) == {Fraction(1, 2)}
    assert status(found, Fraction(1, 2)) is StepStatus.SINGULAR
    for value in (1, Fraction(1, 3), Fraction(1, 6), -1, Fraction(-1, 6)):
        assert status(found, value) is StepStatus.NON_SINGULAR


def test_the_absolute_value_has_no_exceptional_step() -> None:
    found = ready(Entry(ABS, S))
    assert singular_steps(found) == set()
    assert status(found, 1) is StepStatus.NON_SINGULAR


def test_a_dead_region_with_an_output_bias_collapses_at_1() -> None:
    found = ready(network(1, 1, 1, bias=True))
    assert singular_steps(found) == {Fraction(1)}
    assert status(found, 1) is StepStatus.SINGULAR
    assert found.verdict(step(1)).pattern is not None
    assert status(found, Fraction(1, 2)) is StepStatus.NON_SINGULAR


def test_a_loss_whose_first_derivatives_vanish_at_the_origin() -> None:
    """The Hessian at the origin is not 0 although every argument has the derivative 0 there."""
    loss = Contract(",->", Contract(",->", S, S), Fixed((), (fmpq(1, 2),)))
    found = ready(loss)
    assert singular_steps(found) == {Fraction(1)}
    assert status(found, 1) is StepStatus.SINGULAR
    deep = ready(network(1, 1, 1, bias=False, inner=TANH))
    assert all(p.eigenvalues is not None for p in deep.enumerated.patterns)


def test_an_irrational_eigenvalue_is_an_exceptional_step() -> None:
    a, b = ParameterBlock("a", ()), ParameterBlock("b", ())
    loss = Total((Contract(",->", a, b), Scaled(fmpq(1, 2), Contract(",->", a, a))))
    found = ready(loss)
    steps = [one.step for one in found.exceptional()]
    assert steps == [RootStep((-1, -1, 1), 1)]
    assert found.verdict(steps[0]).status is StepStatus.SINGULAR
    assert found.verdict(RootStep((-1, -1, 1), 0)).status is StepStatus.SINGULAR
    assert found.verdict(RootStep((-2, 0, 1), 1)).status is StepStatus.NON_SINGULAR


def test_too_many_patterns_leave_the_verdict_undecided_or_singular() -> None:
    found = ready(network(1, 3, 1, bias=True), limit=2, samples=40)
    assert not found.complete
    assert "limit 2" in str(found.why_incomplete)
    assert status(found, 1) is StepStatus.SINGULAR
    assert status(found, Fraction(1, 2)) is StepStatus.UNDECIDED
    assert found.singular_set() is None


def test_the_singular_set_has_witnesses() -> None:
    found = ready(network(1, 1, 1, bias=True))
    inside, null = found.singular_set(), found.off_sets_null
    assert inside is not None
    assert isinstance(inside.claim, Within)
    assert null is not None
    assert null.claim is Null(inside.claim.outer)
    assert found.count(Occurrence.VISITED) == len(found.enumerated.patterns)


def test_a_smooth_network_is_decided_in_balls() -> None:
    found = ready(network(1, 1, 1, bias=True, inner=TANH))
    assert status(found, Fraction(1, 2)) is StepStatus.NON_SINGULAR
    assert found.complete


# -- against an independent computation -----------------------------------------------------------

KINDS = ("dense", "tied", "convolution", "pooling", "deep")


def random_loss(kind: str, source: Random) -> Map:
    functions = (RELU, LEAKY, ABS, JUMP, PARABOLA, SQUARE, activation("hardtanh"))
    first, second = source.choice(functions), source.choice(functions)
    loss = source.choice((HALF_SQUARE, HALF_SQUARE, HUBER, ABS))

    def drawn(count: int) -> Fixed:
        return Fixed(
            (count,), tuple(fmpq(source.randint(-4, 4), source.choice((1, 2))) for _ in range(count))
        )

    weight = ParameterBlock("W", (2, 1) if kind == "dense" else (2, 2) if kind == "pooling" else (1, 1))
    match kind:
        case "convolution":
            patches = Pick(drawn(3), (0, 1, 1, 2, 2, -1), (3, 2))
            h = Entry(first, Contract("ij,j->i", patches, ParameterBlock("K", (2,))))
            out = Contract("ij,j->i", Fixed((1, 3), (fmpq(1, 3),) * 3), h)
        case "pooling":
            z = Contract("ij,j->i", weight, drawn(2))
            a, b = At(z, PlaceNumber(0)), At(z, PlaceNumber(1))
            largest = Total((a, Entry(RELU, Total((b, Scaled(fmpq(-1), a))))))
            out = Join((Contract(",->", largest, ParameterBlock("v", ())),))
        case _:
            h = Entry(first, Contract("ij,j->i", weight, drawn(1)))
            if kind == "tied":
                h = Entry(second, Contract("ij,j->i", weight, h))
            if kind == "deep":
                h = Entry(second, Contract("ij,j->i", ParameterBlock("U", (1, 1)), h))
            out = Contract("ij,j->i", ParameterBlock("V", (1, 2 if kind == "dense" else 1)), h)
    if source.random() < 0.5:
        out = Total((out, ParameterBlock("o", (1,))))
    return Entry(loss, At(Total((out, drawn(1))), PlaceNumber(0)))


def sampled(
    loss: Map, names: list[tuple[str, int]], source: Random
) -> dict[Signature, list[tuple[list[Fraction], Jet]]]:
    """Jets at random points by pattern, at least six of a pattern where near points have it too."""
    found: dict[Signature, list[tuple[list[Fraction], Jet]]] = {}
    for _ in range(60):
        scale = source.choice((1, 1, 4))
        theta = [
            Fraction(source.choice((-1, 1)) * source.randint(1, 40) * scale, source.choice((3, 7)))
            for _ in names
        ]
        if (read := jet_at(loss, theta, names)) is not None:
            found.setdefault(read[1], []).append((theta, read[0]))
    for signature, known in found.items():
        for _ in range(30):
            if len(known) >= 6:
                break
            theta = [x * (1 + Fraction(source.randint(-9, 9), 97)) for x in known[0][0]]
            if (read := jet_at(loss, theta, names)) is not None and read[1] == signature:
                known.append((theta, read[0]))
    return found


def constant_steps(jets: list[Jet]) -> set[Fraction]:
    """1/lambda > 0 for the rational eigenvalues that all these Hessians share."""
    common: fmpq_poly | None = None
    size = len(jets[0].gradient)
    for jet in jets:
        entries = [fmpq(e.numerator, e.denominator) for row in jet.hessian for e in row]
        found = fmpq_mat(size, size, entries).charpoly()
        common = found if common is None else common.gcd(found)
    assert common is not None
    steps: set[Fraction] = set()
    for factor, _ in common.factor()[1]:
        if factor.degree() == 1:
            root = -factor[0] / factor[1]
            if root > 0:
                steps.add(Fraction(int(root.q), int(root.p)))
    return steps


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_verdicts_agree_with_hessians_computed_otherwise(kind: str, seed: int) -> None:
    source = Random(f"{kind} {seed}")
    loss = random_loss(kind, source)
    names = [(b.name, k) for b in blocks_of(loss) for k in range(size_of(b.extents))]
    found = ready(loss, limit=600, seed=seed)
    patterns = sampled(loss, names, source)
    own = {signature: constant_steps([jet for _, jet in known]) for signature, known in patterns.items()}
    certain = {s for signature, steps in own.items() if len(patterns[signature]) >= 6 for s in steps}
    listed = singular_steps(found)
    assert certain <= listed
    for value in {*listed, *certain, Fraction(1), Fraction(source.randint(1, 20), 7)}:
        verdict = found.verdict(step(value))
        if verdict.status is StepStatus.SINGULAR:
            _collapses(loss, names, verdict.pattern.point, value, source)  # type: ignore[union-attr]
        elif verdict.status is StepStatus.NON_SINGULAR:
            assert value not in certain
            for known in patterns.values():
                assert len(known) < 3 or any(jet.determinant(value) != 0 for _, jet in known)


def _collapses(loss: Map, names: list[tuple[str, int]], point, value: Fraction, source: Random) -> None:
    """At five points near the pattern's witness the determinant is exactly 0."""
    centre = [
        Fraction(int(point[n][k].p), int(point[n][k].q)) if n in point else Fraction(0) for n, k in names
    ]
    start = jet_at(loss, centre, names)
    assert start is not None
    reach, seen = Fraction(1, 50), 0
    while seen < 5:
        theta = [x + Fraction(source.randint(-99, 99), 97) * reach for x in centre]
        read = jet_at(loss, theta, names)
        if read is not None and read[1] == start[1]:
            assert read[0].determinant(value) == 0
            seen += 1
        else:
            reach /= 2
