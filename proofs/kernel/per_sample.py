"""Bounds of a monotone polynomial for every sample at once, at given weights and data."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from flint import arb, fmpq

from proofs.errors import KernelError

from .balls import TermBalls
from .monotone import dependency_order
from .scalars import Atom, DirectionNorm, Let, Monomial, Norm, Poly, Root, SupNorm
from .upward import Array, Side, add, float_beyond, mean_beyond, multiply, root

__all__ = ["SampleForm", "evaluate_per_sample", "mean_form"]

# A polynomial in direction norms whose coefficients are arrays over the samples.
SampleForm = dict[Monomial, Array]


def evaluate_per_sample(
    poly: Poly, bounds: Mapping[Atom, Poly], balls: TermBalls | None, side: Side = Side.ABOVE
) -> SampleForm:
    """For every sample a bound of `poly`, as a polynomial in direction norms.

    Norms and maximal entries of nodes are enclosed by balls; bounded atoms are replaced by their
    bounds; abbreviations are unfolded.  The caller has checked that all is visibly monotone.
    Without `balls` there are no samples, coefficients are floats, and no node may occur.

    Returns:
        With `Side.ABOVE`, coefficients at least those of the exact polynomial for each sample;
        with `Side.BELOW`, at most those of the polynomial with the bounds put in.
    """
    reading = _Reading(balls, side)
    images: dict[Atom, SampleForm] = {}
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for inner in dependency_order(poly, bounds):
            if inner in bounds:
                images[inner] = reading.image(bounds[inner], images)
            else:
                images[inner] = reading.atom(inner, images)
        return reading.image(poly, images)


class _Reading:
    def __init__(self, balls: TermBalls | None, side: Side) -> None:
        self._balls, self._side = balls, side

    def _same(self, value: float) -> Array:
        """The same number for every sample."""
        return value if self._balls is None else np.full(self._balls.count, value)

    def atom(self, inner: Atom, images: Mapping[Atom, SampleForm]) -> SampleForm:
        match inner:
            case Let(body=body):
                return self.image(body, images)
            case Root(radicand=radicand):
                return {(): root(self._number(self.image(radicand, images)), self._side)}
            case DirectionNorm():
                return {((inner, 1),): self._same(1.0)}
            case Norm(term=term) if len(term.space) == 1 and self._balls is not None:
                return self._leaf(self._balls.norms(term))
            case SupNorm(term=term) if self._balls is not None:
                return self._leaf(self._balls.sup_norms(term))
            case _:
                raise KernelError(f"expected a bound for an atom of the kind {type(inner).__name__}")

    def _leaf(self, values: list[arb]) -> SampleForm:
        return {(): np.array([float_beyond(value, self._side) for value in values])}

    def _number(self, form: SampleForm) -> Array:
        if set(form) - {()}:
            raise KernelError("expected a number for every sample")
        return form.get((), self._same(0.0))

    def image(self, poly: Poly, images: Mapping[Atom, SampleForm]) -> SampleForm:
        total: SampleForm = {}
        for monomial, coefficient in poly.sorted_terms():
            product: SampleForm = {(): self._same(float_beyond(coefficient, self._side))}
            for inner, exponent in monomial:
                for _ in range(exponent):
                    product = self._multiply(product, images[inner])
            self._add_to(total, product)
        return total

    def _multiply(self, first: SampleForm, second: SampleForm) -> SampleForm:
        total: SampleForm = {}
        if len(first) == 1 and () in first:
            return {key: multiply(first[()], value, self._side) for key, value in second.items()}
        for left, a in first.items():
            for right, b in second.items():
                powers = dict(left)
                for inner, exponent in right:
                    powers[inner] = powers.get(inner, 0) + exponent
                key = tuple(sorted(powers.items(), key=lambda pair: pair[0].key))
                self._add_to(total, {key: multiply(a, b, self._side)})
        return total

    def _add_to(self, total: SampleForm, extra: SampleForm) -> None:
        for key, value in extra.items():
            total[key] = add(total[key], value, self._side) if key in total else value


def mean_form(form: SampleForm, side: Side = Side.ABOVE) -> dict[Monomial, fmpq]:
    """Rational bounds of the means of the coefficients."""
    return {monomial: mean_beyond(values, side) for monomial, values in form.items()}
