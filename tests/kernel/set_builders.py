"""Maps, sets and helpers that the tests of rules about sets, patterns and step sizes share."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from flint import fmpq

from proofs.errors import KernelError
from proofs.kernel.claims import Claim
from proofs.kernel.codec import decode, encode
from proofs.kernel.core import Rule, Theorem, infer
from proofs.kernel.maps import (
    AnyPlace,
    AnyStep,
    At,
    Contract,
    Fixed,
    Given,
    Map,
    Opaque,
    ParameterBlock,
    PlaceNumber,
    StepNumber,
    Unknown,
)
from proofs.kernel.rules.logic import Assume
from proofs.kernel.sets import LevelNumber, LevelSet, Region
from proofs.kernel.univariate import argument, call, piecewise
from proofs.network import activation

RELU, TANH, SQUARE = activation("relu"), activation("tanh"), activation("square")
SIGN = activation("sign")
POLE = piecewise("pole", {}, [], [call("inverse", argument())])
W, B, V = ParameterBlock("W", (2, 2)), ParameterBlock("b", (2,)), ParameterBlock("v", (2,))
S = ParameterBlock("s", ())
X = Given("x", (2,))
P, H = Unknown("p", ()), Unknown("h", None)
I, J = AnyPlace("i"), AnyPlace("j")  # noqa: E741
ETA = AnyStep("eta")
ONE, HALF = StepNumber(fmpq(1)), StepNumber(fmpq(1, 2))
ZERO = LevelNumber(fmpq(0))
OUTER = Opaque("g", Contract("ij,j->i", W, V), (3,))


def number(value: int | Fraction) -> Fixed:
    exact = Fraction(value)
    return Fixed((), (fmpq(exact.numerator, exact.denominator),))


def vector(*values: int) -> Fixed:
    return Fixed((len(values),), tuple(fmpq(value) for value in values))


def square(of: Map) -> Map:
    return Contract(",->", of, of)


def entry(of: Map, place: int) -> Map:
    return At(of, PlaceNumber(place))


def letter(name: str) -> Region:
    """A set of which nothing is known."""
    return LevelSet(Unknown(name, ()), ZERO)


def assume(claim: Claim) -> Theorem:
    return infer(Assume(claim))


def refused(rule: Rule, *premises: Theorem, match: str | None = None) -> None:
    with pytest.raises(KernelError, match=match):
        infer(rule, *premises)


def concluded(rule: Rule, *premises: Theorem) -> Claim:
    return infer(rule, *premises).claim


def at(**values: Any) -> tuple[tuple[str, tuple[fmpq, ...]], ...]:
    """A stored point: numbers, or tuples of them, by block."""
    found: list[tuple[str, tuple[fmpq, ...]]] = []
    for name, given in sorted(values.items()):
        entries = given if isinstance(given, tuple) else (given,)
        exact = [Fraction(e) for e in entries]
        found.append((name, tuple(fmpq(e.numerator, e.denominator) for e in exact)))
    return tuple(found)


# -- stored derivations ---------------------------------------------------------------------------


def round_trip(theorem: Theorem) -> Any:
    """The document of a theorem, which comes back as the same theorem."""
    document = json.loads(json.dumps(encode({"goal": theorem})))
    again = decode(document)["goal"]
    assert again.sequent == theorem.sequent
    assert again.trust == theorem.trust
    assert encode({"goal": again}) == document
    return document


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [p for key in value for p in _places(value[key], (*path, key))]
    if isinstance(value, list):
        return [p for i, inner in enumerate(value) for p in _places(inner, (*path, i))] or [path]
    return [path]


def _mutated(leaf: Any, source: random.Random) -> Any:
    if isinstance(leaf, bool):
        return not leaf
    if isinstance(leaf, int):
        return leaf + source.choice([-2, -1, 1, 2, 10**6])
    if isinstance(leaf, str) and re.fullmatch(r"-?[0-9]+(/[0-9]+)?", leaf):
        value = Fraction(leaf)
        return str(source.choice([-value, value / 2, value + 1]))
    if isinstance(leaf, str):
        return source.choice([leaf + "x", leaf[:-1], "Whole", "Null", "W"])
    return source.choice([0, "1", None, []])


def fuzz(theorem: Theorem, changes: int, seed: int, is_known: Callable[[Theorem], bool]) -> int:
    """How many single changes of the stored derivation are refused.

    Each of the others must give the same theorem, or another one for which `is_known` says that it is true.
    """
    source = random.Random(seed)
    text = json.dumps(round_trip(theorem))
    places = _places(json.loads(text))
    refusals = 0
    for _ in range(changes):
        altered = json.loads(text)
        path = source.choice(places)
        inner = altered
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = _mutated(inner[path[-1]], source)
        try:
            again = list(decode(altered).values())
        except KernelError:
            refusals += 1
            continue
        for found in again:
            assert found.sequent == theorem.sequent or is_known(found), (
                f"an altered derivation passed: {path}"
            )
    return refusals
