"""Theorems as one tree of numbered steps: what printers print, without any typesetting in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from proofs.errors import GradlemmaError
from proofs.kernel.claims import Claim, Compare, Equal, ForSamples, OperatorNorm, Smooth, SupBound
from proofs.kernel.core import Rule, Theorem, steps_of
from proofs.kernel.dynamics import Dynamics
from proofs.kernel.families import Indexed
from proofs.kernel.maps import HessianDet, Map
from proofs.kernel.rules import Assume, PutIn
from proofs.kernel.scalars import Atom, Let, Norm, Poly, SupNorm
from proofs.kernel.set_claims import (
    AvoidsExceptional,
    ConstantEigenvalues,
    EigenvaluesWithin,
    Exceptional,
    LocallyOneOf,
    PiecewiseAnalytic,
    SetClaim,
    SomewhereEqual,
)
from proofs.kernel.terms import Deriv, Entrywise, Mean, Named, Role, Scale, Sum, Term, Variable

from .expressions import Notation, Writer
from .lemmas import (
    ITSELF,
    is_supposing,
    labels_in_proofs,
    labels_of_parts,
    labels_of_suppositions,
    places_in_lemmas,
)
from .map_names import MapNames, map_names, values_in
from .names import layer_of, natural

__all__ = [
    "Assumption",
    "Conclusion",
    "Goal",
    "Part",
    "Reference",
    "Section",
    "Step",
    "StepTree",
    "children",
    "lets_in",
    "step_tree",
    "walk_terms",
]


@dataclass(frozen=True, slots=True)
class Goal:
    """A theorem to print, under a name such as `G_max, worst case`."""

    name: str
    theorem: Theorem


class Part(IntEnum):
    """The parts of a derivation, in the order in which they are printed."""

    CONSTANTS = 0
    LEMMAS = 1
    NORMS = 2
    NODES = 3
    LOSS = 4
    MEAN = 5
    MAPS = 6
    PATTERNS = 7
    STEPS = 8


@dataclass(frozen=True, slots=True, order=True)
class Section:
    """Where a step stands: the part, the node's place in the network, and the derivative's order.

    In the part of lemmas: the lemma's place, and 0 for its base, 1 for its step, 2 for itself.
    In the parts of maps and of steps: the place of the named map.
    """

    part: Part
    place: int
    order: int


@dataclass(frozen=True, slots=True)
class Reference:
    """A premise: step `number`, or assumption `label` (then number is 0)."""

    number: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Assumption:
    """A claim that is assumed; `discharged` tells that no goal depends on it in the end."""

    label: str
    claim: Claim
    discharged: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One inference: its claim, rule, premises, all trust that it rests on and what it adds.

    supposed: for an instance of a lemma what the lemma supposes, put in;
    rests_on: for a lemma that instances are made of the labels of what it supposes;
    drops: the labels of what the premises suppose and the claim does not.
    """

    number: int
    claim: Claim
    rule: Rule
    premises: tuple[Reference, ...]
    premise_claims: tuple[Claim, ...]
    trust: tuple[str, ...]
    adds_trust: str | None
    section: Section
    supposed: tuple[Claim, ...] = ()
    rests_on: tuple[str, ...] = ()
    drops: tuple[str, ...] = ()

    @property
    def rule_name(self) -> str:
        return type(self.rule).__name__


@dataclass(frozen=True, slots=True)
class Conclusion:
    """A goal: its claim, the assumptions that it needs and the step that shows it (0: an assumption)."""

    name: str
    claim: Claim
    assumptions: tuple[str, ...]
    reference: Reference
    trust: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StepTree:
    """Goals with their derivation; `nodes` and `maps` are in the order of `Section.place`."""

    conclusions: tuple[Conclusion, ...]
    assumptions: tuple[Assumption, ...]
    nodes: tuple[Named, ...]
    steps: tuple[Step, ...]
    maps: MapNames

    @property
    def lemmas(self) -> tuple[Step, ...]:
        """What is shown by induction or put to use by `PutIn`, in the order of the places of its sections."""
        lemmas = (Part.LEMMAS, ITSELF)
        return tuple(step for step in self.steps if (step.section.part, step.section.order) == lemmas)

    @property
    def is_about_sets(self) -> bool:
        return any(isinstance(conclusion.claim, SetClaim) for conclusion in self.conclusions)

    @property
    def is_about_terms(self) -> bool:
        return any(not isinstance(conclusion.claim, SetClaim) for conclusion in self.conclusions)

    def sections(self) -> list[tuple[Section, tuple[Step, ...]]]:
        """The steps in groups of one section."""
        found: list[tuple[Section, list[Step]]] = []
        for step in self.steps:
            if not found or found[-1][0] != step.section:
                found.append((step.section, []))
            found[-1][1].append(step)
        return [(section, tuple(steps)) for section, steps in found]


def step_tree(*goals: Goal) -> StepTree:
    """The numbered steps of all goals; what several goals share appears once."""
    merged = _merge(goals)
    nodes = _nodes(theorem.claim for theorem in merged.order)
    maps = map_names([claim for t in merged.order for claim in (t.claim, *_supposed(t))])
    sections = _sections(merged, {node: place for place, node in enumerate(nodes)}, maps)
    order = [t for t in merged.order if not isinstance(t.rule, Assume)]
    ordered = sorted(order, key=lambda t: sections[id(t)])
    assumptions, labels = _assumptions(goals, merged, maps)
    put_in = {id(merged.premises[id(t)][0]) for t in merged.order if isinstance(t.rule, PutIn)}
    references = {id(t): Reference(0, labels[t.claim]) for t in merged.order if isinstance(t.rule, Assume)}
    references |= {id(t): Reference(number) for number, t in enumerate(ordered, start=1)}
    steps = tuple(
        Step(
            number,
            theorem.claim,
            theorem.rule,
            tuple(references[id(premise)] for premise in merged.premises[id(theorem)]),
            tuple(premise.claim for premise in merged.premises[id(theorem)]),
            tuple(sorted(theorem.trust)),
            theorem.rule.trust,
            sections[id(theorem)],
            _supposed(theorem, maps),
            _labels_of(theorem.hypotheses, labels) if id(theorem) in put_in else (),
            _labels_of(_dropped(theorem), labels) if is_supposing(theorem.rule) else (),
        )
        for number, theorem in enumerate(ordered, start=1)
    )
    conclusions = tuple(
        Conclusion(
            goal.name,
            goal.theorem.claim,
            _labels_of(goal.theorem.hypotheses, labels),
            references[id(merged.image[id(goal.theorem)])],
            tuple(sorted(goal.theorem.trust)),
        )
        for goal in goals
    )
    return StepTree(conclusions, assumptions, nodes, steps, maps)


def _labels_of(claims: Iterable[Claim], labels: Mapping[Claim, str]) -> tuple[str, ...]:
    return tuple(sorted((labels[claim] for claim in claims), key=natural))


def _dropped(theorem: Theorem) -> frozenset[Claim]:
    used = frozenset(claim for premise in theorem.premises for claim in premise.hypotheses)
    return used - theorem.hypotheses


def _supposed(theorem: Theorem, maps: MapNames | None = None) -> tuple[Claim, ...]:
    """What an instance of a lemma supposes, in the order of a printed list."""
    if not isinstance(theorem.rule, PutIn):
        return ()
    if len(theorem.hypotheses) < 2:
        return tuple(theorem.hypotheses)
    writer = Writer(Notation(maps=maps))
    return tuple(sorted(theorem.hypotheses, key=lambda claim: _assumption_key(claim, writer)))


@dataclass(frozen=True, slots=True)
class _Merged:
    """Theorems without repetition, premises first; `image` maps every theorem to the one kept."""

    order: list[Theorem]
    premises: dict[int, tuple[Theorem, ...]]
    image: dict[int, Theorem]


def _merge(goals: tuple[Goal, ...]) -> _Merged:
    """One theorem for all that conclude one sequent by one rule from one list of premises."""
    known: dict[object, Theorem] = {}
    merged = _Merged([], {}, {})
    for theorem in steps_of(*(goal.theorem for goal in goals)):
        premises = tuple(merged.image[id(premise)] for premise in theorem.premises)
        key = (
            theorem.claim,
            theorem.hypotheses,
            type(theorem.rule),
            tuple(id(premise) for premise in premises),
        )
        kept = known.setdefault(key, theorem)
        merged.image[id(theorem)] = kept
        if kept is theorem:
            merged.order.append(theorem)
            merged.premises[id(theorem)] = premises
    return merged


# -- assumptions --------------------------------------------------------------------------------


def _assumptions(
    goals: tuple[Goal, ...], merged: _Merged, maps: MapNames
) -> tuple[tuple[Assumption, ...], dict[Claim, str]]:
    """A1, ... are the hypotheses of goals; D1, ... are assumed on the way and shown later."""
    writer = Writer(Notation(maps=maps))
    hypotheses = {claim for goal in goals for claim in goal.theorem.hypotheses}
    closed = {claim.claim: claim for claim in hypotheses if isinstance(claim, ForSamples)}
    found: list[Assumption] = []
    labels: dict[Claim, str] = {}
    for number, claim in enumerate(sorted(hypotheses, key=lambda c: _assumption_key(c, writer)), start=1):
        labels[claim] = f"A{number}"
        found.append(Assumption(f"A{number}", claim, discharged=False))
    on_the_way = [t.claim for t in merged.order if isinstance(t.rule, Assume) and t.claim not in labels]
    for claim in on_the_way:
        if claim in closed:
            labels[claim] = labels[closed[claim]]
    labels |= labels_of_parts(on_the_way, labels, merged.order)
    places = places_in_lemmas(merged.order, merged.premises)
    passing = labels_of_suppositions(merged.order, places)
    for label, claim in (*passing, *labels_in_proofs(merged.order, labels)):
        if labels.setdefault(claim, label) == label:
            found.append(Assumption(label, claim, discharged=True))
    loose = sorted((c for c in on_the_way if c not in labels), key=lambda c: _assumption_key(c, writer))
    for number, claim in enumerate(loose, start=1):
        labels[claim] = f"D{number}"
        found.append(Assumption(f"D{number}", claim, discharged=True))
    return tuple(found), labels


def _assumption_key(claim: Claim, writer: Writer) -> tuple[object, ...]:
    """Kinds of claims together; within a kind by name."""
    from .claims import claim_inlines

    inner = claim.claim if isinstance(claim, ForSamples) else claim
    kinds = (
        "SupBound",
        "Compare",
        "OperatorNorm",
        "Equal",
        "IsTensor",
        "SamplesAre",
        "Simplex",
        "EntriesIn",
        "Smooth",
    )
    kind = type(inner).__name__
    text = " ".join(
        getattr(part, "text", str(part)) for part in claim_inlines(claim, writer, as_premise=True)
    )
    return (kinds.index(kind) if kind in kinds else len(kinds), natural(text))


# -- nodes and sections -------------------------------------------------------------------------


def children(term: Term) -> list[Term]:
    """The terms directly inside a term."""
    found: list[Term] = []
    for name in type(term).__match_args__:  # type: ignore[attr-defined]
        value = getattr(term, name)
        if isinstance(value, Term):
            found.append(value)
        elif isinstance(value, tuple):
            found.extend(part for part in value if isinstance(part, Term))  # pyright: ignore[reportUnknownVariableType]
    return found


def _parts(claim: Claim) -> tuple[list[Term], list[Poly]]:
    """The terms and the polynomials directly in a claim."""
    found: list[Term] = []
    polys: list[Poly] = []
    for name in type(claim).__match_args__:  # type: ignore[attr-defined]
        value = getattr(claim, name)
        if isinstance(value, Term):
            found.append(value)
        elif isinstance(value, Poly):
            polys.append(value)
        elif isinstance(value, Claim):
            inner = _parts(value)
            found.extend(inner[0])
            polys.extend(inner[1])
    return found, polys


def _walk(claims: Iterable[Claim]) -> tuple[list[Term], list[Let]]:
    """The terms that claims speak about, also in abbreviations, and the abbreviations of scalars.

    Abbreviations come after those in their bodies.
    """
    roots: dict[Term, None] = {}
    lets: dict[Let, None] = {}
    seen: set[Atom] = set()
    stack: list[tuple[Atom, bool]] = []
    for claim in claims:
        terms, polys = _parts(claim)
        roots.update(dict.fromkeys(terms))
        stack.extend((inner, False) for poly in polys for inner in _atoms(poly))
        while stack:
            inner, done = stack.pop()
            if done:
                if isinstance(inner, Let):
                    lets[inner] = None
            elif inner not in seen:
                seen.add(inner)
                stack.append((inner, True))
                for value in (getattr(inner, name) for name in type(inner).__match_args__):  # type: ignore[attr-defined]
                    if isinstance(value, Term):
                        roots[value] = None
                    elif isinstance(value, Poly):
                        stack.extend((child, False) for child in _atoms(value))
    return list(roots), list(lets)


def _atoms(poly: Poly) -> list[Atom]:
    """The atoms in an order that does not depend on the process."""
    return sorted(poly.atoms(), key=lambda inner: inner.key)


def lets_in(claims: Iterable[Claim]) -> tuple[Let, ...]:
    """The abbreviations of scalars in the claims, each after those in its body.

    Raises:
        GradlemmaError: if one name abbreviates two bodies, which no reader could tell apart.
    """
    lets = _walk(claims)[1]
    _require_one_body(let.name for let in lets)
    return tuple(lets)


def _require_one_body(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise GradlemmaError(f"expected one body for the abbreviation {name}, but the derivation has two")
        seen.add(name)


def _nodes(claims: Iterable[Claim]) -> tuple[Named, ...]:
    """All named nodes, each after those in its body."""
    order = [term for term in walk_terms(claims) if isinstance(term, Named)]
    _require_one_body(node.name for node in order)
    return tuple(order)


def walk_terms(claims: Iterable[Claim]) -> list[Term]:
    """All terms in the claims and in abbreviations, each after those inside it."""
    order: list[Term] = []
    seen: set[Term] = set()
    roots = _walk(claims)[0]
    stack: list[tuple[Term, bool]] = [(term, False) for term in reversed(roots)]
    while stack:
        term, done = stack.pop()
        if done:
            order.append(term)
        elif term not in seen:
            seen.add(term)
            stack.append((term, True))
            stack.extend((child, False) for child in children(term))
    return order


def _subject(claim: Claim, places: Mapping[Named, int], maps: MapNames) -> Section | None:
    """The section that a claim belongs to by what it bounds; None where its use decides."""
    match claim:
        case SupBound() | PiecewiseAnalytic():
            return Section(Part.CONSTANTS, 0, 0)
        case SetClaim():
            return _of_maps(claim, maps)
        case OperatorNorm(order=order):
            return Section(Part.MEAN, 0, order)
        case Smooth(term=Named() as node):
            return _of_node(node, 1, places)
        case Smooth(term=Indexed(space=())):
            return Section(Part.LOSS, 0, 1)
        case Equal(left=Deriv(term=Named() as node, order=order)):
            return _of_node(node, order, places)
        case Equal(left=Deriv(term=Indexed(space=()), order=order)):
            return Section(Part.LOSS, 0, order)
        case Compare(left=left, right=right):
            atoms = left.atoms()
            if len(left.terms) != 1 or len(atoms) != 1:
                return None
            (inner,) = atoms
            match inner:
                case Norm(term=Deriv(term=Mean(), order=order)):
                    return Section(Part.MEAN, 0, order)
                case Norm(term=Deriv(term=Named() | Indexed(space=()) as node, order=order)):
                    along = (Role.DIRECTION, Role.INDEX)
                    if node.space == () and all(v.role in along for v in right.variables):
                        return Section(Part.MEAN, 0, order)
                    return _of_node(node, order, places)
                case Norm(term=term):
                    return _of_norm(term, places)
                case SupNorm(term=Entrywise(vector=Named() as node)):
                    return Section(Part.NORMS, places[node], 1)
                case _:
                    return None
        case _:
            return None


def _of_maps(claim: SetClaim, maps: MapNames) -> Section:
    """Where a map that the claim speaks about first is analytic, which maps it equals, or steps."""
    if isinstance(claim, LocallyOneOf | SomewhereEqual):
        return Section(Part.PATTERNS, 0, 0)
    last = len(maps.names)
    for value in values_in(claim):
        match value:
            case Dynamics() | Exceptional() | AvoidsExceptional():
                return Section(Part.STEPS, last, 0)
            case HessianDet(of=of) | ConstantEigenvalues(of=of) | EigenvaluesWithin(of=of):
                return Section(Part.STEPS, maps.owners.get(of, last), 0)
            case _:
                pass
        if isinstance(value, Map):
            return Section(Part.MAPS, maps.owners.get(value, last), 0)
    return Section(Part.MAPS, last, 0)


def _of_node(node: Named | Indexed, order: int, places: Mapping[Named, int]) -> Section:
    place = places[node] if isinstance(node, Named) else 0
    return Section(Part.LOSS if node.space == () else Part.NODES, place, order)


def _of_norm(term: Term, places: Mapping[Named, int]) -> Section | None:
    """Norms of weights, of nodes and of their distances from the reference point."""
    match term:
        case Named():
            return Section(Part.NORMS, places[term], 0)
        case Sum(parts=(Named() as node, Scale())):
            return (
                Section(Part.NORMS, places[node], 0) if node.name + "_0" in {n.name for n in places} else None
            )
        case Variable(role=Role.PARAMETER | Role.REFERENCE):
            layer = layer_of(term.name)
            found = [
                place for node, place in places.items() if layer is not None and layer_of(node.name) == layer
            ]
            return Section(Part.NORMS, min(found), 0) if found else None
        case _:
            return None


def _sections(merged: _Merged, places: Mapping[Named, int], maps: MapNames) -> dict[int, Section]:
    """A section for every step, never before those of its premises.

    A step about no node in particular stands where it is first used.
    """
    own: dict[int, Section] = {}
    last = Section(Part.MEAN, 0, 9)
    wanted: dict[int, Section] = {}
    for theorem in reversed(merged.order):
        section = _subject(theorem.claim, places, maps) or wanted.get(id(theorem), last)
        own[id(theorem)] = section
        for premise in merged.premises[id(theorem)]:
            wanted[id(premise)] = min(wanted.get(id(premise), section), section)
    own |= {
        key: Section(Part.LEMMAS, place, order)
        for key, (place, order) in places_in_lemmas(merged.order, merged.premises).items()
        if own[key].part is not Part.CONSTANTS
    }
    final: dict[int, Section] = {}
    for theorem in merged.order:
        if isinstance(theorem.rule, Assume):
            final[id(theorem)] = Section(Part.CONSTANTS, 0, 0)
            continue
        before = [final[id(premise)] for premise in merged.premises[id(theorem)]]
        final[id(theorem)] = max([own[id(theorem)], *before])
    return final
