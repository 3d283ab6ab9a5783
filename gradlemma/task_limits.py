"""The bound of C for a problem's tasks: TSK-3 with G and H from the bounds in a ball that holds the run.

In the ball of radius rho around theta0 every task has ||grad L_t|| <= G and ||Hess L_t|| <= H (BND-3).
The points x_0, ..., x_{k-1} of the multi-task run lie in it if their distances, in balls of 256 bits, are
at most rho, or if (k - 1) |alpha| eta T G <= rho.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from flint import arb, ctx

from gradlemma.decimals import decimal_text, shown_above
from proofs.errors import GradlemmaError
from proofs.kernel.core import Theorem
from proofs.kernel.intervals import to_fmpq
from proofs.theorems.bounds import Derivation, Reading
from proofs.theorems.readings import in_ball
from proofs.theorems.task_bound import stays_in_ball, task_bound, task_bound_theorems

if TYPE_CHECKING:
    from gradlemma.task_setup import TaskSetup

__all__ = ["BY_RUN", "BY_STEPS", "NoTaskBound", "TaskLimit", "limit_of"]

BY_RUN, BY_STEPS = "its points, enclosed in balls of 256 bits", "(k-1) |alpha| eta T G <= radius"
BITS, ATTEMPTS = 256, 10
SLACK = Fraction(5, 4)
LARGEST_RADIUS = 10**9


class NoTaskBound(GradlemmaError):
    """No ball is known that holds the run; the text says why."""


@dataclass(frozen=True, slots=True)
class TaskLimit:
    """||C|| <= value, for G and H in the ball of that radius around theta0.

    contained: what shows that x_0, ..., x_{k-1} lie in the ball.
    theorems: the bounds of every task in the ball, TSK-3 for these numbers, and what it needs of the run.
    """

    value: Fraction
    slope: Fraction
    bend: Fraction
    radius: Fraction
    contained: str
    theorems: dict[str, Theorem]

    def sentence(self) -> str:
        """Where G and H come from."""
        return (
            f"G = {shown_above(self.slope)} and H = {shown_above(self.bend)} hold in the ball of radius "
            f"{shown_above(self.radius)} around theta_0 (BND-3), which contains the run: {self.contained}"
        )


def limit_of(setup: TaskSetup) -> TaskLimit:
    """The bound for the tasks.

    Raises:
        NoTaskBound: where no ball is found, or the bounds in it cannot be derived.
    """
    try:
        readings, radius, contained = _by_run(setup) or _by_steps(setup)
    except OverflowError:
        raise NoTaskBound("numbers beyond the range of double precision") from None
    except NoTaskBound:
        raise
    except GradlemmaError as error:
        raise NoTaskBound(str(error)) from None
    slope, bend = _largest(readings)
    found = task_bound(slope, bend, setup.alpha, setup.count, setup.steps)
    theorems = {f"task{n}.G_max": one.gradient.theorem for n, one in enumerate(readings, 1)}
    theorems |= {f"task{n}.H_max": one.hessian.theorem for n, one in enumerate(readings, 1)}
    theorems["TSK3.bound"] = found.theorem
    if contained == BY_STEPS:
        theorems["TSK3.ball"] = task_bound_theorems().ball
    return TaskLimit(found.value, slope, bend, radius, contained, theorems)


def _readings(setup: TaskSetup, work: Derivation, radius: Fraction) -> list[Reading]:
    return [in_ball(work, setup.weights, data, radius) for data in setup.data]


def _largest(readings: list[Reading]) -> tuple[Fraction, Fraction]:
    """Bounds of all tasks with few digits."""
    slope = max(one.gradient.value for one in readings)
    bend = max(one.hessian.value for one in readings)
    return _short(slope), _short(bend)


def _short(value: Fraction) -> Fraction:
    return Fraction(decimal_text(value, up=True, digits=7))


def _by_run(setup: TaskSetup) -> tuple[list[Reading], Fraction, str] | None:
    """A ball that holds the run, from its points in balls; None for large networks."""
    if not setup.is_small:
        return None
    from numerics.tasks import exact_runs
    from numerics.tasks.exact_runs import norm

    try:
        with ctx.workprec(BITS):
            runs = exact_runs(setup.exact, setup.step, setup.alpha, setup.steps)
            sizes = [norm(move).upper() for move in runs.joint[:-1]]
            if not all(size.is_finite() for size in sizes):
                return None
            far = max(float(size) for size in sizes)
            radius = _short(Fraction(math.nextafter(far, math.inf))) if far > 0 else Fraction(0)
            if any(not size <= arb(to_fmpq(radius)) for size in sizes):
                return None
    except GradlemmaError:
        return None
    work = Derivation(setup.network, setup.problem.loss)
    return _readings(setup, work, radius), radius, BY_RUN


def _by_steps(setup: TaskSetup) -> tuple[list[Reading], Fraction, str]:
    work = Derivation(setup.network, setup.problem.loss)
    rate = (setup.steps - 1) * abs(setup.alpha) * setup.step * setup.count
    radius = Fraction(0)
    for _ in range(ATTEMPTS):
        readings = _readings(setup, work, radius)
        slope, _ = _largest(readings)
        if stays_in_ball(slope, setup.alpha, setup.count, setup.step, setup.steps, radius):
            return readings, radius, BY_STEPS
        radius = _short(rate * slope * SLACK)
        if radius > LARGEST_RADIUS:
            break
    raise NoTaskBound(
        "no ball around theta_0 is known to hold the run: the bound of the gradients grows faster than its "
        f"radius, at {shown_above(radius)}; a smaller step size or fewer steps may help"
    )
