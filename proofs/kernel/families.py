"""Families of terms: blocks W_n, indexed abbreviations h_n, and terms z_n given by a recursion."""

from __future__ import annotations

from dataclasses import dataclass

from proofs.errors import KernelError

from .indices import Index
from .terms import (
    INDEX,
    Abbreviation,
    Role,
    Space,
    Term,
    Variable,
    check_name,
)

__all__ = ["Block", "Indexed", "Recursive", "space_at"]


def space_at(space: Space, index: Index) -> Space:
    """The space with n replaced."""
    return tuple((part[0], part[1].at(index)) if isinstance(part, tuple) else part for part in space)


def _check_index(index: object) -> None:
    if type(index) is not Index:
        raise KernelError(f"expected an index but got {index!r}")


@dataclass(frozen=True, eq=False)
class Block(Variable):
    """The member of that index of a family of variables; members of other indices are others."""

    index: Index

    def __post_init__(self) -> None:
        _check_index(self.index)
        if self.role not in (Role.PARAMETER, Role.DIRECTION, Role.REFERENCE):
            raise KernelError("expected a block of theta, of theta0 or of a direction")
        super().__post_init__()

    @property
    def is_open(self) -> bool:
        return self.index.is_open or super().is_open

    def as_role(self, role: Role) -> Block:
        return Block(self.name, self.shape, role, self.index)

    # A dataclass that defines `__eq__` anew would not inherit this one's partner.
    __hash__ = Variable.__hash__

    def _identity(self) -> tuple[object, ...]:
        return self.name, self.shape, self.role, self.index


@dataclass(frozen=True, eq=False)
class Indexed(Abbreviation):
    """An abbreviation of a family: name_index stands for the body."""

    name: str
    index: Index
    body: Term

    def __post_init__(self) -> None:
        check_name(self.name)
        _check_index(self.index)
        self._seal(self.body.space, self.body)
        if self.index.is_open:
            object.__setattr__(self, "free", self.free | {INDEX})


@dataclass(frozen=True, eq=False)
class Recursive(Abbreviation):
    """z_index of the sequence z_1 = first, z_{n+1} = step(n, z_n).

    `step` holds n and one variable of the role `PREVIOUS` that stands for z_n and whose space is
    that of z_n; both are bound here.  Blocks that the step brings in at some n <= index - 1 are
    represented in `free` by the step's own blocks.
    """

    name: str
    first: Term
    step: Term
    index: Index

    def __post_init__(self) -> None:
        check_name(self.name)
        _check_index(self.index)
        if not self.index.is_positive:
            raise KernelError("expected an index >= 1 of a recursion")
        self._seal((), self.first, self.step)
        if any(v.role in (Role.INDEX, Role.PREVIOUS, Role.DIRECTION) for v in self.first.free):
            raise KernelError("expected a first term in parameters and data alone")
        # Blocks of later steps are not in `free` themselves; parts of samples must be, to be bound.
        if any(v.role is Role.DIRECTION or (v.role is Role.SAMPLE and v.is_open) for v in self.step.free):
            raise KernelError("expected a step in parameters and in data that do not depend on n")
        before = previous_of(self.step)
        if space_at(before.shape, Index(1, False)) != self.first.space:
            raise KernelError("expected the space of the first term to be that of the term before at n = 1")
        if space_at(before.shape, Index(1, True)) != self.step.space:
            raise KernelError("expected the step's space to be that of the next term")
        object.__setattr__(self, "space", space_at(before.shape, self.index))
        object.__setattr__(self, "free", self._depends(before))

    def _depends(self, before: Variable) -> frozenset[Variable]:
        if self.index is Index(1, False):
            return self.first.free
        free = (self.first.free | self.step.free) - {before, INDEX}
        return free | {INDEX} if self.index.is_open else free

    @property
    def before(self) -> Variable:
        """The variable of the step that stands for the term before."""
        return previous_of(self.step)


def previous_of(step: Term) -> Variable:
    found = step.with_role(Role.PREVIOUS)
    if len(found) != 1:
        raise KernelError("expected a step with one variable for the term before")
    return next(iter(found))
