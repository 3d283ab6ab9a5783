"""Given weights in the order of the network's parameters, from files or written out."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradlemma.errors import ProblemError, printable
from proofs.errors import KernelError
from proofs.kernel.tensors import ExactTensor
from proofs.network import Architecture, Network, Parameter

from ._arrays import finite, read_npz, read_safetensors
from ._files import read_beside

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._model import WeightsSection

__all__ = ["in_order", "kept_shape", "read_weights", "tensor_text"]

_STATE = re.compile(r"(\D*)([0-9]{1,9}(?:\.[0-9]{1,9}){0,20})\.(weight|bias)")


def read_weights(
    section: WeightsSection, network: Network | Architecture, directory: Path
) -> tuple[ExactTensor, ...]:
    """The tensors W1, b1, W2, ... of the network.

    Raises:
        ProblemError: for a missing or extra tensor, a wrong shape, NaN or infinity, naming the layer.
    """
    if section.values is not None:
        return _inline(section.values, network)
    name: str = section.file
    content = read_beside(directory, name, "weights.file")
    if name.endswith(".safetensors"):
        arrays = read_safetensors(content, name, "weights.file")
    elif name.endswith(".npz"):
        arrays = read_npz(content, name, "weights.file")
    else:
        raise ProblemError(
            f"expected a .safetensors or .npz file but got {printable(name)}",
            kind="file",
            key="weights.file",
            remedy="save the tensors with safetensors.numpy.save_file",
        )
    found: list[ExactTensor] = []
    for parameter, array in zip(network.parameters(), in_order(arrays, network), strict=True):
        _same_shape(network, parameter, tuple(array.shape), "weights.file")
        label = tensor_text(network, parameter)
        rows = finite(array, label, "weights.file").reshape(kept_shape(parameter))
        found.append(ExactTensor.from_floats(rows))
    return tuple(found)


def tensor_text(network: Network | Architecture, parameter: Parameter) -> str:
    """The tensor with its layer, such as `W2 of dense layer 2`."""
    if isinstance(network, Network):
        return f"{parameter.name} of dense layer {parameter.layer}"
    uses = (one for one in network.walk() if any(t.name == parameter.name for t in one.tensors))
    return f"{parameter.name} of {next(uses).label}"


def kept_shape(parameter: Parameter) -> tuple[int, ...]:
    """The shape in which a problem keeps a tensor: more than two axes become rows of the first one."""
    shape = parameter.shape
    return shape if len(shape) <= 2 else (shape[0], math.prod(shape[1:]))


def in_order(arrays: Mapping[str, Any], network: Network | Architecture) -> list[Any]:
    """The tensors in the order of `network.parameters()`.

    Names are W1, b1, W2, ... or those of a torch state dict such as `0.weight`, `0.bias`,
    `2.weight`, whose numbers give the order.

    Raises:
        ProblemError: for a missing or an extra tensor.
    """
    parameters = network.parameters()
    names = [parameter.name for parameter in parameters]
    if isinstance(network, Network) and arrays and all(_STATE.fullmatch(label) for label in arrays):
        arrays = _from_state(arrays)
    for parameter in parameters:
        if parameter.name not in arrays:
            raise _names(
                f"expected a tensor {tensor_text(network, parameter)} but got "
                f"{printable(', '.join(sorted(arrays)[:12])) or 'no tensors'}"
            )
    for label in arrays:
        if label not in names:
            raise _names(
                f"expected the tensors {', '.join(names[:8])} only but got {printable(repr(label))} too"
            )
    return [arrays[name] for name in names]


def _from_state(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """State-dict names renamed to W1, b1, ... by the order of their numbers."""
    places: dict[tuple[str, tuple[int, ...]], None] = {}
    labelled: list[tuple[tuple[str, tuple[int, ...]], str, Any]] = []
    for label, array in arrays.items():
        found = _STATE.fullmatch(label)
        if found is None:
            raise _names(f"expected names such as 0.weight but got {printable(repr(label))}")
        place = (found[1], tuple(int(part) for part in found[2].split(".")))
        places[place] = None
        labelled.append((place, found[3], array))
    if len({stem for stem, _ in places}) > 1:
        raise _names("expected state-dict names that differ in their numbers only, which give the order")
    number = {place: index for index, place in enumerate(sorted(places), start=1)}
    return {f"{'W' if kind == 'weight' else 'b'}{number[place]}": array for place, kind, array in labelled}


def _names(message: str) -> ProblemError:
    return ProblemError(
        message,
        kind="weights",
        key="weights",
        remedy="name the tensors W1, b1, W2, ... (W: [out, in], b: [out])",
    )


def _same_shape(
    network: Network | Architecture, parameter: Parameter, shape: tuple[int, ...], key: str
) -> None:
    if shape != parameter.shape:
        raise ProblemError(
            f"expected {tensor_text(network, parameter)} with shape {list(parameter.shape)} "
            f"but got shape {list(shape)}",
            kind="shape",
            key=key,
            remedy="make `network` and the weights agree; matrices are [width, incoming width]",
        )


def _inline(values: list[Any], network: Network | Architecture) -> tuple[ExactTensor, ...]:
    parameters = network.parameters()
    if len(values) != len(parameters):
        names = ", ".join(parameter.name for parameter in parameters[:8])
        raise ProblemError(
            f"expected {len(parameters)} tensors ({names}) but got {len(values)}",
            kind="shape",
            key="weights.values",
            remedy="give one tensor for each parameter in this order",
        )
    found: list[ExactTensor] = []
    for index, (parameter, value) in enumerate(zip(parameters, values, strict=True)):
        key = f"weights.values[{index}]"
        nested = isinstance(value[0], tuple)
        shape = (len(value), len(value[0])) if nested else (len(value),)
        if len(parameter.shape) > 2:
            raise ProblemError(
                f"expected a file with {tensor_text(network, parameter)}, whose shape is "
                f"{list(parameter.shape)}, but got rows",
                kind="weights",
                key=key,
                remedy="write weights: {file: ...} with an .npz or .safetensors file",
            )
        _same_shape(network, parameter, shape, key)
        entries: tuple[Fraction, ...] = tuple(e for row in value for e in row) if nested else value
        try:
            found.append(ExactTensor.from_fractions(shape, entries))
        except KernelError as error:
            raise ProblemError(str(error), kind="weights", key=key, remedy="rescale the weights") from None
    return tuple(found)
