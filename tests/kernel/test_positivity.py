"""Signs by form: what is accepted is positive at sampled points, and what may not be is refused."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st
from set_builders import RELU, S, V, W, assume, concluded, number, refused, square, vector

from proofs.errors import KernelError
from proofs.kernel.core import Theorem, infer
from proofs.kernel.map_values import ball_values
from proofs.kernel.maps import (
    Chosen,
    Contract,
    Entry,
    Fixed,
    Join,
    Map,
    Partial,
    Pick,
    Scaled,
    Total,
    blocks_of,
    size_of,
)
from proofs.kernel.positivity import is_entire, signs_needed
from proofs.kernel.rules.positive import PositiveByForm
from proofs.kernel.set_claims import Positive
from proofs.kernel.univariate import argument, call, constant, periodic, piecewise
from proofs.network import activation

T = argument()
SOFTPLUS, SIGMOID = activation("softplus"), activation("sigmoid")
BUMP = piecewise("bump", {}, [0], [constant(1), T + constant(1)], {Fraction(0): Fraction(2)})
HOLE = piecewise("hole", {}, [0], [constant(1), T + constant(1)], {Fraction(0): Fraction(-1)})
STAIRS = periodic("stairs", [0, 1], [T + constant(1)], drift=1)
WAVE = periodic("wave", [0, 1], [T + constant(1)])
DIP = periodic("dip", [0, 1], [T + constant(1)], values={Fraction(0): Fraction(0)})
SQUARES = Contract("ij,ij->i", W, W)


def shown(node: Map, strict: bool) -> Theorem:
    return infer(PositiveByForm(node, strict), *(shown(part, s) for part, s in signs_needed(node, strict)))


GOOD: list[tuple[Map, bool]] = [
    (vector(1, 2), True),
    (vector(0, 2), False),
    (Entry(SIGMOID, V), True),
    (Entry(BUMP, S), True),
    (Entry(WAVE, S), True),
    (SQUARES, False),
    (Total((SQUARES, vector(1, 1))), True),
    (Scaled(fmpq(2), Entry(SOFTPLUS, V)), True),
    (Partial("inverse", Total((square(S), number(Fraction(1, 3))))), True),
    (Partial("sqrt", Entry(SIGMOID, S)), True),
    (Contract("i,ij->j", Entry(SIGMOID, V), Fixed((2, 2), tuple(map(fmpq, (1, 0, 2, 3))))), True),
    (Contract("i,j->ij", Entry(SIGMOID, V), Entry(SOFTPLUS, V)), True),
    (Join((Entry(SIGMOID, S), vector(1))), True),
    (Pick(Entry(SIGMOID, V), (1, -1), (2,)), False),
    (Pick(Entry(SIGMOID, V), (1, 1), (2,)), True),
]


@pytest.mark.parametrize(("node", "strict"), GOOD)
def test_positive_by_form_accepts_and_holds_at_random_points(node, strict) -> None:
    theorem = shown(node, strict)
    assert theorem.claim is Positive(node, strict)
    assert not theorem.hypotheses
    source = random.Random(0)
    for reach in (1, 5, 50):
        point = {
            b.name: tuple(fmpq(source.randint(-9 * reach, 9 * reach), 9) for _ in range(size_of(b.extents)))
            for b in blocks_of(node)
        }
        for value in ball_values(node, point, 256)[node]:
            assert value > 0 if strict else not value < 0


@pytest.mark.parametrize(
    ("node", "strict"),
    [
        (vector(0, 1), True),
        (vector(-1, 1), False),
        (Entry(RELU, V), True),
        (Entry(HOLE, S), True),
        (Entry(STAIRS, S), True),
        (Entry(DIP, S), True),
        (V, False),
        (Scaled(fmpq(0), Entry(SIGMOID, V)), False),
        (Scaled(fmpq(-1), Entry(SIGMOID, V)), False),
        (Partial("log", Entry(SIGMOID, V)), False),
        (Pick(Entry(SIGMOID, V), (1, -1), (2,)), True),
        (Chosen(BUMP, (0, 1), V), True),
    ],
)
def test_positive_by_form_refuses_other_forms(node, strict) -> None:
    with pytest.raises(KernelError):
        shown(node, strict)
    refused(PositiveByForm(node, strict), assume(Positive(V, True)))


@pytest.mark.parametrize(
    "node",
    [
        SQUARES,
        square(S),
        Contract("ij,ji->i", W, W),
        Contract("i,ij->j", Entry(SIGMOID, V), Fixed((2, 2), tuple(map(fmpq, (0, 1, 0, 1))))),
        Contract("i,i->", Entry(SIGMOID, V), vector(-1, 3)),
        Total((vector(1, 1), V)),
    ],
)
def test_positive_by_form_refuses_strict_signs_that_may_fail(node) -> None:
    with pytest.raises(KernelError):
        shown(node, True)


def test_positive_by_form_refuses_products_that_are_no_squares() -> None:
    with pytest.raises(KernelError):
        shown(Contract("ij,ji->i", W, W), False)


def test_positive_by_form_refuses_wrong_premises() -> None:
    total = Total((square(S), number(1)))
    squares, one = shown(square(S), False), shown(number(1), True)
    assert concluded(PositiveByForm(total, True), squares, one) is Positive(total, True)
    refused(PositiveByForm(total, True), one, squares)
    refused(PositiveByForm(total, True), squares)
    refused(PositiveByForm(total, True), squares, shown(number(1), False))
    refused(PositiveByForm(Total((square(S), square(S))), True), squares, squares)


@given(st.integers(0, 2**20), st.booleans())
def test_positive_by_form_holds_for_random_forms(seed: int, strict: bool) -> None:
    source = random.Random(seed)
    nodes: list[Map] = [
        S,
        number(source.randint(-1, 2)),
        Entry(SIGMOID, S),
        square(S),
        Entry(HOLE, S),
        Entry(WAVE, S),
    ]
    for _ in range(6):
        a, b = source.choice(nodes), source.choice(nodes)
        nodes.append(
            source.choice(
                [
                    Total((a, b)),
                    Contract(",->", a, b),
                    Scaled(fmpq(source.randint(-1, 2)), a),
                    Pick(a, (source.choice((0, 0, -1)),), ()),
                    Entry(source.choice((SIGMOID, BUMP, STAIRS, RELU)), a),
                ]
            )
        )
    for node in nodes:
        try:
            shown(node, strict)
        except KernelError:
            continue
        for value in (-7, -2, 0, 1, 3):
            for ball in ball_values(node, {"s": (fmpq(value, 2),)}, 512)[node]:
                assert not ball < 0
                assert not (strict and ball == 0)


@pytest.mark.parametrize(
    ("expression", "entire"),
    [
        (T * T, True),
        (call("inverse", T * T + constant(1)), True),
        (call("inverse", (T * T).scaled(Fraction(-1)) + constant(-1)), True),
        (call("sqrt", (T * T).scaled(Fraction(-1)) + constant(-1)), False),
        (call("log", T), False),
        (call("inverse", T * T), False),
        (call("tanh", call("log", T * T)), False),
        (call("log", call("exp", T) + constant(1)), True),
    ],
)
def test_entire_expressions_are_those_without_calls_that_may_fail(expression, entire) -> None:
    assert is_entire(expression) is entire
