"""Stored derivations: theorems as JSON and back, every step recomputed on the way in.

A document holds a table of nodes (terms, atoms, polynomials, functions, claims; each refers to
earlier ones by number), the steps (rule, its fields, premises, hypotheses, conclusion, trust) and
the goals.  The form is canonical: decoding refuses anything that does not encode back to itself,
so there is no unused or hidden data.
"""

# JSON comes in untyped; every value is checked at run time.
# pyright: basic
from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping
from enum import Enum
from fractions import Fraction
from typing import Any

from flint import fmpq

from proofs.errors import KernelError

from .claims import Claim
from .core import RULES, Rule, Theorem, infer, steps_of
from .fields import NODES, fields_of, is_node
from .naming import require_one_body_a_name
from .scalars import Atom, Poly
from .univariate import Function, Univariate, Unspecified

__all__ = ["FORMAT", "decode", "encode", "functions_of"]

FORMAT = "gradlemma-derivation-1"
RATIONAL = re.compile(r"-?[0-9]+(/[0-9]+)?\Z")
GOAL = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}(\.[A-Za-z][A-Za-z0-9_]{0,31})?\Z")
MAX_DIGITS = 200_000
MAX_NODES = 5_000_000


def _children(value: object) -> list[object]:
    """The nodes that a node, rule or tuple refers to directly."""
    if isinstance(value, Poly):
        return [inner for monomial, _ in value.sorted_terms() for inner, _ in monomial]
    parts = (
        value if isinstance(value, tuple) else [getattr(value, name) for name, _ in fields_of(type(value))]
    )
    found: list[object] = []
    for part in parts:  # pyright: ignore[reportUnknownVariableType]
        if is_node(part):
            found.append(part)
        elif isinstance(part, tuple):
            found.extend(_children(part))  # pyright: ignore[reportUnknownArgumentType]
    return found


def functions_of(*theorems: Theorem) -> list[Function]:
    """All functions that the derivations speak about (an iterative walk)."""
    seen: dict[object, None] = {}
    stack: list[object] = [
        node for step in steps_of(*theorems) for node in (*_children(step.rule), step.claim, *step.hypotheses)
    ]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen[node] = None
            stack.extend(_children(node))
    return [node for node in seen if isinstance(node, Univariate | Unspecified)]


class _Encoder:
    def __init__(self) -> None:
        self.nodes: list[list[Any]] = []
        self._numbers: dict[Any, int] = {}

    def node(self, value: object) -> int:
        """The number of a node, after those that it refers to (an iterative walk)."""
        stack: list[tuple[object, bool]] = [(value, False)]
        while stack:
            top, ready = stack.pop()
            if top in self._numbers:
                continue
            if not ready:
                stack.append((top, True))
                stack.extend((child, False) for child in reversed(_children(top)))
                continue
            self.nodes.append(self._entry(top))
            self._numbers[top] = len(self.nodes) - 1
        return self._numbers[value]

    def _entry(self, value: object) -> list[Any]:
        if isinstance(value, Poly):
            pairs = [
                [str(c), [[self._numbers[inner], e] for inner, e in monomial]]
                for monomial, c in value.sorted_terms()
            ]
            return ["Poly", pairs]
        return [type(value).__name__, *self.fields(value)]

    def fields(self, value: object) -> list[Any]:
        return [self.value(getattr(value, name)) for name, _ in fields_of(type(value))]

    def value(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | str):
            return value
        if isinstance(value, fmpq | Fraction):
            return str(value)
        if isinstance(value, Enum):
            return value.value
        if isinstance(value, tuple):
            return [self.value(part) for part in value]  # pyright: ignore[reportUnknownVariableType]
        if is_node(value):
            return self.node(value)
        raise KernelError(f"no stored form is known for {type(value).__name__}")


def encode(goals: Mapping[str, Theorem]) -> dict[str, Any]:
    """The document of the derivations of the named theorems; shared steps are stored once."""
    encoder = _Encoder()
    steps = steps_of(*goals.values())
    numbers = {id(step): number for number, step in enumerate(steps)}
    stored: list[dict[str, Any]] = []
    for step in steps:
        for child in _children(step.rule):
            encoder.node(child)
        stored.append(
            {
                "rule": type(step.rule).__name__,
                "fields": encoder.fields(step.rule),
                "premises": [numbers[id(premise)] for premise in step.premises],
                "hypotheses": sorted(encoder.node(claim) for claim in sorted(step.hypotheses, key=_key)),
                "conclusion": encoder.node(step.claim),
                "trust": sorted(step.trust),
            }
        )
    named = {name: numbers[id(theorem)] for name, theorem in goals.items()}
    return {"format": FORMAT, "nodes": encoder.nodes, "steps": stored, "goals": named}


def _key(claim: Claim) -> bytes:
    return claim.key  # type: ignore[attr-defined]


class _Decoder:
    def __init__(self, entries: list[Any]) -> None:
        self.nodes: list[Any] = []
        for entry in entries:
            if not isinstance(entry, list) or not entry or not isinstance(entry[0], str):
                raise KernelError(f"expected node {len(self.nodes)} to be a list that starts with a kind")
            self.nodes.append(self._node(entry[0], entry[1:]))

    def _node(self, name: str, values: list[Any]) -> Any:
        if name not in NODES:
            raise KernelError(f"expected a known kind of node but got {name[:40]!r}")
        if name == "Poly":
            return self._poly(values)
        return self.make(NODES[name], values)

    def make(self, kind: type, values: list[Any]) -> Any:
        hints = fields_of(kind)
        if not isinstance(values, list) or len(values) != len(hints):
            raise KernelError(f"expected {len(hints)} fields of {kind.__name__}")
        return kind(*(self.value(value, hint) for value, (_, hint) in zip(values, hints, strict=True)))

    def _poly(self, values: list[Any]) -> Poly:
        (pairs,) = values
        found: list[Any] = []
        for coefficient, monomial in pairs:
            powers = [(self.reference(ref, Atom), exponent) for ref, exponent in monomial]
            if any(type(exponent) is not int or exponent < 1 for _, exponent in powers):
                raise KernelError("expected exponents >= 1")
            if len({inner for inner, _ in powers}) != len(powers):
                raise KernelError("expected distinct atoms in a monomial")
            found.append((tuple(sorted(powers, key=lambda pair: pair[0].key)), _rational(coefficient)))
        return Poly(found)

    def reference(self, value: Any, kind: Any) -> Any:
        if type(value) is not int or not 0 <= value < len(self.nodes):
            raise KernelError(f"expected the number of an earlier node but got {value!r}")
        node = self.nodes[value]
        if not isinstance(node, kind):
            raise KernelError(f"expected a node of another kind than {type(node).__name__}")
        return node

    def value(self, value: Any, hint: Any) -> Any:
        """The value of a field, checked against its type."""
        origin = typing.get_origin(hint)
        if origin in (types.UnionType, typing.Union):
            return self._union(value, typing.get_args(hint))
        if origin is tuple:
            return self._tuple(value, typing.get_args(hint))
        if hint in (int, str, bool):
            if type(value) is not hint:
                raise KernelError(f"expected {hint.__name__} but got {value!r}")
            return value
        if hint is fmpq:
            return _rational(value)
        if hint is Fraction:
            exact = _rational(value)
            return Fraction(int(exact.p), int(exact.q))
        if isinstance(hint, type) and issubclass(hint, Enum):
            return hint(value)
        return self.reference(value, hint)

    def _union(self, value: Any, options: tuple[Any, ...]) -> Any:
        if value is None:
            if type(None) in options:
                return None
            raise KernelError("expected a value but got null")
        rest = [option for option in options if option is not type(None)]
        if len(rest) == 1:
            return self.value(value, rest[0])
        if {int, str} <= set(rest):
            family = next((option for option in rest if typing.get_origin(option) is tuple), int)
            kind = str if isinstance(value, str) else family if isinstance(value, list) else int
            return self.value(value, kind)
        return self.reference(value, tuple(rest))

    def _tuple(self, value: Any, options: tuple[Any, ...]) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise KernelError(f"expected a list but got {value!r}")
        if len(options) == 2 and options[1] is Ellipsis:
            return tuple(self.value(part, options[0]) for part in value)
        if len(value) != len(options):
            raise KernelError(f"expected {len(options)} entries but got {len(value)}")
        return tuple(self.value(part, option) for part, option in zip(value, options, strict=True))


def _rational(value: Any) -> fmpq:
    if not isinstance(value, str) or len(value) > MAX_DIGITS or not RATIONAL.match(value):
        raise KernelError(f"expected a rational number but got {str(value)[:40]!r}")
    top, _, bottom = value.partition("/")
    return fmpq(_integer(top), _integer(bottom or "1"))


def _integer(text: str) -> int:
    from flint import fmpz

    return int(fmpz(text))


def decode(document: Any, *, progress: typing.Callable[[int, int], None] | None = None) -> dict[str, Theorem]:
    """The theorems of a stored derivation, every step recomputed by its rule.

    Args:
        document: what `encode` returned, as read back from JSON.
        progress: called with (steps done, steps in all).

    Raises:
        KernelError: if anything is malformed, not canonical, or a step does not recompute to its
            stored hypotheses, conclusion and trust; the step is named.
    """
    try:
        return _decode(document, progress)
    except KernelError:
        raise
    except (
        ArithmeticError,
        AttributeError,
        IndexError,
        KeyError,
        TypeError,
        ValueError,
        RecursionError,
    ) as error:
        raise KernelError(f"the document is not a stored derivation: {error}") from error


def _decode(document: Any, progress: typing.Callable[[int, int], None] | None) -> dict[str, Theorem]:
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise KernelError(f"expected a document of the format {FORMAT}")
    if len(document["nodes"]) > MAX_NODES:
        raise KernelError(f"expected at most {MAX_NODES} nodes")
    decoder = _Decoder(document["nodes"])
    theorems: list[Theorem] = []
    for number, step in enumerate(document["steps"]):
        if progress is not None:
            progress(number, len(document["steps"]))
        theorems.append(_step(decoder, theorems, number, step))
    require_one_body_a_name(decoder.nodes)
    if not document["goals"]:
        raise KernelError("expected a derivation with at least one goal")
    if not all(isinstance(name, str) and GOAL.match(name) for name in document["goals"]):
        raise KernelError("expected names of goals such as worst_case.G_max")
    goals = {name: theorems[_index(number, theorems)] for name, number in document["goals"].items()}
    if encode(goals) != document:
        raise KernelError("expected the canonical form of a derivation: there is unused or reordered data")
    return goals


def _index(number: Any, theorems: list[Theorem]) -> int:
    if type(number) is not int or not 0 <= number < len(theorems):
        raise KernelError(f"expected the number of an earlier step but got {number!r}")
    return number


def _step(decoder: _Decoder, theorems: list[Theorem], number: int, step: Mapping[str, Any]) -> Theorem:
    name = step["rule"]
    place = f"step {number} ({str(name)[:40]})"
    if name not in RULES:
        raise KernelError(f"{place}: expected the name of a rule")
    try:
        rule: Rule = decoder.make(RULES[name], step["fields"])
        theorem = infer(rule, *(theorems[_index(premise, theorems)] for premise in step["premises"]))
        conclusion = decoder.reference(step["conclusion"], Claim)
        hypotheses = frozenset(decoder.reference(ref, Claim) for ref in step["hypotheses"])
    except KernelError as error:
        raise KernelError(f"{place}: {error}") from error
    if theorem.claim is not conclusion:
        raise KernelError(f"{place} does not recompute to its stored conclusion")
    if theorem.hypotheses != hypotheses:
        raise KernelError(f"{place} does not recompute to its stored hypotheses")
    if sorted(theorem.trust) != step["trust"]:
        raise KernelError(f"{place} does not recompute to its stored trust")
    return theorem
