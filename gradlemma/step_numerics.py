"""What is measured about steps beside the proofs: determinants at random points, clouds that collapse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flint import fmpq

from gradlemma.step_values import nearest_rational
from proofs.errors import KernelError
from proofs.kernel.map_values import Point, coordinates
from proofs.kernel.maps import Entry, Map, StepNumber, StepSize, maps_below
from proofs.kernel.patterns import constant_of, first_kinked, polynomials_of
from proofs.kernel.univariate import Univariate

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "CollapseSeen", "DeterminantsSeen", "NumericChecks", "checked_step", "collapse_seen", "determinants_seen",
]  # fmt: skip

POINTS = 4
TOLERANCE = 1e-9
# Clouds are that small so that they stay in one pattern.
RADIUS = 2.0**-12
BESIDE = fmpq(33, 32)


@dataclass(frozen=True, slots=True)
class DeterminantsSeen:
    """det(I - eta Hessian) by autograd against exact Hessians, at random rational points.

    agrees: within the roundings that are expected; within: relative errors at most 1e-9.
    """

    step: fmpq
    points: int
    relative_error: float
    agrees: bool
    kink_distance: float

    @property
    def within(self) -> bool:
        return self.relative_error <= TOLERANCE


@dataclass(frozen=True, slots=True)
class CollapseSeen:
    """What a singular step does to a cloud around a point of its pattern, and what a step beside it does.

    rank, rank_after, rank_beside: dimensions that the cloud spreads in, before and after one step.
    least, least_beside: the least |eigenvalue| of I - eta Hessian at the centre, by autograd.
    """

    step: StepSize
    beside: fmpq
    rank: int
    rank_after: int
    rank_beside: int
    least: float
    least_beside: float

    @property
    def seen(self) -> bool:
        """Whether the step is degenerate at the centre and the one beside it is not."""
        return self.least <= TOLERANCE < self.least_beside


@dataclass(frozen=True, slots=True)
class NumericChecks:
    """The measurements; `reasons` say what could not be measured."""

    determinants: DeterminantsSeen | None
    collapses: tuple[CollapseSeen, ...]
    reasons: tuple[str, ...]


def determinants_seen(loss: Map, cases: Sequence[Map], step: fmpq, seed: int) -> DeterminantsSeen:
    """Compares determinants at random points.

    Raises:
        GradlemmaError: where no points off the kinks are found.
    """
    import torch

    from numerics.step_checks import compare_determinants

    generator = torch.Generator().manual_seed(seed % 2**63)
    found = compare_determinants(loss, cases, step, POINTS, generator, _at_kinks(loss))
    return DeterminantsSeen(
        step,
        len(found),
        max(one.relative_error for one in found),
        all(one.agrees for one in found),
        min(one.kink_distance for one in found),
    )


def _at_kinks(loss: Map) -> dict[Map, frozenset[int]]:
    """The entries that are at a kink whatever theta is, of functions whose arguments have no kinks."""
    found: dict[Map, frozenset[int]] = {}
    for node in maps_below(loss):
        if not isinstance(node, Entry) or node.function.is_analytic:
            continue
        try:
            if first_kinked(node.of) is not None or not isinstance(node.function, Univariate):
                continue
            values = [constant_of(polynomial) for polynomial in polynomials_of(node.of)]
        except KernelError:
            continue
        kinks = {str(kink) for kink in node.function.kinks}
        still = frozenset(k for k, value in enumerate(values) if value is not None and str(value) in kinks)
        if still:
            found[node] = still
    return found


def collapse_seen(loss: Map, step: StepSize, point: Point, seed: int) -> CollapseSeen:
    """A cloud around the point before and after one step, at the step size and beside it.

    Raises:
        GradlemmaError: where the cloud does not stay finite.
    """
    import torch

    from numerics.step_checks import collapse

    eta = nearest_rational(step)
    beside = eta * BESIDE
    places = coordinates(loss)
    flat = [_float(point[name][number]) for name, number in places]
    centre = torch.tensor(flat, dtype=torch.float64)
    ranks: list[tuple[int, ...]] = []
    for size in (eta, beside):
        generator = torch.Generator().manual_seed(seed % 2**63)
        cloud = collapse(loss, size, centre, RADIUS, 2 * len(places) + 4, 1, generator)
        ranks.append(cloud.ranks(1e-8))
    return CollapseSeen(
        step, beside, ranks[0][0], ranks[0][1], ranks[1][1],
        _least(loss, eta, centre), _least(loss, beside, centre),
    )  # fmt: skip


def _least(loss: Map, step: fmpq, centre: Tensor) -> float:
    import torch

    from numerics.step_checks import hessian_by_autograd

    hessian = hessian_by_autograd(loss, centre)
    identity = torch.eye(len(centre), dtype=torch.float64)
    return float(torch.linalg.eigvalsh(identity - _float(step) * hessian).abs().min())


def _float(value: fmpq) -> float:
    return int(value.p) / int(value.q)


def checked_step(asked: Sequence[StepSize], exceptional: Sequence[StepSize]) -> fmpq:
    """A step size for the determinants: one of those asked, else one beside an exceptional one, else 1/10."""
    for step in asked:
        if isinstance(step, StepNumber):
            return step.value
    return nearest_rational(exceptional[0]) * BESIDE if exceptional else fmpq(1, 10)
