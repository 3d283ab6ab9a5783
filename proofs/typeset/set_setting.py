"""The opening of a derivation about sets of parameters: maps, what is arbitrary, and notation."""

# ruff: noqa: E501 -- running text with formulas
from __future__ import annotations

import re

from proofs.kernel.claims import Claim
from proofs.kernel.dynamics import Descent, Proximal, Pushed, Sheared
from proofs.kernel.maps import (
    Chosen,
    Entry,
    Map,
    MeanOf,
    Opaque,
    ParameterBlock,
    Unknown,
    maps_below,
    size_of,
)
from proofs.kernel.set_claims import PiecewiseAnalytic
from proofs.kernel.univariate import Function

from .blocks import Block, Heading, Item, Items, Paragraph
from .claims import map_writer
from .expressions import Writer
from .functions import function_definition
from .layers import exact_writers, plain, repeated_layers
from .layout import Inline, Math, Piece, math
from .map_names import layer_of_name
from .map_writer import MapWriter
from .names import layer_of, natural
from .setting import Vocabulary, range_note
from .statements import space_latex, symbol_inlines
from .steps import StepTree

__all__ = ["set_setting"]

MOST_BLOCKS = 8
MOST_VARIANTS = 3


def set_setting(tree: StepTree, known: Vocabulary, text: str, *, is_first: bool, full: bool) -> list[Block]:
    """The setting; `text` is that of all steps, which decides what notation is explained."""
    writer = Writer(known.notation)
    maps = map_writer(writer)
    below = maps_below(*tree.maps.roots)
    claims = [a.claim for a in tree.assumptions] + [step.claim for step in tree.steps]
    heading = Heading(("Setting",), 1) if is_first else Heading(("Maps of the parameters",), 2)
    blocks: list[Block] = [heading, Paragraph(_opening(below, maps))]
    arbitrary = _arbitrary(tree, writer)
    if arbitrary:
        blocks.append(Paragraph(arbitrary))
    if tree.maps.names:
        blocks.append(Paragraph(("The maps are",)))
        blocks.append(_definitions(tree, writer, full=full))
    functions = [function for function in _functions(below, claims) if function not in known.functions]
    blocks += [Paragraph(line) for line in map(function_definition, functions) if line]
    full_text = text + "\n" + _definition_text(tree, maps)
    blocks.append(Paragraph(_sets(full_text, tree)))
    steps = _steps(full_text, tree, maps)
    if steps:
        blocks.append(Paragraph(steps))
    return blocks


def _opening(below: list[Map], maps: MapWriter) -> tuple[Inline, ...]:
    blocks = {node.name: node for node in below if isinstance(node, ParameterBlock)}
    theta = math(r"\Theta=\mathbb{R}^{P}")
    if not blocks:
        return ("Let ", theta, " be the space of the parameters ", math(r"\theta"), ".")
    named = sorted(blocks.values(), key=lambda block: (layer_of(block.name) or 0, natural(block.name)))
    size = sum(size_of(block.extents) for block in named)
    shown = [rf"{maps.map(block)}\in {space_latex(block.extents)}" for block in named]
    if len(shown) > MOST_BLOCKS:
        shown = [*shown[:4], r"\ldots", shown[-1]]
    listed = Math((Piece(shown[0]), *(Piece(rf",\ {text}") for text in shown[1:])))
    is_open = any(isinstance(node, Unknown) for node in below)
    number = () if is_open else ("; ", math(f"P={size}"))
    return (
        "Let ",
        theta,
        " be the space of the parameters ",
        math(r"\theta"),
        ", which consist of ",
        listed,
        *number,
        ".",
    )


def _arbitrary(tree: StepTree, writer: Writer) -> tuple[Inline, ...]:
    """What the goals hold for any of: data, maps and step sizes that they speak of."""
    claims: list[Claim] = [a.claim for a in tree.assumptions if not a.discharged]
    claims += [conclusion.claim for conclusion in tree.conclusions]
    found: list[Inline] = list(symbol_inlines(claims, writer, "Let "))
    opaque = {node.name: node for node in maps_below(*tree.maps.roots) if isinstance(node, Opaque)}
    for node in opaque.values():
        shape = node.of.shape
        start = space_latex(None) if shape is None else space_latex((size_of(shape),))
        found += [
            math(rf"{writer.name(node.name)}:{start}\to{space_latex(node.extents)}"),
            " is an arbitrary fixed function. ",
        ]
    means = [node for node in maps_below(*tree.maps.roots) if isinstance(node, MeanOf)]
    if means:
        data = ",".join(writer.name(given.name) for given in means[0].data)
        found += [
            "The mean is over finitely many values of the data ",
            math(f"({data})"),
            ", which are arbitrary.",
        ]
    return tuple(found)


def _definition_text(tree: StepTree, maps: MapWriter) -> str:
    return "\n".join(piece.text for node in tree.maps.order for piece in maps.body(node))


def _definitions(tree: StepTree, writer: Writer, *, full: bool) -> Items:
    """One line a map, layer by layer; layers that repeat another one as one generic layer."""
    layers: dict[int, list[Map]] = {}
    names = tree.maps.names
    shown = list(names) if full else _without_late_variants(names)
    for node in shown:
        layers.setdefault(layer_of_name(names[node]) or 0, []).append(node)
    exact = exact_writers(writer.notation)

    def signature(layer: int) -> tuple[str, ...]:
        return tuple(plain(_definition(node, map_writer(exact(layer)))) for node in layers[layer])

    numbered = sorted(layer for layer in layers if layer)
    runs = () if full or not numbered else repeated_layers(numbered, signature)
    items: list[Item] = []
    for layer in [*numbered, *([0] if 0 in layers else [])]:
        run = next((run for run in runs if run.first <= layer <= run.last), None)
        if run is None or run.first == run.last:
            items += [Item("", _definition(node, map_writer(writer))) for node in layers[layer]]
        elif layer == run.first:
            generic = map_writer(Writer(writer.notation.at_layer(run.like)))
            note = range_note(run)
            items += [Item("", (*_definition(node, generic), *note)) for node in layers[run.like]]
    left_out = len(names) - len(shown)
    if left_out:
        items.append(Item("", (f"and so on for {left_out} further maps of the cases.",)))
    return Items(tuple(items))


def _without_late_variants(names: dict[Map, str]) -> list[Map]:
    """The maps but for the fourth and further ones of one letter and layer, and of the cases."""
    counts: dict[str, int] = {}
    shown: list[Map] = []
    for node, name in names.items():
        base = "q" if name[0] == "q" else name.partition("_")[0]
        counts[base] = counts.get(base, 0) + 1
        if counts[base] <= MOST_VARIANTS:
            shown.append(node)
    return shown


def _definition(node: Map, maps: MapWriter) -> tuple[Inline, ...]:
    name = maps.map(node)
    body = maps.body(node)
    first = Piece(f"= {body[0].text}", is_relation=True)
    return (Math((Piece(name), first, *body[1:])),)


def _functions(below: list[Map], claims: list[Claim]) -> list[Function]:
    found: dict[Function, None] = {}
    for claim in claims:
        if isinstance(claim, PiecewiseAnalytic):
            found[claim.function] = None
    found |= dict.fromkeys(node.function for node in below if isinstance(node, Entry | Chosen))
    return list(found)


# -- notation -----------------------------------------------------------------------------------


def _sets(text: str, tree: StepTree) -> tuple[Inline, ...]:
    """Only what the steps use is explained."""
    found: list[Inline] = [
        "A set is null if its Lebesgue measure is 0. For a map ", math("f"), " of the parameters, ", math("D(f)"),
        " is the open set of the points near which ", math("f"), " is real-analytic, and ",
        math(r"S(f)=\Theta\setminus D(f)"), "; ", math("f"), " is almost everywhere analytic if ", math("S(f)"),
        " is null.",
    ]  # fmt: skip
    explained: list[tuple[str, tuple[Inline, ...]]] = [
        (r"U_\{", _components(text, tree)),
        (r"\\\{[^}]*=", (" ", math(r"\{f=c\}"), " is the set of the ", math(r"\theta"), " at which all entries of ",
                       math(r"f(\theta)"), " are ", math("c"), ".")),
        (r"\\kappa", (" ", math(r"\kappa_1,\kappa_2,\ldots"), " are the kinks of an activation, countably many;"
                     " a set that speaks of a kink that there is not is empty.")),
        (r"\\in S\(", (" ", math(r"\{p\in S(\varphi)\}"), " is the set of the ", math(r"\theta"), " with ",
                      math(r"p(\theta)\in S(\varphi)"), ", ", math(r"\varphi"),
                      " being a function of several variables that may be applied entry by entry.")),
        (r"\\partial|\\operatorname\{int\}", (" ", math(r"\operatorname{int}"), " is the interior of a set, ",
                                            math(r"\partial"), " its boundary.")),
        (r"J_\{", (" ", math("J_f"), " is the Jacobian of ", math("f"), " in ", math(r"\theta"), ".")),
        (r"_\{i\}|bigcup_\{i\}", (" ", math("f_i"), " is the entry ", math("i"), " of ", math("f"),
                                  ", and 0 for ", math("i"), " beyond the last one.")),
        (r"P_\{\d+\}", _selections(tree)),
        (r"_\{\[", (" ", math(r"\varphi_{[c_1,c_2,\ldots]}(z)"), " has in place of ", math(r"\varphi(z_i)"),
                    " the expression number ", math("c_i"), " in the definition of ", math(r"\varphi"),
                    " at ", math("z_i"), ", whatever side of the kinks ", math("z_i"), " is on, or the constant ",
                    math(r"\varphi(\kappa_k)"), " where ", math(r"c_i=\kappa_k"), ".")),
        (r"\\lambda_\{", (" ", math(r"\lambda_k(p)"), " is the ", math("k"), "-th smallest real root of the polynomial ",
                          math("p"), ".")),
    ]  # fmt: skip
    for pattern, words in explained:
        if re.search(pattern, text):
            found += words
    return tuple(found)


def _components(text: str, tree: StepTree) -> tuple[Inline, ...]:
    components = list(tree.maps.components)
    if len(components) == 1:
        of = math(f"D({map_name(components[0], tree)})")
        start: tuple[Inline, ...] = (" ", math(r"U_1,U_2,\ldots"), " are the connected components of ", of)
    else:
        start = (" ", math(r"U_1(f),U_2(f),\ldots"), " are the connected components of ", math("D(f)"))
    return (*start, ", countably many; ", math("U_c"), " is empty for ", math("c"), " beyond their number.")


def map_name(node: Map, tree: StepTree) -> str:
    return MapWriter(tree.maps).map(node)


def _selections(tree: StepTree) -> tuple[Inline, ...]:
    found: list[Inline] = []
    for (numbers, extents, size), number in tree.maps.selections.items():
        listed = ["0" if n < 0 else str(n + 1) for n in numbers]
        if len(listed) > 12:
            listed = [*listed[:8], r"\ldots", listed[-1]]
        shape = r"\times ".join(str(e) for e in extents) or "1"
        found += [
            " ", math(rf"P_{{{number}}}"), " puts the entries number ", math(",".join(listed)), f" of {size} into the shape ",
            math(shape), " (0 stands for a zero)." if "0" in listed else ".",
        ]  # fmt: skip
    return tuple(found)


def _steps(text: str, tree: StepTree, maps: MapWriter) -> tuple[Inline, ...]:
    """Maps of optimisers, what they are said to be, and exceptional step sizes."""
    found: list[Inline] = []
    for dynamics in tree.maps.dynamics:
        match dynamics:
            case Descent():
                found += [
                    math(rf"{maps.dynamics(dynamics)}(\theta)={maps.value(dynamics)}"),
                    " is a step of gradient descent. ",
                ]
            case Pushed() | Sheared():
                found += [math(rf"{maps.dynamics(dynamics)}(\theta,v)={maps.value(dynamics)}"), ". "]
            case Proximal(loss=loss, step=step):
                point = rf"p+{maps.step(step)}\nabla {maps.map(loss, 2)}(p)=\theta"
                found += [math(rf"{maps.dynamics(dynamics)}(\theta)"), " is a point ", math("p"), " with ", math(point),
                          ", chosen in any way, where there is one. "]  # fmt: skip
            case _:
                pass
    if r"\nabla " in "".join(part.text for part in found if isinstance(part, Math)):
        found += ["Where a loss has no gradient, a step has some fixed value. "]
    if found:
        found += [
            "A map is non-singular if preimages of null sets are null, and singular if it sends an open set that is not"
            " empty to a null set. "
        ]  # fmt: skip
    if "E(" in text:
        found += [
            math(r"\eta\in E(L)"), " if ", math(r"\det(I-\eta\nabla^{2}L)=0"),
            " on all of a component of ", math("D(L)"), " that is not empty.",
        ]  # fmt: skip
    return tuple(found)
