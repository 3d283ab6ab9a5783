"""Right sides without one of their factors or terms, for attacks that leave it out."""

from __future__ import annotations

from fractions import Fraction

from flint import fmpq

from proofs.kernel.scalars import Atom, DirectionNorm, Let, Poly, Real, Root, number, substitute

__all__ = ["half", "over_root_two", "without_bias_one", "without_cross_factor", "without_term"]

_ROOT_TWO = Root(number(2))


def half(form: Poly) -> Poly:
    """The form without a factor 2."""
    return form * Fraction(1, 2)


def over_root_two(form: Poly) -> Poly:
    """The form without a factor sqrt(2), which may be hidden in its numbers."""
    return form * Root(number(Fraction(1, 2))).poly()


def without_cross_factor(form: Poly) -> Poly:
    """2 J ||u_g|| becomes J ||u_g||: the coefficients of such products divided by 2."""

    def is_cross(atoms: set[type[Atom]]) -> bool:
        return {Let, DirectionNorm} <= atoms

    return Poly(
        (monomial, value / 2 if is_cross({type(inner) for inner, _ in monomial}) else value)
        for monomial, value in form.terms.items()
    )


def without_bias_one(form: Poly) -> Poly:
    """root(1 + q) becomes root(q)."""

    def image(inner: Atom) -> Poly:
        if isinstance(inner, Root) and inner.radicand.terms.get((), fmpq(0)) == 1:
            return Root(inner.radicand - 1).poly()
        return inner.poly()

    return substitute(form, image)


def without_term(form: Poly, name: str) -> Poly:
    """The form without the terms in which the constant of that name occurs."""
    return Poly(
        (monomial, value)
        for monomial, value in form.terms.items()
        if all(inner != Real(name) for inner, _ in monomial)
    )
