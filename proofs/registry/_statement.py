"""A registered statement as data: id, hypotheses, source, how it is established and instantiated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from proofs.errors import UnknownNameError
from proofs.exhibits._exhibit import Exhibit
from proofs.kernel.core import Theorem

from .assumptions import Assumption

__all__ = [
    "Counterexample", "Hypothesis", "Instantiation", "NotSampled", "Sampled", "Sampling", "Statement",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A condition of a statement.

    name: what `--drop` takes, such as `weight-norms`; says: the condition as a sentence.
    assumes: the kinds of claims in the theorems' hypotheses that it stands for; empty where the
    condition is part of the network's form or of a rule, and for a factor.
    is_factor: not a condition but a factor of the right side that may be left out.
    can_be_dropped: whether instances that violate it alone can be drawn; otherwise `why_not` says
    why not, such as that it is a null set, and `instead` names what can be attacked.
    """

    name: str
    says: str
    assumes: tuple[Assumption, ...] = ()
    is_factor: bool = False
    can_be_dropped: bool = True
    why_not: str = ""
    instead: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counterexample:
    """What is known to go wrong when a hypothesis (or a factor) is dropped.

    witness: the smallest known instance in words, as the search finds it (`tests/quality`).
    """

    dropped: str
    witness: str


@dataclass(frozen=True, slots=True)
class Sampled:
    """Instances can be drawn; `margin` says what is compared: left side / right side - 1."""

    margin: str


@dataclass(frozen=True, slots=True)
class NotSampled:
    """No instance shows or refutes it; `instead` names what can be attacked."""

    reason: str
    instead: tuple[str, ...]


Sampling = Sampled | NotSampled


@dataclass(frozen=True, slots=True)
class Instantiation:
    """How to get the statement for something of one's own: a command, and the same from Python."""

    command: str
    python: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One registered statement.

    says: the statement as a sentence.  theorems: derives the statement (generic, or its smallest
    telling instance) by kernel rules; its LaTeX is printed from these theorems.  instantiate: how
    to get it for a network of one's own.  source: where it stands in the literature, or
    `[gradlemma]`.  exhibits: false forms of it, printed ones among them, each shown by an instance that
    is computed when asked for, with the true form.
    """

    id: str
    title: str
    says: str
    hypotheses: tuple[Hypothesis, ...]
    source: str
    established: str
    instantiate: Instantiation
    theorems: Callable[[], Mapping[str, Theorem]]
    sampling: Sampling
    counterexamples: tuple[Counterexample, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()

    def hypothesis(self, name: str) -> Hypothesis:
        """The hypothesis or factor of that name.

        Raises:
            UnknownNameError: for any other name, with the nearest one.
        """
        for hypothesis in self.hypotheses:
            if hypothesis.name == name:
                return hypothesis
        known = [hypothesis.name for hypothesis in self.hypotheses]
        raise UnknownNameError(f"a hypothesis of {self.id}", name, known)
