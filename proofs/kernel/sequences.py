"""Atoms with indices: n itself, powers, sums over a range, norms of the first blocks of a family."""

from __future__ import annotations

from dataclasses import dataclass

from proofs.errors import KernelError

from .families import Block, space_at
from .indices import Index
from .scalars import Composite, DirectionNorm, Poly, number
from .terms import INDEX, Role, Variable

__all__ = [
    "FamilyNorm", "Natural", "PartialSum", "Power", "direction_norm", "family_norm", "index_value",
    "power",
]  # fmt: skip


def _check(index: object, poly: object) -> None:
    if type(index) is not Index or type(poly) is not Poly:
        raise KernelError(f"expected an index and a polynomial but got {index!r} and {poly!r}")


def _mark(index: Index) -> frozenset[Variable]:
    return frozenset([INDEX]) if index.is_open else frozenset()


@dataclass(frozen=True, eq=False)
class Natural(Composite):
    """The index variable n as a number; n >= 1."""

    def __post_init__(self) -> None:
        self._seal(frozenset([INDEX]))
        self._set_sign(number(1))


@dataclass(frozen=True, eq=False)
class Power(Composite):
    """base^index, with base^0 = 1; visibly >= 0 if the base is."""

    base: Poly
    index: Index

    def __post_init__(self) -> None:
        _check(self.index, self.base)
        self._seal(self.base.variables | _mark(self.index))
        self._set_sign(self.base)


@dataclass(frozen=True, eq=False)
class PartialSum(Composite):
    """The sum of the body over n = 1, ..., end; binds n in the body, not in the end."""

    body: Poly
    end: Index

    def __post_init__(self) -> None:
        _check(self.end, self.body)
        self._seal((self.body.variables - {INDEX}) | _mark(self.end))
        self._set_sign(self.body)


@dataclass(frozen=True, eq=False)
class FamilyNorm(Composite):
    """sqrt(sum_{n=1}^end ||U_n||_F^2), U_n the direction's block that belongs to the member W_n.

    The member binds n; its index is n + k, so that its blocks are different ones.
    """

    member: Block
    end: Index

    def __post_init__(self) -> None:
        if type(self.member) is not Block or type(self.end) is not Index:
            raise KernelError("expected a block and an index")
        if self.member.role is not Role.PARAMETER or not self.member.index.is_open:
            raise KernelError("expected a block W_n of theta as member of a family")
        direction = self.member.as_role(Role.DIRECTION)
        self._seal((direction.free - {INDEX}) | _mark(self.end))
        self._set_sign(number(1))


def index_value(index: Index) -> Poly:
    """N + k or the number."""
    return Natural().poly() + index.offset if index.is_open else number(index.offset)


def power(base: Poly, index: Index) -> Poly:
    """base^index: multiplied out if the index is a numeral and the base has one term."""
    if not index.is_open and (index.offset <= 1 or len(base.terms) <= 1):
        return base**index.offset
    return Power(base, index).poly()


def family_norm(member: Block, end: Index) -> Poly:
    """The norm of the first blocks; of one block it is that block's norm, of none 0."""
    if end is Index(0, False):
        return number(0)
    if end is Index(1, False):
        return direction_norm(member, end).poly()
    return FamilyNorm(member, end).poly()


def direction_norm(member: Block, index: Index) -> DirectionNorm:
    """||U_index||_F of the family that the member W_n stands for."""
    place = member.index.at(index)
    return DirectionNorm((Block(member.name, space_at(member.shape, index), member.role, place),))
