"""Targets of any accepted form as a tensor [N, out]: rows, class labels, or one number a sample."""

from __future__ import annotations

import numpy as np

from gradlemma.errors import ProblemError, printable
from proofs.kernel.tensors import ExactTensor
from proofs.network import Loss, LossKind

__all__ = ["targets_of"]

MAX_ENTRIES = 50_000_000


def targets_of(y: ExactTensor, width: int, loss: Loss, key: str) -> ExactTensor:
    """Targets of shape [N, width].

    A tensor [N, width] is kept.  A tensor [N] is one number a sample when width = 1 and the loss is
    not cross-entropy, and else class labels 0, ..., width - 1, which become one-hot rows.

    Raises:
        ProblemError: for a label that is no whole number or out of range, naming the sample.
    """
    if len(y.shape) == 2:
        return y
    count = y.shape[0]
    if width == 1 and loss.kind is not LossKind.CROSS_ENTROPY:
        return _column(y)
    if count * width > MAX_ENTRIES:
        raise ProblemError(
            f"expected at most {MAX_ENTRIES} one-hot entries but got {count} samples of {width} classes",
            kind="limit",
            key=key,
            remedy="use `data.limit`",
        )
    rows = np.zeros((count, width))
    for index, label in enumerate(y.fractions()):
        if label.denominator != 1 or not 0 <= label < width:
            raise ProblemError(
                f"expected class labels 0, ..., {width - 1}, one for each output of the last layer, "
                f"but got {printable(label, 40)} at sample {index}",
                kind="data",
                key=key,
                remedy="relabel the classes from 0, or change the width of the last dense layer",
            )
        rows[index, int(label)] = 1.0
    return ExactTensor.from_floats(rows)


def _column(y: ExactTensor) -> ExactTensor:
    if y.is_dyadic:
        return ExactTensor.from_floats(y.to_numpy().reshape(-1, 1))
    return ExactTensor.from_fractions((y.shape[0], 1), y.fractions())
