"""Rules that close over the samples of the data set and over directions."""

from __future__ import annotations

from dataclasses import dataclass

from proofs.errors import KernelError

from ..claims import Claim, Compare, ForSamples, OperatorNorm, Relation, Sequent, Smooth
from ..core import Rule, register
from ..families import Block
from ..scalars import Atom, DirectionNorm, Norm, Poly
from ..sequences import FamilyNorm
from ..terms import Deriv, Mean, Role, Term, Variable
from .logic import at_most, expect_premises

__all__ = ["MeanBound", "OperatorNormIntro", "close_samples", "sample_derivative"]


def close_samples(hypotheses: frozenset[Claim], samples: tuple[Variable, ...]) -> frozenset[Claim]:
    """The hypotheses with those about one sample turned into ones about all samples."""
    bound = frozenset(samples)
    closed: set[Claim] = set()
    for claim in hypotheses:
        loose = frozenset(v for v in claim.free if v.role is Role.SAMPLE)
        if loose and not loose <= bound:
            raise KernelError("expected hypotheses about the bound sample variables alone")
        closed.add(ForSamples(samples, claim) if loose else claim)
    return frozenset(closed)


def sample_derivative(bounding: Sequent, smooth: Sequent) -> tuple[Term, int, Poly]:
    """F, k and p of the premises `|D^k F[u..]| <= p` and `F is k times differentiable`."""
    compared = at_most(bounding)
    ((monomial, coefficient),) = compared.left.terms.items()
    ((inner, exponent),) = monomial
    if coefficient != 1 or exponent != 1 or not isinstance(inner, Norm) or not isinstance(inner.term, Deriv):
        raise KernelError("expected a premise that bounds a derivative")
    claim = smooth.claim
    term, order = inner.term.term, inner.term.order
    if not isinstance(claim, Smooth) or claim.term is not term or claim.order < order:
        raise KernelError("expected a premise that the sample's loss is smooth")
    return term, order, compared.right


@register
@dataclass(frozen=True)
class MeanBound(Rule):
    """
    G |- |D^k F[u..]| <= p    D |- F is k times differentiable
    ---------------------------------------------------------- MeanBound      no sample in p
    G*, D* |- |D^k mean_i F_i[u..]| <= p

    G* is G with every hypothesis about one sample (x, y) turned into one about all samples.
    """

    samples: tuple[Variable, ...]

    def conclude(self, *premises: Sequent) -> Sequent:
        expect_premises(premises, 2)
        term, order, right = sample_derivative(*premises)
        if any(v.role is Role.SAMPLE for v in right.variables):
            raise KernelError("expected a bound that does not depend on the sample")
        mean = Mean(self.samples, term)
        if mean.with_role(Role.SAMPLE):
            raise KernelError("expected the mean to bind all sample variables")
        hypotheses = close_samples(premises[0].hypotheses | premises[1].hypotheses, self.samples)
        return Sequent(hypotheses, Compare(Norm(Deriv(mean, order)).poly(), Relation.LE, right))


@register
@dataclass(frozen=True)
class OperatorNormIntro(Rule):
    """
    G |- |D^k F[u..]| <= c ||u||^k
    ------------------------------ OperatorNormIntro      u not in G nor in c; u ranges over
    G |- ||D^k F|| <= c                                    all parameters of F

    For the blocks of a family ||u|| is the norm of its first blocks, up to any end: u may vanish
    on blocks that F does not hold, and blocks left out would only make the premise stronger.
    """

    def conclude(self, *premises: Sequent) -> OperatorNorm:
        expect_premises(premises, 1)
        (premise,) = premises
        if any(v.role is Role.DIRECTION for claim in premise.hypotheses for v in claim.free):
            raise KernelError("expected hypotheses that do not speak about the direction")
        compared = at_most(premise)
        ((monomial, _),) = compared.left.terms.items()
        inner = monomial[0][0]
        if compared.left != inner.poly() or not isinstance(inner, Norm) or not isinstance(inner.term, Deriv):
            raise KernelError("expected a premise that bounds a derivative")
        term, order = inner.term.term, inner.term.order
        size = _whole(term.with_role(Role.PARAMETER), compared.right)
        return OperatorNorm(term, order, _divide(compared.right, size, order))


def _whole(parameters: frozenset[Variable], right: Poly) -> Atom:
    """||u|| over the parameters; for a family of blocks that of the first ones, as in the bound."""
    if not any(isinstance(v, Block) and v.index.is_open for v in parameters):
        return DirectionNorm(tuple(sorted(parameters, key=lambda v: v.name)))
    found = [inner for inner in right.atoms() if isinstance(inner, FamilyNorm)]
    if len(found) != 1 or {(type(v), v.name) for v in parameters} != {(Block, found[0].member.name)}:
        raise KernelError("expected a bound in the norm of the direction's first blocks of the one family")
    return found[0]


def _divide(right: Poly, size: Atom, order: int) -> Poly:
    """c with right = c * size^order, c free of directions."""
    quotient: list[tuple[object, object]] = []
    for monomial, coefficient in right.terms.items():
        powers = dict(monomial)
        if powers.pop(size, 0) != order:
            raise KernelError("expected a bound of the form c ||u||^k with all parameters in u")
        quotient.append((tuple(pair for pair in monomial if pair[0] is not size), coefficient))
    bound = Poly(quotient)  # type: ignore[arg-type]
    if any(v.role is Role.DIRECTION for v in bound.variables):
        raise KernelError("expected a constant that does not depend on the direction")
    return bound
