"""Attacks on NSG-3: Jacobians of heavy-ball and Nesterov's method, and two steps from rest."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from flint import fmpq, fmpq_mat
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from torch import Tensor

from numerics.exact import Comparison, compare
from numerics.maps import reading
from numerics.search.attack import Attack
from numerics.search.batches import Batch, Instance
from numerics.search.network_target import ratio_margin
from numerics.search.settings import StepSetting
from numerics.search.step_target import (
    EXACT,
    NEAR_ZERO,
    StepTarget,
    collapsed,
    embedded,
    identity,
    is_quadratic,
)
from proofs.errors import GradlemmaError
from proofs.kernel.intervals import to_fmpq
from proofs.kernel.map_hessians import exact_hessian
from proofs.kernel.map_values import Point, coordinates
from proofs.kernel.patterns import case_at

from .steps import step_settings

__all__ = ["Momentum"]

MOMENTA = tuple(Fraction(*q) for q in ((1, 2), (1, 4), (1, 1), (-1, 2), (9, 10)))
SAYS = {
    "heavy_ball": "|beta|^P <= |det D(theta, v)|",
    "nesterov": "|beta|^P |det(I - eta Hess L(theta + beta v))| <= |det D(theta, v)| of Nesterov's method",
    "rank": "2 P <= rank D(theta, v)",
    "at_rest": "P <= rank(D theta_2 / D theta_0) somewhere near theta_0, v_0 = 0",
}


class _MomentumTarget(StepTarget):
    """Points (theta, v); the velocity of a block W1 is called v.W1."""

    def __init__(self, setting: StepSetting, names: tuple[str, ...]) -> None:
        super().__init__(setting, {name: SAYS[name] for name in names})
        if setting.momentum is None:
            raise GradlemmaError("expected a setting with momentum")
        self.momentum = to_fmpq(setting.momentum)
        self.has_velocity = "at_rest" not in names

    # -- float64 ----------------------------------------------------------------------------------

    def draw(self, generator: torch.Generator, count: int, quantity: str) -> Batch:
        found = dict(super().draw(generator, count, quantity).tensors)
        if self.has_velocity:
            found |= {f"v.{b.name}": self._drawn(b.extents, generator, count) for b in self.blocks}
        return Batch(found)

    def margins(self, batch: Batch, quantity: str) -> Tensor:
        eta, beta, size = float(self.setting.step), float(self.setting.momentum or 0), self.size
        gradient = torch.func.grad(reading(self.loss))

        def heavy_ball(theta: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
            after = beta * v - eta * gradient(theta)
            return theta + after, after

        def state(both: Tensor) -> Tensor:
            return torch.cat(heavy_ball(both[:size], both[size:]))

        def nesterov(both: Tensor) -> Tensor:
            ahead = both[:size] + beta * both[size:]
            after = ahead - eta * gradient(ahead)
            return torch.cat([after, after - both[:size]])

        def at_rest(theta: Tensor) -> Tensor:
            return heavy_ball(*heavy_ball(theta, torch.zeros_like(theta)))[0]

        theta = self.flat(batch)
        if quantity == "at_rest":
            found = torch.func.vmap(torch.func.jacfwd(at_rest))(theta)
            return NEAR_ZERO - _relative(found)
        both = torch.cat([theta, self._velocity(batch)], 1)
        chosen = nesterov if quantity == "nesterov" else state
        jacobian = torch.func.vmap(torch.func.jacfwd(chosen))(both)
        if quantity == "rank":
            return NEAR_ZERO - _relative(jacobian)
        left = torch.full((len(theta),), abs(beta) ** size, dtype=torch.float64)
        if quantity == "nesterov":
            ahead = both[:, :size] + beta * both[:, size:]
            hessian = torch.func.vmap(torch.func.hessian(reading(self.loss)))(ahead)
            left = left * torch.linalg.det(torch.eye(size, dtype=torch.float64) - eta * hessian).abs()
        return ratio_margin(left, torch.linalg.det(jacobian).abs())

    def _velocity(self, batch: Batch) -> Tensor:
        return torch.cat([batch[f"v.{block.name}"].flatten(1) for block in self.blocks], 1)

    # -- exactly ----------------------------------------------------------------------------------

    def recheck(self, instance: Instance, quantity: str) -> Comparison:
        theta = self.point(instance)
        if quantity == "at_rest":
            return self._at_rest(theta)
        v = {b.name: tuple(to_fmpq(q) for q in instance[f"v.{b.name}"].fractions()) for b in self.blocks}
        if quantity == "nesterov":
            moved = self.momentum
            theta = {
                name: tuple(a + moved * b for a, b in zip(theta[name], v[name], strict=True)) for name in v
            }
        moved_by = self._hessian(theta) * self.step
        one = identity(self.size)
        gradient_step, power = one - moved_by, abs(self.momentum) ** self.size
        if quantity == "nesterov":
            jacobian = _blocks(
                gradient_step, gradient_step * self.momentum, -moved_by, gradient_step * self.momentum
            )
            return compare(power * gradient_step.det(), abs(jacobian.det()))
        jacobian = _blocks(gradient_step, one * self.momentum, -moved_by, one * self.momentum)
        if quantity == "rank":
            rank = jacobian.rank()
            if rank == 2 * self.size:
                return Comparison(False, str(2 * self.size), str(rank), 0.0, EXACT, holds=True)
            # |det| = |beta|^P at every theta: with beta = 0 the rank is too small everywhere.
            return collapsed(2 * self.size, rank) if self.momentum == 0 else _unshown()
        return compare(power, abs(jacobian.det()))

    def _hessian(self, point: Point) -> fmpq_mat:
        case = case_at(self.loss, point)
        return embedded(self.loss, case, exact_hessian(case, point)[2])

    def _at_rest(self, theta: Point) -> Comparison:
        """Near theta_0 both gradients are those of one quadratic case: theta_2 is linear in theta_0."""
        case = case_at(self.loss, theta)
        eta, beta = self.step, self.momentum
        hessian = embedded(self.loss, case, exact_hessian(case, theta)[2])
        after = self._stepped(case, theta)
        second = self._hessian(after)
        first = identity(self.size) - hessian * eta
        jacobian = first - hessian * eta * beta - second * first * eta
        rank = jacobian.rank()
        if rank == self.size:
            return Comparison(False, str(self.size), str(rank), 0.0, EXACT, holds=True)
        return (
            collapsed(self.size, rank)
            if is_quadratic(case) and case_at(self.loss, after) is case
            else _unshown()
        )

    def _stepped(self, case: Any, theta: Point) -> Point:
        """Theta - eta grad L(theta)."""
        gradient = dict(zip(coordinates(case), exact_hessian(case, theta)[1], strict=True))
        return {
            name: tuple(q - self.step * gradient.get((name, k), fmpq(0)) for k, q in enumerate(entries))
            for name, entries in theta.items()
        }

    def float_lines(self, quantity: str) -> list[str]:
        rest = quantity == "at_rest"
        start = "theta" if rest else "torch.cat([theta, velocity])"
        names = [f"v.{block.name}" for block in self.blocks]
        return [
            "beta, gradient, size = float(setting.momentum), torch.func.grad(loss), len(theta)",
            *([] if rest else [f"velocity = torch.tensor([e for n in {names!r} for e in flat(numbers[n])])"]),
            "",
            "",
            "def step(theta, v):",
            "    after = beta * v - eta * gradient(theta)",
            "    return theta + after, after",
            "",
            "",
            "def moved(both):",
            "    return step(*step(both, 0 * both))[0]"
            if rest
            else "    return torch.cat(step(both[:size], both[size:]))",
            "",
            "",
            f"rank = torch.linalg.matrix_rank(torch.func.jacfwd(moved)({start}))",
            'print(f"in float64: {float(rank):.12g}")',
        ]


def _relative(jacobian: Tensor) -> Tensor:
    """|det|, each singular value s as s / (1 + s)."""
    sizes = torch.linalg.svdvals(jacobian)
    return (sizes / (1.0 + sizes)).prod(1)


def _blocks(a: fmpq_mat, b: fmpq_mat, c: fmpq_mat, d: fmpq_mat) -> fmpq_mat:
    """The matrix of the rows (a, b) and (c, d)."""
    size = a.nrows()
    rows = [[*_row(left, i), *_row(right, i)] for left, right in ((a, b), (c, d)) for i in range(size)]
    return fmpq_mat(2 * size, 2 * size, [entry for row in rows for entry in row])


def _row(matrix: fmpq_mat, i: int) -> list[fmpq]:
    return [matrix[i, j] for j in range(matrix.ncols())]


def _unshown() -> Comparison:
    return Comparison(False, "", "", 0.0, "", "that the rank is too small near the point was not shown")


@dataclass(frozen=True, slots=True)
class Momentum(Attack):
    """NSG-3 for momentum, or with beta = 0, or from v_0 = 0."""

    dropped: str | None = None
    statement: str = "NSG-3"

    @property
    def is_ratio(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.dropped is None

    def settings(self) -> SearchStrategy[Any]:
        zero = self.dropped == "momentum"
        return step_settings(momenta=st.just(Fraction(0)) if zero else st.sampled_from(MOMENTA))

    def prepare(self, setting: Any) -> _MomentumTarget:
        match self.dropped:
            case "momentum":
                return _MomentumTarget(setting, ("rank",))
            case "spread-velocity":
                return _MomentumTarget(setting, ("at_rest",))
            case _:
                return _MomentumTarget(setting, ("heavy_ball", "nesterov"))
