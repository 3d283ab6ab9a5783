"""Losses as kernel maps: of one sample, of arbitrary data, and of given data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import assert_never

from flint import fmpq

from proofs.errors import NetworkError
from proofs.kernel.maps import Contract, Entry, Fixed, Given, Map, MeanOf, Partial, Scaled, Total

from .architecture import Architecture
from .losses import Loss, LossKind, entry_function
from .lowering import lower
from .lowering_parts import EXP, constant_map, difference, filled

__all__ = [
    "empirical_loss", "input_map", "loss_on", "lower_loss", "one_hot", "sample_data", "sample_loss",
]  # fmt: skip

Number = Fraction | int


def lower_loss(loss: Loss, output: Map, y: Map) -> Map:
    """l(f, y) for a vector f and targets y of its shape.

    Raises:
        NetworkError: for an output that is no vector, or targets of another shape.
    """
    shape = output.require_shape()
    if len(shape) != 1 or y.shape != shape:
        raise NetworkError(f"expected vectors f and y of one width but got {shape} and {y.shape}")
    ones = filled(shape)
    match loss.kind:
        case LossKind.CROSS_ENTROPY:
            sums = Contract("i,i->", Entry(EXP, output), ones)
            return difference(Partial("log", sums), Contract("i,i->", y, output))
        case LossKind.MSE | LossKind.HALF_MSE:
            residual = difference(output, y)
            square = Contract("i,i->", residual, residual)
            return square if loss.kind is LossKind.MSE else Scaled(fmpq(1, 2), square)
        case LossKind.BCE:
            return difference(_summed(loss, output, ones), Contract("i,i->", y, output))
        case LossKind.HUBER:
            return _summed(loss, difference(output, y), ones)
        case _:
            assert_never(loss.kind)


def _summed(loss: Loss, of: Map, ones: Map) -> Map:
    function = entry_function(loss)
    if function is None:
        raise NetworkError(f"expected a loss that is a sum over entries but got {loss.label()}")
    return Contract("i,i->", Entry(function, of), ones)


def sample_data(architecture: Architecture) -> tuple[Given, Given]:
    """Arbitrary data of one sample: x as the layers see it, and y."""
    return Given("x", architecture.map_shape), Given("y", architecture.output_shape)


def sample_loss(architecture: Architecture, loss: Loss, values: Mapping[str, Map] | None = None) -> Map:
    """Theta -> l(f(x), y) for arbitrary data `x` and `y`; frozen tensors are data too."""
    x, y = sample_data(architecture)
    return lower_loss(loss, lower(architecture, x, values).output, y)


def empirical_loss(architecture: Architecture, loss: Loss, values: Mapping[str, Map] | None = None) -> Map:
    """Theta -> the mean of l(f(x), y) over finitely many samples, whichever they are."""
    return MeanOf(sample_data(architecture), sample_loss(architecture, loss, values))


def one_hot(tokens: Sequence[Number], vocabulary: int) -> Fixed:
    """Tokens 0, ..., vocabulary - 1 as rows (t, vocabulary) with one entry 1.

    Raises:
        NetworkError: for a token outside the vocabulary, naming its position.
    """
    entries: list[int] = []
    for position, token in enumerate(tokens):
        if Fraction(token).denominator != 1 or not 0 <= token < vocabulary:
            raise NetworkError(
                f"expected tokens from 0 to {vocabulary - 1} but got {token} at position {position}"
            )
        entries += [int(number == token) for number in range(vocabulary)]
    return constant_map(entries, (len(tokens), vocabulary))


def input_map(architecture: Architecture, row: Sequence[Number]) -> Fixed:
    """A row of data, `input_dim` numbers or tokens, as the constant input of the layers.

    Raises:
        NetworkError: for a row of another length or a token outside the vocabulary.
    """
    if len(row) != architecture.input_dim:
        raise NetworkError(f"expected rows of {architecture.input_dim} numbers but got {len(row)}")
    if architecture.vocabulary is not None:
        return one_hot(row, architecture.vocabulary)
    return constant_map(row, architecture.input_shape)


def loss_on(
    architecture: Architecture,
    loss: Loss,
    xs: Sequence[Sequence[Number]],
    ys: Sequence[Sequence[Number]],
    values: Mapping[str, Map] | None = None,
) -> Map:
    """Theta -> the mean of l(f(x), y) over the given samples, exactly.

    Args:
        architecture: the architecture.
        loss: the loss of one sample.
        xs: N rows of `input_dim` rational numbers, or of tokens.
        ys: N rows of `output_dim` rational numbers.
        values: what stands for a tensor instead of a parameter or given data, by name.

    Raises:
        NetworkError: for no samples, or rows that do not fit.
    """
    if not xs or len(xs) != len(ys):
        raise NetworkError(f"expected as many targets as inputs but got {len(xs)} and {len(ys)}")
    parts: list[Map] = []
    for row, target in zip(xs, ys, strict=True):
        output = lower(architecture, input_map(architecture, row), values).output
        parts.append(lower_loss(loss, output, constant_map(target, (len(target),))))
    return Scaled(fmpq(1, len(parts)), Total(tuple(parts)))
