"""Statements of theorems and lemmas, and what stands beside them: references, turnstiles, trust."""

from __future__ import annotations

import re
from collections.abc import Iterable

from proofs.kernel.claims import Claim, OperatorNorm
from proofs.kernel.terms import INDEX

from .blocks import Block, Heading, Item, Items, Paragraph
from .claims import claim_inlines
from .escape import escape
from .expressions import Writer
from .layout import Inline, Math, Strong, math, width_of
from .lemmas import BASE, STEP
from .numerals import as_fraction, is_short
from .steps import Reference, Section, StepTree

__all__ = ["TRUST", "goal_title", "lemma_opening", "reference_list", "theorem_blocks", "turnstile"]

TRUST = {"arb": "ball arithmetic (Arb)"}
LONGEST_EXACT = 60
WIDEST = 22.0


def lemma_opening(section: Section, tree: StepTree, writer: Writer, *, is_first: bool) -> list[Block]:
    """The statement of a lemma before its first step, and what the steps that follow show of it."""
    lemma = tree.lemmas[section.place]
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
    tags = ", ".join(escape(tag) for tag in sorted(trust))
    return rf"\vdash_{{\text{{{tags}}}}}" if tags else r"\vdash"


def theorem_blocks(tree: StepTree, writer: Writer) -> list[Block]:
    several = len(tree.conclusions) > 1
    blocks: list[Block] = [Heading(("Theorems" if several else "Theorem",), 1)]
    for number, goal in enumerate(tree.conclusions, start=1):
        title = f"Theorem {number}" if several else "Theorem"
        under = reference_list(Reference(0, label) for label in goal.assumptions)
        start = f"Under {under}, " if under else "Without assumptions, "
        depth = ("for every ", math(r"L\ge 2"), ", ") if INDEX in goal.claim.free else ()
        shown = reference_list([goal.reference])
        opening = (Strong(title), " (", *goal_title(goal.name), "). ", start, *depth)
        closing = (f". This is {shown}", *_trust_note(goal.trust), ".", *_exact_note(goal.claim))
        blocks += _statement(opening, goal.claim, closing, writer)
    return blocks


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
