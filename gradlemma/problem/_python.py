"""Python values as the exact parts of a problem: numbers, tensors, samples and boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from gradlemma.errors import ProblemError, printable
from proofs.errors import KernelError
from proofs.kernel.tensors import ExactTensor
from proofs.network import Architecture, Dense, Loss, Network

from ._labels import targets_of
from ._numerals import read_number
from ._parts import BoxSpec, Samples

__all__ = ["box_of", "exact_number", "exact_tensor", "norm_of", "samples_of", "tensors_of"]


def exact_number(value: Any, key: str) -> Fraction:
    """An exact number from an int, a Fraction or a text such as `1/16`.

    Raises:
        ProblemError: for a float, whose decimal meaning is not known, and anything else.
    """
    if isinstance(value, str):
        try:
            return Fraction(read_number(value))
        except ProblemError as error:
            raise ProblemError(error.message, kind=error.kind, key=key, remedy=error.remedy) from None
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        raise ProblemError(
            f"expected an int, a Fraction or a text such as '1/16' but got {printable(repr(value))}",
            kind="type",
            key=key,
            remedy="write the number as text, '0.1' or '1/10'",
        )
    return Fraction(value)


def norm_of(value: Any, key: str) -> Fraction | None:
    """An exact number or None; `from-data` is None too."""
    return None if value is None or value == "from-data" else exact_number(value, key)


def exact_tensor(value: Any, key: str) -> ExactTensor:
    """A tensor from an ExactTensor, an array, a torch tensor, or nested lists of numbers.

    Floats keep their binary value; int, Fraction and text are exact.

    Raises:
        ProblemError: for NaN, infinity, ragged rows, or more than two dimensions.
    """
    if isinstance(value, ExactTensor):
        return value
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = (value.double() if value.is_floating_point() else value).numpy()
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "fiu" or value.dtype.itemsize > 8:
            raise ProblemError(
                f"expected numbers but got dtype {value.dtype}", kind="type", key=key, remedy="use float64"
            )
        return _guard(lambda: ExactTensor.from_floats(value), key)
    if not isinstance(value, Sequence) or isinstance(value, str) or not len(value):
        message = f"expected an array or a list of numbers but got {printable(repr(value))}"
        raise ProblemError(message, kind="type", key=key, remedy="write [[1, 2]] or [0]")
    nested = not isinstance(value[0], int | float | Fraction | str | np.generic)
    rows = [list(row) for row in value] if nested else [list(value)]
    if any(len(row) != len(rows[0]) for row in rows) or not rows[0]:
        raise ProblemError(
            "expected rows of equal length >= 1", kind="shape", key=key, remedy="complete the rows"
        )
    entries = tuple(_entry(entry, key) for row in rows for entry in row)
    shape = (len(rows), len(rows[0])) if nested else (len(rows[0]),)
    return _guard(lambda: ExactTensor.from_fractions(shape, entries), key)


def _entry(value: Any, key: str) -> Fraction:
    if isinstance(value, float | np.floating):
        number = float(value)
        if not np.isfinite(number):
            raise ProblemError(
                f"expected finite numbers but got {number}", kind="data", key=key, remedy="remove it"
            )
        return Fraction(number)
    return exact_number(int(value) if isinstance(value, np.integer) else value, key)


def _guard(build: Any, key: str) -> ExactTensor:
    try:
        return build()
    except KernelError as error:
        raise ProblemError(
            str(error), kind="data", key=key, remedy="remove or replace these entries"
        ) from None


def samples_of(x: Any, y: Any, network: Network | Architecture, loss: Loss) -> Samples | None:
    """The samples of arrays x [N, d] and y [N, out], labels [N] or targets [N]."""
    if x is None and y is None:
        return None
    if x is None or y is None:
        raise ProblemError(
            "expected both x and y but got one of them", kind="data", key="data", remedy="give both"
        )
    inputs = exact_tensor(x, "data.x")
    return Samples(inputs, targets_of(exact_tensor(y, "data.y"), network.output_dim, loss, "data.y"))


def tensors_of(weights: Any, network: Network | Architecture) -> tuple[ExactTensor, ...] | None:
    """The weights in the order of `network.parameters()`, from a sequence or a mapping by name."""
    if weights is None:
        return None
    if isinstance(weights, Mapping):
        from ._weights import in_order

        weights = in_order(dict(weights), network)
    names = [parameter.name for parameter in network.parameters()]
    if len(weights) != len(names):
        message = f"expected {len(names)} tensors ({', '.join(names[:8])}) but got {len(weights)}"
        raise ProblemError(message, kind="shape", key="weights", remedy="give one tensor per parameter")
    return tuple(exact_tensor(w, f"weights.{name}") for name, w in zip(names, weights, strict=True))


def box_of(
    network: Network | Architecture, weight_norms: Any, bias_norms: Any, factor: Any
) -> BoxSpec | None:
    """The box of explicit norms or of `from-weights`; biases absent everywhere need no norms."""
    if weight_norms is None:
        if bias_norms is not None:
            raise ProblemError(
                "expected weight_norms with bias_norms", kind="missing-key", key="box", remedy="add it"
            )
        return None
    if bias_norms is None:
        bias_norms = _default_biases(network, weight_norms)
    return BoxSpec(
        _norms(weight_norms, "box.weight_norms"),
        _norms(bias_norms, "box.bias_norms"),
        exact_number(factor, "box.factor"),
    )


def _default_biases(network: Network | Architecture, weight_norms: Any) -> Any:
    if isinstance(weight_norms, str):
        return weight_norms
    layers = [layer for layer in network.layers if isinstance(layer, Dense)]
    if any(layer.bias for layer in layers):
        raise ProblemError(
            "expected bias_norms because layers have biases, but it is missing",
            kind="missing-key",
            key="box",
            remedy="add `bias_norms`, or set `bias: false` in the layers",
        )
    return [0] * len(layers)


def _norms(norms: Any, key: str) -> tuple[Fraction, ...] | None:
    if isinstance(norms, str):
        if norms != "from-weights":
            raise ProblemError(
                f"expected a list of norms or from-weights but got {printable(repr(norms))}",
                kind="type",
                key=key,
                remedy="write from-weights",
            )
        return None
    return tuple(exact_number(norm, f"{key}[{index}]") for index, norm in enumerate(norms))
