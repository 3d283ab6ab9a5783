"""Upper bounds of visibly monotone polynomials: dependencies of atoms and outward rounding."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flint import fmpq, fmpz

from proofs.errors import KernelError

from .scalars import Atom, Let, Poly, Root, is_nonnegative, number, substitute, within

__all__ = ["dependency_order", "evaluate_above", "require_monotone", "round_up", "sqrt_above"]


def dependency_order(poly: Poly, bounds: Mapping[Atom, Poly], *, unfold: bool = True) -> list[Atom]:
    """All atoms that an upper bound of `poly` needs, each after those that it needs itself.

    A bounded atom needs the atoms of its bound, a `Let` those of its body (with `unfold`), a
    `Root` those under it.  The walk is iterative.

    Raises:
        KernelError: if a bound depends on the atom that it bounds.
    """
    order: list[Atom] = []
    state: dict[Atom, int] = {}
    stack: list[tuple[Atom, bool]] = [(inner, False) for inner in poly.atoms()]
    while stack:
        inner, done = stack.pop()
        if done:
            state[inner] = 2
            order.append(inner)
            continue
        if state.get(inner) == 2:
            continue
        if state.get(inner) == 1:
            raise KernelError("expected bounds that do not depend on the atoms that they bound")
        state[inner] = 1
        stack.append((inner, True))
        for child in needs(inner, bounds, unfold):
            if state.get(child) == 1:
                raise KernelError("expected bounds that do not depend on the atoms that they bound")
            if child not in state:
                stack.append((child, False))
    return order


def require_monotone(
    poly: Poly, bounds: Mapping[Atom, Poly], known: frozenset[Atom], *, unfold: bool = True
) -> None:
    """Refuses unless the polynomial grows with every atom that it depends on.

    That is: the polynomial, every bound, every body of an abbreviation and every radicand has
    coefficients >= 0 in atoms that are >= 0 (norms, roots, abbreviations so checked, `known`)
    or in even powers; and every bounded atom is >= 0 itself and occurs.
    """
    positive: dict[Atom, bool] = {}
    order = dependency_order(poly, bounds, unfold=unfold)
    if not (bounds.keys() <= set(order) and known <= within(order)):
        raise KernelError("expected every bound and every sign to be used")
    for inner in order:
        if inner in bounds:
            _require(bounds[inner], positive, "a bound")
        match inner:
            case Let(name=name, body=body):
                if inner not in bounds and unfold:
                    _require(body, positive, f"the body of {name}")
                    positive[inner] = True
                else:
                    positive[inner] = is_nonnegative(inner.poly(), known)
            case Root(radicand=radicand):
                if inner not in bounds:
                    _require(radicand, positive, "a radicand")
                positive[inner] = True
            case _:
                positive[inner] = is_nonnegative(inner.poly(), known)
        if inner in bounds and not positive[inner]:
            raise KernelError("expected bounds for atoms that are >= 0")
    _require(poly, positive, "the polynomial")


def _require(poly: Poly, positive: Mapping[Atom, bool], what: str) -> None:
    for monomial, coefficient in poly.terms.items():
        if coefficient < 0 or not all(e % 2 == 0 or positive[inner] for inner, e in monomial):
            raise KernelError(f"expected {what} to be visibly >= 0")


def needs(inner: Atom, bounds: Mapping[Atom, Poly], unfold: bool) -> frozenset[Atom]:
    if inner in bounds:
        return bounds[inner].atoms()
    match inner:
        case Let(body=body):
            return body.atoms() if unfold else frozenset()
        case Root(radicand=radicand):
            return radicand.atoms()
        case _:
            return frozenset()


def evaluate_above(poly: Poly, bounds: Mapping[Atom, Poly], bits: int | None, *, unfold: bool = True) -> Poly:
    """The polynomial with atoms replaced by their bounds and, with `unfold`, abbreviations opened.

    The caller has checked that everything is visibly >= 0, so the result is an upper bound.
    With `bits`, coefficients are rounded up to that many significant bits.
    """
    images: dict[Atom, Poly] = {}
    finish: Callable[[Poly], Poly] = (lambda p: p) if bits is None else (lambda p: _round_poly(p, bits))
    for inner in dependency_order(poly, bounds, unfold=unfold):
        if inner in bounds:
            image = substitute(bounds[inner], images.__getitem__)
        else:
            match inner:
                case Let(body=body) if unfold:
                    image = substitute(body, images.__getitem__)
                case Root(radicand=radicand):
                    image = _root(substitute(radicand, images.__getitem__), bits)
                case _:
                    image = inner.poly()
        images[inner] = finish(image)
    return finish(substitute(poly, images.__getitem__))


def _root(radicand: Poly, bits: int | None) -> Poly:
    value = radicand.constant()
    if value is None:
        return Root(radicand).poly()
    exact = sqrt_exact(value)
    if exact is not None:
        return number(exact)
    return Root(radicand).poly() if bits is None else number(sqrt_above(value, bits))


def _round_poly(poly: Poly, bits: int) -> Poly:
    return poly.map_coefficients(lambda value: round_up(value, bits))


def round_up(value: fmpq, bits: int) -> fmpq:
    """The least rational with `bits` significant bits that is >= the positive value; 0 stays 0."""
    if value < 0:
        raise KernelError("expected a value >= 0 to round up")
    p, q = int(value.p), int(value.q)
    if p == 0 or (q & (q - 1) == 0 and p.bit_length() <= bits):
        return value
    shift = bits - (p.bit_length() - q.bit_length())
    scaled = -((-p << shift) // q) if shift >= 0 else -(-p // (q << -shift))
    return fmpq(fmpz(scaled << -shift), 1) if shift < 0 else fmpq(fmpz(scaled), fmpz(1 << shift))


def sqrt_exact(value: fmpq) -> fmpq | None:
    """The square root of a rational square; 0 for negative values (as `Root` reads them)."""
    if value <= 0:
        return fmpq(0)
    top, bottom = fmpz(value.p).isqrt(), fmpz(value.q).isqrt()
    return fmpq(top, bottom) if top * top == value.p and bottom * bottom == value.q else None


def sqrt_above(value: fmpq, bits: int) -> fmpq:
    """A rational >= sqrt(value) with relative excess below 2^(1-bits)."""
    exact = sqrt_exact(value)
    if exact is not None:
        return exact
    p, q = int(value.p), int(value.q)
    shift = max(0, 2 * bits - (p.bit_length() - q.bit_length()))
    shift += shift % 2
    root = int(fmpz((p << shift) // q).isqrt()) + 1
    return fmpq(fmpz(root), fmpz(1 << (shift // 2)))
