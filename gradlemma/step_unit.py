"""One loss: its stages, what they show so far, and the theorems of every verdict by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from flint import fmpq, fmpz_poly

from gradlemma.step_losses import StepLoss
from gradlemma.step_rules import Method, StepRule
from gradlemma.step_values import enclosure, rational
from proofs.errors import KernelError
from proofs.kernel.claims import Claim
from proofs.kernel.core import Theorem, infer
from proofs.kernel.dynamics import Composed, Descent, Dynamics, OnPosition, Proximal
from proofs.kernel.maps import StepSize
from proofs.kernel.rules.logic import Cut
from proofs.kernel.set_claims import (
    AlmostEverywhereAnalytic,
    ConstantEigenvalues,
    EigenvaluesWithin,
    ForAlmostAllSteps,
    LocallyOneOf,
    NonSingular,
    Null,
    Singular,
    SomewhereEqual,
    Within,
)
from proofs.kernel.sets import Either, Empty, SingularPoints
from proofs.theorems.exceptional import (
    STEP,
    almost_all_steps,
    for_loss,
    heavy_ball,
    heavy_ball_is_non_singular,
    nesterov,
    nesterov_is_non_singular,
    nesterov_is_singular,
    proximal_is_non_singular,
)
from proofs.theorems.map_analyticity import NotCovered
from proofs.theorems.step_patterns import Pattern, patterns_at_most, steps_of_factor
from proofs.theorems.step_sizes import StepSizes, StepStatus, StepVerdict

__all__ = ["Candidate", "Goal", "StepUnit", "dynamics_of"]


@dataclass(frozen=True, slots=True)
class Goal:
    """A theorem, and the claim about this loss that its replay has to give."""

    theorem: Theorem
    expected: Claim


@dataclass(frozen=True, slots=True)
class Candidate:
    """A step size at which patterns collapse or may collapse; `labels` are the other patterns."""

    verdict: StepVerdict
    label: str
    labels: tuple[str, ...]


def dynamics_of(rule: StepRule, unit: StepUnit, step: StepSize) -> Dynamics:
    """The map that one step of the optimiser is."""
    loss = unit.loss.map
    match rule.method:
        case Method.HEAVY_BALL if rule.momentum is not None:
            return Composed(heavy_ball(loss, step, rule.momentum))
        case Method.NESTEROV if rule.momentum is not None:
            before, after = nesterov(rule.momentum)
            return Composed((before, OnPosition(Descent(loss, step)), after))
        case Method.PROXIMAL:
            return Proximal(loss, step)
        case _:
            return Descent(loss, step)


@dataclass(slots=True)
class StepUnit:
    """A loss with everything that is derived about its steps.

    prefix: of the names of its goals.
    excluded: the goals that exclude a step size that a pattern's polynomial leaves.
    """

    loss: StepLoss
    sizes: StepSizes
    prefix: str
    goals: dict[str, Goal] = field(default_factory=dict[str, Goal])
    candidates: list[Candidate] = field(default_factory=list[Candidate])
    excluded: list[str] = field(default_factory=list[str])
    has_candidates: bool = False
    singular_set: tuple[Theorem, Theorem | None] | None = None
    skipped: str | None = None

    def keep(self, name: str, theorem: Theorem, expected: Claim) -> str:
        """Notes a theorem to be replayed; returns the name of the goal."""
        goal = f"{self.prefix}{name}"
        self.goals[goal] = Goal(theorem, expected)
        return goal

    # -- stages -----------------------------------------------------------------------------------

    def keep_patterns(self) -> None:
        """The theorems that patterns and spectra rest on."""
        loss, enumerated = self.loss.map, self.sizes.enumerated
        if self.sizes.analytic is not None:
            self.keep("analytic", self.sizes.analytic, AlmostEverywhereAnalytic(loss))
            almost_all = infer(Cut(), self.sizes.analytic, for_loss(almost_all_steps(), loss))
            self.keep("almost_all", almost_all, ForAlmostAllSteps(STEP, NonSingular(Descent(loss, STEP))))
        locally = enumerated.locally
        if locally is not None and isinstance(locally.claim, LocallyOneOf):
            cases = tuple(pattern.case for pattern in enumerated.patterns)
            self.keep("patterns", locally, LocallyOneOf(loss, cases, locally.claim.off))
        for number, pattern in enumerate(enumerated.patterns):
            if pattern.equal is not None:
                self.keep(f"occurs.p{number}", pattern.equal, SomewhereEqual(loss, pattern.case))
            known = pattern.eigenvalues
            match None if known is None else known.claim:
                case ConstantEigenvalues(coefficients=coefficients) if known is not None:
                    claim: Claim = ConstantEigenvalues(pattern.case, coefficients)
                case EigenvaluesWithin(intervals=intervals) if known is not None:
                    claim = EigenvaluesWithin(pattern.case, intervals)
                case _:
                    continue
            self.keep(f"eigenvalues.p{number}", known, claim)

    def find_candidates(self) -> Iterator[None]:
        """The step sizes that may be exceptional, one after the other, each with its verdict."""
        found: dict[StepSize, list[str]] = {}
        for pattern in self.sizes.enumerated.patterns:
            for step in steps_of(pattern):
                found.setdefault(step, []).append(pattern.label)
        for step, labels in sorted(found.items(), key=lambda item: enclosure(item[0])[0]):
            verdict = self.verdict(step)
            if verdict.status is StepStatus.NON_SINGULAR and verdict.theorem is not None:
                name = f"excluded.e{len(self.excluded)}"
                claim = NonSingular(Descent(self.loss.map, step))
                self.excluded.append(self.keep(name, verdict.theorem, claim))
            else:
                label = labels[0] if verdict.pattern is None else verdict.pattern.label
                others = tuple(other for other in dict.fromkeys(labels) if other != label)
                self.candidates.append(Candidate(verdict, label, others))
            yield
        self.has_candidates = True

    def find_singular_set(self) -> None:
        """The theorems of AEA-8: S(L) lies in level sets, and these are null."""
        contained, null = self.sizes.singular_set(), self.sizes.off_sets_null
        if contained is None or not isinstance(contained.claim, Within):
            return
        locally = self.sizes.enumerated.locally
        off = locally.claim.off if locally is not None and isinstance(locally.claim, LocallyOneOf) else ()
        region = Either(off) if off else Empty()
        self.keep("singular_set.contained", contained, Within(SingularPoints(self.loss.map), region))
        if null is not None:
            self.keep("singular_set.null", null, Null(region))
        self.singular_set = (contained, null)

    # -- verdicts ---------------------------------------------------------------------------------

    def verdict(self, step: StepSize) -> StepVerdict:
        """What is derived about a step of gradient descent; undecided where a rule refuses."""
        try:
            return self.sizes.verdict(step)
        except KernelError as error:
            return StepVerdict(step, StepStatus.UNDECIDED, f"not derived: {error}", None)

    def answer(self, rule: StepRule, step: StepSize) -> StepVerdict:
        """What is derived about one step of the optimiser; nothing is replayed yet."""
        if rule.not_covered is not None:
            return StepVerdict(step, StepStatus.UNDECIDED, rule.not_covered, None)
        match rule.method:
            case Method.HEAVY_BALL if rule.momentum is not None:
                return self._heavy_ball(step, rule.momentum)
            case Method.NESTEROV if rule.momentum is not None:
                return self._nesterov(step, rule.momentum)
            case Method.PROXIMAL:
                return self._proximal(step)
            case _:
                return self._descent(step)

    def _descent(self, step: StepSize) -> StepVerdict:
        found = self.verdict(step)
        if found.status is StepStatus.UNDECIDED and self.skipped is not None:
            return StepVerdict(step, StepStatus.UNDECIDED, self.skipped, None)
        return found

    def _heavy_ball(self, step: StepSize, momentum: fmpq) -> StepVerdict:
        analytic = self.sizes.analytic
        if analytic is None:
            return StepVerdict(step, StepStatus.UNDECIDED, self.sizes.not_covered or "not derived", None)
        theorem = heavy_ball_is_non_singular(analytic, step, momentum)
        reason = (
            "the loss is almost everywhere analytic, beta is not 0: nonsingular on (theta, v) for every eta"
        )
        return StepVerdict(step, StepStatus.NON_SINGULAR, reason, theorem)

    def _nesterov(self, step: StepSize, momentum: fmpq) -> StepVerdict:
        found = self._descent(step)
        if found.status is StepStatus.NON_SINGULAR and found.theorem is not None:
            theorem = nesterov_is_non_singular(found.theorem, momentum)
            return StepVerdict(step, StepStatus.NON_SINGULAR, f"as gradient descent: {found.reason}", theorem)
        if found.status is StepStatus.SINGULAR and found.theorem is not None:
            theorem = nesterov_is_singular(found.theorem, momentum)
            reason = f"as gradient descent, on (theta, v): {found.reason}"
            return StepVerdict(step, StepStatus.SINGULAR, reason, theorem, found.pattern)
        reason = f"as gradient descent: {found.reason}"
        return StepVerdict(step, StepStatus.UNDECIDED, reason, None, found.pattern)

    def _proximal(self, step: StepSize) -> StepVerdict:
        try:
            everywhere = self.sizes.analyticity.everywhere(self.loss.map)
            theorem = proximal_is_non_singular(everywhere, step)
        except NotCovered as error:
            reason = (
                f"not covered: the loss is not shown to be analytic everywhere ({error.reason}), and with "
                "kinks the proximal map can be singular: it is exactly if the set of theta that "
                "it takes into S(L) has positive measure, as for L = |t|, where [-eta, eta] goes to 0"
            )
            return StepVerdict(step, StepStatus.UNDECIDED, reason, None)
        except KernelError as error:
            return StepVerdict(step, StepStatus.UNDECIDED, f"not derived: {error}", None)
        reason = "the loss is analytic everywhere: nonsingular for every eta"
        return StepVerdict(step, StepStatus.NON_SINGULAR, reason, theorem)

    def expected(self, rule: StepRule, verdict: StepVerdict) -> Claim:
        """The claim about this loss and optimiser that stands behind a verdict."""
        moved = dynamics_of(rule, self, verdict.step)
        return Singular(moved) if verdict.status is StepStatus.SINGULAR else NonSingular(moved)

    # -- coverage ---------------------------------------------------------------------------------

    @property
    def possible(self) -> int:
        return patterns_at_most(self.loss.map)

    @property
    def infeasible(self) -> int:
        """All others where all were gone through, else those with a certificate."""
        enumerated = self.sizes.enumerated
        if enumerated.locally is None:
            return enumerated.infeasible
        return max(0, self.possible - len(enumerated.patterns))

    @property
    def has_all_spectra(self) -> bool:
        """Whether every pattern has a theorem about its constant eigenvalues."""
        patterns = self.sizes.enumerated.patterns
        return self.sizes.complete and all(pattern.eigenvalues is not None for pattern in patterns)

    @property
    def has_exact_spectra(self) -> bool:
        """Whether these are polynomials, or intervals without positive numbers."""
        return self.has_all_spectra and self.sizes.least_unexcluded() is None

    def least_unexcluded(self) -> fmpq | None:
        """No eta in (0, x) is exceptional, by intervals and candidates; None if that is not known."""
        found = self.sizes.least_unexcluded() if self.has_all_spectra and self.has_candidates else None
        if found is None:
            return None
        return min([found, *(rational(enclosure(c.verdict.step)[0]) for c in self.candidates)])


def steps_of(pattern: Pattern) -> list[StepSize]:
    """The step sizes above 0 that a pattern's constant eigenvalues leave."""
    claim = None if pattern.eigenvalues is None else pattern.eigenvalues.claim
    if not isinstance(claim, ConstantEigenvalues) or len(claim.coefficients) < 2:
        return []
    factors = fmpz_poly(list(claim.coefficients)).factor()[1]
    return [step for factor, _ in factors for step in steps_of_factor(factor)]
