"""The vector of an eigenvalue certificate, for a check on paper: K v <= lambda v with v > 0."""

from __future__ import annotations

from fractions import Fraction

from proofs.kernel.rules import Certificate
from proofs.kernel.scalars import DirectionNorm, Poly

from .expressions import Writer
from .layout import Inline, Math, Piece, math
from .numerals import as_fraction, exact_latex
from .steps import Step

__all__ = ["is_difference", "is_perron", "perron_inlines", "perron_vector"]

MOST_GROUPS = 8
SHOWN_GROUPS = 4


def is_difference(square: Poly) -> bool:
    """Whether the polynomial is x_g - r x_h for norms of two groups."""
    return len(square.terms) == 2 and all(
        len(monomial) == 1 and monomial[0][1] == 1 and isinstance(monomial[0][0], DirectionNorm)
        for monomial in square.terms
    )


def is_perron(step: Step) -> bool:
    """Whether a certificate bounds a quadratic form in norms of groups by a sum of weighted squares."""
    rule = step.rule
    return isinstance(rule, Certificate) and any(is_difference(square) for _, _, square in rule.products)


def perron_vector(rule: Certificate) -> dict[DirectionNorm, Fraction]:
    """V, read off the squares (x_g - (v_g/v_h) x_h)^2 of the certificate, with largest entry 1.

    Groups that no square joins with one another are scaled by themselves: K is 0 between them.
    """
    joined: dict[DirectionNorm, dict[DirectionNorm, Fraction]] = {}
    for _, _, square in rule.products:
        if is_difference(square):
            pairs = [(monomial[0][0], as_fraction(c)) for monomial, c in square.terms.items()]
            (g, one), (h, other) = sorted(pairs, key=lambda pair: pair[1] < 0)
            if isinstance(g, DirectionNorm) and isinstance(h, DirectionNorm):
                ratio = -other / one
                joined.setdefault(g, {})[h] = 1 / ratio
                joined.setdefault(h, {})[g] = ratio
    found: dict[DirectionNorm, Fraction] = {}
    for start in joined:
        if start in found:
            continue
        part, stack = {start: Fraction(1)}, [start]
        while stack:
            group = stack.pop()
            for other, ratio in joined[group].items():
                if other not in part:
                    part[other] = part[group] * ratio
                    stack.append(other)
        largest = max(part.values())
        found |= {group: value / largest for group, value in part.items()}
    return found


def perron_inlines(step: Step, writer: Writer) -> tuple[Inline, ...]:
    """`with K of the form in (n), K v <= lambda v for v = ...`: what is to be checked on paper."""
    rule = step.rule
    if not isinstance(rule, Certificate) or not is_perron(step):
        return ()
    vector = perron_vector(rule)
    entries = sorted(vector.items(), key=lambda pair: writer.natural_key(pair[0]))
    shown = entries if len(entries) <= MOST_GROUPS else entries[:SHOWN_GROUPS]
    texts = [rf"v[{writer.atom(group)}]={exact_latex(value)}" for group, value in shown]
    pieces = [Piece(text if index == 0 else f",\\ {text}") for index, text in enumerate(texts)]
    form = step.premises[0]
    found: list[Inline] = [
        ". To check: ", math(r"Kv\le\lambda v"), " entry by entry, with ", math("K"),
        f" the symmetric matrix of the form in ({form.label or form.number}), ", math(r"\lambda"),
        " the factor on the right, and ", Math(tuple(pieces)),
    ]  # fmt: skip
    if len(shown) < len(entries):
        found.append(
            f", and so on for {len(entries)} groups; the quotients of all entries stand in the certificate "
            "of this step in derivation.json"
        )
    return tuple(found)
