"""The functions and constants of the language, each reduced to calls that the kernel knows."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from fractions import Fraction

from proofs.errors import KernelError
from proofs.kernel.exact_values import exact_value, rational_root
from proofs.kernel.univariate import Expression, argument, call, constant, number_pi

from ._tokens import Token, refusal

__all__ = ["CONSTANTS", "FUNCTIONS", "NAMES", "apply_function", "inverse_of", "unknown_name"]

_HALF = Fraction(1, 2)
_MINUS = Fraction(-1)

Function = Callable[[Expression], Expression]


def rational_of(expression: Expression) -> Fraction | None:
    """The number that an expression without t and calls is, else None."""
    if all(monomial == (0, ()) for monomial, _ in expression.terms):
        return sum((value for _, value in expression.terms), Fraction(0))
    return None


def _known(name: str) -> Function:
    """A call that is defined everywhere; its exact value where that is visible, as at 0."""

    def build(inside: Expression) -> Expression:
        if inside.terms:
            return call(name, inside)
        value = exact_value(call(name), Fraction(0))
        if value is None:
            raise KernelError(f"no value of {name} at 0 is known")
        return constant(value)

    return build


def _softplus(inside: Expression) -> Expression:
    return call("softplus", inside) if inside.terms else _log(constant(2))


def _normal_pdf(inside: Expression) -> Expression:
    # Phi'(0) = 1 / sqrt(2 pi).
    return call("normal_pdf", inside) if inside.terms else inverse_of(_sqrt(number_pi().scaled(Fraction(2))))


def _erf(inside: Expression) -> Expression:
    # erf(x) = 2 Phi(sqrt(2) x) - 1.
    return _known("normal_cdf")(_sqrt(constant(2)) * inside).scaled(Fraction(2)) + constant(-1)


def _sqrt(inside: Expression) -> Expression:
    value = rational_of(inside)
    if value is None:
        return call("sqrt", inside)
    if value < 0:
        raise KernelError(f"the square root of {value} is no real number")
    root = rational_root(value)
    return call("sqrt", inside) if root is None else constant(root)


def _log(inside: Expression) -> Expression:
    value = rational_of(inside)
    if value is not None and value <= 0:
        raise KernelError(f"the logarithm of {value} is no real number")
    return constant(0) if value == 1 else call("log", inside)


def _sinh(inside: Expression) -> Expression:
    up, down = _known("exp")(inside), _known("exp")(inside.scaled(_MINUS))
    return up.scaled(_HALF) + down.scaled(-_HALF)


def _cosh(inside: Expression) -> Expression:
    up, down = _known("exp")(inside), _known("exp")(inside.scaled(_MINUS))
    return up.scaled(_HALF) + down.scaled(_HALF)


def _tan(inside: Expression) -> Expression:
    return _known("sin")(inside) * inverse_of(_known("cos")(inside))


def inverse_of(expression: Expression) -> Expression:
    """1/e; of a visible number the number."""
    value = rational_of(expression)
    if value == 0:
        raise KernelError("the divisor is 0")
    return call("inverse", expression) if value is None else constant(1 / value)


FUNCTIONS: dict[str, Function] = {
    "exp": _known("exp"), "tanh": _known("tanh"), "sigmoid": _known("sigmoid"), "softplus": _softplus,
    "erf": _erf, "Phi": _known("normal_cdf"), "normal_pdf": _normal_pdf, "sin": _known("sin"),
    "cos": _known("cos"), "tan": _tan, "sinh": _sinh, "cosh": _cosh, "sqrt": _sqrt, "log": _log,
}  # fmt: skip
CONSTANTS: dict[str, Expression] = {"t": argument(), "pi": number_pi(), "e": call("exp", constant(1))}
NAMES = (*CONSTANTS, *FUNCTIONS)

_SAID_BY_PIECES = ("abs", "max", "min", "relu", "sign", "where", "round", "floor", "heaviside")
_ALIASES = {"x": "t", "z": "t", "T": "t", "ln": "log", "logistic": "sigmoid", "phi": "Phi",
            "normal_cdf": "Phi", "E": "e"}  # fmt: skip


def apply_function(name: Token, inside: Expression) -> Expression:
    """The named function of an expression.

    Raises:
        ProblemError: with the column, for an unknown function or a number outside its domain.
    """
    if name.text not in FUNCTIONS:
        raise unknown_name(name)
    try:
        return FUNCTIONS[name.text](inside)
    except KernelError as error:
        message = f"expected a suitable argument of {name.text}, but {error}"
        raise refusal(name.column, message, "correct it") from None


def unknown_name(name: Token) -> Exception:
    """The refusal of a name, with what was perhaps meant."""
    listed = f"t, pi, e and the functions {', '.join(FUNCTIONS)}"
    message = f"expected {listed} but got {name.shown()}"
    if name.text in _SAID_BY_PIECES:
        return refusal(name.column, message, "write a piece on each side of the kink instead")
    close = _ALIASES.get(name.text) or next(iter(difflib.get_close_matches(name.text, NAMES, 1, 0.7)), None)
    return refusal(name.column, message, f"did you mean {close}?" if close else "use one of these")
