"""Gradients and Hessian-vector products of a map of the parameters, in balls or exactly in rationals.

A map is unrolled once into numbered entries, constants folded: first the P coordinates, then sums

    c + sum_i c_i v_i + sum_(i,j) v_i v_j        and calls   sigma(v_i).

Forward every entry has its value v and its tangent t along a direction; backward its adjoint a, the
derivative of the map by that entry, and the tangent b of a.  At the coordinates a is the gradient, b = H u:

    sum    t = sum c_i t_i + sum t_i v_j + v_i t_j    a_i += c a, a v_j     b_i += c b, b v_j + a t_j
    call   t = sigma' t_i                             a_i += sigma' a       b_i += sigma' b + sigma'' t_i a
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flint import arb, fmpq

from numerics.errors import NumericsError
from numerics.exact import Balls, OnKink, Rationals
from numerics.exact.numbers import entries_are_polynomials
from proofs.kernel.domains import value_at
from proofs.kernel.intervals import evaluate, to_fmpq
from proofs.kernel.map_numbers import to_fraction
from proofs.kernel.map_values import contraction, coordinates, number_of
from proofs.kernel.maps import (
    At,
    Contract,
    Entry,
    Fixed,
    Join,
    Map,
    ParameterBlock,
    Partial,
    Pick,
    Scaled,
    Total,
    maps_below,
    size_of,
)
from proofs.kernel.univariate import Expression, Univariate, call, piecewise

__all__ = ["BALLS", "RATIONALS", "Call", "Field", "KinkMet", "Number", "Sum", "Sweep", "derivatives", "place"]

# Fmpq or arb.
Number = Any
Field = Balls | Rationals
BALLS, RATIONALS = Balls(), Rationals()
# A constant, or the number of an entry.
Cell = Any
ONE = fmpq(1)
PARTIALS = {name: piecewise(name, {}, [], [call(name)]) for name in ("inverse", "log", "sqrt")}


class KinkMet(OnKink):
    """An entry is on a kink, or is not told from one; `call` is the number of the call in the sweep."""

    def __init__(self, message: str, call: int) -> None:
        super().__init__(message)
        self.call = call


@dataclass(frozen=True, slots=True)
class Sum:
    """C + sum c_i v_i + sum v_i v_j."""

    constant: fmpq
    terms: tuple[tuple[int, fmpq], ...]
    pairs: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Call:
    """Sigma of an entry; `node` and `number` say of which entry of which map; partial ones need v > 0.

    `fixed` is the argument where it depends on no parameter; `of` is -1 then.
    """

    function: Univariate
    of: int
    node: Map
    number: int
    is_partial: bool
    fixed: fmpq | None = None


class Sweep:
    """A scalar map as entries in order of evaluation, the P coordinates first.

    Raises:
        NumericsError: for a map other than a scalar of parameters and numbers, or a function without pieces.
    """

    def __init__(self, root: Map) -> None:
        if root.shape != ():
            raise NumericsError("expected a scalar map")
        self.coordinates = coordinates(root)
        self.size = len(self.coordinates)
        self.steps: list[Sum | Call] = []
        places = {place: number for number, place in enumerate(self.coordinates)}
        self._cells: dict[Map, list[Cell]] = {}
        for node in maps_below(root):
            self._cells[node] = self._unrolled(node, places)
        (self._root,) = self._cells[root]
        del self._cells
        kinked = [n for n, s in enumerate(self.steps) if isinstance(s, Call) and s.function.kinks]
        # The numbers of the calls of functions with kinks whose arguments move with the parameters.
        self.kinked = [n for n in kinked if self.steps[n].fixed is None]  # type: ignore[union-attr]

    def gradient(self, field: Field, theta: Sequence[Number]) -> list[Number]:
        """The gradient at theta.

        Raises:
            KinkMet: where an entry is not shown to be off the kinks.
        """
        return self._swept(field, theta, None)[0]

    def product(self, field: Field, theta: Sequence[Number], v: Sequence[Number]) -> list[Number]:
        """The Hessian at theta times v; raises as `gradient`."""
        return self._swept(field, theta, v)[1]

    def _swept(
        self, field: Field, theta: Sequence[Number], v: Sequence[Number] | None
    ) -> tuple[list[Number], list[Number]]:
        zero = lifted(field, fmpq(0))
        values, slopes = self._values(field, theta)
        tangents = None if v is None else self._tangents(list(v), values, slopes)
        adjoints: list[Number] = [None] * len(values)
        bends: list[Number] = [None] * len(values)

        def give(number: int, a: Number, b: Number) -> None:
            adjoints[number] = a if adjoints[number] is None else adjoints[number] + a
            if b is not None:
                bends[number] = b if bends[number] is None else bends[number] + b

        if isinstance(self._root, int):
            give(self._root, lifted(field, ONE), None)
        for number in range(len(self.steps) - 1, -1, -1):
            a, b = adjoints[self.size + number], bends[self.size + number]
            if a is None:
                continue
            step = self.steps[number]
            if isinstance(step, Call):
                if step.fixed is not None:
                    continue
                first, second = slopes[number]
                below = None if b is None else first * b
                if tangents is not None:
                    curved = second * tangents[step.of] * a
                    below = curved if below is None else below + curved
                give(step.of, first * a, below)
                continue
            for i, c in step.terms:
                give(i, a * c, None if b is None else b * c)
            for i, j in step.pairs:
                for one, other in ((i, j), (j, i)):
                    below = None if b is None else b * values[other]
                    if tangents is not None:
                        moved = a * tangents[other]
                        below = moved if below is None else below + moved
                    give(one, a * values[other], below)
        dense = lambda row: [zero if entry is None else entry for entry in row[: self.size]]  # noqa: E731
        return dense(adjoints), dense(bends)

    def _values(
        self, field: Field, theta: Sequence[Number]
    ) -> tuple[list[Number], list[tuple[Number, Number]]]:
        if len(theta) != self.size:
            raise NumericsError(f"expected {self.size} parameters but got {len(theta)}")
        values, slopes = list(theta), []
        for number, step in enumerate(self.steps):
            if isinstance(step, Call):
                inside = values[step.of] if step.fixed is None else lifted(field, step.fixed)
                value, first, second = derivatives(field, step, inside, number)
                values.append(value)
                slopes.append((first, second))
            else:
                values.append(summed(field, step, values))
                slopes.append((None, None))
        return values, slopes

    def _tangents(
        self, tangents: list[Number], values: Sequence[Number], slopes: Sequence[tuple[Number, Number]]
    ) -> list[Number]:
        zero = tangents[0] * 0
        for number, step in enumerate(self.steps):
            if isinstance(step, Call):
                tangents.append(zero if step.fixed is not None else slopes[number][0] * tangents[step.of])
            else:
                tangents.append(moved_by(step, values, tangents, zero))
        return tangents

    # -- Unrolling ---------------------------------------------------------------------------------

    def _unrolled(self, node: Map, places: dict[tuple[str, int], int]) -> list[Cell]:
        known = self._cells
        match node:
            case ParameterBlock(name=name, extents=extents):
                return [places[name, number] for number in range(size_of(extents))]
            case Fixed(entries=entries):
                return list(entries)
            case At(of=of):
                return [known[of][number_of(node)]]
            case Pick(of=of, numbers=numbers):
                return [fmpq(0) if number < 0 else known[of][number] for number in numbers]
            case Join(parts=parts):
                return [cell for part in parts for cell in known[part]]
            case Total(parts=parts):
                columns = zip(*(known[part] for part in parts), strict=True)
                return [self._sum([(cell, ONE) for cell in column]) for column in columns]
            case Scaled(factor=factor, of=of):
                return [self._sum([(cell, factor)]) for cell in known[of]]
            case Contract(pattern=pattern, left=left, right=right):
                sums: list[list[tuple[Cell, Cell]]] = [[] for _ in range(size_of(node.require_shape()))]
                shapes = (left.require_shape(), right.require_shape())
                for i, j, k in contraction(pattern, *shapes):
                    sums[k].append((known[left][i], known[right][j]))
                return [self._sum(pairs) for pairs in sums]
            case Entry(function=Univariate() as function, of=of):
                return [self._call(function, cell, node, k, False) for k, cell in enumerate(known[of])]
            case Partial(name=name, of=of):
                return [self._call(PARTIALS[name], cell, node, k, True) for k, cell in enumerate(known[of])]
            case _:
                raise NumericsError(f"expected a map of parameters and numbers but got {type(node).__name__}")

    def _sum(self, factors: Sequence[tuple[Cell, Cell]]) -> Cell:
        """The sum of products of two cells each."""
        constant: fmpq = fmpq(0)
        terms: dict[int, fmpq] = {}
        pairs: list[tuple[int, int]] = []
        for one, other in factors:
            match isinstance(one, int), isinstance(other, int):
                case True, True:
                    pairs.append((one, other))
                case False, False:
                    constant = fmpq(constant + one * other)
                case _:
                    number, factor = (one, other) if isinstance(one, int) else (other, one)
                    terms[number] = terms.get(number, fmpq(0)) + factor
        kept = tuple((number, factor) for number, factor in terms.items() if factor != 0)
        if not kept and not pairs:
            return constant
        if not pairs and constant == 0 and len(kept) == 1 and kept[0][1] == 1:
            return kept[0][0]
        return self._put(Sum(constant, kept, tuple(pairs)))

    def _call(self, function: Univariate, cell: Cell, node: Map, number: int, is_partial: bool) -> Cell:
        if isinstance(cell, int):
            return self._put(Call(function, cell, node, number, is_partial))
        exact = None if is_partial else value_at(function, to_fraction(cell))
        if exact is not None:
            return to_fmpq(exact)
        return self._put(Call(function, -1, node, number, is_partial, cell))

    def _put(self, step: Sum | Call) -> int:
        self.steps.append(step)
        return self.size + len(self.steps) - 1


def lifted(field: Field, value: fmpq) -> Number:
    return arb(value) if isinstance(field, Balls) else value


def summed(field: Field, step: Sum, values: Sequence[Number]) -> Number:
    total = lifted(field, step.constant)
    for number, factor in step.terms:
        total = total + (values[number] if factor == 1 else values[number] * factor)
    for i, j in step.pairs:
        total = total + values[i] * values[j]
    return total


def moved_by(step: Sum, values: Sequence[Number], tangents: Sequence[Number], zero: Number) -> Number:
    total = zero
    for number, factor in step.terms:
        total = total + tangents[number] * factor
    for i, j in step.pairs:
        total = total + tangents[i] * values[j] + values[i] * tangents[j]
    return total


def derivatives(field: Field, step: Call, z: Number, number: int) -> tuple[Number, Number, Number]:
    """(sigma, sigma', sigma'') at z.

    Raises:
        KinkMet: if z is on a kink or not told from one.
        NumericsError: where a partial function may have no value, or rationals have none.
    """
    function = step.function
    if isinstance(field, Rationals) and not entries_are_polynomials(function):
        raise NumericsError(f"expected polynomial pieces for rationals but got {function.label()}; try balls")
    if isinstance(field, Rationals) or function.period is not None:
        try:
            return field.derivatives(function, z)
        except OnKink as error:
            raise KinkMet(str(error), number) from error
    if not z.is_finite() or (step.is_partial and not z > 0):
        raise NumericsError(f"expected a finite argument where {function.label()} is defined but got {z}")
    piece = place(function, z)
    if piece is None:
        raise KinkMet(f"expected a point off the kinks of {function.label()} but got {z}", number)
    value, first, second = (evaluate(expression, z) for expression in _expressions(function, piece))
    return value, first, second


def place(function: Univariate, z: arb) -> int | None:
    """The number of the piece that holds the whole ball; None if it may meet a kink."""
    piece = 0
    for kink in _kinks(function):
        if z > kink:
            piece += 1
        elif not z < kink:
            return None
    return piece


@lru_cache(maxsize=256)
def _kinks(function: Univariate) -> tuple[arb, ...]:
    if function.in_pi or function.period is not None:
        raise NumericsError(f"expected finitely many pieces with rational kinks but got {function.label()}")
    return tuple(arb(to_fmpq(kink)) for kink in function.kinks)


@lru_cache(maxsize=256)
def _expressions(function: Univariate, piece: int) -> tuple[Expression, Expression, Expression]:
    value = function.pieces[piece].expression
    first = value.derivative()
    return value, first, first.derivative()
