"""The two exact readings of numbers and activations: rationals, and balls of high precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from flint import arb, ctx, fmpq

from numerics.errors import NumericsError
from proofs.kernel.domains import value_at
from proofs.kernel.intervals import evaluate, to_fmpq
from proofs.kernel.kinks import PieceReading, avoids_kinks
from proofs.kernel.tensors import ExactTensor
from proofs.kernel.univariate import Expression, Univariate
from proofs.network import Activate, Loss, LossKind, Network

__all__ = [
    "PRECISION",
    "Balls",
    "Field",
    "FieldTensor",
    "Number",
    "OnKink",
    "Rationals",
    "dot",
    "entries_are_polynomials",
    "entries_of",
    "field_for",
    "function_value",
]

PRECISION = 256

# fmpq or arb; both know + - * and comparison.
Number = Any


class OnKink(NumericsError):
    """A pre-activation, or a residual of huber, lies on a kink, or a ball cannot be told from one."""


class Field(Protocol):
    """How numbers and activations are read.  `method` is the name printed beside a re-check."""

    method: str

    def number(self, value: Fraction) -> Number: ...

    def derivatives(self, function: Univariate, z: Number) -> tuple[Number, Number, Number]: ...

    def softmax(self, f: list[Number]) -> list[Number]: ...

    def log_sum_exp(self, f: list[Number]) -> Number: ...


class Rationals:
    """Exact rationals; for polynomial pieces with rational kinks."""

    method = "exact rationals"

    def number(self, value: Fraction) -> Number:
        return to_fmpq(value)

    def derivatives(self, function: Univariate, z: Number) -> tuple[Number, Number, Number]:
        """(sigma, sigma', sigma'') at z.

        Raises:
            OnKink: if z is a kink.
        """
        expression, t, drift = _met(function, z)
        slope = expression.derivative()
        values = [_polynomial(e, t) for e in (expression, slope, slope.derivative())]
        return values[0] + drift, values[1], values[2]

    def softmax(self, f: list[Number]) -> list[Number]:
        raise NumericsError("expected a loss with rational derivatives but got cross_entropy")

    def log_sum_exp(self, f: list[Number]) -> Number:
        raise NumericsError("expected a loss with rational values but got cross_entropy")


class Balls:
    """Balls of `PRECISION` bits; use inside `flint.ctx.workprec(PRECISION)`."""

    method = f"balls of {PRECISION} bits"

    def number(self, value: Fraction) -> Number:
        return arb(to_fmpq(value))

    def derivatives(self, function: Univariate, z: Number) -> tuple[Number, Number, Number]:
        """(sigma, sigma', sigma'') enclosed on the ball z.

        Raises:
            OnKink: unless z is shown to avoid all kinks.
        """
        if function.is_analytic:
            expression = function.pieces[0].expression
            slope = expression.derivative()
            return evaluate(expression, z), evaluate(slope, z), evaluate(slope.derivative(), z)
        if not avoids_kinks(function, z):
            raise OnKink(f"expected a point off the kinks of {function.label()} but got {z}")
        first, second, third = (PieceReading(function, order).value(z) for order in range(3))
        return first, second, third

    def softmax(self, f: list[Number]) -> list[Number]:
        shift = max(x.mid() for x in f)
        powers = [(x - shift).exp() for x in f]
        total = sum(powers, arb(0))
        return [power / total for power in powers]

    def log_sum_exp(self, f: list[Number]) -> Number:
        shift = max(x.mid() for x in f)
        return sum(((x - shift).exp() for x in f), arb(0)).log() + shift


@dataclass(frozen=True, slots=True)
class FieldTensor:
    """A vector or matrix whose entries are numbers of a field already, row by row."""

    shape: tuple[int, ...]
    entries: tuple[Number, ...]


def entries_of(field: Field, tensor: ExactTensor | FieldTensor) -> list[Number]:
    """The entries as numbers of the field, row by row."""
    if isinstance(tensor, FieldTensor):
        return list(tensor.entries)
    return [field.number(entry) for entry in tensor.fractions()]


def field_for(network: Network, loss: Loss | None = None) -> Rationals | Balls:
    """Rationals where they are enough, else balls."""
    functions = [layer.activation for layer in network.layers if isinstance(layer, Activate)]
    rational = loss is None or loss.kind not in (LossKind.CROSS_ENTROPY, LossKind.BCE)
    return Rationals() if rational and all(map(entries_are_polynomials, functions)) else Balls()


def function_value(function: Univariate, order: int, t: Fraction) -> Number:
    """sigma^(order)(t): a rational where pieces are polynomials or the value visibly is one, else a ball.

    Raises:
        OnKink: at a kink for order >= 1, and for order 0 where the value there is not visibly rational.
    """
    if order == 0:
        exact = value_at(function, t)
        if exact is not None:
            return to_fmpq(exact)
    if entries_are_polynomials(function):
        expression, inside, drift = _met(function, to_fmpq(t))
        for _ in range(order):
            expression = expression.derivative()
        return _polynomial(expression, inside) + (drift if order == 0 else 0)
    with ctx.workprec(PRECISION):
        point = arb(to_fmpq(t))
        if not function.is_analytic and not avoids_kinks(function, point):
            raise OnKink(f"expected a point off the kinks of {function.label()} but got {t}")
        return PieceReading(function, order).value(point)


def _met(function: Univariate, z: fmpq) -> tuple[Expression, fmpq, fmpq]:
    """The piece that a point lies on, the point moved into the first period, and the drift of the move.

    Raises:
        OnKink: if z is a kink.
    """
    shift, drift = fmpq(0), fmpq(0)
    first = function.pieces[0].lower
    if function.period is not None and first is not None:
        length = to_fmpq(function.period.length)
        turns = ((z - to_fmpq(first)) / length).floor()
        shift, drift = turns * length, turns * to_fmpq(function.period.drift)
    t = z - shift
    if any(t == to_fmpq(kink) for kink in function.kinks):
        raise OnKink(f"expected a point off the kinks of {function.label()} but got {z}")
    index = next(
        i for i, piece in enumerate(function.pieces) if piece.upper is None or t < to_fmpq(piece.upper)
    )
    return function.pieces[index].expression, t, drift


def entries_are_polynomials(function: Univariate) -> bool:
    """Whether all pieces are polynomials over Q with rational kinks."""
    return not function.in_pi and all(
        not calls for piece in function.pieces for (_, calls), _ in piece.expression.terms
    )


def dot(left: Sequence[Number], right: Sequence[Number]) -> Number:
    """The inner product of two vectors of at least one entry."""
    total = left[0] * right[0]
    for a, b in zip(left[1:], right[1:], strict=True):
        total = total + a * b
    return total


def _polynomial(expression: Expression, t: fmpq) -> fmpq:
    total = fmpq(0)
    for (degree, _), coefficient in expression.terms:
        total += to_fmpq(coefficient) * t**degree
    return total
