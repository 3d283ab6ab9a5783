"""Activation patterns of a loss: the cases that it equals locally, which of them occur, and their spectra."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from math import log2
from random import Random

from flint import fmpq, fmpz_poly

from proofs.errors import KernelError
from proofs.kernel.core import Theorem, infer
from proofs.kernel.map_values import Point
from proofs.kernel.maps import (
    At,
    Chosen,
    Contract,
    Entry,
    Fixed,
    Join,
    Map,
    ParameterBlock,
    Pick,
    RootStep,
    Scaled,
    StepNumber,
    StepSize,
    Total,
    blocks_of,
    maps_below,
    parts_of,
    size_of,
)  # fmt: skip
from proofs.kernel.patterns import case_at, chosen_in, first_kinked, options_of
from proofs.kernel.polynomials import real_root_count
from proofs.kernel.rules.patterns import (
    DiffersAt,
    DiffersInBallsAt,
    DropCases,
    EqualsAt,
    EqualsInBallsAt,
    LocallyItself,
    SplitAnalytic,
    SplitPolynomial,
)
from proofs.kernel.rules.sets import Inclusion, NullUnion, Subset
from proofs.kernel.rules.spectra import (
    DeterminantVanishes,
    FactorExcluded,
    SharedEigenvalues,
    SpectraInBalls,
    hessian_blocks,
)
from proofs.kernel.rules.zeros import ZeroSetNull
from proofs.kernel.set_claims import ConstantEigenvalues, LocallyOneOf
from proofs.kernel.sets import LevelNumber, LevelSet, Meet, Region, Whole
from proofs.kernel.univariate import Expression, Univariate

from .map_analyticity import Analyticity
from .pattern_search import certificate, random_point, witness

__all__ = [
    "Enumerated", "Occurrence", "Pattern", "Report", "TooManyPatterns", "chance_of_error", "differs",
    "enumerate_patterns", "equals_at", "label_of", "off_sets_null", "origin", "patterns_at_most",
    "spectrum_of", "steps_of_factor", "stored", "vanishing", "visited_patterns",
]  # fmt: skip

BITS = 192
MORE_POINTS = 4
# Points that confirm an eigenvalue have integer coordinates up to this.
CONFIRMING = 4096
TRIES = 8
SAMPLES = 400


class TooManyPatterns(KernelError):
    """The patterns are more than may be gone through."""

    def __init__(self, count: int, limit: int) -> None:
        super().__init__(f"expected at most {limit} patterns at a time but got {count}")
        self.count = count
        self.limit = limit


class Occurrence(Enum):
    """Whether a pattern is taken on an open set."""

    VISITED = "visited"
    """A rational point realises it."""
    UNKNOWN = "unknown"
    """Neither a point nor a certificate was found."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A case of a loss.

    equal: the theorem that the loss equals the case on an open set; None while that is not known.
    eigenvalues: what is shown of eigenvalues that the Hessian has everywhere, `ConstantEigenvalues` or
    `EigenvaluesWithin`; None where neither could be derived.
    """

    case: Map
    occurrence: Occurrence
    point: Point | None
    equal: Theorem | None
    eigenvalues: Theorem | None = None

    @property
    def label(self) -> str:
        return label_of(self.case)


def label_of(case: Map) -> str:
    """The choices in order: a digit a piece, `k` and a digit at a kink, groups between bars."""
    groups = [
        "".join(str(choice) if choice >= 0 else f"k{-1 - choice}" for choice in node.choices)
        for node in chosen_in(case)
    ]
    return "|".join(groups) or "-"


def stored(point: Point) -> tuple[tuple[str, tuple[fmpq, ...]], ...]:
    """The point as rules carry it."""
    return tuple(sorted((name, tuple(entries)) for name, entries in point.items()))


def patterns_at_most(root: Map) -> int:
    """How many ways to choose there are at most: pieces to the power of entries, over all functions."""
    count = 1
    for node in maps_below(root):
        if isinstance(node, Entry) and not node.function.is_analytic:
            pieces = getattr(node.function, "pieces", ())
            count *= max(len(pieces), 1) ** size_of(node.require_shape())
    return count


Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Enumerated:
    """All cases that are left.

    locally: the theorem `LocallyOneOf` about them; None where they were not all gone through.
    infeasible: how many were shown not to occur, by a certificate.
    """

    locally: Theorem | None
    patterns: tuple[Pattern, ...]
    infeasible: int


def enumerate_patterns(
    loss: Map, analyticity: Analyticity, random: Random, limit: int, report: Report | None = None
) -> Enumerated:
    """All patterns of a loss: split function by function; cases with a certificate are dropped on the way.

    Raises:
        TooManyPatterns: if more than `limit` would have to be held at once.
        KernelError: for functions with infinitely many pieces.
    """
    found = infer(LocallyItself(loss))
    points: dict[Map, Point] = {}
    infeasible = 0
    while any(first_kinked(case) is not None for case in _cases(found)):
        _check_count(found, limit)
        found = _split(found, analyticity, random)
        found, dropped = _drop(found, points, loss, random, report)
        infeasible += dropped
    patterns = tuple(_pattern(loss, case, points.get(case), analyticity) for case in _cases(found))
    return Enumerated(found, _with_samples(loss, patterns, analyticity, random), infeasible)


def _with_samples(
    loss: Map, patterns: tuple[Pattern, ...], analyticity: Analyticity, random: Random
) -> tuple[Pattern, ...]:
    """The patterns, those of unknown occurrence replaced where random points realise them."""
    if all(pattern.occurrence is Occurrence.VISITED for pattern in patterns):
        return patterns
    sampled = {found.case: found for found in visited_patterns(loss, analyticity, random, SAMPLES)}
    return tuple(
        sampled.get(pattern.case, pattern) if pattern.occurrence is Occurrence.UNKNOWN else pattern
        for pattern in patterns
    )


def _cases(locally: Theorem) -> tuple[Map, ...]:
    claim = locally.claim
    if not isinstance(claim, LocallyOneOf):
        raise KernelError("expected a theorem about cases")
    return claim.cases


def _check_count(locally: Theorem, limit: int) -> None:
    count = 0
    for case in _cases(locally):
        node = first_kinked(case)
        ways = 1
        if node is not None:
            for options in _options(node):
                ways *= options
        count += ways
    if count > limit:
        raise TooManyPatterns(count, limit)


def _options(node: object) -> list[int]:
    try:
        return [len(options) for options in options_of(node)]  # type: ignore[arg-type]
    except KernelError:
        pieces = len(node.function.pieces)  # type: ignore[attr-defined]
        return [pieces] * len(node.of.require_shape() or (1,))  # type: ignore[attr-defined]


def _split(locally: Theorem, analyticity: Analyticity, random: Random) -> Theorem:
    try:
        return infer(SplitPolynomial(), locally)
    except KernelError:
        number, case = next((n, c) for n, c in enumerate(_cases(locally)) if first_kinked(c) is not None)
        node = first_kinked(case)
        if node is None:
            raise
        point = stored(random_point(case, random))
        return infer(SplitAnalytic(number, point, BITS), locally, analyticity.everywhere(node.of))


def _drop(
    locally: Theorem, points: dict[Map, Point], loss: Map, random: Random, report: Report | None
) -> tuple[Theorem, int]:
    """Without the cases that have a certificate; a point of each of the others where one is found."""
    drops: list[tuple[int, tuple[tuple[fmpq, tuple[int, ...]], ...]]] = []
    cases = _cases(locally)
    for number, case in enumerate(cases):
        if report is not None:
            report(number, len(cases))
        try:
            point = witness(case, random, loss)
            if point is not None:
                points[case] = point
                continue
            found = certificate(case)
        except KernelError:
            continue
        if found is not None:
            drops.append((number, found))
    return (infer(DropCases(tuple(drops)), locally) if drops else locally), len(drops)


def _pattern(loss: Map, case: Map, point: Point | None, analyticity: Analyticity) -> Pattern:
    if point is None and not chosen_in(case):
        point = origin(case)
    equal = None if point is None else equals_at(case, point, analyticity)
    seen = Occurrence.UNKNOWN if equal is None else Occurrence.VISITED
    return Pattern(case, seen, point, equal)


def origin(root: Map) -> Point:
    """The point whose coordinates are all 0."""
    return {block.name: (fmpq(0),) * size_of(block.extents) for block in blocks_of(root)}


def equals_at(case: Map, point: Point, analyticity: Analyticity) -> Theorem | None:
    """The theorem that the loss equals the case near the point; None where that is not shown."""
    try:
        everywhere = analyticity.everywhere(case)
    except KernelError:
        return None
    for rule in (EqualsAt(case, stored(point)), EqualsInBallsAt(case, stored(point), BITS)):
        try:
            return infer(rule, everywhere)
        except KernelError:
            continue
    return None


def off_sets_null(enumerated: Enumerated, analyticity: Analyticity, random: Random) -> Theorem | None:
    """The theorem that the sets at which an entry equals a kink are null, each with a rational witness.

    Returns:
        None where there are no such sets.

    Raises:
        KernelError: where no witness was found.
    """
    claim = None if enumerated.locally is None else enumerated.locally.claim
    if not isinstance(claim, LocallyOneOf) or not claim.off:
        return None
    return infer(NullUnion(), *(_level_null(region, analyticity, random) for region in claim.off))


def _level_null(region: Region, analyticity: Analyticity, random: Random) -> Theorem:
    if not isinstance(region, LevelSet):
        raise KernelError("expected a level set")
    zeros = infer(ZeroSetNull(), analyticity.everywhere(region.of), differs(region, random))
    return infer(Subset(), infer(Inclusion(region, Meet(region, Whole()))), zeros)


def differs(region: LevelSet, random: Random) -> Theorem:
    """The theorem that a map is not the level everywhere, with a rational witness."""
    if not isinstance(region.level, LevelNumber):
        raise KernelError("expected a level that is a number")
    for _ in range(TRIES):
        point = stored(random_point(region.of, random))
        for rule in (
            DiffersAt(region.of, region.level, point),
            DiffersInBallsAt(region.of, region.level, point, BITS),
        ):
            try:
                return infer(rule)
            except KernelError:
                continue
    raise KernelError("no point was found at which an entry differs from a kink")


def visited_patterns(
    loss: Map, analyticity: Analyticity, random: Random, tries: int, report: Report | None = None
) -> tuple[Pattern, ...]:
    """Patterns that random points realise; in some of the points whole blocks have one sign."""
    found: dict[Map, Pattern] = {}
    for number in range(tries):
        if report is not None:
            report(number, tries)
        drawn = random_point(loss, random)
        point = {name: _signed(entries, random.choice((0, 0, 1, -1))) for name, entries in drawn.items()}
        try:
            case = case_at(loss, point)
        except KernelError:
            continue
        if case not in found and (equal := equals_at(case, point, analyticity)) is not None:
            found[case] = Pattern(case, Occurrence.VISITED, point, equal)
    return tuple(found.values())


def _signed(entries: tuple[fmpq, ...], sign: int) -> tuple[fmpq, ...]:
    return tuple(sign * abs(entry) for entry in entries) if sign else entries


# -- eigenvalues ----------------------------------------------------------------------------------


def spectrum_of(pattern: Pattern, analyticity: Analyticity, random: Random) -> Pattern:
    """The pattern with what is shown of the eigenvalues that its Hessian has everywhere.

    Exact Hessians at rational points where they exist, else factors excluded in balls, else the
    overlaps of spectra in balls at two points.
    """
    case = pattern.case
    drawn = [random_point(case, random) for _ in range(2)]
    drawn += [random_point(case, random, reach=CONFIRMING, denominator=1) for _ in range(MORE_POINTS)]
    shared = _shared(case, [drawn[0], drawn[1]])
    if shared is not None:
        for point in drawn[2:]:
            if _degree(shared) == 0:
                break
            shared = _shared(case, [drawn[0], drawn[1], point]) or shared
        return replace(pattern, eigenvalues=shared)
    shared = _shared(case, [origin(case)])
    if shared is not None:
        return replace(pattern, eigenvalues=_excluded(shared, drawn))
    try:
        points = (stored(drawn[0]), stored(drawn[1]))
        found = infer(SpectraInBalls(case, points, BITS), analyticity.everywhere(case))
        return replace(pattern, eigenvalues=found)
    except KernelError:
        return pattern


def _shared(case: Map, points: list[Point]) -> Theorem | None:
    try:
        return infer(SharedEigenvalues(case, tuple(stored(point) for point in points)))
    except KernelError:
        return None


def _degree(shared: Theorem) -> int:
    return len(_coefficients(shared)) - 1


def _coefficients(shared: Theorem) -> tuple[int, ...]:
    if not isinstance(shared.claim, ConstantEigenvalues):
        raise KernelError("expected a theorem about constant eigenvalues")
    return shared.claim.coefficients


def _excluded(shared: Theorem, points: list[Point]) -> Theorem:
    """Without the factors that balls at one of the points exclude."""
    for factor, _ in fmpz_poly(list(_coefficients(shared))).factor()[1]:
        for point in points:
            try:
                rule = FactorExcluded(tuple(int(c) for c in factor.coeffs()), stored(point), BITS)
                shared = infer(rule, shared)
                break
            except KernelError:
                continue
    return shared


def steps_of_factor(factor: fmpz_poly) -> list[StepSize]:
    """The step sizes eta = 1/lambda > 0 of the real roots lambda > 0 of an irreducible polynomial."""
    coefficients = tuple(int(c) for c in factor.coeffs())
    if factor.degree() == 1:
        root = fmpq(-coefficients[0], coefficients[1])
        return [StepNumber(1 / root)] if root > 0 else []
    count = real_root_count(factor)
    # Roots > 0 of f(t) are those of f(s^2) that are > 0: half of the real ones, none being 0.
    doubled = [0] * (2 * len(coefficients) - 1)
    doubled[::2] = coefficients
    positive = real_root_count(fmpz_poly(doubled)) // 2
    return [RootStep(coefficients, number) for number in range(count - positive, count)]


def chance_of_error(case: Map) -> int | None:
    """K so that a factor that all confirming points share is no constant one with chance <= 2^-k only.

    The Schwartz-Zippel lemma for a polynomial case: det(t I - Hessian) at a root t has at most the
    degree P (deg q - 2) in theta, so that it is 0 at a random point of the grid with chance <= degree / size.
    None for other cases.
    """
    try:
        degree = degree_at_most(case)
    except KernelError:
        return None
    count = sum(size_of(block.extents) for block in blocks_of(case))
    chance = count * max(degree - 2, 1) / (2 * CONFIRMING + 1)
    return int(-MORE_POINTS * log2(chance)) if chance < 1 else None


def degree_at_most(root: Map) -> int:
    """A bound of the degree of a polynomial case, from its form.

    Raises:
        KernelError: for other maps.
    """
    found: dict[Map, int] = {}
    for node in maps_below(root):
        inside = [found[part] for part in parts_of(node)]
        match node:
            case ParameterBlock():
                found[node] = 1
            case Fixed():
                found[node] = 0
            case Contract():
                found[node] = sum(inside)
            case Entry(function=Univariate() as function) | Chosen(function=function):
                found[node] = inside[0] * max(_degree_of(piece.expression) for piece in function.pieces)
            case Total() | Join() | At() | Pick() | Scaled():
                found[node] = max(inside)
            case _:
                raise KernelError("expected a polynomial")
    return found[root]


def _degree_of(expression: Expression) -> int:
    if expression.nesting:
        raise KernelError("expected a polynomial")
    return max((degree for (degree, _), _ in expression.terms), default=0)


def vanishing(case: Map, step: StepSize) -> Theorem | None:
    """The theorem that det(I - eta Hessian) is 0 everywhere, from the first block that shows it."""
    try:
        groups, _ = hessian_blocks(case)
    except KernelError:
        return None
    for number in sorted(range(len(groups)), key=lambda n: len(groups[n])):
        try:
            return infer(DeterminantVanishes(case, step, number))
        except KernelError:
            continue
    return None
