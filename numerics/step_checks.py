"""Checks of statements about one gradient step by floating point: determinants, and clouds that collapse.

G_eta(theta) = theta - eta grad L(theta) has the Jacobian I - eta Hessian(L), where L is twice
differentiable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from flint import arb_mat, ctx, fmpq, fmpq_mat
from torch import Tensor

from numerics.errors import NumericsError
from numerics.map_cases import AtKinks, case_at
from numerics.maps import distance_to_kinks, kink_distances, reading
from proofs.errors import KernelError
from proofs.kernel.map_hessians import ball_hessian, exact_hessian
from proofs.kernel.map_values import Point, coordinates
from proofs.kernel.maps import Map

__all__ = ["Collapse", "DeterminantAt", "collapse", "compare_determinants", "hessian_by_autograd"]

BITS = 256
EPS = torch.finfo(torch.float64).eps
# Rounding errors of a Hessian by autograd, in units of eps P (1 + its norm).
ROUNDINGS = 64
# Random points have the entries k / 64, |k| <= 128.
GRID, REACH = 64, 128
MAX_TRIES = 64


@dataclass(frozen=True, slots=True)
class DeterminantAt:
    """det and spectrum of I - eta Hessian at one point, by autograd and from the exact Hessian.

    point: the rational coordinates, in the order of `coordinates`.
    case: the number of the given case that counts at the point; None where it was not given.
    tier: `exact` for rational numbers, `ball` for balls of 256 bits.
    determinant, reference: by autograd, and the exact one in float64.
    tolerance: what rounding of the autograd side may change of the determinant.
    spectrum_error, spectrum_tolerance: the largest difference of the sorted eigenvalues.
    kink_distance: the least distance of an argument to a kink.
    """

    point: tuple[fmpq, ...]
    case: int | None
    tier: str
    determinant: float
    reference: float
    tolerance: float
    spectrum: tuple[float, ...]
    spectrum_error: float
    spectrum_tolerance: float
    kink_distance: float

    @property
    def relative_error(self) -> float:
        """|determinant - reference| / |reference|, infinity where only the reference is 0."""
        error = abs(self.determinant - self.reference)
        return error / abs(self.reference) if self.reference else (0.0 if error == 0 else float("inf"))

    @property
    def agrees(self) -> bool:
        """Whether both errors are within their tolerances."""
        near = abs(self.determinant - self.reference) <= self.tolerance
        return near and self.spectrum_error <= self.spectrum_tolerance


def compare_determinants(
    loss: Map,
    cases: Sequence[Map],
    step: fmpq,
    points: int,
    generator: torch.Generator,
    at_kinks: AtKinks | None = None,
) -> tuple[DeterminantAt, ...]:
    """Compares the Jacobian of G_eta by autograd with the exact Hessian of the case, at random points.

    Args:
        loss: a scalar map of parameters and numbers.
        cases: maps with chosen expressions; which of them counts at a point is noted.
        step: eta.
        points: how many random rational points off all kinks.
        generator: of the random points.
        at_kinks: the entries that are at a kink for all theta.

    Raises:
        NumericsError: if 64 draws in a row hit kinks or places where a function has no value.
    """
    numbers = {case: number for number, case in reversed(list(enumerate(cases)))}
    return tuple(_compared(loss, numbers, step, *_draw(loss, generator, at_kinks)) for _ in range(points))


def _draw(loss: Map, generator: torch.Generator, at_kinks: AtKinks | None) -> tuple[Point, Map]:
    """A random point with the case that counts there."""
    places = coordinates(loss)
    refusal: NumericsError | KernelError | None = None
    for _ in range(MAX_TRIES):
        drawn: list[int] = torch.randint(-REACH, REACH + 1, (len(places),), generator=generator).tolist()
        point: dict[str, tuple[fmpq, ...]] = {}
        for (name, _), k in zip(places, drawn, strict=True):
            point[name] = (*point.get(name, ()), fmpq(k, GRID))
        try:
            return point, case_at(loss, point, at_kinks)
        except (NumericsError, KernelError) as error:
            refusal = error
    raise NumericsError(f"expected points off all kinks; the last of {MAX_TRIES} was refused: {refusal}")


def _compared(loss: Map, numbers: dict[Map, int], step: fmpq, point: Point, case: Map) -> DeterminantAt:
    flat = tuple(point[name][number] for name, number in coordinates(loss))
    theta = torch.tensor([_float(q) for q in flat], dtype=torch.float64)
    by_autograd = hessian_by_autograd(loss, theta)
    identity = torch.eye(len(flat), dtype=torch.float64)
    found = torch.linalg.eigvalsh(identity - _float(step) * by_autograd)
    tier, reference, jacobian = _reference(case, point, step)
    expected = torch.linalg.eigvalsh(jacobian)
    # Rounding moves each eigenvalue m of a symmetric matrix by at most d.
    d = ROUNDINGS * EPS * len(flat) * (1.0 + abs(_float(step)) * float(torch.linalg.matrix_norm(by_autograd)))
    largest = float((expected.abs() + d).prod())
    tolerance = largest - float(expected.abs().prod()) + ROUNDINGS * EPS * len(flat) * largest
    return DeterminantAt(
        point=flat,
        case=numbers.get(case),
        tier=tier,
        determinant=float(found.prod()),
        reference=reference,
        tolerance=tolerance,
        spectrum=tuple(found.tolist()),
        spectrum_error=float((found - expected).abs().max()),
        spectrum_tolerance=d,
        kink_distance=distance_to_kinks(loss, theta),
    )


def _reference(case: Map, point: Point, step: fmpq) -> tuple[str, float, Tensor]:
    """The tier, det(I - eta Hessian), and that matrix rounded: rational where all values are."""
    try:
        hessian: Any = exact_hessian(case, point)[2]
    except KernelError:
        hessian = ball_hessian(case, point, BITS)[2]
    size = hessian.nrows()
    ones = [int(i == j) for i in range(size) for j in range(size)]
    with ctx.workprec(BITS):
        if isinstance(hessian, fmpq_mat):
            tier, exact = "exact", fmpq_mat(size, size, ones) - hessian * step
            determinant = _float(exact.det())
        else:
            tier, exact = "ball", arb_mat(size, size, ones) - hessian * step
            determinant = _float(exact.det())
        entries = [_float(exact[i, j]) for i in range(size) for j in range(size)]
    return tier, determinant, torch.tensor(entries, dtype=torch.float64).reshape(size, size)


def _float(value: Any) -> float:
    try:
        return int(value.p) / int(value.q) if isinstance(value, fmpq) else float(value.mid())
    except OverflowError as error:
        raise NumericsError("expected numbers that float64 can hold") from error


@dataclass(frozen=True, slots=True)
class Collapse:
    """A cloud of points under G_eta.

    spreads: before the first step and after each, the standard deviations of the cloud along its
        principal axes, from the largest down: singular values of the centred points / sqrt(samples - 1).
    kink_distances: the least distance of an argument to a kink, over the points of each cloud.
    means: the mean of each cloud.
    """

    step: float
    radius: float
    spreads: tuple[tuple[float, ...], ...]
    kink_distances: tuple[float, ...]
    means: tuple[tuple[float, ...], ...]

    def ranks(self, threshold: float = 1e-9) -> tuple[int, ...]:
        """How many standard deviations of each cloud exceed threshold * radius."""
        return tuple(sum(s > threshold * self.radius for s in spread) for spread in self.spreads)


def collapse(
    loss: Map,
    step: fmpq,
    centre: Tensor,
    radius: float,
    samples: int,
    steps: int,
    generator: torch.Generator,
) -> Collapse:
    """Iterates a cloud of random points around a centre under G_eta, the gradients by autograd.

    Args:
        loss: a scalar map of parameters and numbers.
        step: eta.
        centre: [P], float64.
        radius: the points differ from the centre by at most that much in each coordinate.
        samples: the number of points, more than P, so that the cloud spreads in all directions.
        steps: how many steps.
        generator: of the random points.

    Raises:
        NumericsError: for no more than P points, or a cloud that does not stay finite.
    """
    size = len(coordinates(loss))
    if samples <= size or steps < 0 or not radius > 0:
        raise NumericsError(f"expected more than {size} points in a radius > 0 but got samples={samples}")
    away = 2 * torch.rand((samples, size), generator=generator, dtype=torch.float64) - 1
    cloud = centre + radius * away
    value, nearest = reading(loss), kink_distances(loss)
    clouds = [cloud]
    for _ in range(steps):
        cloud = cloud - _float(step) * torch.stack([_gradient(value, point) for point in cloud])
        clouds.append(cloud)
    if not all(bool(torch.isfinite(points).all()) for points in clouds):
        raise NumericsError("expected a cloud that stays finite; try fewer steps or a smaller step size")
    return Collapse(
        step=_float(step),
        radius=radius,
        spreads=tuple(tuple(_spread(points).tolist()) for points in clouds),
        kink_distances=tuple(min(float(nearest(point)) for point in points) for points in clouds),
        means=tuple(tuple(points.mean(0).tolist()) for points in clouds),
    )


def _gradient(value: Callable[[Tensor], Tensor], point: Tensor) -> Tensor:
    theta = point.detach().requires_grad_()
    return torch.autograd.grad(value(theta), theta)[0]


def hessian_by_autograd(loss: Map, theta: Tensor) -> Tensor:
    """[P] -> [P, P], row by row: for few points this is ready sooner than what torch.func loads."""
    found: Any = torch.autograd.functional.hessian(reading(loss), theta)
    return found


def _spread(points: Tensor) -> Tensor:
    return torch.linalg.svdvals(points - points.mean(0)) / (points.shape[0] - 1) ** 0.5
