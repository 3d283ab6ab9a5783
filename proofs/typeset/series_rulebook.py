"""The readable name and the statement of every rule about tasks, runs and power series."""

# ruff: noqa: E501 -- rows of tables are longer
from __future__ import annotations

from .set_rulebook import RuleText

__all__ = ["SERIES_RULE_TEXTS"]

SERIES_RULE_TEXTS: dict[str, RuleText] = {
    # series
    "RunStart": RuleText("start of a run", r"$\theta^{(0)}=\theta_0$ for every run."),
    "FirstStep": RuleText("first step", r"$\theta^{(1)}=\theta_0-\eta s\,\nabla F(\theta_0)$ for a run on $F$ with steps $s\eta$."),
    "NextStep": RuleText(
        "Taylor's theorem",
        r"If $\theta^{(i)}=\theta_0+\eta c_1+\eta^2c_2+O(\eta^3)$ then $\theta^{(i+1)}=\theta_0+\eta(c_1-sg)+\eta^2(c_2-sHc_1)+O(\eta^3)$ with $g$, $H$ the"
        r" gradient and Hessian of the run's loss at $\theta_0$, as $\nabla F(\theta^{(i)})=g+\eta Hc_1+O(\eta^2)$.",
    ),
    "Truncate": RuleText("truncation", r"Terms of higher order join the remainder."),
    "SlopeLimit": RuleText("continuity", r"$\nabla L_t(\theta_0+O(\eta))=g_t+O(\eta)$."),
    "BendLimit": RuleText("continuity", r"$\nabla^2L_t(\theta_0+O(\eta))(c+O(\eta))=H_tc+O(\eta)$."),
    "DefinedSum": RuleText("definition", r"$R_0(t)=0$, $R_{i+1}(t)=R_i(t)+r_t(\theta_{\mathrm{MT}}^{(i)})$; $C_1=0$, $C_{i+1}=C_i+\sum_t\nabla^2L_t(\theta_{\mathrm{MT}}^{(i)})R_i(t)$."),
    "ExpandLinear": RuleText("linear combination", r"Expansions are added, multiplied by numbers and summed over the tasks."),
    # task_norms
    "LengthTriangle": RuleText("triangle inequality", r"$\lVert v_1+\dots+v_n\rVert\le\lVert v_1\rVert+\dots+\lVert v_n\rVert$."),
    "SumLength": RuleText("triangle inequality", r"$\lVert\sum_tv_t\rVert\le\sum_t\lVert v_t\rVert$."),
    "BendBound": RuleText("operator norm", r"$\lVert\nabla^2L_t\,v\rVert\le\lVert\nabla^2L_t\rVert\,\lVert v\rVert$ at every point."),
    "TaskCauchy": RuleText("Cauchy–Schwarz over the tasks", r"$(\sum_tp_t)^2\le T\sum_tp_t^2$."),
    "SumOverTasks": RuleText("sum over the tasks", r"What holds for an arbitrary task is summed over all of them."),
    "LengthSquared": RuleText("expanded square", r"$\lVert\sum_ia_iv_i\rVert^2=\sum_{i,j}a_ia_j\langle v_i,v_j\rangle$."),
    "ProductOverTasks": RuleText("bilinearity", r"$\sum_t\langle v,w_t\rangle=\langle v,\sum_tw_t\rangle$."),
    "DefinedLength": RuleText("definition", r"$R_0(t)=0$, $R_{i+1}(t)=R_i(t)+r_t(\theta_{\mathrm{MT}}^{(i)})$; $C_1=0$, $C_{i+1}=C_i+\sum_t\nabla^2L_t(\theta_{\mathrm{MT}}^{(i)})R_i(t)$."),
    "EveryTask": RuleText("one of the tasks", r"What holds for every task holds for each one."),
    "CountPositive": RuleText("number of tasks", r"There is at least one task."),
    "OneTaskLength": RuleText("a single task", r"$\lVert\sum_tv_t\rVert=\sum_t\lVert v_t\rVert$ if $T=1$."),
    "OneTaskProduct": RuleText("a single task", r"$\sum_tp_tq_t=\sum_tp_t\sum_tq_t$ if $T=1$."),
    "RootAbove": RuleText("square of a root", r"$e\le(\sqrt e)^2$, where $\sqrt e$ is $0$ for $e<0$."),
    "LargerThanEach": RuleText("maximum", r"$a\le\max(a,b)$ and $b\le\max(a,b)$."),
    # task_runs
    "StartLength": RuleText("start of a run", r"$\theta^{(0)}=\theta_0$."),
    "StepNorm": RuleText("length of a step", r"$\theta^{(i+1)}-\theta^{(i)}=-s\eta\,\nabla F(\theta^{(i)})$ for a run on $F$ with steps $s\eta$."),
    "BallSlope": RuleText("point of the ball", r"A bound of the gradients in the ball holds at a point that lies in it."),
    "BallBend": RuleText("point of the ball", r"A bound of the Hessians in the ball holds at a point that lies in it."),
    "MultiplesAtMost": RuleText("smaller multiples", r"$ea\le b$ and $0\le a$ give $la\le b$ for $1\le l\le e$."),
}  # fmt: skip
