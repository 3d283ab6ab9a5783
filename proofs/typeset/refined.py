"""The closed form of the joint refinement of cross-entropy, read off the region that it is derived from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofs.kernel.claims import Compare
from proofs.kernel.core import Theorem, steps_of
from proofs.kernel.rules import Cases
from proofs.kernel.scalars import Let, Poly, number
from proofs.kernel.terms import Softmax

from .expressions import Notation, Writer
from .recursions import closed_forms, form_names

if TYPE_CHECKING:
    from proofs.theorems.bounds import Derivation

__all__ = ["refined_form"]


def refined_form(work: Derivation, theorem: Theorem) -> str:
    """The largest over the region of lambda_max(h j j^T + g K), with the recursions of j and K.

    Where the theorem is the plain bound (the refinement is no smaller), the plain form.
    """
    from proofs.theorems.softmax_region import softmax_region

    plain = closed_forms(work, theorem).hessian
    if not any(isinstance(step.rule, Cases) for step in steps_of(theorem)):
        return plain
    region = softmax_region(work.sample, work.jet.output)
    softmax = Softmax(work.jet.output.node)
    writer = Writer(Notation(softmax=softmax))
    lines = [_eigenvalue(t, writer, form_names(work)) for t in (region.flat, region.curve) if t is not None]
    joined = r",\; ".join(lines)
    inside = lines[0] if len(lines) == 1 else rf"\min\bigl({joined}\bigr)"
    end = _claim(region.end)
    over = rf"\max_{{{writer.poly(end.left)}\le {writer.poly(end.right)}}}"
    head = rf"\begin{{aligned}} H_{{\max}} &= {over} {inside}"
    _, _, rows = plain.partition(r" \\ ")
    meaning = rf"p &= {Writer().term(softmax)}"
    return rf"{head} \\ {meaning} \\ {rows}"


def _eigenvalue(theorem: Theorem, writer: Writer, names: tuple[str, str]) -> str:
    """lambda_max(h j j^T + g K) from |D^2 l[u,u]| <= h J^2 + g K."""
    factors: dict[int, Poly] = {1: number(0), 2: number(0)}
    for monomial, coefficient in _claim(theorem).right.terms.items():
        rest = tuple(pair for pair in monomial if not isinstance(pair[0], Let))
        power = sum(e for inner, e in monomial if isinstance(inner, Let))
        factors[power] = factors[power] + Poly([(rest, coefficient)])
    texts = [writer.poly(factors[power]) for power in (2, 1)]
    h, g = (f"({text})" if len(factors[p].terms) > 1 else text for text, p in zip(texts, (2, 1), strict=True))
    j, matrix = names
    return rf"\lambda_{{\max}}\bigl({h}\, {j}\,{j}^{{\top}} + {g}\, {matrix}\bigr)"


def _claim(theorem: Theorem) -> Compare:
    if not isinstance(theorem.claim, Compare):
        raise TypeError("expected a theorem that compares two scalars")
    return theorem.claim
