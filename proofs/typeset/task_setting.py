"""The opening of a derivation about tasks and runs, and what stands after its theorems."""

# ruff: noqa: E501 -- sentences of data are longer
from __future__ import annotations

from collections.abc import Iterable

from proofs.kernel.claims import Claim, Compare, ForIndices
from proofs.kernel.scalars import Poly
from proofs.kernel.series import RUNS, Expansion, PathTerm, RunPoint, is_constant
from proofs.kernel.task_scalars import Length, TaskCount

from .blocks import Block, Heading, Item, Items, Paragraph
from .expressions import Writer
from .layout import Cite, Inline, Strong, math
from .series_text import is_run_claim
from .steps import StepTree

__all__ = ["is_about_runs", "remark_blocks", "task_setting"]


def is_about_runs(tree: StepTree) -> bool:
    """Whether the goals speak of tasks and of runs of gradient descent."""
    return any(_speaks_of_runs(goal.claim) for goal in tree.conclusions)


def _speaks_of_runs(claim: Claim) -> bool:
    inner = claim.claim if isinstance(claim, ForIndices) else claim
    return is_run_claim(inner) or RUNS in inner.free


def task_setting(tree: StepTree, writer: Writer, text: str) -> list[Block]:
    """The setting; `text` is that of all steps, which decides what notation is explained."""
    claims = [a.claim for a in tree.assumptions] + [step.claim for step in tree.steps]
    alpha = _factor(claims, writer)
    joint, merged = r"\theta_{\mathrm{MT}}", r"\theta_{\mathrm{MT}}^{(e)}"
    lines: list[tuple[Inline, ...]] = [
        (
            math("T"), " tasks have losses ", math("L_{t}"), " on ", math(r"\mathbb{R}^{P}"), "; ", math(r"\theta_{0}"),
            " is a fixed point. Gradient descent with step size ", math(r"\eta>0"), " from ", math(r"\theta_{0}"),
            " is run on the sum of all losses: ",
        ),
    ]  # fmt: skip
    items = [
        Item(
            "",
            (
                math(
                    rf"{joint}^{{(0)}}=\theta_{{0}},\qquad {joint}^{{(e+1)}}={merged}-{alpha}\eta\,{{\textstyle\sum_{{u}}}}\,\nabla L_{{u}}({merged})"
                ),
            ),
        ),
    ]
    if r"\theta_{t}" in text or r"\mathrm{TA}" in text:
        single = r"\theta_{t}^{(0)}=\theta_{0},\qquad \theta_{t}^{(e+1)}=\theta_{t}^{(e)}-\eta\,\nabla L_{t}(\theta_{t}^{(e)})"
        items += [
            Item("", ("on every single loss, ", math(single))),
            Item(
                "",
                (
                    "and task arithmetic adds up what the single runs have moved, ",
                    math(
                        rf"\theta_{{\mathrm{{TA}}}}^{{(e)}}=\theta_{{0}}+{alpha}\,{{\textstyle\sum_{{t}}}}\,(\theta_{{t}}^{{(e)}}-\theta_{{0}})"
                    ),
                ),
            ),
        ]
    blocks: list[Block] = [Heading(("Setting",), 1), Paragraph(lines[0]), Items(tuple(items))]
    if "g_{" in text:
        start = (
            math(r"g_{t}=\nabla L_{t}(\theta_{0})"),
            " and ",
            math(r"H_{t}=\nabla^{2}L_{t}(\theta_{0})"),
            ". ",
        )
        order = (
            "Remainders ",
            math("O(\\eta^{N})"),
            " are for ",
            math(r"\eta\to 0"),
            " with everything else fixed.",
        )
        blocks.append(Paragraph((*start, *order)))
    if "R_{" in text or "C_{" in text:
        blocks += _sums(alpha)
    if r"\lVert" in text:
        norms = (math(r"\lVert\cdot\rVert"), " is the 2-norm of a vector and the spectral norm of a matrix. ")
        totals = ("Where a loss has no gradient or no Hessian, ", math("0"), " stands for it. ")
        roots = (math(r"\sqrt{e}"), " is ", math("0"), " for ", math("e<0"), ".") if r"\sqrt" in text else ()
        blocks.append(Paragraph((*norms, *totals, *roots)))
    return blocks


def _sums(alpha: str) -> list[Block]:
    rest = (
        rf"r_{{t}}(\theta)={alpha}\,{{\textstyle\sum_{{u}}}}\,\nabla L_{{u}}(\theta)-\nabla L_{{t}}(\theta)"
    )
    drift = r"R_{e}(t)=\sum_{m=0}^{e-1}r_{t}(\theta_{\mathrm{MT}}^{(m)})"
    path = r"C_{k}=\sum_{t}\sum_{e=1}^{k-1}\nabla^{2}L_{t}(\theta_{\mathrm{MT}}^{(e)})\,R_{e}(t)"
    return [
        Paragraph(
            (
                "With ",
                math(rest),
                ", the sums along the run are",
            )
        ),
        Items((Item("", (math(drift), ",")), Item("", (math(path), ".")))),
    ]


def _factor(claims: Iterable[Claim], writer: Writer) -> str:
    """The factor alpha of the joint run as LaTeX."""
    for claim in claims:
        for poly in _factors(claim):
            text = writer.poly(poly)
            return "" if text == "1" else f"({text})" if " " in text or text.startswith("-") else text
    return r"\alpha"


def _factors(claim: Claim) -> Iterable[Poly]:
    inner = claim.claim if isinstance(claim, ForIndices) else claim
    if isinstance(inner, Expansion):
        for combination in inner.parts:
            for _, vector in combination.terms:
                if isinstance(vector, RunPoint) and vector.run.task is None:
                    yield vector.run.factor
                if isinstance(vector, PathTerm):
                    yield vector.alpha
    if isinstance(inner, Compare):
        for atom in inner.left.atoms():
            if isinstance(atom, Length):
                for _, vector in atom.combination.terms:
                    if isinstance(vector, PathTerm):
                        yield vector.alpha
                    if isinstance(vector, RunPoint) and vector.run.task is None:
                        yield vector.run.factor


# -- remarks ----------------------------------------------------------------------------------------


def remark_blocks(tree: StepTree) -> list[Block]:
    """What the theorems say about the forms that are printed in the literature."""
    claims = [goal.claim for goal in tree.conclusions]
    remarks: list[tuple[Inline, ...]] = []
    if any(_is_leading(claim) for claim in claims):
        remarks.append(_leading_form())
    if any(_is_path(claim) for claim in claims):
        remarks.append(_sign_erratum())
    if any(isinstance(c, Compare) and _bounds_path(c) for c in claims):
        remarks += [_optimal(), *_bound_errata()]
    if not remarks:
        return []
    items = tuple(Item("", remark) for remark in remarks)
    return [Heading(("Remarks",), 1), Items(items)]


def _is_leading(claim: Claim) -> bool:
    """The difference with its leading term at theta0."""
    return (
        isinstance(claim, Expansion)
        and len(claim.coefficients) == 3
        and bool(claim.coefficients[2].terms)
        and not any(is_constant(vector) for _, vector in claim.parts[0].terms if isinstance(vector, RunPoint))
        and len(claim.parts) == 1
        and len(claim.parts[0].terms) > 1
    )


def _is_path(claim: Claim) -> bool:
    return isinstance(claim, Expansion) and any(
        isinstance(vector, PathTerm) for part in claim.parts[1:] for _, vector in part.terms
    )


def _bounds_path(claim: Compare) -> bool:
    lengths = [inner for inner in claim.left.atoms() if isinstance(inner, Length)]
    is_path = any(isinstance(v, PathTerm) for inner in lengths for _, v in inner.combination.terms)
    return is_path and TaskCount() in claim.right.atoms()


def _leading_form() -> tuple[Inline, ...]:
    form = r"-\alpha\,\eta^{2}\,\tfrac{1}{2}k(k-1)\,{\textstyle\sum_{t}}\,H_{t}\,r_{t}(\theta_{0})"
    return (
        "The leading term is ",
        math(form),
        ": it vanishes for ",
        math("k=1"),
        ", and where the Hessians annihilate the differences ",
        math("r_{t}"),
        ".",
    )


def _sign_erratum() -> tuple[Inline, ...]:
    return (
        Strong("Erratum"), ". In ", Cite("zhou"), " the difference is printed as ", math(r"+\eta^{2}C"),
        ". The factor ", math(r"-\alpha"), " cannot be left out: for two tasks with ",
        math(r"L_{1}=L_{2}=\tfrac12\theta^{2}"), ", ", math(r"\theta_{0}=1"), ", ", math(r"\alpha=1"), " and ", math("k=2"),
        " the difference is ", math(r"-2\eta^{2}"), " exactly, and ", math("C=2"), ". The two forms agree for ",
        math(r"\alpha=-1"), ". The shift of the indices ", math("e"), " and ", math("m"), " that is printed there is harmless.",
    )  # fmt: skip


def _optimal() -> tuple[Inline, ...]:
    return (
        "No smaller factor than ", math(r"\max(1,\lvert\alpha T-1\rvert)"), " serves for every loss if ", math(r"T\ge 2"),
        ". With ", math(r"L_{t}=\tfrac12\theta^{2}"), " and ", math(r"\theta_{0}=1"), " all of ", math(r"\lVert C_{k}\rVert"),
        ", ", math("G"), " and ", math("H"), " tend to the values with ", math(r"\lvert\alpha T-1\rvert"), " as ", math(r"\eta\to 0"),
        ". With ", math(r"L_{t}=\tfrac12\langle\theta,S_{t}\theta\rangle"), " on ", math(r"\mathbb{R}^{2}"), ", ",
        math(r"S_{t}"), " the reflection that sends the unit vector ", math(r"\theta_{0}"), " to itself turned by ", math(r"2\pi t/T"),
        ", the gradients add up to ", math("0"), " at ", math(r"\theta_{0}"), ", where the run stays, and the factor ", math("1"),
        " is attained.",
    )  # fmt: skip


def _bound_errata() -> list[tuple[Inline, ...]]:
    return [
        (
            Strong("Erratum"), ". In ", Cite("zhou"), " the number of pairs is printed as ", math(r"\tfrac{h+2}{2}"), " with ",
            math("h=k-2"), ", which is ", math(r"\tfrac{k}{2}"), " in place of ", math(r"\binom{k}{2}"), ", together with the factor ",
            math(r"\lvert\alpha T+1\rvert"), ". For ", math(r"L_{t}=\tfrac12\theta^{2}"), " on ", math("[-1,1]"), ", ", math("T=2"), " and ",
            math(r"\alpha=1"), " this fails for every ", math(r"k\ge 5"), ": ", math(r"\lVert C_{k}\rVert\to k(k-1)>3k"), " as ",
            math(r"\eta\to 0"), ".",
        ),
        (
            Strong("Erratum"), ". The printed factor ", math(r"\lvert\alpha T+1\rvert"), " is too small for every ", math(r"\alpha<0"),
            ", also with ", math(r"\binom{k}{2}"), ": with the same losses ", math(r"\lVert C_{k}\rVert\to T\binom{k}{2}\lvert\alpha T-1\rvert"),
            ", and ", math(r"\lvert\alpha T-1\rvert>\lvert\alpha T+1\rvert"), ".",
        ),
    ]  # fmt: skip
