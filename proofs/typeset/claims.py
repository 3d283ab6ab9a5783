"""Claims as running text with formulas."""

from __future__ import annotations

from dataclasses import replace

from proofs.kernel.claims import (
    Claim,
    Compare,
    EntriesIn,
    Equal,
    ForIndices,
    ForSamples,
    IsTensor,
    OperatorNorm,
    Relation,
    SamplesAre,
    Simplex,
    Smooth,
    SupBound,
)
from proofs.kernel.indices import Index
from proofs.kernel.scalars import Poly, number
from proofs.kernel.set_claims import SetClaim, symbols_in
from proofs.kernel.terms import Scale, Sum, Term, Variable

from .expressions import Writer
from .layout import Inline, Math, Mono, Piece, math
from .map_names import map_names
from .map_writer import MapWriter
from .names import function_latex
from .set_claims import set_claim_inlines

__all__ = ["claim_inlines", "definition", "map_writer", "related", "where_inlines"]

DIGEST = 12
# The definitions that stand after a claim on its own.
MOST_DEFINITIONS, SHOWN_DEFINITIONS = 4, 3


def related(left: list[Piece], relation: str, right: list[Piece]) -> Math:
    """left, relation, right, breakable before the relation."""
    first = Piece(f"{relation} {right[0].text}", is_relation=True)
    return Math((*left, first, *right[1:]))


def claim_inlines(claim: Claim, writer: Writer, *, as_premise: bool = False) -> tuple[Inline, ...]:
    """The claim; `as_premise` shows long numbers by their first digits, never rounded upward."""
    match claim:
        case Compare(left=left, relation=relation, right=right):
            up = relation is Relation.LE and not as_premise
            sign = r"\le" if relation is Relation.LE else "="
            first, second = writer.pieces(left), writer.pieces(right, up=up)
            if first == second:
                # (root 2)^2 = 2 says something only as it stands.
                plain = Writer(replace(writer.notation, is_exact=True))
                first, second = plain.pieces(left), plain.pieces(right)
            return (related(first, sign, second),)
        case Equal(left=left, right=right):
            return (related(writer.term_pieces(left), "=", _opened(right, writer)),)
        case OperatorNorm(term=term, order=order, bound=bound):
            nabla = r"\nabla" if order == 1 else r"\nabla^{2}"
            left = [Piece(rf"\lVert {nabla} {writer.term(term)}\rVert")]
            return (related(left, r"\le", writer.pieces(bound, up=not as_premise)),)
        case SupBound():
            return _sup_bound(claim, writer, up=not as_premise)
        case Smooth(term=term, order=order):
            times = "twice" if order == 2 else "once"
            return (math(writer.term(term)), f" is {times} differentiable in ", math(r"\theta"))
        case Simplex(term=term):
            return (math(writer.term(term)), " is a probability vector")
        case EntriesIn(term=term, lower=lower, upper=upper):
            entry = Piece(writer.entry(term, "i"))
            ends = [Piece(writer.poly(number(end))) for end in (lower, upper)]
            below, above = (
                Piece(rf"\le {entry.text}", is_relation=True),
                Piece(rf"\le {ends[1].text}", is_relation=True),
            )
            return (Math((ends[0], below, above)), " for every ", math("i"))
        case IsTensor(variable=variable, digest=digest):
            shape = math(r"\times ".join(str(n) for n in variable.shape))
            return (
                math(writer.variable(variable)),
                " is the given tensor of shape ",
                shape,
                *_digest(digest),
            )
        case SamplesAre(samples=samples, digests=digests):
            return _samples_are(samples, digests, writer)
        case ForSamples(samples=samples, claim=inner):
            parts = math("(" + ",".join(writer.variable(v) for v in samples) + ")")
            inside = claim_inlines(inner, writer, as_premise=as_premise)
            return (*inside, " for every sample ", parts)
        case ForIndices(end=end, claim=inner):
            return _for_indices(writer, end, inner, as_premise=as_premise)
        case SetClaim():
            return set_claim_inlines(claim, map_writer(writer, claim))
        case _:
            raise TypeError(f"no way is known to print {type(claim).__name__}")


def map_writer(writer: Writer, *claims: Claim) -> MapWriter:
    """A writer of maps in the same notation; outside of a document with names for these claims alone."""
    known = writer.notation.maps
    free = frozenset(symbol for claim in claims for symbol in symbols_in(claim))
    names = known or map_names(claims)
    return MapWriter(names, writer.notation, is_defined=known is not None, free=free)


def where_inlines(claim: SetClaim, writer: Writer) -> tuple[Inline, ...]:
    """What the names in a claim outside of a document stand for: `, where z_1 = ..., h_1 = ...`."""
    maps = map_writer(writer, claim)
    found: list[Inline] = []
    order = list(maps.names.order)
    is_long = len(order) > MOST_DEFINITIONS and not writer.notation.is_exact
    for node in [*order[:SHOWN_DEFINITIONS], order[-1]] if is_long else order:
        found += [", " if found else ", where ", definition(maps.map(node), maps.body(node))]
        if is_long and len(found) == 2 * SHOWN_DEFINITIONS:
            found += [", ", math(r"\ldots")]
    return tuple(found)


def _for_indices(writer: Writer, end: Index, inner: Claim, *, as_premise: bool) -> tuple[Inline, ...]:
    """The claim with its index as l, for l up to the end."""
    inside = claim_inlines(inner, Writer(writer.notation.named("l")), as_premise=as_premise)
    return (*inside, " for ", math(rf"1\le l\le {writer.index(end)}"))


def _opened(term: Term, writer: Writer) -> list[Piece]:
    """The right side of an equation, breakable inside a multiple of a sum as well."""
    if not isinstance(term, Scale) or not isinstance(term.term, Sum):
        return writer.term_pieces(term)
    pieces = writer.sum_pieces(term.term.parts)
    pieces[0] = Piece(writer.factor(term.factor) + r"\bigl(" + pieces[0].text)
    return [*pieces[:-1], Piece(pieces[-1].text + r"\bigr)")]


def _digest(digest: str) -> tuple[Inline, ...]:
    return (" (SHA-256 ", Mono(digest[:DIGEST]), "…)")


def _samples_are(
    samples: tuple[Variable, ...], digests: tuple[str, ...], writer: Writer
) -> tuple[Inline, ...]:
    found: list[Inline] = ["the samples are the rows of the given data"]
    for variable, digest in zip(samples, digests, strict=True):
        found += [", ", math(writer.variable(variable)), *_digest(digest)]
    return tuple(found)


def _sup_bound(claim: SupBound, writer: Writer, *, up: bool) -> tuple[Inline, ...]:
    function, order, radius = claim.function, claim.order, claim.radius
    bound = writer.pieces(claim.bound, up=up)
    if order == -1:
        name = function_latex(function)
        left = rf"\lvert {name}(t)-{name}(0)\rvert"
        if claim.bound == number(1):
            bound = []
        bound = [*bound[:-1], Piece((bound[-1].text + r"\, " if bound else "") + r"\lvert t\rvert")]
        return (related([Piece(left)], r"\le", bound), *_range(radius, writer))
    at_zero = radius is not None and radius == number(0)
    value = f"{function_latex(function, order)}({'0' if at_zero else 't'})"
    if at_zero and claim.bound == number(0):
        return (related([Piece(value)], "=", [Piece("0")]),)
    formula = related([Piece(rf"\lvert {value}\rvert")], r"\le", bound)
    return (formula,) if at_zero else (formula, *_range(radius, writer))


def _range(radius: Poly | None, writer: Writer) -> tuple[Inline, ...]:
    if radius is None:
        return (" for all ", math("t"))
    return (" for all ", related([Piece(r"\lvert t\rvert")], r"\le", writer.pieces(radius)))


def definition(name: str, body: list[Piece]) -> Math:
    """Name := body."""
    return related([Piece(name)], "=", body)
