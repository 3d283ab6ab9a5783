"""Sums of products of entries as products of matrices and vectors where they are such, else with indices."""

from __future__ import annotations

__all__ = ["contraction_latex"]

PRODUCT, TIGHT = 1, 2
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
    "ab,bc->ca": r"(@ #)^{\top}",
    "a,b->ab": r"@ #^{\top}",
    "a,b->ba": r"# @^{\top}",
    "a,a->a": r"@\odot #",
    "ab,ab->ab": r"@\odot #",
    "abc,abc->abc": r"@\odot #",
    ",->": r"@\, #",
    ",a->a": r"@\, #",
    ",ab->ab": r"@\, #",
    "a,->a": r"#\, @",
    "ab,->ab": r"#\, @",
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
            bare = left[1:-1] if left.startswith("(") and left.endswith(")") else left
            return rf"\lVert {bare}\rVert{'_F' if plain != 'a,a->' else ''}^{{2}}", TIGHT
        return rf"\langle {left},\, {right}\rangle", TIGHT
    form = _FORMS.get(plain)
    if form is not None:
        if r"^{\top}" in form:
            left, right = _powered(left, form, "@"), _powered(right, form, "#")
        return form.replace("@", left).replace("#", right), PRODUCT
    inputs, _, result = pattern.partition("->")
    first, _, second = inputs.partition(",")
    summed = "".join(dict.fromkeys(c for c in first + second if c not in result))
    total = rf"{{\textstyle\sum_{{{summed}}}}} " if summed else ""
    product = " ".join(
        text + (f"_{{{letters}}}" if letters else "")
        for text, letters in ((_based(left), first), (_based(right), second))
    )
    if not result:
        return total + product, PRODUCT
    return rf"\bigl({total}{product}\bigr)_{{{result}}}", TIGHT


def _powered(text: str, form: str, mark: str) -> str:
    """The factor, in brackets where it is transposed and is no single symbol."""
    return _based(text) if mark + r"^{\top}" in form else text


def _based(text: str) -> str:
    return text if " " not in text or text.startswith("(") else f"({text})"


def _renamed(pattern: str) -> str:
    found: dict[str, str] = {}
    for letter in pattern:
        if letter.isalpha() and letter not in found:
            found[letter] = _LETTERS[len(found)]
    return "".join(found.get(letter, letter) for letter in pattern)
