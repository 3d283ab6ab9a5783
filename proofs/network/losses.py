"""The losses of one sample as a closed set of names."""

from __future__ import annotations

from enum import Enum

from proofs.errors import NetworkError

__all__ = ["Loss", "loss_named"]


class Loss(Enum):
    """The loss l(f, y) of one sample; the loss of a data set is the mean over its samples.

    The value of each member is its name in problem files.
    """

    CROSS_ENTROPY = "cross_entropy"
    """log(sum_i exp f_i) - <y, f>, y one-hot or any probability vector (softmax cross-entropy)."""

    MSE = "mse"
    """||f - y||^2, summed over the outputs."""

    HALF_MSE = "half_mse"
    """||f - y||^2 / 2, summed over the outputs."""


def loss_named(name: str | Loss) -> Loss:
    """The loss of that name.

    Raises:
        NetworkError: for any other name.
    """
    if isinstance(name, Loss):
        return name
    for member in Loss:
        if member.value == name:
            return member
    known = ", ".join(member.value for member in Loss)
    raise NetworkError(f"expected a loss among {known} but got {name!r}")
