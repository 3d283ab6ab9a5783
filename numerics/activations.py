"""The torch reading of `Univariate`: an activation and its derivatives, entry by entry.

The expression trees are evaluated as they stand.  Each piece sees the entries that lie in it and
a point of its own elsewhere, so an unused piece neither overflows nor sends NaN through autograd.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from numerics.errors import NumericsError
from proofs.kernel.univariate import Call, Expression, Piece, Univariate

__all__ = ["apply", "distance_to_kinks", "is_zero", "jets", "terms_added"]

MAX_ORDER = 4


@lru_cache(maxsize=1024)
def _derivative_pieces(function: Univariate, order: int) -> tuple[Piece, ...]:
    return function.derivative_pieces(order)


def apply(function: Univariate, order: int, z: Tensor) -> Tensor:
    """The order-th derivative of `function` at every entry of z; order 0 is the function.

    Shapes: any -> the same.  At a kink the piece to its right counts, so for order >= 1 the
    value there is the right one-sided limit.  Values carry an absolute rounding error of a few
    units in the last place of the largest term: exp(t) - 1 near t = 0 has no small *relative* error.

    Returns:
        NaN exactly where z is NaN, a term overflows or z is infinite and the function periodic;
        differentiable by autograd elsewhere.

    Raises:
        NumericsError: for an order outside 0..4.
    """
    return jets(function, (order,), z)[0]


def jets(function: Univariate, orders: tuple[int, ...], z: Tensor) -> tuple[Tensor, ...]:
    """The derivatives of these orders at every entry of z, as `apply` gives them one by one.

    What they have in common (tanh(t), say, and which piece counts) is computed once.

    Raises:
        NumericsError: for an order outside 0..4.
    """
    for order in orders:
        if not 0 <= order <= MAX_ORDER:
            raise NumericsError(f"expected an order from 0 to {MAX_ORDER} but got order={order}")
    if function.is_analytic:
        calls: dict[Call, Tensor] = {}
        found: list[Tensor] = []
        for order in orders:
            expression = _derivative_pieces(function, order)[0].expression
            value = _evaluate(expression, z, calls)
            found.append(value if _reads_argument(expression) else _keep_nan(value, z))
        return tuple(found)
    unit = math.pi if function.in_pi else 1.0
    t, turns = _first_period(function, z)
    results = [torch.zeros_like(z) for _ in orders]
    tables = [_open_ended_if_periodic(function, _derivative_pieces(function, order)) for order in orders]
    for pieces in zip(*tables, strict=True):
        inside = _inside(pieces[0], t, unit)
        safe = torch.where(inside, t, torch.full_like(t, _point_of(pieces[0]) * unit))
        calls = {}
        for index, piece in enumerate(pieces):
            results[index] = torch.where(inside, _evaluate(piece.expression, safe, calls), results[index])
    for index, order in enumerate(orders):
        if order == 0:
            results[index] = _with_values(function, t, turns, unit, results[index])
    # z moved into the first period is NaN, or infinite, where it has no place in a period.
    known = z if function.period is None else torch.where(torch.isfinite(t), z, torch.nan)
    return tuple(_keep_nan(result, known) for result in results)


def terms_added(function: Univariate, order: int, z: Tensor) -> Tensor:
    """The sizes of the terms that a derivative adds up: |1| + |tanh^2| for 1 - tanh^2; its rounding's scale.

    Shapes: any -> the same.
    """
    pieces = _derivative_pieces(function, order)
    if function.is_analytic:
        return _sizes(pieces[0].expression, z)
    unit = math.pi if function.in_pi else 1.0
    t, _ = _first_period(function, z)
    result = torch.zeros_like(z)
    for piece in _open_ended_if_periodic(function, pieces):
        inside = _inside(piece, t, unit)
        safe = torch.where(inside, t, torch.full_like(t, _point_of(piece) * unit))
        result = torch.where(inside, _sizes(piece.expression, safe), result)
    return result


def _sizes(expression: Expression, z: Tensor) -> Tensor:
    calls: dict[Call, Tensor] = {}
    total = torch.zeros_like(z)
    for (degree, factors), coefficient in expression.terms:
        term = torch.full_like(z, abs(float(coefficient)))
        if degree:
            term = term * _power(z, degree).abs()
        for inner, exponent in factors:
            if inner not in calls:
                calls[inner] = _call(inner, z)
            term = term * _power(calls[inner], exponent).abs()
        total = total + term
    return total


def is_zero(function: Univariate, order: int) -> bool:
    """Whether the derivative of that order is 0 on every piece, as the second one of relu is."""
    return all(not piece.expression.terms for piece in _derivative_pieces(function, order))


def _with_values(function: Univariate, t: Tensor, turns: Tensor, unit: float, result: Tensor) -> Tensor:
    """The function itself: its values at kinks and the drift of its periods."""
    for kink, value in function.values:
        result = torch.where(t == float(kink) * unit, torch.full_like(t, float(value)), result)
    if function.period is not None and function.period.drift:
        result = result + float(function.period.drift) * turns
    return result


def _first_period(function: Univariate, z: Tensor) -> tuple[Tensor, Tensor]:
    """Z moved into the first period, and the number of periods moved; z itself without a period."""
    period, first = function.period, function.pieces[0].lower
    if period is None or first is None:
        return z, torch.zeros_like(z)
    unit = math.pi if period.in_pi else 1.0
    turns = torch.floor((z.detach() / unit - float(first)) / float(period.length))
    return z - turns * (float(period.length) * unit), turns


def _open_ended_if_periodic(function: Univariate, pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """The pieces of a period without its ends, which points moved there may reach by rounding."""
    if function.period is None:
        return pieces
    if len(pieces) == 1:
        return (Piece(None, None, pieces[0].expression),)
    first, *middle, last = pieces
    return (Piece(None, first.upper, first.expression), *middle, Piece(last.lower, None, last.expression))


def distance_to_kinks(function: Univariate, z: Tensor) -> Tensor:
    """The distance of every entry of z to the nearest kink; infinity where there are none.

    Shapes: any -> the same.  NaN entries have the distance NaN.
    """
    nearest = torch.where(torch.isnan(z), z, torch.full_like(z, math.inf))
    unit = math.pi if function.in_pi else 1.0
    t, _ = _first_period(function, z)
    ends = () if function.period is None else tuple(p.upper for p in function.pieces if p.upper is not None)
    for kink in {*function.kinks, *ends}:
        nearest = torch.minimum(nearest, (t - float(kink) * unit).abs())
    return nearest


def _inside(piece: Piece, t: Tensor, unit: float) -> Tensor:
    inside = torch.ones_like(t, dtype=torch.bool)
    if piece.lower is not None:
        inside = inside & (t >= float(piece.lower) * unit)
    if piece.upper is not None:
        inside = inside & (t < float(piece.upper) * unit)
    return inside


def _point_of(piece: Piece) -> float:
    match piece.lower, piece.upper:
        case None, None:
            return 0.0
        case Fraction() as lower, None:
            return float(lower) + 1.0
        case None, Fraction() as upper:
            return float(upper) - 1.0
        case Fraction() as lower, Fraction() as upper:
            return float((lower + upper) / 2)
        case _:
            raise NumericsError(f"expected the ends of a piece as fractions but got {piece!r}")


def _keep_nan(value: Tensor, z: Tensor) -> Tensor:
    # A constant piece does not look at its argument; NaN must not turn into a number there.
    return torch.where(torch.isnan(z), z, value)


def _evaluate(expression: Expression, z: Tensor, calls: dict[Call, Tensor]) -> Tensor:
    """The value at every entry; `calls` keeps exp(t) and the like for the next expression at z."""
    constant = 0.0
    total: Tensor | None = None
    scale = 1.0
    for (degree, factors), coefficient in expression.terms:
        term: Tensor | None = _power(z, degree) if degree else None
        for inner, exponent in factors:
            if inner not in calls:
                calls[inner] = _call(inner, z)
            factor = _power(calls[inner], exponent)
            term = factor if term is None else term * factor
        number = float(coefficient)
        if term is None:
            constant += number
        elif total is None:
            # The first term waits for its coefficient: c - t is one pass where c + (-1) t would be two.
            total, scale = term, number
        else:
            # The product is rounded before it is added: terms that cancel far out do so exactly.
            total = total if scale == 1.0 else total * scale
            total = total - term if number == -1.0 else total + (term if number == 1.0 else number * term)
            scale = 1.0
    if total is None:
        return torch.full_like(z, constant)
    if scale == -1.0:
        return constant - total
    total = total if scale == 1.0 else total * scale
    return total + constant if constant else total


def _reads_argument(expression: Expression) -> bool:
    """Whether a NaN in the argument reaches the value: some term is not a constant."""
    return any(degree or any(c.name != "pi" for c, _ in factors) for (degree, factors), _ in expression.terms)


def _power(base: Tensor, exponent: int) -> Tensor:
    result = base
    for _ in range(exponent - 1):
        result = result * base
    return result


def _tanh(x: Tensor) -> Tensor:
    """Tanh; by numpy where that can read x, which takes a third of the time of torch's."""
    entries = _entries(x)
    return torch.tanh(x) if entries is None else torch.from_numpy(np.tanh(entries))


def _sigmoid(x: Tensor) -> Tensor:
    """1 / (1 + exp -x); by numpy where that can read x.

    Torch's own value of an entry depends on where in the tensor it stands.
    """
    entries = _entries(x)
    if entries is None:
        return torch.sigmoid(x)
    with np.errstate(over="ignore"):
        return torch.from_numpy(1.0 / (1.0 + np.exp(-entries)))


def _entries(x: Tensor) -> np.ndarray | None:
    """The entries in float64 on the CPU; None on other devices, under autograd and inside vmap."""
    if x.device.type != "cpu" or x.dtype != torch.float64 or torch.is_grad_enabled():
        return None
    try:
        return x.detach().numpy()
    except RuntimeError:
        # A batch that vmap goes through has no entries of its own.
        return None


def _call(inner: Call, t: Tensor) -> Tensor:
    rate = inner.rate
    x = _evaluate(inner.argument, t, {}) if rate is None else t if rate == 1 else float(rate) * t
    match inner.name:
        case "exp":
            return torch.exp(x)
        case "tanh":
            return _tanh(x)
        case "sigmoid":
            return _sigmoid(x)
        case "softplus":
            # max(x, 0) + log(1 + exp(-|x|)), without the switch to a line far out.
            return -torch.nn.functional.logsigmoid(-x)
        case "normal_cdf":
            return torch.special.ndtr(x)
        case "normal_pdf":
            return torch.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
        case "sin":
            return torch.sin(x)
        case "cos":
            return torch.cos(x)
        case "inverse":
            return torch.reciprocal(x)
        case "sqrt":
            return torch.sqrt(x)
        case "log":
            return torch.log(x)
        case "pi":
            return torch.full_like(t, math.pi)
        case _:
            raise NumericsError(f"expected a call that torch can evaluate but got name={inner.name!r}")
