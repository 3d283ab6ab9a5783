"""Sums of products of entries as products of matrices and vectors where they are such, else with indices."""

from __future__ import annotations

import re

__all__ = ["contraction_latex", "indexed", "is_bracketed", "raised"]

SUM, PRODUCT, TIGHT = 0, 1, 2
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# The pattern with its letters renamed in order of appearance; @ and # stand for the factors.
_FORMS = {
    "ab,b->a": "@ #",
    "ab,a->b": r"@^{\top} #",
    "a,ab->b": r"#^{\top} @",
    "a,ba->b": r"# @",
    "ab,bc->ac": "@ #",
    "ab,cb->ac": r"@ #^{\top}",
    "ab,ac->bc": r"@^{\top} #",
    "ab,ca->cb": r"# @",
    "ab,cb->ca": r"# @^{\top}",
    "ab,bc->ca": r"(@ #)^{\top}",
    "a,b->ab": r"@ #^{\top}",
    "a,b->ba": r"# @^{\top}",
}
_INNER = ("a,a->", "ab,ab->", "abc,abc->")


def contraction_latex(pattern: str, left: str, right: str, *, is_square: bool) -> tuple[str, int]:
    """The text of a contraction and how tightly it binds.

    >>> contraction_latex("ij,j->i", "W", "h", is_square=False)
    ('W h', 1)
    >>> contraction_latex("ijk,jl->ikl", "A", "B", is_square=False)
    ('\\\\bigl({\\\\textstyle\\\\sum_{j}} A_{ijk} B_{jl}\\\\bigr)_{ikl}', 2)
    """
    plain = _renamed(pattern)
    if plain in _INNER:
        if is_square:
            bare = left[1:-1] if is_bracketed(left) else left
            return rf"\lVert {bare}\rVert{'_F' if plain != 'a,a->' else ''}^{{2}}", TIGHT
        return rf"\langle {left},\, {right}\rangle", TIGHT
    form = _FORMS.get(plain) or _elementwise(pattern)
    if form is not None:
        if r"^{\top}" in form:
            left, right = _powered(left, form, "@"), _powered(right, form, "#")
        # W (h * x) and (W h) * x, entry by entry, are not the same.
        return form.replace("@", left).replace("#", right), SUM if r"\odot" in form else PRODUCT
    inputs, _, result = pattern.partition("->")
    first, _, second = inputs.partition(",")
    summed = "".join(dict.fromkeys(c for c in first + second if c not in result))
    total = rf"{{\textstyle\sum_{{{summed}}}}} " if summed else ""
    product = " ".join(
        text + (f"_{{{letters}}}" if letters else "")
        for text, letters in ((indexed(left), first), (indexed(right), second))
    )
    if not result:
        return total + product, PRODUCT
    return rf"\bigl({total}{product}\bigr)_{{{result}}}", TIGHT


def _elementwise(pattern: str) -> str | None:
    """A product with a number, or entry by entry, of tensors with any number of dimensions."""
    inputs, _, result = pattern.partition("->")
    first, _, second = inputs.partition(",")
    if first == "" and second == result:
        return r"@\, #"
    if second == "" and first == result:
        return r"#\, @"
    return r"@\odot #" if first == second == result else None


def _powered(text: str, form: str, mark: str) -> str:
    """The factor, in brackets where it is transposed and cannot take a superscript."""
    return raised(text) if mark + r"^{\top}" in form else text


def is_bracketed(text: str) -> bool:
    """Whether one pair of brackets encloses all of the text."""
    if not text.startswith("(") or not text.endswith(")"):
        return False
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0 and place < len(text) - 1:
            return False
    return True


def raised(text: str) -> str:
    """The text as what a superscript may follow."""
    return text if is_bracketed(text) or not re.search(r"[\s^]", text) else f"({text})"


def indexed(text: str) -> str:
    """The text as what a subscript may follow."""
    if is_bracketed(text) or re.fullmatch(r"[A-Za-z]|\\[A-Za-z]+", text):
        return text
    return text if text.endswith(")") and " " not in text else f"({text})"


def _renamed(pattern: str) -> str:
    found: dict[str, str] = {}
    for letter in pattern:
        if letter.isalpha() and letter not in found:
            found[letter] = _LETTERS[len(found)]
    return "".join(found.get(letter, letter) for letter in pattern)
