"""Exhibits of NSG: step sizes at which a map of an optimiser sends an open set to a null set."""

# ruff: noqa: E501 -- sentences of data are longer
from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from flint import fmpq, fmpq_mat

from ._exhibit import Exhibit, ExhibitFailed, Shown, require
from .analyticity import CRACIUN

if TYPE_CHECKING:
    from proofs.kernel.core import Theorem
    from proofs.theorems.step_sizes import StepVerdict

__all__ = ["ADAPTIVE", "DEAD_REGION", "EVERY_STEP", "PROXIMAL", "START_AT_REST", "TWO_WELLS"]

SINGULAR, NON_SINGULAR = "singular", "nonsingular"


def _theorem(verdict: StepVerdict, status: str) -> Theorem:
    """The theorem of a verdict that must be this one."""
    if verdict.status.value != status or verdict.theorem is None:
        raise ExhibitFailed(f"expected {status} at {verdict.step!r} but got {verdict.reason}")
    return verdict.theorem


def _every_step() -> Shown:
    from proofs.kernel.maps import StepNumber
    from proofs.theorems.analyticity_instances import relu_121
    from proofs.theorems.step_instances import studied

    found = studied(relu_121())
    one, half = (found.verdict(StepNumber(q)) for q in (fmpq(1), fmpq(1, 2)))
    return Shown(
        f"the network 1-2-1 with ReLU and biases, half_mse, two samples: at eta = 1 {one.reason}",
        f"at eta = 1/2 {half.reason}",
        {"singular": _theorem(one, SINGULAR), "non_singular": _theorem(half, NON_SINGULAR)},
    )


EVERY_STEP = Exhibit(
    "every-step",
    "If L is almost everywhere analytic, gradient descent is non-singular for every step size.",
    "It is so for all step sizes but countably many; which these are is NSG-2.",
    _every_step,
)


def _two_wells() -> Shown:
    from proofs.kernel.maps import StepNumber
    from proofs.theorems.step_instances import scalar_loss, studied, two_wells

    found = studied(scalar_loss(two_wells()))
    steps = {step.step for step in found.exceptional() if step.verdict.status.value == SINGULAR}
    require(found.complete and steps == {StepNumber(fmpq(1, 2))}, "1/2 alone is exceptional")
    half, one = (found.verdict(StepNumber(q)) for q in (fmpq(1, 2), fmpq(1)))
    return Shown(
        "L = t^4/2 - 3 t^2 + 8 for |t| <= 2 and t^2 beyond, continuously differentiable: eta = 1/2 sends |t| > 2 to 0",
        "1/2 is its only exceptional step size > 0; eta = 1 is non-singular",
        {"singular": _theorem(half, SINGULAR), "non_singular": _theorem(one, NON_SINGULAR)},
    )


TWO_WELLS = Exhibit(
    "two-wells",
    "Gradient descent on a continuously differentiable, piecewise polynomial loss is non-singular for every step size.",
    f"One quadratic piece with a constant eigenvalue makes its inverse exceptional ({CRACIUN}, Figure 1).",
    _two_wells,
)


def _dead_region() -> Shown:
    from proofs.kernel.maps import StepNumber
    from proofs.network import Architecture, Dense, Loss, Network
    from proofs.network.lowering_losses import loss_on
    from proofs.theorems.step_instances import studied

    one = StepNumber(fmpq(1))
    network = Architecture.of_network(Network.of(1, Dense(1, bias=False), "relu", Dense(1)))
    both = studied(loss_on(network, Loss.HALF_MSE, ((-1,), (1,)), ((0,), (1,)))).verdict(one)
    half_line = studied(loss_on(network, Loss.HALF_MSE, ((1,), (2,)), ((0,), (1,)))).verdict(one)
    return Shown(
        "1-1-1 with ReLU and an output bias alone, inputs -1 and 1: no weight makes the unit dead for both, and "
        f"eta = 1 is non-singular ({both.reason})",
        f"with inputs 1 and 2, on one side of 0, {half_line.reason} at eta = 1",
        {"non_singular": _theorem(both, NON_SINGULAR), "singular": _theorem(half_line, SINGULAR)},
    )


DEAD_REGION = Exhibit(
    "dead-region",
    "At eta = 1 every ReLU network with an output bias and half_mse is singular.",
    "It is so where all units of a hidden layer are dead for every sample on an open set: biases in a hidden layer, two "
    "hidden layers, or data in an open half-space.",
    _dead_region,
)


def _at_rest() -> Shown:
    from proofs.kernel.map_hessians import exact_hessian
    from proofs.kernel.map_polynomials import polynomial_hessian, polynomial_values
    from proofs.kernel.maps import StepNumber
    from proofs.theorems.analyticity_instances import relu_121
    from proofs.theorems.exceptional import heavy_ball_is_non_singular
    from proofs.theorems.map_analyticity import Analyticity, Route
    from proofs.theorems.step_instances import studied

    half = fmpq(1, 2)
    found = studied(relu_121())
    collapsing = found.verdict(StepNumber(fmpq(1))).pattern
    if collapsing is None or collapsing.point is None:
        raise ExhibitFailed("expected the dead region to be found")
    case = collapsing.case
    (polynomial,) = polynomial_values(case)[case]
    flat = all(
        entry.is_constant() or len(entry) == 0 for row in polynomial_hessian(polynomial) for entry in row
    )
    require(flat, "the loss is quadratic in the dead region")
    hessian = exact_hessian(case, collapsing.point)[2]
    two = two_steps_at_rest(hessian, half, half)
    require(two.det() == 0, "two steps from rest are singular")
    pushed = one_step(hessian, half)
    require(pushed.det() != 0, "one step from rest is not singular")
    theorem = heavy_ball_is_non_singular(
        Analyticity(Route.SCALAR).almost_everywhere(relu_121()), StepNumber(half), half
    )
    return Shown(
        "heavy-ball with eta = beta = 1/2 from v = 0 in the dead region of 1-2-1: the loss is quadratic there, the first "
        "step halves the output bias (less the mean target) and the second makes it 0, whatever it was: det = 0",
        "on (theta, v) heavy-ball is non-singular for every eta, beta != 0; runs from rest start in a null set",
        {"on_positions_and_velocities": theorem},
    )


def one_step(hessian: fmpq_mat, eta: fmpq) -> fmpq_mat:
    """I - eta H: the Jacobian of theta_0 -> theta_1."""
    size = hessian.nrows()
    identity = fmpq_mat(size, size, [fmpq(int(i == j)) for i in range(size) for j in range(size)])
    return identity - hessian * eta


def two_steps_at_rest(hessian: fmpq_mat, eta: fmpq, beta: fmpq) -> fmpq_mat:
    """The Jacobian of theta_0 -> theta_2 of heavy-ball from v_0 = 0, the Hessian being H all along."""
    first = one_step(hessian, eta)
    velocity = hessian * -eta * beta - hessian * first * eta
    return first + velocity


START_AT_REST = Exhibit(
    "start-at-rest",
    "Runs of heavy-ball from v_0 = 0 send no open set of theta_0 to a null set, whatever eta.",
    "The map on (theta, v) is non-singular for every eta, which says nothing of the null set v_0 = 0.",
    _at_rest,
)


def _proximal() -> Shown:
    from proofs.kernel.maps import StepNumber
    from proofs.network import activation
    from proofs.theorems.exceptional import proximal_is_non_singular
    from proofs.theorems.map_analyticity import Analyticity, Route
    from proofs.theorems.step_instances import scalar_loss

    eta = Fraction(1, 3)
    grid = [Fraction(k, 24) for k in range(-48, 49)]
    inside = [theta for theta in grid if abs(theta) <= eta]
    # |p| + (p - theta)^2 / (2 eta) is least at p = 0, as |p| (1 - |theta| / eta) >= 0.
    for theta in inside:
        least = theta**2 / (2 * eta)
        others = (abs(p) + (p - theta) ** 2 / (2 * eta) for p in grid if p != 0)
        require(all(value > least for value in others), f"the proximal point of {theta} is 0")
    require(len(inside) == 17, "17 points of the grid are in [-1/3, 1/3]")
    smooth = scalar_loss(activation("softplus"))
    theorem = proximal_is_non_singular(Analyticity(Route.SCALAR).everywhere(smooth), StepNumber(fmpq(1, 3)))
    return Shown(
        f"L = |t|, eta = 1/3: the proximal point of each of {len(inside)} points of [-1/3, 1/3] is 0 (all of a grid compared, "
        "exactly), as |p| + (p - t)^2/(2 eta) is least at p = 0 where |t| <= eta",
        "L = log(1 + exp t) is analytic, and its proximal map is non-singular for every eta",
        {"softplus": theorem},
    )


PROXIMAL = Exhibit(
    "proximal-kinks",
    "The proximal map of an almost everywhere analytic loss is non-singular for every eta.",
    "It is so where the loss is analytic on all of R^P; with kinks an open set may go to one point.",
    _proximal,
)


def _adaptive() -> Shown:
    from proofs.kernel.maps import StepNumber
    from proofs.network import activation
    from proofs.theorems.exceptional import schedule_is_non_singular
    from proofs.theorems.step_instances import scalar_loss, studied

    found = studied(scalar_loss(activation("square")))
    # L = t^2: grad = 2 t and E = {1/2}.  eta(t) = 1/2 - 1/(8 t) is never 1/2, and sends t > 0 to 1/4.
    points = [Fraction(k, 16) for k in range(17, 32)]
    steps = [Fraction(1, 2) - 1 / (8 * t) for t in points]
    images = {t - eta * 2 * t for t, eta in zip(points, steps, strict=True)}
    require(images == {Fraction(1, 4)}, "all points go to 1/4")
    verdicts = [
        found.verdict(StepNumber(fmpq(eta.numerator, eta.denominator))) for eta in (steps[0], steps[-1])
    ]
    theorems = [_theorem(verdict, NON_SINGULAR) for verdict in verdicts]
    return Shown(
        "L = t^2 with the step size eta(t) = 1/2 - 1/(8 t), which is never exceptional (E = {1/2}): every t of (1, 2) goes to "
        "1/4; computed at 15 rational points",
        f"the fixed step sizes {steps[0]} and {steps[-1]}, one after the other, are non-singular",
        {"schedule": schedule_is_non_singular(*theorems)},
    )


ADAPTIVE = Exhibit(
    "adaptive",
    f"Adaptive variants of gradient descent are non-singular ({CRACIUN}, corollary; the argument is for fixed schedules).",
    "Step sizes that are fixed before, each not exceptional, give a non-singular composition; a step size that depends on "
    "theta is not covered.",
    _adaptive,
)
