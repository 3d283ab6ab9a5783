"""The exceptional step sizes of a given loss (NSG-2): which are found, and a verdict for any one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from random import Random

from flint import fmpq, fmpz_poly

from proofs.errors import KernelError
from proofs.kernel.core import Theorem, infer
from proofs.kernel.maps import HessianDet, Map, StepNumber, StepSize
from proofs.kernel.rules.analytic import OperationSingular
from proofs.kernel.rules.patterns import CasesCritical, CasesSingular
from proofs.kernel.rules.sets import Inclusion
from proofs.kernel.rules.spectra import NonzeroDeterminant, OffConstantEigenvalues, OffIntervals
from proofs.kernel.rules.steps import CollapsingCase, CriticalNull
from proofs.kernel.rules.zeros import ZeroSetNull
from proofs.kernel.set_claims import ConstantEigenvalues, EigenvaluesWithin
from proofs.kernel.sets import Empty, SingularPoints

from .map_analyticity import Analyticity, NotCovered, Route
from .pattern_search import random_point
from .step_patterns import (
    Enumerated,
    Occurrence,
    Pattern,
    Report,
    TooManyPatterns,
    chance_of_error,
    enumerate_patterns,
    off_sets_null,
    spectrum_of,
    steps_of_factor,
    stored,
    vanishing,
    visited_patterns,
)

__all__ = ["ExceptionalStep", "StepSizes", "StepStatus", "StepVerdict"]

BITS = 192
TRIES = 4


class StepStatus(Enum):
    """What is known of a step size."""

    SINGULAR = "singular"
    NON_SINGULAR = "nonsingular"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class StepVerdict:
    """The verdict about one step size.

    theorem: `Singular` or `NonSingular` of the descent map; None if undecided.
    pattern: the pattern that collapses, if one does.
    """

    step: StepSize
    status: StepStatus
    reason: str
    theorem: Theorem | None
    pattern: Pattern | None = None


@dataclass(frozen=True, slots=True)
class ExceptionalStep:
    """A step size 1/lambda, lambda an eigenvalue that a pattern's Hessian has everywhere or may have."""

    step: StepSize
    pattern: Pattern
    verdict: StepVerdict


def _off(known: Theorem, step: StepSize) -> OffConstantEigenvalues | OffIntervals:
    """The rule that excludes a step size by what is known of constant eigenvalues."""
    if isinstance(known.claim, ConstantEigenvalues):
        return OffConstantEigenvalues(step)
    if not isinstance(step, StepNumber):
        raise KernelError("expected a rational step size")
    return OffIntervals(step)


class StepSizes:
    """Everything that is derived about the step sizes of one loss, stage after stage.

    Args:
        loss: a scalar map of parameters and numbers.
        limit: how many patterns may be held at once.
        seed: of the random points that are tried; no theorem depends on luck, only whether it is found.

    Attributes:
        analytic: the theorem that the loss is almost everywhere analytic; None where not covered.
        not_covered: why not.
        enumerated: the patterns; `locally` is None where they were not all gone through.
        complete: whether all patterns are there, so that `nonsingular` can be derived.
        why_incomplete: a sentence where they are not.
    """

    def __init__(self, loss: Map, *, limit: int = 4096, samples: int = 200, seed: int = 0) -> None:
        self.loss = loss
        self.limit = limit
        self.samples = samples
        self.analyticity = Analyticity(Route.SCALAR)
        self.analytic: Theorem | None = None
        self.not_covered: str | None = None
        self.enumerated = Enumerated(None, (), 0)
        self.why_incomplete: str | None = "the patterns were not gone through"
        self._off_null: Theorem | None = None
        self._random = Random(seed)  # noqa: S311 -- not for secrets

    def prove_analytic(self) -> None:
        """First stage: whether the loss is almost everywhere analytic."""
        try:
            self.analytic = self.analyticity.almost_everywhere(self.loss)
        except NotCovered as error:
            self.not_covered = error.reason

    def find_patterns(self, report: Report | None = None) -> None:
        """Second stage: all patterns, or where they are too many those that random points realise."""
        try:
            self.enumerated = enumerate_patterns(
                self.loss, self.analyticity, self._random, self.limit, report
            )
            self._off_null = off_sets_null(self.enumerated, self.analyticity, self._random)
            self.why_incomplete = None
            return
        except TooManyPatterns as error:
            self.why_incomplete = (
                f"only patterns that random points realise were looked at, because going through all of them "
                f"would hold at least {error.count} at a time (limit {error.limit})"
            )
        except KernelError as error:
            self.why_incomplete = f"the patterns cannot be gone through: {error}"
        found = visited_patterns(self.loss, self.analyticity, self._random, self.samples, report)
        self.enumerated = Enumerated(None, found, 0)

    def find_spectra(self, report: Report | None = None) -> None:
        """Third stage: for every pattern the eigenvalues that its Hessian may have everywhere."""
        patterns = list(self.enumerated.patterns)
        for number, pattern in enumerate(patterns):
            if report is not None:
                report(number, len(patterns))
            if pattern.eigenvalues is None:
                patterns[number] = spectrum_of(pattern, self.analyticity, self._random)
                self.enumerated = Enumerated(
                    self.enumerated.locally, tuple(patterns), self.enumerated.infeasible
                )

    # -- verdicts ---------------------------------------------------------------------------------

    def exceptional(self) -> Iterator[ExceptionalStep]:
        """The step sizes > 0 that a pattern may collapse at, each with its verdict."""
        for pattern in self.enumerated.patterns:
            claim = None if pattern.eigenvalues is None else pattern.eigenvalues.claim
            if not isinstance(claim, ConstantEigenvalues) or len(claim.coefficients) < 2:
                continue
            for factor, _ in fmpz_poly(list(claim.coefficients)).factor()[1]:
                for step in steps_of_factor(factor):
                    yield ExceptionalStep(step, pattern, self._of_pattern(pattern, step))

    def _of_pattern(self, pattern: Pattern, step: StepSize) -> StepVerdict:
        """Whether the pattern collapses at the step size."""
        flat = vanishing(pattern.case, step)
        if flat is None:
            bits = chance_of_error(pattern.case)
            tail = "" if bits is None else f" (error <= 2^-{bits})"
            reason = (
                f"pattern {pattern.label}: 1/eta is an eigenvalue at all random points tried{tail}, "
                "but the polynomial identity was not shown"
            )
            return StepVerdict(step, StepStatus.UNDECIDED, reason, None, pattern)
        if pattern.equal is None:
            reason = f"pattern {pattern.label} collapses where it occurs, but whether it does is not known"
            return StepVerdict(step, StepStatus.UNDECIDED, reason, None, pattern)
        theorem = infer(CollapsingCase(), pattern.equal, flat)
        reason = f"the open set of pattern {pattern.label} goes to a null set"
        return StepVerdict(step, StepStatus.SINGULAR, reason, theorem, pattern)

    def verdict(self, step: StepSize) -> StepVerdict:
        """`singular`, `nonsingular` or `undecided` for one step size, with its theorem or reason."""
        unclear: list[str] = []
        differing: list[Theorem] = []
        for pattern in self.enumerated.patterns:
            found = self._differs(pattern, step)
            if found is not None:
                differing.append(found)
                continue
            here = self._of_pattern(pattern, step)
            if here.status is StepStatus.SINGULAR:
                return here
            unclear.append(here.reason)
        if unclear or self.enumerated.locally is None or self.analytic is None:
            reasons = [*([self.not_covered] if self.not_covered else []), *unclear[:3]]
            if self.why_incomplete is not None:
                reasons.append(self.why_incomplete)
            return StepVerdict(step, StepStatus.UNDECIDED, "; ".join(reasons), None)
        theorem = self._non_singular(step, differing)
        count = len(differing)
        reason = f"det(I - eta Hessian) is not 0 identically in any of {count} pattern{'s' * (count != 1)}"
        return StepVerdict(step, StepStatus.NON_SINGULAR, reason, theorem)

    def _differs(self, pattern: Pattern, step: StepSize) -> Theorem | None:
        """The theorem that the determinant of the pattern is not 0 everywhere; None where not shown."""
        known = pattern.eigenvalues
        try:
            if known is not None:
                return infer(_off(known, step), known)
        except KernelError:
            pass
        if not isinstance(step, StepNumber):
            return None
        for _ in range(TRIES):
            try:
                point = stored(random_point(pattern.case, self._random))
                return infer(NonzeroDeterminant(pattern.case, step, point, BITS))
            except KernelError:
                continue
        return None

    def _non_singular(self, step: StepSize, differing: list[Theorem]) -> Theorem:
        if self.analytic is None or self.enumerated.locally is None:
            raise KernelError("expected all patterns of a loss that is almost everywhere analytic")
        nulls = [
            infer(ZeroSetNull(), self._determinant_analytic(pattern.case, step), differs)
            for pattern, differs in zip(self.enumerated.patterns, differing, strict=True)
        ]
        off = () if self._off_null is None else (self._off_null,)
        critical = infer(CasesCritical(step), self.enumerated.locally, *off, *nulls)
        return infer(CriticalNull(self.loss, step), self.analytic, critical)

    def _determinant_analytic(self, case: Map, step: StepSize) -> Theorem:
        determinant = HessianDet(case, step)
        lies = infer(OperationSingular(determinant))
        everywhere = self.analyticity.everywhere(case)
        return infer(Inclusion(SingularPoints(determinant), Empty()), lies, everywhere)

    def singular_set(self) -> Theorem | None:
        """AEA-8: S(L) lies in the union of sets {entry = kink}, each null with a rational witness.

        None where the patterns were not all gone through or a case is not shown to be analytic.
        """
        if self.enumerated.locally is None:
            return None
        try:
            cases = [self.analyticity.everywhere(pattern.case) for pattern in self.enumerated.patterns]
            return infer(CasesSingular(), self.enumerated.locally, *cases)
        except KernelError:
            return None

    @property
    def off_sets_null(self) -> Theorem | None:
        """The theorem that the sets of `singular_set` are null; None where there are none."""
        return self._off_null

    # -- coverage ---------------------------------------------------------------------------------

    @property
    def complete(self) -> bool:
        return self.enumerated.locally is not None

    def count(self, occurrence: Occurrence) -> int:
        """How many patterns occur for certain, or are of unknown occurrence."""
        return sum(pattern.occurrence is occurrence for pattern in self.enumerated.patterns)

    def least_unexcluded(self) -> fmpq | None:
        """Of spectra in balls: every eta > 0 below this is not in E; None where it says nothing.

        The least 1/upper over the intervals that hold positive numbers, over all patterns.
        """
        uppers: list[fmpq] = []
        for pattern in self.enumerated.patterns:
            claim = None if pattern.eigenvalues is None else pattern.eigenvalues.claim
            if isinstance(claim, EigenvaluesWithin):
                uppers += [upper for _, upper in claim.intervals if upper > 0]
        return 1 / max(uppers) if uppers else None
