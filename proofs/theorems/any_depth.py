"""What derivations for networks of any depth share: blocks, constants, and theorems at other indices."""

from __future__ import annotations

from dataclasses import dataclass

from proofs.kernel.claims import ForIndices
from proofs.kernel.core import Theorem, infer
from proofs.kernel.families import Block
from proofs.kernel.indices import Index
from proofs.kernel.rules import Cut, Instantiate, PowerStep, Subrange
from proofs.kernel.scalars import Poly
from proofs.kernel.sequences import Natural, power
from proofs.kernel.substitution import partial_sum
from proofs.kernel.terms import Role, Variable

from .tactics import assume

__all__ = ["BEFORE", "HERE", "INPUT", "NEXT", "ONE", "Constants", "at", "block", "widened"]

ONE, HERE, NEXT = Index(1, False), Index(0, True), Index(1, True)
BEFORE = Index(-1, True)


@dataclass(frozen=True, slots=True)
class Constants:
    """The symbols s, M, beta, gamma with the theorems that they bound weights, data and activation.

    positive: 0 <= r for every real among them; at_zero: phi(0) = 0; secant: |phi(t)| <= beta |t|;
    slope, bend: |phi'| <= beta, |phi''| <= gamma.
    """

    weight: Poly
    inputs: Poly
    beta: Poly
    gamma: Poly
    positive: tuple[Theorem, ...]
    at_zero: Theorem
    secant: Theorem
    slope: Theorem
    bend: Theorem

    @property
    def rate(self) -> Poly:
        """Q = beta s."""
        return self.beta * self.weight

    def power(self, index: Index) -> Poly:
        return power(self.rate, index)

    def power_step(self, index: Index) -> Theorem:
        """q^(i+1) = q q^i."""
        return infer(PowerStep(self.rate, index))

    @property
    def summand(self) -> Poly:
        """N q^(n-1)."""
        return Natural().poly() * self.power(BEFORE)

    def total(self, end: Index) -> Poly:
        """sum_{n=1}^end n q^(n-1)."""
        return partial_sum(self.summand, end)


def block(index: Index) -> Block:
    return Block("W", (("d", index), ("d", index.shifted(-1))), Role.PARAMETER, index)


INPUT = Variable("x", (("d", Index(0, False)),), Role.SAMPLE)


def at(theorem: Theorem, index: Index) -> Theorem:
    """The theorem at another index than n."""
    return theorem if index is HERE else infer(Instantiate(index), theorem)


def widened(theorem: Theorem) -> Theorem:
    """The theorem with hypotheses for ranges that others contain replaced by those."""
    ranges = [claim for claim in theorem.hypotheses if isinstance(claim, ForIndices)]
    for small in sorted(ranges, key=lambda claim: claim.key):  # type: ignore[attr-defined]
        large = [c for c in ranges if c.claim is small.claim and small.end.is_at_most(c.end)]
        widest = max(large, key=lambda claim: claim.end.offset)
        if widest is not small:
            theorem = infer(Cut(), infer(Subrange(small.end), assume(widest)), theorem)
    return theorem
