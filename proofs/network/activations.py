"""The catalogue of entrywise activations, each a table row of pieces (ACT of the theory)."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from fractions import Fraction

from proofs.errors import NetworkError
from proofs.kernel.univariate import (
    Expression,
    Univariate,
    argument,
    call,
    constant,
    number_pi,
    periodic,
    piecewise,
)

__all__ = ["CATALOGUE", "activation"]

T = argument()
ZERO = constant(0)
ONE = constant(1)

# The constants of Klambauer et al., "Self-normalizing neural networks", 2017, as the decimal
# numbers that common libraries use.
SELU_ALPHA = Fraction("1.6732632423543772848170429916717")
SELU_SCALE = Fraction("1.0507009873554804934193349852946")

Parameters = Mapping[str, Fraction]


def _smooth(expression: Expression) -> Callable[[str, Parameters], Univariate]:
    return lambda name, parameters: piecewise(name, parameters, [], [expression])


def _pieces(*parts: Expression | int | str) -> Callable[[str, Parameters], Univariate]:
    """Alternating expressions and kinks, from left to right."""
    expressions = [part for part in parts if isinstance(part, Expression)]
    kinks = [Fraction(part) for part in parts if not isinstance(part, Expression)]
    return lambda name, parameters: piecewise(name, parameters, kinks, expressions)


def _leaky_relu(name: str, p: Parameters) -> Univariate:
    return piecewise(name, p, [0], [T.scaled(p["slope"]), T])


def _elu(name: str, p: Parameters) -> Univariate:
    below = (call("exp") + constant(-1)).scaled(p["alpha"])
    return piecewise(name, p, [0], [below, T])


def _celu(name: str, p: Parameters) -> Univariate:
    alpha = p["alpha"]
    if alpha <= 0:
        raise NetworkError(f"expected celu with alpha > 0 but got alpha={alpha}")
    below = (call("exp", 1 / alpha) + constant(-1)).scaled(alpha)
    return piecewise(name, p, [0], [below, T])


def _selu(name: str, p: Parameters) -> Univariate:
    below = (call("exp") + constant(-1)).scaled(SELU_SCALE * SELU_ALPHA)
    return piecewise(name, p, [0], [below, T.scaled(SELU_SCALE)])


def _softplus(name: str, p: Parameters) -> Univariate:
    beta = p["beta"]
    if beta <= 0:
        raise NetworkError(f"expected softplus with beta > 0 but got beta={beta}")
    return piecewise(name, p, [], [call("softplus", beta).scaled(1 / beta)])


def _gelu_tanh(name: str, p: Parameters) -> Univariate:
    # t/2 (1 + tanh(sqrt(2/pi) (t + 0.044715 t^3))).
    root = call("sqrt", call("inverse", number_pi()).scaled(Fraction(2)))
    inside = root * (T + T.power(3).scaled(Fraction("0.044715")))
    return piecewise(name, p, [], [(T * (ONE + call("tanh", inside))).scaled(Fraction(1, 2))])


def _sign(name: str, p: Parameters) -> Univariate:
    return piecewise(name, p, [0], [constant(-1), ONE], {Fraction(0): Fraction(0)})


def _round(name: str, p: Parameters) -> Univariate:
    # Halves go to the even neighbour, so the pattern repeats after 2.
    half = Fraction(1, 2)
    values = {-half: Fraction(0), half: Fraction(0)}
    return periodic(name, [-half, half, 3 * half], [ZERO, ONE], drift=2, values=values)


def _triangle(name: str, p: Parameters) -> Univariate:
    # Distance to the nearest multiple of 4, minus 1: -1 at 0, 1 at 2.
    return periodic(name, [0, 2, 4], [T + constant(-1), constant(3) + T.scaled(Fraction(-1))])


def _abs_sin(name: str, p: Parameters) -> Univariate:
    return periodic(name, [0, 1], [call("sin")], in_pi=True)


_HARDSIGMOID = T.scaled(Fraction(1, 6)) + constant(Fraction(1, 2))

Builder = Callable[[str, Parameters], Univariate]

# name -> (default parameters, builder)
CATALOGUE: dict[str, tuple[dict[str, Fraction], Builder]] = {
    "identity": ({}, _smooth(T)),
    "relu": ({}, _pieces(ZERO, 0, T)),
    "leaky_relu": ({"slope": Fraction(1, 100)}, _leaky_relu),
    "abs": ({}, _pieces(T.scaled(Fraction(-1)), 0, T)),
    "relu6": ({}, _pieces(ZERO, 0, T, 6, constant(6))),
    "hardtanh": ({}, _pieces(constant(-1), -1, T, 1, ONE)),
    "hardsigmoid": ({}, _pieces(ZERO, -3, _HARDSIGMOID, 3, ONE)),
    "hardswish": ({}, _pieces(ZERO, -3, T * _HARDSIGMOID, 3, T)),
    "square": ({}, _smooth(T * T)),
    "sigmoid": ({}, _smooth(call("sigmoid"))),
    "tanh": ({}, _smooth(call("tanh"))),
    "softplus": ({"beta": Fraction(1)}, _softplus),
    "elu": ({"alpha": Fraction(1)}, _elu),
    "celu": ({"alpha": Fraction(1)}, _celu),
    "selu": ({}, _selu),
    "silu": ({}, _smooth(T * call("sigmoid"))),
    "gelu": ({}, _smooth(T * call("normal_cdf"))),
    "gelu_tanh": ({}, _gelu_tanh),
    "mish": ({}, _smooth(T * call("tanh", call("softplus")))),
    "softsign": (
        {},
        _pieces(T * call("inverse", ONE + T.scaled(Fraction(-1))), 0, T * call("inverse", ONE + T)),
    ),
    "sin": ({}, _smooth(call("sin"))),
    "round": ({}, _round),
    "sign": ({}, _sign),
    "triangle": ({}, _triangle),
    "abs_sin": ({}, _abs_sin),
}


def activation(name: str, **parameters: Fraction | int | str) -> Univariate:
    """The catalogue's activation of that name, e.g. `activation("leaky_relu", slope="1/10")`.

    Args:
        name: one of `CATALOGUE`.
        **parameters: rational numbers; defaults are those of the catalogue.

    Returns:
        The function as pieces; its derivatives and constants are derived from them.

    Raises:
        NetworkError: for an unknown name or parameter, or a value outside the definition.
    """
    if name not in CATALOGUE:
        close = difflib.get_close_matches(name, CATALOGUE, 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        known = ", ".join(sorted(CATALOGUE))
        raise NetworkError(f"expected an activation among {known} but got {name!r}{hint}")
    defaults, build = CATALOGUE[name]
    unknown = sorted(set(parameters) - set(defaults))
    if unknown:
        known = ", ".join(defaults) or "none"
        raise NetworkError(f"expected parameters of {name} among: {known} but got {unknown[0]!r}")
    values = dict(defaults)
    for key, value in parameters.items():
        if isinstance(value, float):
            raise NetworkError(f"expected {name} {key} as an exact number but got the float {value}")
        values[key] = Fraction(value)
    return build(name, values)
