"""Which cases of activation patterns repeat another one: the same text but for the names of their maps."""

from __future__ import annotations

from dataclasses import dataclass, replace

from proofs.kernel.claims import Claim
from proofs.kernel.maps import maps_below

from .claims import claim_inlines
from .expressions import Notation, Writer
from .layers import plain
from .steps import Part, Section, Step, StepTree

__all__ = ["Repeat", "case_of_section", "runs_of_cases"]

# Cases that are printed in any case.
PRINTED = 2


@dataclass(frozen=True, slots=True)
class Repeat:
    """In a part, the cases first..last (inclusive) repeat the case `like` in steps start..end."""

    part: Part
    like: int
    first: int
    last: int
    start: int
    end: int


def case_of_section(section: Section, tree: StepTree) -> int | None:
    """The number of the case that the steps of the section are about."""
    names = list(tree.maps.names.values())
    if section.part not in (Part.MAPS, Part.STEPS) or section.place >= len(names):
        return None
    name = names[section.place]
    return int(name[1:]) if name[0] == "q" else None


def runs_of_cases(tree: StepTree, notation: Notation) -> dict[tuple[Part, int], int]:
    """For every case that repeats a printed one in a part the number of that one."""
    writers: dict[int, Writer] = {}
    found: dict[tuple[Part, int], int] = {}
    for part in (Part.MAPS, Part.STEPS):
        blocks: dict[int, list[Step]] = {}
        for section, steps in tree.sections():
            case = case_of_section(section, tree)
            if section.part is part and case is not None:
                blocks.setdefault(case, []).extend(steps)
        known: dict[object, int] = {}
        for position, (case, steps) in enumerate(blocks.items()):
            if case not in writers:
                writers[case] = _writer_of_case(case, tree, notation)
            signature = tuple(_signature(step, writers[case]) for step in steps)
            if position >= PRINTED and signature in known:
                found[part, case] = known[signature]
            else:
                known.setdefault(signature, case)
    return found


def _writer_of_case(case: int, tree: StepTree, notation: Notation) -> Writer:
    """Leaves nothing out, and gives the maps of the case names that do not depend on its number."""
    maps = tree.maps
    (whole,) = (node for node, name in maps.names.items() if name == f"q{case}")
    inside = set(maps_below(whole))
    counts: dict[str, int] = {}
    renamed = dict(maps.names)
    for node, name in maps.names.items():
        # Names with a number after `_` are those of maps that the loss itself is not made of.
        if node in inside and (node is whole or "_" in name):
            base = "q" if name == f"q{case}" else name.partition("_")[0]
            counts[base] = counts.get(base, 0) + 1
            renamed[node] = f"{base}_0_{counts[base]}"
    return Writer(replace(notation, maps=replace(maps, names=renamed), is_exact=True))


def _signature(step: Step, writer: Writer) -> tuple[object, ...]:
    claims: tuple[Claim, ...] = (step.claim, *step.premise_claims)
    return (step.rule_name, step.trust, *(plain(claim_inlines(claim, writer)) for claim in claims))
