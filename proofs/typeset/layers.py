"""Which layers repeat another one: their steps are the same text with every index shifted."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

from .claims import claim_inlines
from .expressions import Notation, Writer
from .identities import identity_inlines
from .layout import Cite, Inline
from .names import layer_of
from .steps import Part, Section, Step, StepTree

__all__ = ["Run", "Shifted", "exact_writers", "plain", "repeated_layers", "runs_of_layers"]

MOST_LAYERS = 3


@dataclass(frozen=True, slots=True)
class Run:
    """Layers first..last (inclusive) repeat the layer `like`."""

    first: int
    last: int
    like: int


Shifted = Callable[[int], Hashable]


def plain(inlines: Iterable[Inline]) -> str:
    """The text of inlines, for comparisons."""
    return " ".join(_text(part) for part in inlines)


def _text(part: Inline) -> str:
    if isinstance(part, Cite):
        return part.key
    return part if isinstance(part, str) else part.text


def repeated_layers(layers: list[int], signature: Shifted) -> tuple[Run, ...]:
    """Runs of layers that repeat an earlier printed layer; the first two and the last are printed.

    Args:
        layers: consecutive layers in order.
        signature: what a layer consists of, with indices relative to it.
    """
    if len(layers) <= MOST_LAYERS or layers != list(range(layers[0], layers[-1] + 1)):
        return ()
    runs: list[Run] = []
    like, expected = layers[1], signature(layers[1])
    for layer in layers[2:-1]:
        found = signature(layer)
        if found != expected:
            like, expected = layer, found
        elif runs and runs[-1].last == layer - 1 and runs[-1].like == like:
            runs[-1] = Run(runs[-1].first, layer, like)
        else:
            runs.append(Run(layer, layer, like))
    return tuple(runs)


def exact_writers(notation: Notation) -> Callable[[int], Writer]:
    """A writer for every layer that leaves nothing out and writes indices relative to the layer."""
    known: dict[int, Writer] = {}

    def at(layer: int) -> Writer:
        if layer not in known:
            known[layer] = Writer(notation.at_layer(layer, is_exact=True))
        return known[layer]

    return at


def layer_of_section(section: Section, tree: StepTree) -> int | None:
    if section.part is Part.MAPS:
        return tree.maps.layer_of_place(section.place)
    if section.part not in (Part.NORMS, Part.NODES):
        return None
    return layer_of(tree.nodes[section.place].name)


def runs_of_layers(tree: StepTree, notation: Notation) -> dict[Part, tuple[Run, ...]]:
    """For the parts that go layer by layer, the layers whose steps repeat those of another layer."""
    blocks: dict[Part, dict[int, list[Step]]] = {}
    scattered: set[Part] = set()
    last: tuple[Part, int] | None = None
    for section, steps in tree.sections():
        layer = layer_of_section(section, tree)
        if layer is None:
            last = None
            continue
        known = blocks.setdefault(section.part, {})
        if layer in known and last != (section.part, layer):
            scattered.add(section.part)
        known.setdefault(layer, []).extend(steps)
        last = (section.part, layer)
    writers = exact_writers(notation)
    return {
        part: repeated_layers(list(layers), _signature_in(layers, tree, writers))
        for part, layers in blocks.items()
        if part not in scattered
    }


def _signature_in(layers: dict[int, list[Step]], tree: StepTree, writers: Callable[[int], Writer]) -> Shifted:
    texts: dict[tuple[int, object], str] = {}

    def claim_text(layer: int, claim: object) -> str:
        if (layer, claim) not in texts:
            texts[layer, claim] = plain(claim_inlines(claim, writers(layer), as_premise=True))  # type: ignore[arg-type]
        return texts[layer, claim]

    def signature(layer: int) -> Hashable:
        return tuple(
            (
                step.rule_name,
                step.section.order,
                claim_text(layer, step.claim),
                tuple(claim_text(layer, claim) for claim in step.premise_claims),
                plain(identity_inlines(step, writers(layer), mark="premise")),
                step.trust,
            )
            for step in layers[layer]
        )

    return signature
