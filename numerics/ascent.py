"""Projected gradient ascent on gradient norms and on the norm of the Hessian.

A step goes along the gradient, is projected back and is taken only if the value grows; else the
step is cut.  For the Hessian the value is |<v, H v>| with a unit v that a few Lanczos steps from
the last v renew before each step, so it never falls either and stays below ||H||.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

import torch
from torch import Tensor

from numerics import losses
from numerics.curvature import gradient, hessian_vector_product, sample_gradient_norms, second_derivative
from numerics.evaluate import kink_distance, output
from numerics.regions import FreeSample, Point, Region, move
from numerics.spectrum import extreme_pair
from proofs.network import Activate, Loss, Network, entry_function

__all__ = ["KINK_MARGIN", "Ascent", "Progress", "Quantity", "ascend", "has_kinks", "off_kinks"]

KINK_MARGIN = 1e-9
FIRST_LANCZOS_STEPS = 20
LANCZOS_STEPS = 3
CUTS = 8
MOMENTUM = 0.9
LARGEST_STEP = 1e3
# Stop after this many steps in a row that gain less than the share below.
PATIENCE = 4
LEAST_GAIN = 1e-6

Progress = Callable[[int, int], None]


class Quantity(Enum):
    """What is made large; each value is the phrase that reports use."""

    GRADIENT = "the norm of the gradient of the mean loss"
    SAMPLE_GRADIENT = "the largest norm of a sample's gradient"
    HESSIAN = "the spectral norm of the Hessian of the mean loss"


@dataclass(frozen=True, slots=True, eq=False)
class Ascent:
    """Where an ascent ended.

    `value` is the quantity at `point` (a lower estimate for the Hessian), never below that at the
    start.  `skipped` counts trial points within 1e-9 of a kink, which the Hessian leaves out.
    """

    point: Point
    value: float
    steps: int
    evaluations: int
    skipped: int
    interrupted: bool


@dataclass(slots=True)
class _Search:
    """The moving parts of one ascent."""

    network: Network
    loss: Loss
    region: Region
    free: FreeSample | None
    generator: torch.Generator
    point: Point
    direction: Tensor | None
    sign: float
    value: float
    step: float = 1.0
    last: Point | None = None
    evaluations: int = 0
    skipped: int = 0
    done: int = 0

    def objective(self, theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Half the squared gradient norm, or +-<v, H v>: smooth, and monotone in the quantity."""
        if self.direction is None:
            return 0.5 * gradient(self.network, self.loss, theta, x, y).square().sum()
        return self.sign * second_derivative(self.network, self.loss, theta, self.direction, x, y)

    def evaluate(self, point: Point) -> float:
        self.evaluations += 1
        with torch.no_grad():
            return float(self.objective(point.theta, point.x, point.y))

    def slopes(self) -> Point | None:
        """The gradient of the objective at the point, or None where it is not finite."""
        inputs = [t.detach().clone().requires_grad_() for t in (self.point.theta, self.point.x, self.point.y)]
        with torch.enable_grad():
            found = torch.autograd.grad(self.objective(*inputs), inputs, allow_unused=True)
        self.evaluations += 1
        filled = [torch.zeros_like(t) if g is None else g for g, t in zip(found, inputs, strict=True)]
        return Point(*filled) if all(bool(torch.isfinite(g).all()) for g in filled) else None

    def renew_direction(self, steps: int) -> None:
        """Take the extreme Ritz vector found from the present v, if it is no worse."""
        if self.direction is None:
            return
        p = self.point
        product = hessian_vector_product(self.network, self.loss, p.theta, p.x, p.y)
        pair = extreme_pair(product, self.direction, steps, self.generator)
        self.evaluations += steps
        if pair is not None and abs(pair[0]) >= self.value:
            self.value, self.direction = abs(pair[0]), pair[1]
            self.sign = math.copysign(1.0, pair[0])

    def climb(self, slopes: Point) -> bool:
        """One step with cuts; whether a better point was found and taken.

        The first try starts ahead of the point, along the last displacement; the others at it.
        """
        for cut in range(0 if self.last is not None else 1, CUTS + 1):
            origin = self.ahead() if cut == 0 else self.point
            trial = move(self.network, self.loss, self.region, self.free, origin, slopes, self.step)
            if self.direction is not None and not off_kinks(self.network, self.loss, trial):
                self.skipped += 1
            else:
                value = self.evaluate(trial)
                if math.isfinite(value) and value > self.value:
                    self.last, self.point, self.value = self.point, trial, value
                    self.step = min(2.0 * self.step, LARGEST_STEP)
                    return True
            self.step *= 0.25 if cut else 1.0
            self.last = None
        return False

    def ahead(self) -> Point:
        """The point moved on by MOMENTUM times the last displacement."""
        here, last = self.point, self.last
        if last is None:
            return here
        pairs = ((here.theta, last.theta), (here.x, last.x), (here.y, last.y))
        return Point(*(new + MOMENTUM * (new - old) for new, old in pairs))


def ascend(
    network: Network,
    loss: Loss,
    quantity: Quantity,
    region: Region,
    start: Point,
    *,
    generator: torch.Generator,
    free: FreeSample | None = None,
    steps: int = 40,
    progress: Progress | None = None,
) -> Ascent:
    """Climb from `start`, a point of the region, in at most `steps` steps.

    With `free` the samples of `start` move too, within their norms.  For the largest sample
    gradient the sample that is worst at the start is followed; the value is over all samples.
    KeyboardInterrupt ends the climb with the best point so far.

    Returns:
        A point of the region (1e-12 relative) whose value is at least that of the start; NaN where
        the start's value is not finite or, for the Hessian, within 1e-9 of a kink.
    """
    match quantity:
        case Quantity.GRADIENT | Quantity.HESSIAN:
            search = _search(network, loss, quantity, region, start, generator, free)
        case Quantity.SAMPLE_GRADIENT:
            norms = sample_gradient_norms(network, loss, start.theta, start.x, start.y)
            worst = int(norms.argmax())
            single = Point(start.theta, start.x[worst : worst + 1], start.y[worst : worst + 1])
            search = _search(network, loss, quantity, region, single, generator, free)
        case _:
            assert_never(quantity)
    interrupted = _climb(search, steps, progress)
    end, value = search.point, search.value
    if quantity is not Quantity.HESSIAN and math.isfinite(value):
        value = math.sqrt(2.0 * value)
    if quantity is Quantity.SAMPLE_GRADIENT and free is None:
        end = Point(end.theta, start.x, start.y)
        value = float(sample_gradient_norms(network, loss, end.theta, end.x, end.y).max())
    return Ascent(end, value, search.done, search.evaluations, search.skipped, interrupted)


def _search(
    network: Network,
    loss: Loss,
    quantity: Quantity,
    region: Region,
    start: Point,
    generator: torch.Generator,
    free: FreeSample | None,
) -> _Search:
    search = _Search(network, loss, region, free, generator, start, None, 1.0, 0.0)
    if quantity is not Quantity.HESSIAN:
        search.value = search.evaluate(start)
    elif not off_kinks(network, loss, start):
        search.value, search.skipped = math.nan, 1
    else:
        v = torch.randn(start.theta.shape, generator=generator, dtype=torch.float64, device=generator.device)
        search.direction = (v / v.norm()).to(start.theta.device)
        search.renew_direction(FIRST_LANCZOS_STEPS)
    return search


def _climb(search: _Search, steps: int, progress: Progress | None) -> bool:
    slow = 0
    try:
        while search.done < steps and slow < PATIENCE and math.isfinite(search.value):
            before = search.value
            slopes = search.slopes()
            if slopes is None:
                break
            climbed = search.climb(slopes)
            search.renew_direction(LANCZOS_STEPS)
            search.done += 1
            if not climbed:
                search.step = 1.0 if search.step < 1e-12 else search.step
            gained = search.value - before > LEAST_GAIN * abs(before)
            slow = 0 if gained else slow + 1
            if progress is not None:
                progress(search.done, steps)
        if math.isfinite(search.value):
            search.renew_direction(FIRST_LANCZOS_STEPS)
    except KeyboardInterrupt:
        return True
    if progress is not None and search.done < steps:
        progress(steps, steps)
    return False


def has_kinks(network: Network) -> bool:
    """Whether some activation has a kink."""
    return any(isinstance(layer, Activate) and layer.activation.kinks for layer in network.layers)


def off_kinks(network: Network, loss: Loss, point: Point) -> bool:
    """Whether pre-activations and residuals of all samples are at least 1e-9 from kinks; False for NaN."""
    if has_kinks(network) and not kink_distance(network, point.theta, point.x) >= KINK_MARGIN:
        return False
    function = entry_function(loss)
    if function is None or not function.kinks:
        return True
    f = output(network, point.theta, point.x)
    return losses.kink_distance(loss, f, point.y) >= KINK_MARGIN
