"""Activations of the user's own, made of pieces in the expression language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from gradlemma.errors import printable
from proofs.errors import KernelError
from proofs.kernel.domains import check_analytic
from proofs.kernel.exact_values import exact_value
from proofs.kernel.univariate import Expression, Univariate, argument, constant, periodic, piecewise

from ._pieces import Part, Values, check_name, check_order, moderate, parts_of, refusal, values_of
from .expression import weight_of

__all__ = ["activation_from_pieces"]

MAX_MOVED = 60


def activation_from_pieces(
    name: str,
    pieces: Iterable[Mapping[str, Any]],
    *,
    period: Any = None,
    drift: Any = None,
    unit: str | None = None,
    values: Mapping[Any, Any] | None = None,
) -> Univariate:
    """The piecewise analytic function with these pieces.

    Args:
        name: a name that the catalogue does not have.
        pieces: mappings with `is`, an expression in t, and the ends `from` and `to`, in order; the first
            may leave out `from`, the last `to`, and `from` may be left out where the piece before ends.
        period: continues sigma(t + period) = sigma(t) + drift from pieces that cover one period.
        drift: what a period adds; 0 if left out.
        unit: `pi` if ends and period count in units of pi; only with a period.
        values: the value at points where pieces meet, if it is not that of the piece to the right.

    Returns:
        The function, shown to be analytic on each closed piece.  Equal neighbours are joined.

    >>> bent = activation_from_pieces("bent", [{"to": 0, "is": "t/10"}, {"is": "t"}])
    >>> bent.label(), bent.kinks
    ('bent', (Fraction(0, 1),))

    Raises:
        ProblemError: naming the key, for a gap, an overlap, a piece that is not shown to be analytic, ...
    """
    check_name(name)
    parts = parts_of(pieces)
    check_order(parts)
    function = (
        _on_the_line(name, parts, values_of(values), drift, unit)
        if period is None
        else _continued(name, parts, values_of(values), period, drift, unit)
    )
    try:
        check_analytic(function)
    except KernelError as error:
        raise refusal(str(error), "pieces", "keep roots, logarithms and divisors away from 0") from None
    return function


def _on_the_line(name: str, parts: list[Part], values: Values, drift: Any, unit: Any) -> Univariate:
    for key, given in (("drift", drift), ("unit", unit)):
        if given is not None:
            raise refusal(f"expected {key} with a period only", key, "add `period`, or remove it")
    if parts[0].start is not None:
        message = f"expected pieces that cover all t but got nothing below {parts[0].start}: a gap"
        raise refusal(message, "pieces[0].from", "remove `from` of the first piece, or add `period`")
    if parts[-1].stop is not None:
        message = f"expected pieces that cover all t but got nothing beyond {parts[-1].stop}: a gap"
        raise refusal(
            message, f"pieces[{len(parts) - 1}].to", "remove `to` of the last piece, or add `period`"
        )
    ends = [part.stop for part in parts[:-1] if part.stop is not None]
    _check_points(values, ends)
    expressions = [part.expression for part in parts]
    return piecewise(
        name, {}, ends, expressions, _own_values(values, ends, expressions[1:], expressions, False)
    )


def _check_points(values: Values, ends: list[Fraction]) -> None:
    for point in values:
        if point not in ends:
            listed = ", ".join(str(end) for end in ends[:8]) or "nowhere"
            message = f"expected values where two pieces meet, at {listed}, but got one at {point}"
            raise refusal(message, f"values.{point}", "end a piece there, or remove the value")


def _own_values(
    values: Values, ends: list[Fraction], right: list[Expression], left: list[Expression], in_pi: bool
) -> Values:
    """The values other than those of equal neighbours, which make no kink."""
    found: Values = {}
    for end, after, before in zip(ends, right, left, strict=False):
        same = after == before and exact_value(after, end, in_pi=in_pi) == values.get(end)
        if end in values and not same:
            found[end] = values[end]
    return found


def _continued(
    name: str, parts: list[Part], values: Values, period: Any, drift: Any, unit: Any
) -> Univariate:
    length = moderate(period, "period")
    shift = Fraction(0) if drift is None else moderate(drift, "drift")
    if unit not in (None, "pi"):
        raise refusal(f"expected unit: pi but got {printable(unit, 40)}", "unit", "write pi or remove it")
    if length <= 0:
        message = f"expected a period > 0 but got {length}: the kinks would not be locally finite"
        raise refusal(message, "period", "write the length of the pattern that repeats")
    first, last = parts[0].start, parts[-1].stop
    if first is None or last is None or last - first != length:
        reach = f"from {'-infinity' if first is None else first} to {'infinity' if last is None else last}"
        message = f"expected pieces that cover one period of length {length} but got pieces {reach}"
        raise refusal(message, "pieces", "write `from` in the first piece and `to` in the last one")
    ends = [first, *(part.stop for part in parts if part.stop is not None)]
    _check_points(values, ends[:-1])
    expressions = [part.expression for part in parts]
    in_pi = unit == "pi"
    own = _own_values(values, ends[1:], expressions[1:], expressions, in_pi)
    if first in values:
        own[first] = values[first]
    ends, expressions = _joined(ends, expressions, own)
    if not in_pi and first not in own and _moved(expressions[0], length, shift) == expressions[-1]:
        # No kink where the pattern starts anew: begin it at the next one.
        if len(expressions) == 1:
            return piecewise(name, {}, [], expressions)
        ends, expressions = [*ends[1:-1], ends[1] + length], expressions[1:]
    return periodic(name, ends, expressions, drift=shift, in_pi=in_pi, values=own)


def _moved(expression: Expression, length: Fraction, drift: Fraction) -> Expression | None:
    """The expression as it stands in the next period; None where it is too large to be written there."""
    if weight_of(expression) > MAX_MOVED:
        return None
    try:
        return expression.at(argument() + constant(-length)) + constant(drift)
    except KernelError:
        return None


def _joined(
    ends: list[Fraction], expressions: list[Expression], values: Values
) -> tuple[list[Fraction], list[Expression]]:
    """Without the ends at which equal neighbours meet."""
    kept, found = [ends[0]], [expressions[0]]
    for end, expression in zip(ends[1:-1], expressions[1:], strict=True):
        if expression != found[-1] or end in values:
            kept.append(end)
            found.append(expression)
    return [*kept, ends[-1]], found
