"""Exact suprema of polynomials over Q on intervals, by counting real roots."""

from __future__ import annotations

from flint import fmpq, fmpq_poly

__all__ = ["count_roots", "is_nonnegative_on"]


def is_nonnegative_on(poly: fmpq_poly, lower: fmpq, upper: fmpq) -> bool:
    """Whether the polynomial is >= 0 on the whole closed interval, decided exactly.

    It is iff it is >= 0 at both ends and no factor of odd multiplicity has a root inside: then
    the sign does not change inside, and one point that is no root shows it.
    """
    if poly.degree() <= 0:
        return poly[0] >= 0
    if poly(lower) < 0 or poly(upper) < 0:
        return False
    if lower >= upper:
        return True
    crossing = fmpq_poly([1])
    for factor, multiplicity in poly.factor()[1]:
        if multiplicity % 2 == 1:
            crossing = crossing * factor
    if count_roots(crossing, lower, upper) > 0:
        return False
    return poly(_no_root(poly, lower, upper)) > 0


def _no_root(poly: fmpq_poly, lower: fmpq, upper: fmpq) -> fmpq:
    """A point strictly inside that is no root: one of more points than the polynomial has roots."""
    count = poly.degree() + 2
    for index in range(1, count):
        point = lower + (upper - lower) * fmpq(index, count)
        if poly(point) != 0:
            return point
    raise ArithmeticError("a non-zero polynomial has more roots than its degree")


def count_roots(poly: fmpq_poly, lower: fmpq, upper: fmpq) -> int:
    """The number of distinct real roots in the open interval, by Sturm's theorem."""
    if poly.degree() <= 0:
        return 0
    square_free = poly // poly.gcd(poly.derivative())
    chain = [square_free, square_free.derivative()]
    while chain[-1].degree() > 0:
        chain.append(-(chain[-2] % chain[-1]))
    # Sturm's theorem counts the roots in (lower, upper]; a root at the upper end is not inside.
    inside = _sign_changes(chain, lower) - _sign_changes(chain, upper)
    return inside - (1 if square_free(upper) == 0 else 0)


def _sign_changes(chain: list[fmpq_poly], point: fmpq) -> int:
    signs = [value > 0 for value in (poly(point) for poly in chain) if value != 0]
    return sum(first != second for first, second in zip(signs, signs[1:], strict=False))
