"""From a form in the norms of the direction to one number: JET-1, the last step of BND-1.

The gradient: |D L[u]| <= sum_g j_g ||u_g|| <= ||j||_2 ||u||.
The Hessian: |D^2 L[u,u]| <= sum_gh K_gh ||u_g|| ||u_h|| <= lambda ||u||^2 whenever K v <= lambda v
for some v > 0, by lambda sum_g x_g^2 - x^T K x = sum_{g<h} K_gh (v_h/v_g) (x_g - (v_g/v_h) x_h)^2
+ sum_g (lambda - (K v)_g / v_g) x_g^2.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from flint import fmpq

from proofs.errors import GradlemmaError
from proofs.kernel.core import Theorem, infer
from proofs.kernel.monotone import round_up, sqrt_above, sqrt_exact
from proofs.kernel.rules import (
    Cauchy,
    Certificate,
    Chain,
    GroupSplit,
    Monotone,
    OperatorNormIntro,
    RootSquared,
)
from proofs.kernel.scalars import DirectionNorm, Poly, Root, number

from .jet import Group
from .tactics import compare_of

__all__ = [
    "form_at_most",
    "gradient_norm",
    "hessian_matrix",
    "hessian_norm",
    "linear_coefficients",
    "lower_perron",
    "lower_root",
    "whole_direction",
]

BITS = 64
# Entries of the Perron vector are decimals, so that a printed certificate is exact.
VECTOR_SCALE = 10**12


def linear_coefficients(form: Poly, groups: tuple[Group, ...]) -> list[fmpq]:
    """j_g for every group, of a form sum_g j_g ||u_g||."""
    return [form.terms.get(((group.direction, 1),), fmpq(0)) for group in groups]


def hessian_matrix(form: Poly, groups: tuple[Group, ...]) -> list[list[fmpq]]:
    """K_gh for every pair of groups, of a form sum_gh K_gh ||u_g|| ||u_h||."""
    size = len(groups)
    matrix = [[fmpq(0)] * size for _ in range(size)]
    for i in range(size):
        for k in range(i, size):
            monomial = next(iter((groups[i].direction.poly() * groups[k].direction.poly()).terms))
            value = form.terms.get(monomial, fmpq(0))
            matrix[i][k] = matrix[k][i] = value if i == k else value / 2
    return matrix


def whole_direction(groups: tuple[Group, ...]) -> DirectionNorm:
    members = [member for group in groups for member in group.members]
    return DirectionNorm(tuple(sorted(members, key=lambda v: v.name)))


def gradient_norm(theorem: Theorem, groups: tuple[Group, ...]) -> Theorem:
    """||D L|| <= c with c >= ||j||_2, from |D L[u]| <= sum_g j_g ||u_g||."""
    if len(groups) > 1:
        form = compare_of(theorem).right
        sizes = tuple(group.direction.poly() for group in groups)
        cauchy = infer(Cauchy(tuple(number(j) for j in linear_coefficients(form, groups)), sizes))
        split = infer(GroupSplit(whole_direction(groups), tuple(group.direction for group in groups)))
        theorem = infer(Chain(), theorem, infer(Monotone(BITS), cauchy, split))
    return infer(OperatorNormIntro(), theorem)


def hessian_norm(theorem: Theorem, groups: tuple[Group, ...]) -> Theorem:
    """||D^2 L|| <= lambda with lambda >= lambda_max(K), from |D^2 L[u,u]| <= u^T K u."""
    if len(groups) > 1:
        matrix = hessian_matrix(compare_of(theorem).right, groups)
        theorem = _perron(theorem, groups, matrix, _perron_vector(matrix))
    return infer(OperatorNormIntro(), theorem)


def form_at_most(theorem: Theorem, groups: tuple[Group, ...], size: fmpq) -> Theorem:
    """X <= size ||u||^2 from X <= u^T K u, where size >= lambda_max(K) with a little room.

    Raises:
        GradlemmaError: if the room is too small for the vector that was found.
    """
    matrix = hessian_matrix(compare_of(theorem).right, groups)
    vector = _perron_vector(matrix)
    if max(_ratios(matrix, vector)) > size:
        raise GradlemmaError("the largest eigenvalue could not be shown to be below the number")
    if len(groups) > 1:
        return _perron(theorem, groups, matrix, vector, size)
    direction = next(iter(groups)).direction.poly()
    rest = (size - matrix[0][0], (), direction)
    return infer(Certificate(compare_of(theorem).left, ((fmpq(1), (0,), number(1)), rest), ()), theorem)


def _perron(
    theorem: Theorem,
    groups: tuple[Group, ...],
    matrix: list[list[fmpq]],
    v: list[fmpq],
    size: fmpq | None = None,
) -> Theorem:
    if size is None:
        exact = max(_ratios(matrix, v))
        size = exact if min(_ratios(matrix, v)) == exact else round_up(exact, BITS)
    norms = [group.direction.poly() for group in groups]
    products: list[tuple[fmpq, tuple[int, ...], Poly]] = [(fmpq(1), (0,), number(1))]
    for g, x in enumerate(norms):
        rest = size - _ratios(matrix, v)[g]
        if rest > 0:
            products.append((rest, (), x))
        for h in range(g + 1, len(norms)):
            if matrix[g][h] != 0:
                products.append((matrix[g][h] * v[h] / v[g], (), x - norms[h] * (v[g] / v[h])))
    squares = sum((x**2 for x in norms), number(0))
    total = Root(squares).poly()
    whole = whole_direction(groups)
    premises = (
        theorem,
        infer(RootSquared(squares)),
        infer(GroupSplit(whole, tuple(group.direction for group in groups))),
    )
    equations = ((1, number(-size)), (2, (total + whole.poly()) * size))
    return infer(Certificate(compare_of(theorem).left, tuple(products), equations), *premises)


def _ratios(matrix: list[list[fmpq]], v: list[fmpq]) -> list[fmpq]:
    """(K v)_g / v_g for every g."""
    return [sum((a * b for a, b in zip(row, v, strict=True)), fmpq(0)) / v[g] for g, row in enumerate(matrix)]


def _perron_vector(matrix: list[list[fmpq]]) -> list[fmpq]:
    """A positive vector close to the Perron vector; a simple rational one where that is exact."""
    size = len(matrix)
    ones = [fmpq(1)] * size
    if min(_ratios(matrix, ones)) == max(_ratios(matrix, ones)):
        return ones
    floats = scaled_floats(matrix)
    floats = floats + 1e-13 * max(float(np.abs(floats).max()), 1e-300)
    vector = np.abs(np.linalg.eigh(floats)[1][:, -1])
    vector = np.maximum(vector / vector.max(), 1e-9)
    simple = [Fraction(value / float(vector.min())).limit_denominator(64) for value in vector.tolist()]
    guess = [fmpq(value.numerator, value.denominator) for value in simple]
    if all(value > 0 for value in guess) and min(_ratios(matrix, guess)) == max(_ratios(matrix, guess)):
        return guess
    return [fmpq(max(round(value * VECTOR_SCALE), 1), VECTOR_SCALE) for value in vector.tolist()]


def scaled_floats(matrix: list[list[fmpq]]) -> np.ndarray:
    """The matrix divided by its largest entry, as floats."""
    largest = max(max(row) for row in matrix)
    divisor = largest if largest > 0 else fmpq(1)
    return np.array([[_float(value / divisor) for value in row] for row in matrix])


def _float(value: fmpq) -> float:
    return float(Fraction(int(value.p), int(value.q)))


def lower_perron(matrix: list[list[fmpq]]) -> fmpq:
    """A rational lower bound of lambda_max(K): a Rayleigh quotient at a rational vector."""
    vector = _perron_vector(matrix)
    product = [sum((a * b for a, b in zip(row, vector, strict=True)), fmpq(0)) for row in matrix]
    top = sum((a * b for a, b in zip(product, vector, strict=True)), fmpq(0))
    return top / sum((a * a for a in vector), fmpq(0))


def lower_root(value: fmpq) -> fmpq:
    """A rational lower bound of sqrt(value), exact for squares."""
    exact = sqrt_exact(value)
    if exact is not None:
        return exact
    return value / sqrt_above(value, BITS)
