"""Does a stored theorem speak about this problem?  Statement and hypotheses against its facts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from gradlemma.errors import printable
from gradlemma.resolve import Resolved
from proofs.kernel.claims import (
    Claim,
    Compare,
    ForSamples,
    IsTensor,
    OperatorNorm,
    Relation,
    SamplesAre,
    Smooth,
)
from proofs.kernel.core import Theorem
from proofs.kernel.scalars import Atom, DistanceNorm, Norm, number
from proofs.kernel.store import remember
from proofs.kernel.terms import Entrywise, Mean, Named, Role, Term
from proofs.network import Dense
from proofs.theorems.bounds import Box, Derivation, ReadingName
from proofs.theorems.targets import target_range

__all__ = ["Difference", "assumed_beyond", "compare", "differences", "flat_place"]

_ALMOST_ALL = (ReadingName.WORST_CASE.value, ReadingName.BALL.value)


def differences(goals: dict[str, Theorem], work: Derivation, resolved: Resolved) -> list[str]:
    """What does not fit: one sentence for each goal that is not about the problem, or not shown of it.

    A goal `<reading>.G_max`, `.H_max` or `.H_max_refined` fits if it bounds the problem's own mean
    loss and each of its hypotheses is a fact of that reading: its box and range of data, its weights
    and data, or its ball; or, for the worst case and the ball, which speak of almost all weights,
    smoothness off kinks (at given weights it must be shown, and a box or a ball of volume 0 may
    consist of kinks).  A goal `data.inputs` or `data.targets` fits if it says that the problem's data
    are in range.
    """
    return [difference.sentence for difference in compare(goals, work, resolved)]


@dataclass(frozen=True, slots=True)
class Difference:
    """A sentence about one goal.

    is_unshown: the goal is about the problem and nothing contradicts it, but that the problem's own
    nodes are twice differentiable is not shown.
    """

    sentence: str
    is_unshown: bool = False


def compare(goals: dict[str, Theorem], work: Derivation, resolved: Resolved) -> list[Difference]:
    """As `differences`, telling what is not shown from what does not fit."""
    mean = Mean(work.samples, work.sample.node)
    range_of_data = tuple(_data_range(work, resolved))
    found: list[Difference] = []
    for name, theorem in goals.items():
        place, _, quantity = name.partition(".")
        facts = set(_facts(place, work, resolved, range_of_data))
        claim = theorem.claim
        if place == "data":
            number = {"inputs": 0, "targets": 1}.get(quantity)
            fits = number is not None and claim in range_of_data[number : number + 1]
        else:
            order = {"G_max": 1, "H_max": 2, "H_max_refined": 2}.get(quantity)
            fits = isinstance(claim, OperatorNorm) and claim.term is mean and claim.order == order
        if not facts or not fits:
            found.append(Difference(f"{name} is not a statement of that name about this problem"))
        elif theorem.hypotheses - facts:
            found.append(_missing(name, theorem.hypotheses - facts, work, flat_place(place, resolved)))
    if not any(name.endswith((".G_max", ".H_max", ".H_max_refined")) for name in goals):
        found.append(Difference("there is no bound of a gradient or a Hessian"))
    return found


def _missing(name: str, extra: frozenset[Claim], work: Derivation, flat: str | None) -> Difference:
    own = {ForSamples(work.samples, Smooth(node, 2)): node for node in _nodes(work)}
    if not extra <= own.keys():
        return Difference(f"{name} rests on {len(extra)} hypotheses that are not facts of this problem")
    in_loss = {node for node, _ in work.sample.kinks}
    parts = [node in in_loss for claim, node in own.items() if claim in extra]
    who = "the loss" if all(parts) else "all activations and the loss" if any(parts) else "all activations"
    if flat is not None:
        text = f"{name} needs {who} to be twice differentiable, which may fail everywhere: {flat}"
    else:
        text = (
            f"{name} needs {who} to be off the kinks at the given weights, which is not shown: "
            "a sample lies on a kink, or too close to one to tell"
        )
    return Difference(text, is_unshown=True)


def flat_place(place: str, resolved: Resolved) -> str | None:
    """Why the box or the ball has volume 0, so that a null set of weights may be all of it; with a remedy."""
    if place == ReadingName.BALL.value and resolved.problem.radius == 0:
        return "the ball has radius 0; remove it, the given weights have a reading of their own"
    if place == ReadingName.WORST_CASE.value and resolved.box is not None:
        for index, (size, shift) in enumerate(_box_sizes(resolved.box), start=1):
            if size == 0:
                return f"the box allows only W{index} = 0; state a positive norm in box.weight_norms"
            if shift == 0:
                return (
                    f"the box allows only b{index} = 0; state a positive norm in box.bias_norms, "
                    "or write `bias: false` in that layer"
                )
    return None


def _box_sizes(box: Box) -> Iterator[tuple[Fraction, Fraction | None]]:
    yield from zip(box.weight_norms, box.bias_norms, strict=True)


def assumed_beyond(place: str, theorem: Theorem, work: Derivation, resolved: Resolved) -> list[str]:
    """What the theorem assumes besides the problem's own numbers, as sentences."""
    granted = set(_smooth_almost_everywhere(place, work, resolved)) if place in _ALMOST_ALL else set[Claim]()
    functions: dict[str, None] = {}
    shown = True
    for node in _nodes(work):
        claim = ForSamples(work.samples, Smooth(node, 2))
        if claim in theorem.hypotheses:
            body = node.body if isinstance(node, Named) else None
            functions[body.function.label() if isinstance(body, Entrywise) else "the layers"] = None
            shown = shown and claim in granted
    if not functions:
        return []
    remark = " (all but a null set)" if shown else ", which is not shown"
    names = ", ".join(printable(name, 60) for name in functions)
    return [f"at weights where the outputs of {names} are twice differentiable for every sample{remark}"]


def _facts(place: str, work: Derivation, resolved: Resolved, in_range: tuple[Claim, ...]) -> Iterator[Claim]:
    """What the problem grants to a goal of that place; nothing for a place that is not known."""
    match place:
        case ReadingName.WORST_CASE.value:
            yield from in_range
            yield from _box_facts(work, resolved)
        case ReadingName.AT_WEIGHTS.value | ReadingName.AT_RESIDUALS.value:
            yield from _given(work, resolved, Role.PARAMETER)
            return
        case ReadingName.BALL.value:
            yield from _given(work, resolved, Role.REFERENCE)
            if resolved.problem.radius is not None:
                everything = DistanceNorm(tuple(sorted(work.jet.parameters, key=lambda v: v.name)))
                yield _at_most(everything, resolved.problem.radius)
        case "data":
            yield from _given(work, resolved, None)
            return
        case _:
            return
    yield from _smooth_almost_everywhere(place, work, resolved)


def _smooth_almost_everywhere(place: str, work: Derivation, resolved: Resolved) -> Iterator[Claim]:
    """Smoothness of the nodes up to the first layer whose weights or biases are fixed to 0.

    A node is a piecewise analytic function of the weights up to its layer, so not smooth on a null
    set of them alone; where these have volume in the box or the ball, almost all of it is smooth.
    """
    if place == ReadingName.BALL.value and resolved.problem.radius == 0:
        return
    sizes = None
    if place == ReadingName.WORST_CASE.value and resolved.box is not None:
        sizes = _box_sizes(resolved.box)
    for layer, jet in zip(work.network.layers, work.jet.jets[1:], strict=True):
        if isinstance(layer, Dense) and sizes is not None and 0 in next(sizes):
            return
        yield ForSamples(work.samples, Smooth(jet.node, 2))
    for node, _ in work.sample.kinks:
        yield ForSamples(work.samples, Smooth(node, 2))


def _nodes(work: Derivation) -> Iterator[Term]:
    """The nodes whose smoothness may be a hypothesis: outputs of layers, and parts of the loss."""
    yield from (jet.node for jet in work.jet.jets[1:])
    yield from (node for node, _ in work.sample.kinks)


def _data_range(work: Derivation, resolved: Resolved) -> Iterator[Claim]:
    """The range of the inputs, then that of the targets where the loss needs one."""
    samples = work.samples
    yield ForSamples(samples, _at_most(Norm(work.jet.sample), resolved.input_norm))
    in_range = target_range(work.loss, work.sample.target, resolved.target_norm)
    if in_range is not None:
        yield ForSamples(samples, in_range)


def _box_facts(work: Derivation, resolved: Resolved) -> Iterator[Claim]:
    box = resolved.box
    if box is None:
        return
    for group, size, shift in zip(work.jet.groups, box.weight_norms, box.bias_norms, strict=True):
        yield _at_most(Norm(group.weight), size)
        if group.bias is not None and shift is not None:
            yield _at_most(Norm(group.bias), shift)


def _given(work: Derivation, resolved: Resolved, role: Role | None) -> Iterator[Claim]:
    """The given data and, with a role, the given weights in that role."""
    if resolved.data is not None:
        digests = (remember(resolved.data.inputs), remember(resolved.data.targets))
        yield SamplesAre(work.samples, digests)
    if resolved.weights is not None and role is not None:
        for variable, tensor in zip(work.jet.parameters, resolved.weights, strict=True):
            yield IsTensor(variable.as_role(role), remember(tensor))


def _at_most(atom: Atom, value: Fraction) -> Claim:
    return Compare(atom.poly(), Relation.LE, number(value))
