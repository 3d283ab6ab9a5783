"""Polynomials in the entries of parameters as people read them: `9/10*W1[0,0] + b1[0]`."""

from __future__ import annotations

from collections.abc import Mapping

from flint import fmpq

from proofs.kernel.map_values import coordinates
from proofs.kernel.maps import Map, Shape, blocks_of
from proofs.kernel.patterns import Condition, Named, polynomials_of

__all__ = ["condition_text", "entry_name", "named_polynomial", "polynomial_text", "shapes_of"]

MAX_TERMS = 40


def shapes_of(root: Map) -> dict[str, Shape]:
    """The shape of every parameter block, by name."""
    return {block.name: block.extents for block in blocks_of(root)}


def entry_name(name: str, number: int, shape: Shape) -> str:
    """The entry of that number, counted row by row.

    >>> entry_name("W1", 5, (2, 3))
    'W1[1,2]'
    """
    indices: list[int] = []
    for extent in reversed(shape):
        number, index = divmod(number, extent)
        indices.append(index)
    return f"{name}[{','.join(str(index) for index in reversed(indices))}]" if shape else name


def named_polynomial(scalar: Map) -> Named:
    """A scalar map as a polynomial in the entries of its blocks.

    Raises:
        KernelError: for a map that is no polynomial.
    """
    (found,) = polynomials_of(scalar)
    places = coordinates(scalar)
    return {
        frozenset((places[k], int(e)) for k, e in enumerate(monomial) if e): coefficient
        for monomial, coefficient in found.terms()
    }


def polynomial_text(polynomial: Named, shapes: Mapping[str, Shape]) -> str:
    """The polynomial as a sum of terms, those of higher degree first; long ones are cut after 40 terms."""
    parts: list[str] = []
    ordered = sorted(polynomial.items(), key=lambda item: (-sum(e for _, e in item[0]), sorted(item[0])))
    for monomial, coefficient in ordered[:MAX_TERMS]:
        factors = [
            entry_name(name, number, shapes[name]) + (f"^{exponent}" if exponent > 1 else "")
            for (name, number), exponent in sorted(monomial)
        ]
        size = abs(coefficient)
        if size != 1 or not factors:
            factors.insert(0, str(size))
        sign = "-" if coefficient < 0 else "+"
        parts.append(("- " if sign == "-" else "+ ") + "*".join(factors))
    if len(ordered) > MAX_TERMS:
        parts.append(f"+ ... ({len(ordered) - MAX_TERMS} more terms)")
    text = " ".join(parts) or "0"
    return text.removeprefix("+ ") if not text.startswith("- ") else "-" + text[2:]


def condition_text(condition: Condition, shapes: Mapping[str, Shape]) -> str:
    """The inequality `p > end` or `p < end`, constants of p on the right.

    Raises:
        KernelError: where the entry is no polynomial.
    """
    # sign * (p - end) > 0.
    found = {key: condition.sign * value for key, value in condition.polynomial().items()}
    right = -found.pop(frozenset(), fmpq(0))
    return f"{polynomial_text(found, shapes)} {'>' if condition.sign > 0 else '<'} {right}"
