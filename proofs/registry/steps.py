"""NSG: at which step sizes gradient descent and other optimisers send no open set to a null set."""

# ruff: noqa: E501 -- sentences of data are longer
from __future__ import annotations

from collections.abc import Mapping

from proofs.exhibits import (
    ADAPTIVE,
    CRACIUN,
    DEAD_REGION,
    EVERY_STEP,
    PROXIMAL,
    START_AT_REST,
    TWO_WELLS,
)
from proofs.kernel.core import Theorem

from ._statement import Hypothesis, Instantiation, Sampled, Statement
from .assumptions import Assumption
from .witnesses import known

__all__ = ["STATEMENTS"]

LOSS_ANALYTIC = Hypothesis(
    "loss-analytic",
    "`L` is almost everywhere analytic.",
    (Assumption.MAP_ANALYTIC,),
    can_be_dropped=False,
    why_not="it is derived for every network that can be drawn (AEA-7)",
)
OPEN = "`10^-6 - |det|` of the Jacobian, relative to its eigenvalues: above 0 where it may be 0 on an open set, which is decided exactly"


def _almost_all() -> Mapping[str, Theorem]:
    from proofs.theorems.exceptional import almost_all_steps

    return {"almost_all": almost_all_steps()}


def _both_halves() -> Mapping[str, Theorem]:
    from proofs.theorems.exceptional import exceptional_is_singular, off_exceptional_is_non_singular

    return {"off_exceptional": off_exceptional_is_non_singular(), "exceptional": exceptional_is_singular()}


def _dead() -> Mapping[str, Theorem]:
    return {
        "relu_121.singular": EVERY_STEP.show().theorems["singular"],
        **_prefixed("half_line", DEAD_REGION),
    }


def _prefixed(prefix: str, exhibit: object) -> Mapping[str, Theorem]:
    return {f"{prefix}.{name}": theorem for name, theorem in exhibit.show().theorems.items()}  # type: ignore[attr-defined]


def _optimisers() -> Mapping[str, Theorem]:
    from proofs.theorems.step_instances import optimisers, weight_decay

    return {**optimisers(), **{f"decay.{name}": theorem for name, theorem in weight_decay().items()}}


STATEMENTS = (
    Statement(
        id="NSG-1",
        title="almost every step size",
        says="If `L` is almost everywhere analytic, `G_eta: theta -> theta - eta grad L` is non-singular (preimages of null sets are "
        "null) for all eta but countably many.",
        hypotheses=(
            LOSS_ANALYTIC,
            Hypothesis("almost-every-step", "The step size is not one of countably many, which NSG-2 names."),
        ),
        source=f"{CRACIUN}, Theorem 1, Proposition 11 and Corollary 12",
        established="derived by kernel rules about sets and steps: zero sets of analytic functions, local diffeomorphisms",
        instantiate=Instantiation(
            "gradlemma derive NSG-1 --problem examples/relu_121.yaml --format md",
            "from proofs.theorems.exceptional import almost_all_steps\n"
            "from proofs.typeset import claim_latex\n"
            "print(claim_latex(almost_all_steps().claim))",
        ),
        theorems=_almost_all,
        sampling=Sampled(OPEN),
        counterexamples=known("NSG-1"),
        exhibits=(EVERY_STEP, TWO_WELLS),
    ),
    Statement(
        id="NSG-2",
        title="exceptional step sizes, exactly",
        says="`E(L)` holds the eta for which `det(I - eta Hess L) = 0` on all of a component of D(L), that is `1/lambda` for the "
        "eigenvalues lambda that the Hessian has everywhere there.  If L is almost everywhere analytic, `G_eta` is non-singular "
        "for eta not in E(L), and for eta in E(L) it is singular: an open set goes to a null set.",
        hypotheses=(
            LOSS_ANALYTIC,
            Hypothesis(
                "not-exceptional",
                "eta is not in E(L) (the first half).",
                (Assumption.STEP_NOT_EXCEPTIONAL,),
            ),
            Hypothesis("exceptional", "eta is in E(L) (the second half).", (Assumption.STEP_EXCEPTIONAL,)),
        ),
        source="[gradlemma]",
        established="derived by kernel rules about sets and steps: zero sets of analytic functions, local diffeomorphisms, Sard",
        instantiate=Instantiation(
            "gradlemma derive NSG-2 --problem examples/relu_121.yaml --format md",
            "from proofs.theorems.exceptional import exceptional_is_singular\n"
            "from proofs.typeset import claim_latex\n"
            "print(claim_latex(exceptional_is_singular().claim))",
        ),
        theorems=_both_halves,
        sampling=Sampled(
            f"at step sizes that are derived not to be exceptional, {OPEN}; at exceptional ones `|det|` in the pattern that is named"
        ),
        counterexamples=known("NSG-2"),
        exhibits=(EVERY_STEP, TWO_WELLS),
    ),
    Statement(
        id="NSG-2-dead",
        title="dead regions collapse at 1",
        says="For a network with one hidden layer of ReLU units, a trained output bias and half_mse (halved, mean over samples, sum "
        "over outputs), `det(I - eta Hess L) = 0` at eta = 1 wherever all hidden units are dead for every sample.  There are such "
        "points if the hidden layer has biases, or the data lie in an open half-space; then G_1 is singular.",
        hypotheses=(
            Hypothesis(
                "halved-loss",
                "The loss is half the squared error, averaged over samples: with `mse` the eigenvalue is 2.",
            ),
            Hypothesis("output-bias", "The output layer has a trained bias."),
            Hypothesis("dead-units", "Every hidden pre-activation is below 0 for every sample."),
            Hypothesis("step-one", "eta = 1."),
            Hypothesis(
                "region-exists",
                "The hidden layer has biases, or the data lie in an open half-space.",
                can_be_dropped=False,
                why_not="without it there are no points to draw; the exhibit `dead-region` has such a network, which is not singular",
            ),
        ),
        source="[gradlemma]",
        established="derived by kernel rules for given networks (Sard); printed for 1-2-1, and for 1-1-1 with an output bias alone",
        instantiate=Instantiation(
            "gradlemma derive NSG-2-dead --format md",
            "from proofs.exhibits import DEAD_REGION\nshown = DEAD_REGION.show()\nprint(shown.fails)\nprint(shown.holds)",
        ),
        theorems=_dead,
        sampling=Sampled("`|det(I - Hess L)|`, which is 0, at points of the dead region"),
        counterexamples=known("NSG-2-dead"),
        exhibits=(DEAD_REGION,),
    ),
    Statement(
        id="NSG-3",
        title="other optimisers",
        says="Heavy-ball `(theta, v) -> (theta + v', v')`, `v' = beta v - eta grad L`, is non-singular on pairs (theta, v) for every "
        "eta and `beta != 0`; Nesterov's method where gradient descent is; fixed schedules and batches, one after the other, if each "
        "step is; weight decay w at all eta but `1/(lambda + w)`, lambda a constant eigenvalue, 0 included; the proximal map for every "
        "eta if L is analytic on all of Theta.",
        hypotheses=(
            LOSS_ANALYTIC,
            Hypothesis("momentum", "`beta != 0`."),
            Hypothesis(
                "spread-velocity",
                "Starts are pairs (theta, v) off a null set; runs from `v_0 = 0` start in one.",
            ),
            Hypothesis(
                "not-exceptional",
                "eta is not in E(L), each eta of a schedule (Nesterov's method, schedules).",
                (Assumption.STEP_NOT_EXCEPTIONAL,),
                can_be_dropped=False,
                why_not="a schedule of one step is gradient descent; attack NSG-2",
                instead=(),
            ),
            Hypothesis(
                "fixed-steps",
                "Step sizes do not depend on theta.",
                can_be_dropped=False,
                why_not="the exhibit `adaptive` has step sizes, none of them exceptional, that send an interval to one point",
            ),
            Hypothesis(
                "analytic-everywhere",
                "L is analytic on all of Theta (the proximal map).",
                (Assumption.MAP_ANALYTIC_EVERYWHERE,),
                can_be_dropped=False,
                why_not="proximal points of a loss with kinks are not computed by a gradient step; the exhibit `proximal-kinks` has them",
            ),
        ),
        source=f"[gradlemma]; fixed schedules {CRACIUN}",
        established="derived by kernel rules about steps: Fubini, compositions, smooth images; weight decay for a given network",
        instantiate=Instantiation(
            "gradlemma derive NSG-3 --format md",
            "from proofs.theorems.step_instances import optimisers\n"
            "from proofs.typeset import claim_latex\n"
            "for name, theorem in optimisers().items():\n"
            "    print(name, claim_latex(theorem.claim))",
        ),
        theorems=_optimisers,
        sampling=Sampled(
            "`|beta|^P` over `|det|` of the Jacobian in (theta, v), times `|det(I - eta Hess L)|` for Nesterov's method, minus 1"
        ),
        counterexamples=known("NSG-3"),
        exhibits=(START_AT_REST, PROXIMAL, ADAPTIVE),
    ),
)
