"""Terms of the kernel: immutable, interned expressions in scalars, vectors and linear maps.

A term denotes a value at a parameter point theta, a sample (x, y), a reference point theta0 and
a direction u.  Equal terms are the same object.  A space is the tuple of its dimensions:
`()` scalars, `(n,)` vectors, `(m, n)` linear maps R^n -> R^m; a dimension is a positive integer
or the name of one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import cache, wraps
from typing import Any

from flint import fmpq

from proofs.errors import KernelError

from .univariate import Expression, Function, Univariate, Unspecified

__all__ = [
    "Apply", "Deriv", "Entrywise", "Hadamard", "Inner", "Interned", "LogSumExp", "Mean", "Named", "Ones",
    "Role", "Scale", "Softmax", "Space", "Sum", "Term", "Times", "Variable", "Zero",
]  # fmt: skip

Dimension = int | str
Space = tuple[Dimension, ...]
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}\Z")
_TABLE: dict[tuple[Any, ...], Any] = {}


class Interned(type):
    """Makes equal constructions return one object, so that equality is identity.

    Every object gets `key`, a hash of its structure: an order that does not depend on the
    process, for canonical forms.  Classes from outside the kernel are refused, and so is
    initialising an object again: both would change what an established theorem says.
    """

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        if not str(namespace.get("__module__", "")).startswith("proofs.kernel."):
            raise KernelError(f"expected no term, atom or claim from outside the kernel but got {name}")
        return super().__new__(mcs, name, bases, namespace)

    def __setattr__(cls, name: str, value: Any) -> None:
        # The decorator `dataclass` puts `__init__` on the class here.
        super().__setattr__(name, _only_once(value) if name == "__init__" else value)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if not kwargs and (known := _TABLE.get((cls, *args))) is not None:
            return known
        made = super().__call__(*args, **kwargs)
        fields = [getattr(made, name) for name in cls.__match_args__]  # type: ignore[attr-defined]
        content = [cls.__name__.encode(), *(structural_key(value) for value in fields)]
        object.__setattr__(made, "key", hashlib.blake2b(b"|".join(content), digest_size=16).digest())
        return _TABLE.setdefault((cls, *fields), made)


def _only_once(initialise: Callable[..., None]) -> Callable[..., None]:
    """The same `__init__`, refusing objects that are finished."""

    @wraps(initialise)
    def guarded(self: Any, *args: Any, **kwargs: Any) -> None:
        if "key" in vars(self):
            raise KernelError(f"a {type(self).__name__} does not change")
        initialise(self, *args, **kwargs)

    return guarded


def structural_key(value: Any) -> bytes:
    """A hash of a term, an atom, a polynomial or plain data by structure."""
    known = getattr(value, "key", None)
    if isinstance(known, bytes):
        return known
    if isinstance(value, tuple):
        content = b",".join(structural_key(part) for part in value)  # pyright: ignore[reportUnknownVariableType]
        return hashlib.blake2b(b"(" + content + b")", digest_size=16).digest()
    if isinstance(value, Univariate | Unspecified | Expression):
        return _univariate_key(value)
    return repr(value).encode()


@cache
def _univariate_key(function: Function | Expression) -> bytes:
    return hashlib.blake2b(repr(function).encode(), digest_size=16).digest()


def check_name(name: object) -> None:
    if not isinstance(name, str) or not NAME.match(name):
        raise KernelError(f"expected a name [A-Za-z][A-Za-z0-9_]* of at most 32 letters but got {name!r}")


def check_space(space: Any) -> None:
    """Refuses anything but a tuple of at most two positive integers or names."""
    if not isinstance(space, tuple) or len(space) > 2:  # pyright: ignore[reportUnknownArgumentType]
        raise KernelError(f"expected a space of at most two dimensions but got {space!r}")
    for dimension in space:  # pyright: ignore[reportUnknownVariableType]
        if isinstance(dimension, str):
            check_name(dimension)
        elif type(dimension) is not int or dimension < 1:  # pyright: ignore[reportUnknownArgumentType]
            raise KernelError(f"expected a positive dimension but got {dimension!r}")


def check_order(order: object, allowed: tuple[int, ...]) -> None:
    """Refuses anything but one of the allowed integers; True and 1.0 are none."""
    if type(order) is not int or order not in allowed:
        raise KernelError(f"expected an order from {allowed[0]} to {allowed[-1]} but got order={order!r}")


class Role(Enum):
    """What a variable stands for."""

    PARAMETER = "parameter"
    """A block of theta."""
    DIRECTION = "direction"
    """The block u_p of the direction u that belongs to the parameter p of the same name."""
    REFERENCE = "reference"
    """The block of a fixed point theta0 that belongs to the parameter of the same name."""
    SAMPLE = "sample"
    """A part of a sample, x or y."""


@dataclass(frozen=True, eq=False)
class Term(metaclass=Interned):
    """The base of all terms: `space`, and `free`, the variables that its value depends on."""

    space: Space = field(init=False, repr=False)
    free: frozenset[Variable] = field(init=False, repr=False)
    key: bytes = field(init=False, repr=False)

    def _seal(self, space: Space, *children: Term) -> None:
        free: frozenset[Variable] = frozenset()
        for child in children:
            if not isinstance(child, Term):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise KernelError(f"expected a term but got {child!r}")
            free = child.free if free <= child.free else free if child.free <= free else free | child.free
        object.__setattr__(self, "space", space)
        object.__setattr__(self, "free", free)

    def __copy__(self) -> Term:
        return self

    def __deepcopy__(self, memo: object) -> Term:
        return self

    def __reduce__(self) -> Any:
        raise KernelError("terms are not pickled; store a derivation instead")

    def with_role(self, role: Role) -> frozenset[Variable]:
        return frozenset(v for v in self.free if v.role is role)


def directions_of(term: Term) -> frozenset[Variable]:
    """The blocks of the direction that belong to the parameters of the term."""
    return frozenset(v.as_role(Role.DIRECTION) for v in term.with_role(Role.PARAMETER))


@dataclass(frozen=True, eq=False)
class Variable(Term):
    """A named constant of the given space and role."""

    name: str
    shape: Space
    role: Role

    def __post_init__(self) -> None:
        check_name(self.name)
        check_space(self.shape)
        if not isinstance(self.role, Role):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise KernelError(f"expected a role but got {self.role!r}")
        self._seal(self.shape)
        object.__setattr__(self, "free", frozenset([self]))

    def as_role(self, role: Role) -> Variable:
        return Variable(self.name, self.shape, role)

    # Interning compares names and shapes, so the set above must hold the interned object.
    def __hash__(self) -> int:
        return hash((self.name, self.shape, self.role))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Variable) and (self.name, self.shape, self.role) == (
            other.name, other.shape, other.role,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Zero(Term):
    """The zero of a space."""

    shape: Space

    def __post_init__(self) -> None:
        check_space(self.shape)
        self._seal(self.shape)


@dataclass(frozen=True, eq=False)
class Ones(Term):
    """The vector whose entries are all 1; <1, v> is the sum of the entries of v."""

    shape: Space

    def __post_init__(self) -> None:
        check_space(self.shape)
        if len(self.shape) != 1:
            raise KernelError("expected the space of a vector")
        self._seal(self.shape)


@dataclass(frozen=True, eq=False)
class Sum(Term):
    """The sum of two or more terms of one space."""

    parts: tuple[Term, ...]

    def __post_init__(self) -> None:
        if len(self.parts) < 2 or len({part.space for part in self.parts}) != 1:
            raise KernelError("expected a sum of two or more terms of one space")
        self._seal(self.parts[0].space, *self.parts)


@dataclass(frozen=True, eq=False)
class Scale(Term):
    """factor * term with a rational factor."""

    factor: fmpq
    term: Term

    def __post_init__(self) -> None:
        if not isinstance(self.factor, fmpq):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise KernelError(f"expected a rational factor but got {self.factor!r}")
        self._seal(self.term.space, self.term)


@dataclass(frozen=True, eq=False)
class Times(Term):
    """scalar * vector, the scalar being a term."""

    scalar: Term
    vector: Term

    def __post_init__(self) -> None:
        if self.scalar.space != ():
            raise KernelError("expected a scalar factor")
        self._seal(self.vector.space, self.scalar, self.vector)


@dataclass(frozen=True, eq=False)
class Apply(Term):
    """The linear map applied to the vector."""

    map: Term
    vector: Term

    def __post_init__(self) -> None:
        if len(self.map.space) != 2 or self.vector.space != self.map.space[1:]:
            raise KernelError(f"expected a map and a vector but got {self.map.space} and {self.vector.space}")
        self._seal(self.map.space[:1], self.map, self.vector)


@dataclass(frozen=True, eq=False)
class Hadamard(Term):
    """The entrywise product of two vectors."""

    left: Term
    right: Term

    def __post_init__(self) -> None:
        if len(self.left.space) != 1 or self.left.space != self.right.space:
            raise KernelError("expected two vectors of one space")
        self._seal(self.left.space, self.left, self.right)


@dataclass(frozen=True, eq=False)
class Entrywise(Term):
    """sigma^(order) applied to every entry of a vector.

    At a kink, for order >= 1, each entry is one of the one-sided limits; which of them may
    depend on the entry and on u, so that the chain rule holds wherever both sides exist.
    """

    function: Function
    order: int
    vector: Term

    def __post_init__(self) -> None:
        if not isinstance(self.function, Univariate | Unspecified):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise KernelError("expected a function")
        check_order(self.order, (0, 1, 2, 3))
        if len(self.vector.space) != 1:
            raise KernelError("expected a vector")
        self._seal(self.vector.space, self.vector)
        if self.order and not self.function.is_analytic:
            # Which one-sided limit is meant depends on the direction.
            object.__setattr__(self, "free", self.free | directions_of(self.vector))


@dataclass(frozen=True, eq=False)
class Softmax(Term):
    """exp(f_i) / sum_j exp(f_j)."""

    vector: Term

    def __post_init__(self) -> None:
        if len(self.vector.space) != 1:
            raise KernelError("expected a vector")
        self._seal(self.vector.space, self.vector)


@dataclass(frozen=True, eq=False)
class LogSumExp(Term):
    """log sum_i exp(f_i), a scalar."""

    vector: Term

    def __post_init__(self) -> None:
        if len(self.vector.space) != 1:
            raise KernelError("expected a vector")
        self._seal((), self.vector)


@dataclass(frozen=True, eq=False)
class Inner(Term):
    """The inner product of two vectors, a scalar."""

    left: Term
    right: Term

    def __post_init__(self) -> None:
        if len(self.left.space) != 1 or self.left.space != self.right.space:
            raise KernelError("expected two vectors of one space")
        self._seal((), self.left, self.right)


@dataclass(frozen=True, eq=False)
class Named(Term):
    """An abbreviation: a name for its body.  There is nothing to discharge."""

    name: str
    body: Term

    def __post_init__(self) -> None:
        check_name(self.name)
        self._seal(self.body.space, self.body)


@dataclass(frozen=True, eq=False)
class Deriv(Term):
    """D^order F[u, ..., u], the derivative of F in theta at the point, along the direction u."""

    term: Term
    order: int

    def __post_init__(self) -> None:
        check_order(self.order, (1, 2))
        if self.term.with_role(Role.DIRECTION):
            raise KernelError("expected a term without a direction to differentiate")
        self._seal(self.term.space, self.term)
        object.__setattr__(self, "free", self.term.free | directions_of(self.term))


@dataclass(frozen=True, eq=False)
class Mean(Term):
    """The mean of a scalar over the samples of the data set; binds the sample variables."""

    samples: tuple[Variable, ...]
    body: Term

    def __post_init__(self) -> None:
        if self.body.space != () or any(v.role is not Role.SAMPLE for v in self.samples):
            raise KernelError("expected a scalar and sample variables")
        self._seal((), self.body)
        object.__setattr__(self, "free", self.body.free - frozenset(self.samples))
