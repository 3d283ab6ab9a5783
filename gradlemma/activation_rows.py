"""The rows of the table of activations: for each constant its theorem, and how nearly it is attained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from flint import arb, ctx, fmpq

from gradlemma.attained import Reached, reached
from proofs.kernel.ceilings import Attained, ceiling_ball, is_attained
from proofs.kernel.claims import SupBound
from proofs.kernel.core import Theorem
from proofs.kernel.domains import PRECISION
from proofs.kernel.exact_values import SurdPoint
from proofs.kernel.rules import SupOfFunction, SupOfFunctionBall
from proofs.kernel.rules.enclosure import ceiling_of
from proofs.kernel.scalars import Poly
from proofs.kernel.univariate import Univariate
from proofs.network.activations import CATALOGUE, activation
from proofs.theorems.rows import CONSTANTS, activation_constants

__all__ = ["SMALL_RADIUS", "Constant", "Row", "activation_rows"]

# Where a constant is infinite over R, this range is shown too.
SMALL_RADIUS = Fraction(2)
# Of a bound that exceeds what is reached by less than this, relatively, the supremum is said to be known.
KNOWN = Fraction(1, 10**10)


@dataclass(frozen=True, slots=True)
class Constant:
    """|sigma^(order)| <= bound by a theorem, and >= reached.value somewhere; `above` is rational, >= bound.

    Order -1 is the secant slope.
    """

    name: str
    order: int
    theorem: Theorem
    bound: Poly
    above: Fraction
    reached: Reached

    @property
    def is_known(self) -> bool:
        """Whether bound and reached value agree up to a relative 1e-10."""
        return self.reached.value >= self.above * (1 - KNOWN)

    @property
    def shown_by(self) -> str:
        """How the bound was established, from the theorem's rule."""
        match self.theorem.rule:
            case SupOfFunction():
                return "counting roots"
            case SupOfFunctionBall() as rule if _attaining(rule):
                return "balls, and exact forms at the maximum"
            case SupOfFunctionBall():
                return "balls"
            case rule:
                raise TypeError(f"no words are known for {type(rule).__name__}")


@dataclass(frozen=True, slots=True)
class Row:
    """An activation with its finite constants over R, and within the small radius if one is infinite."""

    function: Univariate
    everywhere: dict[str, Constant]
    within: dict[str, Constant] | None


def activation_rows() -> Iterator[Row]:
    """One row per activation of the catalogue, with the default parameters."""
    for name in CATALOGUE:
        function = activation(name)
        everywhere = _constants(function, None)
        is_whole = set(everywhere) == set(CONSTANTS)
        yield Row(function, everywhere, None if is_whole else _constants(function, SMALL_RADIUS))


def _constants(function: Univariate, radius: Fraction | None) -> dict[str, Constant]:
    found = activation_constants(function, radius)
    return {name: _constant(name, function, radius, theorem) for name, theorem in found.items()}


def _constant(name: str, function: Univariate, radius: Fraction | None, theorem: Theorem) -> Constant:
    claim = theorem.claim
    if not isinstance(claim, SupBound):
        raise TypeError("expected a bound of a function")
    ceiling = ceiling_of(claim.bound)
    rule = theorem.rule
    peaks = _attaining(rule) if isinstance(rule, SupOfFunctionBall) else ()
    with ctx.workprec(PRECISION):
        exact = claim.bound.constant()
        above = _fraction(exact) if exact is not None else _fraction_above(ceiling_ball(ceiling))
    nearly = reached(function, claim.order, radius, ceiling, peaks)
    return Constant(name, claim.order, theorem, claim.bound, above, nearly)


def _attaining(rule: SupOfFunctionBall) -> tuple[SurdPoint, ...]:
    """The points that the rule names and at which the bound is attained by exact forms."""
    ceiling = ceiling_of(rule.bound)
    named = [SurdPoint(*pair) for pair in rule.peaks]
    if isinstance(ceiling, Attained):
        named.append(ceiling.point)
    pieces = rule.function.derivative_pieces(max(rule.order, 0))
    attained = (p for p in named if any(is_attained(ceiling, piece.expression, p) for piece in pieces))
    return tuple(dict.fromkeys(attained))


def _fraction(value: fmpq) -> Fraction:
    return Fraction(int(value.p), int(value.q))


def _fraction_above(value: arb) -> Fraction:
    mantissa, exponent = value.upper().man_exp()
    return _fraction(fmpq(mantissa) * fmpq(2) ** int(exponent))
