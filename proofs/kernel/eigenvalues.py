"""Eigenvalues that exact symmetric matrices share, and determinants of polynomial matrices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import gcd, lcm
from typing import Any

from flint import Ordering, fmpq_mat, fmpq_mpoly, fmpq_mpoly_ctx, fmpz_mat, fmpz_poly, nmod_mat, nmod_poly

from proofs.errors import KernelError

__all__ = [
    "blocks_of_matrix", "characteristic", "common_eigenvalues", "content_in_t", "determinant_in_t", "is_root",
    "primitive", "with_t", "without_zeros",
]  # fmt: skip

# A prime below 2^63; any would do.
PRIME = 2**61 - 1
MAX_TERMS = 20_000


def primitive(polynomial: fmpz_poly) -> fmpz_poly:
    """The polynomial without the common factor of its coefficients, the leading one > 0."""
    content = polynomial.content()
    if not content:
        raise KernelError("expected a polynomial other than 0")
    found = polynomial // content
    return -found if found.leading_coefficient() < 0 else found


def without_zeros(polynomial: fmpz_poly) -> fmpz_poly:
    """The polynomial divided by the highest power of t that divides it."""
    coefficients = [int(c) for c in polynomial.coeffs()]
    start = next(number for number, c in enumerate(coefficients) if c)
    return fmpz_poly(coefficients[start:])


def blocks_of_matrix(size: int, is_zero: Callable[[int, int], bool]) -> list[list[int]]:
    """The indices in groups so that all entries between different groups are 0; `is_zero(i, j)` tells."""
    left = set(range(size))
    found: list[list[int]] = []
    while left:
        group: list[int] = []
        stack = [min(left)]
        left.discard(stack[0])
        while stack:
            i = stack.pop()
            group.append(i)
            near = [j for j in left if not (is_zero(i, j) and is_zero(j, i))]
            left.difference_update(near)
            stack.extend(near)
        found.append(sorted(group))
    return found


def _integral(matrix: fmpq_mat) -> tuple[fmpz_mat, int]:
    """D A and d, with d the least common denominator."""
    numerators, denominator = matrix.numer_denom()
    return numerators, int(denominator)


def characteristic(matrix: fmpq_mat) -> fmpz_poly:
    """A primitive integer multiple of det(t I - A), block by block."""
    numerators, denominator = _integral(matrix)
    size = numerators.nrows()
    result = fmpz_poly([1])
    for group in blocks_of_matrix(size, lambda i, j: numerators[i, j] == 0):
        part = fmpz_mat(len(group), len(group), [numerators[i, j] for i in group for j in group])
        coefficients = [int(c) for c in part.charpoly().coeffs()]
        # det(t I - A) at t is det(d t I - d A) up to the factor d^n.
        scaled = fmpz_poly([c * denominator**k for k, c in enumerate(coefficients)])
        result = result * primitive(scaled)
    return result


def common_eigenvalues(matrices: Sequence[fmpq_mat]) -> fmpz_poly:
    """A primitive polynomial with all eigenvalues other than 0 that the matrices share among its roots.

    First modulo a prime: if the characteristic polynomials have a common factor of no higher degree
    there than the least multiplicity of the eigenvalue 0, they share no other eigenvalue.  Else
    their greatest common divisor over Q.
    """
    if not matrices:
        raise KernelError("expected at least one matrix")
    if len(matrices) > 1 and _share_zero_alone(matrices):
        return fmpz_poly([1])
    shared = without_zeros(characteristic(matrices[0]))
    for matrix in matrices[1:]:
        if shared.degree() < 1:
            break
        shared = shared.gcd(characteristic(matrix))
    return primitive(shared)


def _share_zero_alone(matrices: Sequence[fmpq_mat]) -> bool:
    common: nmod_poly | None = None
    least = matrices[0].nrows()
    for matrix in matrices:
        numerators, denominator = _integral(matrix)
        if denominator % PRIME == 0:
            return False
        size = numerators.nrows()
        least = min(least, size - numerators.rank())
        inverse = pow(denominator, -1, PRIME)
        residues = [int(entry) * inverse % PRIME for entry in numerators.entries()]
        found = nmod_mat(size, size, residues, PRIME).charpoly()
        common = found if common is None else common.gcd(found)
    # Over Q the common divisor is t^least times one whose degree is at most what remains.
    return common is not None and common.degree() <= least


def determinant_in_t(matrix: list[list[fmpq_mpoly]], context: fmpq_mpoly_ctx) -> fmpq_mpoly:
    """det(t I - B) for a small matrix B of polynomials, t the last generator of the context.

    Bareiss's elimination: every division is exact.

    Raises:
        KernelError: where polynomials get more than 20,000 terms.
    """
    size = len(matrix)
    t = context.gens()[-1]
    rows = [[(t if i == j else context.constant(0)) - matrix[i][j] for j in range(size)] for i in range(size)]
    previous = context.constant(1)
    for k in range(size - 1):
        # t I - B has t^1 on the diagonal alone: the leading minors are monic in t, never 0.
        for i in range(k + 1, size):
            for j in range(k + 1, size):
                value = rows[i][j] * rows[k][k] - rows[i][k] * rows[k][j]
                rows[i][j] = value / previous
                if len(rows[i][j]) > MAX_TERMS:
                    raise KernelError(f"expected determinants of at most {MAX_TERMS} terms")
        previous = rows[k][k]
    return rows[size - 1][size - 1]


def with_t(size: int) -> fmpq_mpoly_ctx:
    """The polynomials in theta and one further generator t, the last one."""
    return fmpq_mpoly_ctx.get([*(f"x{number}" for number in range(size)), "t"], Ordering.degrevlex)


def content_in_t(polynomial: fmpq_mpoly) -> fmpz_poly:
    """The greatest common divisor of the coefficients, polynomials in t, of the monomials in theta.

    Its roots are the values of t at which the polynomial is 0 for every theta.
    """
    columns: dict[tuple[int, ...], dict[int, Any]] = {}
    for monomial, coefficient in polynomial.terms():
        columns.setdefault(tuple(monomial[:-1]), {})[int(monomial[-1])] = coefficient
    common = fmpz_poly([0])
    for column in columns.values():
        denominator = lcm(*(int(c.q) for c in column.values()))
        dense = [0] * (max(column) + 1)
        for degree, c in column.items():
            dense[degree] = int(c.p) * (denominator // int(c.q))
        common = common.gcd(fmpz_poly(dense))
    return primitive(common)


def is_root(polynomial: fmpz_poly, numerator: int, denominator: int) -> bool:
    """Whether the polynomial is 0 at the rational number."""
    total, degree = 0, polynomial.degree()
    for k, c in enumerate(polynomial.coeffs()):
        total += int(c) * numerator**k * denominator ** (degree - k)
    return total == 0 and gcd(numerator, denominator) >= 1
