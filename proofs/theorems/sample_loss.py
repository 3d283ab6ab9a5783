"""What a loss of one sample hands to BND-1: its derivatives' bounds and its constants, as theorems."""

from __future__ import annotations

from dataclasses import dataclass

from proofs.kernel.claims import Equal
from proofs.kernel.core import Theorem
from proofs.kernel.families import Indexed, Recursive
from proofs.kernel.terms import Abbreviation, Named, Term, Variable

from .jet import Jet, vanishing_second

__all__ = ["Constants", "SampleLoss", "jet_premises", "loss_node", "right_of"]


@dataclass(frozen=True, slots=True)
class Constants:
    """Bounds of what a loss leaves open: the residual's norm and, where it is open, the curvature.

    needs_target_norm: whether they refer to ||y||, which the worst case must then be told.
    """

    theorems: tuple[Theorem, ...]
    needs_target_norm: bool = False


@dataclass(frozen=True, slots=True)
class SampleLoss:
    """The loss l(f(x), y) of one sample with its derivation.

    first: |D l[u]| <= g J_f;  second: |D^2 l[u,u]| <= h J_f^2 + g K_f, where g is the norm of the
    residual (p - y, f - y, sigma'(f) - y, sigma'(f - y)) and h a number or max_i sigma''.
    constants: alternatives, each of which bounds g and h in the worst case.
    kinks: nodes that are assumed to be twice differentiable, with the theorem that their
    argument is.
    """

    node: Abbreviation
    target: Variable
    smooth: Theorem
    first: Theorem
    second: Theorem
    constants: tuple[Constants, ...]
    kinks: tuple[tuple[Named, Theorem], ...] = ()


def jet_premises(output: Jet) -> tuple[Theorem, Theorem, Theorem]:
    """The output is twice differentiable; ||D f[u]|| <= J_f; ||D^2 f[u,u]|| <= K_f."""
    if output.smooth is None or output.first is None:
        raise TypeError("expected an output that depends on parameters")
    return output.smooth, output.first, output.second or vanishing_second(output)


def loss_node(output: Term, body: Term) -> Abbreviation:
    """The loss by its name; for the output of a network of depth i, with the index i."""
    return Indexed("loss", output.index, body) if isinstance(output, Recursive) else Named("loss", body)


def right_of(theorem: Theorem) -> Term:
    """The right side of a theorem `t = v`."""
    if not isinstance(theorem.claim, Equal):
        raise TypeError("expected a theorem that two terms are equal")
    return theorem.claim.right
