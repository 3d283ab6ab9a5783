"""The store of exact tensors that rules look up by digest; content decides, so it never lies."""

from __future__ import annotations

from proofs.errors import KernelError

from .tensors import ExactTensor

__all__ = ["remember", "tensor_of"]

_TENSORS: dict[str, ExactTensor] = {}


def remember(tensor: ExactTensor) -> str:
    """Makes the tensor available to rules; returns its digest, computed anew from its content."""
    if tensor.entries is None:
        again = ExactTensor.from_floats(tensor.to_numpy())
    else:
        again = ExactTensor.from_fractions(tensor.shape, tensor.entries)
    if again.digest != tensor.digest:
        raise KernelError("expected a tensor whose digest is that of its content")
    _TENSORS[again.digest] = again
    return again.digest


def tensor_of(digest: str) -> ExactTensor:
    """The tensor of that digest.

    Raises:
        KernelError: if nobody has given it to `remember`.
    """
    if digest not in _TENSORS:
        raise KernelError(
            f"expected the tensor {digest[:12]}... to be at hand; give weights and data to replay"
        )
    return _TENSORS[digest]
