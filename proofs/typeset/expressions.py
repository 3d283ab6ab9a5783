"""Terms and polynomials of the kernel as LaTeX, in an order made for reading."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from flint import fmpq

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
)
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

from .layout import Piece, width_of
from .names import function_latex, index_latex, layer_of, name_latex, natural
from .numerals import as_fraction, decimal_down, decimal_up, exact_latex, is_short
from .sympy_forms import value_latex

__all__ = ["Notation", "Writer", "numeral"]

# A sum of more terms than this is printed with its first ones and its last one.
MOST_TERMS = 8
SHOWN_TERMS = 5
# A quadratic form in the norms of at most eight groups is printed whole: certificates refer to it.
MOST_GROUPS = 8
MOST_IN_FORM = 36
LONG_ROOT = 20.0


@dataclass(frozen=True)
class Notation:
    """What a document abbreviates: ||u|| is over `parameters`, p is `softmax`, L is `mean`.

    `layer`: print indices relative to this layer, as for a generic layer l; `positive`: the reals
    that the assumptions say to be >= 0; `is_exact`: nothing is left out or rounded, so that equal
    texts mean equal expressions up to shapes.
    """

    parameters: frozenset[Variable] = frozenset()
    softmax: Softmax | None = None
    mean: Mean | None = None
    layer: int | None = None
    positive: frozenset[Atom] = frozenset()
    is_exact: bool = False

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

    def _tight(self, term: Term) -> str:
        """The term in brackets if it is a sum or a multiple."""
        text = self.term(term)
        is_loose = isinstance(term, Sum | Scale | LogSumExp) or (isinstance(term, Mean) and text != "L")
        return f"({text})" if is_loose else text

    def _term(self, term: Term) -> str:
        match term:
            case Variable():
                return self.variable(term)
            case Named(name=name):
                return self.name(name)
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
            case Mean():
                return "L" if term is self.notation.mean else self.mean(term)
            case _:
                raise TypeError(f"no way is known to print {type(term).__name__}")

    def variable(self, variable: Variable) -> str:
        name = variable.name
        match variable.role:
            case Role.REFERENCE:
                return self.name(name) + "^{0}"
            case Role.DIRECTION if len(variable.shape) == 2 and name[:1] == "W" and name[1:].isdigit():
                return f"U_{{{index_latex(int(name[1:]), self.notation.layer)}}}"
            case Role.DIRECTION:
                return f"{'U' if len(variable.shape) == 2 else 'u'}_{{{self.name(name)}}}"
            case _:
                return self.name(name)

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
            case Root(radicand=radicand):
                return rf"\sqrt{{{self.poly(radicand, up=up and self._grows(radicand))}}}"
            case FunctionValue():
                return value_latex(inner)
            case Value(term=Inner(left=left, right=right)):
                sides = sorted((left, right), key=lambda t: (isinstance(t, Deriv), natural(self.term(t))))
                return rf"\langle {self.term(sides[0])},\, {self.term(sides[1])}\rangle"
            case Value(term=term):
                return self._tight(term)
            case _:
                raise TypeError(f"no way is known to print {type(inner).__name__}")

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
        text = self.atom(inner, up=up)
        if exponent == 1:
            return text
        match inner:
            case SupNorm() | Root() | FunctionValue():
                text = f"({text})"
            case Real() | Let() | Value() if "^" in text:
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

    def _monomial(
        self, monomial: Iterable[tuple[Atom, int]], size: fmpq, *, up: bool, breakable: bool
    ) -> list[Piece]:
        if not self.notation.is_exact:
            monomial, size = _merged_roots(tuple(monomial), size)
        factors = sorted(monomial, key=lambda pair: self._key(pair[0]))
        texts: list[str] = [] if size == 1 and factors else [self.numeral(size, up=up)]
        pieces: list[Piece] = []
        for inner, exponent in factors:
            text = self._power(inner, exponent, up=up)
            if breakable and isinstance(inner, Root) and exponent == 1 and width_of(text) > LONG_ROOT:
                opened = self._sum_of(inner.radicand, up=up and self._grows(inner.radicand), breakable=True)
                if pieces:
                    pieces.append(Piece(r"\, ".join(texts)))
                    texts = []
                pieces.append(Piece(r"\, ".join([*texts, r"\bigl(" + opened[0].text])))
                pieces.extend(opened[1:])
                texts = [pieces.pop().text + r"\bigr)^{1/2}"]
            else:
                texts.append(text)
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
    """The place of a factor or summand: numbers, reals, norms of blocks, of nodes, abbreviations, u."""
    match inner:
        case Root(radicand=radicand):
            return 0 if radicand.constant() is not None else 5
        case FunctionValue():
            return 0
        case Real():
            return 1
        case Norm(term=Variable()):
            return 2
        case Norm():
            return 3
        case SupNorm():
            return 4
        case Let():
            return 6
        case Value():
            return 7
        case DistanceNorm():
            return 8
        case _:
            return 9
