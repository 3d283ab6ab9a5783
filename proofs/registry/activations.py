"""ACT: the constants of activations."""

# ruff: noqa: E501 -- sentences of data are longer
from __future__ import annotations

from collections.abc import Mapping

from proofs.exhibits import GELU, KINKS
from proofs.kernel.core import Theorem

from ._statement import Hypothesis, Instantiation, Sampled, Statement
from .assumptions import Assumption
from .witnesses import known

__all__ = ["STATEMENTS"]


def _theorems() -> Mapping[str, Theorem]:
    # A smooth activation with exact constants, one that needs balls, one with kinks, one that jumps, one that is bounded on bounded ranges
    # alone, and the step that needs continuity.
    from fractions import Fraction

    from proofs.network import activation
    from proofs.theorems.rows import activation_constants, secant

    found = {"secant": secant()}
    shown = (("tanh", None), ("gelu", None), ("leaky_relu", None), ("sign", None), ("square", Fraction(2)))
    for name, radius in shown:
        for order, theorem in activation_constants(activation(name), radius).items():
            found[f"{name}.{order}"] = theorem
    return found


STATEMENTS = (
    Statement(
        id="ACT",
        title="constants of activations",
        says="For every activation of the catalogue, and every one given as pieces, the derived numbers bound "
        "`|phi|`, the secant slope `|phi(t) - phi(0)|/|t|`, `|phi'|`, `|phi''|` and `|phi'''|` on all of R or "
        "for `|t| <= R`, one-sided limits at kinks included; a bound that is infinite is not stated.",
        hypotheses=(
            Hypothesis(
                "continuity",
                "The activation is continuous where its secant slope is bounded by `sup|phi'|`.",
            ),
            Hypothesis("radius", "A bound for `|t| <= R` is used at such `t` alone."),
            Hypothesis(
                "slope",
                "`|phi'| <= beta`, in the step from slopes to secant slopes.",
                (Assumption.SLOPE,),
                can_be_dropped=False,
                why_not="for an activation of the catalogue or given as pieces it is itself derived",
                instead=("continuity", "radius"),
            ),
        ),
        source="textbook constants; enclosures [gradlemma]",
        established="suprema of the pieces: roots of derivatives counted exactly, otherwise ball arithmetic "
        "with tails",
        instantiate=Instantiation(
            command="gradlemma derive ACT --activation gelu --format md",
            python="from proofs.network import activation\n"
            "from proofs.theorems.rows import activation_constants\n"
            'for name, theorem in activation_constants(activation("gelu")).items():\n'
            "    print(name, theorem.claim.bound)",
        ),
        theorems=_theorems,
        sampling=Sampled("`|phi^(k)(t)| / c - 1` at points `t`, and `|phi(t) - phi(0)| / (c |t|) - 1`"),
        counterexamples=known("ACT"),
        exhibits=(KINKS, GELU),
    ),
)
