"""Interned objects: equal constructions return one object, so that equality is identity."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

from .univariate import Function, Univariate, Unspecified

__all__ = ["Interned", "structural_key"]

_TABLE: dict[tuple[Any, ...], Any] = {}


class Interned(type):
    """Makes equal constructions return one object, so that equality is identity.

    Every object gets `key`, a hash of its structure: an order that does not depend on the
    process, for canonical forms.
    """

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if not kwargs and (known := _TABLE.get((cls, *args))) is not None:
            return known
        made = super().__call__(*args, **kwargs)
        fields = [getattr(made, name) for name in cls.__match_args__]  # type: ignore[attr-defined]
        content = [cls.__name__.encode(), *(structural_key(value) for value in fields)]
        object.__setattr__(made, "key", hashlib.blake2b(b"|".join(content), digest_size=16).digest())
        return _TABLE.setdefault((cls, *fields), made)


def structural_key(value: Any) -> bytes:
    """A hash of a term, an atom, a polynomial or plain data by structure."""
    known = getattr(value, "key", None)
    if isinstance(known, bytes):
        return known
    if isinstance(value, tuple):
        content = b",".join(structural_key(part) for part in value)  # pyright: ignore[reportUnknownVariableType]
        return hashlib.blake2b(b"(" + content + b")", digest_size=16).digest()
    if isinstance(value, Univariate | Unspecified):
        return _univariate_key(value)
    return repr(value).encode()


@cache
def _univariate_key(function: Function) -> bytes:
    return hashlib.blake2b(repr(function).encode(), digest_size=16).digest()
