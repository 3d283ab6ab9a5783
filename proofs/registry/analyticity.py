"""AEA: which maps of the parameters are almost everywhere analytic."""

# ruff: noqa: E501 -- sentences of data are longer
from __future__ import annotations

from collections.abc import Mapping

from proofs.exhibits import CRACIUN, GENERIC_DATA, OTHER_ORDER
from proofs.kernel.core import Theorem

from ._statement import Hypothesis, Instantiation, NotSampled, Statement
from .assumptions import Assumption

__all__ = ["STATEMENTS"]

NULL_SETS = NotSampled(
    "its claim is that a set of points is null: points that are drawn lie off it, whether it is null or not",
    ("NSG-1", "NSG-2"),
)
DERIVED = "derived by kernel rules about sets"


def _assumed(name: str, says: str, kind: Assumption, why_not: str) -> Hypothesis:
    return Hypothesis(name, says, (kind,), can_be_dropped=False, why_not=why_not)


def _analytic_map(letter: str) -> Hypothesis:
    return _assumed(
        "map-analytic",
        f"`{letter}` is almost everywhere analytic.",
        Assumption.MAP_ANALYTIC,
        "for a given network it is derived, map by map; without it nothing is known of the argument",
    )


OUTER = _assumed(
    "outer-analytic",
    "`sigma: R^n -> R^k` is almost everywhere analytic (c1).",
    Assumption.OUTER_ANALYTIC,
    "no network that can be drawn has another function; a network with one identity layer and a sigma that is "
    "analytic nowhere is analytic nowhere",
)
FRESH = _assumed(
    "fresh-block",
    "`h` does not depend on the trained matrix W (with a bias: `W h` not on b), which is not masked or shared (c2).",
    Assumption.FRESH_BLOCK,
    "that no theorem holds without it is shown by the exhibit `generic-data`: a shared kernel, `k -> w(k)`",
)


def _layer() -> Mapping[str, Theorem]:
    from proofs.theorems.layer_analyticity import biased_layer, split_layer, zero_boundary

    split = split_layer()
    return {
        "bad_points": split.bad,
        "nice_zeros": split.nice_zeros,
        "nice_nonzeros": split.nice_nonzeros,
        "layer": split.analytic,
        "zero_boundary": zero_boundary(split.analytic),
        "biased_layer": biased_layer(),
    }


def _analytic_after() -> Mapping[str, Theorem]:
    from proofs.theorems.analyticity import analytic_after

    return {"composition": analytic_after()}


def _other_order() -> Mapping[str, Theorem]:
    # What holds in any order: the composition is analytic where p is, off the points that p sends to S(g).
    from proofs.kernel.core import infer
    from proofs.kernel.maps import Opaque
    from proofs.kernel.rules.analytic import CompositionSingular
    from proofs.theorems.analyticity import VECTOR

    # f of the counterexample is 0 off the line y = 0, which is null.
    line = OTHER_ORDER.show().theorems["line"]
    return {"composition": infer(CompositionSingular(Opaque("f", VECTOR, (1,)))), "line": line}


def _convolution() -> Mapping[str, Theorem]:
    from proofs.theorems.analyticity_instances import convolution_analytic
    from proofs.theorems.layer_analyticity import rank_lemma

    return {"by_rank": rank_lemma().analytic, "instance": convolution_analytic((1, 2, 5))}


def _attention() -> Mapping[str, Theorem]:
    from proofs.theorems.analyticity_instances import attention_analytic

    return {"attention": attention_analytic()}


def _scalar() -> Mapping[str, Theorem]:
    from proofs.kernel.univariate import Unspecified
    from proofs.theorems.analyticity import entrywise_composition, scalar_composition
    from proofs.theorems.layer_analyticity import rank_lemma

    function, rank = Unspecified("sigma"), rank_lemma()
    return {
        "scalar": scalar_composition(function),
        "entrywise": entrywise_composition(function),
        "rank.component": rank.component,
        "rank.off_null": rank.off_null,
    }


def _empirical() -> Mapping[str, Theorem]:
    from proofs.theorems.analyticity_instances import empirical_loss_analytic

    return empirical_loss_analytic()


def _singular_set() -> Mapping[str, Theorem]:
    from proofs.theorems.analyticity_instances import singular_set

    return singular_set()


def _python(module: str, call: str) -> str:
    return (
        f"from proofs.theorems.{module} import {call.partition('(')[0]}\n"
        "from proofs.typeset import claim_latex\n"
        f"print(claim_latex({call}.claim))"
    )


STATEMENTS = (
    Statement(
        id="AEA-1",
        title="layered chain rule",
        says="`sigma(W h)` is almost everywhere analytic, and the boundary of its zero set is null, if `h` is almost everywhere "
        "analytic, W is a trained matrix that h does not depend on, and sigma is an almost everywhere analytic map of several "
        "variables.  Theta is split into bad points (S(h) and the boundary of `{h = 0}`), nice zeros and nice non-zeros.  With "
        "a trained bias no zeros are split off.  By induction it holds for networks of such layers.",
        hypotheses=(_analytic_map("h"), OUTER, FRESH),
        source=f"{CRACIUN}, Propositions 6 and 7",
        established=f"{DERIVED}: zero sets of analytic functions, submersions",
        instantiate=Instantiation(
            "gradlemma derive AEA-1 --problem examples/toy_relu.yaml --format md",
            _python("layer_analyticity", "biased_layer()"),
        ),
        theorems=_layer,
        sampling=NULL_SETS,
        exhibits=(GENERIC_DATA,),
    ),
    Statement(
        id="AEA-2",
        title="analytic functions of almost everywhere analytic maps",
        says="If `h` is almost everywhere analytic and g is analytic, then so is `g(h)` almost everywhere.",
        hypotheses=(
            _analytic_map("h"),
            _assumed(
                "outer-analytic",
                "`g` is analytic on all of R^n.",
                Assumption.OUTER_ANALYTIC,
                "almost everywhere is not enough, as AEA-3 shows",
            ),
        ),
        source=f"{CRACIUN}, Lemma 8",
        established=f"{DERIVED}: point by point",
        instantiate=Instantiation(
            "gradlemma derive AEA-2 --format md", _python("analyticity", "analytic_after()")
        ),
        theorems=_analytic_after,
        sampling=NULL_SETS,
        exhibits=(OTHER_ORDER,),
    ),
    Statement(
        id="AEA-3",
        title="the other order fails",
        says="An almost everywhere analytic function of an analytic map may be differentiable nowhere: `f(x, y) = w(x)` where "
        "`y = 0` and else 0, w a Weierstrass function, `g(x) = (x, 0)`, `f(g) = w`.  In any order `S(f(g))` lies in S(g) and the "
        "points that g sends to S(f), which here are all.",
        hypotheses=(),
        source=f"{CRACIUN}, Remark 5",
        established=f"{DERIVED}: point by point; the counterexample is computed in balls",
        instantiate=Instantiation(
            "gradlemma derive AEA-3 --format md",
            "from proofs.exhibits import OTHER_ORDER\nprint(OTHER_ORDER.show().fails)",
        ),
        theorems=_other_order,
        sampling=NotSampled("it is a counterexample; its instance is shown beside it", ("NSG-1",)),
        exhibits=(OTHER_ORDER,),
    ),
    Statement(
        id="AEA-4",
        title="convolutions and any sigma, by rank",
        says="If `p` is analytic on Theta and has rank n at one point, `sigma(p)` is almost everywhere analytic for every almost "
        "everywhere analytic `sigma: R^n -> R^k`.  A convolution with a trained kernel is such a p for generic data: its rank is "
        "computed exactly at one point.  For entrywise sigma no condition on the data is needed (AEA-6).",
        hypotheses=(
            _assumed(
                "map-analytic-everywhere",
                "`p` is analytic on all of Theta.",
                Assumption.MAP_ANALYTIC_EVERYWHERE,
                "for a convolution it is derived; AEA-6 has the case of a map that is analytic almost everywhere",
            ),
            OUTER,
            _assumed(
                "full-rank",
                "The Jacobian of `p` has rank n at one point: the data are generic.",
                Assumption.FULL_RANK,
                "data without it form a null set; the exhibit `generic-data` has them",
            ),
        ),
        source=f"{CRACIUN}, Proposition 16; the rank condition [gradlemma]",
        established=f"{DERIVED}: zero sets of analytic functions, submersions; ranks computed over Q",
        instantiate=Instantiation(
            "gradlemma derive AEA-4 --format md",
            _python("analyticity_instances", "convolution_analytic((1, 2, 5))"),
        ),
        theorems=_convolution,
        sampling=NULL_SETS,
        exhibits=(GENERIC_DATA,),
    ),
    Statement(
        id="AEA-5",
        title="attention",
        says="If `Y` is almost everywhere analytic, so is softmax attention of `W_q Y`, `W_k Y`, `W_v Y`, whether or not Y depends "
        "on these matrices.",
        hypotheses=(_analytic_map("Y"),),
        source=f"{CRACIUN}, Proposition 17",
        established=f"{DERIVED}: analytic operations, positive denominators",
        instantiate=Instantiation(
            "gradlemma derive AEA-5 --format md", _python("analyticity_instances", "attention_analytic()")
        ),
        theorems=_attention,
        sampling=NULL_SETS,
    ),
    Statement(
        id="AEA-6",
        title="scalar composition",
        says="If `p: Theta -> R` is almost everywhere analytic and sigma is piecewise analytic with locally finite kinks, `sigma(p)` is "
        "almost everywhere analytic; so every finite graph of analytic operations, entrywise functions and comparisons of single "
        "numbers is, with shared weights, recurrence and pooling.  For sigma of several variables: on each component of D(p) where "
        "p has full rank at one point.",
        hypotheses=(
            _analytic_map("p"),
            Hypothesis(
                "locally-finite-kinks",
                "Every bounded interval has finitely many kinks of sigma.",
                can_be_dropped=False,
                why_not="it is part of what an activation is; the exhibit `bounded-kinks` of ACT shows what goes wrong otherwise",
            ),
            _assumed(
                "outer-analytic",
                "`sigma: R^n -> R^k` is almost everywhere analytic (the part by rank alone).",
                Assumption.OUTER_ANALYTIC,
                "no network that can be drawn has another function",
            ),
            _assumed(
                "full-rank",
                "`p` has full rank at one point of the component, or off a null set (the part by rank alone).",
                Assumption.FULL_RANK,
                "not needed where sigma is applied entry by entry; otherwise the exhibit `generic-data` shows that it is",
            ),
        ),
        source="[gradlemma]",
        established=f"{DERIVED}: countably many kinks and components, zero sets of analytic functions",
        instantiate=Instantiation(
            "gradlemma derive AEA-6 --problem examples/relu_121.yaml --format md",
            "from proofs.network import activation\n"
            + _python("analyticity", 'scalar_composition(activation("relu"))'),
        ),
        theorems=_scalar,
        sampling=NULL_SETS,
        exhibits=(GENERIC_DATA,),
    ),
    Statement(
        id="AEA-7",
        title="empirical loss",
        says="The mean loss over any finite data set is almost everywhere analytic: by AEA-1 layer by layer where no weight is used "
        "twice, and by AEA-6 for every network of the project without given maps of several variables.",
        hypotheses=(
            Hypothesis(
                "covered",
                "Every layer and the loss are covered by one of the two routes.",
                can_be_dropped=False,
                why_not="it is checked while the theorem is derived; `gradlemma check` names the layer that is not covered",
            ),
        ),
        source=f"{CRACIUN}, Corollary 9; the scalar route [gradlemma]",
        established=f"{DERIVED}, map by map; printed for networks 2-2-1 with relu and 2-2-2 with tanh",
        instantiate=Instantiation(
            "gradlemma derive AEA-7 --problem examples/relu_121.yaml --format md",
            "from proofs.theorems.analyticity_instances import empirical_loss_analytic\n"
            "for name, theorem in empirical_loss_analytic().items():\n"
            "    print(name, sorted(theorem.trust))",
        ),
        theorems=_empirical,
        sampling=NULL_SETS,
    ),
    Statement(
        id="AEA-8",
        title="explicit singular set",
        says="For a loss of polynomial pieces on rational data, S(L) lies in a union of named sets `{entry = kink}`, one for every "
        "activation pattern, unit and kink; each is null, with a rational point as the witness.",
        hypotheses=(
            Hypothesis(
                "all-patterns",
                "All activation patterns are gone through.",
                can_be_dropped=False,
                why_not="otherwise nothing is stated",
            ),
        ),
        source="[gradlemma]",
        established=f"{DERIVED}: patterns split function by function; printed for the network 1-2-1 with relu",
        instantiate=Instantiation(
            "gradlemma derive AEA-8 --problem examples/relu_121.yaml --format md",
            "from proofs.theorems.analyticity_instances import singular_set\n"
            "for name, theorem in singular_set().items():\n"
            "    print(name, type(theorem.claim).__name__)",
        ),
        theorems=_singular_set,
        sampling=NULL_SETS,
    ),
)
