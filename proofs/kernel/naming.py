"""Names in a derivation: one body for every name, and no name that reads like another's member."""

from __future__ import annotations

import re
from collections.abc import Iterable

from proofs.errors import KernelError

from .families import Block, Indexed, Recursive
from .scalars import Let
from .substitution import term_at
from .terms import Named, Role, Term, Variable
from .univariate import Univariate, Unspecified

__all__ = ["require_one_body_a_name"]


def require_one_body_a_name(nodes: Iterable[object]) -> None:
    """Refuses two abbreviations of one name: a reader could not tell them apart.

    Members of one family must be instances of one scheme, and no other name may be that of a
    family, or of one followed by digits, which would be printed as a member.
    """
    found = list(nodes)
    for kind in (Named, Let):
        names = [node.name for node in found if type(node) is kind]
        if len(set(names)) != len(names):
            raise KernelError(f"expected one body for every name of a {kind.__name__}")
    labels = [node.label() for node in found if isinstance(node, Univariate | Unspecified)]
    if len(set(labels)) != len(labels):
        raise KernelError("expected one function of every name")
    families = [_recursions(found), _schemes(found), {node.name for node in found if isinstance(node, Block)}]
    plain = {
        node.name
        for node in found
        if isinstance(node, Named) or (type(node) is Variable and node.role is not Role.PREVIOUS)
    }
    seen: set[str] = set()
    for names in families:
        clash = next((n for n in names if n in seen or any(_reads_like(other, n) for other in plain)), None)
        if clash is not None:
            raise KernelError(f"expected no other name that reads like a member of the family {clash}")
        seen |= names


def _reads_like(name: str, family: str) -> bool:
    return re.fullmatch(re.escape(family) + r"[0-9]*", name) is not None


def _recursions(nodes: list[object]) -> set[str]:
    """The names of recursions, one first term and one step each."""
    bodies: dict[str, tuple[Term, Term]] = {}
    for node in nodes:
        if isinstance(node, Recursive) and bodies.setdefault(node.name, (node.first, node.step)) != (
            node.first,
            node.step,
        ):
            raise KernelError(f"expected one recursion of the name {node.name}")
    return set(bodies)


def _schemes(nodes: list[object]) -> set[str]:
    """The names of indexed abbreviations: the bodies are those of the most general member."""
    members: dict[str, list[Indexed]] = {}
    for node in nodes:
        # Inside the step of a recursion the body speaks of the term before.
        if isinstance(node, Indexed) and not node.with_role(Role.PREVIOUS):
            members.setdefault(node.name, []).append(node)
    for name, family in members.items():
        general = min(family, key=lambda node: (not node.index.is_open, node.index.offset))
        if not all(_is_instance(node, general) for node in family):
            raise KernelError(f"expected one body for every member of the family {name}")
    return set(members)


def _is_instance(node: Indexed, general: Indexed) -> bool:
    if not general.index.is_open:
        return node is general or node.index is not general.index
    place = node.index.offset - general.index.offset
    if place < (0 if node.index.is_open else 1):
        return True
    return term_at(general, type(node.index)(place, node.index.is_open)) is node
