"""Exhibits of TSK: forms of the statements about task arithmetic that fail, in exact arithmetic on R.

The losses are L_t = h theta^2 / 2 with a number h for each task, unless an exhibit says otherwise.
"""

# ruff: noqa: E501 -- sentences of data are longer
from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from ._exhibit import Exhibit, Shown, require

if TYPE_CHECKING:
    from proofs.theorems.task_bound import TaskBound

__all__ = [
    "COLLAPSED_BINOMIAL", "KINK", "OPTIMAL_FACTOR", "PLUS_SIGN", "SEVERAL_STEPS", "WITHOUT_ALPHA", "merged_difference",
    "path_sum",
]  # fmt: skip

ZHOU = "Zhou et al., arXiv 2508.16082"
ONE = Fraction(1)
ETA = Fraction(1, 1000)
Slope = Callable[[Fraction], Fraction]


def quadratics(bends: Sequence[Fraction | int]) -> list[Slope]:
    """The gradients of h theta^2 / 2."""
    return [lambda theta, h=Fraction(bend): h * theta for bend in bends]


def descended(slope: Slope, start: Fraction, step: Fraction, steps: int) -> list[Fraction]:
    """theta^(0), ..., theta^(steps)."""
    points = [start]
    for _ in range(steps):
        points.append(points[-1] - step * slope(points[-1]))
    return points


def merged_difference(
    slopes: Sequence[Slope], start: Fraction, alpha: Fraction, eta: Fraction, steps: int
) -> Fraction:
    """theta_TA - theta_MT, exactly."""
    merged = start + alpha * sum(descended(slope, start, eta, steps)[-1] - start for slope in slopes)
    return merged - descended(_joint(slopes), start, alpha * eta, steps)[-1]


def _joint(slopes: Sequence[Slope]) -> Slope:
    return lambda theta: sum((slope(theta) for slope in slopes), Fraction(0))


def path_sum(
    bends: Sequence[Fraction | int], start: Fraction, alpha: Fraction, eta: Fraction, steps: int
) -> Fraction:
    """C along the multi-task run of losses h theta^2 / 2, from its definition."""
    slopes = quadratics(bends)
    points = descended(_joint(slopes), start, alpha * eta, steps)
    total = Fraction(0)
    for bend, slope in zip(bends, slopes, strict=True):
        for e in range(1, steps):
            total += bend * sum((alpha * _joint(slopes)(x) - slope(x) for x in points[:e]), Fraction(0))
    return total


def bound(alpha: Fraction, tasks: int, steps: int) -> TaskBound:
    """TSK-3 with G = H = 1, by the kernel."""
    from proofs.theorems.task_bound import task_bound

    return task_bound(1, 1, alpha, tasks, steps)


def _several_steps() -> Shown:
    from proofs.theorems.task_arithmetic import task_theorems

    slopes = quadratics((1, 1))
    two, one = (merged_difference(slopes, ONE, ONE, ETA, steps) for steps in (2, 1))
    require(two == -2 * ETA**2 and one == 0, "one step agrees and two differ by -2 eta^2")
    return Shown(
        f"L_1 = L_2 = theta^2/2, theta_0 = 1, alpha = 1, k = 2, eta = {ETA}: theta_TA - theta_MT = {two}",
        "the same with k = 1: theta_TA = theta_MT exactly",
        {"one_step": task_theorems().one_step},
    )


SEVERAL_STEPS = Exhibit(
    "several-steps",
    "Task arithmetic is multi-task training, whatever the number of steps.",
    "It is so for one full-batch step; with more the difference is of second order in eta (TSK-2).",
    _several_steps,
)


def _without_alpha() -> Shown:
    from proofs.theorems.task_arithmetic import at_steps, task_theorems

    difference = merged_difference(quadratics((1, 1)), ONE, ONE, ETA, 2)
    path = path_sum((1, 1), ONE, ONE, ETA, 2)
    require(difference == -(ETA**2) * path, "the difference is -alpha eta^2 C")
    require(abs(difference - ETA**2 * path) == 4 * ETA**2, "+eta^2 C is off by 4 eta^2")
    opposite = merged_difference(quadratics((1, 1)), ONE, -ONE, ETA, 2)
    require(opposite == ETA**2 * path_sum((1, 1), ONE, -ONE, ETA, 2), "both forms agree for alpha = -1")
    return Shown(
        f"L_1 = L_2 = theta^2/2, theta_0 = 1, alpha = 1, k = 2, eta = {ETA}: C = {path} and theta_TA - theta_MT = {difference}, "
        f"which +eta^2 C misses by 4 eta^2",
        "-alpha eta^2 C is the difference exactly, as it is for every quadratic loss with k = 2; for alpha = -1 the two forms agree",
        {"two_steps": at_steps(task_theorems().path, 2)},
    )


WITHOUT_ALPHA = Exhibit(
    "without-alpha",
    f"theta_TA - theta_MT = eta^2 C + O(eta^3) ({ZHOU}).",
    "theta_TA - theta_MT = -alpha eta^2 C + O(eta^3).",
    _without_alpha,
)


def _collapsed() -> Shown:
    tasks, steps = 2, 5
    path = path_sum((1, 1), ONE, ONE, ETA, steps)
    printed = Fraction(tasks * steps, 2) * (tasks + 1)
    require(path > printed, "the printed bound is below ||C||")
    true = bound(ONE, tasks, steps).value
    require(
        path <= true and path > Fraction(99, 100) * true, "the bound with the binomial holds, nearly attained"
    )
    smaller = path_sum((1, 1), ONE, ONE, ETA, 4)
    require(smaller <= Fraction(4 * tasks, 2) * 3, "k = 4 does not show it")
    return Shown(
        f"L_1 = L_2 = theta^2/2 on [-1, 1] (G = H = 1), theta_0 = 1, alpha = 1, k = 5, eta = {ETA}: |C| = {float(path):.4f} is "
        f"above T k/2 |alpha T + 1| = {printed}",
        f"T binom(k, 2) max(1, |alpha T - 1|) = {true}",
        {"bound": bound(ONE, tasks, steps).theorem},
    )


COLLAPSED_BINOMIAL = Exhibit(
    "collapsed-binomial",
    f"||C|| <= T (h + 2)/2 |alpha T + 1| H G with h = k - 2 ({ZHOU}).",
    "The number of pairs of steps is the binomial k (k - 1)/2.",
    _collapsed,
)


def _plus_sign() -> Shown:
    tasks, steps = 2, 3
    rows: list[str] = []
    for alpha in (Fraction(-1, 10), Fraction(-1, 2), Fraction(-1), Fraction(-3)):
        path = abs(path_sum((1, 1), ONE, alpha, ETA / 100, steps))
        pairs = Fraction(tasks * steps * (steps - 1), 2)
        # For alpha < 0 the run climbs: G is the largest |theta| along it.
        points = descended(_joint(quadratics((1, 1))), ONE, alpha * ETA / 100, steps - 1)
        largest = max(abs(point) for point in points)
        require(path > pairs * abs(alpha * tasks + 1) * largest, f"|alpha T + 1| is too small at {alpha}")
        require(path <= bound(alpha, tasks, steps).value * largest, f"|alpha T - 1| serves at {alpha}")
        rows.append(f"alpha = {alpha}: |C| = {float(path):.4f} > {pairs * abs(alpha * tasks + 1)}")
    return Shown(
        f"L_1 = L_2 = theta^2/2, theta_0 = 1, k = 3: {'; '.join(rows)} (times G)",
        "with |alpha T - 1| the bound holds for each of them",
        {"bound": bound(Fraction(-1), tasks, steps).theorem},
    )


PLUS_SIGN = Exhibit(
    "plus-sign",
    f"||C|| <= T binom(k, 2) |alpha T + 1| H G for every alpha ({ZHOU}, its binomial repaired).",
    "The factor is max(1, |alpha T - 1|), which is larger than |alpha T + 1| for every alpha < 0.",
    _plus_sign,
)


def _optimal() -> Shown:
    steps = 4
    still = path_sum((1, -1), ONE, Fraction(1, 2), ETA, steps)
    require(abs(still) == bound(Fraction(1, 2), 2, steps).value, "the factor 1 is attained")
    for tasks, alpha in ((2, Fraction(3)), (3, Fraction(-1)), (4, Fraction(1)), (1, Fraction(1, 3))):
        first = abs(path_sum((1,) * tasks, ONE, alpha, ETA, 2))
        require(first == bound(alpha, tasks, 2).value, f"|alpha T - 1| is attained with T = {tasks}")
    return Shown(
        "a factor c < 1: L_1 = theta^2/2 = -L_2, theta_0 = 1, alpha = 1/2, where the run stays at 1, attains the factor 1 for k = 4; a factor "
        "c < |alpha T - 1|: L_t = theta^2/2, theta_0 = 1, k = 2 attains it for (T, alpha) = (2, 3), (3, -1), (4, 1), (1, 1/3)",
        "max(1, |alpha T - 1|) for T >= 2 and |alpha - 1| for T = 1",
        {"bound": bound(Fraction(1, 2), 2, steps).theorem},
    )


OPTIMAL_FACTOR = Exhibit(
    "optimal-factor",
    "TSK-3 holds with a smaller factor c(alpha, T) in place of max(1, |alpha T - 1|).",
    "No smaller factor serves for all losses.",
    _optimal,
)


def _kink() -> Shown:
    from proofs.theorems.task_arithmetic import at_steps, task_theorems

    # L_1 = relu, with slope 0 at 0; L_2 = -2 theta.
    slopes: list[Slope] = [lambda theta: Fraction(int(theta > 0)), lambda theta: Fraction(-2)]
    for eta in (ETA, ETA / 10):
        on = merged_difference(slopes, Fraction(0), ONE, eta, 2)
        require(on == eta, "the difference is eta")
        off = merged_difference(slopes, Fraction(1, 10), ONE, eta, 2)
        require(off == 0, "off the kink there is no difference")
    return Shown(
        "L_1 = relu(theta) with slope 0 at 0, L_2 = -2 theta, theta_0 = 0, alpha = 1, k = 2: theta_TA - theta_MT = eta for "
        f"eta = {ETA} and {ETA / 10}, of first order, though all second derivatives are 0 where there are any",
        "from theta_0 = 1/10, where all points lie in one piece, theta_TA = theta_MT",
        {"two_steps": at_steps(task_theorems().leading, 2)},
    )


KINK = Exhibit(
    "kink",
    "TSK-2 holds for piecewise polynomial losses wherever they are differentiable along the runs.",
    "All points of all runs must lie in one piece of every loss.",
    _kink,
)
