"""BND: bounds of the gradient and the Hessian of the mean loss, and their readings."""

# ruff: noqa: E501 -- sentences of data are longer
from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from proofs.kernel.core import Theorem

from ._statement import Hypothesis, Instantiation, Sampled, Statement
from .assumptions import Assumption
from .hypotheses import (
    ACTIVATION_CONSTANTS,
    BIAS_NORMS,
    CONTINUITY,
    EIGENVECTOR,
    FACTOR_SQRT2,
    FRESH_PARAMETERS,
    INPUT_NORM,
    NONNEGATIVE_CONSTANTS,
    TARGET_NORM,
    TARGET_RANGE,
    TARGETS,
    WEIGHT_NORMS,
    off_kinks,
)
from .witnesses import known

__all__ = ["STATEMENTS"]

MARGIN = "`||grad L|| / G_max - 1` and `||Hess L|| / H_max - 1`"
PYTHON = (
    "from gradlemma import Dense, Network, bounds\n"
    'net = Network.of(1, Dense(1, bias=False), "relu", Dense(1, bias=False))\n'
)


def _worst_case() -> Mapping[str, Theorem]:
    from proofs.network import Dense, Loss, Network
    from proofs.theorems.bounds import Box, Derivation
    from proofs.theorems.two_layers import two_layer_bounds

    one = Fraction(1)
    network = Network.of(1, Dense(1), "relu", Dense(1))
    box = Box((one, one), (one, one))
    reading = Derivation(network, Loss.HALF_MSE).worst_case(box, one, one)
    labels = Derivation(network, Loss.BCE).worst_case(box, one)
    return {
        **two_layer_bounds(),
        "relu_bce.G_max": labels.gradient.theorem,
        "relu_half_mse.G_max": reading.gradient.theorem,
        "relu_half_mse.H_max": reading.hessian.theorem,
    }


def _joint() -> Mapping[str, Theorem]:
    # Two and three classes; the plain bounds stand beside them.
    from proofs.network import Dense, Loss, Network
    from proofs.theorems.bounds import Box, Derivation

    one = Fraction(1)
    found: dict[str, Theorem] = {}
    for classes, name in ((2, "two_classes"), (3, "three_classes")):
        work = Derivation(Network.of(1, Dense(2), "silu", Dense(classes)), Loss.CROSS_ENTROPY)
        reading = work.worst_case(Box((one, one), (one, one)), one, refine=True)
        if reading.refined is not None:
            found[f"{name}.H_max_refined"] = reading.refined.theorem
            found[f"{name}.H_max"] = reading.hessian.theorem
    return found


def _closed_form() -> Mapping[str, Theorem]:
    from proofs.theorems.bnd2 import symbolic_bounds

    smooth, kinked = symbolic_bounds(), symbolic_bounds("relu")
    found = {
        "G_max": smooth.gradient,
        "H_max": smooth.hessian,
        "relu.G_max": kinked.gradient,
        "relu.H_max": kinked.hessian,
    }
    sums = {"sum": smooth.closed_sum, "sum_at_one": smooth.sum_at_one}
    return found | {name: theorem for name, theorem in sums.items() if theorem is not None}


def _readings() -> Mapping[str, Theorem]:
    from proofs.kernel.tensors import ExactTensor
    from proofs.network import Dense, Loss, Network
    from proofs.theorems.bounds import Data, Derivation
    from proofs.theorems.readings import at_residuals, at_weights, in_ball

    def scalar(value: Fraction, dimensions: int) -> ExactTensor:
        return ExactTensor.from_fractions((1,) * dimensions, (value,))

    one, half = Fraction(1), Fraction(1, 2)
    work = Derivation(Network.of(1, Dense(1), "relu", Dense(1)), Loss.HALF_MSE)
    weights = (scalar(one, 2), scalar(half, 1), scalar(one, 2), scalar(half, 1))
    data = Data(scalar(one, 2), scalar(half, 2))
    readings = (
        at_weights(work, weights, data),
        at_residuals(work, weights, data),
        in_ball(work, weights, data, Fraction(1, 10)),
    )
    found: dict[str, Theorem] = {}
    for reading in readings:
        found[f"{reading.name.value}.G_max"] = reading.gradient.theorem
        found[f"{reading.name.value}.H_max"] = reading.hessian.theorem
    return found


STATEMENTS = (
    Statement(
        id="BND-1",
        title="gradient and Hessian over a box",
        says="For a feed-forward network, a loss of LOSS, all weights in the box and all data in range, the mean "
        "loss L has `||grad L|| <= G_max = g ||j||_2` and `||Hess L|| <= H_max`, `H_max` at least "
        "`lambda_max(h j j^T + g K)`, with j and K from the rows of JET.",
        hypotheses=(
            WEIGHT_NORMS,
            BIAS_NORMS,
            INPUT_NORM,
            TARGETS,
            TARGET_RANGE,
            TARGET_NORM,
            FRESH_PARAMETERS,
            ACTIVATION_CONSTANTS,
            CONTINUITY,
            EIGENVECTOR,
            NONNEGATIVE_CONSTANTS,
            off_kinks("weight-norms", "bias-norms", "input-norm", "targets", "fresh-parameters"),
            FACTOR_SQRT2,
        ),
        source="[gradlemma]; contains the feed-forward bounds of Zhou et al., arXiv 2508.16082",
        established="derived by kernel rules from JET, LOSS and ACT; printed for two layers in symbols and for "
        "the network 1-1-1 with relu in numbers; with an activation whose constants need balls it relies on them",
        instantiate=Instantiation(
            "gradlemma derive BND-1 --problem examples/minimal.yaml --format md",
            PYTHON + 'found = bounds(net, "half_mse", input_norm=1, target_norm=1, weight_norms=[1, 1], '
            "bias_norms=[0, 0])\n"
            "print(found.gradient.value, found.hessian.value)",
        ),
        theorems=_worst_case,
        sampling=Sampled(MARGIN + " at weights in the box and data in range"),
        counterexamples=known("BND-1"),
    ),
    Statement(
        id="BND-1-joint",
        title="joint refinement for softmax cross-entropy",
        says="In BND-1 with softmax cross-entropy the largest g and h are not attained together: with `N = ||p - y||`, "
        "`||Hess L||` is at most the largest of `lambda_max(min(1/2, 2 - N^2) j j^T + N K)` over `0 <= N <= sqrt(2)`; with "
        "two classes and `x = ||p - (1/2, 1/2)||`, of `lambda_max((1/2 - x^2) j j^T + (x + sqrt(1/2)) K)` over "
        "`0 <= x <= sqrt(1/2)`.",
        hypotheses=(
            WEIGHT_NORMS,
            BIAS_NORMS,
            INPUT_NORM,
            TARGETS,
            FRESH_PARAMETERS,
        ),
        source="[gradlemma]",
        established="derived by kernel rules from JET, LOSS and ACT, interval by interval of N; printed for networks "
        "1-2-2 and 1-2-3 with silu in numbers",
        instantiate=Instantiation(
            "gradlemma derive BND-1-joint --problem examples/refined.yaml --format md",
            "from gradlemma import Dense, Network, bounds\n"
            'net = Network.of(1, Dense(2), "tanh", Dense(3))\n'
            'found = bounds(net, "cross_entropy", input_norm=1, weight_norms=[1, 1], bias_norms=[1, 1], refine=True)\n'
            "print(float(found.worst_case.refined.value), float(found.hessian.value))",
        ),
        theorems=_joint,
        sampling=Sampled("`||Hess L|| / H_max_refined - 1` at weights in the box and data in range"),
        counterexamples=known("BND-1-joint"),
    ),
    Statement(
        id="BND-2",
        title="closed form for uniform weight norms",
        says="For every number `L = n + 1 >= 2` of layers without biases, `||W_l|| <= s`, `phi(0) = 0`, "
        "`|phi'| <= beta`, `|phi''| <= gamma`, softmax cross-entropy and `||x_i|| <= M`, `||grad L|| <= G_max` and "
        "`||Hess L|| <= H_max` with closed forms in s, beta, gamma, M and n; the sum in `H_max` has a closed form too.",
        hypotheses=(
            WEIGHT_NORMS,
            INPUT_NORM,
            TARGETS,
            FRESH_PARAMETERS,
            ACTIVATION_CONSTANTS,
            NONNEGATIVE_CONSTANTS,
            Hypothesis(
                "unit-rate",
                "`beta s = 1`, in the second form of the sum alone; where it fails the first form gives the sum.",
                (Assumption.UNIT_RATE,),
                can_be_dropped=False,
                why_not="the other case is stated as well",
            ),
            off_kinks("weight-norms", "input-norm", "targets", "fresh-parameters"),
            FACTOR_SQRT2,
        ),
        source="the setting of Zhou et al., arXiv 2508.16082, Theorem 2; constants [gradlemma]",
        established="derived by kernel rules: induction over the layers, then LOSS",
        instantiate=Instantiation(
            "gradlemma derive BND-2 --format md",
            "from proofs.theorems.bnd2 import symbolic_bounds, uniform_bounds\n"
            "from proofs.typeset import claim_latex\n"
            'for found in (symbolic_bounds(), uniform_bounds(4, "tanh")):\n'
            "    print(claim_latex(found.gradient.claim))\n"
            "    print(claim_latex(found.hessian.claim))",
        ),
        theorems=_closed_form,
        sampling=Sampled(MARGIN + " at weights with `||W_l|| <= s` and data with `||x_i|| <= M`"),
        counterexamples=known("BND-2"),
    ),
    Statement(
        id="BND-3",
        title="readings at given weights and in a ball",
        says="BND-1 with other numbers: at the given weights and data with the actual norms and values, averaged "
        "over the samples; with each sample's actual residual; and for all parameters within a radius of the "
        "given ones.",
        hypotheses=(
            Hypothesis(
                "given-weights",
                "The parameters are the given ones (in a ball: its centre is).",
                (Assumption.GIVEN_WEIGHTS,),
                can_be_dropped=False,
                why_not="the bound is a number for these weights; at others it is another number",
            ),
            Hypothesis(
                "given-data",
                "The samples are the given ones.",
                (Assumption.GIVEN_DATA,),
                can_be_dropped=False,
                why_not="the bound is a number for these data; for others it is another number",
            ),
            Hypothesis(
                "ball-radius", "`||theta - theta_0|| <= rho` (reading in a ball).", (Assumption.IN_BALL,)
            ),
            FRESH_PARAMETERS,
            Hypothesis(
                "continuity",
                "The activation is continuous (reading in a ball: distances of nodes are bounded by slopes).",
                can_be_dropped=False,
                why_not="the reading in a ball is refused for an activation that jumps",
            ),
            off_kinks("ball-radius", "fresh-parameters"),
        ),
        source="[gradlemma]",
        established="derived by kernel rules; values at the data in balls; printed for the network 1-1-1 with relu",
        instantiate=Instantiation(
            "gradlemma derive BND-3 --problem examples/toy_relu.yaml --format md",
            PYTHON + 'found = bounds(net, "half_mse", x=[["9/10"]], y=[["9/10"]], weights=[[[1]], [[1]]], '
            'radius="1/100")\n'
            "print(found.at_weights.gradient.value, found.ball.gradient.value)",
        ),
        theorems=_readings,
        sampling=Sampled(MARGIN + " at the given weights, or at points of the ball"),
        counterexamples=known("BND-3"),
    ),
)
