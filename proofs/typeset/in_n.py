"""Polynomials in the index variable and in sums over a range, taken apart for printing."""

from __future__ import annotations

from typing import Protocol

from flint import fmpq

from proofs.kernel.scalars import Atom, Poly, number
from proofs.kernel.sequences import PartialSum

__all__ = ["common_sum", "factor_in", "root_of_square"]


class _Numeral(Protocol):
    def __call__(self, value: fmpq, *, up: bool) -> str: ...


def factor_in(letter: str, powers: dict[int, fmpq], numeral: _Numeral) -> tuple[int, fmpq, str]:
    """The sign, a rational factor and the rest of a polynomial in n, given by its coefficients."""
    top = powers[max(powers)]
    sign, scale = (-1, -top) if top < 0 else (1, top)
    if any((value / scale).q != 1 for value in powers.values()):
        scale = fmpq(1)
    # The power of n that divides it stands before the brackets.
    least = min(powers)
    before = _power(letter, least)
    texts: list[str] = []
    for exponent in sorted(powers, reverse=True):
        value, inner = powers[exponent] / scale * sign, _power(letter, exponent - least)
        size = "" if abs(value) == 1 and inner else numeral(abs(value), up=False)
        texts.append(("-" if value < 0 else "+" if texts else "") + size + inner)
    if texts == ["1"]:
        return sign, scale, before
    inside = "".join(texts)
    return sign, scale, before + (f"({inside})" if len(texts) > 1 else inside)


def _power(letter: str, exponent: int) -> str:
    return "" if not exponent else letter + (f"^{{{exponent}}}" if exponent > 1 else "")


def common_sum(poly: Poly) -> tuple[Poly, Atom] | None:
    """The factors of p S where every one of several terms holds the one sum S."""
    sums = {inner for inner in poly.atoms() if isinstance(inner, PartialSum)}
    if len(sums) != 1 or len(poly.terms) == 1:
        return None
    (inner,) = sums
    if any(dict(monomial).get(inner) != 1 for monomial in poly.terms):
        return None
    rest = ((tuple(p for p in monomial if p[0] is not inner), c) for monomial, c in poly.terms.items())
    return Poly(rest), inner


def root_of_square(poly: Poly) -> Poly | None:
    """1 + t with (1 + t)^2 the polynomial, t of one term."""
    for monomial, coefficient in poly.terms.items():
        root = number(1) + Poly([(monomial, coefficient / 2)])
        if root * root == poly:
            return root
    return None
