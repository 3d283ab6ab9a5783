"""Statements of theorems and lemmas, and what stands beside them: references, turnstiles, trust."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from proofs.kernel.claims import Claim, OperatorNorm
from proofs.kernel.maps import AnyStep, Given, Unknown
from proofs.kernel.rules import Induction
from proofs.kernel.set_claims import SetClaim, symbols_in
from proofs.kernel.terms import INDEX

from .blocks import Block, Heading, Item, Items, Paragraph
from .claims import claim_inlines
from .escape import escape
from .expressions import Writer
from .facts import FACTS, tag_label
from .layout import Inline, Math, Strong, math, width_of
from .lemmas import BASE, STEP
from .numerals import as_fraction, is_short
from .steps import Conclusion, Reference, Section, Step, StepTree

__all__ = [
    "TRUST", "goal_title", "lemma_opening", "reference_list", "symbol_inlines", "theorem_blocks", "turnstile",
    "under_suppositions",
]  # fmt: skip

TRUST = {"arb": "ball arithmetic (Arb)"} | {tag: fact.name for tag, fact in FACTS.items()}
LONGEST_EXACT = 60
MOST_CONDITIONS = 3
WIDEST = 22.0


def lemma_opening(section: Section, tree: StepTree, writer: Writer, *, is_first: bool) -> list[Block]:
    """The statement of a lemma before its first step, and what the steps that follow show of it."""
    lemma = tree.lemmas[section.place]
    if not isinstance(lemma.rule, Induction):
        return _general_lemma(lemma, tree, section.place, writer) if is_first else []
    base = reference_list([lemma.premises[0]])
    blocks: list[Block] = []
    if is_first:
        title = Strong(f"Lemma {section.place + 1}")
        blocks += _statement((title, ". For every ", math(r"n\ge 1"), ", "), lemma.claim, (".",), writer)
        opening = ("By induction. The case ", math("n=1"))
        if section.order == BASE:
            blocks.append(Paragraph((*opening, ":")))
        else:
            blocks.append(Paragraph((*opening, f" is {base}.")))
    if section.order == STEP or (is_first and section.order > STEP):
        supposed = f". Suppose the claim for n (H{section.place + 1}). Then".split(" n ")
        step = ("The step from ", math("n"), " to ", math("n+1"))
        blocks.append(Paragraph((*step, supposed[0] + " ", math("n"), " " + supposed[1])))
    return blocks


def _general_lemma(lemma: Step, tree: StepTree, place: int, writer: Writer) -> list[Block]:
    """The statement of a lemma about arbitrary maps, what it supposes being labelled."""
    supposed = [a for a in tree.assumptions if a.label in lemma.rests_on]
    conditions = [(*claim_inlines(a.claim, writer, as_premise=True), f" ({a.label})") for a in supposed]
    claims = [lemma.claim, *(a.claim for a in supposed)]
    opening: list[Inline] = [Strong(f"Lemma {place + 1}"), ". ", *symbol_inlines(claims, writer, "Let ")]
    statement = under_suppositions(conditions, claim_inlines(lemma.claim, writer), start="If ")
    return [Paragraph((*opening, *statement, "."), is_statement=True)]


def under_suppositions(
    conditions: Sequence[tuple[Inline, ...]], claim: tuple[Inline, ...], *, start: str = "if "
) -> tuple[Inline, ...]:
    """If ... and ..., then the claim."""
    if not conditions:
        return claim
    found: list[Inline] = [start]
    for position, condition in enumerate(conditions):
        between = "" if position == 0 else " and " if position == len(conditions) - 1 else ", "
        found += [between, *condition]
    return (*found, ", then ", *claim)


def symbol_inlines(claims: Iterable[Claim], writer: Writer, opening: str) -> tuple[Inline, ...]:
    """Which maps, data and step sizes of the claims are arbitrary; nothing where there are none."""
    symbols = {s for claim in claims if isinstance(claim, SetClaim) for s in symbols_in(claim)}
    kinds = (Unknown, Given, AnyStep)
    named = sorted((s for s in symbols if isinstance(s, kinds)), key=lambda s: (kinds.index(type(s)), s.name))
    if not named:
        return ()
    found: list[Inline] = [opening]
    for position, symbol in enumerate(named):
        between = "" if position == 0 else " and " if position == len(named) - 1 else ", "
        found += [between, *_symbol(symbol, writer)]
    return (*found, " be arbitrary. ")


def _symbol(symbol: Unknown | Given | AnyStep, writer: Writer) -> tuple[Inline, ...]:
    name = writer.name(symbol.name)
    match symbol:
        case AnyStep():
            return (math(rf"{name}\ne 0"),)
        case Given(extents=extents):
            return (math(rf"{name}\in{space_latex(extents)}"),)
        case Unknown(extents=extents):
            return (math(rf"{name}:\Theta\to{space_latex(extents)}"),)


def space_latex(extents: tuple[int, ...] | None) -> str:
    """R^n, R^{m x n}; R^n where the shape is not known."""
    if extents is None:
        return r"\mathbb{R}^{n}"
    if not extents or set(extents) == {1}:
        return r"\mathbb{R}"
    return r"\mathbb{R}^{" + r"\times ".join(str(extent) for extent in extents) + "}"


def _statement(
    opening: tuple[Inline, ...], claim: Claim, closing: tuple[Inline, ...], writer: Writer
) -> list[Block]:
    """A statement; a formula about any depth that is too wide for a line stands on lines of its own."""
    inlines = claim_inlines(claim, writer)
    wide = any(isinstance(part, Math) and width_of(part.text) > WIDEST for part in inlines)
    if not wide or INDEX not in claim.free:
        return [Paragraph((*opening, *inlines, *closing), is_statement=True)]
    rest = closing[0].removeprefix(". ") if isinstance(closing[0], str) else closing[0]
    last = [Paragraph((rest, *closing[1:]))] if rest != "." else []
    return [Paragraph(opening, is_statement=True), Items((Item("", inlines),)), *last]


def reference_list(references: Iterable[Reference]) -> str:
    """`(3)–(7), (12), (A1)`: sorted, runs of three or more joined."""
    unique = set(references)
    texts = _runs(sorted(r.number for r in unique if r.number), "")
    for letter in sorted({r.label[0] for r in unique if r.label}):
        texts += _runs(sorted(int(r.label[1:]) for r in unique if r.label[:1] == letter), letter)
    return ", ".join(texts)


def _runs(numbers: list[int], letter: str) -> list[str]:
    texts: list[str] = []
    start = 0
    for index, number in enumerate(numbers):
        if index + 1 < len(numbers) and numbers[index + 1] == number + 1:
            continue
        run = numbers[start : index + 1]
        if len(run) > 2:
            texts.append(f"({letter}{run[0]})–({letter}{run[-1]})")
        else:
            texts += [f"({letter}{n})" for n in run]
        start = index + 1
    return texts


def turnstile(trust: Iterable[str]) -> str:
    """The turnstile with the trust tags that a claim rests on."""
    tags = ", ".join(escape(tag_label(tag)) for tag in sorted(trust))
    return rf"\vdash_{{\text{{{tags}}}}}" if tags else r"\vdash"


def theorem_blocks(tree: StepTree, writer: Writer) -> list[Block]:
    several = len(tree.conclusions) > 1
    blocks: list[Block] = [Heading(("Theorems" if several else "Theorem",), 1)]
    for number, goal in enumerate(tree.conclusions, start=1):
        title = f"Theorem {number}" if several else "Theorem"
        under = reference_list(Reference(0, label) for label in goal.assumptions)
        start = f"Under {under}, " if under else "Without assumptions, "
        conditions = _conditions(goal, tree, writer)
        if conditions:
            body = under_suppositions(conditions, claim_inlines(goal.claim, writer), start="If ")
            opening = (Strong(title), " (", *goal_title(goal.name), "). ")
            closing = (f". This is {reference_list([goal.reference])}", *_trust_note(goal.trust), ".")
            blocks.append(Paragraph((*opening, *body, *closing), is_statement=True))
            continue
        least = rf"{writer.notation.letter}\ge {1 + writer.notation.shift}"
        depth = ("for every ", math(least), ", ") if INDEX in goal.claim.free else ()
        shown = reference_list([goal.reference])
        opening = (Strong(title), " (", *goal_title(goal.name), "). ", start, *depth)
        closing = (f". This is {shown}", *_trust_note(goal.trust), ".", *_exact_note(goal.claim))
        blocks += _statement(opening, goal.claim, closing, writer)
    return blocks


def _conditions(goal: Conclusion, tree: StepTree, writer: Writer) -> list[tuple[Inline, ...]]:
    """The assumptions of a claim about sets in words, if they are few; else nothing."""
    used = [a for a in tree.assumptions if a.label in goal.assumptions]
    if not isinstance(goal.claim, SetClaim) or len(used) > MOST_CONDITIONS:
        return []
    return [(*claim_inlines(a.claim, writer, as_premise=True), f" ({a.label})") for a in used]


def goal_title(name: str) -> tuple[Inline, ...]:
    """A name of a goal, with G_max and H_max as formulas."""
    parts = re.split(r"\b([GH])_max\b", name)
    return tuple(math(rf"{part}_{{\max}}") if i % 2 else part for i, part in enumerate(parts) if part)


def _trust_note(trust: tuple[str, ...]) -> tuple[Inline, ...]:
    if not trust:
        return ()
    return (", resting on " + " and ".join(TRUST.get(tag, tag) for tag in trust),)


def _exact_note(claim: Claim) -> tuple[Inline, ...]:
    """The exact bound where it is a number too long to stand in the statement but short enough to print."""
    value = claim.bound.constant() if isinstance(claim, OperatorNorm) else None
    if value is None or is_short(as_fraction(value)) or len(str(value)) >= LONGEST_EXACT:
        return ()
    return (" The exact bound proved is ", math(str(value)), ".")
