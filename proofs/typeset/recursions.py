"""G_max and H_max of a network in closed form, read off the derivation.

With s_l >= ||W_l||, c_l >= ||b_l||, M >= ||x||, a_F >= ||F|| for a node F, the forms J_F and K_F of
the derivation become a vector j_F and a matrix K_F over the groups, e_l the unit vector of layer l.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flint import fmpq

from proofs.kernel.claims import Compare
from proofs.kernel.core import Theorem, infer, steps_of
from proofs.kernel.monotone import dependency_order, evaluate_above
from proofs.kernel.rules import MeanOverData, SecantBound, WideBound
from proofs.kernel.scalars import (
    Atom,
    DirectionNorm,
    Let,
    Norm,
    Poly,
    Real,
    Root,
    SupNorm,
    is_nonnegative,
    number,
    substitute,
)
from proofs.kernel.terms import Entrywise, Named, Role, Term, Variable
from proofs.kernel.univariate import Univariate

from .expressions import Notation, Writer
from .layers import Run, repeated_layers
from .names import function_latex, index_latex, layer_of

if TYPE_CHECKING:
    from proofs.theorems.bounds import Derivation

__all__ = ["ClosedForms", "closed_forms", "data_form", "form_names"]

FEW_GROUPS = 2


@dataclass(frozen=True, slots=True)
class ClosedForms:
    """G_max and H_max as LaTeX for math mode: the form in the first line, its recursion below."""

    gradient: str
    hessian: str


Symbol = Callable[[Atom], Poly]


@dataclass(frozen=True, slots=True)
class _Line:
    """left = right at a layer."""

    layer: int
    render: Callable[[Writer], tuple[str, str]]


def closed_forms(work: Derivation, theorem: Theorem | None = None) -> ClosedForms:
    """The closed forms of BND-1 for the worst case over a box, from the derivation's own steps.

    Where the loss has several constants to choose from, those that the theorem uses are shown.
    """
    first, second = _claim(work.sample.first), _claim(work.sample.second)
    constants = _constants(work, theorem)
    image = _loss_image(constants)
    slope = _factor_of_j(first.right, image)
    few = len(work.jet.groups) <= FEW_GROUPS
    j, matrix = form_names(work)
    gradient = rf"{_coefficient(slope, Writer())}\lVert {j}\rVert_2"
    hessian = rf"\lambda_{{\max}}\bigl({_hessian_terms(second.right, image, j, matrix)}\bigr)"
    values = _value_lines(work, constants)
    if few:
        vector, square = _explicit(work)
        shown = [rf"j &= {vector}"], [rf"K &= {square}"]
        extra = _printed(values)
        used = " ".join(shown[0]), " ".join([*shown[0], *shown[1]])
        rows = shown[0] + _needed(extra, used[0]), shown[0] + shown[1] + _needed(extra, used[1])
    else:
        vectors, matrices = _form_lines(work, 1), _form_lines(work, 2)
        rows = _printed(vectors + values), _printed(vectors + matrices + values)
    return ClosedForms(
        _aligned(rf"G_{{\max}} &= {gradient}", rows[0]), _aligned(rf"H_{{\max}} &= {hessian}", rows[1])
    )


def form_names(work: Derivation) -> tuple[str, str]:
    """The names of the output's j and K: plain ones where they are written out."""
    if len(work.jet.groups) <= FEW_GROUPS:
        return "j", "K"
    last = Writer().term(work.jet.output.node)
    return f"j_{{{last}}}", f"K_{{{last}}}"


def data_form(work: Derivation, theorem: Theorem) -> str:
    """The closed form of a bound over given data, read off the theorem's own steps.

    The mean over the samples of g j or of h j j^T + g K, the recursions of j and K in each
    sample's own norms and slopes, and the bounds that the reading puts in for some of them.
    """
    mean = next(step for step in steps_of(theorem) if isinstance(step.rule, MeanOverData))
    target, *bounds = (mean.premises[0], *mean.premises[2:])
    order = 1 if target is work.sample.first else 2
    right = _claim(target).right
    writer = Writer()
    node = writer.term(work.jet.output.node)
    average = r"\tfrac{1}{N}\sum_{i=1}^{N}"
    if order == 1:
        inside = _coefficient(_factor_of_j(right, _itself), writer) + f"j_{{{node}}}"
        head = rf"G_{{\max}} &= \bigl\lVert {average} {inside}\bigr\rVert_2"
        rows = _printed(_form_lines(work, 1, _itself))
    else:
        inside = _hessian_terms(right, _itself, f"j_{{{node}}}", f"K_{{{node}}}")
        head = rf"H_{{\max}} &= \lambda_{{\max}}\bigl({average}\bigl({inside}\bigr)\bigr)"
        rows = _printed(_form_lines(work, 1, _itself) + _form_lines(work, 2, _itself))
    for bound in bounds:
        claim = _claim(bound)
        rows.append(f"{writer.poly(claim.left)} &\\le {writer.poly(claim.right, up=True)}")
    rows += [f"{writer.name(let.name)} &= {writer.poly(let.body)}" for let in _factors(bounds)]
    return _aligned(head, rows)


def _itself(inner: Atom) -> Poly:
    return inner.poly()


def _factors(bounds: Iterable[Theorem]) -> list[Let]:
    """The abbreviations in the bounds, in the order in which they build on each other."""
    found: dict[Let, None] = {}
    for bound in bounds:
        for inner in dependency_order(_claim(bound).right, {}):
            if isinstance(inner, Let):
                found[inner] = None
    return list(found)


def _aligned(head: str, rows: list[str]) -> str:
    return r"\begin{aligned} " + r" \\ ".join([head, *rows]) + r" \end{aligned}"


def _needed(rows: list[str], text: str) -> list[str]:
    """The rows whose left side occurs in the text or in a row that is needed."""
    kept: list[str] = []
    for row in reversed(rows):
        left = row.split(" &= ")[0]
        if left in text or any(left in other for other in kept):
            kept.insert(0, row)
    return kept


# -- symbols --------------------------------------------------------------------------------------


def _claim(theorem: Theorem) -> Compare:
    if not isinstance(theorem.claim, Compare):
        raise TypeError("expected a theorem that compares two scalars")
    return theorem.claim


def _symbol(inner: Atom) -> Poly:
    """The symbol or the number that bounds an atom of the derivation."""
    from proofs.theorems.constants import supremum

    match inner:
        case Norm(term=Variable(role=Role.SAMPLE) as variable):
            return Real("M" if variable.name == "x" else f"M_{variable.name}").poly()
        case Norm(term=Variable(name=name) as variable):
            letter = "s" if len(variable.shape) == 2 else "c"
            return Real(f"{letter}{layer_of(name)}").poly()
        case Norm(term=Named(name=name)):
            return Real(f"a_{name}").poly()
        case SupNorm(term=Entrywise(function=Univariate() as function, order=order, vector=Named(name=name))):
            theorem = supremum(function, order)
            if theorem is not None:
                return theorem.claim.bound  # type: ignore[attr-defined]
            return Real(f"{'beta' if order == 1 else 'gamma'}_{name}").poly()
        case Root(radicand=radicand):
            return Root(_symbolic(radicand)).poly()
        case _:
            return inner.poly()


def _symbolic(poly: Poly) -> Poly:
    return substitute(poly, _symbol)


def _constants(work: Derivation, theorem: Theorem | None) -> tuple[Theorem, ...]:
    """The bounds of the loss's residual and curvature that the theorem uses, or the first ones."""
    used = frozenset[int]() if theorem is None else frozenset(id(step) for step in steps_of(theorem))
    found = (c.theorems for c in work.sample.constants if id(c.theorems[0]) in used)
    return next(found, work.sample.constants[0].theorems)


def _loss_image(constants: tuple[Theorem, ...]) -> Symbol:
    """The bound of an atom of the loss in symbols of the nodes."""
    bounds = {_claim(theorem).left: _claim(theorem).right for theorem in constants}

    def image(inner: Atom) -> Poly:
        bound = bounds.get(inner.poly())
        return _symbol(inner) if bound is None else substitute(bound, image)

    return image


def _coefficient(poly: Poly, writer: Writer) -> str:
    """The factor before a form: nothing for 1, brackets around a sum."""
    if poly == number(1):
        return ""
    text = writer.poly(poly, up=True)
    return (f"({text})" if len(poly.terms) > 1 else text) + r"\, "


def _factor_of_j(right: Poly, image: Symbol) -> Poly:
    """G in |D l[u]| <= g J."""
    total = number(0)
    for monomial, coefficient in right.terms.items():
        rest = tuple(pair for pair in monomial if not isinstance(pair[0], Let))
        total = total + substitute(Poly([(rest, coefficient)]), image)
    return total


def _hessian_terms(right: Poly, image: Symbol, j: str, matrix: str) -> str:
    """H j j^T + g K from |D^2 l[u,u]| <= h J^2 + g K."""
    texts: list[str] = []
    for monomial, coefficient in sorted(right.terms.items(), key=lambda t: -max(e for _, e in t[0])):
        rest = tuple(pair for pair in monomial if not isinstance(pair[0], Let))
        factor = substitute(Poly([(rest, coefficient)]), image)
        is_square = any(isinstance(a, Let) and e == 2 for a, e in monomial)
        texts.append(_coefficient(factor, Writer()) + (rf"{j}\,{j}^{{\top}}" if is_square else matrix))
    return " + ".join(texts)


# -- recursions -----------------------------------------------------------------------------------


def _form_lines(work: Derivation, order: int, symbol: Symbol | None = None) -> list[_Line]:
    lines: list[_Line] = []
    for jet in work.jet.jets[1:]:
        theorem = jet.first if order == 1 else jet.second
        if theorem is None or not isinstance(jet.node, Named):
            continue
        (let,) = _claim(theorem).right.atoms()
        if isinstance(let, Let):
            row = _form_row(let, jet.node.name, order, symbol or _symbol)
            lines.append(_Line(layer_of(jet.node.name) or 0, row))
    return lines


def _form_row(let: Let, name: str, order: int, symbol: Symbol) -> Callable[[Writer], tuple[str, str]]:
    def render(writer: Writer) -> tuple[str, str]:
        left = f"{'j' if order == 1 else 'K'}_{{{writer.name(name)}}}"
        texts = [_form_term(monomial, c, order, writer, symbol) for monomial, c in let.body.sorted_terms()]
        kept = sorted((text for text in texts if text), key=lambda text: ("e_" in text, len(text), text))
        return left, " + ".join(kept) or "0"

    return render


def _form_term(
    monomial: tuple[tuple[Atom, int], ...], size: fmpq, order: int, writer: Writer, symbol: Symbol
) -> str:
    forms = [inner for inner, e in monomial if isinstance(inner, Let | DirectionNorm) for _ in range(e)]
    rest = tuple(pair for pair in monomial if not isinstance(pair[0], Let | DirectionNorm))
    if not substitute(Poly([(rest, size)]), symbol).terms:
        return ""
    vectors = [_form_name(inner, writer) for inner in forms]
    if order == 1 or len(vectors) == 1:
        return _coefficient(substitute(Poly([(rest, size)]), symbol), writer) + vectors[0]
    first, second = sorted(vectors, key=lambda text: text.startswith("e_"))
    if first == second:
        return _coefficient(substitute(Poly([(rest, size)]), symbol), writer) + rf"{first}{first}^{{\top}}"
    half = _coefficient(substitute(Poly([(rest, size / 2)]), symbol), writer)
    pair = rf"{first}{second}^{{\top}} + {second}{first}^{{\top}}"
    return f"{half}({pair})" if half else pair


def _form_name(inner: Atom, writer: Writer) -> str:
    match inner:
        case DirectionNorm(members=members):
            layer = layer_of(members[0].name)
            return f"e_{{{'' if layer is None else index_latex(layer, writer.notation.layer)}}}"
        case Let(name=name):
            letter, _, node = name.partition("_")
            return f"{'j' if letter == 'J' else letter}_{{{writer.name(node)}}}"
        case _:
            raise TypeError("expected an abbreviation or the norm of a group")


def _value_lines(work: Derivation, constants: tuple[Theorem, ...]) -> list[_Line]:
    """a_F for every node but the last, unless the residual needs that too."""
    from proofs.theorems.values import dense_value

    lines: list[_Line] = []
    residual = {inner for theorem in constants for inner in _claim(theorem).right.atoms()}
    for jet in work.jet.jets[1:]:
        node = jet.node
        if not isinstance(node, Named) or (node is work.jet.output.node and Norm(node) not in residual):
            continue
        if isinstance(node.body, Entrywise):
            rows = _activation_bounds(node)
            lines.append(_Line(layer_of(node.name) or 0, _minimum_row(node, rows)))
            lines.extend(_slope_lines(node))
        else:
            lines.append(
                _Line(layer_of(node.name) or 0, _minimum_row(node, [_claim(dense_value(node)).right]))
            )
    return lines


def _activation_bounds(node: Named) -> list[Poly]:
    from fractions import Fraction

    from proofs.theorems.constants import supremum

    function = node.body.function if isinstance(node.body, Entrywise) else None
    if not isinstance(function, Univariate):
        return []
    start, secant, whole = (supremum(function, 0, Fraction(0)), supremum(function, -1), supremum(function, 0))
    found: list[Poly] = []
    if start is not None and secant is not None:
        found.append(_claim(infer(SecantBound(node), start, secant)).right)
    if whole is not None:
        found.append(_claim(infer(WideBound(node), whole)).right)
    return found


def _minimum_row(node: Named, bounds: list[Poly]) -> Callable[[Writer], tuple[str, str]]:
    def render(writer: Writer) -> tuple[str, str]:
        texts = [writer.poly(_symbolic(bound), up=True) for bound in bounds]
        left = writer.name(f"a_{node.name}")
        if not texts:
            return left, rf"\max\{{\lVert {writer.term(node.body)}\rVert : {_ball_of(node.body, writer)}\}}"
        joined = r",\; ".join(texts)
        return left, texts[0] if len(texts) == 1 else rf"\min\bigl({joined}\bigr)"

    return render


def _ball_of(body: Term, writer: Writer) -> str:
    inner = body.vector if isinstance(body, Entrywise) else body
    name = inner.name if isinstance(inner, Named) else ""
    return rf"\lVert {writer.term(inner)}\rVert\le {writer.name('a_' + name)}"


def _slope_lines(node: Named) -> list[_Line]:
    """Beta and gamma of an activation whose slopes are bounded on bounded ranges alone."""
    lines: list[_Line] = []
    body = node.body
    if not isinstance(body, Entrywise) or not isinstance(body.vector, Named):
        return lines
    for order in (1, 2):
        symbol = _symbol(SupNorm(Entrywise(body.function, order, body.vector)))
        if any(isinstance(inner, Real) for inner in symbol.atoms()):
            lines.append(_Line(layer_of(node.name) or 0, _slope_row(body, body.vector.name, order, symbol)))
    return lines


def _slope_row(body: Entrywise, name: str, order: int, symbol: Poly) -> Callable[[Writer], tuple[str, str]]:
    def render(writer: Writer) -> tuple[str, str]:
        within = rf"\lvert t\rvert\le {writer.name('a_' + name)}"
        return writer.poly(
            symbol
        ), rf"\sup_{{{within}}}\lvert {function_latex(body.function, order)}(t)\rvert"

    return render


def _printed(lines: list[_Line]) -> list[str]:
    """The rows; layers that repeat another one word for word as one row in the layer l."""
    layers: dict[int, list[_Line]] = {}
    for line in lines:
        layers.setdefault(line.layer, []).append(line)
    ordered = sorted(layers)

    def signature(layer: int) -> tuple[tuple[str, str], ...]:
        exact = Writer(Notation(layer=layer, is_exact=True))
        return tuple(line.render(exact) for line in layers[layer])

    runs = repeated_layers(ordered, signature)
    rows: list[str] = []
    for layer in ordered:
        run = next((run for run in runs if run.first <= layer <= run.last), None)
        if run is None or run.first == run.last:
            rows += [" &= ".join(line.render(Writer())) for line in layers[layer]]
        elif layer == run.first:
            writer = Writer(Notation(layer=run.like))
            rows += [" &= ".join(line.render(writer)) + _range(run) for line in layers[run.like]]
    return rows


def _range(run: Run) -> str:
    return rf" \quad (l={run.first},\ldots,{run.last})"


# -- explicit forms -------------------------------------------------------------------------------


def _explicit(work: Derivation) -> tuple[str, str]:
    """J and K over one or two groups, with all abbreviations opened."""
    output = work.jet.output
    forms: list[Mapping[tuple[tuple[Atom, int], ...], fmpq]] = []
    for theorem in (output.first, output.second):
        if theorem is None:
            forms.append({})
            continue
        right = _claim(theorem).right
        bounds: dict[Atom, Poly] = {a: _symbol(a) for a in _leaves(right) if isinstance(a, Norm | SupNorm)}
        forms.append(evaluate_above(right, bounds, None, unfold=True).terms)
    groups = [group.direction for group in work.jet.groups]
    place = {group: index for index, group in enumerate(groups)}
    linear: dict[tuple[int, ...], list[tuple[tuple[tuple[Atom, int], ...], fmpq]]] = {}
    for form in forms:
        for monomial, coefficient in form.items():
            at = tuple(
                sorted(place[a] for a, e in monomial if isinstance(a, DirectionNorm) for _ in range(e))
            )
            rest = tuple(pair for pair in monomial if not isinstance(pair[0], DirectionNorm))
            linear.setdefault(at, []).append((rest, coefficient))
    writer = Writer()

    def entry(*at: int) -> str:
        poly = _without_squared_roots(Poly(linear.get(tuple(sorted(at)), [])))
        half = len(at) == 2 and at[0] != at[1]
        return writer.poly(poly * fmpq(1, 2) if half else poly, up=True)

    size = range(len(groups))
    vector = r" \\ ".join(entry(g) for g in size)
    square = r" \\ ".join(" & ".join(entry(g, h) for h in size) for g in size)
    return rf"\begin{{pmatrix}} {vector} \end{{pmatrix}}", rf"\begin{{pmatrix}} {square} \end{{pmatrix}}"


def _without_squared_roots(poly: Poly) -> Poly:
    """root(e)^2 as e, for radicands that are sums of squares of symbols and numbers >= 0."""
    total = number(0)
    for monomial, coefficient in poly.terms.items():
        product = number(coefficient)
        for inner, exponent in monomial:
            if isinstance(inner, Root) and is_nonnegative(inner.radicand):
                product = product * inner.radicand ** (exponent // 2) * inner.poly() ** (exponent % 2)
            else:
                product = product * inner.poly() ** exponent
        total = total + product
    return total


def _leaves(poly: Poly) -> list[Atom]:
    """The atoms of a form with abbreviations and roots opened."""
    found: dict[Atom, None] = {}
    stack = sorted(poly.atoms(), key=lambda a: a.key)
    while stack:
        inner = stack.pop()
        match inner:
            case Let(body=inside) | Root(radicand=inside):
                stack.extend(sorted(inside.atoms(), key=lambda a: a.key))
            case _:
                found[inner] = None
    return list(found)
