"""BND-1 with the joint refinement of softmax cross-entropy: h and g are not attained together.

By `softmax_region`, |D^2 l[u,u]| <= (c - x^2) J^2 + (x + r) K for some x in [0, X], or, for three and
more classes, <= J^2 / 2 + x K as well.  So with j and K in numbers, H is at most the largest over x of
lambda_max((c - x^2) j j^T + (x + r) K), or with 1/2 in place of c - x^2 where that is smaller.
    On [a, b] and for any m:   c - x^2 = c + m^2 - 2 m x - (x - m)^2, below a line in x,
and what is linear in x is at most lambda ||u||^2 where it is so at both ends.  The intervals are found
in floats; each is shown by certificates with squares, and `Cases` joins them.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import fmpq

from proofs.errors import GradlemmaError, KernelError
from proofs.kernel.claims import Compare, Relation
from proofs.kernel.core import Theorem, infer
from proofs.kernel.monotone import round_up, sqrt_above
from proofs.kernel.rules import Cases, Certificate, Monotone, Nonnegative
from proofs.kernel.scalars import Poly, number

from .finish import form_at_most, hessian_matrix, lower_perron, lower_root
from .jet import Group
from .lower import lower_form
from .softmax_region import Region
from .tactics import assume, at_most_itself, compare_of, rational, replace, used_bounds
from .tangents import Interval, Shape, cover

__all__ = ["refined_hessian"]

BITS = 64
EXCESSES = (2.0**-32, 2.0**-26, 2.0**-20, 2.0**-13)
ONE, POLY_ONE = fmpq(1), number(1)


@dataclass(frozen=True, slots=True)
class _Numeric:
    """The region with numbers: |D^2 l[u,u]| <= (c - x^2) J^2 + (x + r) K, forms in the norms of u.

    curve: that theorem; flat: |D^2 l[u,u]| <= J^2 / 2 + x K, which serves up to x = `start`, or None;
    end: a bound of x.
    """

    groups: tuple[Group, ...]
    x: Poly
    height: fmpq
    shift: fmpq
    j: Poly
    k: Poly
    curve: Theorem
    flat: Theorem | None
    start: fmpq
    end: Theorem


def refined_hessian(
    region: Region, first: Theorem, second: Theorem, bounds: tuple[Theorem, ...], groups: tuple[Group, ...]
) -> tuple[Theorem, fmpq]:
    """|D^2 l[u,u]| <= lambda ||u||^2 by the region, and a lower bound of its closed form.

    first, second: ||D f[u]|| <= J_f and ||D^2 f[u,u]|| <= K_f; bounds: of what these depend on.

    Raises:
        GradlemmaError: if no intervals could be shown.
    """
    numeric = _numeric(region, first, second, bounds, groups)
    scale, shape = _shape(numeric)
    peak = shape.peak()
    for excess in EXCESSES:
        largest = shape.curve(peak) * (1 + excess)
        intervals = cover(shape, peak, largest)
        if intervals is None:
            continue
        size = round_up(rational(Fraction(largest)) * scale * (1 + rational(Fraction(2.0**-36))), BITS)
        try:
            theorem = _joined(numeric, intervals, size)
        except (GradlemmaError, KernelError):
            continue
        return theorem, _lower(region, first, second, bounds, groups, peak)
    raise GradlemmaError("the refinement could not be shown with intervals that are wide enough")


def _numeric(
    region: Region, first: Theorem, second: Theorem, bounds: tuple[Theorem, ...], groups: tuple[Group, ...]
) -> _Numeric:
    x = region.place.poly()
    forms = [_opened(compare_of(theorem).right, bounds) for theorem in (first, second)]
    j, k = (compare_of(form).right for form in forms)
    # (c - x^2) (J^2 - J_f^2) >= 0 and (x + r) (K - K_f) >= 0.
    square = replace(at_most_itself(compare_of(forms[0]).left ** 2), forms[0])
    premises = [region.curve, region.square, square, infer(Nonnegative(x + region.shift)), forms[1]]
    products = [(ONE, (0,), POLY_ONE), (ONE, (1, 2), POLY_ONE), (ONE, (3, 4), POLY_ONE)]
    shift = fmpq(0)
    if region.shift != number(0):
        # (r' - r) K >= 0 for a rational r' >= r.
        rounded = infer(Monotone(BITS), at_most_itself(region.shift))
        shift = _number(compare_of(rounded).right)
        premises += [rounded, infer(Nonnegative(k))]
        products.append((ONE, (5, 6), POLY_ONE))
    curve = infer(Certificate(compare_of(region.curve).left, tuple(products), ()), *premises)
    flat, start = None, fmpq(0)
    if region.flat is not None:
        flat = replace(region.flat, *forms)
        start = sqrt_above(region.height - fmpq(1, 2), BITS)
    end = infer(Monotone(BITS), region.end)
    return _Numeric(groups, x, region.height, shift, j, k, curve, flat, start, end)


def _opened(form: Poly, bounds: tuple[Theorem, ...]) -> Theorem:
    """J_f <= the form in numbers and norms of u."""
    itself = at_most_itself(form)
    return infer(Monotone(BITS, unfold=True), itself, *used_bounds(itself, bounds))


def _number(poly: Poly) -> fmpq:
    value = poly.constant()
    if value is None:
        raise TypeError("expected a number")
    return value


def _fraction(value: fmpq) -> Fraction:
    return Fraction(int(value.p), int(value.q))


def _shape(n: _Numeric) -> tuple[fmpq, Shape]:
    """The float matrices j j^T and K, divided by the number that is returned."""
    square, bilinear = hessian_matrix(n.j * n.j, n.groups), hessian_matrix(n.k, n.groups)
    scale = max(max(row) for row in (*square, *bilinear))
    divisor = scale if scale > 0 else ONE
    floats = [
        np.array([[float(_fraction(value / divisor)) for value in row] for row in matrix])
        for matrix in (square, bilinear)
    ]
    end = _fraction(_number(compare_of(n.end).right))
    return divisor, Shape(
        floats[0], floats[1], float(_fraction(n.height)), float(_fraction(n.shift)), _fraction(n.start), end
    )


def _joined(n: _Numeric, intervals: list[Interval], size: fmpq) -> Theorem:
    """|D^2 l[u,u]| <= size ||u||^2: case by case, x from below to above."""
    joined: Theorem | None = None
    if n.flat is not None:
        below = replace(n.flat, _between(n.x, upper=n.start))
        joined = form_at_most(below, n.groups, size)
    for interval in intervals:
        lower, upper = rational(interval.lower), rational(interval.upper)
        left = infer(Nonnegative(n.x)) if joined is None else _between(n.x, lower=lower)
        right = n.end if interval is intervals[-1] else _between(n.x, upper=upper)
        case = _case(n, interval, left, right, size)
        joined = case if joined is None else infer(Cases(n.x, number(lower)), joined, case)
    if joined is None:
        raise GradlemmaError("expected an interval")
    return joined


def _between(x: Poly, *, lower: fmpq | None = None, upper: fmpq | None = None) -> Theorem:
    """The assumption lower <= x, or x <= upper."""
    if upper is not None:
        return assume(Compare(x, Relation.LE, number(upper)))
    return assume(Compare(number(fmpq(0) if lower is None else lower), Relation.LE, x))


def _case(n: _Numeric, interval: Interval, left: Theorem, right: Theorem, size: fmpq) -> Theorem:
    """|D^2 l[u,u]| <= size ||u||^2 for x in the interval, `left` and `right` saying that it is."""
    a, b, m = (rational(end) for end in (interval.lower, interval.upper, interval.tangent))

    def line(x: fmpq) -> Theorem:
        form = n.j * n.j * (n.height + m * m - 2 * m * x) + n.k * (x + n.shift)
        return form_at_most(at_most_itself(form), n.groups, size)

    # (c - x^2) J^2 + (x + r) K + (x - m)^2 J^2 = ((b - x) T_m(a) + (x - a) T_m(b)) / (b - a).
    products = (
        (ONE, (0,), POLY_ONE),
        (ONE, (), (n.x - number(m)) * n.j),
        (1 / (b - a), (2, 3), POLY_ONE),
        (1 / (b - a), (1, 4), POLY_ONE),
    )
    certificate = Certificate(compare_of(n.curve).left, products, ())
    return infer(certificate, n.curve, left, right, line(a), line(b))


def _lower(
    region: Region,
    first: Theorem,
    second: Theorem,
    bounds: tuple[Theorem, ...],
    groups: tuple[Group, ...],
    peak: float,
) -> fmpq:
    """A rational lower bound of the closed form: the eigenvalue at one x, every operation rounded down."""
    forms = [lower_form(compare_of(t).right, used_bounds(at_most_itself(compare_of(t).right), bounds), None)
             for t in (first, second)]  # fmt: skip
    x = rational(Fraction(peak * (1 - 2.0**-50)))
    shift = fmpq(0) if region.shift == number(0) else lower_root(fmpq(1, 2))
    height = min(region.height - x * x, fmpq(1, 2))
    return lower_perron(hessian_matrix(forms[0] * forms[0] * height + forms[1] * (x + shift), groups))
