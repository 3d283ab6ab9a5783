"""Kinds of assumptions: what a hypothesis of a theorem is about, read off the claim.

Every statement lists for each of its hypotheses the kinds that it stands for, so that an
assumption which a theorem makes and the registry does not name is found by comparing.
"""

from __future__ import annotations

from enum import Enum

from proofs.errors import KernelError
from proofs.kernel.claims import (
    Claim,
    Compare,
    EntriesIn,
    ForIndices,
    ForSamples,
    IsTensor,
    Relation,
    SamplesAre,
    Simplex,
    Smooth,
    SupBound,
)
from proofs.kernel.maps import RankDet
from proofs.kernel.scalars import Atom, DistanceNorm, Let, Norm, Poly, Real, number
from proofs.kernel.series import SmoothTasks
from proofs.kernel.set_claims import (
    AlmostEverywhereAnalytic,
    AvoidsExceptional,
    Exceptional,
    Independent,
    NotWithin,
    Null,
    OuterAnalytic,
    SetClaim,
    Within,
)
from proofs.kernel.sets import Empty, LevelSet, SingularPoints, Without
from proofs.kernel.task_scalars import BallBounds, BendNorm, ForTasks, Length, StepLength, TaskCount
from proofs.kernel.terms import Named, Role, Term, Variable

__all__ = ["Assumption", "assumption_of"]


class Assumption(Enum):
    """What a hypothesis is about; the value is the condition in words."""

    WEIGHT_NORM = "the norm of a weight matrix is bounded"
    BIAS_NORM = "the norm of a bias is bounded"
    INPUT_NORM = "the norm of the input is bounded"
    TARGET_NORM = "the norm of the target is bounded"
    NODE_NORM = "the norm of a node is bounded"
    TARGET_SIMPLEX = "the target is a probability vector"
    TARGET_RANGE = "the target's entries lie in [0, 1]"
    TWICE_DIFFERENTIABLE = "a node is twice differentiable in the parameters"
    VALUE_AT_ZERO = "the activation's value at 0 is bounded"
    SLOPE = "the activation's slope is bounded"
    BEND = "the activation's second derivative is bounded"
    NONNEGATIVE = "a constant is at least 0"
    EIGENVECTOR = "K v <= lambda v with v > 0"
    UNIT_RATE = "beta s = 1"
    GIVEN_WEIGHTS = "the weights are the given ones"
    GIVEN_DATA = "the data are the given ones"
    IN_BALL = "the parameters lie in the ball"
    MAP_ANALYTIC = "a map is almost everywhere analytic"
    MAP_ANALYTIC_EVERYWHERE = "a map is analytic on all of Theta"
    OUTER_ANALYTIC = "the function that is applied is analytic [almost everywhere]"
    FRESH_BLOCK = "the argument does not depend on the trained block"
    FULL_RANK = "a map has full rank somewhere"
    STEP_NOT_EXCEPTIONAL = "the step size is not exceptional"
    STEP_EXCEPTIONAL = "the step size is exceptional"
    TASKS_SMOOTH = "the losses of the tasks are C^3 near theta_0"
    RUN_SLOPES = "the gradients of the tasks' losses are bounded along the multi-task run"
    RUN_BENDS = "the Hessians of the tasks' losses are bounded along the multi-task run"
    SINGLE_TASK = "there is one task"
    BALL_BOUNDS = "gradients and Hessians of the tasks' losses are bounded in a ball"
    SHORT_RUN = "the multi-task run is too short to leave the ball"


def assumption_of(claim: Claim) -> Assumption:
    """What a hypothesis of a theorem is about.

    Raises:
        KernelError: for a claim of a kind that no statement assumes so far.
    """
    match claim:
        case ForSamples(claim=inner) | ForIndices(claim=inner):
            return assumption_of(inner)
        case Smooth():
            return Assumption.TWICE_DIFFERENTIABLE
        case Simplex(term=Variable(role=Role.SAMPLE)):
            return Assumption.TARGET_SIMPLEX
        case EntriesIn(term=Variable(role=Role.SAMPLE)):
            return Assumption.TARGET_RANGE
        case IsTensor():
            return Assumption.GIVEN_WEIGHTS
        case SamplesAre():
            return Assumption.GIVEN_DATA
        case SupBound():
            return _of_activation(claim)
        case Compare():
            return _of_comparison(claim)
        case SetClaim():
            return _of_sets(claim)
        case SmoothTasks():
            return Assumption.TASKS_SMOOTH
        case BallBounds():
            return Assumption.BALL_BOUNDS
        case ForTasks(left=left) if isinstance(_single(left), Length):
            return Assumption.RUN_SLOPES
        case ForTasks(left=left) if isinstance(_single(left), BendNorm):
            return Assumption.RUN_BENDS
        case _:
            raise KernelError(f"no kind of assumption is known for {type(claim).__name__}")


def _of_sets(claim: SetClaim) -> Assumption:
    match claim:
        case AlmostEverywhereAnalytic():
            return Assumption.MAP_ANALYTIC
        case Within(inner=SingularPoints(), outer=Empty()):
            return Assumption.MAP_ANALYTIC_EVERYWHERE
        case OuterAnalytic():
            return Assumption.OUTER_ANALYTIC
        case Independent():
            return Assumption.FRESH_BLOCK
        case NotWithin(outer=LevelSet(of=RankDet())) | Null(region=Without(left=LevelSet(of=RankDet()))):
            return Assumption.FULL_RANK
        case AvoidsExceptional():
            return Assumption.STEP_NOT_EXCEPTIONAL
        case Exceptional():
            return Assumption.STEP_EXCEPTIONAL
        case _:
            raise KernelError(f"no kind of assumption is known for {type(claim).__name__}")


def _of_activation(claim: SupBound) -> Assumption:
    if claim.order == 0 and claim.radius == number(0):
        return Assumption.VALUE_AT_ZERO
    if claim.order == 1:
        return Assumption.SLOPE
    if claim.order == 2:
        return Assumption.BEND
    raise KernelError(f"no kind of assumption is known for a bound of the derivative {claim.order}")


def _of_comparison(claim: Compare) -> Assumption:
    atoms = claim.left.atoms() | claim.right.atoms()
    if atoms and all(_is_of_certificate(inner) for inner in atoms):
        return Assumption.EIGENVECTOR
    if claim.relation is Relation.LE and claim.left == number(0) and isinstance(_single(claim.right), Real):
        return Assumption.NONNEGATIVE
    if claim.relation is Relation.EQ and claim.right == number(1) and claim.left == _rate():
        return Assumption.UNIT_RATE
    if (
        claim.relation is Relation.EQ
        and claim.right == number(1)
        and isinstance(_single(claim.left), TaskCount)
    ):
        return Assumption.SINGLE_TASK
    if claim.relation is Relation.LE and StepLength() in claim.left.atoms() and _is_real(claim.right):
        return Assumption.SHORT_RUN
    match _single(claim.left):
        case Norm(term=term) if claim.relation is Relation.LE:
            return _of_norm(term)
        case DistanceNorm() if claim.relation is Relation.LE:
            return Assumption.IN_BALL
        case _:
            pass
    raise KernelError("no kind of assumption is known for a comparison of this form")


def _rate() -> Poly:
    return Real("beta").poly() * Real("s").poly()


def _of_norm(term: Term) -> Assumption:
    match term:
        case Variable(role=Role.PARAMETER, shape=shape):
            return Assumption.WEIGHT_NORM if len(shape) == 2 else Assumption.BIAS_NORM
        case Variable(role=Role.SAMPLE, name="x"):
            return Assumption.INPUT_NORM
        case Variable(role=Role.SAMPLE, name="y"):
            return Assumption.TARGET_NORM
        case Named():
            return Assumption.NODE_NORM
        case _:
            raise KernelError(f"no kind of assumption is known for a norm of {type(term).__name__}")


def _is_of_certificate(inner: Atom) -> bool:
    """Whether it is lambda, nu or rho = 1/nu, or an entry of K."""
    match inner:
        case Real(name=name):
            return name in ("lambda", "nu", "rho")
        case Let(name=name):
            return name in ("K11", "K12", "K22")
        case _:
            return False


def _is_real(poly: Poly) -> bool:
    return isinstance(_single(poly), Real)


def _single(poly: Poly) -> Atom | None:
    """The atom that the polynomial is, if it is one."""
    atoms = poly.atoms()
    if len(atoms) != 1:
        return None
    (inner,) = atoms
    return inner if poly == inner.poly() else None
