"""The page of all activations with its figures, generated: `python -m gradlemma.activations_page docs`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

from flint import arb, fmpq

from gradlemma.activation_rows import SMALL_RADIUS, Constant, Row, activation_rows
from gradlemma.attained import FAR, NEAR_ZERO, Place
from gradlemma.decimals import decimal_text
from gradlemma.derive import write_text
from proofs.errors import GradlemmaError
from proofs.kernel.domains import jumps, value_at
from proofs.kernel.intervals import evaluate
from proofs.kernel.scalars import FunctionValue, Poly, Root, number
from proofs.kernel.univariate import Univariate
from proofs.theorems.rows import CONSTANTS
from proofs.typeset.expressions import Writer
from proofs.typeset.functions import expression_latex, function_definition
from proofs.typeset.layout import Math
from proofs.typeset.numerals import exact_latex, is_short

__all__ = ["FIGURES", "activations_page", "write_activations"]

FIGURES = "activations"
DIGITS = 12
TABLE_DIGITS = 7
MOST_PLACES = 2
MOST_IN_CELL = 30
# A place with a larger denominator was found by the search in floats.
MOST_DENOMINATOR = 64
SYMBOLS = {
    "sup": r"\sup\lvert\sigma\rvert", "secant": r"\ell", "slope": r"\beta", "bend": r"\gamma",
    "third": r"\delta",
}  # fmt: skip
INTRO = rf"""# Activations

Generated from the catalogue by `make docs-activations`; do not edit. Every number is derived from the
pieces of the function, and bounded by a theorem of the kernel: `gradlemma derive ACT --activation NAME`
prints it, [bounds.md](bounds.md) says how the constants are used, [problem-file.md](problem-file.md) how to
give an activation of your own.

$\sup\lvert\sigma\rvert$, $\beta$, $\gamma$ and $\delta$ bound $\lvert\sigma\rvert$,
$\lvert\sigma'\rvert$, $\lvert\sigma''\rvert$ and $\lvert\sigma'''\rvert$, one-sided limits at kinks included;
$\ell$ bounds $\lvert\sigma(t)-\sigma(0)\rvert/\lvert t\rvert$. A constant without a closed form is rounded up
here; the sections give {DIGITS} digits. $\infty$: no finite bound is established. $k$ is any integer.
Parameters have their default values."""
READING = """## How to read the sections

*Supremum*: a closed form, or an enclosure `[a, b]` rounded outward. A theorem shows the upper end; the lower
end is a value at one point, in ball arithmetic. An upper bound alone is written with ≤, and the largest value
found beside it.

*Shown by*: counting real roots of polynomials over Q, or ball arithmetic with a tail bound, apart from the
points where exact forms show that the bound is attained.

*Where*: with `=` the bound is attained there, or is a one-sided limit there ($0^-$, $0^+$), by exact forms;
with `≈` or `→` a search in floats found that less than a relative 1e-10 is missing there.

*Figures*: vertical dotted lines are kinks; open dots are one-sided limits that are no values, filled dots
values at jumps. Dashed lines are the bounds, as numbers above the panel. Diamonds are the points under
*where*: filled if exact, hollow if found in floats, behind an open dot if a one-sided limit.
`activations/NAME.json` holds what is drawn."""


def activations_page(rows: Iterable[Row]) -> str:
    """The text of `docs/activations.md`."""
    return "\n".join(_page(list(rows))) + "\n"


def write_activations(folder: Path) -> None:
    """Write the page, and the figures with their data into the folder `activations` beside it.

    Raises:
        PlotsMissing: without matplotlib; nothing is written then.
    """
    from gradlemma.figures._style import figure_style
    from gradlemma.figures.activation_data import activation_data
    from gradlemma.figures.activation_figure import activation_svg, data_text

    with figure_style():
        rows = list(activation_rows())
    (folder / FIGURES).mkdir(parents=True, exist_ok=True)
    for row in rows:
        data = activation_data(row)
        write_text(folder / FIGURES / f"{row.function.name}.json", data_text(data))
        write_text(folder / FIGURES / f"{row.function.name}.svg", activation_svg(data))
    write_text(folder / "activations.md", activations_page(rows))


def _page(rows: list[Row]) -> Iterator[str]:
    yield INTRO
    yield ""
    names = " | ".join(f"${symbol}$" for symbol in SYMBOLS.values())
    yield f"| activation | kinks | continuous | $\\sigma(0)$ | {names} |"
    yield "|---|---|---|---|" + "---|" * len(SYMBOLS)
    for row in rows:
        function = row.function
        link = f"[`{function.name}`](#{function.name})"
        cells = [link, _kinks(function), _continuity(function), f"${_at_zero(function)}$"]
        yield _line([*cells, *(_short(row.everywhere.get(name)) for name in CONSTANTS)])
    yield ""
    yield f"Where a constant is infinite, those within $\\lvert t\\rvert\\le {SMALL_RADIUS}$:"
    yield ""
    yield f"| activation | {names} |"
    yield "|---|" + "---|" * len(SYMBOLS)
    for row in rows:
        if row.within is not None:
            yield _line([f"`{row.function.name}`", *(_short(row.within.get(name)) for name in CONSTANTS)])
    yield ""
    yield READING
    for row in rows:
        yield ""
        yield from _section(row)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _section(row: Row) -> Iterator[str]:
    function = row.function
    yield f"## {function.name}"
    yield ""
    yield from _definition(function)
    yield ""
    parameters = ", ".join(f"`{name}` = {value}" for name, value in function.parameters)
    facts = [f"Parameters: {parameters}."] if parameters else []
    facts += [f"Kinks: {_kinks(function)}.", f"Continuous: {_continuity(function)}."]
    yield " ".join([*facts, f"$\\sigma(0) = {_at_zero(function)}$."])
    yield ""
    yield f"![{function.name} and its derivatives, with the bounds]({FIGURES}/{function.name}.svg)"
    yield ""
    yield from _table(row.everywhere, r"t\in\mathbb{R}", function)
    if row.within is not None:
        yield ""
        yield from _table(row.within, rf"\lvert t\rvert\le {SMALL_RADIUS}", function)


def _table(constants: dict[str, Constant], where: str, function: Univariate) -> Iterator[str]:
    yield f"| ${where}$ | supremum | where | shown by |"
    yield "|---|---|---|---|"
    for name in CONSTANTS:
        constant = constants.get(name)
        if constant is None:
            yield _line([f"${SYMBOLS[name]}$", r"$\infty$", "", ""])
        else:
            cells = [_full(constant), _places(constant, function), constant.shown_by]
            yield _line([f"${SYMBOLS[name]}$", *cells])


def _definition(function: Univariate) -> Iterator[str]:
    """The function by its pieces, as a formula on its own, and what else is to be said of it."""
    inlines = function_definition(function)
    formulas = [inline for inline in inlines if isinstance(inline, Math)]
    if not formulas:
        formula, rest = rf"\sigma(t)={expression_latex(function.pieces[0].expression)}", ""
    else:
        formula = formulas[0].text
        rest = "".join(f"${i.text}$" if isinstance(i, Math) else str(i) for i in inlines[1:])
    yield "```math"
    yield formula
    yield "```"
    if rest.strip(" ,."):
        yield ""
        yield f"with {rest.lstrip(' ,')}"


def _kinks(function: Univariate) -> str:
    if not function.kinks:
        return "none"
    unit = r"\pi" if function.in_pi else ""
    if function.period is None:
        return f"${', '.join(_signed(kink) for kink in function.kinks)}$"
    step = _multiple(function.period.length, unit, "k")
    places = (f"{_multiple(kink, unit)}+{step}" if kink else step for kink in function.kinks)
    return f"${', '.join(places)}$"


def _multiple(value: Fraction, unit: str, letter: str = "") -> str:
    size = "" if value == 1 and unit + letter else _signed(value)
    return rf"{size}{unit}\,{letter}" if letter and unit else f"{size}{unit}{letter}"


def _continuity(function: Univariate) -> str:
    return "no" if jumps(function) else "yes"


def _at_zero(function: Univariate) -> str:
    exact = value_at(function, Fraction(0))
    if exact is not None:
        return _signed(exact)
    # A closed form of |sigma(0)|, and the sign from a ball.
    piece = next(p for p in reversed(function.pieces) if p.lower is None or p.lower <= 0)
    sign = "-" if evaluate(piece.expression, arb(0)) < 0 else ""
    return sign + Writer().poly(FunctionValue(piece.expression, Fraction(0), Fraction(1)).poly())


def _signed(value: Fraction) -> str:
    return ("-" if value < 0 else "") + exact_latex(abs(value))


def _closed(constant: Constant) -> str | None:
    """The bound in closed form, if it is one and the supremum is known."""
    exact = constant.bound.constant()
    if not constant.is_known or (exact is not None and not is_short(_fraction(exact))):
        return None
    return Writer().poly(constant.bound)


def _fraction(value: fmpq) -> Fraction:
    return Fraction(int(value.p), int(value.q))


def _short(constant: Constant | None) -> str:
    """The cell of the first table: a closed form, or the bound rounded up."""
    if constant is None:
        return r"$\infty$"
    closed = _closed(constant)
    if closed is not None and len(closed) <= MOST_IN_CELL:
        return f"${closed}$"
    sign = "" if constant.is_known else r"\le "
    return f"${sign}{_decimal(constant.above, up=True, digits=TABLE_DIGITS)}$"


def _full(constant: Constant) -> str:
    """The cell of a section: the closed form with its decimals, an enclosure, or an upper bound."""
    closed = _closed(constant)
    upper = _decimal(constant.above, up=True)
    lower = _decimal(constant.reached.value, up=False)
    if closed is not None:
        is_plain = constant.bound.constant() is not None
        return f"${closed}$" if is_plain else f"${closed}$, in $[{lower}, {upper}]$"
    if constant.is_known:
        return f"in $[{lower}, {upper}]$"
    return rf"$\le {upper}$, and $\ge {lower}$"


def _decimal(value: Fraction, *, up: bool, digits: int = DIGITS) -> str:
    """A number of size between 1e-4 and 10^digits as a plain decimal, rounded up or down."""
    if value.denominator == 1:
        return str(value.numerator)
    mantissa, _, exponent = decimal_text(value, up=up, digits=digits).partition("e")
    shift = int(exponent or 0)
    numeral = Fraction(mantissa) * Fraction(10) ** shift
    places = max(digits - 1 - shift, 0)
    whole, rest = divmod(int(numeral * 10**places), 10**places)
    return f"{whole}.{str(rest).rjust(places, '0')}" if places else str(whole)


def _places(constant: Constant, function: Univariate) -> str:
    """Where the bound is attained or nearly so; the first few places, from 0 outward."""
    if constant.above == 0:
        return ""
    places = [place for place in constant.reached.places if _is_listed(place, function)]
    if constant.order == -1 and (at_zero := [p for p in places if abs(p.s) == NEAR_ZERO]):
        # A secant slope that is the slope at 0, and the same on whole pieces or not.
        return f"$t\\to 0${', …' if len(places) > len(at_zero) else ''}"
    texts = list(dict.fromkeys(_place(place, function) for place in places))
    more = ", …" if len(texts) > MOST_PLACES or function.period is not None else ""
    return ", ".join(f"${text}$" for text in texts[:MOST_PLACES]) + (more if texts else "")


def _is_listed(place: Place, function: Univariate) -> bool:
    """Whether the place is in the listed period; its copies are not printed."""
    first, last = function.pieces[0].lower, function.pieces[-1].upper
    return first is None or last is None or first <= place.s <= last


def _place(place: Place, function: Univariate) -> str:
    unit = r"\pi" if function.in_pi else ""
    if place.until is not None:
        return _range(place.s, place.until, unit)
    if abs(place.s) >= FAR[0]:
        return r"t\to\infty" if place.s > 0 else r"t\to-\infty"
    if place.radicand != 1:
        surd = _constant(place.s) * Root(_constant(place.radicand)).poly()
        return f"t={Writer().poly(surd)}"
    limit = {-1: "^-", 0: "", 1: "^+"}[place.side]
    # A kink or the end of the range is a point given exactly, though the value may be known in balls alone.
    if place.exact or place.side or place.s.denominator <= MOST_DENOMINATOR:
        sign = "=" if place.exact else r"\to " if place.side else r"\approx "
        return f"t{sign}{_multiple(place.s, unit if place.s else '')}{limit}"
    return rf"t\approx {'-' if place.s < 0 else ''}{abs(place.t):.5f}{unit}"


def _constant(value: Fraction) -> Poly:
    return number(fmpq(value.numerator, value.denominator))


def _range(lower: Fraction, upper: Fraction, unit: str) -> str:
    """The inside of a piece."""
    low = "" if lower <= -FAR[0] else f"{_multiple(lower, unit if lower else '')}<"
    high = "" if upper >= FAR[0] else f"<{_multiple(upper, unit if upper else '')}"
    if low and not high:
        return f"t>{low[:-1]}"
    return f"{low}t{high}" if low or high else r"t\in\mathbb{R}"


if __name__ == "__main__":
    try:
        write_activations(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
    except GradlemmaError as error:
        sys.exit(f"gradlemma: {error}")
