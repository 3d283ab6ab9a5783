"""Exact tensors as JSON, for derivations that speak about given weights and data."""

# JSON comes in untyped; every value is checked at run time.
# pyright: basic
from __future__ import annotations

import base64
import binascii
import zlib
from fractions import Fraction
from typing import Any

import numpy as np

from proofs.errors import KernelError

from .claims import Claim, ForSamples, IsTensor, SamplesAre
from .core import Theorem, steps_of
from .store import remember, tensor_of
from .tensors import ExactTensor

__all__ = ["decode_tensors", "digests_of", "encode_tensors"]

MAX_ENTRIES = 200_000_000


def digests_of(*theorems: Theorem) -> list[str]:
    """The digests of all tensors that the derivations speak about, sorted."""
    found: set[str] = set()
    for step in steps_of(*theorems):
        for claim in (step.claim, *step.hypotheses):
            found.update(_digests(claim))
    return sorted(found)


def _digests(claim: Claim) -> tuple[str, ...]:
    match claim:
        case IsTensor(digest=digest):
            return (digest,)
        case SamplesAre(digests=digests):
            return digests
        case ForSamples(claim=inner):
            return _digests(inner)
        case _:
            return ()


def encode_tensors(*theorems: Theorem) -> dict[str, Any]:
    """The tensors of the derivations by digest."""
    return {digest: _encode(tensor_of(digest)) for digest in digests_of(*theorems)}


def _encode(tensor: ExactTensor) -> dict[str, Any]:
    shape = list(tensor.shape)
    if tensor.entries is not None:
        return {"shape": shape, "rational": [str(entry) for entry in tensor.entries]}
    packed = base64.b64encode(zlib.compress(tensor.floats, 6)).decode("ascii")
    return {"shape": shape, "float64": packed}


def decode_tensors(stored: Any) -> None:
    """Makes stored tensors available to rules, each under the digest of its content.

    Raises:
        KernelError: for malformed data or content that has another digest than its key.
    """
    if not isinstance(stored, dict):
        raise KernelError("expected tensors by digest")
    for digest, entry in stored.items():
        try:
            tensor = _decode(entry)
        except (
            binascii.Error,
            zlib.error,
            KeyError,
            TypeError,
            ValueError,
            OverflowError,
            ZeroDivisionError,
        ) as error:
            raise KernelError(f"tensor {str(digest)[:12]} is malformed: {error}") from error
        if tensor.digest != digest:
            raise KernelError(f"tensor {str(digest)[:12]} has been altered: its content has another digest")
        remember(tensor)


def _decode(entry: dict[str, Any]) -> ExactTensor:
    shape = tuple(entry["shape"])
    if len(shape) not in (1, 2) or any(type(n) is not int or n < 1 for n in shape) or set(entry) - _KEYS:
        raise KernelError("expected a shape of one or two positive integers and one kind of entries")
    count = shape[0] * (shape[1] if len(shape) == 2 else 1)
    if count > MAX_ENTRIES:
        raise KernelError(f"expected at most {MAX_ENTRIES} entries")
    if "rational" in entry:
        entries = tuple(_fraction(text) for text in entry["rational"])
        return ExactTensor.from_fractions(shape, entries)
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(base64.b64decode(entry["float64"], validate=True), 8 * count + 1)
    if len(content) != 8 * count:
        raise KernelError(f"expected {count} entries of a tensor")
    return ExactTensor.from_floats(np.frombuffer(content, dtype="<f8").reshape(shape))


_KEYS = {"shape", "rational", "float64"}


def _fraction(text: Any) -> Fraction:
    if not isinstance(text, str) or len(text) > 10_000:
        raise KernelError("expected rational entries as texts")
    top, _, bottom = text.partition("/")
    return Fraction(int(top), int(bottom or "1"))
