"""Random expressions three ways: as text, as a function of mpmath numbers, and as what they are made of.

`texts_and_values` draws a formula and evaluates it by Python's own arithmetic while it is being written
down, so that it shares nothing with the parser.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
from hypothesis import strategies as st

M = mpmath.mp

# name -> (meaning, defined everywhere)
MEANINGS: dict[str, tuple[Callable[[Any], Any], bool]] = {
    "exp": (M.exp, True), "tanh": (M.tanh, True), "sigmoid": (lambda x: 1 / (1 + M.exp(-x)), True),
    "softplus": (lambda x: M.log1p(M.exp(x)), True), "erf": (M.erf, True),
    "Phi": (lambda x: (1 + M.erf(x / M.sqrt(2))) / 2, True),
    "normal_pdf": (lambda x: M.exp(-x * x / 2) / M.sqrt(2 * M.pi), True), "sin": (M.sin, True),
    "cos": (M.cos, True), "tan": (M.tan, False), "sinh": (M.sinh, True), "cosh": (M.cosh, True),
    "sqrt": (M.sqrt, False), "log": (M.log, False),
}  # fmt: skip
TOTAL = [name for name, (_, everywhere) in MEANINGS.items() if everywhere]
# Arguments of partial functions are shifted into their domain: 1 + x^2 or 2 + cos x.
GUARDS: list[tuple[str, Callable[[Any], Any]]] = [
    ("(1 + ({})^2)", lambda x: 1 + x * x),
    ("(2 + cos({}))", lambda x: 2 + M.cos(x)),
]


@dataclass(frozen=True)
class Formula:
    """A text and its value at t."""

    text: str
    value: Callable[[Any], Any]


def _number(text: str, tenths: int) -> Formula:
    return Formula(text, lambda t: M.mpf(tenths) / 10)


NUMBERS = st.one_of(
    st.integers(0, 9).map(lambda n: _number(str(n), 10 * n)),
    st.tuples(st.integers(0, 9), st.integers(1, 9)).map(
        lambda p: _number(f"{p[0]}.{p[1]}", 10 * p[0] + p[1])
    ),
)
LEAVES = st.one_of(
    st.just(Formula("t", lambda t: t)),
    NUMBERS,
    st.just(Formula("pi", lambda t: M.pi)),
    st.just(Formula("e", lambda t: M.e)),
)


def _infix(one: Formula, sign: str, two: Formula, space: str) -> Formula:
    operations: dict[str, Callable[[Any, Any], Any]] = {
        "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
    }  # fmt: skip
    operation = operations[sign]
    left, right = one.text, two.text
    if sign == "*":
        left, right = f"({left})", f"({right})"
    if sign == "-":
        right = f"({right})"
    return Formula(f"{left}{space}{sign}{space}{right}", lambda t: operation(one.value(t), two.value(t)))


def _larger(inner: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
    spaces = st.sampled_from(["", " "])
    guarded = st.tuples(inner, st.sampled_from(GUARDS)).map(
        lambda p: Formula(p[1][0].format(p[0].text), lambda t: p[1][1](p[0].value(t)))
    )
    return st.one_of(
        st.builds(_infix, inner, st.sampled_from("+-*"), inner, spaces),
        st.tuples(inner, guarded).map(
            lambda p: Formula(f"({p[0].text})/{p[1].text}", lambda t: p[0].value(t) / p[1].value(t))
        ),
        inner.map(lambda f: Formula(f"-({f.text})", lambda t: -f.value(t))),
        # A sign binds less than a power.
        st.integers(0, 4).map(lambda n: Formula(f"-t^{n}", lambda t: -(t**n))),
        st.tuples(inner, st.integers(0, 3)).map(
            lambda p: Formula(f"({p[0].text})^{p[1]}", lambda t: p[0].value(t) ** p[1])
        ),
        st.tuples(inner, st.sampled_from(TOTAL)).map(
            lambda p: Formula(f"{p[1]}({p[0].text})", lambda t: MEANINGS[p[1]][0](p[0].value(t)))
        ),
        st.tuples(guarded, st.sampled_from(["sqrt", "log"])).map(
            lambda p: Formula(f"{p[1]}{p[0].text}", lambda t: MEANINGS[p[1]][0](p[0].value(t)))
        ),
    )


formulas = st.recursive(LEAVES, _larger, max_leaves=6)
