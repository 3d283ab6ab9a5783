"""A registered statement as data: id, hypotheses, source, how it is established and instantiated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from proofs.kernel.core import Theorem

__all__ = ["Counterexample", "Hypothesis", "NotSampled", "Sampled", "Sampling", "Statement"]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A condition of a statement.

    name: what `--drop` takes, such as `weight-norms`; says: the condition as a sentence.
    can_be_dropped: whether instances that violate it alone can be drawn; otherwise `why_not` says
    why not, such as that it is a null set.
    """

    name: str
    says: str
    can_be_dropped: bool = True
    why_not: str = ""


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
class Statement:
    """One registered statement.

    theorems: derives the statement (generic, or its smallest telling instance) by kernel rules;
    its LaTeX is printed from these theorems.  instantiate: how to get it for a network of one's own.
    source: where it stands in the literature, or `[gradlemma]`.
    """

    id: str
    title: str
    hypotheses: tuple[Hypothesis, ...]
    source: str
    established: str
    instantiate: str
    theorems: Callable[[], Mapping[str, Theorem]]
    sampling: Sampling
    counterexamples: tuple[Counterexample, ...] = ()
