"""Strategies for activations: rows of the catalogue with their parameters, and functions given by pieces."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from fractions import Fraction

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from proofs.kernel.univariate import Expression, Univariate, argument, constant, piecewise
from proofs.network import CATALOGUE, activation

__all__ = ["BOUNDED_SLOPES", "CONTINUOUS", "JUMPING", "activations", "piecewise_activations"]

# These jump, so no secant slope bounds them; the order is that of shrinking.
JUMPING = ("sign", "round")
_FIRST = ("identity", "relu", "square", "tanh", "sigmoid", "sin", "softplus", "silu", "gelu", "gelu_tanh",
          "mish", "elu", "celu", "selu", "softsign", "hardswish", "abs", "leaky_relu")  # fmt: skip
# Smooth ones first, then those with curved pieces, then straight ones, so that shrinking passes from each
# to a simpler one of its kind.
CONTINUOUS = (*_FIRST, *(name for name in CATALOGUE if name not in (*_FIRST, *JUMPING)))
# |sigma'| is bounded on all of R.
BOUNDED_SLOPES = tuple(name for name in CONTINUOUS if name != "square")

_PARAMETERS = {
    "leaky_relu": ("slope", Fraction(-1), Fraction(1)),
    "elu": ("alpha", Fraction(-2), Fraction(2)),
    "celu": ("alpha", Fraction(1, 4), Fraction(2)),
    "softplus": ("beta", Fraction(1, 4), Fraction(3)),
}


@st.composite
def _named(draw: DrawFn, names: Sequence[str]) -> Univariate:
    name = draw(st.sampled_from(tuple(names)))
    # Drawn for every name, so that shrinking passes from a name with parameters to one without.
    is_changed = draw(st.booleans())
    if name not in _PARAMETERS or not is_changed:
        return activation(name)
    key, least, most = _PARAMETERS[name]
    value = draw(st.fractions(least, most, max_denominator=8))
    return activation(name, **{key: value})


def activations(
    *, continuous: bool = True, bounded_slopes: bool = True, pieces: bool = True
) -> SearchStrategy[Univariate]:
    """Activations of the catalogue, with default or random parameters, and random pieces.

    Args:
        continuous: leave out functions that jump.
        bounded_slopes: leave out functions with an unbounded derivative.
        pieces: also draw functions that a user could give by pieces.

    Shrinks to identity, then along `CONTINUOUS`; parameters to the catalogue's defaults.
    """
    names = BOUNDED_SLOPES if bounded_slopes else CONTINUOUS
    chosen = _named(names if continuous else (*names, *JUMPING))
    if not pieces:
        return chosen
    return st.one_of(chosen, piecewise_activations(continuous=continuous, bounded_slopes=bounded_slopes))


@st.composite
def piecewise_activations(
    draw: DrawFn, *, continuous: bool = True, bounded_slopes: bool = True, max_kinks: int = 3
) -> Univariate:
    """Functions of 1 to max_kinks + 1 polynomial pieces of degree at most 2, kinks rational.

    With `continuous` each piece starts at the value where its left neighbour ends; with
    `bounded_slopes` the outer pieces are straight lines.  Shrinks to the zero function on one piece.
    """
    gaps = draw(st.lists(st.fractions(Fraction(1, 4), 2, max_denominator=4), max_size=max_kinks))
    first = draw(st.fractions(-2, 2, max_denominator=4))
    kinks = [first + sum(gaps[:index], Fraction(0)) for index in range(len(gaps))]
    small = st.fractions(-2, 2, max_denominator=4)
    expressions: list[Expression] = []
    for index in range(len(kinks) + 1):
        outer = index in (0, len(kinks))
        bend = Fraction(0) if outer and bounded_slopes else draw(small)
        expression = argument().scaled(draw(small)) + (argument() * argument()).scaled(bend)
        offset = draw(small)
        if continuous and index > 0:
            kink = kinks[index - 1]
            offset = _at(expressions[-1], kink) - _at(expression, kink)
        expressions.append(expression + constant(offset))
    return piecewise(_name_of(kinks, expressions), {}, kinks, expressions)


def _name_of(kinks: Iterable[Fraction], expressions: Iterable[Expression]) -> str:
    """A name by content: a network has one function of each name."""
    content = repr((list(kinks), list(expressions))).encode()
    return "own" + hashlib.blake2b(content, digest_size=4).hexdigest()


def _at(expression: Expression, point: Fraction) -> Fraction:
    """The value of a polynomial at a rational point."""
    return sum((c * point**degree for (degree, _), c in expression.terms), Fraction(0))
