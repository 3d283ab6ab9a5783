"""Exact suprema of polynomials over Q on intervals, by counting real roots."""

from __future__ import annotations

from flint import fmpq, fmpq_poly

__all__ = ["count_roots", "is_nonnegative_on", "is_positive_on"]


def is_nonnegative_on(poly: fmpq_poly, lower: fmpq | None, upper: fmpq | None) -> bool:
    """Whether the polynomial is >= 0 on the whole closed interval, decided exactly.

    It is iff it is >= 0 at both ends and no factor of odd multiplicity has a root inside: then
    the sign does not change inside, and one point that is no root shows it.  An infinite end
    (None) is moved beyond all roots.
    """
    if poly.degree() <= 0:
        return poly[0] >= 0
    lower, upper = _finite_ends(poly, lower, upper)
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


def is_positive_on(
    poly: fmpq_poly,
    lower: fmpq | None,
    upper: fmpq | None,
    *,
    open_lower: bool = False,
    open_upper: bool = False,
) -> bool:
    """Whether the polynomial is > 0 on the interval, without the ends that are open."""
    if poly.degree() <= 0:
        return poly[0] > 0
    if not is_nonnegative_on(poly, lower, upper):
        return False
    lower, upper = _finite_ends(poly, lower, upper)
    if lower < upper and count_roots(poly, lower, upper) > 0:
        return False
    return (open_lower or poly(lower) > 0) and (open_upper or poly(upper) > 0)


def _finite_ends(poly: fmpq_poly, lower: fmpq | None, upper: fmpq | None) -> tuple[fmpq, fmpq]:
    """The ends, infinite ones replaced by points beyond all real roots (Cauchy's bound)."""
    lead = abs(poly[poly.degree()])
    beyond = fmpq(2) + sum((abs(c) / lead for c in poly.coeffs()), fmpq(0))
    low = min(-beyond, upper if upper is not None else -beyond) - 1 if lower is None else lower
    high = max(beyond, low) + 1 if upper is None else upper
    return low, high


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
