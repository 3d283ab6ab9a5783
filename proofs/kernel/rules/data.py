"""Rules that look at given data and weights: norms of samples, bounds averaged over samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flint import ctx, fmpq

from proofs.errors import KernelError

from ..balls import TermBalls, shared_balls
from ..claims import (
    Claim,
    Compare,
    EntriesIn,
    ForSamples,
    IsTensor,
    Relation,
    SamplesAre,
    Sequent,
    Simplex,
    Smooth,
)
from ..core import Rule, register
from ..domains import check_analytic
from ..kinks import avoids_kinks
from ..monotone import require_monotone
from ..per_sample import evaluate_per_sample, mean_form
from ..scalars import DirectionNorm, Monomial, Norm, Poly, number
from ..store import tensor_of
from ..terms import Deriv, Entrywise, Mean, Named, Role, Variable
from ..univariate import Univariate
from .algebra import bounds_of
from .logic import expect_premises, no_premises
from .samples import close_samples, sample_derivative

__all__ = ["WORK_PRECISION", "DataNorm", "DataRange", "DataSimplex", "MeanOverData", "SmoothAtData"]

LE = Relation.LE
WORK_PRECISION = 96


def _rows(
    samples: tuple[Variable, ...], digests: tuple[str, ...], part: Variable
) -> tuple[list[list[int]], int]:
    """The rows of a part of the samples, as integers over one denominator."""
    tensor = tensor_of(digests[samples.index(part)])
    if len(tensor.shape) != 2 or tensor.shape[1:] != part.shape:
        raise KernelError(f"expected data of shape [N, {part.shape[0]}] for {part.name}")
    width = tensor.shape[1]
    entries, denominator = tensor.integers()
    return [entries[i : i + width] for i in range(0, len(entries), width)], denominator


@register
@dataclass(frozen=True)
class DataNorm(Rule):
    """
    --------------------------------------------------------------- DataNorm      exact
    samples are the rows of A, ... |- ||x|| <= M for every sample
    """

    samples: tuple[Variable, ...]
    digests: tuple[str, ...]
    part: Variable
    bound: fmpq

    def conclude(self, *premises: Sequent) -> Sequent:
        no_premises(premises)
        rows, denominator = _rows(self.samples, self.digests, self.part)
        # ||x|| <= p/q  iff  q^2 sum m_i^2 <= p^2 d^2 for x = m/d.
        limit = (int(self.bound.p) * denominator) ** 2
        scale = int(self.bound.q) ** 2
        for index, row in enumerate(rows):
            if self.bound < 0 or scale * sum(entry * entry for entry in row) > limit:
                raise KernelError(f"sample {index} has a norm above {self.bound}")
        claim = Compare(Norm(self.part).poly(), LE, number(self.bound))
        hypothesis = SamplesAre(self.samples, self.digests)
        return Sequent(frozenset([hypothesis]), ForSamples(self.samples, claim))


@register
@dataclass(frozen=True)
class DataRange(Rule):
    """
    --------------------------------------------------------------------------- DataRange      exact
    samples are the rows of A, ... |- a <= y_i <= b for every i, every sample
    """

    samples: tuple[Variable, ...]
    digests: tuple[str, ...]
    part: Variable
    lower: fmpq
    upper: fmpq

    def conclude(self, *premises: Sequent) -> Sequent:
        no_premises(premises)
        rows, denominator = _rows(self.samples, self.digests, self.part)
        low, high = self.lower * denominator, self.upper * denominator
        for index, row in enumerate(rows):
            if min(row) < low or max(row) > high:
                raise KernelError(f"sample {index} has an entry outside [{self.lower}, {self.upper}]")
        hypothesis = SamplesAre(self.samples, self.digests)
        claim = EntriesIn(self.part, self.lower, self.upper)
        return Sequent(frozenset([hypothesis]), ForSamples(self.samples, claim))


@register
@dataclass(frozen=True)
class DataSimplex(Rule):
    """
    ----------------------------------------------------------------------------- DataSimplex
    samples are the rows of A, ... |- y is a probability vector for every sample
    """

    samples: tuple[Variable, ...]
    digests: tuple[str, ...]
    part: Variable

    def conclude(self, *premises: Sequent) -> Sequent:
        no_premises(premises)
        rows, denominator = _rows(self.samples, self.digests, self.part)
        for index, row in enumerate(rows):
            if min(row) < 0 or sum(row) != denominator:
                raise KernelError(f"the target of sample {index} is not a probability vector")
        hypothesis = SamplesAre(self.samples, self.digests)
        return Sequent(frozenset([hypothesis]), ForSamples(self.samples, Simplex(self.part)))


@register
@dataclass(frozen=True)
class SmoothAtData(Rule):
    """
    G |- z is twice differentiable
    --------------------------------------------------------------------------- SmoothAtData
    G*, samples are rows, blocks are tensors |- sigma(z) is twice differentiable for every sample

    no entry of z at any sample can be a kink of sigma: its ball excludes all kinks.
    """

    trust = "arb"

    samples: tuple[Variable, ...]
    digests: tuple[str, ...]
    blocks: tuple[tuple[Variable, str], ...]
    term: Named

    def conclude(self, *premises: Sequent) -> Sequent:
        expect_premises(premises, 1)
        body, claim = self.term.body, premises[0].claim
        if not isinstance(body, Entrywise) or body.order != 0 or not isinstance(body.function, Univariate):
            raise KernelError("expected sigma(z) with a function given by pieces")
        if not isinstance(claim, Smooth) or claim.term is not body.vector or claim.order < 2:
            raise KernelError("expected the premise that z is twice differentiable")
        check_analytic(body.function)
        with ctx.workprec(WORK_PRECISION):
            for index, column in enumerate(_balls(self).value(body.vector)):
                if not all(avoids_kinks(body.function, x) for x in column):
                    raise KernelError(f"sample {index} may lie on a kink")
        hypotheses = close_samples(premises[0].hypotheses, self.samples) | _place_hypotheses(self)
        return Sequent(hypotheses, ForSamples(self.samples, Smooth(self.term, 2)))


def _balls(rule: SmoothAtData | MeanOverData) -> TermBalls:
    samples = {v: tensor_of(d) for v, d in zip(rule.samples, rule.digests, strict=True)}
    blocks = {variable: tensor_of(digest) for variable, digest in rule.blocks}
    if len(blocks) != len(rule.blocks):
        raise KernelError("expected one tensor a block")
    return shared_balls(blocks, samples)


def _place_hypotheses(rule: SmoothAtData | MeanOverData) -> frozenset[Claim]:
    blocks = {IsTensor(variable, digest) for variable, digest in rule.blocks}
    return frozenset([SamplesAre(rule.samples, rule.digests), *blocks])


@register
@dataclass(frozen=True)
class MeanOverData(Rule):
    """
    G |- |D^k F[u..]| <= p    D |- F is k times differentiable    E_i |- t_i <= q_i
    ------------------------------------------------------------------------------- MeanOverData
    G*, D*, E*, samples are rows, blocks are tensors |- |D^k mean_i F_i[u..]| <= form

    p is visibly monotone; for every sample its norms and maximal entries of nodes are enclosed
    by balls, the t_i replaced by the q_i; the mean of the resulting polynomials in the norms of
    u has coefficients at most those of `form`.
    """

    trust = "arb"

    samples: tuple[Variable, ...]
    digests: tuple[str, ...]
    blocks: tuple[tuple[Variable, str], ...]
    form: Poly

    def conclude(self, *premises: Sequent) -> Sequent:
        if len(premises) < 2:
            raise KernelError("expected two or more premises")
        term, order, right = sample_derivative(premises[0], premises[1])
        bounds, known = bounds_of(premises[2:])
        require_monotone(right, bounds, known)
        if Mean(self.samples, term).with_role(Role.SAMPLE):
            raise KernelError("expected the mean to bind all sample variables")
        with ctx.workprec(WORK_PRECISION):
            self._compare(mean_form(evaluate_per_sample(right, bounds, _balls(self))))
        hypotheses = _place_hypotheses(self)
        for premise in premises:
            hypotheses = hypotheses | close_samples(premise.hypotheses, self.samples)
        mean = Deriv(Mean(self.samples, term), order)
        return Sequent(hypotheses, Compare(Norm(mean).poly(), LE, self.form))

    def _compare(self, means: Mapping[Monomial, fmpq]) -> None:
        for monomial, value in means.items():
            if value > 0 and value > self.form.terms.get(monomial, fmpq(0)):
                raise KernelError("the mean could not be shown to be at most the stated form")
        if any(coefficient < 0 for coefficient in self.form.terms.values()):
            raise KernelError("expected a form with coefficients >= 0")
        if not all(isinstance(inner, DirectionNorm) for inner in self.form.atoms()):
            raise KernelError("expected a form in norms of the direction alone")
