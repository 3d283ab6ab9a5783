"""Strategies for activations: rows of the catalogue with their parameters, and functions given by pieces."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from fractions import Fraction

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from numerics.errors import NumericsError
from proofs.kernel.exact_values import AT_ZERO, exact_value
from proofs.kernel.univariate import Expression, Univariate, argument, call, constant, piecewise
from proofs.network import CATALOGUE, activation

__all__ = ["BOUNDED_SLOPES", "CONTINUOUS", "JUMPING", "SMOOTH", "activations", "piecewise_activations"]

# These jump, so no secant slope bounds them; the order is that of shrinking.
JUMPING = ("sign", "round")
_FIRST = ("identity", "relu", "square", "tanh", "sigmoid", "sin", "softplus", "silu", "gelu", "gelu_tanh",
          "mish", "elu", "celu", "selu", "softsign", "hardswish", "abs", "leaky_relu")  # fmt: skip
# Smooth ones first, then those with curved pieces, then straight ones, so that shrinking passes from each
# to a simpler one of its kind.
CONTINUOUS = (*_FIRST, *(name for name in CATALOGUE if name not in (*_FIRST, *JUMPING)))
# |sigma'| is bounded on all of R.
BOUNDED_SLOPES = tuple(name for name in CONTINUOUS if name != "square")
# Functions of the expression language that are analytic on R and rational at 0.
SMOOTH = tuple(AT_ZERO)

_SMALL = st.fractions(-2, 2, max_denominator=4)
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
    *,
    continuous: bool = True,
    bounded_slopes: bool = True,
    pieces: bool = True,
    smooth_pieces: bool = False,
) -> SearchStrategy[Univariate]:
    """Activations of the catalogue, with default or random parameters, and random pieces.

    Args:
        continuous: leave out functions that jump.
        bounded_slopes: leave out functions with an unbounded derivative.
        pieces: also draw functions that a user could give by pieces.
        smooth_pieces: pieces not of polynomials alone; see `piecewise_activations`.

    Shrinks to identity, then along `CONTINUOUS`; parameters to the catalogue's defaults.
    """
    names = BOUNDED_SLOPES if bounded_slopes else CONTINUOUS
    chosen = _named(names if continuous else (*names, *JUMPING))
    if not pieces:
        return chosen
    own = piecewise_activations(
        continuous=continuous, bounded_slopes=bounded_slopes, smooth_pieces=smooth_pieces
    )
    return st.one_of(chosen, own)


@st.composite
def piecewise_activations(
    draw: DrawFn,
    *,
    continuous: bool = True,
    bounded_slopes: bool = True,
    max_kinks: int = 3,
    smooth_pieces: bool = False,
) -> Univariate:
    """Functions of 1 to max_kinks + 1 pieces with rational kinks.

    Pieces are polynomials of degree at most 2; with `smooth_pieces` some have a summand
    a f(c (t - k)), f one of `SMOOTH` and k a kink that the piece ends at, or any point where there
    is no kink.  With `continuous` each piece starts at the value where its left neighbour ends; since
    that must be rational, only the two outer pieces then have such a summand.  With `bounded_slopes`
    the polynomials of the outer pieces are straight lines, and exp only decays on them.
    Shrinks to the zero function on one piece.
    """
    gaps = draw(st.lists(st.fractions(Fraction(1, 4), 2, max_denominator=4), max_size=max_kinks))
    first = draw(_SMALL)
    kinks = [first + sum(gaps[:index], Fraction(0)) for index in range(len(gaps))]
    expressions: list[Expression] = []
    for index in range(len(kinks) + 1):
        outer = index in (0, len(kinks))
        bend = Fraction(0) if outer and bounded_slopes else draw(_SMALL)
        expression = argument().scaled(draw(_SMALL)) + (argument() * argument()).scaled(bend)
        if smooth_pieces and (outer or not continuous):
            is_open = (index == 0, index == len(kinks)) if bounded_slopes else (False, False)
            expression += draw(_smooth_parts(kinks[max(index - 1, 0)] if kinks else first, *is_open))
        offset = draw(_SMALL)
        if continuous and index > 0:
            kink = kinks[index - 1]
            offset = _at(expressions[-1], kink) - _at(expression, kink)
        expressions.append(expression + constant(offset))
    return piecewise(_name_of(kinks, expressions), {}, kinks, expressions)


@st.composite
def _smooth_parts(draw: DrawFn, point: Fraction, open_left: bool, open_right: bool) -> Expression:
    """Zero, or a f(c (t - point)), whose slope is bounded where t tends to an open end."""
    names = [name for name in SMOOTH if name != "exp" or not (open_left and open_right)]
    name = draw(st.sampled_from([None, *names]))
    if name is None:
        return constant(0)
    size, rate = draw(_SMALL), draw(st.fractions(Fraction(1, 4), 2, max_denominator=4))
    decays = name == "exp" and (open_left or open_right)
    is_reversed = open_right if decays else draw(st.booleans())
    inside = (argument() + constant(-point)).scaled(-rate if is_reversed else rate)
    return call(name, inside).scaled(size)


def _name_of(kinks: Iterable[Fraction], expressions: Iterable[Expression]) -> str:
    """A name by content: a network has one function of each name."""
    content = repr((list(kinks), list(expressions))).encode()
    return "own" + hashlib.blake2b(content, digest_size=4).hexdigest()


def _at(expression: Expression, point: Fraction) -> Fraction:
    """The value at a kink: of a polynomial, or of calls whose argument is 0 there."""
    value = exact_value(expression, point)
    if value is None:
        raise NumericsError(f"expected a rational value at {point} of {expression}")
    return value
