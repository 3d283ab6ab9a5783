"""Interned objects: equal constructions return one object, so that equality is identity."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from fractions import Fraction
from functools import cache, wraps
from typing import Any, TypeVar

from flint import fmpq

from proofs.errors import KernelError

from .univariate import Expression, Function, Univariate, Unspecified

__all__ = ["Interned", "admit", "close_classes", "structural_key"]

_TABLE: dict[tuple[Any, ...], Any] = {}


class Interned(type):
    """Makes equal constructions return one object, so that equality is identity.

    Every object gets `key`, a hash of its structure: an order that does not depend on the
    process, for canonical forms.  Classes from outside the kernel are refused, and so is
    initialising an object again: both would change what an established theorem says.
    """

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        # A class may state any module, so that there are none at all once the kernel is loaded.
        if _CLOSED or not str(namespace.get("__module__", "")).startswith("proofs.kernel."):
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
        for value in fields:
            _require_exact(value)
        content = [cls.__name__.encode(), *(structural_key(value) for value in fields)]
        object.__setattr__(made, "key", hashlib.blake2b(b"|".join(content), digest_size=16).digest())
        return _TABLE.setdefault((cls, *fields), made)


_CLOSED: list[bool] = []


def close_classes() -> None:
    """Called when all classes of the kernel are defined: from then on every further one is refused."""
    _CLOSED.append(True)


_ADMITTED: set[type] = {
    tuple, int, str, bool, type(None), fmpq, Fraction, Univariate, Unspecified, Expression,
}  # fmt: skip
_Kind = TypeVar("_Kind", bound=type)


def admit(kind: _Kind) -> _Kind:
    """Lets objects of exactly this class be fields of interned ones; a decorator inside the kernel."""
    if _CLOSED:
        raise KernelError(f"expected no data from outside the kernel but got {kind.__name__}")
    _ADMITTED.add(kind)
    return kind


def _require_exact(value: Any) -> None:
    """Refuses everything but plain data and interned objects.

    Subclasses, and strangers that say they are equal, may compare and compute otherwise later, and an
    equal construction would find them in the table.
    """
    if type(value) is tuple:
        for part in value:  # pyright: ignore[reportUnknownVariableType]
            _require_exact(part)
        return
    kind: Any = type(value)  # pyright: ignore[reportUnknownVariableType]
    if type(kind) is not Interned and kind not in _ADMITTED:
        raise KernelError(f"expected plain data but got an object of the class {kind.__name__}")


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
