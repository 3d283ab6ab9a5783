"""Scalars of the kernel: sparse polynomials over Q in interned atoms."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import Any, NoReturn, final

from flint import fmpq

from proofs.errors import KernelError

from .interning import admit
from .terms import (
    Entrywise,
    Inner,
    Interned,
    Role,
    Scale,
    Sum,
    Term,
    Times,
    Variable,
    Zero,
    check_name,
)
from .univariate import Expression

__all__ = [
    "Atom", "Composite", "DirectionNorm", "DistanceNorm", "FunctionValue", "Let", "Norm", "Poly",
    "Real", "Root", "SupNorm", "Value", "is_nonnegative", "number", "substitute", "value_of", "within",
]  # fmt: skip

Monomial = tuple[tuple["Atom", int], ...]
Number = fmpq | Fraction | int


@admit
@final
class Poly:
    """An immutable polynomial: a map from monomials to non-zero rationals."""

    __slots__ = ("_hash", "_key", "_variables", "terms")
    terms: Mapping[Monomial, fmpq]
    _hash: int | None
    _key: bytes | None
    _variables: frozenset[Variable] | None

    def __init__(self, terms: Iterable[tuple[Monomial, fmpq]]) -> None:
        pairs = list(terms)
        for monomial, coefficient in pairs:
            _check_term(monomial, coefficient)
        if hasattr(self, "terms"):
            raise KernelError("polynomials do not change")
        _set_terms(self, _gathered(pairs))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise KernelError("polynomials do not change")

    @property
    def variables(self) -> frozenset[Variable]:
        """The term variables that the value depends on."""
        known = self._variables
        if known is None:
            known = frozenset[Variable]().union(*(inner.variables for inner in self.atoms()))
            object.__setattr__(self, "_variables", known)
        return known

    @property
    def key(self) -> bytes:
        """A hash by structure, the same in every process."""
        known = self._key
        if known is None:
            content = [
                b"*".join([*(a.key + b"%d" % e for a, e in m), str(c).encode()])
                for m, c in self.terms.items()
            ]
            known = hashlib.blake2b(b"+".join(sorted(content)), digest_size=16).digest()
            object.__setattr__(self, "_key", known)
        return known

    def sorted_terms(self) -> list[tuple[Monomial, fmpq]]:
        """The terms in an order that does not depend on the process."""
        return sorted(self.terms.items(), key=lambda term: [(a.key, e) for a, e in term[0]])

    def __hash__(self) -> int:
        known = self._hash
        if known is None:
            known = hash(frozenset(self.terms))
            object.__setattr__(self, "_hash", known)
        return known

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Poly) and self.terms == other.terms

    def __add__(self, other: Poly | Number) -> Poly:
        return _made([*self.terms.items(), *_poly(other).terms.items()])

    __radd__ = __add__

    def __neg__(self) -> Poly:
        return _made((m, -c) for m, c in self.terms.items())

    def __sub__(self, other: Poly | Number) -> Poly:
        return self + -_poly(other)

    def __mul__(self, other: Poly | Number) -> Poly:
        factor = _poly(other)
        small, large = (self, factor) if len(self.terms) <= len(factor.terms) else (factor, self)
        if len(small.terms) == 1:
            # No two products coincide and none vanishes.
            ((monomial, size),) = small.terms.items()
            return _from_dict({_merge(m, monomial): c * size for m, c in large.terms.items()})
        right = factor.terms.items()
        return _made((_merge(m, n), a * b) for m, a in self.terms.items() for n, b in right)

    __rmul__ = __mul__

    def __pow__(self, exponent: int) -> Poly:
        result = number(1)
        for _ in range(exponent):
            result = result * self
        return result

    def __repr__(self) -> str:
        return f"Poly({self.terms!r})"

    def map_coefficients(self, image: Callable[[fmpq], fmpq]) -> Poly:
        """The polynomial with every coefficient replaced by its image."""
        return _made((monomial, image(value)) for monomial, value in self.terms.items())

    def atoms(self) -> frozenset[Atom]:
        return frozenset(inner for monomial in self.terms for inner, _ in monomial)

    def constant(self) -> fmpq | None:
        """The rational that this polynomial is, or None."""
        if not self.terms:
            return fmpq(0)
        return self.terms.get(()) if len(self.terms) == 1 else None


def _gathered(pairs: Iterable[tuple[Monomial, fmpq]]) -> dict[Monomial, fmpq]:
    """The sums of the coefficients by monomial, without zeros."""
    total: dict[Monomial, fmpq] = {}
    for monomial, coefficient in pairs:
        known = total.get(monomial)
        total[monomial] = coefficient if known is None else known + coefficient
    return {monomial: value for monomial, value in total.items() if value != 0}


def _set_terms(poly: Poly, kept: dict[Monomial, fmpq]) -> None:
    object.__setattr__(poly, "terms", MappingProxyType(kept))
    for cache in ("_hash", "_key", "_variables"):
        object.__setattr__(poly, cache, None)


def _made(pairs: Iterable[tuple[Monomial, fmpq]]) -> Poly:
    """A polynomial from terms that are known to be in normal form."""
    return _from_dict(_gathered(pairs))


def _from_dict(kept: dict[Monomial, fmpq]) -> Poly:
    poly = object.__new__(Poly)
    _set_terms(poly, kept)
    return poly


def _check_term(monomial: Monomial, coefficient: fmpq) -> None:
    """Refuses all but distinct atoms in their order, exponents >= 1 and a rational."""
    keys = [inner.key for inner, _ in monomial]
    if type(coefficient) is not fmpq or any(type(part) is not tuple for part in (monomial, *monomial)):
        raise KernelError(f"expected a monomial and a rational but got {coefficient!r}")
    if any(type(exponent) is not int or exponent < 1 for _, exponent in monomial):
        raise KernelError("expected exponents >= 1")
    if any(not isinstance(inner, Atom) for inner, _ in monomial) or keys != sorted(set(keys)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise KernelError("expected distinct atoms in order")


def _merge(first: Monomial, second: Monomial) -> Monomial:
    if not first:
        return second
    if not second:
        return first
    if len(second) == 1:
        return _insert(first, *second[0])
    if len(first) == 1:
        return _insert(second, *first[0])
    powers = dict(first)
    for inner, exponent in second:
        powers[inner] = powers.get(inner, 0) + exponent
    return tuple(sorted(powers.items(), key=_by_key))


def _insert(monomial: Monomial, inner: Atom, exponent: int) -> Monomial:
    """The monomial times inner^exponent."""
    for place, (other, power) in enumerate(monomial):
        if other is inner:
            return (*monomial[:place], (inner, power + exponent), *monomial[place + 1 :])
        if other.key > inner.key:
            return (*monomial[:place], (inner, exponent), *monomial[place:])
    return (*monomial, (inner, exponent))


def _by_key(pair: tuple[Atom, int]) -> bytes:
    return pair[0].key


def _poly(value: Poly | Number) -> Poly:
    return value if isinstance(value, Poly) else number(value)


def number(value: Number) -> Poly:
    """The constant polynomial."""
    if isinstance(value, Fraction):
        value = fmpq(value.numerator, value.denominator)
    elif type(value) is int:
        value = fmpq(value)
    if not isinstance(value, fmpq):
        raise KernelError(f"expected a rational number but got {value!r}")
    return Poly([((), value)])


@dataclass(frozen=True, eq=False)
class Atom(metaclass=Interned):
    """The base of all atoms.  `variables` are the term variables that the value depends on."""

    variables: frozenset[Variable] = field(init=False, repr=False)
    key: bytes = field(init=False, repr=False)

    def _seal(self, variables: frozenset[Variable]) -> None:
        object.__setattr__(self, "variables", variables)

    def poly(self) -> Poly:
        return Poly([(((self, 1),), fmpq(1))])

    def __copy__(self) -> Atom:
        return self

    def __deepcopy__(self, memo: object) -> Atom:
        return self

    def __reduce__(self) -> Any:
        raise KernelError("atoms are not pickled; store a derivation instead")


@dataclass(frozen=True, eq=False)
class Real(Atom):
    """A real constant of which nothing else is known."""

    name: str

    def __post_init__(self) -> None:
        check_name(self.name)
        self._seal(frozenset())


@dataclass(frozen=True, eq=False)
class Norm(Atom):
    """||v||_2 of a vector, the spectral norm of a map, the absolute value of a scalar."""

    term: Term

    def __post_init__(self) -> None:
        _check_is_term(self.term)
        self._seal(self.term.free)


@dataclass(frozen=True, eq=False)
class SupNorm(Atom):
    """max_i |v_i|; for sigma^(k) of a vector the larger of all one-sided limits at kinks."""

    term: Term

    def __post_init__(self) -> None:
        _check_is_term(self.term)
        if len(self.term.space) != 1:
            raise KernelError("expected a vector")
        # The larger of the limits does not depend on the direction.
        inner = self.term
        self._seal(inner.vector.free if isinstance(inner, Entrywise) else inner.free)


@dataclass(frozen=True, eq=False)
class _GroupNorm(Atom):
    """The base of norms of several blocks together; `members` are parameters sorted by name."""

    members: tuple[Variable, ...]

    def __post_init__(self) -> None:
        for member in self.members:
            if not isinstance(member, Variable) or member.role is not Role.PARAMETER:  # pyright: ignore[reportUnnecessaryIsInstance]
                raise KernelError("expected parameters as members of a group")
        names = [member.name for member in self.members]
        if not names or names != sorted(set(names)):
            raise KernelError("expected distinct members sorted by name")
        self._seal(self._depends())

    def _depends(self) -> frozenset[Variable]:
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class DirectionNorm(_GroupNorm):
    """sqrt(sum_p ||u_p||_F^2) over the members p, u the direction."""

    def _depends(self) -> frozenset[Variable]:
        return frozenset[Variable]().union(*(m.as_role(Role.DIRECTION).free for m in self.members))


@dataclass(frozen=True, eq=False)
class DistanceNorm(_GroupNorm):
    """sqrt(sum_p ||theta_p - theta0_p||_F^2) over the members p, theta0 the reference point."""

    def _depends(self) -> frozenset[Variable]:
        blocks = [m for member in self.members for m in (member, member.as_role(Role.REFERENCE))]
        return frozenset[Variable]().union(*(block.free for block in blocks))


@dataclass(frozen=True, eq=False)
class Root(Atom):
    """sqrt(max(radicand, 0))."""

    radicand: Poly

    def __post_init__(self) -> None:
        if type(self.radicand) is not Poly:
            raise KernelError("expected a polynomial under the root")
        self._seal(self.radicand.variables)


@dataclass(frozen=True, eq=False)
class FunctionValue(Atom):
    """|expression(factor * sqrt(radicand))|, a number >= 0; 0 where the expression has no value."""

    expression: Expression
    factor: Fraction
    radicand: Fraction

    def __post_init__(self) -> None:
        if not isinstance(self.expression, Expression):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise KernelError(f"expected an expression but got {self.expression!r}")
        if type(self.factor) is not Fraction or type(self.radicand) is not Fraction or self.radicand <= 0:
            raise KernelError("expected a point factor * sqrt(radicand) with radicand > 0")
        self._seal(frozenset())


@dataclass(frozen=True, eq=False)
class Let(Atom):
    """An abbreviation: a name for the value of its body.

    `positive` tells whether the body is visibly >= 0 without further knowledge.
    """

    name: str
    body: Poly
    positive: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_name(self.name)
        if type(self.body) is not Poly:
            raise KernelError("expected a polynomial as body")
        self._seal(self.body.variables)
        object.__setattr__(self, "positive", is_nonnegative(self.body))


@dataclass(frozen=True, eq=False)
class Value(Atom):
    """The value of a scalar term; made by `value_of`, which unfolds sums and inner products."""

    term: Term

    def __post_init__(self) -> None:
        _check_is_term(self.term)
        if self.term.space != ():
            raise KernelError("expected a scalar term")
        self._seal(self.term.free)


@dataclass(frozen=True, eq=False)
class Composite(Atom):
    """The base of atoms that are visibly >= 0 wherever the polynomial `sign` is."""

    sign: Poly = field(init=False, repr=False)

    def _set_sign(self, sign: Poly) -> None:
        object.__setattr__(self, "sign", sign)


def within(atoms: Iterable[Atom]) -> frozenset[Atom]:
    """The atoms and those that the signs of composite ones rest on."""
    found: set[Atom] = set()
    stack = list(atoms)
    while stack:
        inner = stack.pop()
        if inner not in found:
            found.add(inner)
            if isinstance(inner, Composite):
                stack.extend(inner.sign.atoms())
    return frozenset(found)


def _check_is_term(term: object) -> None:
    if not isinstance(term, Term):
        raise KernelError(f"expected a term but got {term!r}")


def value_of(term: Term) -> Poly:
    """The value of a scalar term as a polynomial, bilinear in inner products.

    <a + b, c> = <a, c> + <b, c>, <q a, c> = q <a, c>, <s v, c> = s <v, c> for a scalar s;
    the two sides of an inner product are ordered by their construction.
    """
    match term:
        case Zero():
            return number(0)
        case Sum():
            return sum((value_of(part) for part in term.parts), number(0))
        case Scale():
            return value_of(term.term) * term.factor
        case Times():
            return value_of(term.scalar) * value_of(term.vector)
        case Inner():
            return sum(
                (_inner_atom(v, w) * (a * b) for v, a in _linear(term.left) for w, b in _linear(term.right)),
                number(0),
            )
        case _:
            return Value(term).poly()


def _linear(vector: Term) -> list[tuple[Term, Poly]]:
    """The vector as a linear combination of vectors that are no sum or multiple."""
    match vector:
        case Zero():
            return []
        case Sum():
            return [pair for part in vector.parts for pair in _linear(part)]
        case Scale():
            return [(v, a * vector.factor) for v, a in _linear(vector.term)]
        case Times():
            factor = value_of(vector.scalar)
            return [(v, a * factor) for v, a in _linear(vector.vector)]
        case _:
            return [(vector, number(1))]


def _inner_atom(left: Term, right: Term) -> Poly:
    """<v, v> is ||v||^2; otherwise <v, w> in an order that does not depend on the side."""
    if left is right:
        return Norm(left).poly() ** 2
    first, second = (left, right) if left.key < right.key else (right, left)
    return Value(Inner(first, second)).poly()


def is_nonnegative(poly: Poly, known: frozenset[Atom] = frozenset()) -> bool:
    """Whether the polynomial is visibly >= 0: coefficients >= 0, atoms >= 0 or even powers.

    Norms and roots are >= 0; a `Let` is if its body is, a composite atom if its `sign` is; other
    atoms must be in `known`.
    """
    return all(
        c > 0 and all(e % 2 == 0 or _atom_is_nonnegative(inner, known) for inner, e in monomial)
        for monomial, c in poly.terms.items()
    )


def _atom_is_nonnegative(inner: Atom, known: frozenset[Atom]) -> bool:
    match inner:
        case Let():
            return inner.positive or inner in known or (bool(known) and is_nonnegative(inner.body, known))
        case Norm() | SupNorm() | DirectionNorm() | DistanceNorm() | Root() | FunctionValue():
            return True
        case Composite(sign=sign):
            return inner in known or is_nonnegative(sign, known)
        case _:
            return inner in known


def _length(poly: Poly) -> int:
    return len(poly.terms)


def substitute(poly: Poly, image: Callable[[Atom], Poly]) -> Poly:
    """The polynomial with every atom of its monomials replaced by its image."""
    total: list[tuple[Monomial, fmpq]] = []
    powers: dict[tuple[Atom, int], Poly] = {}
    for monomial, coefficient in poly.terms.items():
        for pair in monomial:
            if pair not in powers:
                powers[pair] = image(pair[0]) ** pair[1]
        product = number(coefficient)
        # Small factors first, so that large ones are walked through once.
        for factor in sorted((powers[pair] for pair in monomial), key=_length):
            product = product * factor
        total.extend(product.terms.items())
    return _made(total)
