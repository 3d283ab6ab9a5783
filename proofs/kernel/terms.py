"""Terms of the kernel: immutable, interned expressions in scalars, vectors and linear maps.

A term denotes a value at a parameter point theta, a sample (x, y), a reference point theta0 and
a direction u.  Equal terms are the same object.  A space is the tuple of its dimensions:
`()` scalars, `(n,)` vectors, `(m, n)` linear maps R^n -> R^m; a dimension is a positive integer,
the name of one, or a member (name, index) of a family of such.  Where the index variable n occurs,
the value depends on it, and `INDEX` is among the free variables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from flint import fmpq

from proofs.errors import KernelError

from .indices import Index
from .interning import Interned, admit
from .univariate import Function, Univariate, Unspecified

__all__ = [
    "INDEX", "Abbreviation", "Apply", "Deriv", "Entrywise", "Hadamard", "Inner", "Interned", "LogSumExp",
    "Mean", "Named", "Ones", "Role", "Scale", "Softmax", "Space", "Sum", "Term", "Times", "Variable", "Zero",
]  # fmt: skip

Dimension = int | str | tuple[str, Index]
Space = tuple[Dimension, ...]
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}\Z")


def check_name(name: object) -> None:
    if not isinstance(name, str) or not NAME.match(name):
        raise KernelError(f"expected a name [A-Za-z][A-Za-z0-9_]* of at most 32 letters but got {name!r}")


def check_space(space: Any) -> None:
    """Refuses anything but a tuple of at most two positive integers, names or members of families."""
    if not isinstance(space, tuple) or len(space) > 2:  # pyright: ignore[reportUnknownArgumentType]
        raise KernelError(f"expected a space of at most two dimensions but got {space!r}")
    for dimension in space:  # pyright: ignore[reportUnknownVariableType]
        if isinstance(dimension, str):
            check_name(dimension)
        elif type(dimension) is tuple and len(dimension) == 2 and type(dimension[1]) is Index:  # pyright: ignore[reportUnknownArgumentType]
            check_name(dimension[0])  # pyright: ignore[reportUnknownArgumentType]
        elif type(dimension) is not int or dimension < 1:  # pyright: ignore[reportUnknownArgumentType]
            raise KernelError(f"expected a positive dimension but got {dimension!r}")


def check_order(order: object, allowed: tuple[int, ...]) -> None:
    """Refuses anything but one of the allowed integers; True and 1.0 are none."""
    if type(order) is not int or order not in allowed:
        raise KernelError(f"expected an order from {allowed[0]} to {allowed[-1]} but got order={order!r}")


@admit
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
    PREVIOUS = "previous"
    """The term before, in the step of a recursion, which binds it."""
    INDEX = "index"
    """The index variable n, `INDEX`: a mark in sets of free variables."""


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
    """The blocks of the direction that belong to the parameters of the term.

    Raises:
        KernelError: in the step of a recursion, whose parameters are not known there.
    """
    if term.with_role(Role.PREVIOUS):
        raise KernelError("expected no derivative in the step of a recursion")
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
        object.__setattr__(self, "free", frozenset([self, INDEX]) if self.is_open else frozenset([self]))

    @property
    def is_open(self) -> bool:
        """Whether n occurs in it."""
        return is_open_space(self.shape)

    def as_role(self, role: Role) -> Variable:
        return Variable(self.name, self.shape, role)

    # Interning compares names and shapes, so the set above must hold the interned object.
    def __hash__(self) -> int:
        return hash((self.name, self.shape, self.role))

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._identity() == other._identity()  # type: ignore[attr-defined]

    def _identity(self) -> tuple[object, ...]:
        return self.name, self.shape, self.role


def is_open_space(space: Space) -> bool:
    """Whether n occurs in the dimensions."""
    return any(isinstance(part, tuple) and part[1].is_open for part in space)


INDEX = Variable("n", (), Role.INDEX)


def _free_of_space(space: Space) -> frozenset[Variable]:
    """n, if it occurs in the dimensions: it may then not be missed by substitution or induction."""
    return frozenset([INDEX]) if is_open_space(space) else frozenset()


@dataclass(frozen=True, eq=False)
class Zero(Term):
    """The zero of a space."""

    shape: Space

    def __post_init__(self) -> None:
        check_space(self.shape)
        self._seal(self.shape)
        object.__setattr__(self, "free", _free_of_space(self.shape))


@dataclass(frozen=True, eq=False)
class Ones(Term):
    """The vector whose entries are all 1; <1, v> is the sum of the entries of v."""

    shape: Space

    def __post_init__(self) -> None:
        check_space(self.shape)
        if len(self.shape) != 1:
            raise KernelError("expected the space of a vector")
        self._seal(self.shape)
        object.__setattr__(self, "free", _free_of_space(self.shape))


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
class Abbreviation(Term):
    """The base of terms that stand for a body: `Named`, and members of families."""


@dataclass(frozen=True, eq=False)
class Named(Abbreviation):
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
        if self.body.with_role(Role.PREVIOUS):
            raise KernelError("expected no mean in the step of a recursion")
        self._seal((), self.body)
        object.__setattr__(self, "free", without_samples(self.body.free, self.samples))


def without_samples(free: frozenset[Variable], samples: tuple[Variable, ...]) -> frozenset[Variable]:
    """The free variables outside of a binder of samples; n stays if it occurs in their shapes."""
    return free.union(*(v.free for v in samples)) - frozenset(samples)
