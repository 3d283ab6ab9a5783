"""Functions R -> R as data: pieces over intervals, each an expression tree with rational constants.

The trees are the *definition* of an activation.  Their derivatives are computed here by the
rules of calculus; exact and ball readings are in `intervals.py`, the torch reading in
`numerics.activations`.  Expressions are kept in normal form: polynomials over Q in the
argument `t` and in calls `f(e)` of the functions of `CALLS`, e an expression itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from proofs.errors import KernelError

__all__ = [
    "CALLS", "Call", "Expression", "Function", "Period", "Piece", "Univariate", "Unspecified", "argument",
    "call", "constant", "number_pi", "periodic", "piecewise",
]  # fmt: skip

# Every name's derivative with respect to its own argument x, as an expression in x:
#   exp' = exp, tanh' = 1 - tanh^2, sigmoid' = sigmoid - sigmoid^2, softplus' = sigmoid,
#   normal_cdf' = normal_pdf, normal_pdf' = -x normal_pdf, sin' = cos, cos' = -sin,
#   inverse' = -inverse^2, sqrt' = (1/2) inverse(sqrt), log' = inverse.
# The first eight are entire or analytic on R; the others where their argument is positive
# (inverse: not zero).  `pi` takes the argument 1 alone and is the number.
CALLS = (
    "exp", "tanh", "sigmoid", "softplus", "normal_cdf", "normal_pdf", "sin", "cos",
    "inverse", "sqrt", "log", "pi",
)  # fmt: skip

MAX_DEGREE = 64
MAX_TERMS = 4_000
MAX_NESTING = 12


@dataclass(frozen=True, slots=True, order=True)
class Call:
    """The function t -> name(argument(t)), the argument an expression other than 0."""

    name: str
    argument: Expression

    def __post_init__(self) -> None:
        if type(self.name) is not str or self.name not in CALLS:
            raise KernelError(f"expected one of {', '.join(CALLS)} but got name={self.name!r}")
        if type(self.argument) is not Expression or not self.argument.terms:
            raise KernelError(f"expected {self.name} of an expression that is not 0")
        if self.name == "pi" and self.argument != constant(1):
            raise KernelError("expected pi with the argument 1")
        if self.argument.nesting >= MAX_NESTING:
            raise KernelError(f"expected calls nested at most {MAX_NESTING} deep")

    @property
    def rate(self) -> Fraction | None:
        """C where the argument is c t, else None."""
        if len(self.argument.terms) == 1:
            ((monomial, coefficient),) = self.argument.terms
            return coefficient if monomial == (1, ()) else None
        return None


# A monomial is the power of t and the sorted powers of calls.
Monomial = tuple[int, tuple[tuple[Call, int], ...]]


@dataclass(frozen=True, slots=True, order=True)
class Expression:
    """A polynomial over Q in t and in calls; `terms` is sorted and has no zero coefficient."""

    terms: tuple[tuple[Monomial, Fraction], ...]

    def __post_init__(self) -> None:
        if not _is_normal(self.terms):
            raise KernelError(
                "expected sorted monomials of degrees 0 to 64 with non-zero rational coefficients"
            )
        if len(self.terms) > MAX_TERMS:
            raise KernelError(f"expected an expression of at most {MAX_TERMS} terms")

    @property
    def nesting(self) -> int:
        """How deep calls stand in calls; 0 for a polynomial in t."""
        inside = (inner.argument for (_, calls), _ in self.terms for inner, _ in calls)
        return max((1 + argument.nesting for argument in inside), default=0)

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

    def at(self, inside: Expression) -> Expression:
        """The expression with t replaced by another one."""
        total = constant(0)
        for (degree, calls), coefficient in self.terms:
            term = inside.power(degree).scaled(coefficient)
            for inner, exponent in calls:
                term = term * call(inner.name, inner.argument.at(inside)).power(exponent)
            total = total + term
        return total

    @property
    def is_constant(self) -> bool:
        """Whether t does not occur."""
        return all(
            degree == 0 and all(inner.argument.is_constant for inner, _ in calls)
            for (degree, calls), _ in self.terms
        )

    def indeterminates(self) -> frozenset[Call | None]:
        """The generators that occur; `None` stands for t itself."""
        found: set[Call | None] = set()
        for (degree, calls), _ in self.terms:
            if degree:
                found.add(None)
            found.update(inner for inner, _ in calls)
        return frozenset(found)


def _is_tuples(terms: tuple[tuple[Monomial, Fraction], ...]) -> bool:
    """Whether terms, monomials and powers of calls are tuples themselves, not of a subclass."""
    if type(terms) is not tuple:
        return False
    for term in terms:
        if type(term) is not tuple or type(term[0]) is not tuple or type(term[0][1]) is not tuple:
            return False
        if any(type(pair) is not tuple for pair in term[0][1]):
            return False
    return True


def _is_normal(terms: tuple[tuple[Monomial, Fraction], ...]) -> bool:
    if not _is_tuples(terms):
        return False
    monomials = [monomial for monomial, _ in terms]
    return monomials == sorted(set(monomials)) and all(
        type(coefficient) is Fraction
        and coefficient != 0
        and type(degree) is int
        and 0 <= degree <= MAX_DEGREE
        and all(type(inner) is Call for inner, _ in calls)
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


def call(name: str, inside: Expression | Fraction | int = 1) -> Expression:
    """The expression name(e), or name(c t) for a number c."""
    argued = inside if isinstance(inside, Expression) else argument().scaled(Fraction(inside))
    return _collect([((0, ((Call(name, argued), 1),)), Fraction(1))])


def number_pi() -> Expression:
    """The constant pi."""
    return call("pi", constant(1))


def _call_derivative(inner: Call) -> Expression:
    """d/dt name(e(t)) = name'(e(t)) e'(t)."""
    inside = inner.argument
    value = call(inner.name, inside)
    match inner.name:
        case "exp":
            slope = value
        case "tanh":
            slope = constant(1) + (value * value).scaled(Fraction(-1))
        case "sigmoid":
            slope = value + (value * value).scaled(Fraction(-1))
        case "softplus":
            slope = call("sigmoid", inside)
        case "normal_cdf":
            slope = call("normal_pdf", inside)
        case "normal_pdf":
            slope = (inside * value).scaled(Fraction(-1))
        case "sin":
            slope = call("cos", inside)
        case "cos":
            slope = call("sin", inside).scaled(Fraction(-1))
        case "inverse":
            slope = (value * value).scaled(Fraction(-1))
        case "sqrt":
            slope = call("inverse", value).scaled(Fraction(1, 2))
        case "log":
            slope = call("inverse", inside)
        case "pi":
            return constant(0)
        case _:
            raise KernelError(f"no derivative is known for {inner.name!r}")
    return slope * inside.derivative()


@dataclass(frozen=True, slots=True)
class Piece:
    """An expression on the closed interval [lower, upper]; None is an infinite end."""

    lower: Fraction | None
    upper: Fraction | None
    expression: Expression

    def __post_init__(self) -> None:
        if not all(end is None or type(end) is Fraction for end in (self.lower, self.upper)):
            raise KernelError(f"expected rational ends of a piece but got {self.lower!r}, {self.upper!r}")
        if type(self.expression) is not Expression:
            raise KernelError(f"expected an expression but got {self.expression!r}")


@dataclass(frozen=True, slots=True)
class Period:
    """sigma(t + length) = sigma(t) + drift for all t.

    With `in_pi` the length and all ends of pieces count in units of pi.
    """

    length: Fraction
    drift: Fraction
    in_pi: bool

    def __post_init__(self) -> None:
        if type(self.length) is not Fraction or type(self.drift) is not Fraction:
            raise KernelError("expected a rational period and drift")
        if type(self.in_pi) is not bool or self.length <= 0:
            raise KernelError(f"expected a period of positive length but got {self.length}")


@dataclass(frozen=True, slots=True)
class Univariate:
    """A piecewise analytic function R -> R with a locally finite set of kinks.

    `pieces` cover R in order; with a `period` they cover one period, whose copies cover R.  The
    shared end points are the kinks; there the function has the value listed in `values`, or else
    that of the piece to the right.  That the pieces are analytic and whether they agree where they
    meet is checked by `domains` when a rule needs it; the catalogue's tests check it for every row.
    """

    name: str
    parameters: tuple[tuple[str, Fraction], ...]
    pieces: tuple[Piece, ...]
    period: Period | None = None
    values: tuple[tuple[Fraction, Fraction], ...] = ()

    def __post_init__(self) -> None:
        rationals = [value for _, value in self.parameters] + [q for pair in self.values for q in pair]
        if type(self.name) is not str or not all(type(value) is Fraction for value in rationals):
            raise KernelError("expected a name, and rational parameters and values")
        if type(self.period) not in (Period, type(None)) or not all(
            type(part) is tuple and all(type(pair) is tuple for pair in part)  # pyright: ignore[reportUnnecessaryComparison]
            for part in (self.parameters, self.values)
        ):
            raise KernelError(f"expected a period, parameters and values of {self.name}")
        if any(type(key) is not str for key, _ in self.parameters):
            raise KernelError(f"expected names of the parameters of {self.name}")
        if type(self.pieces) is not tuple or not self.pieces:
            raise KernelError(f"expected pieces of {self.name}")
        if any(type(piece) is not Piece for piece in self.pieces):
            raise KernelError(f"expected pieces of {self.name}")
        self._check_ends(self.pieces[0].lower, self.pieces[-1].upper)
        for left, right in zip(self.pieces, self.pieces[1:], strict=False):
            if left.upper is None or left.upper != right.lower:
                raise KernelError(f"expected adjacent pieces of {self.name} to share an end point")
        for piece in self.pieces:
            if piece.lower is not None and piece.upper is not None and piece.lower >= piece.upper:
                raise KernelError(f"expected pieces of {self.name} of positive length")
        points = [point for point, _ in self.values]
        if points != sorted(set(points)) or not set(points) <= set(self.kinks):
            raise KernelError(f"expected values of {self.name} at distinct kinks in order")

    def _check_ends(self, first: Fraction | None, last: Fraction | None) -> None:
        if self.period is None:
            if first is not None or last is not None:
                raise KernelError(f"expected pieces of {self.name} that cover all of R")
        elif first is None or last is None or last - first != self.period.length:
            raise KernelError(f"expected pieces of {self.name} that cover one period")

    @property
    def kinks(self) -> tuple[Fraction, ...]:
        """The points where two pieces meet; with a period those in one period, in its unit."""
        start = () if self.period is None or self.pieces[0].lower is None else (self.pieces[0].lower,)
        return (*start, *(right.lower for right in self.pieces[1:] if right.lower is not None))

    @property
    def in_pi(self) -> bool:
        """Whether ends of pieces count in units of pi."""
        return self.period is not None and self.period.in_pi

    @property
    def is_analytic(self) -> bool:
        return len(self.pieces) == 1 and self.period is None

    def derivative_pieces(self, order: int) -> tuple[Piece, ...]:
        """The pieces of the order-th derivative (order 0: the function itself)."""
        pieces = self.pieces
        for _ in range(order):
            pieces = tuple(Piece(p.lower, p.upper, p.expression.derivative()) for p in pieces)
        return pieces

    def derived(self, order: int) -> Univariate:
        """sigma^(order) as a function: no drift, and at kinks the value from the right, for order >= 1."""
        if order == 0:
            return self
        period = self.period
        still = None if period is None else Period(period.length, Fraction(0), period.in_pi)
        return Univariate(self.name, self.parameters, self.derivative_pieces(order), still)

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
        if type(self.name) is not str or type(self.is_analytic) is not bool:
            raise KernelError(f"expected a name and whether it is analytic but got {self.name!r}")
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
    values: Mapping[Fraction, Fraction] | None = None,
) -> Univariate:
    """The function with the given expressions between consecutive kinks.

    Where two neighbours are the same expression there is no kink and the pieces are joined, unless
    `values` gives the function another value there.
    """
    ends: list[Fraction | None] = [None, *(Fraction(kink) for kink in kinks), None]
    given = dict(values or {})
    pieces: list[Piece] = []
    for lower, upper, expression in zip(ends[:-1], ends[1:], expressions, strict=True):
        if pieces and pieces[-1].expression == expression and lower not in given:
            pieces[-1] = Piece(pieces[-1].lower, upper, expression)
        else:
            pieces.append(Piece(lower, upper, expression))
    return Univariate(
        name, tuple(sorted(parameters.items())), tuple(pieces), None, tuple(sorted(given.items()))
    )


def periodic(
    name: str,
    ends: Iterable[Fraction | int],
    expressions: Iterable[Expression],
    *,
    drift: Fraction | int = 0,
    in_pi: bool = False,
    values: Mapping[Fraction, Fraction] | None = None,
) -> Univariate:
    """The function with the given expressions between consecutive ends, continued periodically."""
    points = [Fraction(end) for end in ends]
    pieces = tuple(
        Piece(lower, upper, expression)
        for lower, upper, expression in zip(points[:-1], points[1:], expressions, strict=True)
    )
    period = Period(points[-1] - points[0], Fraction(drift), in_pi)
    return Univariate(name, (), pieces, period, tuple(sorted((values or {}).items())))
