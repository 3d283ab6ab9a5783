"""Hypotheses and factors that several statements share."""

# ruff: noqa: E501 -- sentences of data are longer
from __future__ import annotations

from ._statement import Hypothesis
from .assumptions import Assumption

__all__ = [
    "ACTIVATION_CONSTANTS", "BIAS_NORMS", "CONTINUITY", "EIGENVECTOR", "FACTOR_SQRT2", "FRESH_PARAMETERS",
    "INPUT_NORM", "NODE_NORM", "NONNEGATIVE_CONSTANTS", "TARGETS", "TARGET_NORM", "TARGET_RANGE", "WEIGHT_NORMS",
    "off_kinks",
]  # fmt: skip

WEIGHT_NORMS = Hypothesis(
    "weight-norms", "`||W_l|| <= s_l` (spectral norm) for every layer.", (Assumption.WEIGHT_NORM,)
)
BIAS_NORMS = Hypothesis(
    "bias-norms", "`||b_l|| <= c_l` for every layer with a bias.", (Assumption.BIAS_NORM,)
)
INPUT_NORM = Hypothesis("input-norm", "`||x_i|| <= M` for every sample.", (Assumption.INPUT_NORM,))
TARGET_NORM = Hypothesis("target-norm", "`||y_i|| <= M_y` for every sample.", (Assumption.TARGET_NORM,))
TARGET_RANGE = Hypothesis(
    "target-range",
    "The entries of every target lie in [0, 1] (binary cross-entropy).",
    (Assumption.TARGET_RANGE,),
)
TARGETS = Hypothesis(
    "targets",
    "Every target is a probability vector (softmax cross-entropy).",
    (Assumption.TARGET_SIMPLEX,),
)
NODE_NORM = Hypothesis(
    "node-norm", "The node that the row reads has norm `||h|| <= a`.", (Assumption.NODE_NORM,)
)
FRESH_PARAMETERS = Hypothesis(
    "fresh-parameters",
    "No weight is used twice: the blocks `u_g` of a direction are independent and "
    "`||u||^2` is the sum of all `||u_g||^2`.",
)
CONTINUITY = Hypothesis(
    "continuity",
    "The activation is continuous where the secant slope `|phi(t) - phi(0)|/|t|` is bounded by `sup|phi'|`.",
    can_be_dropped=False,
    why_not="the step that needs it is the secant bound of ACT; attack it there",
)
ACTIVATION_CONSTANTS = Hypothesis(
    "activation-constants",
    "`|phi(0)|`, `|phi'|` and `|phi''|` are at most the constants that stand in the bound, one-sided "
    "limits included.",
    (Assumption.VALUE_AT_ZERO, Assumption.SLOPE, Assumption.BEND),
    can_be_dropped=False,
    why_not="for a given activation these constants are derived, not assumed; attack ACT",
)
NONNEGATIVE_CONSTANTS = Hypothesis(
    "nonnegative-constants",
    "The constants that bound norms are at least 0.",
    (Assumption.NONNEGATIVE,),
    can_be_dropped=False,
    why_not="no norm is at most a constant below 0, so there is no instance to draw",
)
EIGENVECTOR = Hypothesis(
    "eigenvector",
    "`K v <= lambda v` for a vector `v > 0` (in the printed instance `v = (1, nu)`, `rho = 1/nu`).",
    (Assumption.EIGENVECTOR,),
    can_be_dropped=False,
    why_not="`lambda` is computed from `K` together with `v`; a smaller number is not the bound that is stated",
)
FACTOR_SQRT2 = Hypothesis(
    "factor-sqrt2", "The factor `sqrt(2)`, which bounds `||p - y||` of cross-entropy.", is_factor=True
)


def off_kinks(*instead: str) -> Hypothesis:
    """That all nodes are twice differentiable; `instead` are hypotheses that can be attacked."""
    return Hypothesis(
        "off-kinks",
        "Every node is twice differentiable in the parameters at `theta` for every sample; void where the "
        "activation is analytic.",
        (Assumption.TWICE_DIFFERENTIABLE,),
        can_be_dropped=False,
        why_not="it holds at almost every `theta`: no sampling hits the null set where it fails",
        instead=instead,
    )
