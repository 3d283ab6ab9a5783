"""Does a stored theorem speak about this problem?  Statement and hypotheses against its facts."""

from __future__ import annotations

from collections.abc import Iterator

from gradlemma.resolve import Resolved
from proofs.kernel.claims import (
    Claim,
    Compare,
    ForSamples,
    IsTensor,
    OperatorNorm,
    Relation,
    SamplesAre,
    Simplex,
    Smooth,
)
from proofs.kernel.core import Theorem
from proofs.kernel.scalars import DistanceNorm, Norm, number
from proofs.kernel.store import remember
from proofs.kernel.terms import Mean, Role
from proofs.theorems.bounds import Derivation

__all__ = ["differences"]


def differences(goals: dict[str, Theorem], work: Derivation, resolved: Resolved) -> list[str]:
    """What does not fit: one sentence for each goal that is not about the problem.

    A goal fits if it bounds the problem's own mean loss and each of its hypotheses is a fact of
    the problem: its box, its data, its weights, its ball, or smoothness off kinks.
    """
    facts = set(_facts(work, resolved))
    mean = Mean(work.samples, work.sample.node)
    found: list[str] = []
    for name, theorem in goals.items():
        claim = theorem.claim
        order = {"G_max": 1, "H_max": 2}.get(name.rpartition(".")[2])
        if not isinstance(claim, OperatorNorm) or claim.term is not mean or claim.order != order:
            found.append(f"{name} is not a bound of that name of this problem's loss")
        elif not theorem.hypotheses <= facts:
            extra = len(theorem.hypotheses - facts)
            found.append(f"{name} rests on {extra} hypotheses that are not facts of this problem")
    return found


def _facts(work: Derivation, resolved: Resolved) -> Iterator[Claim]:
    samples = work.samples
    for jet in work.jet.jets[1:]:
        yield ForSamples(samples, Smooth(jet.node, 2))
        yield Smooth(jet.node, 2)
    yield ForSamples(samples, _at_most(Norm(work.jet.sample), resolved.input_norm))
    yield ForSamples(samples, Simplex(work.sample.target))
    if resolved.target_norm is not None:
        yield ForSamples(samples, _at_most(Norm(work.sample.target), resolved.target_norm))
    if resolved.data is not None:
        yield SamplesAre(samples, (remember(resolved.data.inputs), remember(resolved.data.targets)))
    if resolved.box is not None:
        for group, size, shift in zip(
            work.jet.groups, resolved.box.weight_norms, resolved.box.bias_norms, strict=True
        ):
            yield _at_most(Norm(group.weight), size)
            if group.bias is not None and shift is not None:
                yield _at_most(Norm(group.bias), shift)
    if resolved.weights is not None:
        for variable, tensor in zip(work.jet.parameters, resolved.weights, strict=True):
            yield IsTensor(variable, remember(tensor))
            yield IsTensor(variable.as_role(Role.REFERENCE), remember(tensor))
    if resolved.problem.radius is not None:
        everything = DistanceNorm(tuple(sorted(work.jet.parameters, key=lambda v: v.name)))
        yield _at_most(everything, resolved.problem.radius)


def _at_most(atom, value) -> Claim:  # type: ignore[no-untyped-def]
    return Compare(atom.poly(), Relation.LE, number(value))
