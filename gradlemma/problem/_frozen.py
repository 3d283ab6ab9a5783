"""Given values of tensors that are not trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradlemma.errors import ProblemError, printable
from proofs.kernel.tensors import ExactTensor
from proofs.network import Architecture, Network

from ._python import exact_tensor
from ._weights import kept_shape

__all__ = ["Frozen", "check_frozen", "read_frozen"]

# Names and values; more than two axes are kept as rows, the first axis by the rest.
Frozen = tuple[tuple[str, ExactTensor], ...]


def read_frozen(values: Mapping[str, Any] | None) -> Frozen:
    """The values of frozen tensors by name, from arrays or nested lists.

    Raises:
        ProblemError: for what is no tensor, naming the key.
    """
    found: list[tuple[str, ExactTensor]] = []
    for name, value in (values or {}).items():
        if getattr(value, "ndim", 0) > 2:
            value = value.reshape(value.shape[0], -1)
        found.append((name, exact_tensor(value, f"frozen.{name}")))
    return tuple(found)


def check_frozen(frozen: Frozen, network: Network | Architecture) -> None:
    """Refuses a name that no frozen tensor has, one given twice, and values of another shape."""
    known = {} if isinstance(network, Network) else {p.name: kept_shape(p) for p in network.frozen()}
    names = [name for name, _ in frozen]
    for name, value in frozen:
        key = f"frozen.{name}"
        if name not in known or names.count(name) > 1:
            raise ProblemError(
                f"expected names of frozen tensors among {', '.join(known) or 'none'}, each once, "
                f"but got {printable(name, 60)}",
                key=key,
                remedy="write `frozen: true` in the layer, or remove this value",
            )
        if value.shape != known[name]:
            raise ProblemError(
                f"expected {name} with shape {list(known[name])} but got {list(value.shape)}",
                kind="shape",
                key=key,
                remedy="matrices are [width, incoming width], kernels [channels, all other entries]",
            )
