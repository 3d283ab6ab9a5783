"""A step tree as a document: setting, assumptions, steps, theorems, trust, rules, references."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from proofs.kernel.claims import Claim, Compare, ForSamples, OperatorNorm, Smooth
from proofs.kernel.rules import Cut, Induction, Monotone, PutIn
from proofs.kernel.scalars import Real
from proofs.kernel.set_claims import PiecewiseAnalytic
from proofs.kernel.terms import Mean, Role

from .blocks import Block, Heading, Item, Items, Paragraph, Raw, References
from .cases import Repeat, case_of_section, runs_of_cases
from .claims import claim_inlines, map_writer
from .expressions import Writer
from .facts import FACTS, fact_items
from .family_setting import family_of, family_setting
from .identities import identity_inlines
from .layers import Run, exact_writers, layer_of_section, plain, runs_of_layers
from .layout import Cite, Inline, Math, Strong, math
from .lemmas import is_supposing
from .names import layer_of
from .perron import is_perron, perron_inlines
from .references import SOURCES
from .rulebook import rule_text
from .set_setting import set_setting
from .setting import Vocabulary, setting_blocks, vocabulary
from .statements import (
    TRUST,
    lemma_opening,
    reference_list,
    theorem_blocks,
    turnstile,
    under_suppositions,
)
from .steps import Assumption, Goal, Part, Reference, Section, Step, StepTree, step_tree
from .task_setting import is_about_runs, remark_blocks, task_setting

__all__ = ["document", "trust_sentence"]


# The first letters of labels of what lemmas are about and of what is supposed and dropped in a proof.
IN_PROOFS = ("P", "C")


def document(*goals: Goal, full: bool = False) -> list[Block]:
    """The blocks of the printed derivation of the goals."""
    tree = step_tree(*goals)
    known = vocabulary(tree, _positive(tree))
    writer = Writer(known.notation)
    family = family_of(tree)
    # Lemmas are about every n >= 1; what follows from them about L = n + 1 layers.
    about_runs = is_about_runs(tree)
    final = _final_writer(known, writer, has_family=family is not None, about_runs=about_runs)
    steps = _step_blocks(tree, known, writer, final, full=full)
    assumptions = _assumption_blocks(tree, known, final)
    theorems = theorem_blocks(tree, final)
    remarks = remark_blocks(tree)
    text = _text_of([*steps, *assumptions, *theorems])
    cited = _cited(tree, known, [*remarks])
    if about_runs:
        setting = task_setting(tree, writer, text)
    elif family is None:
        setting = setting_blocks(tree, known, writer, text, full=full) if tree.is_about_terms else []
    else:
        setting = family_setting(family, known, writer, final, text)
    if tree.is_about_sets:
        setting += set_setting(tree, known, text, is_first=not setting, full=full)
    is_open = family is None and not about_runs
    derivation = [Heading(("Derivation" if is_open else "Proof",), 1), Paragraph(_legend(tree))]
    shown = [*(derivation if steps else []), *steps]
    return [
        *setting,
        *(_runs_note(cited) if about_runs else _source_note(cited, _has_kinks(tree, known))),
        *assumptions,
        *([*shown, *theorems] if family is None and not about_runs else [*theorems, *remarks, *shown]),
        *_trust_blocks(tree),
        *_rule_blocks(tree),
        *_reference_blocks(cited),
    ]


def _final_writer(known: Vocabulary, writer: Writer, *, has_family: bool, about_runs: bool) -> Writer:
    """N + 1 layers are L in theorems, n steps k."""
    if about_runs:
        return Writer(known.notation.named("k"))
    return Writer(known.notation.named("L", 1)) if has_family else writer


def _positive(tree: StepTree) -> frozenset[object]:
    """The reals r with an assumption 0 <= r."""
    found: set[object] = set()
    for assumption in tree.assumptions:
        claim = assumption.claim
        if isinstance(claim, Compare) and claim.left.constant() == 0:
            found.update(
                inner
                for inner in claim.right.atoms()
                if claim.right == inner.poly() and isinstance(inner, Real)
            )
    return frozenset(found)


def _text_of(blocks: Iterable[Block]) -> str:
    texts: list[str] = []
    for block in blocks:
        if isinstance(block, Items):
            for item in block.items:
                texts.append(_plain((*item.inlines, *item.reason, *item.remark)))
        elif isinstance(block, Paragraph):
            texts.append(_plain(block.inlines))
    return "\n".join(texts)


def _plain(inlines: Iterable[Inline | Raw]) -> str:
    return plain(part for part in inlines if isinstance(part, Math))


# -- assumptions --------------------------------------------------------------------------------


def _assumption_blocks(tree: StepTree, known: Vocabulary, writer: Writer) -> list[Block]:
    lasting = [a for a in tree.assumptions if not a.discharged]
    suppositions = {lemma.claim for lemma in tree.lemmas}
    # What is supposed within a proof (P, C) is printed there.
    passing = [
        a
        for a in tree.assumptions
        if a.discharged and a.claim not in suppositions and a.label[0] not in IN_PROOFS
    ]
    blocks: list[Block] = [Heading(("Assumptions",), 1)]
    if lasting:
        blocks.append(Items(tuple(_assumption_items(lasting, known, writer))))
    else:
        blocks.append(Paragraph(("None.",)))
    if passing:
        blocks.append(Paragraph(("Assumed on the way and shown in the course of the derivation:",)))
        blocks.append(Items(tuple(_assumption_items(passing, known, writer))))
    return blocks


def _assumption_items(assumptions: list[Assumption], known: Vocabulary, writer: Writer) -> list[Item]:
    """A line an assumption; three or more in a row that differ by their layer alone are one line."""
    exact = exact_writers(known.notation)
    keys: list[tuple[int | None, str]] = []
    for assumption in assumptions:
        layer = _layer_of_claim(assumption.claim)
        text = "" if layer is None else plain(claim_inlines(assumption.claim, exact(layer), as_premise=True))
        keys.append((layer, text))
    items: list[Item] = []
    start = 0
    while start < len(assumptions):
        end = start + 1
        while end < len(assumptions) and _continues(keys[end - 1], keys[end]):
            end += 1
        first, layer = assumptions[start], keys[start][0]
        if end - start >= 3 and layer is not None:
            generic = Writer(known.notation.at_layer(layer))
            inlines = claim_inlines(first.claim, generic, as_premise=True)
            labels = f"(A{_number(first)}–A{_number(assumptions[end - 1])})"
            note = math(rf"l={layer},\ldots,{layer + end - start - 1}")
            items.append(Item(labels.replace("A", first.label[0]), (*inlines, ", ", note)))
            start = end
        else:
            items.append(Item(f"({first.label})", claim_inlines(first.claim, writer, as_premise=True)))
            start += 1
    return items


def _number(assumption: Assumption) -> str:
    return assumption.label[1:]


def _continues(before: tuple[int | None, str], after: tuple[int | None, str]) -> bool:
    return before[0] is not None and after[0] == before[0] + 1 and before[1] == after[1]


def _layer_of_claim(claim: Claim) -> int | None:
    inner = claim.claim if isinstance(claim, ForSamples) else claim
    if isinstance(inner, Smooth):
        return layer_of(getattr(inner.term, "name", ""))
    names = [v.name for v in inner.free if v.role in (Role.PARAMETER, Role.REFERENCE)]
    return layer_of(names[0]) if len(names) == 1 else None


# -- steps --------------------------------------------------------------------------------------


def _legend(tree: StepTree) -> tuple[Inline, ...]:
    what = "steps" if is_about_runs(tree) else "layers"
    found: list[Inline] = ["Every line holds under the assumptions of the lines that it refers to."]
    tags = sorted({tag for step in tree.steps for tag in step.trust})
    if any(isinstance(lemma.rule, Induction) for lemma in tree.lemmas):
        found.append(
            f" For an assumption on a range of {what} it is enough that it holds for the {what} up to those "
            "that the line speaks of. A lemma holds for every "
        )
        found += [math(r"n\ge 1"), "."]
    if any(step.supposed for step in tree.steps):
        found.append(" What a lemma is about (P) goes into its instances.")
    if any(is_supposing(step.rule) for step in tree.steps):
        found.append(" A supposition (C) holds until a line says that it is dropped.")
    for tag in tags:
        found += [" ", math(turnstile((tag,))), f" marks what rests on {TRUST.get(tag, tag)}."]
    if any(identity_inlines(step, Writer(), mark="premise") for step in tree.steps):
        found += [" ", math(r"\Delta_{n}"), " is the right side minus the left side of (", math("n"), ")."]
    return tuple(found)


def _step_blocks(
    tree: StepTree, known: Vocabulary, writer: Writer, final: Writer, *, full: bool
) -> list[Block]:
    runs = {} if full else runs_of_layers(tree, known.notation)
    ranges = _ranges(tree)
    cases = {} if full else runs_of_cases(tree, known.notation)
    repeats: list[Repeat] = []
    blocks: list[Block] = []
    previous: tuple[Inline, ...] = ()
    place = -1
    supposed: set[str] = set()
    for section, steps in tree.sections():
        layer = layer_of_section(section, tree)
        run = next(
            (r for r in runs.get(section.part, ()) if layer is not None and r.first <= layer <= r.last), None
        )
        if run is not None:
            if layer == run.first and steps[0].number == ranges[section.part, run.first][0]:
                blocks.append(Paragraph(_omitted(run, section.part, ranges)))
            continue
        case = case_of_section(section, tree)
        like = None if case is None else cases.get((section.part, case))
        if case is not None and like is not None:
            if repeats and (repeats[-1].part, repeats[-1].like) == (section.part, like) and previous == ():
                repeats[-1] = replace(repeats[-1], last=case, end=steps[-1].number)
                blocks.pop()
            else:
                repeats.append(Repeat(section.part, like, case, case, steps[0].number, steps[-1].number))
            blocks.append(Paragraph(_repeated_cases(repeats[-1], tree)))
            previous = ()
            continue
        repeats = []
        heading = _heading(section, tree, writer)
        if section.part is Part.LEMMAS:
            blocks += lemma_opening(section, tree, writer, is_first=section.place != place)
            place = section.place
        elif heading and heading != previous:
            blocks.append(Heading(heading, 2))
        previous = heading
        shown = final if section.part > Part.LEMMAS else writer
        items: tuple[Item, ...] = ()
        for group in _with_cuts(steps):
            for step in group:
                items += _supposition_items(step, tree, shown, supposed)
            items += (
                _step_item(group[0], shown, tree) if len(group) == 1 else _used_lemma(group, shown, tree),
            )
        if blocks and isinstance(blocks[-1], Items):
            items, _ = (*blocks[-1].items, *items), blocks.pop()
        blocks.append(Items(items))
    return blocks


def _with_cuts(steps: Sequence[Step]) -> list[list[Step]]:
    """The steps one by one, but an instance of a lemma together with the cuts of what it supposes."""
    groups: list[list[Step]] = []
    for step in steps:
        last = groups[-1][-1] if groups else None
        follows = last is not None and step.number == last.number + 1 and isinstance(step.rule, Cut)
        if follows and groups[-1][0].supposed and step.premises[1] == Reference(groups[-1][-1].number):
            groups[-1].append(step)
        else:
            groups.append([step])
    return groups


def _used_lemma(group: list[Step], writer: Writer, tree: StepTree) -> Item:
    """One line for an instance of a lemma and what shows its suppositions."""
    first, last = group[0], group[-1]
    inlines = (math(turnstile(last.trust)), " ", *claim_inlines(last.claim, writer))
    shown = reference_list(step.premises[0] for step in group[1:])
    reason = (*_reason(first, tree, writer), f": {shown}")
    return Item(f"({first.number}–{last.number})", inlines, reason)


def _supposition_items(step: Step, tree: StepTree, writer: Writer, seen: set[str]) -> tuple[Item, ...]:
    """A line for each supposition that a step is the first to use."""
    new = {r.label for r in step.premises if r.label[:1] == "C"} - seen
    seen |= new
    return tuple(
        Item(f"({a.label})", ("Suppose ", *claim_inlines(a.claim, writer, as_premise=True), "."))
        for a in tree.assumptions
        if a.label in new
    )


def _ranges(tree: StepTree) -> dict[tuple[Part, int], tuple[int, int]]:
    """The first and last step number of every layer in every part."""
    found: dict[tuple[Part, int], tuple[int, int]] = {}
    for section, steps in tree.sections():
        layer = layer_of_section(section, tree)
        if layer is not None:
            first = found.get((section.part, layer), (steps[0].number, 0))[0]
            found[section.part, layer] = (first, steps[-1].number)
    return found


def _omitted(run: Run, part: Part, ranges: dict[tuple[Part, int], tuple[int, int]]) -> tuple[Inline, ...]:
    first, last = ranges[part, run.first][0], ranges[part, run.last][1]
    model = ranges[part, run.like]
    what = {Part.NORMS: "norms", Part.MAPS: "analyticity"}.get(part, "derivatives")
    where = f"Layer {run.first}" if run.first == run.last else f"Layers {run.first} to {run.last}"
    return (
        f"{where}, {what}: steps ({first})–({last}) are steps ({model[0]})–({model[1]}) of layer {run.like}, "
        "word for word with every index raised.",
    )


def _repeated_cases(repeat: Repeat, tree: StepTree) -> tuple[Inline, ...]:
    """One line for cases whose steps are those of another one."""
    model = [
        step.number
        for section, members in tree.sections()
        if section.part is repeat.part and case_of_section(section, tree) == repeat.like
        for step in members
    ]
    first, last = math(rf"q_{{{repeat.first}}}"), math(rf"q_{{{repeat.last}}}")
    where = ("Case ", first) if repeat.first == repeat.last else ("Cases ", first, " to ", last)
    steps = f": steps ({repeat.start})–({repeat.end}) are steps ({model[0]})–({model[-1]}) of case "
    tail = ", word for word with the maps of the case in place of those."
    return (*where, steps, math(rf"q_{{{repeat.like}}}"), tail)


def _heading(section: Section, tree: StepTree, writer: Writer) -> tuple[Inline, ...]:
    derivative = {1: "first derivative", 2: "second derivative"}.get(section.order, "")
    match section.part:
        case Part.CONSTANTS:
            return ("Constants of the activations" if tree.is_about_terms else "The activations",)
        case Part.LEMMAS:
            return (f"Lemma {section.place + 1}",)
        case Part.NORMS:
            layer = layer_of_section(section, tree)
            return ("Norms",) if layer is None else (f"Norms in layer {layer}",)
        case Part.NODES:
            return ("Node ", math(writer.name(tree.nodes[section.place].name)), f", {derivative}")
        case Part.LOSS:
            return (f"Loss of a sample, {derivative}",)
        case Part.MAPS:
            return _map_heading(section.place, tree, writer)
        case Part.PATTERNS:
            return ("Activation patterns",)
        case Part.STEPS:
            case = case_of_section(section, tree)
            return ("The step",) if case is None else ("The step, case ", math(rf"q_{{{case}}}"))
        case Part.MEAN:
            return ({1: "The gradient", 2: "The Hessian"}.get(section.order, "Conclusions"),)


def _map_heading(place: int, tree: StepTree, writer: Writer) -> tuple[Inline, ...]:
    """The layer, or the map, whose analyticity is shown."""
    layer = tree.maps.layer_of_place(place)
    if layer is not None:
        return (f"Layer {layer}",)
    names = list(tree.maps.names.values())
    if place < len(names):
        return ("Case " if names[place][0] == "q" else "The map ", math(writer.name(names[place])))
    return ("Proof of the theorem",) if tree.lemmas else ()


def _step_item(step: Step, writer: Writer, tree: StepTree) -> Item:
    claim = claim_inlines(step.claim, writer)
    if step.supposed:
        conditions = [claim_inlines(supposed, writer, as_premise=True) for supposed in step.supposed]
        claim = under_suppositions(conditions, claim)
    inlines = (math(turnstile(step.trust)), " ", *claim)
    remark = (*identity_inlines(step, writer), *perron_inlines(step, writer))
    return Item(f"({step.number})", inlines, _reason(step, tree, writer), remark)


def _reason(step: Step, tree: StepTree, writer: Writer) -> tuple[Inline, ...]:
    if isinstance(step.rule, PutIn):
        return _instance(step, step.rule, tree, writer)
    name = rule_text(step.rule_name).name
    if step.adds_trust in FACTS:
        name += f" [{FACTS[step.adds_trust].label}]"
    if isinstance(step.rule, Monotone) and step.rule.unfold:
        name += ", abbreviations opened"
    listed = reference_list(step.premises)
    dropped = reference_list(Reference(0, label) for label in step.drops)
    tail = f", dropping {dropped}" if dropped else ""
    return (f"{name}: {listed}{tail}",) if listed else (name + tail,)


def _instance(step: Step, rule: PutIn, tree: StepTree, writer: Writer) -> tuple[Inline, ...]:
    """`Lemma 2 with h = z_1`."""
    reference = step.premises[0]
    place = next((i for i, lemma in enumerate(tree.lemmas) if lemma.number == reference.number), None)
    found: list[Inline] = [reference_list([reference]) if place is None else f"Lemma {place + 1}"]
    maps = map_writer(writer, step.claim)
    pairs = [(maps.map(symbol), maps.map(image)) for symbol, image in rule.maps]
    pairs += [(maps.place(symbol), maps.place(image)) for symbol, image in rule.places]
    pairs += [(maps.step(symbol), maps.step(image)) for symbol, image in rule.steps]
    for position, (symbol, image) in enumerate(pairs):
        found += [" with " if position == 0 else ", ", math(f"{symbol}={image}")]
    return tuple(found)


def trust_sentence(trust: Iterable[str]) -> str:
    """What a theorem rests on besides the kernel, as a sentence."""
    tags = sorted(trust)
    if not tags:
        return "Every step is checked by the rules of the kernel alone."
    named = " and ".join(f"{TRUST.get(tag, tag)} [{tag}]" for tag in tags)
    return f"Every step is checked by the rules of the kernel; it rests besides on {named}."


def _trust_blocks(tree: StepTree) -> list[Block]:
    added = sorted({step.adds_trust for step in tree.steps if step.adds_trust})
    lines = [trust_sentence({tag for goal in tree.conclusions for tag in goal.trust})]
    for tag in added:
        numbers = [Reference(step.number) for step in tree.steps if step.adds_trust == tag]
        lines.append(f"The tag {tag} enters in {reference_list(numbers)}.")
    lasting = sum(not assumption.discharged for assumption in tree.assumptions)
    many = "assumption" if lasting == 1 else "assumptions"
    lines.append(f"The derivation has {len(tree.steps)} steps and {lasting} {many}.")
    blocks: list[Block] = [Heading(("Trust",), 1), Paragraph((" ".join(lines),))]
    items = fact_items(added)
    if items:
        blocks += [Paragraph(("The facts that are cited:",)), Items(items)]
    return blocks


def _rule_blocks(tree: StepTree) -> list[Block]:
    rows = {rule_text(step.rule_name) for step in tree.steps}
    items = [
        Item("", (Strong(row.name), ": ", Raw(row.statement)))
        for row in sorted(rows, key=lambda r: (r.name, r.statement))
    ]
    return [Heading(("Rules used",), 1), Items(tuple(items))] if items else []


def _cited(tree: StepTree, known: Vocabulary, remarks: Iterable[Block]) -> list[str]:
    """Keys of the sources that this derivation uses."""
    used: set[str] = {text.source for step in tree.steps if (text := rule_text(step.rule_name)).source}
    tags = {tag for step in tree.steps for tag in step.trust}
    used.update(tag for tag in tags if tag in SOURCES)
    used.update(key for tag in tags if tag in FACTS for key in FACTS[tag].sources)
    if any(isinstance(g.claim, OperatorNorm) and isinstance(g.claim.term, Mean) for g in tree.conclusions):
        used.add("zhou")
    if any(remarks):
        used.add("zhou")
    if any(not f.is_analytic for f in known.functions):
        used.add("craciun")
    if not tree.lemmas and any(is_perron(step) for step in tree.steps):
        used.add("collatz")
    return sorted(used, key=lambda key: SOURCES[key].label)


_SOURCE_NOTES = {
    "zhou": "Bounds of this kind, for networks without biases, are the setting of ",
    "craciun": "Activations with kinks are treated as piecewise analytic functions, as in ",
    "collatz": "A largest eigenvalue is bounded by ratios at a positive vector, as in ",
    "arb": "Suprema and values at given data are enclosed in ball arithmetic ",
}


_SMOOTH_NOTE = "Almost everywhere analyticity and non-singular steps are the setting of "


def _has_kinks(tree: StepTree, known: Vocabulary) -> bool:
    functions = {step.claim.function for step in tree.steps if isinstance(step.claim, PiecewiseAnalytic)}
    return any(not function.is_analytic for function in (*known.functions, *functions))


def _source_note(cited: list[str], has_kinks: bool) -> list[Block]:
    notes: list[Inline] = []
    for key in cited:
        note = _SMOOTH_NOTE if key == "craciun" and not has_kinks else _SOURCE_NOTES.get(key)
        if note is not None:
            notes += [" " if notes else "", note, Cite(key), "."]
    return [Paragraph(tuple(notes))] if notes else []


def _runs_note(cited: list[str]) -> list[Block]:
    return [Paragraph(("This is the setting of ", Cite("zhou"), "."))] if "zhou" in cited else []


def _reference_blocks(cited: list[str]) -> list[Block]:
    return [References(tuple(cited))] if cited else []
