"""A problem's loss as a map of the parameters: for its data, and for whichever data."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from gradlemma.errors import ProblemError
from gradlemma.problem import Problem
from proofs.kernel.maps import Map
from proofs.kernel.tensors import ExactTensor
from proofs.network import Architecture, Network
from proofs.network.lowering_losses import empirical_loss, loss_on
from proofs.network.lowering_parts import constant_map

__all__ = ["any_data_loss", "architecture_of", "data_loss", "fixed_tensors"]


def architecture_of(problem: Problem) -> Architecture:
    """The network of the problem as an architecture, feed-forward ones too."""
    network = problem.network
    return Architecture.of_network(network) if isinstance(network, Network) else network


def fixed_tensors(problem: Problem) -> dict[str, Map]:
    """The frozen tensors whose values the problem gives, as constants."""
    shapes = {p.name: p.shape for p in architecture_of(problem).frozen()}
    return {name: constant_map(value.fractions(), shapes[name]) for name, value in problem.frozen}


def any_data_loss(problem: Problem) -> Map:
    """Theta -> the mean loss over finitely many samples, whichever they are."""
    return empirical_loss(architecture_of(problem), problem.loss, fixed_tensors(problem))


def data_loss(problem: Problem, limit: int | None = None) -> Map:
    """Theta -> the mean loss over the problem's samples, exactly; over the first `limit` of them.

    Raises:
        ProblemError: where the problem has no data.
    """
    if problem.samples is None:
        raise ProblemError(
            "expected data but the problem has none", kind="missing-key", key="data", remedy="add `data`"
        )
    xs, ys = _rows(problem.samples.x, limit), _rows(problem.samples.y, limit)
    return loss_on(architecture_of(problem), problem.loss, xs, ys, fixed_tensors(problem))


def _rows(tensor: ExactTensor, limit: int | None) -> list[Sequence[Fraction]]:
    entries, width = tensor.fractions(), tensor.shape[1]
    count = tensor.shape[0] if limit is None else min(limit, tensor.shape[0])
    return [entries[index * width : (index + 1) * width] for index in range(count)]
