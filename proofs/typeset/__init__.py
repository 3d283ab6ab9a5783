"""Typesetting: a theorem's derivation as LaTeX or Markdown, from the derivation alone.

>>> from proofs.kernel.core import infer
>>> from proofs.kernel.rules import SoftmaxSimplex
>>> from proofs.kernel.terms import Role, Variable
>>> claim_latex(infer(SoftmaxSimplex(Variable("f", (3,), Role.SAMPLE))).claim)
'\\\\operatorname{softmax}(f)\\\\text{ is a probability vector}'
"""

from __future__ import annotations

from proofs.kernel.claims import Claim
from proofs.kernel.core import Theorem
from proofs.kernel.scalars import Poly
from proofs.kernel.set_claims import SetClaim
from proofs.kernel.terms import Term

from .claims import claim_inlines, where_inlines
from .document import document, trust_sentence
from .escape import escape as escape
from .expressions import Notation, Writer
from .latex import print_document, print_fragment
from .layout import Cite, Inline, Math, Mono, Strong
from .markdown import print_markdown
from .references import SOURCES
from .statements import goal_title
from .steps import Goal as Goal
from .steps import StepTree as StepTree
from .steps import step_tree as step_tree

__all__ = [
    "Goal", "StepTree", "claim_latex", "escape", "poly_latex", "step_tree", "term_latex", "to_latex",
    "to_markdown", "trust_of",
]  # fmt: skip


def to_latex(*goals: Goal, fragment: bool = False, title: str | None = None, full: bool = False) -> str:
    """The derivation of the goals as LaTeX.

    Args:
        *goals: theorems with their names; steps that several share are printed once.
        fragment: no preamble, for an article that loads amsmath, amssymb and amsthm.
        title: plain text above the derivation; default: the names of the goals.
        full: print the steps of every layer, also of those that repeat another layer's.

    Returns:
        Setting, assumptions, numbered steps with rule and trust, theorems, trust, bibliography.
    """
    blocks = document(*goals, full=full)
    if fragment:
        return print_fragment(blocks, None if title is None else (title,))
    return print_document(blocks, _title(goals, title))


def to_markdown(*goals: Goal, title: str | None = None, full: bool = False) -> str:
    """The derivation of the goals as Markdown, formulas as LaTeX between dollar signs."""
    return print_markdown(document(*goals, full=full), _title(goals, title))


def _title(goals: tuple[Goal, ...], title: str | None) -> tuple[Inline, ...]:
    if title is not None:
        return (title,)
    return ("Derivation of ", *goal_title(" and ".join(goal.name for goal in goals)))


def claim_latex(claim: Claim, *, exact: bool = False) -> str:
    """The claim as one line for math mode, long numbers in upper bounds rounded upward.

    With `exact` every number is printed in full, as a hypothesis must be.  A claim about maps ends with
    what their names stand for: the first few, or with `exact` all.
    """
    texts: list[str] = []
    writer = Writer(Notation(is_exact=exact))
    where = where_inlines(claim, writer) if isinstance(claim, SetClaim) else ()
    for part in (*claim_inlines(claim, writer), *where):
        match part:
            case Math():
                texts.append(part.text)
            case Mono(text=text):
                texts.append(rf"\texttt{{{escape(text)}}}")
            case Cite(key=key):
                texts.append(rf"\text{{[{SOURCES[key].label}]}}")
            case str():
                texts.append(rf"\text{{{escape(part)}}}")
            case Strong(text=text):
                texts.append(rf"\text{{{escape(text)}}}")
    return "".join(texts)


def poly_latex(poly: Poly) -> str:
    """The polynomial for math mode, long numbers by their first digits."""
    return Writer().poly(poly)


def term_latex(term: Term) -> str:
    """The term for math mode."""
    return Writer().term(term)


def trust_of(theorem: Theorem) -> str:
    """What the theorem rests on besides the kernel's rules, as a sentence."""
    return trust_sentence(theorem.trust)
