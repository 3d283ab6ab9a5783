"""JET: the rows of the block-jet norm calculus, and JET-1."""

# ruff: noqa: E501 -- sentences of data are longer
from __future__ import annotations

from collections.abc import Mapping

from proofs.kernel.core import Theorem

from ._statement import Hypothesis, Instantiation, Sampled, Statement
from .hypotheses import (
    ACTIVATION_CONSTANTS,
    BIAS_NORMS,
    CONTINUITY,
    EIGENVECTOR,
    FRESH_PARAMETERS,
    NODE_NORM,
    NONNEGATIVE_CONSTANTS,
    WEIGHT_NORMS,
    off_kinks,
)
from .witnesses import known

__all__ = ["STATEMENTS"]

SOURCE = "[gradlemma]; contains the feed-forward bounds of Zhou et al., arXiv 2508.16082"
DERIVED = "derived by kernel rules: product and chain rule, triangle inequality, Cauchy-Schwarz"


def _affine() -> Mapping[str, Theorem]:
    from proofs.theorems.rows import affine_in_symbols
    from proofs.theorems.two_layers import jet_one

    return {**affine_in_symbols(), "blocks": jet_one(bias=True)["first"]}


def _activation() -> Mapping[str, Theorem]:
    from proofs.theorems.rows import activation_in_symbols

    return activation_in_symbols()


def _jet_one() -> Mapping[str, Theorem]:
    from proofs.theorems.two_layers import jet_one

    return jet_one()


def _print_rows(function: str) -> str:
    return (
        f"from proofs.theorems.rows import {function}\n"
        "from proofs.typeset import claim_latex\n"
        f"for name, theorem in {function}().items():\n"
        "    print(name, claim_latex(theorem.claim))"
    )


STATEMENTS = (
    Statement(
        id="JET-affine",
        title="the row of an affine layer",
        says="For `z = W h + b` with `||W|| <= s`, `||b|| <= c`, `||h|| <= a` and every direction u: "
        "`||z|| <= s a + c`, `||D z[u]|| <= s J_h + root(a^2 + 1) ||u_g||` and "
        "`||D^2 z[u,u]|| <= s K_h + 2 J_h ||u_g||`, where `J_h` and `K_h` bound the derivatives of h and "
        "`u_g` is the part of u in (W, b). With W and b used nowhere in h, `u_g` is a block of its own: j has the "
        "entries `s j_h` and `root(a^2 + 1)`, and `||D z|| <= ||j||_2`.",
        hypotheses=(
            WEIGHT_NORMS,
            BIAS_NORMS,
            NODE_NORM,
            FRESH_PARAMETERS,
            NONNEGATIVE_CONSTANTS,
            off_kinks("weight-norms", "node-norm", "fresh-parameters"),
            Hypothesis(
                "factor-2",
                "The factor 2 of the cross term `e_g j^T + j e_g^T`, in `2 J_h ||u_g||`.",
                is_factor=True,
            ),
            Hypothesis("bias-one", "The 1 for the bias under `root(a^2 + 1)`.", is_factor=True),
        ),
        source=SOURCE,
        established=DERIVED,
        instantiate=Instantiation(
            "gradlemma derive JET-affine --format md", _print_rows("affine_in_symbols")
        ),
        theorems=_affine,
        sampling=Sampled(
            "`||z||`, `||D z[u]||`, `||D^2 z[u,u]||` over their bounds, minus 1, along directions u"
        ),
        counterexamples=known("JET-affine"),
    ),
    Statement(
        id="JET-activation",
        title="the row of an entrywise activation",
        says="For `h = phi(z)` with n entries: `||h|| <= root(n) |phi(0)| + beta ||z||`, "
        "`||D h[u]|| <= beta J_z` and `||D^2 h[u,u]|| <= beta K_z + gamma J_z^2` for every direction u, "
        "where `|phi'| <= beta` and `|phi''| <= gamma`.",
        hypotheses=(
            ACTIVATION_CONSTANTS,
            CONTINUITY,
            NONNEGATIVE_CONSTANTS,
            off_kinks(),
            Hypothesis("bend-term", "The term `gamma J_z^2` of the second derivative.", is_factor=True),
        ),
        source=SOURCE,
        established=DERIVED + ", mean value theorem",
        instantiate=Instantiation(
            "gradlemma derive JET-activation --format md", _print_rows("activation_in_symbols")
        ),
        theorems=_activation,
        sampling=Sampled(
            "`||h||`, `||D h[u]||`, `||D^2 h[u,u]||` over their bounds, minus 1, along directions u"
        ),
        counterexamples=known("JET-activation"),
    ),
    Statement(
        id="JET-1",
        title="from block norms to operator norms",
        says="If `||D F[u]|| <= sum_g j_g ||u_g||` and `||D^2 F[u,u]|| <= sum_gh K_gh ||u_g|| ||u_h||` for every "
        "direction u, then `||D F|| <= ||j||_2`, and `||D^2 F|| <= lambda` whenever `K v <= lambda v` for some "
        "`v > 0`; the smallest such lambda is `lambda_max(K)`.",
        hypotheses=(FRESH_PARAMETERS, EIGENVECTOR, off_kinks("fresh-parameters")),
        source="[gradlemma]; the certificate is Collatz's and Wielandt's bound of the Perron root",
        established="derived by kernel rules: Cauchy-Schwarz for the blocks, a sum of squares with `v`",
        instantiate=Instantiation(
            "gradlemma derive JET-1 --format md",
            "from proofs.theorems.two_layers import jet_one\n"
            "from proofs.typeset import claim_latex\n"
            "for name, theorem in jet_one().items():\n"
            "    print(name, claim_latex(theorem.claim))",
        ),
        theorems=_jet_one,
        sampling=Sampled("`||D F|| / ||j||_2 - 1` and `||D^2 F|| / lambda - 1` of a network's output F"),
        counterexamples=known("JET-1"),
    ),
)
