"""The opening of a derivation: nodes, loss, functions, notation and abbreviations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from proofs.kernel.claims import Claim, SupBound
from proofs.kernel.scalars import Let
from proofs.kernel.terms import Entrywise, Mean, Named, Role, Softmax, Term, Variable
from proofs.kernel.univariate import Function

from .blocks import Block, Heading, Item, Items, Paragraph, Raw
from .claims import definition, related
from .expressions import Notation, Writer
from .functions import function_definition
from .layers import Run, exact_writers, plain, repeated_layers
from .layout import Inline, Math, Piece, math
from .names import layer_of, natural
from .steps import StepTree, children, lets_in, walk_terms

__all__ = ["Vocabulary", "range_note", "setting_blocks", "vocabulary"]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the claims of a derivation are about."""

    notation: Notation
    parameters: tuple[Variable, ...]
    samples: tuple[Variable, ...]
    functions: tuple[Function, ...]
    lets: tuple[Let, ...]
    has_direction: bool
    has_reference: bool
    has_slopes_at_kinks: bool


def vocabulary(tree: StepTree, positive: frozenset[object]) -> Vocabulary:
    claims: list[Claim] = [a.claim for a in tree.assumptions] + [step.claim for step in tree.steps]
    free = {v for claim in claims for v in claim.free}
    samples = {v for v in free if v.role is Role.SAMPLE}
    means: dict[Mean, None] = {}
    softmaxes: dict[Softmax, None] = {}
    functions: dict[Function, None] = {}
    for term in walk_terms(claims):
        match term:
            case Mean():
                means[term] = None
                samples.update(term.samples)
            case Softmax():
                softmaxes[term] = None
            case Entrywise(function=function):
                functions[function] = None
            case _:
                pass
    names = {v.name for v in free} | {node.name for node in tree.nodes}
    roles = {v.role for v in free}
    blocks = (Role.PARAMETER, Role.DIRECTION, Role.REFERENCE)
    parameters = {v.as_role(Role.PARAMETER) for v in free if v.role in blocks}
    notation = Notation(
        frozenset(parameters),
        next(iter(softmaxes)) if len(softmaxes) == 1 and "p" not in names else None,
        next(iter(means)) if len(means) == 1 and "L" not in names else None,
        None,
        positive,  # type: ignore[arg-type]
        maps=tree.maps,
    )
    return Vocabulary(
        notation,
        tuple(sorted(parameters, key=lambda v: (layer_of(v.name) or 0, natural(v.name)))),
        tuple(sorted(samples, key=lambda v: v.name)),
        tuple(functions),
        lets_in(claims),
        Role.DIRECTION in roles,
        Role.REFERENCE in roles,
        any(isinstance(c, SupBound) and c.order >= 1 and not c.function.is_analytic for c in claims),
    )


def setting_blocks(
    tree: StepTree, known: Vocabulary, writer: Writer, text: str, *, full: bool
) -> list[Block]:
    """The setting; `text` is that of all steps, which decides what notation is explained."""
    vectors = [node for node in tree.nodes if node.space != ()]
    reference = [node for node in vectors if node.with_role(Role.REFERENCE)]
    moving = [node for node in vectors if node not in reference]
    scalars = [node for node in tree.nodes if node.space == ()]
    blocks: list[Block] = [Heading(("Setting",), 1), Paragraph(_opening(known, writer))]
    if moving:
        blocks.append(_layer_items(moving, _node_line, known.notation, writer, full=full))
    if reference:
        blocks.append(Paragraph(("At the reference point ", math(r"\theta^{0}"), ":")))
        blocks.append(_layer_items(reference, _node_line, known.notation, writer, full=full))
    if scalars:
        blocks.append(Paragraph(_losses(scalars, known, writer)))
    blocks += [Paragraph(line) for line in map(function_definition, known.functions) if line]
    blocks.append(Paragraph(_conventions(known, writer, text)))
    if known.lets:
        blocks.append(Heading(("Abbreviations",), 2))
        blocks.append(_layer_items(known.lets, _let_line, known.notation, writer, full=full))
    return blocks


def _opening(known: Vocabulary, writer: Writer) -> tuple[Inline, ...]:
    sample = "(" + ",".join(writer.variable(v) for v in known.samples) + ")"
    found: list[Inline] = []
    if known.parameters:
        shown = [writer.variable(v) for v in known.parameters]
        if len(shown) > 8:
            shown = [*shown[:4], r"\ldots", *shown[-2:]]
        listed = (Piece(r"\theta=(" + shown[0]), *(Piece(f", {name}") for name in shown[1:]))
        found += ["Let ", Math((*listed[:-1], Piece(listed[-1].text + ")"))), " be the parameters"]
        found += [" and ", math(sample), " a sample. The network computes"] if known.samples else ["."]
    return tuple(found)


def _space(variable: Variable, writer: Writer) -> str:
    sizes = [writer.name(n) if isinstance(n, str) else str(n) for n in variable.shape]
    power = r"\times ".join(sizes)
    return rf"\mathbb{{R}}^{{{power}}}"


def _node_line(node: Named, writer: Writer) -> tuple[Inline, ...]:
    formula = definition(writer.name(node.name), writer.term_pieces(node.body))
    blocks = [v for v in _blocks_of(node.body) if v.role is not Role.REFERENCE]
    if not blocks:
        return (formula,)
    spaces = r",\ ".join(rf"{writer.variable(v)}\in {_space(v, writer)}" for v in blocks)
    return (formula, ", ", math(spaces))


def _blocks_of(body: Term) -> list[Variable]:
    """The variables in a body outside of its nodes."""
    found: dict[Variable, None] = {}
    stack = [body]
    while stack:
        term = stack.pop()
        if isinstance(term, Variable):
            found[term] = None
        elif not isinstance(term, Named):
            stack.extend(reversed(children(term)))
    return list(found)


def _let_line(let: Let, writer: Writer) -> tuple[Inline, ...]:
    return (definition(writer.name(let.name), writer.pieces(let.body)),)


def _layer_items(
    things: Sequence[Named | Let],
    line: Callable[..., tuple[Inline, ...]],
    notation: Notation,
    writer: Writer,
    *,
    full: bool,
) -> Items:
    """One line a definition, layer by layer; layers that repeat another one as one generic layer."""
    layers: dict[int, list[Named | Let]] = {}
    for thing in things:
        layers.setdefault(layer_of(thing.name) or 0, []).append(thing)
    exact = exact_writers(notation)

    def signature(layer: int) -> tuple[str, ...]:
        return tuple(plain(line(thing, exact(layer))) for thing in layers[layer])

    runs = () if full else repeated_layers(list(layers), signature)
    items: list[Item] = []
    for layer, members in layers.items():
        run = next((run for run in runs if run.first <= layer <= run.last), None)
        if run is None or run.first == run.last:
            items += [Item("", line(thing, writer)) for thing in members]
        elif layer == run.first:
            generic = Writer(notation.at_layer(run.like))
            note = range_note(run)
            items += [Item("", (*line(thing, generic), *note)) for thing in layers[run.like]]
    return Items(tuple(items))


def range_note(run: Run) -> tuple[Inline, ...]:
    """For which layers a generic line holds."""
    until = rf",{run.last}" if run.last == run.first + 1 else rf",\ldots,{run.last}"
    return (" for ", math(f"l={run.first}{until}"))


def _losses(scalars: Iterable[Named], known: Vocabulary, writer: Writer) -> tuple[Inline, ...]:
    found: list[Inline] = []
    for node in scalars:
        found += [
            "The loss of a sample is " if not found else ", ",
            Math(tuple(definition(writer.name(node.name), writer.term_pieces(node.body)).pieces)),
        ]
    softmax, mean = known.notation.softmax, known.notation.mean
    if softmax is not None:
        found += [", with ", math(rf"p=\operatorname{{softmax}}({writer.term(softmax.vector)})")]
    if mean is not None:
        found += [". Its mean over the samples of the data set is ", math("L")]
    return (*found, ".")


def _conventions(known: Vocabulary, writer: Writer, text: str) -> tuple[Inline | Raw, ...]:
    """Only what the steps use is explained."""
    found: list[Inline | Raw] = [
        math(r"\lVert\cdot\rVert"), " is the 2-norm of a vector and the spectral norm of a matrix"
    ]  # fmt: skip
    if r"\rVert_F" in text:
        found += [", ", math(r"\lVert\cdot\rVert_F"), " the Frobenius norm"]
    if r"\odot" in text:
        found += ["; ", math(r"\odot"), " is the entrywise product"]
    if r"\mathbf{1}" in text:
        found += ["; ", math(r"\mathbf{1}"), " is the vector of ones"]
    found.append(".")
    if known.has_direction:
        found += [" ", math("u"), " is an arbitrary direction in ", math(r"\theta"), ", with blocks "]
        for position, parameter in enumerate(known.parameters[:2]):
            found += [" and " if position else "", math(writer.variable(parameter.as_role(Role.DIRECTION)))]
            found += [" for ", math(writer.variable(parameter))]
        found += [", and so on; " if len(known.parameters) > 2 else "; "]
        found += [
            math("D F[u]"),
            " and ",
            math("D^{2} F[u,u]"),
            " are derivatives in ",
            math(r"\theta"),
            " along it.",
        ]
        found += _groups(known, writer)
    has_kinks = any(not function.is_analytic for function in known.functions)
    if known.has_slopes_at_kinks or (has_kinks and r"\max_i" in text):
        found += [" At a kink a derivative of an activation stands for both of its one-sided limits"]
        found += [", and ", math(r"\max_i"), " takes the larger one."] if r"\max_i" in text else ["."]
    if known.has_reference and known.parameters:
        first = next(iter(known.parameters))
        found += [" ", math(r"\theta^{0}"), " is a fixed reference point with blocks ",
                  math(writer.variable(first.as_role(Role.REFERENCE))), "."]  # fmt: skip
        if r"_{\le" in text:
            found += [
                " ",
                math(r"(\theta-\theta^{0})_{\le l}"),
                " are its blocks up to layer ",
                math("l"),
                ".",
            ]
    if r"\ldots" in text or "." in text:
        found += [
            " A decimal in an upper bound is rounded upward to six digits; one followed by ", math(r"\ldots"),
            " shows the first digits of an exact number.",
        ]  # fmt: skip
    return tuple(found)


def _groups(known: Vocabulary, writer: Writer) -> list[Inline]:
    layers: dict[int, list[Variable]] = {}
    for parameter in known.parameters:
        layers.setdefault(layer_of(parameter.name) or 0, []).append(parameter)
    joint = next((members for members in layers.values() if len(members) > 1), None)
    found: list[Inline] = []
    if joint is not None:
        layer = layer_of(joint[0].name)
        parts = " + ".join(
            rf"\lVert {writer.variable(v.as_role(Role.DIRECTION))}\rVert{'_F' * (len(v.shape) - 1)}^{{2}}"
            for v in sorted(joint, key=lambda v: (-len(v.shape), natural(v.name)))
        )
        left = [Piece(rf"\lVert u_{{{layer}}}\rVert^{{2}}")]
        found += [" Blocks of one layer form a group: ", related(left, "=", [Piece(parts)]), "."]
    return found
