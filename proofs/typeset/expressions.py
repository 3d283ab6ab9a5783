"""Terms and polynomials of the kernel as LaTeX, in an order made for reading."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from flint import fmpq

from proofs.kernel.families import Block, Indexed, Recursive
from proofs.kernel.indices import Index
from proofs.kernel.monotone import sqrt_exact
from proofs.kernel.scalars import (
    Atom,
    DirectionNorm,
    DistanceNorm,
    FunctionValue,
    Let,
    Norm,
    Poly,
    Real,
    Root,
    SupNorm,
    Value,
    is_nonnegative,
    number,
    substitute,
)
from proofs.kernel.sequences import FamilyNorm, Natural, PartialSum, Power
from proofs.kernel.task_scalars import TaskSum
from proofs.kernel.terms import (
    Apply,
    Deriv,
    Entrywise,
    Hadamard,
    Inner,
    LogSumExp,
    Mean,
    Named,
    Ones,
    Role,
    Scale,
    Softmax,
    Sum,
    Term,
    Times,
    Variable,
    Zero,
)

from .in_n import common_sum, factor_in, root_of_square
from .layout import Piece, width_of
from .map_names import MapNames
from .names import function_latex, index_latex, layer_of, name_latex, natural
from .numerals import as_fraction, decimal_down, decimal_up, exact_latex, is_short
from .series_text import absolute_root, positive_part, series_atom
from .sympy_forms import value_latex

__all__ = ["Notation", "Writer", "numeral"]

# A sum of more terms than this is printed with its first ones and its last one.
MOST_TERMS = 8
SHOWN_TERMS = 5
# A quadratic form in the norms of at most eight groups is printed whole: certificates refer to it.
MOST_GROUPS = 8
MOST_IN_FORM = 36
LONG_ROOT = 20.0
REALS = 1


@dataclass(frozen=True)
class Notation:
    """What a document abbreviates: ||u|| is over `parameters`, p is `softmax`, L is `mean`.

    `layer`: print indices relative to this layer, as for a generic layer l; `positive`: the reals
    that the assumptions say to be >= 0; `is_exact`: nothing is left out or rounded, so that equal
    texts mean equal expressions up to shapes.

    The index variable n is written as `letter` - `shift`: as L - 1 where L = n + 1 is the depth.
    `maps`: the names of maps of the parameters; None outside of a document that defines them.
    """

    parameters: frozenset[Variable] = frozenset()
    softmax: Softmax | None = None
    mean: Mean | None = None
    layer: int | None = None
    positive: frozenset[Atom] = frozenset()
    is_exact: bool = False
    letter: str = "n"
    shift: int = 0
    maps: MapNames | None = None

    def named(self, letter: str, shift: int = 0) -> Notation:
        return replace(self, letter=letter, shift=shift)

    def at_layer(self, layer: int, *, is_exact: bool = False) -> Notation:
        return replace(self, layer=layer, is_exact=is_exact)


def numeral(value: fmpq, *, up: bool) -> str:
    """A non-negative number: short ones exactly, long ones rounded up or as their first digits."""
    exact = as_fraction(value)
    if is_short(exact):
        return exact_latex(exact)
    return decimal_up(exact) if up else decimal_down(exact)


@dataclass
class Writer:
    """Writes terms and polynomials in one notation; remembers what it has written."""

    notation: Notation = field(default_factory=Notation)
    _terms: dict[Term, str] = field(default_factory=dict[Term, str])
    _atoms: dict[tuple[Atom, bool], str] = field(default_factory=dict[tuple[Atom, bool], str])
    _keys: dict[Atom, tuple[object, ...]] = field(default_factory=dict[Atom, tuple[object, ...]])

    # -- terms --------------------------------------------------------------------------------

    def name(self, name: str, entry: str | None = None) -> str:
        return name_latex(name, self.notation.layer, entry)

    def term(self, term: Term) -> str:
        if term not in self._terms:
            self._terms[term] = self._term(term)
        return self._terms[term]

    def index(self, index: Index, times: int = 1) -> str:
        """An index, or its multiple, in the letter of the notation: `n+1`, `2L-2`."""
        if not index.is_open:
            return str(times * index.offset)
        rest = times * (index.offset - self.notation.shift)
        return (str(times) if times > 1 else "") + self.notation.letter + (f"{rest:+d}" if rest else "")

    def member(self, name: str, index: Index, entry: str | None = None) -> str:
        """The member of a family."""
        subscript = self.index(index) + ("" if entry is None else f",{entry}")
        return f"{name_latex(name)}_{{{subscript}}}"

    def _tight(self, term: Term) -> str:
        """The term in brackets if it is a sum or a multiple."""
        text = self.term(term)
        is_loose = isinstance(term, Sum | Scale | LogSumExp) or (isinstance(term, Mean) and "mean" in text)
        return f"({text})" if is_loose else text

    def _term(self, term: Term) -> str:
        match term:
            case Variable():
                return self.variable(term)
            case Named(name=name):
                return self.name(name)
            case Indexed(name=name, index=index) | Recursive(name=name, index=index):
                return self.member(name, index)
            case Zero():
                return "0"
            case Ones():
                return r"\mathbf{1}"
            case Sum(parts=parts):
                return self._sum(parts)
            case Scale(factor=factor, term=inner):
                return self.factor(factor) + self._tight(inner)
            case Times(scalar=scalar, vector=vector):
                return rf"{self._tight(scalar)}\,{self._tight(vector)}"
            case Apply(map=linear, vector=vector):
                return rf"{self._tight(linear)}\,{self._tight(vector)}"
            case Hadamard(left=left, right=right):
                return rf"{self._tight(left)}\odot {self._tight(right)}"
            case Entrywise(function=function, order=order, vector=vector):
                return rf"{function_latex(function, order)}({self.term(vector)})"
            case Softmax(vector=vector):
                return (
                    "p"
                    if term is self.notation.softmax
                    else rf"\operatorname{{softmax}}({self.term(vector)})"
                )
            case LogSumExp(vector=vector):
                return rf"\log\sum_i e^{{{self.entry(vector, 'i')}}}"
            case Inner(left=left, right=right):
                return rf"\langle {self.term(left)},\, {self.term(right)}\rangle"
            case Deriv(term=inner, order=order):
                return self._derivative(inner, order)
            case Mean(body=Indexed(index=index)):
                return rf"\mathcal{{L}}_{{{self.index(index)}}}"
            case Mean():
                return "L" if term is self.notation.mean else self.mean(term)
            case _:
                raise TypeError(f"no way is known to print {type(term).__name__}")

    def variable(self, variable: Variable) -> str:
        name = variable.name
        if isinstance(variable, Block):
            return self._block(variable)
        match variable.role:
            case Role.REFERENCE:
                return self.name(name) + "^{0}"
            case Role.DIRECTION if len(variable.shape) == 2 and name[:1] == "W" and name[1:].isdigit():
                return f"U_{{{index_latex(int(name[1:]), self.notation.layer)}}}"
            case Role.DIRECTION:
                return f"{'U' if len(variable.shape) == 2 else 'u'}_{{{self.name(name)}}}"
            case _:
                return self.name(name)

    def _block(self, block: Block) -> str:
        match block.role:
            case Role.DIRECTION if block.name == "W":
                return f"U_{{{self.index(block.index)}}}"
            case Role.DIRECTION:
                return rf"{'U' if len(block.shape) == 2 else 'u'}_{{{self.member(block.name, block.index)}}}"
            case Role.REFERENCE:
                return self.member(block.name, block.index) + "^{0}"
            case _:
                return self.member(block.name, block.index)

    def _derivative(self, inner: Term, order: int) -> str:
        text = self._tight(inner)
        return f"D {text}[u]" if order == 1 else f"D^{{2}} {text}[u,u]"

    def mean(self, term: Mean) -> str:
        parts = ",".join(self.variable(v) for v in term.samples)
        return rf"\operatorname{{mean}}_{{({parts})}}\, {self._tight(term.body)}"

    def entry(self, vector: Term, index: str) -> str:
        """The entry of that index of a vector."""
        if isinstance(vector, Named):
            return self.name(vector.name, index)
        if isinstance(vector, Indexed | Recursive):
            return self.member(vector.name, vector.index, index)
        if isinstance(vector, Variable) and vector.role in (Role.SAMPLE, Role.PARAMETER):
            return self.name(vector.name, index)
        if isinstance(vector, Entrywise):
            return f"{function_latex(vector.function, vector.order)}({self.entry(vector.vector, index)})"
        return f"({self.term(vector)})_{{{index}}}"

    def factor(self, factor: fmpq) -> str:
        """A rational factor before a term."""
        sign = "-" if factor < 0 else ""
        size = abs(factor)
        return sign if size == 1 else sign + self.numeral(size, up=False) + r"\,"

    def _sum(self, parts: Iterable[Term]) -> str:
        return " ".join(piece.text for piece in self.sum_pieces(parts))

    def sum_pieces(self, parts: Iterable[Term]) -> list[Piece]:
        pieces: list[Piece] = []
        for part in parts:
            text = f"({self.term(part)})" if isinstance(part, Sum) else self.term(part)
            pieces.append(Piece(text if text.startswith("-") or not pieces else f"+ {text}"))
        return pieces

    def term_pieces(self, term: Term) -> list[Piece]:
        return self.sum_pieces(term.parts) if isinstance(term, Sum) else [Piece(self.term(term))]

    # -- atoms --------------------------------------------------------------------------------

    def atom(self, inner: Atom, *, up: bool = False) -> str:
        if (inner, up) not in self._atoms:
            self._atoms[inner, up] = self._atom(inner, up=up)
        return self._atoms[inner, up]

    def _atom(self, inner: Atom, *, up: bool) -> str:
        match inner:
            case Real(name=name) | Let(name=name):
                return self.name(name)
            case Norm(term=term):
                side = "vert" if term.space == () else "Vert"
                return rf"\l{side} {self.term(term)}\r{side}"
            case SupNorm(term=term):
                return rf"\max_i\lvert {self.entry(term, 'i')}\rvert"
            case DirectionNorm(members=members):
                return self._group_norm(members, "u")
            case DistanceNorm(members=members):
                return self._group_norm(members, "d")
            case Root() if (absolute := absolute_root(inner, self)) is not None:
                return absolute
            case Root(radicand=radicand):
                return rf"\sqrt{{{self.poly(radicand, up=up and self._grows(radicand))}}}"
            case FunctionValue():
                return value_latex(inner)
            case Value(term=Inner(left=left, right=right)):
                sides = sorted((left, right), key=lambda t: (isinstance(t, Deriv), natural(self.term(t))))
                return rf"\langle {self.term(sides[0])},\, {self.term(sides[1])}\rangle"
            case Value(term=term):
                return self._tight(term)
            case Natural():
                return self.notation.letter
            case Power():
                return self._indexed_power(inner, 1, up=up)
            case PartialSum(body=body, end=end):
                inside = Writer(self.notation.named("m")).poly(body, up=up and self._grows(body))
                inside = rf"\bigl({inside}\bigr)" if len(body.terms) > 1 else inside
                return rf"{{\textstyle\sum_{{m=1}}^{{{self.index(end)}}}}} {inside}"
            case FamilyNorm(member=member, end=end) if member.name != "W" or member.index.offset != 0:
                size = Writer(self.notation.named("m")).variable(member.as_role(Role.DIRECTION))
                total = rf"\sum_{{m=1}}^{{{self.index(end)}}}\lVert {size}\rVert_F^{{2}}"
                return rf"\bigl({{\textstyle {total}}}\bigr)^{{1/2}}"
            case FamilyNorm(end=end):
                is_whole = self.notation.letter == "L" and self.index(end) == "L"
                return r"\lVert u\rVert" if is_whole else rf"\lVert u_{{\le {self.index(end)}}}\rVert"
            case _:
                return series_atom(inner, self)

    def _indexed_power(self, inner: Power, exponent: int, *, up: bool) -> str:
        """(base)^{exponent * index}."""
        base = self.poly(inner.base, up=up and self._grows(inner.base))
        plain = len(inner.base.terms) == 1 and base.replace("\\", "").isalpha()
        return f"{base if plain else f'({base})'}^{{{self.index(inner.index, exponent)}}}"

    def _group_norm(self, members: tuple[Variable, ...], letter: str) -> str:
        group = frozenset(members)
        layers = {layer_of(member.name) for member in members}
        if group == self.notation.parameters and len(members) > 1:
            return r"\lVert u\rVert" if letter == "u" else r"\lVert \theta-\theta^{0}\rVert"
        if len(members) == 1:
            return self._single_norm(members[0], letter)
        label = None
        if None not in layers:
            top = max(layer for layer in layers if layer is not None)
            index = index_latex(top, self.notation.layer)
            if len(layers) == 1:
                label = index
            elif group == frozenset(v for v in self.notation.parameters if (layer_of(v.name) or 0) <= top):
                label = rf"\le {index}"
        if label is None:
            label = (
                "(" + ",".join(self.variable(v) for v in sorted(members, key=lambda v: natural(v.name))) + ")"
            )
        if letter == "u":
            return rf"\lVert u_{{{label}}}\rVert"
        return rf"\lVert (\theta-\theta^{{0}})_{{{label}}}\rVert"

    def _single_norm(self, member: Variable, letter: str) -> str:
        frobenius = "_F" if len(member.shape) == 2 else ""
        if letter == "u":
            return rf"\lVert {self.variable(member.as_role(Role.DIRECTION))}\rVert{frobenius}"
        text = f"{self.variable(member)}-{self.variable(member.as_role(Role.REFERENCE))}"
        return rf"\lVert {text}\rVert{frobenius}"

    def _power(self, inner: Atom, exponent: int, *, up: bool) -> str:
        if isinstance(inner, Power):
            return self._indexed_power(inner, exponent, up=up)
        if isinstance(inner, Root) and exponent == 2 and (positive := positive_part(inner, self)) is not None:
            return positive
        text = self.atom(inner, up=up)
        if exponent == 1:
            return text
        match inner:
            case SupNorm() | Root() | PartialSum() | FunctionValue() | TaskSum():
                text = f"({text})"
            case Real() | Let() | Value() | FamilyNorm() if "^" in text:
                text = f"({text})"
            case _:
                pass
        return f"{text}^{{{exponent}}}"

    def numeral(self, value: fmpq, *, up: bool) -> str:
        return str(value) if self.notation.is_exact else numeral(value, up=up)

    # -- polynomials --------------------------------------------------------------------------

    def poly(self, poly: Poly, *, up: bool = False) -> str:
        return " ".join(piece.text for piece in self._sum_of(poly, up=up, breakable=False))

    def pieces(self, poly: Poly, *, up: bool = False) -> list[Piece]:
        """The polynomial, breakable at every sign and inside long roots.

        With `up`, long numbers in a visibly non-negative polynomial are rounded upward;
        otherwise their first digits are shown.
        """
        return self._sum_of(poly, up=up and self._grows(poly), breakable=True)

    def _grows(self, poly: Poly) -> bool:
        return is_nonnegative(poly, self.notation.positive)

    def _sum_of(self, poly: Poly, *, up: bool, breakable: bool) -> list[Piece]:
        if (common := common_sum(poly)) is not None:
            return [Piece(rf"{self._bracketed(common[0])}\, {self.atom(common[1], up=up)}")]
        if Natural() in poly.atoms():
            return self._collected(poly, up=up, breakable=breakable)
        ordered = sorted(poly.terms.items(), key=lambda term: self._monomial_key(term[0]))
        if not ordered:
            return [Piece("0")]
        left_out = 0
        if (
            len(ordered) > (MOST_IN_FORM if _is_small_form(poly) else MOST_TERMS)
            and not self.notation.is_exact
        ):
            left_out = len(ordered) - SHOWN_TERMS - 1
            ordered = [*ordered[:SHOWN_TERMS], ordered[-1]]
        pieces: list[Piece] = []
        for position, (monomial, coefficient) in enumerate(ordered):
            if left_out and position == SHOWN_TERMS:
                pieces.append(Piece(rf"+ \overset{{\text{{{left_out} more}}}}{{\cdots}}"))
            sign = "-" if coefficient < 0 else "+" if pieces else ""
            found = self._monomial(monomial, abs(coefficient), up=up, breakable=breakable)
            pieces.append(Piece(f"{sign} {found[0].text}".strip() if sign else found[0].text))
            pieces.extend(found[1:])
        return pieces

    def _collected(self, poly: Poly, *, up: bool, breakable: bool) -> list[Piece]:
        """A polynomial in n: the factors in n of equal products are gathered, as in (n + 1) q^n."""
        n = Natural()
        moved = substitute(poly, lambda a: n.poly() - self.notation.shift if a is n else a.poly())
        groups: dict[tuple[tuple[Atom, int], ...], dict[int, fmpq]] = {}
        for monomial, value in moved.terms.items():
            rest = tuple(pair for pair in monomial if pair[0] is not n)
            groups.setdefault(rest, {})[dict(monomial).get(n, 0)] = value
        pieces: list[Piece] = []
        for rest in sorted(groups, key=lambda rest: (*_place(rest), self._monomial_key(rest))):
            sign, scale, factor = factor_in(self.notation.letter, groups[rest], self.numeral)
            found = self._monomial(rest, scale, up=up, breakable=breakable, natural=factor)
            lead = "-" if sign < 0 else "+" if pieces else ""
            pieces.append(Piece(f"{lead} {found[0].text}".strip()))
            pieces += found[1:]
        if list(groups) == [()] and pieces[0].text.startswith("("):
            return [Piece(pieces[0].text[1:-1])]
        return pieces

    def _bracketed(self, poly: Poly) -> str:
        """A sum in brackets; 1 - 2 t + t^2 as (1 - t)^2."""
        root = root_of_square(poly)
        return f"({self.poly(poly)})" if root is None else rf"({self.poly(root)})^{{2}}"

    def _monomial(
        self,
        monomial: Iterable[tuple[Atom, int]],
        size: fmpq,
        *,
        up: bool,
        breakable: bool,
        natural: str = "",
    ) -> list[Piece]:
        """The product; `natural`, a factor in n, stands after numbers and reals."""
        if not self.notation.is_exact:
            monomial, size = _merged_roots(tuple(monomial), size)
        factors = sorted(monomial, key=lambda pair: self._key(pair[0]))
        texts: list[str] = [] if size == 1 and (factors or natural) else [self.numeral(size, up=up)]
        pieces: list[Piece] = []
        for inner, exponent in factors:
            text = self._power(inner, exponent, up=up)
            alone = len(factors) == 1 and not texts and not natural
            if isinstance(inner, FunctionValue) and exponent == 1 and " + " in text and not alone:
                text = rf"\bigl({text}\bigr)"
            if natural and _rank(inner) > REALS:
                texts.append(natural)
                natural = ""
            if breakable and isinstance(inner, Root) and exponent == 1 and width_of(text) > LONG_ROOT:
                opened = self._sum_of(inner.radicand, up=up and self._grows(inner.radicand), breakable=True)
                if pieces:
                    pieces.append(Piece(r"\, ".join(texts)))
                    texts = []
                pieces.append(Piece(r"\, ".join([*texts, r"\bigl(" + opened[0].text])))
                pieces.extend(opened[1:])
                texts = [pieces.pop().text + r"\bigr)^{1/2}"]
            elif breakable and isinstance(inner, PartialSum | Power) and _is_wide([*texts, text]):
                pieces.append(Piece(r"\, ".join(texts)))
                texts = [rf"\cdot {text}"]
            else:
                texts.append(text)
        if natural:
            texts.append(natural)
        if texts:
            pieces.append(Piece(r"\, ".join(texts)))
        return pieces

    def _monomial_key(self, monomial: Iterable[tuple[Atom, int]]) -> tuple[object, ...]:
        return tuple(sorted((*self._key(inner), -exponent) for inner, exponent in monomial))

    def natural_key(self, inner: Atom) -> tuple[object, ...]:
        """A sort key under which group 2 comes before group 10."""
        return self._key(inner)

    def _key(self, inner: Atom) -> tuple[object, ...]:
        if inner not in self._keys:
            self._keys[inner] = (_rank(inner), natural(self.atom(inner)))
        return self._keys[inner]


def _is_wide(texts: list[str]) -> bool:
    """Whether a product is to be broken before its last factor."""
    return len(texts) > 1 and width_of(r"\, ".join(texts)) > LONG_ROOT


def _place(monomial: Iterable[tuple[Atom, int]]) -> tuple[bool, bool]:
    """Products with rational factors alone come first, those with sums over a range last."""
    atoms = [inner for inner, _ in monomial]
    roots = any(isinstance(inner, Root) and inner.radicand.constant() is not None for inner in atoms)
    return any(isinstance(inner, PartialSum) for inner in atoms), roots


def _is_small_form(poly: Poly) -> bool:
    """Whether the polynomial is a form in norms of at most eight groups with numbers as coefficients."""
    atoms = poly.atoms()
    return len(atoms) <= MOST_GROUPS and all(isinstance(inner, DirectionNorm) for inner in atoms)


def _merged_roots(
    monomial: tuple[tuple[Atom, int], ...], size: fmpq
) -> tuple[tuple[tuple[Atom, int], ...], fmpq]:
    """Roots of positive numbers as one root, and their squares in the coefficient: the same value."""
    given = size
    radicand, rest, count = fmpq(1), list[tuple[Atom, int]](), 0
    for inner, exponent in monomial:
        value = inner.radicand.constant() if isinstance(inner, Root) else None
        if value is None or value <= 0:
            rest.append((inner, exponent))
            continue
        count += exponent
        size = size * value ** (exponent // 2)
        radicand = radicand * value ** (exponent % 2)
    root = sqrt_exact(radicand)
    if root is not None:
        size = size * root
    elif count:
        rest.insert(0, (Root(number(radicand)), 1))
    return (tuple(rest), size) if count > 1 and is_short(as_fraction(size)) else (monomial, given)


def _rank(inner: Atom) -> int:
    """The place of a factor or summand: numbers, reals, powers, norms of blocks, of nodes, ..., u."""
    match inner:
        case Root(radicand=radicand):
            return 0 if radicand.constant() is not None else 7
        case FunctionValue():
            return 0
        case Real():
            return REALS
        case Power():
            return 2
        case PartialSum():
            return 12
        case Norm(term=Variable()):
            return 4
        case Norm():
            return 5
        case SupNorm():
            return 6
        case Let():
            return 8
        case Value():
            return 9
        case DistanceNorm():
            return 10
        case _:
            return 11
