"""The opening of a derivation about networks of any depth: nodes as recursions, loss, notation."""

from __future__ import annotations

from dataclasses import dataclass

from proofs.kernel.families import Block as Member
from proofs.kernel.families import Indexed, Recursive
from proofs.kernel.indices import Index
from proofs.kernel.substitution import body_of
from proofs.kernel.terms import INDEX, Abbreviation, Named, Role, Term, Variable

from .blocks import Block, Heading, Item, Items, Paragraph
from .claims import definition
from .expressions import Writer
from .layout import Inline, Math, math
from .setting import Vocabulary, function_definition
from .steps import StepTree, children, walk_terms

__all__ = ["Family", "family_of", "family_setting"]

ONE, HERE, NEXT = Index(1, False), Index(0, True), Index(1, True)


@dataclass(frozen=True, slots=True)
class Family:
    """The recursions that a derivation is about, with the abbreviations in them, and the losses on them."""

    nodes: tuple[Abbreviation, ...]
    losses: tuple[Indexed, ...]


def family_of(tree: StepTree) -> Family | None:
    """The family of a derivation, or None if it is about single nodes."""
    claims = [a.claim for a in tree.assumptions] + [step.claim for step in tree.steps]
    terms = walk_terms(claims)
    recursions = {term.name: term for term in terms if isinstance(term, Recursive)}
    if not recursions:
        return None
    nodes: dict[Abbreviation, None] = {}
    for term in recursions.values():
        first, after = (Recursive(term.name, term.first, term.step, i) for i in (ONE, NEXT))
        inner = [t for t in _inside(body_of(after)) if isinstance(t, Indexed)]
        nodes |= dict.fromkeys([first, *inner, after])
    indexed = [t for t in terms if isinstance(t, Indexed) and not t.with_role(Role.PREVIOUS)]
    named = {node.name for node in nodes if isinstance(node, Indexed | Recursive)}
    nodes |= dict.fromkeys(t for t in indexed if t.space != () and t.name not in named)
    losses = sorted((t for t in indexed if t.space == ()), key=lambda term: not term.index.is_open)
    return Family((*nodes, *tree.nodes), tuple(losses))


def _inside(term: Term) -> list[Term]:
    """The terms of a body, recursions left closed."""
    found: list[Term] = []
    stack = [term]
    while stack:
        top = stack.pop()
        found.append(top)
        if not isinstance(top, Recursive | Named):
            stack.extend(children(top))
    return found


def family_setting(
    family: Family, known: Vocabulary, writer: Writer, final: Writer, text: str
) -> list[Block]:
    """The setting; `text` is that of all steps, which decides what notation is explained."""
    is_open = any(INDEX in loss.free for loss in family.losses)
    sample = "(" + ",".join(writer.variable(v) for v in _samples(known, final)) + ")"
    blocks: list[Block] = [
        Heading(("Setting",), 1),
        Paragraph(
            (
                "Let ",
                math(rf"\theta=({_parameters(known, writer)})"),
                " be the parameters and ",
                math(sample),
                " a sample. The layers compute, for ",
                math(r"n=1,2,\ldots"),
                ",",
            )
        ),
        Items(tuple(_node_item(node, writer) for node in family.nodes)),
    ]
    if known.lets:
        lines = (definition(writer.name(let.name), writer.pieces(let.body)) for let in known.lets)
        blocks += [Heading(("Abbreviations",), 2), Items(tuple(Item("", (line,)) for line in lines))]
    for loss in family.losses:
        blocks.append(Paragraph(_loss_line(loss, final)))
    if is_open:
        blocks.append(
            Paragraph(("The number ", math("L"), " of layers is arbitrary, ", math(r"L\ge 2"),
                       "; where ", math("n"), " and ", math("L"), " meet, ", math("L=n+1"), "."))
        )  # fmt: skip
    blocks += [Paragraph(line) for line in map(function_definition, known.functions) if line]
    blocks.append(Paragraph(_conventions(known, final, text)))
    return blocks


def _samples(known: Vocabulary, writer: Writer) -> list[Variable]:
    names: dict[str, Variable] = {}
    for variable in known.samples:
        names.setdefault(writer.variable(variable), variable)
    return list(names.values())


def _parameters(known: Vocabulary, writer: Writer) -> str:
    """The blocks of theta: families by their first members."""
    families = sorted({v.name for v in known.parameters if isinstance(v, Member)})
    shown = [rf"{writer.member(f, ONE)},{writer.member(f, Index(2, False))},\ldots" for f in families]
    return ",".join([*shown, *(writer.variable(v) for v in known.parameters if not isinstance(v, Member))])


def _node_item(node: Abbreviation, writer: Writer) -> Item:
    body = body_of(node)
    formula = definition(writer.term(node), writer.term_pieces(body))
    members = [t for t in _inside(body) if isinstance(t, Member) and t.role is Role.PARAMETER]
    spaces = [rf"{writer.variable(v)}\in {_space(v, writer)}" for v in members]
    return Item("", (formula, *((", ", math(r",\ ".join(spaces))) if spaces else ())))


def _space(variable: Member, writer: Writer) -> str:
    sizes = [
        writer.member(part[0], part[1]) if isinstance(part, tuple) else str(part) for part in variable.shape
    ]
    power = r"\times ".join(sizes)
    return rf"\mathbb{{R}}^{{{power}}}"


def _loss_line(loss: Indexed, writer: Writer) -> tuple[Inline, ...]:
    formula = definition(writer.term(loss), writer.term_pieces(loss.body))
    mean = math(rf"\mathcal{{L}}_{{{writer.index(loss.index)}}}")
    depth = writer.index(loss.index)
    return (
        "The network of ", math(depth), " layer" if depth == "1" else " layers", " has the loss ",
        Math(formula.pieces), " of a sample; ", mean, " is its mean over the samples of the data set.",
    )  # fmt: skip


def _blocks_of_direction(known: Vocabulary, writer: Writer) -> list[Inline]:
    """`U_l for W_l`, family by family."""
    at_l = Writer(writer.notation.named("l"))
    families = {v.name: v for v in known.parameters if isinstance(v, Member)}
    found: list[Inline] = []
    for name in sorted(families):
        block = Member(name, families[name].shape, Role.PARAMETER, HERE)
        found += [" and " if found else "", math(at_l.variable(block.as_role(Role.DIRECTION)))]
        found += [" for ", math(at_l.variable(block))]
    return found


def _conventions(known: Vocabulary, writer: Writer, text: str) -> tuple[Inline, ...]:
    found: list[Inline] = [
        math(r"\lVert\cdot\rVert"), " is the 2-norm of a vector and the spectral norm of a matrix"
    ]  # fmt: skip
    if r"\rVert_F" in text:
        found += [", ", math(r"\lVert\cdot\rVert_F"), " the Frobenius norm"]
    if r"\odot" in text:
        found += ["; ", math(r"\odot"), " is the entrywise product"]
    found.append(".")
    if known.notation.softmax is not None:
        argument = writer.term(known.notation.softmax.vector)
        found += [" ", math(rf"p=\operatorname{{softmax}}({argument})"), "."]
    if known.has_direction:
        found += [
            " ", math("u"), " is an arbitrary direction in ", math(r"\theta"), ", with blocks ",
            *_blocks_of_direction(known, writer), "; ", math(r"u_{\le n}"), " are its first ", math("n"),
            " blocks and ", math(r"\lVert u_{\le n}\rVert^{2}=\sum_{l=1}^{n}\lVert U_{l}\rVert_F^{2}"),
            "; ", math("D F[u]"), " and ", math("D^{2} F[u,u]"), " are derivatives in ", math(r"\theta"),
            " along it.",
        ]  # fmt: skip
    if r"\max_i" in text and any(not function.is_analytic for function in known.functions):
        found += [" At a kink ", math(r"\max_i"), " takes the larger one-sided limit."]
    return tuple(found)
