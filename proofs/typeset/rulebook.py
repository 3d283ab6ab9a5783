"""The readable name and the statement of every rule: the one table to extend with a new rule.

`name` completes "by ..."; `statement` is LaTeX text, one sentence; `source` is a key of
`references.SOURCES` for a rule whose idea or method has one.
"""

# ruff: noqa: E501 -- rows of tables are longer
from __future__ import annotations

from .series_rulebook import SERIES_RULE_TEXTS
from .set_rulebook import SET_RULE_TEXTS, RuleText

__all__ = ["RULE_TEXTS", "RuleText", "rule_text"]


RULE_TEXTS: dict[str, RuleText] = {
    # logic
    "Assume": RuleText("assumption", r"A claim holds under itself as an assumption."),
    "Cut": RuleText("discharged assumption", r"An assumption that has been shown is dropped."),
    "Cases": RuleText(
        "cases", r"What holds if $p\le q$ and also if $q\le p$ holds without either assumption."
    ),
    # indices
    "Induction": RuleText(
        "induction", r"What holds for $n=1$, and for $n+1$ whenever it holds for $n$, holds for every $n\ge 1$; an"
        r" assumption on the layers up to $n$ grows with $n$."
    ),
    "Instantiate": RuleText("instance", r"What holds for every $n\ge 1$ holds for any one number in its place."),
    "InRange": RuleText("member of a range", r"What holds for $1\le l\le e$ holds for each such $l$."),
    "Subrange": RuleText("part of a range", r"What holds for $1\le l\le e$ holds for $1\le l\le d$ if $d\le e$."),
    "PowerStep": RuleText("powers", r"$q^{n+1}=q\,q^{n}$ and $q^0=1$."),
    "SumStep": RuleText("last summand", r"A sum up to $n+1$ is the sum up to $n$ and the last summand."),
    "FamilySplit": RuleText(
        "blocks of the direction", r"$\lVert u_{\le n+1}\rVert^2=\lVert u_{\le n}\rVert^2+\lVert"
        r" U_{n+1}\rVert_F^2$ for the first blocks $u_{\le n}$ of $u$."
    ),
    # algebra
    "Nonnegative": RuleText("sign", r"A polynomial with coefficients $\ge 0$ in quantities $\ge 0$ is $\ge 0$."),
    "Chain": RuleText("transitivity", r"$a\le b$ and $b\le c$ give $a\le c$."),
    "Certificate": RuleText(
        "identity", r"If $b-a=\sum_k c_k\,\Delta\cdots\Delta\, q_k^2+\sum_j m_j\,\Delta$ with $c_k\ge 0$, where each"
        r" $\Delta$ under the first sum belongs to an inequality and under the second to an equation, then $a\le b$."
    ),
    "Monotone": RuleText(
        "insertion", r"In a polynomial that grows with each of its quantities, quantities are replaced by their"
        r" upper bounds."
    ),
    "Fold": RuleText("abbreviation", r"A right side is replaced by the abbreviation defined as it."),
    "Definition": RuleText("definition", r"An abbreviation equals its body."),
    "SquareRoot": RuleText("square root", r"$x^2\le y^2$ and $y\ge 0$ give $x\le y$."),
    "RootSquared": RuleText("square of a root", r"$(\sqrt{e})^2=e$ for $e\ge 0$."),
    "Cauchy": RuleText("Cauchy–Schwarz for sums", r"$\sum_i p_iq_i\le\sqrt{\sum_i p_i^2}\,\sqrt{\sum_i q_i^2}$."),
    # derivative
    "Differentiate": RuleText(
        "differentiation", r"The derivative of a node is that of its definition, by the sum, product and chain"
        r" rules; at a kink with the one-sided limits on the side to which the argument moves."
    ),
    "SmoothByParts": RuleText(
        "composition", r"Sums, products and smooth functions of differentiable nodes are differentiable."
    ),
    "SmoothAtData": RuleText(
        "no kink at the data",
        r"At given weights and data, enclosures by balls show that no argument of a piecewise function meets a kink.",
        "arb",
    ),
    "LinearIdentity": RuleText(
        "bilinearity", r"Both sides expand to one linear combination; $\langle\mathbf{1},v\odot w\rangle=\langle v,w\rangle$."
    ),
    "Rewrite": RuleText("equals for equals", r"In sums and products, a term is replaced by one that equals it."),
    # enclosure
    "DataRange": RuleText("the data", r"The entries are compared exactly for every sample."),
    "DataNorm": RuleText("the data", r"The norm is computed exactly for every sample."),
    "DataSimplex": RuleText("the data", r"The entries are checked exactly for every sample."),
    "MeanOverData": RuleText(
        "mean over the data", r"For every sample, the norms and the largest entries of all nodes are enclosed by"
        r" balls and put in; the coefficients are averaged over the samples, rounded upward."
    ),
    "SupOfFunction": RuleText(
        "exact supremum", r"A supremum of a function that is a rational function of one generator of known range is"
        r" decided by counting real roots of polynomials over $\mathbb{Q}$."
    ),
    "FunctionValueBound": RuleText(
        "enclosure", r"The value of a function at a point is enclosed by ball arithmetic.", "arb"
    ),
    "SupOfFunctionBall": RuleText(
        "certified supremum", r"A supremum is bounded by ball arithmetic on a bounded interval, by concavity around a"
        r" point at which it is attained, and by a tail bound outside.", "arb"
    ),
    "TensorNorm": RuleText(
        "certified norm", r"A matrix's spectral norm, or a vector's norm, is bounded in exact integer arithmetic."
    ),
    # norm
    "Triangle": RuleText("triangle inequality", r"$\lVert v_1+\dots+v_n\rVert\le\lVert v_1\rVert+\dots+\lVert v_n\rVert$."),
    "ApplyBound": RuleText(
        "operator norm", r"$\lVert Wh\rVert\le\lVert W\rVert\,\lVert h\rVert$, and $\lVert Uh\rVert\le\lVert"
        r" U\rVert_F\,\lVert h\rVert$."
    ),
    "HadamardBound": RuleText("entrywise product", r"$\lVert v\odot w\rVert\le\lVert v\rVert\,\lVert w\rVert$."),
    "EntryBound": RuleText("largest entry", r"$\lVert v\odot w\rVert\le\max_i\lvert v_i\rvert\,\lVert w\rVert$."),
    "InnerBound": RuleText("Cauchy–Schwarz", r"$\lvert\langle v,w\rangle\rvert\le\lVert v\rVert\,\lVert w\rVert$."),
    "NormSquared": RuleText("expanded square", r"$\lVert v\rVert^2=\langle v,v\rangle$, expanded bilinearly."),
    "GroupSplit": RuleText("blocks of a group", r"The squared norm of a group is the sum of those of its disjoint blocks."),
    "SubgroupBound": RuleText("part of a group", r"The norm of a part of a group is at most that of the group."),
    "MapDistance": RuleText("spectral by Frobenius", r"$\lVert W-W^{0}\rVert\le\lVert W-W^{0}\rVert_F$."),
    "MeanValue": RuleText(
        "mean value theorem", r"$\lvert\sigma'\rvert\le c$ gives $\lvert\sigma(t)-\sigma(0)\rvert\le c\,\lvert t\rvert$"
        r" for continuous, piecewise differentiable $\sigma$."
    ),
    "SupNormBound": RuleText("supremum", r"A bound of a function bounds each of its entries at a vector."),
    "SecantBound": RuleText(
        "secant slope", r"$\lvert\sigma(t)-\sigma(0)\rvert\le c\,\lvert t\rvert$ gives $\lVert\sigma(z)\rVert\le\sqrt"
        r" n\,\lvert\sigma(0)\rvert+c\,\lVert z\rVert$ for $n$ entries."
    ),
    "WideBound": RuleText(
        "bounded function", r"$\lvert\sigma^{(k)}\rvert\le c$ gives $\lVert\sigma^{(k)}(z)\rVert\le\sqrt n\,c$ for $n$ entries."
    ),
    "GrowthBound": RuleText(
        "growth of a derivative", r"For continuous $\sigma^{(k)}$, $\lvert\sigma^{(k+1)}\rvert\le c$ gives"
        r" $\lVert\sigma^{(k)}(z)\rVert\le\sqrt n\,\lvert\sigma^{(k)}(0)\rvert+c\,\lVert z\rVert$ for $n$ entries."
    ),
    "RangeOfFunction": RuleText(
        "exact range", r"The range of a function that is a polynomial in one generator of known range is decided by"
        r" counting real roots of polynomials over $\mathbb{Q}$."
    ),
    "RangeDifference": RuleText(
        "difference of ranges", r"$a\le v_i\le b$ and $c\le w_i\le d$ give $\lVert v-w\rVert\le\sqrt n\,\max(b-c,d-a)$ for $n$"
        r" entries."
    ),
    "DifferenceBound": RuleText(
        "Lipschitz bound", r"$\lvert\sigma'\rvert\le c$ gives $\lVert\sigma(z)-\sigma(w)\rVert\le c\,\lVert z-w\rVert$"
        r" for continuous $\sigma$."
    ),
    # samples
    "MeanBound": RuleText(
        "mean over samples", r"A bound that holds for every sample, with one constant, holds for the mean; its"
        r" assumptions about a sample become assumptions about all samples."
    ),
    "OperatorNormIntro": RuleText(
        "all directions", r"A bound $c\,\lVert u\rVert^k$ of the $k$-th derivative along every $u$ bounds its operator norm by $c$."
    ),
    # simplex
    "AbsoluteValue": RuleText("absolute value", r"$t\le c$ and $-t\le c$ give $\lvert t\rvert\le c$."),
    "SoftmaxSimplex": RuleText("softmax", r"A softmax is a probability vector."),
    "SimplexInner": RuleText("probability vectors", r"$0\le\langle p,q\rangle\le 1$ for probability vectors $p$, $q$."),
    "PairSquares": RuleText(
        "sum of squares over pairs", r"$0\le\tfrac12\sum_{i\ne j}p_ip_j(v_i\pm v_j)^2$ for a probability vector $p$, expanded by"
        r" $\sum_ip_i=1$."
    ),
    "PairSpread": RuleText(
        "spread over pairs", r"$0\le\tfrac12\sum_{i\ne j}p_ip_j\bigl(2\lVert v\rVert^2-(v_i-v_j)^2\bigr)$ for a probability"
        r" vector $p$, expanded by $\sum_ip_i=1$."
    ),
    "SimplexCentre": RuleText(
        "distance to the centre", r"$\lVert p-\tfrac1n\mathbf{1}\rVert^2=\lVert p\rVert^2-\tfrac1n$ for a probability vector $p$ of"
        r" $n$ entries."
    ),
} | SET_RULE_TEXTS | SERIES_RULE_TEXTS  # fmt: skip


def rule_text(rule: str) -> RuleText:
    """The row of the table; an unknown rule is named by its class."""
    return RULE_TEXTS.get(rule) or RuleText(rule, "")
