"""Types of fields, checked at run time: what rules carry and what stored derivations may hold."""

# Type hints are looked at as objects here.
# pyright: basic
from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable
from enum import Enum
from fractions import Fraction
from functools import cache
from typing import Any

from flint import fmpq

from proofs.errors import KernelError

from . import (
    claims,
    dynamics,
    families,
    indices,
    maps,
    scalars,
    sequences,
    series,
    set_claims,
    sets,
    task_scalars,
    terms,
    univariate,
)
from .claims import Claim
from .interning import close_classes
from .scalars import Atom, Composite, Poly
from .terms import Abbreviation, Term

__all__ = ["NODES", "check_fields", "fields_of", "is_node"]

_MODULES = (
    terms, families, scalars, sequences, claims, univariate, indices, maps, sets, dynamics, set_claims,
    series, task_scalars,
)  # fmt: skip
_BASES = (
    Term, Abbreviation, Atom, Composite, Claim, claims.Sequent, maps.Map, maps.Place, maps.StepSize,
    sets.Level, sets.Region, series.Task, series.Vector, dynamics.Dynamics, set_claims.SetClaim,
)  # fmt: skip
NODES: dict[str, type] = {
    name: kind
    for module in _MODULES
    for name, kind in vars(module).items()
    if isinstance(kind, type)
    and dataclasses.is_dataclass(kind)
    and kind.__module__ == module.__name__
    and kind not in _BASES
    and not name.startswith("_")
}
NODES["Poly"] = Poly
close_classes()


@cache
def fields_of(kind: type) -> tuple[tuple[str, Any], ...]:
    """The fields that make an object of a class, with their types."""
    hints = typing.get_type_hints(kind)
    return tuple((f.name, hints[f.name]) for f in dataclasses.fields(kind) if f.init)


def is_node(value: object) -> bool:
    """Whether the object is a term, atom, claim, polynomial or function of the kernel itself."""
    return NODES.get(type(value).__name__) is type(value)


def check_fields(value: object) -> None:
    """Refuses an object whose fields are not exactly of the types that its class declares.

    A subclass of a number or a polynomial counts as another type: its arithmetic could be other.
    """
    for name, fits, shown in _checks(type(value)):
        if not fits(getattr(value, name)):
            raise KernelError(f"expected {name} of {type(value).__name__} to be {shown}")


Fits = Callable[[Any], bool]


@cache
def _checks(kind: type) -> tuple[tuple[str, Fits, str], ...]:
    return tuple((name, _fits(hint), getattr(hint, "__name__", str(hint))) for name, hint in fields_of(kind))


def _fits(hint: Any) -> Fits:
    """The test whether a value is exactly of a type."""
    origin, options = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        tests = [_fits(option) for option in options]
        return lambda value: any(test(value) for test in tests)
    if origin is tuple and len(options) == 2 and options[1] is Ellipsis:
        each = _fits(options[0])
        return lambda value: type(value) is tuple and all(map(each, value))
    if origin is tuple:
        tests = [_fits(option) for option in options]
        return lambda value: (
            type(value) is tuple
            and len(value) == len(tests)
            and all(test(part) for test, part in zip(tests, value, strict=True))
        )
    if hint is type(None) or hint in (int, bool, str, fmpq, Fraction, Poly) or issubclass(hint, Enum):
        return lambda value: type(value) is hint
    return lambda value: isinstance(value, hint) and is_node(value)
