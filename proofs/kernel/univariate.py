"""Functions R -> R as data: pieces over intervals, each an expression tree with rational constants.

The trees are the *definition* of an activation.  Their derivatives are computed here by the
rules of calculus; exact and ball readings are in `intervals.py`, the torch reading in
`numerics.activations`.  Expressions are kept in normal form: polynomials over Q in the
argument `t` and in calls `f(c t)` of the functions of `CALLS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from proofs.errors import KernelError

__all__ = [
    "CALLS", "Call", "Expression", "Function", "Piece", "Univariate", "Unspecified", "argument", "call",
    "constant", "piecewise",
]  # fmt: skip

# Every name's derivative with respect to its own argument x, as an expression in x:
#   exp' = exp, tanh' = 1 - tanh^2, sigmoid' = sigmoid - sigmoid^2, softplus' = sigmoid,
#   normal_cdf' = normal_pdf, normal_pdf' = -x normal_pdf, sin' = cos, cos' = -sin.
CALLS = ("exp", "tanh", "sigmoid", "softplus", "normal_cdf", "normal_pdf", "sin", "cos")

MAX_DEGREE = 64


@dataclass(frozen=True, slots=True, order=True)
class Call:
    """The function t -> name(rate * t)."""

    name: str
    rate: Fraction

    def __post_init__(self) -> None:
        if self.name not in CALLS:
            raise KernelError(f"expected one of {', '.join(CALLS)} but got name={self.name!r}")
        if self.rate == 0:
            raise KernelError("expected a call with a non-zero rate but got rate=0")


# A monomial is the power of t and the sorted powers of calls.
Monomial = tuple[int, tuple[tuple[Call, int], ...]]


@dataclass(frozen=True, slots=True)
class Expression:
    """A polynomial over Q in t and in calls; `terms` is sorted and has no zero coefficient."""

    terms: tuple[tuple[Monomial, Fraction], ...]

    def __post_init__(self) -> None:
        if not _is_normal(self.terms):
            raise KernelError(
                "expected sorted monomials of degrees 0 to 64 with non-zero rational coefficients"
            )

    def __add__(self, other: Expression) -> Expression:
        return _collect([*self.terms, *other.terms])

    def __mul__(self, other: Expression) -> Expression:
        return _collect([(_times(m, n), a * b) for m, a in self.terms for n, b in other.terms])

    def scaled(self, factor: Fraction) -> Expression:
        return _collect([(m, a * factor) for m, a in self.terms])

    def power(self, exponent: int) -> Expression:
        result = constant(1)
        for _ in range(exponent):
            result = result * self
        return result

    def derivative(self) -> Expression:
        """The derivative in t, term by term by the product and chain rules."""
        result = constant(0)
        for (degree, calls), coefficient in self.terms:
            if degree:
                lower = Expression((((degree - 1, calls), coefficient * degree),))
                result = result + lower
            for index, (inner, exponent) in enumerate(calls):
                rest = list(calls)
                rest[index] = (inner, exponent - 1)
                kept = tuple(pair for pair in rest if pair[1])
                outer = Expression((((degree, kept), coefficient * exponent),))
                result = result + outer * _call_derivative(inner)
        return result

    def indeterminates(self) -> frozenset[Call | None]:
        """The generators that occur; `None` stands for t itself."""
        found: set[Call | None] = set()
        for (degree, calls), _ in self.terms:
            if degree:
                found.add(None)
            found.update(inner for inner, _ in calls)
        return frozenset(found)


def _is_normal(terms: tuple[tuple[Monomial, Fraction], ...]) -> bool:
    monomials = [monomial for monomial, _ in terms]
    return monomials == sorted(set(monomials)) and all(
        type(coefficient) is Fraction
        and coefficient != 0
        and type(degree) is int
        and 0 <= degree <= MAX_DEGREE
        and [inner for inner, _ in calls] == sorted({inner for inner, _ in calls})
        and all(type(exponent) is int and 1 <= exponent <= MAX_DEGREE for _, exponent in calls)
        for (degree, calls), coefficient in terms
    )


def _times(first: Monomial, second: Monomial) -> Monomial:
    powers: dict[Call, int] = dict(first[1])
    for inner, exponent in second[1]:
        powers[inner] = powers.get(inner, 0) + exponent
    degree = first[0] + second[0]
    if degree > MAX_DEGREE or any(power > MAX_DEGREE for power in powers.values()):
        raise KernelError(f"expected an expression of degree at most {MAX_DEGREE}")
    return degree, tuple(sorted(powers.items()))


def _collect(terms: Iterable[tuple[Monomial, Fraction]]) -> Expression:
    total: dict[Monomial, Fraction] = {}
    for monomial, coefficient in terms:
        total[monomial] = total.get(monomial, Fraction(0)) + coefficient
    return Expression(tuple(sorted((m, c) for m, c in total.items() if c)))


def constant(value: Fraction | int) -> Expression:
    return _collect([((0, ()), Fraction(value))])


def argument() -> Expression:
    return _collect([((1, ()), Fraction(1))])


def call(name: str, rate: Fraction | int = 1) -> Expression:
    """The expression name(rate * t)."""
    return _collect([((0, ((Call(name, Fraction(rate)), 1),)), Fraction(1))])


def _call_derivative(inner: Call) -> Expression:
    """d/dt name(rate t) = rate * name'(rate t)."""
    rate = inner.rate
    value = call(inner.name, rate)
    match inner.name:
        case "exp":
            slope = value
        case "tanh":
            slope = constant(1) + (value * value).scaled(Fraction(-1))
        case "sigmoid":
            slope = value + (value * value).scaled(Fraction(-1))
        case "softplus":
            slope = call("sigmoid", rate)
        case "normal_cdf":
            slope = call("normal_pdf", rate)
        case "normal_pdf":
            slope = (argument() * value).scaled(-rate)
        case "sin":
            slope = call("cos", rate)
        case "cos":
            slope = call("sin", rate).scaled(Fraction(-1))
        case _:
            raise KernelError(f"no derivative is known for {inner.name!r}")
    return slope.scaled(rate)


@dataclass(frozen=True, slots=True)
class Piece:
    """An expression on the closed interval [lower, upper]; None is an infinite end."""

    lower: Fraction | None
    upper: Fraction | None
    expression: Expression


@dataclass(frozen=True, slots=True)
class Univariate:
    """A continuous, piecewise analytic function R -> R.

    `pieces` cover R in order and agree at the shared end points.  Shared end points are the
    kinks, a finite set.  Continuity is checked by `intervals.check_continuity` when a rule
    needs it; the catalogue's tests check it for every row.
    """

    name: str
    parameters: tuple[tuple[str, Fraction], ...]
    pieces: tuple[Piece, ...]

    def __post_init__(self) -> None:
        ends = [self.pieces[0].lower, self.pieces[-1].upper] if self.pieces else []
        if not self.pieces or ends != [None, None]:
            raise KernelError(f"expected pieces of {self.name} that cover all of R")
        for left, right in zip(self.pieces, self.pieces[1:], strict=False):
            if left.upper is None or left.upper != right.lower:
                raise KernelError(f"expected adjacent pieces of {self.name} to share an end point")
            if left.lower is not None and left.lower >= left.upper:
                raise KernelError(f"expected pieces of {self.name} of positive length")

    @property
    def kinks(self) -> tuple[Fraction, ...]:
        """The points where two pieces meet."""
        return tuple(piece.upper for piece in self.pieces if piece.upper is not None)

    @property
    def is_analytic(self) -> bool:
        return len(self.pieces) == 1

    def derivative_pieces(self, order: int) -> tuple[Piece, ...]:
        """The pieces of the order-th derivative (order 0: the function itself)."""
        pieces = self.pieces
        for _ in range(order):
            pieces = tuple(Piece(p.lower, p.upper, p.expression.derivative()) for p in pieces)
        return pieces

    def label(self) -> str:
        """`elu(alpha=1/2)`: the name with its parameters."""
        if not self.parameters:
            return self.name
        inside = ", ".join(f"{key}={value}" for key, value in self.parameters)
        return f"{self.name}({inside})"


@dataclass(frozen=True, slots=True)
class Unspecified:
    """A continuous, piecewise analytic function of which only hypotheses are known.

    `is_analytic` says whether it is analytic on all of R.
    """

    name: str
    is_analytic: bool = False

    def __post_init__(self) -> None:
        if not self.name.isalpha() or not self.name.isascii() or len(self.name) > 16:
            raise KernelError(f"expected a name of at most 16 letters but got {self.name!r}")

    def label(self) -> str:
        return self.name


Function = Univariate | Unspecified


def piecewise(
    name: str,
    parameters: Mapping[str, Fraction],
    kinks: Iterable[Fraction | int],
    expressions: Iterable[Expression],
) -> Univariate:
    """The function with the given expressions between consecutive kinks.

    Where two neighbours are the same expression there is no kink and the pieces are joined.
    """
    ends: list[Fraction | None] = [None, *(Fraction(kink) for kink in kinks), None]
    pieces: list[Piece] = []
    for lower, upper, expression in zip(ends[:-1], ends[1:], expressions, strict=True):
        if pieces and pieces[-1].expression == expression:
            pieces[-1] = Piece(pieces[-1].lower, upper, expression)
        else:
            pieces.append(Piece(lower, upper, expression))
    return Univariate(name, tuple(sorted(parameters.items())), tuple(pieces))
