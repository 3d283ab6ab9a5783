"""BND-3 (ii) and (iii): the bounds at given weights and in a ball around them, over given data."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from flint import ctx, fmpq

from proofs.errors import GradlemmaError, KernelError
from proofs.kernel.balls import shared_balls
from proofs.kernel.claims import ForSamples, Smooth
from proofs.kernel.core import Theorem, infer
from proofs.kernel.monotone import round_up
from proofs.kernel.per_sample import evaluate_per_sample, mean_form
from proofs.kernel.rules import Cut, MeanOverData, SmoothAtData, TensorNorm
from proofs.kernel.rules.algebra import bounds_of
from proofs.kernel.rules.data import WORK_PRECISION
from proofs.kernel.scalars import Poly
from proofs.kernel.spectral import frobenius_above, spectral_above
from proofs.kernel.store import remember, tensor_of
from proofs.kernel.tensors import ExactTensor
from proofs.kernel.terms import Named, Role, Variable

from .ball import ball_bounds
from .bounds import Bound, Data, Derivation, Reading, ReadingName, bound_of, smallest
from .lower import lower_end
from .tactics import compare_of, rational, used_bounds
from .targets import data_rule

__all__ = ["at_residuals", "at_weights", "in_ball", "tensor_norm"]

NORM_SLACK = Fraction(1, 10**7)
NORM_BITS = 53
FORM_SLACK = fmpq(1, 2**36)


def tensor_norm(variable: Variable, tensor: ExactTensor) -> Theorem:
    """{v = A} |- ||v|| <= c: c exact where it is short, else with a relative slack of 1e-7.

    The slack lets the certificate be found again on a machine with another linear algebra.
    """
    size = spectral_above(tensor) if len(tensor.shape) == 2 else frobenius_above(tensor)
    digest = remember(tensor)
    if len(tensor.shape) == 2 and size.denominator.bit_length() > 24:
        size = size * (1 + NORM_SLACK)
    return infer(TensorNorm(variable, digest, round_up(rational(size), NORM_BITS)))


@dataclass(frozen=True, slots=True)
class _Place:
    """What `MeanOverData` needs: digests of the data and of the blocks of weights."""

    digests: tuple[str, str]
    blocks: tuple[tuple[Variable, str], ...]


def _place(work: Derivation, weights: tuple[ExactTensor, ...], data: Data, role: Role) -> _Place:
    parameters = work.jet.parameters
    if len(weights) != len(parameters):
        raise GradlemmaError(f"expected {len(parameters)} weight tensors but got {len(weights)}")
    for variable, tensor in zip(parameters, weights, strict=True):
        if tensor.shape != variable.shape:
            raise GradlemmaError(f"expected {variable.name} of shape {variable.shape} but got {tensor.shape}")
    blocks = tuple((v.as_role(role), remember(t)) for v, t in zip(parameters, weights, strict=True))
    return _Place((remember(data.inputs), remember(data.targets)), blocks)


def at_weights(work: Derivation, weights: tuple[ExactTensor, ...], data: Data) -> Reading:
    """BND-3 (ii): actual norms, ||h_l(x_i)||, max|sigma'|, max|sigma''|, averaged over samples.

    The loss enters by its constants, such as ||p - y|| <= sqrt(2), or ||f - y|| <= ||f|| + ||y||.
    """
    place = _place(work, weights, data, Role.PARAMETER)
    return _with_constants(work, ReadingName.AT_WEIGHTS, _weight_norms(work, weights), place)


def at_residuals(work: Derivation, weights: tuple[ExactTensor, ...], data: Data) -> Reading:
    """As `at_weights`, with each sample's actual residual and, for sums over outputs, max|sigma''|."""
    place = _place(work, weights, data, Role.PARAMETER)
    return _read(work, ReadingName.AT_RESIDUALS, _weight_norms(work, weights), place)


def in_ball(work: Derivation, weights: tuple[ExactTensor, ...], data: Data, radius: Fraction) -> Reading:
    """BND-3 (iii): every theta with ||theta - theta0|| <= radius, averaged over samples.

    Raises:
        GradlemmaError: if an activation has no bounded slope, so that no distance bound holds.
    """
    if radius < 0:
        raise GradlemmaError(f"expected a radius >= 0 but got radius={radius}")
    place = _place(work, weights, data, Role.REFERENCE)
    norms = _weight_norms(work, weights, Role.REFERENCE)
    return _with_constants(work, ReadingName.BALL, ball_bounds(work, norms, radius), place)


def _weight_norms(
    work: Derivation, weights: tuple[ExactTensor, ...], role: Role = Role.PARAMETER
) -> tuple[Theorem, ...]:
    pairs = zip(work.jet.parameters, weights, strict=True)
    return tuple(tensor_norm(v.as_role(role), tensor) for v, tensor in pairs if len(v.shape) == 2)


def _read(work: Derivation, name: ReadingName, bounds: tuple[Theorem, ...], place: _Place) -> Reading:
    return Reading(
        name, _mean(work, work.sample.first, bounds, place), _mean(work, work.sample.second, bounds, place)
    )


def _with_constants(
    work: Derivation, name: ReadingName, bounds: tuple[Theorem, ...], place: _Place
) -> Reading:
    """The smallest bounds among the alternatives for the loss's constants."""
    found = [_read(work, name, (*bounds, *c.theorems), place) for c in work.sample.constants]
    return Reading(name, smallest(r.gradient for r in found), smallest(r.hessian for r in found))


def _mean(work: Derivation, target: Theorem, bounds: tuple[Theorem, ...], place: _Place) -> Bound:
    used = used_bounds(target, bounds)
    right = compare_of(target).right
    by_atom, _ = bounds_of(tuple(bound.sequent for bound in used))
    samples = dict(zip(work.samples, (tensor_of(digest) for digest in place.digests), strict=True))
    blocks = {variable: tensor_of(digest) for variable, digest in place.blocks}
    with ctx.workprec(WORK_PRECISION):
        balls = shared_balls(blocks, samples)
        means = mean_form(evaluate_per_sample(right, by_atom, balls))
    form = Poly((m, round_up(value * (1 + FORM_SLACK), NORM_BITS)) for m, value in means.items() if value > 0)
    rule = MeanOverData(work.samples, place.digests, place.blocks, form)
    theorem = work.finish(infer(rule, target, work.sample.smooth, *used))
    theorem = _discharge_range(work, _discharge_kinks(work, theorem, place), place)
    return bound_of(theorem, lower_end(right, used, work.jet.groups, balls))


def _discharge_kinks(work: Derivation, theorem: Theorem, place: _Place) -> Theorem:
    """Replaces `sigma(z) is twice differentiable` by the fact that no sample lies on a kink there.

    Works at given weights, last layer first; where a sample may lie on a kink, or in a ball, the
    hypothesis stays.
    """
    pairs = [
        (jet.node, before.smooth)
        for before, jet in zip(work.jet.jets[:-1], work.jet.jets[1:], strict=True)
        if isinstance(jet.node, Named) and before.smooth is not None
    ]
    for node, premise in reversed([*pairs, *work.sample.kinks]):
        if ForSamples(work.samples, Smooth(node, 2)) not in theorem.hypotheses:
            continue
        try:
            fact = infer(SmoothAtData(work.samples, place.digests, place.blocks, node), premise)
        except KernelError:
            continue
        theorem = infer(Cut(), fact, theorem)
    return theorem


def _discharge_range(work: Derivation, theorem: Theorem, place: _Place) -> Theorem:
    """Replaces the range of the targets by the fact that the given ones are in it."""
    rule = data_rule(work.loss, work.samples, place.digests, work.sample.target, None)
    if rule is None:
        return theorem
    fact = infer(rule)
    return infer(Cut(), fact, theorem) if fact.claim in theorem.hypotheses else theorem
