"""Second-order jets of maps in fractions, written from the definitions of the maps alone.

Which expression of a function counts is read off the value; nothing of the kernel's evaluation is used.
The coordinates of the point should not be 0: an argument at a kink whose derivatives up to the second
are 0 is taken to be constant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

from flint import fmpq, fmpq_mat

from proofs.kernel.maps import (
    At,
    Contract,
    Entry,
    Fixed,
    Join,
    Map,
    ParameterBlock,
    Pick,
    PlaceNumber,
    Scaled,
    Total,
    maps_below,
    size_of,
)
from proofs.kernel.univariate import Expression, Univariate

Signature = tuple[Any, ...]


@dataclass(frozen=True)
class Jet:
    """Value, gradient and Hessian."""

    value: Fraction
    gradient: tuple[Fraction, ...]
    hessian: tuple[tuple[Fraction, ...], ...]

    def __add__(self, other: Jet) -> Jet:
        return Jet(
            self.value + other.value,
            tuple(a + b for a, b in zip(self.gradient, other.gradient, strict=True)),
            tuple(
                tuple(a + b for a, b in zip(r, s, strict=True))
                for r, s in zip(self.hessian, other.hessian, strict=True)
            ),
        )

    def __mul__(self, other: Jet) -> Jet:
        u, v, f, g = self.value, other.value, self.gradient, other.gradient
        size = range(len(f))
        return Jet(
            u * v,
            tuple(u * g[i] + v * f[i] for i in size),
            tuple(
                tuple(
                    u * other.hessian[i][j] + v * self.hessian[i][j] + f[i] * g[j] + f[j] * g[i] for j in size
                )
                for i in size
            ),
        )

    @property
    def is_constant(self) -> bool:
        return not any(self.gradient) and not any(any(row) for row in self.hessian)

    def determinant(self, step: Fraction) -> fmpq:
        """det(I - eta Hessian)."""
        size = len(self.gradient)
        entries = [
            _exact(Fraction(int(i == j)) - step * self.hessian[i][j])
            for i in range(size)
            for j in range(size)
        ]
        return fmpq_mat(size, size, entries).det()


def _exact(value: Fraction) -> fmpq:
    return fmpq(value.numerator, value.denominator)


def _fraction(value: fmpq) -> Fraction:
    return Fraction(int(value.p), int(value.q))


def constant_jet(value: Fraction, size: int) -> Jet:
    zeros = (Fraction(0),) * size
    return Jet(value, zeros, (zeros,) * size)


def _polynomial(expression: Expression, x: Jet) -> Jet:
    size = len(x.gradient)
    total = constant_jet(Fraction(0), size)
    for (degree, calls), coefficient in expression.terms:
        assert not calls
        term = constant_jet(coefficient, size)
        for _ in range(degree):
            term = term * x
        total = total + term
    return total


def jet_at(
    root: Map, theta: Sequence[Fraction], names: Sequence[tuple[str, int]]
) -> tuple[Jet, Signature] | None:
    """The jet of a scalar and the piece of every entry; None at a kink that is not met identically."""
    size = len(names)
    signature: list[Any] = []
    found: dict[Map, list[Jet]] = {}
    for node in maps_below(root):
        match node:
            case ParameterBlock(name=name):
                numbers = [names.index((name, k)) for k in range(size_of(node.extents))]
                found[node] = [_unit(theta[n], n, size) for n in numbers]
            case Fixed(entries=entries):
                found[node] = [constant_jet(_fraction(e), size) for e in entries]
            case At(of=of, place=PlaceNumber(number=number)):
                found[node] = [found[of][number]]
            case Pick(of=of, numbers=places):
                zero = constant_jet(Fraction(0), size)
                found[node] = [zero if k < 0 else found[of][k] for k in places]
            case Join(parts=parts):
                found[node] = [jet for part in parts for jet in found[part]]
            case Total(parts=parts):
                found[node] = [_sum(column, size) for column in zip(*(found[p] for p in parts), strict=True)]
            case Scaled(factor=factor, of=of):
                found[node] = [constant_jet(_fraction(factor), size) * jet for jet in found[of]]
            case Contract():
                found[node] = _contract(node, found[node.left], found[node.right], size)
            case Entry(function=Univariate() as function, of=of):
                jets = [_apply(function, x, signature) for x in found[of]]
                if None in jets:
                    return None
                found[node] = [jet for jet in jets if jet is not None]
            case _:
                raise ValueError(f"no jet of {node!r}")
    return found[root][0], tuple(signature)


def _unit(value: Fraction, number: int, size: int) -> Jet:
    zeros = (Fraction(0),) * size
    return Jet(value, tuple(Fraction(int(i == number)) for i in range(size)), (zeros,) * size)


def _sum(jets: Sequence[Jet], size: int) -> Jet:
    total = constant_jet(Fraction(0), size)
    for jet in jets:
        total = total + jet
    return total


def _contract(node: Contract, left: list[Jet], right: list[Jet], size: int) -> list[Jet]:
    first, second, result = node.letters()
    extents = node.extents_of()
    letters = sorted(extents)

    def place(word: str, values: dict[str, int]) -> int:
        number = 0
        for letter in word:
            number = number * extents[letter] + values[letter]
        return number

    found = [constant_jet(Fraction(0), size) for _ in range(size_of(node.require_shape()))]
    for chosen in product(*(range(extents[letter]) for letter in letters)):
        values = dict(zip(letters, chosen, strict=True))
        k = place(result, values)
        found[k] = found[k] + left[place(first, values)] * right[place(second, values)]
    return found


def _apply(function: Univariate, x: Jet, signature: list[Any]) -> Jet | None:
    if x.value in function.kinks:
        if not x.is_constant:
            return None
        number = function.kinks.index(x.value)
        signature.append(("kink", number))
        listed = dict(function.values)
        right = _polynomial(function.pieces[number + 1].expression, x).value
        return constant_jet(listed.get(x.value, right), len(x.gradient))
    number = sum(kink < x.value for kink in function.kinks)
    signature.append(number)
    return _polynomial(function.pieces[number].expression, x)
