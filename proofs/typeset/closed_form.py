"""Closed forms: a bound in reals simplified by SymPy, and G_max and H_max of a network as recursions."""

# SymPy carries no types; this file is the border to it.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from proofs.kernel.scalars import Atom, Let, Poly, Real, Root

from .expressions import Writer
from .numerals import as_fraction, is_short
from .recursions import ClosedForms as ClosedForms
from .recursions import closed_forms as closed_forms
from .recursions import data_form as data_form
from .refined import refined_form as refined_form

__all__ = ["ClosedForms", "closed_form_latex", "closed_forms", "data_form", "refined_form"]


def closed_form_latex(poly: Poly) -> str:
    """The polynomial in reals and roots, simplified: root(2) root(2) becomes 2.

    A polynomial with other atoms, or with numbers too long to print exactly, is written as it is.

    >>> from proofs.kernel.scalars import number
    >>> two = Root(number(2)).poly()
    >>> closed_form_latex(two * two * Real("M").poly())
    '2 M'
    """
    if not _is_plain(poly):
        return Writer().poly(poly, up=True)
    import sympy  # pyright: ignore[reportMissingTypeStubs]

    symbols: dict[Atom, sympy.Symbol] = {}
    names: dict[sympy.Symbol, str] = {}

    def convert(inner: Poly) -> sympy.Expr:
        total: sympy.Expr = sympy.Integer(0)
        for monomial, coefficient in inner.sorted_terms():
            product: sympy.Expr = sympy.Rational(int(coefficient.p), int(coefficient.q))
            for atom, exponent in monomial:
                product = product * value(atom) ** exponent
            total = total + product
        return total

    def value(atom: Atom) -> sympy.Expr:
        match atom:
            case Root(radicand=radicand):
                return sympy.sqrt(convert(radicand))
            case Let(body=body):
                return convert(body)
            case Real(name=name):
                if atom not in symbols:
                    symbols[atom] = sympy.Symbol(name, real=True)
                    names[symbols[atom]] = Writer().name(name)
                return symbols[atom]
            case _:
                raise TypeError(f"expected reals and roots but got {type(atom).__name__}")

    return str(sympy.latex(sympy.expand(convert(poly)), symbol_names=names))


def _is_plain(poly: Poly) -> bool:
    """Whether all atoms are reals, roots and abbreviations of such, and all numbers short."""
    if not all(is_short(as_fraction(c)) for c in poly.terms.values()):
        return False
    for inner in poly.atoms():
        match inner:
            case Real():
                pass
            case Root(radicand=inside) | Let(body=inside):
                if not _is_plain(inside):
                    return False
            case _:
                return False
    return True
