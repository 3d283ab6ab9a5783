"""BND-1 and its readings BND-3: G_max and H_max of a network's loss, as theorems.

BND-1: ||grad L|| <= G_max = g ||j||_2 and ||Hess L|| <= H_max = lambda_max(h j j^T + g K) for the
mean loss L.  Each reading feeds premises `symbol <= number` to the same derivation:
  worst case   over the box {||W_l|| <= s_l, ||b_l|| <= c_l} and all data with ||x_i|| <= M;
  at weights   actual norms, actual ||h_l(x_i)||, max|sigma'|, max|sigma''|, averaged over samples;
  in a ball    all theta with ||theta - theta0|| <= rho, averaged over samples.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from flint import fmpq

from proofs.errors import GradlemmaError, KernelError
from proofs.kernel.claims import Compare, OperatorNorm
from proofs.kernel.core import Theorem, infer
from proofs.kernel.monotone import dependency_order
from proofs.kernel.rules import DataNorm, MeanBound, Monotone, OperatorNormIntro
from proofs.kernel.rules.algebra import bounds_of
from proofs.kernel.scalars import Norm, Poly, Root, number
from proofs.kernel.store import remember
from proofs.kernel.tensors import ExactTensor
from proofs.kernel.terms import Variable
from proofs.network import Loss, LossKind, Network

from .finish import gradient_norm, hessian_norm
from .jet import NetworkJet, network_jet
from .losses import sample_loss
from .lower import closed_form, lower_end
from .refine import refined_hessian
from .sample_loss import Constants, SampleLoss
from .softmax_region import softmax_region
from .tactics import assume, assume_at_most, compare_of, rational, used_bounds
from .targets import data_rule, target_range
from .values import Values, worst_case_values

__all__ = ["Absent", "Bound", "Box", "Data", "Derivation", "Reading", "ReadingName", "box_premises"]

BITS = 64
EXACT_BITS = 4000
EXACT_ATOMS = 60


class ReadingName(Enum):
    """The readings of BND-3."""

    WORST_CASE = "worst_case"
    AT_WEIGHTS = "at_weights"
    AT_RESIDUALS = "at_residuals"
    BALL = "ball"


@dataclass(frozen=True, slots=True)
class Box:
    """{||W_l||_2 <= weight_norms[l], ||b_l||_2 <= bias_norms[l]}, one entry per dense layer.

    The bias entry of a layer without bias is None.
    """

    weight_norms: tuple[Fraction, ...]
    bias_norms: tuple[Fraction | None, ...]


@dataclass(frozen=True, slots=True)
class Data:
    """The samples: inputs [N, d] and targets [N, out], exact."""

    inputs: ExactTensor
    targets: ExactTensor


@dataclass(frozen=True, slots=True)
class Bound:
    """A proved bound: `theorem` says ||D^k L|| <= value; the closed form lies in [lower, value].

    form: the coefficients j_g, or the matrix K_gh, of the groups that the number comes from.
    """

    theorem: Theorem
    value: Fraction
    lower: Fraction

    @property
    def is_exact(self) -> bool:
        return self.lower == self.value


@dataclass(frozen=True, slots=True)
class Reading:
    """G_max and H_max of one reading, and H_max by the joint refinement where that was asked for."""

    name: ReadingName
    gradient: Bound
    hessian: Bound
    refined: Bound | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """A reading that was not derived, and why."""

    name: ReadingName
    reason: str


class Derivation:
    """The derivation of BND-1 for one network and loss, and the readings made from it.

    >>> from proofs.network import Dense, Network
    >>> net = Network.of(1, Dense(1, bias=False), "relu", Dense(1, bias=False))
    >>> work = Derivation(net, Loss.HALF_MSE)
    >>> box = Box((Fraction(1), Fraction(1)), (None, None))
    >>> reading = work.worst_case(box, input_norm=Fraction(1), target_norm=Fraction(1))
    >>> str(reading.hessian.value), reading.hessian.is_exact
    ('4', True)
    """

    def __init__(self, network: Network, loss: Loss) -> None:
        self.network = network
        self.loss = loss
        self.jet: NetworkJet = network_jet(network)
        self.sample: SampleLoss = sample_loss(loss, self.jet.output)
        self.samples: tuple[Variable, ...] = (self.jet.sample, self.sample.target)

    def worst_case(
        self,
        box: Box,
        input_norm: Fraction,
        target_norm: Fraction | None = None,
        *,
        refine: bool = False,
    ) -> Reading:
        """BND-3 (i): all weights in the box and all data with ||x_i|| <= input_norm.

        For cross-entropy the targets are probability vectors, for bce their entries lie in [0, 1];
        otherwise ||y_i|| <= target_norm, which for huber may be left out.  With `refine` the joint
        refinement of cross-entropy is derived as well.

        Raises:
            GradlemmaError: if a constant of the derivation is infinite.
        """
        self._check_box(box)
        values = self.worst_case_values(box, input_norm, target_norm)
        known = values.all_bounds()
        alternatives = self.constants(target_norm)
        hessian = smallest(self._worst(self.sample.second, (*known, *c.theorems)) for c in alternatives)
        return Reading(
            ReadingName.WORST_CASE,
            smallest(self._worst(self.sample.first, (*known, *c.theorems)) for c in alternatives),
            hessian,
            self._refined(known, hessian) if refine else None,
        )

    def _refined(self, known: tuple[Theorem, ...], plain: Bound) -> Bound:
        """H_max by the joint refinement of cross-entropy; the plain bound where no smaller one is shown."""
        if self.loss.kind is not LossKind.CROSS_ENTROPY:
            raise GradlemmaError(f"expected cross_entropy to refine but got {self.loss.label()}")
        first, second = self.jet.output.first, self.jet.output.second
        if first is None or second is None:
            return plain
        region = softmax_region(self.sample, self.jet.output)
        try:
            theorem, lower = refined_hessian(region, first, second, known, self.jet.groups)
        except GradlemmaError:
            return plain
        mean = infer(MeanBound(self.samples), theorem, self.sample.smooth)
        return smallest((plain, bound_of(infer(OperatorNormIntro(), mean), lower)))

    def constants(self, target_norm: Fraction | None) -> tuple[Constants, ...]:
        """The alternatives for the loss's constants that can be used with this knowledge of the targets."""
        return tuple(c for c in self.sample.constants if target_norm is not None or not c.needs_target_norm)

    def data_facts(
        self, data: Data, input_norm: Fraction, target_norm: Fraction | None = None
    ) -> dict[str, Theorem]:
        """That given data are in the range of the worst case: ||x_i|| <= M, and of the targets."""
        digests = (remember(data.inputs), remember(data.targets))
        target = self.sample.target
        facts = {"data.inputs": infer(DataNorm(self.samples, digests, self.jet.sample, rational(input_norm)))}
        rule = data_rule(self.loss, self.samples, digests, target, target_norm)
        if rule is not None:
            facts["data.targets"] = infer(rule)
        return facts

    def worst_case_values(self, box: Box, input_norm: Fraction, target_norm: Fraction | None) -> Values:
        """The premises `symbol <= number` of the worst case, layer by layer."""
        given = box_premises(self.jet, box, input_norm)
        in_range = target_range(self.loss, self.sample.target, target_norm)
        if isinstance(in_range, Compare):
            given.append(assume(in_range))
        return worst_case_values(self.jet, given)

    def _check_box(self, box: Box) -> None:
        expected = [group.bias is not None for group in self.jet.groups]
        if len(box.weight_norms) != len(expected) or [c is not None for c in box.bias_norms] != expected:
            raise GradlemmaError(
                f"expected {len(expected)} weight norms and a bias norm for every layer with a bias, "
                f"but got weight_norms={len(box.weight_norms)}, bias_norms={len(box.bias_norms)} entries"
            )
        if any(value < 0 for value in (*box.weight_norms, *(c for c in box.bias_norms if c is not None))):
            raise GradlemmaError("expected norms >= 0 in the box")

    def _worst(self, target: Theorem, bounds: tuple[Theorem, ...]) -> Bound:
        used = used_bounds(target, bounds)
        numeric, exact = _numeric(target, used)
        theorem = self.finish(infer(MeanBound(self.samples), numeric, self.sample.smooth))
        if exact:
            return bound_of(theorem, closed_form(compare_of(numeric).right, self.jet.groups))
        return bound_of(theorem, lower_end(compare_of(target).right, used, self.jet.groups, None))

    def finish(self, mean: Theorem) -> Theorem:
        """||D^k L|| <= number, from a numeric form that bounds D^k L[u..]."""
        order = next(iter(compare_of(mean).left.atoms())).term.order  # type: ignore[attr-defined]
        return gradient_norm(mean, self.jet.groups) if order == 1 else hessian_norm(mean, self.jet.groups)


def box_premises(jet: NetworkJet, box: Box, input_norm: Fraction) -> list[Theorem]:
    """||x|| <= input_norm, ||W_l|| <= s_l and ||b_l|| <= c_l, assumed."""
    given = [assume_at_most(Norm(jet.sample), number(input_norm))]
    for group, size, shift in zip(jet.groups, box.weight_norms, box.bias_norms, strict=True):
        given.append(assume_at_most(Norm(group.weight), number(size)))
        if group.bias is not None and shift is not None:
            given.append(assume_at_most(Norm(group.bias), number(shift)))
    return given


def smallest(bounds: Iterable[Bound]) -> Bound:
    """The bound with the smallest value."""
    return min(bounds, key=lambda bound: bound.value)


def _numeric(target: Theorem, used: tuple[Theorem, ...]) -> tuple[Theorem, bool]:
    """The target with numbers as coefficients: exact where short rationals do, else rounded up."""
    if dependency_count(target, used) > EXACT_ATOMS:
        return infer(Monotone(BITS, unfold=True), target, *used), False
    try:
        exact = infer(Monotone(None, unfold=True), target, *used)
    except (KernelError, MemoryError):
        exact = None
    if exact is not None and _is_short(compare_of(exact).right):
        return exact, True
    return infer(Monotone(BITS, unfold=True), target, *used), False


def dependency_count(target: Theorem, used: tuple[Theorem, ...]) -> int:
    by_atom, _ = bounds_of(tuple(bound.sequent for bound in used))
    return len(dependency_order(compare_of(target).right, by_atom))


def _is_short(form: Poly) -> bool:
    return all(
        not any(isinstance(inner, Root) for inner, _ in monomial)
        and int(c.p).bit_length() + int(c.q).bit_length() < EXACT_BITS
        for monomial, c in form.terms.items()
    )


def bound_of(theorem: Theorem, lower: fmpq) -> Bound:
    if not isinstance(theorem.claim, OperatorNorm):
        raise TypeError("expected a bound of an operator norm")
    value = theorem.claim.bound.constant()
    if value is None:
        raise TypeError("expected a number as bound")
    return Bound(theorem, _fraction(value), min(_fraction(lower), _fraction(value)))


def _fraction(value: fmpq) -> Fraction:
    return Fraction(int(value.p), int(value.q))
