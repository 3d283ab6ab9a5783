"""Closed forms as SymPy expressions, LaTeX and text: shared subexpressions as definitions with names."""

# SymPy carries no types; this file is a border to it.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportMissingTypeStubs=false

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from flint import fmpq_mpoly

from proofs.errors import GradlemmaError
from proofs.theorems.task_closed_form import ALPHA, ETA, ClosedForm

from .escape import escape
from .sympy_forms import call_sympy

if TYPE_CHECKING:
    import sympy

__all__ = [
    "SympyForm",
    "closed_form_latex",
    "closed_form_text",
    "polynomial_lines",
    "symbol_latex",
    "sympy_form",
]

LATEX = {ALPHA: r"\alpha", ETA: r"\eta"}
MOST_TERMS_ON_A_LINE = 60


@dataclass(frozen=True, slots=True)
class SympyForm:
    """C in SymPy: every definition's symbol and expression, and the entries by coordinate.

    Symbols are real; a definition refers to coordinates, alpha, eta and to earlier definitions.
    """

    definitions: tuple[tuple[sympy.Symbol, sympy.Expr], ...]
    entries: tuple[tuple[str, sympy.Expr], ...]


def sympy_form(form: ClosedForm) -> SympyForm:
    """The closed form in SymPy."""
    import sympy

    graph = form.graph
    shared = {d.number: sympy.Symbol(d.name, real=True) for d in form.definitions()}
    reading = _Sympy(sympy)
    found: dict[int, Any] = {}
    bodies: list[tuple[Any, Any]] = []
    for number in graph.below(form.entries):
        body = _one(graph.nodes[number], found, reading)
        if number in shared:
            bodies.append((shared[number], body))
            body = shared[number]
        found[number] = body
    entries = tuple((name, found[n]) for name, n in zip(form.names, form.entries, strict=True))
    return SympyForm(tuple(bodies), entries)


def _one(node: Any, found: Mapping[int, Any], reading: _Sympy) -> Any:
    from proofs.theorems.scalar_graph import CallNode, Linear, Power, Variable

    match node:
        case Variable(name=name):
            return reading.variable(name)
        case Linear(constant=constant, terms=terms):
            return reading.linear(constant, [(found[inner], factor) for inner, factor in terms])
        case Power(factors=factors):
            return reading.product([(found[inner], exponent) for inner, exponent in factors])
        case CallNode(name=name, of=of):
            return reading.call(name, found[of])
        case _:
            raise GradlemmaError(f"no SymPy reading is known of {type(node).__name__}")


@dataclass(frozen=True, slots=True)
class _Sympy:
    sympy: Any

    def variable(self, name: str) -> Any:
        return self.sympy.Symbol(name, real=True)

    def linear(self, constant: Fraction, terms: Sequence[tuple[Any, Fraction]]) -> Any:
        def rational(value: Fraction) -> Any:
            return self.sympy.Rational(value.numerator, value.denominator)

        return self.sympy.Add(rational(constant), *(rational(f) * value for value, f in terms))

    def product(self, factors: Sequence[tuple[Any, int]]) -> Any:
        return self.sympy.Mul(*(value**exponent for value, exponent in factors))

    def call(self, name: str, value: Any) -> Any:
        return call_sympy(self.sympy, name, value)


def symbol_latex(name: str) -> str:
    r"""The LaTeX of a coordinate or a definition: `W1_2_1` is `W_{1;2,1}`, `v12` is `v_{12}`."""
    if name in LATEX:
        return LATEX[name]
    block, tail = re.fullmatch(r"(.+?)((?:_[0-9]+)*)", name).groups()  # type: ignore[union-attr]
    letters, number = re.fullmatch(r"(.*?)([0-9]*)", block).groups()  # type: ignore[union-attr]
    places = [part for part in tail.split("_") if part]
    stem = letters if len(letters) == 1 else rf"\mathrm{{{escape(letters)}}}"
    below = ";".join(part for part in (number, ",".join(places)) if part)
    return f"{stem}_{{{below}}}" if below else stem


def closed_form_latex(form: ClosedForm) -> list[str]:
    """Lines of LaTeX formulas: the definitions, then the entries C_{W_{1;2,1}} of C."""
    import sympy

    found = sympy_form(form)
    symbols: set[Any] = {s for _, body in (*found.definitions, *found.entries) for s in body.free_symbols}
    symbols |= {symbol for symbol, _ in found.definitions}
    names = {symbol: symbol_latex(symbol.name) for symbol in symbols}

    def latex(expression: Any) -> str:
        return str(sympy.latex(expression, symbol_names=names))

    lines = [f"{names[symbol]}={latex(body)}" for symbol, body in found.definitions]
    return [*lines, *(f"C_{{{symbol_latex(name)}}}={latex(body)}" for name, body in found.entries)]


def closed_form_text(form: ClosedForm) -> dict[str, Any]:
    """The form as plain data for JSON: variables, definitions in order, entries by coordinate."""
    found = sympy_form(form)
    return {
        "variables": [*form.names, ALPHA, *([ETA] if form.has_step else [])],
        "definitions": [[symbol.name, str(body)] for symbol, body in found.definitions],
        "entries": {name: str(body) for name, body in found.entries},
    }


def polynomial_lines(form: ClosedForm) -> list[str]:
    """The entries as expanded polynomials, a LaTeX formula each.

    Raises:
        GradlemmaError: for a form that is no polynomial, or an entry of more terms than fit on a line.
    """
    names, entries = form.polynomials()
    longest = max((len(entry) for entry in entries), default=0)
    if longest > MOST_TERMS_ON_A_LINE:
        raise GradlemmaError(
            f"an entry has {longest} terms, more than {MOST_TERMS_ON_A_LINE}: print the definitions instead"
        )
    latex = [symbol_latex(name) for name in names]
    return [
        f"C_{{{symbol_latex(name)}}}={_polynomial(entry, latex)}"
        for name, entry in zip(form.names, entries, strict=True)
    ]


def _polynomial(polynomial: fmpq_mpoly, names: Sequence[str]) -> str:
    parts: list[str] = []
    for exponents, coefficient in polynomial.terms():
        value = Fraction(int(coefficient.p), int(coefficient.q))
        factors = [
            name if exponent == 1 else f"{name}^{{{exponent}}}"
            for name, exponent in zip(names, map(int, exponents), strict=True)
            if exponent
        ]
        size = abs(value)
        shown = (
            str(size.numerator)
            if size.denominator == 1
            else rf"\tfrac{{{size.numerator}}}{{{size.denominator}}}"
        )
        body = [] if size == 1 and factors else [shown]
        parts += ["-" if value < 0 else "+" if parts else "", r"\,".join([*body, *factors])]
    return "".join(parts) or "0"
