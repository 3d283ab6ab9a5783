"""What a certificate shows: right side minus left side as a sum of products and squares."""

from __future__ import annotations

from collections.abc import Sequence

from proofs.kernel.rules import Certificate
from proofs.kernel.scalars import DirectionNorm, Poly, number

from .expressions import Writer
from .layout import Inline, Math, Piece, math, width_of
from .perron import is_difference
from .steps import Reference, Step

__all__ = ["identity_inlines"]

MOST_SQUARES = 3
WIDE = 24.0
ONE = number(1)


def identity_inlines(step: Step, writer: Writer, *, mark: str = "step") -> tuple[Inline, ...]:
    """`right - left = ...` with Delta_n for the right side minus the left side of step n.

    With mark="premise", premises are counted instead: a text that does not depend on step numbers.
    """
    rule = step.rule
    if not isinstance(rule, Certificate):
        return ()
    marks = [_gap(reference, index, mark) for index, reference in enumerate(step.premises)]
    plain = [p for p in rule.products if p[2] == ONE]
    squares = [p for p in rule.products if p[2] not in (ONE, number(0))]
    is_short = len(squares) <= MOST_SQUARES or writer.notation.is_exact
    terms = [_product(p, marks, writer) for p in (plain + squares if is_short else plain)]
    if not is_short:
        terms.append([Piece(_many(squares))])
    terms += [[Piece(_multiple(multiplier, marks[index], writer))] for index, multiplier in rule.equations]
    pieces: list[Piece] = []
    for first, *rest in terms:
        signed = not pieces or first.text.startswith("-")
        pieces += [first if signed else Piece(f"+ {first.text}"), *rest]
    if not pieces:
        return ()
    first = Piece(f"= {pieces[0].text}", is_relation=True)
    note = "" if is_short else f"with {len(squares)} squares, {_weights(squares)}: "
    return (note + "right ", math("-"), " left ", Math((first, *pieces[1:])))


def _gap(reference: Reference, index: int, mark: str) -> str:
    if mark == "premise":
        return rf"\Delta_{{{index}}}"
    if reference.label:
        return rf"\Delta_{{\mathrm{{{reference.label}}}}}"
    return rf"\Delta_{{{reference.number}}}"


def _weights(squares: Sequence[tuple[object, tuple[int, ...], Poly]]) -> str:
    if any(indices for _, indices, _ in squares):
        return "their weights shown to be non-negative in the premises"
    return "their weights non-negative rationals"


def _product(product: tuple[object, tuple[int, ...], Poly], marks: list[str], writer: Writer) -> list[Piece]:
    coefficient, indices, square = product
    factors = [marks[index] for index in indices]
    size = number(coefficient)  # type: ignore[arg-type]
    if size != ONE:
        factors.insert(0, writer.poly(size))
    if square == ONE:
        return [Piece(r"\, ".join(factors) if factors else "1")]
    first, *rest = _squared(square, writer)
    return [Piece(r"\, ".join([*factors, first.text])), *rest]


def _squared(square: Poly, writer: Writer) -> list[Piece]:
    """The square of a polynomial, breakable inside where it is wide."""
    text = writer.poly(square)
    if len(square.terms) == 1 and "^" not in text:
        return [Piece(f"{text}^{{2}}")]
    if width_of(text) <= WIDE:
        return [Piece(rf"({text})^{{2}}")]
    pieces = writer.pieces(square)
    pieces[0] = Piece(r"\bigl(" + pieces[0].text)
    return [*pieces[:-1], Piece(pieces[-1].text + r"\bigr)^{2}")]


def _multiple(multiplier: Poly, gap: str, writer: Writer) -> str:
    if multiplier == ONE:
        return gap
    if multiplier == number(-1):
        return f"-{gap}"
    text = writer.poly(multiplier)
    if len(writer.pieces(multiplier)) > 1:
        text = f"({text})"
    if width_of(text) > WIDE:
        return rf"(\cdots)\,{gap}"
    return rf"{text}\,{gap}"


def _kind(square: Poly) -> str:
    groups = all(
        len(monomial) == 1 and monomial[0][1] == 1 and isinstance(monomial[0][0], DirectionNorm)
        for monomial in square.terms
    )
    if not groups:
        return "other"
    return "difference" if is_difference(square) else "single" if len(square.terms) == 1 else "other"


def _many(squares: Sequence[tuple[object, tuple[int, ...], Poly]]) -> str:
    """The general form of many squares, by kind."""
    kinds = [_kind(square) for _, _, square in squares]
    weight = r"\Delta_{(k)}" if any(indices for _, indices, _ in squares) else "c_k"
    scale = "t_k" if any(set(square.terms.values()) - {1, -1} for _, _, square in squares) else ""
    parts: list[str] = []
    if "difference" in kinds:
        first = r"\lVert u_{g_k}\rVert"
        second = rf"{scale}\lVert u_{{h_k}}\rVert"
        parts.append(rf"\sum_{{k=1}}^{{{kinds.count('difference')}}} {weight}\,({first}-{second})^{{2}}")
    if "single" in kinds:
        singles = weight.replace("c", "d")
        parts.append(rf"\sum_{{k=1}}^{{{kinds.count('single')}}} {singles}\,\lVert u_{{g_k}}\rVert^{{2}}")
    if "other" in kinds:
        parts.append(rf"\sum_{{k=1}}^{{{kinds.count('other')}}} {weight.replace('c', 'e')}\,q_k^{{2}}")
    return " + ".join(parts)
