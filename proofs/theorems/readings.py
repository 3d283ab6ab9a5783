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
from proofs.kernel.rules import Cut, DataSimplex, MeanOverData, SmoothAtData, TensorNorm
from proofs.kernel.rules.algebra import bounds_of
from proofs.kernel.rules.data import WORK_PRECISION
from proofs.kernel.scalars import Poly
from proofs.kernel.spectral import frobenius_above, spectral_above
from proofs.kernel.store import remember, tensor_of
from proofs.kernel.tensors import ExactTensor
from proofs.kernel.terms import Named, Role, Variable
from proofs.network import Loss

from .ball import ball_bounds
from .bounds import Bound, Data, Derivation, Reading, ReadingName, bound_of, used_bounds
from .lower import lower_end
from .tactics import compare_of, rational

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

    The loss enters by its constants: ||p - y|| <= sqrt(2), or ||f - y|| <= ||f|| + ||y||.
    """
    bounds = (*_weight_norms(work, weights), *work.sample.residual_bounds)
    return _read(work, ReadingName.AT_WEIGHTS, bounds, _place(work, weights, data, Role.PARAMETER))


def at_residuals(work: Derivation, weights: tuple[ExactTensor, ...], data: Data) -> Reading:
    """As `at_weights`, with each sample's actual ||p - y|| or ||f - y||: the sharpest reading."""
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
    bounds = (*ball_bounds(work, norms, radius), *work.sample.residual_bounds)
    return _read(work, ReadingName.BALL, bounds, place)


def _weight_norms(
    work: Derivation, weights: tuple[ExactTensor, ...], role: Role = Role.PARAMETER
) -> tuple[Theorem, ...]:
    pairs = zip(work.jet.parameters, weights, strict=True)
    return tuple(tensor_norm(v.as_role(role), tensor) for v, tensor in pairs if len(v.shape) == 2)


def _read(work: Derivation, name: ReadingName, bounds: tuple[Theorem, ...], place: _Place) -> Reading:
    return Reading(
        name, _mean(work, work.sample.first, bounds, place), _mean(work, work.sample.second, bounds, place)
    )


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
    theorem = _discharge_simplex(work, _discharge_kinks(work, theorem, place), place)
    return bound_of(theorem, lower_end(right, used, work.jet.groups, balls))


def _discharge_kinks(work: Derivation, theorem: Theorem, place: _Place) -> Theorem:
    """Replaces `sigma(z) is twice differentiable` by the fact that no sample lies on a kink there.

    Works at given weights, last layer first; where a sample may lie on a kink, or in a ball, the
    hypothesis stays.
    """
    for before, jet in reversed(list(zip(work.jet.jets[:-1], work.jet.jets[1:], strict=True))):
        node = jet.node
        wanted = ForSamples(work.samples, Smooth(node, 2))
        if wanted not in theorem.hypotheses or before.smooth is None or not isinstance(node, Named):
            continue
        try:
            fact = infer(SmoothAtData(work.samples, place.digests, place.blocks, node), before.smooth)
        except KernelError:
            continue
        theorem = infer(Cut(), fact, theorem)
    return theorem


def _discharge_simplex(work: Derivation, theorem: Theorem, place: _Place) -> Theorem:
    if work.loss is not Loss.CROSS_ENTROPY:
        return theorem
    fact = infer(DataSimplex(work.samples, place.digests, work.sample.target))
    return infer(Cut(), fact, theorem) if fact.claim in theorem.hypotheses else theorem
