"""LOSS: what each loss does to the derivatives of the network's output."""

# ruff: noqa: E501 -- sentences of data are longer
from __future__ import annotations

from collections.abc import Callable, Mapping

from proofs.kernel.core import Theorem
from proofs.network import loss_named

from ._statement import Hypothesis, Instantiation, Sampled, Statement
from .hypotheses import (
    FACTOR_SQRT2,
    NODE_NORM,
    NONNEGATIVE_CONSTANTS,
    TARGET_NORM,
    TARGET_RANGE,
    TARGETS,
    off_kinks,
)
from .witnesses import known

__all__ = ["STATEMENTS"]

FACTOR_2 = Hypothesis("factor-2", "The factor 2 of `mse`, which is not halved.", is_factor=True)


def _theorems(name: str) -> Callable[[], Mapping[str, Theorem]]:
    def derive() -> Mapping[str, Theorem]:
        from proofs.theorems.rows import loss_in_symbols

        return loss_in_symbols(loss_named(name))

    return derive


def _statement(
    name: str,
    title: str,
    says: str,
    hypotheses: tuple[Hypothesis, ...],
) -> Statement:
    return Statement(
        id=f"LOSS-{name}",
        title=title,
        says=f"For {says}, and every direction u: `|D l[u]| <= g J_f` and `|D^2 l[u,u]| <= h J_f^2 + g K_f`, "
        "where `J_f` and `K_f` bound the derivatives of the output f.",
        hypotheses=(*hypotheses, off_kinks(hypotheses[0].name)),
        source="textbook; `||p - y|| <= sqrt(2)` and `Var_p <= 1/2` [gradlemma]",
        established="derived by kernel rules: chain rule, Cauchy-Schwarz, sums of squares",
        instantiate=Instantiation(
            f"gradlemma derive LOSS-{name} --format md",
            "from proofs.network import loss_named\n"
            "from proofs.theorems.rows import loss_in_symbols\n"
            "from proofs.typeset import claim_latex\n"
            f'for name, theorem in loss_in_symbols(loss_named("{name}")).items():\n'
            "    print(name, claim_latex(theorem.claim))",
        ),
        theorems=_theorems(name),
        sampling=Sampled("`|D l[u]|` and `|D^2 l[u,u]|` over their bounds, minus 1, along directions u"),
        counterexamples=known(f"LOSS-{name}"),
    )


STATEMENTS = (
    _statement(
        "cross_entropy",
        "softmax cross-entropy",
        "`l = log(sum_i exp f_i) - <y, f>` with y a probability vector, `g = sqrt(2)`, `h = 1/2`",
        (TARGETS, FACTOR_SQRT2),
    ),
    _statement(
        "mse",
        "squared error",
        "`l = ||f - y||^2`, `||f|| <= a`, `||y|| <= M_y`, `g = 2 (a + M_y)`, `h = 2`",
        (NODE_NORM, TARGET_NORM, NONNEGATIVE_CONSTANTS, FACTOR_2),
    ),
    _statement(
        "half_mse",
        "half squared error",
        "`l = ||f - y||^2 / 2`, `||f|| <= a`, `||y|| <= M_y`, `g = a + M_y`, `h = 1`",
        (NODE_NORM, TARGET_NORM, NONNEGATIVE_CONSTANTS),
    ),
    _statement(
        "bce",
        "binary cross-entropy",
        "`l = sum_i log(1 + exp f_i) - y_i f_i` over d outputs with `0 <= y_i <= 1`, `g = sqrt(d)`, `h = 1/4`",
        (TARGET_RANGE,),
    ),
    _statement(
        "huber",
        "Huber loss",
        "`l` the sum over d outputs of `r^2 / 2` where `|r| <= delta` and `delta (|r| - delta/2)` beyond, `r = f - y`, "
        "`||f|| <= a`, `||y|| <= M_y`, `g = sqrt(d) delta` or `g = a + M_y`, `h = 1`",
        (NODE_NORM, TARGET_NORM, NONNEGATIVE_CONSTANTS),
    ),
)
