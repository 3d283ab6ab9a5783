"""Exact facts about polynomials in one variable over the integers: irreducibility and real roots."""

from __future__ import annotations

from functools import cache

from flint import fmpz_poly

from proofs.errors import KernelError

__all__ = ["real_root_count", "real_root_count_of_irreducible"]

MAX_DEGREE = 2_000


def real_root_count(polynomial: fmpz_poly) -> int:
    """The number of distinct real roots, by Sturm's theorem in exact arithmetic."""
    if polynomial.degree() < 0:
        raise KernelError("expected a polynomial other than 0")
    chain = _sturm_chain(polynomial)
    below = [_sign(p.leading_coefficient()) * (-1) ** p.degree() for p in chain]
    above = [_sign(p.leading_coefficient()) for p in chain]
    return _changes(below) - _changes(above)


def _sturm_chain(polynomial: fmpz_poly) -> list[fmpz_poly]:
    first = polynomial // polynomial.gcd(polynomial.derivative()) if polynomial.degree() > 0 else polynomial
    chain = [first, first.derivative()]
    while chain[-1].degree() > 0:
        # A pseudo-remainder by an even power of the leading coefficient keeps the sign.
        upper, lower = chain[-2], chain[-1]
        power = upper.degree() - lower.degree() + 1
        factor = lower.leading_coefficient() ** (power + power % 2)
        remainder = -((upper * factor) % lower)
        content = remainder.content()
        chain.append(remainder // abs(content) if content else remainder)
    return [p for p in chain if p.degree() >= 0]


def _sign(value: object) -> int:
    return (value > 0) - (value < 0)  # type: ignore[operator]


def _changes(signs: list[int]) -> int:
    kept = [sign for sign in signs if sign]
    return sum(a != b for a, b in zip(kept, kept[1:], strict=False))


@cache
def real_root_count_of_irreducible(coefficients: tuple[int, ...]) -> int:
    """The number of real roots of c_0 + c_1 t + ..., refusing one that is not primitive and irreducible.

    Raises:
        KernelError: for a degree below 2 or above 2000, a leading coefficient <= 0, a common
            factor, or a proper factor over Q.
    """
    if not 3 <= len(coefficients) <= MAX_DEGREE + 1 or coefficients[-1] <= 0:
        raise KernelError("expected a polynomial of degree >= 2 with a positive leading coefficient")
    polynomial = fmpz_poly(list(coefficients))
    content, factors = polynomial.factor()
    if abs(content) != 1 or len(factors) != 1 or factors[0][1] != 1:
        raise KernelError("expected an irreducible polynomial whose coefficients have no common factor")
    return real_root_count(polynomial)
