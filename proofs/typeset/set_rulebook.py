"""The names and statements of the rules about sets, analyticity, patterns and maps of optimisers."""

# ruff: noqa: E501 -- rows of tables are longer
from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SET_RULE_TEXTS", "RuleText"]


@dataclass(frozen=True, slots=True)
class RuleText:
    """How a rule is named beside a step, and what it says."""

    name: str
    statement: str
    source: str | None = None


SET_RULE_TEXTS: dict[str, RuleText] = {
    # sets
    "Inclusion": RuleText(
        "point by point", r"An inclusion holds if each point of the first set that keeps the inclusions referred to lies in the"
        r" second one; $\cup$, $\cap$ and $\setminus$ are read as or, and, but not."
    ),
    "EitherWithin": RuleText("union inside a set", r"$A_i\subset B$ for all $i$ gives $A_1\cup\dots\cup A_n\subset B$."),
    "MemberOfUnion": RuleText("member of a union", r"$A_j\subset\bigcup_iA_i$."),
    "UnionWithin": RuleText("union inside a set", r"$A_i\subset B$ for an arbitrary $i$ gives $\bigcup_iA_i\subset B$."),
    "UnionMeets": RuleText("distributivity", r"$A\cap\bigcup_iA_i\subset\bigcup_i(A\cap A_i)$."),
    "BoundaryCovers": RuleText("interior and boundary", r"$A\subset\operatorname{int}A\cup\partial A$."),
    "BoundaryOffInterior": RuleText("interior and boundary", r"$\operatorname{int}A\cap\partial A=\emptyset$."),
    "InteriorInside": RuleText("interior", r"$\operatorname{int}A\subset A$."),
    "InteriorMonotone": RuleText("interiors", r"$A\subset B$ gives $\operatorname{int}A\subset\operatorname{int}B$."),
    "OpenInside": RuleText("open set", r"An open set inside $A$ is inside $\operatorname{int}A$; components of $D(f)$ are open."),
    "Subset": RuleText("subset of a null set", r"A subset of a null set is null, and so is the empty set."),
    "NullUnion": RuleText("union of null sets", r"A union of finitely many null sets is null."),
    "UnionNull": RuleText("countable union", r"A union of countably many null sets is null."),
    "EitherWay": RuleText("two cases", r"What holds if $A\subset B$ and also if $A\not\subset B$ holds."),
    "PutIn": RuleText(
        "instance of a lemma", r"What is shown for arbitrary maps, data, numbers or step sizes holds for any of their kind and shape in"
        r" their place, in what is supposed as well."
    ),
    # analytic
    "OperationSingular": RuleText(
        "analytic operation", r"$S(f)\subset S(p_1)\cup\dots\cup S(p_n)$ if $f$ is made of the $p_i$ by sums, products, selection of"
        r" entries, functions that are analytic on $\mathbb{R}$, $\det(I-\eta\nabla^2p)$ or $\det(JJ^{\top})$, or by an inverse,"
        r" root or logarithm of a positive $p$; $S(f)=\emptyset$ for parameters and constants."
    ),
    "PiecewiseByPieces": RuleText(
        "pieces", r"Every piece is shown to be analytic on its closed interval; a bounded interval holds finitely many kinks.",
        "craciun",
    ),
    "AnalyticOuter": RuleText(
        "entry by entry", r"A function without kinks is analytic on $\mathbb{R}^n$ entry by entry; a piecewise analytic one off the countably many"
        r" hyperplanes $t_i=\kappa_k$."
    ),
    "CompositionSingular": RuleText("composition", r"$S(g(p))\subset S(p)\cup\{p\in S(g)\}$."),
    "NoHits": RuleText("analytic function", r"$\{p\in S(g)\}=\emptyset$ if $g$ is analytic everywhere."),
    "KinkHits": RuleText(
        "kinks", r"$\{p\in S(\varphi)\}\subset\bigcup_k\{p=\kappa_k\}$ for a scalar $p$: a piecewise analytic $\varphi$ is analytic between its kinks."
    ),
    "ConstantOuter": RuleText("constant argument", r"$g(p)$ is constant, so analytic, on $\operatorname{int}\{p=c\}$."),
    "EntriesCover": RuleText("entries", r"$S(f)\subset\bigcup_iS(f_i)$."),
    "EntryAt": RuleText("entry of a function", r"$\varphi(p)_i=\varphi(p_i)$ for every entry."),
    "ComponentsCover": RuleText(
        "components", r"$\Theta=S(f)\cup\bigcup_cU_c$ with $U_1,U_2,\dots$ the connected components of $D(f)$; an open set has countably many."
    ),
    "ComponentRegular": RuleText("components", r"$U_c\cap S(f)=\emptyset$ for a component of $D(f)$."),
    "AlmostEverywhereIntro": RuleText("definition", r"$f$ is almost everywhere analytic if $S(f)$ is null."),
    "AlmostEverywhereElim": RuleText("definition", r"$S(f)$ is null if $f$ is almost everywhere analytic."),
    "MeanAnalytic": RuleText(
        "mean over data", r"What is analytic (almost everywhere) for arbitrary data has a mean over finitely many data that is."
    ),
    # positive
    "PositiveByForm": RuleText(
        "sign by form", r"Sums, products, positive multiples, inverses and roots of what is positive are positive; so are functions"
        r" whose pieces are shown to be."
    ),
    # zeros
    "ZeroSetNull": RuleText(
        "zero set of an analytic function", r"If $f$ is analytic on the component $U$ and differs from $c$ somewhere in it, $\{f=c\}\cap U$ is null."
    ),
    "LevelClosed": RuleText(
        "continuity", r"$\partial\{f=c\}\cap U\subset\{f=c\}$ where $f$ is analytic, so continuous, on the open set $U$."
    ),
    "IndependentByForm": RuleText("form", r"A map does not depend on parameters that do not occur in it."),
    "LinearZero": RuleText("linearity", r"$\{h=0\}\subset\{Wh=0\}$."),
    "FreshRank": RuleText(
        "rank by a fresh matrix", r"If $h$ does not depend on $W$, $JJ^{\top}=\lVert h\rVert^2I+{}$(a matrix $\ge 0$) for the Jacobian $J$ of $Wh$,"
        r" so that $\det(JJ^{\top})>0$ where $h$ is analytic and not $0$.", "craciun"
    ),
    "RankAt": RuleText(
        "rank at a point", r"The Jacobian of a polynomial map, computed exactly at a rational point, has full rank there: $\{\det JJ^{\top}=0\}$ is not all of $\Theta$."
    ),
    "FreshBias": RuleText(
        "rank by a fresh bias", r"If $p$ does not depend on $b$, $JJ^{\top}=I+{}$(a matrix $\ge 0$) for the Jacobian $J$ of $p+b$, so that"
        r" $\det(JJ^{\top})>0$ where $p$ is analytic.", "craciun"
    ),
    "SubmersionNull": RuleText(
        "preimage under a submersion", r"If $g$ is almost everywhere analytic, $\{p\in S(g)\}$ without $S(p)\cup\{\det(JJ^{\top})=0\}$ is null:"
        r" off that set $p$ is a submersion.", "craciun"
    ),
    # steps
    "CriticalNull": RuleText(
        "non-singular step", r"If $L$ is almost everywhere analytic and $\{\det(I-\eta\nabla^2L)=0\}\setminus S(L)$ is null, $G_\eta$ is a local"
        r" diffeomorphism near almost every point, so non-singular.", "craciun"
    ),
    "AvoidingComponents": RuleText(
        "no exceptional component", r"If $\eta\notin E(L)$, on every component that is not empty the determinant differs from $0$ somewhere, so that this"
        r" need not be supposed."
    ),
    "SomeComponent": RuleText(
        "exceptional component", r"If $\eta\in E(L)$, a component may be chosen on all of which the determinant is $0$."
    ),
    "CollapsingComponent": RuleText(
        "collapsing component", r"If $\det(I-\eta\nabla^2L)=0$ on all of a component that is not empty, $G_\eta$ sends that open set to a null set."
    ),
    "CollapsingCase": RuleText(
        "collapsing case", r"If $L=q$ on an open set that is not empty and $\det(I-\eta\nabla^2q)=0$ everywhere, $G_\eta$ sends that set to a null set."
    ),
    "AlmostAllSteps": RuleText(
        "countably many step sizes", r"On each of the countably many components, $\det(I-\eta\nabla^2L)$ at one point is a polynomial in $\eta$ with the"
        r" value $1$ at $0$: $E(L)$ is countable."
    ),
    "FibresNonSingular": RuleText(
        "fibres", r"For every $\theta$ the map $v\mapsto cv-\eta\nabla L(\theta)$, $c\ne 0$, is non-singular, and with it the whole map."
    ),
    "ShearNonSingular": RuleText("invertible linear map", r"An invertible linear map is non-singular."),
    "OnPositionNonSingular": RuleText("product with the identity", r"$(\theta,v)\mapsto(G(\theta),v)$ is non-singular if $G$ is."),
    "OnPositionSingular": RuleText(
        "product with the identity", r"$(\theta,v)\mapsto(G(\theta),v)$ is singular if $G$ is: $U\times\mathbb{R}^P$ goes to a null set times $\mathbb{R}^P$."
    ),
    "ShearedSingular": RuleText(
        "invertible linear maps", r"$B\circ g\circ A$ is singular if $g$ is, for invertible linear maps $A$ and $B$."
    ),
    "ComposedNonSingular": RuleText("composition", r"Compositions of non-singular maps are non-singular."),
    "ProximalNonSingular": RuleText(
        "proximal step", r"What a proximal step of a loss that is analytic everywhere sends to $p$ is $p+\eta\nabla L(p)$ alone: the preimage of a"
        r" null set lies in its image under a smooth map."
    ),
    # patterns
    "LocallyItself": RuleText("no kinks chosen", r"A map equals itself near every point."),
    "SplitPolynomial": RuleText(
        "pieces of polynomials", r"Where no entry of a polynomial argument that is not constant equals a kink, each lies strictly inside one"
        r" piece of $\varphi$ on a neighbourhood: $\varphi$ is replaced by the expressions chosen for the entries, in every way that may occur."
    ),
    "SplitAnalytic": RuleText(
        "pieces of analytic maps", r"As for polynomials; balls at one point show that no entry of the argument equals a kink identically.", "arb"
    ),
    "DropCases": RuleText(
        "infeasible cases", r"A positive combination of products of the inequalities of a case is a constant $\le 0$: the case does not occur."
    ),
    "EqualsAt": RuleText(
        "point of a case", r"At a rational point, computed exactly, every entry lies strictly inside the piece chosen for it, or is the"
        r" chosen kink identically; so it is on a neighbourhood."
    ),
    "EqualsInBallsAt": RuleText(
        "point of a case", r"At a point, in balls, every entry lies strictly inside the piece chosen for it; so it does on a neighbourhood.", "arb"
    ),
    "CasesCritical": RuleText(
        "all cases", r"$\{\det(I-\eta\nabla^2L)=0\}\setminus S(L)$ is null if $L$ is locally one of the cases off a null set and the"
        r" determinant of each case is $0$ on a null set alone."
    ),
    "CasesSingular": RuleText(
        "all cases", r"If $f$ is locally one of maps that are analytic everywhere at every point outside of $A$, $S(f)\subset A$."
    ),
    "DiffersAt": RuleText("value at a point", r"The value at a rational point is computed exactly and is not the level."),
    "DiffersInBallsAt": RuleText("value at a point", r"A ball that contains the value at a point avoids the level.", "arb"),
    # spectra
    "SharedEigenvalues": RuleText(
        "common divisor", r"An eigenvalue at every $\theta$ is a root of the greatest common divisor of the characteristic polynomials of"
        r" exact Hessians at rational points."
    ),
    "OffConstantEigenvalues": RuleText(
        "no constant eigenvalue", r"$\det(I-\eta\nabla^2q)$ is not $0$ everywhere if $1/\eta$ is no eigenvalue of $\nabla^2q$ everywhere."
    ),
    "FactorExcluded": RuleText(
        "factor excluded", r"A ball of $\det(f(H))$ for the Hessian $H$ at one point excludes $0$: no eigenvalue of $H$ is a root of $f$.", "arb"
    ),
    "DeterminantVanishes": RuleText(
        "polynomial identity", r"$\det(tI-B)$ of a block $B$ of $\nabla^2q$, a polynomial in $\theta$ and $t$, is computed; at $t=1/\eta$ all its"
        r" coefficients are $0$."
    ),
    "NonzeroDeterminant": RuleText("determinant at a point", r"A ball of $\det(I-\eta\nabla^2q)$ at one point excludes $0$.", "arb"),
    "SpectraInBalls": RuleText(
        "spectra in balls", r"An eigenvalue at every $\theta$ lies in a ball of each of the spectra enclosed at points.", "arb"
    ),
    "OffIntervals": RuleText(
        "no constant eigenvalue", r"$\det(I-\eta\nabla^2q)$ is not $0$ everywhere if $1/\eta$ lies outside of the intervals for constant eigenvalues."
    ),
}  # fmt: skip
