"""The bookkeeping of a measurement: points seen in a place, their maxima, and ascents from the best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from numerics.ascent import Ascent, Quantity, ascend
from numerics.errors import NumericsError
from numerics.estimates import Estimates, evaluate_point, no_estimate
from numerics.records import Estimate, Place
from numerics.regions import FreeSample, Point, Region, draw_sample, draw_theta
from proofs.network import Loss, Network

__all__ = ["Best", "Session", "place_of"]

# Short ascents for each quantity, and how many of their ends are followed further.
SPRINTS = 6
STARTS = 3
# An ascent on the mean looks at so many samples that N * P is near this, and at least at 64.
ASCENT_WORK = 1 << 19
ASCENT_SAMPLES = 64


@dataclass(slots=True)
class Best:
    """The maxima so far in one place, and every point seen as a start for ascents."""

    pool: list[tuple[Point, Estimates]] = field(default_factory=list)
    points: int = 0
    skipped: int = 0
    not_finite: int = 0

    def add(self, point: Point, found: Estimates) -> None:
        self.points += 1
        self.skipped += found[Quantity.HESSIAN] is None
        self.not_finite += any(e is not None and not e.is_finite for e in found.values())
        self.pool.append((point, found))

    def ranked(self, quantity: Quantity) -> list[tuple[Point, Estimate]]:
        """Points with a finite estimate, the largest first."""
        pairs = [(point, found[quantity]) for point, found in self.pool]
        finite = [(point, e) for point, e in pairs if e is not None and e.is_finite]
        return sorted(finite, key=lambda pair: -pair[1].value)


@dataclass(slots=True)
class Session:
    """One call of `measure`."""

    network: Network
    loss: Loss
    data: tuple[Tensor, Tensor] | None
    free: FreeSample | None
    generator: torch.Generator
    ascent_steps: int
    report: Callable[[int], None]
    stopped: bool = False

    def draw(self, region: Region) -> Point:
        return self.with_samples(draw_theta(self.network, region, self.generator))

    def with_samples(self, theta: Tensor) -> Point:
        if self.data is not None:
            return Point(theta.to(self.data[0].device), *self.data)
        if self.free is None:
            raise NumericsError("expected data or the norm of a free input but got neither")
        return draw_sample(self.network, self.loss, self.free, theta, self.generator)

    def chosen(self, quantity: Quantity) -> Tensor | None:
        """A random part of the samples for ascents on a mean over many; None where all are used."""
        size = max(ASCENT_SAMPLES, ASCENT_WORK // self.network.parameter_count)
        if self.data is None or quantity is Quantity.SAMPLE_GRADIENT or self.data[0].shape[0] <= size:
            return None
        count = self.data[0].shape[0]
        order = torch.randperm(count, generator=self.generator, device=self.generator.device)
        return order[:size].to(self.data[0].device)

    def look(self, best: Best, point: Point) -> None:
        best.add(point, evaluate_point(self.network, self.loss, point, self.generator))

    def look_at(self, best: Best, points: Sequence[Callable[[], Point]]) -> None:
        """Evaluate points one after the other; an interrupt keeps what is known."""
        for make in points:
            if self.stopped:
                return
            try:
                self.look(best, make())
            except KeyboardInterrupt:
                self.stopped = True
            self.report(1)

    def climb(self, best: Best, region: Region) -> None:
        """Ascents for each quantity from its best points.

        Short ones from `starts`, then longer ones from the best STARTS of their ends, which are
        evaluated in full and join the points of the place.
        """
        for quantity in Quantity:
            chosen = self.chosen(quantity)
            starts = [_part(point, chosen) for point, _ in self.starts(best, quantity)]
            ends = self.climb_all(best, region, quantity, starts, self.sprint_steps, SPRINTS)
            ends = sorted((e for e in ends if e.value == e.value), key=lambda e: -e.value)
            later = [end.point for end in ends[:STARTS]]
            steps = self.ascent_steps - self.sprint_steps
            later_ends = self.climb_all(best, region, quantity, later, steps, STARTS)
            for end in later_ends or ends[:STARTS]:
                point = end.point if self.data is None else Point(end.point.theta, *self.data)
                try:
                    self.look(best, point)
                except KeyboardInterrupt:
                    self.stopped = True

    def starts(self, best: Best, quantity: Quantity) -> list[tuple[Point, Estimate]]:
        """Half of them the largest, the others as they were drawn: a large start may be a poor one."""
        ranked = best.ranked(quantity)
        top = ranked[: SPRINTS // 2]
        taken = {id(point) for point, _ in top}
        estimates = {id(point): (point, estimate) for point, estimate in ranked}
        others = [id(point) for point, _ in best.pool if id(point) in estimates and id(point) not in taken]
        return top + [estimates[key] for key in others[: SPRINTS - len(top)]]

    def climb_all(
        self, best: Best, region: Region, quantity: Quantity, starts: list[Point], steps: int, places: int
    ) -> list[Ascent]:
        """Ascents of at most `steps` steps from each start; reports places * steps in all."""
        ends: list[Ascent] = []
        for number in range(places):
            if number >= len(starts) or steps == 0 or self.stopped:
                self.report(steps)
                continue
            try:
                ends.append(self.climb_from(region, quantity, starts[number], steps))
            except KeyboardInterrupt:
                self.stopped = True
                continue
            best.skipped += ends[-1].skipped
            self.stopped = self.stopped or ends[-1].interrupted
        return ends

    def climb_from(self, region: Region, quantity: Quantity, start: Point, steps: int) -> Ascent:
        reached = 0

        def progress(done: int, _total: int) -> None:
            nonlocal reached
            self.report(done - reached)
            reached = done

        return ascend(
            self.network,
            self.loss,
            quantity,
            region,
            start,
            generator=self.generator,
            free=self.free,
            steps=steps,
            progress=progress,
        )

    @property
    def sprint_steps(self) -> int:
        return min(self.ascent_steps, max(1, self.ascent_steps // 4))

    def climb_cost(self) -> int:
        """The number of steps that `climb` reports."""
        steps = SPRINTS * self.sprint_steps + STARTS * (self.ascent_steps - self.sprint_steps)
        return len(Quantity) * steps


def _part(point: Point, chosen: Tensor | None) -> Point:
    return point if chosen is None else Point(point.theta, point.x[chosen], point.y[chosen])


def place_of(best: Best) -> Place | None:
    """The maxima of a place, or None where no point was reached."""
    if not best.pool:
        return None
    last = best.pool[-1][0].theta
    tops = {quantity: best.ranked(quantity)[:1] for quantity in Quantity}
    estimates = {q: top[0][1] if top else no_estimate(last) for q, top in tops.items()}
    at = {q: top[0][0] if top else None for q, top in tops.items()}
    curved: Estimate | None = estimates[Quantity.HESSIAN]
    if all(found[Quantity.HESSIAN] is None for _, found in best.pool):
        curved = None
    return Place(
        gradient_norm=estimates[Quantity.GRADIENT],
        sample_gradient_norm=estimates[Quantity.SAMPLE_GRADIENT],
        hessian_norm=curved,
        points=best.points,
        skipped=best.skipped,
        not_finite=best.not_finite,
        gradient_at=at[Quantity.GRADIENT],
        sample_gradient_at=at[Quantity.SAMPLE_GRADIENT],
        hessian_at=at[Quantity.HESSIAN],
    )
